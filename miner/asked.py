"""The engine `endpoint`: claims of threads as a chat model reads them, post by post.

Off unless a person chooses it. Every answer is kept, so that a run that was interrupted or whose
budget is spent goes on with the rest. Articles are read by the offline engine.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from crawler.documents import Document, Post, Thread
from miner import questions
from miner.answers import Place, Read, claims_of, items
from miner.claims import Extractor, Part, parts_of
from miner.endpoint import (
    REPLY,
    BudgetSpent,
    Client,
    Endpoint,
    EndpointError,
    NoReply,
    Reply,
    TooLong,
)
from miner.errors import Unfinished
from miner.model import Claim
from miner.questions import Passage, Question, passages
from miner.rivals import one_per_idea

__all__ = ["Asked", "Memory"]

log = logging.getLogger(__name__)

GIVE_UP = 3
"""Questions without a reply, one after the other, until no more are asked."""
ROOMY = 4
"""So many times the tokens a reply may have at a second try, where the first was cut off."""

Show = Callable[[str, int, int | None], None]


class Memory(Protocol):
    """Keeps answers: `miner.knowledge` does."""

    def answer(self, document: str, key: str) -> str | None:
        """What was kept under that key."""

    def keep_answer(self, document: str, key: str, value: str) -> None:
        """Keeps it at once."""

    def keep_answers(self, document: str, keys: Iterable[str]) -> None:
        """Forgets the other answers of a document: they are on texts that are no more."""


@dataclass(kw_only=True)
class _State:
    """How far one thread is."""

    thread: Thread
    claims: list[Claim] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """Names of the answers it needs."""
    left: int = 0
    """Posts that were not asked about, or without a reply."""
    reason: str = ""
    named: dict[str, dict[str, None]] = field(default_factory=dict)
    """Remedies by author, in order and each once."""

    @cached_property
    def by_id(self) -> dict[str, Post]:
        """The posts."""
        return {post.id: post for post in self.thread.posts}

    def add(self, found: Sequence[Claim]) -> None:
        """Takes the claims of a post in, one row per idea of a part."""
        for part in dict.fromkeys(claim.quote.part for claim in found):
            kept = one_per_idea([claim for claim in found if claim.quote.part == part])
            self.claims += kept
            for claim in kept:
                if claim.author and claim.kind == "remedy":
                    words = " ".join(claim.words.split())
                    self.named.setdefault(claim.author, {})[words] = None


class Asked:
    """Finds claims by asking an endpoint; see `miner.engines.Engine`."""

    def __init__(
        self, endpoint: Endpoint, memory: Memory, show: Show, client: Client | None = None
    ) -> None:
        """Asks nothing yet."""
        self.endpoint, self.memory, self.show = endpoint, memory, show
        self.client = client or Client(endpoint)
        self.name = f"endpoint:{endpoint.model}"
        self.dropped: Counter[str] = Counter()
        self._silent, self._met, self._over = 0, False, ""

    @cached_property
    def offline(self) -> Extractor:
        """What reads articles."""
        return Extractor()

    @property
    def version(self) -> str:
        """Model, task, and what reads articles."""
        return f"{self.name}@{questions.version()}+{self.offline.version}"

    @property
    def counts(self) -> dict[str, int]:
        """What was used and what was thrown away in this run."""
        spent = self.client.spent
        used = {"requests": spent.requests, "tokens": spent.tokens}
        return used | {"answers dropped": self.dropped.total()}

    def extract(self, document: Document) -> list[Claim]:
        """The claims of one document; Unfinished, with those there are, where posts are left.

        Raises EndpointError where nothing can be asked at all.
        """
        if not isinstance(document, Thread):
            return self.offline.extract(document)
        state = _State(thread=document)
        for part, post in _posts(state):
            self._read(state, part, post)
        if state.left:
            raise Unfinished(state.reason, claims=state.claims, left=state.left)
        self.memory.keep_answers(document.source.url, state.keys)
        return state.claims

    def _read(self, state: _State, part: Part, post: Post) -> None:
        """Adds the claims of a post, with its title where it is the first."""
        titles = _titles(state.thread, post)
        place = _place(state.thread, part, self.name)
        found: list[Claim] = []
        for piece in passages(part.name, part.own):
            question = _question(state, post, piece, titles)
            titles = ()
            try:
                read = self._answered(state, question, place)
            except (BudgetSpent, NoReply) as error:
                state.left += 1
                state.reason = str(error)
                break
            self.dropped += read.dropped
            found += read.claims
        state.add(found)

    def _answered(self, state: _State, question: Question, place: Place) -> Read:
        """What is known of the answer, else what the endpoint says."""
        url, key = place.document, question.key(self.endpoint.model)
        kept = self.memory.answer(url, key)
        if kept is None:
            kept = self._new(question)
            self.memory.keep_answer(url, key, kept)
            self.show("questions", self.client.spent.requests, self.endpoint.requests)
        state.keys.append(key)
        read = claims_of(json.loads(kept)["items"], question, place)
        log.debug("%s: %d claims, dropped: %s", url, len(read.claims), dict(read.dropped))
        return read

    def _new(self, question: Question) -> str:
        """The answer as it is kept: its items, or none and why."""
        if self._over:
            raise BudgetSpent(self._over)
        try:
            found = self._asked(question)
        except BudgetSpent as error:
            self._over = str(error)
            raise
        except TooLong:
            # Asked again, it would be too long again.
            found = None
        except NoReply as error:
            self._count(error)
            raise
        self._silent, self._met = 0, True
        if found is None:
            self.dropped["unreadable answer"] += 1
        return json.dumps({"items": found or [], "read": found is not None}, ensure_ascii=False)

    def _count(self, error: NoReply) -> None:
        """Gives up where nothing ever came, or nothing comes any more."""
        if not self._met:
            raise EndpointError(str(error)) from error
        self._silent += 1
        if self._silent >= GIVE_UP:
            self._over = str(error)

    def _asked(self, question: Question) -> list[object] | None:
        """The items of the reply, asked for twice where the first cannot be read."""
        reply = self._ask(question)
        found = items(reply.text)
        if found is None or reply.cut:
            again = self._ask(question, roomy=True)
            found = items(again.text) or found
        return found

    def _ask(self, question: Question, *, roomy: bool = False) -> Reply:
        """The reply; a question that is too long goes without what is around it."""
        most = REPLY * (ROOMY if roomy else 1)
        try:
            return self.client.ask(question.messages(), questions.SCHEMA, most)
        except TooLong:
            if question.bare == question:
                raise
            return self.client.ask(question.bare.messages(), questions.SCHEMA, most)


def _posts(state: _State) -> Iterator[tuple[Part, Post]]:
    """The posts with their own words, in order."""
    parts = (part for part in parts_of(state.thread) if part.role != "title")
    return ((part, state.by_id[part.name]) for part in parts)


def _titles(thread: Thread, post: Post) -> Sequence[Passage]:
    """The title, with the post of whoever gave it."""
    if post is not thread.posts[0] or post.number != 1:
        return ()
    return tuple(passages("title", thread.title))[:1]


def _question(state: _State, post: Post, piece: Passage, titles: Iterable[Passage]) -> Question:
    return Question(
        post=piece,
        title=next(iter(titles), None),
        thread=state.thread.title,
        answers=_answered_by(state, post),
        before=tuple(state.named.get(post.author or "", ())),
    )


def _answered_by(state: _State, post: Post) -> str:
    """What a post replies to: as the site says, else what it quotes, else the opening."""
    opening = state.thread.posts[0]
    if post is opening:
        return ""
    if post.reply_to in state.by_id:
        return state.by_id[post.reply_to].text
    return post.quotes[-1].text if post.quotes else opening.text


def _place(thread: Thread, part: Part, engine: str) -> Place:
    return Place(
        document=thread.source.url,
        texts={part.name: part.text, "title": thread.title},
        fields={"author": part.author, "written": part.written, "engine": engine},
    )
