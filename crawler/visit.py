"""The visit of one site: takes what came of each page, stores it, decides what is asked next.

The order is always the same: first the documents are stored, then one transaction marks the page
as read and queues what it led to. A crawl killed in between reads that page once more.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from crawler.deliver import Store, is_edited, masked_again, opened
from crawler.documents import Article, Document, Post, Thread
from crawler.due import Changes, KnownPage, KnownThread, has_grown, next_due, retried
from crawler.errors import DamagedDocument, NotStored, StoreError
from crawler.follow import Follower, addresses
from crawler.frontier import Frontier
from crawler.jobs import Job, Notice, Outcome
from crawler.page import Link, Page
from crawler.report import SiteReport, Status
from crawler.sites import Site

__all__ = ["Keeper", "Visit", "stored"]

TOUCH_EVERY = 60.0
"""Seconds between two notes that the visit is alive."""
WINDOW = 30.0
"""Seconds over which the rate is taken."""


class Keeper(Protocol):
    """What keeps answers as they came: `crawler.raw.RawPages`."""

    def keep(self, page: Page) -> None:
        """Keeps one answer."""


def stored(store: Store, document: Document) -> tuple[str, str | None]:
    """What storing a document did, or why the store would not take it; raises StoreError.

    Only a database that fails ends the crawl, never what a page holds.
    """
    try:
        return store.add(document), None
    except (NotStored, DamagedDocument) as error:
        return "", str(error)
    except StoreError:
        raise
    except Exception as error:
        return "", f"it could not be stored ({type(error).__name__})"


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
        self.raw = raw if site.keep_pages and not is_dry else None
        self.is_dry = is_dry
        self.opened = frontier.open_visit(site.name, now)
        self.started = now
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.flying: dict[str, KnownPage] = {}
        self.open: dict[str, str] = {}
        """Threads at hand, and whether they were counted as new or changed."""
        self.titles: dict[str, str] = {}
        self.refused: dict[str, int] = {}
        """Pages read before and refused now, and how many pages were read by then."""
        self.asked = 0
        self.status: Status = "running"
        self.reason = ""
        self.is_cut = False
        self.waiting_until = 0.0
        self.url = ""
        self.place = frontier.last_seq()
        self.touched = time.monotonic()
        self.paces: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
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
        return not self.flying and (self.status != "running" or not self._more(1))

    def jobs(self, room: int) -> list[Job]:
        """The next pages to ask for, so that as many are at hand as there is room for."""
        if self.status != "running" or len(self.flying) > room // 2:
            return []
        found = self._more(room - len(self.flying))
        self.asked += len(found)
        self.flying |= {page.url: page for page in found}
        return [self._job(page) for page in found]

    def _more(self, most: int) -> list[KnownPage]:
        limit = self.site.max_pages
        if limit is not None:
            most = min(most, limit - self.asked)
        if most <= 0:
            return []
        found = self.frontier.next(self.site.name, most, self.flying, only_lists=self.is_dry)
        # Nothing is read again, and perhaps found gone, before the site has shown that it is well.
        return [page for page in found if self.counts["read"] or not page.audit]

    def _job(self, page: KnownPage) -> Job:
        link = Link(url=page.url, role=page.role, thread=page.thread)
        at = page.at or page.url
        has_copy = page.fetched is not None
        return Job(
            site=self.site.name,
            link=link,
            at=at,
            etag=page.etag if has_copy else None,
            modified=page.modified if has_copy else None,
        )

    def notice(self, notice: Notice) -> None:
        """Takes note of a pause, or of the end of the visit."""
        if notice.pause:
            self.waiting_until = time.monotonic() + notice.pause
        if notice.status and self.status == "running":
            self.status, self.reason = notice.status, notice.reason

    def take(self, outcome: Outcome) -> None:
        """Stores what came of a page and queues what it led to; raises StoreError."""
        page = self.flying.pop(outcome.url, None)
        if page is None:
            return
        self.counts["pages"] += outcome.requests
        self.url = outcome.at or outcome.url
        if self.raw is not None:
            for each in outcome.pages:
                self.raw.keep(each)
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
        self.counts["read"] += 1
        if page.tries:
            self.store.recovered(page.url)
        if outcome.kind == "same":
            self.counts["not_modified"] += 1
        found = page.links if outcome.kind == "same" else outcome.found.links
        links = [link for link in addresses(self.site, found) if link.url != page.url]
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
        thread = self._thread(shown or url or "", url, now, follower)
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
            self._merge(url, thread, follower)
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
        self._piece(page, kept, thread, links, follower, expected)

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
        self.counts["off_topic"] += 1
        return False

    def _thread(
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
                site=self.site.name,
                want=stamp,
                visit=self.opened.number,
                walk=walk,
                is_kept=bool(former and former.is_kept),
            )
            follower.changed[url] = thread
        return thread

    def _looked_up(self, url: str, follower: Follower) -> KnownThread | None:
        found = self.frontier.threads([url])
        follower.threads = {**follower.threads, **found}
        return follower.thread(url)

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
        self.counts["off_topic"] += 1
        self._let_go(thread, "off_topic", page.url, follower)
        return False

    def _piece(
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
        now = replace(now, links=tuple(replace(link, title="") for link in onward))
        if self._is_shifted(page, now, thread):
            self._whole_again(now, thread, onward, follower)
        else:
            walk = thread.walk if page.walk in (0, thread.walk) or page.role != "posts" else 0
            follower.queued[now.url] = replace(now, walk=walk or page.walk)
            for link in onward if thread.state == "open" else ():
                follower.piece(link, thread)
        for link in links:
            if link not in onward and link.thread != thread.url:
                follower.one(link)
        self._start_of(now, thread, links, follower)
        self._conclude_thread(now, thread.url, follower, expected)

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

    def _whole_again(
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

    def _conclude_thread(
        self, now: KnownPage, url: str, follower: Follower, expected: int = 0
    ) -> None:
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
            self._whole_again(now, thread, now.links, follower)
            return
        if thread.is_full and ids and not any(row.is_cut for row in walked):
            self.counts["purged"] += self.store.settle(url, ids)
        follower.dropped |= {row.url for row in rows.values() if row.walk != thread.walk}
        follower.changed[url] = replace(thread, state="whole", stamp=thread.want, want=None)
        self.open.pop(url, None)

    def _merge(self, url: str, into: KnownThread, follower: Follower) -> None:
        """What was kept under an address that now shows another thread is kept there alone."""
        former = follower.threads.get(url)
        rows = self.frontier.pages_of(url)
        if any(row.posts for row in rows):
            self._purge([url])
        follower.dropped |= {row.url for row in rows}
        known = former or KnownThread(url=url, site=self.site.name)
        follower.changed[url] = replace(
            known, state="merged", into=into.url, stamp=known.want or known.stamp, want=None
        )
        if into.state == "whole":  # it gained posts: all of it is read anew, from this page on
            follower.changed[into.url] = replace(
                into, state="open", want=into.stamp, walk=into.walk + 1, is_full=True
            )

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
        stored = self._stored_posts(piece.source.url)
        edited = {post.id for post in piece.posts if post.id in stored}
        edited = {p.id for p in piece.posts if p.id in edited and is_edited(stored[p.id], p)}
        if edited:
            for row in self.frontier.pages_of(piece.source.url):
                if row.state == "done" and not edited.isdisjoint(row.posts):
                    follower.queued[row.url] = replace(row, state="queued", audit=True)
        return bool(edited) or any(post.id not in stored for post in piece.posts)

    def _stored_posts(self, url: str) -> dict[str, Post]:
        try:
            document = self.store.get(url)
        except DamagedDocument:
            return {}
        return {post.id: post for post in document.posts} if isinstance(document, Thread) else {}

    # What is stored and what is taken away.

    def _keep(self, page: KnownPage, documents: Iterable[Document], follower: Follower) -> bool:
        """Whether every document could be stored; else the page is on record as failed."""
        for document in documents:
            reason = self._add(document)
            if reason is not None:
                self._fail(page, reason, follower)
                return False
        return True

    def _add(self, document: Document) -> str | None:
        """Why the store would not take a document; None where it did."""
        if isinstance(document, Article):
            document = replace(document, own=self.site.own)
        done, reason = stored(self.store, document)
        if reason is not None:
            return reason
        self._count(document, done)
        return None

    def _count(self, document: Document, done: str) -> None:
        """Counts a document once, however many pieces it comes in."""
        url = document.source.url
        if isinstance(document, Article):
            self.counts["articles"] += 1
        if isinstance(document, Thread):
            self.counts["posts"] += len(document.posts)
            if url not in self.open:
                self.counts["threads"] += 1
        if done == "forgotten":
            self.counts["withheld"] += 1
        former = self.open.get(url)
        if done == "new" or (done == "changed" and former not in ("new", "changed")):
            self.counts[done] += 1
        if isinstance(document, Thread) and former not in ("new", "changed"):
            self.open[url] = done

    def _withhold(self, now: KnownPage, outcome: Outcome, follower: Follower) -> None:
        """Takes away what was stored of a page that now asks not to be indexed."""
        self.counts["withheld"] += outcome.withheld
        follower.queued[now.url] = replace(now, posts=(), links=())
        thread = follower.thread(now.thread) if now.thread else None
        if now.role == "posts" and thread:
            self._conclude_thread(now, thread.url, follower)
            return
        self._purge([url for url in (now.url, now.thread) if url])
        if thread:
            self._let_go(thread, "withheld", now.url, follower)

    def _let_go(self, thread: KnownThread, state: str, keep: str, follower: Follower) -> None:
        """Forgets the pages of a thread that is no longer there for us."""
        rows = self.frontier.pages_of(thread.url)
        follower.dropped |= {row.url for row in rows if row.url != keep}
        stamp = thread.want or thread.stamp
        follower.changed[thread.url] = replace(thread, state=state, stamp=stamp, want=None)  # type: ignore[arg-type]
        self.open.pop(thread.url, None)

    def _purge_gone(self, urls: Sequence[str], follower: Follower) -> None:
        if urls:
            self._purge(urls)
            for thread in self.frontier.threads(urls).values():
                self._let_go(thread, "gone", "", follower)

    def _purge(self, urls: Iterable[str]) -> None:
        self.counts["purged"] += self.store.purge(list(urls))

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
                self.refused[page.url] = self.counts["read"]
            self._fail(page, outcome.reason, follower, is_gone=outcome.kind == "gone")
        self._commit(follower)

    @staticmethod
    def _is_known(page: KnownPage) -> bool:
        return bool(page.posts) or (page.role == "article" and page.fetched is not None)

    def _gone(self, page: KnownPage, follower: Follower) -> None:
        """Takes away what was deleted at the source; a lost later page only tells of a change."""
        thread = follower.thread(page.thread) if page.thread else None
        if thread and page.role == "posts":
            follower.dropped.add(page.url)
            self._whole_again(replace(page, state="gone"), thread, (), follower)
            follower.queued.pop(page.url, None)
            return
        self._purge([url for url in (page.url, page.thread) if url])
        self.store.recovered(page.url)
        follower.queued[page.url] = replace(
            page, state="gone", posts=(), links=(), audit=False, etag=None, modified=None
        )
        if thread:
            self._let_go(thread, "gone", page.url, follower)

    def _fail(
        self, page: KnownPage, reason: str, follower: Follower, *, is_gone: bool = False
    ) -> None:
        """Puts a page on record as failed; what was stored of it stays."""
        self.counts["failures"] += 1
        self.reasons[reason] += 1
        self.store.failed(page.url, reason)
        due = retried(follower.now, page.tries + 1)
        state = "gone" if is_gone else "failed"
        failed = replace(page, tries=page.tries + 1, due=due, audit=False)
        follower.queued[page.url] = replace(failed, state=state)  # type: ignore[arg-type]
        thread = follower.thread(page.thread) if page.thread else None
        if is_gone and thread and page.role != "posts":
            self._let_go(thread, "gone", page.url, follower)

    # The end, and how it stands.

    def cut_off(self, status: Status, reason: str) -> None:
        """Ends a visit that is not over; the next one goes on with it."""
        if self.status == "running" and (self.flying or not self.is_over):
            self.status, self.reason, self.is_cut = status, reason, True

    def conclude(self) -> SiteReport:
        """The account once nothing more will come."""
        if self.status == "running":
            self._conclude_refused()
            failures = self.counts["failures"]
            lost: Status = "partial" if self.counts["read"] else "unreachable"
            self.status = lost if failures else "ok"
            most = self.reasons.most_common(1)
            pages = "1 page" if failures == 1 else f"{failures} pages"
            why = most[0][0] if most and not self.counts["read"] else f"{pages} could not be read"
            self.reason = why if failures else ""
        if not self.is_cut:
            self._mask()
            self.frontier.close_visit(self.site.name, datetime.now(UTC))
        return self.report()

    def _mask(self) -> None:
        """Masks names in the threads read that were known only after them."""
        was_cut = self.opened.started < self.started
        if self.is_dry or not (self.counts["names"] or was_cut):
            return
        names = opened(self.frontier.names(self.site.name), self.key)
        for url in self.frontier.threads_read(self.site.name, self.opened.started):
            try:
                document = self.store.get(url)
            except DamagedDocument:
                continue
            masked = document and masked_again(document, self.key, names)
            if masked and masked != document:
                stored(self.store, masked)

    def _conclude_refused(self) -> None:
        """Purges threads that were public and are not, where the site answered well afterwards."""
        for url, read in self.refused.items():
            page = self.frontier.pages([url]).get(url)
            if page and page.role != "posts" and self.counts["read"] > read:
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
        queued = self.frontier.left(self.site.name)
        rate = self._rate()
        counted = (
            "pages", "posts", "articles", "threads", "new", "changed", "unchanged", "withheld",
            "failures", "off_topic", "purged", "not_modified",
        )  # fmt: skip
        return SiteReport(
            site=self.site.name,
            started=self.started,
            finished=datetime.now(UTC),
            status=self.status,
            reason=self.reason,
            waiting=max(0.0, self.waiting_until - time.monotonic()),
            queued=queued,
            url=self.url,
            rate=rate,
            left=queued / rate if rate else None,
            reasons=tuple(self.reasons.most_common()),
            **{name: self.counts[name] for name in counted},
        )

    def _rate(self) -> float:
        """Pages a second over the last half minute."""
        now = time.monotonic()
        self.paces.append((now, self.counts["pages"]))
        while len(self.paces) > 2 and now - self.paces[0][0] > WINDOW:
            self.paces.popleft()
        since, pages = self.paces[0]
        return (self.counts["pages"] - pages) / (now - since) if now > since else 0.0

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
        self.counts["names"] += len(names)
        self.counts["unchanged"] += follower.unchanged
        if self.is_dry:
            self.titles |= follower.titles
        changes = Changes(
            pages=tuple(follower.queued.values()),
            threads=tuple(follower.changed.values()),
            dropped=tuple(sorted(follower.dropped - follower.queued.keys())),
            names=names,
        )
        self.frontier.commit(self.site.name, changes)
