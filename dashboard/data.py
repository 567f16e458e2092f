"""The only door to the stores for the pages: what they ask, answered for the reader's filters."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Literal

import streamlit as st

from crawler.documents import Article, Thread
from dashboard.reading import (
    brief,
    claims_by_id,
    claims_of,
    document,
    evidence_by_theme,
    evidence_of,
    freshness,
    project,
    roll,
    theme,
    voices,
)
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
from miner.counts import tally, votes
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
    Vote,
)

__all__ = [
    "DATABASE",
    "READ_ONLY",
    "RECENT",
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
    "every_row",
    "evidence_by_theme",
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
    "recent",
    "roll",
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
    "stores",
    "theme",
    "voted",
    "wordings",
]

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


def _covering(
    claims: Iterable[Claim], evidence: Iterable[Evidence], filters: Filters
) -> frozenset[str]:
    """Addresses of the articles that speak of a theme: those of its claims and its sentences."""
    told = {c.quote.document for c in _narrow(claims, filters) if c.voice == "article"}
    read = {p.quote.document for p in evidence if p.quote is not None and filters.fits(p)}
    return frozenset((told | read) - filters.without)


def rows(state: State, filters: Filters, kind: Kind | None = None, text: str = "") -> list[Row]:
    """Themes that pass the filters, most authors first; counts are of the filtered claims alone."""
    spelled = roll(state).words if text.strip() else {}
    return [
        row
        for row in _passing(state, filters)
        if kind in (None, row.theme.kind) and _mentions(row.theme, spelled, text)
    ]


@st.cache_resource(show_spinner=False, max_entries=20)
def _passing(state: State, filters: Filters) -> tuple[Row, ...]:
    """The themes that pass, in order."""
    chosen = every_row(state, filters).values()
    kept = [row for row in chosen if row.tally.authors >= filters.least]
    if filters.least <= 1 and filters.condition is None and not filters.of_members:
        kept = list(chosen)
    kept = [row for row in kept if not filters.narrows or row.tally.authors or row.articles]
    if filters.of_members:
        kept = [row for row in kept if row.tally.authors]
    kept.sort(key=lambda row: (-row.tally.authors, row.theme.name.lower(), row.theme.id))
    return tuple(kept)


@st.cache_resource(show_spinner=False, max_entries=40)
def every_row(state: State, filters: Filters) -> Mapping[str, Row]:
    """The row of each theme by id, those that nobody speaks of under the filters too."""
    found = project(state)
    gaps = {gap.theme: gap for gap in reversed(found.gaps)}
    tallies, told = _counted(state, filters) if filters.narrows else ({}, {})
    return {
        item.id: Row(
            theme=item,
            tally=tallies.get(item.id, Tally()) if filters.narrows else item.tally,
            grade=grade_of(found, item.id, filters.condition),
            articles=len(told.get(item.id, ())) if filters.narrows else item.articles,
            gap=gaps.get(item.id),
        )
        for item in found.themes
    }


def _counted(state: State, filters: Filters) -> tuple[dict[str, Tally], dict[str, set[str]]]:
    """Members' tallies and the articles that speak of it, by theme, under the filters."""
    known = roll(state)
    kept = known.chosen(filters.condition, filters.site, filters.since, filters.until)
    told = known.told_by_articles(kept)
    for key, pieces in evidence_by_theme(state).items():
        for piece in pieces:
            if piece.quote is not None and filters.fits(piece):
                told.setdefault(key, set()).add(piece.quote.document)
    return known.tallies(kept), {key: urls - filters.without for key, urls in told.items()}


RECENT = 12
"""Quarters of a sparkline."""


