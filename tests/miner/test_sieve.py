"""A decision of the sieve can be read back from its named weights."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from miner.sieve import KINDS, Piece, Sieve, Stage, features
from miner.signals import scene
from miner.tagger import Candidate

TEXT = "I tried ice and a brace for my knee. The ice did nothing, the brace helped a lot."


def candidate(phrase: str, kind: int, sure: float) -> Candidate:
    start = TEXT.index(phrase)
    likely = tuple(sure if other == kind else 0.1 for other in range(len(KINDS)))
    return Candidate(
        kind=kind,
        start=start,
        end=start + len(phrase),
        tagged=likely,
        begun=likely,
        kept=likely,
        outcome=(0.6, 0.1, 0.1, 0.1, 0.1),
        assertion=(0.8, 0.1, 0.1),
        experiencer=(0.7, 0.1, 0.1, 0.1),
        shown=((-2.0, 9.0, 0.5, -1.0, -1.0, 0.0, 0.25), (1.0,) * 7, (), (2.0,) * 7),
    )


@pytest.fixture
def stage() -> Stage:
    """A post of two sentences under a title that says nothing."""
    return Stage(seen=scene(TEXT), role="reply", elsewhere=frozenset())


@pytest.fixture
def pieces() -> list[Piece]:
    """Two remedies, one of them a diagnosis as well, and a part of one."""
    some = [candidate("ice", 3, 0.9), candidate("a brace", 3, 0.7), candidate("a brace", 2, 0.4)]
    whole = [Piece(candidate=one, start=one.start, end=one.end) for one in some]
    return [*whole, replace(whole[1], start=whole[1].start + 2)]


def test_the_sum_is_that_of_the_named_weights(stage: Stage, pieces: list[Piece]) -> None:
    """What is summed in tables is what `features` names, for every piece."""
    shown = features(stage, pieces)
    names = sorted({name for one in shown for name in one})
    rng = np.random.default_rng(5)
    weights = dict(zip(names, rng.normal(size=len(names)).tolist(), strict=True))
    sure = Sieve(weights, [0.5] * len(KINDS)).sure(stage, pieces)
    for one, found in zip(shown, sure, strict=True):
        total = math.fsum(value * weights[name] for name, value in one.items())
        assert found == pytest.approx(1 / (1 + math.exp(-total)))


def test_rivals_are_what_overlaps(stage: Stage, pieces: list[Piece]) -> None:
    """The weaker reading of the same words knows of the stronger one, and not the other way."""
    ice, brace, named, part = features(stage, pieces)
    assert "remedy|overlaps" not in ice
    assert "remedy|near" in ice
    assert "remedy|weaker" not in brace
    assert named["diagnosis|weaker"] == 1.0
    assert named["diagnosis|~margin"] < 0
    assert part["remedy|part of span"] == 1.0


def test_no_pieces_have_no_probabilities(stage: Stage) -> None:
    """A text in which nothing was found."""
    assert Sieve({}, [0.5] * len(KINDS)).sure(stage, []) == []
    assert features(stage, []) == []


def test_a_piece_of_which_little_is_known_is_weighed(stage: Stage) -> None:
    """Heads that say nothing count nothing."""
    bare = replace(candidate("ice", 3, 0.9), outcome=(), assertion=(), experiencer=(), shown=())
    (found,) = features(stage, [Piece(candidate=bare, start=bare.start, end=bare.end)])
    assert not {"remedy|~unknown", "remedy|~a0", "remedy|here helped"} & found.keys()
