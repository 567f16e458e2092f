"""The only door to the stores: what the pages show, read once for each state of the project.

Everything read is cached under the state it belongs to, so that a new run, a decision or a newly
collected document shows at the next click. Values are frozen and therefore shared, never copied.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import streamlit as st

from crawler.corpus import Corpus, Failure, SiteCounts, SiteVisit
from crawler.database import open_database
from crawler.documents import Article, Document, Thread
from crawler.errors import StoreError
from miner.counts import tally, votes
from miner.knowledge import Knowledge, Run, claims_key
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    Grade,
    Kind,
    Stance,
    Tally,
    Theme,
    ThemeEvent,
    Vote,
)

__all__ = [
    "DATABASE",
    "Filters",
    "Project",
    "Quarter",
    "Row",
    "Said",
    "Sides",
    "State",
    "claims_of",
    "coverage",
    "disputes",
    "evidence_of",
    "gap_rows",
    "grade_of",
    "of_stance",
    "project",
    "quarters",
    "row_of",
    "rows",
    "said",
    "sides",
    "sides_of",
    "source_title",
    "state",
    "step",
    "theme",
    "voted",
]

DATABASE = "FOLKGRADE_DATABASE"
"""Environment variable with the project's database: an SQLAlchemy URL or a file."""

RECHECK_SECONDS = 2
"""How long the state of the stores is taken as known: a rerun costs nothing meanwhile."""


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


# --- the stores -------------------------------------------------------------------------------


def _address() -> str:
    found = os.environ.get(DATABASE, "")
    if not found:
        raise StoreError(f"no project: {DATABASE} is not set; start with `folkgrade dashboard`")
    return found


@st.cache_resource(show_spinner=False, max_entries=8)
def _stores(url: str) -> tuple[Corpus, Knowledge]:
    engine = open_database(url)
    return Corpus(engine), Knowledge(engine)


@st.cache_data(show_spinner=False, ttl=RECHECK_SECONDS, max_entries=8)
def _state(url: str) -> State:
    corpus, knowledge = _stores(url)
    version = knowledge.version()
    return State(url=url, corpus=corpus.fingerprint(), run=version.run, decision=version.decision)


def state() -> State:
    """What the stores hold now; raises StoreError where they cannot be read."""
    return _state(_address())


@st.cache_resource(show_spinner=False, max_entries=4)
def project(state: State) -> Project:
    """Themes, grades, gaps and what was collected."""
    corpus, knowledge = _stores(state.url)
    runs = knowledge.runs()
    run = runs[0] if runs else None
    grades: dict[str, list[Grade]] = defaultdict(list)
    for grade in knowledge.grades():
        grades[grade.theme].append(grade)
    return Project(
        run=run,
        runs=len(runs),
        themes=tuple(knowledge.themes()),
        grades={key: tuple(found) for key, found in grades.items()},
        gaps=tuple(knowledge.gaps()),
        contradictions=tuple(knowledge.contradictions()),
        events=tuple(knowledge.events(run.id)) if run else (),
        sites=tuple(corpus.sites()),
        visits=corpus.last_visits(),
        failures=tuple(corpus.failures()),
        stale=run is not None and _stale(corpus, knowledge, run),
    )


def _stale(corpus: Corpus, knowledge: Knowledge, run: Run) -> bool:
    """Whether the run lacks something; reading a page again that did not change is nothing new."""
    if not run.fingerprint:
        return True
    if all(site.fetched <= run.finished for site in corpus.sites()):
        return False
    extractor = run.models.get("claims", "")
    hashes = corpus.hashes()
    return any(
        knowledge.extracted(url, claims_key(content, extractor)) is None
        for url, content in hashes.items()
        if url not in run.failures
    )


@st.cache_resource(show_spinner=False, max_entries=200)
def claims_of(state: State, theme_id: str) -> tuple[Claim, ...]:
    """Claims of a theme, most typical first: members', articles' and studies'."""
    return tuple(_stores(state.url)[1].claims(theme=theme_id))


