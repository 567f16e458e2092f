"""A Frictionless data package: tables as CSV, and `datapackage.json` that tells their columns."""

from __future__ import annotations

from typing import Any

from miner.export.package import File, Package
from miner.export.separated import table_file
from miner.export.sheet import beside, json_file
from miner.export.tables import Column, Table, tables

__all__ = ["descriptor", "files"]

_TYPES = {"text": "string", "whole": "integer", "number": "number", "truth": "boolean"}
_KEYS = ("themes", "claims", "evidence", "contradictions", "questions", "studies")
"""Tables whose `id` is one of a kind."""
_THEMED = ("claims", "evidence", "grades", "gaps", "contradictions")


def files(package: Package) -> list[File]:
    """The tables, their description, and what goes beside."""
    found = tables(package)
    return [
        *(table_file(f"data/{table.name}.csv", table) for table in found),
        json_file("datapackage.json", descriptor(package, found)),
        *beside(package),
    ]


def descriptor(package: Package, found: list[Table]) -> dict[str, Any]:
    """What `datapackage.json` says."""
    about = package.about
    return {
        "profile": "tabular-data-package",
        "name": f"folkgrade-run-{about.run}",
        "title": about.project,
        "description": about.caution,
        "created": about.mined.isoformat(),
        "version": f"{about.run}",
        "settings_hash": about.settings_hash,
        "filters": dict(about.filters),
        "counts": dict(about.counts),
        "sources": [
            {"title": f"{site.site}: {site.licence}", "path": f"https://{site.site}"}
            for site in package.datasheet.sites
            if site.site != "import"
        ],
        "resources": [_resource(table) for table in found],
    }


def _resource(table: Table) -> dict[str, Any]:
    keys: dict[str, Any] = {"primaryKey": "id"} if table.name in _KEYS else {}
    if table.name in _THEMED:
        keys["foreignKeys"] = [
            {"fields": "theme", "reference": {"resource": "themes", "fields": "id"}}
        ]
    return {
        "name": table.name,
        "path": f"data/{table.name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "doubleQuote": True, "lineTerminator": "\r\n"},
        "schema": {"fields": [_field(c) for c in table.columns], "missingValues": [""], **keys},
    }


def _field(column: Column[Any]) -> dict[str, str]:
    """A list is a text whose entries are parted by `; `."""
    kind = _TYPES.get(column.type, "string")
    return {"name": column.name, "type": kind, "description": column.meaning}
