"""All rows of one database into another, of another kind perhaps, as they stand at one moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import sqlalchemy as sa

from crawler.database import BATCH, insert, reading, writing
from crawler.errors import StoreError

__all__ = ["InUse", "copy_rows"]

Finish = Callable[[sa.Connection], None]
Show = Callable[[int, int], None]
"""Told how many rows are copied, and of how many."""
_OURS = "schema_versions"
"""What each database keeps of its own tables."""


class InUse(StoreError):
    """The database that was to be filled has rows."""


def copy_rows(
    source: sa.Engine, target: sa.Engine, derived: Collection[str], then: Finish, show: Show
) -> int:
    """How many rows were copied, all at once or none.

    Both databases have the same tables, the target's are empty. Of those in `derived` nothing is
    copied: `then` makes them anew in the same transaction. Raises StoreError, InUse among them.
    """
    with reading(source) as old, writing(target) as new:
        tables = _shared(old, new, derived)
        if any(_has_rows(new, table) for table in tables):
            raise InUse(f"database {target.url.database}: it is in use already")
        total = sum(old.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in tables)
        done = 0
        for table in tables:
            names = [one["name"] for one in sa.inspect(old).get_columns(table.name)]
            columns = [column for column in table.columns if column.name in names]
            streamed = old.execution_options(yield_per=BATCH).execute(sa.select(*columns))
            for some in streamed.mappings().partitions():
                show(done, total)
                new.execute(insert(new.dialect.name, table), [dict(row) for row in some])
                done += len(some)
            _count_on(new, table)
        then(new)
    return done


def _has_rows(connection: sa.Connection, table: sa.FromClause) -> bool:
    query = sa.select(sa.literal(1)).select_from(table).limit(1)
    return connection.scalar(query) is not None


def _shared(old: sa.Connection, new: sa.Connection, derived: Collection[str]) -> Sequence[sa.Table]:
    """The tables that both have, those that others refer to first, in the words of the target."""
    names = set(sa.inspect(old).get_table_names()) & set(sa.inspect(new).get_table_names())
    kept = names - {_OURS, *derived}
    found = sa.MetaData()
    found.reflect(new, only=sorted(kept), resolve_fks=False)
    return [table for table in found.sorted_tables if table.name in kept]


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """New rows get numbers that none has: PostgreSQL counts apart from the rows."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        counter = connection.scalar(
            sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))
        )
        if counter:
            last = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(counter, last, False)))
