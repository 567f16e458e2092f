"""Parquet: a file a table, with what every export says of itself in the file's own metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from typing import IO, Any

from miner.export.package import File, Package
from miner.export.sheet import beside
from miner.export.tables import Table, about, tables

__all__ = ["files"]

GROUP = 20_000
"""Rows held in memory at a time."""


def files(package: Package) -> list[File]:
    """A file a table, and what goes beside."""
    said = json.dumps(about(package), ensure_ascii=False)
    return [*(_file(table, said) for table in tables(package)), *beside(package)]


def _file(table: Table, said: str) -> File:
    return File(name=f"{table.name}.parquet", write=lambda stream: _write(stream, table, said))


def _write(stream: IO[bytes], table: Table, said: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(table, said)
    rows = table.rows()
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while some := list(islice(rows, GROUP)):
            columns = [
                pa.array(_values(values), type=field.type)
                for field, values in zip(schema, zip(*some, strict=True), strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _values(values: Sequence[Any]) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _schema(table: Table, said: str) -> Any:
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "whole": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
        "list": pa.list_(pa.string()),
    }
    fields = [
        pa.field(column.name, types[column.type], metadata={"meaning": column.meaning})
        for column in table.columns
    ]
    return pa.schema(fields, metadata={"folkgrade": said})
