"""Documents to claims: what people blame, name and try, and what came of it.

The learned part (`miner.tagger`) proposes spans; here they become phrases and quotes with their
exact place, are read in their scope (`miner.outcomes`), and one row per idea is kept.
The condition of a claim is `miner.conditions`, grouping is `miner.themes`.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.documents import Article, Document, Post, Study, Thread
from miner.errors import ModelRefused
from miner.model import Claim, Kind, Outcome, Quote, Voice
from miner.outcomes import Weights, company, plain, reading, voices
from miner.referents import Said, resolved
from miner.rivals import one_kind, one_per_idea
from miner.scope import (
    asked_about,
    basis,
    corrected,
    does_harm,
    is_claim,
    is_offered,
    is_recap,
    time,
)
from miner.sieve import Piece, Sieve, Stage, stems
from miner.signals import Scene, scene
from miner.spans import idea, phrases
from miner.text import CHAPTER, chapters, own_words, repeats
from miner.verdicts import Span, Verdict, owned, place

if TYPE_CHECKING:
    from miner.tagger import Candidate, Tagger

__all__ = ["Extractor", "Part", "parts_of", "pieces"]

RULES = "8"
"""Raised when a rule of reading changes what is extracted: here, in `miner.outcomes`, `scope`,
`signals`, `turns`, `verdicts` or `referents`."""
UNTITLED = "Help with pain"
"""Title of what has none."""
OFFERED = 0.25
"""Share of the usual confidence that is enough for what is plainly advised or asked about."""
FEW, BRIEF = 25, 0.75
"""Words of a short text, and the share of the usual confidence that is enough in one: by
cross-validation the best F1 lies at 0.35 there and at 0.45 in longer ones, where most traps are."""
ASKED = 0.65
"""Share of the things asked about in so many words that readers called a remedy (14 of 21)."""
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
    before: tuple[Part, ...] = field(default=(), compare=False, repr=False)
    """What others wrote just before."""

    @cached_property
    def words(self) -> frozenset[str]:
        """Word stems of the own words."""
        return stems([self.own])

    @cached_property
    def said(self) -> frozenset[str]:
        """Word stems of what others wrote just before."""
        return frozenset().union(*(part.words for part in self.before))

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
        parts = ("claims.*", "gate.*", "sieve.*")
        for path in sorted(path for part in parts for path in self.weights.glob(part)):
            digest.update(path.read_bytes())
        for name in ("cues.toml", "own_words.toml", "families.toml", "conditions.toml"):
            digest.update((files("miner") / "data" / name).read_bytes())
        return f"claims-{RULES}-{digest.hexdigest()[:10]}"

    def extract(self, document: Document) -> list[Claim]:
        """The claims of one document in order of place; the same on every run of a version."""
        parts = parts_of(document)
        found = self.tagger.read([(_heading(part), part.own) for part in parts])
        voice = _voice(document)
        judged = [
            self.judge(document.source.url, part, candidates, voice)
            for part, candidates in zip(parts, found, strict=True)
        ]
        if isinstance(document, Thread):
            judged = resolved(list(_said(document, parts, judged)))
        return [claim for claims in judged for claim in claims]

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
        return _Settings(lean=data["lean"], readers=Weights.of(data["readers"]))

    @cached_property
    def sieve(self) -> Sieve:
        """What tells claims from other spans."""
        return Sieve.load(self.weights / "sieve.json")

    def judge(
        self, document: str, part: Part, candidates: Sequence[Candidate], voice: Voice
    ) -> list[Claim]:
        """The candidates of a part that are claims, cleaned, read in scope, one row per idea.

        A very long part is judged in stretches: what is far apart has nothing to say to it.
        """
        if len(part.own) <= CHAPTER:
            return self._judged(document, part, candidates, voice)
        found = []
        for start, some in by_chapter(part):
            inside = _within(candidates, start, start + len(some.own))
            found += [moved(one, start) for one in self._judged(document, some, inside, voice)]
        return beside_each_other(one_per_idea(found))

    def _judged(
        self, document: str, part: Part, candidates: Sequence[Candidate], voice: Voice
    ) -> list[Claim]:
        found = pieces(part, candidates)
        sure = [round(one, 4) for one in self.sieve.sure(part.stage, found)]
        kept = self._kept(part, list(zip(found, sure, strict=True)))
        alone = [piece for piece, _ in kept]
        remedies = [piece for piece in alone if KINDS[piece.candidate.kind] == "remedy"]
        near = company(part.scene, alone, KINDS.index("remedy"))
        verdicts = owned(part.scene, [(piece.start, piece.end) for piece in remedies])
        claims = [
            replace(
                self._claim(document, part, piece, some, remedies, verdicts),
                voice=voice,
                confidence=confidence,
            )
            for (piece, confidence), some in zip(kept, near, strict=True)
        ]
        claims += _asked(document, part, claims, voice)
        return beside_each_other(one_per_idea(one_kind(claims)))

    def _kept(self, part: Part, found: Sequence[tuple[Piece, float]]) -> list[tuple[Piece, float]]:
        """The pieces that are sure enough to be claims; less is enough after "have you tried"."""
        fit = _without_triggers(part, [one for one in found if _may_be(part, one[0])])

        share = BRIEF if len(part.own.split(maxsplit=FEW)) <= FEW else 1.0

        def enough(piece: Piece, sure: float) -> bool:
            least = self.sieve.least[piece.candidate.kind] * share
            offered = _is_remedy(piece) and is_offered(part.scene, *_span(piece))
            return sure >= (least * OFFERED if offered else least)

        return [(piece, sure) for piece, sure in fit if enough(piece, sure)]

    def _claim(
        self,
        document: str,
        part: Part,
        piece: Piece,
        beside: Sequence[Piece],
        around: Sequence[Piece],
        verdicts: Mapping[Span, Sequence[Verdict]],
    ) -> Claim:
        start, end = piece.start, piece.end
        first, last = _quote(part, start, end)
        kind = KINDS[piece.candidate.kind]
        said = verdicts.get((start, end), ()) if kind == "remedy" else ()
        found = plain(part.scene, start, end, kind) | voices(piece, kind, beside, around, said)
        read = reading(found, self._settings.readers, kind)
        read = corrected(read, part.scene, start, end, kind, said)
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
            basis=basis(read, part.scene, start, end),
            time=time(read, part.scene, start, end),
            verdict=_shown(document, part, (start, end), read.outcome, said),
        )


def _asked(document: str, part: Part, known: Sequence[Claim], voice: Voice) -> Iterator[Claim]:
    """Remedies asked about in so many words ("does dry needling work?") that were not found."""
    for start, end in asked_about(part.scene):
        taken = (one for one in known if one.phrase_start < end)
        if any(start < one.phrase_start + len(one.phrase) for one in taken):
            continue
        first, last = _quote(part, start, end)
        yield Claim(
            kind="remedy",
            phrase=part.text[start:end],
            phrase_start=start,
            quote=Quote(document=document, part=part.name, start=first, text=part.text[first:last]),
            author=part.author,
            written=part.written,
            experiencer="question",
            assertion="hedged",
            confidence=ASKED,
            voice=voice,
        )


def by_chapter(part: Part) -> Iterator[tuple[int, Part]]:
    """The part in stretches that are read by themselves, each with where it begins."""
    if len(part.own) <= CHAPTER:
        yield 0, part
        return
    for start, end in chapters(part.own):
        yield start, replace(part, text=part.text[start:end], own=part.own[start:end])


def moved(claim: Claim, by: int) -> Claim:
    """The claim of a stretch that begins so many characters into its part."""
    if not by:
        return claim
    verdict = claim.verdict and replace(claim.verdict, start=claim.verdict.start + by)
    quote = replace(claim.quote, start=claim.quote.start + by)
    return replace(claim, phrase_start=claim.phrase_start + by, quote=quote, verdict=verdict)


def _within(candidates: Sequence[Candidate], start: int, end: int) -> list[Candidate]:
    """The candidates of a stretch, placed as seen from its beginning."""
    return [
        replace(one, start=one.start - start, end=one.end - start)
        for one in candidates
        if start <= one.start and one.end <= end
    ]


def _heading(part: Part) -> str:
    """What a text is read under: its title, or a plain one, as nothing without was learned from."""
    return part.context or ("" if part.role == "title" else UNTITLED)


def _span(piece: Piece) -> Span:
    return piece.start, piece.end


def _is_remedy(piece: Piece) -> bool:
    return KINDS[piece.candidate.kind] == "remedy"


def _may_be(part: Part, piece: Piece) -> bool:
    """Whether no rule of scope speaks against a piece: a joke, daily life, another's list."""
    if not is_claim(part.scene, piece.start, piece.end, KINDS[piece.candidate.kind]):
        return False
    said = idea(part.own[piece.start : piece.end]) <= part.said
    return not (said and is_recap(part.scene, piece.start))


