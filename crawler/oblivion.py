"""What was forgotten and stays out: kept as digests, so that the list tells nobody what it was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import replace

import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import batches, contains, insert
from crawler.documents import Document, Post, Quoted, Thread
from crawler.privacy import plain
from crawler.tables import forgotten, posts

__all__ = [
    "hold",
    "is_out",
    "keep_out",
    "mentions",
    "quote_key",
    "quoting",
    "repeated",
    "without_forgotten",
    "words_key",
]

_text = TypeAdapter(str)
_NO_WORD = re.compile(r"[\W_]+")
_LEAST = 24
"""Characters in a row by which words are known to be somebody's."""


def hold(connection: sa.Connection) -> None:
    """Makes whoever forgets wait for the end of this transaction, or waits for them."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE forgotten IN SHARE MODE"))


def keep_out(connection: sa.Connection, key: str) -> None:
    """Puts a pseudonym, an address or a `quote_key` on the list."""
    statement = insert(connection.dialect.name, forgotten).on_conflict_do_nothing()
    connection.execute(statement, {"key": _digest(key)})


def is_out(connection: sa.Connection, key: str) -> bool:
    """Whether the key is on the list."""
    return bool(_on_list(connection, {key}))


def quote_key(url: str, post: str) -> str:
    """Name under which quotes of a forgotten post are kept out of its thread."""
    return f"quoted\0{url}\0{post}"


def words_key(text: str) -> str:
    """Name under which a quote that does not say whose it is is kept out."""
    return f"words\0{_folded(text)}"


def repeated(thread: Thread, gone: Collection[str]) -> Iterator[str]:
    """What others quote of those posts of a thread, named or not."""
    said = [_folded(post.text) for post in thread.posts if post.id in gone]
    for post in thread.posts:
        for quote in post.quotes if post.id not in gone else ():
            lines = [line for line in map(_folded, quote.text.splitlines()) if len(line) >= _LEAST]
            if any(line in text for line in lines for text in said):
                yield quote.text


def mentions(key: str) -> sa.ColumnElement[bool]:
    """Posts by an author of that pseudonym, or of that address."""
    own = posts.c.document + "#" + posts.c.id == key
    return sa.or_(posts.c.author == key, posts.c.url == key, own)


def quoting(key: str) -> sa.ColumnElement[bool]:
    """Posts that quote the author of that pseudonym."""
    return contains(posts.c.body, f'"author":{_text.dump_json(key).decode()}')


def without_forgotten(connection: sa.Connection, document: Document) -> Document | None:
    """The document less what was forgotten; None where it was forgotten as a whole."""
    keys = _on_list(connection, set(_names(document)))
    if not keys:
        return document
    url = document.source.url
    if _digest(url) in keys:
        return None
    if not isinstance(document, Thread):
        return document
    out = {post.id for post in document.posts if _is_out(url, post, keys)}
    kept = (post for post in document.posts if post.id not in out)
    return replace(document, posts=tuple(_less_quotes(url, post, keys, out) for post in kept))


def _digest(key: str) -> str:
    return hashlib.sha256(f"forgotten\0{key}".encode()).hexdigest()


def _names(document: Document) -> Iterator[str]:
    """All under which the document or something in it may have been forgotten."""
    url = document.source.url
    yield url
    for post in document.posts if isinstance(document, Thread) else ():
        yield from _post_names(url, post)
        for quote in post.quotes:
            yield from _quote_names(url, quote)


def _post_names(url: str, post: Post) -> tuple[str, ...]:
    return tuple(name for name in (post.author, post.url, f"{url}#{post.id}") if name)


def _quote_names(url: str, quote: Quoted) -> tuple[str, ...]:
    names = (quote.author, quote.post and quote_key(url, quote.post), words_key(quote.text))
    return tuple(name for name in names if name)


def _folded(text: str) -> str:
    return _NO_WORD.sub(" ", plain(text)).strip()


def _on_list(connection: sa.Connection, names: set[str]) -> set[str]:
    """Digests of those names that are on the list."""
    if connection.scalar(sa.select(forgotten.c.key).limit(1)) is None:
        return set()
    found = set[str]()
    for some in batches(sorted(map(_digest, names))):
        found |= set(
            connection.scalars(sa.select(forgotten.c.key).where(forgotten.c.key.in_(some)))
        )
    return found


def _is_out(url: str, post: Post, keys: set[str]) -> bool:
    return any(_digest(name) in keys for name in _post_names(url, post))


def _less_quotes(url: str, post: Post, keys: set[str], out: set[str]) -> Post:
    """The post without what it quotes of forgotten authors and posts."""

    def stays(quote: Quoted) -> bool:
        listed = any(_digest(name) in keys for name in _quote_names(url, quote))
        return quote.post not in out and not listed

    kept = tuple(filter(stays, post.quotes))
    return post if len(kept) == len(post.quotes) else replace(post, quotes=kept)
