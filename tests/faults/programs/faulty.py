"""Runs commands in processes of their own that can be killed or starved: one a line on stdin.

A line is JSON: `words` of the command and `fault`, by name. The answer is JSON: the exit code
(that of a signal negative), the kinds of the points at which it could be killed, and what was
said. Everything heavy is loaded once; each command is a fork.

A point is where something becomes lasting: a commit of any connection to SQLite or PostgreSQL, a
file that takes its name or goes. To be killed before each of them, and once after all, leaves every
state that a kill can leave.
"""

from __future__ import annotations

import ctypes
import gc
import io
import json
import os
import resource
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import typer

import console.progress
import crawler.database
import folkgrade
import miner.embed
from console.project import Project, make_project
from miner.model import Decision

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

_LASTING = ("COMMIT", "VACUUM", "PRAGMA WAL_CHECKPOINT")
_AT_ONCE = ("VACUUM", "INSERT", "UPDATE", "DELETE")
"""Where no transaction is begun, each of these lasts by itself."""
_OVERRIDE = 1
"""Linux's number of the right to pass over modes of files."""
_RENAMED = ("os.rename", "os.remove")


class Points:
    """Counts what becomes lasting, and does something before the one of that number."""

    def __init__(self, fatal: int | None, deed: Callable[[], object]) -> None:
        self.kinds: list[str] = []
        self.fatal, self.deed = fatal, deed

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Sees every audit event of the process; of a file only what gives it its name."""
        if event in _RENAMED and not str(arguments[0]).endswith(("-wal", "-shm")):
            self.passed("name")

    def statement(self, sql: str) -> None:
        if sql.lstrip().upper().startswith(_LASTING):
            self.passed("file")

    def passed(self, kind: str) -> None:
        self.kinds.append(kind)
        if len(self.kinds) - 1 == self.fatal:
            self.deed()


def told(passed: Callable[[str], None]) -> None:
    """Passes a point at every word on how far the work is."""
    progress: Any = console.progress
    made = progress._log

    def log(where: Any) -> Any:
        show = made(where)

        def counted(*words: Any, **named: Any) -> None:
            passed("word")
            show(*words, **named)

        return counted

    progress._log = log


def each_connection(do: Callable[[sqlite3.Connection], object]) -> None:
    """Does something with every SQLite connection that is made from now on."""
    base: Any = sqlite3
    made = base.connect

    def connect(*words: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = made(*words, **named)
        do(connection)
        return connection

    base.connect = base.dbapi2.connect = connect


def each_commit_to_a_server(passed: Callable[[str], None]) -> None:
    """Passes a point before whatever becomes lasting on a PostgreSQL server."""
    if find_spec("psycopg") is None:
        return
    import psycopg

    connection: Any = psycopg.Connection
    cursor: Any = psycopg.Cursor
    commit, execute = connection.commit, cursor.execute

    def committed(self: Any) -> None:
        within = self.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        # A transaction that wrote nothing has no number.
        if within and execute(self.cursor(), _NUMBER).fetchone()[0]:
            passed("server")
        commit(self)

    def executed(self: Any, query: Any, *words: Any, **named: Any) -> Any:
        alone = self.connection.autocommit and isinstance(query, str)
        if alone and query.lstrip().upper().startswith(_AT_ONCE):
            passed(query.split()[0].lower())
        return execute(self, query, *words, **named)

    connection.commit, cursor.execute = committed, executed


_NUMBER = "SELECT pg_current_xact_id_if_assigned()::text"


def cut_off(server: str) -> None:
    """Ends all connections to the server whose socket is in that folder."""
    import psycopg

    with psycopg.connect(f"host={server} user=folkgrade dbname=postgres", autocommit=True) as one:
        one.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def stop(server: str) -> None:
    """Stops the server whose socket is in that folder, and waits until it is down."""
    file = Path(server) / "data" / "postmaster.pid"
    os.kill(int(file.read_text().split()[0]), signal.SIGINT)
    while file.exists():
        time.sleep(0.01)


def deed(fault: dict[str, Any]) -> tuple[int | None, Callable[[], object]]:
    """The number of a point, and what happens there: `kill=3`, say; no number, nothing."""
    server, me = fault.get("server", ""), os.getpid()
    deeds: dict[str, Callable[[], object]] = {
        "interrupt": partial(os.kill, me, signal.SIGINT),
        "kill": partial(os.kill, me, signal.SIGKILL),
        "cut_off": partial(cut_off, server),
        "stop": partial(stop, server),
    }
    return next(((fault[name], do) for name, do in deeds.items() if name in fault), (None, list))


def full_disk(pages: int) -> None:
    """No database may have more than so many pages more than it has now."""

    def limit(connection: sqlite3.Connection) -> None:
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={max(used + pages, 1)}")

    each_connection(limit)


def small_files(size: int) -> None:
    """No file may become longer than that."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def powerless(_value: object) -> None:
    """Modes of files hold for this process too, though root runs it."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    rights = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(header, rights) == 0:
        for kind in (0, 1):  # what is in force, and what could be again
            rights[kind] &= ~(1 << _OVERRIDE)
        libc.capset(header, rights)


def impatient(seconds: float) -> None:
    """Locks of the database are waited for no longer than that."""
    opening: Any = crawler.database.open_database
    opening.__kwdefaults__["busy_seconds"] = seconds


FAULTS: dict[str, Callable[[Any], None]] = {
    "full_disk": full_disk,
    "impatient": impatient,
    "small_files": small_files,
    "powerless": powerless,
}


def decide(folder: str) -> None:
    """A theme gets a name of one's own and another one a second; the latter is taken back."""
    knowledge = Project(Path(folder)).stores()[1]
    history = knowledge.history()
    for theme in knowledge.themes()[len(history) : 2]:
        value = {"name": f"own {theme.name}"}
        one = Decision(action="rename", target=theme.id, value=value, who="me", when=NOON)
        knowledge.decide(one)
    *_, last = knowledge.history()
    if not last.undone:
        knowledge.undo(last.decision.id or 0)


