"""Manners of the spider: one request at a time per site, pauses for all of a site, walls respected.

Scrapy obeys robots.txt but not its Crawl-delay, and retries a 429 without sparing the rest of the
site; both are done here. Walls are recognised and never gone round.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from scrapy import signals
from scrapy.exceptions import IgnoreRequest, StopDownload
from scrapy.http.request import NO_CALLBACK

from crawler.page import Page

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

__all__ = [
    "LONGEST_PAUSE",
    "MOST_RULES",
    "Manners",
    "Turn",
    "VisitOver",
    "forbids_keeping",
    "paced",
    "seconds_to_wait",
    "silence",
    "wall",
]

LONGEST_PAUSE = 900.0
"""Seconds; a site that asks for more is left alone for this time."""
MOST_PAUSES = 5
"""Times in a row a site may ask to wait before it is left alone."""
LONGEST_READING = 2.0
"""Seconds for which the reading of an answer may hold back the next request."""
GLANCE = 0.002
"""Seconds between two looks at whether an answer was read."""
NAP = 0.25
"""Seconds between two looks at whether a waiting visit was ended."""
MOST_TRIES = 3
"""Times robots.txt is asked for."""
MOST_RULES = 2**20
"""Bytes of robots.txt that are read; RFC 9309 wants 500 KiB at the least."""
SLOWEST = 60.0
"""Most seconds between two requests that a slow site makes us wait."""
EASING = 0.9
"""Share of the pace that is left after a good answer."""
UNSTATED_PAUSE = 30.0
"""Seconds to wait after a 429 that does not say how long, doubled each time."""

_SILENCE = {
    "DownloadTimeoutError": "no answer in time",
    "TimeoutError": "no answer in time",
    "DownloadCancelledError": "larger than a page may be",
    "DownloadConnectionRefusedError": "no connection: refused",
    "CannotResolveHostError": "no such host",
    "ResponseDataLossError": "cut short",
}

_CHALLENGE = re.compile(
    r"<title>\s*(?:just a moment|attention required|are you a robot|access denied|ddos-guard)"
    r"|cf-challenge|cf_chl_|g-recaptcha|h-captcha|px-captcha",
    re.I,
)
_LOGIN = re.compile(r"/(?:login|log-in|signin|sign-in|auth|ucp\.php\?.{0,300}mode=login)\b", re.I)
_PASSWORD = re.compile(r"<input[^>]{1,500}type=[\"']?password", re.I)
_META = re.compile(r"<meta\s[^<>]{0,1000}>", re.I)
_ATTRIBUTE = re.compile(r"(?<![\w-])([\w-]++)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))")
_WITH_VALUE = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
"""Directives with a colon of their own, so that what stands before it is no robot's name."""


@dataclass
class Turn:
    """Whose turn it is at one site, and from when on the next may ask."""

    least: float = 0.0
    """Seconds between two requests, as the user and robots.txt want them."""
    at_once: int = 1
    """Requests at one time."""
    pace: float = 0.0
    """Seconds between two requests, as the site bears them."""
    free_at: float = 0.0
    """On the monotonic clock."""
    pauses: int = 0
    """Requests to wait since the last good answer."""
    no_rules: int = 0
    """Times robots.txt could not be had."""
    silence: str = ""
    """Why there was no answer, where it came to nothing when robots.txt was asked for last."""
    read_by: float = 0.0
    """When the last answer was read at the latest: it may ask to be left alone in its body."""

    def __post_init__(self) -> None:
        """Nobody has the turn yet."""
        self.lock = asyncio.Semaphore(self.at_once)

    @property
    def interval(self) -> float:
        """Seconds between two requests."""
        return max(self.least, self.pace)

    def pause(self, seconds: float) -> None:
        """Holds back the whole site."""
        self.free_at = max(self.free_at, time.monotonic() + seconds)

    def reads(self) -> None:
        """An answer came and is being read."""
        self.read_by = time.monotonic() + LONGEST_READING

    def has_read(self) -> None:
        """The answer was read."""
        self.read_by = 0.0

    @property
    def left(self) -> float:
        """Seconds until the site may be asked."""
        now = time.monotonic()
        is_reading = self.at_once == 1 and self.read_by > now
        return max(self.free_at - now, GLANCE if is_reading else 0.0)


def paced(pace: float, *, latency: float, status: int, least: float) -> float:
    """Seconds to leave between two requests from now on.

    About as long as an answer takes, longer after a request to wait, never below `least`; an
    error is no reason to hurry, and after a slow time the pace quickens in small steps. Without
    a least (this machine) there is no pace.
    """
    if not least:
        return 0.0
    if status in (429, 503):
        return min(SLOWEST, 2 * max(pace, least))
    if latency > pace:
        return min(SLOWEST, max(least, (pace + latency) / 2))
    return max(least, latency, pace * EASING) if status < 300 else max(least, pace)


class VisitOver(IgnoreRequest):
    """The visit ended before this request was sent."""


def silence(error: BaseException) -> str:
    """Why no answer came, in words that hold nothing of one."""
    name = type(error).__name__
    return _SILENCE.get(name, f"no answer ({name.removesuffix('Error')})")


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


def forbids_keeping(
    page: Page, agent: str = "folkgrade", lines: Sequence[str] | None = None
) -> bool:
    """Whether the page asks us, by header or meta tag, not to be indexed.

    What is said to another robot by name is not for us. `lines` are the X-Robots-Tag headers where
    there are several, since each may name a robot of its own.
    """
    lines = [page.headers.get("x-robots-tag", "")] if lines is None else lines
    said = [part for line in lines for part in _directives(line, agent)]
    for tag in _META.findall(_without_comments(page.text[:40000])):
        name, content = _named(tag)
        if name.lower() in ("robots", agent):
            said.append(content)
    return any(re.search(r"\b(?:noindex|none)\b", words, re.I) for words in said)


