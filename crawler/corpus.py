"""The collected store: documents as they were read, kept until they are forgotten.

Nothing here is derived; what follows from the documents is `miner.knowledge`. Everything that
arrives has been pseudonymised by `crawler.deliver` before.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from crawler.database import explained, migrate
from crawler.documents import Article, Document, Post, Quoted, Source, Study, Thread
from crawler.errors import DamagedDocument, NotStored
from crawler.tables import STEPS, documents, failures, forgotten, posts, stamps, visits

__all__ = ["Added", "Corpus", "Failure", "SiteCounts", "SiteVisit"]

log = logging.getLogger(__name__)

Added = Literal["new", "changed", "same", "forgotten"]

_bodies: dict[str, TypeAdapter[Any]] = {
    "thread": TypeAdapter(Thread),
    "article": TypeAdapter(Article),
    "study": TypeAdapter(Study),
}
_post = TypeAdapter(Post)


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


class Corpus:
    """The documents of a project."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the store and brings its tables up to date; raises StoreError."""
        self.engine = engine
        migrate(engine, "corpus", STEPS)

    def add(self, document: Document) -> Added:
        """What adding did. Pieces of a thread are merged by post id; forgotten things stay out.

        Raises NotStored for a document that cannot be written; a damaged former one is replaced.
        """
        try:
            return self._add(_checked(document))
        except _UNWRITABLE as error:
            raise _unwritable(document, error) from error

    def _add(self, document: Document) -> Added:
        with explained(self.engine), self.engine.begin() as connection:
            kept = _without_forgotten(connection, document)
            if kept is None:
                return "forgotten"
            former = _former(connection, document.source.url)
            merged = _merge(former, kept)
            digest = _digest(merged)
            if former is not None and _digest(former) == digest:
                _touch(connection, merged)
                return "same"
            _write(connection, merged, digest)
            return "new" if former is None else "changed"

    def get(self, url: str) -> Document | None:
        """The document of that address, whole; raises StoreError where its row is damaged."""
        with explained(self.engine), self.engine.connect() as connection:
            return _get(connection, url)

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

    def hashes(self) -> dict[str, str]:
        """Content digest by address: equal digests, equal documents."""
        with explained(self.engine), self.engine.connect() as connection:
            rows = connection.execute(sa.select(documents.c.url, documents.c.hash))
            return dict(sorted((row.url, row.hash) for row in rows))

    def fingerprint(self) -> str:
        """One digest of all that was collected."""
        return hashlib.sha256(repr(self.hashes()).encode()).hexdigest()

    def drop(self, url: str) -> bool:
        """Whether a document was there to be removed; unlike `forget` it may come again."""
        with explained(self.engine), self.engine.begin() as connection:
            connection.execute(posts.delete().where(posts.c.document == url))
            return connection.execute(documents.delete().where(documents.c.url == url)).rowcount > 0

    def parts_of(self, key: str) -> tuple[tuple[str, str], ...]:
        """Document address and part of all that `forget` would remove; none where it is unknown.

        Asked before forgetting, it is what `Knowledge.forget` wants to know.
        """
        with explained(self.engine), self.engine.connect() as connection:
            whole = connection.scalar(sa.select(documents.c.kind).where(documents.c.url == key))
            found = _parts(connection, sa.or_(_mentions(key), posts.c.document == key))
        return (*found, *(((key, "title"), (key, "text")) if whole else ()))

    def forget(self, key: str) -> int:
        """How many posts and documents went: an author's posts, one post, or a whole document.

        `key` is a pseudonym, the address of a post or the address of a document. It is kept out
        of later crawls, and so is what others quote of it.
        """
        with explained(self.engine), self.engine.begin() as connection:
            _keep_out(connection, key)
            said = _parts(connection, _mentions(key))
            for url, post in said:
                _keep_out(connection, _quote_key(url, post))
            gone = connection.execute(posts.delete().where(_mentions(key))).rowcount
            gone += connection.execute(posts.delete().where(posts.c.document == key)).rowcount
            gone += connection.execute(documents.delete().where(documents.c.url == key)).rowcount
            for table in (stamps, failures):
                connection.execute(table.delete().where(table.c.url == key))
            for url in {*(url for url, _post in said), *_quoting(connection, key)}:
                _write_again(connection, url)
            return gone

    def failed(self, url: str, reason: str) -> None:
        """Records that a page could not be read."""
        with explained(self.engine), self.engine.begin() as connection:
            connection.execute(failures.delete().where(failures.c.url == url))
            seen = datetime.now(UTC)
            connection.execute(failures.insert().values(url=url, reason=reason, seen=seen))

    def recovered(self, url: str) -> None:
        """Takes a page off the list of failures once it could be read."""
        with explained(self.engine), self.engine.begin() as connection:
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
        with explained(self.engine), self.engine.begin() as connection:
            connection.execute(stamps.delete().where(stamps.c.url == url))
            connection.execute(stamps.insert().values(url=url, stamp=stamp))

    def visited(self, visit: SiteVisit) -> None:
        """Records how a crawl of a site ended."""
        with explained(self.engine), self.engine.begin() as connection:
            connection.execute(visits.insert().values(**visit.__dict__))

    def last_visits(self) -> dict[str, SiteVisit]:
        """The last visit of each site."""
        with explained(self.engine), self.engine.connect() as connection:
            rows = connection.execute(sa.select(visits).order_by(visits.c.id))
            return {row["site"]: _visit(row) for row in rows.mappings()}

    def sites(self) -> list[SiteCounts]:
        """What the corpus holds, site by site."""
        with explained(self.engine), self.engine.connect() as connection:
            names = connection.scalars(sa.select(documents.c.site).distinct()).all()
            return [_site_counts(connection, name) for name in sorted(names)]


