"""Documents to claims: what people blame, name and try, and what came of it.

The learned part (`miner.tagger`) proposes spans; here they become phrases and quotes with their
exact place, are read in their scope (`miner.outcomes`), and one row per idea is kept.
The condition of a claim is `miner.conditions`, grouping is `miner.themes`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.documents import Article, Document, Post, Study, Thread
from miner.errors import ModelRefused
from miner.model import Claim, Kind, Quote, Voice
from miner.outcomes import Reading, Weights, reading
from miner.scope import corrected, is_claim
from miner.signals import Scene, scene, signals
from miner.text import own_words, repeats

if TYPE_CHECKING:
    from miner.tagger import Candidate, Tagger

__all__ = ["Extractor", "Part"]

RULES = "3"
"""Raised when a rule of this module or of `miner.outcomes` changes what is extracted."""
SURE = 0.5
"""Confidence at which words may be a cause and a diagnosis at once."""
SHORT = 4
"""Words; phrases up to this length on both sides of an `and` are two."""
KINDS: tuple[Kind, ...] = ("cause", "trigger", "diagnosis", "remedy")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of text that is read by itself: a post, a title, the body of an article."""

    name: str
    text: str
    own: str
    """The text with all that is not the author's own words blanked."""
    context: str = ""
    """Title the text stands under."""
    author: str | None = None
    written: datetime | None = None

    @cached_property
    def scene(self) -> Scene:
        """The own words, read for all claims at once."""
        return scene(self.own)


@dataclass(frozen=True, kw_only=True)
class _Settings:
    lean: float
    least: float
    """Confidence below which a span is no claim."""
    confidence: tuple[tuple[float, float, float], ...]
    """Per kind: weight of the tagger's log odds, of the keeper's, and a constant."""
    readers: Weights


class Extractor:
    """Turns documents into claims. Weights are loaded at the first use and kept."""

    def __init__(self, weights: Path | None = None) -> None:
        """With the weights of a folder, or those shipped."""
        self.weights = weights or Path(str(files("miner") / "weights"))

    @cached_property
    def version(self) -> str:
        """Changes whenever weights, settings, cue lists or rules do."""
        digest = hashlib.sha256()
        for path in sorted(self.weights.glob("claims.*")):
            digest.update(path.read_bytes())
        for name in ("cues.toml", "own_words.toml"):
            digest.update((files("miner") / "data" / name).read_bytes())
        return f"claims-{RULES}-{digest.hexdigest()[:10]}"

    def extract(self, document: Document) -> list[Claim]:
        """The claims of one document in order of place; the same on every run of a version."""
        parts = _parts(document)
        found = self.tagger.read([(part.context, part.own) for part in parts])
        voice = _voice(document)
        claims = []
        for part, candidates in zip(parts, found, strict=True):
            claims.extend(self.judge(document.source.url, part, candidates, voice))
        return claims

    def extract_all(
        self, documents: Iterable[Document], progress: Callable[[int], object] | None = None
    ) -> Iterator[tuple[str, list[Claim]]]:
        """The address and claims of each document in turn; `progress` is told how many are done.

        Documents are never read together, so that each one's claims depend on nothing else.
        """
        for done, document in enumerate(documents, 1):
            yield document.source.url, self.extract(document)
            if progress is not None:
                progress(done)

    @cached_property
    def tagger(self) -> Tagger:
        """The learned part."""
        from miner.tagger import Tagger

        tagger = Tagger(self.weights)
        tagger.lean = self._settings.lean
        return tagger

    @cached_property
    def _settings(self) -> _Settings:
        path = self.weights / "claims.json"
        try:
            data = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ModelRefused(f"{path} cannot be read ({error}): reinstall folkgrade") from error
        return _Settings(
            lean=data["lean"],
            least=data["least"],
            confidence=tuple(tuple(data["confidence"][kind]) for kind in KINDS),
            readers=data["readers"],
        )

    def judge(
        self, document: str, part: Part, candidates: Sequence[Candidate], voice: Voice
    ) -> list[Claim]:
        """The candidates of a part that are claims, cleaned, read in scope, one row per idea."""
        claims = []
        for candidate in candidates:
            confidence = self._confidence(candidate)
            if confidence < self._settings.least:
                continue
            for start, end in phrases(part.own, candidate.start, candidate.end):
                kind = KINDS[candidate.kind]
                if kind == "remedy" and is_body_part(part.own[start:end]):
                    continue
                if not is_claim(part.scene, start, end, kind):
                    continue
                claim = self._claim(document, part, candidate, start, end)
                claims.append(replace(claim, voice=voice, confidence=confidence))
        return one_per_idea(one_kind(claims))

    def _claim(
        self, document: str, part: Part, candidate: Candidate, start: int, end: int
    ) -> Claim:
        first, last = _quote(part, start, end)
        kind = KINDS[candidate.kind]
        heads = Reading(
            outcome=candidate.outcome,
            assertion=candidate.assertion,
            experiencer=candidate.experiencer,
        )
        found = signals(part.scene, start, end)
        found[f"kind:{kind}"] = 1.0
        read = reading(heads, found, self._settings.readers, kind)
        read = corrected(read, part.scene, start, end, kind)
        return Claim(
            kind=kind,
            phrase=part.text[start:end],
            phrase_start=start,
            quote=Quote(document=document, part=part.name, start=first, text=part.text[first:last]),
            author=part.author,
            written=part.written,
            experiencer=read.experiencer,
            assertion=read.assertion,
            outcome=read.outcome,
        )

    def _confidence(self, candidate: Candidate) -> float:
        tagged, kept, constant = self._settings.confidence[candidate.kind]
        odds = tagged * _log_odds(candidate.tagged) + kept * _log_odds(candidate.kept) + constant
        return round(1 / (1 + math.exp(-odds)), 4)


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))


