"""What a phrase that only points stands for: "that fixed it", "tried those", "yes, a lot".

A pointing phrase goes back to the nearest remedy its author has named in the same post; else to
one of the post it answers (replied to, quoted, or directly above) or of the author's own earlier
posts. What is found so is marked with what it stands for and is less sure than what is named.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files

from miner.caseless import Caseless
from miner.model import Claim, Outcome, Quote
from miner.outcomes import OUTCOMES, Read
from miner.scope import corrected, time
from miner.signals import Scene
from miner.spans import idea
from miner.text import Sentence
from miner.verdicts import owned, place, told

__all__ = ["Said", "resolved"]

NAMED, POINTED, SILENT = 0.7, 0.4, 0.4
"""What the confidence of a remedy is worth to a noun, a pronoun and an answer that point at it.

Of 14 that were resolved on labelled threads 2 of 6 nouns and 1 of 8 pronouns were resolved as the
reader did. A noun is mostly a claim all the same.
"""
LONGEST = 12
"""Words of an answer such as "yes, a lot"; a longer one speaks for itself."""
KEPT = 5
"""Posts of an author that are kept in mind."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A post of a thread with the claims found in it."""

    part: str
    text: str
    author: str | None
    seen: Scene
    claims: tuple[Claim, ...]
    written: datetime | None = None
    answers: tuple[str, ...] = ()
    """Parts it answers, the surest first: replied to, quoted, directly above."""

    @property
    def remedies(self) -> list[Claim]:
        """What it names as remedies, in order of place."""
        return [claim for claim in self.claims if claim.kind == "remedy"]


@dataclass(frozen=True, kw_only=True)
class Pointing:
    """A phrase that points: its place, and how."""

    start: int
    end: int
    frame: str
    """`tried`, `weakly`, `meant` or `does`."""


@cache
def _words() -> Mapping[str, Caseless]:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))
    some = {name: "|".join(words) for name, words in data["pointing"].items()}
    some["update"] = "|".join(data["outcome"]["update"])
    some["helping"] = "|".join(data["scope"]["helping"])
    word = rf"(?P<word>{some['word']})(?!\w)"
    built = {
        "tried": rf"(?:{some['tried']})\s+{word}",
        "weakly": rf"(?:{some['tried_weakly']})\s+{word}",
        "meant": rf"(?:{some['meant']})\s+(?:out\s+)?{word}",
        "does": rf"{word}(?:\s+|(?=[\x27’]))(?:[\x27’](?:s|ve)\s+)?(?:{some['does']})",
    }
    alone = {name: words for name, words in some.items() if name not in ("word", *built)}
    return {name: Caseless(rf"(?<!\w)(?:{words})(?!\w)") for name, words in (built | alone).items()}


def resolved(posts: Sequence[Said]) -> list[list[Claim]]:
    """The claims of each post, pointing ones resolved, and those that only the thread shows."""
    by: dict[str, Said] = {}
    own: dict[str | None, deque[Said]] = defaultdict(lambda: deque(maxlen=KEPT))
    for post in posts:
        mine = own[post.author] if post.author is not None else deque()
        thread = _Thread(by=by, mine=mine, here=post)
        here = replace(post, claims=tuple(_meaning(claim, thread) for claim in post.claims))
        thread = replace(thread, here=here)
        more = list(_pointed(thread)) or list(_answered(thread)) or list(_updated(thread))
        claims = sorted((*_shared(thread), *more), key=lambda c: (c.phrase_start, c.kind))
        by[post.part] = done = replace(here, claims=tuple(claims))
        if done.remedies:
            mine.appendleft(done)
    return [list(by[post.part].claims) for post in posts]


@dataclass(frozen=True, kw_only=True)
class _Thread:
    """A post and those before it."""

    by: Mapping[str, Said]
    mine: Iterable[Said]
    """The author's earlier posts that name remedies, the latest first; the title too."""
    here: Said

    def parents(self) -> Iterator[Said]:
        """The title, or the posts of others that this one answers, the surest first."""
        for part in self.here.answers:
            post = self.by.get(part)
            author = self.here.author
            if post and (part == "title" or author is None or post.author != author):
                yield post

    def meant(self, start: int) -> Claim | None:
        """The remedy that a word at a place of the post stands for."""
        before = [c for c in self.here.remedies if c.phrase_start < start and not _points(c)]
        if before:
            return before[-1]
        news = _words()["update"].search(self.here.text[: start + 1])
        opening = self.here.seen.sentences and self.here.seen.home(start) == 0
        parents = list(self.parents())
        sources = (self.mine, parents) if news or not opening else (parents, self.mine)
        for source in sources:
            for post in source:
                if remedies := [c for c in post.remedies if not _points(c) or c.means]:
                    return _answering(remedies)
        return None


