"""Counting people, not posts: one vote per author and theme, shares with honest intervals."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from miner.model import Claim, Stance, Tally, Vote
from miner.phrases import moment

__all__ = [
    "FEW",
    "OUTCOMES",
    "STRENGTH",
    "Share",
    "contested",
    "shares",
    "stance",
    "tally",
    "voter",
    "votes",
    "wilson",
]

FEW = 5
"""Below so many authors no percentage is shown."""
Z = 1.959963984540054
"""Two-sided 95 %."""

Reported = Literal["helped", "mixed", "no_effect", "worse"]
OUTCOMES: tuple[Reported, ...] = ("helped", "mixed", "no_effect", "worse")
# Without an outcome the strongest thing an author said counts: own experience above a denial,
# a denial above what is passed on, that above a question.
STRENGTH: tuple[Stance, ...] = ("tried", "said", "rejected", "other", "advised", "asked")
RANK = {some: place for place, some in enumerate(STRENGTH)}


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of so many authors, with the Wilson 95 % interval."""

    outcome: Reported
    k: int
    n: int
    low: float
    high: float

    @property
    def label(self) -> str:
        """Such as `3 of 4`."""
        return f"{self.k} of {self.n}"

    @property
    def percent(self) -> float | None:
        """The share in per cent, None below five authors."""
        return 100 * self.k / self.n if self.n >= FEW else None


def stance(claim: Claim) -> Stance:
    """What a claim says of its speaker: only own experience can carry an outcome."""
    if claim.experiencer == "question":
        return "asked"
    if claim.assertion == "negated":
        return "rejected"
    if claim.experiencer == "advice":
        return "advised"
    if claim.experiencer == "other":
        return "other"
    if claim.kind != "remedy":
        return "said"
    return "tried" if claim.outcome == "unknown" else claim.outcome


def votes(claims: Iterable[Claim]) -> list[Vote]:
    """One vote per author among the members' claims of one theme, sorted by author.

    The latest outcome an author reports wins, by date, then by post order. Without an outcome the
    strongest stance wins, the latest of equal ones. A post without a name is an author of its own.
    """
    said = _by_voter(claims)
    return [_vote(author, said[author]) for author in sorted(said)]


def _by_voter(claims: Iterable[Claim]) -> dict[str, list[Claim]]:
    said: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.voice == "member":
            said[voter(claim)].append(claim)
    return said


def voter(claim: Claim) -> str:
    """The author, or `unnamed:DOCUMENT#PART` for a post without a name."""
    return claim.author or f"unnamed:{claim.quote.document}#{claim.quote.part}"


def tally(claims: Sequence[Claim]) -> Tally:
    """Members by stance, and over how many threads and sites they are spread."""
    said = _by_voter(claims)
    heard: Counter[str] = Counter(stance(_decisive(some)) for some in said.values())
    threads = {claim.quote.document for claim in claims if claim.voice == "member"}
    return Tally(
        **heard,
        unnamed=sum(author.startswith("unnamed:") for author in said),
        threads=len(threads),
        sites=len({_site(thread) for thread in threads}),
    )


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson 95 % interval of k of n, from 0 to 1; (0, 1) where nobody was asked."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share: 0 <= k <= n is needed")
    if n == 0:
        return 0.0, 1.0
    share = k / n
    scale = 1 + Z**2 / n
    middle = (share + Z**2 / (2 * n)) / scale
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / scale
    # The bounds hold the share exactly; rounding must not push one past it.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def shares(counted: Tally) -> dict[Reported, Share]:
    """Each outcome of those who tried it and said what came of it; empty where nobody did."""
    n = counted.reported
    heard = {outcome: int(getattr(counted, outcome)) for outcome in OUTCOMES} if n else {}
    return {outcome: _share(outcome, k, n) for outcome, k in heard.items()}


def contested(counted: Tally) -> float | None:
    """How far those who told an outcome disagree, 0 to 1; None below five authors.

    1 where as many were helped as were not; a mixed outcome is half of each.
    """
    n = counted.reported
    if n < FEW:
        return None
    helped = counted.helped + counted.mixed / 2
    return round(2 * min(helped, n - helped) / n, 2)


def _share(outcome: Reported, k: int, n: int) -> Share:
    low, high = wilson(k, n)
    return Share(outcome=outcome, k=k, n=n, low=low, high=high)


def _vote(author: str, claims: Sequence[Claim]) -> Vote:
    decisive = _decisive(claims)
    latest_first = sorted(claims, key=moment, reverse=True)
    others = [claim.id for claim in latest_first if claim is not decisive]
    return Vote(author=author, stance=stance(decisive), claims=(decisive.id, *others))


def _decisive(claims: Sequence[Claim]) -> Claim:
    """The claim that decides what one author says."""
    if len(claims) == 1:
        return claims[0]
    latest_first = sorted(claims, key=moment, reverse=True)
    reported = [claim for claim in latest_first if stance(claim) in OUTCOMES]
    return reported[0] if reported else min(latest_first, key=lambda c: RANK[stance(c)])


@lru_cache(maxsize=20_000)
def _site(document: str) -> str:
    """Host of an address, or `import` for a file."""
    return urlsplit(document).netloc or "import"
