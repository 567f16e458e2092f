"""What members ask in a thread, and how many wrote back on it. Pure; by plain rules.

A question counts that somebody else could answer: not "any ideas?", not what is asked back of the
one who asked, not advice in the form of a question. Somebody wrote back on it who states something
and either answers that post or uses one of its telling words; whether they are right is not judged.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files

from crawler.documents import Post, Thread
from miner.claims import Part, parts_of
from miner.model import MemberQuestion, Quote
from miner.phrases import lemma, words
from miner.text import Sentence, fold, sentences

__all__ = ["questions", "telling"]

SHORTEST, LONGEST = 3, 50
"""Words of a question: below it says too little, above it is a story."""
STATED = 6
"""Words in a sentence that states something."""


@dataclass(frozen=True, kw_only=True)
class _Cues:
    openings: re.Pattern[str]
    turned: re.Pattern[str]
    to_all: re.Pattern[str]
    advice: re.Pattern[str]
    hollow: re.Pattern[str]
    empty: frozenset[str]


@cache
def _cues() -> _Cues:
    data = files("miner").joinpath("data")
    said = tomllib.loads(data.joinpath("asking.toml").read_text("utf-8"))
    common = tomllib.loads(data.joinpath("common_words.toml").read_text("utf-8"))["words"]
    openings = [
        rf"^(?:\W|(?:so|and|but|or|also|hi|hello|hey)\b)*{some}" for some in said["openings"]
    ]
    return _Cues(
        openings=_any(openings),
        empty=frozenset([*said["empty"], *common]),
        **{name: _any(said[name]) for name in ("turned", "to_all", "advice", "hollow")},
    )


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{some})" for some in patterns), re.IGNORECASE)


def questions(thread: Thread) -> list[MemberQuestion]:
    """The questions of a thread in order, word for word, each with how many wrote back on it."""
    parts = parts_of(thread)
    opener = thread.posts[0].author if thread.posts and thread.posts[0].number == 1 else None
    asked = [
        (place, part, sentence)
        for place, part in enumerate(parts)
        for sentence in _asked(part, opens=place <= 1 or _is(part, opener))
    ]
    if not asked:
        return []
    heard = [
        _Reply(post=post, part=part) for post, part in zip(thread.posts, parts[1:], strict=True)
    ]
    return [
        _question(thread, part, sentence, _answers(sentence.text, thread.posts, heard, place))
        for place, part, sentence in asked
    ]


def _is(part: Part, author: str | None) -> bool:
    """Whether the author wrote the part; nobody knows who an unnamed post is of."""
    return author is not None and part.author == author


def _question(thread: Thread, part: Part, sentence: Sentence, answers: int) -> MemberQuestion:
    return MemberQuestion(
        quote=Quote(
            document=thread.source.url,
            part=part.name,
            start=sentence.start,
            text=part.text[sentence.start : sentence.end],
        ),
        author=part.author,
        written=part.written,
        answers=answers,
    )


def _asked(part: Part, *, opens: bool) -> Iterator[Sentence]:
    """The sentences of a part that ask; in a reply only what is asked of all."""
    for sentence in sentences(part.own):
        if _asks(sentence.text) and _answerable(sentence.text, opens=opens):
            yield sentence


_ENDS = re.compile(r"(?<!\?)\?[\s\"'”’)\]!?.…\U0001f300-\U0001faff]{0,20}$")


def _asks(text: str) -> bool:
    return bool(_ENDS.search(text[-20:]) or _cues().openings.search(text[:80]))


def _answerable(text: str, *, opens: bool) -> bool:
    """Whether somebody could answer who knows nothing of the one who asks."""
    cues = _cues()
    if not SHORTEST <= len(words(text)) <= LONGEST or not telling(text):
        return False
    if cues.advice.search(text) and not cues.to_all.search(text):
        return False
    return opens or not cues.turned.search(text) or bool(cues.to_all.search(text))


@lru_cache(maxsize=4096)
def telling(text: str) -> frozenset[str]:
    """Its words that say what it is about, in their usual form."""
    empty = _cues().empty
    said = (word.lower() for word in words(text) if len(word) > 2)
    found = (lemma(word) for word in said if word not in empty)
    return frozenset(word for word in found if word not in empty)


# --- replies --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Reply:
    """A post as an answer: what it states, and to whom; looked at where a question may need it."""

    post: Post
    part: Part

    @cached_property
    def states(self) -> bool:
        """Whether it states something."""
        return any(_states(sentence.text) for sentence in sentences(self.part.own))

    @cached_property
    def words(self) -> frozenset[str]:
        """Its telling words."""
        return telling(self.part.own)


def _states(text: str) -> bool:
    return (
        len(words(text)) >= STATED and not _asks(text) and not _cues().hollow.search(text.strip())
    )


def _answers(question: str, posts: Sequence[Post], heard: Sequence[_Reply], place: int) -> int:
    """How many others wrote back on a question of the part at that place, the title first."""
    if not posts:
        return 0
    at = max(0, place - 1)  # The title belongs to whoever opened the thread.
    post, people = posts[at], set()
    about, folded = telling(question), fold(question)
    for reply in heard[at + 1 :]:
        named = reply.post.author is not None and post.author is not None
        linked = _linked(reply.post, post, folded)
        stranger = reply.post.author != post.author if named else linked
        if stranger and reply.states and (linked or about & reply.words):
            people.add(reply.post.author or reply.post.id)
    return len(people)


def _linked(reply: Post, post: Post, folded: str) -> bool:
    """Whether a post says itself that it answers the other one."""
    if post.id in (reply.reply_to, *(quote.post for quote in reply.quotes)):
        return True
    return any(folded in fold(quote.text) for quote in reply.quotes)
