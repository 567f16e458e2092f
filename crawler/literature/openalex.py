"""OpenAlex: works by title and abstract, with its own word on designs and retractions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from crawler.documents import Source, Study
from crawler.literature import texts
from crawler.literature.answers import json_of, studies_of, turned
from crawler.literature.queries import Found, Query, Wanted, any_of
from crawler.page import Page

__all__ = ["HOST", "KEY", "NEEDS_KEY", "SEARCHES", "pause", "queries", "read", "secrets"]

HOST = "https://api.openalex.org"
SEARCHES = True
KEY, NEEDS_KEY = "OPENALEX_API_KEY", True
_PAGE = 100
_LAST = 10_000
"""Records up to which pages may be asked for by number."""
_DESIGNS: Mapping[str, str] = {
    "randomized controlled trial": "rct",
    "systematic review": "sr_mixed",
    "meta-analysis": "sr_mixed",
    "cohort study": "cohort",
    "case-control study": "case_control",
    "cross-sectional study": "cross_sectional",
    "case report": "case_report",
    "case series": "case_series",
    "practice guideline": "guideline",
    "study protocol": "protocol",
}


def pause(has_key: bool, has_contact: bool) -> float:
    """Five requests a second: half of what is allowed."""
    return 0.2


def secrets(environment: Mapping[str, str], contact: str) -> Mapping[str, str]:
    """A key, which searches need, and the address of who asks."""
    key = environment.get(KEY, "").strip()
    return {
        **({"api_key": key} if key else {}),
        **({"mailto": contact} if "@" in contact else {}),
    }


def queries(wanted: Wanted) -> tuple[Query, ...]:
    """One query for all kinds of study: a work's kind comes with it."""
    # A comma parts filters, so that none may stand in the words; `quoted` leaves none.
    text = f"{any_of(wanted.words)} AND {any_of(wanted.condition_words)}"
    since = f",from_publication_date:{wanted.since}-01-01" if wanted.since else ""
    parameters = {
        "filter": f"title_and_abstract.search:{text}{since}",
        "per-page": min(wanted.most, _PAGE),
        "page": 1,
    }
    url = f"{HOST}/works?{urlencode(parameters)}"
    return (Query(rung="studies", text=parameters["filter"], url=url),)  # type: ignore[arg-type]


def read(page: Page) -> Found:
    """Studies of a page, how many there are in all, and where the next page is."""
    answer = json_of(page)
    hits = texts.counted(answer, "meta", "count")
    number, size = texts.looked(answer, "meta", "page"), texts.looked(answer, "meta", "per_page")
    records = texts.listed(answer, "results")
    studies = studies_of(records, partial(_study, page=page), hits if number == 1 else None)
    onward = None
    if records and isinstance(number, int) and isinstance(size, int):
        last = min(hits, _LAST)
        onward = turned(page.url, page=number + 1) if number * size < last else None
    return Found(studies=studies, hits=hits, onward=onward)


def _study(record: Any, page: Page) -> Study | None:
    kind = texts.said(record, "type").lower()
    if texts.is_notice([kind]) or kind in ("paratext", "dataset", "peer-review"):
        return None
    title = texts.titled(record.get("title"), record.get("display_name"))
    doi = texts.tidy_doi(record.get("doi"))
    pmid = texts.tidy_pmid(texts.looked(record, "ids", "pmid"))
    abstract = _abstract(texts.looked(record, "abstract_inverted_index"))
    return Study(
        source=Source(
            url=texts.address(doi, pmid, texts.said(record, "id") or page.url),
            site="literature",
            fetched=page.fetched,
            engine="openalex",
        ),
        title=title,
        abstract=abstract,
        # `review` of OpenAlex is given to any paper that cites much, so it is no type.
        publication_types=("Preprint",) if kind == "preprint" else (),
        design=_design(record),
        year=texts.year_in(record.get("publication_year")),
        doi=doi,
        pmid=pmid,
        retracted=record.get("is_retracted") is True,
        preprint=kind == "preprint",
        authors=tuple(
            filter(
                None,
                (
                    texts.said(a, "author", "display_name")
                    for a in texts.listed(record, "authorships")
                ),
            )
        ),
        journal=texts.said(record, "primary_location", "source", "display_name"),
        mesh=tuple(
            dict.fromkeys(
                texts.said(one, "descriptor_name") for one in texts.listed(record, "mesh")
            )
        ),
        registry=texts.registries(title, abstract),
    )


def _design(record: Any) -> str | None:
    """The firmest design of the service's own list; None where it has none we know."""
    names = [
        (one if isinstance(one, str) else texts.said(one, "display_name")).lower().replace("_", " ")
        for one in texts.listed(record, "study_designs")
    ]
    return next((ours for theirs, ours in _DESIGNS.items() if theirs in names), None)


def _abstract(index: Any) -> str:
    """The abstract, put together from the places of its words."""
    if not isinstance(index, Mapping):
        return ""
    placed = [
        (place, word)
        for word, places in index.items()
        if isinstance(places, list)
        for place in places
        if isinstance(place, int)
    ]
    return texts.plain(" ".join(word for _, word in sorted(placed)))