def _without_triggers(
    part: Part, found: Sequence[tuple[Piece, float]]
) -> list[tuple[Piece, float]]:
    """The pieces less the remedies that are also proposed as triggers and said to hurt."""
    triggers = {_span(one) for one, _ in found if KINDS[one.candidate.kind] == "trigger"}
    return [
        (piece, sure)
        for piece, sure in found
        if not (
            _is_remedy(piece) and _span(piece) in triggers and does_harm(part.scene, *_span(piece))
        )
    ]


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
    before: deque[Part] = deque(maxlen=HEARD)
    for post in thread.posts:
        part = _post_part(post, thread.title, said)
        others = tuple(one for one in before if one.author != post.author)
        parts.append(replace(part, before=others))
        said |= repeats(post.text)
        before.append(part)
    return parts


def _post_part(post: Post, title: str, said: set[str]) -> Part:
    quoted = {key for quote in post.quotes for key in repeats(quote.text)}
    return Part(
        name=post.id,
        text=post.text,
        own=own_words(post.text, said | quoted if quoted else said),
        context=title,
        author=post.author,
        written=post.written,
        role="opener" if post.number == 1 else "reply",
    )


def _shown(
    document: str, part: Part, span: Span, outcome: Outcome, said: Sequence[Verdict]
) -> Quote | None:
    """The words that show an outcome; the sentence of the remedy where none stand out."""
    if outcome == "unknown":
        return None
    start, end = place(part.scene, span, outcome, said) or _quote(part, *span)
    return Quote(document=document, part=part.name, start=start, text=part.text[start:end])


