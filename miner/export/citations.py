"""The studies as lists of references: RIS, BibTeX and CSL-JSON.

A study of the starter library is known by one line of citation; its parts are taken from it where
they are plain to see, and the whole line stays the title where they are not.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from miner.export.package import File, Package, Work
from miner.export.sheet import lines_about, text_file

__all__ = ["bibtex", "csl", "parted", "ris"]

_CITED = re.compile(
    r"(?P<who>(?:(?:d[aeiu]|van|von|den?|der|la|le|el|ter|ten)\s)*[A-Z\u00c0-\u017d][\w'’\-]+"
    r"(?: [A-Z\u00c0-\u017d][\w'’\-]+)? [A-Z]{1,3})"
    r"(?P<more>,? et al)?\.?:? +(?P<title>.{1,600}?[^.\s])\. +"
    r"(?P<journal>[A-Z][^.;?]{0,100}?(?:\. [A-Z][^.;]{0,60}?){0,6})"
    r"\.? +(?P<year>(?:19|20)\d\d)\b"
)


def parted(work: Work) -> Work:
    """The study with author, title and journal of their own, where its citation shows them."""
    if work.authors or work.journal or not (found := _CITED.match(work.title)):
        return work
    authors = (found["who"], "others") if found["more"] else (found["who"],)
    year = work.year or int(found["year"])
    return replace(
        work, title=found["title"], authors=authors, journal=found["journal"].strip(" ,"), year=year
    )


def ris(package: Package) -> list[File]:
    """RIS, a record a study."""
    said = _said(package)
    records = ("\r\n".join([*_ris(parted(work), said), "ER  - ", "", ""]) for work in package.works)
    return [text_file(".ris", "".join(records))]


def _said(package: Package) -> list[str]:
    """What a list of references says of its origin; it has no place of its own for that."""
    return [f"{name}: {value}" for name, value in lines_about(package)]


def _line(text: str) -> str:
    return " ".join(text.split())


def _ris(work: Work, said: Sequence[str]) -> Iterator[str]:
    yield "TY  - JOUR"
    yield f"TI  - {_line(work.title)}"
    yield from (f"AU  - {_line(_inverted(name))}" for name in work.authors if name != "others")
    if work.journal:
        yield f"T2  - {_line(work.journal)}"
    if work.year:
        yield f"PY  - {work.year}"
    if work.doi:
        yield f"DO  - {_line(work.doi)}"
    if work.pmid:
        yield f"AN  - {_line(work.pmid)}"
    if work.url:
        yield f"UR  - {_line(work.url)}"
    yield f"N1  - {_line(' '.join((*_notes(work), *said)))}"


def _notes(work: Work) -> tuple[str, ...]:
    return (*(("RETRACTED.",) if work.retracted else ()), *work.notes)


def _names(name: str) -> tuple[str, str]:
    """Family name and the rest; services write `Kemp JL`, `Joanne L. Kemp` or `Kemp, Joanne`."""
    name = _line(name)
    if "," in name:
        family, _, given = name.partition(",")
        return family.strip(), given.strip()
    start, _, end = name.rpartition(" ")
    if start and re.fullmatch(r"[A-Z]{1,4}", end):
        return start, end
    return end, start


def _inverted(name: str) -> str:
    family, given = _names(name)
    return f"{family}, {given}" if given else family


# --- BibTeX ---------------------------------------------------------------------------------------

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "#": r"\#",
    "$": r"\$", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in _line(text))


def bibtex(package: Package) -> list[File]:
    """BibTeX in UTF-8, an entry a study, what the export says of itself in a comment before."""
    said = " ".join(_said(package)).replace("{", "(").replace("}", ")").replace("@", " at ")
    taken: set[str] = set()
    entries = [_entry(parted(work), taken) for work in package.works]
    return [text_file(".bib", "\n".join([f"@comment{{{said}}}\n", *entries]))]


def _entry(work: Work, taken: set[str]) -> str:
    authors = " and ".join(
        name if name == "others" else _latex(_inverted(name)) for name in work.authors
    )
    fields = {
        "title": f"{{{_latex(work.title)}}}",
        "author": authors,
        "journal": _latex(work.journal),
        "year": str(work.year or ""),
        "doi": _line(work.doi or ""),
        "pmid": work.pmid or "",
        "url": _line(work.url or ""),
        "note": _latex(" ".join(_notes(work))),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@article{{{_key(work, taken)},", *lines, "}", ""])


def _key(work: Work, taken: set[str]) -> str:
    """Family name, year and a word of the title, the same each time; a number parts equal ones."""
    family = _names(work.authors[0])[0] if work.authors else "anonymous"
    word = next((w for w in re.findall(r"\w+", work.title) if len(w) > 3), "study")
    key = base = _ascii(f"{family}{work.year or ''}{word}") or "study"
    number = 0
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    taken.add(key)
    return key


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain)


# --- CSL ------------------------------------------------------------------------------------------


def csl(package: Package) -> list[File]:
    """CSL-JSON, an item a study."""
    said = _said(package)
    items = [_item(parted(work), said) for work in package.works]
    return [text_file(".json", json.dumps(items, ensure_ascii=False, indent=1) + "\n")]


def _item(work: Work, said: Sequence[str]) -> dict[str, Any]:
    names = [_names(name) for name in work.authors if name != "others"]
    item: dict[str, Any] = {
        "id": work.id,
        "type": "article-journal",
        "title": work.title,
        "author": [{"family": family, "given": given} for family, given in names],
        "container-title": work.journal,
        "issued": {"date-parts": [[work.year]]} if work.year else None,
        "DOI": work.doi,
        "PMID": work.pmid,
        "URL": work.url,
        "note": " ".join((*_notes(work), *said)),
    }
    return {name: value for name, value in item.items() if value}