def _answering(remedies: Sequence[Claim]) -> Claim:
    """The remedy of a post that a reply speaks of: the last one advised or asked, else the last."""
    offered = [claim for claim in remedies if claim.experiencer in ("advice", "question")]
    return (offered or remedies)[-1]


def _points(claim: Claim) -> bool:
    return claim.means is not None or bool(_words()["again"].fullmatch(claim.phrase.strip()))


def _meaning(claim: Claim, thread: _Thread) -> Claim:
    """The claim; where it only says "the drug" or "this stretch", with what that stands for."""
    words = thread.here.text[max(0, claim.phrase_start - 12) : claim.phrase_start]
    pointed = re.search(r"\b(?:the|this|that|these|those|my)(?: \w+)? $", words, re.IGNORECASE)
    full = (pointed[0] if pointed else "") + claim.phrase
    if claim.kind != "remedy" or not _words()["again"].fullmatch(full):
        return claim
    target = thread.meant(claim.phrase_start)
    if target is None or idea(target.words) == idea(claim.phrase):
        return claim
    return replace(claim, means=target.words, confidence=round(claim.confidence * NAMED, 4))


def _pointed(thread: _Thread) -> Iterator[Claim]:
    """Claims on what was named in other posts: "tried it, did nothing", "those work"."""
    here = thread.here
    taken: set[frozenset[str]] = {idea(claim.words) for claim in here.remedies}
    for pointing in _pointings(here.seen):
        target = thread.meant(pointing.start)
        if target is None or target.quote.part == here.part or idea(target.words) in taken:
            continue
        if claim := _claim(here, pointing, target):
            taken.add(idea(target.words))
            yield claim


def _pointings(seen: Scene) -> Iterator[Pointing]:
    words = _words()
    for sentence in seen.sentences:
        if sentence.text.rstrip().endswith("?"):
            continue
        for frame in ("tried", "does", "meant", "weakly"):
            match = words[frame].search(sentence.text)
            if match and not (_asides(sentence, match) or _relative(sentence, match)):
                start, end = match.span("word")
                yield Pointing(start=sentence.start + start, end=sentence.start + end, frame=frame)
                break


def _relative(sentence: Sentence, match: re.Match[str]) -> bool:
    """Whether the word is the "that" of a noun in front of it: "no treatment that cures it"."""
    if match["word"].lower() != "that":
        return False
    before = sentence.text[: match.start("word")].split()
    return bool(before) and before[-1][-1].isalnum() and not _words()["opens"].fullmatch(before[-1])


_ASIDE = re.compile(
    r"\b(?:hope|hoping|wish|let (?:me|us) know|if|whether|glad|sorry)\b[^,;.]*$",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\b(?:thanks?|thank you|cheers|thx)\b", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:you|he|she|they|people|who|have you)\W+(?:\w+\W+){0,2}$", re.IGNORECASE)


def _asides(sentence: Sentence, match: re.Match[str]) -> bool:
    """Whether the words wish, thank or speak of somebody else."""
    before, after = sentence.text[: match.start()], sentence.text[match.end("word") :]
    if _THANKS.search(before) and re.match(r"\s+helps?\b", after):
        return True
    return bool(_ASIDE.search(before) or _OTHERS.search(before))


def _claim(here: Said, pointing: Pointing, target: Claim) -> Claim | None:
    """What the author says of the remedy pointed at; None where nothing is said of it."""
    span = (pointing.start, pointing.end)
    verdicts = [one for one in owned(here.seen, [span])[span] if one.where != "front"]
    meant = pointing.frame == "meant"
    outcome: Outcome = (None if meant else told(verdicts)) or "unknown"
    read = Read(outcome=outcome, assertion="asserted", experiencer="self")
    read = corrected(read, here.seen, *span, "remedy", verdicts)
    if pointing.frame in ("weakly", "does") and read.outcome == "unknown":
        return None
    shown = place(here.seen, span, read.outcome, verdicts) if read.outcome != "unknown" else None
    made = _made(here, span, target, read, shown, POINTED)
    return replace(made, time="plan" if meant else time(read, here.seen, *span))


