"""Search by words and by meaning, fused. Pure: a question and an index in, places of passages out.

The two rankings are joined by their ranks alone (reciprocal rank fusion, Cormack et al. 2009), for
scores of words and of vectors cannot be compared.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from miner.passages import spelled
from miner.phrases import normalise

__all__ = [
    "FACETS",
    "Asked",
    "Facet",
    "Found",
    "Hit",
    "Mode",
    "Near",
    "Shelf",
    "Term",
    "find",
    "marked",
    "terms",
]

Mode = Literal["both", "words", "meaning"]
Facet = Literal["type", "kind", "condition", "site", "outcome"]
FACETS: tuple[Facet, ...] = ("type", "kind", "condition", "site", "outcome")

K = 60
"""Constant of the fusion: the first places count a little more than the later ones."""
MOST = 2_000
"""Passages taken of each ranking."""
WIDE = 20_000
"""Passages taken of the words' ranking where a facet is chosen, before it is narrowed."""
ENOUGH = 20
"""With fewer passages that have all the words, those that have some of them follow."""
LIKE = 0.4
"""Least cosine of a phrase that means the same."""
PHRASES = 300
"""Phrases taken, nearest first."""
USED = 5_000
"""A word in so many passages tells them no more apart: they are taken as they stand, unranked."""
RARE, USUAL = 2, 50
"""A word in so few passages may be a slip of one that is so many times as frequent."""

