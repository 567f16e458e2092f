"""Crossref: whether papers that others found were retracted since. It searches for none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from crawler.errors import NothingRead
from crawler.literature import texts
from crawler.literature.answers import json_of
from crawler.literature.queries import Found, Query, Wanted
from crawler.page import Page

__all__ = ["HOST", "KEY", "NEEDS_KEY", "SEARCHES", "pause", "queries", "read", "secrets"]

HOST = "https://api.crossref.org"
SEARCHES = False
KEY, NEEDS_KEY = "", False
_BATCH = 20
"""DOIs asked about at a time: addresses stay short."""
_GONE = frozenset({"retraction", "withdrawal", "removal", "partial_retraction"})


def pause(has_key: bool, has_contact: bool) -> float:
    """Three lists a second in the polite pool, one for those without a name."""
    return 0.35 if has_contact else 1.0


def secrets(environment: Mapping[str, str], contact: str) -> Mapping[str, str]:
    """The address of who asks, which opens the polite pool."""
    return {"mailto": contact} if "@" in contact else {}


def queries(wanted: Wanted) -> tuple[Query, ...]:
    """The papers found, some at a time; none where none has a DOI."""
    dois = sorted({doi for doi in wanted.dois if "," not in doi})
    batches = (dois[start : start + _BATCH] for start in range(0, len(dois), _BATCH))
    return tuple(map(_query, batches))


def _query(dois: list[str]) -> Query:
    text = ",".join(f"doi:{doi}" for doi in dois)
    url = f"{HOST}/works?{urlencode({'filter': text, 'rows': len(dois)})}"
    return Query(
        rung=f"notices {hashlib.sha256(text.encode()).hexdigest()[:12]}", text=text, url=url
    )


def read(page: Page) -> Found:
    """DOIs of the papers among those of the page that were retracted or withdrawn."""
    answer = json_of(page)
    hits = texts.counted(answer, "message", "total-results")
    works = texts.listed(answer, "message", "items")
    if hits and not works:
        raise NothingRead("the answer counts works but lists none; its form has changed")
    gone = (texts.tidy_doi(texts.looked(work, "DOI")) for work in works if _is_gone(work))
    return Found(hits=hits, retracted=tuple(doi for doi in gone if doi))


def _is_gone(work: Any) -> bool:
    notes = texts.listed(work, "updated-by")
    kinds = {texts.said(note, "type").lower().replace("-", "_") for note in notes}
    return bool(kinds & _GONE)
