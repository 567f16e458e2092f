"""Vectors laid out on a plane so that near ones stay near, and names that never overlap. Pure.

Neighbours attract and all others repel, as in UMAP, from the two main directions on; the same
vectors give the same picture. Rows are meant to be some thousand themes, not every phrase: what
belongs to a theme is placed beside it afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LETTER", "around", "name_zooms", "plane"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

NEIGHBOURS = 12
ROUNDS, AGAINST = 250, 6
"""Rounds of attraction, and random others that each row is pushed away from in each."""
CURVE_A, CURVE_B = 1.58, 0.9
"""UMAP's curve for a least distance of 0.1: how attraction falls with distance."""
STEP = 4.0
"""Longest step of a round."""
BLOCK = 1024
LEAST = 1e-9


def plane(vectors: NDArray[np.floating], seed: int = 7) -> Floats:
    """A place in the unit square for each row, shape (rows, 2); the same for the same rows."""
    rows = np.asarray(vectors, dtype=np.float64)
    if len(rows) < 3:
        return np.linspace(0.35, 0.65, len(rows))[:, None] * np.ones(2)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), LEAST)
    places = _main_directions(rows)
    near, pull = _neighbours(rows, min(NEIGHBOURS, len(rows) - 1))
    draw = np.random.default_rng(seed)
    for turn in range(ROUNDS):
        places = _moved(places, near, pull, draw, 1 - turn / ROUNDS)
    return _parted(_squared(places))


def _main_directions(rows: Floats) -> Floats:
    """The rows by the two directions in which they differ most, about ten units wide."""
    centred = rows - rows.mean(axis=0)
    # Of the smaller square matrix, so that neither many rows nor wide ones cost much.
    if rows.shape[1] <= len(rows):
        _, directions = np.linalg.eigh(centred.T @ centred)
        found: Floats = centred @ directions[:, ::-1][:, :2]
    else:
        strength, sides = np.linalg.eigh(centred @ centred.T)
        found = sides[:, ::-1][:, :2] * np.sqrt(np.maximum(strength[::-1][:2], 0))
    # An eigenvector may point either way: the farthest row is on the positive side.
    for axis in range(found.shape[1]):
        found[:, axis] *= np.sign(found[np.abs(found[:, axis]).argmax(), axis]) or 1
    if found.shape[1] < 2:
        found = np.column_stack([found[:, 0], np.zeros(len(found))])
    # Equal rows must be able to part.
    spread = np.arange(len(found))
    found = found / max(float(np.abs(found).max()), LEAST) * 10
    return found + 1e-3 * np.column_stack([np.cos(spread), np.sin(spread)])


def _neighbours(rows: Floats, count: int) -> tuple[Places, Floats]:
    """The nearest rows of each row, and how strongly each attracts; shape (rows, count)."""
    near = np.empty((len(rows), count), dtype=np.int64)
    likeness = np.empty((len(rows), count))
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK] @ rows.T
        own = np.arange(len(some))
        some[own, start + own] = -np.inf
        best = np.argpartition(-some, count - 1, axis=1)[:, :count]
        value = np.take_along_axis(some, best, axis=1)
        order = np.lexsort((best, -value), axis=1)
        near[start : start + BLOCK] = np.take_along_axis(best, order, axis=1)
        likeness[start : start + BLOCK] = np.take_along_axis(value, order, axis=1)
    distance = np.maximum(1 - likeness, 0)
    beyond = distance - distance[:, :1]
    width = np.maximum(beyond.mean(axis=1, keepdims=True), 1e-3)
    return near, np.exp(-beyond / width)


def _moved(
    places: Floats, near: Places, pull: Floats, draw: np.random.Generator, rate: float
) -> Floats:
    """The places after one round."""
    count = len(places)
    apart = places[:, None, :] - places[near]
    square = (apart**2).sum(axis=2)
    bend = CURVE_A * np.power(square + LEAST, CURVE_B)
    drawn = -2 * CURVE_B * bend / ((square + LEAST) * (1 + bend)) * pull
    force = np.clip(drawn[:, :, None] * apart, -STEP, STEP)
    move = force.sum(axis=1)
    for axis in (0, 1):
        move[:, axis] -= np.bincount(near.ravel(), force[:, :, axis].ravel(), minlength=count)
    others = draw.integers(count, size=(count, AGAINST))
    apart = places[:, None, :] - places[others]
    square = (apart**2).sum(axis=2)
    pushed = 2 * CURVE_B / ((0.01 + square) * (1 + CURVE_A * np.power(square + LEAST, CURVE_B)))
    move += np.clip(pushed[:, :, None] * apart, -STEP, STEP).sum(axis=1)
    moved: Floats = places + 0.25 * rate * np.clip(move, -STEP, STEP)
    return moved


