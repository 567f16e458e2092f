"""What the links of a page lead to: rows for the frontier, decided from what is known. No I/O.

The one thing looked up on the way, the pages of a thread that changed, is asked of a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urldefrag

from crawler.due import (
    KnownPage,
    KnownThread,
    continues,
    entry,
    is_as_it_was,
    is_too_old,
    names_its_posts,
)
from crawler.page import Link
from crawler.sites import Site

__all__ = ["Follower", "addresses"]


def addresses(site: Site, links: Iterable[Link]) -> list[Link]:
    """Links that stay on the site, without fragments."""
    bare = (replace(link, url=urldefrag(link.url).url) for link in links)
    return [link for link in bare if site.holds(link.url)]


@dataclass
class Follower:
    """Turns the links of one page into changes of the frontier."""

    site: Site
    visit: int
    now: datetime
    was_complete: bool
    """Every list was walked to its end in the former visit."""
    pages: Mapping[str, KnownPage]
    """What is known of the pages linked to."""
    threads: Mapping[str, KnownThread]
    """What is known of their threads."""
    pages_of: Callable[[str], Sequence[KnownPage]]
    """The pages of a thread."""
    number: Callable[[], int]
    """The next place in the queue."""
    queued: dict[str, KnownPage] = field(default_factory=dict)
    changed: dict[str, KnownThread] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    """Pages no longer wanted."""
    titles: dict[str, str] = field(default_factory=dict)
    """Of the pages queued, as the list prints them."""
    unchanged: int = 0
    unwanted: int = 0

    def list(self, page: KnownPage, links: Sequence[Link]) -> None:
        """Follows the rows of a list, and the list itself where it shows something new."""
        rows = [link for link in links if link.role == "thread"]
        inside = [link for link in rows if self._wants(link)]
        still = self.was_complete and is_as_it_was(inside, self.resolved)
        still = still or is_too_old(rows, getattr(self.site.scope, "since", None))
        for link in links:
            if not (still and link.role == "listing" and self._goes_on(page, link)):
                self.one(link)

    @property
    def resolved(self) -> Mapping[str, KnownThread]:
        """The threads by every address that a list may give them."""
        return {url: self.thread(url) or thread for url, thread in self.threads.items()}

    @staticmethod
    def _goes_on(page: KnownPage, link: Link) -> bool:
        return any(continues(here, link.url) for here in (page.url, page.at) if here)

    def one(self, link: Link) -> None:
        """Follows one link, but for the pieces of a thread."""
        if link.role == "thread":
            self._to_thread(link)
        elif link.role == "article":
            self._to_article(link)
        elif link.role == "recent":
            if self.was_complete:
                self._once(link)
        elif link.role == "listing":
            row = self.pages.get(link.url)
            if not self._wants(link):
                return
            is_same = row and row.state == "done" and link.stamp and row.stamp == link.stamp
            if not (is_same and self.was_complete):
                self._once(link)
        elif link.thread is None:
            self._once(link)
        else:
            self._to_piece(link, link.thread)

    def _to_piece(self, link: Link, url: str) -> None:
        """Follows a list's own link to a further piece of a thread that the list itself shows."""
        thread = self.thread(url)
        if thread is None or (thread.visit != self.visit and thread.stamp != link.stamp):
            walk = thread.walk + 1 if thread else 1
            blank = KnownThread(url=url, site=self.site.name, is_full=False)
            thread = replace(thread or blank, walk=walk, state="open", want=link.stamp)
        if thread.state == "open":
            self.changed[url] = replace(thread, visit=self.visit)
            self.piece(link, thread)

    def piece(self, link: Link, thread: KnownThread) -> None:
        """Follows a link to a further page of the thread that is being walked through."""
        row = self.queued.get(link.url) or self.pages.get(link.url)
        if row and row.walk == thread.walk and row.thread == thread.url:
            return
        if row and row.thread == thread.url and row.state != "failed" and _is_held(row):
            # What the address lists was read; where it is to be audited it stays in the queue.
            self.queued[link.url] = replace(row, walk=thread.walk)
            return
        self._queue(link, thread=thread.url, walk=thread.walk)

    def thread(self, url: str) -> KnownThread | None:
        """What is known of a thread, by the address under which it is kept."""
        found = self.changed.get(url) or self.threads.get(url)
        if found and found.into and found.into != url:
            return self.changed.get(found.into) or self.threads.get(found.into) or found
        return found

    def _wants(self, link: Link) -> bool:
        return self.site.scope is None or self.site.scope.wants(link)

    def _to_thread(self, link: Link) -> None:
        if not self._wants(link):
            self.unwanted += 1
            return
        row = self.queued.get(link.url) or self.pages.get(link.url)
        url = link.thread or (row.thread if row else None)
        if url is None:
            self._once(link)
            return
        thread = self.thread(url)
        if thread is None:
            self.changed[url] = KnownThread(
                url=url,
                site=self.site.name,
                want=link.stamp,
                visit=self.visit,
                walk=1,
                active=link.active,
            )
            self._queue(link, thread=url, walk=1)
        elif thread.visit != self.visit:
            self._to_known(link, thread)

    def _to_known(self, link: Link, thread: KnownThread) -> None:
        """Follows a link to a thread that was seen in an earlier visit."""
        seen = replace(thread, visit=self.visit, active=link.active or thread.active)
        if thread.state == "open" and thread.want == link.stamp:
            self.changed[thread.url] = seen  # its walk goes on
        elif thread.state != "open" and link.stamp and link.stamp == thread.stamp:
            self.unchanged += 1
            self.changed[thread.url] = seen
        else:
            self.walk(seen, link)

    def walk(self, thread: KnownThread, link: Link, *, full: bool = False) -> KnownThread:
        """Begins a walk through a thread: from its last page, or from its first where it must."""
        rows = [row for row in self.pages_of(thread.url) if row.walk == thread.walk]
        last = entry(rows) if thread.state == "whole" and not full else None
        walk = thread.walk + 1
        self.dropped |= {row.url for row in rows if row.state != "done"}
        for row in rows if last else ():
            self.queued[row.url] = replace(row, walk=walk)
        if last:
            self.queued[last.url] = replace(
                last, walk=walk, state="queued", audit=False, seq=self.number()
            )
        else:
            self._queue(link, thread=thread.url, walk=walk)
        self.changed[thread.url] = replace(
            thread, state="open", want=link.stamp, walk=walk, is_full=last is None
        )
        return self.changed[thread.url]

    def _to_article(self, link: Link) -> None:
        row = self.pages.get(link.url)
        if not self._wants(link):
            self.unwanted += 1
        elif row is None or row.state == "queued":
            self._once(link)
        elif link.stamp:
            self._if_else(link, is_same=row.stamp == link.stamp)
        else:
            self._if_else(link, is_same=self._is_fresh(row))

    def _is_fresh(self, row: KnownPage) -> bool:
        waits = row.due is not None and row.due > self.now
        return waits and not (self.site.own and row.state == "done")

    def _if_else(self, link: Link, *, is_same: bool) -> None:
        if is_same:
            self.unchanged += 1
        else:
            self._once(link)

    def _once(self, link: Link) -> None:
        """Queues a page that this visit did not want yet."""
        row = self.queued.get(link.url) or self.pages.get(link.url)
        if row is None or row.visit != self.visit:
            self._queue(link, thread=row.thread if row else None, walk=row.walk if row else 0)

    def _queue(self, link: Link, *, thread: str | None, walk: int) -> None:
        row = self.queued.get(link.url) or self.pages.get(link.url)
        row = row or KnownPage(url=link.url, site=self.site.name, role=link.role, seen=self.now)
        role = row.role if row.role == "thread" and link.role != "thread" else link.role
        self.queued[link.url] = replace(
            row,
            role=role,
            thread=thread,
            walk=walk,
            state="queued",
            audit=False,
            visit=self.visit,
            seq=self.number(),
            stamp=link.stamp,
        )
        if link.title:
            self.titles[link.url] = link.title


def _is_held(row: KnownPage) -> bool:
    """Whether the very posts that the address lists were read."""
    return names_its_posts(row.url) and row.fetched is not None and not row.is_cut
