"""A picture of how far a confidence can be trusted, as SVG without any library."""

from __future__ import annotations

import numpy as np

__all__ = ["picture"]

SIZE, EDGE = 320, 44
"""Pixels of a side of the plot, and of the margin left of and below it."""


def picture(sure: np.ndarray, right: np.ndarray, bins: int = 10) -> str:
    """For each tenth of confidence a point at the share that was right, its area the number."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    points = [
        (float(sure[place == b].mean()), float(right[place == b].mean()), int((place == b).sum()))
        for b in range(bins)
        if (place == b).any()
    ]
    most = max(number for *_, number in points)
    marks = "".join(_point(x, y, number, most) for x, y, number in points)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE + EDGE + 16} '
        f'{SIZE + EDGE + 16}" font-family="sans-serif" font-size="12" role="img">\n'
        "<title>Confidence against the share of claims that are right</title>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n{_frame()}{marks}</svg>\n'
    )


def _frame() -> str:
    x, y = _at(0, 0)
    right, top = _at(1, 1)
    ticks = "".join(
        f'<text x="{_at(t, 0)[0]:.0f}" y="{y + 16:.0f}" text-anchor="middle">{t}</text>'
        f'<text x="{x - 6:.0f}" y="{_at(0, t)[1] + 4:.0f}" text-anchor="end">{t}</text>\n'
        for t in (0, 0.5, 1)
    )
    return (
        f'<path d="M{x} {top}V{y}H{right}" fill="none" stroke="#333"/>\n'
        f'<path d="M{x} {y}L{right} {top}" stroke="#999" stroke-dasharray="4 4"/>\n{ticks}'
        f'<text x="{(x + right) / 2}" y="{y + 34}" text-anchor="middle">confidence</text>\n'
        f'<text transform="translate({x - 30} {(y + top) / 2}) rotate(-90)" '
        'text-anchor="middle">share that is right</text>\n'
    )


def _point(x: float, y: float, number: int, most: int) -> str:
    left, top = _at(x, y)
    radius = 3 + 9 * (number / most) ** 0.5
    return (
        f'<circle cx="{left:.1f}" cy="{top:.1f}" r="{radius:.1f}" fill="#2563a8" '
        f'fill-opacity="0.75"><title>{x:.2f}: {y:.2f} of {number}</title></circle>\n'
    )


def _at(x: float, y: float) -> tuple[float, float]:
    """Pixels of a point of the unit square."""
    return EDGE + x * SIZE, 8 + (1 - y) * SIZE
