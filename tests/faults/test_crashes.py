"""Commands that are killed wherever something becomes lasting: the next one heals it all."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import sqlalchemy as sa

from console.project import Project
from crawler.database import open_database

KILLED = -9
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""Kinds of databases."""

Run = Callable[..., Any]

PASSING = {
    "runs": ("started", "finished", "value"),
    "documents": ("fetched", "body"),
    "snapshots": ("finished",),
    "lookups": ("made",),
    "visits": ("started", "finished"),
}
"""Columns that hold when something was done."""
RUN = ("runs", "claims", "themes", "evidence", "grades", "gaps", "contradictions", "questions",
       "theme_events", "snapshots", "search_")  # fmt: skip
"""Tables that belong to a run, or how their names begin."""


COUNTED = {
    "evidence": "row",
    "grades": "row",
    "gaps": "row",
    "contradictions": "row",
    "theme_events": "row",
    "decisions": "id",
}
"""Columns of numbers that a server never gives twice, not even after a kill: the order counts."""


@contextmanager
def opened(folder: Path) -> Iterator[sa.Connection]:
    """A connection to a project's database."""
    engine = open_database(Project(folder).database)
    with engine.connect() as base:
        yield base
    engine.dispose()


def state(folder: Path, of: tuple[str, ...] = ("",)) -> dict[str, list[Any]]:
    """All rows of all tables whose name begins so, less what tells when."""
    with opened(folder) as base:
        if base.dialect.name == "sqlite":
            assert base.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        names = sorted(sa.inspect(base).get_table_names())
        return {name: _rows(base, name) for name in names if name.startswith(of)}


def _rows(base: sa.Connection, table: str) -> list[Any]:
    found = base.exec_driver_sql(f'SELECT * FROM "{table}"').mappings()
    rows = [{k: v for k, v in row.items() if k not in PASSING.get(table, ())} for row in found]
    if base.dialect.name == "postgresql" and table in COUNTED:
        rows.sort(key=lambda row: row[COUNTED[table]])
        rows = [row | {COUNTED[table]: place} for place, row in enumerate(rows)]
    return sorted(rows, key=repr)


def is_file(folder: Path) -> bool:
    """Whether a project's database is a file."""
    return "://" not in Project(folder).database


def points(whole: Any, folder: Path) -> list[int]:
    """Where a command is killed: of one on a file everywhere.

    Of one on a server at its every commit but the very first, before which nothing has happened,
    and before the last thing of all: what it does to files it does without a server too, and tables
    are cleaned one like the other.
    """
    if is_file(folder):
        return list(range(whole.points))
    own = (n for n, kind in enumerate(whole.kinds) if kind == "server" and n)
    return sorted({*own, whole.points - 1})


def pages(folder: Path) -> list[str]:
    """Addresses of the kept pages."""
    with Project(folder).vault.raw() as kept:
        return [page.url for page in kept.pages()]


