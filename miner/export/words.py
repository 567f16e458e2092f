"""How much of people's words leaves the house, and which of them a search would find again.

A search engine finds a text by a few words in a row. So of a shortened quote at most five words
are kept, round the phrase it was kept for, and with it no address, no hour and no place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from miner.export.package import Quotes

__all__ = ["FEW_WORDS", "RUN", "Found", "few", "findable", "kept", "longest_run", "search"]

RUN = 6
"""Words in a row by which a text is found."""
FEW_WORDS = RUN - 1
GAP = "…"
"""Stands where words were left out."""

_LINK = re.compile(r"(?:https?://|www\.)\S*")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A kept text that a search finds again."""

    id: str
    words: int
    """Most words in a row that stand in the corpus as kept."""
    places: int
    """In how many texts of the corpus."""
    text: str


def kept(text: str, phrase: str, at: int, policy: Quotes) -> str:
    """The quote under the policy; `at` is where its phrase begins in it."""
    if policy == "full":
        return text
    return "" if policy == "none" else _round(_unlinked(text), at, at + len(phrase))


def few(text: str, policy: Quotes) -> str:
    """A phrase under a policy: whole, or its first five words, or nothing."""
    if policy == "full":
        return text
    bare = _unlinked(text)
    return "" if policy == "none" else _cut(bare, list(_WORD.finditer(bare))[:FEW_WORDS])


def _unlinked(text: str) -> str:
    """The text with a gap for each address, and every other letter where it was."""
    return _LINK.sub(lambda found: GAP.ljust(len(found[0])), text)


def _round(text: str, start: int, end: int) -> str:
    """At most five words: those of the phrase, then its neighbours, nearest first."""
    words = list(_WORD.finditer(text))
    inside = [n for n, word in enumerate(words) if word.end() > start and word.start() < end]
    low = inside[0] if inside else 0
    high = min(inside[-1] if inside else 0, low + FEW_WORDS - 1)
    while high - low + 1 < min(FEW_WORDS, len(words)):
        if (high + 1 < len(words) and (high - low) % 2 == 0) or low == 0:
            high += 1
        else:
            low -= 1
    return _cut(text, words[low : high + 1])


def _cut(text: str, words: list[re.Match[str]]) -> str:
    """The words as they stand, marked where something was left out; the text where it is all."""
    if not words:
        return "" if len(text) > RUN else text
    start, end = words[0].start(), words[-1].end()
    before = GAP + " " if _WORD.search(text, 0, start) else ""
    after = " " + GAP if _WORD.search(text, end) else ""
    here = text[start:end] if before or after else text
    return f"{before}{' '.join(here.split())}{after}"


def longest_run(text: str) -> int:
    """Most words in a row between two gaps."""
    return max((len(_WORD.findall(piece)) for piece in text.split(GAP)), default=0)


def findable(text: str) -> bool:
    """Whether so many words stand in a row that a search finds them."""
    return longest_run(text) >= RUN


def search(texts: Iterable[tuple[str, str]], corpus: Iterable[str]) -> list[Found]:
    """Those of the texts, by id, of which six words in a row stand in a text of the corpus."""
    asked = {key: (text, list(_grams(text))) for key, text in texts if findable(text)}
    places = dict.fromkeys((gram for _, grams in asked.values() for gram in grams), 0)
    for said in corpus:
        for gram in set(_grams(said)) & places.keys():
            places[gram] += 1
    found = []
    for key, (text, grams) in asked.items():
        seen = [gram in places and places[gram] > 0 for gram in grams]
        if any(seen):
            least = min(places[gram] for gram, there in zip(grams, seen, strict=True) if there)
            found.append(Found(id=key, words=_row(seen) + RUN - 1, places=least, text=text))
    return sorted(found, key=lambda one: (one.places, -one.words, one.id))


def _grams(text: str) -> Iterator[int]:
    """Each run of six words, as a number; case, marks and line ends do not count."""
    for piece in text.casefold().split(GAP):
        words = _WORD.findall(piece)
        for at in range(len(words) - RUN + 1):
            yield hash(tuple(words[at : at + RUN]))


def _row(seen: list[bool]) -> int:
    """Most of them in a row that hold."""
    best = now = 0
    for one in seen:
        now = now + 1 if one else 0
        best = max(best, now)
    return best
