"""What was read in collected documents, kept by content, so that nothing is read twice."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import batches
from crawler.documents import Document, Study
from miner import caches, library
from miner.conditions import Conditions
from miner.library import LibraryStudy
from miner.model import MemberQuestion
from miner.tables import readings

__all__ = ["ASKED", "Asked", "Entries", "Kept", "Readings"]

Value = TypeVar("Value")

Entries = tuple[LibraryStudy, ...]
"""One study as the library has them: an entry for each question it may answer."""

Asked = tuple[MemberQuestion, ...]
"""What is asked in one thread."""

_entries, ASKED = TypeAdapter(Entries), TypeAdapter(Asked)


log = logging.getLogger(__name__)


def _read(study: Study, among: Conditions | None) -> Entries:
    """The entries of a study; none, with a warning, of one that cannot be read."""
    try:
        return library.of_record(study, among)
    except Exception as error:
        # One bad record never ends a run.
        log.warning("%s cannot be read: %s: %s", study.source.url, type(error).__name__, error)
        return ()


class Kept(Generic[Value]):
    """What was read in documents, of one sort. Its table is one of `miner.tables`."""

    def __init__(self, engine: sa.Engine, version: str, form: TypeAdapter[Value]) -> None:
        """`version` names how documents are read: one of another version is read again."""
        self.engine = engine
        self.version = version
        self.form = form

    def each(
        self,
        hashes: Mapping[str, str],
        read: Callable[[Sequence[str]], Mapping[str, Value]],
    ) -> Iterator[Value]:
        """What is in each document, in order of address; `read` is asked for what is new.

        `hashes` are content digests by address. Of what `read` leaves out nothing comes. Memory
        holds one batch at a time.
        """
        for some in batches(sorted(hashes)):
            keys = {url: self._key(hashes[url]) for url in some}
            known = caches.known(self.engine, readings, self.form, keys)
            missing = [url for url in some if url not in known]
            new = read(missing) if missing else {}
            if new:
                caches.keep(self.engine, readings, self.form, keys, new)
            for url in some:
                if url in known or url in new:
                    yield known[url] if url in known else new[url]

    def _key(self, content: str) -> str:
        return hashlib.sha256(f"{content}\0{self.version}".encode()).hexdigest()


class Readings:
    """The readings of a project's studies."""

    def __init__(self, engine: sa.Engine, version: str) -> None:
        """`version` names how studies are read: one of another version is read again."""
        self._kept = Kept(engine, version, _entries)

    def each(
        self,
        hashes: Mapping[str, str],
        get: Callable[[str], Document | None],
        among: Conditions | None = None,
    ) -> Iterator[Entries]:
        """The entries of each study in order of address; only what is new is asked of `get`.

        `hashes` are content digests by address. Memory holds one batch at a time.
        """

        def read(urls: Sequence[str]) -> dict[str, Entries]:
            studies = ((url, get(url)) for url in urls)
            return {url: _read(one, among) for url, one in studies if isinstance(one, Study)}

        return self._kept.each(hashes, read)
