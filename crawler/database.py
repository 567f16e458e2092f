"""Opening a database and bringing its tables up to date; what they hold is the stores' matter.

SQLite by default, PostgreSQL by URL. SQLite runs in WAL mode, so that readers see the last
committed state while a run writes, and waits for a lock instead of failing at once.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.compiler import compiles

from crawler.causes import reason
from crawler.disk import address_to_read, writable
from crawler.errors import DamagedText, StoreError

__all__ = [
    "BATCH",
    "Engine",
    "Step",
    "UtcTime",
    "add_column",
    "batches",
    "contains",
    "does_not_fit",
    "explained",
    "guarded",
    "insert",
    "migrate",
    "open_database",
    "raw",
    "reading",
    "scrub",
    "shown",
    "still",
    "writing",
]

BUSY_SECONDS = 60.0
"""How long is waited for whoever writes: a run puts all its conclusions in at once."""
PATIENCE = "FOLKGRADE_BUSY_SECONDS"
"""Environment variable: another time to wait."""

IDLE_SECONDS = 60
"""How long PostgreSQL waits for a process that is silent in the midst of a transaction."""

READING_SECONDS = 3_600
"""The same for one that only reads: who exports may be busy for long with what it has read."""

CONNECT_SECONDS = 10
"""How long a server may take to answer before it is said to be out of reach."""

_ALIVE: dict[str, int] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""How libpq finds within a minute that the server's machine is gone; left alone, it takes hours."""

OLDEST = 13
"""The oldest PostgreSQL whose tables are tried by the tests or known to be alike."""

BATCH = 500
"""Values bound at a time: below every database's limit."""

_MIGRATING = 0x466F6C6B
"""Number of the lock that whoever changes tables holds."""

Item = TypeVar("Item")

Engine = sa.Engine
"""A database that was opened."""

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


def open_database(
    url: str, *, busy_seconds: float | None = None, read_only: bool = False
) -> sa.Engine:
    """An engine for the URL, or for a file path; one that is read only refuses every write.

    Raises StoreError where the URL makes no sense or the folder is missing.
    """
    if "://" not in url and not Path(url).parent.is_dir():
        raise StoreError(f"{url}: the folder does not exist; make a project with `folkgrade init`")
    try:
        address = _address(url)
        sealed = _sealed(address, read_only=read_only)
        engine = sa.create_engine(address, **_manners(address, sealed))
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
        _tune_sqlite(engine, _patience(busy_seconds), writable=sealed is None)
    elif engine.dialect.name == "postgresql":
        _tune_postgresql(engine, read_only=read_only)
    return engine


def _patience(wanted: float | None) -> float:
    """Seconds to wait for others that write."""
    if wanted is not None:
        return wanted
    said = os.environ.get(PATIENCE, "")
    return float(said) if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", said) else BUSY_SECONDS


def _address(url: str) -> sa.URL:
    """The address with the driver that is used here, where it names none."""
    if "://" not in url:
        return sa.URL.create("sqlite", database=url)
    address = sa.make_url(url)
    if address.drivername in ("postgres", "postgresql"):
        return address.set(drivername="postgresql+psycopg")
    return address


def _manners(address: sa.URL, sealed: Callable[[], sqlite3.Connection] | None) -> dict[str, Any]:
    """How connections of that address are made and looked after."""
    # `still` ends its own transaction; one ended by the pool would take its moment away.
    manners: dict[str, Any] = {"skip_autocommit_rollback": True}
    if sealed is not None:
        manners["creator"] = sealed
    if address.get_backend_name() == "postgresql":
        # A server that was started anew since is noticed before it is asked, not by the user.
        manners["pool_pre_ping"] = True
        own = dict(_ALIVE)
        if "PGCONNECT_TIMEOUT" not in os.environ:
            own["connect_timeout"] = CONNECT_SECONDS
        manners["connect_args"] = {k: v for k, v in own.items() if k not in address.query}
    return manners


def shown(url: str) -> str:
    """The address as it may be said: without its password, even where it makes no sense."""
    before, at, after = url.rpartition("@")
    bare = re.sub(r"(?s)://([^:]*+):.*", r"://\1:***", before, count=1) + at + after
    return re.sub(r"(?i)\b(password|passwd|pwd)=[^&]*", r"\1=***", bare)


