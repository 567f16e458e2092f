"""What of a project lies beside its database: the key of the pseudonyms and the kept pages."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from crawler.corpus import Corpus
from crawler.documents import Document
from crawler.frontier import Frontier
from crawler.intake import Intake
from crawler.literature.shelf import Shelf
from crawler.lookups import Lookups
from crawler.privacy import load_key, pseudonymise
from crawler.raw import RawPages
from crawler.unkeep import Traces, unkeep

__all__ = ["Vault", "hiding"]


class Vault:
    """The folder with the key, and what only the key opens."""

    def __init__(self, folder: Path, corpus: Callable[[], Corpus]) -> None:
        """`corpus` opens the store that the key belongs to."""
        self._corpus = corpus
        self.key_file = folder / "pseudonyms.key"
        self.pages_file = folder / "pages.db"

    def key(self) -> bytes:
        """The key of the pseudonyms, made at first use; never anew where there are pseudonyms."""
        is_lost = not self.key_file.exists() and any(s.authors for s in self._corpus().sites())
        return load_key(self.key_file, must_exist=is_lost)

    def raw(self) -> RawPages:
        """The kept pages, sealed with the key."""
        return RawPages(self.pages_file, self.key())

    def intake(self) -> Intake:
        """The way into the store for files and kept pages."""
        corpus = self._corpus()
        shelf = Shelf(corpus, Lookups(corpus.engine))
        return Intake(corpus, Frontier(corpus.engine), self.key(), shelf)

    def hiding(self) -> Callable[[Document], Document]:
        """What hides names: with the key where there is one; none is made for this."""
        return hiding(self.key() if self.key_file.exists() else None)

    def unkeep(self, found: Traces) -> int:
        """How many kept pages with these traces went."""
        if not self.pages_file.exists():
            return 0
        with self.raw() as raw:
            return unkeep(raw, found, self.key())


def hiding(key: bytes | None = None) -> Callable[[Document], Document]:
    """What hides names: with that key, else with one that nobody keeps."""
    return partial(pseudonymise, key=key or os.urandom(32))