def _made(
    here: Said,
    span: tuple[int, int],
    target: Claim,
    read: Read,
    shown: tuple[int, int] | None,
    worth: float,
) -> Claim:
    home = here.seen.sentences[here.seen.home(span[0])]
    document = target.quote.document
    return Claim(
        kind="remedy",
        phrase=here.text[span[0] : span[1]],
        phrase_start=span[0],
        quote=_quote(here, document, min(home.start, span[0]), max(home.end, span[1])),
        author=here.author,
        written=here.written,
        experiencer=read.experiencer,
        assertion=read.assertion,
        outcome=read.outcome,
        confidence=round(target.confidence * worth, 4),
        verdict=_quote(here, document, *shown) if shown else None,
        means=target.words,
    )


def _quote(here: Said, document: str, start: int, end: int) -> Quote:
    return Quote(document=document, part=here.part, start=start, text=here.text[start:end])


def _answered(thread: _Thread) -> Iterator[Claim]:
    """The verdict in "yes, a lot" after "did the insoles help?", if one thing was asked about."""
    here = thread.here
    parent = next(thread.parents(), None)
    if parent is None or here.remedies or not here.seen.sentences:
        return
    asked = {idea(claim.words): claim for claim in parent.remedies if _asks(parent, claim)}
    first = here.seen.sentences[0]
    says = _answer(first.text)
    if len(asked) == 1 and says and len(first.text.split()) <= LONGEST:
        read = Read(outcome=says, assertion="asserted", experiencer="self")
        span = first.start, first.end
        yield _made(here, span, next(iter(asked.values())), read, span, SILENT)


def _asks(post: Said, claim: Claim) -> bool:
    """Whether a remedy stands in a question after what it did."""
    sentence = post.seen.sentences[post.seen.home(claim.phrase_start)].text
    return sentence.rstrip().endswith("?") and bool(_words()["helping"].search(sentence))


def _answer(sentence: str) -> Outcome | None:
    words, text = _words(), sentence.strip()
    if words["both"].search(text):
        return None
    if words["no"].match(text):
        return "no_effect"
    if words["some"].match(text):
        return "mixed"
    if words["yes"].match(text):
        return "mixed" if words["some"].search(text) or " but " in text else "helped"
    return None


def _updated(thread: _Thread) -> Iterator[Claim]:
    """The verdict of an update that names nothing, on the one thing its author had been trying."""
    here = thread.here
    if here.remedies or not here.seen.sentences:
        return
    if not _words()["update"].match(here.text.lstrip("* _\n")):
        return
    open_ones: dict[frozenset[str], Claim] = {}
    for post in thread.mine:
        for claim in post.remedies:
            if claim.experiencer == "self" and claim.assertion != "negated":
                open_ones.setdefault(idea(claim.words), claim)
        if open_ones:
            break
    said = [(i, cue) for i in range(min(2, len(here.seen.cues))) for cue in here.seen.cues[i]]
    outcome = next((o for o in OUTCOMES if {cue.says for _, cue in said} == {o}), None)
    if len(open_ones) == 1 and outcome:
        index, cue = said[0]
        start = here.seen.sentences[index].start
        span = start + cue.start, start + cue.end
        read = Read(outcome=outcome, assertion="asserted", experiencer="self")
        yield _made(here, span, next(iter(open_ones.values())), read, span, SILENT)


def _is_news(seen: Scene, start: int) -> bool:
    """Whether the sentence, or the one before it, announces what came later."""
    home = seen.home(start)
    return any(index in (home - 1, home) for index in seen.updates)


def _shared(thread: _Thread) -> list[Claim]:
    """The claims of the post; one that a word points back to in it takes the verdict said there."""
    here, found = thread.here, {claim.id: claim for claim in thread.here.claims}
    for pointing in _pointings(here.seen):
        target = thread.meant(pointing.start)
        if target is None or target.id not in found or pointing.frame not in ("does", "tried"):
            continue
        claim = found[target.id]
        news = _is_news(here.seen, pointing.start)
        if (news or claim.outcome == "unknown") and claim.experiencer in ("self", "other"):
            span = (pointing.start, pointing.end)
            verdicts = [one for one in owned(here.seen, [span])[span] if one.where == "behind"]
            outcome = told(verdicts)
            if outcome and claim.assertion == "asserted":
                where = place(here.seen, span, outcome, verdicts)
                shown = _quote(here, claim.quote.document, *where) if where else None
                found[target.id] = replace(claim, outcome=outcome, verdict=shown)
    return list(found.values())