def _sealed(address: sa.URL, *, read_only: bool = False) -> Callable[[], sqlite3.Connection] | None:
    """What opens an SQLite file that may only be read; None for any other database.

    Without a log beside it, nobody is writing, and it is read as it lies: where nothing may be
    written SQLite could not make the log it wants for reading either.
    """
    name = address.database or ""
    path = Path(name)
    if address.get_backend_name() != "sqlite" or not (read_only or path.is_file()):
        return None
    if writable(path) and not read_only:
        return None
    return lambda: sqlite3.connect(address_to_read(path), uri=True, check_same_thread=False)


def _tune_sqlite(engine: sa.Engine, busy_seconds: float, *, writable: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
        if writable:
            _log_ahead(connection, busy_seconds)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA secure_delete=FAST")
        connection.execute("PRAGMA foreign_keys=ON")


def _log_ahead(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Turns WAL on; SQLite itself does not wait where several processes do so at once."""
    end = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _tune_postgresql(engine: sa.Engine, *, read_only: bool = False) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        version = connection.info.server_version // 10_000
        if version < OLDEST:
            raise StoreError(
                f"database {engine.url.database}: its server is PostgreSQL {version}, and "
                f"{OLDEST} is the oldest that will do; update the server"
            )
        # A process that was stopped in a transaction would keep its locks for ever.
        with connection.cursor() as cursor:
            cursor.execute(_silence("SESSION", IDLE_SECONDS))
            if read_only:
                cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()


def _silence(where: str, seconds: float) -> str:
    """A statement by which the server bears with so much silence within a transaction."""
    return f"SET {where} idle_in_transaction_session_timeout = '{seconds}s'"


def migrate(engine: sa.Engine, store: str, steps: Sequence[Step]) -> int:
    """The store's schema version after running the steps it still lacks, each in a transaction.

    Of several processes that open a new database at once, one runs a step and the others wait.
    Raises StoreError where the database was written by a newer Folkgrade.
    """
    with explained(engine), engine.connect() as connection:
        version = _version(connection, store)
    while version < len(steps):
        version = _one_step(engine, store, steps)
    if version > len(steps):
        raise StoreError(
            f"{engine.url.render_as_string(hide_password=True)}: written by a newer Folkgrade "
            f"(schema {version} of {store}, this one knows {len(steps)}); update Folkgrade"
        )
    return version


def _version(connection: sa.Connection, store: str) -> int:
    """The store's schema version, 0 where it has no tables yet."""
    if not sa.inspect(connection).has_table(_versions.name):
        return 0
    query = sa.select(_versions.c.version).where(_versions.c.store == store)
    return int(connection.scalar(query) or 0)


def _one_step(engine: sa.Engine, store: str, steps: Sequence[Step]) -> int:
    """The schema version after the next step; 0 steps where another process was faster."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
        _versions.create(connection, checkfirst=True)
        version = _version(connection, store)
        if version < len(steps):
            steps[version](connection)
            version += 1
            connection.execute(_versions.delete().where(_versions.c.store == store))
            connection.execute(_versions.insert().values(store=store, version=version))
        return version


def add_column(connection: sa.Connection, column: sa.Column[Any]) -> None:
    """Adds a column and its index to a table that an earlier step made without them."""
    table = column.table
    assert isinstance(table, sa.Table)
    known = {found["name"] for found in sa.inspect(connection).get_columns(table.name)}
    if column.name not in known:
        definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
    for index in table.indexes:
        if column in index.columns.values():
            index.create(connection, checkfirst=True)


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that writes, and may read before; raises StoreError.

    In SQLite it is the only writer from its start; PostgreSQL locks the rows asked for. An engine
    made by `guarded` first makes sure that it still may write.
    """
    with explained(engine), engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        guard = engine.get_execution_options().get("guard")
        if guard is not None:
            guard(connection)
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees the database as it stood at one moment; raises StoreError."""
    with still(engine) as held, held.connect() as connection:
        yield connection


@contextmanager
def still(engine: sa.Engine) -> Iterator[sa.Engine]:
    """The database as it stood at one moment, for reading, whatever others write meanwhile.

    All that is asked of it in the block goes together: a run is seen whole or not at all. It is
    one connection, for one thread. Raises StoreError.
    """
    if engine.get_execution_options().get("still"):
        yield engine
        return
    with explained(engine), engine.connect() as plain:
        held = plain.execution_options(isolation_level="AUTOCOMMIT")
        sqlite = held.dialect.name == "sqlite"
        held.exec_driver_sql(
            "BEGIN" if sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        )
        try:
            if sqlite:
                held.exec_driver_sql("PRAGMA query_only=ON")
            else:
                held.exec_driver_sql(_silence("LOCAL", READING_SECONDS))
            # The moment is that of the first question.
            held.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1" if sqlite else "SELECT 1")
            inner = held.connection.dbapi_connection
            pool = sa.StaticPool(lambda: inner, reset_on_return=None)  # type: ignore[arg-type]
            yield sa.Engine(pool, engine.dialect, engine.url).execution_options(still=True)
        finally:
            if not held.invalidated:
                held.exec_driver_sql("ROLLBACK")
                if sqlite:
                    held.exec_driver_sql("PRAGMA query_only=OFF")


def scrub(engine: sa.Engine) -> None:
    """Leaves nothing of what was deleted in the file: not in free pages, not in the log.

    Writes the whole database anew, which takes its size of free space. Raises StoreError where
    others use it; what was deleted then lies there, unseen by any query, until the next scrub.
    """
    with explained(engine), engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        if connection.dialect.name == "postgresql":
            busy = _scrub_server(connection, _patience(None))
        else:
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    if busy:
        raise StoreError(
            f"database {engine.url.database}: another process reads it, so what was deleted stays "
            "on the disk; close what uses it and run this again"
        )


def _scrub_server(connection: sa.Connection, seconds: float) -> bool:
    """Whether what was deleted lies there still, since even after so long somebody sees it."""
    before = connection.scalar(sa.text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))
    end = time.monotonic() + seconds
    while connection.scalar(_SEEING, {"before": before}):
        if time.monotonic() > end:
            return True
        time.sleep(0.05)
    for name in sa.inspect(connection).get_table_names():
        # The statistics of a table quote from its rows: they are made anew too.
        connection.execute(sa.text(f'VACUUM (FULL, ANALYZE) "{name}"'))
    connection.exec_driver_sql("VACUUM (FULL) pg_catalog.pg_statistic")
    return False


_SEEING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend' "
    "AND greatest(age(backend_xid), age(backend_xmin)) > age(CAST(:before AS xid))"
)
"""Who began before and has not ended: the server keeps for them what others deleted since."""


def guarded(engine: sa.Engine, guard: Callable[[sa.Connection], None]) -> sa.Engine:
    """The same database, in which every `writing` begins with a check that may raise."""
    return engine.execution_options(guard=guard)


def insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that may say what to do `on_conflict`."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


class contains(sa.sql.functions.FunctionElement[bool]):  # noqa: N801
    """Whether a text holds another, capitals told apart: `contains(column, text)`."""

    name = "contains"
    type = sa.Boolean()
    inherit_cache = True


class raw(sa.sql.functions.FunctionElement[bytes]):  # noqa: N801
    """The bytes of a text, whether they make one or not: `raw(column)`."""

    name = "raw"
    type = sa.LargeBinary()
    inherit_cache = True


@compiles(contains)
def _contains(element: contains, compiler: Any, **more: Any) -> str:
    """`strpos` in PostgreSQL, `instr` in SQLite: LIKE would take capitals for small letters."""
    name = "strpos" if compiler.dialect.name == "postgresql" else "instr"
    return f"({name}({compiler.process(element.clauses, **more)}) > 0)"


@compiles(raw)
def _raw(element: raw, compiler: Any, **more: Any) -> str:
    column = compiler.process(element.clauses, **more)
    if compiler.dialect.name == "postgresql":
        return f"convert_to({column}, 'UTF8')"
    return f"CAST({column} AS BLOB)"


def batches(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """The items in pieces, of a size that every database binds at once."""
    return (items[start : start + size] for start in range(0, len(items), size))


def does_not_fit(error: DatabaseError) -> bool:
    """Whether the database is well, but refuses a value: too long, too big, a NUL in a text."""
    state = getattr(error.orig, "sqlstate", None) or ""
    return isinstance(error, sa.exc.DataError) or state[:2] in ("22", "54")


@contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turns the database's own errors into a StoreError of one clear line."""
    try:
        yield
    except DatabaseError as error:
        kind = DamagedText if "could not decode" in str(error.orig).lower() else StoreError
        raise kind(reason(engine.url, error)) from error
