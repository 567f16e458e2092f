"""RO-Crate 1.1: the tables as CSV with a record of what made them, for archives."""

from __future__ import annotations

from typing import Any

from miner.export.package import File, Package
from miner.export.separated import table_file
from miner.export.sheet import beside, json_file
from miner.export.tables import Table, tables

__all__ = ["files"]

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
LICENCE = (
    "Counts and grades may be used with the project named. Quotes belong to those who wrote them; "
    "the terms of each source are in DATASHEET.md."
)


def files(package: Package) -> list[File]:
    """The tables, the record, and what goes beside."""
    found = tables(package)
    metadata = {"@context": CONTEXT, "@graph": _graph(package, found)}
    return [
        json_file("ro-crate-metadata.json", metadata),
        *(table_file(f"data/{table.name}.csv", table) for table in found),
        *beside(package),
    ]


def _graph(package: Package, found: list[Table]) -> list[dict[str, Any]]:
    about = package.about
    parts = [f"data/{table.name}.csv" for table in found] + ["about.json", "DATASHEET.md"]
    when = about.mined.isoformat()
    counts = ", ".join(f"{count:,} {name}" for name, count in about.counts.items())
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": about.project or "Folkgrade export",
        "description": f"{about.caution} {counts}.",
        "datePublished": when,
        "license": {"@id": "#licence"},
        "identifier": f"folkgrade-run-{about.run}",
        "version": about.settings_hash,
        "hasPart": [{"@id": part} for part in parts],
        "mentions": {"@id": "#run"},
    }
    return [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        root,
        {"@id": "#licence", "@type": "CreativeWork", "name": "Terms", "description": LICENCE},
        *_run(package, parts, when),
        *(_part(table) for table in found),
        _described("about.json", "application/json", "Run, settings, filters, counts, datasheet"),
        _described("DATASHEET.md", "text/markdown", "What was collected and taken out, and terms"),
    ]


def _run(package: Package, parts: list[str], when: str) -> list[dict[str, Any]]:
    """What made the tables: an action, the program and its settings."""
    about = package.about
    said = {**about.filters, **{f"model {name}": value for name, value in about.models.items()}}
    settings = [
        {"@id": f"#setting-{number}", "@type": "PropertyValue", "name": name, "value": value}
        for number, (name, value) in enumerate(said.items(), 1)
    ]
    action = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run {about.run}, settings {about.settings_hash}",
        "endTime": when,
        "instrument": {"@id": "#folkgrade"},
        "object": [{"@id": setting["@id"]} for setting in settings],
        "result": [{"@id": part} for part in parts],
    }
    name, _, version = about.program.partition(" ")
    program = {"@id": "#folkgrade", "@type": "SoftwareApplication", "name": name}
    return [action, {**program, "softwareVersion": version or "unknown"}, *settings]


def _part(table: Table) -> dict[str, Any]:
    columns = "; ".join(f"{column.name}: {column.meaning}" for column in table.columns)
    return _described(f"data/{table.name}.csv", "text/csv", columns)


def _described(name: str, form: str, description: str) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "File",
        "name": name.rpartition("/")[2],
        "encodingFormat": form,
        "description": description,
    }
