"""Many phrases to groups: communities of the graph of nearest neighbours.

Leiden communities at several resolutions, united where that brings more phrases home; the
resolution is the one whose groups then hold together best, so no number of groups is ever given.
Nothing is left unassigned. Pure, on arrays and texts; the same rows in the same order give the
same labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miner.merging import JUDGED, Held, held
from miner.neighbours import Near, neighbours
from miner.wording import reordered

__all__ = ["communities"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

CANDIDATES = 100
"""Nearest neighbours among which telling words decide."""
REACH = 0.4
"""Neighbours that are edges of the graph, as a share of the square root of the rows."""
FEWEST, MOST = 10, 40
"""Bounds of these neighbours."""
RESOLUTIONS = (0.2, 0.3, 0.5, 0.8, 1.3, 2.0, 3.2, 5.0, 8.0)
"""From few large themes to many small ones, each step half as much again."""
SEED = 1
ROUNDS = 2
"""Whole cycles of one search for communities."""


def communities(rows: Rows, texts: Sequence[str], *, seed: int = SEED) -> Labels:
    """A label from 0 for each row, without holes; rows are unit vectors of the texts."""
    if len(rows) < 2:
        return np.zeros(len(rows), dtype=np.int64)
    kept = min(max(round(REACH * len(rows) ** 0.5), FEWEST), MOST)
    graph = _graph(rows, reordered(texts, neighbours(rows, CANDIDATES), kept))
    edges = _edges(graph)
    levels = (_leiden(edges, len(rows), resolution, seed) for resolution in RESOLUTIONS)
    return _coarsest([held(rows, graph, level) for level in levels], min(len(rows), JUDGED))


def _coarsest(levels: Sequence[Held], asked: int) -> Labels:
    """The coarsest level that holds together as well as the best, within one standard error."""
    best = max(level.hold for level in levels)
    doubt = (max(best * (1.0 - best), 0.0) / asked) ** 0.5
    return next(level.labels for level in levels if level.hold >= best - doubt)


def _graph(rows: Rows, near: Near) -> Any:
    """Sparse symmetric weights: how much likelier two rows are than any two, squared."""
    from scipy.sparse import csr_matrix

    mean = rows.mean(axis=0)
    usual = np.float32(mean @ mean)
    total, count = near.places.shape
    start = np.arange(0, total * count + 1, count)
    weights = np.square(np.maximum(near.likeness - usual, 0.0)).reshape(-1)
    one_way = csr_matrix((weights, near.places.reshape(-1), start), shape=(total, total))
    both = (one_way + one_way.T).tocsr()
    both.setdiag(0.0)
    both.eliminate_zeros()
    return both


def _edges(graph: Any) -> list[tuple[str, str, float]]:
    from scipy.sparse import triu

    upper = triu(graph, 1).tocoo()
    names = [str(number) for number in range(graph.shape[0])]
    weights = upper.data.astype(float).tolist()
    places = zip(upper.row.tolist(), upper.col.tolist(), weights, strict=True)
    return [(names[a], names[b], weight) for a, b, weight in places]


def _leiden(
    edges: list[tuple[str, str, float]], total: int, resolution: float, seed: int
) -> Labels:
    """Leiden communities; a row without an edge is its own."""
    from graspologic_native import leiden

    labels = np.arange(total, dtype=np.int64) + total
    if edges:
        _, found = leiden(edges, resolution=resolution, seed=seed, iterations=ROUNDS)
        for name, community in found.items():
            labels[int(name)] = community
    return np.unique(labels, return_inverse=True)[1].reshape(-1)
