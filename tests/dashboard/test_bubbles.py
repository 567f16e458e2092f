"""Charts of talk beside evidence: every level shows, and neither colour nor shape stands alone."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard import bubbles
from dashboard.bubbles import BANDS, LEVELS, LINE, NOBODY, Bubble, Point


def bubble(name: str, condition: str, authors: int, level: str, articles: int = 0) -> Bubble:
    return Bubble(theme=f"rem-{name}", name=name, condition=condition, authors=authors,
                  level=level, articles=articles)  # fmt: skip


def drawn(spec: dict[str, Any], layer: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return list(spec["datasets"][(layer or spec)["data"]["name"]])


def the_map() -> dict[str, Any]:
    cells = [
        bubble("drops", "Heel", 9, "Level 2", 2),
        bubble("drops", "Knee", 0, NOBODY),
        bubble("baths", "Heel", 1, "None found"),
        bubble("baths", "Knee", 2, "Not searched"),
    ]
    return bubbles.evidence_map(cells, ["drops", "baths"], ["Heel", "Knee"]).to_dict()


def test_the_map_has_a_mark_for_every_pair() -> None:
    """Cells of which nobody speaks are drawn too, in rows and columns of the order given."""
    spec = the_map()
    assert [(row["name"], row["condition"]) for row in drawn(spec)] == [
        ("drops", "Heel"), ("drops", "Knee"), ("baths", "Heel"), ("baths", "Knee"),
    ]  # fmt: skip
    assert spec["encoding"]["y"]["scale"]["domain"] == ["drops", "baths"]
    assert spec["encoding"]["x"]["scale"]["domain"] == ["Heel", "Knee"]
    assert spec["encoding"]["size"]["field"] == "authors"


def test_every_level_is_on_the_legend_with_a_shape_and_a_colour() -> None:
    """Also those no cell has; colour and shape say the same."""
    spec = the_map()
    for channel in ("stroke", "shape"):
        assert spec["encoding"][channel]["field"] == "level"
        assert spec["encoding"][channel]["scale"]["domain"] == list(LEVELS)
        assert spec["encoding"][channel]["legend"]["title"] == "Evidence"
    shapes = spec["encoding"]["shape"]["scale"]["range"]
    assert len(set(shapes)) == len(shapes) == len(LEVELS)


def test_a_mark_is_hollow_where_no_article_speaks_of_it() -> None:
    """The fill hangs on the articles alone."""
    fill = the_map()["encoding"]["fill"]
    assert fill["value"] == "transparent"
    assert "articles" in str(fill["condition"]["test"])
    assert fill["condition"]["field"] == "level"


def test_the_levels_have_one_legend() -> None:
    """Fill, outline and shape tell of it alike: else Vega has two that quarrel."""
    encoding = the_map()["encoding"]
    legends = [encoding["fill"]["condition"]["legend"]]
    legends += [encoding[channel]["legend"] for channel in ("stroke", "shape")]
    assert legends[0] == legends[1] == legends[2]


def test_a_click_on_a_mark_names_its_theme() -> None:
    """Both charts can be asked which theme was clicked."""
    assert the_map()["params"][0]["select"]["fields"] == ["theme"]
    spec = bubbles.talk([Point(theme="a", name="a", authors=2, band="Level 2", articles=0)])
    params = spec.to_dict()["params"]
    assert [param["select"]["fields"] for param in params] == [["theme"]]


@pytest.mark.parametrize("colour", [colour for colour, _ in LEVELS.values()] + [bubbles.POINTS])
def test_every_colour_is_seen_on_light_and_on_dark(colour: str) -> None:
    """A contrast of 3 to 1 on white and on Streamlit's dark background."""

    def light(code: str) -> float:
        parts = [int(code[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        line = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2]

    for ground in ("#ffffff", "#0e1117"):
        low, high = sorted((light(colour), light(ground)))
        assert (high + 0.05) / (low + 0.05) >= 3, ground


def points(count: int) -> list[Point]:
    return [
        Point(theme=f"t{n}", name=f"theme {n}", authors=n, band="Level 4, uncontrolled", articles=n)
        for n in range(1, count + 1)
    ]


def test_the_line_has_a_place_and_a_name_of_its_own() -> None:
    """Controlled studies above it, all else below; no level is left off the axis."""
    spec = bubbles.talk(points(3)).to_dict()
    line = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "rule")
    assert drawn(spec, line) == [{"band": LINE}]
    for layer in spec["layer"]:
        assert layer["encoding"]["y"]["scale"]["domain"] == list(BANDS)
    at = BANDS.index(LINE)
    assert all("ncontrolled" not in band for band in BANDS[:at])
    assert "no controlled study found" in LINE
    assert {"None found", "Not searched"} <= set(BANDS[at:])


def test_authors_are_on_a_scale_of_square_roots() -> None:
    """Few and many fit on one axis."""
    spec = bubbles.talk(points(3)).to_dict()
    dots = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "point")
    assert dots["encoding"]["x"]["field"] == "authors"
    assert dots["encoding"]["x"]["scale"]["type"] == "sqrt"


def test_only_the_most_talked_about_are_named_in_the_readers_ink() -> None:
    """The foremost has its name; they are drawn in the colour given, for black is lost on dark."""
    spec = bubbles.talk(points(40), "#fafafa").to_dict()
    dots = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "point")
    values = drawn(spec, dots)
    assert len(values) == 40
    named = [row["label"] for row in values if row["label"]]
    assert named[0] == "theme 40"
    assert 4 < len(named) <= bubbles.NAMED
    texts = [layer["mark"] for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert texts
    assert {mark["color"] for mark in texts} == {"#fafafa"}


def test_no_name_lies_on_another() -> None:
    """Of two of equal numbers in one row only one is named on each side."""
    equal = [bubbles.Point(theme=f"t{n}", name=f"a rather long name {n}", authors=20 - n % 2,
                           band="Level 1", articles=1) for n in range(12)]  # fmt: skip
    spec = bubbles.talk(equal).to_dict()
    dots = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "point")
    rows = [(row["lane"], row["right"]) for row in drawn(spec, dots) if row["label"]]
    assert len(rows) == len(set(rows)) <= 2 * bubbles.LANES


def test_nothing_is_no_error() -> None:
    """A chart of no values has its axes all the same."""
    assert bubbles.talk([]).to_dict()["layer"]
    assert bubbles.evidence_map([], [], []).to_dict()["encoding"]
