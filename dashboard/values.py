"""What the pages are drawn from: the state, the filters, a project and the rows of its lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crawler.corpus import Failure, SiteCounts, SiteVisit
from crawler.hosts import site_of
from miner.current import Since
from miner.knowledge import Run
from miner.model import Claim, Contradiction, Evidence, Gap, Grade, Tally, Theme, ThemeEvent

__all__ = [
    "Coverage",
    "Filters",
    "Project",
    "Quarter",
    "Row",
    "Said",
    "Sides",
    "State",
    "quarters",
]


@dataclass(frozen=True, kw_only=True)
class State:
    """Names what is in the stores: equal states, equal answers."""

    url: str
    corpus: str
    run: int
    decision: int


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the reader narrowed every page down to."""

    condition: str | None = None
    least: int = 1
    """Fewest authors of a theme."""
    site: str | None = None
    """Where members wrote."""
    since: int | None = None
    """First year members wrote in; what carries no date is left out then."""
    until: int | None = None
    """Last year."""
    without: frozenset[str] = frozenset()
    """Articles that are left out, by address: those that sell something, where that is asked."""

    @property
    def of_members(self) -> bool:
        """Whether a part of the members' words is asked for: articles and studies stay whole."""
        return bool(self.site or self.since or self.until)

    @property
    def narrows(self) -> bool:
        """Whether anything but the number of authors is asked for."""
        return self.condition is not None or self.of_members or bool(self.without)

    def lets(self, claim: Claim) -> bool:
        """Whether a claim passes."""
        if self.condition is not None and claim.condition != self.condition:
            return False
        if claim.voice != "member":
            return claim.quote.document not in self.without
        if not self.of_members:
            return True
        if self.site and (site_of(claim.quote.document) or "import") != self.site:
            return False
        year = claim.written.year if claim.written else None
        if year is None:
            return not (self.since or self.until)
        return (self.since or year) <= year <= (self.until or year)

    def takes(self, piece: Evidence) -> bool:
        """Whether a source passes; a study passes whoever names it."""
        place = piece.quote.document if piece.quote else piece.url
        return piece.source_type == "study" or place not in self.without

    def fits(self, piece: Evidence) -> bool:
        """Whether it passes and is about the condition, or about none in particular."""
        return self.takes(piece) and (
            self.condition is None or piece.condition in (None, self.condition)
        )


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project as of one state."""

    run: Run | None
    runs: int
    themes: tuple[Theme, ...]
    """Most authors first."""
    grades: Mapping[str, tuple[Grade, ...]]
    """By theme; the one over all conditions comes first."""
    gaps: tuple[Gap, ...]
    contradictions: tuple[Contradiction, ...]
    events: tuple[ThemeEvent, ...]
    """What the last run changed."""
    sites: tuple[SiteCounts, ...]
    visits: Mapping[str, SiteVisit]
    failures: tuple[Failure, ...]
    stale: bool
    """Whether documents came, changed or were forgotten after the last run."""
    since: Since = field(default_factory=Since)
    """What people decided after the last run."""

    @property
    def by_id(self) -> dict[str, Theme]:
        """Themes by id."""
        return {theme.id: theme for theme in self.themes}

    @property
    def conditions(self) -> list[str]:
        """Conditions that themes are about, the one of most themes first."""
        counts: dict[str, int] = defaultdict(int)
        for theme in self.themes:
            for name in theme.conditions:
                counts[name] += 1
        return sorted(counts, key=lambda name: (-counts[name], name))

    @property
    def threads(self) -> int:
        """Threads collected."""
        return sum(site.threads for site in self.sites)

    @property
    def posts(self) -> int:
        """Posts collected."""
        return sum(site.posts for site in self.sites)

    @property
    def articles(self) -> int:
        """Articles collected."""
        return sum(site.articles for site in self.sites)

    @property
    def members(self) -> int:
        """Authors collected, a pseudonym belonging to one site."""
        return sum(site.authors for site in self.sites)

    @property
    def years(self) -> range:
        """The years members wrote in; empty where no post carries a date."""
        first = min((site.first.year for site in self.sites if site.first), default=1)
        last = max((site.last.year for site in self.sites if site.last), default=0)
        return range(first, last + 1)

    @property
    def fetched(self) -> datetime | None:
        """When something was last stored."""
        return max((site.fetched for site in self.sites), default=None)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A theme with its numbers, narrowed to the reader's filters."""

    theme: Theme
    tally: Tally
    grade: Grade | None
    articles: int
    gap: Gap | None


@dataclass(frozen=True, kw_only=True)
class Said:
    """A claim and where it was said."""

    claim: Claim
    title: str
    place: str
    link: str | None


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """How many distinct authors spoke in a quarter of a year."""

    label: str
    authors: int
    finished: bool


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """An article that speaks of a theme, with what it says."""

    url: str
    title: str
    """Its address where the document is gone or carries none."""
    by: tuple[str, ...]
    """Author, credential and site, as far as known."""
    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Both sides of a contradiction."""

    contradiction: Contradiction
    supporting: tuple[Claim | Evidence, ...]
    opposing: tuple[Claim | Evidence, ...]


def quarters(claims: Iterable[Claim], until: datetime) -> list[Quarter]:
    """Distinct authors by quarter from the first to the last; that of `until` is unfinished."""
    people: dict[int, set[str]] = defaultdict(set)
    for claim in claims:
        if claim.voice == "member" and claim.written is not None:
            place = f"{claim.quote.document}#{claim.quote.part}"
            people[_quarter(claim.written)].add(claim.author or place)
    if not people:
        return []
    return [
        Quarter(
            label=f"{number // 4} Q{number % 4 + 1}",
            authors=len(people.get(number, ())),
            finished=number < _quarter(until),
        )
        for number in range(min(people), max(people) + 1)
    ]


def _quarter(when: datetime) -> int:
    return when.year * 4 + (when.month - 1) // 3