@st.cache_resource(show_spinner=False, max_entries=2)
def _claims_by_theme(state: State) -> dict[str, list[Claim]]:
    knowledge = _stores(state.url)[1]
    theme_of = knowledge.theme_of()
    grouped: dict[str, list[Claim]] = defaultdict(list)
    for claim in knowledge.claims():
        if claim.id in theme_of:
            grouped[theme_of[claim.id]].append(claim)
    return grouped


@st.cache_resource(show_spinner=False, max_entries=200)
def evidence_of(state: State, theme_id: str) -> tuple[Evidence, ...]:
    """What articles and studies say on a theme."""
    return tuple(_stores(state.url)[1].evidence(theme_id))


@st.cache_resource(show_spinner=False, max_entries=200)
def _claims_by_id(state: State, ids: tuple[str, ...]) -> dict[str, Claim]:
    return {claim.id: claim for claim in _stores(state.url)[1].claims(ids=ids)}


@st.cache_resource(show_spinner=False, max_entries=500)
def _document(state: State, url: str) -> Document | None:
    return _stores(state.url)[0].get(url)


@st.cache_resource(show_spinner=False, max_entries=500)
def theme(state: State, theme_id: str) -> Theme | None:
    """The theme of that id, or the one an old id redirects to."""
    return _stores(state.url)[1].theme(theme_id)


# --- what the pages ask -----------------------------------------------------------------------

Step = Literal["collect", "mine", "again", "ready"]


def step(found: Project) -> Step:
    """What the reader has to do next."""
    if not found.sites:
        return "collect"
    if found.run is None:
        return "mine"
    return "again" if found.stale else "ready"


def grade_of(found: Project, theme_id: str, condition: str | None) -> Grade | None:
    """The grade for that condition where there is one, else the one over all conditions."""
    grades = found.grades.get(theme_id, ())
    of_condition = [grade for grade in grades if grade.condition == condition]
    return next(iter([*of_condition, *grades]), None)


def _narrow(claims: Iterable[Claim], filters: Filters) -> list[Claim]:
    wanted = filters.condition
    return [claim for claim in claims if wanted is None or claim.condition == wanted]


def rows(state: State, filters: Filters, kind: Kind | None = None, text: str = "") -> list[Row]:
    """Themes that pass the filters, most authors first; counts are of the filtered claims alone."""
    found = project(state)
    gaps = {gap.theme: gap for gap in reversed(found.gaps)}
    grouped = _claims_by_theme(state) if filters.condition else {}
    chosen = [
        _row(found, item, filters, grouped.get(item.id), gaps.get(item.id))
        for item in found.themes
        if kind in (None, item.kind) and _mentions(item, text)
    ]
    kept = [row for row in chosen if row.tally.authors >= filters.least]
    if not filters.condition and filters.least <= 1:
        kept = chosen
    kept = [row for row in kept if not filters.condition or row.tally.authors or row.articles]
    return sorted(kept, key=lambda row: (-row.tally.authors, row.theme.name.lower(), row.theme.id))


def _row(
    found: Project, item: Theme, filters: Filters, claims: Sequence[Claim] | None, gap: Gap | None
) -> Row:
    counted, articles = item.tally, item.articles
    if filters.condition:
        kept = _narrow(claims or (), filters)
        counted = tally(kept)
        articles = len({claim.quote.document for claim in kept if claim.voice == "article"})
    grade = grade_of(found, item.id, filters.condition)
    return Row(theme=item, tally=counted, grade=grade, articles=articles, gap=gap)


def row_of(state: State, item: Theme, filters: Filters) -> Row:
    """One theme with its numbers, narrowed to the filters."""
    found = project(state)
    gap = next((gap for gap in found.gaps if gap.theme == item.id), None)
    return _row(found, item, filters, claims_of(state, item.id), gap)


def _mentions(item: Theme, text: str) -> bool:
    spelled = " ".join((item.name, *item.keywords)).lower()
    return all(part in spelled for part in text.lower().split())


def voted(state: State, item: Theme, filters: Filters) -> list[Vote]:
    """One vote for each author of the theme, the most typical words first."""
    claims = _narrow(claims_of(state, item.id), filters)
    rank = {claim.id: place for place, claim in enumerate(claims)}
    return sorted(votes(claims), key=lambda vote: (rank.get(vote.claims[0], 0), vote.author))


