"""The one Scrapy spider: asks for what it is told to, lets an engine read it, tells what came.

It runs in a process of its own (`crawler.crawl`), since a reactor cannot be started twice, and
remembers nothing: what to ask for is decided beside the store (`crawler.visit`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol
from urllib.parse import urldefrag

import scrapy
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response, TextResponse

from crawler import engines
from crawler.border import CHARSETS, Astray
from crawler.border import PLACE as BORDER
from crawler.deliver import Delivery
from crawler.errors import CrawlerError
from crawler.jobs import Job, Notice, Outcome
from crawler.page import Found, Page
from crawler.politeness import LONGEST_PAUSE, Turn, VisitOver, forbids_keeping, silence, wall
from crawler.report import Status
from crawler.sites import Site, bare, site_of

__all__ = ["FolkgradeSpider", "settings_for"]

MOST_WALLS = 3
"""Refusals in a row after which a site is left alone."""
MOST_SILENCES = 5
"""Connections in a row that fail before a site counts as unreachable."""


class Wire(Protocol):
    """The way to the process that keeps the store."""

    def jobs(self) -> AsyncIterator[Job]:
        """The pages to ask for, until there are no more."""

    def tell(self, what: Outcome | Notice) -> None:
        """Takes what came of a page, or what concerns a site."""


@dataclass
class Account:
    """How one site has answered so far."""

    site: Site
    turn: Turn
    plain: bool = False
    """The better form of its pages does not answer here."""
    walls: int = 0
    silences: int = 0
    answers: int = 0
    status: Status = "running"


class FolkgradeSpider(scrapy.Spider):
    """Visits sites; what came of a page is told, and that decides what is asked for next."""

    name = "folkgrade"

    def __init__(
        self, sites: Sequence[Site], delivery: Delivery, wire: Wire, *, raw: bool, **kwargs: Any
    ) -> None:
        """One account for every site, all open; `raw`: answers are told as they came, too."""
        super().__init__(**kwargs)
        self.accounts = {
            bare(site.name): Account(
                site=site, turn=Turn(least=site.interval, at_once=site.at_once)
            )
            for site in sites
        }
        self.delivery = delivery
        self.wire = wire
        self.raw = raw

    async def start(self) -> AsyncIterator[Any]:
        """The requests, as they are wanted."""
        async for job in self.wire.jobs():
            yield self._request(self.accounts[bare(job.site)].site, job, job.at)

    def _request(self, site: Site, job: Job, url: str, **extra: Any) -> Request:
        headers = {}
        if job.etag and url == job.at:
            headers["If-None-Match"] = job.etag
        if job.modified and url == job.at:
            headers["If-Modified-Since"] = job.modified
        return Request(
            url,
            headers=headers,
            callback=self.arrived,
            errback=self.missed,
            cb_kwargs={"job": job, **extra},
            priority=1 if extra else 0,
            dont_filter=True,
            meta={"site": site.name, "download_slot": site.name},
        )

    def arrived(
        self, response: Response, job: Job, instead: Outcome | None = None
    ) -> Iterator[Request]:
        """Tells what came of the page, or asks for a better form of it first."""
        account = self.accounts[bare(job.site)]
        yield from self._take(account, response, job, instead)
        account.turn.has_read()

    def _take(
        self, account: Account, response: Response, job: Job, instead: Outcome | None
    ) -> Iterator[Request]:
        account.silences = 0
        account.answers += 1
        page = _page(response)
        walled = wall(page) if page and response.status != 304 else None
        status = response.status
        if status == 304:
            self._tell(job, "same", response, instead)
        elif walled:
            if status not in (401, 403):
                self._walled(account, job, walled)
            kind = "refused" if status == 403 and "captcha" not in walled else "failed"
            self._without(account, job, kind, walled, instead)  # type: ignore[arg-type]
        elif status >= 300:
            kind = "gone" if status in (404, 410) else "failed"
            self._without(account, job, kind, _status_reason(status), instead)  # type: ignore[arg-type]
        elif page is None:
            self._without(account, job, "failed", "not a page of text", instead)
        else:
            account.walls = 0
            yield from self._read(account, job, response, page, instead)

    def _read(
        self,
        account: Account,
        job: Job,
        response: Response,
        page: Page,
        instead: Outcome | None,
    ) -> Iterator[Request]:
        site = account.site
        try:
            found = engines.read(page, site.engine, site.selectors)
            self._rest(account, job, found.pause)
            outcome = self._outcome(job, response, page, found)
        except CrawlerError as error:
            self._without(account, job, "failed", str(error), instead)
            return
        except Exception as error:  # an engine must not end the crawl, whatever the page holds
            reason = f"the page could not be read ({type(error).__name__})"
            self._without(account, job, "failed", reason, instead)
            return
        if instead:
            outcome = _both(instead, outcome)
        better = [link for link in found.links if link.role == "better"]
        url = urldefrag(better[0].url).url if better else ""
        is_wanted = not (instead or account.plain or job.is_last)
        if url and is_wanted and url != job.at and site.holds(url):
            yield self._request(site, job, url, instead=outcome)
        else:
            self.wire.tell(outcome)

    def _outcome(self, job: Job, response: Response, page: Page, found: Found) -> Outcome:
        """What was read, names hidden."""
        lines = [v.decode("latin-1") for v in response.headers.getlist("X-Robots-Tag")]
        shy = forbids_keeping(page, self.name, lines)
        documents = () if shy else tuple(map(self.delivery.hide, found.documents))
        links = tuple(link for link in found.links if link.role != "better")
        is_html = "html" in page.content_type
        return Outcome(
            site=job.site,
            url=job.link.url,
            kind="read",
            found=replace(found, documents=documents, links=links),
            at=response.url,
            form=job.at if job.at != job.link.url else "",
            requests=1,
            withheld=len(found.documents) if shy else 0,
            etag=_header(response, "ETag"),
            modified=_header(response, "Last-Modified"),
            digest=hashlib.sha256(response.body).hexdigest(),
            is_html=is_html,
            is_cut=is_html and "</html" not in page.text[-4000:].lower(),
            pages=(page,) if self.raw and not shy else (),
            names=tuple(filter(None, [self.delivery.learnt()])),
        )

    def _tell(
        self, job: Job, kind: Literal["same"], response: Response, instead: Outcome | None
    ) -> None:
        outcome = Outcome(site=job.site, url=job.link.url, kind=kind, at=response.url, requests=1)
        self.wire.tell(instead or outcome)

    def _without(
        self,
        account: Account,
        job: Job,
        kind: Literal["gone", "refused", "failed"],
        reason: str,
        instead: Outcome | None,
        *,
        requests: int = 1,
    ) -> None:
        """Tells of a page that is none, or what stands in for it."""
        if instead is not None:
            account.plain = account.plain or kind != "gone"
            self.wire.tell(replace(instead, requests=instead.requests + requests))
            return
        self.wire.tell(
            Outcome(site=job.site, url=job.link.url, kind=kind, reason=reason, requests=requests)
        )

    def missed(self, failure: Any) -> None:
        """Tells of an answer that never came."""
        kwargs = failure.request.cb_kwargs
        job, instead = kwargs["job"], kwargs.get("instead")
        account, error = self.accounts[bare(job.site)], failure.value
        account.turn.has_read()
        if isinstance(error, VisitOver):
            self.wire.tell(Outcome(site=job.site, url=job.link.url, kind="over"))
            return
        reason = _reason(error)
        is_start = job.link.url in account.site.start
        if not isinstance(error, IgnoreRequest):
            account.silences += 1
            if account.silences >= MOST_SILENCES or (is_start and not account.answers):
                self._end(account, "unreachable", reason)
        if is_start and instead is None and _is_policy(error):
            self._end(account, "refused", reason)
        # After the end is told: where nothing is left to ask for, this is the last word.
        self._without(account, job, "failed", reason, instead, requests=0)

    def _rest(self, account: Account, job: Job, seconds: float) -> None:
        """Leaves the site alone for the time that an answer asked for in its body."""
        if seconds <= 0:
            return
        account.turn.pause(min(seconds, LONGEST_PAUSE))
        self.wire.tell(Notice(site=job.site, pause=seconds))
        if seconds > LONGEST_PAUSE:
            reason = f"the site asks to be left alone for {seconds:.0f} seconds"
            self._end(account, "refused", reason)

    def _end(self, account: Account, status: Status, reason: str) -> None:
        if account.status == "running":
            account.status = status
            self.wire.tell(Notice(site=account.site.name, status=status, reason=reason))

    # What the middleware asks and tells.

    def turn(self, request: Request) -> Turn:
        """The turn of the site a request belongs to."""
        return self._account(request).turn

    def equip(self, request: Request) -> None:
        """Gives a request the headers of its site where its host may see them, and no others."""
        for account in self.accounts.values():
            for name in account.site.headers:
                request.headers.pop(name, None)
        site = self._account(request).site
        if site.may_see(request.url):
            request.headers.update(site.headers)

    def is_over(self, request: Request) -> bool:
        """Whether the visit has ended, or the whole crawl is being stopped."""
        return not self.crawler.crawling or self._account(request).status != "running"

    def is_astray(self, request: Request) -> bool:
        """Whether a redirect left the site that was asked for."""
        return not self._account(request).site.holds(request.url)

    def sees(self, request: Request, status: int) -> None:
        """Takes note of a refusal, as soon as it is known."""
        account, job = self._account(request), request.cb_kwargs.get("job")
        if job and status in (401, 403) and "instead" not in request.cb_kwargs:
            self._walled(account, job, f"the site refuses ({status})")

    def _walled(self, account: Account, job: Job, reason: str) -> None:
        account.walls += 1
        if job.link.url in account.site.start or account.walls >= MOST_WALLS:
            self._end(account, "refused", reason)

    def waits(self, request: Request, seconds: float) -> None:
        """Takes note that a site asked to be left alone."""
        self.wire.tell(Notice(site=self._account(request).site.name, pause=seconds))

    def end(self, request: Request, status: Status, reason: str) -> None:
        """Leaves a site alone from now on."""
        self._end(self._account(request), status, reason)

    def _account(self, request: Request) -> Account:
        """That of the site asked for, wherever a redirect led; robots.txt says none, but its host.

        No request comes from elsewhere: each is a page of a site, or robots.txt of such a page.
        """
        first = request.meta.get("redirect_urls", [request.url])[0]
        return self.accounts[bare(request.meta.get("site") or site_of(first))]


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


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None


def _both(first: Outcome, better: Outcome) -> Outcome:
    """What the better form of a page says, and what it took to come by it."""
    return replace(
        better,
        form=better.at,
        requests=first.requests + better.requests,
        pages=first.pages + better.pages,
        names=first.names + better.names,
    )


_STATUS = {404: "not there", 410: "gone", 403: "refused", 401: "login asked for"}


def _status_reason(status: int) -> str:
    usual = "redirected to no page" if 300 <= status < 400 else "answered with an error"
    return f"{_STATUS.get(status, usual)} ({status})"


def _is_policy(error: BaseException) -> bool:
    """Whether rules forbid the page, ours or the site's; a page that is not there is none."""
    by_robots = isinstance(error, IgnoreRequest) and "robots.txt" in str(error)
    return by_robots or isinstance(error, Astray)


