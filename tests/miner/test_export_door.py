"""Exports and digests as a person asks for them: commands, data frames, documents."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import folkgrade
import miner
from console.flags import EXPORT_FORMATS, DigestForm
from console.project import Project, make_project
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.leases import alone
from miner.export import EXPORTERS
from miner.frames import NoProject, Results
from miner.knowledge import Knowledge
from miner.letters import FORMATS
from miner.model import Decision

ROOT = Path(__file__).resolve().parents[2]
Build = Callable[[Corpus, Knowledge], None]


@pytest.fixture
def folder(tmp_path: Path, build: Build) -> Path:
    """A project folder that was mined."""
    make_project(tmp_path / "heels", "Heels")
    engine = open_database(str(tmp_path / "heels" / "data" / "folkgrade.db"))
    build(Corpus(engine), Knowledge(engine))
    engine.dispose()
    return tmp_path / "heels"


def typed(*words: str | Path, cwd: Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["folkgrade", *map(str, words)]),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        folkgrade.main()
    return int(end.value.code or 0), out.getvalue(), err.getvalue()


def test_an_export_lies_where_the_command_says(folder: Path) -> None:
    """Without a name it goes into the current folder; what it would give away is said."""
    code, out, err = typed("export", "xlsx", cwd=folder)
    assert (code, out) == (0, "")
    assert (folder / "folkgrade-xlsx-run1.xlsx").is_file()
    assert "0 of 8 kept quotes could be found again" in err


def test_quotes_are_kept_only_when_asked_for(folder: Path) -> None:
    """The flag reaches the files."""
    for policy, words in (("none", False), ("full", True)):
        assert typed("export", "jsonl", "--quotes", policy, "--out", policy, cwd=folder)[0] == 0
        assert ("calmed it" in (folder / policy / "claims.jsonl").read_text("utf-8")) is words


def test_the_check_lists_what_a_search_finds_and_writes_nothing(folder: Path) -> None:
    """A line for each quote: id, words in a row, texts that hold them, and the words."""
    before = set(folder.rglob("*"))
    code, out, _ = typed("export", "csv", "--quotes", "full", "--check", cwd=folder)
    assert code == 0
    assert len(out.splitlines()) == 6
    assert all(re.match(r"[0-9a-f]{16}\t\d+\t1\t\S", line) for line in out.splitlines())
    assert {path for path in folder.rglob("*") if path.suffix not in (".db-wal", ".db-shm")} <= (
        before
    )


def test_mistakes_are_one_line(folder: Path) -> None:
    """An unknown format, theme or day, and a target in the way."""
    (folder / "full").mkdir()
    (folder / "full" / "thesis.txt").write_text("kept")
    for words, code, said in (
        (("export", "docx"), 1, "known are"),
        (("export", "csv", "--theme", "rem-none"), 1, "rem-none"),
        (("export", "csv", "--out", "full"), 1, "empty folder"),
        (("digest", "--since", "lately"), 2, "lately"),
    ):
        found, _, err = typed(*words, cwd=folder)
        assert found == code
        assert said in err
        assert "Traceback" not in err


def test_a_digest_is_told_once(folder: Path) -> None:
    """The second one says that nothing changed; a file is written where one is named."""
    assert "New themes" in typed("digest", cwd=folder)[1]
    assert "Nothing changed." in typed("digest", cwd=folder)[1]
    assert typed("digest", "--format", "atom", "--out", "feed.atom", cwd=folder)[0] == 0
    assert (folder / "feed.atom").read_bytes().startswith(b"<?xml")
    assert "New themes" in typed("digest", "--since", "2020-01-01", cwd=folder)[1]


def test_one_run_at_a_time(folder: Path) -> None:
    """A run without sites says what is missing; a second one ends at once."""
    assert typed("run", cwd=folder)[0] == 4
    with (folder / "folkgrade.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[site]]\nurl = "https://forum.invalid/"\n')
    program = f"import folkgrade, sys; sys.argv = ['folkgrade', 'run', '-p', {str(folder)!r}]\n"
    program += "folkgrade.main()"
    with alone(folder / "data" / "run.lock", ["folkgrade run"]):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "folkgrade run: another" in done.stderr


# --- data frames ----------------------------------------------------------------------------------


def test_results_are_data_frames(folder: Path) -> None:
    """Counts, ids and missing numbers are as in the store."""
    project = miner.open_project(folder)
    assert isinstance(project, Results)
    assert list(project.themes.id) == ["rem-heel", "rem-slow", "cau-desk"]
    assert len(project.claims) == 7
    assert project.claims.start.dtype == "Int64"
    assert project.themes.level.isna().tolist() == [False, True, True]
    assert set(project.evidence.doi) == {"10.1234/heel_2020.1", "10.9999/chairs(2)", ""}
    assert project.gaps.score.tolist() == [50.0]
    assert project.about["run"] == 1
    assert "7 claims" in repr(project)
    assert len(project.contradictions) == 1
    assert (len(project.grades), len(project.studies), len(project.sources)) == (2, 2, 4)


def test_a_folder_that_is_no_project_is_one_clear_line(tmp_path: Path) -> None:
    """The error names the file that is missing."""
    with pytest.raises(NoProject, match=r"folkgrade\.toml"):
        miner.open_project(tmp_path)


def test_what_people_decided_since_the_run_is_exported(folder: Path) -> None:
    """A rejected claim is in no export, and the export says that decisions are newer."""
    knowledge = Project(folder).stores()[1]
    claim = knowledge.claims(theme="cau-desk")[0]
    when = datetime(2026, 6, 1, tzinfo=UTC)
    knowledge.decide(Decision(action="reject", target=claim.id, value={}, who="a", when=when))
    assert typed("export", "jsonl", "--quotes", "full", "--out", "out", cwd=folder)[0] == 0
    assert claim.id not in (folder / "out" / "claims.jsonl").read_text("utf-8")
    said = json.loads((folder / "out" / "about.json").read_text("utf-8"))
    assert said["filters"]["decisions since the run"] == "1"
    assert said["counts"]["claims"] == 6


# --- documents ------------------------------------------------------------------------------------


def shown(path: Path) -> list[str]:
    """Python code of a document, in order."""
    return re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def test_the_documented_examples_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of docs/python.md, one after the other, on a project of that name."""
    names: dict[str, Any] = {}
    (folder.parent / "hips").symlink_to(folder)
    with contextlib.chdir(folder.parent):
        for code in shown(ROOT / "docs" / "python.md"):
            exec(compile(code, "docs/python.md", "exec"), names)
    assert "heel drops" in capsys.readouterr().out


