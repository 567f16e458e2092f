"""Sites to collect from, as the user asked for them. Values only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from crawler import clean, engines
from crawler.documents import Document
from crawler.errors import CrawlerError
from crawler.hosts import bare, is_loopback, site_of
from crawler.page import Link

__all__ = ["AUDIT", "POLITE_DELAY", "BadSite", "Chosen", "Site", "bare", "is_loopback", "site_of"]

POLITE_DELAY = 1.0
"""Seconds between two requests to a site; only a loopback host may be asked faster."""
AUDIT = 0.005
"""Share of the known pages of threads that each crawl reads again though nothing changed them."""


class Chosen(Protocol):
    """What of a site is wanted: `crawler.scope.Scope`."""

    @property
    def mark(self) -> str:
        """Equal for equal scopes: under another one, what was left out is judged anew."""

    def wants(self, link: Link) -> bool:
        """Whether a thread or an article is worth asking for, as its list describes it."""

    def keeps(self, document: Document) -> bool:
        """Whether a document is to be stored, once its first piece was read."""


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
    scope: Chosen | None = None
    """What of the site is wanted; None for all of it."""
    audit: float = AUDIT
    """Share, 0 to 1, of known pages of threads read again each crawl though nothing says they
    changed, the longest unread first; 1 finds every edit and deletion."""
    concurrency: int = 1
    """Requests at one time; more than one only on this machine or on the user's own site."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request to this very host over the scheme of its start: credentials."""
    selectors: Any = None
    """How to read its pages where the user says so: `crawler.engines.custom.Selectors`."""
    keep_pages: bool = True
    """Whether answers are kept as they came, where the crawl is given something to keep them in."""

    def __post_init__(self) -> None:
        """Raises BadSite for no start, several hosts, an unknown engine, a bad share or header."""
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
        if not 0 <= self.audit <= 1:
            raise BadSite(f"audit is a share from 0 to 1, not {self.audit}")
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name) or not value.isprintable():
                raise BadSite(f"{name!a} is no header of {self.name}; check its name and value")

    @property
    def name(self) -> str:
        """Host name, with the port where it is not the default: `Source.site` of what it yields."""
        return site_of(self.start[0])

    @property
    def interval(self) -> float:
        """Least seconds between two requests, never below the polite delay off this machine."""
        return max(0.0, self.delay) if is_loopback(self.name) else max(POLITE_DELAY, self.delay)

    @property
    def at_once(self) -> int:
        """Requests at one time: one, but on this machine and on the user's own site."""
        return max(1, self.concurrency) if self.own or is_loopback(self.name) else 1

    def may_see(self, url: str) -> bool:
        """Whether the headers may go to an address: the same host, and no less safe a way."""
        here, there = urlsplit(self.start[0]), urlsplit(url)
        return site_of(url) == self.name and here.scheme == there.scheme

    def holds(self, url: str) -> bool:
        """Whether an address belongs to the site; `www.` makes no difference."""
        return _is_web(url) and bare(site_of(url)) == bare(self.name)

    def first_links(self) -> tuple[Link, ...]:
        """The addresses to begin with."""
        return tuple(Link(url=url, role="listing") for url in dict.fromkeys(self.start))


_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _is_web(url: str) -> bool:
    return clean.is_address(url) and url[:4].lower() == "http"
