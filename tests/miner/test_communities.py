"""Many phrases become groups without a number of groups, a cut or a rest."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from miner.communities import communities
from miner.neighbours import neighbours
from miner.wording import reordered

Rows = NDArray[np.float32]


def clouds(sizes: Sequence[int], spread: float = 0.5, seed: int = 4) -> tuple[Rows, list[str]]:
    """Unit rows around one hidden centre a size, each with a text of invented words."""
    draw = np.random.default_rng(seed)
    width = 48
    of = np.repeat(np.arange(len(sizes)), sizes)
    centres = draw.standard_normal((len(sizes), width))
    rows = centres[of] + spread * draw.standard_normal((len(of), width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    texts = [f"kelo{topic} {draw.integers(40)} number {n}" for n, topic in enumerate(of.tolist())]
    return rows.astype(np.float32), texts


def hidden(sizes: Sequence[int]) -> list[int]:
    """The cloud of each row."""
    return np.repeat(np.arange(len(sizes)), sizes).tolist()


@pytest.mark.parametrize("sizes", [[40] * 12, [160, 90, 60, 40, 25, 15, 10], [300, 300, 300]])
def test_groups_are_found_without_being_counted(sizes: list[int]) -> None:
    """Few large or many small, even or uneven: the same settings find them."""
    rows, texts = clouds(sizes)
    labels = communities(rows, texts)
    assert adjusted_rand_score(hidden(sizes), labels) > 0.9
    assert sorted(set(labels.tolist())) == list(range(int(labels.max()) + 1))


def nested(large: Sequence[int], small: Sequence[int]) -> tuple[Rows, list[str]]:
    """Clouds far apart, beside small ones that all lie about one place."""
    draw = np.random.default_rng(4)
    width = 48
    far = draw.standard_normal((len(large) + 1, width))
    near = far[-1] + 0.6 * draw.standard_normal((len(small), width))
    of = np.repeat(np.arange(len(large) + len(small)), [*large, *small])
    rows = np.concatenate([far[:-1], near])[of] + 0.5 * draw.standard_normal((len(of), width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), [f"kelo{t} number {n}" for n, t in enumerate(of.tolist())]


def test_small_groups_are_told_from_one_another_beside_large_ones() -> None:
    """What one resolution for all would take for one group, and large groups stay whole."""
    large, small = [200, 200, 200], [12] * 10
    labels = communities(*nested(large, small))
    assert adjusted_rand_score(hidden([*large, *small]), labels) > 0.98
    assert adjusted_rand_score(hidden(small), labels[sum(large) :]) > 0.9


def test_the_same_phrases_give_the_same_groups() -> None:
    """To the last label."""
    rows, texts = clouds([30] * 8, spread=1.0)
    assert communities(rows, texts).tolist() == communities(rows, texts).tolist()


def test_another_seed_finds_nearly_the_same() -> None:
    """Chance decides next to nothing."""
    rows, texts = clouds([50] * 8)
    first, second = (communities(rows, texts, seed=seed) for seed in (1, 2))
    assert adjusted_rand_score(first, second) > 0.95


def test_no_group_is_larger_than_asked_for() -> None:
    """What is too large is parted by its own graph; what was small enough stays together."""
    sizes = [200, 60, 60]
    rows, texts = clouds(sizes, spread=0.9)
    whole, parted = communities(rows, texts), communities(rows, texts, most=100)
    assert np.bincount(whole).max() > 100 >= np.bincount(parted).max()
    together = np.bincount(whole)[whole] <= 100
    assert adjusted_rand_score(whole[together], parted[together]) == 1.0
    assert all(len(set(whole[parted == label])) == 1 for label in set(parted.tolist()))


def test_very_many_phrases_take_their_resolution_from_a_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And are still grouped as a whole, nothing left out."""
    monkeypatch.setattr("miner.communities.EXACT", 300)
    monkeypatch.setattr("miner.communities.SAMPLE", 250)
    sizes = [160, 90, 60, 40, 35, 25]
    rows, texts = clouds(sizes)
    labels = communities(rows, texts)
    assert adjusted_rand_score(hidden(sizes), labels) > 0.9
    assert labels.tolist() == communities(rows, texts).tolist()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 20])
def test_few_phrases_are_no_error(count: int) -> None:
    """None, one or two: every row has a label."""
    rows, texts = clouds([max(count, 1)])
    assert len(communities(rows[:count], texts[:count])) == count


def test_a_phrase_like_no_other_still_has_a_group() -> None:
    """Nothing is left unassigned: not even what has no neighbour at all."""
    rows, texts = clouds([30, 30])
    lone = np.zeros((1, rows.shape[1]), dtype=np.float32)
    labels = communities(np.vstack([rows, lone]), [*texts, "zzz"])
    assert len(labels) == 61
    assert (labels >= 0).all()


def test_exact_neighbours_are_the_nearest() -> None:
    """In order, without oneself."""
    rows, _ = clouds([20, 20])
    near = neighbours(rows, 5)
    likeness = rows @ rows.T
    np.fill_diagonal(likeness, -2)
    assert np.allclose(near.likeness, -np.sort(-likeness, axis=1)[:, :5], atol=1e-6)
    assert np.allclose(np.take_along_axis(likeness, near.places, axis=1), near.likeness, atol=1e-6)


def test_cells_miss_few_neighbours() -> None:
    """Nine in ten of the true ones are found where not every pair is compared."""
    rows, _ = clouds([25] * 60, spread=0.9)
    true, found = neighbours(rows, 10), neighbours(rows, 10, exact=0)
    hits = [
        len(set(a) & set(b))
        for a, b in zip(true.places.tolist(), found.places.tolist(), strict=True)
    ]
    assert np.mean(hits) > 9.0
    assert all(row not in near for row, near in enumerate(found.places.tolist()))


def test_telling_words_bring_phrases_together() -> None:
    """Between two as likely neighbours the one with the telling word in common comes first."""
    draw = random.Random(2)
    rows, _ = clouds([60, 60], spread=0.6)
    texts = [
        f"{'velmar' if n < 60 else 'dostic'} {draw.choice(['and', 'the'])} {n % 7}"
        for n in range(120)
    ]
    near = neighbours(rows, 100)
    best = reordered(texts, near, 20)
    same = [(np.array(best.places[n]) < 60) == (n < 60) for n in range(120)]
    assert np.mean(same) > 0.99
    assert (np.diff(best.likeness, axis=1) <= 1e-6).all()
