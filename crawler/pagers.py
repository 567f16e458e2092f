"""The lists of one visit, page after page: one that goes on for ever is not followed for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from crawler.documents import Document, Thread
from crawler.due import KnownPage, continues, series
from crawler.page import Link
from crawler.tally import Tally

__all__ = ["Pagers"]

MOST_STALE = 3
"""Pages in a row of one list that show nothing new to it; then its next page is not asked for."""
FREE_LISTS, LISTS_EACH = 1000, 10
"""Lists that a visit may read, and so many more for each thread or article that they show."""


class Pagers:
    """What the lists of a visit have shown so far; lists read in former visits do not count.

    What is new is judged for each list by itself: two lists of a forum may show the same threads
    for many pages, and the second some more behind them.
    """

    def __init__(self, tally: Tally) -> None:
        """Nothing was read yet; `tally` is told where the lists have no end."""
        self.tally = tally
        self.shown: set[int] = set()
        """Hashes of what was shown, by itself and together with the list that showed it."""
        self.rows = 0
        """Threads and articles shown by any list."""
        self.lists = 0
        """Lists read."""
        self.stale: Counter[str] = Counter()
        """By list, the pages in a row that showed nothing new to it."""
        self.is_told = False

    def onward(
        self, page: KnownPage, documents: Iterable[Document], links: Sequence[Link]
    ) -> Sequence[Link]:
        """The links of a page, less those to further pages of a list that shows nothing new."""
        if page.role not in ("listing", "recent"):
            return links
        self.lists += 1
        name = series(page.url)
        news = [what for what in _shown(documents, links) if self._is_new(name, what)]
        self.stale[name] = 0 if news else self.stale[name] + 1
        if self._are_endless():
            return [link for link in links if link.role not in ("listing", "recent")]
        if self.stale[name] < MOST_STALE:
            return links
        return [link for link in links if not _goes_on(page, link)]

    def _is_new(self, name: str, what: tuple[str, str]) -> bool:
        """Whether a list shows this for the first time."""
        anywhere, here = hash(what), hash((name, what))
        if what[0] == "row" and anywhere not in self.shown:
            self.rows += 1
        is_new = here not in self.shown
        self.shown |= {anywhere, here}
        return is_new

    def _are_endless(self) -> bool:
        """Whether there are more lists than what they show can account for."""
        are_endless = self.lists > FREE_LISTS + LISTS_EACH * self.rows
        if are_endless and not self.is_told:
            self.is_told = True
            self.tally.fails("lists without an end: no further ones were asked for")
        return are_endless


def _goes_on(page: KnownPage, link: Link) -> bool:
    """Whether the link leads to a further page of the list that the page belongs to."""
    return link.role == page.role and any(
        continues(here, link.url) for here in (page.url, page.at) if here
    )


def _shown(documents: Iterable[Document], links: Iterable[Link]) -> Iterator[tuple[str, str]]:
    """What a page of a list shows, but for its own further pages."""
    for link in links:
        if link.role == "listing":
            yield "list", series(link.url)
        elif link.role != "recent":
            yield "row", link.thread or link.url
    for document in documents:
        yield "row", document.source.url
        for post in document.posts if isinstance(document, Thread) else ():
            yield document.source.url, post.id
