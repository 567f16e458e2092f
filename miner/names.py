"""What a theme is called: its most typical short phrase, as its members write it."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from miner.families import families
from miner.keywords import plain
from miner.model import Claim, Kind
from miner.phrases import is_pointer, keywords, words
from miner.spelling import corrected

__all__ = [
    "Candidate",
    "Surface",
    "leanings",
    "names",
    "promising",
    "shared",
    "spellings",
]

Rows = NDArray[np.float32]

SHORT = 3
"""Words a name may have before it loses standing."""
TOO_LONG = 0.15
"""What each further word costs."""
CANDIDATES = 12
POOL = 60
"""Phrases of a theme that are looked at closely, by what their numbers promise."""
CORE, CORE_OF = 0.75, 3
"""Share of the spellings, and how many there must be, for what they have in common to be a name."""
SHARED = 0.5
FREQUENT = 0.2
"""What being shared and being said often count for beside being central."""
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

    @cached_property
    def standing(self) -> float:
        """What speaks for it in any theme: said often, and short."""
        length = len(words(self.text))
        return (
            FREQUENT * math.log1p(self.of_phrase)
            + 0.02 * math.log1p(self.speakers)
            - TOO_LONG * max(0, length - SHORT)
            - (0.05 if length == 0 or len(self.text) < 3 else 0.0)
            - (2.0 if is_pointer(self.text) else 0.0)
        )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A possible name and the normalised phrase behind it."""

    text: str
    phrase: str


