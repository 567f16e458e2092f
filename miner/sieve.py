"""Which of the tagger's spans are claims: everything a span shows, weighed to one probability.

What is weighed has names (how sure the tagger is of each kind, the words in and around the span,
where it stands, what rivals it), so that a decision can be read back from `weights/sieve.json`.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
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
SHOWN = ("helped", "nothing", "harmed", "withdrawal", "symptom", "reason", "causal")
"""What a sentence may say, as `miner.tagger` is asked about it."""
PLACES = ("here", "next", "soon", "just before")
"""The sentences around a claim that are asked."""


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
    return [_described(stage, piece, pieces) for piece in pieces]


def _described(stage: Stage, piece: Piece, pieces: Sequence[Piece]) -> dict[str, float]:
    kind = KINDS[piece.candidate.kind]
    phrase = stage.seen.text[piece.start : piece.end]
    found = {
        **_learned(piece),
        **_lexical(stage.seen, piece, phrase),
        **_placed(stage, piece, phrase),
        **_rivals(piece, pieces),
        **_known(phrase),
        **signals(stage.seen, piece.start, piece.end),
        "": 1.0,
    }
    return {f"{kind}|{name}": value for name, value in found.items() if value} | {"*": 1.0}


def _learned(piece: Piece) -> dict[str, float]:
    one, own = piece.candidate, piece.candidate.kind
    found = {"~tagged": odds(one.tagged[own]), "~kept": odds(one.kept[own])}
    found["~begun"] = odds(one.begun[own])
    found["~both"] = odds(one.tagged[own] * one.kept[own])
    for other, name in enumerate(KINDS):
        if other != own:
            found[f"~tagged {name}"] = odds(one.tagged[other])
            found[f"~kept {name}"] = odds(one.kept[other])
    found["~rival tagged"] = max(odds(p) for i, p in enumerate(one.tagged) if i != own)
    found["~rival kept"] = max(odds(p) for i, p in enumerate(one.kept) if i != own)
    found["~unknown"] = math.log(max(one.outcome[-1], 1e-3)) if one.outcome else 0.0
    for name, values in (("a", one.assertion), ("x", one.experiencer)):
        for index, value in enumerate(values):
            found[f"~{name}{index}"] = value
    return found | shown(one)


def shown(candidate: Candidate) -> dict[str, float]:
    """What the sentences around a candidate say, as bounded log odds; 0 where there is none."""
    return {
        f"{place} {name}": min(max(value, -5.0), 5.0)
        for place, row in zip(PLACES, candidate.shown, strict=False)
        for name, value in zip(SHOWN, row, strict=False)
    }


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
        "part of span": float(
            (piece.start, piece.end) != (piece.candidate.start, piece.candidate.end)
        ),
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

    def probability(self, shown: Mapping[str, float]) -> float:
        """How probable it is that a piece which shows this is a claim of its kind."""
        total = math.fsum(value * self.weights.get(name, 0.0) for name, value in shown.items())
        return 1 / (1 + math.exp(-min(max(total, -30), 30)))


def stems(texts: Iterable[str]) -> frozenset[str]:
    """All word stems of some texts, as `idea` makes them."""
    return frozenset(stem for text in texts for stem in idea(text))
