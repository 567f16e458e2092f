"""What themes are called, the words that tell them apart, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.counts import contested
from miner.keywords import key_words
from miner.model import Claim, Quote, Tally
from miner.names import names, promising, shared, spellings
from miner.phrases import normalise
from miner.stability import rand, stabilities


def named(*phrases: str, leaning: dict[str, float] | None = None) -> str:
    """The best name of a theme of these phrases, each as central as the others."""
    by_phrase: dict[str, list[Claim]] = {}
    for number, phrase in enumerate(phrases):
        quote = Quote(document="d", part=str(number), start=0, text=phrase)
        claim = Claim(
            kind="remedy", phrase=phrase, phrase_start=0, quote=quote, author=f"m{number}"
        )
        by_phrase.setdefault(normalise(phrase), []).append(claim)
    typical = dict.fromkeys(by_phrase, 0.8)
    near = {normalise(phrase): value for phrase, value in (leaning or {}).items()}
    every = [one for phrase, claims in by_phrase.items() for one in spellings(phrase, claims)]
    return names(every, typical, shared(sorted(by_phrase)), near)[0].text


def test_a_slip_of_the_keys_is_no_name() -> None:
    """Well spelled, capitals as most write it."""
    assert named("strenght training", "strenght training") == "strength training"
    assert named("yoga Class", "yoga class", "Yoga class") == "yoga class"
    assert named("FAI", "FAI") == "FAI"


def test_what_all_have_in_common_names_a_theme_in_which_nobody_says_it_alone() -> None:
    """In members' words, without how each of them did it."""
    phrases = ("beetroot juice before bed", "cold beetroot juice", "beetroot juice twice a day",
               "a shot of beetroot juice")  # fmt: skip
    assert named(*phrases) == "beetroot juice"
    assert named("rope", "kettle before bed", "anvil twice") in (
        "rope",
        "kettle before bed",
        "anvil twice",
    )


def test_a_name_that_most_hold_whole_loses_no_word() -> None:
    """Its first word is in as many spellings, and says less."""
    phrases = ("beetroot juice", "Beetroot juice", "three weeks of beetroot juice",
               "beetroot juice nor", "beetroot juice a go", "a beetroot")  # fmt: skip
    assert named(*phrases) == "beetroot juice"


def test_a_broader_phrase_of_the_family_wins_over_a_frequent_narrow_one() -> None:
    """The family guides; without it the frequent one is the name."""
    phrases = ("split squats", "split squats", "split squats", "strength work")
    assert named(*phrases) == "split squats"
    assert named(*phrases, leaning={"strength work": 0.8, "split squats": 0.3}) == "strength work"


def test_key_words_tell_a_theme_from_its_neighbours() -> None:
    """What both say is no key word; neither is a plain word."""
    phrases = ["knee brace", "tight knee brace", "the brace", "knee sleeve"]
    heard = np.array([4, 2, 1, 5], dtype=np.float32)
    first, second = key_words(phrases, heard, np.array([0, 0, 0, 1]), [[1], [0]])
    assert first[0] == "brace"
    assert second[0] == "sleeve"
    assert "knee" not in second
    assert "the" not in first
    alone = np.ones(1, dtype=np.float32), np.zeros(1, dtype=np.int64)
    assert key_words(["ice"], *alone, [[]]) == [("ice",)]
    assert key_words(["it"], *alone, [[]]) == [()]


def test_of_very_many_phrases_those_that_may_be_the_name_are_looked_at() -> None:
    """What is said often, shared, near the middle and short is among them, in the old order."""
    phrases = [f"odd thing number {n} by the way" for n in range(200)]
    phrases[150] = "strength work"
    heard = np.ones(200, dtype=np.float32)
    heard[20] = 400
    kept = promising(phrases, heard, np.full(200, 0.5, np.float32), {}, heard * 0)
    assert {"strength work", phrases[20]} <= set(kept)
    assert len(kept) < 100
    assert kept == sorted(kept, key=phrases.index)
    assert promising(phrases[:9], heard[:9], heard[:9], {}, heard[:9]) == phrases[:9]


# --- how sure ---------------------------------------------------------------------------------


def test_a_theme_that_is_always_found_again_is_stable() -> None:
    """And one that falls apart is not; two phrases say nothing."""
    labels = np.array([0] * 8 + [1] * 8 + [2] * 2)

    def regroup(drawn: np.ndarray) -> np.ndarray:
        return np.where(labels[drawn] == 1, 10 + drawn, labels[drawn])

    solid, loose, small = stabilities(labels, regroup)
    assert solid == 1.0
    assert loose is not None
    assert loose < 0.3
    assert small is None


def test_stability_is_not_told_where_it_would_cost_too_much() -> None:
    """None for all, and nothing is grouped."""

    def never(drawn: np.ndarray) -> np.ndarray:
        raise AssertionError(len(drawn))

    assert stabilities(np.zeros(40_000, dtype=np.int64), never) == [None]
    assert stabilities(np.zeros(50, dtype=np.int64), never, rounds=0) == [None]
    assert stabilities(np.zeros(0, dtype=np.int64), never) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=60))
def test_agreement_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    """The adjusted Rand index, and 1 of a grouping with itself."""
    from sklearn.metrics import adjusted_rand_score

    one, other = np.array(pairs).T
    assert rand(one, other) == pytest.approx(adjusted_rand_score(one, other))
    assert rand(one, one) == 1.0


def test_a_contested_remedy_is_one_of_which_as_many_say_yes_as_no() -> None:
    """Nothing is said of fewer than five; a mixed outcome is half of each."""
    assert contested(Tally(helped=3, worse=1)) is None
    assert contested(Tally(helped=10)) == 0.0
    assert contested(Tally(helped=5, no_effect=3, worse=2)) == 1.0
    assert contested(Tally(mixed=6)) == 1.0
    assert contested(Tally(helped=4, no_effect=1)) == 0.4
