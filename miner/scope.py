"""Rules of scope that stand above the weighed signals, for words that leave no doubt.

A suggestion asked as a question is advice, what was called off was not done, "none of it helped"
speaks of the whole list before it. The words are data: `[scope]` of `data/cues.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files

from miner.model import Kind, Outcome
from miner.outcomes import Read
from miner.signals import Scene

__all__ = ["corrected", "is_claim", "is_recap"]

REACH = 6
"""Sentences over which a summing-up reaches back."""


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))["scope"]
    return {
        name: re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
        for name, words in data.items()
    }


def is_claim(seen: Scene, start: int, end: int, kind: Kind) -> bool:
    """False for a joke, a reason of daily life, and for what only an enquiry's answer would be."""
    words = _patterns()
    sentence = _sentence(seen, start)
    if kind in ("cause", "trigger") and _is_reason_of_life(sentence, seen, start, end):
        return False
    joking = bool(words["joke"].search(sentence))
    return not (joking and kind == "remedy" and not re.search(r"\b(?:I|my|me)\b", sentence))


def is_recap(seen: Scene, start: int) -> bool:
    """Whether the sentence only asks about or says back what somebody else has said.

    For words that others used before; advice to do a thing again is no recap.
    """
    words, sentence = _patterns(), _sentence(seen, start)
    if words["suggestion"].search(sentence) or re.search(r"\b(?:I|me|my|mine)\b", sentence):
        return False
    return sentence.rstrip().endswith("?") or bool(words["recap"].search(sentence))


def corrected(read: Read, seen: Scene, start: int, end: int, kind: Kind) -> Read:
    """The reading, with what the plain words around the span say instead."""
    read = _speaker(read, seen, start)
    if kind == "remedy":
        read = _undone(read, seen, start, end)
    if kind != "remedy" or read.assertion == "negated" or read.experiencer == "question":
        return replace(read, outcome="unknown")
    summed = _summed_up(seen, start, end)
    return replace(read, outcome=summed) if summed else read


def _sentence(seen: Scene, start: int) -> str:
    return seen.sentences[seen.home(start)].text if seen.sentences else ""


def _split(seen: Scene, start: int, end: int) -> tuple[str, str]:
    """What stands in the sentence before the span and behind it."""
    sentence = seen.sentences[seen.home(start)]
    return sentence.text[: start - sentence.start], sentence.text[end - sentence.start :]


def _speaker(read: Read, seen: Scene, start: int) -> Read:
    words = _patterns()
    before, _ = _split(seen, start, start)
    sentence = _sentence(seen, start)
    if sentence.rstrip().endswith("?") and words["suggestion"].search(sentence):
        return replace(read, experiencer="advice", assertion="hedged", outcome="unknown")
    last = max((match.end() for match in words["relation"].finditer(before)), default=-1)
    me = max((match.end() for match in words["self"].finditer(before)), default=-1)
    if read.experiencer == "self" and last > me:
        return replace(read, experiencer="other")
    return read


def _undone(read: Read, seen: Scene, start: int, end: int) -> Read:
    words = _patterns()
    before, after = _split(seen, start, end)
    near = list(words["undone"].finditer(before))
    gap = before[near[-1].end() :] if near else ""
    if near and len(gap.split()) <= 3 and not re.search(r"[.;:!?]|\bbut\b", gap):
        return replace(read, assertion="negated", outcome="unknown")
    if words["called_off"].search(after):
        return replace(read, assertion="negated", outcome="unknown")
    return read


def _is_reason_of_life(sentence: str, seen: Scene, start: int, end: int) -> bool:
    before, after = _split(seen, start, end)
    given = re.search(
        r"\b(?:because(?: of)?|due to|since|thanks to)\W+(?:\w+\W+){0,4}$", before, re.I
    )
    return bool(given) and bool(_patterns()["life"].search(before + " " + after))


def _summed_up(seen: Scene, start: int, end: int) -> Outcome | None:
    """The outcome that a summing-up behind the span gives to all that went before it."""
    home = seen.home(start)
    _, rest = _split(seen, start, end)
    found = _verdict(rest, opening=False)
    for sentence in seen.sentences[home + 1 : home + 1 + REACH]:
        found = found or _verdict(sentence.text, opening=True)
    return found


def _verdict(words: str, *, opening: bool) -> Outcome | None:
    """What "all of that …" or "none of which …" says; in a sentence of its own it comes first."""
    patterns = _patterns()
    for name, plain in (("none", "no_effect"), ("all", "helped")):
        match = patterns[name].search(words)
        if match is None or words.rstrip().endswith("?"):
            continue
        if opening and len(words[: match.start()].split()) > 2:
            continue
        tail = words[match.start() : match.end() + 60]
        if not _TELLS.search(tail):
            continue
        if name == "none":
            return "no_effect"
        if re.search(r"\b(?:worse|aggravat|hurt)", tail, re.IGNORECASE):
            return "worse"
        if re.search(r"n.t\b|\bnot\b|\bnothing\b|useless|fail", tail, re.IGNORECASE):
            return "no_effect"
        limited = patterns["limited"].search(words, match.end())
        return "mixed" if limited else "helped" if plain == "helped" else None
    return None


_TELLS = re.compile(
    r"\b(?:help|work(?:s|ed)\b|fix|cure|touch|differen|avail|relief|relie|luck|success|better|"
    r"improv|effect|did (?:anything|much|it|a thing)|worse|aggravat|useless|waste|fail|sort|solv)",
    re.IGNORECASE,
)
