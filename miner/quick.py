"""Claims without a network: word weights alone, for `--fast`.

Every word shows its own form, what kinds of words stand around it, and whether it is part of a
known phrase; each of these is a row of a table of weights, and a word's scores are the sum of its
rows. The stretches that score highest are weighed once more as wholes: whether they are claims at
all, what came of them, and who speaks how sure. Numbers and tables only: hundreds of posts a
second, at the price of misses that `weights/MODEL_CARD.md` states.
"""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import chain, pairwise
from operator import attrgetter
from pathlib import Path
from typing import cast

import numpy as np

from crawler.documents import Article, Document, Thread
from miner.claims import Part, by_chapter, moved, parts_of
from miner.errors import ModelRefused
from miner.model import Assertion, Claim, Experiencer, Kind, Outcome, Quote, Voice
from miner.outcomes import ASSERTIONS, EXPERIENCERS, OUTCOMES
from miner.rivals import one_kind, one_per_idea
from miner.spans import phrases
from miner.text import Sentence, sentences

__all__ = [
    "ANSWERS",
    "CLUSTERS",
    "KINDS",
    "SIZE",
    "Quick",
    "Span",
    "Words",
    "extractor",
    "home_of",
    "shown",
]

KINDS: tuple[Kind, ...] = ("cause", "trigger", "diagnosis", "remedy")
SIZE = 1 << 16
"""Rows of each table of weights."""
CLUSTERS = 1 << 16
"""Places of the table that says which words are used alike."""
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "kept": ("kept",),
    "outcome": OUTCOMES,
    "assertion": ASSERTIONS,
    "experiencer": EXPERIENCERS,
}
"""What is asked of a stretch; the columns of its table, in this order."""
COLUMNS = tuple((head, answer) for head, some in ANSWERS.items() for answer in some)
LONGEST = 4
"""Words of the longest known phrases."""
RUN = 40
"""Words of the longest stretch: more are no phrase and no list of them."""
AROUND = 12
"""Words before and behind a stretch that are looked at."""
RULES = "1"
"""Raised when a rule of this module changes what is found."""
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]|\n")
_LETTERS = 40
"""Letters of a word that are looked at."""


