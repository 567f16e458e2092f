"""Posts of a dump gathered into threads, in pieces: a dump is in order of time, not of thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from crawler import clean
from crawler.documents import Post, Source, Thread

__all__ = ["Gathered", "Memo"]

MOST = 20_000
"""Posts held at once; then all that was gathered goes out."""
_LAST = datetime.max.replace(tzinfo=UTC)


class Memo:
    """Short notes by name, on disk where they are many; gone when the reader is."""

    def __init__(self) -> None:
        """An empty one."""
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.execute("PRAGMA journal_mode=OFF")
        self._base.execute("CREATE TABLE notes (name TEXT PRIMARY KEY, note) WITHOUT ROWID")

    def get(self, name: str) -> str | None:
        """The note of that name."""
        row = self._base.execute("SELECT note FROM notes WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def put(self, name: str, note: str) -> None:
        """Notes it in place of the former one."""
        self._base.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, note))


@dataclass(kw_only=True)
class _Piece:
    source: Source
    title: str = ""
    expected: int | None = None
    posts: list[Post] = field(default_factory=list)


class Gathered:
    """Threads that grow as a dump is read."""

    def __init__(self, most: int = MOST) -> None:
        """`most`: posts held at once."""
        self.most = most
        self._held = 0
        self._pieces: dict[str, _Piece] = {}
        self._counts = Memo()

    def add(
        self, source: Source, post: Post | None, title: str = "", expected: int | None = None
    ) -> Iterator[Thread]:
        """Takes a post of the thread at `source`; yields threads where there is no more room.

        A post of number 1 is the one that opened its thread; the others are numbered as they come.
        """
        piece = self._pieces.setdefault(source.url, _Piece(source=source))
        piece.title = piece.title or title
        piece.expected = expected if expected is not None else piece.expected
        if post is not None:
            piece.posts.append(post)
        self._held += 1
        if self._held >= self.most:
            yield from self.rest()

    def rest(self) -> Iterator[Thread]:
        """All that is held, in the order the threads first came."""
        pieces, self._pieces, self._held = self._pieces, {}, 0
        for url, piece in pieces.items():
            if piece.posts:
                yield _thread(piece, tuple(self._numbered(url, piece.posts)))

    def _numbered(self, url: str, posts: list[Post]) -> Iterator[Post]:
        """The posts in order of time, numbered on from those that went out before."""
        count = int(self._counts.get(url) or 1)
        for post in sorted(posts, key=lambda each: (each.number != 1, each.written or _LAST)):
            if post.number != 1:
                count += 1
            yield post if post.number == 1 else replace(post, number=count)
        self._counts.put(url, str(count))


def _thread(piece: _Piece, posts: tuple[Post, ...]) -> Thread:
    found = clean.sound(
        Thread(source=piece.source, title=piece.title, posts=posts, expected=piece.expected)
    )
    assert isinstance(found, Thread)
    return found
