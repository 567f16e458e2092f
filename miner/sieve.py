"""Which of the tagger's spans are claims: everything a span shows, weighed to one probability.

What is weighed has names (how sure the tagger is of each kind, the words in and around the span,
where it stands, what rivals it), so that a decision can be read back from `weights/sieve.json`.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import accumulate, chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from miner.caseless import Caseless
from miner.errors import ModelRefused
from miner.signals import Scene, signals
from miner.spans import idea, is_body_part

if TYPE_CHECKING:
    from miner.tagger import Candidate

__all__ = ["Piece", "Sieve", "Stage", "features", "shown", "stems"]

Seen = TypeVar("Seen")

KINDS = ("cause", "trigger", "diagnosis", "remedy")
_OTHERS = {
    said: [[f"~{said} {name}" for name in KINDS if name != own] for own in KINDS]
    for said in ("tagged", "kept")
}
"""Names of what is said of the kinds that a piece is not proposed as, by that kind."""
_OTHER = np.array(
    [[kind for kind in range(len(KINDS)) if kind != own] for own in range(len(KINDS))]
)
"""Those kinds, by the same."""
SHOWN = ("helped", "nothing", "harmed", "withdrawal", "symptom", "reason", "causal")
"""What a sentence may say, as `miner.tagger` is asked about it."""
PLACES = ("here", "next", "soon", "just before")
"""The sentences around a claim that are asked."""
_SAYINGS = [f"{place} {name}" for place in PLACES for name in SHOWN]
_UNSURE, _UNKNOWN = (0.0,) * 3, (0.0,) * 4
"""What is said of assertion and experiencer where nothing is."""
_NUMBERED = [
    [
        *("~tagged", "~kept", "~begun", "~both", *_OTHERS["tagged"][own], *_OTHERS["kept"][own]),
        *("~rival tagged", "~rival kept", "~unknown"),
        *(f"~a{index}" for index in range(len(_UNSURE))),
        *(f"~x{index}" for index in range(len(_UNKNOWN))),
        *_SAYINGS,
        *("part of span", "", "overlaps", "near", "near best", "weaker", "~margin"),
    ]
    for own in range(len(KINDS))
]
"""Names of the numbers of a piece, by the kind it is proposed as."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A clean phrase of a candidate: `text[start:end]`."""

    candidate: Candidate
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the pieces of a text stand: its sentences, its part in the document, its neighbours."""

    seen: Scene
    role: str
    """`title`, `opener`, `reply` or `text`."""
    elsewhere: frozenset[str]
    """Word stems of the title, seen from a body; of the first body, seen from the title."""


def features(stage: Stage, pieces: Sequence[Piece]) -> list[dict[str, float]]:
    """What each piece shows, as named numbers; the kind it is proposed as is in every name."""
    made = []
    worded = _by_span(pieces, lambda piece: _plain(stage, piece))
    for piece, plain, row in zip(pieces, worded, numbers(pieces), strict=True):
        own = piece.candidate.kind
        found = {**plain, **dict(zip(_NUMBERED[own], row.tolist(), strict=True))}
        made.append({f"{KINDS[own]}|{name}": value for name, value in found.items() if value})
    return [{**found, "*": 1.0} for found in made]


def _by_span(pieces: Sequence[Piece], look: Callable[[Piece], Seen]) -> Iterator[Seen]:
    """What the words of each piece show; they are looked at once for all its kinds."""
    spans: dict[tuple[int, int], Seen] = {}
    for piece in pieces:
        place = piece.start, piece.end
        if place not in spans:
            spans[place] = look(piece)
        yield spans[place]


def _plain(stage: Stage, piece: Piece) -> dict[str, float]:
    """What the words of a piece and those around it show, whatever kind it is."""
    phrase = stage.seen.text[piece.start : piece.end]
    return {
        **_lexical(stage.seen, piece, phrase),
        **_placed(stage, piece, phrase),
        **_known(phrase),
        **dict(_natured(stage.seen, piece, phrase)),
        **signals(stage.seen, piece.start, piece.end),
    }


def numbers(pieces: Sequence[Piece]) -> np.ndarray:
    """What the learned heads say of each piece, and how it stands to the others (pieces, names).

    The names are `_NUMBERED`, by the kind it is proposed as; what is not known is 0.
    """
    if not pieces:
        return np.zeros((0, len(_NUMBERED[0])))
    some = [piece.candidate for piece in pieces]
    own = np.array([one.kind for one in some])
    row = np.arange(len(some))
    tagged, kept = (np.array([getattr(one, said) for one in some]) for said in ("tagged", "kept"))
    both = tagged[row, own] * kept[row, own]
    begun = [one.begun[one.kind] for one in some]
    unknown = [max(one.outcome[-1], 1e-3) if one.outcome else 1.0 for one in some]
    likely, rivals = odds(np.stack([tagged, kept])), _OTHER[own]
    mine = likely[:, row, own].T
    theirs = likely[:, row[:, None], rivals]
    manner = [
        (*(one.assertion or _UNSURE), *(one.experiencer or _UNKNOWN), *_said(one.shown))
        for one in some
    ]
    whole = [(one.start, one.end) == (p.start, p.end) for one, p in zip(some, pieces, strict=True)]
    return np.hstack(
        [
            mine,
            odds(np.stack([np.array(begun), both], 1)),
            *theirs,
            theirs.max(2).T,
            np.log(np.array(unknown))[:, None],
            np.array(manner),
            1.0 - np.array(whole, dtype=float)[:, None],
            np.ones((len(some), 1)),
            _rivals(pieces, both),
        ]
    )


def _rivals(pieces: Sequence[Piece], sure: np.ndarray) -> np.ndarray:
    """How sure the tagger is of what overlaps, and how many claims it sees nearby (pieces, 5)."""
    starts, ends = np.array([(piece.start, piece.end) for piece in pieces]).T
    over = (starts < ends[:, None]) & (starts[:, None] < ends)
    near = ~over & (abs(starts - starts[:, None]) < 120) & (sure > 0.3)
    np.fill_diagonal(over, val=False)
    rival = (over * sure).max(1)
    some = rival > 0
    count = np.minimum(near.sum(1), 5) / 5
    margin = np.where(some, odds(sure) - odds(rival), 0.0)
    return np.stack([some, count, (near * sure).max(1), some & (rival > sure), margin], 1)


def shown(candidate: Candidate) -> dict[str, float]:
    """What the sentences around a candidate say, as bounded log odds; 0 where there is none."""
    said = _said(candidate.shown)
    return {name: value for name, value in zip(_SAYINGS, said, strict=True) if value}


@lru_cache(maxsize=256)
def _said(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The same in the order of the names, for all that stands in one sentence."""
    filled = (row or _SILENT for row in (*rows, *((),) * (len(PLACES) - len(rows))))
    return tuple(
        [-5.0 if value < -5 else 5.0 if value > 5 else value for row in filled for value in row]
    )


