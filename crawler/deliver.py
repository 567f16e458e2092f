"""The only way from a page to the store: through pseudonyms. No name passes."""

from __future__ import annotations

from typing import Literal, Protocol

from crawler.documents import Document, Thread
from crawler.privacy import is_telling, plain, pseudonymise

__all__ = ["Delivery", "Store"]

MOST_NAMES = 200_000
"""Names remembered for each site within one crawl; they live in memory only."""


class Store(Protocol):
    """What a crawl needs of `crawler.corpus.Corpus`."""

    def add(self, document: Document) -> Literal["new", "changed", "same", "forgotten"]:
        """Stores a document or a piece of one, and says what that did."""

    def failed(self, url: str, reason: str) -> None:
        """Records that a page could not be read."""

    def recovered(self, url: str) -> None:
        """Takes a page off the list of failures."""

    def stamp(self, url: str) -> str | None:
        """The state of a thread when all of it was last stored."""

    def keep_stamp(self, url: str, stamp: str) -> None:
        """Remembers the state of a thread."""


class Delivery:
    """Pseudonymises documents on their way to the store."""

    def __init__(self, store: Store, key: bytes) -> None:
        """`key` makes the pseudonyms."""
        self.store = store
        self.key = key
        self.names: dict[str, set[str]] = {}

    def deliver(self, document: Document) -> Literal["new", "changed", "same", "forgotten"]:
        """What storing the document did, once every name in it is hidden."""
        known = self.names.setdefault(document.source.site, set())
        if isinstance(document, Thread) and len(known) < MOST_NAMES:
            known.update(plain(name) for name in _names(document) if is_telling(name))
        return self.store.add(pseudonymise(document, self.key, names=known))


def _names(thread: Thread) -> set[str]:
    authors = {post.author for post in thread.posts}
    quoted = {quote.author for post in thread.posts for quote in post.quotes}
    return {name for name in authors | quoted if name}
