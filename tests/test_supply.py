"""What is installed and loaded: pinned weights, free licences, nothing that could run as code."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from miner import engines, shipped
from miner.errors import ModelRefused

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("crawler", "miner", "dashboard", "console")


def test_the_list_of_pinned_digests_is_that_of_the_shipped_weights() -> None:
    """Where this fails the weights were trained anew: run `python training/pin.py`."""
    assert json.loads(shipped.PINS.read_text(encoding="utf-8")) == shipped.digests()


@pytest.mark.parametrize("how", ["changed", "gone", "added"])
def test_weights_that_were_not_shipped_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Changed, gone or added: named before anything of them is read."""
    for folder in ("crawler/weights", "miner/weights"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert list(shipped.damaged_weights(tmp_path)) == []
    path = tmp_path / "miner/weights/sieve.json"
    if how == "changed":
        path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    elif how == "gone":
        path.unlink()
    else:
        path = path.with_name("more.safetensors")
        path.write_bytes(b"x")
    (found,) = shipped.damaged_weights(tmp_path)
    assert found.place == f"miner/weights/{path.name}"
    shipped.verify.cache_clear()
    monkeypatch.setattr(shipped, "damaged_weights", lambda: iter([found]))
    with pytest.raises(ModelRefused, match=path.name):
        engines.load("fast")
    shipped.verify.cache_clear()


UNPICKLERS = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal",
    "jsonpickle",
}  # fmt: skip
READERS = {"read_pickle", "torch.load", "load_pickle", "yaml.load", "yaml.unsafe_load"}


def sources() -> Iterator[tuple[str, ast.AST]]:
    """Every module that is shipped, parsed."""
    for path in [ROOT / "folkgrade.py", *(p for n in PACKAGES for p in (ROOT / n).rglob("*.py"))]:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_nothing_is_unpickled_or_run_as_code() -> None:
    """No module imports what reads pickles, or calls `eval`, `exec` or a loader of objects."""
    wrong = []
    for name, tree in sources():
        for node in ast.walk(tree):
            wrong += [f"{name}: {what}" for what in _risks(node)]
    assert not wrong


def _risks(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS)
    elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
        yield str(node.module)
    elif isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called in {"eval", "exec", "compile", "__import__"} or called.endswith(tuple(READERS)):
            yield called
        given = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if called in {"np.load", "numpy.load"} and given.get("allow_pickle", "False") != "False":
            yield f"{called} of objects"
        if given.get("trust_remote_code", "False") != "False" or given.get("shell") == "True":
            yield f"{called} with {given}"


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from joblib import load", "torch.load(p)", "pd.read_pickle(p)", "eval(x)",
        "np.load(p, allow_pickle=True)", "f(trust_remote_code=True)", "run(x, shell=True)",
    ],
)  # fmt: skip
def test_the_look_for_unpickling_finds_it(line: str) -> None:
    """The rule above can fail."""
    assert [risk for node in ast.walk(ast.parse(line)) for risk in _risks(node)]


FREE = (
    "mit", "bsd", "apache", "isc", "python software foundation", "psf", "mozilla", "mpl", "zlib",
    "unlicense", "public domain", "hpnd", "cc0", "0bsd", "boost", "zpl", "zope",
)  # fmt: skip
"""Licences that ask for no more than to be named, or, MPL, for changes to their own files."""
ALLOWED = {"tld": "MPL, of three licences to choose from"}
"""What is none of these, or more than one, and why it may be here."""


def installed() -> dict[str, list[str]]:
    """What the default install brings, package by package, and who asked for it."""
    found: dict[str, list[str]] = {}
    queue = [("folkgrade", "folkgrade")]
    while queue:
        name, parent = queue.pop()
        key = canonicalize_name(name)
        found.setdefault(key, []).append(parent)
        if len(found[key]) > 1:
            continue
        try:
            wanted = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for line in wanted:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                queue.append((need.name, key))
    return found


def licence(name: str) -> str:
    """All that a package says of its licence, in small letters."""
    data = distribution(name).metadata
    said = [data.get("License-Expression"), (data.get("License") or "")[:200]]
    said += [line for line in data.get_all("Classifier") or [] if line.startswith("License")]
    return " ".join(line for line in said if line).lower()


def test_the_default_install_has_free_licences_and_no_gpl() -> None:
    """Every package that comes along, by what it says itself; exceptions have their reason."""
    wrong = {}
    names = installed()
    assert len(names) > 50
    assert ALLOWED.keys() <= names.keys()
    for name in names:
        try:
            said = licence(name)
        except PackageNotFoundError:
            continue
        free = any(word in said for word in FREE)
        bound = "gpl" in said.replace("lgpl", "") or "general public" in said or "lgpl" in said
        if name not in ALLOWED and (bound or not free):
            wrong[name] = (said[:120], names[name])
    assert not wrong


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([{"name": "a", "skip_reason": "not found"}], 3, "nothing was looked for"),
        ([], 3, "nothing was looked for"),
        ([{"name": "a", "version": "1", "vulns": []}], 0, "packages asked about: 1"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}],
            1,
            "a 1: X-1, mended in 2",
        ),
    ],
)
def test_an_audit_that_could_ask_nobody_does_not_say_that_all_is_well(
    packages: list[dict[str, object]], code: int, words: str
) -> None:
    """A weakness ends with 1, a list that cannot be reached with 3."""
    run = subprocess.run(
        [sys.executable, ROOT / ".ci" / "audit.py"],
        input=json.dumps({"dependencies": packages}), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == code
    assert words in run.stderr