def spellings(phrase: str, claims: Sequence[Claim]) -> list[Surface]:
    """Every spelling of one idea, the commonest first.

    One who only points at an idea speaks of it without spelling it; where nobody else does, the
    idea's own first words stand in.
    """
    everybody = len({_speaker(claim) for claim in claims})
    speakers: dict[str, set[str]] = defaultdict(set)
    for text, speaker in _spelled(claims):
        speakers[text].add(speaker)
    if not speakers:
        speakers[" ".join(phrase.split()[:IDEA_WORDS])] = set()
    return [
        Surface(text=text, phrase=phrase, speakers=len(some), of_phrase=everybody)
        for text, some in sorted(speakers.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _spelled(claims: Iterable[Claim]) -> Iterable[tuple[str, str]]:
    """The idea as each speaker writes it, capitals as most of those with the same letters do."""
    written = [
        (_shown(claim.phrase), _speaker(claim))
        for claim in claims
        if not claim.means and not is_pointer(claim.phrase)
    ]
    return _as_most(written) if len(written) > 1 else written


def _as_most(written: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    usual: dict[str, Counter[str]] = defaultdict(Counter)
    for text, _ in written:
        usual[text.lower()][text] += 1
    for text, speaker in written:
        forms = usual[text.lower()]
        yield (
            min(forms, key=lambda form: (-forms[form], sum(map(str.isupper, form)), form)),
            speaker,
        )


def leanings(kind: Kind, encode: Callable[[Sequence[str]], Rows]) -> Callable[[Rows], Rows]:
    """Gives vectors the likeness of each to the nearest typical phrase of each family."""
    groups = families(kind)
    typical = encode([phrase for some in groups.values() for phrase in some]).T
    starts = np.cumsum([0, *(len(some) for some in groups.values())])[:-1]

    def lean(vectors: Rows) -> Rows:
        """One column a family."""
        return np.asarray(np.maximum.reduceat(vectors @ typical, starts, axis=1), np.float32)

    return lean


def names(
    spellings: Sequence[Surface],
    typical: Mapping[str, float],
    commonest: Mapping[str, float] | None = None,
    leaning: Mapping[str, float] | None = None,
) -> tuple[Candidate, ...]:
    """Up to twelve names, best first, never none: central, frequent, shared and short wins.

    `typical` is the likeness of each normalised phrase to the middle of its theme; `commonest`
    is what `shared` says of it: a word that most phrases share names a theme better. `leaning` is
    how much a phrase is like what is typical of the family its theme leans on: broader words win.
    """
    common, near = commonest or {}, leaning or {}
    ranked = sorted(
        spellings,
        key=lambda some: (
            -typical.get(some.phrase, 0.0)
            - some.standing
            - SHARED * common.get(some.phrase, 0.0)
            - near.get(some.phrase, 0.0),
            some.text,
        ),
    )
    best: dict[str, Candidate] = {}
    for some in ranked:
        best.setdefault(some.phrase, Candidate(text=some.text, phrase=some.phrase))
    found = list(best.values())[:CANDIDATES]
    core = _core(found[0].text, [some.text for some in spellings]) if found else ""
    if core and core.lower() not in {candidate.text.lower() for candidate in found}:
        found.insert(0, Candidate(text=core, phrase=found[0].phrase))
    return tuple(found)


def promising(
    phrases: Sequence[str], heard: Rows, typical: Rows, common: Mapping[str, float], near: Rows
) -> list[str]:
    """Of very many phrases those that can lend a theme its name, in their order.

    `heard` is how often each is said, `near` how like it is to what is typical of the family.
    """
    if len(phrases) <= POOL:
        return list(phrases)
    lengths = np.array([phrase.count(" ") + 1 for phrase in phrases])
    spread = np.array([common.get(phrase, 0.0) for phrase in phrases])
    score = typical + near + FREQUENT * np.log1p(heard) + SHARED * spread
    score -= TOO_LONG * np.maximum(lengths - SHORT, 0)
    best = np.argsort(-np.round(score, 4), kind="stable")[:POOL]
    return [phrases[place] for place in np.sort(best).tolist()]


def _core(name: str, spellings: Sequence[str]) -> str:
    """The longest run of the name's words that most spellings hold whole; empty for none shorter.

    Where everybody says how they did it, none says the thing alone. A name that most hold as it is
    needs nothing shorter.
    """
    parts, texts = name.split(), [f" {' '.join(text.lower().split())} " for text in set(spellings)]
    if len(texts) < CORE_OF:
        return ""
    for length in range(len(parts), 0, -1):
        for start in range(len(parts) - length + 1):
            core = " ".join(parts[start : start + length]).strip(_EDGES)
            held = sum(f" {core.lower()} " in text for text in texts)
            if held >= CORE * len(texts) and any(
                word not in plain() for word in core.lower().split()
            ):
                return core if length < len(parts) else ""
    return ""


def shared(phrases: Sequence[str]) -> dict[str, float]:
    """For each phrase the share of the theme's different phrases that its commonest word is in."""
    stems = {phrase: {word[:STEM] for word in keywords(phrase)} for phrase in phrases}
    spread = Counter(stem for some in stems.values() for stem in some)
    return {
        phrase: max((spread[stem] for stem in some), default=0) / len(phrases)
        for phrase, some in stems.items()
    }


def _shown(phrase: str) -> str:
    """The phrase as a heading: edges clean, leading articles off, no shouting, well spelled."""
    text = " ".join(phrase.split()).strip(_EDGES)
    text = _LEADING.sub("", text).strip(_EDGES) or text
    calm = (_calm(word, number) for number, word in enumerate(text.split()))
    return " ".join(map(_well_spelled, calm)) or phrase


def _well_spelled(word: str) -> str:
    """The word without a slip of the keys; one with capitals inside stays."""
    small = word.lower()
    right = corrected(small)
    if right == small or word not in (small, small.capitalize()):
        return word
    return right if word == small else right.capitalize()


def _calm(word: str, number: int) -> str:
    """Lower case for a shouted word and a capital that only opens a sentence; FAI and MRI stay."""
    if word.isupper():
        return word.lower() if len(word) > 5 else word
    opens = number == 0 and word[:1].isupper() and word[1:].islower()
    return word.lower() if opens else word


def _speaker(claim: Claim) -> str:
    return claim.author or f"{claim.quote.document}#{claim.quote.part}"
