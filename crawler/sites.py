"""Sites to collect from, as the user asked for them. Values only."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler import clean, engines
from crawler.errors import CrawlerError
from crawler.page import Link

__all__ = ["POLITE_DELAY", "BadSite", "Site", "bare", "is_loopback", "site_of"]

POLITE_DELAY = 1.0
"""Seconds between two requests to a site; only a loopback host may be asked faster."""


class BadSite(CrawlerError):
    """What was asked for cannot be a site to collect from."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A forum or a set of articles on one host."""

    start: tuple[str, ...]
    """Addresses to begin at, all of one host: a front page, a list, a thread, an article."""
    engine: str | None = None
    """Name of the engine for all of its pages; None lets every page choose."""
    delay: float = POLITE_DELAY
    """Least seconds between two requests; robots.txt and the site's speed may make it more."""
    max_pages: int | None = None
    """Pages to ask for at most; None for all."""
    own: bool = False
    """The user's own site: its articles are compared with those of others."""

    def __post_init__(self) -> None:
        """Raises BadSite for no start, no web address, several hosts, an unknown engine."""
        if not self.start:
            raise BadSite("a site needs at least one address to start from")
        for url in self.start:
            if not _is_web(url):
                raise BadSite(f"{url!a} is not a web address; write it as https://host/path")
        names = {site_of(url) for url in self.start}
        if len(names) > 1:
            raise BadSite(f"one site, several hosts ({', '.join(sorted(names))}); make them sites")
        if self.engine is not None and self.engine not in engines.ENGINES:
            known = ", ".join(sorted(engines.ENGINES))
            raise BadSite(f"no engine is called {self.engine!a}; known are {known}")

    @property
    def name(self) -> str:
        """Host name, with the port where it is not the default: `Source.site` of what it yields."""
        return site_of(self.start[0])

    @property
    def interval(self) -> float:
        """Least seconds between two requests, never below the polite delay off this machine."""
        return max(0.0, self.delay) if is_loopback(self.name) else max(POLITE_DELAY, self.delay)

    def holds(self, url: str) -> bool:
        """Whether an address belongs to the site; `www.` makes no difference."""
        return _is_web(url) and bare(site_of(url)) == bare(self.name)

    def first_links(self) -> tuple[Link, ...]:
        """The addresses to begin with."""
        return tuple(Link(url=url, role="listing") for url in dict.fromkeys(self.start))


def _is_web(url: str) -> bool:
    return clean.is_address(url) and url[:4].lower() == "http"


def site_of(url: str) -> str:
    """Host name of an address, with the port where it is not the default."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return host if port in (None, default) else f"{host}:{port}"


def bare(site: str) -> str:
    """The name of a site without `www.`, which makes no other site."""
    return site.removeprefix("www.")


def is_loopback(site: str) -> bool:
    """Whether a site is this very machine."""
    host = site.rpartition(":")[0] if site.count(":") == 1 else site
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
