"""The collected store: documents as they were read, kept until they are forgotten.

Nothing here is derived; what follows from the documents is `miner.knowledge`. Everything that
arrives has been pseudonymised by `crawler.deliver` before.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa
from pydantic import ValidationError

from crawler import oblivion, records
from crawler.database import batches, does_not_fit, explained, migrate, writing
from crawler.documents import Document, Thread
from crawler.errors import DamagedDocument, NotStored
from crawler.steps import STEPS
from crawler.tables import documents, failures, posts, stamps, visits

__all__ = ["Added", "Corpus", "Failure", "Hole", "SiteCounts", "SiteVisit"]

log = logging.getLogger(__name__)

Added = Literal["new", "changed", "same", "forgotten"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A page or file that could not be read, and why."""

    url: str
    reason: str
    seen: datetime


@dataclass(frozen=True, kw_only=True)
class SiteVisit:
    """How the last crawl of a site ended."""

    site: str
    started: datetime
    finished: datetime
    status: str
    """`ok`, `partial`, `refused`, `unreachable` or `interrupted`."""
    reason: str = ""
    pages: int = 0


@dataclass(frozen=True, kw_only=True)
class SiteCounts:
    """What the corpus holds of one site."""

    site: str
    engines: tuple[str, ...]
    threads: int
    articles: int
    studies: int
    posts: int
    authors: int
    first: datetime | None
    """Date of the oldest post."""
    last: datetime | None
    """Date of the newest post."""
    fetched: datetime
    """When something of the site was last stored."""


@dataclass(frozen=True, kw_only=True)
class Hole:
    """A thread of which fewer posts are stored than it says it has."""

    url: str
    site: str
    stored: int
    expected: int


