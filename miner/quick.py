"""Claims without a network: word weights alone, for `--fast`.

Every word is a sum of rows of a table of weights (`miner.words`). The stretches that score highest
are weighed once more as wholes (`miner.stretches`): whether they are claims at all, what came of
them, and who speaks how sure. Numbers and tables only: hundreds of posts a second, at the price of
misses that `weights/MODEL_CARD.md` states.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np

from crawler.documents import Article, Document, Thread
from miner.claims import Part, by_chapter, moved, parts_of
from miner.errors import ModelRefused
from miner.model import Claim, Quote, Voice
from miner.outcomes import ASSERTIONS, EXPERIENCERS, OUTCOMES
from miner.rivals import one_kind, one_per_idea
from miner.spans import phrases
from miner.stretches import KINDS, Homes, Stretches, shown, texts_of
from miner.text import CHAPTER, sentences
from miner.words import Vocabulary, Words

__all__ = ["ANSWERS", "Quick", "Tables", "extractor"]

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "kept": ("kept",),
    "outcome": OUTCOMES,
    "assertion": ASSERTIONS,
    "experiencer": EXPERIENCERS,
}
"""What is asked of a stretch; the columns of its table, in this order."""
COLUMNS = tuple((head, answer) for head, some in ANSWERS.items() for answer in some)
RUN = 40
"""Words of the longest stretch: more are no phrase and no list of them."""
RULES = "1"
"""Raised when a rule of reading by words changes what is found."""


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

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words met so far, as many as there is room for."""
        return Vocabulary(self.tables.clusters)

    def extract(self, document: Document) -> list[Claim]:
        """The claims of one document in order of place; the same on every run of a version."""
        parts = parts_of(document)
        voice, where = _voice(document), document.source.url
        some = [
            (index, start, piece)
            for index, part in enumerate(parts)
            for start, piece in by_chapter(part)
        ]
        found: list[list[Claim]] = [[] for _ in parts]
        for batch in _batches(some):
            read = self._read(where, [piece for _, _, piece in batch], voice)
            for (index, start, _), claims in zip(batch, read, strict=True):
                found[index] += [moved(claim, start) for claim in claims]
        return [claim for claims in found if claims for claim in one_per_idea(claims)]

    def _read(self, document: str, parts: Sequence[Part], voice: Voice) -> Iterator[list[Claim]]:
        """The claims of some texts, which are read together and do not see each other."""
        split = [sentences(part.own) for part in parts]
        own = [part.own if some else "" for part, some in zip(parts, split, strict=True)]
        words = Words(own, self.vocabulary)
        found = self.stretches(words, own)
        claims: list[list[Claim]] = [[] for _ in parts]
        if len(found):
            homes = Homes(words, split)
            said = self.answers(*shown(words, found, homes, [part.role for part in parts]))
            for text, claim in self._claims(document, parts, words, found, homes, said, voice):
                claims[text].append(claim)
        return map(one_kind, claims)

    def stretches(self, words: Words, texts: Sequence[str]) -> Stretches:
        """The clean phrases of the texts that may be claims."""
        tags = self.tags(words)
        inside = 1 - tags[..., 0]
        runs = _runs(inside, tags, words.begins, self.lean)
        places = list(_phrases(words, texts, *runs))
        starts, ends, kinds = np.array(places, dtype=np.int64).reshape(-1, 3).T
        begins, stops = words.between(starts, ends)
        width = len(words) + 1
        keys = np.unique((begins * width + stops) * len(KINDS) + kinds)
        both, kinds = np.divmod(keys, len(KINDS))
        first, stop = np.divmod(both, width)
        edges = np.stack([first, stop], 1).ravel()
        summed = np.add.reduceat(np.vstack([inside, inside[:1]]), edges) if len(keys) else inside
        return Stretches(
            kinds=kinds,
            first=first,
            last=stop - 1,
            tagged=summed[: len(edges) : 2] / (stop - first).astype(np.float32)[:, None],
        )

    def tags(self, words: Words) -> np.ndarray:
        """Probability of each word to be outside, first or inside of a claim (words, kinds, 3)."""
        table = self.tables.tags
        scores = np.zeros((len(words), table.shape[1]), dtype=table.dtype)
        for rows in words.rows():
            scores += table.take(rows, 0)
        scores = (scores + self.tables.constant).reshape(-1, len(KINDS), 3)
        scores = np.exp(scores - scores.max(2, keepdims=True))
        return np.asarray(scores / scores.sum(2, keepdims=True))

    def answers(self, rows: np.ndarray, begins: np.ndarray) -> np.ndarray:
        """Answers (stretches, COLUMNS): the first a probability, the others scores."""
        table, constant = self.tables.answers, self.tables.answers_constant
        scores = np.add.reduceat(table.take(rows, 0), begins) + constant
        scores[:, 0] = 1 / (1 + np.exp(-scores[:, 0]))
        return np.asarray(scores)

    def _claims(
        self,
        document: str,
        parts: Sequence[Part],
        words: Words,
        found: Stretches,
        homes: Homes,
        said: np.ndarray,
        voice: Voice,
    ) -> Iterator[tuple[int, Claim]]:
        """The stretches that are sure enough to be claims, with the text of each."""
        kept = np.flatnonzero(said[:, 0] >= self.tables.least[found.kinds])
        texts = texts_of(words, found)[kept]
        bases = words.bases[texts]
        start, end = words.starts[found.first[kept]], words.ends[found.last[kept]]
        first = np.minimum(homes.starts[homes.at(start, texts)], start)
        last = np.maximum(homes.ends[homes.at(end - 1, texts)], end)
        places = np.stack([start - bases, end - bases, first - bases, last - bases], 1)
        read = np.stack([said[kept][:, _columns(head)].argmax(1) for head in ANSWERS], 1)
        sure = said[kept, 0].astype(np.float64)
        for text, kind, place, answers, one in zip(
            texts.tolist(),
            found.kinds[kept].tolist(),
            places.tolist(),
            read.tolist(),
            sure.tolist(),
            strict=True,
        ):
            yield text, _claim(document, parts[text], kind, place, answers, one, voice)


