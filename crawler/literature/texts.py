"""The texts of records as services write them: markup off, identifiers in one form. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any
from urllib.parse import quote

from crawler.errors import NothingRead

__all__ = [
    "address",
    "counted",
    "is_notice",
    "listed",
    "looked",
    "page_count",
    "plain",
    "registries",
    "said",
    "tidy_doi",
    "tidy_pmid",
    "titled",
    "year_in",
]

_HEADING = re.compile(
    r"<(?:jats:)?(?:h\d|title|b|strong)>\s{0,20}([^<>]{2,60}?)[:.]?\s{0,20}</[^<>]{1,40}>\s*", re.I
)
_BREAK = re.compile(r"<(?:/?(?:jats:)?(?:p|sec|br|div|li|list|list-item)\b[^<>]*)>", re.I)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_REGISTRY = re.compile(
    r"\b(?:NCT ?\d{8}|ISRCTN ?\d{8}|ACTRN ?\d{14}|ChiCTR[-\w]{6,20}|DRKS ?\d{8}|CTRI/[\d/]{10,18}"
    r"|IRCT[\dN]{8,20}|UMIN ?\d{9}|RBR-\w{6}|NTR ?\d{3,5}|PACTR ?\d{15}|KCT ?\d{7})\b",
    re.I,
)
_NOTICES = frozenset({
    "published erratum", "correction", "corrected and republished article", "erratum",
    "retraction of publication", "retraction notice", "expression of concern", "retraction",
})  # fmt: skip
"""Types of records that speak of another one."""


def plain(markup: object) -> str:
    """The text without tags and entities; a heading inside becomes `Methods: `."""
    if not isinstance(markup, str):
        return ""
    # Some services escape their markup, some twice.
    text = unescape(markup) if "&lt;" in markup else markup
    text = _HEADING.sub(lambda m: f" {m[1].strip()}: ", text)
    text = _TAG.sub("", _BREAK.sub(" ", text))
    return " ".join(unescape(text).replace("\u2009", " ").split())


def tidy_doi(given: object) -> str | None:
    """The DOI in small letters and without an address before it; None where there is none."""
    match = _DOI.search(given.strip().lower()) if isinstance(given, str) else None
    return match[0].rstrip(".,;") if match else None


def tidy_pmid(given: object) -> str | None:
    """The PMID as digits; None where there is none."""
    text = str(given).strip().rstrip("/").rpartition("/")[2] if given is not None else ""
    return text if text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) else None


def year_in(given: object) -> int | None:
    """The first year in a date; None where there is none."""
    match = re.search(r"\b(1[89]\d\d|20\d\d)\b", str(given)) if given is not None else None
    return int(match[1]) if match else None


def registries(*texts: str) -> tuple[str, ...]:
    """Numbers of trial registries that the texts name, each once."""
    found = (m[0].replace(" ", "").upper() for text in texts for m in _REGISTRY.finditer(text))
    return tuple(dict.fromkeys(found))


def is_notice(types: Iterable[str]) -> bool:
    """Whether a record is no study but a correction or retraction of one."""
    return any(kind.lower() in _NOTICES for kind in types)


_RANGE = re.compile(r"\s*[a-z]*(\d+)(?:\s*[-–—]+\s*[a-z]*(\d+))?", re.I)


def page_count(given: object) -> int | None:
    """How many pages a range such as `1054-61` or `S3-9` covers; None where it is none."""
    match = _RANGE.match(given) if isinstance(given, str) else None
    if match is None or len(match[1]) > 7 or len(match[2] or "") > 7:
        return None
    first, last = match[1], match[2] or match[1]
    if len(last) < len(first):
        last = first[: len(first) - len(last)] + last
    count = int(last) - int(first) + 1
    return count if 0 < count < 300 else None


def titled(*given: object) -> str:
    """The first of the titles that says something; raises NothingRead where none does."""
    title = next((text for one in given if (text := plain(one))), "")
    if not title:
        raise NothingRead("a record has no title")
    return title


def address(doi: str | None, pmid: str | None, other: str) -> str:
    """Where the paper stands: by DOI, else PMID, else the service's own page."""
    if doi:
        return f"https://doi.org/{quote(doi, safe='/:;().-_')}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else other


# --- looking into answers whose form may have changed -----------------------------------------


def looked(record: object, *path: str) -> Any:
    """What lies at the end of the path through objects, None where it breaks off."""
    for name in path:
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record


def listed(record: object, *path: str) -> list[Any]:
    """The list at the end of the path, an empty one where there is none."""
    value = looked(record, *path)
    return value if isinstance(value, list) else []


def said(record: object, *path: str) -> str:
    """The text at the end of the path, empty where there is none."""
    value = looked(record, *path)
    return value if isinstance(value, str) else ""


def counted(record: object, *path: str) -> int:
    """The number of hits at the end of the path.

    Raises NothingRead where it is missing: an answer of a new form must never pass for no hits.
    """
    value = looked(record, *path)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise NothingRead(f"the answer has no number at {'.'.join(path)}; its form has changed")
    return value
