"""What the evidence map and the page Talk and evidence count: cells and points, from the stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import data, words
from dashboard.bubbles import NOBODY, STEPS, Bubble, Point
from dashboard.values import Filters, Row, State
from miner.grades import level_of, main_question
from miner.model import Evidence, Grade, Kind

__all__ = ["CONTROLLED", "ROWS", "Map", "level_name", "map_of", "points"]

ROWS, COLUMNS = 30, 10
"""Most themes and conditions of a map, those of most authors first."""

CONTROLLED = frozenset(
    {"sr_rct", "rct", "sr_mixed", "sr_obs", "sr_cohort", "nrct", "cohort", "inception_cohort"}
    | {"case_control"}
)
"""Designs that compare people with others: trials, cohorts, case-control studies, their reviews."""

UNCOUNTED = "No source that counts"
_NONE = {"no_evidence": "None found", "not_searched": "Not searched"}


@dataclass(frozen=True, kw_only=True)
class Map:
    """The cells of a map, with its rows and columns in their order."""

    rows: tuple[Row, ...]
    names: tuple[str, ...]
    """What each row is called, each once."""
    conditions: tuple[str, ...]
    """What each column is called."""
    cells: tuple[Bubble, ...]
    left_out: int
    """Themes that fit no more."""


def level_name(grade: Grade | None) -> str:
    """A level of `bubbles.LEVELS`: `Level 2`, or in which way there is none."""
    if grade is None:
        return "Not searched"
    if grade.level is not None:
        return f"Level {grade.level}"
    return _NONE.get(grade.status, UNCOUNTED)


@st.cache_resource(show_spinner=False, max_entries=20)
def map_of(state: State, filters: Filters, kind: Kind) -> Map:
    """Themes of a kind by condition: members, evidence and articles of each pair."""
    found = data.rows(state, filters, kind)
    columns = [filters.condition] if filters.condition else data.project(state).conditions[:COLUMNS]
    chosen, names = found[:ROWS], _named([row.theme.name for row in found[:ROWS]])
    about = {c: data.every_row(state, replace(filters, condition=c, least=1)) for c in columns if c}
    cells = [
        _cell(here[row.theme.id], name, condition)
        for row, name in zip(chosen, names, strict=True)
        for condition, here in about.items()
    ]
    return Map(
        rows=tuple(chosen),
        names=tuple(names),
        conditions=tuple(words.condition(c) for c in columns if c),
        cells=tuple(cells),
        left_out=len(found) - len(chosen),
    )


def _named(names: Sequence[str]) -> list[str]:
    """The names, each once: a second one of the same name gets a number."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _cell(here: Row, name: str, condition: str) -> Bubble:
    exact = here.grade if here.grade is not None and here.grade.condition == condition else None
    spoken = here.tally.authors
    sourced = exact is not None and exact.status not in ("not_searched", "no_evidence")
    return Bubble(
        theme=here.theme.id,
        name=name,
        condition=words.condition(condition),
        authors=spoken,
        level=level_name(exact) if spoken or sourced else NOBODY,
        articles=here.articles if spoken or sourced else 0,
    )


@st.cache_resource(show_spinner=False, max_entries=20)
def points(state: State, filters: Filters, kind: Kind) -> list[Point]:
    """The themes of a kind that anybody speaks of, each above or below the line."""
    return [
        Point(
            theme=row.theme.id,
            name=row.theme.name,
            authors=row.tally.authors,
            band=_band(state, row, filters),
            articles=row.articles,
        )
        for row in data.rows(state, filters, kind)
        if row.tally.authors
    ]


def _band(state: State, row: Row, filters: Filters) -> str:
    name = level_name(row.grade)
    if row.grade is None or row.grade.level is None:
        return name
    if row.grade.level <= 3:
        return name
    pieces = data.evidence_by_theme(state).get(row.theme.id, ())
    if _controlled(pieces, row, filters.condition):
        return STEPS[-1]
    return f"{name}, uncontrolled"


def _controlled(pieces: Iterable[Evidence], row: Row, condition: str | None) -> bool:
    """Whether a study that counts compares people with others."""
    question = main_question(row.theme)
    return any(
        piece.design in CONTROLLED
        and level_of(piece, question) is not None
        and (condition is None or piece.condition in (None, condition))
        for piece in pieces
    )
