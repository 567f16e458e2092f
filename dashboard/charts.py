"""Charts: values in, an Altair chart out. Nothing is read and nothing is drawn on a page here.

Texts are put on axes and in tooltips, never as marks: Vega shows them as they are, and marks of
text would be black on a dark page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from dashboard.data import Quarter
from miner.counts import Share

__all__ = ["BLUE", "GREY", "gap_parts", "outcomes", "trend"]

BLUE, GREY = "#2f7fc1", "#9a9a9a"
"""Both keep a contrast of 3 to 1 on white and on black."""

LABELS = 220
"""Room for an axis label, in pixels."""


def outcomes(shares: Sequence[tuple[str, Share]]) -> alt.LayerChart | alt.FacetChart:
    """Labelled shares as dots with their intervals, one line for each, in the order given."""
    labels = [f"{label}: {share.label}" for label, share in shares]
    frame = pd.DataFrame(
        {
            "outcome": labels,
            "share": [share.k / share.n for _, share in shares],
            "low": [share.low for _, share in shares],
            "high": [share.high for _, share in shares],
        }
    )
    base = alt.Chart(frame).encode(
        y=_rows("outcome", labels),
        tooltip=[
            alt.Tooltip("outcome:N", title="Authors"),
            *(alt.Tooltip(f"{name}:Q", format=".0%") for name in ("share", "low", "high")),
        ],
    )
    scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
    title = "Share, with 95 % interval"
    intervals = base.mark_rule(strokeWidth=3, opacity=0.5, color=BLUE).encode(
        x=alt.X("low:Q", scale=scale, axis=axis, title=title), x2="high:Q"
    )
    dots = base.mark_circle(size=130, opacity=1, color=BLUE).encode(x=alt.X("share:Q", scale=scale))
    return alt.layer(intervals, dots).properties(height=40 * max(1, len(labels)) + 70)


def _on_phone(narrow: int, wide: int) -> alt.ExprRef:
    """One number below 640 pixels of window, another from there on."""
    return alt.ExprRef(expr=f"windowSize()[0] < 640 ? {narrow} : {wide}")


def _rows(field: str, labels: Sequence[str]) -> alt.Y:
    """A line for each label, in the order given."""
    # Flush, the first label would stand a little below its line.
    axis = alt.Axis(labelLimit=_on_phone(LABELS // 2, LABELS), labelFlush=False)
    return alt.Y(field, type="nominal", sort=list(labels), title=None, axis=axis)


def trend(points: Sequence[Quarter]) -> alt.Chart:
    """Authors by quarter as bars; an unfinished quarter is grey."""
    frame = pd.DataFrame(
        {
            "quarter": [point.label for point in points],
            "authors": [point.authors for point in points],
            "state": ["finished" if point.finished else "still running" for point in points],
        }
    )
    colours = alt.Scale(domain=["finished", "still running"], range=[BLUE, GREY])
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("quarter:O", sort=None, title=None, axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("authors:Q", title="Authors", axis=alt.Axis(tickMinStep=1, format="d")),
            color=alt.Color(
                "state:N", scale=colours, title=None, legend=alt.Legend(orient="bottom")
            ),
            tooltip=["quarter:O", "authors:Q", "state:N"],
        )
        .properties(height=260)
    )
    return chart


def _parts_legend() -> alt.Legend:
    return alt.Legend(orient="bottom", columns=_on_phone(1, 3))


def gap_parts(
    names: Sequence[str], parts: Sequence[Mapping[str, float]], *, first: int = 1
) -> alt.Chart:
    """Scores as stacked bars of their parts, in the order given, numbered from `first`."""
    labels = [f"{place}. {name}" for place, name in enumerate(names, start=first)]
    frame = pd.DataFrame(
        [
            {"gap": label, "part": part, "points": points, "rank": rank}
            for label, of_gap in zip(labels, parts, strict=True)
            for rank, (part, points) in enumerate(of_gap.items())
            if points
        ],
        columns=["gap", "part", "points", "rank"],
    )
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            y=_rows("gap", labels),
            x=alt.X("points:Q", title="Score, 0 to 100", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color("part:N", sort=None, title=None, legend=_parts_legend()),
            order="rank:Q",
            tooltip=["gap:N", "part:N", alt.Tooltip("points:Q", format=".1f")],
        )
        .properties(height=32 * max(1, len(labels)) + 150)
    )
    return chart