def _voice(document: Document) -> Voice:
    if isinstance(document, Thread):
        return "member"
    return "article" if isinstance(document, Article) else "study"


def _parts(document: Document) -> list[Part]:
    if isinstance(document, Thread):
        return _thread_parts(document)
    name, body = ("text", document.text) if isinstance(document, Article) else _abstract(document)
    title = document.title
    return [
        Part(name="title", text=title, own=title),
        Part(name=name, text=body, own=body, context=title),
    ]


def _abstract(study: Study) -> tuple[str, str]:
    return "abstract", study.abstract


def _thread_parts(thread: Thread) -> list[Part]:
    first = thread.posts[0] if thread.posts else None
    opener = first.author if first is not None and first.number == 1 else None
    parts = [Part(name="title", text=thread.title, own=thread.title, author=opener)]
    if first is not None and first.number == 1:
        parts[0] = replace(parts[0], written=first.written)
    said: set[str] = set()
    for post in thread.posts:
        parts.append(_post_part(post, thread.title, said))
        said |= repeats(post.text)
    return parts


def _post_part(post: Post, title: str, said: set[str]) -> Part:
    quoted = {key for quote in post.quotes for key in repeats(quote.text)}
    return Part(
        name=post.id,
        text=post.text,
        own=own_words(post.text, said | quoted),
        context=title,
        author=post.author,
        written=post.written,
    )


@dataclass(frozen=True, kw_only=True)
class _Cleaning:
    front: re.Pattern[str]
    back: re.Pattern[str]
    joint: re.Pattern[str]
    pair: re.Pattern[str]
    small: re.Pattern[str]
    body: re.Pattern[str]


@cache
def _cleaning() -> _Cleaning:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))["phrase"]
    return _Cleaning(
        front=re.compile(rf"(?:[\W_]+|(?:{'|'.join(data['front'])})\b\s*)+", re.IGNORECASE),
        back=re.compile(rf"(?:[^\w%)\]\"'”]|\s(?:{'|'.join(data['back'])}))+$", re.IGNORECASE),
        joint=re.compile("|".join(data["joint"]), re.IGNORECASE),
        pair=re.compile("|".join(data["pair"]), re.IGNORECASE),
        small=re.compile("|".join(data["small"]), re.IGNORECASE),
        body=re.compile("|".join(data["body"]), re.IGNORECASE),
    )


