"""What an abstract says happens to one outcome with one treatment against another. Pure.

Up and down are of the outcome as it is named: less pain is a decrease. Whether that is good for a
patient is another question (`miner.designs.finding_of`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from miner.model import Direction
from miner.phrases import words

__all__ = ["Answer", "Asked", "Effect", "effect_of", "for_patients"]

Effect = Literal["increase", "decrease", "no_difference"]

FAR = 90
"""Characters between a cue and the outcome from which on they hardly belong together."""
HEARD = 0.34
"""Share of an outcome's words that a sentence must name to speak of it."""


class Asked(NamedTuple):
    """A question to an abstract."""

    outcome: str
    intervention: str
    comparator: str = ""


class Answer(NamedTuple):
    """An effect, and the sentence that told; an empty one where none did."""

    effect: Effect
    sentence: str = ""


@cache
def _data() -> dict[str, Any]:
    text = (files("miner") / "data" / "effects.toml").read_text("utf-8")
    cues: dict[str, Any] = tomllib.loads(text)["cues"]
    return cues


@cache
def _any(part: str) -> re.Pattern[str]:
    cues = _data()[part]
    cues = [cues] if isinstance(cues, str) else cues
    return re.compile("|".join(f"(?:{cue})" for cue in cues), re.IGNORECASE)


@cache
def _alike() -> dict[str, frozenset[str]]:
    """Stems of the words that stand for the same measure, by each of them."""
    found: dict[str, frozenset[str]] = {}
    for group in _data()["alike"]:
        stems = frozenset(map(_stem, group))
        for stem in stems:
            found[stem] = found.get(stem, frozenset()) | stems
    return found


def _stem(word: str) -> str:
    return word.lower()[:6]


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(w) for w in words(text) if w.lower() not in _data()["small"] and w)


@dataclass(frozen=True, kw_only=True)
class _Told:
    """One sentence and how much it has to do with the question."""

    text: str
    heard: float
    """Share of the outcome's words it names."""
    arms: int
    """How many of the two treatments it names."""
    late: float
    """Where in the abstract it stands, 0 to 1."""
    elsewhere: bool
    """Whether it speaks of another comparison."""


def effect_of(abstract: str, asked: Asked) -> Answer:
    """What happens to the outcome; `no_difference` where nothing is said of it."""
    told = sorted(_sentences(abstract, asked), key=lambda s: -_weight(s))
    for sentence in told:
        if (found := _read(sentence.text, asked)) is not None:
            return Answer(found, sentence.text)
    return Answer("no_difference")


OUTCOMES = (("pain", "decrease"), ("function", "increase"), ("injury", "decrease"))
"""Outcomes that matter to a patient, and which way is good."""


def for_patients(abstract: str, treatment: str) -> tuple[Direction, str]:
    """Whether patients fare better with a treatment, by the outcomes an abstract speaks of.

    Gives the sentence too; `unclear` and nothing where it speaks of none.
    """
    found = [(effect_of(abstract, Asked(name, treatment)), good) for name, good in OUTCOMES]
    told = [
        (_for_patient(answer.effect, good), answer.sentence)
        for answer, good in found
        if answer.sentence
    ]
    said = {direction for direction, _ in told}
    if len(said) > 1:
        return "mixed", told[0][1]
    return told[0] if told else ("unclear", "")


def _for_patient(effect: Effect, good: str) -> Direction:
    if effect == "no_difference":
        return "no_effect"
    return "supports" if effect == good else "contradicts"


def _weight(told: _Told) -> float:
    return told.heard + 0.15 * told.arms + 0.1 * told.late - 0.3 * told.elsewhere


def _sentences(abstract: str, asked: Asked) -> Iterator[_Told]:
    """Sentences of results that speak of the outcome, or of all outcomes."""
    outcome = _stems(asked.outcome)
    arms = (_stems(asked.intervention), _stems(asked.comparator))
    found = [s for s in re.split(r"(?<=[.!?])\s+(?=[A-Z(])|(?<=;)\s+", abstract) if s.strip()]
    for place, text in enumerate(found):
        if _any("aim").search(text) and not _any("result").search(text):
            continue
        said = _stems(text)
        heard = _share(outcome, said)
        if _any("all_outcomes").search(text):
            heard = max(heard, 0.5)
        if heard >= HEARD:
            yield _Told(
                text=text,
                heard=heard,
                arms=sum(bool(arm & said) for arm in arms),
                late=place / len(found),
                elsewhere=_is_elsewhere(text, asked, bool(arms[1] & said)),
            )


def _is_elsewhere(text: str, asked: Asked, names_comparator: bool) -> bool:
    control = _any("other_control")
    asked_for = control.search(asked.comparator) is not None
    return not names_comparator and not asked_for and control.search(text) is not None


