"""What goes beside the tables of an export: its origin as JSON, and the datasheet to be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from miner.export.package import Datasheet, File, Package, Site
from miner.export.tables import LAYOUT, about

__all__ = ["beside", "datasheet", "findable_line", "json_file", "lines_about", "text_file"]


def text_file(name: str, text: str) -> File:
    """A file of text in UTF-8."""

    def write(stream: IO[bytes]) -> None:
        stream.write(text.encode())

    return File(name=name, write=write)


def json_file(name: str, value: Any) -> File:
    """A file of one JSON value."""
    return text_file(name, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def beside(package: Package) -> list[File]:
    """`about.json` and `DATASHEET.md`."""
    return [json_file("about.json", about(package)), text_file("DATASHEET.md", datasheet(package))]


def lines_about(package: Package) -> list[tuple[str, str]]:
    """What every export says of itself, name and value, to be shown in a few lines."""
    said = package.about
    counts = ", ".join(f"{count:,} {name}" for name, count in said.counts.items())
    return [
        ("Project", said.project),
        ("Made with", said.program),
        ("Run", f"{said.run}, mined {said.mined:%Y-%m-%d %H:%M} UTC"),
        ("Settings", said.settings_hash),
        ("Models", ", ".join(f"{name}: {value}" for name, value in said.models.items())),
        ("Filters", "; ".join(f"{name}: {value}" for name, value in said.filters.items())),
        ("Counts", counts),
        ("Caution", said.caution),
    ]


def findable_line(sheet: Datasheet) -> str:
    """How many of the kept quotes a search would find, as a sentence."""
    return (
        f"Of {sheet.kept:,} kept quotes {sheet.findable:,} have six words or more in a row as "
        "written, so that a search would find them."
    )


def datasheet(package: Package) -> str:
    """What was collected, what was taken out, and the terms, as Markdown."""
    return "\n".join(_datasheet(package)) + "\n"


def _datasheet(package: Package) -> Iterator[str]:
    sheet = package.datasheet
    yield "# Datasheet\n"
    yield from (f"- {name}: {value}" for name, value in lines_about(package))
    yield "\n## What was collected\n"
    for site in sheet.sites:
        yield from _collected(site)
    yield "\n## What was taken out\n"
    yield from (f"- {sentence}" for sentence in sheet.removed)
    yield f"- {findable_line(sheet)}"
    yield "\n## The tables\n"
    for name, columns in LAYOUT.items():
        yield f"\n### {name}\n\n| column | type | meaning |\n|---|---|---|"
        yield from (f"| {column.name} | {column.type} | {column.meaning} |" for column in columns)


def _collected(site: Site) -> Iterator[str]:
    dates = (
        f", posts of {site.first:%Y-%m} to {site.last:%Y-%m}" if site.first and site.last else ""
    )
    yield (
        f"- {site.site}: {site.threads:,} threads with {site.posts:,} posts by {site.authors:,} "
        f"pseudonyms, {site.articles:,} articles, {site.studies:,} studies{dates}; "
        f"{site.off_topic:,} threads off the subject not stored, {site.failed:,} pages failed, "
        f"{site.missing:,} posts missing. Terms: {site.licence}"
    )
