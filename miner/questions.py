"""What a chat model is asked about a post: its text with names masked, and what it answers.

A post is sent as data inside JSON, so that nothing it says can be taken for the task. Where every
letter of what was sent stands in the stored text is kept, for the quotes that come back.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from miner.model import Assertion, Basis, Experiencer, Kind, Outcome, Time

__all__ = ["CHOICES", "SCHEMA", "Passage", "Question", "passages", "shown", "version"]

LONGEST = 12_000
"""Characters of a post that are sent at once; a longer one is asked about in pieces."""
AROUND = 1_200
"""Characters of a post that is answered, or of a title, sent for understanding."""
BEFORE = 20
"""Earlier remedies of the author that are sent along."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "outcome": get_args(Outcome),
    "experiencer": get_args(Experiencer),
    "assertion": get_args(Assertion),
    "basis": get_args(Basis),
    "time": get_args(Time),
}
"""Fields of an item that hold one of a few words."""
WORDS = ("quote", "phrase", "means", "verdict")
"""Fields that hold words of the texts."""

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    **{name: {"type": "string"} for name in WORDS},
                    **{name: {"type": "string", "enum": list(c)} for name, c in CHOICES.items()},
                },
                "required": [*WORDS, *CHOICES],
                "additionalProperties": False,
            },
        }
    },
    "required": ["claims"],
    "additionalProperties": False,
}
"""JSON schema of an answer, in the part of the language that strict servers take."""


@cache
def version() -> str:
    """Ten hex digits that change when the task, the schema or the way of sending does."""
    told = json.dumps([_task(), SCHEMA, LONGEST, AROUND, BEFORE, "1"])
    return hashlib.sha256(told.encode()).hexdigest()[:10]


@cache
def _task() -> str:
    text = (files("miner") / "data" / "prompt.toml").read_text("utf-8")
    return str(tomllib.loads(text)["task"]).strip()


# --- masking ------------------------------------------------------------------------------

_MASKED = re.compile(
    r"(?P<name>(?<![\w@])@?m_[0-9a-f]{6,}\b|(?<![\w@./])@[A-Za-z][\w.\-]*\w|"
    r"(?<![\w/.])/?u/[A-Za-z0-9][\w-]{2,30})"
    r"|(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
    r"|(?P<link>(?:https?://|www\.)[^\s<>\"']+)"
)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A text as it is sent, and where each of its letters stands in the stored one."""

    part: str
    """Part of the document it belongs to."""
    text: str
    places: tuple[int, ...]
    """Offset in the stored part of each letter, and of the end."""


def shown(text: str) -> str:
    """A text with pseudonyms, mentions, addresses and links masked, for understanding only."""
    return _MASKED.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    return f"[{found.lastgroup}]"


def passages(part: str, own: str) -> Iterator[Passage]:
    """The own words of a part, masked, in pieces of at most so many letters; none where blank."""
    for start, end in _pieces(own):
        if own[start:end].strip():
            yield _passage(part, own, start, end)


def _passage(part: str, own: str, start: int, end: int) -> Passage:
    letters: list[str] = []
    places: list[int] = []
    done = start
    for found in _MASKED.finditer(own, start, end):
        letters += own[done : found.start()]
        places += range(done, found.start())
        mask = _mask(found)
        letters += mask
        places += [found.start()] * len(mask)
        done = found.end()
    letters += own[done:end]
    places += range(done, end)
    return _squeezed(Passage(part=part, text="".join(letters), places=(*places, end)))


def _squeezed(passage: Passage) -> Passage:
    """Without runs of blanks, which stand where others' words were."""
    kept = [
        place
        for place, letter in enumerate(passage.text)
        if letter not in " \t" or passage.text[place - 1 : place] not in (" ", "\t")
    ]
    return replace(
        passage,
        text="".join(passage.text[place] for place in kept),
        places=(*(passage.places[place] for place in kept), passage.places[-1]),
    )


def _pieces(own: str) -> Iterator[tuple[int, int]]:
    """Ranges of a text, cut at a line, a sentence or a blank."""
    start = 0
    while len(own) - start > LONGEST:
        ends = (own.rfind(mark, start + LONGEST // 2, start + LONGEST) for mark in "\n. ")
        cut = next((end + 1 for end in ends if end > 0), start + LONGEST)
        yield start, cut
        start = cut
    yield start, len(own)


# --- questions ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Question:
    """All that is sent about one post, or a piece of one."""

    post: Passage
    title: Passage | None = None
    """The author's own title, with their first post."""
    thread: str = ""
    """Title of the thread, of whomever it is."""
    answers: str = ""
    """What the post replies to."""
    before: Sequence[str] = ()
    """Remedies the author named earlier in the thread."""

    @property
    def known(self) -> str:
        """What may be pointed at: all that was sent."""
        return "\n".join((self.post.text, self.thread, self.answers, *self.before))

    @property
    def bare(self) -> Question:
        """The same without what is only for understanding, for a model that reads little."""
        return replace(self, answers="", before=())

    def messages(self) -> list[dict[str, str]]:
        """The task and the texts."""
        told: dict[str, Any] = {"post": self.post.text}
        if self.title is not None:
            told["title"] = self.title.text
        elif self.thread:
            told["thread"] = shown(self.thread)[:AROUND]
        if self.answers:
            told["answers"] = shown(self.answers)[:AROUND]
        if self.before:
            told["tried_before"] = [shown(some) for some in self.before[-BEFORE:]]
        return [
            {"role": "system", "content": _task()},
            {"role": "user", "content": json.dumps(told, ensure_ascii=False)},
        ]

    def key(self, model: str) -> str:
        """Name of the answer: the same texts, model and version are never asked about twice."""
        told = json.dumps([model, version(), self.messages()[1]["content"]])
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
