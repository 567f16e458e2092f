"""Whose condition, and which: what a sentence or a post says of its speaker, beside the thread's.

A condition that is named in passing takes nothing over: one denied, doubted or somebody else's, a
body part, or one beside the thread's own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from crawler.documents import Thread
from miner.lexicon import NAME, WIDER, Lexicon, Mention, mended, mentions
from miner.model import Claim
from miner.vocabulary import related

__all__ = ["is_complained", "is_denied", "of_claims"]

REACH = 60
"""So many characters before a name an own word or a denial may stand."""
NEAR = 120
"""So many characters to either side of a part of the body a complaint may stand."""
SPAN = 300
"""So many characters to either side of a claim its sentence reaches at most."""
_SENTENCE = re.compile(r"[^.!?\n]+")


@dataclass(frozen=True, kw_only=True)
class _Patterns:
    own: re.Pattern[str]
    theirs: re.Pattern[str]
    denied: re.Pattern[str]
    denied_close: re.Pattern[str]
    doubted: re.Pattern[str]
    complaint: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    data = tomllib.loads((files("miner") / "data" / "cases.toml").read_text("utf-8"))
    either = {name: "|".join(some) for name, some in data.items()}
    but = "(?! (?:only|just|sure))"
    close = rf"\b(?:{either['theirs_close']})\s+(?:\w+\s+)?$"
    return _Patterns(
        own=_any(rf"\b(?:{either['own']})\b"),
        theirs=_any(rf"\b(?:{either['theirs']})\b|{close}"),
        denied=_any(rf"\b(?:{either['denied']})\b{but}[^.;:!?]*$"),
        denied_close=_any(
            rf"\b(?:{either['denied_close']}){but}\s+(?:(?:{either['fill']})\s+){{0,3}}$"
        ),
        doubted=_any(rf"\b(?:{either['doubted']})\b"),
        complaint=_any(rf"\b(?:{either['complaint']})\b"),
    )


def _any(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def is_denied(text: str, place: int) -> bool:
    """Whether what is named at a place of a text is said not to be there."""
    before = text[max(0, place - REACH) : place].replace("\u2019", "'")
    return bool(_patterns().denied_close.search(before))


def is_complained(text: str, start: int, end: int) -> bool:
    """Whether the sentence around a range of a text says that something is wrong."""
    left = _SENTENCE.findall(text[max(0, start - NEAR) : start])
    right = _SENTENCE.match(text[end : end + NEAR])
    beside = f"{left[-1] if left else ''} # {right.group() if right else ''}"
    return bool(_patterns().complaint.search(beside))


def of_claims(
    claims: Sequence[Claim], thread: Thread, about: str | None, known: Lexicon
) -> list[Claim]:
    """The claims of a thread: what the sentence says of its speaker, else the post, else all."""
    texts = {post.id: post.text for post in thread.posts}
    first = thread.posts[0].id if thread.posts else ""
    told = dict.fromkeys(claim.quote.part for claim in claims)
    posts = {
        part: _of_post(texts[part], about, known)
        for part in told
        if part in texts and part != first
    }
    found = []
    for claim in claims:
        part = claim.quote.part
        own = _of_sentence(claim, texts[part], about, known) if part in texts else None
        if part == first and _is_rival(own, about, known):
            own = None
        found.append(replace(claim, condition=own or posts.get(part) or about))
    return found


def _is_rival(own: str | None, about: str | None, known: Lexicon) -> bool:
    """True for a narrow kin of what the opener has: of rival diagnoses the thread's is likelier."""
    if own is None or about is None or known.by_id[about].wide:
        return False
    return related(own, about, known.known)


def _of_sentence(claim: Claim, text: str, about: str | None, known: Lexicon) -> str | None:
    """The one condition its sentence says the claim's speaker, or who it is of, has."""
    named, plain = _named(_sentence_of(claim, text), known)
    if about is not None and any(m.condition == about for m in named):
        return None
    theirs = claim.experiencer == "other"
    own = (m for m in named if m.weight >= NAME and _is_own(plain[: m.start], theirs))
    return _one({m.condition for m in own}, about, known)


def _sentence_of(claim: Claim, text: str) -> str:
    """The sentence in which a claim's phrase stands, cut where it is very long."""
    start, end = claim.phrase_start, claim.phrase_start + len(claim.phrase)
    before, after = text[max(0, start - SPAN) : start], text[end : end + SPAN]
    opening = max(before.rfind(mark) for mark in ".!?\n") + 1
    closing = _SENTENCE.match(after)
    return before[opening:] + text[start:end] + (closing.group() if closing else "")


def _named(sentence: str, known: Lexicon) -> tuple[list[Mention], str]:
    """What a sentence names, and the sentence as it was read."""
    plain = mended(sentence.replace("\u2019", "'"), known)
    return [m for m in mentions(plain, known) if m.weight >= WIDER], plain


def _of_post(text: str, about: str | None, known: Lexicon) -> str | None:
    """The one other condition a post claims for its author, unless it names the thread's too."""
    own: set[str] = set()
    for sentence in _SENTENCE.findall(text):
        named, plain = _named(sentence, known)
        if about is not None and any(m.condition == about for m in named):
            return None
        own |= {
            m.condition
            for m in named
            if m.weight >= NAME and _is_own(plain[max(0, m.start - SPAN) : m.start])
        }
    return _one(own, about, known)


def _one(own: set[str], about: str | None, known: Lexicon) -> str | None:
    """The only narrow one, else the only wide one; a wide one says no more than its region."""
    narrow = {some for some in own if not known.by_id[some].wide}
    found = narrow or own
    if len(found) != 1:
        return None
    (only,) = found
    here = known.by_id[about].region if about is not None and about in known.by_id else None
    return None if known.by_id[only].wide and known.by_id[only].region == here else only


def _is_own(before: str, theirs: bool = False) -> bool:
    """True where the words before a name make it the author's, or somebody's of theirs."""
    near, words = before[-REACH:], _patterns()
    if words.denied.search(before[-SPAN:]) or words.doubted.search(near):
        return False
    others = words.theirs.search(near)
    return bool(others) if theirs else bool(words.own.search(near)) and not others
