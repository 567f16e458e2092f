"""The walk through a thread: page after page until all were read, then what is not there goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crawler.due import KnownPage, KnownThread, has_grown
from crawler.follow import Follower
from crawler.frontier import Frontier
from crawler.holdings import Holdings
from crawler.page import Link
from crawler.tally import Tally

__all__ = ["Walks"]

MOST_WALKS = 100
"""Walks of which the posts had are kept at hand; of others they are looked up again."""


class Walks:
    """The walks of one visit; what they change is put down in the follower of the page at hand."""

    def __init__(
        self, site: str, visit: int, frontier: Frontier, holdings: Holdings, tally: Tally
    ) -> None:
        """`visit` is its number at that site."""
        self.site, self.visit = site, visit
        self.frontier, self.holdings, self.tally = frontier, holdings, tally
        self.had: dict[tuple[str, int], dict[str, str]] = {}
        """By thread and walk, the posts had and the page that first brought each."""

    def thread(
        self, url: str, known_as: str | None, now: KnownPage, follower: Follower
    ) -> KnownThread:
        """What is known of the thread a page shows; it may be the first we hear of it."""
        thread = follower.thread(url) or self._looked_up(url, follower)
        if thread is None:
            former = follower.thread(known_as) if known_as else None
            stamp = former.want if former else now.stamp
            walk = max(1, now.walk)
            thread = KnownThread(
                url=url,
                site=self.site,
                want=stamp,
                visit=self.visit,
                walk=walk,
                is_kept=bool(former and former.is_kept),
            )
            follower.changed[url] = thread
        return thread

    def _looked_up(self, url: str, follower: Follower) -> KnownThread | None:
        found = self.frontier.threads([url])
        follower.threads = {**follower.threads, **found}
        return follower.thread(url)

    def piece(
        self,
        page: KnownPage,
        now: KnownPage,
        thread: KnownThread,
        links: Sequence[Link],
        follower: Follower,
        expected: int,
    ) -> None:
        """Follows the links of a piece of a thread, and concludes it after the last."""
        thread = follower.thread(thread.url) or thread
        onward = [link for link in links if link.role == "posts" and link.thread is not None]
        others = [link for link in links if link not in onward and link.thread != thread.url]
        if onward and not self._brings_news(now, thread):
            # It would go on so for ever. What was not seen is not known to be gone.
            onward, now = [], replace(now, is_cut=True)
        now = replace(now, links=tuple(replace(link, title="") for link in onward))
        if self._is_shifted(page, now, thread):
            self.whole_again(now, thread, onward, follower)
        else:
            walk = thread.walk if page.walk in (0, thread.walk) or page.role != "posts" else 0
            follower.queued[now.url] = replace(now, walk=walk or page.walk)
            for link in onward if thread.state == "open" else ():
                follower.piece(link, thread)
        for link in others:
            follower.one(link)
        self._start_of(now, thread, links, follower)
        self.conclude(now, thread.url, follower, expected)

    def _brings_news(self, now: KnownPage, thread: KnownThread) -> bool:
        """Whether a page is the first of its walk to bring some post, or the first at all."""
        name = thread.url, thread.walk
        if now.role != "posts" and name not in self.had:
            return True
        if name not in self.had:
            rows = self.frontier.pages_of(thread.url)
            self.had = {name: {}} if len(self.had) >= MOST_WALKS else {**self.had, name: {}}
            for row in rows:
                # One that is queued still has the posts of a former walk.
                if row.walk == thread.walk and (row.state == "done" or row.audit):
                    self.had[name] |= {p: row.url for p in row.posts if p not in self.had[name]}
        had = self.had[name]
        firsts = [post for post in now.posts if had.setdefault(post, now.url) == now.url]
        return bool(firsts) or now.role != "posts"

    def _start_of(
        self, now: KnownPage, thread: KnownThread, links: Sequence[Link], follower: Follower
    ) -> None:
        """Queues the first page of a thread that was entered at a later one, never seen before."""
        start = [link for link in links if link.role == "thread" and link.thread == thread.url]
        current = follower.thread(thread.url) or thread
        if start and current.state == "open" and current.is_full and now.role == "listing":
            follower.piece(start[0], current)

    @staticmethod
    def _is_shifted(page: KnownPage, now: KnownPage, thread: KnownThread) -> bool:
        """Whether posts that came before the ones on this page went, or these did."""
        if not page.posts:
            return False
        if thread.state == "open":
            return not thread.is_full and not has_grown(page.posts, now.posts)
        return page.posts != now.posts or page.links != now.links

    def whole_again(
        self,
        now: KnownPage,
        thread: KnownThread,
        onward: Sequence[Link],
        follower: Follower,
    ) -> None:
        """Begins at the first page: what went can be told from a whole reading only."""
        rows = [row for row in self.frontier.pages_of(thread.url) if row.walk == thread.walk]
        firsts = [row for row in rows if row.role != "posts"] or rows
        first = firsts[0] if firsts else now
        link = Link(
            url=first.url,
            role="thread",
            thread=thread.url,
            stamp=thread.want if thread.state == "open" else thread.stamp,
        )
        follower.pages = {**follower.pages, **{row.url: row for row in rows}}
        thread = follower.walk(thread, link, full=True)
        if first.url == now.url:
            follower.queued[now.url] = replace(now, walk=thread.walk)
            for each in onward:
                follower.piece(each, thread)
        else:
            follower.queued.setdefault(now.url, replace(now, walk=now.walk))

    def conclude(self, now: KnownPage, url: str, follower: Follower, expected: int = 0) -> None:
        """Settles a thread of which every page was read."""
        thread = follower.thread(url)
        if thread is None or thread.state != "open":
            return
        here = [row for row in follower.queued.values() if row.thread == url]
        if any(row.walk == thread.walk and row.state != "done" for row in here):
            return
        if self.frontier.open_pages(url, thread.walk, without=now.url):
            return
        rows = {row.url: row for row in self.frontier.pages_of(url)}
        rows |= {row.url: row for row in here}
        walked = [row for row in rows.values() if row.walk == thread.walk]
        ids = {post for row in walked for post in row.posts}
        if not thread.is_full and 0 < expected < len(ids):
            self.whole_again(now, thread, now.links, follower)
            return
        if thread.is_full and ids and not any(row.is_cut for row in walked):
            self.holdings.settle(url, ids)
        left = [row for row in rows.values() if row.walk != thread.walk]
        # A first page may have moved within the thread, and its old address leads to the new one.
        self.holdings.drop_answers(row for row in left if row.role == "posts")
        follower.dropped |= {row.url for row in left}
        follower.changed[url] = replace(thread, state="whole", stamp=thread.want, want=None)
        self.had.pop((url, thread.walk), None)
        self.tally.closes(url)

    def merge(self, url: str, into: KnownThread, follower: Follower) -> None:
        """What was kept under an address that now shows another thread is kept there alone."""
        former = follower.threads.get(url)
        rows = self.frontier.pages_of(url)
        if any(row.posts for row in rows):
            self.holdings.purge([url])
        follower.dropped |= {row.url for row in rows}
        known = former or KnownThread(url=url, site=self.site)
        follower.changed[url] = replace(
            known, state="merged", into=into.url, stamp=known.want or known.stamp, want=None
        )
        if into.state == "whole":  # it gained posts: all of it is read anew, from this page on
            follower.changed[into.url] = replace(
                into, state="open", want=into.stamp, walk=into.walk + 1, is_full=True
            )

    def let_go(self, thread: KnownThread, state: str, keep: str, follower: Follower) -> None:
        """Forgets the pages of a thread that is no longer there for us."""
        rows = self.frontier.pages_of(thread.url)
        follower.dropped |= {row.url for row in rows if row.url != keep}
        if state != "off_topic":  # those were let in, and the scope may be wider tomorrow
            self.holdings.drop_answers(rows)
        stamp = thread.want or thread.stamp
        follower.changed[thread.url] = replace(thread, state=state, stamp=stamp, want=None)  # type: ignore[arg-type]
        self.tally.closes(thread.url)
