"""The words and marks of some texts by number, with what each shows wherever it stands.

Every word shows its own form, what kinds of words stand around it, and whether it is part of a
known phrase; each of these is a row of a table of weights (`miner.quick`). What depends on the word
alone is computed once and kept for as many words as a vocabulary has room for.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

__all__ = ["CLUSTERS", "SIZE", "Vocabulary", "Words", "hashed"]

SIZE = 1 << 16
"""Rows of a table of weights."""
CLUSTERS = 1 << 16
"""Places of the table that says which words are used alike."""
LONGEST = 4
"""Words of the longest known phrases."""
ROOM = 1 << 15
"""Words that a vocabulary keeps."""
REACH = 3
"""Words on either side of a word that it is seen with."""
EDGE = 7
"""What stands in the place of words before and behind a text."""
_LETTERS = 40
"""Letters of a word that are looked at."""
_WORD = re.compile(r"[^\W_]++(?:['’-][^\W_]++)*+|[^\w\s]|\n")


def hashed(text: str) -> int:
    """The same number for the same text everywhere."""
    return zlib.crc32(_code(text))


def _code(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@cache
def _lexicon() -> Mapping[str, int]:
    """Known phrases in lower case, and the kinds they are known as, as bits."""
    data = files("miner") / "data"
    families = tomllib.loads((data / "families.toml").read_text("utf-8"))
    conditions = tomllib.loads((data / "conditions.toml").read_text("utf-8"))["condition"]
    listed = [
        (phrase, bit)
        for bit, name in ((1, "remedy"), (2, "cause"), (4, "diagnosis"))
        for family in families[name].values()
        for phrase in family
    ]
    listed += [(name, 4) for one in conditions for name in one.get("names", ())]
    found: dict[str, int] = {}
    for phrase, bit in listed:
        key = " ".join(_WORD.findall(phrase.lower()))
        found[key] = found.get(key, 0) | bit
    return found


@cache
def _openings() -> Mapping[str, int]:
    """The first words of known phrases, and how many words the longest of these has."""
    found: dict[str, int] = {}
    for key in _lexicon():
        words = key.split(" ")
        found[words[0]] = max(found.get(words[0], 0), min(len(words), LONGEST))
    return found


class Vocabulary(dict[str, int]):
    """The number of each word as written, given at its first sight; columns by that number."""

    def __init__(self, clusters: np.ndarray) -> None:
        """`clusters` (CLUSTERS,) is a number by hash of a word, 0 for unknown ones."""
        super().__init__()
        self.clusters = clusters
        self.hashes = np.zeros((ROOM, 4), dtype=np.uint64)
        """Numbers for the word, its ending, its beginning, and the words used like it."""
        self.sums = np.zeros((ROOM, 5), dtype=np.int64)
        """What the word, the word behind a blank, its first five letters, its last three, and the
        number of the words used like it add up to (`miner.checksums`)."""
        self.sizes = np.zeros((ROOM, 4), dtype=np.int64)
        """Bytes of the word, its first five letters, its last three, and that number."""
        self.opens = np.zeros(ROOM, dtype=np.int64)
        """Words of the longest known phrase that begins with it."""
        self.low: list[str] = []
        self.codes: list[bytes] = []
        self.make_room(ROOM)

    def make_room(self, words: int) -> None:
        """There is room for so many new words now; if need be, all numbers are given anew."""
        if len(self.low) + words > ROOM or not self.low:
            self.clear()
            self.low, self.codes = [""], [b""]
            self.hashes[0] = EDGE

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self.low)
        low = word[:_LETTERS].lower()
        code, start, end = _code(low), low[:5], low[-3:]
        shape = (
            "d"
            if low[0].isdigit()
            else "C"
            if word[0].isupper()
            else "m"
            if not low.isalnum()
            else ""
        )
        used = int(self.clusters[zlib.crc32(code) % CLUSTERS])
        forms = hashed(f"{end}|{shape}"), hashed(f"{start}|")
        parts = code, _code(start), _code(end), b"%d" % used
        sums = [*map(zlib.crc32, parts)]
        self.hashes[number] = sums[0], *forms, used
        self.sums[number] = sums[0], zlib.crc32(b" " + code), *sums[1:]
        self.sizes[number] = [*map(len, parts)]
        self.opens[number] = _openings().get(low, 0)
        self.low.append(low)
        self.codes.append(code)
        return number


class Words:
    """The words and marks of some texts, one text after the other.

    A place in the texts is counted as if they stood in one line, a blank between two of them.
    """

    def __init__(self, texts: Sequence[str], vocabulary: Vocabulary) -> None:
        """The texts together may hold at most `ROOM` words."""
        line = " ".join(texts)
        vocabulary.make_room(len(line))
        found = [*_WORD.finditer(line)]
        some = [match[0] for match in found]
        count = len(found)
        self.known_by = vocabulary
        self.numbers = np.fromiter(map(vocabulary.__getitem__, some), np.int64, count)
        self.starts = np.fromiter((match.start() for match in found), np.int64, count)
        self.ends = self.starts + np.fromiter(map(len, some), np.int64, count)
        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
        self.bases = np.cumsum(sizes + 1) - sizes - 1
        """Where each text begins."""
        self.begins = self.starts.searchsorted([*self.bases, len(line) + 1])
        """The first word of each text, and the number of words."""
        self.known = self._known()

    def __len__(self) -> int:
        return len(self.numbers)

    def between(self, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First word, and the one after the last, of stretches of the texts that begin in words."""
        first = np.maximum(self.starts.searchsorted(starts, "right") - 1, 0)
        return first, np.maximum(self.starts.searchsorted(ends), first + 1)

    def _known(self) -> np.ndarray:
        """For each word the kinds of the known phrases that it is part of, as bits."""
        opens, low, lexicon = self.known_by.opens[self.numbers], self.known_by.low, _lexicon()
        found, numbers = np.zeros(len(self.numbers), dtype=np.int64), self.numbers.tolist()
        openings = np.flatnonzero(opens)
        stops = self.begins[self.begins.searchsorted(openings, "right")]
        last = np.minimum(openings + opens[openings], stops)
        for first, end in zip(openings.tolist(), last.tolist(), strict=True):
            key = ""
            for stop in range(first, end):
                key = f"{key} {low[numbers[stop]]}" if key else low[numbers[stop]]
                bits = lexicon.get(key, 0)
                bits |= lexicon.get(key.rstrip("s"), 0) if key[-1] == "s" else 0
                if bits:
                    found[first : stop + 1] |= bits
        return found

    def rows(self) -> np.ndarray:
        """Rows of the table that each word sums (features, words)."""
        # Texts stand apart by so many edges that no word sees one of another text.
        texts = np.repeat(np.arange(len(self.bases)), np.diff(self.begins))
        seat = np.arange(len(self.numbers)) + REACH * (texts + 1)
        wide = np.zeros(len(self.numbers) + REACH * (len(self.bases) + 1), dtype=np.int64)
        wide[seat] = self.numbers
        bits = np.full(len(wide), EDGE, dtype=np.uint64)
        bits[seat] = self.known
        w, e, stem, u = np.ascontiguousarray(self.known_by.hashes[wide].T)
        stop = len(wide) - REACH

        def at(values: np.ndarray, *offsets: int) -> list[np.ndarray]:
            return [values[REACH + offset : stop + offset] for offset in offsets]

        def pair(one: np.ndarray, other: np.ndarray) -> np.ndarray:
            return _pair(one[:-1], other[1:])

        shown = [values[REACH:stop] for values in (w, e, stem, u, bits)]
        shown += at(w, -2, -1, 1, 2)
        shown += at(u, -3, -2, -1, 1, 2, 3)
        shown += at(pair(w, w), -2, -1, 0, 1)
        shown += at(pair(u, u), -2, -1, 0, 1)
        shown += [*at(pair(e, e), -1), *at(pair(w, u), -1), *at(pair(bits, bits), -1, 0)]
        return _mixed(np.array(shown)[:, seat - REACH])


def _pair(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(one * np.uint64(1000003) ^ other)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Values (features, words) spread over the table, each feature in its own way."""
    places = np.arange(len(values), dtype=np.uint64)[:, None]
    values += places * np.uint64(7919) + np.uint64(1)
    values *= np.uint64(0x9E3779B97F4A7C15)
    values >>= np.uint64(29)
    values &= np.uint64(SIZE - 1)
    return values.astype(np.int64)
