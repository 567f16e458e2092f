"""How a crawl goes and how it ended, site by site. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Report", "SiteReport", "Status"]

Status = Literal["running", "ok", "partial", "refused", "unreachable", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class SiteReport:
    """Where the crawl of one site stands. While it runs it is sent as progress."""

    site: str
    started: datetime
    finished: datetime
    status: Status = "running"
    reason: str = ""
    """Why it is not `ok`, in one line."""
    pages: int = 0
    """Answers received, robots.txt not counted."""
    threads: int = 0
    posts: int = 0
    articles: int = 0
    new: int = 0
    """Documents that were not there before."""
    changed: int = 0
    unchanged: int = 0
    """Threads not asked for again because their list says they are as they were."""
    withheld: int = 0
    """Pages that ask not to be indexed, and documents that were forgotten: not stored."""
    failures: int = 0
    waiting: float = 0.0
    """Seconds the site asked to be left alone, at this moment."""
    queued: int = 0
    """Pages known and not yet asked for."""
    url: str = ""
    """The page at hand."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A crawl that has ended."""

    sites: tuple[SiteReport, ...]
    interrupted: bool = False

    @property
    def status(self) -> Status:
        """`interrupted`, else `ok` where every site is, else the one all share, else `partial`."""
        if self.interrupted:
            return "interrupted"
        found = {site.status for site in self.sites}
        return found.pop() if len(found) == 1 else "partial" if found else "ok"

    @property
    def pages(self) -> int:
        """Answers received from all sites."""
        return sum(site.pages for site in self.sites)

    @property
    def posts(self) -> int:
        """Posts read from all sites."""
        return sum(site.posts for site in self.sites)

    @property
    def failures(self) -> int:
        """Pages of all sites that could not be read."""
        return sum(site.failures for site in self.sites)
