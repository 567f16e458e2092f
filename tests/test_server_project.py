"""A project whose database is on a server: every command does and says what it does with a file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import folkgrade
from console.project import Project, make_project

pytestmark = pytest.mark.postgres

KEY = bytes(range(32))
OUTCOMES = ("helped a lot", "made it worse", "did nothing for me")
REMEDIES = ("heel drops", "ice", "calf raises", "flat shoes")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLKGRADE_MINE__EMBEDDER", "tfidf")
        yield patch


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Run:
    """Types a command; gives back its exit code and what it said on stdout and stderr."""

    def typed(*words: object) -> tuple[int, str, str]:
        patch.setattr(sys, "argv", ["folkgrade", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            folkgrade.main()
        seen = capsys.readouterr()
        return int(end.value.code or 0), seen.out, seen.err

    return typed


def made(folder: Path, database: str | None = None) -> Path:
    """A project folder, its threads beside it; with the same key, the same pseudonyms."""
    settings = make_project(folder, "Heels")
    if database:
        file = 'database = "data/folkgrade.db"'
        text = settings.read_text(encoding="utf-8")
        assert file in text
        settings.write_text(text.replace(file, f'database = "{database}"'), encoding="utf-8")
    key = folder / "data" / "pseudonyms.key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    rows = [
        {"kind": "thread", "url": f"https://rows.example/t/{number}", "title": "Sore heel",
         "posts": [{"id": str(n), "author": f"member_{n}", "written": f"2026-05-{n + 1:02}",
                    "text": f"I tried {remedy} for my sore heel and it {OUTCOMES[n % 3]}."}
                   for n, remedy in enumerate(REMEDIES * 3)]}
        for number in range(2)
    ]  # fmt: skip
    rows.append({"kind": "article", "url": "https://clinic.example/heel", "title": "The sore heel",
                 "text": "Heel drops help most people with a sore heel."})  # fmt: skip
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Callable[[], str],
    patch: pytest.MonkeyPatch,
) -> tuple[Path, Path]:
    """The same project with a file and with a server, collected and mined."""
    base = tmp_path_factory.mktemp("both")
    folders = made(base / "file" / "heels"), made(base / "server" / "heels", postgres())
    for folder in folders:
        for words in (["import", str(folder / "rows.jsonl")], ["mine", "--fast"]):
            patch.setattr(sys, "argv", ["folkgrade", *words, "-p", str(folder)])
            with pytest.raises(SystemExit) as end:
                folkgrade.main()
            assert not end.value.code
    return folders


MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?")
SECONDS = re.compile(r'"(\w+)": \d+\.\d+')


def told(said: tuple[int, str, str], folder: Path) -> tuple[int, str, str]:
    """What a command said, less where, when and how long."""
    code, *parts = said
    out, err = (MOMENT.sub("then", part.replace(str(folder), ".")) for part in parts)
    return code, SECONDS.sub(r'"\1": n', out), err


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("status", "--check"),
    ("themes",),
    ("themes", "--json"),
    ("gaps", "--json"),
    ("gaps", "--questions"),
    ("search", "heel drop", "--json", "--limit", "99"),
    ("search", "ice", "--mode", "words", "--limit", "99"),
    ("search", "heel drops", "--mode", "meaning", "--limit", "99"),
    ("brief", "heel drops"),
    ("mine", "--fast"),
    ("literature", "--dry-run"),
)


def test_every_command_says_the_same(both: tuple[Path, Path], run: Run) -> None:
    """What is shown, found and looked through, word for word."""
    for words in COMMANDS:
        with_file, with_server = (told(run(*words, "-p", folder), folder) for folder in both)
        if words[0] == "search":  # what is equally near comes in any order
            answers = [sorted(said[1].splitlines()) for said in (with_file, with_server)]
            assert answers[1] == answers[0] != [], words
            assert with_server[1].splitlines()[:1] == with_file[1].splitlines()[:1]
            continue
        assert with_server == with_file, words
        assert with_server[0] == 0, words
        assert with_server[1] or with_server[2], words


def test_what_is_written_is_the_same(both: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    """Exports byte by byte, and a digest."""
    for words in (("export", "csv"), ("export", "jsonl"), ("digest", "--format", "md")):
        files = []
        for folder in both:
            out = tmp_path / f"{folder.parent.name}-{words[1]}"
            code, _, said = run(*words, "--out", out, "-p", folder)
            assert code == 0, said
            found = [out] if out.is_file() else sorted(p for p in out.rglob("*") if p.is_file())
            files.append([MOMENT.sub("then", p.read_text(encoding="utf-8")) for p in found])
        assert files[0] == files[1] != [], words


def test_a_backup_of_a_server_is_a_project_again(
    both: tuple[Path, Path],
    run: Run,
    tmp_path: Path,
    postgres: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a file, and on another server; what is there already is not written over."""
    backup = tmp_path / "heels.zip"
    code, _, said = run("backup", "--with-key", backup, "-p", both[1])
    assert code == 0, said
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    wanted = told(run("themes", "--json", "-p", both[1]), both[1])

    code, _, said = run("restore", backup, tmp_path / "used")
    assert code == 1
    assert "it is in use already. What was restored is in data/folkgrade.db" in said

    for name, address in (("as_file", "data/folkgrade.db"), ("on_server", postgres())):
        monkeypatch.setenv("FOLKGRADE_PROJECT__DATABASE", address)
        folder = tmp_path / name
        code, _, said = run("restore", backup, folder)
        assert code == 0, said
        assert (folder / "data" / "folkgrade.db").exists() == (name == "as_file")
        assert told(run("themes", "--json", "-p", folder), folder) == wanted
        assert run("status", "--check", "-p", folder)[:2] == (0, "All is whole.\n")
        code, _, said = run("mine", "--fast", "--force", "-p", folder)
        assert (code, "Run 2:" in said) == (0, True), said
        assert run("search", "heel", "--mode", "words", "-p", folder)[1]


def test_a_project_without_its_server_is_one_line(tmp_path: Path, run: Run) -> None:
    """Exit code and line for a server that is not there, without the password in the address."""
    folder = made(tmp_path / "heels", "postgresql://folkgrade:s3cret@127.0.0.1:1/hips")
    backup = ("backup", tmp_path / "x.zip")
    for words in (("status",), ("status", "--check"), ("mine",), ("dashboard",), backup):
        code, _, said = run(*words, "-p", folder)
        assert code in (1, 4), words
        assert "no server answers at 127.0.0.1" in said
        assert "s3cret" not in said
        assert len(said.strip().splitlines()) == 1, said


def test_forgetting_leaves_nothing_on_the_server(both: tuple[Path, Path], run: Run) -> None:
    """A member is forgotten alike, and no table and no statistic of the server has their words."""
    knowledge = Project(both[1]).stores()[1]
    author = next(claim.author for claim in knowledge.claims() if claim.author)
    said = [told(run("forget", author, "-p", folder), folder) for folder in both]
    assert said[0] == said[1]
    assert said[1][0] == 0
    assert author
    with knowledge.engine.connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        ).scalars()
        for name in names.all():
            rows = connection.exec_driver_sql(f'SELECT t::text FROM "{name}" AS t').scalars()
            assert not [row for row in rows if author in row], name
    knowledge.engine.dispose()
