"""Of readings that rival each other only one: of one phrase as two kinds, of one idea twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from miner.model import Claim, Kind
from miner.spans import idea

__all__ = ["one_kind", "one_per_idea"]

SURE = 0.5
"""Confidence at which words may be a cause and a diagnosis at once."""


def one_kind(claims: Sequence[Claim]) -> list[Claim]:
    """Of readings of the same words as different kinds the surest; a sure second cause stays.

    Readers gave two kinds to the same words in 1 of 40 rows, mostly cause and diagnosis.
    """
    kept: list[Claim] = []
    near: dict[int, list[Claim]] = defaultdict(list)
    for claim in sorted(claims, key=lambda c: (-c.confidence, c.phrase_start, c.kind)):
        places = _blocks(claim.phrase_start, claim.phrase_start + len(claim.phrase))
        rivals = [
            one
            for place in places
            for one in near[place]
            if one.kind != claim.kind and _overlap(one, claim)
        ]
        both = {"cause", "diagnosis"}
        if all({claim.kind, one.kind} == both and claim.confidence >= SURE for one in rivals):
            kept.append(claim)
            for place in places:
                near[place].append(claim)
    return kept


def _blocks(start: int, end: int) -> range:
    """Numbers of the stretches of 64 characters that a place lies in: what overlaps shares one."""
    return range(start // 64, (end - 1) // 64 + 1)


def _overlap(one: Claim, other: Claim) -> bool:
    return one.phrase_start < other.phrase_start + len(
        other.phrase
    ) and other.phrase_start < one.phrase_start + len(one.phrase)


def one_per_idea(claims: Sequence[Claim]) -> list[Claim]:
    """One row per kind and idea of a part: what has an outcome wins, then self over others.

    Two phrases are one idea where the words of one are all in the other (`surgery` and `the
    shoulder surgery`): readers hardly ever gave both a row of their own.
    """
    kept: list[Claim] = []
    known: dict[tuple[Kind, str], list[frozenset[str]]] = defaultdict(list)
    for claim in sorted(claims, key=_weight, reverse=True):
        words = idea(claim.phrase)
        rivals = (theirs for word in words for theirs in known[claim.kind, word])
        if not any(words <= theirs or theirs <= words for theirs in rivals):
            kept.append(claim)
            for word in words:
                known[claim.kind, word].append(words)
    return sorted(kept, key=lambda c: (c.phrase_start, c.kind))


def _weight(claim: Claim) -> tuple[bool, bool, float, int]:
    outcome, own = claim.outcome != "unknown", claim.experiencer == "self"
    return outcome, own, claim.confidence, -claim.phrase_start