@st.cache_resource(show_spinner=False, max_entries=20)
def recent(state: State, filters: Filters) -> Mapping[str, list[int]]:
    """Authors in each of the last finished quarters, by theme, the oldest first."""
    found = project(state)
    until = found.run.finished if found.run else found.fetched
    if until is None:
        return {}
    known = roll(state)
    kept = known.chosen(filters.condition, filters.site, filters.since, filters.until)
    return known.quarters(kept, until.year * 4 + (until.month - 1) // 3 - 1, RECENT)


def row_of(state: State, item: Theme, filters: Filters) -> Row:
    """One theme with its numbers, narrowed to the filters."""
    found = project(state)
    claims, pieces = claims_of(state, item.id), evidence_of(state, item.id)
    return Row(
        theme=item,
        tally=tally(_narrow(claims, filters)) if filters.narrows else item.tally,
        grade=grade_of(found, item.id, filters.condition),
        articles=len(_covering(claims, pieces, filters)),
        gap=next((gap for gap in found.gaps if gap.theme == item.id), None),
    )


_WORD = re.compile(r"\w+")
_ENDING = re.compile(r"(?<=\w{4})(ing|es|ed|s)$|(?<=\w{3})s$")


def _mentions(item: Theme, spelled: Mapping[str, frozenset[str]], text: str) -> bool:
    """Whether each word of the text, less its ending, begins a word of the theme."""
    stems = [_ENDING.sub("", part) for part in _WORD.findall(text.lower())]
    if not stems:
        return True
    known = {*_WORD.findall(" ".join((item.name, *item.keywords)).lower())}
    known |= spelled.get(item.id, frozenset())
    return all(any(word.startswith(stem) for word in known) for stem in stems)


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
    known = claims_by_id(state, tuple(ids))
    return [_said(state, known[key]) for key in ids if key in known]


def _said(state: State, claim: Claim) -> Said:
    found = document(state, claim.quote.document)
    title = found.title if found is not None else claim.quote.document
    if not isinstance(found, Thread):
        return Said(claim=claim, title=title, place="", link=claim.quote.document)
    post = next((post for post in found.posts if post.id == claim.quote.part), None)
    place = f"post {post.number}" if post else claim.quote.part
    permalink = post.url if post and post.url else claim.quote.document
    return Said(claim=claim, title=title, place=place, link=permalink)


def wordings(state: State, ids: Sequence[str]) -> dict[str, str]:
    """What claims call it, by id."""
    return {key: claim.words for key, claim in claims_by_id(state, tuple(ids)).items()}


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
        if piece.quote is not None and filters.fits(piece):
            sentences[piece.quote.document].append(piece)
    found = [
        _coverage(state, url, claims[url], sentences[url])
        for url in _covering(own, pieces, filters)
    ]
    return sorted(found, key=lambda one: (one.title, one.url))


def _coverage(
    state: State, url: str, claims: Sequence[Claim], sentences: Sequence[Evidence]
) -> Coverage:
    found = document(state, url)
    by: list[str | None] = [found.source.site] if found is not None else []
    if isinstance(found, Article):
        by = [found.author, found.credential, *by]
    return Coverage(
        url=url,
        title=(found.title if found is not None else "") or url,
        by=tuple(part for part in by if part),
        claims=tuple(claims),
        evidence=tuple(sentences),
    )


def sides(state: State, item: Theme, filters: Filters) -> list[Sides]:
    """The contradictions of a theme with both their sides about the condition, in their words."""
    found = [one for one in project(state).contradictions if one.theme == item.id]
    return [both for one in found if (both := sides_of(state, one, filters)) is not None]


def disputes(state: State, filters: Filters) -> list[tuple[Contradiction, Row]]:
    """Contradictions with their themes, highest score first, narrowed to the filters."""
    ranked = {row.theme.id: (place, row) for place, row in enumerate(rows(state, filters))}
    found = [
        one
        for one in project(state).contradictions
        if one.theme in ranked and (not filters.narrows or _has_both(state, one, filters))
    ]
    found.sort(key=lambda one: (-one.score, ranked[one.theme][0], one.type))
    return [(one, ranked[one.theme][1]) for one in found]


def _has_both(state: State, one: Contradiction, filters: Filters) -> bool:
    """Whether both sides have a voice that passes the filters."""
    claims = voices(state)
    pieces = {piece.id: piece for piece in evidence_by_theme(state).get(one.theme, ())}

    def passes(key: str) -> bool:
        if key in pieces:
            return filters.fits(pieces[key])
        return key in claims and filters.lets(claims[key])

    return any(map(passes, one.supporting)) and any(map(passes, one.opposing))


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
) -> tuple[Claim | Evidence, ...]:
    known = voices(state)
    spoken = {key: known[key] for key in ids if key not in pieces and key in known}
    kept = {key: claim for key, claim in spoken.items() if filters.lets(claim)}
    fitting = {key: piece for key, piece in pieces.items() if filters.fits(piece)}
    both: dict[str, Claim | Evidence] = {**kept, **fitting}
    return tuple(both[key] for key in ids if key in both)


def source_title(state: State, piece: Evidence) -> str:
    """What a source is called: its citation, or the title of the article it is a sentence of."""
    if piece.title or piece.quote is None:
        return piece.title
    found = document(state, piece.quote.document)
    return found.title if found else piece.quote.document


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
