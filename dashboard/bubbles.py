"""Charts of talk beside evidence: values in, an Altair chart out, as in `dashboard.charts`.

A level has a colour and a shape, so that neither alone has to be seen; what stands in no article
is hollow. Every level is on the legend and on the axis, used or not: a missing one is the finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

__all__ = [
    "BANDS",
    "LEVELS",
    "LINE",
    "NOBODY",
    "STEPS",
    "Bubble",
    "Point",
    "evidence_map",
    "talk",
]

NOBODY = "Nobody speaks of it"
LEVELS: dict[str, tuple[str, str]] = {
    "Level 1": ("#0d8a72", "circle"),
    "Level 2": ("#2f7fc1", "square"),
    "Level 3": ("#7d6fc9", "diamond"),
    "Level 4": ("#b8761b", "triangle-up"),
    "Level 5": ("#c2573a", "triangle-down"),
    "No source that counts": ("#b0538f", "cross"),
    "None found": ("#7a828c", "triangle-right"),
    "Not searched": ("#8a8a8a", "triangle-left"),
    NOBODY: ("#8a8a8a", "stroke"),
}
"""Colour and shape by level; each colour has a contrast of 3 to 1 on white and on black."""

LINE = "▼ below: no controlled study found"
STEPS = ("Level 1", "Level 2", "Level 3", "Level 4 or 5, controlled")
"""Levels above the line, where a controlled study was found."""
BANDS = (
    *STEPS,
    LINE,
    "Level 4, uncontrolled",
    "Level 5, uncontrolled",
    "No source that counts",
    "None found",
    "Not searched",
)
"""What stands where on the axis, from above; the line has a place of its own, which names it."""

NAMED = 16
"""Points with their names beside them; those of the others show when pointed at."""
LANES = 4
"""Heights within a band, so that neighbours do not hide one another."""
GREY_INK = "#808080"
NONE_NAMED = "none named"


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """One theme with one condition."""

    theme: str
    """Its id."""
    name: str
    condition: str
    authors: int
    level: str
    """One of `LEVELS`."""
    articles: int


@dataclass(frozen=True, kw_only=True)
class Point:
    """One theme with its place above or below the line."""

    theme: str
    name: str
    authors: int
    band: str
    """One of `BANDS`, not the line."""
    articles: int


def evidence_map(
    bubbles: Sequence[Bubble], names: Sequence[str], conditions: Sequence[str]
) -> alt.Chart:
    """Themes by condition; a click on a cell selects its theme as `cell`.

    `names` and `conditions` are the rows and columns in their order.
    """
    frame = pd.DataFrame([vars(one) for one in bubbles], columns=list(Bubble.__annotations__))
    most = max((one.authors for one in bubbles), default=1)
    scales = {
        "colour": alt.Scale(domain=list(LEVELS), range=[colour for colour, _ in LEVELS.values()]),
        "shape": alt.Scale(domain=list(LEVELS), range=[shape for _, shape in LEVELS.values()]),
    }
    legend = alt.Legend(
        orient="bottom", columns=_on_phone(1, 3), title="Evidence", labelLimit=260, symbolSize=120
    )
    filled = alt.Fill("level:N", scale=scales["colour"], legend=legend)
    # Upright on a phone: slanted names of ten columns would lie on one another there.
    column = alt.Axis(
        orient="top",
        labelAngle=_on_phone(-90, -40),
        labelAlign="left",
        labelBaseline="middle",
        labelLimit=_on_phone(120, 170),
        labelOverlap=False,
    )
    row = alt.Axis(labelLimit=_on_phone(90, 240), grid=True)
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_point(strokeWidth=2, opacity=1, cursor="pointer")
        .encode(
            x=alt.X("condition:N", title=None, axis=column, scale=alt.Scale(domain=conditions)),
            y=alt.Y("name:N", title=None, axis=row, scale=alt.Scale(domain=names)),
            size=alt.Size(
                "authors:Q",
                scale=alt.Scale(
                    domain=[0, max(most, 1)], range=[_on_phone(20, 40), _on_phone(160, 620)]
                ),
                legend=None,
            ),
            stroke=alt.Stroke("level:N", scale=scales["colour"], legend=legend),
            shape=alt.Shape("level:N", scale=scales["shape"], legend=legend),
            fill=alt.when(alt.datum.articles > 0).then(filled).otherwise(alt.value("transparent")),
            tooltip=[
                alt.Tooltip("name:N", title="Theme"),
                alt.Tooltip("condition:N", title="Condition"),
                alt.Tooltip("authors:Q", title="Authors"),
                alt.Tooltip("level:N", title="Evidence"),
                alt.Tooltip("articles:Q", title="Articles"),
            ],
        )
        .add_params(alt.selection_point(name="cell", fields=["theme"]))
        .properties(height=34 * max(1, len(names)) + 430)
    )
    return chart


def talk(points: Sequence[Point], ink: str = GREY_INK) -> alt.LayerChart | alt.FacetChart:
    """Authors against level, with the line; a click on a point selects its theme as `point`.

    `ink` is the colour of names on the reader's background.
    """
    ranked = sorted(points, key=lambda one: (-one.authors, one.name))
    lanes = dict.fromkeys(BANDS, 0)
    most = max((one.authors for one in points), default=1)
    values = []
    for one in ranked:
        lanes[one.band] += 1
        values.append(
            {
                **vars(one),
                "lane": lanes[one.band] % LANES,
                "covered": "in an article" if one.articles else "in no article",
            }
        )
    sides = _sides([(one, int(value["lane"])) for one, value in zip(ranked, values, strict=True)])
    for one, value, side in zip(ranked, values, sides, strict=True):
        value |= {"label": _short(one.name) if side else "", "right": side == "left of it"}
    names = [*Point.__annotations__, "lane", "covered", "label", "right"]
    frame = pd.DataFrame(values, columns=names)
    place_x = alt.X(
        "authors:Q",
        title="Authors (square root scale)",
        scale=alt.Scale(type="sqrt", domain=[0, max(most, 4)], nice=True),
        axis=alt.Axis(format="d", tickMinStep=1, tickCount=_on_phone(4, 10)),
    )
    base = alt.Chart(frame).encode(
        x=place_x,
        y=_bands(),
        yOffset=alt.YOffset("lane:Q", scale=alt.Scale(domain=[-0.5, LANES - 0.5])),
    )
    dots = (
        base.mark_point(size=110, strokeWidth=2, opacity=1, cursor="pointer", color=POINTS)
        .encode(
            fill=alt.Fill(
                "covered:N",
                title=None,
                scale=alt.Scale(
                    domain=["in an article", "in no article"], range=[POINTS, "transparent"]
                ),
                legend=alt.Legend(
                    orient="bottom",
                    columns=_on_phone(1, 2),
                    symbolStrokeColor=POINTS,
                    symbolSize=110,
                ),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="Theme"),
                alt.Tooltip("authors:Q", title="Authors"),
                alt.Tooltip("band:N", title="Evidence"),
                alt.Tooltip("articles:Q", title="Articles"),
            ],
        )
        .add_params(alt.selection_point(name="point", fields=["theme"]))
    )
    line = (
        alt.Chart(pd.DataFrame({"band": [LINE]}))
        .mark_rule(strokeDash=[6, 4], strokeWidth=2, color=GREY_INK)
        .encode(y=_bands())
    )
    layers = [line, *_labels(base, ink), dots]
    return alt.layer(*layers).properties(height=66 * len(BANDS) + 110)


POINTS = "#2f7fc1"


def _short(name: str) -> str:
    return name if len(name) < 30 else f"{name[:28]}…"


WIDE, LETTER = 900, 6.8
"""Pixels between the axes of a usual window, and of a letter."""
_Box = tuple[float, float, float]
"""Where a name or a mark lies: row, first and last pixel."""


def _sides(points: Sequence[tuple[Point, int]]) -> list[str]:
    """On which side of its mark the name of each point stands; empty where it has no room.

    The first ones come first, and `NAMED` at most; a name never lies on another one.
    """
    most = max((one.authors for one, _ in points), default=1)
    spots = [
        (BANDS.index(one.band) * LANES + lane, WIDE * (one.authors / max(most, 4)) ** 0.5)
        for one, lane in points
    ]
    marks: list[_Box] = [(row, at - 7, at + 7) for row, at in spots]
    names: list[_Box] = []
    found: list[str] = []
    for (one, _), (row, at) in zip(points, spots, strict=True):
        length = LETTER * len(_short(one.name))
        boxes: dict[str, _Box] = {
            "right of it": (row, at + 8, at + 12 + length),
            "left of it": (row, at - 12 - length, at - 8),
        }
        room = [side for side, box in boxes.items() if box[1] > 0 and box[2] < WIDE + 20]
        room = [side for side in room if not _hits(boxes[side], names)]
        # Better beside a mark than on one.
        room.sort(key=lambda side: _hits(boxes[side], marks))
        side = room[0] if room and len(names) < NAMED else ""
        if side:
            names.append(boxes[side])
        found.append(side)
    return found


def _hits(box: _Box, others: Sequence[_Box]) -> bool:
    row, first, last = box
    return any(r == row and a < last and first < z for r, a, z in others)


def _labels(base: alt.Chart, ink: str) -> list[alt.Chart]:
    """Names beside the points: on the left of those far right, so that none is cut off."""
    phone = _on_phone(0, 1)
    left = base.transform_filter(alt.datum.right == False)  # noqa: E712
    right = base.transform_filter(alt.datum.right == True)  # noqa: E712
    return [
        left.mark_text(
            align="left", dx=10, baseline="middle", color=ink, fontSize=12, opacity=phone
        ).encode(text="label:N"),
        right.mark_text(
            align="right", dx=-10, baseline="middle", color=ink, fontSize=12, opacity=phone
        ).encode(text="label:N"),
    ]


def _bands() -> alt.Y:
    # On a phone the name of the line has two lines of its own.
    axis = alt.Axis(
        labelLimit=_on_phone(130, 260),
        grid=False,
        labelExpr="windowSize()[0] < 640 ? split(datum.label, /: |, /) : datum.label",
    )
    return alt.Y(
        "band:N",
        title=None,
        axis=axis,
        scale=alt.Scale(type="band", domain=list(BANDS), paddingInner=0.3),
    )


def _on_phone(narrow: int, wide: int) -> alt.ExprRef:
    """One number below 640 pixels of window, another from there on."""
    return alt.ExprRef(expr=f"windowSize()[0] < 640 ? {narrow} : {wide}")
