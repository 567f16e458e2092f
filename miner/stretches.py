"""Stretches of words that may be claims, and what each of them shows as a whole.

The words in a stretch and around it, the kinds of words they are, and how sure the tags are: each
of these is a row of the table of answers (`miner.quick`). All stretches of some texts are looked at
together, so that the work is done by a few operations on arrays.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from miner.checksums import begun, joined
from miner.model import Kind
from miner.text import Sentence
from miner.words import SIZE, Words, hashed

__all__ = ["KINDS", "Homes", "Stretches", "shown"]

KINDS: tuple[Kind, ...] = ("cause", "trigger", "diagnosis", "remedy")
ROLES = ("title", "opener", "reply", "text")
AROUND = 12
"""Words before and behind a stretch that are looked at."""
INSIDE, PAIRED = 8, 6
"""Words in a stretch that are looked at, and words on either side whose pairs are."""
LEAST, MOST, STEPS = 0.002, 0.998, 9
"""Probabilities that count as never and as always, and the steps of their log odds from even."""


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """Stretches in order of place, each once for a kind."""

    kinds: np.ndarray
    first: np.ndarray
    last: np.ndarray
    """First and last word."""
    tagged: np.ndarray
    """Mean probability of the words to belong to a claim of each kind (stretches, kinds)."""

    def __len__(self) -> int:
        return len(self.kinds)


class Homes:
    """The sentences of some texts, in the places of their words."""

    def __init__(self, words: Words, split: Sequence[Sequence[Sentence]]) -> None:
        """`split` are the sentences of each text."""
        sizes = [len(some) for some in split]
        bases = np.repeat(words.bases, sizes)
        places = [place for some in split for one in some for place in (one.start, one.end)]
        self.starts, self.ends = (
            np.array(places, dtype=np.int64).reshape(-1, 2) + bases[:, None]
        ).T
        self.begins = np.cumsum([0, *sizes])
        """The first sentence of each text, and the number of sentences."""

    def at(self, places: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """The sentences that hold some places; the first of its text for what lies before it."""
        home = self.starts.searchsorted(places, "right") - 1
        return np.asarray(np.maximum(home, self.begins[texts]))

    def around(self, words: Words, found: Stretches) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The first words of a stretch's sentence, of the next one, and of the one after that."""
        texts = texts_of(words, found)
        home = self.at(words.starts[found.first], texts)
        following = np.minimum(home + 1, self.begins[texts + 1] - 1)
        opening = words.starts.searchsorted(self.starts[home])
        ending = words.starts.searchsorted(self.ends[home])
        return (
            np.minimum(opening, found.first),
            np.maximum(ending, found.last + 1),
            words.starts.searchsorted(self.ends[following]),
        )


def texts_of(words: Words, found: Stretches) -> np.ndarray:
    """The text that each stretch stands in."""
    return words.begins.searchsorted(found.first, "right") - 1


