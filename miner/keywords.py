"""The words that tell each theme from its neighbours. Pure, all themes of a kind at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miner.phrases import keywords

__all__ = ["key_words", "plain"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

KEYWORDS = 5
TELLING = 1.5
"""How many times its share in the neighbours a word's share must be."""
RARE = 0.02
"""Share of a theme's words below which a word says little about it."""


@cache
def plain() -> frozenset[str]:
    """Words that tell no theme from another."""
    raw = tomllib.loads(files("miner").joinpath("data/plain.toml").read_text("utf-8"))
    return frozenset(raw["words"])


def key_words(
    phrases: Sequence[str], heard: Rows, labels: Labels, near: Sequence[Sequence[int]]
) -> list[tuple[str, ...]]:
    """For each label from 0 the words that tell it from its neighbours, the most telling first.

    Phrases are normalised, each with how often it is said; `near` are the labels of each one's
    neighbours. A word counts by its share of the group's words, and by how many times that is its
    share in the neighbours.
    """
    words, shares = _shares(phrases, heard, labels, len(near))
    if not words:
        return [()] * len(near)
    there = _means_of(near) @ shares
    group = np.repeat(np.arange(len(near)), np.diff(shares.indptr))
    # What the neighbours lack is no entry there, so both are looked up at the same places.
    beside = np.asarray(there.tocsr()[group, shares.indices]).reshape(-1)
    own = shares.data
    times = np.log((own + RARE) / (beside + RARE))
    kept = np.flatnonzero(times > np.log(TELLING))
    weight = np.round(own[kept] * times[kept], 9)
    order = kept[np.lexsort((shares.indices[kept], -weight, group[kept]))]
    return [
        tuple(words[w] for w in some)
        for some in _firsts(group[order], shares.indices[order], len(near))
    ]


def _shares(
    phrases: Sequence[str], heard: Rows, labels: Labels, count: int
) -> tuple[list[str], Any]:
    """The words in order, and the share each has of each label's words as a sparse matrix."""
    from scipy.sparse import csr_matrix, diags

    said = [keywords(phrase) - plain() for phrase in phrases]
    words = sorted(set().union(*said))
    number = {word: place for place, word in enumerate(words)}
    rows = np.repeat(labels, [len(some) for some in said])
    times = np.repeat(heard.astype(np.float64), [len(some) for some in said])
    columns = np.array([number[word] for some in said for word in some], dtype=np.int64)
    counts = csr_matrix((times, (rows, columns)), shape=(count, len(words)))
    whole = np.asarray(counts.sum(axis=1)).reshape(-1)
    shares = (diags(1.0 / np.maximum(whole, 1.0)) @ counts).tocsr()
    shares.sort_indices()
    return words, shares


def _means_of(near: Sequence[Sequence[int]]) -> Any:
    """A sparse matrix: its product with rows of all labels is the mean of each one's neighbours."""
    from scipy.sparse import csr_matrix

    sizes = np.array([len(some) for some in near])
    weights = np.repeat(1.0 / np.maximum(sizes, 1), sizes)
    columns = np.array([other for some in near for other in some], dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return csr_matrix((weights, columns, ends), shape=(len(near), len(near)))


def _firsts(groups: Labels, columns: Labels, count: int) -> Iterator[list[int]]:
    """The first few columns of each group; groups are in order."""
    starts = np.searchsorted(groups, np.arange(count + 1))
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        yield columns[start : min(end, start + KEYWORDS)].tolist()