def differing(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[str]:
    """Names of the tables that are not equal."""
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


@pytest.mark.parametrize("copied", BOTH, indirect=True)
def test_a_killed_run_of_the_miner_is_gone_on_with(run: Run, copied: Callable[[], Path]) -> None:
    """Readers see the former run or the new one, whole; the next run ends as an undisturbed one."""
    folder = copied()
    before = state(folder, RUN)
    whole = run("mine", "--fast", "-p", folder)
    after = state(folder)
    assert (whole.code, whole.points >= 3) == (0, True)
    for point in points(whole, folder):
        folder = copied()
        assert run("mine", "--fast", "-p", folder, kill=point).code == KILLED
        assert state(folder, RUN) == before, point
        assert run("mine", "--fast", "-p", folder).code == 0
        assert differing(state(folder), after) == [], point
    assert run("status", "--check", "-p", folder).code == 0


def test_control_c_in_every_stage_of_the_miner_is_gone_on_with(
    run: Run, copied: Callable[[], Path]
) -> None:
    """One line, exit code 130, the former conclusions; the next run ends as an undisturbed one."""
    folder = copied()
    before = state(folder, RUN)
    whole = run("mine", "--fast", "-p", folder, interrupt=None)
    after = state(folder)
    assert (whole.code, whole.points >= 6) == (0, True)
    folder = copied()
    for point in range(whole.points):
        stopped = run("mine", "--fast", "-p", folder, interrupt=point)
        assert (stopped.code, "Traceback" in stopped.err) == (130, False), stopped.err
        assert stopped.err.splitlines()[-1].startswith("Interrupted. Run the same command again")
        if state(folder, RUN) != before:
            # The very last word comes when all is stored.
            assert point >= whole.points - 2
            folder = copied()
    assert run("mine", "--fast", "-p", folder).code == 0
    assert (
        differing(state(folder, RUN), {n: r for n, r in after.items() if n.startswith(RUN)}) == []
    )


@pytest.mark.parametrize("empty", BOTH, indirect=True)
def test_a_killed_import_is_gone_on_with(
    run: Run, empty: Callable[[], Path], mined: Path, tmp_path: Path
) -> None:
    """From an empty folder on, tables and key too; no name that was met stays unmasked."""
    dump = tmp_path / "a.jsonl"
    dump.write_text((mined / "old.jsonl").read_text())
    folder = empty()
    words = ("import", dump, "-p", folder)
    tables = run("status", "-p", folder).points
    whole = run(*words)
    assert whole.code == 0, whole.err
    after = state(folder)
    assert "Wanda2" not in repr(after)
    # The tables are made in steps that are all alike; the rest is not.
    steps = range(0, tables, 6) if is_file(folder) else [tables // 2]
    for point in (*steps, *(tables + n for n in points(whole, folder))):
        if is_file(folder) or point in steps:
            empty()
        else:  # where there are tables already, making them is no point
            emptied(folder)
            point -= tables  # noqa: PLW2901
        assert run(*words, kill=point).code == KILLED
        assert run(*words).code == 0
        assert differing(without_seals(state(folder)), without_seals(after)) == [], point
    assert run("status", "--check", "-p", folder).code == 0


def without_seals(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Less the names of members, which are sealed anew each time."""
    return {name: rows for name, rows in found.items() if name != "frontier_names"}


@pytest.mark.parametrize("copied", BOTH, indirect=True)
def test_a_killed_forgetting_is_gone_on_with(run: Run, copied: Callable[[], Path]) -> None:
    """Posts, conclusions, caches and kept pages: the same command takes away what is left."""
    folder = copied()
    [author] = {row[0] for row in authors(folder) if row[1] == 3}
    words = ("forget", author, "-p", folder)
    whole = run(*words)
    after = state(folder)
    assert (whole.code, pages(folder)) == (0, [])
    for point in points(whole, folder):
        folder = copied()
        assert run(*words, kill=point).code == KILLED
        again = run(*words)
        assert again.code == 0, (point, again.err)
        assert differing(state(folder), after) == [], point
        assert pages(folder) == [], point
        assert author.encode() not in held(folder)


def authors(folder: Path) -> list[Any]:
    """Pseudonyms, and how many posts each wrote."""
    with opened(folder) as base:
        query = "SELECT author, count(*) FROM posts GROUP BY author"
        return list(base.exec_driver_sql(query).all())


def held(folder: Path) -> bytes:
    """What lies on the disk: the file, or all those of tables and indexes that a server keeps."""
    if is_file(folder):
        return (folder / "data" / "folkgrade.db").read_bytes()
    with opened(folder) as base:
        base.exec_driver_sql("CHECKPOINT")
        return b"".join(base.exec_driver_sql(FILES).scalars())


FILES = """
SELECT pg_read_binary_file(pg_relation_filepath(c.oid)) FROM pg_class AS c
LEFT JOIN pg_class AS large ON large.reltoastrelid = c.oid
WHERE c.relkind IN ('r', 'i', 't')
AND coalesce(large.relnamespace, c.relnamespace) = current_schema()::regnamespace
"""


@pytest.mark.parametrize("copied", BOTH, indirect=True)
def test_a_killed_decision_is_whole_or_was_never_made(run: Run, copied: Callable[[], Path]) -> None:
    """What a person decided, and took back, is one commit each."""
    folder = copied()
    whole = run("decide", folder)
    after = state(folder)
    assert (whole.code, whole.points) == (0, 3), whole.err
    for point in range(whole.points):
        folder = copied()
        assert run("decide", folder, kill=point).code == KILLED
        assert len(state(folder)["decisions"]) == min(point, 2)
        assert run("decide", folder).code == 0
        assert differing(state(folder), after) == [], point


@pytest.mark.parametrize("copied", BOTH, indirect=True)
def test_a_killed_backup_leaves_no_half_one(run: Run, copied: Callable[[], Path]) -> None:
    """The file is whole or not there; the next one tidies up what the first left beside it."""
    folder = copied()
    file = folder.parent / "b.zip"
    whole = run("backup", file, "-p", folder)
    assert whole.code == 0, whole.err
    some = range(whole.points) if is_file(folder) else (whole.kinds.index("name"),)
    for point in some:
        file.unlink(missing_ok=True)
        assert run("backup", file, "-p", folder, kill=point).code == KILLED
        if not file.exists():
            assert run("backup", file, "-p", folder).code == 0
            assert sorted(path.name for path in file.parent.iterdir()) == ["b.zip", "p"], point
        if is_file(folder):
            again = folder.parent / "again"
            assert run("restore", file, again).code == 0
            shutil.rmtree(again)


@pytest.mark.parametrize("copied", BOTH, indirect=True)
def test_a_killed_restore_is_gone_on_with(run: Run, copied: Callable[[], Path]) -> None:
    """Half a project is none; the same command puts the rest in its place."""
    folder = copied()
    file, again = folder.parent / "b.zip", folder.parent / "again"
    assert run("backup", "--with-key", file, "-p", folder).code == 0
    emptied(folder)
    whole = run("restore", file, again)
    after, held = state(again), pages(again)
    assert (whole.code, len(held)) == (0, 3)
    for point in points(whole, again):
        shutil.rmtree(again)
        emptied(folder)
        bare = None if is_file(folder) else state(folder)
        assert run("restore", file, again, kill=point).code == KILLED
        if (again / "folkgrade.toml").exists():
            left = state(again)
            assert pages(again) == held, point
            assert left == bare or differing(left, after) == [], point
        assert run("restore", file, again).code == 0, point
        assert not list((again / "data").glob(".*.part"))
        assert (differing(state(again), after), pages(again)) == ([], held), point


def emptied(folder: Path) -> None:
    """Takes the rows of a project on a server away; a file is left alone."""
    if is_file(folder):
        return
    with opened(folder) as base:
        # A row may belong to one that is gone already.
        base.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for name in sa.inspect(base).get_table_names():
            if name != "schema_versions":
                base.exec_driver_sql(f'DELETE FROM "{name}"')
        base.commit()


@pytest.mark.parametrize("copied", BOTH[1:], indirect=True)
def test_a_server_that_goes_stops_the_miner_and_loses_nothing(
    run: Run, copied: Callable[[], Path], start_again: Callable[[], None]
) -> None:
    """Connections ended, server stopped: one line, and the next run goes on."""
    folder = copied()
    server = sa.make_url(Project(folder).database).query["host"]
    before = state(folder, RUN)
    whole = run("mine", "--fast", "-p", folder)
    after = state(folder)
    for fault, point in (("cut_off", 1), ("stop", whole.points - 1)):
        folder = copied()
        ended = run("mine", "--fast", "-p", folder, server=server, **{fault: point})
        assert (ended.code, "Traceback" in ended.err) == (1, False), ended.err
        assert ended.err.splitlines()[-1] == LOST, fault
        start_again()
        assert state(folder, RUN) == before, fault
        assert run("mine", "--fast", "-p", folder).code == 0
        assert differing(state(folder), after) == [], fault


LOST = "folkgrade: database postgres: the connection to the server was lost; run this again"


class Service(BaseHTTPRequestHandler):
    """A literature service with two papers; only one of them has an identifier others know."""

    def do_GET(self) -> None:
        papers = [{"id": "1", "title": "Heel drops for a sore heel", "doi": "10.5555/p"},
                  {"id": "2", "title": "Ice for the heel, a trial in walkers"}]  # fmt: skip
        # The first kind of question alone finds them: each more costs as many kills.
        papers = papers if "REVIEW" in unquote(self.path).upper() else []
        body = json.dumps({"hitCount": len(papers), "resultList": {"result": papers}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """Address of a literature service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_killed_look_up_is_gone_on_with(
    run: Run, copied: Callable[[], Path], service: str
) -> None:
    """What was answered stays, each paper once; the rest is asked for by the same command."""

    def project() -> Path:
        folder = copied()
        path = folder / "folkgrade.toml"
        named = f'[literature]\naddresses = {{ europepmc = "{service}" }}\n'
        path.write_text(path.read_text().replace("[literature] ", named))
        return folder

    folder = project()
    words = ("literature", "--service", "europepmc", "--limit", "1", "-p", folder)
    whole = run(*words)
    after = state(folder)
    assert (whole.code, len(after["lookups"]) > 1) == (0, True), whole.err
    for point in range(whole.points):
        assert run(*words[:-1], project(), kill=point).code == KILLED
        assert run(*words).code == 0
        assert differing(without_seals(state(folder)), without_seals(after)) == [], point
