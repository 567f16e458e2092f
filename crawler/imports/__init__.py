"""The readers of files by name, and the choice of one by looking at how a file begins.

A reader is a module with two functions: `recognises(head)` says how sure it is, 0 to 1, that a
file beginning so is of its kind; `read(stream, given)` yields documents, and a `NothingRead` for
each record that had to be passed over. What a dump holds of one thread may come in pieces; the
store merges them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from crawler.documents import Document, Source
from crawler.errors import NothingRead
from crawler.streams import Stream

__all__ = ["READERS", "Given", "Reader", "Yield", "choose"]

READERS: Mapping[str, str] = {
    "warc": "crawler.imports.warc",
    "mail": "crawler.imports.mail",
    "stackexchange": "crawler.imports.stackexchange",
    "forumdl": "crawler.imports.forumdl",
    "reddit": "crawler.imports.reddit",
    "rows": "crawler.imports.rows",
    "references": "crawler.imports.tagged",
    "bibtex": "crawler.imports.bibtex",
    "csl": "crawler.imports.csl",
}
"""Name to module. Dumps: what is none of these is one document or page."""

SURE = 0.5
"""Up to this no reader is used."""

Yield = Iterator[Document | NothingRead]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a reader is told of a file besides its bytes."""

    name: str
    """The file's name, for messages."""
    address: str
    """Identity of what names no address itself, such as `import:heel-1a2b3c4d`."""
    fetched: datetime
    site: str | None = None
    """The site a dump came from, where the file does not say it."""
    only: frozenset[str] = frozenset()
    """Groups of a dump to read, such as subreddits, in lower case; none: all."""

    def source(self, engine: str, number: int | None = None) -> Source:
        """Where a document without an address of its own is at home."""
        url = self.address if number is None else f"{self.address}-{number}"
        return Source(url=url, site=self.site or "import", fetched=self.fetched, engine=engine)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The two functions of a reader."""

    name: str
    recognises: Callable[[bytes], float]
    read: Callable[[Stream, Given], Yield]


def reader(name: str) -> Reader:
    """The reader of that name."""
    module: Any = import_module(READERS[name])
    return Reader(name=name, recognises=module.recognises, read=module.read)


def choose(head: bytes) -> Reader | None:
    """The reader that is surest of a file beginning so; None where it is no dump."""
    found = [reader(name) for name in READERS]
    best = max(found, key=lambda each: each.recognises(head))
    return best if best.recognises(head) > SURE else None