def _visit(row: sa.RowMapping) -> SiteVisit:
    return SiteVisit(**{str(name): value for name, value in row.items() if name != "id"})


def _kind(document: Document) -> str:
    return type(document).__name__.lower()


_UNREADABLE = (ValueError, KeyError, sa.exc.OperationalError)
_UNWRITABLE = (NotStored, ValueError, TypeError, OverflowError)


def _get(connection: sa.Connection, url: str) -> Document | None:
    """The stored document; raises DamagedDocument where its rows make none."""
    try:
        document = _bare(connection, url)
        if not isinstance(document, Thread):
            return document
        query = sa.select(posts.c.body).where(posts.c.document == url)
        found = connection.scalars(query.order_by(posts.c.number, posts.c.id)).all()
        return replace(document, posts=tuple(_post.validate_json(body) for body in found))
    except _UNREADABLE as error:
        if isinstance(error, sa.exc.OperationalError) and "utf-8" not in str(error.orig).lower():
            raise
        raise DamagedDocument(
            f"{_printable(url)}: its stored copy is damaged; collect it again, or restore a copy "
            "of the database"
        ) from error


def _bare(connection: sa.Connection, url: str) -> Document | None:
    """The stored document, a thread without its posts."""
    query = sa.select(documents.c.kind, documents.c.body).where(documents.c.url == url)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    document: Document = _bodies[row.kind].validate_json(row.body)
    return document


def _former(connection: sa.Connection, url: str) -> Document | None:
    """The stored document; None where it is damaged, so that collecting it again mends it."""
    try:
        return _get(connection, url)
    except DamagedDocument as error:
        log.warning("%s", error)
        return None


def _checked(document: Document) -> Document:
    """The document, once it is known that it can be read back; raises ValueError."""
    body = _bodies[_kind(document)]
    body.validate_json(body.dump_json(document, warnings="none"))
    return document


def _unwritable(document: Document, error: Exception) -> NotStored:
    """What to say of a document that the database cannot hold."""
    cause = str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        cause = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    said = f"{document.source.url}: cannot be stored: {cause}; it is left out"
    return NotStored(_printable(said))


