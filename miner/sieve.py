"""Which of the tagger's spans are claims: everything a span shows, weighed to one probability.

What is weighed has names (how sure the tagger is of each kind, the words in and around the span,
where it stands, what rivals it), so that a decision can be read back from `weights/sieve.json`.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import ModelRefused
from miner.signals import Scene, signals
from miner.spans import idea, is_body_part

if TYPE_CHECKING:
    from miner.tagger import Candidate

__all__ = ["Piece", "Sieve", "Stage", "features", "shown", "stems"]

KINDS = ("cause", "trigger", "diagnosis", "remedy")
_OTHERS = {
    said: [[f"~{said} {name}" for name in KINDS if name != own] for own in KINDS]
    for said in ("tagged", "kept")
}
"""Names of what is said of the kinds that a piece is not proposed as, by that kind."""
SHOWN = ("helped", "nothing", "harmed", "withdrawal", "symptom", "reason", "causal")
"""What a sentence may say, as `miner.tagger` is asked about it."""
PLACES = ("here", "next", "soon", "just before")
"""The sentences around a claim that are asked."""
_SAYINGS = [[f"{place} {name}" for name in SHOWN] for place in PLACES]


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
    return [
        {f"{kind}|{name}": value for one in found for name, value in one.items() if value}
        | {"*": 1.0}
        for kind, found in _described(stage, pieces)
    ]


Shown = tuple[Mapping[str, float], ...]
"""Named numbers; no name comes twice."""


def _described(stage: Stage, pieces: Sequence[Piece]) -> Iterator[tuple[str, Shown]]:
    """Each piece's kind and what it shows; the words are looked at once for all its kinds."""
    spans: dict[tuple[int, int], dict[str, float]] = {}
    for piece in pieces:
        place = piece.start, piece.end
        if place not in spans:
            spans[place] = _plain(stage, piece)
        whole = place == (piece.candidate.start, piece.candidate.end)
        rest = {"part of span": float(not whole), "": 1.0}
        found = (_learned(piece), spans[place], _rivals(piece, pieces), rest)
        yield KINDS[piece.candidate.kind], found


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


def _learned(piece: Piece) -> dict[str, float]:
    one, own = piece.candidate, piece.candidate.kind
    tagged, kept = [odds(p) for p in one.tagged], [odds(p) for p in one.kept]
    found = {"~tagged": tagged.pop(own), "~kept": kept.pop(own)}
    found["~begun"] = odds(one.begun[own])
    found["~both"] = odds(one.tagged[own] * one.kept[own])
    found |= zip(_OTHERS["tagged"][own], tagged, strict=True)
    found |= zip(_OTHERS["kept"][own], kept, strict=True)
    found["~rival tagged"], found["~rival kept"] = max(tagged), max(kept)
    found["~unknown"] = math.log(max(one.outcome[-1], 1e-3)) if one.outcome else 0.0
    for name, values in (("a", one.assertion), ("x", one.experiencer)):
        for index, value in enumerate(values):
            found[f"~{name}{index}"] = value
    return found | shown(one)


def shown(candidate: Candidate) -> dict[str, float]:
    """What the sentences around a candidate say, as bounded log odds; 0 where there is none."""
    return dict(_bounded(candidate.shown))


@lru_cache(maxsize=256)
def _bounded(said: Sequence[Sequence[float]]) -> tuple[tuple[str, float], ...]:
    """The same for all that stands in one sentence."""
    return tuple(
        (name, min(max(value, -5.0), 5.0))
        for names, row in zip(_SAYINGS, said, strict=False)
        for name, value in zip(names, row, strict=False)
    )


def odds(probability: float) -> float:
    """Log odds, bounded."""
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))


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


def _stem(word: str) -> str:
    return re.sub(r"(?<=\w{3})(?:ings?|ies|es|s|ed|y|e)$", "", word)


def _ending(word: str) -> str:
    return next((end for end in ("ing", "ed", "s") if word.lower().endswith(end)), "")


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
        "digit": float(bool(re.search(r"\d", phrase))),
        "bracket": float(bool(re.search(r"[()\[\]\"/:]", phrase))),
        "verb phrase": float(
            bool(re.search(r"\b(?:i|it|my|me|you|was|is|when|if)\b", phrase, re.IGNORECASE))
        ),
    }


def _rivals(piece: Piece, pieces: Sequence[Piece]) -> dict[str, float]:
    """How sure the tagger is of what overlaps, and how many claims it sees nearby."""
    mine = _sure(piece)
    rival, near, best = 0.0, 0, 0.0
    for other in pieces:
        if other is piece:
            continue
        if other.start < piece.end and piece.start < other.end:
            rival = max(rival, _sure(other))
        elif abs(other.start - piece.start) < 120 and _sure(other) > 0.3:
            near += 1
            best = max(best, _sure(other))
    found = {"overlaps": float(rival > 0), "near": min(near, 5) / 5, "near best": best}
    if rival:
        found["weaker"] = float(rival > mine)
        found["~margin"] = odds(mine) - odds(rival)
    return found


def _sure(piece: Piece) -> float:
    one = piece.candidate
    return one.tagged[one.kind] * one.kept[one.kind]


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
def _natures() -> Mapping[str, re.Pattern[str]]:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))["nature"]
    return {
        name: re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
        for name, words in data.items()
    }


def _natured(seen: Scene, piece: Piece, phrase: str) -> Iterator[tuple[str, float]]:
    """Whether a phrase names a test or a healer, and what is said of it; fears and hopes."""
    words = _natures()
    before = _last_words(seen.text[max(0, piece.start - 80) : piece.start])
    after = _first_words(seen.text[piece.end : piece.end + 80])
    for name, behind, front in (("test", "found", "wanted"), ("healer", "says", "telling")):
        if words[name].search(phrase):
            yield f"a {name}", 1.0
            yield f"{name} > {behind}", float(bool(words[behind].search(after)))
            yield f"{name} < {front}", float(bool(words[front].search(f"{before} {phrase}")))
    for name in ("feared", "hoped", "likened", "able"):
        yield f"< {name}", float(bool(words[name].search(before)))


def _last_words(text: str) -> str:
    """The last six words of a text, within its last sentence."""
    return " ".join(re.split(r"[.!?;\n]", text)[-1].split()[-6:])


def _first_words(text: str) -> str:
    """The first six words of a text, within its first sentence."""
    return " ".join(re.split(r"[.!?;\n]", text)[0].split()[:6])


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
        return [_logistic(self._sum(*one)) for one in _described(stage, pieces)]

    def _sum(self, kind: str, found: Shown) -> float:
        known = self._by_kind[kind]
        said = [v * known[name] for one in found for name, v in one.items() if name in known]
        return math.fsum([self.weights.get("*", 0.0), *said])

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