def _without_comments(text: str) -> str:
    """The text without what stands between `<!--` and `-->`; one left open stays."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join(kept) + text[at:]


def _named(tag: str) -> tuple[str, str]:
    """Name and content of a meta tag."""
    found = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(tag)}
    return found.get("name", ""), found.get("content", "")


def _directives(header: str, agent: str) -> Iterator[str]:
    """What an X-Robots-Tag says to us: `noindex, otherbot: none, folkgrade: noindex`."""
    name = ""
    for part in header.split(","):
        before, colon, rest = part.partition(":")
        if colon and before.strip().lower() not in _WITH_VALUE:
            name, part = before.strip().lower(), rest  # noqa: PLW2901
        if name in ("", "*", agent):
            yield part


def _leads_nowhere(request: Request, response: Response) -> bool:
    """Whether an answer is a redirect to what is no address of the web, such as file:."""
    to = (response.headers.get("Location") or b"").decode("latin-1").strip()
    if not 300 <= response.status < 400 or not to:
        return False
    try:
        return urlsplit(urljoin(request.url, to)).scheme not in ("http", "https")
    except ValueError:
        return True


def _asks_for_rules(request: Request) -> bool:
    """Whether Scrapy asks for robots.txt with it."""
    return bool(request.meta.get("dont_obey_robotstxt"))


def _without_half_a_line(response: Response) -> Response:
    """A robots.txt that was cut off, without the rule that was cut in two."""
    if "download_stopped" not in response.flags or response.headers.get("Content-Encoding"):
        return response
    return response.replace(body=response.body.rpartition(b"\n")[0])


class Manners:
    """Downloader middleware that gives each site its turn."""

    def __init__(self, crawler: Crawler) -> None:
        """Listens for robots.txt."""
        self.crawler = crawler
        self.holding: dict[Request, float] = {}
        """Requests that have the turn, and since when."""
        self.ruled: set[str] = set()
        """Hosts whose robots.txt was had, even if there is none."""
        self.sizes: dict[Request, int] = {}
        """Bytes had so far of each robots.txt that is coming."""
        crawler.signals.connect(self.robots_parsed, signal=signals.robots_parsed)
        crawler.signals.connect(self.bytes_received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Manners:
        """How Scrapy makes one."""
        return cls(crawler)

    def turn(self, request: Request) -> Turn:
        """The turn of a request's site."""
        turn: Turn = self.spider.turn(request)
        return turn

    @property
    def spider(self) -> Any:
        """Whom to ask about sites."""
        return self.crawler.spider

    def robots_parsed(self, robotparser: Any, request: Request) -> None:
        """Takes over the Crawl-delay of robots.txt, a request at a time."""
        self.ruled.add(urlsplit(request.url).netloc)
        asked = robotparser.crawl_delay(self.crawler.settings["USER_AGENT"])
        if asked and math.isfinite(float(asked)):
            turn = self.turn(request)
            turn.least = max(turn.least, float(asked))
            turn.pause(turn.interval)

    def bytes_received(self, data: bytes, request: Request) -> None:
        """Ends a robots.txt that is too long, to obey what came of it."""
        if _asks_for_rules(request):
            self.sizes[request] = self.sizes.get(request, 0) + len(data)
            if self.sizes[request] >= MOST_RULES:
                raise StopDownload(fail=False)

    async def process_request(self, request: Request) -> None:
        """Waits for the site's turn; refuses what comes after its end."""
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
        turn.pause(turn.interval)
        if _asks_for_rules(request):
            request.meta["download_maxsize"] = 0  # not refused for its size: cut off
        self.holding[request] = time.monotonic()

    def _refuse(self, request: Request) -> None:
        if self.spider.is_over(request):
            raise VisitOver
        if not _asks_for_rules(request) and urlsplit(request.url).netloc not in self.ruled:
            # Scrapy would allow everything then; RFC 9309 allows nothing.
            why = self.turn(request).silence or "not readable"
            self.spider.end(request, "unreachable", f"robots.txt cannot be had: {why}")
            raise VisitOver

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
        if _asks_for_rules(request):
            self._mind_rules(request, response, turn)
            response = _without_half_a_line(response)
        if response.status == 200 and request.callback not in (None, NO_CALLBACK):
            turn.reads()
        took = time.monotonic() - self.holding.get(request, time.monotonic())
        turn.pace = paced(turn.pace, latency=took, status=response.status, least=turn.least)
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
        self.sizes.pop(request, None)
        request.meta.pop("download_maxsize", None)  # what it unfolds to has its limit again
        if _leads_nowhere(request, response):
            # Scrapy follows no such address, and would take this answer for a site without rules.
            reason = "robots.txt leads off the site, to no address of the web"
            self.spider.end(request, "unreachable", reason)
        if response.status >= 500:
            turn.no_rules += 1
            if turn.no_rules >= MOST_TRIES:
                reason = f"robots.txt cannot be had ({response.status})"
                self.spider.end(request, "unreachable", reason)

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Ends the turn of a request that failed."""
        if _asks_for_rules(request):
            self.sizes.pop(request, None)
            self.turn(request).silence = silence(exception)
        self._release(request)

    def _release(self, request: Request) -> None:
        if self.holding.pop(request, None) is not None:
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