def hashed(text: str) -> int:
    """The same number for the same text everywhere."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=1 << 16)
def _forms(word: str) -> tuple[int, int, int, str, bytes]:
    """Numbers for a word, its ending and its beginning; the word in lower case, as bytes too."""
    low = word[:_LETTERS].lower()
    shape = (
        "d" if low[0].isdigit() else "C" if word[0].isupper() else "m" if not low.isalnum() else ""
    )
    code = low.encode("utf-8", "surrogatepass")
    return hashed(low), hashed(f"{low[-3:]}|{shape}"), hashed(f"{low[:5]}|"), low, code


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


def _known(words: Sequence[str]) -> list[int]:
    """For each word the kinds of the known phrases that it is part of, as bits."""
    found, lexicon, openings = [0] * len(words), _lexicon(), _openings()
    for first, word in enumerate(words):
        if word not in openings:
            continue
        for last in range(first + 1, min(first + openings[word], len(words)) + 1):
            key = " ".join(words[first:last])
            bits = lexicon.get(key, 0) | (lexicon.get(key.rstrip("s"), 0) if key[-1] == "s" else 0)
            if bits:
                for place in range(first, last):
                    found[place] |= bits
    return found


class Words:
    """The words and marks of a text, and what they are used like."""

    def __init__(self, text: str, clusters: np.ndarray) -> None:
        """`clusters` (CLUSTERS,) is a number by hash of a word, 0 for unknown ones."""
        self.places = [match.span() for match in _WORD.finditer(text)]
        forms = [_forms(text[start:end]) for start, end in self.places]
        self.low = [form[3] for form in forms]
        self.codes = [form[4] for form in forms]
        self.starts = [start for start, _ in self.places]
        numbers = np.array([form[:3] for form in forms], dtype=np.uint64).reshape(-1, 3)
        self.word, self.ending, self.stem = numbers.T
        self.used = clusters[(self.word % np.uint64(CLUSTERS)).astype(np.int64)].astype(np.uint64)
        self.uses = self.used.tolist()
        self.known = _known(self.low)

    def between(self, start: int, end: int) -> tuple[int, int]:
        """First word and the one after the last of a stretch of the text."""
        first = max(bisect_right(self.starts, start) - 1, 0)
        return first, max(bisect_left(self.starts, end), first + 1)

    def reach(self, span: Span) -> tuple[int, int]:
        """Start and end of a span in the text."""
        return self.places[span.first][0], self.places[span.last][1]

    def rows(self) -> np.ndarray:
        """Rows of the table that each word sums (words, features)."""
        size, reach = len(self.places), 3
        edge = np.full(reach, 7, dtype=np.uint64)
        wide = {
            name: np.concatenate([edge, values, edge])
            for name, values in (("w", self.word), ("e", self.ending), ("u", self.used))
        }

        def at(name: str, offset: int) -> np.ndarray:
            return wide[name][reach + offset : reach + offset + size]

        bits = np.array(self.known, dtype=np.uint64)
        near = np.concatenate([edge[:1], bits, edge[:1]])
        shown = [self.word, self.ending, self.stem, self.used, bits]
        shown += [at("w", offset) for offset in (-2, -1, 1, 2)]
        shown += [at("u", offset) for offset in (-3, -2, -1, 1, 2, 3)]
        shown += [_pair(at("w", a), at("w", b)) for a, b in ((-2, -1), (-1, 0), (0, 1), (1, 2))]
        shown += [_pair(at("u", a), at("u", b)) for a, b in ((-2, -1), (-1, 0), (0, 1), (1, 2))]
        shown += [_pair(at("e", -1), at("e", 0)), _pair(at("w", -1), at("u", 0))]
        shown += [_pair(near[:-2], bits), _pair(bits, near[2:])]
        return (_mixed(np.stack(shown, 1)) % np.uint64(SIZE)).astype(np.int64)


def _pair(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(one * np.uint64(1000003) ^ other)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Values (words, features) spread over the table, each feature in its own way."""
    places = np.arange(values.shape[1], dtype=np.uint64)
    spread = (values + (places * np.uint64(7919) + np.uint64(1))) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(spread >> np.uint64(29))


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch that may be a claim: words `first` to `last` of a text."""

    kind: int
    first: int
    last: int
    tagged: tuple[float, ...]
    """Mean probability of its words to belong to a claim of each kind."""


def shown(words: Words, span: Span, role: str, home: Sequence[int]) -> list[int]:
    """Rows of the table of answers that a stretch sums.

    `home` holds the first word of its sentence, of the next one, and of the one after that.
    """
    crc, codes, used, at = zlib.crc32, words.codes, words.uses, _seeds(span.kind)
    first, last, stop = span.first, span.last, len(codes)
    opening, ending, following = home
    inside = codes[first : last + 1][:8]
    before = codes[max(opening, first - AROUND, 0) : first]
    after = codes[last + 1 : min(ending, last + 1 + AROUND)]
    w, b, a, n, near = at["w "], at["b "], at["a "], at["n "], at["u "]
    told = [crc(word, w) for word in inside]
    told += [crc(_start(word), at["s "]) for word in inside]
    told += [crc(word, b) for word in before]
    told += [crc(word, a) for word in after]
    told += [crc(word, n) for word in codes[ending : min(following, ending + AROUND)]]
    told += [crc(b"%d" % use, near) for use in used[first : min(last + 1, first + 8)]]
    told += [crc(b"%s %s" % pair, at["B "]) for pair in pairwise(before[-6:])]
    told += [crc(b"%s %s" % pair, at["A "]) for pair in pairwise(after[:6])]
    once = {
        "1 ": (before[-1:] or [b"^"])[0],
        "2 ": b" ".join(before[-2:]),
        "> ": (after or [b"$"])[0],
        ">> ": b" ".join(after[:2]),
        "f ": inside[0],
        "l ": inside[-1],
        "e ": words.low[first][-3:].encode("utf-8", "surrogatepass"),
        "p ": b" ".join(inside),
        "u< ": b"%d" % (used[first - 1] if first else 0),
        "u> ": b"%d" % (used[last + 1] if last + 1 < stop else 0),
        "o ": codes[opening] if opening < stop else b"",
        "long ": b"%d" % min(last - first, 6),
        "r ": role.encode(),
        "k ": b"%d" % max(words.known[first : last + 1]),
        "q ": b"True" if b"?" in codes[opening:ending] else b"False",
    }
    told += [crc(word, at[name]) for name, word in once.items()]
    told += [crc(b"%d" % _bin(p), at[f"t{kind} "]) for kind, p in enumerate(span.tagged)]
    return [one % SIZE for one in told]


@cache
def _seeds(kind: int) -> Mapping[str, int]:
    """The sums of the kind and the names before a word: the sum of the whole goes on from them."""
    names = [*"wsban12", ">", ">>", *"flepu", "u<", "u>", "o", "long", *"rkqBA"]
    names += [f"t{other}" for other in range(len(KINDS))]
    begun = hashed(f"{kind}|")
    return {f"{name} ": zlib.crc32(f"{name} ".encode(), begun) for name in names}


@lru_cache(maxsize=1 << 14)
def _start(word: bytes) -> bytes:
    """The first five letters of a word."""
    return word.decode("utf-8", "surrogatepass")[:5].encode("utf-8", "surrogatepass")


def _bin(probability: float) -> int:
    bounded = min(max(probability, 0.002), 0.998)
    return round(1.5 * math.log(bounded / (1 - bounded)))


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The weights as they were learned."""

    clusters: np.ndarray
    tags: np.ndarray
    """(SIZE, kinds · 3): outside, first of a claim, inside."""
    constant: np.ndarray
    answers: np.ndarray
    """(SIZE, COLUMNS)"""
    answers_constant: np.ndarray
    least: np.ndarray
    """Probability of a claim from which it is one, by kind."""

    @classmethod
    def load(cls, path: Path) -> Tables:
        """The tables of a file; ModelRefused where it is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            found = load(path.read_bytes())
            return cls(
                clusters=found["clusters"],
                tags=found["tags"] * found["tags_scale"],
                constant=found["constant"],
                answers=found["answers"] * found["answers_scale"],
                answers_constant=found["answers_constant"],
                least=found["least"],
            )
        except (OSError, KeyError, SafetensorError) as error:
            raise ModelRefused(f"{path} cannot be read ({error}): reinstall folkgrade") from error


class Quick:
    """Turns documents into claims by word weights; stands where `miner.claims.Extractor` does."""

    lean = 6.0
    """How far the tags lean to finding stretches; what is a claim is decided afterwards."""

    def __init__(self, weights: Path | None = None) -> None:
        """With the weights of a folder, or those shipped."""
        self.weights = (weights or Path(str(files("miner") / "weights"))) / "quick.safetensors"

    @cached_property
    def version(self) -> str:
        """Changes whenever weights, word lists or rules do."""
        digest = hashlib.sha256(self.weights.read_bytes() if self.weights.is_file() else b"")
        for name in ("cues.toml", "own_words.toml", "families.toml", "conditions.toml"):
            digest.update((files("miner") / "data" / name).read_bytes())
        return f"fast-{RULES}-{digest.hexdigest()[:10]}"

    @cached_property
    def tables(self) -> Tables:
        """The weights, read at the first use."""
        return Tables.load(self.weights)

    def extract(self, document: Document) -> list[Claim]:
        """The claims of one document in order of place; the same on every run of a version."""
        voice, where = _voice(document), document.source.url
        return [
            claim
            for part in parts_of(document)
            for claim in one_per_idea(
                [
                    moved(claim, start)
                    for start, some in by_chapter(part)
                    for claim in self._claims(where, some, voice)
                ]
            )
        ]

    def _claims(self, document: str, part: Part, voice: Voice) -> list[Claim]:
        words, split = Words(part.own, self.tables.clusters), sentences(part.own)
        found = self.spans(words, part.own) if split else []
        if not found:
            return []
        said = self.answers([shown(words, s, part.role, home_of(words, split, s)) for s in found])
        return one_kind(
            [
                _claim(document, part, split, words.reach(span), span.kind, row, voice)
                for span, row in zip(found, said, strict=True)
                if row[0] >= self.tables.least[span.kind]
            ]
        )

    def spans(self, words: Words, text: str) -> list[Span]:
        """The clean phrases that may be claims, in order of place, each once for a kind."""
        if not words.places:
            return []
        scores = np.einsum("wfk->wk", self.tables.tags.take(words.rows(), 0)) + self.tables.constant
        scores = scores.reshape(-1, len(KINDS), 3)
        scores = np.exp(scores - scores.max(2, keepdims=True))
        tags = scores / scores.sum(2, keepdims=True)
        inside = 1 - tags[..., 0]
        found: dict[tuple[int, int, int], Span] = {}
        for kind in range(len(KINDS)):
            for first, last in _runs(inside[:, kind], tags[:, kind], self.lean):
                begin, stop = words.places[first][0], words.places[last][1]
                for phrase in phrases(text, begin, stop):
                    one, end = words.between(*phrase)
                    mean = tuple((np.add.reduce(inside[one:end], 0) / (end - one)).tolist())
                    found.setdefault(
                        (one, end, kind), Span(kind=kind, first=one, last=end - 1, tagged=mean)
                    )
        return [found[key] for key in sorted(found)]

    def answers(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """Answers (stretches, COLUMNS): the first a probability, the others scores."""
        table, constant = self.tables.answers, self.tables.answers_constant
        begins = np.cumsum([0, *map(len, rows[:-1])])
        flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64)
        scores = np.add.reduceat(table.take(flat, 0), begins) + constant
        scores[:, 0] = 1 / (1 + np.exp(-scores[:, 0]))
        return np.asarray(scores)


def extractor() -> Quick:
    """The engine of that name, with the shipped weights."""
    return Quick()


def _runs(inside: np.ndarray, tags: np.ndarray, lean: float) -> Iterator[tuple[int, int]]:
    """First and last word of each stretch inside, cut where a new one surely begins."""
    begins = tags[:, 1] > tags[:, 2]
    first = last = -1
    for word in np.flatnonzero(inside * lean >= 1 - inside).tolist():
        if first >= 0 and word == last + 1 < first + RUN and not begins[word]:
            last = word
            continue
        if first >= 0:
            yield first, last
        first = last = word
    if first >= 0:
        yield first, last


_BEGIN = attrgetter("start")


def home_of(words: Words, split: Sequence[Sentence], span: Span) -> tuple[int, int, int]:
    """The first words of a span's sentence, of the next one, and of the one after that."""
    place = words.places[span.first][0]
    home = max(bisect_right(split, place, key=_BEGIN) - 1, 0)
    ends = [sentence.end for sentence in split[home : home + 2]]
    first = bisect_left(words.starts, split[home].start)
    following = [bisect_left(words.starts, end) for end in ends]
    return min(first, span.first), max(following[0], span.last + 1), following[-1]


