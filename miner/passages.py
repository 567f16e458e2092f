"""What can be searched: passages of members, articles and studies, and the themes themselves.

A passage is a text at one place; it has an entry for each theme that counts it. Pure: what a run
concluded in, passages out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, get_args

from crawler.hosts import site_of
from miner.counts import stance
from miner.identity import ideas_of
from miner.model import Claim, Evidence, Kind, Mined, Theme
from miner.phrases import normalise

__all__ = ["LONGEST", "TYPES", "Entry", "Passage", "Type", "passages", "spelled", "vocabulary"]

Type = Literal["theme", "quote", "article", "study"]
TYPES: tuple[Type, ...] = get_args(Type)

LONGEST = 4_000
"""Code points of a passage that can be searched; what is longer is no sentence."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Why a passage is there: a claim, a piece of evidence or the theme itself."""

    ref: str
    """Id of the claim, the evidence or the theme."""
    theme: str
    kind: Kind
    condition: str | None = None
    outcome: str | None = None
    """What a member says of it (a `Stance`); None for all others."""
    meaning: str
    """The words its vector is made of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A text at one place."""

    type: Type
    text: str
    document: str = ""
    """Address; empty for a theme, and for a study known by its facts alone."""
    part: str = ""
    start: int = 0
    author: str | None = None
    entries: tuple[Entry, ...]

    @property
    def site(self) -> str | None:
        """Host it was read on, or `import` for a file; None where it stands on no page."""
        return (site_of(self.document) or "import") if self.document else None


def passages(mined: Mined) -> list[Passage]:
    """All that can be found, themes first, then the words on each, most typical first."""
    known = {theme.id: theme for theme in mined.themes}
    claims = {claim.id: claim for claim in mined.claims}
    idea_of = ideas_of(mined.claims)
    said = (
        _of_claim(claims[key], theme, idea_of[key])
        for theme in mined.themes
        for key in theme.claims
        if key in claims
    )
    told = (_of_evidence(e, known[e.theme]) for e in mined.evidence if e.theme in known)
    return [*map(_of_theme, mined.themes), *_together(chain(said, told))]


def spelled(text: str) -> list[str]:
    """The words of a text in small letters."""
    return _WORD.findall(text.lower())


def vocabulary(texts: Iterable[str]) -> Counter[str]:
    """In how many of the texts each word of letters stands."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update({word for word in spelled(text) if 1 < len(word) < 40 and word.isalpha()})
    return found


def _of_theme(theme: Theme) -> Passage:
    entries = tuple(
        Entry(ref=theme.id, theme=theme.id, kind=theme.kind, condition=condition,
              meaning=normalise(theme.name))
        for condition in theme.conditions or (None,)
    )  # fmt: skip
    return Passage(type="theme", text=theme.name[:LONGEST], entries=entries)


def _of_claim(claim: Claim, theme: Theme, idea: str) -> Passage:
    member = claim.voice == "member"
    quote = claim.quote
    entry = Entry(
        ref=claim.id,
        theme=theme.id,
        kind=claim.kind,
        condition=claim.condition,
        outcome=stance(claim) if member else None,
        meaning=idea,
    )
    return Passage(
        type="quote" if member else "study" if claim.voice == "study" else "article",
        text=quote.text[:LONGEST],
        document=quote.document,
        part=quote.part,
        start=quote.start,
        author=claim.author,
        entries=(entry,),
    )


def _of_evidence(piece: Evidence, theme: Theme) -> Passage:
    quote = piece.quote
    text = quote.text if quote else ". ".join(p for p in (piece.title, piece.finding) if p)
    entry = Entry(
        ref=piece.id,
        theme=theme.id,
        kind=theme.kind,
        condition=piece.condition,
        meaning=(quote.text if quote else piece.finding or piece.title)[:LONGEST],
    )
    return Passage(
        type="article" if quote else "study",
        text=text[:LONGEST],
        document=quote.document if quote else "",
        part=quote.part if quote else "",
        start=quote.start if quote else 0,
        entries=(entry,),
    )


def _together(found: Iterable[Passage]) -> list[Passage]:
    """One passage for each place, with the entries of all that stand there."""
    first: dict[tuple[str, str, str, int, str], Passage] = {}
    others: dict[tuple[str, str, str, int, str], list[Entry]] = {}
    for one in found:
        key = (one.type, one.document, one.part, one.start, one.text)
        if key in first:
            others.setdefault(key, []).extend(one.entries)
        else:
            first[key] = one
    for place, entries in others.items():
        first[place] = replace(first[place], entries=(*first[place].entries, *entries))
    return list(first.values())
