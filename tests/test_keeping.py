"""Backup, restore and the look for damage, as a person types them."""

from __future__ import annotations

import errno
import gc
import json
import shutil
import sqlite3
import sys
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
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
    "kept claims": (
        lambda base: base.execute("UPDATE extractions SET value = replace(value, 'ice', 'eci')"),
        "kept claims read in documents: 2 are damaged",
    ),
    "kept claims cut short": (
        lambda base: base.execute("UPDATE extractions SET value = substr(value, 1, 300)"),
        "kept claims read in documents: 2 are damaged",
    ),
    "kept accounts": (
        lambda base: base.execute("UPDATE drafts SET value = replace(value, '{', '[')"),
        "kept what was told of themes and articles: ",
    ),
    "concluded claims": (
        lambda base: base.execute("UPDATE claims SET value = substr(value, 1, 40)"),
        "of the last run cannot be read",
    ),
    "concluded themes": (
        lambda base: base.execute("UPDATE themes SET value = CAST(x'ff00fe' AS TEXT)"),
        "of the last run cannot be read",
    ),
    "runs": (lambda base: base.execute("UPDATE runs SET value = '['"), "runs: 1 of the last run"),
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
    before = concluded(project)
    assert run("status", "--check", "-p", project)[:2] == (0, "All is whole.\n")
    base = database(project)
    spoil(base)
    base.close()
    code, said, err = run("status", "--check", "-p", project)
    assert (code, words in said) == (1, True), (said, err)
    assert "Traceback" not in err
    if "mine --force" in said and "restore" not in said:
        code, _, err = run("mine", "--fast", "--force", "-p", project)
        assert code == 0, err
        assert run("status", "--check", "-p", project)[:2] == (0, "All is whole.\n")
        assert concluded(project) == before


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
    assert "table posts" in said
    code, _, said = run("backup", project / "c.zip", "-p", project)
    assert (code, "Traceback" in said, (project / "c.zip").exists()) == (1, False, False)
    path.unlink()
    (project / "folkgrade.toml").unlink()
    (project / "data" / "pseudonyms.key").rename(project / "kept")
    assert run("restore", project / "b.zip", project)[0] == 0
    (project / "kept").rename(project / "data" / "pseudonyms.key")
    assert run("status", "--check", "-p", project)[0] == 0


def spoil_page(project: Path, table: str, at: float) -> None:
    """Overwrites a page of a table's rows: the first, the last or one between."""
    path = project / "data" / "folkgrade.db"
    base = database(project)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = base.execute("PRAGMA page_size").fetchone()[0]
    query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno"
    try:
        numbers = [row[0] for row in base.execute(query, (table,))]
    except sqlite3.OperationalError:  # this SQLite was made without that table
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        numbers = [base.execute(query, (table,)).fetchone()[0]]
    base.close()
    with path.open("r+b") as file:
        file.seek((numbers[int(at * (len(numbers) - 1))] - 1) * size)
        file.write(b"\xa5" * size)


def test_broken_conclusions_are_made_anew_and_nothing_collected_is_lost(
    project: Path, run: Run
) -> None:
    """A page of the claims is gone: mended and mined, the project is what it was."""
    before, posts = concluded(project), rows_of(project, "posts")
    spoil_page(project, "claims", 0.5)
    code, said, _ = run("status", "--check", "-p", project)
    assert (code, "table claims: " in said, "folkgrade mend" in said) == (1, True, True), said
    code, _, said = run("mine", "--fast", "--force", "-p", project)
    assert (code, "`folkgrade mend`" in said, "Traceback" in said) == (1, True, False), said
    gc.collect()  # what the run before had open, as its end would close it
    code, _, said = run("mend", "-p", project)
    assert code == 0, said
    assert rows_of(project, "posts") == posts
    assert run("mine", "--fast", "-p", project)[0] == 0
    assert run("status", "--check", "-p", project)[:2] == (0, "All is whole.\n")
    assert concluded(project) == before


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_of_broken_posts_the_others_are_saved_and_the_lost_named(
    project: Path, run: Run, at: float
) -> None:
    """Importing the file again heals what was lost; the damaged database is kept."""
    before, posts = concluded(project), rows_of(project, "posts")
    spoil_page(project, "posts", at)
    assert run("mend", "-p", project)[0] == 0
    left = rows_of(project, "posts")
    assert 0 < len(left) < len(posts)
    assert set(left) < set(posts)
    assert (project / "data" / "folkgrade.db.damaged").exists()
    code, said, _ = run("status", "--check", "-p", project)
    assert (code, "posts of it are missing" in said) == (1, True)
    assert run("import", project / "threads.jsonl", "-p", project)[0] == 0
    assert run("mine", "--fast", "-p", project)[0] == 0
    assert run("status", "--check", "-p", project)[:2] == (0, "All is whole.\n")
    assert (set(rows_of(project, "posts")), concluded(project)) == (set(posts), before)


