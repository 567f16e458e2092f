"""The only way from a page to the store: through pseudonyms. No name passes.

User names met on a site are remembered, so that they are masked in other threads too. They leave
the process that reads pages only sealed under the project's key, and come back to it at the next
crawl: what is masked must not depend on where a crawl was cut off.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal, Protocol

from crawler.documents import Document, Post, Thread
from crawler.people import DOUBTFUL, remembered
from crawler.privacy import NAME, is_telling, pairs, plain, pseudonymise

__all__ = ["Delivery", "Store", "is_edited", "masked_again", "opened", "sealed"]

MOST_NAMES = 200_000
"""Names remembered for each site."""
_NONCE = 12


class Store(Protocol):
    """What a crawl needs of `crawler.corpus.Corpus`."""

    def add(self, document: Document) -> Literal["new", "changed", "same", "forgotten"]:
        """Stores a document or a piece of one, and says what that did."""

    def settle(self, url: str, ids: Collection[str]) -> int:
        """Removes the stored posts of a thread that are not among these; says how many."""

    def purge(self, urls: Collection[str]) -> int:
        """Removes documents and posts that were deleted at the source; says how many."""

    def get(self, url: str) -> Document | None:
        """The stored document of that address."""

    def failed(self, url: str, reason: str) -> None:
        """Records that a page could not be read."""

    def recovered(self, url: str) -> None:
        """Takes a page off the list of failures."""


class Delivery:
    """Hides every name in the documents of a crawl."""

    def __init__(self, key: bytes, names: Mapping[str, Collection[str]] | None = None) -> None:
        """`key` makes the pseudonyms; `names` are those known from earlier crawls, by site."""
        self.key = key
        self.names = {site: set(known) for site, known in (names or {}).items()}
        self.fresh: dict[str, set[str]] = {}

    def hide(self, document: Document) -> Document:
        """The document as it may be stored."""
        site = document.source.site
        known = self.names.setdefault(site, set())
        if isinstance(document, Thread) and len(known) < MOST_NAMES:
            told = set().union(*map(_told, _names(document)))
            self.fresh.setdefault(site, set()).update(told - known)
            known |= told
        return pseudonymise(document, self.key, names=known)

    def learnt(self) -> bytes:
        """The names met since it was last asked, sealed; empty where there are none."""
        fresh = sorted(set().union(*self.fresh.values()))
        self.fresh.clear()
        return sealed(fresh, self.key) if fresh else b""


def _told(name: str) -> set[str]:
    """What of a user name betrays its bearer in other threads of the site."""
    parts = {part for part in remembered(name) if part.startswith(DOUBTFUL) or is_telling(part)}
    return parts | {plain(name)} if is_telling(name) else parts


def masked_again(document: Document, key: bytes, names: Set[str]) -> Document:
    """A stored document, with masks for names that were not known yet when it was read.

    Names of more than two words are passed over: they are masked where their bearer takes part.
    """
    if not isinstance(document, Thread) or not _mentions(document, names):
        return document
    bare = replace(document, posts=tuple(map(_nobody, document.posts)))
    hidden = pseudonymise(bare, key, names)
    assert isinstance(hidden, Thread)
    pairs = zip(hidden.posts, document.posts, strict=True)
    return replace(hidden, posts=tuple(_by(post, former) for post, former in pairs))


def _nobody(post: Post) -> Post:
    """The post without its people: they have their pseudonyms, and keep them."""
    quotes = tuple(replace(quote, author=None) for quote in post.quotes)
    return replace(post, author=None, quotes=quotes)


def _by(post: Post, former: Post) -> Post:
    pairs = zip(post.quotes, former.quotes, strict=True)
    quotes = tuple(replace(quote, author=old.author) for quote, old in pairs)
    return replace(post, author=former.author, quotes=quotes)


def _mentions(thread: Thread, names: Set[str]) -> bool:
    """Whether one of the names may stand in the thread."""
    quoted = (quote.text for post in thread.posts for quote in post.quotes)
    texts = (thread.title, *(post.text for post in thread.posts), *quoted)
    whole = "\n".join(texts)
    words = set(_WORD.findall(whole))
    is_named = any(_folded(word) in names or _is_doubtful(word, names) for word in words)
    return is_named or any(pair in names for pair in pairs(whole))


def _is_doubtful(word: str, names: Set[str]) -> bool:
    return word[0].isupper() and DOUBTFUL + _folded(word) in names


@lru_cache(maxsize=50_000)
def _folded(word: str) -> str:
    return plain(word)


_WORD = re.compile(r"[^\W](?:[\w.\-]*\w)?")


def is_edited(former: Post, now: Post) -> bool:
    """Whether the words of a post changed; a name masked in one reading only is no change."""
    if former.text == now.text:
        return False
    pieces = map(re.escape, former.text.split(NAME))
    return re.fullmatch(r".{1,60}?".join(pieces), now.text, re.S) is None


def sealed(names: Collection[str], key: bytes) -> bytes:
    """Names that nobody reads without the key."""
    nonce = os.urandom(_NONCE)
    parcel: bytes = _cipher(key).encrypt(nonce, json.dumps(sorted(names)).encode(), b"names")
    return nonce + parcel


def opened(parcels: Iterable[bytes], key: bytes) -> set[str]:
    """The names of sealed parcels; those that another key sealed are passed over."""
    from cryptography.exceptions import InvalidTag

    cipher, names = _cipher(key), set[str]()
    for parcel in parcels:
        try:
            names.update(json.loads(cipher.decrypt(parcel[:_NONCE], parcel[_NONCE:], b"names")))
        except (InvalidTag, ValueError):
            continue
    return names


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"folkgrade names").derive(key)
    return AESGCM(made)


def _names(thread: Thread) -> set[str]:
    authors = {post.author for post in thread.posts}
    quoted = {quote.author for post in thread.posts for quote in post.quotes}
    return {name for name in authors | quoted if name}
