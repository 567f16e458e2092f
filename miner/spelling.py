"""Typing errors of the field's own words: one letter dropped, doubled, added or swapped.

Only words that are not in the vocabulary are touched, and only towards it. It knows no grammar
and no other words, so it asks for length: a short word is never corrected.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files

__all__ = ["corrected", "vocabulary"]

LEAST = 6
"""Letters a word needs to be corrected at all."""
LONG = 8
"""Letters it needs where a letter is missing or a vowel is wrong: nearer to real other words."""
MOST = 40
"""Letters above which no word is looked at: none known is so long, and the slips of a word of
100 kB would take for ever."""
VOWELS = "aeiou"
SOURCES = ("families.toml", "conditions.toml")


@cache
def vocabulary() -> frozenset[str]:
    """Words of the shipped families and conditions, in lower case, letters only."""
    texts: list[str] = []
    for source in SOURCES:
        _collect(tomllib.loads(files("miner").joinpath(f"data/{source}").read_text("utf-8")), texts)
    found = {word for text in texts for word in text.lower().replace("-", " ").split()}
    return frozenset(word for word in found if word.isalpha())


@lru_cache(maxsize=100_000)
def corrected(word: str) -> str:
    """The vocabulary's word one slip away, where there is exactly one; else the word itself."""
    known = vocabulary()
    if not LEAST <= len(word) <= MOST or not (word.isascii() and word.isalpha()) or word in known:
        return word
    if word.removesuffix("s") in known or f"{word}s" in known:
        return word
    near = {slip for slip in _slips(word) if slip in known and slip[0] == word[0]}
    if len(word) >= LONG:
        near |= _shortened().get(word, frozenset())
    return near.pop() if len(near) == 1 else word


def _slips(word: str) -> Iterator[str]:
    """What could have been meant: letters swapped, one too many, one doubled, a vowel mistaken."""
    places = range(len(word))
    yield from (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in places[:-1])
    yield from (word[:i] + word[i + 1 :] for i in places[:-1])
    yield from (word[:i] + word[i] + word[i:] for i in places)
    if len(word) >= LONG:
        yield from (
            word[:i] + v + word[i + 1 :] for i in places if word[i] in VOWELS for v in VOWELS
        )


@cache
def _shortened() -> Mapping[str, frozenset[str]]:
    """The vocabulary's words by what is left of them without one letter, the first excepted.

    Every letter in every place of each word asked for would be a hundred times as many.
    """
    found = defaultdict[str, set[str]](set)
    for word in vocabulary():
        for i in range(1, len(word)):
            if word[i].isascii():
                found[word[:i] + word[i + 1 :]].add(word)
    return {short: frozenset(words) for short, words in found.items()}


def _collect(value: object, into: list[str]) -> None:
    if isinstance(value, str):
        into.append(value)
    elif isinstance(value, dict):
        for some in value.values():
            _collect(some, into)
    elif isinstance(value, list):
        for some in value:
            _collect(some, into)