def _printable(text: str) -> str:
    """The text as one line that any terminal takes."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def _merge(former: Document | None, new: Document) -> Document:
    """The new document, with what the former piece of the same thread knew besides."""
    if not isinstance(former, Thread) or not isinstance(new, Thread):
        return new
    by_id = {post.id: post for post in former.posts} | {post.id: post for post in new.posts}
    ordered = sorted(by_id.values(), key=lambda post: (post.number, post.id))
    return replace(
        new,
        title=new.title or former.title,
        posts=tuple(ordered),
        expected=new.expected if new.expected is not None else former.expected,
    )


_STABLE = Source(url="", site="", fetched=datetime(1970, 1, 1, tzinfo=UTC), engine="")


def _digest(document: Document) -> str:
    """Digest of the content, whatever the time it was fetched."""
    body = _bodies[_kind(document)].dump_json(replace(document, source=_STABLE))
    return hashlib.sha256(body).hexdigest()


def _row(document: Document, digest: str) -> dict[str, Any]:
    bare = replace(document, posts=()) if isinstance(document, Thread) else document
    return {
        "url": document.source.url,
        "kind": _kind(document),
        "site": document.source.site,
        "engine": document.source.engine,
        "title": document.title,
        "fetched": document.source.fetched,
        "hash": digest,
        "body": _bodies[_kind(document)].dump_json(bare).decode(),
    }


def _write(connection: sa.Connection, document: Document, digest: str) -> None:
    url = document.source.url
    connection.execute(posts.delete().where(posts.c.document == url))
    connection.execute(documents.delete().where(documents.c.url == url))
    connection.execute(documents.insert().values(**_row(document, digest)))
    if isinstance(document, Thread) and document.posts:
        connection.execute(posts.insert(), [_post_row(url, post) for post in document.posts])


def _post_row(url: str, post: Post) -> dict[str, Any]:
    return {
        "document": url,
        "id": post.id,
        "number": post.number,
        "author": post.author,
        "written": post.written,
        "text": post.text,
        "body": _post.dump_json(post).decode(),
    }


def _touch(connection: sa.Connection, document: Document) -> None:
    row = _row(document, "")
    change = {"fetched": row["fetched"], "body": row["body"]}
    connection.execute(
        documents.update().where(documents.c.url == document.source.url).values(**change)
    )


def _write_again(connection: sa.Connection, url: str) -> None:
    """Stores a document anew, less what was forgotten, with the digest of what is left."""
    document = _former(connection, url)
    kept = document and _without_forgotten(connection, document)
    if kept:
        _write(connection, kept, _digest(kept))


def _quoting(connection: sa.Connection, key: str) -> Sequence[str]:
    """Documents in which somebody quotes that author."""
    quoted = sa.func.instr(posts.c.body, f'"author":{_json_text(key)}') > 0
    return connection.scalars(sa.select(posts.c.document).where(quoted).distinct()).all()


def _mentions(key: str) -> sa.ColumnElement[bool]:
    """Posts by an author of that pseudonym, or of that address."""
    permalink = sa.func.instr(posts.c.body, f'"url":{_json_text(key)}') > 0
    return sa.or_(posts.c.author == key, permalink, posts.c.document + "#" + posts.c.id == key)


def _parts(connection: sa.Connection, of: sa.ColumnElement[bool]) -> list[tuple[str, str]]:
    """Document address and id of those posts."""
    rows = connection.execute(sa.select(posts.c.document, posts.c.id).where(of))
    return [(row.document, row.id) for row in rows]


def _quote_key(url: str, post: str) -> str:
    """Name under which quotes of a forgotten post are kept out of its thread."""
    return f"quoted\0{url}\0{post}"


def _json_text(text: str) -> str:
    return TypeAdapter(str).dump_json(text).decode()


def _forget_key(key: str) -> str:
    return hashlib.sha256(f"forgotten\0{key}".encode()).hexdigest()


def _keep_out(connection: sa.Connection, key: str) -> None:
    digest = _forget_key(key)
    connection.execute(forgotten.delete().where(forgotten.c.key == digest))
    connection.execute(forgotten.insert().values(key=digest))


def _without_forgotten(connection: sa.Connection, document: Document) -> Document | None:
    """The document less what was forgotten; None where it was forgotten as a whole."""
    keys = set(connection.scalars(sa.select(forgotten.c.key)).all())
    if not keys:
        return document
    if _forget_key(document.source.url) in keys:
        return None
    if not isinstance(document, Thread):
        return document
    out = {post.id for post in document.posts if _is_out(document.source.url, post, keys)}
    kept = (post for post in document.posts if post.id not in out)
    return replace(
        document,
        posts=tuple(_less_quotes(document.source.url, post, keys, out) for post in kept),
    )


def _is_out(url: str, post: Post, keys: set[str]) -> bool:
    names = (post.author, post.url, f"{url}#{post.id}")
    return any(_forget_key(name) in keys for name in names if name)


def _less_quotes(url: str, post: Post, keys: set[str], out: set[str]) -> Post:
    """The post without what it quotes of forgotten authors and posts."""

    def stays(quote: Quoted) -> bool:
        names = (quote.author, quote.post and _quote_key(url, quote.post))
        return quote.post not in out and not any(_forget_key(n) in keys for n in names if n)

    kept = tuple(filter(stays, post.quotes))
    return post if len(kept) == len(post.quotes) else replace(post, quotes=kept)


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
