"""XLSX: one workbook, a sheet a table. Text is written as text, never as a formula or a link."""

from __future__ import annotations

from datetime import UTC
from typing import IO, Any

from miner.export.package import File, Package
from miner.export.sheet import findable_line, lines_about
from miner.export.tables import Table, flat, tables

__all__ = ["files"]

LONGEST = 32_767
"""Characters a cell may hold."""
MOST_ROWS = 1_048_575
"""Rows a sheet may hold below its headings."""
WIDTHS = {"name": 34, "text": 60, "title": 60, "reasons": 50, "finding": 50, "licence": 60}


def files(package: Package) -> list[File]:
    """The workbook: `about` first, then the tables."""
    return [File(name=".xlsx", write=lambda stream: _write(stream, package))]


def _write(stream: IO[bytes], package: Package) -> None:
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    # Rows are written as they come, so that memory does not grow with them.
    book = xlsxwriter.Workbook(_Quiet(stream), {"constant_memory": True, "strings_to_urls": False})
    mined = package.about.mined.astimezone(UTC).replace(tzinfo=None)
    book.set_properties(
        {
            "title": package.about.project,
            "comments": package.about.caution,
            "created": mined,
        }
    )
    bold = book.add_format({"bold": True, "bottom": 1})
    _about(book.add_worksheet("about"), bold, package)
    for table in tables(package):
        _sheet(book, bold, table)
    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] from error


class _Quiet:
    """A stream that fails once: an archive tries again, aloud, when it is dropped.

    After a failure nothing is written; places go on, since the archive reckons with them.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.failed = False
        self.place = stream.tell() if stream.seekable() else 0

    def write(self, data: bytes) -> int:
        """As of a stream."""
        if not self.failed:
            self.failed = True
            self.stream.write(data)
            self.failed = False
        self.place += len(data)
        return len(data)

    def seek(self, place: int, how: int = 0) -> int:
        """As of a stream, from its beginning or from where it is."""
        wanted = place + (self.place if how else 0)
        if not self.failed:
            self.stream.seek(wanted)
        self.place = wanted
        return wanted

    def tell(self) -> int:
        """As of a stream."""
        return self.place

    def flush(self) -> None:
        """As of a stream."""
        if not self.failed:
            self.stream.flush()


def _about(sheet: Any, bold: Any, package: Package) -> None:
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 120)
    said = [*lines_about(package), *(("Removed", text) for text in package.datasheet.removed)]
    said.append(("Findable", findable_line(package.datasheet)))
    for row, (name, value) in enumerate(said):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, value)


def _sheet(book: Any, bold: Any, table: Table) -> None:
    """The table on as many sheets as its rows need."""
    sheet, row, number = None, 0, 1
    for values in table.rows():
        if sheet is None or row == MOST_ROWS:
            sheet = _new(book, bold, table, number)
            row, number = 0, number + 1
        row += 1
        for place, value in enumerate(values):
            _cell(sheet, row, place, flat(value))
    if sheet is None:
        _new(book, bold, table, 1)


def _new(book: Any, bold: Any, table: Table, number: int) -> Any:
    sheet = book.add_worksheet(table.name if number == 1 else f"{table.name} {number}")
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(table.names):
        sheet.set_column(place, place, WIDTHS.get(name, 14))
        sheet.write_string(0, place, name, bold)
    return sheet


def _cell(sheet: Any, row: int, place: int, value: Any) -> None:
    if isinstance(value, str):
        if value:
            sheet.write_string(row, place, _fitting(value))
    elif isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif value is not None:
        sheet.write_number(row, place, value)


def _fitting(text: str) -> str:
    """The text, cut where a cell cannot hold it. Excel counts in UTF-16 units."""
    if len(text) <= LONGEST // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST:
        return text
    return units[: 2 * (LONGEST - 1)].decode("utf-16-le", "ignore") + "…"