def _reason(error: BaseException) -> str:
    """What went wrong, in words that hold nothing of the page."""
    if isinstance(error, IgnoreRequest):
        said = str(error)
        if "max redirections" in said:
            return "redirected again and again"
        if "DOWNLOAD_MAXSIZE" in said:  # packed, it was small
            return "larger than a page may be"
        return "robots.txt says no" if "robots.txt" in said else said or "not asked for"
    return silence(error)


def settings_for(sites: Sequence[Site], user_agent: str) -> dict[str, Any]:
    """Scrapy's settings: polite, quiet, nothing remote. The pace is `crawler.politeness`."""
    slots = {s.name: {"concurrency": s.at_once, "delay": 0.0, "jitter": 0.0} for s in sites}
    return {
        "USER_AGENT": user_agent,
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": user_agent.partition("/")[0],
        "CONCURRENT_REQUESTS": 16 + sum(4 * site.at_once for site in sites),
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": 0.0,
        "DOWNLOAD_SLOTS": slots,
        "AUTOTHROTTLE_ENABLED": False,
        # The web only; the rest would be loaded for nothing.
        "DOWNLOAD_HANDLERS": dict.fromkeys(("data", "file", "ftp", "s3")),
        "DOWNLOAD_TIMEOUT": 60,
        "DOWNLOAD_MAXSIZE": 16 * 2**20,
        "DOWNLOAD_WARNSIZE": 0,
        # An answer yields one request at most; Scrapy makes so many tasks for each of them.
        "CONCURRENT_ITEMS": 1,
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "RETRY_TIMES": 2,
        "RETRY_HTTP_CODES": [500, 502, 503, 504, 522, 524, 408],
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "HTTPCACHE_ENABLED": False,
        "STATS_DUMP": False,
        "DOWNLOADER_STATS": False,
        "LOGSTATS_INTERVAL": 0,
        "MEMUSAGE_ENABLED": False,
        "LOG_ENABLED": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        # Errors are told like any answer, and no request is dropped without a word.
        "SPIDER_MIDDLEWARES": {
            f"scrapy.spidermiddlewares.{name}": None
            for name in (
                "httperror.HttpErrorMiddleware",
                "urllength.UrlLengthMiddleware",
                "depth.DepthMiddleware",
            )
        },
        "DOWNLOADER_MIDDLEWARES": {
            "crawler.border.Border": BORDER,
            "crawler.border.Charsets": CHARSETS,
            "crawler.politeness.Manners": 950,
            "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
        },
    }
