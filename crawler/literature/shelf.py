"""Where studies are put: into the store, one paper once whoever found it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Protocol

from crawler.clean import sound
from crawler.documents import Document, Study
from crawler.literature.papers import is_same, joined, names

__all__ = ["Shelf"]

Added = Literal["new", "changed", "same", "forgotten"]


class Store(Protocol):
    """What a shelf needs of `crawler.corpus.Corpus`."""

    def add(self, document: Document) -> Added:
        """Stores a document, and says what that did."""

    def get(self, url: str) -> Document | None:
        """The stored document of that address."""

    def drop(self, url: str) -> bool:
        """Removes the document of that address."""


class Names(Protocol):
    """What a shelf needs of `crawler.lookups.Lookups`."""

    def homes(self, names: Sequence[str]) -> list[str]:
        """Addresses of the papers known by one of the names."""

    def name(self, names: Sequence[str], url: str) -> None:
        """Makes a paper known by the names."""


class Shelf:
    """Studies of a project."""

    def __init__(self, store: Store, known: Names) -> None:
        """`known` remembers by which names papers go."""
        self.store = store
        self.known = known

    def put(self, study: Study) -> tuple[str, Added]:
        """Address the paper is stored under, and what storing it did.

        What other services told of the same paper is kept; records of it that were taken for
        several papers become one.
        """
        study = _sound(study)
        former = [known for known in self._known(study) if is_same(known, study)]
        whole = study
        for known in former:
            whole = joined(known, whole)
        home = former[0].source.url if former else study.source.url
        whole = replace(whole, source=replace(study.source, url=home))
        done = self.store.add(whole)
        for known in former[1:]:
            self.store.drop(known.source.url)
        gone = [name for known in former for name in names(known)]
        self.known.name([*names(whole), *names(study), *gone], home)
        return home, done

    def retract(self, doi: str) -> bool:
        """Whether a stored paper is now marked as retracted that was not before."""
        changed = False
        for url in self.known.homes([f"doi:{doi}"]):
            study = self.store.get(url)
            if isinstance(study, Study) and not study.retracted:
                changed = self.store.add(replace(study, retracted=True)) == "changed" or changed
        return changed

    def _known(self, study: Study) -> list[Study]:
        """Stored studies that share a name with this one, those with its own address first."""
        urls = [study.source.url, *self.known.homes(names(study))]
        stored = (self.store.get(url) for url in dict.fromkeys(urls))
        return [found for found in stored if isinstance(found, Study)]


def _sound(study: Study) -> Study:
    found = sound(study)
    assert isinstance(found, Study)
    return found
