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
    role: Literal["thread", "listing", "posts", "article", "better", "recent"]
    """`posts` is a further piece of a thread, `better` a better form of this very page (its JSON):
    when it can be read, nothing else of this page is needed. `recent` is a feed of the newest
    posts, edits with it, worth asking only where the site was collected before; its own next step
    is a `recent` link too. The others are pages of their kind."""
    thread: str | None = None
    """Canonical address of the thread a `posts` link belongs to."""
    stamp: str | None = None
    """The thread's state as the listing tells it (posts, last activity): equal stamp, no visit."""
    active: datetime | None = None
    """When the listing says the thread was last active. Lists that run from the latest backwards
    need no walk to their end when a whole page of them is as it was."""
    title: str = ""
    """Title of the thread as the listing prints it, for scopes and dry runs; never stored."""
    pinned: bool = False
    """Stands above the order of its list."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an engine read from one page."""

    documents: tuple[Document, ...] = ()
    links: tuple[Link, ...] = ()
    gone: tuple[str, ...] = ()
    """Addresses of threads and posts that the page says were deleted at the source."""
    pause: float = 0.0
    """Seconds the answer itself asks the whole site to be left alone (`backoff`)."""