def of_stance(found: Iterable[Vote], stance: Stance | None) -> list[Vote]:
    """The votes of one stance, or all."""
    return [vote for vote in found if stance in (None, vote.stance)]


def said(state: State, ids: Sequence[str]) -> list[Said]:
    """Claims by id, in that order, each with the place it was said."""
    known = _claims_by_id(state, tuple(ids))
    return [_said(state, known[key]) for key in ids if key in known]


def _said(state: State, claim: Claim) -> Said:
    document = _document(state, claim.quote.document)
    title = document.title if document is not None else claim.quote.document
    if not isinstance(document, Thread):
        return Said(claim=claim, title=title, place="", link=claim.quote.document)
    post = next((post for post in document.posts if post.id == claim.quote.part), None)
    place = f"post {post.number}" if post else claim.quote.part
    permalink = post.url if post and post.url else claim.quote.document
    return Said(claim=claim, title=title, place=place, link=permalink)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """An article that speaks of a theme, with what it says."""

    article: Article
    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]


def coverage(state: State, item: Theme) -> list[Coverage]:
    """Articles that speak of the theme, in order of title."""
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims_of(state, item.id):
        claims[claim.quote.document].append(claim)
    sentences: dict[str, list[Evidence]] = defaultdict(list)
    for piece in evidence_of(state, item.id):
        if piece.quote is not None:
            sentences[piece.quote.document].append(piece)
    documents = [_document(state, url) for url in {*claims, *sentences}]
    found = [
        Coverage(
            article=document,
            claims=tuple(claims[document.source.url]),
            evidence=tuple(sentences[document.source.url]),
        )
        for document in documents
        if isinstance(document, Article)
    ]
    return sorted(found, key=lambda item: (item.article.title, item.article.source.url))


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Both sides of a contradiction."""

    contradiction: Contradiction
    supporting: tuple[Said | Evidence, ...]
    opposing: tuple[Said | Evidence, ...]


def sides(state: State, item: Theme) -> list[Sides]:
    """The contradictions of a theme, each side with its words."""
    return [sides_of(state, one) for one in project(state).contradictions if one.theme == item.id]


def disputes(state: State, filters: Filters) -> list[tuple[Contradiction, Row]]:
    """Contradictions with their themes, those of most authors first, narrowed to the filters."""
    ranked = {row.theme.id: (place, row) for place, row in enumerate(rows(state, filters))}
    found = [one for one in project(state).contradictions if one.theme in ranked]
    found.sort(key=lambda one: (ranked[one.theme][0], one.type))
    return [(one, ranked[one.theme][1]) for one in found]


def sides_of(state: State, one: Contradiction) -> Sides:
    """Both sides of one contradiction, each with its words."""
    pieces = {piece.id: piece for piece in evidence_of(state, one.theme)}
    return Sides(
        contradiction=one,
        supporting=_voices(state, one.supporting, pieces),
        opposing=_voices(state, one.opposing, pieces),
    )


def _voices(
    state: State, ids: Sequence[str], pieces: Mapping[str, Evidence]
) -> tuple[Said | Evidence, ...]:
    by_claim = {one.claim.id: one for one in said(state, [key for key in ids if key not in pieces])}
    both: dict[str, Said | Evidence] = {**by_claim, **pieces}
    return tuple(both[key] for key in ids if key in both)


def source_title(state: State, piece: Evidence) -> str:
    """What a source is called: its citation, or the title of the article it is a sentence of."""
    if piece.title or piece.quote is None:
        return piece.title
    document = _document(state, piece.quote.document)
    return document.title if document else piece.quote.document


def gap_rows(state: State, filters: Filters) -> list[tuple[Gap, Row]]:
    """Gaps with their themes, highest score first, narrowed to the filters."""
    known = {row.theme.id: row for row in rows(state, filters)}
    return [(gap, known[gap.theme]) for gap in project(state).gaps if gap.theme in known]


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
