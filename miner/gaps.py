"""Themes people speak of that articles do not cover, studies do not support, or nobody answers.

A gap has a score of 0 to 100, the sum of its parts, by the formula in docs/grading.md. A theme
without members is never a gap.
"""

from __future__ import annotations

import math
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from miner.counts import voter
from miner.model import Claim, Contradiction, Evidence, Gap, GapType, Grade, Theme
from miner.phrases import normalise

__all__ = ["WEIGHTS", "find"]

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
_TYPES: tuple[GapType, ...] = (
    "unanswered",
    "uncovered",
    "weak_evidence",
    "contradicted",
    "rising",
)
"""The type of a gap is its part with most points; of equal ones the first here."""


def find(
    themes: Iterable[Theme],
    grades: Iterable[Grade],
    evidence: Iterable[Evidence],
    claims: Iterable[Claim],
    contradictions: Iterable[Contradiction] = (),
    *,
    min_authors: int = 2,
    now: date | None = None,
) -> list[Gap]:
    """Gaps of themes with at least `min_authors` authors, highest score first.

    Covered is a theme whose own count `articles` is not 0. `now` is the day growth is measured
    to; the day of the newest post without it.
    """
    view = _View.of(grades, evidence, claims, contradictions, now)
    found = [_gap(theme, view) for theme in themes if theme.tally.authors >= max(1, min_authors)]
    return sorted((g for g in found if g), key=lambda g: (-g.score, g.theme))


@dataclass(frozen=True, kw_only=True)
class _View:
    """What is known of all themes, by theme."""

    grades: Mapping[str, Grade]
    any_article: bool
    disputes: Mapping[str, Sequence[Contradiction]]
    claims: Mapping[str, Claim]
    now: date | None

    @staticmethod
    def of(
        grades: Iterable[Grade],
        evidence: Iterable[Evidence],
        claims: Iterable[Claim],
        contradictions: Iterable[Contradiction],
        now: date | None,
    ) -> _View:
        by_id = {claim.id: claim for claim in claims}
        disputes: dict[str, list[Contradiction]] = defaultdict(list)
        for dispute in contradictions:
            disputes[dispute.theme].append(dispute)
        written = [c.written.date() for c in by_id.values() if c.written and c.voice == "member"]
        spoken = any(c.voice == "article" for c in by_id.values())
        return _View(
            grades={g.theme: g for g in grades if g.condition is None},
            any_article=spoken or any(item.quote is not None for item in evidence),
            disputes=disputes,
            claims=by_id,
            now=now or max(written, default=None),
        )


def _gap(theme: Theme, view: _View) -> Gap | None:
    """The gap of a theme; None where none of its parts but the authors' applies."""
    rows = {
        "uncovered": _uncovered(theme, view),
        "weak_evidence": _weak(theme, view),
        "contradicted": _contradicted(theme, view),
        "unanswered": _unanswered(theme),
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
    """Full where articles were collected and none of them speaks of the theme.

    Articles are not searched for a theme that goes by common words alone, so it lacks nothing.
    """
    if theme.articles:
        return 0.0, f"in {_many(theme.articles, 'article')}"
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
    return share, f"level {grade.level}, {grade.status}" if share else ""


def _unbacked(grade: Grade) -> tuple[float, str]:
    """Share where no source carries a level; without a search more may exist."""
    elsewhere = [_ELSEWHERE] if "related_condition_only" in grade.reasons else []
    empty = elsewhere and grade.status in ("no_evidence", "not_searched")
    status = "not_searched" if empty and grade.searched is None else grade.status
    said = elsewhere if empty else [grade.status.replace("_", " "), *elsewhere]
    return _STATUSES.get(status, 1.0), ", ".join(said)


def _contradicted(theme: Theme, view: _View) -> tuple[float, str]:
    """Full where the disagreement reaches beyond the members, more than half where it does not."""
    disputes = view.disputes.get(theme.id, ())
    if not disputes:
        return 0.0, ""
    outside = any(dispute.type != "members" for dispute in disputes)
    return (1.0 if outside else 0.6), "; ".join(dispute.reason for dispute in disputes)


def _unanswered(theme: Theme) -> tuple[float, str]:
    """Full where at least two ask and nobody who tried it says what came of it."""
    tally = theme.tally
    if tally.asked < 2 or tally.reported:
        return 0.0, ""
    return 1.0, f"{tally.asked} ask, nobody reports"


def _rising(theme: Theme, view: _View) -> tuple[float, str]:
    """Share by growth of authors in the last year over the one before; full when tripled."""
    if view.now is None:
        return 0.0, ""
    recent, before = (_authors_between(theme, view, ago) for ago in (0, 1))
    if recent < 3 or recent < 1.5 * max(before, 1):
        return 0.0, ""
    growth = (recent - before) / max(before, 1)
    return min(1.0, growth / 2), f"{recent} authors in the last year, {before} the year before"


def _authors_between(theme: Theme, view: _View, ago: int) -> int:
    """Distinct authors who wrote in the year that ended `ago` years before now."""
    end = (view.now or date.max) - ago * YEAR
    voices = set()
    for claim in (view.claims[c] for c in theme.claims if c in view.claims):
        dated = claim.written is not None and claim.voice == "member"
        if dated and claim.written and end - YEAR < claim.written.date() <= end:
            voices.add(voter(claim))
    return len(voices)
