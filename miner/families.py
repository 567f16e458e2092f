"""Families of themes as data: phrases typical of each, which guide the grouping, never force it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from miner.model import Kind
from miner.phrases import normalise

__all__ = ["every_phrase", "families", "profiles"]

SMOOTH = 0.3
"""Weight of the ridge: typical phrases vouch for each other instead of being learned by heart."""
SPREAD = 0.1
"""How far behind the best family another is still leaned on, in the ridge's score."""
NEAR = 0.55
"""Likeness to a typical phrase at which a family is half heard."""
EDGE = 0.1
"""How gently hearing sets in around that."""

_READ_AS: Mapping[Kind, str] = {
    "cause": "cause",
    "trigger": "cause",
    "diagnosis": "diagnosis",
    "remedy": "remedy",
}


@cache
def _data() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    raw = tomllib.loads(files("miner").joinpath("data/families.toml").read_text("utf-8"))
    return {
        kind: {name: tuple(normalise(phrase) for phrase in some) for name, some in group.items()}
        for kind, group in raw.items()
    }


def families(kind: Kind) -> Mapping[str, tuple[str, ...]]:
    """The families of a kind by name, each with its typical phrases, normalised."""
    return _data()[_READ_AS[kind]]


def every_phrase() -> list[str]:
    """All typical phrases of all families, sorted, each once."""
    return sorted({p for group in _data().values() for some in group.values() for p in some})


def profiles(
    vectors: NDArray[np.float32],
    kind: Kind,
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """How much each vector leans on each family: shape (vectors, families), rows of length ≤ 1.

    Kernel ridge regression on the typical phrases, in closed form: what a family's phrases have
    in common counts for more than the single nearest one. A row near no typical phrase is nearly
    zero, so that its words alone decide.
    """
    groups = families(kind)
    typical = [phrase for some in groups.values() for phrase in some]
    places = encode(typical)
    likeness = vectors @ places.T
    score = likeness @ _weights(places, [len(some) for some in groups.values()])
    lean = np.exp((score - score.max(axis=1, keepdims=True)) / SPREAD)
    lean /= np.linalg.norm(lean, axis=1, keepdims=True)
    heard = 1.0 / (1.0 + np.exp(-(likeness.max(axis=1, keepdims=True) - NEAR) / EDGE))
    return np.asarray(lean * np.sqrt(heard), dtype=np.float32)


def _weights(places: NDArray[np.float32], sizes: Sequence[int]) -> NDArray[np.float32]:
    """What each typical phrase says for each family: shape (phrases, families)."""
    belongs = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    alike = places.astype(np.float64) @ places.T
    solved = np.linalg.solve(alike + SMOOTH * np.eye(len(places)), belongs)
    return np.asarray(solved, dtype=np.float32)
