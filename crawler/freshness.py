"""How fresh what was collected is, and what is missing, site by site. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    holes: tuple[Hole, ...]
    """Threads of which fewer posts are stored than they say they have."""
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
    counts = {each.site: each for each in corpus.sites()}
    holes = corpus.holes()
    failures = [(site_of(each.url), each.reason) for each in corpus.failures()]
    return [
        _state(
            site,
            visits.get(site),
            counts[site].fetched if site in counts else None,
            frontier.left(site),
            [hole for hole in holes if hole.site == site],
            [reason for of, reason in failures if of == site],
        )
        for site in sorted({*visits, *counts})
    ]


def _state(
    site: str,
    visit: SiteVisit | None,
    fetched: datetime | None,
    queued: int,
    holes: Sequence[Hole],
    failures: Sequence[str],
) -> Freshness:
    return Freshness(
        site=site,
        visited=visit.finished if visit else None,
        status=visit.status if visit else "",
        reason=visit.reason if visit else "",
        fetched=fetched,
        queued=queued,
        holes=tuple(holes),
        failures=tuple(Counter(failures).most_common()),
    )
