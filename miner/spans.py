"""The clean phrases of a span, and the idea a phrase stands for. The words are data."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from miner.caseless import Caseless

__all__ = ["idea", "is_body_part", "phrases"]

SHORT = 4
"""Words; phrases up to this length on both sides of an `and` are two."""
LONGEST = 1000
"""Characters of a list of phrases; a stretch with more of them holds blanked lines or noise."""


@dataclass(frozen=True, kw_only=True)
class _Cleaning:
    front: Caseless
    back: Caseless
    tail: Caseless
    joint: re.Pattern[str]
    pair: re.Pattern[str]
    small: re.Pattern[str]
    body: re.Pattern[str]


@cache
def _cleaning() -> _Cleaning:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))["phrase"]
    return _Cleaning(
        front=Caseless(rf"(?:[\W_]+|(?:{'|'.join(data['front'])})\b\s*)+"),
        back=Caseless(rf"(?:[^\w%)\]\"'”]|\s(?:{'|'.join(data['back'])}))+$"),
        tail=Caseless(rf"\s(?:{'|'.join(data['tail'])})(?!\w)"),
        joint=re.compile("|".join(data["joint"]), re.IGNORECASE),
        pair=re.compile("|".join(data["pair"]), re.IGNORECASE),
        small=re.compile("|".join(data["small"]), re.IGNORECASE),
        body=re.compile("|".join(data["body"]), re.IGNORECASE),
    )


def phrases(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The clean phrases of a span: no article in front, no comma behind, lists taken apart.

    A piece without any word of weight is no phrase, nor is anything in a stretch that is too long.
    """
    if end - start > LONGEST:
        return []
    found = []
    edges = _edges(text, start, end)
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        first, last = _cleaned(text[left:right])
        words = _WORD.findall(text, left + first, left + last)
        if any(len(word) > 1 and not _is_small(word) for word in words):
            found.append((left + first, left + last))
    return found


def _edges(text: str, start: int, end: int) -> list[int]:
    """Start and end of each item of a list, one after the other; the whole span if it is none."""
    cleaning = _cleaning()
    edges = [start]
    for joint in cleaning.joint.finditer(text, start, end):
        edges += [joint.start(), joint.end()]
    for pair in cleaning.pair.finditer(text, start, end):
        left = max(edge for edge in edges if edge <= pair.start())
        right = min([edge for edge in edges if edge >= pair.end()], default=end)
        if _words(text, left, pair.start()) and _words(text, pair.end(), right):
            edges = sorted([*edges, pair.start(), pair.end()])
    return [*edges, end]


@lru_cache(maxsize=1 << 12)
def _cleaned(phrase: str) -> tuple[int, int]:
    """The place of a phrase without what is stripped from its front and its back."""
    cleaning, begin, stop = _cleaning(), 0, len(phrase)
    front = cleaning.front.match(phrase)
    begin += front.end() if front and front.end() < stop else 0
    tail = cleaning.tail.search(phrase[begin:])
    stop = begin + tail.start() if tail else stop
    back = cleaning.back.search(phrase[begin:stop])
    stop = begin + back.start() if back and back.start() else stop
    if stop > begin and phrase[stop - 1] in ")]" and not _OPEN.search(phrase, begin, stop):
        stop -= 1
    return begin, stop


def is_body_part(phrase: str) -> bool:
    """True where a phrase names parts of the body and nothing that is done to them."""
    cleaning = _cleaning()
    found = [word for word in _WORD.findall(phrase) if not _is_small(word)]
    return bool(found) and all(cleaning.body.fullmatch(word) for word in found)


@lru_cache(maxsize=1 << 12)
def idea(phrase: str) -> frozenset[str]:
    """The phrase's words without small ones and endings: equal for two ways to write one idea."""
    words = _WORD.findall(phrase.lower())
    kept = frozenset(stem for word in words if (stem := _stem(word)))
    return kept or frozenset(words)


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    """A word in lower case without its ending; empty for a small one."""
    return "" if _is_small(word) else _ENDING.sub("", word)


@lru_cache(maxsize=1 << 16)
def _is_small(word: str) -> bool:
    return bool(_cleaning().small.fullmatch(word))


def _words(text: str, start: int, end: int) -> bool:
    """Whether this is a short phrase with a word of weight."""
    words = _WORD.findall(text[start:end])
    weighty = any(not _is_small(word) for word in words)
    return weighty and len(words) <= SHORT


_OPEN = re.compile(r"[(\[]")
_WORD = re.compile(r"\w+")
_ENDING = re.compile(r"(?<=\w{3})(?:ings?|ies|es|s|ed|y|e)$")
