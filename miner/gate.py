"""Which sentences may hold a claim: words and pairs of words, weighed and added up.

Cheap enough to look at everything, so that the network reads only what may be worth it. It is set
to let nearly every claim through: its recall stands in `weights/MODEL_CARD.md`.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from miner.errors import ModelRefused
from miner.text import sentences

__all__ = ["SIZE", "Gate", "covered", "rows_of"]

SIZE = 1 << 15
"""Rows of the table of weights."""
LONGEST = 2000
"""Characters of a sentence that are looked at."""
STEM = 5
"""Letters by which words with different endings are one."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[?!:]")


@lru_cache(maxsize=1 << 16)
def _number(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def rows_of(sentence: str) -> list[int]:
    """The rows of the table that a sentence adds up, each once."""
    words = ["^", *_WORD.findall(sentence.lower()[:LONGEST]), "$"]
    numbers = [_number("0" if word.isdigit() else word[:STEM]) for word in words]
    pairs = [(one * 31 + other * 17 + 5) for one, other in pairwise(numbers)]
    exact = [_number(word) + 3 for word in words]
    return sorted({number % SIZE for number in (*numbers, *pairs, *exact)})


class Gate:
    """The weights, and how many must come together."""

    def __init__(self, weights: np.ndarray, constant: float, least: float) -> None:
        """`weights` by row of the table; `least` is the sum at which a sentence is let through."""
        self.weights, self.constant, self.least = weights, constant, least

    @classmethod
    def load(cls, path: Path) -> Gate:
        """The gate of a file; ModelRefused where it is missing or damaged."""
        try:
            data = json.loads(path.read_text("utf-8"))
            weights = np.zeros(SIZE, dtype=np.float32)
            weights[np.array(data["rows"], dtype=np.int64)] = data["weights"]
            return cls(weights, float(data["constant"]), float(data["least"]))
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelRefused(f"{path} cannot be read ({error}): reinstall folkgrade") from error

    def score(self, sentence: str) -> float:
        """Log odds that a sentence holds a claim."""
        return float(np.add.reduce(self.weights.take(rows_of(sentence)))) + self.constant

    def passages(self, text: str) -> list[tuple[int, int]]:
        """The stretches of a text that are worth reading, in order and apart from one another."""
        found: list[tuple[int, int]] = []
        last = -1
        for index, sentence in enumerate(sentences(text)):
            if self.score(sentence.text) < self.least:
                continue
            if last == index - 1 and found:
                found[-1] = (found[-1][0], sentence.end)
            else:
                found.append((sentence.start, sentence.end))
            last = index
        return found


def covered(places: Sequence[tuple[int, int]], passages: Sequence[tuple[int, int]]) -> list[int]:
    """Indices of the places (in order) that lie in a passage."""
    found, passage = [], 0
    for index, (start, end) in enumerate(places):
        while passage < len(passages) and passages[passage][1] <= start:
            passage += 1
        if passage < len(passages) and end > passages[passage][0]:
            found.append(index)
    return found
