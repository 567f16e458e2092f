"""How a crawl goes and how it ended, site by site. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from crawler.page import Link

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
    """Threads and articles not asked for again because their list says they are as they were."""
    not_modified: int = 0
    """Pages of which the site said that they are as they were (304)."""
    withheld: int = 0
    """Pages that ask not to be indexed, and documents that were forgotten: not stored."""
    off_topic: int = 0
    """Threads and articles that the scope keeps out."""
    purged: int = 0
    """Posts and documents taken away because they are gone at the source."""
    failures: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    """Why pages failed and how often, the most frequent first."""
    waiting: float = 0.0
    """Seconds the site asked to be left alone, at this moment."""
    queued: int = 0
    """Pages known and not yet read."""
    rate: float = 0.0
    """Pages a second, of late."""
    left: float | None = None
    """Seconds until all that is known is read, at this rate; None where there is no rate yet."""
    url: str = ""
    """The page at hand."""

    @property
    def known(self) -> int:
        """Pages read and pages to come."""
        return self.pages + self.queued


@dataclass(frozen=True, kw_only=True)
class Report:
    """A crawl that has ended."""

    sites: tuple[SiteReport, ...]
    interrupted: bool = False
    would: tuple[Link, ...] = ()
    """Of a dry run: the pages of threads and articles that a crawl would ask for."""

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

    @property
    def purged(self) -> int:
        """Posts and documents of all sites that went with their source."""
        return sum(site.purged for site in self.sites)
