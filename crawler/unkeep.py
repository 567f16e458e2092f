"""Kept pages that hold what was forgotten: found by thread, by name and by words, and dropped."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Set
from dataclasses import dataclass, field

from crawler import engines
from crawler.corpus import Corpus
from crawler.documents import Thread, part_text
from crawler.errors import StoreError
from crawler.frontier import Frontier
from crawler.page import Page
from crawler.privacy import plain, pseudonym
from crawler.raw import RawPages

__all__ = ["Traces", "traces", "unkeep"]

_TAG = re.compile(r"<[^<>]{0,2000}>")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\([nrt\"/\\])")
_NO_WORD = re.compile(r"[\W_]+")
_MASKED = re.compile(r"\[(?:name|email|phone|profile|code)\]")
_LEAST, _MOST = 24, 80
"""Characters of a run of words by which a text is found again."""
_MOST_RUNS = 300
"""Of a whole thread: each is looked for on every page of the site."""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """By what the pages that hold something forgotten are known; taken before it is forgotten."""

    keys: frozenset[str]
    urls: frozenset[str]
    """The threads and other documents at hand, their pages, and the keys themselves."""
    sites: frozenset[str]
    words: frozenset[str] = field(default_factory=frozenset)
    """A run of words of each text, folded."""


def traces(keys: Collection[str], corpus: Corpus, frontier: Frontier) -> Traces:
    """What is known of authors, posts or documents, while they are still stored."""
    urls, sites, words = set(keys), set[str](), set[str]()
    for url, part in (of for key in keys for of in corpus.parts_of(key)):
        try:
            document = corpus.get(url)
        except StoreError:
            document = None
        urls.add(url)
        if document is not None:
            sites.add(document.source.site)
            words |= set(_run(part_text(document, part) or ""))
    for url in tuple(urls):
        urls |= {page.url for page in frontier.pages_of(url)}
    return Traces(
        keys=frozenset(keys), urls=frozenset(urls), sites=frozenset(sites), words=frozenset(words)
    )


def unkeep(raw: RawPages, of: Traces, secret: bytes) -> int:
    """How many kept pages went: those of the threads, and all that name the author or say it.

    `secret` is the key of the pseudonyms. Every kept page of the sites is looked at.
    """
    saying = _found(raw, of.sites, lambda text: _says(text, of.words))
    names = _names(raw, {*of.urls, *saying}, of.keys, secret)
    naming = _found(raw, of.sites, lambda text: _names_one(text, names)) if names else set()
    return raw.drop({*of.urls, *saying, *naming})


def _found(raw: RawPages, sites: Collection[str], holds: Callable[[str], bool]) -> set[str]:
    """Addresses of the sites' pages whose text is such."""
    pages = (page for site in sites for page in raw.pages(site))
    return {page.url for page in pages if holds(plain(_text(page.text)))}


def _names(raw: RawPages, urls: Collection[str], keys: Set[str], secret: bytes) -> set[str]:
    """The names behind the pseudonyms, as the pages at hand write them."""
    return {
        plain(name)
        for page in raw.some(urls)
        for thread, name in _authors(page)
        if pseudonym(name, thread.source.site, secret) in keys
    }


def _authors(page: Page) -> Iterator[tuple[Thread, str]]:
    try:
        documents = engines.read(page).documents
    except Exception:  # a page that cannot be read names nobody
        return
    for document in documents:
        if isinstance(document, Thread):
            for post in document.posts:
                names = (post.author, *(quote.author for quote in post.quotes))
                yield from ((document, name) for name in names if name)


def _names_one(text: str, names: Collection[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def _says(text: str, words: Collection[str]) -> bool:
    folded = _folded(text)
    return any(run in folded for run in words)


def _text(source: str) -> str:
    """The text of a page of HTML or JSON, roughly: tags and escapes read, nothing left out."""
    read = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else " ", source)
    return f"{source} {_TAG.sub(' ', html.unescape(_TAG.sub(' ', read)))}"


def _folded(text: str) -> str:
    return _NO_WORD.sub(" ", plain(text))


def _run(text: str) -> Iterator[str]:
    """The longest run of a text's words that no mask interrupts, where it is long enough."""
    runs = sorted((_folded(piece).strip() for piece in _MASKED.split(text)), key=len)
    if runs and len(runs[-1]) >= _LEAST:
        yield runs[-1][:_MOST].rsplit(" ", 1)[0] if len(runs[-1]) > _MOST else runs[-1]
