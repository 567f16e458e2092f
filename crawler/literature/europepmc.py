"""Europe PMC: reviews, then trials, then any study of people, in titles and abstracts."""

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

HOST = "https://www.ebi.ac.uk"
SEARCHES = True
KEY, NEEDS_KEY = "", False
_PATH = "/europepmc/webservices/rest/search"
_PAGE = 100
"""Records a page; the service gives up to 1,000."""
_RUNGS: Mapping[str, str] = {
    "reviews": '(PUB_TYPE:"systematic review" OR PUB_TYPE:"meta-analysis"'
    ' OR TITLE:"systematic review" OR TITLE:"meta-analysis")',
    "trials": '(PUB_TYPE:"randomized controlled trial" OR TITLE:randomized OR TITLE:randomised)',
    "studies": '(HAS_ABSTRACT:Y) NOT (KW:"animals" NOT KW:"humans")',
}


def pause(has_key: bool, has_contact: bool) -> float:
    """Half a second, whoever asks."""
    return 0.5


def secrets(environment: Mapping[str, str], contact: str) -> Mapping[str, str]:
    """None: the service wants neither key nor name."""
    return {}


def queries(wanted: Wanted) -> tuple[Query, ...]:
    """One query a rung, the firmest kind of study first."""
    topic = f"{any_of(wanted.words, 'TITLE_ABS:{}')} AND "
    topic += any_of(wanted.condition_words, "TITLE_ABS:{}")
    if wanted.since:
        topic += f" AND FIRST_PDATE:[{wanted.since}-01-01 TO 3000-12-31]"
    return tuple(_query(rung, f"{topic} AND {only}", wanted.most) for rung, only in _RUNGS.items())


def _query(rung: str, text: str, most: int) -> Query:
    parameters = {
        "query": text,
        "resultType": "core",
        "format": "json",
        "pageSize": min(most, _PAGE),
        "cursorMark": "*",
    }
    return Query(rung=rung, text=text, url=f"{HOST}{_PATH}?{urlencode(parameters)}")


def read(page: Page) -> Found:
    """Studies of a page, how many there are in all, and where the next page is."""
    answer = json_of(page)
    hits = texts.counted(answer, "hitCount")
    records = texts.listed(answer, "resultList", "result")
    first = "cursorMark=%2A" in page.url or "cursorMark=*" in page.url
    studies = studies_of(records, partial(_study, page=page), hits if first else None)
    mark = texts.said(answer, "nextCursorMark")
    here = texts.said(answer, "request", "cursorMark")
    onward = turned(page.url, cursorMark=mark) if records and mark not in ("", here) else None
    return Found(studies=studies, hits=hits, onward=onward)


def _study(record: Any, page: Page) -> Study | None:
    types = _types(record)
    if texts.is_notice(types):
        return None
    title = texts.titled(record["title"])
    abstract = texts.plain(texts.said(record, "abstractText"))
    doi, pmid = texts.tidy_doi(record.get("doi")), texts.tidy_pmid(record.get("pmid"))
    source, number = texts.said(record, "source") or "MED", str(record.get("id", ""))
    return Study(
        source=Source(
            url=texts.address(doi, pmid, f"https://europepmc.org/article/{source}/{number}"),
            site="literature",
            fetched=page.fetched,
            engine="europepmc",
        ),
        title=title,
        abstract=abstract,
        publication_types=types,
        year=texts.year_in(record.get("pubYear")),
        doi=doi,
        pmid=pmid,
        retracted=_is_retracted(record, types),
        preprint=source == "PPR" or "preprint" in map(str.lower, types),
        authors=_authors(record),
        journal=texts.said(record, "journalInfo", "journal", "title"),
        pages=texts.page_count(record.get("pageInfo")),
        mesh=tuple(
            texts.said(heading, "descriptorName")
            for heading in texts.listed(record, "meshHeadingList", "meshHeading")
        ),
        registry=texts.registries(title, abstract),
    )


def _types(record: Any) -> tuple[str, ...]:
    """Publication types; two vocabularies are mixed, and a spelling may come twice."""
    by_name = {
        kind.lower(): kind
        for kind in texts.listed(record, "pubTypeList", "pubType")
        if isinstance(kind, str)
    }
    return tuple(by_name.values())


def _is_retracted(record: Any, types: tuple[str, ...]) -> bool:
    notes = texts.listed(record, "commentCorrectionList", "commentCorrection")
    told = any(texts.said(note, "type").lower() == "retraction in" for note in notes)
    return told or "retracted publication" in map(str.lower, types)


def _authors(record: Any) -> tuple[str, ...]:
    named = [texts.said(a, "fullName") for a in texts.listed(record, "authorList", "author")]
    line = texts.said(record, "authorString").rstrip(".")
    return tuple(filter(None, named)) or tuple(filter(None, line.split(", ")))
