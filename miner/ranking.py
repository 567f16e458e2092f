"""Contradictions ranked: which one to look at first, and why. Pure.

A score of 0 to 100 is the sum of four parts: how many voices the smaller side has, how even the
sides are, how firm the sources are, and how many people speak of the theme. It says nothing of who
is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from miner.grades import level_of
from miner.model import Contradiction, Evidence, Theme

__all__ = ["WEIGHTS", "ranked"]

WEIGHTS: Mapping[str, float] = {"voices": 35, "balance": 20, "sources": 25, "people": 20}
"""Most points of each part."""
FULL_VOICES, FULL_PEOPLE = 8, 64
"""Voices on the smaller side, and people on the theme, from which on the part is full."""
MEMBER = 0.3
"""Firmness of what one member tells."""
_LEVELS = {1: 1.0, 2: 0.9, 3: 0.75, 4: 0.6, 5: 0.4}
_UNLEVELLED = 0.2


def ranked(
    found: Iterable[Contradiction], themes: Iterable[Theme], evidence: Iterable[Evidence]
) -> list[Contradiction]:
    """The contradictions with score, parts and reasons, highest score first."""
    by_id = {theme.id: theme for theme in themes}
    pieces = {item.id: item for item in evidence}
    scored = [_scored(one, by_id[one.theme], pieces) for one in found if one.theme in by_id]
    return sorted(scored, key=lambda one: (-one.score, one.id))


def _scored(one: Contradiction, theme: Theme, pieces: Mapping[str, Evidence]) -> Contradiction:
    fewer, more = sorted((len(one.supporting), len(one.opposing)))
    firm = [_firmest(side, pieces) for side in (one.supporting, one.opposing)]
    people = theme.tally.authors
    shares = {
        "voices": _grown(fewer, FULL_VOICES),
        "balance": fewer / more if more else 0.0,
        "sources": sum(weight for weight, _ in firm) / 2,
        "people": _grown(people, FULL_PEOPLE),
    }
    parts = {name: round(WEIGHTS[name] * share, 1) for name, share in shares.items()}
    reasons = (
        f"the smaller side has {fewer} of {fewer + more} voices",
        "the sides are even" if fewer == more else f"{more} voices against {fewer}",
        f"best sources: {firm[0][1]} for it, {firm[1][1]} against it",
        f"{people} {'person speaks' if people == 1 else 'people speak'} of it",
    )
    return replace(one, score=round(sum(parts.values()), 1), parts=parts, reasons=reasons)


def _grown(count: int, full: int) -> float:
    """0 for none, 1 from `full` on, each doubling the same step."""
    return min(1.0, math.log2(1 + count) / math.log2(1 + full))


def _firmest(side: Iterable[str], pieces: Mapping[str, Evidence]) -> tuple[float, str]:
    """Firmness of the best voice of a side, 0 to 1, and what it is."""
    return max((_firmness(pieces.get(key)) for key in side), default=(0.0, "nobody"))


def _firmness(item: Evidence | None) -> tuple[float, str]:
    if item is None:
        return MEMBER, "a member"
    level = level_of(item, item.question)
    if level is None:
        return _UNLEVELLED, "a statement without a source"
    what = "a study" if item.source_type == "study" else "an expert's or explained statement"
    return _LEVELS[level], f"{what} of level {level}"
