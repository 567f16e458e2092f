"""Documents as rows: how they are written, read back, and told from their former selves.

A thread's digest is made of its head and of the sum of its posts' hashes, so that a piece of it
is written without reading the rest, and equal threads have equal digests whatever the order of
their pieces. What may be stored at all is the matter of `crawler.corpus`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import batches, insert, raw
from crawler.documents import Article, Document, Post, Source, Study, Thread
from crawler.errors import DamagedDocument
from crawler.tables import documents, posts

__all__ = [
    "check",
    "get",
    "post_ids",
    "printable",
    "put",
    "rehash",
    "take",
    "take_whole",
    "unsound",
]

log = logging.getLogger(__name__)

_bodies: dict[str, TypeAdapter[Any]] = {
    "thread": TypeAdapter(Thread),
    "article": TypeAdapter(Article),
    "study": TypeAdapter(Study),
}
_post = TypeAdapter(Post)

_STABLE = Source(url="", site="", fetched=datetime(1970, 1, 1, tzinfo=UTC), engine="")
_MODULUS = 1 << 256

Row = dict[str, Any]

_CHANGE = documents.update().where(documents.c.url == sa.bindparam("of"))


def check(document: Document) -> Document:
    """The document, once it is known that it can be read back; raises ValueError."""
    body = _bodies[_kind(document)]
    body.validate_json(body.dump_json(document, warnings="none"))
    return document


def printable(text: str) -> str:
    """The text as one line that any terminal takes."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


# Reading


def get(connection: sa.Connection, url: str) -> Document | None:
    """The stored document, whole; raises DamagedDocument where its rows make none."""
    query = sa.select(documents.c.kind, raw(documents.c.body)).where(documents.c.url == url)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    try:
        document = _head(row.kind, row[1])
        if not isinstance(document, Thread):
            return document
        bodies = connection.scalars(sa.select(raw(posts.c.body)).where(posts.c.document == url))
        found = sorted(map(_post.validate_json, bodies), key=lambda post: (post.number, post.id))
    except (ValueError, KeyError) as error:
        raise DamagedDocument(
            f"{printable(url)}: its stored copy is damaged; collect it again, or restore a copy "
            "of the database"
        ) from error
    return replace(document, posts=tuple(found))


def post_ids(connection: sa.Connection, url: str) -> tuple[str, ...]:
    """Ids of the thread's stored posts, in order."""
    rows = connection.execute(sa.select(posts.c.number, posts.c.id).where(posts.c.document == url))
    return tuple(row.id for row in sorted(rows))


def _head(kind: str, body: bytes) -> Document:
    """The document of a row, a thread without its posts; raises ValueError and KeyError."""
    document: Document = _bodies[kind].validate_json(body)
    return document


# Writing

_LOST = "lost"
"""In place of the sum of a thread's posts where some were lost."""


def put(connection: sa.Connection, document: Document) -> Literal["new", "changed", "same"]:
    """What storing did. Of a known thread only the posts that differ are written.

    A thread keeps the posts, title and length that this piece of it does not tell.
    """
    rows = _post_rows(document)
    row = _row(document, _sum(rows))
    if _is_new(connection, row):
        _insert(connection, rows)
        return "new"
    url = document.source.url
    former = _locked(connection, url)
    known = _known_sum(connection, former)
    grown = _renew(connection, url, rows, piece=_kind(document) == former.kind == "thread")
    row = _row(_merged(former, document), known + grown)
    # The address itself is left alone: to write it, SQLite would look through all of the posts.
    connection.execute(_CHANGE, row | {"of": row.pop("url")})
    return "same" if row["hash"] == former.hash else "changed"


