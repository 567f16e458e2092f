"""Opening a database and bringing its tables up to date; what they hold is the stores' matter.

SQLite by default, PostgreSQL by URL. SQLite runs in WAL mode, so that readers see the last
committed state while a run writes, and waits for a lock instead of failing at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError

from crawler.errors import StoreError

__all__ = ["Step", "UtcTime", "explained", "migrate", "open_database"]

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
    if "://" not in url:
        if not Path(url).parent.is_dir():
            raise StoreError(
                f"{url}: the folder does not exist; make a project with `folkgrade init`"
            )
        url = f"sqlite:///{url}"
    try:
        engine = sa.create_engine(url)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise StoreError(
            f"database {url}: {error}; give a file path or an SQLAlchemy URL"
        ) from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine, busy_seconds)
    return engine


def _tune_sqlite(engine: sa.Engine, busy_seconds: float) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
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
            f"{engine.url.render_as_string()}: written by a newer Folkgrade "
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
    "readonly": "it may not be written; check the file's owner and mode",
    "unable to open": "it cannot be opened; check that the folder exists and may be written",
    "not a database": "the file is not a database; move it away or set another one",
    "malformed": "the file is damaged; restore a copy of it",
}


def _reason(engine: sa.Engine, error: DatabaseError) -> str:
    text = str(error.orig).lower()
    cause = next((way for sign, way in _CAUSES.items() if sign in text), str(error.orig))
    return f"database {engine.url.database or engine.url.render_as_string()}: {cause}"
