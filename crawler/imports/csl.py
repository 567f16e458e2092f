"""CSL-JSON, as Zotero and others write it: an array of references."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from crawler.decode import decode
from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.bibliography import Entry, study_of
from crawler.literature.texts import listed, looked, said
from crawler.streams import Stream

__all__ = ["read", "recognises"]

_LARGEST = 64 * 2**20
_KINDS = (
    "article|article-journal|article-magazine|article-newspaper|book|chapter|paper-conference|"
    "report|thesis|manuscript|webpage|post|dataset|document|review|standard|speech|entry"
)
_TYPE = re.compile(rf'"type"\s*:\s*"(?:{_KINDS})"'.encode())


def recognises(head: bytes) -> float:
    """0.9 where an array of objects names a kind of reference."""
    start = head.lstrip(b"\xef\xbb\xbf\r\n\t ")
    is_list = re.match(rb"\[\s*\{", start) is not None
    return 0.9 if is_list and _TYPE.search(head) and b'"title"' in head else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """A study for each reference."""
    text = decode(stream.whole(_LARGEST)).text.lstrip("\ufeff")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NothingRead(f"{stream.path}: no valid JSON ({error}); export it anew") from None
    for number, item in enumerate(found if isinstance(found, list) else [], start=1):
        try:
            yield study_of(_entry(item), given, "csl", number)
        except NothingRead as error:
            yield NothingRead(f"reference {number}: {error}")


def _entry(item: Any) -> Entry:
    if not isinstance(item, dict):
        raise NothingRead("no object")
    return Entry(
        title=said(item, "title"),
        abstract=said(item, "abstract"),
        authors=list(_authors(item)),
        year=_year(item),
        journal=said(item, "container-title") or said(item, "publisher"),
        doi=said(item, "DOI"),
        pmid=str(item.get("PMID") or ""),
        pages=said(item, "page"),
        url=said(item, "URL"),
        types=_types(item),
        keywords=re.split(r"[;,]", said(item, "keyword")),
        other=said(item, "note"),
    )


def _authors(item: Any) -> Iterator[str]:
    for one in listed(item, "author"):
        names = (said(one, "family"), "".join(w[:1] for w in said(one, "given").split()))
        yield " ".join(filter(None, names)) or said(one, "literal")


def _year(item: Any) -> str:
    parts = listed(item, "issued", "date-parts")
    first = parts[0] if parts and isinstance(parts[0], list) and parts[0] else []
    return (
        str(first[0]) if first else said(item, "issued", "raw") or said(item, "issued", "literal")
    )


def _types(item: Any) -> list[str]:
    genre = said(item, "genre")
    is_preprint = "preprint" in genre.lower() or looked(item, "type") == "preprint"
    return [*(["Preprint"] if is_preprint else []), *([genre] if genre else [])]
