"""The frontier: every page we know of, what came of it, and what is still to be asked for.

It lies in the project's database, beside the documents, so that a crawl may be killed at any
moment and goes on where it stood. What is due is decided in `crawler.due`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any, get_args

import sqlalchemy as sa

from crawler.database import (
    Step,
    UtcTime,
    batches,
    explained,
    insert,
    migrate,
    open_database,
    writing,
)
from crawler.due import Changes, KnownPage, KnownThread, Role, State, audited
from crawler.page import Link

__all__ = ["Frontier", "Opened"]

RESUMABLE = timedelta(days=1)
"""A visit cut off longer ago is begun anew; what it had queued is asked for nevertheless."""

RANK = {"posts": 0, "thread": 1, "article": 1, "better": 1, "recent": 2, "listing": 3}
"""Threads are finished before new ones are begun."""
AUDIT_RANK = 4
"""Audits come last: by then the site has shown that it answers."""

metadata = sa.MetaData()

pages = sa.Table(
    "frontier_pages",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("thread", sa.String, index=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("visit", sa.Integer, nullable=False),
    sa.Column("walk", sa.Integer, nullable=False),
    sa.Column("audit", sa.Boolean, nullable=False),
    sa.Column("at", sa.String),
    sa.Column("etag", sa.String),
    sa.Column("modified", sa.String),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("is_html", sa.Boolean, nullable=False),
    sa.Column("is_cut", sa.Boolean, nullable=False),
    sa.Column("links", sa.Text, nullable=False),
    sa.Column("posts", sa.Text, nullable=False),
    sa.Column("stamp", sa.String),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("seen", UtcTime),
    sa.Column("fetched", UtcTime),
    sa.Column("changed", UtcTime),
    sa.Column("due", UtcTime),
    sa.Index("frontier_queue", "site", "state", "rank", "seq"),
)

threads = sa.Table(
    "frontier_threads",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False, index=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("into", sa.String),
    sa.Column("stamp", sa.String),
    sa.Column("want", sa.String),
    sa.Column("visit", sa.Integer, nullable=False),
    sa.Column("walk", sa.Integer, nullable=False),
    sa.Column("is_full", sa.Boolean, nullable=False),
    sa.Column("is_kept", sa.Boolean, nullable=False),
    sa.Column("active", UtcTime),
)

walks = sa.Table(
    "frontier_visits",
    metadata,
    sa.Column("site", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("is_complete", sa.Boolean, nullable=False),
    sa.Column("started", UtcTime, nullable=False),
    sa.Column("touched", UtcTime, nullable=False),
    sa.Column("scope", sa.String, nullable=False),
)
"""The last visit of each site; `is_complete`: every list of it was walked to its end, under the
scope of that mark."""

names = sa.Table(
    "frontier_names",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.String, nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
"""User names met, sealed under the project's key; see `crawler.deliver`."""


# Asked for every page: written down once, since that takes longer than to run them.
_PAGES = sa.select(pages).where(pages.c.url.in_(sa.bindparam("urls", expanding=True)))
_THREADS = sa.select(threads).where(threads.c.url.in_(sa.bindparam("urls", expanding=True)))
_NEXT = (
    sa.select(pages)
    .where(pages.c.site == sa.bindparam("site"), pages.c.state == "queued")
    .order_by(pages.c.rank, pages.c.seq)
    .limit(sa.bindparam("most"))
)
_MAY_BE_DUE = sa.or_(
    pages.c.state == "failed",
    sa.and_(pages.c.state == "done", pages.c.role == "article"),
)
_OPEN = sa.select(sa.func.count()).where(
    pages.c.thread == sa.bindparam("thread"),
    pages.c.walk == sa.bindparam("walk"),
    pages.c.state != "done",
    pages.c.url != sa.bindparam("without"),
)


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)