@pytest.mark.parametrize("table", ["themes", "claims", "runs"])
def test_damaged_conclusions_keep_nobody_from_being_forgotten(
    project: Path, run: Run, table: str
) -> None:
    """What cannot be read goes; of the others nothing does, and the next run makes all anew."""
    knowledge = Project(project).stores()[1]
    author = next(claim.author for claim in knowledge.claims() if claim.author)
    knowledge.engine.dispose()
    with closing(database(project)) as base:
        base.execute(f"UPDATE {table} SET value = '{{'")
    code, _, said = run("forget", author, "-p", project)
    assert (code, "Traceback" in said) == (0, False), said
    assert run("mine", "--fast", "-p", project)[0] == 0
    left = Project(project).stores()[1]
    assert author not in {claim.author for claim in left.claims()} != set()
    left.engine.dispose()


def test_forget_names_the_damaged_copy_that_still_holds_all(project: Path, run: Run) -> None:
    """One line with the file; none where nothing was put aside."""
    copy = project / "data" / "folkgrade.db.damaged"
    assert str(copy) not in run("forget", "m_0123456789", "-p", project)[2]
    copy.write_bytes(b"x")
    said = run("forget", "m_0123456789", "-p", project)[2]
    (line,) = (each for each in said.splitlines() if str(copy) in each)
    assert "delete it" in line


def test_on_a_full_disk_nothing_is_called_damaged(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read then may be whole: no restoring, no mending."""
    spoil_page(project, "claims", 0)
    assert run("status", "--check", "-p", project)[0] == 1

    def refuse(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("crawler.disk.TemporaryFile", refuse)
    for words in (["status", "--check"], ["mend"]):
        code, out, said = run(*words, "-p", project)
        assert (code, "damaged" in out, "the disk is full" in said) == (1, False, True), said


def rows_of(project: Path, table: str) -> list[object]:
    """All rows of a table."""
    base = database(project)
    found: list[object] = base.execute(f"SELECT * FROM {table}").fetchall()
    base.close()
    return found


def test_a_whole_database_is_not_mended_nor_one_in_use(project: Path, run: Run) -> None:
    """Others would go on writing to the one that was put aside."""
    assert "nothing was done" in run("mend", "-p", project)[2]
    spoil_page(project, "claims", 0)
    other = database(project)
    other.execute("SELECT count(*) FROM runs").fetchall()
    code, _, said = run("mend", "-p", project)
    assert (code, "another process uses it" in said) == (1, True), said
    other.close()
    assert run("mend", "-p", project)[0] == 0


def test_a_thread_that_is_damaged_is_named_and_the_others_are_mined(
    project: Path, run: Run
) -> None:
    """Exit code 3; imported again, all is as it was."""
    before = concluded(project)
    base = database(project)
    base.execute("UPDATE posts SET body = '{' WHERE id = '3' AND document LIKE '%/1'")
    base.execute("DELETE FROM extractions")
    base.close()
    code, _, said = run("mine", "--fast", "--force", "-p", project)
    assert (code, "t/1: its stored copy is damaged" in said) == (3, True), said
    assert run("import", project / "threads.jsonl", "-p", project)[0] == 0
    assert run("mine", "--fast", "-p", project)[0] == 0
    assert concluded(project) == before