def _squared(places: Floats) -> Floats:
    """The places in the unit square; a few far ones do not press the others together."""
    low, high = np.quantile(places, 0.005, axis=0), np.quantile(places, 0.995, axis=0)
    middle, width = (low + high) / 2, max(float((high - low).max()), LEAST)
    scaled = (places - middle) / width
    # Beyond the middle 90 % distances shrink, and nothing leaves the square.
    tame = np.where(np.abs(scaled) > 0.45, np.sign(scaled) * _tamed(np.abs(scaled)), scaled)
    found: Floats = 0.5 + tame
    return found


def _tamed(far: Floats) -> Floats:
    found: Floats = 0.45 + 0.05 * np.tanh((far - 0.45) / 0.05)
    return found


def _parted(places: Floats) -> Floats:
    """The places, those that lie on one another moved apart, so that a zoom can tell them apart."""
    from scipy.spatial import cKDTree

    least = ROOM / np.sqrt(len(places))
    for _ in range(PARTINGS):
        pairs = cKDTree(places).query_pairs(least, output_type="ndarray")
        if not len(pairs):
            break
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        apart = places[pairs[:, 0]] - places[pairs[:, 1]]
        length = np.maximum(np.linalg.norm(apart, axis=1), LEAST)
        push = apart / length[:, None] * ((least - length) / 3)[:, None]
        move = np.zeros_like(places)
        for axis in (0, 1):
            for end, sign in ((0, 1), (1, -1)):
                move[:, axis] += sign * np.bincount(
                    pairs[:, end], push[:, axis], minlength=len(places)
                )
        places = np.clip(places + np.clip(move, -least, least), 0, 1)
    return places


ROOM, PARTINGS = 0.55, 60
"""Least distance of an even scatter that is kept, and rounds of moving apart."""


def around(centre: Floats, own: NDArray[np.floating], others: Floats, *, room: float) -> Floats:
    """Places of a theme's members about its place: like ones together, none farther than `room`.

    `own` are their vectors; `others` the theme's vector, which they are seen from.
    """
    seen = np.asarray(own, dtype=np.float64) - others
    found = _main_directions(seen) if len(seen) > 2 else _ring(len(seen))
    reach = max(float(np.linalg.norm(found, axis=1).max(initial=0)), LEAST)
    placed: Floats = centre + found / reach * room
    return placed


def _ring(count: int) -> Floats:
    turn = 2 * np.pi * np.arange(count) / max(count, 1)
    return np.column_stack([np.cos(turn), np.sin(turn)])


def name_zooms(
    places: Floats, names: Sequence[str], *, width: float, height: float, most: float = 64
) -> Floats:
    """From which zoom on each name is shown, so that no two ever overlap; the first come first.

    Names stand centred at their places on a drawing of so many pixels, 1 is the whole of it;
    `inf` where a name has no room even at the `most`.
    """
    wide = np.array([LETTER * len(name) + GAP for name in names], dtype=np.float64)
    zooms = np.full(len(names), np.inf)
    for n in range(len(names)):
        apart = np.abs(places[:n] - places[n])
        across = (wide[:n] + wide[n]) / 2 / np.maximum(apart[:, 0] * width, LEAST)
        down = LINE / np.maximum(apart[:, 1] * height, LEAST)
        parted = np.minimum(across, down)
        # One that shows only later is parted from this one by then, or makes it wait.
        hinders = parted > zooms[:n]
        from_here = max(1.0, float(parted[hinders].max(initial=1.0)))
        zooms[n] = from_here if from_here <= most else np.inf
    return zooms


LETTER, GAP, LINE = 6.6, 10, 17
"""Pixels of a letter, between names, and of a line."""
