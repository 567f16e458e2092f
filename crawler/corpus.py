"""The collected store: documents as they were read, kept until they are forgotten.

Nothing here is derived; what follows from the documents is `miner.knowledge`. Everything that
arrives has been pseudonymised by `crawler.deliver` before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import Step, UtcTime, explained, migrate
from crawler.documents import Article, Document, Post, Source, Study, Thread

__all__ = ["Added", "Corpus", "Failure", "SiteCounts", "SiteVisit"]

Added = Literal["new", "changed", "same", "forgotten"]

metadata = sa.MetaData()

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False, index=True),
    sa.Column("site", sa.String, nullable=False, index=True),
    sa.Column("engine", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("fetched", UtcTime, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
"""`body` is the document as JSON, a thread without its posts."""

posts = sa.Table(
    "posts",
    metadata,
    sa.Column("document", sa.ForeignKey("documents.url", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("author", sa.String, index=True),
    sa.Column("written", UtcTime),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
"""`body` is the post as JSON; the other columns are for finding it."""

failures = sa.Table(
    "failures",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("seen", UtcTime, nullable=False),
)

stamps = sa.Table(
    "stamps",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("stamp", sa.String, nullable=False),
)

visits = sa.Table(
    "visits",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("started", UtcTime, nullable=False),
    sa.Column("finished", UtcTime, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
)

forgotten = sa.Table("forgotten", metadata, sa.Column("key", sa.String, primary_key=True))
"""Digests only, so that the list of what was forgotten tells nobody what it was."""


def _create_tables(connection: sa.Connection) -> None:
    metadata.create_all(connection)


STEPS: tuple[Step, ...] = (_create_tables,)

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
        """What adding did. Pieces of a thread are merged by post id; forgotten things stay out."""
        with explained(self.engine), self.engine.begin() as connection:
            kept = _without_forgotten(connection, document)
            if kept is None:
                return "forgotten"
            former = _get(connection, document.source.url)
            merged = _merge(former, kept)
            digest = _digest(merged)
            if former is not None and _digest(former) == digest:
                _touch(connection, merged)
                return "same"
            _write(connection, merged, digest)
            return "new" if former is None else "changed"

    def get(self, url: str) -> Document | None:
        """The document of that address, whole."""
        with explained(self.engine), self.engine.connect() as connection:
            return _get(connection, url)

    def documents(self, urls: Sequence[str] | None = None) -> Iterator[Document]:
        """Documents in order of address, all or those asked for; memory holds one at a time."""
        for url in sorted(self.hashes()) if urls is None else urls:
            document = self.get(url)
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

    def forget(self, key: str) -> int:
        """How many posts and documents went: an author's posts, one post, or a whole document.

        `key` is a pseudonym, the address of a post or the address of a document. It is kept out
        of later crawls.
        """
        with explained(self.engine), self.engine.begin() as connection:
            _keep_out(connection, key)
            touched = connection.scalars(
                sa.select(posts.c.document).where(_mentions(key)).distinct()
            ).all()
            gone = connection.execute(posts.delete().where(_mentions(key))).rowcount
            gone += connection.execute(posts.delete().where(posts.c.document == key)).rowcount
            gone += connection.execute(documents.delete().where(documents.c.url == key)).rowcount
            for url in {*touched, *_quoting(connection, key)}:
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


def _get(connection: sa.Connection, url: str) -> Document | None:
    row = connection.execute(sa.select(documents).where(documents.c.url == url)).one_or_none()
    if row is None:
        return None
    document: Document = _bodies[row.kind].validate_json(row.body)
    if isinstance(document, Thread):
        query = sa.select(posts.c.body).where(posts.c.document == url)
        found = connection.scalars(query.order_by(posts.c.number, posts.c.id)).all()
        return replace(document, posts=tuple(_post.validate_json(body) for body in found))
    return document


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
    document = _get(connection, url)
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
    return sa.or_(posts.c.author == key, permalink)


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
    kept = (_less_quotes(post, keys) for post in document.posts if not _is_out(post, keys))
    return replace(document, posts=tuple(kept))


def _is_out(post: Post, keys: set[str]) -> bool:
    return any(_forget_key(name) in keys for name in (post.author, post.url) if name)


def _less_quotes(post: Post, keys: set[str]) -> Post:
    """The post without what it quotes of a forgotten author."""
    kept = tuple(q for q in post.quotes if not (q.author and _forget_key(q.author) in keys))
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
