"""Charts: the specification says what the values say."""

from __future__ import annotations

from typing import Any

from dashboard import charts
from dashboard.data import Quarter
from miner.counts import shares
from miner.model import Tally


def rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return list(next(iter(spec["datasets"].values())))


def test_outcomes_keep_their_order_and_carry_k_of_n() -> None:
    """One line per outcome in the order given, labelled `k of n`, the dot inside its interval."""
    found = shares(Tally(helped=7, mixed=2, no_effect=2, worse=1))
    spec = charts.outcomes(list(found.items())).to_dict()
    drawn = rows(spec)
    assert [row["outcome"] for row in drawn] == [
        "helped: 7 of 12",
        "mixed: 2 of 12",
        "no_effect: 2 of 12",
        "worse: 1 of 12",
    ]
    assert all(row["low"] < row["share"] < row["high"] for row in drawn)
    assert spec["layer"][0]["encoding"]["y"]["sort"] == [row["outcome"] for row in drawn]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 1]


def test_no_chart_draws_text_as_marks() -> None:
    """Marks of text would be black on a dark page."""
    share = shares(Tally(helped=5))
    specs = [
        charts.outcomes(list(share.items())).to_dict(),
        charts.trend([Quarter(label="2025 Q1", authors=2, finished=True)]).to_dict(),
        charts.gap_parts(["a"], [{"authors": 3.0}]).to_dict(),
    ]
    for spec in specs:
        marks = [part["mark"]["type"] for part in spec.get("layer", [spec])]
        assert "text" not in marks


def test_the_unfinished_quarter_is_set_apart() -> None:
    """Every quarter has a bar; the running one has another colour and says so."""
    spec = charts.trend(
        [
            Quarter(label="2025 Q1", authors=2, finished=True),
            Quarter(label="2025 Q2", authors=1, finished=False),
        ]
    ).to_dict()
    assert [row["state"] for row in rows(spec)] == ["finished", "still running"]
    assert spec["encoding"]["color"]["scale"]["range"] == [charts.BLUE, charts.GREY]


def test_gap_parts_are_stacked_by_rank() -> None:
    """Bars are numbered in the order given, so that themes of one name stay apart."""
    spec = charts.gap_parts(
        ["rest", "rest"], [{"a": 2.0, "b": 1.0}, {"a": 1.0}], first=21
    ).to_dict()
    assert spec["encoding"]["y"]["sort"] == ["21. rest", "22. rest"]
    assert [row["points"] for row in rows(spec)] == [2.0, 1.0, 1.0]


def test_only_parts_that_occur_are_drawn() -> None:
    """A part of no points in any gap has neither a bar nor a place in the legend."""
    spec = charts.gap_parts(["a", "b"], [{"x": 2.0, "y": 0.0}, {"x": 1.0, "y": 0.0}]).to_dict()
    assert {row["part"] for row in rows(spec)} == {"x"}
