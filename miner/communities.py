"""Many phrases to groups: communities of the graph of nearest neighbours.

Leiden communities at several resolutions, united where that brings more phrases home; the
resolution is the one whose groups then hold together best, so no number of groups is ever given.
Nothing is left unassigned. Pure, on arrays and texts; the same rows in the same order give the
same labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from miner.merging import JUDGED, Held, held
from miner.neighbours import Near, neighbours
from miner.wording import reordered

__all__ = ["communities"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]
Turn = TypeVar("Turn", int, float)

CANDIDATES = 100
"""Nearest neighbours among which telling words decide."""
REACH = 0.4
"""Neighbours that are edges of the graph, as a share of the square root of the rows."""
FEWEST, MOST = 10, 40
"""Bounds of these neighbours."""
RESOLUTIONS = (0.3, 0.5, 0.8, 1.3, 2.0, 3.2, 5.0)
"""From few large themes to many small ones, each step half as much again.

Coarser still, what one search finds is not found by the next; what is finer is found by parting.
"""
EXACT = 30_000
"""Up to so many rows every resolution is tried on all of them; beyond, on a sample."""
SAMPLE = 10_000
"""Rows of the sample, spread evenly."""
THIN, FEWER = 50, 20
"""Candidates, and neighbours that are edges, of so many rows."""
WITHIN = 1.0
"""Resolution at which a group that is too large is parted."""
CLOSER = (0.5, WITHIN, 2.0)
"""Resolutions at which the parts of a group are looked for."""
HOPELESS = 0.2
"""How far from sound the first parts are where no others are looked for."""
SOUND = 0.83
"""How well parts must hold together, one standard error off, to be groups of their own."""
SMALLEST = 6
"""Rows of a group whose parts are looked for."""
RIVAL = 0.03
"""How far behind the best a resolution is still run a second time."""
WAVERING = 0.012
"""What another run of the search changes in how well groups hold together."""
AGREEING = 4
"""Runs at the resolution chosen, whose agreement is taken."""
SEED = 1
ROUNDS = 2
"""Whole cycles of one search for communities."""


def communities(
    rows: Rows, texts: Sequence[str], *, seed: int = SEED, most: int | None = None
) -> Labels:
    """A label from 0 for each row, without holes; rows are unit vectors of the texts.

    Groups of more than `most` rows are parted once more, if they can be.
    """
    if len(rows) < 2:
        return np.zeros(len(rows), dtype=np.int64)
    if len(rows) <= EXACT:
        graph = _graph(rows, _near(rows, texts, CANDIDATES, MOST))
        labels = _finer(rows, graph, _Levels(rows, graph, seed).agreed(), seed)
    else:
        step = -(-len(rows) // SAMPLE)
        some = rows[::step]
        sample = _graph(some, _near(some, texts[::step], THIN, MOST))
        resolution = _Levels(some, sample, seed).chosen()
        graph = _graph(rows, _near(rows, texts, THIN, FEWER))
        labels = held(rows, graph, _leiden(_edges(graph), len(rows), resolution, seed)).labels
    return labels if most is None else _parted(graph, labels, most, seed)


def _near(rows: Rows, texts: Sequence[str], candidates: int, most: int) -> Near:
    """The neighbours that are edges."""
    kept = min(max(round(REACH * len(rows) ** 0.5), FEWEST), most)
    return reordered(texts, neighbours(rows, candidates), kept)


class _Levels:
    """The groups of one graph at several resolutions, each looked for when it is asked for."""

    def __init__(self, rows: Rows, graph: Any, seed: int) -> None:
        self.rows, self.graph, self.seed = rows, graph, seed
        self.edges = _edges(graph)
        self.runs: dict[float, list[Labels]] = {one: [] for one in RESOLUTIONS}
        self.holds: dict[float, list[float]] = {one: [] for one in RESOLUTIONS}

    def chosen(self) -> float:
        """The coarsest resolution whose groups hold together as well as the best.

        As well: within one standard error, or what another run of the search changes. What comes
        near is run twice before it is judged. A resolution apart from the best, behind others that
        hold far less, tells of another order of things and is none of its rivals.
        """
        self._run(RESOLUTIONS)
        rivals = self._rivals()
        self._run(rivals)
        best = max(self._hold(one) for one in rivals)
        asked = min(len(self.rows), JUDGED)
        doubt = max((max(best * (1.0 - best), 0.0) / asked) ** 0.5, WAVERING)
        return next(one for one in rivals if self._hold(one) >= best - doubt)

    def agreed(self) -> Labels:
        """What several runs at the resolution chosen agree on.

        Edges weigh by the share of runs that have both ends in one group; the groups of that graph
        are hardly moved by chance.
        """
        resolution = self.chosen()
        runs = self.runs[resolution]
        turns = range(len(runs), AGREEING)
        runs += _beside(lambda turn: self._search(resolution, turn), turns)
        places = self.graph.tocoo()
        share = sum((run[places.row] == run[places.col]).astype(np.float32) for run in runs)
        places.data = places.data * share / len(runs)
        common = places.tocsr()
        common.eliminate_zeros()
        labels = _leiden(_edges(common), len(self.rows), resolution, self.seed)
        return held(self.rows, self.graph, labels).labels

    def _rivals(self) -> list[float]:
        """The best resolution and those beside it that hold nearly as well, coarsest first."""
        holds = [self._hold(one) for one in RESOLUTIONS]
        least = max(holds) - RIVAL
        first = last = holds.index(max(holds))
        while first and holds[first - 1] >= least:
            first -= 1
        while last + 1 < len(holds) and holds[last + 1] >= least:
            last += 1
        return list(RESOLUTIONS[first : last + 1])

    def _run(self, resolutions: Sequence[float]) -> None:
        """Runs each once more."""
        found = _beside(lambda one: self._search(one, len(self.runs[one])), resolutions)
        for resolution, labels in zip(resolutions, found, strict=True):
            self.runs[resolution].append(labels)
            self.holds[resolution].append(held(self.rows, self.graph, labels).hold)

    def _search(self, resolution: float, turn: int) -> Labels:
        # Far apart, so that neighbouring seeds share no run.
        return _leiden(self.edges, len(self.rows), resolution, self.seed + 1000 * turn)

    def _hold(self, resolution: float) -> float:
        holds = self.holds[resolution]
        return sum(holds) / len(holds)


def _beside(search: Callable[[Turn], Labels], turns: Sequence[Turn]) -> list[Labels]:
    """What is found in each turn; two searches at a time, which let go of Python's lock."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(search, turns))


