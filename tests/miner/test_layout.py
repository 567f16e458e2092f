"""The layout of the theme map: like beside like, always the same, and names that never overlap."""

from __future__ import annotations

import numpy as np
import pytest

from miner.layout import GAP, LETTER, LINE, around, name_zooms, plane


def groups(count: int, of: int, width: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Vectors about `of` centres, and which centre each belongs to."""
    draw = np.random.default_rng(3)
    centres = draw.standard_normal((of, width))
    own = draw.integers(of, size=count)
    return centres[own] + 0.4 * draw.standard_normal((count, width)), own


def test_like_themes_lie_beside_one_another() -> None:
    """The nearest neighbour on the plane is of the same group for nearly every theme."""
    vectors, own = groups(300, 8)
    places = plane(vectors)
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (own[apart.argmin(axis=1)] == own).mean() > 0.85


def test_the_same_vectors_give_the_same_map() -> None:
    """Nothing is left to chance: a map can be linked to."""
    vectors, _ = groups(120, 5)
    assert np.array_equal(plane(vectors), plane(vectors.astype(np.float64)))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 40])
def test_a_few_themes_have_places_too(count: int) -> None:
    """From none to a few: a finite place in the unit square for each."""
    places = plane(groups(count, 2)[0]) if count else plane(np.zeros((0, 24)))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert ((places >= 0) & (places <= 1)).all()


def test_equal_vectors_are_told_apart() -> None:
    """Themes of the very same words do not lie on one another."""
    places = plane(np.ones((30, 8)))
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, 1)
    assert apart.min() > 0.01


@pytest.mark.parametrize("zoom", [1, 2, 4, 16])
def test_names_never_overlap_at_any_zoom(zoom: int) -> None:
    """Of those shown at a zoom no two boxes touch, and the first theme's name is always there."""
    places = plane(groups(250, 6)[0])
    names = [f"theme {n} of {'x' * (n % 12)}" for n in range(len(places))]
    zooms = name_zooms(places, names, width=900, height=600)
    shown = np.flatnonzero(zooms <= zoom)
    at = places[shown] * [900 * zoom, 600 * zoom]
    wide = np.array([LETTER * len(names[n]) + GAP for n in shown])
    across = np.abs(at[:, None, 0] - at[None, :, 0]) < (wide[:, None] + wide[None]) / 2 - 1e-6
    down = np.abs(at[:, None, 1] - at[None, :, 1]) < LINE - 1e-6
    both = across & down
    np.fill_diagonal(both, False)
    assert not both.any()
    assert zooms[0] == 1


def test_more_names_show_the_closer_one_looks() -> None:
    """Zooming in only ever adds names, and nearly all have room in the end."""
    places = plane(groups(250, 6)[0])
    zooms = name_zooms(places, ["a name of a theme"] * 250, width=900, height=600)
    counts = [(zooms <= zoom).sum() for zoom in (1, 4, 64)]
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] > 240


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_members_stay_about_their_theme(count: int) -> None:
    """A theme's wordings lie no farther from it than there is room."""
    vectors = groups(max(count, 1), 1)[0][:count]
    spots = around(np.array([0.5, 0.5]), vectors, np.zeros(24), room=0.1)
    assert spots.shape == (count, 2)
    assert (np.linalg.norm(spots - 0.5, axis=1) <= 0.1 + 1e-9).all()
