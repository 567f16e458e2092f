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
    cleaning = _cleaning()
    found = []
    edges = [start]
    for joint in cleaning.joint.finditer(text, start, end):
        edges += [joint.start(), joint.end()]
    for pair in cleaning.pair.finditer(text, start, end):
        left = max(edge for edge in edges if edge <= pair.start())
        right = min([edge for edge in edges if edge >= pair.end()], default=end)
        if _words(text, left, pair.start()) and _words(text, pair.end(), right):
            edges = sorted([*edges, pair.start(), pair.end()])
    edges.append(end)
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        begin, stop = left, right
        front = cleaning.front.match(text[begin:stop])
        begin += front.end() if front and begin + front.end() < stop else 0
        tail = cleaning.tail.search(text[begin:stop])
        stop = begin + tail.start() if tail else stop
        back = cleaning.back.search(text[begin:stop])
        stop = begin + back.start() if back and back.start() else stop
        if text[stop - 1] in ")]" and not re.search(r"[(\[]", text[begin:stop]):
            stop -= 1
        words = _WORD.findall(text[begin:stop])
        if any(len(word) > 1 and not _is_small(word) for word in words):
            found.append((begin, stop))
    return found


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


_WORD = re.compile(r"\w+")
_ENDING = re.compile(r"(?<=\w{3})(?:ings?|ies|es|s|ed|y|e)$")
