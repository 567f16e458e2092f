"""Themes people speak of that articles do not cover, studies do not support, or nobody answers.

A gap has a score of 0 to 100, the sum of its parts, by the formula in docs/grading.md. A theme
without members is never a gap.
"""

from __future__ import annotations

import math
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from miner.counts import voter
from miner.coverage import coverage
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    GapType,
    Grade,
    MemberQuestion,
    Theme,
)
from miner.phrases import normalise

__all__ = ["WEIGHTS", "Terms", "find"]

WEIGHTS: Mapping[str, float] = {
    "authors": 30,
    "uncovered": 20,
    "weak_evidence": 20,
    "contradicted": 10,
    "unanswered": 10,
    "rising": 10,
}
"""Most points of each part; they add up to 100."""
FULL = 31
"""Authors at which the part for authors is full: log2(1 + 31) = 5."""
YEAR = timedelta(days=365)
ENOUGH = 20
"""Authors of the year before, over all themes; of fewer no growth is told."""
_TYPES: tuple[GapType, ...] = (
    "unanswered",
    "uncovered",
    "weak_evidence",
    "contradicted",
    "rising",
)
"""The type of a gap is its part with most points; of equal ones the first here."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What counts as a gap."""

    min_authors: int = 2
    """Fewer authors make none."""
    own: bool = False
    """Whether articles of the user's own were collected."""
    now: date | None = None
    """The day growth is measured to; that of the newest post without it."""


def find(
    themes: Iterable[Theme],
    grades: Iterable[Grade],
    evidence: Iterable[Evidence],
    claims: Iterable[Claim],
    contradictions: Iterable[Contradiction] = (),
    questions: Iterable[MemberQuestion] = (),
    *,
    terms: Terms | None = None,
) -> list[Gap]:
    """Gaps of themes with enough authors, highest score first.

    Covered is a theme whose own count `articles` is not 0; where articles of the user's own were
    collected, one that these leave to others is covered by half.
    """
    terms = terms or Terms()
    view = _View.of(grades, evidence, claims, contradictions, terms)
    view = replace(view, left=_left(questions))
    least = max(1, terms.min_authors)
    found = [_gap(theme, view) for theme in themes if theme.tally.authors >= least]
    return sorted((g for g in found if g), key=lambda g: (-g.score, g.theme))


@dataclass(frozen=True, kw_only=True)
class _View:
    """What is known of all themes, by theme."""

    grades: Mapping[str, Grade]
    any_article: bool
    disputes: Mapping[str, Sequence[Contradiction]]
    claims: Mapping[str, Claim]
    now: date | None
    everyone: tuple[int, int]
    """Authors of the last year and of the one before, over all themes."""
    own: bool
    left: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By theme how many ask about it, and how many of these nobody wrote back to."""

    @staticmethod
    def of(
        grades: Iterable[Grade],
        evidence: Iterable[Evidence],
        claims: Iterable[Claim],
        contradictions: Iterable[Contradiction],
        terms: Terms,
    ) -> _View:
        by_id = {claim.id: claim for claim in claims}
        disputes: dict[str, list[Contradiction]] = defaultdict(list)
        for dispute in contradictions:
            disputes[dispute.theme].append(dispute)
        written = [c.written.date() for c in by_id.values() if c.written and c.voice == "member"]
        now = terms.now or max(written, default=None)
        spoken = any(c.voice == "article" for c in by_id.values())
        return _View(
            grades={g.theme: g for g in grades if g.condition is None},
            any_article=spoken or any(item.quote is not None for item in evidence),
            disputes=disputes,
            claims=by_id,
            now=now,
            everyone=_years(by_id.values(), now) if now else (0, 0),
            own=terms.own,
        )


def _gap(theme: Theme, view: _View) -> Gap | None:
    """The gap of a theme; None where none of its parts but the authors' applies."""
    rows = {
        "uncovered": _uncovered(theme, view),
        "weak_evidence": _weak(theme, view),
        "contradicted": _contradicted(theme, view),
        "unanswered": _unanswered(theme, view),
        "rising": _rising(theme, view),
    }
    if not any(share for share, _ in rows.values()):
        return None
    authors = theme.tally.authors
    shares = {"authors": min(1.0, math.log2(1 + authors) / math.log2(1 + FULL))}
    shares |= {name: share for name, (share, _) in rows.items()}
    parts = {name: round(WEIGHTS[name] * share, 1) for name, share in shares.items()}
    leading = max(_TYPES, key=lambda name: (parts[name], -_TYPES.index(name)))
    said = (_many(authors, "author"), *(why for _, why in rows.values()))
    return Gap(
        theme=theme.id,
        type=leading,
        score=round(sum(parts.values()), 1),
        parts=parts,
        reasons=tuple(why for why in said if why),
    )


# --- the parts: a share of the weight, and why --------------------------------------------------


