"""The one Scrapy spider: asks for pages, lets an engine read each, delivers, follows the links.

It runs in a process of its own (`crawler.crawl`), since a reactor cannot be started twice.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urldefrag

import scrapy
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response, TextResponse
from scrapy.spidermiddlewares.httperror import HttpError

from crawler import engines
from crawler.deliver import Delivery
from crawler.documents import Article, Document, Thread
from crawler.errors import CrawlerError, NotStored
from crawler.page import Found, Link, Page
from crawler.politeness import Astray, VisitOver, forbids_keeping, wall
from crawler.report import SiteReport, Status
from crawler.sites import POLITE_DELAY, Site, bare, site_of

__all__ = ["FolkgradeSpider", "Visit", "settings_for"]

PRIORITY = {"better": 30, "posts": 20, "thread": 10, "article": 10, "listing": 0}
"""Threads are finished before new ones are begun."""
MOST_WALLS = 3
"""Refusals in a row after which a site is left alone."""
MOST_SILENCES = 5
"""Connections in a row that fail before a site counts as unreachable."""
PROGRESS_EVERY = 0.2
"""Seconds between two reports of progress."""


class Wire(Protocol):
    """Where documents and progress go."""

    def progress(self, report: SiteReport) -> None:
        """Takes the state of one site."""


@dataclass
class Visit:
    """The running account of one site."""

    site: Site
    started: datetime
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    """Addresses asked for."""
    threads: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    """Documents the store did not have."""
    changed: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    """Threads whose first page was asked for."""
    open: dict[str, int] = field(default_factory=dict)
    """Pages still to come, by thread."""
    stamps: dict[str, str] = field(default_factory=dict)
    """What the lists said of threads now being read."""
    broken: set[str] = field(default_factory=set)
    """Threads of which a page could not be read."""
    plain: bool = False
    """The better form of its pages does not answer here."""
    walls: int = 0
    silences: int = 0
    status: Status = "running"
    reason: str = ""
    waiting_until: float = 0.0
    url: str = ""

    def take(self, url: str, done: str) -> None:
        """Counts a document once, however many pieces it comes in."""
        if done == "forgotten":
            self.counts["withheld"] += 1
        elif done == "new":
            self.new.add(url)
        elif done == "changed" and url not in self.new:
            self.changed.add(url)

    def report(self) -> SiteReport:
        """The account as it stands."""
        counted = ("pages", "posts", "articles", "unchanged", "withheld")
        return SiteReport(
            site=self.site.name,
            started=self.started,
            finished=datetime.now(UTC),
            status=self.status,
            reason=self.reason,
            threads=len(self.threads),
            new=len(self.new),
            changed=len(self.changed),
            failures=self.counts["failures"],
            waiting=max(0.0, self.waiting_until - time.monotonic()),
            queued=len(self.seen) - self.counts["done"],
            url=self.url,
            **{name: self.counts[name] for name in counted},
        )

    def concluded(self) -> SiteReport:
        """The account once nothing more will come."""
        if self.status == "running":
            failures = self.counts["failures"]
            lost: Status = "partial" if self.counts["read"] else "unreachable"
            self.status = lost if failures else "ok"
            pages = "1 page" if failures == 1 else f"{failures} pages"
            self.reason = self.reason or (f"{pages} could not be read" if failures else "")
        return self.report()


class FolkgradeSpider(scrapy.Spider):
    """Visits sites; what an engine finds decides what is asked for next."""

    name = "folkgrade"

    def __init__(
        self, sites: Sequence[Site], delivery: Delivery, wire: Wire, **kwargs: Any
    ) -> None:
        """One visit for every site, all open."""
        super().__init__(**kwargs)
        now = datetime.now(UTC)
        self.visits = {bare(site.name): Visit(site=site, started=now) for site in sites}
        self.delivery = delivery
        self.wire = wire
        self.last_progress = 0.0

    async def start(self) -> AsyncIterator[Any]:
        """The first requests of every site."""
        for visit in self.visits.values():
            for link in visit.site.first_links():
                for request in self.requests(visit, [link]):
                    yield request

    def requests(self, visit: Visit, links: Sequence[Link], **extra: Any) -> Iterator[Request]:
        """Requests for those links that lie on the site and were not asked for yet."""
        for link in links:
            url = urldefrag(link.url).url
            limit = visit.site.max_pages
            full = limit is not None and len(visit.seen) >= limit
            if full or visit.status != "running":
                visit.broken.add(link.thread or "")
                continue
            if url in visit.seen or not visit.site.holds(url):
                continue
            if link.role == "thread" and not self._is_due(visit, link):
                continue
            visit.seen.add(url)
            if link.thread:
                visit.open[link.thread] = visit.open.get(link.thread, 0) + 1
            yield self._request(visit, link, url, extra)

    def _is_due(self, visit: Visit, link: Link) -> bool:
        """Whether a thread must be asked for: new to this crawl, and not stored in this state."""
        if link.thread is None:
            return True
        if link.thread in visit.begun:
            return False
        visit.begun.add(link.thread)
        if link.stamp and self.delivery.store.stamp(link.thread) == link.stamp:
            visit.counts["unchanged"] += 1
            return False
        if link.stamp:
            visit.stamps[link.thread] = link.stamp
        return True

    def _request(self, visit: Visit, link: Link, url: str, extra: dict[str, Any]) -> Request:
        meta: dict[str, Any] = {"site": visit.site.name, "download_slot": visit.site.name}
        if visit.site.interval == 0:
            meta["autothrottle_dont_adjust_delay"] = True
        return Request(
            url,
            callback=self.arrived,
            errback=self.missed,
            cb_kwargs={"visit": visit, "link": link, **extra},
            priority=PRIORITY[link.role],
            dont_filter=True,
            meta=meta,
        )

    def arrived(
        self, response: Response, visit: Visit, link: Link, instead: Found | None = None
    ) -> Iterator[Request]:
        """What to ask for after this answer; its documents are stored on the way."""
        visit.counts["pages"] += 1
        visit.silences = 0
        visit.url = response.url
        page = _page(response)
        walled = wall(page) if page else None
        if page is None:
            yield from self._without(visit, link, "not a page of text", instead)
        elif walled:
            self._walled(visit, link, walled)
            yield from self._without(visit, link, walled, instead)
        else:
            visit.walls = 0
            yield from self._read(visit, link, page, instead)
        self._close(visit, link)

    def _read(
        self, visit: Visit, link: Link, page: Page, instead: Found | None
    ) -> Iterator[Request]:
        try:
            found = engines.read(page, visit.site.engine)
        except CrawlerError as error:
            yield from self._without(visit, link, str(error), instead)
            return
        except Exception as error:  # an engine must not end the crawl, whatever the page holds
            reason = f"the page could not be read ({type(error).__name__})"
            yield from self._without(visit, link, reason, instead)
            return
        visit.counts["read"] += 1
        self.delivery.store.recovered(link.url)
        if forbids_keeping(page):
            visit.counts["withheld"] += len(found.documents)
            found = replace(found, documents=())
        better = [each for each in found.links if each.role == "better"]
        plain = replace(found, links=tuple(each for each in found.links if each not in better))
        if better and not visit.plain:
            yield from self.requests(visit, better[:1], instead=plain)
        else:
            yield from self._take(visit, link, plain)

    def _take(self, visit: Visit, link: Link, found: Found) -> Iterator[Request]:
        for document in found.documents:
            try:
                self._deliver(visit, document)
            except NotStored as error:
                self._fail(visit, link, str(error))
            except Exception as error:  # no document must end the crawl, whatever it holds
                self._fail(visit, link, f"the page could not be kept ({type(error).__name__})")
        yield from self.requests(visit, found.links)

    def _deliver(self, visit: Visit, document: Document) -> None:
        if isinstance(document, Article):
            document = replace(document, own=visit.site.own)
        done = self.delivery.deliver(document)
        if isinstance(document, Article):
            visit.counts["articles"] += 1
        if isinstance(document, Thread):
            visit.threads.add(document.source.url)
            visit.counts["posts"] += len(document.posts)
        visit.take(document.source.url, done)

    def _without(
        self, visit: Visit, link: Link, reason: str, instead: Found | None
    ) -> Iterator[Request]:
        """Goes on without a page: with what stands in for it, else with a recorded failure."""
        if instead is not None:
            visit.plain = True
            yield from self._take(visit, link, instead)
            return
        self._fail(visit, link, reason)

    def _fail(self, visit: Visit, link: Link, reason: str) -> None:
        visit.counts["failures"] += 1
        if link.thread:
            visit.broken.add(link.thread)
        self.delivery.store.failed(link.url, reason)

    def missed(self, failure: Any) -> Iterator[Request]:
        """Goes on after an answer that is none."""
        kwargs = failure.request.cb_kwargs
        visit, link, instead = kwargs["visit"], kwargs["link"], kwargs.get("instead")
        error = failure.value
        if isinstance(error, VisitOver):
            visit.broken.add(link.thread or "")
        else:
            cause = self._cause(visit, link, error)
            yield from self._without(visit, link, cause, instead)
            if link.url in visit.site.start and _is_policy(error):
                self._end(visit, "refused", cause)
            elif link.url in visit.site.start:
                visit.reason = visit.reason or cause
        self._close(visit, link)

    def _cause(self, visit: Visit, link: Link, error: BaseException) -> str:
        """Why there is no page; silence is counted, for a silent site is left."""
        if isinstance(error, HttpError):
            visit.counts["pages"] += 1
            page = _page(error.response)
            return (page and wall(page)) or _reason(error)
        if not isinstance(error, IgnoreRequest):
            self._silent(visit, link, _reason(error))
        return _reason(error)

    def _silent(self, visit: Visit, link: Link, reason: str) -> None:
        visit.silences += 1
        is_start = link.url in visit.site.start and not visit.counts["pages"]
        if is_start or visit.silences >= MOST_SILENCES:
            self._end(visit, "unreachable", reason)

    def _close(self, visit: Visit, link: Link) -> None:
        """Ends the account of a page; a thread that is whole keeps its stamp."""
        visit.counts["done"] += 1
        if link.thread:
            visit.open[link.thread] -= 1
            # Links of the page itself are counted in before this point: the callback ran through.
            if not visit.open[link.thread]:
                del visit.open[link.thread]
                stamp = visit.stamps.pop(link.thread, None)
                whole = link.thread not in visit.broken and visit.status == "running"
                if stamp and whole:
                    self.delivery.store.keep_stamp(link.thread, stamp)
        self._progress(visit)

    def _progress(self, visit: Visit) -> None:
        now = time.monotonic()
        if now - self.last_progress >= PROGRESS_EVERY:
            self.last_progress = now
            self.wire.progress(visit.report())

    def _end(self, visit: Visit, status: Status, reason: str) -> None:
        if visit.status == "running":
            visit.status, visit.reason = status, reason

    # What the middleware asks and tells.

    def interval(self, request: Request) -> float:
        """Least seconds between two requests to a site."""
        visit = self._visit(request)
        return visit.site.interval if visit else POLITE_DELAY

    def is_over(self, request: Request) -> bool:
        """Whether the visit has ended, or the whole crawl is being stopped."""
        visit = self._visit(request)
        return not self.crawler.crawling or (visit is not None and visit.status != "running")

    def is_astray(self, request: Request) -> bool:
        """Whether a redirect left the site that was asked for."""
        visit = self._visit(request)
        return visit is not None and not visit.site.holds(request.url)

    def sees(self, request: Request, status: int) -> None:
        """Takes note of a refusal, as soon as it is known."""
        visit = self._visit(request)
        link = request.cb_kwargs.get("link")
        if visit and link and status in (401, 403):
            self._walled(visit, link, f"the site refuses ({status})")

    def _walled(self, visit: Visit, link: Link, reason: str) -> None:
        visit.walls += 1
        is_start = link.url in visit.site.start
        if link.role != "better" and (is_start or visit.walls >= MOST_WALLS):
            self._end(visit, "refused", reason)

    def waits(self, request: Request, seconds: float) -> None:
        """Takes note that a site asked to be left alone."""
        visit = self._visit(request)
        if visit:
            visit.waiting_until = time.monotonic() + seconds
            self.wire.progress(visit.report())

    def end(self, request: Request, status: Status, reason: str) -> None:
        """Leaves a site alone from now on."""
        visit = self._visit(request)
        if visit:
            self._end(visit, status, reason)

    def _visit(self, request: Request) -> Visit | None:
        return self.visits.get(bare(request.meta.get("site") or site_of(request.url)))

    def closed(self, reason: str) -> None:
        """Sends the last account of every site."""
        for visit in self.visits.values():
            if reason == "shutdown" and visit.status == "running":
                self._end(visit, "interrupted", "stopped before its end")
            self.wire.progress(visit.concluded())


_TEXTUAL = re.compile(r"text/|.*\b(?:json|xml|xhtml)\b")


def _page(response: Response) -> Page | None:
    """The answer as engines see it; None where it is no text."""
    headers = {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in response.headers.items()
    }
    kind = headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    if not isinstance(response, TextResponse) or not _TEXTUAL.match(kind):
        return None
    return Page(
        url=response.url,
        text=response.text,
        fetched=datetime.now(UTC),
        content_type=kind,
        status=response.status,
        headers=headers,
    )


_STATUS = {404: "not there", 410: "gone", 403: "refused", 401: "login asked for"}
_SILENCE = {
    "DownloadTimeoutError": "no answer in time",
    "TimeoutError": "no answer in time",
    "DownloadCancelledError": "larger than a page may be",
    "DownloadConnectionRefusedError": "no connection: refused",
    "CannotResolveHostError": "no such host",
}


def _is_policy(error: BaseException) -> bool:
    """Whether rules forbid the page, ours or the site's; a page that is not there is none."""
    by_robots = isinstance(error, IgnoreRequest) and "robots.txt" in str(error)
    return by_robots or isinstance(error, Astray)


