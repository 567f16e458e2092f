"""Who of several workers owns a site, and until when.

Politeness makes one site one owner, so whole sites are leased, never addresses. An owner that
falls silent loses its site; the number of its lease, the fence, is then an old one, and what it
still tries to write is refused. Time is the database's: the clocks of the workers may differ.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from crawler.database import Step, batches, explained, guarded, insert, migrate, writing
from crawler.errors import CrawlerError, LeaseLost

__all__ = ["Busy", "Lease", "Leases", "alone"]

_AHEAD = 10
"""Lengths of a lease that no lease lasts."""
_SLACK = 5.0
"""Seconds that the database's clock is put right by without anybody minding."""

metadata = sa.MetaData()

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("site", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("finished", sa.Double, nullable=False),
)
"""Times are seconds since 1970; `finished` is when an owner last came to the end of the site."""


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)


STEPS: tuple[Step, ...] = (_create,)


class _now(sa.sql.functions.FunctionElement[float]):  # noqa: N801
    """The database's own time, in seconds since 1970."""

    name = "now_seconds"
    type = sa.Double()
    inherit_cache = True


@compiles(_now)
def _now_sql(_element: _now, compiler: Any, **_more: Any) -> str:
    if compiler.dialect.name == "postgresql":
        return "EXTRACT(EPOCH FROM clock_timestamp())::float8"
    return "((julianday('now') - 2440587.5) * 86400.0)"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A site that belongs to one worker for some time."""

    site: str
    owner: str
    fence: int
    """Number of the lease; every later one of the site has a higher one."""
    seconds: float
    """How long it lasts after it was last renewed."""


class Leases:
    """The leases of all workers on one database."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the table beside the corpus; raises StoreError."""
        self.engine = engine
        migrate(engine, "leases", STEPS)

    def acquire(
        self, owner: str, sites: Sequence[str], seconds: float, *, rest: float = 0.0
    ) -> Lease | None:
        """A lease of the first site that nobody holds; None where there is none.

        Sites that were finished less than `rest` seconds ago are left alone.
        """
        for some in batches(list(dict.fromkeys(sites))):
            with writing(self.engine) as connection:
                _enlist(connection, some)
                row = connection.execute(_free(some, seconds, rest)).first()
                if row is not None:
                    lease = Lease(site=row.site, owner=owner, fence=row.fence + 1, seconds=seconds)
                    connection.execute(_taken(lease))
                    return lease
        return None

    def renew(self, lease: Lease) -> None:
        """The heartbeat: the lease lasts its time from now on. Raises LeaseLost."""
        change = leases.update().where(_is(lease)).values(until=_now() + lease.seconds)
        with explained(self.engine), self.engine.connect() as connection:
            # No transaction: a worker that is stopped in the midst of one would keep the row.
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            if not alone.execute(change).rowcount:
                raise _lost(lease)

    def release(self, lease: Lease, *, finished: bool = True) -> None:
        """Gives the site back, with a note that it was finished; a lost lease changes nothing."""
        values: dict[str, Any] = {"until": 0.0} | ({"finished": _now()} if finished else {})
        with writing(self.engine) as connection:
            connection.execute(leases.update().where(_is(lease)).values(**values))

    def guard(self, lease: Lease) -> None:
        """Raises LeaseLost where somebody else took the site over."""
        with explained(self.engine), self.engine.connect() as connection:
            _check(connection, lease)

    def fenced(self, lease: Lease) -> sa.Engine:
        """The same database, in which nothing is written once the lease was lost: LeaseLost.

        The check and the write are one transaction, and no takeover comes between them.
        """
        return guarded(self.engine, lambda connection: _check(connection, lease))

    def are_done(self, sites: Sequence[str], *, rest: float = 0.0) -> bool:
        """Whether every one of the sites was finished less than `rest` seconds ago."""
        fresh = leases.c.finished.between(_now() - rest, _now() + _SLACK)
        with explained(self.engine), self.engine.connect() as connection:
            done = 0
            for some in batches(sites):
                query = sa.select(sa.func.count()).where(leases.c.site.in_(some), fresh)
                done += connection.scalar(query) or 0
        return done == len(sites)


def _enlist(connection: sa.Connection, sites: Sequence[str]) -> None:
    """Gives every site a row; in one order, lest two workers wait for each other."""
    statement = insert(connection.dialect.name, leases).on_conflict_do_nothing()
    bare = {"owner": "", "fence": 0, "until": 0.0, "finished": 0.0}
    known = set(connection.scalars(sa.select(leases.c.site).where(leases.c.site.in_(sites))))
    new = [{"site": site} | bare for site in sorted(set(sites) - known)]
    if new:
        connection.execute(statement, new)


def _free(sites: Sequence[str], seconds: float, rest: float) -> sa.Select[Any]:
    """The first of the sites that nobody holds; one that another worker just takes is held.

    What lies further ahead than any lease goes was written before the clock was put back.
    """
    ended = sa.or_(leases.c.until <= _now(), leases.c.until > _now() + _AHEAD * seconds)
    rested = sa.or_(leases.c.finished <= _now() - rest, leases.c.finished > _now() + _SLACK)
    order = sa.case({site: place for place, site in enumerate(sites)}, value=leases.c.site)
    query = sa.select(leases.c.site, leases.c.fence).where(leases.c.site.in_(sites), ended, rested)
    return query.order_by(order).limit(1).with_for_update(skip_locked=True)


def _taken(lease: Lease) -> sa.Update:
    change = leases.update().where(leases.c.site == lease.site)
    return change.values(owner=lease.owner, fence=lease.fence, until=_now() + lease.seconds)


def _is(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(leases.c.site == lease.site, leases.c.fence == lease.fence)


def _check(connection: sa.Connection, lease: Lease) -> None:
    """Raises LeaseLost; within a transaction the lease cannot change hands before its end."""
    query = sa.select(leases.c.fence).where(_is(lease)).with_for_update(read=True)
    if connection.scalar(query) is None:
        raise _lost(lease)


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"{lease.site}: another worker took it over, since this one was silent for more than "
        f"{lease.seconds:g} s; nothing more of it is written here"
    )


class Busy(CrawlerError):
    """Another process of this machine crawls the site for the same project."""


@contextmanager
def alone(path: Path, sites: Sequence[str]) -> Iterator[None]:
    """While it lasts no other process of this machine is let in for these sites; raises Busy.

    Each site is a byte of a file in the project's folder, locked. The system takes the lock away
    with the process, however that ends, so nothing is left behind by a kill. Where the system has
    no such locks, or the folder cannot be written, everybody is let in.
    """
    try:
        import fcntl

        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except (ImportError, OSError):
        yield
        return
    try:
        for site in sorted(set(sites)):
            place = int.from_bytes(hashlib.sha256(site.encode()).digest()[:4], "big") >> 1
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError as error:
                raise Busy(
                    f"{site}: another crawl of this project is there; wait for its end, or stop it"
                ) from error
        yield
    finally:
        os.close(handle)
