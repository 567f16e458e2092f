"""How a claim is meant: what came of it, how sure its author is, and who speaks of whom.

The signals around a claim (`miner.signals`), its neighbours' words, the learned heads
(`miner.tagger`) and the heads of the other claims beside it are weighed together by a linear model
with named weights, so that every decision can be read back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from miner.model import Assertion, Experiencer, Kind, Outcome
from miner.sieve import Piece, shown
from miner.signals import Scene, signals, surroundings
from miner.verdicts import Verdict, told

__all__ = [
    "ASSERTIONS",
    "EXPERIENCERS",
    "OUTCOMES",
    "Read",
    "Weights",
    "company",
    "plain",
    "reading",
    "voices",
]

OUTCOMES: tuple[Outcome, ...] = ("helped", "mixed", "no_effect", "worse", "unknown")
ASSERTIONS: tuple[Assertion, ...] = ("asserted", "hedged", "negated")
EXPERIENCERS: tuple[Experiencer, ...] = ("self", "other", "advice", "question")

OPPOSITE = 0.3
"""What a benefit read as none costs, in right answers."""

Weights = Mapping[str, Mapping[str, Sequence[float]]]
"""For each of outcome, assertion and experiencer: signal to a weight per answer; "" is constant."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was decided for one span."""

    outcome: Outcome
    assertion: Assertion
    experiencer: Experiencer


def reading(found: Mapping[str, float], weights: Weights, kind: Kind) -> Read:
    """What is decided for a claim from all that is shown around it.

    Only a remedy has an outcome, and none has one that was asked about or not done.
    """
    outcome = _safest(_scores(weights["outcome"], found)) if kind == "remedy" else "unknown"
    assertion = ASSERTIONS[_best(weights["assertion"], found)]
    experiencer = EXPERIENCERS[_best(weights["experiencer"], found)]
    if experiencer == "question":
        assertion = "hedged"
    if experiencer == "question" or assertion == "negated":
        outcome = "unknown"
    return Read(outcome=outcome, assertion=assertion, experiencer=experiencer)


def plain(seen: Scene, start: int, end: int, kind: Kind) -> dict[str, float]:
    """The signals and words around a span, as named numbers."""
    return {**signals(seen, start, end), **surroundings(seen, start, end), f"kind:{kind}": 1.0}


def voices(
    piece: Piece,
    kind: Kind,
    beside: Sequence[Piece],
    around: Sequence[Piece],
    verdicts: Sequence[Verdict] = (),
) -> dict[str, float]:
    """What the learned heads say of a piece, of its sentences, its list and its post.

    `verdicts` are the outcome words that speak of it.
    """
    found = _heads("", [piece]) | shown(piece.candidate)
    if kind == "remedy":
        found |= _heads("beside ", beside) if beside else {"alone": 1.0}
        found |= _heads("around ", around)
        found |= {f"owned {one.says} {one.where} {min(one.breaks, 2)}": 1.0 for one in verdicts}
        found[f"told {told(verdicts)}"] = 1.0
    return found


def company(seen: Scene, pieces: Sequence[Piece], remedy: int) -> Iterator[list[Piece]]:
    """For each piece the other remedies of its sentence: items of a list share their outcome."""
    homes = [seen.home(piece.start) for piece in pieces]
    for index, home in enumerate(homes):
        yield [
            other
            for place, other in enumerate(pieces)
            if place != index and homes[place] == home and other.candidate.kind == remedy
        ]


def _heads(name: str, pieces: Sequence[Piece]) -> dict[str, float]:
    """What the learned heads say of some pieces, as mean log probabilities."""
    found: dict[str, float] = {}
    for head in ("outcome", "assertion", "experiencer"):
        if name and head != "outcome":
            continue
        for piece in pieces:
            for index, probability in enumerate(getattr(piece.candidate, head)):
                key = f"{name}{head}:{index}"
                found[key] = found.get(key, 0.0) + math.log(max(probability, 1e-3)) / len(pieces)
    return found


def _best(known: Mapping[str, Sequence[float]], found: Mapping[str, float]) -> int:
    """Index of the answer with the highest score, the first of equals."""
    scores = _scores(known, found)
    return scores.index(max(scores))


def _scores(known: Mapping[str, Sequence[float]], found: Mapping[str, float]) -> list[float]:
    scores = list(known[""])
    for signal, value in found.items():
        for index, weight in enumerate(known.get(signal, ())):
            scores[index] += value * weight
    return scores


def _safest(scores: Sequence[float]) -> Outcome:
    """The likeliest outcome, if the opposite is not nearly as likely: that costs more than a miss.

    With this price of a mistake between good and bad, cross-validation has a tenth fewer of them
    and no fewer right ones.
    """
    top = max(scores)
    likely = [math.exp(score - top) for score in scores]
    worth = [
        value - OPPOSITE * sum(likely[i] for i in _opposites(index))
        for index, value in enumerate(likely)
    ]
    return OUTCOMES[worth.index(max(worth))]


def _opposites(index: int) -> tuple[int, ...]:
    """Places of the outcomes that contradict one: helped or mixed, and no effect or worse."""
    return {0: (2, 3), 1: (2, 3), 2: (0, 1), 3: (0, 1)}.get(index, ())