def _reason(error: BaseException) -> str:
    """What went wrong, in words that hold nothing of the page."""
    if isinstance(error, HttpError):
        status = error.response.status
        usual = "redirected to no page" if 300 <= status < 400 else "answered with an error"
        return f"{_STATUS.get(status, usual)} ({status})"
    if isinstance(error, IgnoreRequest):
        said = str(error)
        if "max redirections" in said:
            return "redirected again and again"
        return "robots.txt says no" if "robots.txt" in said else said or "not asked for"
    name = type(error).__name__
    return _SILENCE.get(name, f"no answer ({name.removesuffix('Error')})")


def settings_for(sites: Sequence[Site], user_agent: str) -> dict[str, Any]:
    """Scrapy's settings: polite, quiet, nothing remote."""
    intervals = [site.interval for site in sites]
    slots = {s.name: {"concurrency": 1, "delay": s.interval, "jitter": 0.0} for s in sites}
    return {
        "USER_AGENT": user_agent,
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": user_agent.partition("/")[0],
        "CONCURRENT_REQUESTS": max(16, 4 * len(sites)),
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": min(intervals),
        "DOWNLOAD_SLOTS": slots,
        "AUTOTHROTTLE_ENABLED": max(intervals) > 0,
        "AUTOTHROTTLE_START_DELAY": min(intervals),
        "AUTOTHROTTLE_MAX_DELAY": 60.0,
        "DOWNLOAD_TIMEOUT": 60,
        "DOWNLOAD_MAXSIZE": 16 * 2**20,
        "DOWNLOAD_WARNSIZE": 0,
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "RETRY_TIMES": 2,
        "RETRY_HTTP_CODES": [500, 502, 503, 504, 522, 524, 408],
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "HTTPCACHE_ENABLED": False,
        "LOG_ENABLED": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "DOWNLOADER_MIDDLEWARES": {
            "crawler.politeness.Manners": 950,
            "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
        },
    }