Words = Callable[[Sequence["Term"], bool, bool, int], Sequence[int]]
"""Passages with all (or any) of the terms, best first (or as they stand), so many at most."""
Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Near = Callable[[NDArray[np.float32]], NDArray[np.int64]]
"""Rows of the vectors that are at least `LIKE` that one, nearest first, `PHRASES` at most."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """What stands for one word of the question: any of these words."""

    words: tuple[str, ...]
    prefix: bool = False
    """Whether the first word is only the beginning of one."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question: words, how to take them, and what was chosen of each facet."""

    text: str
    mode: Mode = "both"
    chosen: Mapping[Facet, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A passage that was found, by its place in the index, and how."""

    row: int
    score: float
    by_words: bool
    by_meaning: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """Hits, best first, and how many of them each facet's values have."""

    hits: tuple[Hit, ...] = ()
    facets: Mapping[Facet, Mapping[str, int]] = field(default_factory=dict)
    """Counted over what the other facets let through, most first."""
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Words looked for besides one that nobody, or hardly anybody, writes."""
    cut: bool = False
    """Whether there may be more than these."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """An index in memory: a column for each facet, and the vectors.

    Passages are known by their place: `rows[place]` is their row in the store. Columns of `type`
    and `site` go by passage, the others by entry; -1 is none.
    """

    rows: NDArray[np.int64]
    owner: NDArray[np.int64]
    """Place of the passage of each entry, ascending."""
    columns: Mapping[Facet, NDArray[np.int32]]
    names: Mapping[Facet, Sequence[str]]
    vector: NDArray[np.int32]
    """Row of `vectors` of each entry."""
    vectors: NDArray[np.float32]
    """Shape (distinct texts, dimensions), rows of length 1; a forgotten one is all zeros."""
    words: Mapping[str, int]
    """In how many passages each word stands."""
    spellings: Sequence[str]
    """The words, sorted."""


def find(
    asked: Asked, shelf: Shelf, words: Words, encode: Encode | None, near: Near | None = None
) -> Found:
    """What answers the question. Without an encoder it is answered by words alone.

    `near` compares vectors elsewhere; else those of the shelf are.
    """
    question = terms(asked.text, shelf)
    if not question or not len(shelf.rows):
        return Found()
    entries = _entries(shelf, asked.chosen)
    spoken = np.zeros(0, np.int64)
    if asked.mode != "meaning":
        most = MOST if entries is None else WIDE
        spoken = _places(shelf, _ranked(question, shelf, words, most))
    ranks = np.zeros(len(shelf.owner), np.int32)
    if asked.mode != "words" and encode is not None and (near or len(shelf.vectors)):
        ranks = _ranks(shelf, (near or _nearest(shelf))(encode([normalise(asked.text)])[0]))
    meant = _meant(shelf, ranks, None)
    heard = spoken[:MOST]
    candidates = np.union1d(heard, np.fromiter(meant, np.int64, len(meant)))
    if entries is not None:
        heard = spoken[_passages(shelf, entries)[spoken]][:MOST]
        meant = _meant(shelf, ranks, entries)
    slips = {term.words[0]: term.words[1:] for term in question if len(term.words) > 1}
    return Found(
        hits=tuple(_fused(shelf, heard.tolist(), meant)),
        facets=_facets(shelf, candidates, asked.chosen),
        instead={} if asked.mode == "meaning" else slips,
        cut=max(len(heard), len(meant)) >= MOST,
    )


def _places(shelf: Shelf, rows: Sequence[int]) -> NDArray[np.int64]:
    """Places of rows, in their order; rows that came after the index was read are left out."""
    wanted = np.asarray(rows, np.int64)
    places = np.minimum(np.searchsorted(shelf.rows, wanted), len(shelf.rows) - 1)
    known: NDArray[np.int64] = places[shelf.rows[places] == wanted]
    return known


# --- words --------------------------------------------------------------------------------------


@cache
def _common() -> frozenset[str]:
    raw = tomllib.loads(files("miner").joinpath("data/common_words.toml").read_text("utf-8"))
    return frozenset(raw["words"])


def terms(text: str, shelf: Shelf) -> list[Term]:
    """The question's words, each with those it may be a slip or the beginning of."""
    found = list(dict.fromkeys(spelled(text[:400])))
    telling = [word for word in found if word not in _common()] or found
    return [_term(word, shelf) for word in telling[:24]]


def _term(word: str, shelf: Shelf) -> Term:
    heard = shelf.words.get(word, 0)
    begins = len(word) > 3 and not heard and bool(_beginning(word, shelf.spellings))
    near = () if begins or heard > RARE else _slips(word, heard, shelf)
    return Term(words=(word, *near), prefix=begins)


def _beginning(start: str, spellings: Sequence[str]) -> Sequence[str]:
    """The words that begin so."""
    first = bisect_left(spellings, start)
    return spellings[first : bisect_left(spellings, start + "\U0010ffff", first)]


def _slips(word: str, heard: int, shelf: Shelf) -> tuple[str, ...]:
    """Words it may be a slip of: the nearest, of these the most frequent; at most two."""
    if len(word) < 4 or not word.isalpha():
        return ()
    known = shelf.words
    least = max(1, heard * USUAL)
    near = {other for other in _one_off(word) if known.get(other, 0) >= least}
    if not near and len(word) > 7:
        same_start = _beginning(word[:2], shelf.spellings)
        near = {o for o in same_start if known[o] >= least and distance(word, o, 2) <= 2}
    return tuple(sorted(near - {word}, key=lambda other: (-known[other], other))[:2])


def _one_off(word: str) -> Iterator[str]:
    """All that is one letter dropped, swapped, mistaken or added away."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    parted = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    for left, right in parted:
        if right:
            yield left + right[1:]
            yield from (left + letter + right[1:] for letter in letters)
        if len(right) > 1:
            yield left + right[1] + right[0] + right[2:]
        yield from (left + letter + right for letter in letters)


def distance(one: str, other: str, most: int) -> int:
    """Letters dropped, added, mistaken or swapped between two words; `most` + 1 is `more`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _ranked(question: Sequence[Term], shelf: Shelf, words: Words, most: int) -> list[int]:
    """Rows of passages with all the words, then, where these are few, with some of them.

    To rank what nearly every passage has would take long and say nothing: what stands first in
    the index, the most typical words on the most talked about themes, is first then. Of a question
    with rarer words besides, these alone need to be there.
    """
    used = [sum(shelf.words.get(word, 0) for word in term.words) for term in question]
    every = list(words(question, True, min(used) < USED, most))
    if len(every) >= ENOUGH or len(question) == 1:
        return every
    rarer = [term for term, count in zip(question, used, strict=True) if count < USED]
    some = words(rarer or question, False, bool(rarer), most)
    return list(dict.fromkeys([*every, *some]))


# --- meaning ------------------------------------------------------------------------------------


def _nearest(shelf: Shelf) -> Near:
    """Compares with every vector of the shelf."""

    def nearest(vector: NDArray[np.float32]) -> NDArray[np.int64]:
        like = shelf.vectors @ vector
        near = np.flatnonzero(like >= LIKE)
        return near[np.argsort(-like[near], kind="stable")][:PHRASES]

    return nearest


def _ranks(shelf: Shelf, near: NDArray[np.int64]) -> NDArray[np.int32]:
    """Rank of each entry by the likeness of its words, 1 the nearest, 0 where they are not near.

    Equal words have equal ranks.
    """
    last = max(int(shelf.vector.max(initial=-1)), int(near.max(initial=-1)))
    rank_of = np.zeros(last + 2, np.int32)  # the last one is for entries without a vector
    rank_of[near] = np.arange(1, len(near) + 1)
    return rank_of[shelf.vector]


def _meant(
    shelf: Shelf, ranks: NDArray[np.int32], allowed: NDArray[np.bool_] | None
) -> dict[int, int]:
    """Best rank by place of the passages with entries that are near, and allowed; best first."""
    entries = np.flatnonzero(ranks if allowed is None else ranks * allowed)
    entries = entries[np.argsort(ranks[entries], kind="stable")]
    found: dict[int, int] = {}
    for place, rank in zip(shelf.owner[entries].tolist(), ranks[entries].tolist(), strict=True):
        if len(found) >= MOST:
            break
        found.setdefault(place, rank)
    return found


# --- both ---------------------------------------------------------------------------------------


def _fused(shelf: Shelf, heard: Sequence[int], meant: Mapping[int, int]) -> list[Hit]:
    spoken = {place: rank for rank, place in enumerate(heard, start=1)}
    found = [
        Hit(
            row=int(shelf.rows[place]),
            score=sum(1 / (K + ranks[place]) for ranks in (spoken, meant) if place in ranks),
            by_words=place in spoken,
            by_meaning=place in meant,
        )
        for place in spoken.keys() | meant.keys()
    ]
    return sorted(found, key=lambda hit: (-hit.score, hit.row))


def _passages(shelf: Shelf, entries: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which passages have one of these entries."""
    found = np.zeros(len(shelf.rows), np.bool_)
    found[shelf.owner[entries]] = True
    return found


def _entries(shelf: Shelf, chosen: Mapping[Facet, str]) -> NDArray[np.bool_] | None:
    """Which entries have all that was chosen; None is all."""
    kept: NDArray[np.bool_] | None = None
    for facet, value in chosen.items():
        names = list(shelf.names[facet])
        code = names.index(value) if value in names else -2
        same = _by_entry(shelf, facet) == code
        kept = same if kept is None else kept & same
    return kept


def _by_entry(shelf: Shelf, facet: Facet) -> NDArray[np.int32]:
    column = shelf.columns[facet]
    return column[shelf.owner] if facet in ("type", "site") else column


def _facets(
    shelf: Shelf, places: NDArray[np.int64], chosen: Mapping[Facet, str]
) -> dict[Facet, dict[str, int]]:
    """Passages by value of each facet, among those that pass the other facets' choices."""
    here = np.zeros(len(shelf.rows), np.bool_)
    here[places] = True
    candidates = here[shelf.owner]
    found: dict[Facet, dict[str, int]] = {}
    for facet in FACETS:
        kept = _entries(shelf, {f: v for f, v in chosen.items() if f != facet})
        entries = np.flatnonzero(candidates if kept is None else candidates & kept)
        names = shelf.names[facet]
        pairs = shelf.owner[entries] * (len(names) + 1) + _by_entry(shelf, facet)[entries] + 1
        codes, counts = np.unique(np.unique(pairs) % (len(names) + 1), return_counts=True)
        counted = {names[c - 1]: int(n) for c, n in zip(codes, counts, strict=True) if c}
        found[facet] = dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
    return found


# --- what is shown ------------------------------------------------------------------------------

_TOKEN = re.compile(r"[^\W_]+")
_ENDINGS = ("ations", "ation", "ingly", "ing", "ies", "ied", "ers", "er", "es", "ed", "ly", "s")


def marked(
    text: str, wanted: Sequence[Term], spans: Sequence[tuple[int, int]] = (), width: int = 320
) -> list[tuple[str, bool]]:
    """A piece of the text in parts, those that were looked for marked True.

    `spans` are marked besides, as they are. Longer texts are cut around the first mark, which an
    ellipsis shows.
    """
    stems = {_stem(word) for term in wanted for word in term.words}
    starts = tuple(term.words[0] for term in wanted if term.prefix)
    places = [
        match.span()
        for match in _TOKEN.finditer(text)
        if _stem(match[0].lower()) in stems or (starts and match[0].lower().startswith(starts))
    ]
    places = _merged([*places, *((max(0, a), min(len(text), b)) for a, b in spans if a < b)])
    first, last = _window(text, places, width)
    found = [("…", False)] if first else []
    at = first
    for a, b in [(max(a, first), min(b, last)) for a, b in places if a < last and b > first]:
        found += [(text[at:a], False), (text[a:b], True)]
        at = b
    found += [(text[at:last], False), ("…" if last < len(text) else "", False)]
    return [(part, mark) for part, mark in found if part]


def _merged(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for a, b in sorted(places):
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(b, found[-1][1]))
        else:
            found.append((a, b))
    return found


def _window(text: str, places: Sequence[tuple[int, int]], width: int) -> tuple[int, int]:
    """Where a text that is too long is cut: at blanks, a third of the width before the mark."""
    if len(text) <= width:
        return 0, len(text)
    first = max(0, min((places[0][0] if places else 0) - width // 3, len(text) - width))
    last = first + width
    if first and (blank := text.find(" ", first, first + 40)) > 0:
        first = blank + 1
    if last < len(text) and (blank := text.rfind(" ", last - 40, last)) > 0:
        last = blank
    return first, last


def _stem(word: str) -> str:
    """The word without its ending; good enough to mark what the store found by better means."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > 2:
            word = word[: -len(ending)]
            break
    doubled = any(a == b == word[-1] for a, b in pairwise(word[-2:]))
    if doubled and len(word) > 3 and word[-1] not in "ls":
        word = word[:-1]
    return word.rstrip("e") or word
