"""Which sentences of an article can bear evidence, and which words can be what it is about.

Headings, questions, tables and lists of references claim nothing; a part of the body is nothing
one tries. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from miner.mentions import tokens
from miner.model import Direction, Kind

__all__ = ["frequency", "is_bearing", "is_nameable"]

HEADING_WORDS = 12


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("miner") / "data" / "evidence.toml").read_text("utf-8"))


@cache
def _cue(name: str) -> re.Pattern[str]:
    cues: Iterable[str] = _data()["bearing"][name]
    return re.compile("|".join(f"(?:{cue})" for cue in cues), re.IGNORECASE)


def is_bearing(text: str, start: int, end: int) -> bool:
    """Whether the sentence at a place of a page's text can say what helps or causes a thing."""
    said = text[start:end]
    if said.rstrip(" \"'”’").endswith("?") or _cue("table").search(said):
        return False
    line = _line(text, start, end)
    return not (_is_heading(text, *line) or _is_reference(text, *line))


def is_nameable(phrase: str, kind: Kind) -> bool:
    """Whether a phrase has a word that says what is tried or blamed: no body part by itself."""
    data = _data()
    words = [word for word, _, _ in tokens(phrase) if len(word) > 2]
    words = [word for word in words if word not in data["bearing"]["empty"]]
    common = {*data["mentions"]["common"]}
    if kind == "remedy":
        common |= {*data["mentions"]["no_remedies"]}
    # What is blamed may be a state of a part: `inflammation of the tendon`.
    return any(word not in common for word in words) or (kind != "remedy" and len(words) > 1)


NEAR = 70
"""Characters between an illness and the word that calls it common or rare."""


def frequency(sentence: str, illness: str) -> tuple[Direction, str]:
    """Whether a sentence calls an illness common (`supports`) or rare, and in which words."""
    place = sentence.lower().find(illness.lower())
    around = sentence[max(0, place - NEAR) : place + len(illness) + NEAR] if place >= 0 else ""
    for group, way in (("rare", "contradicts"), ("common", "supports")):
        if hit := _cue(group).search(around):
            return way, hit[0]  # type: ignore[return-value]
    return "unclear", ""


def _line(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the lines that hold the place begin and end."""
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    return begin, min((at for at in (text.find("\n", end), text.find("\r", end)) if at >= 0),
                      default=len(text))  # fmt: skip


def _is_heading(text: str, start: int, end: int) -> bool:
    """A short line without a closing mark, above a longer one; an item of a list is none."""
    line = text[start:end].strip()
    words = len(line.split())
    if not line or words > HEADING_WORDS or line[-1] in ".!?:;,…" or _cue("item").match(line):
        return False
    before = text[:start].rstrip()
    after = text[end:].lstrip().split("\n", 1)[0].split()
    return not before.endswith(":") and (len(after) > words or len(after) > HEADING_WORDS)


def _is_reference(text: str, start: int, end: int) -> bool:
    """An entry of a list of references, by its form or by the heading it stands under."""
    line = text[start:end]
    if _cue("reference").search(line):
        return True
    return bool(_cue("numbered").match(line) and _cue("references").search(text, 0, start))
