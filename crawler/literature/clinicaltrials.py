"""ClinicalTrials.gov, version 2: trials registered, running or ended, with or without results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from crawler.documents import Source, Study
from crawler.errors import NothingRead
from crawler.literature import texts
from crawler.literature.answers import json_of, studies_of, turned
from crawler.literature.queries import Found, Query, Wanted, any_of
from crawler.page import Page

__all__ = ["HOST", "KEY", "NEEDS_KEY", "SEARCHES", "pause", "queries", "read", "secrets"]

HOST = "https://clinicaltrials.gov"
SEARCHES = True
KEY, NEEDS_KEY = "", False
_PAGE = 100


def pause(has_key: bool, has_contact: bool) -> float:
    """Fifty requests a minute."""
    return 1.25


def secrets(environment: Mapping[str, str], contact: str) -> Mapping[str, str]:
    """None: the service wants neither key nor name."""
    return {}


def queries(wanted: Wanted) -> tuple[Query, ...]:
    """One query: interventions for a remedy, any words for a cause."""
    parameters: dict[str, object] = {
        "query.cond": any_of(wanted.condition_words)[1:-1],
        "query.intr" if wanted.is_remedy else "query.term": any_of(wanted.words)[1:-1],
    }
    if wanted.since:
        parameters["filter.advanced"] = f"AREA[StartDate]RANGE[{wanted.since}-01-01,MAX]"
    text = " AND ".join(f"{name}={value}" for name, value in parameters.items())
    parameters |= {"pageSize": min(wanted.most, _PAGE), "countTotal": "true", "format": "json"}
    url = f"{HOST}/api/v2/studies?{urlencode(parameters)}"
    return (Query(rung="registry", text=text, url=url),)


def read(page: Page) -> Found:
    """Trials of a page, how many there are in all, and where the next page is.

    Only the first page counts them.
    """
    answer = json_of(page)
    first = "pageToken=" not in page.url
    hits = texts.counted(answer, "totalCount") if first else None
    if not isinstance(answer.get("studies"), list):
        raise NothingRead("the answer has no list of studies; its form has changed")
    trials = studies_of(answer["studies"], partial(_trial, page=page), hits)
    token = texts.said(answer, "nextPageToken")
    return Found(
        studies=trials, hits=hits, onward=turned(page.url, pageToken=token) if token else None
    )


def _trial(record: Any, page: Page) -> Study:
    told = texts.looked(record, "protocolSection")
    number = texts.said(told, "identificationModule", "nctId").upper()
    named = texts.looked(told, "identificationModule")
    title = texts.titled(texts.said(named, "officialTitle"), texts.said(named, "briefTitle"))
    if not texts.registries(number):
        raise NothingRead("a trial has no number")
    enrolled = texts.looked(told, "designModule", "enrollmentInfo", "count")
    return Study(
        source=Source(
            url=f"https://clinicaltrials.gov/study/{number}",
            site="literature",
            fetched=page.fetched,
            engine="clinicaltrials",
        ),
        title=title,
        abstract=texts.plain(texts.said(told, "descriptionModule", "briefSummary")),
        publication_types=("Registry Entry", *_kinds(told, record)),
        design="registry_entry",
        n=enrolled if isinstance(enrolled, int) and not isinstance(enrolled, bool) else None,
        year=texts.year_in(texts.said(told, "statusModule", "startDateStruct", "date") or None),
        mesh=tuple(
            word
            for word in texts.listed(told, "conditionsModule", "conditions")
            if isinstance(word, str)
        ),
        registry=(number,),
    )


def _kinds(told: Any, record: Any) -> tuple[str, ...]:
    """How people are assigned, whether results are posted, and where the trial stands."""
    said = (
        texts.said(told, "designModule", "studyType"),
        texts.said(told, "designModule", "designInfo", "allocation"),
        texts.said(told, "statusModule", "overallStatus"),
        "Results Posted" if texts.looked(record, "hasResults") is True else "",
    )
    return tuple(word.replace("_", " ").title() for word in said if word)
