"""What is read from the stores, once for each state of the project, and kept for all readers.

Everything is cached under the state it belongs to, so that a new run, a decision or a newly
collected document shows at the next click. Values are frozen and therefore shared, never copied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import streamlit as st

from crawler.corpus import Corpus, SiteCounts
from crawler.database import still
from crawler.documents import Document
from crawler.errors import StoreError
from crawler.freshness import Freshness
from crawler.freshness import freshness as freshness_of
from crawler.frontier import Frontier
from dashboard.stores import stores
from dashboard.values import Project, State
from miner.brief import Brief
from miner.current import Current
from miner.knowledge import Knowledge, Run, claims_key
from miner.model import Claim, Evidence, Grade, Theme
from miner.report import theme_brief
from miner.roll import Roll
from miner.roll import roll as rolled

__all__ = [
    "brief",
    "claims_by_id",
    "claims_of",
    "document",
    "evidence_by_theme",
    "evidence_of",
    "freshness",
    "project",
    "roll",
    "theme",
    "voices",
]

FRESH_SECONDS = 10
"""How long the state of the crawls is taken as known."""


@st.cache_resource(show_spinner=False, max_entries=4)
def project(state: State) -> Project:
    """Themes, grades, gaps and what was collected."""
    with still(stores(state.url)[0].engine) as engine:
        return _project(Corpus(engine), Current(engine))


def _project(corpus: Corpus, knowledge: Current) -> Project:
    runs, sites = knowledge.runs(), tuple(corpus.sites())
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
        sites=sites,
        visits=corpus.last_visits(),
        failures=tuple(corpus.failures()),
        stale=run is not None and _stale(corpus, knowledge, run, sites),
        since=knowledge.since(),
    )


def _stale(corpus: Corpus, knowledge: Knowledge, run: Run, sites: Sequence[SiteCounts]) -> bool:
    """Whether the run lacks something, or knows what is gone since.

    Reading a page again that did not change is nothing new.
    """
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
    known = knowledge.extracted_keys()
    return any(
        known.get(url) != claims_key(content, extractor)
        for url, content in hashes.items()
        if url not in run.failures
    )


@st.cache_data(show_spinner=False, ttl=FRESH_SECONDS, max_entries=4)
def freshness(state: State) -> dict[str, Freshness]:
    """How fresh each site is and what of it is missing; crawls change it without new documents."""
    corpus = stores(state.url)[0]
    try:
        frontier = Frontier(corpus.engine)
    except StoreError:
        return {}  # Opened read-only, and no crawl has ever been here.
    return {each.site: each for each in freshness_of(corpus, frontier)}


@st.cache_resource(show_spinner=False, max_entries=200)
def claims_of(state: State, theme_id: str) -> tuple[Claim, ...]:
    """Claims of a theme, most typical first: members', articles' and studies'."""
    return tuple(stores(state.url)[1].claims(theme=theme_id))


@st.cache_resource(show_spinner=False, max_entries=2)
def roll(state: State) -> Roll:
    """Every claim as a row of numbers."""
    return rolled(stores(state.url)[1].spoken())


@st.cache_resource(show_spinner=False, max_entries=2)
def voices(state: State) -> Mapping[str, Claim]:
    """The claims that stand on a side of a contradiction, by id."""
    found = project(state).contradictions
    ids = {key for one in found for key in (*one.supporting, *one.opposing)}
    return {claim.id: claim for claim in stores(state.url)[1].claims(ids=sorted(ids))}


@st.cache_resource(show_spinner=False, max_entries=2)
def evidence_by_theme(state: State) -> Mapping[str, list[Evidence]]:
    """What articles and studies say, by theme."""
    grouped: dict[str, list[Evidence]] = defaultdict(list)
    for piece in stores(state.url)[1].evidence():
        grouped[piece.theme].append(piece)
    return grouped


@st.cache_resource(show_spinner=False, max_entries=200)
def evidence_of(state: State, theme_id: str) -> tuple[Evidence, ...]:
    """What articles and studies say on a theme."""
    return tuple(stores(state.url)[1].evidence(theme_id))


@st.cache_resource(show_spinner=False, max_entries=200)
def claims_by_id(state: State, ids: tuple[str, ...]) -> Mapping[str, Claim]:
    """The claims of these ids that are still there."""
    return {claim.id: claim for claim in stores(state.url)[1].claims(ids=ids)}


@st.cache_resource(show_spinner=False, max_entries=500)
def document(state: State, url: str) -> Document | None:
    """The document of that address; None where it is gone."""
    return stores(state.url)[0].get(url)


@st.cache_resource(show_spinner=False, max_entries=2)
def articles(state: State) -> dict[str, str]:
    """Titles of the articles by address, in order of title."""
    corpus = stores(state.url)[0]
    found = corpus.documents(list(corpus.hashes("article")))
    return dict(sorted(((d.source.url, d.title) for d in found), key=lambda pair: pair[::-1]))


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
