"""What literature services were asked and what came of it, and by which names papers are known."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crawler.database import batches, explained, insert, migrate, writing
from crawler.steps import STEPS
from crawler.tables import lookups, papers

__all__ = ["Lookup", "Lookups"]


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One question to one service, and its outcome."""

    subject: str
    """Whose question it was, such as a theme's id; empty for checks of papers already found."""
    condition: str
    service: str
    rung: str
    query: str
    made: datetime
    hits: int | None
    """Records the service has; None where it did not say."""
    found: tuple[str, ...] = ()
    """Addresses of the studies that were read."""
    failure: str = ""
    """Why there is no answer; empty where there is one."""


class Lookups:
    """The questions of a project."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the store and brings its tables up to date; raises StoreError."""
        self.engine = engine
        migrate(engine, "corpus", STEPS)

    def every(self) -> list[Lookup]:
        """All questions that were asked last, by subject, condition, service and rung."""
        keys = lookups.c.subject, lookups.c.condition, lookups.c.service, lookups.c.rung
        return self._read(sa.select(lookups).order_by(*keys))

    def answered(self, service: str, query: str, after: datetime) -> Lookup | None:
        """The latest answer to this very query since then, whoever asked."""
        where = sa.and_(lookups.c.service == service, lookups.c.query == query)
        wanted = sa.select(lookups).where(where, lookups.c.failure == "")
        found = [each for each in self._read(wanted) if each.made >= after]
        return max(found, key=lambda each: each.made, default=None)

    def keep(self, lookup: Lookup) -> None:
        """Remembers a question in place of the former one of its subject, service and rung."""
        row = asdict(lookup) | {"found": json.dumps(lookup.found)}
        keys = ("subject", "condition", "service", "rung")
        statement = insert(self.engine.dialect.name, lookups)
        values = {c.name: c for c in statement.excluded if c.name not in keys}
        with writing(self.engine) as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=values), row
            )

    def homes(self, names: Collection[str]) -> list[str]:
        """Addresses of the stored papers known by one of the names, sorted."""
        query = sa.select(papers.c.url).where(papers.c.name.in_(list(names))).distinct()
        with explained(self.engine), self.engine.connect() as connection:
            return sorted(connection.scalars(query))

    def name(self, names: Iterable[str], url: str) -> None:
        """Makes the paper known by the names."""
        rows = [{"name": name, "url": url} for name in dict.fromkeys(names)]
        statement = insert(self.engine.dialect.name, papers)
        values = {"url": statement.excluded.url}
        statement = statement.on_conflict_do_update(index_elements=["name"], set_=values)
        with writing(self.engine) as connection:
            for some in batches(rows):
                connection.execute(statement, list(some))

    def _read(self, query: sa.Select[Any]) -> list[Lookup]:
        with explained(self.engine), self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [_lookup(row) for row in rows]


def _lookup(row: sa.RowMapping) -> Lookup:
    values = {str(name): value for name, value in row.items()}
    return Lookup(**values | {"found": tuple(json.loads(row["found"]))})
