"""What a reader takes along: exports of what the filters let through, references of a theme."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO, StringIO

from dashboard import data, deciding
from dashboard.routes import NAME
from dashboard.values import Filters, State
from miner import export
from miner.export.archive import ending, packed
from miner.export.gather import Wanted, gather
from miner.export.package import Quotes
from miner.export.separated import safe
from miner.model import Kind

__all__ = ["FORMATS", "HISTORY", "REFERENCES", "file_name", "history", "made", "narrowed"]

FORMATS: Mapping[str, tuple[str, str]] = {
    "csv": ("CSV tables", "for spreadsheets: one file for each table, in an archive"),
    "xlsx": ("Excel workbook", "one sheet for each table"),
    "jsonl": ("JSON lines", "for programs: one file for each table, in an archive"),
    "parquet": ("Parquet", "for R, Python and DuckDB, in an archive"),
    "refi": ("REFI-QDA project", "for NVivo, MAXQDA, ATLAS.ti and QualCoder"),
    "qdc": ("REFI-QDA code book", "the codes alone"),
    "ris": ("RIS", "the studies, for Zotero and EndNote"),
    "bibtex": ("BibTeX", "the studies, for LaTeX"),
    "csl": ("CSL-JSON", "the studies, for Pandoc and Zotero"),
    "obsidian": ("Obsidian vault", "one note for each theme, in an archive"),
    "html": ("One web page", "with charts; it needs nothing else"),
    "ro-crate": ("RO-Crate", "for archives: tables with the record of the run"),
    "datapackage": ("Data package", "for archives: tables with a Frictionless description"),
}
"""What each format is called and whom it is for; others are known by their name alone."""
HISTORY: Mapping[str, tuple[str, str]] = {
    "csv": ("Download the history as CSV", "text/csv"),
    "json": ("Download the history as JSON", "application/json"),
}
"""Formats of the history of decisions, with their button and media type."""
REFERENCES = ("ris", "bibtex", "csl")
EVERYTHING = Filters()


def made(
    state: State,
    form: str,
    quotes: Quotes = "short",
    filters: Filters = EVERYTHING,
    kind: Kind | None = None,
    themes: Sequence[str] = (),
) -> bytes:
    """The export as one file: an archive where it has several. It says what it was narrowed to."""
    corpus, knowledge = data.stores(state.url)
    rows = [] if themes else data.rows(state, filters, kind)
    whole = not filters.narrows and filters.least <= 1 and kind is None
    wanted = Wanted(
        themes=themes or (() if whole else [row.theme.id for row in rows]),
        quotes=quotes,
        project=os.environ.get(NAME, ""),
        program=_program(),
        lets=filters.lets if filters.narrows else None,
        takes=filters.takes if filters.without else None,
        tallies={row.theme.id: row.tally for row in rows} if filters.narrows else {},
        narrowed={} if themes else narrowed(filters, kind),
    )
    files = list(export.load(form)(gather(corpus, knowledge, wanted)))
    written = BytesIO()
    if ending(files):
        files[0].write(written)
    else:
        packed(written, files)
    return written.getvalue()


def history(state: State, form: str) -> bytes:
    """All decisions as a file of `HISTORY`; cells are safe to open in a spreadsheet."""
    found = deciding.records(state)
    if form == "json":
        return json.dumps(found, indent=2, ensure_ascii=False).encode("utf-8", "replace")
    text = StringIO(newline="")
    rows = csv.DictWriter(text, list(found[0]) if found else [], lineterminator="\r\n")
    rows.writeheader()
    for one in found:
        told = {**one, "value": json.dumps(one["value"], ensure_ascii=False)}
        rows.writerow({k: safe(v) if isinstance(v, str) else v for k, v in told.items()})
    return text.getvalue().encode("utf-8-sig", "replace")


def narrowed(filters: Filters, kind: Kind | None = None) -> dict[str, str]:
    """What was chosen, by what it is called."""
    chosen = {
        "kind": kind,
        "condition": filters.condition,
        "site": filters.site,
        "written since": filters.since,
        "written until": filters.until,
        "authors of a theme": f"{filters.least} or more" if filters.least > 1 else None,
        "articles that sell something": "left out" if filters.without else None,
    }
    return {name: str(value) for name, value in chosen.items() if value}


def file_name(state: State, form: str, theme: str = "") -> str:
    """Such as `folkgrade-csv-run3.zip`."""
    ends = {"bibtex": "bib", "csl": "json", "refi": "qdpx", "qdc": "qdc", "ris": "ris",
            "xlsx": "xlsx", "html": "html"}  # fmt: skip
    about = f"-{theme}" if theme else ""
    return f"folkgrade-{form}{about}-run{state.run}.{ends.get(form, 'zip')}"


def _program() -> str:
    try:
        return f"Folkgrade {version('folkgrade')}"
    except PackageNotFoundError:
        return "Folkgrade"
