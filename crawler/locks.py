"""One process at a time: locks that go with their process, however it ends.

Beside an SQLite file the system's own lock on a file; in PostgreSQL, which several machines may
use, a lock of the server's that lasts as long as the connection.
"""

from __future__ import annotations

import os
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from crawler.database import Engine, explained
from crawler.errors import CrawlerError

__all__ = ["Taken", "one_at_a_time", "only_holder"]

_ALIVE_SECONDS = 30
"""How long PostgreSQL takes a machine that fell silent for alive."""
_PROBES = 10
"""Times that a silent machine is asked, the first included; systems differ by one or two."""
_ENDED_SECONDS = 2.0
"""How long a busy server may take to see that a process has ended."""


class Taken(CrawlerError):
    """Another process holds the lock; the message names it where it is known."""


@contextmanager
def one_at_a_time(engine: Engine, task: str) -> Iterator[None]:
    """While it lasts nobody else is let in for this task on this database; raises Taken.

    A database in memory is this process's alone.
    """
    file = engine.url.database
    if engine.dialect.name == "postgresql":
        with _on_server(engine, task):
            yield
    elif file and file != ":memory:":
        with only_holder(Path(file).with_name(f"{task}.lock"), task):
            yield
    else:
        yield


@contextmanager
def only_holder(path: Path, task: str) -> Iterator[None]:
    """While it lasts this process alone holds the lock on the file; raises Taken.

    The file stays when the lock is gone: it says nothing but who held it last. Where the system
    has no such locks, or the file cannot be written, everybody is let in.
    """
    try:
        import fcntl

        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except (ImportError, OSError):
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Taken(_taken(task, os.pread(handle, 200, 0).decode(errors="replace"))) from error
        except OSError:  # a file system without locks
            yield
            return
        _sign(handle)
        yield
    finally:
        os.close(handle)


def _sign(handle: int) -> None:
    """Says in the file who holds it; not needed, so a full disk is no matter."""
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    except OSError:
        return


def _taken(task: str, holder: str) -> str:
    who = f" ({' '.join(holder.split())})" if holder.strip() else ""
    return f"another `folkgrade {task}` of this project is at work{who}; wait for its end"


@contextmanager
def _on_server(engine: Engine, task: str) -> Iterator[None]:
    """The server's lock, held by a connection of its own that is in no transaction."""
    with explained(engine):
        plain = engine.connect()
    try:
        with explained(engine):
            _lock_on_server(plain.execution_options(isolation_level="AUTOCOMMIT"), task)
        yield
    finally:
        # With its connection the lock goes, whatever became of the server meanwhile.
        plain.invalidate()
        plain.close()


def _lock_on_server(connection: sa.Connection, task: str) -> None:
    for name in ("tcp_keepalives_idle", "tcp_keepalives_interval"):
        connection.execute(sa.text(f"SET {name} = {_ALIVE_SECONDS // _PROBES}"))
    schema = connection.scalar(sa.select(sa.func.current_schema()))
    keys = (zlib.crc32(name.encode()) >> 1 for name in (f"folkgrade {schema}", task))
    ask = sa.select(sa.func.pg_try_advisory_lock(*keys))
    end = time.monotonic() + _ENDED_SECONDS
    while not connection.scalar(ask):
        if time.monotonic() > end:
            raise Taken(_taken(task, ""))
        time.sleep(0.05)
