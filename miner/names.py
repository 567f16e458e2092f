"""What a theme is called: its most typical short phrase, as its members write it."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from miner.model import Claim
from miner.phrases import is_pointer, keywords, words

__all__ = ["Candidate", "Surface", "key_words", "names", "surfaces"]

KEYWORDS = 4
SHORT = 4
"""Words a name may have before it loses standing."""
CANDIDATES = 12
STEM = 6
"""Letters by which words of one family are known: strength, strengthen, strengthening."""
IDEA_WORDS = 5
"""Words of an idea that stand in for a name."""

_LEADING = re.compile(
    r"^(?:(?:my|your|his|her|our|their|its|the|a|an|some|any|that|this|those|these|to|of|and|or|"
    r"(?:lots?|tons?|bit|load|loads|kind|sort|couple) of|"
    r"really|very|just|maybe|more|doing|using|tried|trying)\s+)+(?=\w)",
    re.IGNORECASE,
)
_EDGES = " \t\n.,;:!?\"'()[]*_~-\u2013\u2014\u2018\u2019\u201c\u201d\u2026/"


@dataclass(frozen=True, kw_only=True)
class Surface:
    """One way members write an idea."""

    text: str
    phrase: str
    """Its normalised phrase."""
    speakers: int
    """How many authors and articles write it so."""
    of_phrase: int
    """How many write the idea in any way."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A possible name and the normalised phrase behind it."""

    text: str
    phrase: str


def surfaces(
    by_phrase: Mapping[str, Sequence[Claim]], phrases: Iterable[str]
) -> tuple[Surface, ...]:
    """Every spelling of the phrases, the commonest spelling of each idea first.

    One who only points at an idea speaks of it without spelling it; where nobody else does, the
    idea's own first words stand in.
    """
    found = []
    for phrase in phrases:
        everybody = len({_speaker(claim) for claim in by_phrase[phrase]})
        speakers: dict[str, set[str]] = defaultdict(set)
        for claim in by_phrase[phrase]:
            if not claim.means and not is_pointer(claim.phrase):
                speakers[_shown(claim.phrase)].add(_speaker(claim))
        if not speakers:
            speakers[" ".join(phrase.split()[:IDEA_WORDS])] = set()
        found += [
            Surface(text=text, phrase=phrase, speakers=len(some), of_phrase=everybody)
            for text, some in sorted(speakers.items(), key=lambda item: (-len(item[1]), item[0]))
        ]
    return tuple(found)


def names(
    spellings: Sequence[Surface],
    typical: Mapping[str, float],
    phrases: Sequence[str] = (),
) -> tuple[Candidate, ...]:
    """Up to twelve names, best first, never none: central, frequent, shared and short wins.

    `typical` is the likeness of each normalised phrase to the middle of its theme; `phrases` are
    all of the theme's: a word that most of them share names it better.
    """
    shared = _shared(phrases)
    ranked = sorted(
        spellings,
        key=lambda some: (-_standing(some, typical) - shared.get(some.phrase, 0.0), some.text),
    )
    best: dict[str, Candidate] = {}
    for some in ranked:
        best.setdefault(some.phrase, Candidate(text=some.text, phrase=some.phrase))
    return tuple(best.values())[:CANDIDATES]


def _shared(phrases: Sequence[str]) -> dict[str, float]:
    """For each phrase the share of the theme's different phrases that its commonest word is in."""
    stems = {phrase: {word[:STEM] for word in keywords(phrase)} for phrase in phrases}
    spread = Counter(stem for some in stems.values() for stem in some)
    return {
        phrase: max((spread[stem] for stem in some), default=0) / len(phrases)
        for phrase, some in stems.items()
    }


def key_words(groups: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """For each group of normalised phrases the words that tell it from the other groups."""
    counts = [Counter(word for p in group for word in keywords(p)) for group in groups]
    spread = Counter(word for count in counts for word in count)
    rank = []
    for count in counts:
        weight = {w: n * math.log(1 + len(groups) / spread[w]) for w, n in count.items()}
        rank.append(tuple(sorted(weight, key=lambda w: (-weight[w], w))[:KEYWORDS]))
    return rank


def _standing(some: Surface, typical: Mapping[str, float]) -> float:
    length = len(words(some.text))
    return (
        typical.get(some.phrase, 0.0)
        + 0.25 * math.log1p(some.of_phrase)
        + 0.02 * math.log1p(some.speakers)
        - 0.12 * max(0, length - SHORT)
        - (0.05 if length == 0 or len(some.text) < 3 else 0.0)
        - (2.0 if is_pointer(some.text) else 0.0)
    )


def _shown(phrase: str) -> str:
    """The phrase as a heading: edges clean, leading articles off, no shouting, one line."""
    text = " ".join(phrase.split()).strip(_EDGES)
    text = _LEADING.sub("", text).strip(_EDGES) or text
    return " ".join(_calm(word, number) for number, word in enumerate(text.split())) or phrase


def _calm(word: str, number: int) -> str:
    """Lower case for a shouted word and a capital that only opens a sentence; FAI and MRI stay."""
    if word.isupper():
        return word.lower() if len(word) > 5 else word
    opens = number == 0 and word[:1].isupper() and word[1:].islower()
    return word.lower() if opens else word


def _speaker(claim: Claim) -> str:
    return claim.author or f"{claim.quote.document}#{claim.quote.part}"
