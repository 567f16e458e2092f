"""Flags that several commands share, their choices, and the examples of every command."""

from __future__ import annotations

import tomllib
from datetime import datetime
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "EXAMPLES",
    "EXPORT_FORMATS",
    "Covered",
    "Day",
    "DigestForm",
    "FileKind",
    "GapKind",
    "Json",
    "Own",
    "ProjectFolder",
    "QuotePolicy",
    "SearchMode",
    "ThemeKind",
    "examples",
]

EXAMPLES: dict[str, list[str]] = tomllib.loads(
    resources.files("console").joinpath("examples.toml").read_text(encoding="utf-8")
)


def examples(command: str) -> str:
    """The examples of a command, as its help shows them."""
    return "\n\n".join(["Examples:", *EXAMPLES[command]])


ProjectFolder = Annotated[
    Path | None,
    typer.Option(
        "--project", "-p", envvar="FOLKGRADE_PROJECT", help="Project folder; else the current one."
    ),
]
Own = Annotated[
    bool,
    typer.Option(
        "--own", "--mine-own", help="These are your own articles: gaps tell them from others'."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")]
Day = datetime
"""A day as a flag names it: 2024-05-31."""


class FileKind(Enum):
    """What a plain text may be."""

    thread = "thread"
    article = "article"


class ThemeKind(Enum):
    """Kinds of themes."""

    cause = "cause"
    trigger = "trigger"
    diagnosis = "diagnosis"
    remedy = "remedy"


class GapKind(Enum):
    """What a theme may lack."""

    uncovered = "uncovered"
    weak_evidence = "weak_evidence"
    contradicted = "contradicted"
    unanswered = "unanswered"
    rising = "rising"


class Covered(Enum):
    """Where a theme is written about."""

    own = "own"
    others = "others"
    none = "none"


class SearchMode(Enum):
    """How words are looked for."""

    both = "both"
    words = "words"
    meaning = "meaning"


class QuotePolicy(Enum):
    """How much of members' words an export keeps."""

    none = "none"
    short = "short"
    full = "full"


class DigestForm(Enum):
    """How a digest is written."""

    md = "md"
    html = "html"
    eml = "eml"
    atom = "atom"


EXPORT_FORMATS = (
    "csv, jsonl, parquet, xlsx, refi, qdc, ris, bibtex, csl, ro-crate, datapackage, obsidian, html."
)
