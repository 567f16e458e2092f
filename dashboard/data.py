"""The only door to the stores: what the pages show, read once for each state of the project.

Everything read is cached under the state it belongs to, so that a new run, a decision or a newly
collected document shows at the next click. Values are frozen and therefore shared, never copied.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Literal

import streamlit as st

from crawler.corpus import Corpus
from crawler.documents import Article, Document, Thread
from crawler.freshness import Freshness
from crawler.freshness import freshness as freshness_of
from crawler.frontier import Frontier
from dashboard.stores import DATABASE, READ_ONLY, changed, knowledge, read_only, state, stores
from dashboard.values import (
    Coverage,
    Filters,
    Project,
    Quarter,
    Row,
    Said,
    Sides,
    State,
    quarters,
)
from miner.brief import Brief
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
    Theme,
    Vote,
)
from miner.report import theme_brief

__all__ = [
    "DATABASE",
    "READ_ONLY",
    "Coverage",
    "Filters",
    "Project",
    "Quarter",
    "Row",
    "Said",
    "Sides",
    "State",
    "brief",
    "changed",
    "claims_of",
    "coverage",
    "dated",
    "disputes",
    "evidence_of",
    "freshness",
    "gap_rows",
    "gap_types",
    "grade_of",
    "knowledge",
    "of_stance",
    "project",
    "quarters",
    "read_only",
    "row_of",
    "rows",
    "said",
    "said_of",
    "sides",
    "sides_of",
    "some_threads",
    "source_title",
    "state",
    "step",
    "theme",
    "voted",
]

FRESH_SECONDS = 10
"""How long the state of the crawls is taken as known."""


# --- what is read once for each state ---------------------------------------------------------


@st.cache_resource(show_spinner=False, max_entries=4)
def project(state: State) -> Project:
    """Themes, grades, gaps and what was collected."""
    corpus, knowledge = stores(state.url)
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
        since=knowledge.since(),
    )


def _stale(corpus: Corpus, knowledge: Knowledge, run: Run) -> bool:
    """Whether the run lacks something, or knows what is gone since.

    Reading a page again that did not change is nothing new.
    """
    sites = corpus.sites()
    now = {
        "threads": sum(site.threads for site in sites),
        "posts": sum(site.posts for site in sites),
        "articles": sum(site.articles for site in sites),
    }
    if not run.fingerprint or any(run.counts.get(name, n) != n for name, n in now.items()):
        return True
    if all(site.fetched <= run.finished for site in sites):
        return False
    extractor = run.models.get("claims", "")
    hashes = corpus.hashes()
    return any(
        knowledge.extracted(url, claims_key(content, extractor)) is None
        for url, content in hashes.items()
        if url not in run.failures
    )


@st.cache_data(show_spinner=False, ttl=FRESH_SECONDS, max_entries=4)
def freshness(state: State) -> dict[str, Freshness]:
    """How fresh each site is and what of it is missing; crawls change it without new documents."""
    corpus = stores(state.url)[0]
    return {each.site: each for each in freshness_of(corpus, Frontier(corpus.engine))}


@st.cache_resource(show_spinner=False, max_entries=200)
def claims_of(state: State, theme_id: str) -> tuple[Claim, ...]:
    """Claims of a theme, most typical first: members', articles' and studies'."""
    return tuple(stores(state.url)[1].claims(theme=theme_id))


@st.cache_resource(show_spinner=False, max_entries=2)
def _claims_by_theme(state: State) -> dict[str, list[Claim]]:
    knowledge = stores(state.url)[1]
    theme_of = knowledge.theme_of()
    grouped: dict[str, list[Claim]] = defaultdict(list)
    for claim in knowledge.claims():
        if claim.id in theme_of:
            grouped[theme_of[claim.id]].append(claim)
    return grouped


@st.cache_resource(show_spinner=False, max_entries=2)
def _evidence_by_theme(state: State) -> dict[str, list[Evidence]]:
    grouped: dict[str, list[Evidence]] = defaultdict(list)
    for piece in stores(state.url)[1].evidence():
        grouped[piece.theme].append(piece)
    return grouped


@st.cache_resource(show_spinner=False, max_entries=2)
def _words_by_theme(state: State) -> dict[str, frozenset[str]]:
    """Words of name, keywords and claims of each theme, in small letters."""
    grouped = _claims_by_theme(state)
    return {
        item.id: frozenset(
            _WORD.findall(
                " ".join(
                    (item.name, *item.keywords, *{c.phrase for c in grouped.get(item.id, ())})
                ).lower()
            )
        )
        for item in project(state).themes
    }