def take(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    """How many posts were removed; the digests of their documents follow."""
    touched = sa.select(posts.c.document).where(which).distinct()
    return sum(_take(connection, url, which) for url in sorted(connection.scalars(touched)))


def take_whole(connection: sa.Connection, url: str) -> int:
    """How many posts and documents went with the one of that address; 0 where there was none."""
    gone = connection.execute(posts.delete().where(posts.c.document == url)).rowcount
    return gone + connection.execute(documents.delete().where(documents.c.url == url)).rowcount


def doubt(connection: sa.Connection, url: str) -> None:
    """Notes that posts of a thread were lost: it is unsound until a piece of it is stored again."""
    former = _locked(connection, url)
    _rehash(connection, former, _stored_sum(connection, url))
    connection.execute(documents.update().where(documents.c.url == url).values(posts_hash=_LOST))


def _known_sum(connection: sa.Connection, former: Any) -> int:
    """The sum of the hashes of a document's posts; that of the stored ones where some were lost."""
    is_lost = former.posts_hash == _LOST
    return _stored_sum(connection, former.url) if is_lost else int(former.posts_hash or "0", 16)


def _stored_sum(connection: sa.Connection, url: str) -> int:
    hashes = connection.scalars(sa.select(posts.c.hash).where(posts.c.document == url))
    return sum(int(known or "0", 16) for known in hashes)


def _is_new(connection: sa.Connection, row: Row) -> bool:
    """Whether the document was not there before; now it is."""
    statement = insert(connection.dialect.name, documents).on_conflict_do_nothing()
    return connection.scalar(statement.returning(documents.c.url), row) is not None


def _take(connection: sa.Connection, url: str, which: sa.ColumnElement[bool]) -> int:
    former = _locked(connection, url)
    known_sum = _known_sum(connection, former)
    which = sa.and_(posts.c.document == url, which)
    hashes = connection.scalars(sa.select(posts.c.hash).where(which)).all()
    connection.execute(posts.delete().where(which))
    left = known_sum - sum(int(known or "0", 16) for known in hashes)
    _rehash(connection, former, left)
    return len(hashes)


def _locked(connection: sa.Connection, url: str) -> Any:
    """The row of a document, which nobody else changes before this transaction ends."""
    columns = [column for column in documents.c if column is not documents.c.body]
    query = sa.select(*columns, raw(documents.c.body).label("body"))
    return connection.execute(query.where(documents.c.url == url).with_for_update()).one()


def _renew(connection: sa.Connection, url: str, rows: Sequence[Row], *, piece: bool) -> int:
    """By how much the sum of hashes grew once the posts that differ were written.

    Without `piece` no former post stays.
    """
    if not piece:
        known = connection.scalars(sa.select(posts.c.hash).where(posts.c.document == url)).all()
        connection.execute(posts.delete().where(posts.c.document == url))
        _insert(connection, rows)
        return _sum(rows) - sum(int(value or "0", 16) for value in known)
    grown = 0
    for some in batches(rows):
        former = _known(connection, url, [row["id"] for row in some])
        # The body is compared too: a damaged one is mended though its digest tells no difference.
        differ = [
            row for row in some if former.get(row["id"]) != (row["hash"], row["body"].encode())
        ]
        replaced = [former[row["id"]][0] for row in differ if row["id"] in former]
        grown += _sum(differ) - sum(int(value or "0", 16) for value in replaced)
        _upsert(connection, differ)
    return grown


def _known(connection: sa.Connection, url: str, ids: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    """Hash and body of the stored posts among those, by id."""
    query = sa.select(posts.c.id, posts.c.hash, raw(posts.c.body))
    query = query.where(posts.c.document == url, posts.c.id.in_(ids))
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _insert(connection: sa.Connection, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(posts.insert(), rows)


def _upsert(connection: sa.Connection, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(_upserting(connection.dialect.name), rows)


@cache
def _upserting(dialect: str) -> sa.Insert:
    """Writes posts over their former selves; made once, for making it takes as long as running."""
    statement = insert(dialect, posts)
    keys = ("document", "id")
    values = {column.name: column for column in statement.excluded if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


def _merged(former: Any, new: Document) -> Document:
    """The new head, with what the former piece of the same thread knew besides."""
    if not isinstance(new, Thread) or former.kind != "thread":
        return new
    try:
        known = _head(former.kind, former.body)
    except ValueError:
        log.warning("%s: its stored copy was damaged", printable(new.source.url))
        return new
    assert isinstance(known, Thread)
    return replace(
        new,
        title=new.title or known.title,
        expected=new.expected if new.expected is not None else known.expected,
    )


# Rows and digests


def _kind(document: Document) -> str:
    return type(document).__name__.lower()


def _row(document: Document, posts_sum: int) -> Row:
    bare = replace(document, posts=()) if isinstance(document, Thread) else document
    return {
        "url": document.source.url,
        "kind": _kind(document),
        "site": document.source.site,
        "engine": document.source.engine,
        "title": _plain(document.title),
        "fetched": document.source.fetched,
        "hash": _digest(bare, posts_sum),
        "body": _bodies[_kind(document)].dump_json(bare).decode(),
        "posts_hash": _hex(posts_sum),
        "expected": document.expected if isinstance(document, Thread) else None,
    }


def _post_rows(document: Document) -> list[Row]:
    """Rows of a thread's posts; of those with the same id the last one counts."""
    if not isinstance(document, Thread):
        return []
    by_id = {post.id: post for post in document.posts}
    return [_post_row(document.source.url, post) for post in by_id.values()]


def _post_row(url: str, post: Post) -> Row:
    body = _post.dump_json(post)
    return {
        "document": url,
        "id": post.id,
        "number": post.number,
        "author": post.author,
        "written": post.written,
        "text": _plain(post.text),
        "body": body.decode(),
        "url": post.url,
        "hash": hashlib.sha256(body).hexdigest(),
    }


def _plain(text: str) -> str:
    """The text without NUL, which not every database takes; the body keeps it, escaped."""
    return text.replace("\0", "")


def unsound(connection: sa.Connection, url: str) -> str:
    """What of a stored document is not as it was written; empty where all of it is."""
    query = sa.select(documents.c.posts_hash).where(documents.c.url == url)
    expected = connection.scalar(query)
    try:
        document = get(connection, url)
    except DamagedDocument:
        return "it cannot be read"
    if document is None or not isinstance(document, Thread):
        return ""
    total = 0
    query = sa.select(posts.c.id, posts.c.hash, raw(posts.c.body)).where(posts.c.document == url)
    for post, known, body in connection.execute(query):
        if hashlib.sha256(body).hexdigest() != known:
            return f"post {printable(post)} is not the one that was stored"
        total += int(known, 16)
    return "" if _hex(total) == (expected or _hex(0)) else "posts of it are missing, or too many"


def _digest(head: Document, posts_sum: int) -> str:
    """Digest of the content, whatever the time and the way it was read."""
    stable = replace(head, source=_STABLE)
    if isinstance(stable, Thread):
        stable = replace(stable, confidence=1.0)
    body = _bodies[_kind(head)].dump_json(stable)
    if isinstance(head, Thread):
        body += _hex(posts_sum).encode()
    return hashlib.sha256(body).hexdigest()


def _sum(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(int(row["hash"] or "0", 16) for row in rows)


def _hex(posts_sum: int) -> str:
    return f"{posts_sum % _MODULUS:064x}"


def _rehash(connection: sa.Connection, former: Any, posts_sum: int) -> None:
    """Writes the digest that a document has with those posts; a damaged one gets any other."""
    expected = None
    try:
        head = _head(former.kind, former.body)
        digest = _digest(head, posts_sum)
        expected = head.expected if isinstance(head, Thread) else None
    except (ValueError, KeyError):
        digest = hashlib.sha256(former.body + _hex(posts_sum).encode()).hexdigest()
    change = documents.update().where(documents.c.url == former.url)
    change = change.values(hash=digest, posts_hash=_hex(posts_sum), expected=expected)
    connection.execute(change)


# Older stores


def rehash(connection: sa.Connection) -> None:
    """Works out the addresses and hashes of all posts and the digests of all threads anew."""
    threads = sa.select(documents.c.url).where(documents.c.kind == "thread")
    change = posts.update().where(
        posts.c.document == sa.bindparam("of"), posts.c.id == sa.bindparam("known_as")
    )
    change = change.values(url=sa.bindparam("place"), hash=sa.bindparam("digest"))
    for url in connection.scalars(threads).all():
        total = 0
        for rows in _post_bodies(connection, url):
            new = [_anew(url, row.id, row.body) for row in rows]
            connection.execute(change, new)
            total += sum(int(row["digest"], 16) for row in new)
        _rehash(connection, _locked(connection, url), total)


def _anew(url: str, post: str, body: bytes) -> Row:
    try:
        place = _post.validate_json(body).url
    except ValueError:
        place = None
    digest = hashlib.sha256(body).hexdigest()
    return {"of": url, "known_as": post, "place": place, "digest": digest}


def _post_bodies(connection: sa.Connection, url: str) -> Iterator[Sequence[sa.Row[Any]]]:
    """Ids and bodies of a thread's posts, some at a time."""
    ids = connection.scalars(sa.select(posts.c.id).where(posts.c.document == url)).all()
    for some in batches(ids):
        query = sa.select(posts.c.id, raw(posts.c.body).label("body"))
        yield connection.execute(query.where(posts.c.document == url, posts.c.id.in_(some))).all()
