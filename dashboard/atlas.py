"""What the theme map draws: a place for each theme, the names that fit, and wordings close up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard import data, finding
from dashboard.values import Filters, Row, State
from miner.index import Mark
from miner.layout import LETTER, around, name_zooms, plane
from miner.model import Kind

__all__ = ["ZOOMS", "Dot", "Spread", "View", "chart", "neighbours", "ready", "view", "warm"]

MOST = 4_000
"""Themes that have a place, those of most authors."""
SHOWN = 600
"""Marks of a drawing: of more, a reader sees a cloud and a browser takes its time."""
CLOSE = 4
"""From this zoom on the wordings of themes are drawn."""
WORDINGS, EACH = 300, 8
"""Wordings of a drawing, and of a theme."""
ZOOMS = ("1", "2", "4", "8", "16")
WIDE, NARROW, TALL = 1_100, 270, 720
"""Pixels of a drawing on a desk, on a phone, and its height."""
KINDS: Mapping[Kind, tuple[str, str]] = {
    "remedy": ("#2f7fc1", "circle"),
    "cause": ("#b8761b", "square"),
    "trigger": ("#c2573a", "triangle-up"),
    "diagnosis": ("#7d6fc9", "diamond"),
}
"""Colour and shape by kind; each colour has a contrast of 3 to 1 on white and on black."""
LETTERS = 34
LARGEST, ABOVE = 220, 16
"""Square pixels of the largest mark, and pixels from its middle to that of its name: of a mark of
that size the upper edge is 9 pixels up, and a name reaches 6 pixels down."""


@dataclass(frozen=True)
class Spread:
    """Where each theme is, in the unit square, and what its wordings are."""

    ids: tuple[str, ...]
    places: NDArray[np.float64]
    centres: NDArray[np.float64]
    """The themes' vectors."""
    wordings: Mapping[str, tuple[tuple[int, int, str], ...]]
    """Row of the vector, claims and one claim's id, by theme, the most frequent first."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A theme on the map."""

    theme: str
    name: str
    kind: str
    authors: int
    x: float
    y: float
    zoom: float
    """From which zoom within the drawing its name is shown on a desk."""
    narrow: float
    """The same on a phone."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A part of the map."""

    dots: tuple[Dot, ...]
    """Most authors first."""
    wordings: tuple[tuple[str, str, float, float], ...]
    """Words, name of their theme, place."""
    x: tuple[float, float]
    y: tuple[float, float]
    left_out: int
    """Themes of this part that are too many to draw."""


def ready(state: State) -> bool:
    """Whether the last run kept vectors that themes can be placed by."""
    held = finding.shelf(state)
    return held is not None and len(held[1].vectors) > 0


def warm(state: State) -> None:
    """Lays the map out, so that the first reader need not wait."""
    if ready(state):
        _spread_of(state)


def _spread_of(state: State) -> Spread:
    held = finding.shelf(state)
    assert held is not None
    return _spread(state.url, held[0], state)


@st.cache_resource(show_spinner="The map is laid out …", max_entries=2)
def _spread(url: str, mark: Mark, _state: State) -> Spread:
    """The places of a run's themes; the same until the next run."""
    held = finding.shelf(_state)
    assert held is not None
    vectors = held[1].vectors
    chosen = {theme.id: n for n, theme in enumerate(data.project(_state).themes[:MOST])}
    grouped: dict[str, list[tuple[int, int, str]]] = {}
    for theme, vector, claims, ref in finding.index(_state).wordings():
        now = theme if theme in chosen else _redirected(_state, theme)
        if now in chosen and 0 <= vector < len(vectors):
            grouped.setdefault(now, []).append((vector, claims, ref))
    ids = [key for key in chosen if key in grouped]
    centres = np.array([_centre(vectors, grouped[key]) for key in ids])
    return Spread(
        ids=tuple(ids),
        places=plane(centres) if ids else np.zeros((0, 2)),
        centres=centres,
        wordings={
            key: tuple(sorted(found, key=lambda one: (-one[1], one[2]))[: 2 * EACH])
            for key, found in grouped.items()
        },
    )


def _redirected(state: State, theme: str) -> str:
    found = data.theme(state, theme)
    return found.id if found else ""


