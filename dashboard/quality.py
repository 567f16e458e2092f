"""How good the miner is: the figures of its model card, and how its runs differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import streamlit as st

from dashboard import data
from dashboard.values import State
from dashboard.words import word
from miner.knowledge import Run

__all__ = ["Measured", "card", "change", "measured", "pieces", "runs", "table"]


_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\([^()\s]{1,200}\)")
"""A link to a file beside the card, which no page can open."""
ROWS = "Measured on"
"""Name of the column that says what a row is about."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A table of figures with what it was measured on."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@st.cache_resource(show_spinner=False, max_entries=4)
def runs(state: State) -> tuple[Run, ...]:
    """The runs, latest first."""
    return tuple(data.knowledge(state).runs())


@cache
def card() -> str:
    """The model card that comes with the miner, without its title."""
    text = files("miner").joinpath("weights/MODEL_CARD.md").read_text("utf-8")
    # A column without a name is one that nobody who listens to the page can tell.
    return re.sub(r"(?m)^\| \|", f"| {ROWS} |", re.sub(r"\A# .*\n+", "", text))


def measured(text: str) -> list[Measured]:
    """The tables of a model card, each with the paragraph above it."""
    return [part for part in pieces(text) if isinstance(part, Measured)]


def pieces(text: str) -> list[str | Measured]:
    """Paragraphs, as plain text, and tables of a model card, in order."""
    found: list[str | Measured] = []
    above = ""
    for part in re.split(r"\n\s*\n", text.strip()):
        if part.startswith("|"):
            found.append(_table(above, part.splitlines()))
        else:
            bare = _LINK.sub(r"\1", part).replace("**", "").replace("`", "")
            above = re.sub(r"(?m)^- ", "• ", bare)
            found.append(above)
    return found


def _table(above: str, lines: Sequence[str]) -> Measured:
    head, *rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    if lines[0].startswith("| |"):
        head = ["", *head]
    width = len(head)
    return Measured(
        caption=above,
        columns=tuple(name or ROWS for name in head),
        rows=tuple(
            tuple((row + [""] * width)[:width])
            for row in rows
            if not set("".join(row)) <= set("-:")
        ),
    )


def change(now: Run, before: Run | None) -> list[dict[str, str]]:
    """What went in and came out of a run, beside the one before it."""
    known = before.counts if before else {}
    return [
        {
            "What": word("counts", name),
            "This run": f"{count:,}",
            "Run before": f"{known[name]:,}" if name in known else "–",
            "Change": f"{count - known[name]:+,}" if name in known else "–",
        }
        for name, count in now.counts.items()
    ]


def table(one: Measured) -> None:
    """Draws a table of figures; a narrow window scrolls in it."""
    rows = [dict(zip(one.columns, row, strict=True)) for row in one.rows]
    st.dataframe(rows, hide_index=True, alt=one.caption[:200])