@st.cache_resource(show_spinner=False, max_entries=200)
def evidence_of(state: State, theme_id: str) -> tuple[Evidence, ...]:
    """What articles and studies say on a theme."""
    return tuple(stores(state.url)[1].evidence(theme_id))


@st.cache_resource(show_spinner=False, max_entries=200)
def _claims_by_id(state: State, ids: tuple[str, ...]) -> dict[str, Claim]:
    return {claim.id: claim for claim in stores(state.url)[1].claims(ids=ids)}


@st.cache_resource(show_spinner=False, max_entries=500)
def _document(state: State, url: str) -> Document | None:
    return stores(state.url)[0].get(url)


@st.cache_resource(show_spinner=False, max_entries=500)
def theme(state: State, theme_id: str) -> Theme | None:
    """The theme of that id, or the one an old id redirects to."""
    return stores(state.url)[1].theme(theme_id)


@st.cache_resource(show_spinner=False, max_entries=50)
def brief(state: State, theme_id: str, condition: str | None) -> Brief | None:
    """The content brief of a theme, for one condition or over all."""
    corpus, knowledge = stores(state.url)
    item = knowledge.theme(theme_id)
    return theme_brief(corpus, knowledge, item, condition) if item else None


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
    return [claim for claim in claims if filters.lets(claim)]


def _fits(piece: Evidence, filters: Filters) -> bool:
    """Whether a source counts for the condition: it is about it, or about none in particular."""
    return filters.condition is None or piece.condition in (None, filters.condition)


def _covering(
    claims: Iterable[Claim], evidence: Iterable[Evidence], filters: Filters
) -> frozenset[str]:
    """Addresses of the articles that speak of a theme: those of its claims and its sentences."""
    told = {c.quote.document for c in _narrow(claims, filters) if c.voice == "article"}
    read = {p.quote.document for p in evidence if p.quote is not None and _fits(p, filters)}
    return frozenset(told | read)


def rows(state: State, filters: Filters, kind: Kind | None = None, text: str = "") -> list[Row]:
    """Themes that pass the filters, most authors first; counts are of the filtered claims alone."""
    found = project(state)
    gaps = {gap.theme: gap for gap in reversed(found.gaps)}
    grouped, pieces = _claims_by_theme(state), _evidence_by_theme(state)
    spelled = _words_by_theme(state) if text.strip() else {}
    chosen = [
        _row(found, item, filters, grouped.get(item.id, ()), pieces.get(item.id, ()), gaps)
        for item in found.themes
        if kind in (None, item.kind) and _mentions(spelled.get(item.id, frozenset()), text)
    ]
    kept = [row for row in chosen if row.tally.authors >= filters.least]
    if not filters.narrows and filters.least <= 1:
        kept = chosen
    kept = [row for row in kept if not filters.narrows or row.tally.authors or row.articles]
    if filters.of_members:
        kept = [row for row in kept if row.tally.authors]
    return sorted(kept, key=lambda row: (-row.tally.authors, row.theme.name.lower(), row.theme.id))


def _row(
    found: Project,
    item: Theme,
    filters: Filters,
    claims: Sequence[Claim],
    pieces: Sequence[Evidence],
    gaps: Mapping[str, Gap],
) -> Row:
    return Row(
        theme=item,
        tally=tally(_narrow(claims, filters)) if filters.narrows else item.tally,
        grade=grade_of(found, item.id, filters.condition),
        articles=len(_covering(claims, pieces, filters)),
        gap=gaps.get(item.id),
    )


def row_of(state: State, item: Theme, filters: Filters) -> Row:
    """One theme with its numbers, narrowed to the filters."""
    found = project(state)
    gaps = {gap.theme: gap for gap in found.gaps if gap.theme == item.id}
    claims, pieces = claims_of(state, item.id), evidence_of(state, item.id)
    return _row(found, item, filters, claims, pieces, gaps)


_WORD = re.compile(r"\w+")
_ENDING = re.compile(r"(?<=\w{4})(ing|es|ed|s)$|(?<=\w{3})s$")


def _mentions(spelled: frozenset[str], text: str) -> bool:
    """Whether each word of the text, less its ending, begins one of these words."""
    stems = [_ENDING.sub("", part) for part in _WORD.findall(text.lower())]
    return all(any(word.startswith(stem) for word in spelled) for stem in stems)


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


def said_of(state: State, claim: Claim) -> Said:
    """A claim with the place it was said."""
    return _said(state, claim)


def some_threads(state: State, count: int) -> list[Thread]:
    """Threads drawn by lot, the same ones while the corpus has the same addresses."""
    corpus = stores(state.url)[0]
    drawn = sorted(corpus.hashes(), key=lambda url: sha256(url.encode()).hexdigest())
    found = (corpus.get(url) for url in drawn)
    return list(islice((each for each in found if isinstance(each, Thread)), count))