DEEDS: dict[str, Callable[..., None]] = {"decide": decide}
"""What is done on pages and by no command."""


def command(words: list[str], fault: dict[str, Any], points: Points) -> int:
    """Exit code of the command, typed in this process."""
    for name, value in fault.items():
        FAULTS.get(name, lambda _: None)(value)
    if "interrupt" in fault:
        told(points.passed)
    else:
        sys.addaudithook(points.hook)
        each_connection(lambda one: one.set_trace_callback(points.statement))
        each_commit_to_a_server(points.passed)
    sys.argv = ["folkgrade", *words]
    try:
        if words[0] in DEEDS:
            DEEDS[words[0]](*words[1:])
            return 0
        folkgrade.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def forked(asked: dict[str, Any]) -> dict[str, Any]:
    """What became of the command in a process of its own."""
    fault = asked.get("fault", {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        for kept in ("out", "err", "points"):
            (folder / kept).touch(0o666)
            (folder / kept).chmod(0o666)
        child = os.fork()
        if not child:
            os.dup2(os.open(fault.get("out", folder / "out"), os.O_WRONLY), 1)
            os.dup2(os.open(folder / "err", os.O_WRONLY), 2)
            points, code = Points(*deed(fault)), 99
            try:
                code = command(asked["words"], fault, points)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                (folder / "points").write_text(json.dumps(points.kinds))
                os._exit(code)
        _, status = os.waitpid(child, 0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "kinds": json.loads((folder / "points").read_text() or "[]"),
            "out": (folder / "out").read_text(),
            "err": (folder / "err").read_text(),
        }


def warm(words: list[str]) -> None:
    """Types a command here, so that what it loads is loaded for all."""
    sys.argv = ["folkgrade", *words]
    with suppress(SystemExit), redirect_stderr(io.StringIO()):
        folkgrade.main()


def main() -> None:
    # Every process makes the weights of this embedder and the table of commands anew: a fork has
    # them from here.
    if find_spec("psycopg"):
        sa.create_engine("postgresql+psycopg://").dispose()
    parts: tuple[Any, Any] = miner.embed, typer.main
    whole, table = miner.embed.tfidf(), typer.main.get_command(folkgrade.app)
    parts[0].tfidf = lambda: whole
    parts[1].get_command = lambda _: table
    with tempfile.TemporaryDirectory() as folder:
        make_project(Path(folder))
        text = Path(folder) / "a.jsonl"
        text.write_text(sys.stdin.readline())
        for words in (["import", str(text)], ["mine", "--fast"]):
            warm([*words, "-p", folder])
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        answer = forked(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