def shown(
    words: Words, found: Stretches, homes: Homes, roles: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the table of answers that the stretches sum, and where those of each begin.

    `roles` are the parts of the texts in their document.
    """
    opening, ending, following = homes.around(words, found)
    look = _Look(words, found, opening, ending)
    one = np.ones(len(found), dtype=np.int64)
    once = (*_edges(look), *_whole(look, roles))
    groups = [*_many(look, following), *((one, rows) for rows in once)]
    counts = np.stack([count for count, _ in groups])
    begins = np.cumsum(counts.sum(0)) - counts.sum(0)
    seats = begins + np.cumsum(counts, 0) - counts
    told = np.empty(int(counts.sum()), dtype=np.int64)
    for (count, rows), seat in zip(groups, seats, strict=True):
        told[_spread(seat, count)] = rows
    return told % SIZE, begins


Group = tuple[np.ndarray, np.ndarray]
"""How many rows each stretch has of a group, and these one stretch after the other."""


def _spread(first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """So many numbers from each first one on."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(first - ends + count, count))


class _Look:
    """Stretches with the words around them, and what words add up to behind a name."""

    def __init__(
        self, words: Words, found: Stretches, opening: np.ndarray, ending: np.ndarray
    ) -> None:
        """`opening` and `ending` are the first words of their sentences and of the next ones."""
        self.words, self.found, self.opening, self.ending = words, found, opening, ending
        self.before, self.after = found.first - opening, ending - found.last - 1

    def word(
        self, name: str, places: np.ndarray, part: int = 0, kinds: np.ndarray | None = None
    ) -> np.ndarray:
        """A part of the words at some places; of the nearest ones for places that are none."""
        kinds, known = self.found.kinds if kinds is None else kinds, self.words.known_by
        some = self.words.numbers.take(places, mode="clip")
        column = part + 1 if part else 0
        return np.asarray(known.sums[some, column] ^ _behind(name)[kinds, known.sizes[some, part]])

    def pair(self, name: str, places: np.ndarray, kinds: np.ndarray | None = None) -> np.ndarray:
        """The words at some places with those behind them."""
        kinds, known = self.found.kinds if kinds is None else kinds, self.words.known_by
        one, other = (self.words.numbers.take(places + step, mode="clip") for step in (0, 1))
        sizes = known.sizes[:, 0]
        both = joined(known.sums[one, 0], known.sums[other, 1], sizes[other] + 1)
        return np.asarray(both ^ _behind(name)[kinds, sizes[one] + 1 + sizes[other]])

    def phrases(self, name: str) -> np.ndarray:
        """The words of each stretch together."""
        codes = [self.words.known_by.codes[number] for number in self.words.numbers.tolist()]
        places = (self.found.first, np.minimum(self.found.last + 1, self.found.first + INSIDE))
        told = (
            zlib.crc32(b" ".join(codes[first:stop]), _seeds(kind)[name])
            for first, stop, kind in zip(
                *(place.tolist() for place in places), self.found.kinds.tolist(), strict=True
            )
        )
        return np.fromiter(told, np.int64, len(self.found))


def _many(look: _Look, following: np.ndarray) -> Iterator[Group]:
    """What the words in a stretch, before, behind and in the next sentence show, and pairs."""
    first, behind, kinds = look.found.first, look.found.last + 1, look.found.kinds
    inside = np.minimum(behind - first, INSIDE)
    before, after = np.minimum(look.before, AROUND), np.minimum(look.after, AROUND)
    then = np.clip(following - look.ending, 0, AROUND)
    for name, begin, count, part in (
        ("w ", first, inside, 0),
        ("s ", first, inside, 1),
        ("b ", first - before, before, 0),
        ("a ", behind, after, 0),
        ("n ", look.ending, then, 0),
        ("u ", first, inside, 3),
    ):
        yield count, look.word(name, _spread(begin, count), part, np.repeat(kinds, count))
    near = np.minimum(look.before, PAIRED), np.minimum(look.after, PAIRED)
    for name, begin, count in (("B ", first - near[0], near[0]), ("A ", behind, near[1])):
        pairs = np.maximum(count - 1, 0)
        yield pairs, look.pair(name, _spread(begin, pairs), np.repeat(kinds, pairs))


def _edges(look: _Look) -> Iterator[np.ndarray]:
    """The words next to a stretch, its first and last, the kinds of words next to it."""
    first, last, kinds = look.found.first, look.found.last, look.found.kinds
    behind, begins = last + 1, look.words.begins
    texts = texts_of(look.words, look.found)

    def choose(count: np.ndarray, *cases: np.ndarray) -> np.ndarray:
        return np.asarray(np.choose(np.minimum(count, len(cases) - 1), cases))

    yield choose(look.before, _told("1 ", b"^")[kinds], look.word("1 ", first - 1))
    none, one, two = _told("2 ", b"")[kinds], look.word("2 ", first - 1), look.pair("2 ", first - 2)
    yield choose(look.before, none, one, two)
    yield choose(look.after, _told("> ", b"$")[kinds], look.word("> ", behind))
    none, one, two = _told(">> ", b"")[kinds], look.word(">> ", behind), look.pair(">> ", behind)
    yield choose(look.after, none, one, two)
    yield look.word("f ", first)
    yield look.word("l ", np.minimum(last, first + INSIDE - 1))
    yield look.word("e ", first, 2)
    yield look.phrases("p ")
    for name, places in (("u< ", first - 1), ("u> ", behind)):
        there = (places >= begins[texts]) & (places < begins[texts + 1])
        yield np.where(there, look.word(name, places, 3), _told(name, b"0")[kinds])
    yield look.word("o ", look.opening)


def _whole(look: _Look, roles: Sequence[str]) -> Iterator[np.ndarray]:
    """The length of a stretch, its text, what is known of it, and how sure the tags are."""
    words, found = look.words, look.found
    yield _listed("long ", tuple(range(7)))[found.kinds, np.minimum(found.last - found.first, 6)]
    role = np.array([ROLES.index(role) for role in roles])[texts_of(words, found)]
    yield _listed("r ", ROLES)[found.kinds, role]
    edges = np.stack([found.first, found.last + 1], 1).ravel()
    bits = np.maximum.reduceat(np.append(words.known, 0), edges)[::2]
    yield _listed("k ", tuple(range(8)))[found.kinds, bits]
    asks = np.concatenate([[0], np.cumsum(words.numbers == words.known_by["?"])])
    asked = (asks[look.ending] > asks[look.opening]).astype(np.int64)
    yield _listed("q ", (False, True))[found.kinds, asked]
    bounded = np.clip(found.tagged.astype(np.float64), LEAST, MOST)
    steps = np.rint(1.5 * np.log(bounded / (1 - bounded))).astype(np.int64) + STEPS
    for other in range(len(KINDS)):
        yield _listed(f"t{other} ", tuple(range(-STEPS, STEPS + 1)))[found.kinds, steps[:, other]]


@cache
def _seeds(kind: int) -> Mapping[str, int]:
    """The sums of the kind and the names before a word: the sum of the whole goes on from them."""
    names = [*"wsban12", ">", ">>", *"flepu", "u<", "u>", "o", "long", *"rkqBA"]
    names += [f"t{other}" for other in range(len(KINDS))]
    start = hashed(f"{kind}|")
    return {f"{name} ": zlib.crc32(f"{name} ".encode(), start) for name in names}


@cache
def _behind(name: str) -> np.ndarray:
    """How the sum of a string changes behind a name, by kind and by its length."""
    return np.stack([begun(_seeds(kind)[name]) for kind in range(len(KINDS))])


def _told(name: str, word: bytes) -> np.ndarray:
    """What a word behind a name adds up to, by kind."""
    return _listed(name, (word,))[:, 0]


@cache
def _listed(name: str, answers: tuple[object, ...]) -> np.ndarray:
    """What answers behind a name add up to (kinds, answers)."""
    words = [one if isinstance(one, bytes) else str(one).encode() for one in answers]
    seeds = [_seeds(kind)[name] for kind in range(len(KINDS))]
    return np.array([[zlib.crc32(word, seed) for word in words] for seed in seeds], dtype=np.int64)
