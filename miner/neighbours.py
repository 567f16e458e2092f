"""The nearest others of each row: exact while that is cheap, by cells of near rows beyond.

Pure, on arrays; the same rows give the same neighbours, whatever the machine does beside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from miner.sums import sums

__all__ = ["Near", "neighbours"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

EXACT = 30_000
"""Up to so many rows each is compared with every other."""
BLOCK = 1024
"""Rows compared at a time."""
PROBES = 16
"""Cells searched for the neighbours of a cell, itself among them."""
ROUNDS = 2
"""How often the centres of the cells are moved to their middle."""
SAMPLED = 50
"""Rows for each cell, spread evenly, by which the centres are moved."""


@dataclass(frozen=True, kw_only=True)
class Near:
    """Neighbours of each row, likest first: two arrays of shape (rows, neighbours)."""

    places: NDArray[np.int32]
    likeness: Rows
    """Dot product; of a row that has fewer neighbours than asked for, the last repeated at -1."""


def neighbours(rows: Rows, count: int, *, exact: int = EXACT) -> Near:
    """The `count` likest other rows of each; up to `exact` rows none is ever missed."""
    total = len(rows)
    count = min(count, max(total - 1, 0))
    found = Near(
        places=np.zeros((total, count), dtype=np.int32),
        likeness=np.full((total, count), -1.0, dtype=np.float32),
    )
    if not count:
        return found
    everything = np.arange(total)
    if total <= exact:
        for start in range(0, total, BLOCK):
            _search(rows, everything[start : start + BLOCK], everything, found)
        return found
    cells, near = _cells(rows)
    members = np.split(np.argsort(cells, kind="stable"), np.cumsum(np.bincount(cells))[:-1])
    for own, beside in zip(members, near, strict=True):
        among = np.sort(np.concatenate([members[cell] for cell in beside]))
        for start in range(0, len(own), BLOCK):
            _search(rows, own[start : start + BLOCK], among, found)
    return found


def _search(rows: Rows, some: Labels, among: Labels, found: Near) -> None:
    """Writes the nearest of `among`, which is sorted, for some rows."""
    count = min(found.places.shape[1], len(among) - 1)
    if not count:
        return
    likeness = rows[some] @ rows[among].T
    likeness[some[:, None] == among[None, :]] = -2.0
    best, values = _highest(likeness, count)
    found.places[some, :count] = among[best]
    found.likeness[some, :count] = values
    found.places[some, count:] = found.places[some, count - 1 : count]


def _highest(values: Rows, count: int) -> tuple[Labels, Rows]:
    """Places and values of the highest of each row, the highest first, of equals the first."""
    # Values alone are parted many times faster than places.
    least = np.partition(values, values.shape[1] - count, axis=1)[:, values.shape[1] - count]
    row, column = np.nonzero(values >= least[:, None])
    kept = values[row, column]
    order = np.lexsort((column, -kept, row))
    starts = np.searchsorted(row[order], np.arange(len(values)))
    best = order[starts[:, None] + np.arange(count)]
    return column[best], kept[best]


def _cells(rows: Rows) -> tuple[Labels, list[Labels]]:
    """A cell for each row, and for each cell the cells nearest to it, itself first."""
    count = int(2 * np.sqrt(len(rows)))
    centres = rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    some = rows[:: -(-len(rows) // (SAMPLED * count))]
    for _ in range(ROUNDS):
        total = sums(some, _nearest(some, centres), count)
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        centres = np.where(lengths > 0, total / np.maximum(lengths, 1e-9), centres)
    used, labels = np.unique(_nearest(rows, centres), return_inverse=True)
    likeness = centres[used] @ centres[used].T
    np.fill_diagonal(likeness, 2.0)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :PROBES]
    return np.asarray(labels.reshape(-1), dtype=np.int64), list(order)


def _nearest(rows: Rows, centres: Rows) -> Labels:
    parts = [
        (rows[start : start + BLOCK] @ centres.T).argmax(axis=1)
        for start in range(0, len(rows), BLOCK)
    ]
    return np.concatenate(parts)