def _share(outcome: frozenset[str], said: frozenset[str]) -> float:
    """Share of the outcome's words that are said, by themselves or by another name."""
    if not outcome:
        return 0.0
    hits = [
        1.0 if w in said else 0.6 if _alike().get(w, frozenset()) & said else 0.0 for w in outcome
    ]
    return sum(hits) / len(hits)


class _Cue(NamedTuple):
    kind: str
    start: int
    end: int


def _read(text: str, asked: Asked) -> Effect | None:
    """The effect a sentence tells; None where it tells none."""
    cues = _cues(text)
    if not cues:
        return None
    places = _places(text, asked.outcome)
    is_over_time = re.search(r"\b(?:baseline|before|pre-?\w*)\b", asked.comparator, re.I)
    if not is_over_time and _is_denied(text, places):
        return "no_difference"
    cue = min(cues, key=lambda c: (_distance(c, places), c.kind != "null"))
    if cue.kind == "null":
        return "no_difference"
    if _any("both").search(text) and not re.search(_data()["than"], text, re.I):
        return "no_difference" if any(c.kind == "null" for c in cues) else None
    rises = _rises(cue, asked.outcome, text)
    return "increase" if rises != _is_turned(text, cue, asked) else "decrease"


def _is_denied(text: str, places: Sequence[int]) -> bool:
    """Whether a denial of a difference between groups governs the outcome."""
    for denial in _any("between").finditer(text):
        turn = re.compile(_data()["turn"], re.I).search(text, denial.end())
        if turn is None or any(place < turn.start() for place in places):
            return True
    return False


def _cues(text: str) -> list[_Cue]:
    """Cues of a sentence; one inside a denial is no cue of its own."""
    null = [_Cue("null", m.start(), m.end()) for m in _any("null").finditer(text)]
    found = [
        _Cue(kind, m.start(), m.end())
        for kind in ("up", "down", "worse", "better")
        for m in _any(kind).finditer(text)
        if not any(n.start <= m.start() < n.end for n in null)
    ]
    verbs = [c.end for c in found if c.kind == "down"]
    # `Reduced more` is a reduction.
    return [
        *null,
        *(c for c in found if c.kind != "up" or not any(0 < c.start - e < 3 for e in verbs)),
    ]


def _places(text: str, outcome: str) -> list[int]:
    """Where words of the outcome stand."""
    stems = _stems(outcome)
    near = stems | frozenset().union(*(_alike().get(s, frozenset()) for s in stems))
    every = [(m.start(), _stem(m[0])) for m in re.finditer(r"[\w-]+", text)]
    own = [place for place, stem in every if stem in stems]
    return own or [place for place, stem in every if stem in near]


def _distance(cue: _Cue, places: Sequence[int]) -> int:
    """Characters from a cue to the outcome; a plain denial reaches farther."""
    away = min((min(abs(cue.start - p), abs(cue.end - p)) for p in places), default=FAR)
    return away // 2 if cue.kind == "null" else away


def _rises(cue: _Cue, outcome: str, text: str) -> bool:
    """Whether the outcome as it is named goes up."""
    bad = _any("bad").search(outcome) is not None and not _any("relief").search(outcome)
    if cue.kind in ("better", "worse"):
        return (cue.kind == "better") != bad
    # `greater improvement` of pain is less pain; `greater reduction` of strength is less strength.
    after = text[cue.end : cue.end + 40]
    amount = _any("amount").match(after.lstrip()) or re.match(
        r"\s*(?:\w+ ){0,1}?(improvements?|reductions?|decreases?|relief|loss)\b", after, re.I
    )
    if cue.kind == "up" and amount:
        word = amount[0].lower()
        if "improve" in word or "relief" in word:
            return not bad
        if "reduction" in word or "decrease" in word or "loss" in word:
            return False
    return cue.kind == "up"


def _is_turned(text: str, cue: _Cue, asked: Asked) -> bool:
    """Whether the comparator is what the cue speaks of."""
    mine, theirs = _stems(asked.intervention), _stems(asked.comparator)
    mine, theirs = mine - theirs, theirs - mine
    if re.search(r"\bbetween\b", text, re.I):
        return False
    than = re.compile(_data()["than"], re.I).search(text, cue.end)
    spans = [(m.start(), _stem(m[0])) for m in re.finditer(r"[\w-]+", text)]
    after = [stem for place, stem in spans if than and place > than.start()]
    if than and any(stem in mine for stem in after[:8]) and not any(s in theirs for s in after[:8]):
        return True
    before = [stem for place, stem in spans if place < (than.start() if than else len(text))]
    return any(s in theirs for s in before) and not any(s in mine for s in before)
