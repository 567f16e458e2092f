"""What was read in collected studies, kept by content, so that no study is read twice."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping

import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import batches, explained
from crawler.documents import Document, Study
from miner import library
from miner.conditions import Conditions
from miner.library import LibraryStudy
from miner.tables import readings

__all__ = ["Entries", "Readings"]

Entries = tuple[LibraryStudy, ...]
"""One study as the library has them: an entry for each question it may answer."""

_entries = TypeAdapter(Entries)


log = logging.getLogger(__name__)


def _read(study: Study, among: Conditions | None) -> Entries:
    """The entries of a study; none, with a warning, of one that cannot be read."""
    try:
        return library.of_record(study, among)
    except Exception as error:
        # One bad record never ends a run.
        log.warning("%s cannot be read: %s: %s", study.source.url, type(error).__name__, error)
        return ()


class Readings:
    """The readings of a project's studies. Its table is one of `miner.tables`."""

    def __init__(self, engine: sa.Engine, version: str) -> None:
        """`version` names how studies are read: one of another version is read again."""
        self.engine = engine
        self.version = version

    def each(
        self,
        hashes: Mapping[str, str],
        get: Callable[[str], Document | None],
        among: Conditions | None = None,
    ) -> Iterator[Entries]:
        """The entries of each study in order of address; only what is new is asked of `get`.

        `hashes` are content digests by address. Memory holds one batch at a time.
        """
        for some in batches(sorted(hashes)):
            keys = {url: self._key(hashes[url]) for url in some}
            known = self._known(keys)
            new: dict[str, Entries] = {}
            for url in some:
                if url not in known and isinstance(study := get(url), Study):
                    new[url] = _read(study, among)
            self._keep({url: (keys[url], entries) for url, entries in new.items()})
            for url in some:
                yield known[url] if url in known else new.get(url, ())

    def _key(self, content: str) -> str:
        return hashlib.sha256(f"{content}\0{self.version}".encode()).hexdigest()

    def _known(self, keys: Mapping[str, str]) -> dict[str, Entries]:
        query = sa.select(readings).where(readings.c.document.in_(keys))
        with explained(self.engine), self.engine.connect() as connection:
            return {
                row.document: _entries.validate_json(row.value)
                for row in connection.execute(query)
                if row.key == keys[row.document]
            }

    def _keep(self, found: Mapping[str, tuple[str, Entries]]) -> None:
        rows = [
            {"document": url, "key": key, "value": _entries.dump_json(entries).decode()}
            for url, (key, entries) in found.items()
        ]
        if rows:
            with explained(self.engine), self.engine.begin() as connection:
                connection.execute(readings.delete().where(readings.c.document.in_(found)))
                connection.execute(readings.insert(), rows)
