"""Opening a database and bringing its tables up to date; what they hold is the stores' matter.

SQLite by default, PostgreSQL by URL. SQLite runs in WAL mode, so that readers see the last
committed state while a run writes, and waits for a lock instead of failing at once.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError

from crawler.errors import StoreError

__all__ = ["Step", "UtcTime", "explained", "migrate", "open_database", "shown"]

BUSY_SECONDS = 5.0

Step = Callable[[sa.Connection], None]
"""One numbered change of a store's tables."""

_versions = sa.Table(
    "schema_versions",
    sa.MetaData(),
    sa.Column("store", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Times kept as ISO text in UTC, the same in every database; naive ones are taken as UTC."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:
        """ISO text in UTC."""
        if value is None:
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="seconds")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """A time with zone."""
        return None if value is None else datetime.fromisoformat(value)


def open_database(url: str, *, busy_seconds: float = BUSY_SECONDS) -> sa.Engine:
    """An engine for the URL, or for a file path.

    Raises StoreError where the URL makes no sense or the folder is missing.
    """
    if "://" not in url and not Path(url).parent.is_dir():
        raise StoreError(f"{url}: the folder does not exist; make a project with `folkgrade init`")
    try:
        address = sa.make_url(url) if "://" in url else sa.URL.create("sqlite", database=url)
        sealed = _sealed(address)
        engine = sa.create_engine(address, **({"creator": sealed} if sealed else {}))
    except ImportError as error:
        way = 'pip install "folkgrade[postgres]"' if url.startswith("postgres") else "install it"
        raise StoreError(
            f"database {shown(url)}: its driver {error.name} is missing; {way}"
        ) from error
    except (sa.exc.ArgumentError, ValueError) as error:
        # The error itself is not said: it may quote a piece of the password.
        raise StoreError(
            f"database {shown(url)}: no address of a database; "
            "give a file path or an SQLAlchemy URL such as postgresql+psycopg://user@host/name"
        ) from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine, busy_seconds, writable=sealed is None)
    return engine


def shown(url: str) -> str:
    """The address as it may be said: without its password, even where it makes no sense."""
    bare = re.sub(r"://([^:]*):.*@", r"://\1:***@", url)
    return re.sub(r"(?i)\b(password|passwd|pwd)=[^&]*", r"\1=***", bare)


def _sealed(address: sa.URL) -> Callable[[], sqlite3.Connection] | None:
    """What opens an SQLite file that may only be read; None for any other database.

    Without a log beside it, nobody is writing, and it is read as it lies: where nothing may be
    written SQLite could not make the log it wants for reading either.
    """
    name = address.database or ""
    path = Path(name)
    if address.get_backend_name() != "sqlite" or not path.is_file() or _writable(path):
        return None
    log = Path(f"{name}-wal")
    mode = "ro" if log.exists() and log.stat().st_size else "ro&immutable=1"
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    return lambda: sqlite3.connect(uri, uri=True, check_same_thread=False)


def _writable(path: Path) -> bool:
    """Whether the file and its folder may be written; a file that is not there yet may."""
    there = [place for place in (path, path.resolve().parent) if place.exists()]
    return all(os.access(place, os.W_OK) for place in there)


def _tune_sqlite(engine: sa.Engine, busy_seconds: float, *, writable: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")


def migrate(engine: sa.Engine, store: str, steps: Sequence[Step]) -> int:
    """The store's schema version after running the steps it still lacks, each in a transaction.

    Raises StoreError where the database was written by a newer Folkgrade.
    """
    with explained(engine), engine.begin() as connection:
        _versions.create(connection, checkfirst=True)
        found = connection.scalar(sa.select(_versions.c.version).where(_versions.c.store == store))
        version = int(found or 0)
        if found is None:
            connection.execute(_versions.insert().values(store=store, version=0))
    if version > len(steps):
        raise StoreError(
            f"{engine.url.render_as_string(hide_password=True)}: written by a newer Folkgrade "
            f"(schema {version} of {store}, this one knows {len(steps)}); update Folkgrade"
        )
    for number, step in enumerate(steps[version:], start=version + 1):
        with explained(engine), engine.begin() as connection:
            step(connection)
            done = _versions.update().where(_versions.c.store == store).values(version=number)
            connection.execute(done)
    return len(steps)


@contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turns the database's own errors into a StoreError of one clear line."""
    try:
        yield
    except DatabaseError as error:
        raise StoreError(_reason(engine, error)) from error


_CAUSES = {
    "locked": "another process is writing to it; wait for it to end and run this again",
    "disk is full": "the disk is full; nothing of this step was kept; free some space and go on",
    "disk i/o error": "the disk refuses to write; check it and run this again",
    "readonly": "it is read-only; check the owner and mode of the file and its folder",
    "unable to open": "it cannot be opened; check that the folder exists and may be written",
    "not a database": "the file is not a database; move it away or set another one",
    "malformed": "the file is damaged; restore a copy of it",
}


def _reason(engine: sa.Engine, error: DatabaseError) -> str:
    text = str(error.orig).lower()
    cause = next((way for sign, way in _CAUSES.items() if sign in text), str(error.orig))
    path = engine.url.database
    if "unable to open" in text and path and not _writable(Path(path)):
        cause = _CAUSES["readonly"]
    name = path or engine.url.render_as_string(hide_password=True)
    return f"database {name}: {cause}"
