"""One paper once: by which names records of several services are the same, and how they join."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace
from typing import TypeVar

from crawler.documents import Study

__all__ = ["is_same", "joined", "names"]

SHORTEST = 5
"""Words of a title from which on it can tell a paper: `Reply to the authors` cannot."""

Item = TypeVar("Item")


def names(study: Study) -> tuple[str, ...]:
    """What a paper is known by: DOI, PMID, title with year; a registered trial by its number."""
    if study.design == "registry_entry":
        return tuple(f"registry:{number}" for number in study.registry)
    titled = _titled(study)
    return tuple(
        name
        for name in (
            f"doi:{study.doi.lower()}" if study.doi else None,
            f"pmid:{study.pmid}" if study.pmid else None,
            f"title:{titled}" if titled else None,
        )
        if name
    )


def _titled(study: Study) -> str | None:
    folded = unicodedata.normalize("NFKD", study.title).casefold()
    words = "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c))
    if study.year is None or len(words.split()) < SHORTEST:
        return None
    return hashlib.sha256(f"{' '.join(words.split())} {study.year}".encode()).hexdigest()[:24]


def is_same(one: Study, other: Study) -> bool:
    """Whether two records with a name in common are one paper.

    Records with the same title and different numbers are two papers, such as a yearly update;
    a preprint and what became of it are one.
    """
    if (one.design == "registry_entry") != (other.design == "registry_entry"):
        return False
    if one.pmid and other.pmid:
        return one.pmid == other.pmid
    if one.doi and other.doi and one.doi.lower() != other.doi.lower():
        return (one.preprint or other.preprint) and _titled(one) == _titled(other)
    return bool(set(names(one)) & set(names(other)))


def joined(former: Study, new: Study) -> Study:
    """What both records tell of one paper; of a preprint and the paper the paper's numbers count.

    A retraction told by one service holds whatever the others say.
    """
    paper, other = (new, former) if former.preprint and not new.preprint else (former, new)
    is_preprint = paper.preprint and other.preprint
    types = _both(paper.publication_types, other.publication_types)
    return replace(
        paper,
        title=paper.title or other.title,
        abstract=max(paper.abstract, other.abstract, key=len),
        publication_types=tuple(t for t in types if is_preprint or t.lower() != "preprint"),
        design=paper.design or other.design,
        n=paper.n if paper.n is not None else other.n,
        year=paper.year or other.year,
        doi=paper.doi or other.doi,
        pmid=paper.pmid or other.pmid,
        retracted=paper.retracted or other.retracted,
        preprint=is_preprint,
        authors=max(paper.authors, other.authors, key=len),
        journal=paper.journal or other.journal,
        pages=paper.pages or other.pages,
        mesh=paper.mesh or other.mesh,
        registry=_both(paper.registry, other.registry),
    )


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Both lists, each word once whatever its capitals."""
    known = {word.lower() for word in one}
    return (*one, *(word for word in other if word.lower() not in known))