class Corpus:
    """The documents of a project."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the store and brings its tables up to date; raises StoreError."""
        self.engine = engine
        migrate(engine, "corpus", STEPS)

    def add(self, document: Document) -> Added:
        """What adding did. Pieces of a thread are merged by post id; forgotten things stay out.

        Raises NotStored for a document that cannot be written; a damaged former one is mended.
        """
        try:
            return self._add(records.check(document))
        except _UNWRITABLE as error:
            raise _unwritable(document, str(_cause(error))) from error

    def _add(self, document: Document) -> Added:
        with writing(self.engine) as connection:
            oblivion.hold(connection)
            kept = oblivion.without_forgotten(connection, document)
            if kept is None:
                return "forgotten"
            try:
                return records.put(connection, kept)
            except sa.exc.DatabaseError as error:
                if does_not_fit(error):
                    raise _unwritable(document, str(error.orig)) from error
                raise

    def get(self, url: str) -> Document | None:
        """The document of that address, whole; raises StoreError where its row is damaged."""
        with explained(self.engine), self.engine.connect() as connection:
            return records.get(connection, url)

    def digest(self, url: str) -> str | None:
        """Digest of the content of that document, as `hashes` has it; None where it is not."""
        query = sa.select(documents.c.hash).where(documents.c.url == url)
        with explained(self.engine), self.engine.connect() as connection:
            return connection.scalar(query)

    def unsound(self, url: str) -> str:
        """What of a stored document is not as it was written; empty where all of it is."""
        with explained(self.engine), self.engine.connect() as connection:
            return records.unsound(connection, url)

    def doubt(self, url: str) -> None:
        """Notes that posts of a thread were lost by damage; it is healed by storing it again."""
        with writing(self.engine) as connection:
            records.doubt(connection, url)

    def posts_of(self, url: str) -> tuple[str, ...]:
        """Ids of the thread's stored posts, in order; none where it is not stored."""
        with explained(self.engine), self.engine.connect() as connection:
            return records.post_ids(connection, url)

    def documents(self, urls: Sequence[str] | None = None) -> Iterator[Document]:
        """Documents in order of address, all or those asked for; memory holds one at a time.

        Damaged ones are passed over with a warning.
        """
        for url in sorted(self.hashes()) if urls is None else urls:
            try:
                document = self.get(url)
            except DamagedDocument as error:
                log.warning("%s", error)
                continue
            if document is not None:
                yield document

    def hashes(self, kind: str | None = None) -> dict[str, str]:
        """Content digest by address: equal digests, equal documents.

        `kind` is one of thread, article and study; None for all.
        """
        query = sa.select(documents.c.url, documents.c.hash)
        query = query if kind is None else query.where(documents.c.kind == kind)
        with explained(self.engine), self.engine.connect() as connection:
            # As plain tuples: a dashboard asks this at every other click.
            return dict(sorted(map(tuple, connection.execute(query))))

    def fingerprint(self) -> str:
        """One digest of all that was collected."""
        return hashlib.sha256(repr(self.hashes()).encode()).hexdigest()

    def drop(self, url: str) -> bool:
        """Whether a document was there to be removed; unlike `forget` it may come again."""
        with writing(self.engine) as connection:
            return records.take_whole(connection, url) > 0

    def settle(self, url: str, ids: Collection[str]) -> int:
        """How many stored posts of the thread went because they are not among the ids.

        Asked once all of its pages were seen: what is on none of them was deleted at the source.
        """
        keep = set(ids)
        with writing(self.engine) as connection:
            gone = [post for post in records.post_ids(connection, url) if post not in keep]
            return sum(
                records.take(connection, sa.and_(posts.c.document == url, posts.c.id.in_(some)))
                for some in batches(gone)
            )

    def purge(self, urls: Collection[str]) -> int:
        """How many posts and documents went that were deleted at the source.

        The addresses are those of documents, or permalinks of posts; unlike what is forgotten,
        they may come again.
        """
        with writing(self.engine) as connection:
            return sum(_purge(connection, url) for url in sorted(set(urls)))

    def parts_of(self, key: str) -> tuple[tuple[str, str], ...]:
        """Document address and part of all that `forget` would remove; none where it is unknown.

        Asked before forgetting, it is what `Knowledge.forget` wants to know.
        """
        with explained(self.engine), self.engine.connect() as connection:
            whole = connection.scalar(sa.select(documents.c.kind).where(documents.c.url == key))
            found = _parts(connection, sa.or_(oblivion.mentions(key), posts.c.document == key))
        return (*found, *(((key, "title"), (key, "text")) if whole else ()))

    def forget(self, key: str) -> int:
        """How many posts and documents went: an author's posts, one post, or a whole document.

        `key` is a pseudonym, the address of a post or the address of a document. It is kept out
        of later crawls, and so is what others quote of it.
        """
        with writing(self.engine) as connection:
            oblivion.keep_out(connection, key)
            said = _parts(connection, oblivion.mentions(key))
            for url, post in said:
                oblivion.keep_out(connection, oblivion.quote_key(url, post))
            for words in _repeated(connection, said):
                oblivion.keep_out(connection, oblivion.words_key(words))
            quoting = _parts(connection, oblivion.quoting(key))
            gone = records.take(connection, oblivion.mentions(key)) + _purge(connection, key)
            for url in sorted({url for url, _post in (*said, *quoting)}):
                _cleanse(connection, url)
            return gone

    def is_out(self, key: str) -> bool:
        """Whether that author, post or document was forgotten and is kept out."""
        with explained(self.engine), self.engine.connect() as connection:
            return oblivion.is_out(connection, key)

    def failed(self, url: str, reason: str) -> None:
        """Records that a page could not be read."""
        with writing(self.engine) as connection:
            connection.execute(failures.delete().where(failures.c.url == url))
            seen = datetime.now(UTC)
            connection.execute(failures.insert().values(url=url, reason=reason, seen=seen))

    def recovered(self, url: str) -> None:
        """Takes a page off the list of failures once it could be read."""
        with writing(self.engine) as connection:
            connection.execute(failures.delete().where(failures.c.url == url))

    def failures(self) -> list[Failure]:
        """Pages that could not be read, latest first."""
        with explained(self.engine), self.engine.connect() as connection:
            rows = connection.execute(sa.select(failures).order_by(failures.c.seen.desc()))
            return [Failure(**{str(k): v for k, v in row.items()}) for row in rows.mappings()]

    def stamp(self, url: str) -> str | None:
        """The state of a thread as a listing last described it, once all of it was stored."""
        with explained(self.engine), self.engine.connect() as connection:
            return connection.scalar(sa.select(stamps.c.stamp).where(stamps.c.url == url))

    def keep_stamp(self, url: str, stamp: str) -> None:
        """Remembers the state of a thread, so that an unchanged one is not asked for again."""
        with writing(self.engine) as connection:
            connection.execute(stamps.delete().where(stamps.c.url == url))
            connection.execute(stamps.insert().values(url=url, stamp=stamp))

    def visited(self, visit: SiteVisit) -> None:
        """Records how a crawl of a site ended."""
        with writing(self.engine) as connection:
            connection.execute(visits.insert().values(**visit.__dict__))

    def last_visits(self) -> dict[str, SiteVisit]:
        """The last visit of each site."""
        with explained(self.engine), self.engine.connect() as connection:
            rows = connection.execute(sa.select(visits).order_by(visits.c.id))
            return {row["site"]: _visit(row) for row in rows.mappings()}

    def holes(self) -> list[Hole]:
        """Threads of which posts are missing, those that miss most first."""
        stored = sa.func.count(posts.c.id)
        columns = documents.c.url, documents.c.site, documents.c.expected
        query = sa.select(*columns, stored.label("stored")).join_from(
            documents, posts, isouter=True
        )
        query = query.where(documents.c.expected.is_not(None))
        query = query.group_by(*columns).having(stored < documents.c.expected)
        with explained(self.engine), self.engine.connect() as connection:
            rows = connection.execute(query).mappings()
            found = [Hole(**{str(k): v for k, v in row.items()}) for row in rows]
        return sorted(found, key=lambda hole: (hole.stored - hole.expected, hole.url))

    def fetched(self) -> dict[str, datetime]:
        """When something of each site was last stored."""
        last = sa.func.max(documents.c.fetched)
        query = sa.select(documents.c.site, last).group_by(documents.c.site)
        with explained(self.engine), self.engine.connect() as connection:
            return dict(map(tuple, connection.execute(query)))

    def sites(self) -> list[SiteCounts]:
        """What the corpus holds, site by site."""
        with explained(self.engine), self.engine.connect() as connection:
            names = connection.scalars(sa.select(documents.c.site).distinct()).all()
            return [_site_counts(connection, name) for name in sorted(names)]


