"""How telling each word is, learned from the neighbours of the phrases themselves.

A word that a phrase's neighbours share far more often than phrases do in general tells what the
phrase is about; "a" and "pain" do not. No list of words is needed, in no field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miner.neighbours import Near

__all__ = ["reordered"]

WORDS = re.compile(r"(?u)\b\w[\w#+.-]*\b")
LEAST = 2
"""Phrases a word must be in to count."""
SHARE = 0.3
"""What phrases of the same telling words gain in likeness."""
ROUNDS = 2
WITNESSES = 15
"""Neighbours that tell how telling a word is."""
DOUBT = 3.0
"""Phrases' worth of doubt about a rare word."""
BLOCK = 1024


def reordered(texts: Sequence[str], near: Near, count: int) -> Near:
    """The likest `count` neighbours when telling words in common count as well."""
    words = _incidence(texts)
    best = near
    for _ in range(ROUNDS if words.shape[1] else 0):
        telling = _unit_rows(words.multiply(_weights(words, best)[None, :]).tocsr())
        likeness = near.likeness + np.float32(SHARE) * _shared(telling, near.places)
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
        best = Near(
            places=np.take_along_axis(near.places, order, axis=1),
            likeness=np.take_along_axis(likeness, order, axis=1),
        )
    return Near(places=best.places[:, :count], likeness=best.likeness[:, :count])


def _incidence(texts: Sequence[str]) -> Any:
    """A sparse matrix of ones: phrases by the words that are in enough of them."""
    from scipy.sparse import csr_matrix

    numbers: dict[str, int] = {}
    found = [sorted(set(WORDS.findall(text.lower()))) for text in texts]
    columns = [numbers.setdefault(word, len(numbers)) for some in found for word in some]
    ends = np.cumsum([0, *(len(some) for some in found)])
    shape = (len(texts), len(numbers))
    ones = np.ones(len(columns), dtype=np.float32)
    full = csr_matrix((ones, np.array(columns, dtype=np.int64), ends), shape=shape)
    spread = np.asarray(full.sum(axis=0)).reshape(-1)
    return full[:, np.flatnonzero(spread >= LEAST)]


def _weights(words: Any, near: Near) -> NDArray[np.float32]:
    """For each word how much oftener it is among the neighbours of its phrases than elsewhere."""
    from scipy.sparse import csr_matrix

    places = near.places[:, :WITNESSES]
    total, count = places.shape
    start = np.arange(0, total * count + 1, count)
    ones = np.ones(total * count, dtype=np.float32)
    graph = csr_matrix((ones, places.reshape(-1), start), shape=(total, total))
    spread = np.asarray(words.sum(axis=0)).reshape(-1)
    met = np.asarray((graph @ words).multiply(words).sum(axis=0)).reshape(-1)
    gain = np.maximum(met / (count * spread) - spread / total, 0.0)
    return np.asarray(gain * spread / (spread + DOUBT), dtype=np.float32)


def _unit_rows(rows: Any) -> Any:
    from scipy.sparse import diags

    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).reshape(-1))
    return (diags(1.0 / np.maximum(lengths, 1e-9)) @ rows).astype(np.float32).tocsr()


def _shared(telling: Any, places: NDArray[np.int32]) -> NDArray[np.float32]:
    """Dot products of each row of words with those of its neighbours."""
    out = np.empty(places.shape, dtype=np.float32)
    count = places.shape[1]
    for start in range(0, len(places), BLOCK):
        some = places[start : start + BLOCK]
        own = np.repeat(np.arange(start, start + len(some)), count)
        both = telling[own].multiply(telling[some.reshape(-1)])
        out[start : start + len(some)] = np.asarray(both.sum(axis=1)).reshape(some.shape)
    return out
