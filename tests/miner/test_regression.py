"""Hundreds of short posts and threads of our own wording: what is read in them never gets worse."""

from __future__ import annotations

import importlib.util
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from miner.claims import Extractor
from miner.text import sentences


def _set() -> ModuleType:
    """The set beside this file, as a module."""
    path = Path(__file__).with_name("regression.py")
    spec = importlib.util.spec_from_file_location("regression", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["regression"] = loaded
    spec.loader.exec_module(loaded)
    return loaded


regression = _set()
ITEMS = list(regression.items())
CASES = sorted({item.case for item in ITEMS})


@pytest.fixture(scope="module")
def scores() -> dict[str, Any]:
    """The counts of each case and, under an empty name, of all."""
    extractor = Extractor()
    found: dict[str, Any] = defaultdict(regression.Score)
    for item in ITEMS:
        claims = extractor.extract(item.thread)
        for name in (item.case, ""):
            found[name].add(item, claims)
    return found


ALL, OUTCOMES, FURTHER = 0.79, 0.87, 0.6
"""Least F1 over the whole set, least share of right outcomes among remedies found, and of what
else is asked of a claim: when, on whose word, what it means, which words show it."""
FLOORS = {
    "late scope": 0.94,
    "yes and no": 0.85,
    "planned only": 0.76,
    "outcome words without an outcome": 0.76,
    "recap of another's list": 0.84,
    "quoted text": 0.7,
    "third person": 0.74,
    "flips in a post": 0.85,
    "flips in a later post": 0.77,
    "undercut causes and wrong diagnoses": 0.8,
    "opposite roles": 0.5,
    "bundles and acronyms": 0.72,
    "pronoun targets": 0.85,
    "chains and comparatives": 0.71,
    "typos": 0.5,
    "prices and side effects": 0.65,
    "titles": 0.8,
    "advice as a question": 0.62,
    "worse": 0.83,
    "answers to a question": 0.71,
    "threads": 0.78,
    "absence and return": 0.84,
    "tests and healers": 0.7,
}
"""Least F1 by case: somewhat below what was measured, never to be lowered."""
TAKEN = {
    "false causes": 1,
    "sarcasm and jokes": 5,
    "promotion": 3,
    "quoted text": 1,
    "tests and healers": 2,
}
"""Most words wrongly taken for a claim, by case."""


def test_the_set_is_large_and_twenty_of_each_case() -> None:
    """At least 300 sentences, 40 threads, twenty items of each hard case, all marks in place."""
    assert all(sum(item.case == case for item in ITEMS) >= 20 for case in CASES)
    assert sum(len(item.thread.posts) > 1 for item in ITEMS) >= 110
    assert sum(len(item.thread.posts) > 2 for item in ITEMS) >= 30
    said = [post.text for item in ITEMS for post in item.thread.posts]
    assert sum(len(sentences(text)) for text in said) >= 300
    assert not any("[R" in text or "[X" in text for text in said)


def test_claims_are_found_as_well_as_ever(scores: dict[str, Any]) -> None:
    """F1 over the whole set, and the share of right outcomes."""
    assert scores[""].f1 >= ALL
    assert scores[""].outcomes / scores[""].remedies >= OUTCOMES


def test_time_basis_meaning_and_verdict_are_read(scores: dict[str, Any]) -> None:
    """Of the claims that are found, what is asked besides the outcome."""
    assert scores[""].right / scores[""].fields >= FURTHER


@pytest.mark.parametrize("case", sorted(FLOORS))
def test_no_hard_case_gets_worse(scores: dict[str, Any], case: str) -> None:
    """F1 of each case."""
    assert scores[case].f1 >= FLOORS[case]


@pytest.mark.parametrize("case", CASES)
def test_few_words_are_taken_for_claims(scores: dict[str, Any], case: str) -> None:
    """Quotes, jokes, daily life and advertisements."""
    assert scores[case].taken <= TAKEN.get(case, 0)
