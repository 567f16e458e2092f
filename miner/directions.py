"""Which way a sentence points about one thing: the remedy works or not, the cause causes or not.

Direction is what the sentence says, not the truth. Whose word it is judges `miner.evidence`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from miner.model import Direction, Kind

__all__ = ["clauses", "direction"]

_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
_ORDER: tuple[tuple[str, Direction], ...] = (
    ("compared", "unclear"),
    ("manner", "unclear"),
    ("unproven", "unclear"),
    ("null", "no_effect"),
    ("mixed", "mixed"),
    ("against", "contradicts"),
    ("offered", "unclear"),
)
"""The groups that go before support, in the order in which they are asked."""


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads((files("miner") / "data" / "directions.toml").read_text("utf-8"))


@dataclass(frozen=True)
class _Aim:
    """What a thought is to be about, as patterns."""

    exact: str
    rough: str
    """Finds all that `exact` finds and more, and is the same for many things."""


@lru_cache(maxsize=1_024)
def _pattern(side: str, group: str, target: str) -> re.Pattern[str]:
    cues: Iterable[str] = _data()[side].get(group, {}).get("cues", ())
    filled = [cue.replace("$TARGET", target) for cue in cues]
    return re.compile("|".join(f"(?:{cue})" for cue in filled) or r"(?!)", re.IGNORECASE)


def _search(side: str, group: str, aim: _Aim, clause: str) -> re.Match[str] | None:
    """Where a cue of the group stands, about the aim where it names one.

    A pattern for one thing takes longer to make than to search a page with: the rough one, which
    is at hand, says whether it is wanted.
    """
    if _pattern(side, group, aim.rough).search(clause) is None:
        return None
    return _pattern(side, group, aim.exact).search(clause)


@cache
def _breaks() -> re.Pattern[str]:
    return re.compile("|".join(_data()["turns"]["breaks"]), re.IGNORECASE)


@cache
def _aside() -> re.Pattern[str]:
    return re.compile("|".join(_data()["turns"]["aside"]), re.IGNORECASE)


@cache
def _imperative() -> re.Pattern[str]:
    return re.compile(_data()["remedy"]["supports"]["imperative"], re.IGNORECASE)


def direction(sentence: str, target: str, kind: Kind) -> tuple[Direction, str]:
    """Direction of a sentence about `target`, and the words that gave it (empty for none).

    The thought around the target decides; the rest of the sentence is asked where it is silent.
    """
    sentence, target = sentence.translate(_CURLY), target.translate(_CURLY)
    if sentence.rstrip(' "').endswith("?"):
        return "unclear", "question"
    parts = clauses(sentence)
    return _of_remedy(parts, target) if kind == "remedy" else _of_cause(parts, target)


def _of_remedy(parts: list[str], target: str) -> tuple[Direction, str]:
    readings = [(clause, _of_clause(clause, _whole(target), "remedy")) for clause in parts]
    near = [reading for clause, reading in readings if _holds(clause, target)]
    telling = [reading for reading in near if reading[1]]
    telling = telling or [reading for _, reading in readings if reading[1]]
    if not telling:
        return "unclear", ""
    if near and not any(reading[1] for reading in near):
        telling = [_turned(clause, telling) for clause, _ in readings if _holds(clause, target)]
    else:
        telling += [reading for clause, reading in readings if _takes_back(clause, reading, target)]
    return _together(telling) if len(telling) > 1 else telling[0]


def _takes_back(clause: str, reading: tuple[Direction, str], target: str) -> bool:
    """Whether a thought beside the target's own speaks of it as `it`, and not for it."""
    against = reading[0] in ("contradicts", "no_effect", "mixed")
    return against and not _holds(clause, target) and bool(_LEADS.match(clause))


def _of_cause(parts: list[str], target: str) -> tuple[Direction, str]:
    """The reading of a blamed thing: of the thoughts that hold it, or speak of it as `it`.

    Where its own thought only says that it did or did not, the others are turned.
    """
    near = [clause for clause in parts if _holds(clause, target)]
    others = [clause for clause in parts if clause not in near]
    readings = [_of_clause(clause, _whole(target), "cause") for clause in near]
    readings += [
        _of_clause(clause, _ITSELF, "cause") for clause in others if _begins_with_it(clause)
    ]
    telling = [reading for reading in readings if reading[1]]
    doubted = [reading for reading in telling if reading[0] == "unclear"]
    if doubted or telling:
        return doubted[0] if doubted else _together(telling)
    said = [reading for c in others if (reading := _of_clause(c, _ANY, "cause"))[1]]
    turned = [c for c in near if _ellipsis().search(c)]
    return _turned(turned[0], said) if said and turned else ("unclear", "")


def _whole(target: str) -> _Aim:
    """Patterns of the target where a word begins with it; the rough one knows its length alone."""
    begin = r"(?<!\w)"
    return _Aim(begin + re.escape(target), f"{begin}(?s:.{{{len(target)}}})")


_IT = r"\b(?:it|they|this|these|that|both)"
_ITSELF, _ANY = _Aim(_IT, _IT), _Aim(r"\w", r"\w")
_LEADS = re.compile(r"\s*(?:it|they)(?:'s|'re|'ll)?\b(?!'d)", re.IGNORECASE)


def _begins_with_it(clause: str) -> bool:
    """Whether a thought goes on about the one before: `it injures`, `evidence that they do`."""
    return bool(re.search(_IT + r"\b", " ".join(clause.split()[:8]), re.IGNORECASE))


def _holds(clause: str, target: str) -> bool:
    return target.lower() in clause.lower()


def _turned(clause: str, others: list[tuple[Direction, str]]) -> tuple[Direction, str]:
    """The reading of a silent thought from the others: turned where it only says `… did`."""
    way, words = _together(others)
    ending = _ellipsis().search(clause)
    if ending is None:
        return way, words
    denied = "not" in ending[0] or "n't" in ending[0]
    positive = (way == "supports") == denied if way != "unclear" else False
    return ("contradicts" if denied and not positive else "supports"), f"{words}; {ending[0]}"


@cache
def _ellipsis() -> re.Pattern[str]:
    return re.compile(_data()["turns"]["ellipsis"], re.IGNORECASE)


def clauses(sentence: str) -> list[str]:
    """The thoughts of a sentence, without what is said of the pain before advice begins."""
    # A second `or it does not improve` stands in front only once the first is gone.
    bare = _aside().sub(" ", _aside().sub(" ", sentence))
    return [clause for clause in _breaks().split(bare) if clause.strip()]


def _of_clause(clause: str, aim: _Aim, side: str) -> tuple[Direction, str]:
    """The reading of one thought about the aim."""
    for group, verdict in _ORDER:
        if hit := _search(side, group, aim, clause):
            return verdict, hit[0].strip()
    if side == "remedy" and (hit := _search(side, "spared", aim, clause)):
        return "unclear", hit[0].strip()
    hit = _search(side, "supports", aim, clause)
    if hit is None and side == "remedy":
        hit = _imperative().search(clause)
    return ("supports", hit[0].strip()) if hit else ("unclear", "")


def _together(readings: list[tuple[Direction, str]]) -> tuple[Direction, str]:
    """One direction for several thoughts: for and against make it mixed."""
    said = {verdict for verdict, _ in readings}
    words = "; ".join(words for _, words in readings)
    if "mixed" in said or ("supports" in said and said & {"contradicts", "no_effect"}):
        return "mixed", words
    for verdict in ("contradicts", "no_effect", "supports"):
        if verdict in said:
            return verdict, words
    return "unclear", words
