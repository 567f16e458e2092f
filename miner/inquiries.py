"""What people ask, grouped by meaning: an inquiry is questions that want one answer. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from crawler.hosts import site_of
from miner.memory import Memory, Mind
from miner.model import Claim, MemberQuestion

__all__ = ["Inquiry", "grouped", "inquiries", "linked"]

Rows = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Rows]
Partition = Callable[[Rows, Sequence[int], Sequence[int]], NDArray[np.int64]]
"""A label per row, of unit rows, their weights and the blocks that stay together."""

LONGEST = 300
"""Characters of a question that are compared."""
_LATE = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """Questions of one meaning; counts are of people."""

    id: str
    questions: tuple[MemberQuestion, ...]
    """Most typical first."""

    @property
    def text(self) -> str:
        """The most typical question, word for word."""
        return self.questions[0].quote.text

    @property
    def askers(self) -> int:
        """People who ask it."""
        return len({one.voter for one in self.questions})

    @property
    def answered(self) -> int:
        """How many of these somebody wrote back to."""
        return len({one.voter for one in self.questions if one.answers})

    @property
    def open(self) -> int:
        """How many of these nobody wrote back to."""
        return self.askers - self.answered

    @property
    def threads(self) -> int:
        """Threads it is asked in."""
        return len({one.quote.document for one in self.questions})

    @property
    def sites(self) -> int:
        """Sites it is asked on."""
        return len({site_of(one.quote.document) for one in self.questions})

    @property
    def themes(self) -> tuple[str, ...]:
        """Ids of the themes it speaks of, most frequent first."""
        heard = Counter(theme for one in self.questions for theme in one.themes)
        return tuple(sorted(heard, key=lambda theme: (-heard[theme], theme)))


def inquiries(questions: Iterable[MemberQuestion]) -> list[Inquiry]:
    """The inquiries of stored questions, most people first."""
    by_id: dict[str, list[MemberQuestion]] = defaultdict(list)
    for one in questions:
        by_id[one.inquiry].append(one)
    found = [Inquiry(id=key, questions=tuple(some)) for key, some in by_id.items()]
    return sorted(found, key=lambda one: (-one.askers, -one.open, one.id))


def linked(
    questions: Iterable[MemberQuestion], claims: Iterable[Claim], theme_of: Mapping[str, str]
) -> list[MemberQuestion]:
    """The questions with the themes of the claims that stand in them."""
    places: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.id in theme_of:
            places[claim.quote.document, claim.quote.part].append(claim)
    return [_linked(one, places[one.quote.document, one.quote.part], theme_of) for one in questions]


def _linked(
    one: MemberQuestion, claims: Sequence[Claim], theme_of: Mapping[str, str]
) -> MemberQuestion:
    quote = one.quote
    inside = [claim for claim in claims if quote.start <= claim.phrase_start < quote.end]
    return replace(one, themes=tuple(dict.fromkeys(theme_of[claim.id] for claim in inside)))


def grouped(
    questions: Sequence[MemberQuestion],
    encode: Encode,
    partition: Partition,
    memory: Memory | None = None,
) -> tuple[MemberQuestion, ...]:
    """The questions with their inquiries, in the order of `inquiries`, whatever order they came in.

    An inquiry is named after its oldest question, so that it keeps its id while that one stays.
    `memory` spares comparing the same questions again, and changes nothing.
    """
    if not questions:
        return ()
    by_text: dict[str, list[MemberQuestion]] = defaultdict(list)
    for one in sorted(questions, key=lambda one: one.id):
        by_text[" ".join(one.quote.text.split()).lower()[:LONGEST]].append(one)
    texts = sorted(by_text)
    rows = encode(texts)
    weights = [len({one.voter for one in by_text[text]}) for text in texts]
    labels = _labels(texts, weights, memory or Mind(), partial(partition, rows, weights))
    found: list[MemberQuestion] = []
    ends = np.cumsum(np.bincount(labels))
    for place in np.split(np.argsort(labels, kind="stable"), ends[:-1]):
        order = place[
            np.argsort(-_typical(rows[place], [weights[i] for i in place]), kind="stable")
        ]
        members = [one for i in order for one in by_text[texts[i]]]
        name = _name(members)
        found += [replace(one, inquiry=name) for one in members]
    return tuple(one for some in inquiries(found) for one in some.questions)


def _labels(
    texts: Sequence[str],
    weights: Sequence[int],
    memory: Memory,
    partition: Callable[[Sequence[int]], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """A label per text, from 0 without holes."""
    said = json.dumps([texts, weights]).encode()
    key = f"inquiries {hashlib.sha256(said).hexdigest()[:32]}"
    if known := memory.recall([key]).get(key):
        found = np.array(json.loads(known), dtype=np.int64)
        if len(found) == len(texts):
            return found
    labels = partition(range(len(texts)))
    memory.keep({key: json.dumps(labels.tolist(), separators=(",", ":"))})
    return labels


def _typical(rows: Rows, weights: Sequence[int]) -> NDArray[np.float64]:
    """How near each row is to the middle of all, in four digits so that ties are ties anywhere."""
    centre = np.asarray(weights, dtype=np.float32) @ rows
    near = rows @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    return np.asarray(np.round(near, 4), dtype=np.float64)


def _name(members: Iterable[MemberQuestion]) -> str:
    oldest = min(members, key=lambda one: (one.written or _LATE, one.id))
    return f"ask-{hashlib.sha256(oldest.id.encode()).hexdigest()[:8]}"