_SILENT = (0.0,) * len(SHOWN)


def odds(probability: np.ndarray) -> np.ndarray:
    """Log odds, bounded."""
    bounded = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(bounded / (1 - bounded)))


_TOKEN = re.compile(r"[a-z]+(?:['’][a-z]+)?|\d+|[^\w\s]")


def _lexical(seen: Scene, piece: Piece, phrase: str) -> dict[str, float]:
    """The words of the phrase, and those next to it on either side within its paragraph."""
    words = [_stem(word) for word in _TOKEN.findall(phrase.lower())]
    before = _TOKEN.findall(seen.text[max(0, piece.start - 60) : piece.start].lower())[-4:]
    after = _TOKEN.findall(seen.text[piece.end : piece.end + 40].lower())[:3]
    found = {f"w {word}": 1.0 for word in words}
    found |= {f"< {word}": 1.0 for word in before}
    found |= {f"> {word}": 1.0 for word in after}
    if words:
        found[f"w1 {words[0]}"] = found[f"w$ {words[-1]}"] = 1.0
        found[f"end {_ending(phrase.split(maxsplit=1)[0])}"] = 1.0
    found[f"<1 {before[-1] if before else '^'}"] = 1.0
    found[f"<2 {' '.join(before[-2:])}"] = 1.0
    found[f">1 {after[0] if after else '$'}"] = 1.0
    found[f">2 {' '.join(after[:2])}"] = 1.0
    return found


