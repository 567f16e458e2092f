"""How fresh what was collected is, and what is missing, site by site. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crawler.corpus import Corpus, Hole, SiteVisit
from crawler.frontier import Frontier
from crawler.sites import site_of

__all__ = ["Freshness", "freshness"]


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The state of one site."""

    site: str
    visited: datetime | None
    """When its last crawl ended; None where it was never crawled."""
    status: str
    """How that ended: `ok`, `partial`, `refused`, `unreachable` or `interrupted`."""
    reason: str
    fetched: datetime | None
    """When something of it was last stored."""
    queued: int
    """Pages an unfinished crawl still has to ask for."""
    due: datetime | None
    """When the next article is worth another look, or the next failed page another try."""
    holes: tuple[Hole, ...]
    """Threads of which fewer posts are stored than they say they have."""
    off_topic: int
    """Threads that were looked at and not stored: they are outside the scope."""
    failures: tuple[tuple[str, int], ...]
    """Why pages failed and how many, the most frequent first."""

    @property
    def missing(self) -> int:
        """Posts that are not there though their threads count them."""
        return sum(hole.expected - hole.stored for hole in self.holes)

    @property
    def is_due(self) -> bool:
        """Whether its crawl ended early, so that going on brings more."""
        return self.queued > 0 or self.status in ("partial", "unreachable", "interrupted")


def freshness(corpus: Corpus, frontier: Frontier) -> list[Freshness]:
    """The state of every site that was crawled or has documents, in order of name."""
    visits = corpus.last_visits()
    fetched = corpus.fetched()
    holes = corpus.holes()
    failures = [(site_of(each.url), each.reason) for each in corpus.failures()]
    stored = corpus.hashes().keys()
    return [
        _state(
            site,
            visits.get(site),
            fetched=fetched.get(site),
            queued=frontier.left(site),
            due=frontier.next_due(site),
            off_topic=len(frontier.left_out(site) - stored),
            holes=tuple(hole for hole in holes if hole.site == site),
            failures=_most_common(reason for of, reason in failures if of == site),
        )
        for site in sorted({*visits, *fetched})
    ]


def _state(site: str, visit: SiteVisit | None, **found: Any) -> Freshness:
    return Freshness(
        site=site,
        visited=visit.finished if visit else None,
        status=visit.status if visit else "",
        reason=visit.reason if visit else "",
        **found,
    )


def _most_common(reasons: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(reasons).most_common())
