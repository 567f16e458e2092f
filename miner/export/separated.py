"""CSV, safe to open in a spreadsheet: no cell is ever taken for a formula."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable
from itertools import islice
from typing import IO, Any

from miner.export.package import File, Package
from miner.export.sheet import beside
from miner.export.tables import Table, flat, tables

__all__ = ["as_written", "files", "safe", "table_file"]

BATCH = 2000
"""Rows put into bytes at a time."""

# A spreadsheet that parts columns by another sign takes what follows it for a cell of its own.
_FORMULA = re.compile(r"(^|[;\t\r\n|\"])('*)(?=[ \u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def files(package: Package) -> list[File]:
    """A file a table, UTF-8 with the mark that spreadsheets look for, and what goes beside."""
    found = (table_file(f"{table.name}.csv", table, mark=True) for table in tables(package))
    return [*found, *beside(package)]


def table_file(name: str, table: Table, *, mark: bool = False) -> File:
    """The rows of a table as CSV of RFC 4180."""
    return File(name=name, write=lambda stream: _write(stream, table, mark=mark))


def _write(stream: IO[bytes], table: Table, *, mark: bool) -> None:
    if mark:
        stream.write(codecs.BOM_UTF8)
    rows = ([_cell(value) for value in row] for row in table.rows())
    stream.write(_lines([table.names]))
    while some := list(islice(rows, BATCH)):
        stream.write(_lines(some))


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    value = flat(value)
    return safe(value) if isinstance(value, str) else value


def safe(text: str) -> str:
    """The text with `'` before whatever a spreadsheet could take for a formula."""
    return _FORMULA.sub(r"\1'\2", text)


def as_written(cell: str) -> str:
    """The text of a safe cell, character for character."""
    return re.sub(_FORMULA.pattern.replace("('*)", "'('*)"), r"\1\2", cell)