def _claim(
    document: str,
    part: Part,
    split: Sequence[Sentence],
    place: tuple[int, int],
    kind: int,
    said: np.ndarray,
    voice: Voice,
) -> Claim:
    start, end = place

    def home(place: int) -> Sentence:
        return split[max(bisect_right(split, place, key=_BEGIN) - 1, 0)]

    first, last = min(home(start).start, start), max(home(end - 1).end, end)
    read = {head: answers[int(said[_columns(head)].argmax())] for head, answers in ANSWERS.items()}
    if read["experiencer"] == "question":
        read["assertion"] = "hedged"
    silent = read["experiencer"] == "question" or read["assertion"] == "negated"
    return Claim(
        kind=KINDS[kind],
        phrase=part.text[start:end],
        phrase_start=start,
        quote=Quote(document=document, part=part.name, start=first, text=part.text[first:last]),
        author=part.author,
        written=part.written,
        experiencer=cast("Experiencer", read["experiencer"]),
        assertion=cast("Assertion", read["assertion"]),
        outcome="unknown"
        if silent or KINDS[kind] != "remedy"
        else cast("Outcome", read["outcome"]),
        confidence=round(float(said[0]), 4),
        voice=voice,
        engine="fast",
    )


@cache
def _columns(head: str) -> slice:
    names = [name for name, _ in COLUMNS]
    return slice(names.index(head), names.index(head) + names.count(head))


def _voice(document: Document) -> Voice:
    if isinstance(document, Thread):
        return "member"
    return "article" if isinstance(document, Article) else "study"