def extractor() -> Quick:
    """The engine of that name, with the shipped weights."""
    return Quick()


def _batches(some: Sequence[tuple[int, int, Part]]) -> Iterator[list[tuple[int, int, Part]]]:
    """The texts in order, as many together as have the letters of a chapter."""
    batch: list[tuple[int, int, Part]] = []
    size = 0
    for one in some:
        letters = len(one[2].own) + 1
        if batch and size + letters > CHAPTER:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += letters
    if batch:
        yield batch


def _runs(
    inside: np.ndarray, tags: np.ndarray, texts: np.ndarray, lean: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kinds, first and last words of the stretches inside, cut where a new one surely begins.

    `texts` are the first words of the texts.
    """
    begins = (tags[..., 1] > tags[..., 2]).T
    edge = np.zeros(len(inside) + 1, dtype=bool)
    edge[texts] = True
    kinds, words = np.nonzero((inside * lean >= 1 - inside).T)
    new = np.ones(len(words), dtype=bool)
    new[1:] = (words[1:] != words[:-1] + 1) | (kinds[1:] != kinds[:-1])
    new |= edge[words] | begins[kinds, words]
    place = np.arange(len(words))
    long = place - np.maximum.accumulate(np.where(new, place, 0))
    first = np.flatnonzero(long % RUN == 0)
    last = np.append(first[1:], len(words))[: len(first)] - 1
    return kinds[first], words[first], words[last]


def _phrases(
    words: Words, texts: Sequence[str], kinds: np.ndarray, first: np.ndarray, last: np.ndarray
) -> Iterator[tuple[int, int, int]]:
    """Start and end of the clean phrases of some stretches of words, and their kinds."""
    homes = words.begins.searchsorted(first, "right") - 1
    bases, starts, ends = words.bases[homes], words.starts[first], words.ends[last]
    known: dict[tuple[int, int], list[tuple[int, int]]] = {}
    columns = (homes, bases, starts - bases, ends - bases, kinds)
    for home, base, start, end, kind in zip(*(c.tolist() for c in columns), strict=True):
        place = base + start, base + end
        if place not in known:
            found = phrases(texts[home], start, end)
            known[place] = [(begin + base, stop + base) for begin, stop in found]
        for begin, stop in known[place]:
            yield begin, stop, kind


def _claim(
    document: str,
    part: Part,
    kind: int,
    place: Sequence[int],
    answers: Sequence[int],
    sure: float,
    voice: Voice,
) -> Claim:
    start, end, first, last = place
    _, outcome, assertion, experiencer = answers
    asking = EXPERIENCERS[experiencer] == "question"
    meant = "hedged" if asking else ASSERTIONS[assertion]
    silent = asking or meant == "negated" or KINDS[kind] != "remedy"
    return Claim(
        kind=KINDS[kind],
        phrase=part.text[start:end],
        phrase_start=start,
        quote=Quote(document=document, part=part.name, start=first, text=part.text[first:last]),
        author=part.author,
        written=part.written,
        experiencer=EXPERIENCERS[experiencer],
        assertion=meant,
        outcome="unknown" if silent else OUTCOMES[outcome],
        confidence=round(sure, 4),
        voice=voice,
        engine="fast",
    )


def _columns(head: str) -> slice:
    names = [name for name, _ in COLUMNS]
    return slice(names.index(head), names.index(head) + names.count(head))


def _voice(document: Document) -> Voice:
    if isinstance(document, Thread):
        return "member"
    return "article" if isinstance(document, Article) else "study"