def _visit(row: sa.RowMapping) -> SiteVisit:
    return SiteVisit(**{str(name): value for name, value in row.items() if name != "id"})


_UNWRITABLE = (ValueError, TypeError, OverflowError)


def _cause(error: Exception) -> object:
    """What of the document cannot be written."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return error


def _unwritable(document: Document, cause: str) -> NotStored:
    """What to say of a document that the database cannot hold."""
    said = f"{document.source.url}: cannot be stored: {cause}; it is left out"
    return NotStored(records.printable(said))


def _purge(connection: sa.Connection, url: str) -> int:
    """How many posts and documents of that address went; no list names it any more."""
    for table in (stamps, failures):
        connection.execute(table.delete().where(table.c.url == url))
    gone = records.take_whole(connection, url)
    gone += records.take(connection, posts.c.url == url)
    document, _, post = url.rpartition("#")
    own = sa.and_(posts.c.document == document, posts.c.id == post)
    return gone + records.take(connection, own)


def _repeated(connection: sa.Connection, said: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What others quote of those posts, in the same threads."""
    gone: dict[str, set[str]] = {}
    for url, post in said:
        gone.setdefault(url, set()).add(post)
    for url, posts_gone in gone.items():
        document = _sound(connection, url)
        if isinstance(document, Thread):
            yield from oblivion.repeated(document, posts_gone)


def _sound(connection: sa.Connection, url: str) -> Document | None:
    """The document; None for one that is damaged, of which a word is logged."""
    try:
        return records.get(connection, url)
    except DamagedDocument as error:
        log.warning("%s", error)
        return None


def _cleanse(connection: sa.Connection, url: str) -> None:
    """Stores a document anew, less what was forgotten."""
    document = _sound(connection, url)
    kept = document and oblivion.without_forgotten(connection, document)
    if kept:
        records.put(connection, kept)


def _parts(connection: sa.Connection, of: sa.ColumnElement[bool]) -> list[tuple[str, str]]:
    """Document address and id of those posts."""
    rows = connection.execute(sa.select(posts.c.document, posts.c.id).where(of))
    return [(row.document, row.id) for row in rows]


def _site_counts(connection: sa.Connection, site: str) -> SiteCounts:
    of_site = documents.c.site == site
    by_kind = connection.execute(
        sa.select(documents.c.kind, sa.func.count().label("total"))
        .where(of_site)
        .group_by(documents.c.kind)
    )
    kinds: dict[str, int] = {row.kind: row.total for row in by_kind}
    engines = connection.scalars(sa.select(documents.c.engine).where(of_site).distinct()).all()
    fetched = connection.scalar(sa.select(sa.func.max(documents.c.fetched)).where(of_site))
    row = connection.execute(
        sa.select(
            sa.func.count().label("posts"),
            sa.func.count(posts.c.author.distinct()).label("authors"),
            sa.func.min(posts.c.written).label("first"),
            sa.func.max(posts.c.written).label("last"),
        )
        .select_from(posts.join(documents))
        .where(of_site)
    ).one()
    assert fetched is not None
    return SiteCounts(
        site=site,
        engines=tuple(sorted(engines)),
        threads=kinds.get("thread", 0),
        articles=kinds.get("article", 0),
        studies=kinds.get("study", 0),
        posts=row.posts,
        authors=row.authors,
        first=row.first,
        last=row.last,
        fetched=fetched,
    )