def coverage(state: State, item: Theme, filters: Filters) -> list[Coverage]:
    """Articles that speak of the theme, in order of title: as many as its row counts."""
    own, pieces = claims_of(state, item.id), evidence_of(state, item.id)
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in _narrow(own, filters):
        if claim.voice == "article":
            claims[claim.quote.document].append(claim)
    sentences: dict[str, list[Evidence]] = defaultdict(list)
    for piece in pieces:
        if piece.quote is not None and _fits(piece, filters):
            sentences[piece.quote.document].append(piece)
    found = [
        _coverage(state, url, claims[url], sentences[url])
        for url in _covering(own, pieces, filters)
    ]
    return sorted(found, key=lambda one: (one.title, one.url))


def _coverage(
    state: State, url: str, claims: Sequence[Claim], sentences: Sequence[Evidence]
) -> Coverage:
    document = _document(state, url)
    by: list[str | None] = [document.source.site] if document is not None else []
    if isinstance(document, Article):
        by = [document.author, document.credential, *by]
    return Coverage(
        url=url,
        title=(document.title if document is not None else "") or url,
        by=tuple(part for part in by if part),
        claims=tuple(claims),
        evidence=tuple(sentences),
    )


def sides(state: State, item: Theme, filters: Filters) -> list[Sides]:
    """The contradictions of a theme with both their sides about the condition, in their words."""
    found = [one for one in project(state).contradictions if one.theme == item.id]
    return [both for one in found if (both := sides_of(state, one, filters)) is not None]


def disputes(state: State, filters: Filters) -> list[tuple[Contradiction, Row]]:
    """Contradictions with their themes, those of most authors first, narrowed to the filters."""
    ranked = {row.theme.id: (place, row) for place, row in enumerate(rows(state, filters))}
    found = [
        one
        for one in project(state).contradictions
        if one.theme in ranked
        and (not filters.narrows or sides_of(state, one, filters) is not None)
    ]
    found.sort(key=lambda one: (ranked[one.theme][0], one.type))
    return [(one, ranked[one.theme][1]) for one in found]


def sides_of(state: State, one: Contradiction, filters: Filters) -> Sides | None:
    """Both sides of one contradiction as far as about the condition; None where one is empty."""
    pieces = {piece.id: piece for piece in evidence_of(state, one.theme)}
    found = Sides(
        contradiction=one,
        supporting=_voices(state, one.supporting, pieces, filters),
        opposing=_voices(state, one.opposing, pieces, filters),
    )
    whole = found.supporting and found.opposing
    return found if whole or not filters.narrows else None


def _voices(
    state: State, ids: Sequence[str], pieces: Mapping[str, Evidence], filters: Filters
) -> tuple[Said | Evidence, ...]:
    spoken = said(state, [key for key in ids if key not in pieces])
    kept = {one.claim.id: one for one in spoken if _narrow([one.claim], filters)}
    fitting = {key: piece for key, piece in pieces.items() if _fits(piece, filters)}
    both: dict[str, Said | Evidence] = {**kept, **fitting}
    return tuple(both[key] for key in ids if key in both)


def source_title(state: State, piece: Evidence) -> str:
    """What a source is called: its citation, or the title of the article it is a sentence of."""
    if piece.title or piece.quote is None:
        return piece.title
    document = _document(state, piece.quote.document)
    return document.title if document else piece.quote.document


def gap_rows(state: State, filters: Filters) -> list[tuple[Gap, Row]]:
    """Gaps with their themes, highest score first, narrowed to the filters.

    Scores are over all conditions. With a condition chosen, a theme needs as many authors there as
    the run asked of a gap.
    """
    found = project(state)
    known = {row.theme.id: row for row in rows(state, filters)}
    by_id = found.by_id
    fewest = min((by_id[g.theme].tally.authors for g in found.gaps if g.theme in by_id), default=1)
    least = fewest if filters.narrows else 0
    return [
        (gap, known[gap.theme])
        for gap in found.gaps
        if gap.theme in known and known[gap.theme].tally.authors >= least
    ]


def gap_types(found: Iterable[Gap]) -> dict[str, int]:
    """Parts that apply to any of the gaps, authors apart, with how many each applies to."""
    counts: dict[str, int] = defaultdict(int)
    for gap in found:
        for name, points in gap.parts.items():
            counts[name] += points > 0 and name != "authors"
    return {name: n for name, n in counts.items() if n}


def dated(state: State, item: Theme, filters: Filters) -> list[Claim]:
    """The theme's claims about the condition, for the trend."""
    return _narrow(claims_of(state, item.id), filters)
