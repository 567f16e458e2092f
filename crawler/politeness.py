"""Manners of the spider: one request at a time per site, pauses for all of a site, walls respected.

Scrapy obeys robots.txt but not its Crawl-delay, and retries a 429 without sparing the rest of the
site; both are done here. Walls are recognised and never gone round.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import IgnoreRequest

from crawler.page import Page
from crawler.sites import bare, site_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

__all__ = ["Astray", "Manners", "Turn", "VisitOver", "forbids_keeping", "seconds_to_wait", "wall"]

LONGEST_PAUSE = 900.0
"""Seconds; a site that asks for more is left alone for this time."""
MOST_PAUSES = 5
"""Times in a row a site may ask to wait before it is left alone."""
NAP = 0.25
"""Seconds between two looks at whether a waiting visit was ended."""
MOST_TRIES = 3
"""Times robots.txt is asked for."""
UNSTATED_PAUSE = 30.0
"""Seconds to wait after a 429 that does not say how long, doubled each time."""

_CHALLENGE = re.compile(
    r"<title>\s*(?:just a moment|attention required|are you a robot|access denied|ddos-guard)"
    r"|cf-challenge|cf_chl_|g-recaptcha|h-captcha|px-captcha",
    re.I,
)
_LOGIN = re.compile(r"/(?:login|log-in|signin|sign-in|auth|ucp\.php\?.*mode=login)\b", re.I)
_PASSWORD = re.compile(r"<input[^>]+type=[\"']?password", re.I)
_NO_INDEX = re.compile(r"<meta[^>]+name=[\"']robots[\"'][^>]*>", re.I)


@dataclass
class Turn:
    """Whose turn it is at one site, and from when on the next may ask."""

    interval: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    """On the monotonic clock."""
    pauses: int = 0
    """Requests to wait since the last good answer."""
    no_rules: int = 0
    """Times robots.txt could not be had."""

    def pause(self, seconds: float) -> None:
        """Holds back the whole site."""
        self.free_at = max(self.free_at, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until the site may be asked."""
        return self.free_at - time.monotonic()


class Astray(IgnoreRequest):
    """A redirect leads off the site."""


class VisitOver(IgnoreRequest):
    """The visit ended before this request was sent."""


def seconds_to_wait(header: str | None, now: datetime) -> float | None:
    """Seconds a Retry-After header asks for, be it a number or a date; None where unreadable."""
    if not header:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", header):
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return max(0.0, ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds())


def wall(page: Page) -> str | None:
    """Why the page is a wall and not content: a login, a captcha, a refusal; None for content."""
    if page.status == 401:
        return "the site asks for a login (401)"
    head = page.text[:20000]
    if page.headers.get("cf-mitigated") == "challenge" or (
        page.status >= 400 and _CHALLENGE.search(head)
    ):
        return f"the site asks for a captcha or browser check ({page.status})"
    if page.status == 403:
        return "the site refuses (403)"
    if _LOGIN.search(page.url) and _PASSWORD.search(page.text):
        return "the site asks for a login"
    return None


def forbids_keeping(page: Page) -> bool:
    """Whether the page asks, by header or meta tag, not to be indexed."""
    said = page.headers.get("x-robots-tag", "")
    meta = _NO_INDEX.search(page.text[:20000])
    words = f"{said} {meta.group() if meta else ''}".lower()
    return "noindex" in words or re.search(r"\bnone\b", words) is not None


class Manners:
    """Downloader middleware that gives each site its turn."""

    def __init__(self, crawler: Crawler) -> None:
        """Listens for robots.txt."""
        self.crawler = crawler
        self.turns: dict[str, Turn] = {}
        self.holding: set[Request] = set()
        crawler.signals.connect(self.robots_parsed, signal=signals.robots_parsed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Manners:
        """How Scrapy makes one."""
        return cls(crawler)

    def turn(self, request: Request) -> Turn:
        """The turn of a request's site."""
        name = bare(site_of(request.url))
        if name not in self.turns:
            self.turns[name] = Turn(interval=self.spider.interval(request))
        return self.turns[name]

    @property
    def spider(self) -> Any:
        """Whom to ask about sites."""
        return self.crawler.spider

    def robots_parsed(self, robotparser: Any, request: Request) -> None:
        """Takes over the Crawl-delay of robots.txt."""
        asked = robotparser.crawl_delay(self.crawler.settings["USER_AGENT"])
        if asked and math.isfinite(float(asked)):
            turn = self.turn(request)
            turn.interval = max(turn.interval, float(asked))
            turn.pause(turn.interval)

    async def process_request(self, request: Request) -> None:
        """Waits for the site's turn; refuses what leaves the site or comes after its end."""
        turn = self.turn(request)
        await turn.lock.acquire()
        try:
            self._refuse(request)
            while turn.left > 0:
                await asyncio.sleep(min(turn.left, NAP))
                self._refuse(request)
        except BaseException:
            turn.lock.release()
            raise
        self.holding.add(request)

    def _refuse(self, request: Request) -> None:
        if self.spider.is_over(request):
            raise VisitOver
        if self.spider.is_astray(request):
            raise Astray(f"leads off the site, to {site_of(request.url)}")

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Ends the turn; a request to wait pauses the site and the question is asked again."""
        turn = self.turn(request)
        pause = self._pause(response, turn)
        if pause is not None:
            turn.pause(pause)
            self.spider.waits(request, pause)
        elif response.status < 400:
            turn.pauses = 0
        # Before the next one gets its turn: a wall must be known by then.
        self.spider.sees(request, response.status)
        self._mind_rules(request, response, turn)
        self._release(request)
        if pause is None:
            return response
        if turn.pauses > MOST_PAUSES or pause >= LONGEST_PAUSE:
            self.spider.end(
                request, "refused", f"the site asks to wait, again and again ({response.status})"
            )
            return response
        return request.replace(dont_filter=True)

    def _mind_rules(self, request: Request, response: Response, turn: Turn) -> None:
        """Ends the visit where robots.txt is in trouble: then nothing is known to be allowed."""
        if request.url.endswith("/robots.txt") and response.status >= 500:
            turn.no_rules += 1
            if turn.no_rules >= MOST_TRIES:
                reason = f"robots.txt cannot be had ({response.status})"
                self.spider.end(request, "unreachable", reason)

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Ends the turn of a request that failed."""
        self._release(request)

    def _release(self, request: Request) -> None:
        if request in self.holding:
            self.holding.remove(request)
            turn = self.turn(request)
            turn.pause(turn.interval)
            turn.lock.release()

    def _pause(self, response: Response, turn: Turn) -> float | None:
        """Seconds the site wants to be left alone; None where it does not."""
        header = (response.headers.get("Retry-After") or b"").decode("latin-1")
        if response.status != 429 and not (response.status == 503 and header):
            return None
        turn.pauses += 1
        stated = seconds_to_wait(header, datetime.now(UTC))
        pause = UNSTATED_PAUSE * 2 ** (turn.pauses - 1) if stated is None else stated
        return min(pause, LONGEST_PAUSE)
