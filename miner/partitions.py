"""Steps that depend on nothing but what they are given, so that any machine can take a share.

An order comes in and an answer goes out as bytes of JSON: what another machine sends back is data
that is checked, never an object that is loaded. The same order gives the same answer, so that one
may be repeated; nothing here knows a store, the folder of a project or a clock.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar, cast

import numpy as np
from pydantic import TypeAdapter

from crawler.documents import Article, Document, Thread
from miner import asking, conditions, engines, promotions, shipped
from miner.embed import Encoder, Vectors, encode_cached, load
from miner.errors import MinerError
from miner.model import Claim, MemberQuestion

__all__ = [
    "STEPS",
    "ClaimsOrder",
    "Found",
    "Pin",
    "Refused",
    "VectorsOrder",
    "found_in",
    "in_batches",
    "pin",
    "questions_in",
    "questions_order",
    "size",
    "vectors_in",
    "whole",
    "work",
]

STEPS = {
    "claims": "miner.partitions:read_claims",
    "vectors": "miner.partitions:make_vectors",
    "questions": "miner.partitions:read_questions",
}
"""Steps that may be done elsewhere, by name: functions from an order to its answer."""
LETTERS = 100_000
"""Letters of a batch, unless a single document is longer: seconds of work, a message of moderate
size, and little lost with a machine."""
ITEMS = 2_000
"""Most items of a batch, those included that are not sent."""

Item = TypeVar("Item")


class Refused(MinerError):
    """Another machine would not come to the same: it has another Folkgrade, or a damaged one."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What must be the same on two machines for them to conclude the same."""

    folkgrade: str
    """Its version."""
    miner: str
    """Digest of the miner's code, data and weights."""

    def __str__(self) -> str:
        return f"Folkgrade {self.folkgrade} (miner {self.miner[:10]})"


@cache
def pin() -> Pin:
    """Of this machine."""
    try:
        known = version("folkgrade")
    except PackageNotFoundError:
        known = "unknown"
    return Pin(folkgrade=known, miner=shipped.code())


# --- batches ------------------------------------------------------------------------------


def size(document: Document | None) -> int:
    """Letters of what is sent of a document; none of None."""
    if document is None:
        return 0
    if isinstance(document, Thread):
        return len(document.title) + sum(len(post.text) for post in document.posts)
    return len(document.title) + len(
        document.text if isinstance(document, Article) else document.abstract
    )


def in_batches(items: Iterable[Item], weigh: Callable[[Item], int]) -> Iterator[list[Item]]:
    """The items in order, as many together as a batch takes."""
    batch: list[Item] = []
    letters = 0
    for item in items:
        weight = weigh(item)
        if batch and (letters + weight > LETTERS or len(batch) >= ITEMS):
            yield batch
            batch, letters = [], 0
        batch.append(item)
        letters += weight
    if batch:
        yield batch


# --- claims -------------------------------------------------------------------------------


def whole(found: Sequence[Claim], document: Document | None) -> tuple[Claim, ...]:
    """A document's claims, each once; of an article also what it promises to sell."""
    own = {claim.id: claim for claim in found}
    if isinstance(document, Article):
        own = {claim.id: claim for claim in promotions.claims(document)} | own
    return tuple(own.values())


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found in one document."""

    claims: tuple[Claim, ...] = ()
    unplaced: bool = False
    """Whether their conditions are still to be told by meaning, for which vectors are needed."""
    failure: tuple[str, str] | None = None
    """Kind and text of what went wrong with this document."""


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """A document on its way: exactly one of the two."""

    thread: Thread | None = None
    article: Article | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimsOrder:
    """Documents to be read."""

    engine: str
    version: str
    """Of the engine, as expected."""
    own: conditions.Conditions
    """A person's own conditions."""
    documents: tuple[_Sent, ...]

    @classmethod
    def of(
        cls,
        engine: str,
        expected: str,
        own: conditions.Conditions,
        documents: Iterable[Document],
    ) -> bytes:
        """The order for these documents, threads and articles."""
        sent = tuple(
            _Sent(thread=one) if isinstance(one, Thread) else _Sent(article=cast("Article", one))
            for one in documents
        )
        return _claims_order.dump_json(
            cls(engine=engine, version=expected, own=own, documents=sent)
        )


