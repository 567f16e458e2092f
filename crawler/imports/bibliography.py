"""A reference of any list of literature as a study: fields by our names in, `Study` out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from crawler import clean
from crawler.documents import Study
from crawler.errors import NothingRead
from crawler.imports import Given
from crawler.literature import texts

__all__ = ["Entry", "study_of"]

PREPRINT_SERVERS = ("biorxiv", "medrxiv", "arxiv", "research square", "preprints", "ssrn", "osf")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One reference, its fields as the list writes them."""

    title: str
    abstract: str = ""
    authors: Sequence[str] = ()
    year: str = ""
    journal: str = ""
    doi: str = ""
    pmid: str = ""
    pages: str = ""
    url: str = ""
    types: Sequence[str] = ()
    keywords: Sequence[str] = ()
    other: str = ""
    """All else that may hold a registry number or a word on a retraction."""


def study_of(entry: Entry, given: Given, engine: str, number: int) -> Study:
    """The study of a reference; raises NothingRead for one that is no paper.

    Without DOI, PMID and address it is at home in the import.
    """
    types = tuple(filter(None, map(clean.line, entry.types)))
    if texts.is_notice(types):
        raise NothingRead("a notice on another paper, not a study")
    title = texts.titled(entry.title)
    doi = texts.tidy_doi(entry.doi) or texts.tidy_doi(entry.url)
    pmid = texts.tidy_pmid(entry.pmid)
    abstract = texts.plain(entry.abstract)
    source = given.source(engine, number)
    return Study(
        source=replace(
            source,
            url=texts.address(doi, pmid, _place(entry.url) or source.url),
            site="literature",
        ),
        title=title,
        abstract=abstract,
        publication_types=types,
        year=texts.year_in(entry.year),
        doi=doi,
        pmid=pmid,
        retracted=_is_retracted(title, types),
        preprint=_is_preprint(entry.journal, types),
        authors=tuple(filter(None, map(clean.line, entry.authors))),
        journal=texts.plain(entry.journal),
        pages=texts.page_count(entry.pages),
        mesh=_once(entry.keywords),
        registry=texts.registries(entry.other, abstract),
    )


def _place(url: str) -> str | None:
    url = url.strip()
    return url if url.startswith("http") and clean.is_address(url) else None


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(clean.line, words))))


def _is_retracted(title: str, types: Sequence[str]) -> bool:
    named = title.lower().startswith(("retracted:", "retracted article", "[retracted]"))
    return named or "retracted publication" in map(str.lower, types)


def _is_preprint(journal: str, types: Sequence[str]) -> bool:
    said = any("preprint" in kind.lower() for kind in types)
    return said or journal.lower().startswith(PREPRINT_SERVERS)