def phrases(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The clean phrases of a span: no article in front, no comma behind, lists taken apart.

    A piece without any word of weight is no phrase.
    """
    cleaning = _cleaning()
    found = []
    edges = [start]
    for joint in cleaning.joint.finditer(text, start, end):
        edges += [joint.start(), joint.end()]
    for pair in cleaning.pair.finditer(text, start, end):
        left = max(edge for edge in edges if edge <= pair.start())
        right = min([edge for edge in edges if edge >= pair.end()], default=end)
        if _words(text, left, pair.start()) and _words(text, pair.end(), right):
            edges = sorted([*edges, pair.start(), pair.end()])
    edges.append(end)
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        begin, stop = left, right
        front = cleaning.front.match(text, begin, stop)
        begin = front.end() if front and front.end() < stop else begin
        back = cleaning.back.search(text[begin:stop])
        stop = begin + back.start() if back and back.start() else stop
        if text[stop - 1] in ")]" and not re.search(r"[(\[]", text[begin:stop]):
            stop -= 1
        words = re.findall(r"\w+", text[begin:stop])
        if any(len(word) > 1 and not cleaning.small.fullmatch(word) for word in words):
            found.append((begin, stop))
    return found


def is_body_part(phrase: str) -> bool:
    """True where a phrase names parts of the body and nothing that is done to them."""
    cleaning = _cleaning()
    found = [word for word in re.findall(r"\w+", phrase) if not cleaning.small.fullmatch(word)]
    return bool(found) and all(cleaning.body.fullmatch(word) for word in found)


def _quote(part: Part, start: int, end: int) -> tuple[int, int]:
    """The sentence or sentences around a phrase; the phrase itself where there is none."""
    split = part.scene.sentences
    if not split:
        return start, end
    first, last = split[part.scene.home(start)], split[part.scene.home(max(start, end - 1))]
    return min(first.start, start), max(last.end, end)


def one_kind(claims: Sequence[Claim]) -> list[Claim]:
    """Of readings of the same words as different kinds the surest; a sure second cause stays.

    Readers gave two kinds to the same words in 1 of 40 rows, mostly cause and diagnosis.
    """
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda c: (-c.confidence, c.phrase_start, c.kind)):
        rivals = [one for one in kept if one.kind != claim.kind and _overlap(one, claim)]
        both = {"cause", "diagnosis"}
        if all({claim.kind, one.kind} == both and claim.confidence >= SURE for one in rivals):
            kept.append(claim)
    return kept


def _overlap(one: Claim, other: Claim) -> bool:
    return one.phrase_start < other.phrase_start + len(
        other.phrase
    ) and other.phrase_start < one.phrase_start + len(one.phrase)


def one_per_idea(claims: Sequence[Claim]) -> list[Claim]:
    """One row per kind and idea of a part: what has an outcome wins, then self over others.

    Two phrases are one idea where the words of one are all in the other (`surgery` and `the
    shoulder surgery`): readers hardly ever gave both a row of their own.
    """
    kept: list[tuple[frozenset[str], Claim]] = []
    for claim in sorted(claims, key=_weight, reverse=True):
        words = idea(claim.phrase)
        if not any(
            claim.kind == other.kind and (words <= theirs or theirs <= words)
            for theirs, other in kept
        ):
            kept.append((words, claim))
    return sorted((claim for _, claim in kept), key=lambda c: (c.phrase_start, c.kind))


def _weight(claim: Claim) -> tuple[bool, bool, float, int]:
    outcome, own = claim.outcome != "unknown", claim.experiencer == "self"
    return outcome, own, claim.confidence, -claim.phrase_start


def idea(phrase: str) -> frozenset[str]:
    """The phrase's words without small ones and endings: equal for two ways to write one idea."""
    words = re.findall(r"\w+", phrase.lower())
    small = _cleaning().small
    kept = frozenset(_ENDING.sub("", word) for word in words if not small.fullmatch(word))
    return kept or frozenset(words)


def _words(text: str, start: int, end: int) -> bool:
    """Whether this is a short phrase with a word of weight."""
    words = re.findall(r"\w+", text[start:end])
    weighty = any(not _cleaning().small.fullmatch(word) for word in words)
    return weighty and len(words) <= SHORT


_ENDING = re.compile(r"(?<=\w{3})(?:ings?|ies|es|s|ed|y|e)$")
