"""Backup, restore and the look for damage, as a person types them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import folkgrade
from console.project import Project, make_project

OUTCOMES = ("helped a lot", "made it worse", "did nothing for me")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command; gives back its exit code and what it said on stdout and stderr."""
    monkeypatch.setenv("FOLKGRADE_MINE__EMBEDDER", "tfidf")

    def typed(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["folkgrade", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            folkgrade.main()
        except SystemExit as end:
            code = int(end.code or 0)
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return typed


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project that was mined; tests work on copies."""
    folder = tmp_path_factory.mktemp("mined") / "heels"
    make_project(folder)
    texts = [
        f"I tried {remedy} for my sore heel and it {OUTCOMES[n % 3]}."
        for n, remedy in enumerate(("heel drops", "ice", "calf raises", "flat shoes") * 3)
    ]
    rows = [
        {"kind": "thread", "url": f"https://rows.example/t/{number}", "title": "Sore heel",
         "posts": [{"id": str(n), "author": f"member_{n}", "text": text}
                   for n, text in enumerate(texts)]}
        for number in range(2)
    ]  # fmt: skip
    dump = folder / "threads.jsonl"
    dump.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLKGRADE_MINE__EMBEDDER", "tfidf")
        for words in (["import", str(dump)], ["mine", "--fast"]):
            patch.setattr(sys, "argv", ["folkgrade", *words, "-p", str(folder)])
            with pytest.raises(SystemExit) as end:
                folkgrade.main()
            assert not end.value.code
    return folder


@pytest.fixture
def project(mined: Path, tmp_path: Path) -> Path:
    """A copy of the mined project."""
    return Path(shutil.copytree(mined, tmp_path / "heels"))


def database(project: Path) -> sqlite3.Connection:
    """The project's database, as somebody who meddles with it opens it."""
    return sqlite3.connect(project / "data" / "folkgrade.db", isolation_level=None)


def concluded(project: Path) -> list[object]:
    """Themes and claims of a project."""
    knowledge = Project(project).stores()[1]
    found = [*knowledge.themes(), *knowledge.claims()]
    knowledge.engine.dispose()
    return found


def test_a_restored_project_is_the_same_and_is_mined_the_same(
    project: Path, tmp_path: Path, run: Run
) -> None:
    """Nothing to do for the miner; where it is made to, it comes to the same."""
    file, again = tmp_path / "heels.zip", tmp_path / "again"
    code, _, said = run("backup", "--with-key", file, "-p", project)
    assert code == 0, said
    assert "Lock it away" in said
    assert file.stat().st_mode & 0o077 == 0
    code, _, said = run("restore", file, again)
    assert code == 0, said
    assert run("status", "--check", "-p", again)[:2] == (0, "All is whole.\n")
    assert (again / "data" / "pseudonyms.key").stat().st_mode & 0o077 == 0
    assert concluded(again) == concluded(project) != []
    assert run("mine", "--fast", "--force", "-p", again)[0] == 0
    assert concluded(again) == concluded(project)


def test_without_the_key_the_way_to_keep_it_is_said(
    project: Path, tmp_path: Path, run: Run
) -> None:
    """Nobody finds out too late that it was not in the backup."""
    file, again = tmp_path / "heels.zip", tmp_path / "again"
    assert "Keep a copy of" in run("backup", file, "-p", project)[2]
    with zipfile.ZipFile(file) as archive:
        assert "pseudonyms.key" not in archive.namelist()
    assert "The key was not in it" in run("restore", file, again)[2]
    code, said, _ = run("status", "--check", "-p", again)
    assert code == 1
    assert "pseudonyms.key: the key is missing" in said
    shutil.copy2(project / "data" / "pseudonyms.key", again / "data")
    assert run("status", "--check", "-p", again)[0] == 0


def test_nothing_is_written_over(project: Path, tmp_path: Path, run: Run) -> None:
    """Neither a file by a backup nor a project by a restore."""
    file = tmp_path / "heels.zip"
    assert run("backup", file, "-p", project)[0] == 0
    before = file.read_bytes()
    code, _, said = run("backup", file, "-p", project)
    assert (code, "is there already" in said) == (1, True)
    assert file.read_bytes() == before
    settings = (project / "folkgrade.toml").read_bytes()
    code, _, said = run("restore", file, project)
    assert (code, "is there already" in said) == (1, True)
    assert (project / "folkgrade.toml").read_bytes() == settings


def test_a_backup_beside_a_writer_is_of_one_moment(project: Path, tmp_path: Path, run: Run) -> None:
    """Two tables that somebody changes together are equal in it; nobody waits for anybody."""
    base = database(project)
    base.execute("CREATE TABLE one (n)")
    base.execute("CREATE TABLE two (n)")
    base.execute("CREATE TABLE bulk AS SELECT randomblob(4000) AS b FROM posts, posts AS more")
    base.close()
    stop = threading.Event()

    def write() -> None:
        own = database(project)
        number = 0
        while not stop.is_set():
            number += 1
            own.execute("BEGIN IMMEDIATE")
            own.execute("INSERT INTO one VALUES (?)", (number,))
            own.execute("INSERT INTO two VALUES (?)", (number,))
            own.execute("COMMIT")
        own.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert run("backup", tmp_path / "a.zip", "-p", project)[0] == 0
    finally:
        stop.set()
        writer.join()
    assert run("restore", tmp_path / "a.zip", tmp_path / "again")[0] == 0
    copy = database(tmp_path / "again")
    assert copy.execute("SELECT sum(n) FROM one").fetchone() == (
        copy.execute("SELECT sum(n) FROM two").fetchone()
    )
    copy.close()


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_a_damaged_backup_is_refused_and_nothing_is_restored(
    project: Path, tmp_path: Path, run: Run, place: float
) -> None:
    """Wherever it is damaged: one line, and no half project."""
    file = tmp_path / "heels.zip"
    assert run("backup", file, "-p", project)[0] == 0
    content = bytearray(file.read_bytes())
    at = int(len(content) * place)
    content[at : at + 64] = bytes(64)
    file.write_bytes(content)
    code, _, said = run("restore", file, tmp_path / "again")
    assert code == 1
    assert "Traceback" not in said
    assert "damaged" in said
    assert not [path for path in (tmp_path / "again").rglob("*") if path.is_file()]


def test_what_is_no_backup_is_refused(project: Path, tmp_path: Path, run: Run) -> None:
    """A text, a file that is not there, an archive of something else."""
    (tmp_path / "a.txt").write_text("not a backup")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("../../evil.txt", "x")
    for name, words in (("a.txt", "no backup"), ("b.zip", "no backup"), ("c", "no such file")):
        code, _, said = run("restore", tmp_path / name, tmp_path / "again")
        assert (code, words in said) == (1, True), said


def test_of_a_backup_only_the_files_of_a_project_are_taken(
    project: Path, tmp_path: Path, run: Run
) -> None:
    """A name that leads out of the folder is written nowhere."""
    file = tmp_path / "heels.zip"
    assert run("backup", file, "-p", project)[0] == 0
    with zipfile.ZipFile(file) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    note = json.loads(held["backup.json"])
    note["files"]["../evil.txt"] = note["files"]["folkgrade.toml"]
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (held | {"backup.json": json.dumps(note).encode()}).items():
            archive.writestr(name, content)
        archive.writestr("../evil.txt", held["folkgrade.toml"])
    run("restore", file, tmp_path / "again")
    assert not (tmp_path / "evil.txt").exists()


Spoil = Callable[[sqlite3.Connection], object]
DAMAGES: dict[str, tuple[Spoil, str]] = {
    "post": (
        lambda base: base.execute("UPDATE posts SET body = replace(body, 'tried', 'TRIED')"),
        "is not the one that was stored",
    ),
    "lost post": (
        lambda base: base.execute("DELETE FROM posts WHERE id = '3'"),
        "posts of it are missing",
    ),
    "unreadable": (
        lambda base: base.execute("UPDATE documents SET body = '{'"),
        "it cannot be read",
    ),
    "stray row": (
        lambda base: base.execute("DELETE FROM documents WHERE url LIKE '%/1'"),
        "belongs to a row of documents that is not there",
    ),
    "quote": (
        lambda base: base.execute(
            """UPDATE claims SET value = replace(value, '"start":0', '"start":1')"""
        ),
        "is not at its place",
    ),
    "index": (
        lambda base: base.execute("DELETE FROM search_passages WHERE type = 'quote'"),
        "entries belong to no passage",
    ),
    "words": (
        lambda base: base.execute(
            "INSERT INTO search_words(search_words, rowid, text) SELECT 'delete', row, text "
            "FROM search_passages LIMIT 1"
        ),
        "its words are not those of its passages",
    ),
    "old index": (lambda base: base.execute("UPDATE search_mark SET run = 7"), "not of the last"),
    "vectors": (
        lambda base: base.execute(
            "UPDATE vectors SET value = zeroblob(7) WHERE text = (SELECT min(text) FROM vectors)"
        ),
        "1 are damaged",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_named_with_the_way_to_heal_it(
    project: Path, run: Run, name: str
) -> None:
    """Exit code 1, and what is said to heal what follows from the posts does."""
    spoil, words = DAMAGES[name]
    assert run("status", "--check", "-p", project)[:2] == (0, "All is whole.\n")
    base = database(project)
    spoil(base)
    base.close()
    code, said, err = run("status", "--check", "-p", project)
    assert (code, words in said) == (1, True), (said, err)
    assert "Traceback" not in err
    if "mine --force" in said and "restore" not in said:
        assert run("mine", "--fast", "--force", "-p", project)[0] == 0
        assert run("status", "--check", "-p", project)[:2] == (0, "All is whole.\n")


def test_a_broken_page_of_the_file_is_found(project: Path, run: Run) -> None:
    """The file itself is looked at first; a backup puts it right."""
    path = project / "data" / "folkgrade.db"
    assert run("backup", project / "b.zip", "-p", project)[0] == 0
    base = database(project)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = base.execute("PRAGMA page_size").fetchone()[0]
    root = base.execute("SELECT rootpage FROM sqlite_master WHERE name = 'posts'").fetchone()[0]
    base.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 200)
    code, said, err = run("status", "--check", "-p", project)
    assert code == 1, (said, err)
    assert "folkgrade.db: " in said
    assert "folkgrade restore FILE" in said
    assert "Traceback" not in err
    code, _, said = run("backup", project / "c.zip", "-p", project)
    assert (code, "Traceback" in said, (project / "c.zip").exists()) == (1, False, False)
    path.unlink()
    (project / "folkgrade.toml").unlink()
    (project / "data" / "pseudonyms.key").rename(project / "kept")
    assert run("restore", project / "b.zip", project)[0] == 0
    (project / "kept").rename(project / "data" / "pseudonyms.key")
    assert run("status", "--check", "-p", project)[0] == 0
