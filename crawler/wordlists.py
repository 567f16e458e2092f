"""Which words are names and which are none, as far as lists can tell. Pure."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

__all__ = [
    "CAPITAL", "SHORT", "alternatives", "given", "is_eponym", "is_function", "is_ordinary",
    "is_rare", "is_word", "lists", "plain",
]  # fmt: skip

_DATA = Path(__file__).parent / "data" / "privacy.toml"
_ORDINARY = _DATA.with_name("ordinary.json")
_COMMON = _DATA.with_name("common.json")
CAPITAL = r"[A-Z\u00c0-\u00d6\u00d8-\u00de\u0410-\u042f]"
"""A letter with which names begin."""
SHORT = 3
"""Letters of words that the lists do not know well."""


@cache
def lists() -> dict[str, Any]:
    """The lists of the data file, by their headings."""
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


def alternatives(words: Collection[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def plain(name: str) -> str:
    """A user name folded, so that its spellings are one."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


@cache
def given() -> frozenset[str]:
    """Frequent given names that are no words."""
    return frozenset(lists()["given"]["names"])


@cache
def _ordinary() -> frozenset[str]:
    return frozenset(json.loads(_ORDINARY.read_text(encoding="utf-8"))["words"].split())


@cache
def _common() -> frozenset[str]:
    return frozenset(json.loads(_COMMON.read_text(encoding="utf-8"))["words"].split())


@cache
def _functions() -> frozenset[str]:
    said = lists()
    words = said["people"]["functions"], said["headers"]["nobody"], said["greetings"]["anybody"]
    return frozenset().union(*words)


@cache
def _eponyms() -> frozenset[str]:
    return frozenset(lists()["people"]["things"])


def is_rare(name: str) -> bool:
    """Whether a folded name is no word that people use, as far as can be known."""
    stems = {name, *(name.removesuffix(end) for end in ("s", "es", "ed", "er", "ing", "ly"))}
    return len(name) >= 6 and stems.isdisjoint(_common())


@lru_cache(maxsize=10_000)
def is_ordinary(name: str) -> bool:
    """Whether a folded name is a word of injury talk, in any of its plain endings."""
    stems = {name, *(name.removesuffix(end) for end in ("s", "es", "ed", "er", "ing", "y"))}
    return not stems.isdisjoint(_ordinary()) or name.endswith(tuple(lists()["medical"]["endings"]))


@lru_cache(maxsize=10_000)
def is_word(name: str) -> bool:
    """Whether a folded name is a word of any list: ordinary, common, of grammar, of a thing.

    The lists have few words of three letters; any of them that is no given name is taken for one.
    """
    if len(name) <= SHORT and name not in given():
        return True
    is_listed = is_function(name) or is_eponym(name) or is_ordinary(name)
    return is_listed or (len(name) >= 6 and not is_rare(name))


def is_function(name: str) -> bool:
    """Whether a folded word is one of grammar or address, which nobody is called."""
    return name in _functions()


def is_eponym(name: str) -> bool:
    """Whether a folded name stands for a thing: a disease, a brand, a people, a place."""
    return name in _eponyms() or name.removesuffix("s") in _eponyms()
