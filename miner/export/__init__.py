"""Exporters by name: each turns a `Package` into files. Parts are loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from miner.errors import UnknownPart
from miner.export.package import File, Package

__all__ = ["EXPORTERS", "Exporter", "known", "load"]

Exporter = Callable[[Package], Iterable[File]]
"""The files of a package; one whose name is an ending alone is the whole export."""

EXPORTERS: dict[str, str] = {
    "csv": "miner.export.separated:files",
    "jsonl": "miner.export.lines:files",
    "parquet": "miner.export.columnar:files",
    "xlsx": "miner.export.workbook:files",
    "refi": "miner.export.refi:project",
    "qdc": "miner.export.refi:codebook",
    "ris": "miner.export.citations:ris",
    "bibtex": "miner.export.citations:bibtex",
    "csl": "miner.export.citations:csl",
    "ro-crate": "miner.export.crate:files",
    "datapackage": "miner.export.frictionless:files",
    "obsidian": "miner.export.obsidian:files",
    "html": "miner.export.page:files",
}
GROUP = "folkgrade.exporters"
"""Entry points of this group add exporters by name."""


def known() -> dict[str, str]:
    """Module and function by name, those of other packages too."""
    return {**EXPORTERS, **{part.name: part.value for part in entry_points(group=GROUP)}}


def load(name: str) -> Exporter:
    """The exporter of that name; UnknownPart for a name nobody knows."""
    parts = known()
    if name not in parts:
        raise UnknownPart(f"no exporter named {name!r}: known are {', '.join(sorted(parts))}")
    module, _, attribute = parts[name].partition(":")
    return cast("Exporter", getattr(import_module(module), attribute))