STEPS: tuple[Step, ...] = (_create,)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A visit that begins, or goes on."""

    number: int
    started: datetime
    """Of the first of the visits that were cut off, where this one follows such."""
    is_resumed: bool
    was_complete: bool
    """The former visit walked every list to its end."""


class Frontier:
    """The known pages of a project's sites. One process at a time may work at a site."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the tables beside the corpus; raises StoreError."""
        self.engine = engine
        migrate(engine, "frontier", STEPS)

    def open_visit(self, site: str, now: datetime, scope: str = "") -> Opened:
        """The visit that was cut off a short while ago and has pages left, else a new one.

        Under another scope than that of the last visit, what was left out is judged anew.
        """
        with writing(self.engine) as connection:
            row = connection.execute(sa.select(walks).where(walks.c.site == site)).one_or_none()
            left = self._left(connection, site)
            is_same = row is not None and row.scope == scope
            if row and not is_same:
                self._judge_anew(connection, site, now)
            if row and is_same and row.is_open and left and now - row.touched < RESUMABLE:
                connection.execute(walks.update().where(walks.c.site == site).values(touched=now))
                return Opened(
                    number=row.number,
                    started=row.started,
                    is_resumed=True,
                    was_complete=row.is_complete,
                )
            was_complete = bool(row and is_same and row.is_complete and not (row.is_open and left))
            connection.execute(walks.delete().where(walks.c.site == site))
            number = row.number + 1 if row else 1
            started = row.started if row and row.is_open else now
            connection.execute(
                walks.insert().values(
                    site=site,
                    number=number,
                    is_open=True,
                    is_complete=was_complete,
                    started=started,
                    touched=now,
                    scope=scope,
                )
            )
            return Opened(
                number=number, started=started, is_resumed=False, was_complete=was_complete
            )

    @staticmethod
    def _judge_anew(connection: sa.Connection, site: str, now: datetime) -> None:
        """Lets what another scope left out be asked for: its state is no longer known."""
        out = sa.and_(threads.c.site == site, threads.c.state == "off_topic")
        connection.execute(threads.update().where(out).values(stamp=None))
        articles = sa.and_(pages.c.site == site, pages.c.role == "article", pages.c.state == "done")
        unknown = {"etag": None, "modified": None, "digest": "", "due": now, "stamp": None}
        connection.execute(pages.update().where(articles).values(**unknown))

    def close_visit(self, site: str, now: datetime) -> None:
        """Ends the visit; it was complete where no list is left to be asked for."""
        with writing(self.engine) as connection:
            lists = sa.select(sa.func.count()).where(
                pages.c.site == site,
                pages.c.role == "listing",
                pages.c.state.in_(("queued", "failed")),
            )
            complete = not connection.scalar(lists)
            change = {"is_open": False, "is_complete": complete, "touched": now}
            connection.execute(walks.update().where(walks.c.site == site).values(**change))

    def _left(self, connection: sa.Connection, site: str) -> int:
        query = sa.select(sa.func.count()).where(pages.c.site == site, pages.c.state == "queued")
        return connection.scalar(query) or 0

    def left(self, site: str) -> int:
        """How many pages of the site are queued."""
        with explained(self.engine), self.engine.connect() as connection:
            return self._left(connection, site)

    def left_out(self, site: str) -> set[str]:
        """Threads of the site that the scope kept out."""
        query = sa.select(threads.c.url).where(
            threads.c.site == site, threads.c.state == "off_topic"
        )
        with explained(self.engine), self.engine.connect() as connection:
            return set(connection.scalars(query))

    def next_due(self, site: str) -> datetime | None:
        """When the next page comes due that is asked for though no list shows it anew.

        That is one that failed, or an article; None where there is none.
        """
        query = sa.select(sa.func.min(pages.c.due)).where(pages.c.site == site, _MAY_BE_DUE)
        with explained(self.engine), self.engine.connect() as connection:
            found: datetime | None = connection.scalar(query)
            return found

    def touch(self, site: str, now: datetime) -> None:
        """Notes that the visit is alive."""
        with writing(self.engine) as connection:
            connection.execute(walks.update().where(walks.c.site == site).values(touched=now))

    def last_seq(self) -> int:
        """The greatest place in the queue ever given."""
        with explained(self.engine), self.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.max(pages.c.seq))) or 0

    def next(
        self, site: str, most: int, without: Collection[str] = (), *, only_lists: bool = False
    ) -> list[KnownPage]:
        """The pages to ask for next, at most so many, less those at hand."""
        query = _NEXT.where(pages.c.role == "listing") if only_lists else _NEXT
        values = {"site": site, "most": most + len(without)}
        with explained(self.engine), self.engine.connect() as connection:
            found = [_page(row) for row in connection.execute(query, values).mappings()]
        return [page for page in found if page.url not in without][:most]

    def pages(self, urls: Collection[str]) -> dict[str, KnownPage]:
        """Those pages that are known, by the address that was linked or read."""
        return {row["url"]: _page(row) for row in self._rows(_PAGES, urls)}

    def _rows(self, query: sa.Select[Any], urls: Collection[str]) -> Iterator[sa.RowMapping]:
        """The rows of these addresses."""
        if not urls:
            return
        with explained(self.engine), self.engine.connect() as connection:
            for some in batches(sorted(set(urls))):
                yield from connection.execute(query, {"urls": some}).mappings()

    def astray(self, most: int) -> list[str]:
        """Addresses of pages in no state that a crawl knows, so many at most."""
        odd = sa.or_(pages.c.state.not_in(get_args(State)), pages.c.role.not_in(get_args(Role)))
        query = sa.select(pages.c.url).where(odd).order_by(pages.c.url).limit(most)
        with explained(self.engine), self.engine.connect() as connection:
            return list(connection.scalars(query))

    def pages_of(self, thread: str) -> list[KnownPage]:
        """The pages of a thread, in the order they were first queued."""
        query = sa.select(pages).where(pages.c.thread == thread).order_by(pages.c.seq)
        with explained(self.engine), self.engine.connect() as connection:
            return [_page(row) for row in connection.execute(query).mappings()]

    def open_pages(self, thread: str, walk: int, without: str) -> int:
        """How many other pages of a walk are not read: queued, or failed."""
        values = {"thread": thread, "walk": walk, "without": without}
        with explained(self.engine), self.engine.connect() as connection:
            return connection.scalar(_OPEN, values) or 0

    def threads(self, urls: Collection[str]) -> dict[str, KnownThread]:
        """Those threads that are known."""
        return {row["url"]: KnownThread(**_plain(row)) for row in self._rows(_THREADS, urls)}

    def commit(self, site: str, changes: Changes) -> None:
        """Writes what one page brought, all of it or nothing."""
        with writing(self.engine) as connection:
            for some in batches(changes.dropped):
                connection.execute(pages.delete().where(pages.c.url.in_(some)))
            _put(connection, threads, [_thread_row(thread) for thread in changes.threads])
            _put(connection, pages, [_page_row(page) for page in changes.pages])
            for sealed in changes.names:
                connection.execute(names.insert().values(site=site, sealed=sealed))

    def threads_read(self, site: str, since: datetime) -> list[str]:
        """Threads of which a page was read since then."""
        query = sa.select(pages.c.thread).where(
            pages.c.site == site, pages.c.fetched >= since, pages.c.thread.is_not(None)
        )
        with explained(self.engine), self.engine.connect() as connection:
            return [url for url in connection.scalars(query.distinct()) if url]

    def names(self, site: str | None) -> list[bytes]:
        """The user names met at a site, or at any (None), sealed."""
        query = sa.select(names.c.sealed).order_by(names.c.id)
        if site is not None:
            query = query.where(names.c.site == site)
        with explained(self.engine), self.engine.connect() as connection:
            return list(connection.scalars(query))

    def gather_names(self, site: str, sealed: bytes) -> None:
        """Replaces the many small parcels of names by one."""
        with writing(self.engine) as connection:
            connection.execute(names.delete().where(names.c.site == site))
            connection.execute(names.insert().values(site=site, sealed=sealed))

    def renew(self, site: str, now: datetime) -> int:
        """How many pages are queued because they failed or are due."""
        late = sa.and_(pages.c.due.is_not(None), pages.c.due <= now)
        query = pages.update().where(pages.c.site == site, _MAY_BE_DUE, late)
        query = query.values(state="queued")
        with writing(self.engine) as connection:
            return connection.execute(query).rowcount

    def audit(self, site: str, share: float) -> int:
        """How many read pages of threads are queued to be read again, longest unread first."""
        whole = sa.select(threads.c.url).where(threads.c.site == site, threads.c.state == "whole")
        known = sa.and_(
            pages.c.site == site,
            pages.c.state == "done",
            pages.c.role != "recent",
            pages.c.thread.in_(whole),
        )
        with writing(self.engine) as connection:
            count = connection.scalar(sa.select(sa.func.count()).where(known)) or 0
            query = sa.select(pages.c.url).where(known).order_by(pages.c.fetched, pages.c.seq)
            urls = connection.scalars(query.limit(audited(share, count))).all()
            for some in batches(urls):
                change = {"state": "queued", "audit": True, "rank": AUDIT_RANK}
                connection.execute(pages.update().where(pages.c.url.in_(some)).values(**change))
            return len(urls)

    def drop(self, urls: Iterable[str]) -> None:
        """Forgets pages and threads of these addresses, so that they count as never seen."""
        with writing(self.engine) as connection:
            for some in batches(sorted(set(urls))):
                connection.execute(
                    pages.delete().where(sa.or_(pages.c.url.in_(some), pages.c.thread.in_(some)))
                )
                connection.execute(threads.delete().where(threads.c.url.in_(some)))

    def copy(self, sites: Sequence[str]) -> Frontier:
        """A copy in memory of what is known of these sites, to try things out on."""
        other = Frontier(open_database("sqlite://"))
        with self.engine.connect() as source, other.engine.begin() as target:
            for table in (pages, threads, walks):
                for row in source.execute(sa.select(table).where(table.c.site.in_(sites))):
                    target.execute(table.insert().values(**row._mapping))  # noqa: SLF001
        return other