def beside_each_other(claims: Sequence[Claim]) -> list[Claim]:
    """The claims; remedies whose outcome the same words show are told of one another."""
    sharing: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for claim in claims:
        if claim.verdict is not None:
            key = claim.verdict.start, claim.outcome, claim.experiencer
            sharing[key].append(claim.id)
    found = []
    for claim in claims:
        some = claim.verdict and sharing[claim.verdict.start, claim.outcome, claim.experiencer]
        others = tuple(one for one in some or () if one != claim.id)
        found.append(replace(claim, beside=others))
    return found


def _said(
    thread: Thread, parts: Sequence[Part], judged: Sequence[Sequence[Claim]]
) -> Iterator[Said]:
    """The texts of a thread with their claims, and which others each of them answers."""
    answers: dict[str, tuple[str, ...]] = {}
    last_of: dict[str, str] = {}
    above = "title"
    for post in thread.posts:
        quoted = [quote.post or last_of.get(quote.author or "") for quote in post.quotes]
        answers[post.id] = tuple(one for one in (post.reply_to, *quoted, above) if one)
        above = post.id
        if post.author:
            last_of[post.author] = post.id
    for part, claims in zip(parts, judged, strict=True):
        yield Said(
            part=part.name,
            text=part.text,
            author=part.author,
            seen=part.scene,
            claims=tuple(claims),
            written=part.written,
            answers=answers.get(part.name, ()),
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
