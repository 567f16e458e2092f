"""What is due: whether a page must be asked for again, and where to enter. Pure decisions.

The facts come from listings (`Link`) and from what the frontier remembers (`KnownPage`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.page import Link

__all__ = [
    "Changes",
    "KnownPage",
    "KnownThread",
    "audited",
    "continues",
    "entry",
    "has_grown",
    "is_as_it_was",
    "is_too_old",
    "names_its_posts",
    "next_due",
    "retried",
    "series",
]

State = Literal["queued", "done", "failed", "gone"]
Role = Literal["thread", "listing", "posts", "article", "better", "recent"]


@dataclass(frozen=True, kw_only=True)
class KnownPage:
    """A page of the frontier."""

    url: str
    site: str
    role: Role
    thread: str | None = None
    state: State = "queued"
    visit: int = 0
    """Number of the visit that last wanted it."""
    walk: int = 0
    """Number of the walk through its thread that it belongs to."""
    audit: bool = False
    """Asked for though nothing says that it changed."""
    seq: int = 0
    """Place in the queue."""
    at: str | None = None
    """Address it was read at, where that is another: its JSON."""
    etag: str | None = None
    modified: str | None = None
    digest: str = ""
    is_html: bool = True
    is_cut: bool = False
    links: tuple[Link, ...] = ()
    """What it led to: the rest of its thread, or the rows of a list that may answer 304."""
    posts: tuple[str, ...] = ()
    """Ids of the posts it brought."""
    stamp: str | None = None
    """What the page that linked here said of its state."""
    tries: int = 0
    """Failures in a row."""
    seen: datetime | None = None
    """When it was first heard of."""
    fetched: datetime | None = None
    changed: datetime | None = None
    due: datetime | None = None
    """Not before this, where nothing says that it changed."""


@dataclass(frozen=True, kw_only=True)
class KnownThread:
    """A thread of the frontier."""

    url: str
    site: str
    state: Literal["open", "whole", "off_topic", "withheld", "gone", "merged"] = "open"
    """`open` while pages of its walk are to come."""
    into: str | None = None
    """The thread it is kept as: it was merged, or its list names it otherwise."""
    stamp: str | None = None
    """What the list said when all of it was last read."""
    want: str | None = None
    """What the list says now, while it is being read."""
    visit: int = 0
    walk: int = 0
    is_full: bool = True
    """Every page of it is read in this walk, so that what is on none was deleted."""
    is_kept: bool = False
    """It was found to be on topic."""
    active: datetime | None = None


def names_its_posts(url: str) -> bool:
    """Whether the address lists the posts it brings (`post_ids[]=7`): it grows no others."""
    return any(name.endswith("[]") for name, _ in parse_qsl(urlsplit(url).query))


def entry(pages: Sequence[KnownPage]) -> KnownPage | None:
    """The last page of a thread whose pages lead one to the next; None where it has no such.

    Lists of posts in JSON are no chain: their last piece does not tell of a further one.
    """
    chain = len(pages) >= 2 and all(
        page.is_html and page.state == "done" and len(page.links) <= 1 for page in pages
    )
    ends = [page for page in pages if not page.links]
    return ends[0] if chain and len(ends) == 1 and ends[0].role == "posts" else None


def has_grown(former: Sequence[str], now: Sequence[str]) -> bool:
    """Whether a page holds what it held, in order, and perhaps more behind it."""
    return tuple(now[: len(former)]) == tuple(former)


def is_as_it_was(rows: Iterable[Link], known: Mapping[str, KnownThread]) -> bool:
    """Whether a list that runs from the latest backwards shows nothing new.

    Rows that stand above its order say nothing. Without dates on its rows nothing is known of it.
    """
    inside = [row for row in rows if row.role == "thread" and not row.pinned]
    return _runs_backwards(inside) and all(
        row.stamp is not None
        and row.thread is not None
        and row.thread in known
        and known[row.thread].stamp == row.stamp
        for row in inside
    )


def is_too_old(rows: Iterable[Link], since: date | None) -> bool:
    """Whether a list that runs from the latest backwards has come to what nobody wants."""
    inside = [row for row in rows if not row.pinned]
    last = inside[-1].active if _runs_backwards(inside) else None
    return since is not None and last is not None and last.date() < since


def _runs_backwards(rows: Sequence[Link]) -> bool:
    """Whether every row has a date, and none is later than the one above it."""
    times = [row.active for row in rows if row.active is not None]
    return 0 < len(times) == len(rows) and all(a >= b for a, b in pairwise(times))


_PAGING = re.compile(
    r"(?:page|p|pg|start|st|offset|o|skip|from|after|before|cursor|page_cursor|limitstart|pn)"
    r"(?:\[\w*\])?",
    re.I,
)
_PAGE_IN_PATH = re.compile(r"[-/](?:page[-/]?|p|index|start[-/]?)\d+(?=/|\.html?|$)", re.I)
_HEAD_DOT_OFFSET = re.compile(r"(\d+)\.\d+")


def _parted(url: str) -> tuple[str, set[tuple[str, str]], set[str]]:
    """The list an address belongs to: its path, what it asks, and what says which page."""
    parts = urlsplit(url)
    path, in_path = _PAGE_IN_PATH.subn("", parts.path)
    path = re.sub(r"(?:\.json|\.html?|/)$", "", path)
    asked, paging = set(), {"path"} if in_path else set()
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        dotted = _HEAD_DOT_OFFSET.fullmatch(value)
        if _PAGING.fullmatch(name):
            paging.add(name)
        elif dotted:  # board=5.20: list and offset in one
            asked.add((name, dotted[1]))
            paging.add(name)
        else:
            asked.add((name, value))
    return f"{parts.netloc}{path}", asked, paging


def continues(page: str, link: str) -> bool:
    """Whether a link of a list leads to a further page of that list, and not to another list."""
    here, asked, _ = _parted(page)
    there, wanted, paging = _parted(link)
    return bool(paging) and here == there and asked <= wanted


def series(url: str) -> str:
    """Name of the list that an address is some page of: equal for all pages of one list."""
    path, asked, _ = _parted(url)
    return f"{path}?{urlencode(sorted(asked))}"


def audited(share: float, known: int) -> int:
    """How many of the known pages a crawl reads again though nothing says they changed."""
    return min(known, math.ceil(max(0.0, share) * known))


SHORTEST, LONGEST = timedelta(days=1), timedelta(days=30)
"""Between two readings of a page of which no list says whether it changed."""


def next_due(now: datetime, changed: datetime | None) -> datetime:
    """When such a page is due again: what changed lately changes again soon."""
    age = now - changed if changed else timedelta()
    return now + min(LONGEST, max(SHORTEST, age / 5))


PATIENT = 3
"""Crawls in a row that try a failing page again; later ones wait ever longer."""


def retried(now: datetime, tries: int) -> datetime:
    """When a page that failed is asked for again."""
    return now if tries < PATIENT else now + min(LONGEST, timedelta(days=2 ** min(tries, 10)))


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What one page brings to the frontier, written in one transaction."""

    pages: tuple[KnownPage, ...] = ()
    threads: tuple[KnownThread, ...] = ()
    dropped: tuple[str, ...] = ()
    """Addresses of pages that are no longer known."""
    names: tuple[bytes, ...] = ()
    """User names learnt, sealed."""