@lru_cache(maxsize=1 << 14)
def _stem(word: str) -> str:
    return re.sub(r"(?<=\w{3})(?:ings?|ies|es|s|ed|y|e)$", "", word)


def _ending(word: str) -> str:
    return next((end for end in ("ing", "ed", "s") if word.lower().endswith(end)), "")


_DIGIT, _BRACKET = re.compile(r"\d"), re.compile(r"[()\[\]\"/:]")
_VERBAL = Caseless(r"\b(?:i|it|my|me|you|was|is|when|if)\b")


def _placed(stage: Stage, piece: Piece, phrase: str) -> dict[str, float]:
    seen = stage.seen
    long = len(phrase.split())
    stems = idea(phrase)
    size = max(len(seen.text), 1)
    earlier = seen.text[: piece.start].lower()
    return {
        f"role {stage.role}": 1.0,
        f"long {min(long, 8)}": 1.0,
        "elsewhere": float(bool(stems) and stems <= stage.elsewhere),
        f"{stage.role} elsewhere": float(bool(stems) and stems <= stage.elsewhere),
        "place": piece.start / size,
        "size": math.log(size + 50) / 4 - 1,
        "said before": float(len(phrase) > 2 and phrase.lower() in earlier),
        "capital": float(phrase[:1].isupper()),
        "body part": float(is_body_part(phrase)),
        "digit": float(bool(_DIGIT.search(phrase))),
        "bracket": float(bool(_BRACKET.search(phrase))),
        "verb phrase": float(bool(_VERBAL.search(phrase))),
    }


@cache
def _lexicon() -> tuple[Mapping[str, frozenset[frozenset[str]]], Mapping[str, frozenset[str]]]:
    """Ideas and word stems typical of each kind, from the data on families and conditions."""
    data = files("miner") / "data"
    families = tomllib.loads((data / "families.toml").read_text("utf-8"))
    conditions = tomllib.loads((data / "conditions.toml").read_text("utf-8"))["condition"]
    listed = {
        name: [phrase for family in families[name].values() for phrase in family]
        for name in ("remedy", "cause", "diagnosis")
    }
    listed["diagnosis"] += [name for one in conditions for name in one.get("names", ())]
    ideas = {name: frozenset(idea(one) for one in some) for name, some in listed.items()}
    return ideas, {name: frozenset().union(*some) for name, some in ideas.items()}


def _known(phrase: str) -> dict[str, float]:
    ideas, words = _lexicon()
    stems = idea(phrase)
    found: dict[str, float] = {}
    for name in ideas:
        found[f"is {name}"] = float(stems in ideas[name])
        found[f"like {name}"] = len(stems & words[name]) / max(len(stems), 1)
    return found


