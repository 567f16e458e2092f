"""JSONL: a file a table, an object a line, with a schema beside them (docs/export.schema.json)."""

from __future__ import annotations

import json
from typing import IO, Any

from miner.export.package import File, Package
from miner.export.sheet import beside, json_file
from miner.export.tables import LAYOUT, SCHEMA_VERSION, Column, Table, tables

__all__ = ["files", "schema"]

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "whole": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "truth": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
}


def files(package: Package) -> list[File]:
    """A file a table, the schema, and what goes beside."""
    found = [_file(table) for table in tables(package)]
    return [*found, json_file("schema.json", schema()), *beside(package)]


def _file(table: Table) -> File:
    def write(stream: IO[bytes]) -> None:
        names = table.names
        for row in table.rows():
            record = dict(zip(names, row, strict=True))
            stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")

    return File(name=f"{table.name}.jsonl", write=write)


def schema() -> dict[str, Any]:
    """JSON Schema of the lines, a definition for each table."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Lines of `folkgrade export jsonl`",
        "description": f"Schema {SCHEMA_VERSION}. A line of NAME.jsonl is a `#/$defs/NAME`.",
        "$defs": {
            name: {
                "type": "object",
                "properties": {column.name: _property(column) for column in columns},
                "required": [column.name for column in columns],
                "additionalProperties": False,
            }
            for name, columns in LAYOUT.items()
        },
    }


def _property(column: Column[Any]) -> dict[str, Any]:
    return {**_TYPES[column.type], "description": column.meaning}