def test_the_notebook_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells run from the first to the last, and it is kept without outputs."""
    monkeypatch.setenv("FOLKGRADE_PROJECT", str(folder))
    book = json.loads((ROOT / "docs" / "notebook.ipynb").read_text("utf-8"))
    names: dict[str, Any] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert len(names["project"].themes) == 3


def test_an_exporter_of_ones_own_runs_as_documented(folder: Path, tmp_path: Path) -> None:
    """The example of docs/exports.md writes what it says."""
    from miner.export.archive import written
    from miner.export.gather import Wanted, gather

    names: dict[str, Any] = {}
    exec(compile(shown(ROOT / "docs" / "exports.md")[0], "docs/exports.md", "exec"), names)
    stores = Project(folder).stores()
    files = names["files"](gather(*stores, Wanted()))
    assert "heel drops" in written(files, tmp_path / "names.txt").read_text("utf-8")


@pytest.mark.parametrize("name", [*EXPORTERS, *FORMATS])
def test_every_format_is_documented(name: str) -> None:
    """docs/exports.md has a line for it, and the help of the command names it."""
    assert f"`{name}`" in (ROOT / "docs" / "exports.md").read_text("utf-8")
    named = [form.value for form in DigestForm]
    assert name in (EXPORT_FORMATS.rstrip(".").split(", ") + named)