@cache
def _natures() -> Mapping[str, Caseless]:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))["nature"]
    return {name: Caseless(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") for name, words in data.items()}


def _natured(seen: Scene, piece: Piece, phrase: str) -> Iterator[tuple[str, float]]:
    """Whether a phrase names a test or a healer, and what is said of it; fears and hopes."""
    words = _natures()
    before = _last_words(seen.text[max(0, piece.start - 80) : piece.start])
    for name, behind, front in (("test", "found", "wanted"), ("healer", "says", "telling")):
        if words[name].search(phrase):
            after = _first_words(seen.text[piece.end : piece.end + 80])
            yield f"a {name}", 1.0
            yield f"{name} > {behind}", float(bool(words[behind].search(after)))
            yield f"{name} < {front}", float(bool(words[front].search(f"{before} {phrase}")))
    for name in ("feared", "hoped", "likened", "able"):
        yield f"< {name}", float(bool(words[name].search(before)))


def _last_words(text: str) -> str:
    """The last six words of a text, within its last sentence."""
    return " ".join(_STOP.split(text)[-1].split()[-6:])


def _first_words(text: str) -> str:
    """The first six words of a text, within its first sentence."""
    return " ".join(_STOP.split(text, 1)[0].split()[:6])


_STOP = re.compile(r"[.!?;\n]")


class Sieve:
    """Coefficients that make a probability of what a piece shows."""

    def __init__(self, weights: Mapping[str, float], least: Sequence[float]) -> None:
        """`weights` by feature name, `least` the probability of a claim by kind."""
        self.weights, self.least = weights, least

    @classmethod
    def load(cls, path: Path) -> Sieve:
        """The coefficients of a file; ModelRefused where it is missing or damaged."""
        try:
            data = json.loads(path.read_text("utf-8"))
            return cls(data["weights"], [data["least"][kind] for kind in KINDS])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelRefused(f"{path} cannot be read ({error}): reinstall folkgrade") from error

    def sure(self, stage: Stage, pieces: Sequence[Piece]) -> list[float]:
        """How probable it is of each piece that it is a claim of its kind."""
        kinds = [piece.candidate.kind for piece in pieces]
        learned = (numbers(pieces) * self._numbered[kinds]).sum(1).tolist()
        worded = self._worded([*_by_span(pieces, lambda piece: _plain(stage, piece))])
        every = self.weights.get("*", 0.0)
        return [
            _logistic(every + score + words[kind])
            for kind, score, words in zip(kinds, learned, worded, strict=True)
        ]

    def _worded(self, plain: Sequence[Mapping[str, float]]) -> list[list[float]]:
        """What the words of each piece weigh, for each kind."""
        if not plain:
            return []
        rows, table = self._table
        # What has no weight has the last row, of zeros.
        places = [*map(rows.get, chain.from_iterable(plain), repeat(len(rows)))]
        values = np.array([*chain.from_iterable(one.values() for one in plain)])
        begins = [0, *accumulate(map(len, plain[:-1]))]
        weighed = table.take(places, 0) * values[:, None]
        return np.add.reduceat(weighed, begins).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _table(self) -> tuple[Mapping[str, int], np.ndarray]:
        """The row of each name, and the weights (names + 1, kinds); the last row is of zeros."""
        rows: dict[str, int] = {}
        for known in self._by_kind.values():
            for name in known:
                rows.setdefault(name, len(rows))
        table = np.zeros((len(rows) + 1, len(KINDS)))
        for place, kind in enumerate(KINDS):
            for name, value in self._by_kind[kind].items():
                table[rows[name], place] = value
        return rows, table

    @cached_property
    def _numbered(self) -> np.ndarray:
        """The weights of `_NUMBERED` (kinds, names)."""
        return np.array(
            [
                [self._by_kind[kind].get(name, 0.0) for name in names]
                for kind, names in zip(KINDS, _NUMBERED, strict=True)
            ]
        )

    @cached_property
    def _by_kind(self) -> Mapping[str, Mapping[str, float]]:
        """The weights without the kind in front of each name, as `features` puts it there."""
        found: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
        for name, value in self.weights.items():
            kind, _, rest = name.partition("|")
            if kind in found:
                found[kind][rest] = value
        return found


def _logistic(total: float) -> float:
    return 1 / (1 + math.exp(-min(max(total, -30), 30)))


def stems(texts: Iterable[str]) -> frozenset[str]:
    """All word stems of some texts, as `idea` makes them."""
    return frozenset(stem for text in texts for stem in idea(text))
