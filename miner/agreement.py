"""How far a person and the miner agree, beyond what chance alone would bring."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Agreement", "agreement"]

Z = 1.959963984540054
"""Two-sided 95 %."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Cohen's kappa of two readers who labelled the same things."""

    n: int
    agreed: int
    kappa: float | None
    """-1 to 1, 1 is full agreement; None where it is not defined."""
    low: float | None
    high: float | None
    """95 % interval, from the large-sample standard error."""


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Agreement over pairs of labels, one of each reader.

    Kappa is (seen - chance) / (1 - chance); where both gave one label to all, it is not defined.
    """
    n = len(pairs)
    agreed = sum(one == other for one, other in pairs)
    ones, others = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(ones[label] * others[label] for label in ones) / n**2 if n else 1.0
    if chance >= 1:
        return Agreement(n=n, agreed=agreed, kappa=None, low=None, high=None)
    seen = agreed / n
    kappa = (seen - chance) / (1 - chance)
    half = Z * math.sqrt(seen * (1 - seen) / n) / (1 - chance)
    return Agreement(
        n=n, agreed=agreed, kappa=kappa, low=max(-1.0, kappa - half), high=min(1.0, kappa + half)
    )
