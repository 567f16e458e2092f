"""What a new grouping may change in the last run's themes: little, and only for clear reasons.

Pure, on arrays. A grouping made without any memory is the witness: phrases stay where they were
unless it disagrees strongly, and then a theme is parted, two become one, or a phrase moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from miner.sums import means

__all__ = ["NEW", "Known", "joined", "settled"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

NEW = -1
"""Home of a phrase that no former theme holds."""
SIZE = 3
"""Phrases that must agree before a theme is parted."""
SHARE = 0.9
"""Share of each of two themes that lies in one group before they become one."""
PART = 0.3
"""Share of a theme that makes it at home in a second group, where no other theme is."""
PARTED = 1.4
"""How many times likelier phrases must be to where they go than to what they leave."""
ALONE = 2.0
"""The same for fewer phrases than part a theme."""
ROUNDS = 20
"""Each round brings the themes nearer to the witness, so that few are ever needed."""
NEIGHBOURS = 10
NEAR = 0.8
"""Share of a theme's usual likeness that a phrase needs to join it."""
LONE = 0.75
"""What is asked of a row beside a theme of hardly more than one phrase."""
EXACT = 20_000
"""Up to so many known rows a new one is compared with each."""
NEAREST = 30
"""Of more it is compared with those of so many themes, whose centres are nearest."""
BLOCK = 256
"""New rows compared at a time: what memory it takes."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """Where the phrases were in the last run, one entry a row."""

    homes: Labels
    """Number of the former theme, or NEW."""
    held: frozenset[int] = frozenset()
    """Former themes that a person shaped: neither parted nor made one with one another."""
    fixed: NDArray[np.bool_] | None = None
    """Rows that a person placed: they stay where they are."""


def settled(fresh: Labels, known: Known, rows: Rows) -> Labels:
    """A label per row: the former homes, mended where the fresh labels speak clearly against them.

    Labels below the number of homes are homes, others are new themes. The same fresh labels on
    what comes out change nothing more.
    """
    state = _State(np.asarray(fresh, dtype=np.int64), known, rows)
    for _ in range(ROUNDS):
        before = state.labels.copy()
        state.place_new()
        state.part()
        state.join()
        if np.array_equal(before, state.labels):
            break
    return state.labels


def joined(known: Known, rows: Rows) -> Labels:
    """The homes, with each new row in the theme of its nearest neighbours and centre, if near.

    A row that is as near to no theme as that theme's own are stays NEW.
    """
    labels = known.homes.copy()
    old, new = np.flatnonzero(labels != NEW), np.flatnonzero(labels == NEW)
    if not len(old) or not len(new):
        return labels
    themes = _themes(rows[old], labels[old])
    for start in range(0, len(new), BLOCK):
        some = new[start : start + BLOCK]
        labels[some] = [_home(*seen, themes) for seen in themes.each(rows[some])]
    return labels


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """The rows by theme and fresh group: one cell for each pair that occurs, sorted."""

    homes: Labels
    groups: Labels
    sums: Rows
    rows: list[Labels]

    @cached_property
    def sizes(self) -> Labels:
        """Rows in each cell."""
        return np.array([len(some) for some in self.rows], dtype=np.int64)

    @cached_property
    def of_home(self) -> dict[int, Labels]:
        """The cells of each theme, the largest first."""
        return _by(self.homes, self.sizes)

    @cached_property
    def of_group(self) -> dict[int, Labels]:
        """The cells of each fresh group, the largest first."""
        return _by(self.groups, self.sizes)

    @cached_property
    def owners(self) -> dict[int, list[int]]:
        """Fresh group to the themes whose largest part lies in it; else those with a good part."""
        found: dict[int, list[int]] = defaultdict(list)
        for home, cells in self.of_home.items():
            found[int(self.groups[cells[0]])].append(home)
        second: dict[int, list[int]] = defaultdict(list)
        for home, cells in self.of_home.items():
            whole = int(self.sizes[cells].sum())
            for cell in cells[1:][self.sizes[cells[1:]] >= PART * whole].tolist():
                second[int(self.groups[cell])].append(home)
        return {**second, **found}

    def mean(self, cells: Labels) -> Rows:
        """Mean row of some cells; zero for none."""
        count = int(self.sizes[cells].sum())
        return np.asarray(self.sums[cells].sum(axis=0) / max(count, 1), dtype=np.float32)

    def likeness(self, cell: int) -> tuple[float, float]:
        """How like the rows of a cell are to the rest of their group, and of their theme."""
        group, home = self.of_group[int(self.groups[cell])], self.of_home[int(self.homes[cell])]
        own = self.mean(np.array([cell]))
        there, here = group[group != cell], home[home != cell]
        near = self.mean(there) if len(there) else own
        return float(own @ near), float(own @ self.mean(here))


def _cells(labels: Labels, fresh: Labels, rows: Rows) -> _Cells:
    placed = np.flatnonzero(labels != NEW)
    order = placed[np.lexsort((fresh[placed], labels[placed]))]
    pairs = np.stack([labels[order], fresh[order]], axis=1)
    starts = np.flatnonzero(np.any(np.diff(pairs, axis=0, prepend=pairs[:1] - 1), axis=1))
    sums = np.add.reduceat(rows[order], starts, axis=0) if len(order) else rows[:0]
    return _Cells(
        homes=pairs[starts, 0],
        groups=pairs[starts, 1],
        sums=sums,
        rows=np.split(order, starts[1:]) if len(order) else [],
    )


def _by(keys: Labels, sizes: Labels) -> dict[int, Labels]:
    """The cells of each key, the largest first, then in order."""
    order = np.lexsort((np.arange(len(keys)), -sizes, keys))
    names, starts = np.unique(keys[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True)) if len(keys) else {}


class _State:
    """Labels while they are mended."""

    def __init__(self, fresh: Labels, known: Known, rows: Rows) -> None:
        self.fresh, self.rows = fresh, rows
        self.held = known.held
        self.free = np.ones(len(fresh), bool) if known.fixed is None else ~known.fixed
        self.labels = known.homes.copy()
        self.next = int(self.labels.max(initial=NEW)) + 1

    def place_new(self) -> None:
        """Puts each row without a home where its fresh group is at home, else with that group."""
        waiting = self.labels == NEW
        if not waiting.any():
            return
        cells = self._cells()
        for group in np.unique(self.fresh[waiting]).tolist():
            some = np.flatnonzero(waiting & (self.fresh == group))
            homes = cells.owners.get(group)
            self.labels[some] = self._nearest(cells, homes, some) if homes else self._new()

    def part(self) -> None:
        """Takes out of each theme what clearly lies elsewhere."""
        cells = self._cells()
        founded: dict[int, int] = {}
        for home, own in cells.of_home.items():
            for cell in own[1:].tolist() if home not in self.held else ():
                some = cells.rows[cell][self.free[cells.rows[cell]]]
                if len(some):
                    self._move(cells, cell, some, founded)

    def join(self) -> None:
        """Makes one of themes that lie in one fresh group, the one of most rows first."""
        cells = self._cells()
        inside: dict[int, list[int]] = defaultdict(list)
        size = {home: int(cells.sizes[own].sum()) for home, own in cells.of_home.items()}
        for home, own in cells.of_home.items():
            if cells.sizes[own[0]] >= SHARE * size[home]:
                inside[int(cells.groups[own[0]])].append(home)
        for homes in inside.values():
            order = sorted(homes, key=lambda home: (home not in self.held, -size[home], home))
            for home in order[1:]:
                rows = np.concatenate([cells.rows[cell] for cell in cells.of_home[home]])
                if home not in self.held and self.free[rows].all():
                    self.labels[rows] = order[0]

    def _move(self, cells: _Cells, cell: int, some: Labels, founded: dict[int, int]) -> None:
        """Moves the rows of a stray cell where they belong, if the case for it is clear."""
        group, enough = int(cells.groups[cell]), len(some) >= SIZE
        goals = [goal for goal in cells.owners.get(group, ()) if goal != int(cells.homes[cell])]
        if not (enough or goals):
            return
        there, here = cells.likeness(cell)
        if there < (PARTED if enough else ALONE) * max(here, 0.0):
            return
        if goals:
            self.labels[some] = self._nearest(cells, goals, some)
            return
        if group not in founded:
            founded[group] = self._new()
        self.labels[some] = founded[group]

    def _nearest(self, cells: _Cells, homes: Sequence[int], some: Labels) -> Labels:
        """The nearest of some themes for each row, by their mean rows."""
        means = np.stack([cells.mean(cells.of_home[home]) for home in homes])
        best: Labels = np.asarray(homes, dtype=np.int64)[(self.rows[some] @ means.T).argmax(axis=1)]
        return best

    def _cells(self) -> _Cells:
        return _cells(self.labels, self.fresh, self.rows)

    def _new(self) -> int:
        self.next += 1
        return self.next - 1


@dataclass(frozen=True, kw_only=True)
class _Themes:
    """The former themes as the new rows see them."""

    names: Labels
    """Numbers of the themes, ascending."""
    rows: Rows
    """All that was in them, theme by theme."""
    starts: Labels
    """Where each theme begins, and the end."""
    centres: Rows
    usual: NDArray[np.float32]
    """How like its centre the rows of each theme are on average."""

    def each(self, new: Rows) -> Iterator[tuple[Rows, Labels, Rows]]:
        """Each new row with the places of its nearest themes, and how like it their rows are.

        Of few rows all are compared; of many those of the themes with the nearest centres.
        """
        if len(self.rows) <= EXACT:
            every = np.arange(len(self.names))
            for row, likeness in zip(new, new @ self.rows.T, strict=True):
                yield row, every, likeness
            return
        most = min(NEAREST, len(self.names))
        close = np.sort(np.argpartition(-(new @ self.centres.T), most - 1, axis=1)[:, :most])
        for row, places in zip(new, close, strict=True):
            spans = [self.rows[self.starts[p] : self.starts[p + 1]] for p in places.tolist()]
            yield row, places, np.concatenate(spans) @ row


def _themes(rows: Rows, homes: Labels) -> _Themes:
    order = np.argsort(homes, kind="stable")
    names, first = np.unique(homes[order], return_index=True)
    starts = np.append(first, len(rows)).astype(np.int64)
    of = np.repeat(np.arange(len(names)), np.diff(starts))
    middles = means(rows[order], of, len(names))
    lengths = np.linalg.norm(middles, axis=1)
    usual = np.where(lengths > 0, lengths, 1.0).astype(np.float32)
    centres = np.asarray(middles / usual[:, None], dtype=np.float32)
    return _Themes(names=names, rows=rows[order], starts=starts, centres=centres, usual=usual)


def _home(row: Rows, places: Labels, likeness: Rows, themes: _Themes) -> int:
    """The theme of a new row by its neighbours among the rows of some, or NEW."""
    of = np.repeat(places, np.diff(themes.starts)[places])
    most = min(NEIGHBOURS, len(of))
    near = np.sort(np.argpartition(-likeness, most - 1)[:most])
    votes: dict[int, float] = {}
    for theme, value in zip(of[near].tolist(), likeness[near].tolist(), strict=True):
        votes[theme] = votes.get(theme, 0.0) + max(value, 0.0) ** 2
    best = max(sorted(votes), key=lambda theme: votes[theme])
    closest = float(likeness[near[of[near] == best]].max())
    usual = float(themes.usual[best])
    reach = max(float(row @ themes.centres[best]), closest if usual > 0.999 else 0.0)
    return int(themes.names[best]) if reach >= NEAR * min(usual, LONE) else NEW
