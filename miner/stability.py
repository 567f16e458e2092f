"""How sure a theme is: whether it is found again when a part of the phrases is left out. Pure.

Clusterwise Jaccard of C. Hennig (Computational Statistics & Data Analysis 52, 2007): the best
likeness of a theme, as far as drawn, to a group of the drawn phrases alone, on average.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROUNDS", "rand", "stabilities"]

Labels = NDArray[np.int64]

ROUNDS = 10
DRAWN = 0.8
"""Share of the phrases that are drawn in a round."""
LEAST = 3
"""Phrases a theme needs for the question to mean something."""
WORK = 50_000
"""Phrases grouped in all rounds together at most; below three rounds none is made."""
SEED = 20_071


def stabilities(
    labels: Labels, regroup: Callable[[Labels], Labels], rounds: int = ROUNDS
) -> list[float | None]:
    """For each label from 0 its stability, 0 to 1, None where it was not or cannot be told.

    `regroup` gives labels for some of the rows, chosen by their numbers.
    """
    count = int(labels.max(initial=-1)) + 1
    rounds = min(rounds, WORK // max(len(labels), 1))
    sizes = np.bincount(labels, minlength=count)
    if rounds < LEAST or not count:
        return [None] * count
    chance = np.random.default_rng(SEED)
    sums, seen = np.zeros(count), np.zeros(count)
    for _ in range(rounds):
        drawn = np.sort(chance.permutation(len(labels))[: max(1, round(DRAWN * len(labels)))])
        best = _found_again(labels[drawn], regroup(drawn), count)
        there = np.bincount(labels[drawn], minlength=count) > 0
        sums[there] += best[there]
        seen[there] += 1
    return [
        round(float(sums[label] / seen[label]), 2)
        if sizes[label] >= LEAST and seen[label]
        else None
        for label in range(count)
    ]


def _found_again(labels: Labels, others: Labels, count: int) -> NDArray[np.float64]:
    """The best Jaccard likeness of each label's rows to those of one of the other labels."""
    pairs, both = np.unique(np.stack([labels, others], axis=1), axis=0, return_counts=True)
    here = np.bincount(labels, minlength=count)[pairs[:, 0]]
    there = np.bincount(others)[pairs[:, 1]]
    best = np.zeros(count)
    np.maximum.at(best, pairs[:, 0], both / (here + there - both))
    return best


def rand(one: Labels, other: Labels) -> float:
    """Adjusted Rand index of two groupings of the same rows; 1 where they are the same."""
    pairs = np.unique(np.stack([one, other], axis=1), axis=0, return_counts=True)[1]
    together = sum(comb(int(n), 2) for n in pairs)
    first = sum(comb(int(n), 2) for n in np.unique(one, return_counts=True)[1])
    second = sum(comb(int(n), 2) for n in np.unique(other, return_counts=True)[1])
    by_chance = first * second / max(comb(len(one), 2), 1)
    most = (first + second) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)