_claims_order = TypeAdapter(ClaimsOrder)
_every_found = TypeAdapter(tuple[Found, ...])


def found_in(answer: bytes) -> tuple[Found, ...]:
    """What the answer says of each document of the order; raises ValueError."""
    return _every_found.validate_json(answer)


class _ByMeaning(Exception):
    """A condition could be told by vectors alone, which are kept where the store is."""


def _no_vectors(_: Sequence[str]) -> Vectors:
    raise _ByMeaning


def read_claims(order: bytes) -> bytes:
    """The claims of each document with their conditions."""
    wanted = _claims_order.validate_json(order)
    engine = _engine(wanted.engine)
    if engine.version != wanted.version:
        raise Refused(f"its engine {wanted.engine} is {engine.version}, here {wanted.version}")
    known = _known(wanted.own)
    some = (one.thread or one.article for one in wanted.documents)
    return _every_found.dump_json(
        tuple(_read(engine, document, known) for document in some if document is not None)
    )


def _read(engine: engines.Engine, document: Document, known: conditions.Conditions) -> Found:
    try:
        claims = whole(engine.extract(document), document)
        try:
            return Found(claims=tuple(conditions.assign(claims, document, _no_vectors, known)))
        except _ByMeaning:
            return Found(claims=claims, unplaced=True)
    except MinerError:
        raise
    except Exception as error:
        # One bad document never ends a run; it is listed with its reason.
        return Found(failure=(type(error).__name__, str(error)))


@cache
def _engine(name: str) -> engines.Engine:
    return engines.load(name)


@cache
def _known(own: conditions.Conditions) -> conditions.Conditions:
    return conditions.with_own(own)


# --- vectors ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VectorsOrder:
    """Texts to be embedded together."""

    embedder: str
    name: str
    """Of the model, as expected."""
    texts: tuple[str, ...]

    @classmethod
    def of(cls, embedder: str, expected: str, texts: Sequence[str]) -> bytes:
        """The order for these texts."""
        return _vectors_order.dump_json(cls(embedder=embedder, name=expected, texts=tuple(texts)))


_vectors_order = TypeAdapter(VectorsOrder)


def make_vectors(order: bytes) -> bytes:
    """One row of little-endian numbers for each text, in order."""
    wanted = _vectors_order.validate_json(order)
    encoder = _encoder(wanted.embedder)
    if encoder.name != wanted.name:
        raise Refused(f"its embedder is {encoder.name}, here {wanted.name}")
    rows = encode_cached(encoder, wanted.texts, {})[0]
    return base64.b64encode(rows.astype("<f4").tobytes())


def vectors_in(answer: bytes, texts: Sequence[str]) -> dict[str, Vectors]:
    """The vector of each text of the order; raises ValueError."""
    rows = np.frombuffer(base64.b64decode(answer, validate=True), dtype="<f4")
    shaped = rows.astype(np.float32).reshape(len(texts), -1)
    if not np.isfinite(shaped).all():
        raise ValueError("vectors that are no numbers")
    return dict(zip(texts, shaped, strict=True))


@cache
def _encoder(name: str) -> Encoder:
    return load(name)


# --- questions ----------------------------------------------------------------------------

_threads = TypeAdapter(tuple[Thread, ...])
_every_question = TypeAdapter(tuple[tuple[MemberQuestion, ...], ...])


def questions_order(threads: Sequence[Thread]) -> bytes:
    """The order for these threads."""
    return _threads.dump_json(tuple(threads))


def read_questions(order: bytes) -> bytes:
    """What is asked in each thread."""
    threads = _threads.validate_json(order)
    return _every_question.dump_json(tuple(tuple(asking.questions(one)) for one in threads))


def questions_in(answer: bytes) -> tuple[tuple[MemberQuestion, ...], ...]:
    """What is asked in each thread of the order; raises ValueError."""
    return _every_question.validate_json(answer)


# --- doing --------------------------------------------------------------------------------

_alone = threading.Lock()
"""Models are read by one thread at a time; more cores are for more processes."""


def work(step: str, order: bytes) -> bytes:
    """The answer of a step to an order; raises Refused or another MinerError."""
    module, _, attribute = STEPS[step].partition(":")
    do = cast("Callable[[bytes], bytes]", getattr(import_module(module), attribute))
    with _alone:
        return do(order)
