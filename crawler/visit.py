"""The visit of one site: takes what came of each page, stores it, decides what is asked next.

The order is always the same: first the documents are stored, then one transaction marks the page
as read and queues what it led to. A crawl killed in between reads that page once more.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from crawler.deliver import Store, is_edited, opened
from crawler.documents import Document, Thread
from crawler.due import Changes, KnownPage, KnownThread, next_due, retried
from crawler.follow import Follower, addresses
from crawler.frontier import Frontier
from crawler.holdings import Holdings, Keeper
from crawler.jobs import Job, Notice, Outcome
from crawler.page import Link
from crawler.pagers import Pagers
from crawler.report import SiteReport, Status
from crawler.sites import Site
from crawler.tally import Tally
from crawler.walks import Walks

__all__ = ["Visit"]

TOUCH_EVERY = 60.0
"""Seconds between two notes that the visit is alive."""


class Visit:
    """One site's visit, as the process with the store sees it."""

    def __init__(
        self,
        site: Site,
        store: Store,
        frontier: Frontier,
        *,
        key: bytes,
        raw: Keeper | None = None,
        is_dry: bool = False,
    ) -> None:
        """Opens the visit, or goes on with the one that was cut off."""
        self.key = key
        now = datetime.now(UTC)
        self.site, self.store, self.frontier = site, store, frontier
        self.tally = Tally(site.name, now)
        self.holdings = Holdings(
            store,
            self.tally,
            own=site.own,
            raw=None if is_dry else raw,
            keeps=site.keep_pages,
        )
        self.is_dry = is_dry
        self.opened = frontier.open_visit(site.name, now, site.scope.mark if site.scope else "")
        self.walks = Walks(site.name, self.opened.number, frontier, self.holdings, self.tally)
        self.pagers = Pagers(self.tally)
        self.started = now
        self.flying: dict[str, KnownPage] = {}
        self.titles: dict[str, str] = {}
        self.refused: dict[str, int] = {}
        """Pages read before and refused now, and how many pages were read by then."""
        self.spent = 0
        """Answers taken, of those that the site's `max_pages` allows."""
        self.is_cut = False
        self.place = frontier.last_seq()
        self.touched = time.monotonic()
        self._begin(now)

    def _begin(self, now: datetime) -> None:
        if not self.opened.is_resumed and self.opened.number > 1:
            self.frontier.renew(self.site.name, now)
            self.frontier.audit(self.site.name, self.site.audit)
        links = addresses(self.site, self.site.first_links())
        follower = self._follower(links)
        for link in links:
            row = follower.pages.get(link.url)
            if row is None or row.visit != self.opened.number:
                is_piece = row is not None and row.thread in follower.threads
                follower.one(replace(link, role="thread") if is_piece else link)
        self._commit(follower)

    # What the loop asks.

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return not self.flying and (self.tally.status != "running" or not self._more(1))

    def jobs(self, room: int) -> list[Job]:
        """The next pages to ask for, so that as many are at hand as there is room for."""
        if self.tally.status != "running" or len(self.flying) > room // 2:
            return []
        is_last = self._left() == 1
        found = self._more(room - len(self.flying))
        self.flying |= {page.url: page for page in found}
        return [self._job(page, is_last=is_last) for page in found]

    def _left(self) -> int | None:
        """Answers the visit may still take; a page at hand may take two, for its better form."""
        limit = self.site.max_pages
        return None if limit is None else limit - self.spent - 2 * len(self.flying)

    def _more(self, most: int) -> list[KnownPage]:
        left = self._left()
        if left is not None:
            most = min(most, max(left // 2, min(left, 1)))
        if most <= 0:
            return []
        found = self.frontier.next(self.site.name, most, self.flying, only_lists=self.is_dry)
        # Nothing is read again, and perhaps found gone, before the site has shown that it is well.
        return [page for page in found if self.tally.counts["read"] or not page.audit]

    def _job(self, page: KnownPage, *, is_last: bool) -> Job:
        link = Link(url=page.url, role=page.role, thread=page.thread)
        at = page.at or page.url
        has_copy = page.fetched is not None
        return Job(
            site=self.site.name,
            link=link,
            at=at,
            etag=page.etag if has_copy else None,
            modified=page.modified if has_copy else None,
            is_last=is_last,
        )

    def notice(self, notice: Notice) -> None:
        """Takes note of a pause, or of the end of the visit."""
        if notice.pause:
            self.tally.wait(notice.pause)
        if notice.status:
            self.tally.end(notice.status, notice.reason)

    def take(self, outcome: Outcome) -> None:
        """Stores what came of a page and queues what it led to; raises StoreError."""
        page = self.flying.pop(outcome.url, None)
        if page is None:
            return
        self.spent += max(1, outcome.requests)
        self.tally.counts["pages"] += outcome.requests
        self.tally.url = outcome.at or outcome.url
        self.holdings.keep_answers(outcome)
        if outcome.kind in ("read", "same"):
            self._read(page, outcome)
        elif outcome.kind != "over":
            self._without(page, outcome)
        self._touch()

    def _touch(self) -> None:
        if time.monotonic() - self.touched > TOUCH_EVERY:
            self.touched = time.monotonic()
            self.frontier.touch(self.site.name, datetime.now(UTC))

    # A page that was read.

    def _read(self, page: KnownPage, outcome: Outcome) -> None:
        self.tally.counts["read"] += 1
        if page.tries:
            self.store.recovered(page.url)
        if outcome.kind == "same":
            self.tally.counts["not_modified"] += 1
        found = page.links if outcome.kind == "same" else outcome.found.links
        links = [link for link in addresses(self.site, found) if link.url != page.url]
        links = list(self.pagers.onward(page, outcome.found.documents, links))
        follower = self._follower(links, of=page)
        now = self._now_known(page, outcome, follower.now)
        self._purge_gone(outcome.found.gone, follower)
        if outcome.withheld:
            self._withhold(now, outcome, follower)
        elif page.role == "recent":
            self._recent(now, outcome, links, follower)
        else:
            self._documents(page, now, outcome, links, follower)
        self._commit(follower, names=outcome.names)

    def _now_known(self, page: KnownPage, outcome: Outcome, now: datetime) -> KnownPage:
        """The page as it is known from now on, its posts and links to be filled in."""
        done = replace(
            page,
            state="done",
            audit=False,
            visit=self.opened.number,
            tries=0,
            fetched=now,
            due=next_due(now, page.changed) if page.role == "article" else None,
        )
        if outcome.kind == "same":
            return done
        is_new = outcome.digest != page.digest
        return replace(
            done,
            at=outcome.form or None,
            etag=outcome.etag,
            modified=outcome.modified,
            digest=outcome.digest,
            is_html=outcome.is_html,
            is_cut=outcome.is_cut,
            changed=now if is_new else page.changed,
            due=next_due(now, now if is_new else page.changed) if page.role == "article" else None,
        )

    def _documents(
        self,
        page: KnownPage,
        now: KnownPage,
        outcome: Outcome,
        links: Sequence[Link],
        follower: Follower,
    ) -> None:
        """Stores the documents of a page and follows its links."""
        documents = outcome.found.documents
        found = {doc.source.url for doc in documents if isinstance(doc, Thread)}
        url = page.thread if page.role in ("thread", "posts", "listing") else None
        shown = found.pop() if len(found) == 1 else None
        if url is None and shown is None:
            self._list(now, documents, links, follower, has_copy=bool(now.etag or now.modified))
            return
        thread = self.walks.thread(shown or url or "", url, now, follower)
        if outcome.kind == "read" and page.posts and shown is None:
            self._fail(page, "the page no longer shows its posts", follower)
            return
        if not self._is_on_topic(page, thread, documents, follower):
            follower.queued[page.url] = replace(
                now, thread=thread.url, posts=(), links=(), walk=thread.walk
            )
            return
        if not self._keep(page, documents, follower):
            return
        if shown and url and shown != url:
            self.walks.merge(url, thread, follower)
        ids = tuple(
            post.id
            for doc in documents
            if isinstance(doc, Thread) and doc.source.url == thread.url
            for post in doc.posts
        )
        kept = replace(now, thread=thread.url, posts=page.posts if outcome.kind == "same" else ids)
        expected = max(
            (doc.expected or 0 for doc in documents if isinstance(doc, Thread)), default=0
        )
        self.walks.piece(page, kept, thread, links, follower, expected)

    def _list(
        self,
        now: KnownPage,
        documents: Sequence[Document],
        links: Sequence[Link],
        follower: Follower,
        *,
        has_copy: bool,
    ) -> None:
        """Goes on from a page that is no piece of one thread: a list, an article, a mixture."""
        kept = [doc for doc in documents if self._wanted(doc)]
        if not self._keep(now, kept, follower):
            return
        if now.role == "article" and documents:
            now = replace(now, thread=documents[0].source.url)
        # Once the address showed a page, only one with a validator can answer that it did not
        # change; of others the links need not be remembered.
        row = replace(now, links=tuple(links) if has_copy else ())
        follower.queued[now.url] = row
        follower.list(row, links)

    def _wanted(self, document: Document) -> bool:
        scope = self.site.scope
        if scope is None or scope.keeps(document):
            return True
        self.tally.counts["off_topic"] += 1
        return False

    def _is_on_topic(
        self,
        page: KnownPage,
        thread: KnownThread,
        documents: Iterable[Document],
        follower: Follower,
    ) -> bool:
        """Whether the thread is collected; it is decided on the first piece that is read."""
        scope = self.site.scope
        threads = [doc for doc in documents if isinstance(doc, Thread)]
        if thread.is_kept or scope is None or not threads:
            return True
        if scope.keeps(threads[0]):
            follower.changed[thread.url] = replace(thread, is_kept=True)
            return True
        self.tally.counts["off_topic"] += 1
        self.walks.let_go(thread, "off_topic", page.url, follower)
        return False

    def _recent(
        self, now: KnownPage, outcome: Outcome, links: Sequence[Link], follower: Follower
    ) -> None:
        """Looks for edits of threads that are collected; a feed is followed while it brings any."""
        urls = {doc.source.url for doc in outcome.found.documents}
        known = self.frontier.threads(urls)
        follower.queued[now.url] = replace(now, links=())
        is_news = any(url not in known for url in urls)
        for document in outcome.found.documents:
            thread = known.get(document.source.url)
            if isinstance(document, Thread) and thread and thread.state == "whole":
                is_news = self._is_news(document, follower) or is_news
        for link in links:
            if link.role != "recent" or is_news:
                follower.one(link)

    def _is_news(self, piece: Thread, follower: Follower) -> bool:
        """Whether a feed shows posts that are not stored so; their pages are read again.

        They are not taken from the feed: names are masked best where a whole page is known.
        """
        stored = self.holdings.posts(piece.source.url)
        edited = {post.id for post in piece.posts if post.id in stored}
        edited = {p.id for p in piece.posts if p.id in edited and is_edited(stored[p.id], p)}
        if edited:
            for row in self.frontier.pages_of(piece.source.url):
                if row.state == "done" and not edited.isdisjoint(row.posts):
                    follower.queued[row.url] = replace(row, state="queued", audit=True)
        return bool(edited) or any(post.id not in stored for post in piece.posts)

    # What is stored and what is taken away.

    def _keep(self, page: KnownPage, documents: Iterable[Document], follower: Follower) -> bool:
        """Whether every document could be stored; else the page is on record as failed."""
        reason = self.holdings.keep(documents)
        if reason is not None:
            self._fail(page, reason, follower)
        return reason is None

    def _withhold(self, now: KnownPage, outcome: Outcome, follower: Follower) -> None:
        """Takes away what was stored of a page that now asks not to be indexed."""
        self.tally.counts["withheld"] += outcome.withheld
        self.holdings.drop_answers([now])
        follower.queued[now.url] = replace(now, posts=(), links=())
        thread = follower.thread(now.thread) if now.thread else None
        if now.role == "posts" and thread:
            self.walks.conclude(now, thread.url, follower)
            return
        self.holdings.purge([url for url in (now.url, now.thread) if url])
        if thread:
            self.walks.let_go(thread, "withheld", now.url, follower)

    def _purge_gone(self, urls: Sequence[str], follower: Follower) -> None:
        if urls:
            self.holdings.purge(urls)
            for thread in self.frontier.threads(urls).values():
                self.walks.let_go(thread, "gone", "", follower)

    # A page that was not read.

    def _without(self, page: KnownPage, outcome: Outcome) -> None:
        follower = self._follower((), of=page)
        if page.at:
            # Its better form does not answer; the page itself is asked before anything is said.
            follower.queued[page.url] = replace(
                page, at=None, etag=None, modified=None, seq=self.number()
            )
        elif page.role == "recent":
            # A feed is a help, no part of the forum: where there is none nothing is missing.
            follower.queued[page.url] = replace(page, state="gone")
        elif outcome.kind == "gone" and self._is_known(page):
            self._gone(page, follower)
        else:
            if outcome.kind == "refused" and page.posts:
                self.refused[page.url] = self.tally.counts["read"]
            self._fail(page, outcome.reason, follower, is_gone=outcome.kind == "gone")
        self._commit(follower)

    @staticmethod
    def _is_known(page: KnownPage) -> bool:
        return bool(page.posts) or (page.role == "article" and page.fetched is not None)

    def _gone(self, page: KnownPage, follower: Follower) -> None:
        """Takes away what was deleted at the source; a lost later page only tells of a change."""
        thread = follower.thread(page.thread) if page.thread else None
        self.holdings.drop_answers([page])
        if thread and page.role == "posts":
            follower.dropped.add(page.url)
            self.walks.whole_again(replace(page, state="gone"), thread, (), follower)
            follower.queued.pop(page.url, None)
            return
        self.holdings.purge([url for url in (page.url, page.thread) if url])
        self.store.recovered(page.url)
        follower.queued[page.url] = replace(
            page, state="gone", posts=(), links=(), audit=False, etag=None, modified=None
        )
        if thread:
            self.walks.let_go(thread, "gone", page.url, follower)

    def _fail(
        self, page: KnownPage, reason: str, follower: Follower, *, is_gone: bool = False
    ) -> None:
        """Puts a page on record as failed; what was stored of it stays."""
        self.holdings.fails(page.url, reason)
        due = retried(follower.now, page.tries + 1)
        state = "gone" if is_gone else "failed"
        failed = replace(page, tries=page.tries + 1, due=due, audit=False)
        follower.queued[page.url] = replace(failed, state=state)  # type: ignore[arg-type]
        thread = follower.thread(page.thread) if page.thread else None
        if is_gone and thread and page.role != "posts":
            self.walks.let_go(thread, "gone", page.url, follower)

    # The end, and how it stands.

    def cut_off(self, status: Status, reason: str) -> None:
        """Ends a visit that is not over; the next one goes on with it."""
        if self.flying or not self.is_over:
            self.is_cut = self.tally.end(status, reason)

    def conclude(self) -> SiteReport:
        """The account once nothing more will come."""
        if self.tally.status == "running":
            self._conclude_refused()
            self.tally.finish()
        if not self.is_cut:
            self._mask()
            self.frontier.close_visit(self.site.name, datetime.now(UTC))
        return self.report()

    def _mask(self) -> None:
        """Masks names in the threads read that were known only after them."""
        was_cut = self.opened.started < self.started
        if self.is_dry or not (self.tally.counts["names"] or was_cut):
            return
        names = opened(self.frontier.names(self.site.name), self.key)
        threads = self.frontier.threads_read(self.site.name, self.opened.started)
        self.holdings.mask(threads, self.key, names)

    def _conclude_refused(self) -> None:
        """Purges threads that were public and are not, where the site answered well afterwards."""
        for url, read in self.refused.items():
            page = self.frontier.pages([url]).get(url)
            if page and page.role != "posts" and self.tally.counts["read"] > read:
                follower = self._follower((), of=page)
                self._gone(page, follower)
                self._commit(follower)

    def would(self) -> tuple[Link, ...]:
        """What a real crawl would ask for next."""
        if not self.is_dry:
            return ()
        rows = self.frontier.next(self.site.name, 1_000_000)
        return tuple(
            Link(url=row.url, role=row.role, thread=row.thread, title=self.titles.get(row.url, ""))
            for row in rows
            if row.role != "listing"
        )

    def report(self) -> SiteReport:
        """The account as it stands."""
        return self.tally.report(self.frontier.left(self.site.name))

    # The frontier.

    def number(self) -> int:
        """The next place in the queue."""
        self.place += 1
        return self.place

    def _follower(self, links: Sequence[Link], of: KnownPage | None = None) -> Follower:
        """What decides about the links of a page, with all that is known of them."""
        pages = self.frontier.pages([link.url for link in links])
        named = {link.thread for link in links} | {page.thread for page in pages.values()}
        named |= {of.thread} if of else set()
        threads = self.frontier.threads([url for url in named if url])
        into = [thread.into for thread in threads.values() if thread.into]
        return Follower(
            site=self.site,
            visit=self.opened.number,
            now=datetime.now(UTC),
            was_complete=self.opened.was_complete,
            pages=pages,
            threads={**threads, **(self.frontier.threads(into) if into else {})},
            pages_of=self.frontier.pages_of,
            number=self.number,
        )

    def _commit(self, follower: Follower, names: tuple[bytes, ...] = ()) -> None:
        self.tally.counts["names"] += len(names)
        self.tally.counts["unchanged"] += follower.unchanged
        if self.is_dry:
            self.titles |= follower.titles
        changes = Changes(
            pages=tuple(follower.queued.values()),
            threads=tuple(follower.changed.values()),
            dropped=tuple(sorted(follower.dropped - follower.queued.keys())),
            names=names,
        )
        self.frontier.commit(self.site.name, changes)
