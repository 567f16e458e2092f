"""What an engine sees and what it answers: a `Page` in, a `Found` out. No network here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from crawler.documents import Document

__all__ = ["Found", "Link", "Page"]


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer of a server, or one saved file, decoded."""

    url: str
    text: str
    fetched: datetime
    content_type: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Link:
    """An address worth following, and what is expected there."""

    url: str
    role: Literal["thread", "listing", "posts", "article", "better"]
    """`posts` is a further piece of a thread, `better` a better form of this very page (its JSON):
    when it can be read, nothing else of this page is needed. The others are pages of their kind."""
    thread: str | None = None
    """Canonical address of the thread a `posts` link belongs to."""
    stamp: str | None = None
    """The thread's state as the listing tells it (posts, last activity): equal stamp, no visit."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an engine read from one page."""

    documents: tuple[Document, ...] = ()
    links: tuple[Link, ...] = ()
