"""What a content brief is, and what of a theme it is made from. Values only, frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from miner.model import (
    Claim,
    Contradiction,
    Design,
    Direction,
    Evidence,
    Gap,
    Grade,
    Kind,
    MemberQuestion,
    SourceType,
    Tally,
    Theme,
)

__all__ = ["Brief", "Chapter", "Cited", "Known", "Side", "Voice", "shortened"]

LONG = 180
"""Most characters of a quote in a brief."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a project knows of one theme."""

    theme: Theme
    claims: Sequence[Claim]
    """Most typical first."""
    evidence: Sequence[Evidence] = ()
    grade: Grade | None = None
    gap: Gap | None = None
    contradictions: Sequence[Contradiction] = ()
    questions: Sequence[MemberQuestion] = ()
    """What members ask about it, and how many wrote back."""
    near: Sequence[str] = ()
    """Names of near themes."""
    articles: int | None = None
    """How many collected articles speak of it; None where none was collected."""
    own: int | None = None
    """How many of these are the user's own; None where none of theirs was collected."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Titles of documents by address."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """Somebody's words, shortened: to be told in one's own, never quoted."""

    text: str
    who: str
    """`member`, or the title of an article or study."""
    when: datetime | None
    link: str


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A source a writer may cite."""

    level: int
    source_type: SourceType
    design: Design | None
    direction: Direction
    title: str
    link: str
    """Its DOI as an address, or its page."""
    doi: str | None
    n: int | None
    year: int | None
    finding: str
    condition: str | None
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Side:
    """A contradiction to address, some voices of each side."""

    type: str
    reason: str
    supporting: tuple[Voice, ...]
    opposing: tuple[Voice, ...]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A heading of the outline and what to say under it."""

    heading: str
    points: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Brief:
    """All a writer needs for an article on a theme. Empty fields are unknown."""

    theme: str
    """Its id."""
    kind: Kind
    name: str
    condition: str | None
    question: str
    asked: bool
    """Whether the question is a member's own words."""
    intent: str
    audience: str
    angle: tuple[str, ...]
    outline: tuple[Chapter, ...]
    words: tuple[tuple[str, int], ...]
    """What members call it, and how many of them."""
    tally: Tally
    level: int | None
    status: str
    certainty: str | None
    sources: tuple[Cited, ...]
    more_sources: int
    avoid: tuple[str, ...]
    sides: tuple[Side, ...]
    voices: Mapping[str, tuple[Voice, ...]]
    """By stance."""
    clinician: tuple[str, ...]
    clinician_note: str
    caution: str
    paraphrase: str


# Bounded as addresses are, so that a long run without spaces costs no more than it is long.
_ADDRESS = re.compile(r"(?i)\b(?:https?://|www\.)\S+|[^\s@]{1,64}@[^\s@]{1,255}\.\w+")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+"
)


def shortened(text: str, most: int = LONG) -> str:
    """One line of at most so many characters, cut between words, without addresses."""
    bare = _ADDRESS.sub("[address]", _UNSEEN.sub(" ", text))
    line = " ".join(bare.split())
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"
