"""Commands that are killed wherever something becomes lasting: the next one heals it all."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from console.project import Project, make_project

KILLED = -9


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


def state(folder: Path, of: tuple[str, ...] = ("",)) -> dict[str, list[Any]]:
    """All rows of all tables whose name begins so, less what tells when."""
    with closing(sqlite3.connect(folder / "data" / "folkgrade.db")) as base:
        base.text_factory = bytes
        assert base.execute("PRAGMA integrity_check").fetchone() == (b"ok",)
        query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        names = [row[0].decode() for row in base.execute(query)]
        return {name: _rows(base, name) for name in names if name.startswith(of)}


def _rows(base: sqlite3.Connection, table: str) -> list[Any]:
    named = base.execute(f"SELECT name FROM pragma_table_info('{table}')")
    columns = [row[0].decode() for row in named]
    kept = [name for name in columns if name not in PASSING.get(table, ())]
    listed = ", ".join(f'"{name}"' for name in kept)
    return sorted(base.execute(f"SELECT {listed} FROM {table}").fetchall(), key=repr)


def pages(folder: Path) -> list[str]:
    """Addresses of the kept pages."""
    with Project(folder).vault.raw() as kept:
        return [page.url for page in kept.pages()]


def differing(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[str]:
    """Names of the tables that are not equal."""
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def test_a_killed_run_of_the_miner_is_gone_on_with(run: Run, copied: Callable[[], Path]) -> None:
    """Readers see the former run or the new one, whole; the next run ends as an undisturbed one."""
    folder = copied()
    before = state(folder, RUN)
    whole = run("mine", "--fast", "-p", folder)
    after = state(folder)
    assert (whole.code, whole.points >= 3) == (0, True)
    for point in range(whole.points):
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


def test_a_killed_import_is_gone_on_with(run: Run, mined: Path, tmp_path: Path) -> None:
    """From an empty folder on, tables and key too; no name that was met stays unmasked."""
    folder, dump = tmp_path / "p", tmp_path / "a.jsonl"
    dump.write_text((mined / "old.jsonl").read_text())
    words = ("import", dump, "-p", folder)

    def begin() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        make_project(folder)
        (folder / "data" / "pseudonyms.key").write_bytes(b"k" * 32)
        (folder / "data" / "pseudonyms.key").chmod(0o600)

    begin()
    tables = run("status", "-p", folder).points
    whole = run(*words)
    assert whole.code == 0, whole.err
    after = state(folder)
    assert "Wanda2" not in repr(after)
    # The tables are made in steps that are all alike; the rest is not.
    for point in (*range(0, tables, 6), *range(tables, tables + whole.points)):
        begin()
        assert run(*words, kill=point).code == KILLED
        assert run(*words).code == 0
        assert differing(without_seals(state(folder)), without_seals(after)) == [], point
    assert run("status", "--check", "-p", folder).code == 0


def without_seals(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Less the names of members, which are sealed anew each time."""
    return {name: rows for name, rows in found.items() if name != "frontier_names"}


def test_a_killed_forgetting_is_gone_on_with(run: Run, copied: Callable[[], Path]) -> None:
    """Posts, conclusions, caches and kept pages: the same command takes away what is left."""
    folder = copied()
    [author] = {row[0] for row in authors(folder) if row[1] == 3}
    words = ("forget", author, "-p", folder)
    whole = run(*words)
    after = state(folder)
    assert (whole.code, pages(folder)) == (0, [])
    for point in range(whole.points):
        folder = copied()
        assert run(*words, kill=point).code == KILLED
        again = run(*words)
        assert again.code == 0, (point, again.err)
        assert differing(state(folder), after) == [], point
        assert pages(folder) == [], point
        held = (folder / "data" / "folkgrade.db").read_bytes()
        assert author.encode() not in held


def authors(folder: Path) -> list[tuple[str, int]]:
    """Pseudonyms, and how many posts each wrote."""
    with closing(sqlite3.connect(folder / "data" / "folkgrade.db")) as base:
        return base.execute("SELECT author, count(*) FROM posts GROUP BY author").fetchall()


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


def test_a_killed_backup_leaves_no_half_one(run: Run, copied: Callable[[], Path]) -> None:
    """The file is whole or not there; the next one tidies up what the first left beside it."""
    folder = copied()
    file = folder.parent / "b.zip"
    whole = run("backup", file, "-p", folder)
    assert whole.code == 0, whole.err
    for point in range(whole.points):
        file.unlink(missing_ok=True)
        assert run("backup", file, "-p", folder, kill=point).code == KILLED
        if not file.exists():
            assert run("backup", file, "-p", folder).code == 0
            assert sorted(path.name for path in file.parent.iterdir()) == ["b.zip", "p"], point
        again = folder.parent / "again"
        assert run("restore", file, again).code == 0
        shutil.rmtree(again)


def test_a_killed_restore_is_gone_on_with(run: Run, copied: Callable[[], Path]) -> None:
    """Half a project is none; the same command puts the rest in its place."""
    folder = copied()
    file, again = folder.parent / "b.zip", folder.parent / "again"
    assert run("backup", "--with-key", file, "-p", folder).code == 0
    whole = run("restore", file, again)
    after, held = state(again), pages(again)
    assert (whole.code, len(held)) == (0, 3)
    for point in range(whole.points):
        shutil.rmtree(again)
        assert run("restore", file, again, kill=point).code == KILLED
        if (again / "folkgrade.toml").exists():
            assert (differing(state(again), after), pages(again)) == ([], held), point
        assert run("restore", file, again).code == 0, point
        assert not list((again / "data").glob(".*.part"))
        assert (differing(state(again), after), pages(again)) == ([], held), point


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
