"""One page of a forum under reading: what every engine of forum software needs, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.addresses import inside
from crawler.engines.dates import Calendar, calendar_of
from crawler.engines.markup import language, next_page, select, text_of, tree_of
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = [
    "Board",
    "Marks",
    "answered",
    "around",
    "board_of",
    "crowds",
    "listing",
    "outside",
    "said",
    "stamp_of",
    "sure",
    "thread",
]

Marks = tuple[tuple[str, str, float], ...]
"""What gives a software away: plain letters, the pattern around them where they alone say too
little, and how much that tells. The letters are looked for first, for they are found faster."""
_ENOUGH = 0.5
"""One mark alone, such as the name of a class, other boards have too."""
_LEAST = 0.7
"""Known software goes before what is guessed of any forum."""


def sure(page: Page, marks: Marks) -> float:
    """How sure the marks of a software make one that it wrote the page, 0 to 1."""
    if "<" not in page.text[:500]:
        return 0.0
    total = sum(
        weight
        for letters, pattern, weight in marks
        if letters in page.text and (not pattern or re.search(pattern, page.text))
    )
    return min(1.0, max(total, _LEAST)) if total >= _ENOUGH else 0.0


@dataclass(frozen=True, kw_only=True)
class Board:
    """A page as a tree, and how it prints its dates."""

    page: Page
    tree: HtmlElement
    calendar: Calendar
    engine: str

    def link(self, href: str | None) -> str:
        """Where a link leads on this site, without session; empty for elsewhere or private."""
        return inside(self.tree, self.page.url, href)

    def following(self, pagers: Iterable[str], *, stated: bool = True) -> str:
        """Address of the page after this one, as `next_page` finds it; empty for none."""
        return self.link(next_page(self.tree, self.page.url, pagers, stated=stated))

    def moment(self, *texts: str | None) -> datetime | None:
        """The moment the first of the texts names that names any."""
        return next((when for text in texts if (when := self.calendar.moment(text))), None)


def board_of(page: Page, engine: str, zone: str = "") -> Board | None:
    """The page under reading; None where it holds no markup. `zone` selects what tells its zone."""
    tree = tree_of(page.text)
    if tree is None:
        return None
    told = " ".join(text_of(node) for node in select(tree, zone)) if zone else ""
    whole = str(tree.text_content())
    calendar = calendar_of(whole, now=page.fetched, language=language(tree), zone=told or whole)
    return Board(page=page, tree=tree, calendar=calendar, engine=engine)


def thread(
    board: Board,
    url: str,
    title: str,
    posts: Iterable[Post],
    *,
    expected: int | None = None,
    after: str = "",
    start: str = "",
) -> Found:
    """A piece of a thread, the page that follows it, and its start where this is a later page."""
    page = board.page
    links = [Link(url=after, role="posts", thread=url)] if after and after != page.url else []
    if start:
        links.append(Link(url=start, role="thread", thread=url))
    read = Thread(
        source=Source(url=url, site=site_of(page.url), fetched=page.fetched, engine=board.engine),
        title=title,
        posts=tuple(posts),
        expected=expected,
    )
    return Found(documents=(read,), links=tuple(links))


def listing(rows: Iterable[Link | None], lists: Iterable[str]) -> Found:
    """The threads of a list, each once, and the further lists it leads to."""
    threads: dict[str, Link] = {}
    for row in rows:
        if row is not None and row.url:
            threads.setdefault(row.thread or row.url, row)
    further = dict.fromkeys(url for url in lists if url)
    return Found(links=(*threads.values(), *(Link(url=u, role="listing") for u in further)))


def stamp_of(replies: int | None, last: object) -> str | None:
    """The state of a thread as its row tells it; None where the row tells neither."""
    if isinstance(last, datetime):
        last = last.isoformat(timespec="minutes")
    return None if replies is None and not last else f"{replies}|{last}"


def crowds(bodies: Iterable[HtmlElement]) -> dict[HtmlElement, int]:
    """How many of the bodies each element around them holds."""
    held: dict[HtmlElement, int] = {}
    for body in bodies:
        for above in body.iterancestors():
            held[above] = held.get(above, 0) + 1
    return held


def around(body: HtmlElement, held: Mapping[HtmlElement, int]) -> Iterator[HtmlElement]:
    """The elements around a body that hold no other, from the inside out, by a count of crowds.

    One of them is the box of its post. A search in each would take long on a long page.
    """
    for above in body.iterancestors():
        if held[above] > 1 or above.tag in ("body", "html"):
            return
        yield above


def outside(box: HtmlElement, body: HtmlElement, selector: str) -> Iterator[HtmlElement]:
    """What the selector finds in the box of a post, its words left out."""
    for node in select(box, selector):
        if node is not body and body not in node.iterancestors():
            yield node


def said(box: HtmlElement, body: HtmlElement, selectors: Iterable[str]) -> str | None:
    """The first text that any of the selectors finds in the box of a post, outside its words."""
    found = (text_of(node) for each in selectors for node in outside(box, body, each))
    return next(filter(None, found), None)


def answered(quotes: Iterable[Quoted]) -> str | None:
    """Id of the post that is answered: the first that a quote names."""
    return next((quote.post for quote in quotes if quote.post), None)
