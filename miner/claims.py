"""Documents to claims: what people blame, name and try, and what came of it.

The learned part (`miner.tagger`) proposes spans; here they become phrases and quotes with their
exact place, are read in their scope (`miner.outcomes`), and one row per idea is kept.
The condition of a claim is `miner.conditions`, grouping is `miner.themes`.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.documents import Article, Document, Post, Study, Thread
from miner.errors import ModelRefused
from miner.model import Claim, Kind, Quote, Voice
from miner.outcomes import Weights, company, plain, reading, voices
from miner.scope import corrected, is_claim, is_recap
from miner.sieve import Piece, Sieve, Stage, features, stems
from miner.signals import Scene, scene
from miner.spans import idea, phrases
from miner.text import own_words, repeats

if TYPE_CHECKING:
    from miner.tagger import Candidate, Tagger

__all__ = ["Extractor", "Part", "parts_of", "pieces"]

RULES = "4"
"""Raised when a rule of this module or of `miner.outcomes` changes what is extracted."""
SURE = 0.5
"""Confidence at which words may be a cause and a diagnosis at once."""
HEARD = 30
"""Posts before a post whose words count as said by others."""
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
    role: str = "text"
    """`title`, `opener`, `reply` or `text`."""
    elsewhere: str = ""
    """What a title stands over; empty for all else."""
    said: frozenset[str] = frozenset()
    """Word stems of what others wrote before."""

    @cached_property
    def scene(self) -> Scene:
        """The own words, read for all claims at once."""
        return scene(self.own)

    @cached_property
    def stage(self) -> Stage:
        """What surrounds the claims of this part."""
        known = stems([self.elsewhere or self.context])
        return Stage(seen=self.scene, role=self.role, elsewhere=known)


@dataclass(frozen=True, kw_only=True)
class _Settings:
    lean: float
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
        for path in sorted((*self.weights.glob("claims.*"), *self.weights.glob("sieve.*"))):
            digest.update(path.read_bytes())
        for name in ("cues.toml", "own_words.toml", "families.toml", "conditions.toml"):
            digest.update((files("miner") / "data" / name).read_bytes())
        return f"claims-{RULES}-{digest.hexdigest()[:10]}"

    def extract(self, document: Document) -> list[Claim]:
        """The claims of one document in order of place; the same on every run of a version."""
        parts = parts_of(document)
        found = self.tagger.read([(part.context, part.own) for part in parts])
        voice = _voice(document)
        claims = []
        for part, candidates in zip(parts, found, strict=True):
            claims.extend(self.judge(document.source.url, part, candidates, voice))
        return claims

    def extract_all(
        self,
        documents: Iterable[Document],
        progress: Callable[[int], object] | None = None,
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
        return _Settings(lean=data["lean"], readers=data["readers"])

    @cached_property
    def sieve(self) -> Sieve:
        """What tells claims from other spans."""
        return Sieve.load(self.weights / "sieve.json")

    def judge(
        self, document: str, part: Part, candidates: Sequence[Candidate], voice: Voice
    ) -> list[Claim]:
        """The candidates of a part that are claims, cleaned, read in scope, one row per idea."""
        found = pieces(part, candidates)
        shows = features(part.stage, found)
        sure = [round(self.sieve.probability(one), 4) for one in shows]
        kept = [
            (piece, confidence)
            for piece, confidence in zip(found, sure, strict=True)
            if confidence >= self.sieve.least[piece.candidate.kind]
            and is_claim(part.scene, piece.start, piece.end, KINDS[piece.candidate.kind])
            and not (
                idea(part.own[piece.start : piece.end]) <= part.said
                and is_recap(part.scene, piece.start)
            )
        ]
        alone = [piece for piece, _ in kept]
        remedies = [piece for piece in alone if KINDS[piece.candidate.kind] == "remedy"]
        beside = company(part.scene, alone, KINDS.index("remedy"))
        claims = [
            replace(
                self._claim(document, part, piece, near, remedies),
                voice=voice,
                confidence=confidence,
            )
            for (piece, confidence), near in zip(kept, beside, strict=True)
        ]
        return one_per_idea(one_kind(claims))

    def _claim(
        self,
        document: str,
        part: Part,
        piece: Piece,
        beside: Sequence[Piece],
        around: Sequence[Piece],
    ) -> Claim:
        start, end = piece.start, piece.end
        first, last = _quote(part, start, end)
        kind = KINDS[piece.candidate.kind]
        found = plain(part.scene, start, end, kind) | voices(piece, kind, beside, around)
        read = reading(found, self._settings.readers, kind)
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


def pieces(part: Part, candidates: Sequence[Candidate]) -> list[Piece]:
    """The clean phrases of some candidates, each place and kind once."""
    found: dict[tuple[int, int, int], Piece] = {}
    for candidate in candidates:
        for start, end in phrases(part.own, candidate.start, candidate.end):
            key = (start, end, candidate.kind)
            found.setdefault(key, Piece(candidate=candidate, start=start, end=end))
    return [found[key] for key in sorted(found)]


def _voice(document: Document) -> Voice:
    if isinstance(document, Thread):
        return "member"
    return "article" if isinstance(document, Article) else "study"


def parts_of(document: Document) -> list[Part]:
    """The texts of a document that are read by themselves, title first."""
    if isinstance(document, Thread):
        return _thread_parts(document)
    name, body = ("text", document.text) if isinstance(document, Article) else _abstract(document)
    title = document.title
    return [
        Part(name="title", text=title, own=title, role="title", elsewhere=body),
        Part(name=name, text=body, own=body, context=title),
    ]


def _abstract(study: Study) -> tuple[str, str]:
    return "abstract", study.abstract


def _thread_parts(thread: Thread) -> list[Part]:
    first = thread.posts[0] if thread.posts else None
    opener = first.author if first is not None and first.number == 1 else None
    parts = [
        Part(
            name="title",
            text=thread.title,
            own=thread.title,
            author=opener,
            role="title",
            elsewhere=first.text if first is not None else "",
        )
    ]
    if first is not None and first.number == 1:
        parts[0] = replace(parts[0], written=first.written)
    said: set[str] = set()
    before: deque[tuple[str | None, frozenset[str]]] = deque(maxlen=HEARD)
    for post in thread.posts:
        part = _post_part(post, thread.title, said)
        others = [words for author, words in before if author != post.author]
        parts.append(replace(part, said=frozenset().union(*others)))
        said |= repeats(post.text)
        before.append((post.author, stems([part.own])))
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
        role="opener" if post.number == 1 else "reply",
    )


def _quote(part: Part, start: int, end: int) -> tuple[int, int]:
    """The sentence or sentences around a phrase; the phrase itself where there is none."""
    split = part.scene.sentences
    if not split:
        return start, end
    first, last = (
        split[part.scene.home(start)],
        split[part.scene.home(max(start, end - 1))],
    )
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