def _put(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Writes rows, in place of former ones of the same address."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, table), rows)


@cache
def _upsert(dialect: str, table: sa.Table) -> sa.Executable:
    """Made once: it takes longer to write down than to run."""
    order = insert(dialect, table)
    change = {
        column.name: order.excluded[column.name] for column in table.c if column.name != "url"
    }
    return order.on_conflict_do_update(index_elements=["url"], set_=change)


_PAGE = tuple(field.name for field in fields(KnownPage))
_THREAD = tuple(field.name for field in fields(KnownThread))


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _page_row(page: KnownPage) -> dict[str, Any]:
    row = {name: getattr(page, name) for name in _PAGE}
    rank = AUDIT_RANK if page.audit else RANK[page.role]
    links = json.dumps([_link_row(link) for link in page.links]) if page.links else ""
    return row | {"rank": rank, "links": links, "posts": "\n".join(page.posts)}


def _page(row: Mapping[Any, Any]) -> KnownPage:
    known = _plain(row)
    del known["rank"]
    known["links"] = tuple(map(_link, json.loads(known["links"]))) if known["links"] else ()
    known["posts"] = tuple(known["posts"].split("\n")) if known["posts"] else ()
    return KnownPage(**known)


def _link_row(link: Link) -> list[Any]:
    """A link without its title: that is the site's text, and not stored here."""
    active = link.active.isoformat() if link.active else None
    return [link.url, link.role, link.thread, link.stamp, active, link.pinned]


def _link(row: list[Any]) -> Link:
    url, role, thread, stamp, active, pinned = row
    return Link(
        url=url,
        role=role,
        thread=thread,
        stamp=stamp,
        active=datetime.fromisoformat(active) if active else None,
        pinned=pinned,
    )


def _thread_row(thread: KnownThread) -> dict[str, Any]:
    return {name: getattr(thread, name) for name in _THREAD}