def _finer(rows: Rows, graph: Any, labels: Labels, seed: int) -> Labels:
    """The labels with each group parted whose parts hold together beyond doubt, again and again.

    One resolution for all cannot tell small groups from one another where others are large.
    """
    found = np.empty_like(labels)
    waiting = [np.flatnonzero(labels == label) for label in range(int(labels.max()) + 1)]
    count = 0
    while waiting:
        group = waiting.pop()
        parts = _parts(rows[group], graph[group][:, group], seed)
        if parts is None:
            found[group] = count
            count += 1
        else:
            waiting += [group[parts == part] for part in range(int(parts.max()) + 1)]
    return np.unique(found, return_inverse=True)[1].reshape(-1)


def _parts(rows: Rows, graph: Any, seed: int) -> Labels | None:
    """Labels of the parts of one group that hold best; None where they are no groups."""
    edges = _edges(graph) if len(rows) >= SMALLEST else []
    if not edges:
        return None

    def looked(resolution: float) -> Held:
        return held(rows, graph, _leiden(edges, len(rows), resolution, seed))

    first = looked(WITHIN)
    if first.hold < SOUND - HOPELESS:
        return None
    found = [first if one == WITHIN else looked(one) for one in CLOSER]
    best = max(found, key=lambda one: one.hold)
    doubt = (max(best.hold * (1.0 - best.hold), 0.0) / len(rows)) ** 0.5
    return best.labels if best.labels.any() and best.hold - doubt >= SOUND else None


def _parted(graph: Any, labels: Labels, most: int, seed: int) -> Labels:
    """The labels with each group of more than `most` rows parted by its own part of the graph."""
    found = labels.copy()
    for label in np.flatnonzero(np.bincount(labels) > most).tolist():
        group = np.flatnonzero(labels == label)
        own = graph[group][:, group]
        within = _leiden(_edges(own), len(group), WITHIN, seed)
        if within.any():
            found[group] = _parted(own, within, most, seed) + int(found.max()) + 1
    return np.unique(found, return_inverse=True)[1].reshape(-1)


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
        places = np.fromiter(map(int, found), dtype=np.int64, count=len(found))
        labels[places] = np.fromiter(found.values(), dtype=np.int64, count=len(found))
    return np.unique(labels, return_inverse=True)[1].reshape(-1)
