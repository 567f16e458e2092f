"""What was told of a theme before, kept by all it was made of, so that it is not told anew.

A memory holds texts by key. A key is a digest of everything the text follows from, so that what
is found is what would be made again; nothing in it is ever brought up to date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Protocol

import sqlalchemy as sa

from crawler.database import batches, explained, writing
from miner.caches import signed, unsigned
from miner.rows import insert_new
from miner.tables import drafts

__all__ = ["InStore", "Memory", "Mind"]


class Memory(Protocol):
    """Where texts are kept."""

    def recall(self, keys: Collection[str]) -> Mapping[str, str]:
        """The texts of those keys that are known."""

    def keep(self, told: Mapping[str, str]) -> None:
        """Keeps texts by key."""


class Mind:
    """A memory that lasts as long as the process."""

    def __init__(self) -> None:
        """Nothing is known at first."""
        self.told: dict[str, str] = {}

    def recall(self, keys: Collection[str]) -> Mapping[str, str]:
        """The texts of those keys that are known."""
        return {key: self.told[key] for key in keys if key in self.told}

    def keep(self, told: Mapping[str, str]) -> None:
        """Keeps texts by key."""
        self.told.update(told)


class InStore:
    """The memory of a project. Its table is one of `miner.tables`, cleared by forgetting."""

    def __init__(self, engine: sa.Engine, version: str) -> None:
        """`version` names code, model and settings: what others told is not recalled."""
        self.engine = engine
        self.version = hashlib.sha256(version.encode()).hexdigest()[:16]
        self.used: set[str] = set()

    def recall(self, keys: Collection[str]) -> Mapping[str, str]:
        """The texts of those keys that are known."""
        own = {f"{self.version} {key}": key for key in keys}
        self.used |= own.keys()
        found: dict[str, str] = {}
        with explained(self.engine), self.engine.connect() as connection:
            for some in batches(sorted(own)):
                query = sa.select(drafts).where(drafts.c.key.in_(some))
                found |= {own[row.key]: row.value for row in connection.execute(query)}
        sound = {key: unsigned(value) for key, value in found.items()}
        return {key: text for key, text in sound.items() if text is not None}

    def keep(self, told: Mapping[str, str]) -> None:
        """Keeps texts by key, in the place of damaged ones."""
        rows = [
            {"key": f"{self.version} {key}", "value": signed(told[key])} for key in sorted(told)
        ]
        with writing(self.engine) as connection:
            for some in batches(rows):
                keys = [row["key"] for row in some]
                connection.execute(drafts.delete().where(drafts.c.key.in_(keys)))
            insert_new(connection, drafts, rows)

    def prune(self, connection: sa.Connection) -> int:
        """How many texts went that nobody asked for."""
        unused = sorted(set(connection.scalars(sa.select(drafts.c.key))) - self.used)
        for some in batches(unused):
            connection.execute(drafts.delete().where(drafts.c.key.in_(some)))
        return len(unused)
