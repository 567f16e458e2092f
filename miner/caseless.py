"""Patterns of words in lower case that match without regard to case, and fast.

`re.IGNORECASE` tries every alternative of a pattern at every place. Where a text has a lower case
of the same length, that is searched instead, in a third of the time and with the same matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

__all__ = ["Caseless"]

_PLAIN = re.compile(r"[\x00-\x7f‘’“”–—…]*+")
"""Texts whose lower case has its letters in the same places, and no letter that only a search
without regard to case takes for another one (`ſ` for `s`)."""
_SMALL = re.compile(r"(?:[^\\A-Z]|\\.|(?<=\(\?)P)*+", re.DOTALL)
"""A pattern without capitals, but for classes such as `\\W` and for the names of groups."""


class Caseless:
    """As a pattern compiled with `re.IGNORECASE`, but for the case of what a match holds."""

    def __init__(self, source: str) -> None:
        """`source` is a pattern in lower case; ValueError where it has a capital letter."""
        if not _SMALL.fullmatch(source):
            raise ValueError(f"a pattern of lower-case words has a capital: {source[:60]}")
        self.source = source
        self._quick = re.compile(source)

    @cached_property
    def _slow(self) -> re.Pattern[str]:
        return re.compile(self.source, re.IGNORECASE)

    def _for(self, text: str) -> tuple[re.Pattern[str], str]:
        plain = text.isascii() or _PLAIN.fullmatch(text)
        return (self._quick, text.lower()) if plain else (self._slow, text)

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The first match from a place on; its places are those of the text."""
        if text.isascii():
            return self._quick.search(text.lower(), start)
        pattern, letters = self._for(text)
        return pattern.search(letters, start)

    def match(self, text: str) -> re.Match[str] | None:
        """The match at the beginning of the text."""
        pattern, letters = self._for(text)
        return pattern.match(letters)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The match of all of the text."""
        pattern, letters = self._for(text)
        return pattern.fullmatch(letters)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """All matches in order."""
        pattern, letters = self._for(text)
        return pattern.finditer(letters)
