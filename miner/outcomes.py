"""How a claim is meant: what came of it, how sure its author is, and who speaks of whom.

The signals around a claim (`miner.signals`) and the learned heads (`miner.tagger`) are weighed
together by a linear model with named weights, so that every decision can be read back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from miner.model import Assertion, Experiencer, Kind, Outcome

__all__ = ["ASSERTIONS", "EXPERIENCERS", "OUTCOMES", "Read", "Reading", "Weights", "reading"]

OUTCOMES: tuple[Outcome, ...] = ("helped", "mixed", "no_effect", "worse", "unknown")
ASSERTIONS: tuple[Assertion, ...] = ("asserted", "hedged", "negated")
EXPERIENCERS: tuple[Experiencer, ...] = ("self", "other", "advice", "question")

Weights = Mapping[str, Mapping[str, Sequence[float]]]
"""For each of outcome, assertion and experiencer: signal to a weight per answer; "" is constant."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Probabilities of the learned heads for one span."""

    outcome: Sequence[float]
    assertion: Sequence[float]
    experiencer: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was decided for one span."""

    outcome: Outcome
    assertion: Assertion
    experiencer: Experiencer


def reading(learned: Reading, found: Mapping[str, float], weights: Weights, kind: Kind) -> Read:
    """What is decided for a claim from the heads and the signals around it.

    Only a remedy has an outcome, and none has one that was asked about or not done.
    """
    outcome = OUTCOMES[_best(weights, found, "outcome", learned.outcome)]
    assertion = ASSERTIONS[_best(weights, found, "assertion", learned.assertion)]
    experiencer = EXPERIENCERS[_best(weights, found, "experiencer", learned.experiencer)]
    if experiencer == "question":
        assertion = "hedged"
    if kind != "remedy" or experiencer == "question" or assertion == "negated":
        outcome = "unknown"
    return Read(outcome=outcome, assertion=assertion, experiencer=experiencer)


def _best(weights: Weights, found: Mapping[str, float], name: str, learned: Sequence[float]) -> int:
    """Index of the answer with the highest score, the first of equals."""
    known = weights[name]
    scores = list(known[""])
    heads = {f"{name}:{i}": math.log(max(p, 1e-3)) for i, p in enumerate(learned)}
    for signal, value in (*found.items(), *heads.items()):
        for index, weight in enumerate(known.get(signal, ())):
            scores[index] += value * weight
    return scores.index(max(scores))
