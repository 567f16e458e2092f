"""Groups that are better one: pairs are united while more phrases are then at home.

Pure, on arrays. A phrase is at home where it is likest, on average, to the others of its group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miner.sums import sums

__all__ = ["JUDGED", "Held", "held"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]
Floats = NDArray[np.float32]

JUDGED = 10_000
"""Rows that are asked, spread evenly, where there are more."""
LEAST = 0.04
"""Share of its weight that the lesser of two groups must have towards the other."""
PAIRS = 8
"""Pairs of groups that are tried at a time, those with most between them first."""
RIVALS = 3
"""Groups that are remembered for each row: two may be the pair that is tried."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """Groups and how well they hold together."""

    labels: Labels
    """From 0, without holes."""
    hold: float
    """1 at best."""


def held(rows: Rows, graph: Any, labels: Labels) -> Held:
    """The groups after all unions that bring more rows home, beyond what chance would bring.

    How well they hold is that share, times the share of the graph's weight inside groups.
    """
    state = _State(rows, graph, labels)
    share = state.share()
    while (best := state.best_pair()) and best[0] > share:
        share = best[0]
        state.unite(best[1], best[2])
    kept = np.unique(state.labels, return_inverse=True)[1].reshape(-1)
    return Held(labels=kept, hold=share * state.inside())


class _State:
    """Groups while they are united; a group that went into another has size 0."""

    def __init__(self, rows: Rows, graph: Any, labels: Labels) -> None:
        count = int(labels.max()) + 1
        self.labels = labels.copy()
        self.sizes = np.bincount(labels, minlength=count).astype(np.float32)
        asked = np.arange(0, len(rows), -(-len(rows) // JUDGED))
        self.homes = labels[asked].copy()
        self.totals = rows[asked] @ sums(rows, labels, count).T
        self.self_likeness = np.square(rows[asked]).sum(axis=1)
        self.between = _between(graph, labels, count)
        self.ties = _ties(self.between)
        self._look()

    def share(self) -> float:
        """Share of the asked rows that are at home, beyond chance."""
        return self._beyond(self.own >= self.rivals.max(axis=1), 0.0)

    def inside(self) -> float:
        """Share of the graph's weight that lies inside groups."""
        return float(self.between.diagonal().sum() / max(self.between.sum(), 1e-9))

    def best_pair(self) -> tuple[float, int, int] | None:
        """The share at home when the best of the closest pairs is united, and the pair."""
        flat = self.ties.reshape(-1)
        most = min(PAIRS, len(flat))
        places = np.argpartition(-flat, most - 1)[:most]
        pairs = [divmod(int(place), len(self.ties)) for place in np.sort(places)]
        tried = [(self._united(a, b), -a, -b) for a, b in pairs if self.ties[a, b] >= LEAST]
        if not tried:
            return None
        share, a, b = max(tried)
        return share, -a, -b

    def unite(self, into: int, gone: int) -> None:
        """Makes one group of two."""
        self.labels[self.labels == gone] = into
        self.homes[self.homes == gone] = into
        self.sizes[into] += self.sizes[gone]
        self.sizes[gone] = 0.0
        self.totals[:, into] += self.totals[:, gone]
        self.between[into] += self.between[gone]
        self.between[:, into] += self.between[:, gone]
        self.between[gone] = self.between[:, gone] = 0.0
        self.ties = _ties(self.between)
        self._look()

    def _united(self, a: int, b: int) -> float:
        """The share at home if two groups were one."""
        size = self.sizes[a] + self.sizes[b]
        total = self.totals[:, a] + self.totals[:, b]
        mine = (self.homes == a) | (self.homes == b)
        away = np.where((self.who == a) | (self.who == b), -np.inf, self.rivals).max(axis=1)
        own = np.where(mine, (total - self.self_likeness) / max(size - 1.0, 1.0), self.own)
        right = own >= np.where(mine, away, np.maximum(away, total / size))
        return self._beyond(right, 2.0 * float(self.sizes[a]) * float(self.sizes[b]))

    def _beyond(self, right: NDArray[np.bool_], more: float) -> float:
        chance = (float(np.square(self.sizes, dtype=np.float64).sum()) + more) / len(
            self.labels
        ) ** 2
        return (float(right.mean()) - chance) / max(1.0 - chance, 1e-9)

    def _look(self) -> None:
        """How like each asked row is to its own group, and to the likest others."""
        places = np.arange(len(self.homes))
        likeness = self.totals / np.maximum(self.sizes, 1.0)
        likeness[:, self.sizes == 0] = -np.inf
        own = self.totals[places, self.homes] - self.self_likeness
        self.own = own / np.maximum(self.sizes[self.homes] - 1.0, 1.0)
        likeness[places, self.homes] = -np.inf
        most = min(RIVALS, likeness.shape[1])
        self.who = np.argpartition(-likeness, most - 1, axis=1)[:, :most]
        self.rivals = np.take_along_axis(likeness, self.who, axis=1)


def _between(graph: Any, labels: Labels, count: int) -> NDArray[np.float64]:
    """Weight of the graph from each group to each."""
    from scipy.sparse import csr_matrix

    ones, places = np.ones(len(labels)), np.arange(len(labels))
    of = csr_matrix((ones, (places, labels)), shape=(len(labels), count))
    return np.asarray((of.T @ graph @ of).toarray(), dtype=np.float64)


def _ties(between: NDArray[np.float64]) -> Floats:
    """Weight between two groups against all that the lesser of them has; each pair once."""
    degrees = np.maximum(between.sum(axis=1), 1e-12)
    lesser = np.minimum(degrees[:, None], degrees[None, :])
    return np.asarray(np.triu(between / lesser, 1), dtype=np.float32)
