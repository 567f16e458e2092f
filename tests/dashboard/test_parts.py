"""What a quote shows beside its words."""

from __future__ import annotations

from dataclasses import replace

from dashboard.parts import beyond
from miner.model import Claim, Quote

QUOTE = Quote(document="d", part="2", start=10, text="Tried it for a month.")
CLAIM = Claim(kind="remedy", phrase="it", phrase_start=16, quote=QUOTE, outcome="helped")


def test_a_quote_that_tells_all_needs_no_more() -> None:
    """The words of the outcome stand in the quote: nothing is said twice."""
    inside = Quote(document="d", part="2", start=16, text="it for a month")
    assert beyond(replace(CLAIM, verdict=inside)) == []


def test_what_points_and_what_is_told_elsewhere_are_shown() -> None:
    """The reader sees what `it` was taken for, and the words of an outcome in another place."""
    later = Quote(document="d", part="7", start=10, text="The knee is quiet now.")
    lines = beyond(replace(CLAIM, means="the wedge", verdict=later))
    assert ["the wedge" in lines[0], "The knee is quiet now." in lines[1]] == [True, True]


def test_a_later_sentence_of_the_same_post_is_shown() -> None:
    """Where the outcome comes sentences later, its words are beside the quote."""
    after = replace(QUOTE, start=QUOTE.end + 1, text="No pain since.")
    assert beyond(replace(CLAIM, verdict=after)) == [
        "The outcome is told further on: “No pain since.”"
    ]
