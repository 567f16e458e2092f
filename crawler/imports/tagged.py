"""RIS, and the MEDLINE form of PubMed (NBIB): a tag and its text a line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from crawler.decode import decode
from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.bibliography import Entry, study_of
from crawler.streams import Stream

__all__ = ["medline", "of_medline", "read", "recognises"]

Fields = Mapping[str, Sequence[str]]

_RIS = re.compile(r"([A-Z][A-Z0-9]) {1,2}- ?(.*)")
_MEDLINE = re.compile(r"([A-Z][A-Z0-9]{1,3}) *- ?(.*)")
_MOST = 200
"""Lines of one field; a longer one is no reference."""


def recognises(head: bytes) -> float:
    """0.95 where the first line of words is that of a reference."""
    start = head.lstrip(b"\xef\xbb\xbf\r\n\t ")
    if re.match(rb"TY  ?- ", start):
        return 0.95
    return 0.95 if re.match(rb"PMID ?- ?\d", start) else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """A study for each reference."""
    is_ris = re.match(rb"[\xef\xbb\xbf\s]*TY  ?- ", stream.head()) is not None
    fields_of, entry_of = (_ris, _of_ris) if is_ris else (medline, of_medline)
    for number, fields in enumerate(fields_of(_lines(stream)), start=1):
        try:
            yield study_of(entry_of(fields), given, "ris" if is_ris else "nbib", number)
        except NothingRead as error:
            yield NothingRead(f"reference {number}: {error}")


def _lines(stream: Stream) -> Iterator[str]:
    for line in stream.records():
        if line is not None:
            yield decode(line).text.lstrip("\ufeff").rstrip("\r\n") if line.strip() else ""


def _ris(lines: Iterator[str]) -> Iterator[Fields]:
    """Fields of each reference: from TY to ER, or to the next TY."""
    found: dict[str, list[str]] = defaultdict(list)
    last = ""
    for line in lines:
        match = _RIS.fullmatch(line)
        if match is None:
            if last and line.strip() and len(found[last]) < _MOST:
                found[last][-1] += f" {line.strip()}"
            continue
        tag, text = match[1], match[2].strip()
        if tag in ("TY", "ER") and found:
            yield found
            found, last = defaultdict(list), ""
        if tag != "ER":
            found[tag].append(text)
            last = tag
    if found:
        yield found


def medline(lines: Iterator[str]) -> Iterator[Fields]:
    """Fields of each record: from one PMID to the next, each field over several lines."""
    found: dict[str, list[str]] = defaultdict(list)
    last = ""
    for line in lines:
        if line.startswith("      ") and last and len(found[last]) <= _MOST:
            found[last][-1] += f" {line.strip()}"
        elif match := _MEDLINE.fullmatch(line):
            if match[1] == "PMID" and found:
                yield found
                found = defaultdict(list)
            last = match[1]
            found[last].append(match[2].strip())
    if found:
        yield found


def _first(fields: Fields, *tags: str) -> str:
    return next((text for tag in tags for text in fields.get(tag, ()) if text), "")


def _all(fields: Fields, *tags: str) -> list[str]:
    return [text for tag in tags for text in fields.get(tag, ())]


_RIS_TYPES = {"UNPB": "Preprint", "CLSWK": "", "NEWS": "News", "MGZN": "News"}


def _of_ris(fields: Fields) -> Entry:
    kind = _RIS_TYPES.get(_first(fields, "TY"), "")
    return Entry(
        title=_first(fields, "TI", "T1", "CT"),
        abstract=_first(fields, "AB", "N2"),
        authors=_all(fields, "AU", "A1"),
        year=_first(fields, "PY", "Y1", "DA"),
        journal=_first(fields, "T2", "JO", "JF", "JA", "J2"),
        doi=_first(fields, "DO", "M3"),
        pmid=_first(fields, "AN") if "pubmed" in _first(fields, "DB", "DP").lower() else "",
        pages="-".join(filter(None, (_first(fields, "SP"), _first(fields, "EP")))),
        url=_first(fields, "UR", "L2"),
        types=[kind, *_all(fields, "M3")] if kind else _all(fields, "M3")[:1],
        keywords=_all(fields, "KW"),
        other=" ".join(_all(fields, "N1", "C1", "C2", "ID")),
    )


def of_medline(fields: Fields) -> Entry:
    """The reference of a MEDLINE record."""
    numbers = [text for text in _all(fields, "LID", "AID") if text.endswith("[doi]")]
    notes = ["Retracted Publication"] if fields.get("RIN") else []
    return Entry(
        title=_first(fields, "TI", "TT", "BTI"),
        abstract=_first(fields, "AB"),
        authors=_all(fields, "AU") or _all(fields, "CN"),
        year=_first(fields, "DP"),
        journal=_first(fields, "JT", "TA"),
        doi=numbers[0].removesuffix("[doi]") if numbers else "",
        pmid=_first(fields, "PMID"),
        pages=_first(fields, "PG"),
        types=[*_all(fields, "PT"), *notes],
        keywords=[word.split("/")[0].lstrip("*") for word in _all(fields, "MH")],
        other=" ".join(_all(fields, "SI")),
    )
