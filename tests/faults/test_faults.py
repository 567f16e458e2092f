"""What fails around a project: disk, rights, locks, other processes. Nothing is lost by it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from console.project import Project
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.locks import Taken, one_at_a_time
from crawler.soundness import damaged_file

Run = Callable[..., Any]


def held(folder: Path) -> list[object]:
    """What was collected and concluded."""
    corpus, knowledge = Project(folder).stores()
    found: list[object] = [
        corpus.hashes(),
        knowledge.themes(),
        knowledge.claims(),
        knowledge.events(),
    ]
    knowledge.engine.dispose()
    return found


def one_line(ended: Any, words: str) -> None:
    """Exit code 1 and one line with these words, after those on how far the work was."""
    assert ended.code == 1, ended
    *_, last = ended.err.splitlines()
    assert last.startswith("folkgrade: ")
    assert words in last, ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("pages", [0, 2])
def test_a_full_disk_stops_the_miner_and_loses_nothing(
    run: Run, copied: Callable[[], Path], pages: int
) -> None:
    """Wherever it is full: the former run stays, and the next one ends as on an empty disk."""
    folder = copied()
    assert run("mine", "--fast", "-p", folder).code == 0
    after = held(folder)
    folder = copied()
    before = held(folder)
    one_line(run("mine", "--fast", "-p", folder, full_disk=pages), "the disk is full")
    assert held(folder) == before
    assert run("status", "--check", "-p", folder).code == 0
    assert run("mine", "--fast", "-p", folder).code == 0
    assert held(folder) == after


def test_a_full_disk_stops_an_import_and_a_forgetting(run: Run, copied: Callable[[], Path]) -> None:
    """What came before stays; the same command brings or takes the rest."""
    folder = copied()
    (folder / "more.jsonl").write_text((folder / "news.jsonl").read_text().replace("t/3", "t/4"))
    words = ("import", folder / "more.jsonl", "-p", folder)
    one_line(run(*words, full_disk=0), "the disk is full")
    assert not any(damaged_file(folder / "data" / "folkgrade.db"))
    assert run(*words).code == 0
    url = "https://rows.example/t/4"
    assert url in Project(folder).corpus().hashes()
    assert run("forget", url, "-p", folder, small_files=4096).code == 1
    assert run("forget", url, "-p", folder).code == 0
    assert url not in Project(folder).corpus().hashes()
    assert run("status", "--check", "-p", folder).code == 0


def test_a_full_disk_leaves_no_half_backup_and_no_half_project(
    run: Run, copied: Callable[[], Path]
) -> None:
    """Neither a file nor anything beside it."""
    folder = copied()
    file, again = folder.parent / "b.zip", folder.parent / "again"
    one_line(run("backup", file, "-p", folder, small_files=20_000), "cannot be copied")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["p"]
    assert run("backup", file, "-p", folder).code == 0
    one_line(run("restore", file, again, small_files=20_000), "nothing was restored")
    assert not [path for path in again.rglob("*") if path.is_file()]
    assert run("restore", file, again).code == 0


@pytest.mark.parametrize(
    "words", [("themes",), ("themes", "--json"), ("export", "bibtex", "--out", "/dev/full")]
)
def test_a_full_disk_under_the_output_is_one_line(
    run: Run, copied: Callable[[], Path], words: tuple[str, ...]
) -> None:
    """No traceback, and no success either."""
    one_line(run(*words, "-p", copied(), out="/dev/full"), "No space left on device")


def test_a_project_that_may_only_be_read_is_read(run: Run, copied: Callable[[], Path]) -> None:
    """Pages and lists go on; who would write is told at once, and nothing changes."""
    folder = copied()
    before = held(folder)
    places = [folder, folder / "data", *(folder / "data").iterdir()]
    try:
        for place in places:
            place.chmod(0o500 if place.is_dir() else 0o400)
        assert run("themes", "-p", folder, powerless=1).code == 0
        assert run("status", "--check", "-p", folder, powerless=1).code == 0
        stopped = run("mine", "--fast", "-p", folder, powerless=1)
        one_line(stopped, "it is read-only")
        assert len(stopped.err.splitlines()) == 1
        one_line(run("forget", "m_1", "-p", folder, powerless=1), "it is read-only")
    finally:
        for place in places:
            place.chmod(0o700 if place.is_dir() else 0o600)
    assert held(folder) == before
    assert run("mine", "--fast", "-p", folder).code == 0


def test_a_database_that_others_write_to_is_named_and_waited_for(
    run: Run, copied: Callable[[], Path]
) -> None:
    """Longer than anybody waits: one line before any work is done; later all goes on."""
    folder = copied()
    before = held(folder)
    with closing(sqlite3.connect(folder / "data" / "folkgrade.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        stopped = run("mine", "--fast", "-p", folder, impatient=0.05)
        one_line(stopped, "another process is writing to it")
        assert len(stopped.err.splitlines()) == 1
        one_line(run("forget", "m_1", "-p", folder, impatient=0.05), "another process is writing")
        assert run("themes", "-p", folder).code == 0
        other.execute("ROLLBACK")
    assert held(folder) == before
    assert run("mine", "--fast", "-p", folder).code == 0


def test_a_second_miner_is_told_of_the_first(run: Run, copied: Callable[[], Path]) -> None:
    """At once, with the number of its process; when that one ended, it is let in."""
    folder = copied()
    engine = open_database(str(folder / "data" / "folkgrade.db"))
    with one_at_a_time(engine, "mine"):
        one_line(run("mine", "--fast", "-p", folder), f"at work (process {os.getpid()} on ")
    assert run("mine", "--fast", "-p", folder).code == 0


def test_a_task_is_one_process_at_a_time_in_every_database(database: str) -> None:
    """Of one task; another one is let in, and so is the same after it."""
    one, other = open_database(database), open_database(database)
    with one_at_a_time(one, "mine"):
        with pytest.raises(Taken, match="another `folkgrade mine`"), one_at_a_time(other, "mine"):
            pass
        with one_at_a_time(other, "backup"):
            pass
    with one_at_a_time(other, "mine"):
        assert Corpus(other).hashes() == {}
    for engine in (one, other):
        engine.dispose()


def test_a_clock_that_went_back_loses_nothing(run: Run, copied: Callable[[], Path]) -> None:
    """Collected and mined in what is now the future: the next run is the last one all the same."""
    folder = copied()
    with closing(sqlite3.connect(folder / "data" / "folkgrade.db")) as base:
        for column, table in (("fetched", "documents"), ("finished", "runs"), ("started", "runs"),
                              ("finished", "snapshots")):  # fmt: skip
            base.execute(f"UPDATE {table} SET {column} = '2091-01-01T00:00:00+00:00'")
        base.commit()
    number = Project(folder).stores()[1].last_run()
    assert run("mine", "--fast", "-p", folder).code == 0
    last = Project(folder).stores()[1].last_run()
    assert last is not None
    assert number is not None
    assert (last.id, last.finished.year < 2091) == ((number.id or 0) + 1, True)
    for words in (
        ("status",),
        ("status", "--check"),
        ("digest",),
        ("digest", "--since", "2026-01-01"),
    ):
        ended = run(*words, "-p", folder)
        assert (ended.code, "Traceback" in ended.err) == (0, False), ended.err
    assert "Nothing changed" in run("mine", "--fast", "-p", folder).err
