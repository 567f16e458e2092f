"""Patterns that match without regard to case, the quick way and the plain way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.caseless import Caseless
from miner.scope import _patterns
from miner.signals import _lists

WORDS = st.sampled_from(
    ["Did NOT help", "nothing", "İt", "ſtill", "K", "’s", "WORSE", "my GP said", "é", "\n", ". "]
)
TEXTS = st.lists(WORDS | st.text(max_size=6), max_size=12).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_matches_are_those_without_regard_to_case(text: str) -> None:
    """For the lists of words in use, whatever letters the text has and in whatever case."""
    lists = _lists()
    for pattern in (*lists.outcome.values(), *lists.stance.values(), *_patterns().values()):
        plain = re.compile(pattern.source, re.IGNORECASE)
        wanted = [match.span() for match in plain.finditer(text)]
        assert [match.span() for match in pattern.finditer(text)] == wanted
        first, again = pattern.search(text, 2), plain.search(text, 2)
        assert (first and first.span()) == (again and again.span())
        for way in ("match", "fullmatch"):
            assert bool(getattr(pattern, way)(text)) == bool(getattr(plain, way)(text))


def test_a_pattern_with_a_capital_is_refused() -> None:
    """It could never match; classes such as `\\W` and names of groups are no capitals."""
    with pytest.raises(ValueError, match="capital"):
        Caseless("no Luck")
    assert Caseless(r"(?P<word>luck)\W").search("No LUCK.")
