"""One page of the web, asked for once and politely: for looking at, not for collecting."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from crawler import clean
from crawler.decode import decode, decode_as
from crawler.errors import CrawlerError, RefusedByPolicy
from crawler.page import Page
from crawler.sites import POLITE_DELAY, bare, is_loopback, site_of

__all__ = ["Answer", "NoAnswer", "ask", "fetch"]

_LARGEST = 16 * 2**20
_PATIENCE = 60.0
_MOST_REDIRECTS = 5
_REFUSALS = (401, 403, 429, 451)


class NoAnswer(CrawlerError):
    """A page that did not come."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an interface answered, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes


def ask(url: str, user_agent: str) -> Answer:
    """The answer of an interface that is made for programs: no robots.txt, no redirects.

    Raises NoAnswer, whose message names the host alone: an address may carry a key.
    """
    try:
        status, headers, body = _asked(build_opener(_Stays), url, user_agent)
    except NoAnswer as error:
        raise NoAnswer(str(error).replace(url, site_of(url))) from None
    return Answer(status=status, headers=headers, body=body)


class _Stays(HTTPRedirectHandler):
    """Follows no redirect by itself: each target is asked about first."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None: the redirect comes back as an answer."""
        return


def fetch(url: str, user_agent: str) -> Page:
    """The page of that address as robots.txt allows it.

    Raises RefusedByPolicy where the site says no, or leads from the open web to this machine or its
    network; NoAnswer where there is no page.
    """
    opener, start = build_opener(_Stays), url
    for _ in range(_MOST_REDIRECTS):
        if not clean.is_address(url) or not url.lower().startswith("http"):
            raise NoAnswer(f"{url!a} is not a web address; write it as https://host/path")
        _check_robots(opener, url, user_agent)
        status, headers, body = _asked(opener, url, user_agent)
        if 300 <= status < 400 and "location" in headers:
            url = _led(url, headers["location"])
            if _is_inner(url) and not _is_inner(start):
                raise RefusedByPolicy(
                    f"{start}: leads to {site_of(url)}, which is no place on the open web; ask for "
                    "that address itself if you mean it"
                )
            continue
        return _page(url, status, headers, body)
    raise NoAnswer(f"{url}: redirected again and again")


def _led(url: str, location: str) -> str:
    """Where a redirect leads; empty where that is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _is_inner(url: str) -> bool:
    """Whether a host is this machine or in a network of its own, by any address it has."""
    host = urlsplit(url).hostname if clean.is_address(url) else None
    try:
        found = socket.getaddrinfo(host, None) if host else []
    except (OSError, UnicodeError):  # nobody there: the request will say so
        return False
    return any(not _is_public(str(each[4][0])) for each in found)


def _is_public(address: str) -> bool:
    place = ipaddress.ip_address(address.partition("%")[0])
    return (getattr(place, "ipv4_mapped", None) or place).is_global


def _asked(
    opener: OpenerDirector, url: str, user_agent: str
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of an answer, whatever its status."""
    request = Request(url, headers={"User-Agent": user_agent, "Accept-Encoding": "identity"})  # noqa: S310
    try:
        with _opened(opener, request) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return int(answer.status), headers, _body(answer, url)
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise NoAnswer(f"{url}: no answer ({reason!s:.120})") from None


def _body(answer: Any, url: str) -> bytes:
    """All of it; raises NoAnswer where it is too large, or drips for too long."""
    promised = answer.headers.get("Content-Length", "")
    too_large = f"{url}: larger than a page may be ({_LARGEST:,} bytes)"
    if promised.isdecimal() and (len(promised) > 18 or int(promised) > _LARGEST):
        raise NoAnswer(too_large)
    pieces, size, late = list[bytes](), 0, time.monotonic() + _PATIENCE
    while piece := answer.read1(2**16):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST:
            raise NoAnswer(too_large)
        if time.monotonic() > late:
            raise NoAnswer(f"{url}: not whole after {_PATIENCE:.0f} seconds")
    if promised.isdecimal() and size < int(promised):
        raise NoAnswer(f"{url}: cut short after {size:,} bytes of {int(promised):,}")
    return b"".join(pieces)


def _opened(opener: OpenerDirector, request: Request) -> Any:
    try:
        return opener.open(request, timeout=_PATIENCE)
    except HTTPError as answer:  # an answer too; what it says is looked at by its status
        return answer


def _check_robots(opener: OpenerDirector, url: str, user_agent: str) -> None:
    """Raises RefusedByPolicy where robots.txt says no, or cannot be asked."""
    from protego import Protego

    status, body = _rules(opener, url, user_agent)
    if status >= 500 or status == 429:
        raise RefusedByPolicy(f"{site_of(url)}: robots.txt cannot be had ({status}); try later")
    rules = Protego.parse(decode(body).text if status == 200 else "")
    name = user_agent.partition("/")[0]
    if not rules.can_fetch(url, name):
        raise RefusedByPolicy(f"{urlsplit(url).geturl()}: robots.txt says no")
    if not is_loopback(site_of(url)):
        time.sleep(min(max(rules.crawl_delay(name) or 0.0, POLITE_DELAY), 30.0))


def _rules(opener: OpenerDirector, url: str, user_agent: str) -> tuple[int, bytes]:
    """Status and body of robots.txt; a redirect is followed within the site, and refused off it."""
    place = urljoin(url, "/robots.txt")
    for _ in range(_MOST_REDIRECTS):
        status, headers, body = _asked(opener, place, user_agent)
        if not 300 <= status < 400 or "location" not in headers:
            break
        place = _led(place, headers["location"])
        if not place.startswith("http") or bare(site_of(place)) != bare(site_of(url)):
            raise RefusedByPolicy(f"{site_of(url)}: robots.txt leads off the site, and is no rule")
    return status, body


def _page(url: str, status: int, headers: Mapping[str, str], body: bytes) -> Page:
    if status in _REFUSALS:
        raise RefusedByPolicy(f"{url}: the site refuses ({status})")
    if status != 200:
        raise NoAnswer(f"{url}: answered with {status}")
    kind = headers.get("content-type", "text/html")
    return Page(
        url=url,
        text=decode_as(body, kind),
        fetched=datetime.now(UTC),
        content_type=kind.partition(";")[0].strip().lower(),
        status=status,
        headers=headers,
    )