def _uncovered(theme: Theme, view: _View) -> tuple[float, str]:
    """Full where no collected article speaks of the theme, half where only others' do.

    Articles are not searched for a theme that goes by common words alone, so it lacks nothing.
    """
    found = coverage(theme, own=view.own)
    if theme.articles:
        return (ELSEWHERE_ONLY if found.place == "others" and view.own else 0.0), found.label
    if not view.any_article or not _countable(theme, view):
        return 0.0, ""
    return 1.0, "in no article"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _countable(theme: Theme, view: _View) -> bool:
    """Whether some wording of the theme has a word that is not common on any page."""
    phrases = (view.claims[c].phrase for c in theme.claims if c in view.claims)
    return any(
        len(word) > 3 and word not in _common()
        for wording in (theme.name, *phrases)
        for word in normalise(wording).split()
    )


@cache
def _common() -> frozenset[str]:
    """Words by which no article is searched for a theme."""
    text = files("miner").joinpath("data/evidence.toml").read_text("utf-8")
    return frozenset(tomllib.loads(text)["mentions"]["common"])


ELSEWHERE_ONLY = 0.5
"""Share of a theme that articles of others speak of, and none of the user's own."""

_LEVELS: Mapping[int, float] = {5: 0.8, 4: 0.6}
_STATUSES: Mapping[str, float] = {"not_searched": 0.5, "contested": 0.3, "insufficient": 0.3}
_ELSEWHERE = "studies on other conditions only"


def _weak(theme: Theme, view: _View) -> tuple[float, str]:
    """Share by the grade over all conditions; a diagnosis is not something evidence backs."""
    grade = view.grades.get(theme.id)
    if grade is None or theme.kind == "diagnosis":
        return 0.0, ""
    if grade.level is None:
        return _unbacked(grade)
    share = max(_LEVELS.get(grade.level, 0.0), _STATUSES.get(grade.status, 0.0))
    return share, f"evidence: level {grade.level}, {grade.status}" if share else ""


def _unbacked(grade: Grade) -> tuple[float, str]:
    """Share where no source carries a level; without a search more may exist."""
    elsewhere = [_ELSEWHERE] if "related_condition_only" in grade.reasons else []
    empty = elsewhere and grade.status in ("no_evidence", "not_searched")
    status = "not_searched" if empty and grade.searched is None else grade.status
    said = elsewhere if empty else [grade.status.replace("_", " "), *elsewhere]
    return _STATUSES.get(status, 1.0), f"evidence: {', '.join(said)}"


def _contradicted(theme: Theme, view: _View) -> tuple[float, str]:
    """Full where the disagreement reaches beyond the members, more than half where it does not."""
    disputes = view.disputes.get(theme.id, ())
    if not disputes:
        return 0.0, ""
    outside = any(dispute.type != "members" for dispute in disputes)
    return (1.0 if outside else 0.6), "; ".join(dispute.reason for dispute in disputes)


def _unanswered(theme: Theme, view: _View) -> tuple[float, str]:
    """Full where at least two ask and nobody who tried it says what came of it.

    Where somebody does, the share of those who ask and to whom nobody wrote back, from two on.
    """
    tally = theme.tally
    if tally.asked >= 2 and not tally.reported:
        return 1.0, f"{tally.asked} ask, nobody reports"
    asked, left = view.left.get(theme.id, (0, 0))
    return (left / asked, f"{left} of {asked} who ask got no answer") if left >= 2 else (0.0, "")


def _left(questions: Iterable[MemberQuestion]) -> dict[str, tuple[int, int]]:
    """By theme how many ask about it, and how many of these nobody wrote back to."""
    answered: dict[str, dict[str, bool]] = defaultdict(dict)
    for one in questions:
        for theme in one.themes:
            voters = answered[theme]
            voters[one.voter] = voters.get(one.voter, False) or one.answers > 0
    return {
        theme: (len(voters), sum(not heard for heard in voters.values()))
        for theme, voters in answered.items()
    }


def _rising(theme: Theme, view: _View) -> tuple[float, str]:
    """Share by growth of authors in the last year over the one before; full when tripled.

    What all themes grew by is no growth of this one: more may only have been collected.
    """
    if view.now is None or view.everyone[1] < ENOUGH:
        return 0.0, ""
    own = (view.claims[c] for c in theme.claims if c in view.claims)
    recent, before = _years(own, view.now)
    all_recent, all_before = view.everyone
    expected = max(before, 1) * max(1.0, all_recent / all_before)
    if recent < 3 or recent < 1.5 * expected:
        return 0.0, ""
    why = (
        f"{recent} of {all_recent:,} authors in the year to {view.now:%Y-%m-%d}, "
        f"{before} of {all_before:,} the year before"
    )
    return min(1.0, (recent / expected - 1) / 2), why


def _years(claims: Iterable[Claim], now: date) -> tuple[int, int]:
    """Distinct authors who wrote in the year that ended at that day, and in the one before it."""
    voices: tuple[set[str], set[str]] = (set(), set())
    for claim in claims:
        if claim.written is None or claim.voice != "member":
            continue
        ago = (now - claim.written.date()) // YEAR
        if 0 <= ago < 2:
            voices[ago].add(voter(claim))
    return len(voices[0]), len(voices[1])