def _centre(
    vectors: NDArray[np.floating], found: Sequence[tuple[int, int, str]]
) -> NDArray[np.float64]:
    weights = np.sqrt([claims for _, claims, _ in found])
    rows = vectors[[vector for vector, _, _ in found]]
    return np.asarray(np.average(rows, axis=0, weights=weights), dtype=np.float64)


def view(state: State, filters: Filters, kind: Kind | None, zoom: int, at: str) -> View:
    """The part of the map about a theme (else about its middle), `zoom` times enlarged."""
    spread = _spread_of(state)
    place_of = {key: spread.places[n] for n, key in enumerate(spread.ids)}
    x, y = _window(place_of.get(at, np.array([0.5, 0.5])), zoom)
    rows = [row for row in data.rows(state, filters, kind) if row.theme.id in place_of]
    inside = [row for row in rows if _within(place_of[row.theme.id], x, y)]
    shown = inside[:SHOWN]
    places = np.array([place_of[row.theme.id] for row in shown]).reshape(-1, 2)
    return View(
        dots=tuple(_dots(shown, places, x, y)),
        wordings=tuple(_wordings(state, spread, shown)) if zoom >= CLOSE else (),
        x=x,
        y=y,
        left_out=len(inside) - len(shown),
    )


def _window(
    centre: NDArray[np.float64], zoom: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    half = 0.5 / zoom
    if zoom == 1:
        return (-0.08, 1.08), (-0.05, 1.05)
    middle = np.clip(centre, half, 1 - half)
    return (
        (float(middle[0] - half), float(middle[0] + half)),
        (float(middle[1] - half), float(middle[1] + half)),
    )


def _within(place: NDArray[np.float64], x: tuple[float, float], y: tuple[float, float]) -> bool:
    return bool(x[0] <= place[0] <= x[1] and y[0] <= place[1] <= y[1])


def _dots(
    rows: Sequence[Row],
    places: NDArray[np.float64],
    x: tuple[float, float],
    y: tuple[float, float],
) -> list[Dot]:
    names = [_short(row.theme.name) for row in rows]
    within = (places - [x[0], y[0]]) / [x[1] - x[0], y[1] - y[0]] if len(places) else places
    wide, narrow = (
        _uncut(name_zooms(within, names, width=width, height=TALL), within, names, width)
        for width in (WIDE, NARROW)
    )
    return [
        Dot(
            theme=row.theme.id,
            name=names[n],
            kind=row.theme.kind,
            authors=row.tally.authors,
            x=round(float(places[n, 0]), FINE),
            y=round(float(places[n, 1]), FINE),
            zoom=round(min(float(wide[n]), NEVER), FINE),
            narrow=round(min(float(narrow[n]), NEVER), FINE),
        )
        for n, row in enumerate(rows)
    ]


def _uncut(
    zooms: NDArray[np.float64], within: NDArray[np.float64], names: Sequence[str], width: float
) -> NDArray[np.float64]:
    """The zooms; a name that the edge would cut shows only once the reader enlarges the drawing."""
    half = np.array([LETTER * len(name) / 2 / width for name in names], dtype=np.float64)
    across = within.reshape(-1, 2)[:, 0]
    cut = (across < half) | (across > 1 - half)
    return np.where(cut, np.maximum(zooms, ENLARGED), zooms)


ENLARGED = 1.01
"""A zoom just beyond the whole of a drawing."""
FINE = 5
"""Digits of a place: a hundredth of a pixel at the largest zoom."""
NEVER = 1e6
"""A zoom that nobody reaches; a chart cannot hold what is infinite."""


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def _wordings(
    state: State, spread: Spread, rows: Sequence[Row]
) -> list[tuple[str, str, float, float]]:
    """What members call the themes that are seen, about the place of each."""
    held = finding.shelf(state)
    if held is None:
        return []
    number = {key: n for n, key in enumerate(spread.ids)}
    room = 0.3 / max(len(spread.ids), 9) ** 0.5
    chosen = [(row, one) for row in rows for one in spread.wordings[row.theme.id][:EACH]]
    chosen = chosen[:WORDINGS]
    words = data.wordings(state, [ref for _, (_, _, ref) in chosen])
    found = []
    for row in rows:
        own = [one for other, one in chosen if other is row and one[2] in words]
        n = number[row.theme.id]
        vectors = held[1].vectors[[vector for vector, _, _ in own]]
        spots = around(spread.places[n], vectors, spread.centres[n], room=room)
        found += [
            (words[ref], row.theme.name, float(spot[0]), float(spot[1]))
            for (_, _, ref), spot in zip(own, spots, strict=True)
        ]
    return found


def neighbours(found: View) -> dict[str, list[str]]:
    """Names of the three themes that lie nearest, by theme."""
    places = np.array([(dot.x, dot.y) for dot in found.dots]).reshape(-1, 2)
    near: dict[str, list[str]] = {}
    for n, dot in enumerate(found.dots):
        distance = ((places - places[n]) ** 2).sum(axis=1)
        distance[n] = np.inf
        order = np.argsort(distance, kind="stable")[: min(3, len(places) - 1)]
        near[dot.theme] = [found.dots[k].name for k in order]
    return near


def chart(found: View, kinds: Mapping[Kind, str], ink: str) -> alt.LayerChart | alt.FacetChart:
    """The drawing; a click on a dot selects its theme as `dot`, the wheel with Ctrl enlarges it.

    `kinds` are what kinds are called; `ink` is the colour of names on the reader's background.
    """
    frame = pd.DataFrame([vars(dot) for dot in found.dots], columns=list(Dot.__annotations__))
    frame["called"] = [kinds[cast("Kind", dot.kind)] for dot in found.dots]
    zoomed = alt.selection_interval(
        name="view", bind="scales", encodings=["x", "y"], zoom="wheel![event.ctrlKey]"
    )
    base = alt.Chart(frame).encode(x=_across(found), y=_up(found))
    most = max((dot.authors for dot in found.dots), default=1)
    names = [kinds[kind] for kind in KINDS]
    columns = alt.ExprRef(expr="windowSize()[0] < 640 ? 2 : 4")
    legend = alt.Legend(orient="bottom", title=None, symbolSize=110, columns=columns)
    dots = (
        base.mark_point(filled=True, opacity=0.85, cursor="pointer")
        .encode(
            size=alt.Size(
                "authors:Q",
                scale=alt.Scale(domain=[0, max(most, 1)], range=[18, LARGEST]),
                legend=None,
            ),
            color=alt.Color(
                "called:N",
                legend=legend,
                scale=alt.Scale(domain=names, range=[colour for colour, _ in KINDS.values()]),
            ),
            shape=alt.Shape(
                "called:N",
                legend=legend,
                scale=alt.Scale(domain=names, range=[shape for _, shape in KINDS.values()]),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="Theme"),
                alt.Tooltip("called:N", title="Kind"),
                alt.Tooltip("authors:Q", title="Authors"),
            ],
        )
        .add_params(alt.selection_point(name="dot", fields=["theme"]), zoomed)
    )
    width = found.x[1] - found.x[0]
    here = f"(isValid(view) && isValid(view.x) ? {width} / (view.x[1] - view.x[0]) : 1)"
    fits = f"{here} >= (windowSize()[0] < 640 ? datum.narrow : datum.zoom) - 0.001"
    texts = (
        base.transform_filter(fits)
        .mark_text(dy=-ABOVE, fontSize=12, color=ink)
        .encode(text="name:N")
    )
    layers = [*_close_up(found), dots, texts]
    return alt.layer(*layers).properties(height=TALL)


def _close_up(found: View) -> list[alt.Chart]:
    if not found.wordings:
        return []
    frame = pd.DataFrame(found.wordings, columns=["words", "theme", "x", "y"])
    return [
        alt.Chart(frame)
        .mark_point(filled=True, size=22, color=GREY, opacity=0.7)
        .encode(
            x=_across(found),
            y=_up(found),
            tooltip=[
                alt.Tooltip("words:N", title="Wording"),
                alt.Tooltip("theme:N", title="Theme"),
            ],
        )
    ]


GREY = "#808080"


def _across(found: View) -> alt.X:
    return alt.X("x:Q", axis=None, scale=alt.Scale(domain=list(found.x), nice=False, zero=False))


def _up(found: View) -> alt.Y:
    return alt.Y("y:Q", axis=None, scale=alt.Scale(domain=list(found.y), nice=False, zero=False))
