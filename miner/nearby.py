"""The vectors of the index where PostgreSQL itself compares them: the extension pgvector.

The table is there if, and only if, the extension was when the index was made. Every vector is
compared, so that nothing is missed and the answers are those of any other database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

__all__ = ["TABLE", "blank", "fit", "keep", "nearest", "stands"]

TABLE = "search_nearby"

_NEAREST = sa.text(
    f'SELECT "row", -(value <#> CAST(:asked AS halfvec)) AS likeness FROM {TABLE} '  # noqa: S608
    'ORDER BY value <#> CAST(:asked AS halfvec), "row" LIMIT :most'
)


def stands(connection: sa.Connection) -> bool:
    """Whether the index of this database has vectors to compare in it."""
    if connection.dialect.name != "postgresql":
        return False
    # Not the table alone: an extension that is dropped takes its column along.
    column = (
        f"SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('{TABLE}') "  # noqa: S608
        "AND attname = 'value' AND NOT attisdropped"
    )
    return connection.scalar(sa.text(column)) is not None


def keep(connection: sa.Connection, blocks: Sequence[NDArray[np.float16]]) -> None:
    """Puts the vectors in the place of the former ones, where the extension is there."""
    if connection.dialect.name != "postgresql":
        return
    # The extension can go from a database, and come.
    if connection.scalar(sa.text("SELECT to_regtype('halfvec')")) is None:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {TABLE}")
        return
    if stands(connection):
        connection.exec_driver_sql(f"DELETE FROM {TABLE}")  # noqa: S608
    else:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {TABLE}")
        connection.exec_driver_sql(
            f'CREATE TABLE {TABLE} ("row" integer PRIMARY KEY, value halfvec NOT NULL)'
        )
        # Beside their row, not in a table of their own that every comparison would go through.
        connection.exec_driver_sql(f"ALTER TABLE {TABLE} ALTER COLUMN value SET STORAGE PLAIN")
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {TABLE} FROM STDIN WITH (FORMAT BINARY)") as pipe:
        pipe.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        start = 0
        for block in blocks:
            pipe.write(_packed(np.nan_to_num(block), start))
            start += len(block)
        pipe.write(b"\xff\xff")
    cursor.close()


def _packed(block: NDArray[np.float16], start: int) -> bytes:
    """Rows as PostgreSQL's binary COPY wants them: fields, each after its length, high byte first.

    A halfvec is its dimensions, two empty bytes and its numbers.
    """
    width = block.shape[1]
    layout = [("fields", ">i2"), ("four", ">i4"), ("row", ">i4"), ("length", ">i4"),
              ("dimensions", ">i2"), ("unused", ">i2"), ("value", ">f2", (width,))]  # fmt: skip
    rows = np.zeros(len(block), np.dtype(layout))
    rows["fields"], rows["four"], rows["length"] = 2, 4, 4 + 2 * width
    rows["row"] = np.arange(start, start + len(block))
    rows["dimensions"], rows["value"] = width, block
    return rows.tobytes()


def nearest(
    connection: sa.Connection, vector: NDArray[np.float32], least: float, most: int
) -> NDArray[np.int64]:
    """Rows of the vectors that are at least so like, the likest first, so many at most."""
    asked = "[" + ",".join(f"{number:.6g}" for number in vector.tolist()) + "]"
    found = connection.execute(_NEAREST, {"asked": asked, "most": most}).all()
    return np.array([row.row for row in found if row.likeness >= least], np.int64)


def blank(connection: sa.Connection, rows: Iterable[int]) -> None:
    """Takes vectors out that nobody has any more."""
    if stands(connection):
        gone = sa.text(f'DELETE FROM {TABLE} WHERE "row" = ANY(:rows)')  # noqa: S608
        connection.execute(gone, {"rows": sorted(rows)})


def fit(connection: sa.Connection) -> bool:
    """Whether every vector that an entry has is there."""
    if not stands(connection):
        return True
    lost = (
        f"SELECT count(*) FROM search_entries LEFT JOIN {TABLE} AS near "  # noqa: S608
        'ON near."row" = vector WHERE vector >= 0 AND near."row" IS NULL'
    )
    return not connection.scalar(sa.text(lost))
