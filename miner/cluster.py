"""A crew on other machines: the workers of a Dask scheduler.

Batches are sent ahead, a bounded number of them, and their answers given back in order. A batch
whose worker was lost is done again elsewhere; nothing of it was kept, so nothing is counted twice.
Workers need Folkgrade and nothing of the project: neither its folder nor its database.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pickletools import genops
from typing import Any, TypeVar

from pydantic import TypeAdapter

from crawler.documents import Document, Thread
from miner import conditions, engines, partitions
from miner.crews import CHUNK, Encode, Here, NoCrew, Read, Terms
from miner.embed import Vectors
from miner.errors import MinerError, TooLarge
from miner.model import Claim, MemberQuestion
from miner.partitions import Found, Pin, in_batches, pin, size

__all__ = ["AHEAD", "Cluster", "answer", "identify"]

log = logging.getLogger(__name__)

Key = TypeVar("Key")
Tag = TypeVar("Tag")
Meaning = TypeVar("Meaning")

AHEAD = 3
"""Batches for each worker that wait or are being done; what bounds the memory."""
_NO_WORDS = ("__dict__", "args")
"""Parts of the pickle of an error that are not among its words."""
_told = TypeAdapter(dict[str, str])

BEAT = 1.0
"""Seconds between two looks at whether anybody is still there."""
PATIENCE = 600.0
"""Seconds without a single worker after which nobody is waited for: a queue may be long."""
RETRIES = 2
"""How often a batch is tried again whose worker could not do it; lost workers are not counted."""
LOST = 3
"""How often a batch is sent again after the scheduler was lost and found."""


class Killed(MinerError):
    """Every worker that took the batch up ended."""


class Failed(Exception):
    """What went wrong on a worker."""

    def __init__(self, kind: str, said: str) -> None:
        """With the name of the error there."""
        super().__init__(said)
        self.kind = kind


# --- on a worker --------------------------------------------------------------------------


def identify() -> str:
    """What must be the same on all machines, as JSON."""
    return json.dumps(asdict(pin()))


def answer(step: str, wanted: str, order: bytes) -> bytes:
    """A line of JSON that says who answers and whether it was refused; after it, the answer."""
    told: dict[str, str] = {"worker": _name()}
    body = b""
    if identify() != wanted:
        told["refused"] = _differs(Pin(**json.loads(wanted)), pin())
    else:
        try:
            body = partitions.work(step, order)
        except MinerError as error:
            told["refused"] = str(error)
    return json.dumps(told).encode() + b"\n" + body


def _name() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:
        return "unknown"


def _differs(here: Pin, there: Pin) -> str:
    """How a worker differs, and the way out."""
    return f"it has {there}, here is {here}; install the same Folkgrade there"


# --- here ---------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Sent:
    """A batch on its way."""

    step: str
    order: bytes
    future: Future[bytes]
    lost: int = 0


class Cluster:
    """The workers of a scheduler, from entering to leaving."""

    def __init__(self, terms: Terms) -> None:
        """Nobody is asked before it is entered."""
        self.terms = terms
        self.address = terms.scheduler
        self.here = Here(terms)
        self._client: Any = None
        self._executor: Any = None
        self._room = AHEAD
        self._counted = self._seen = 0.0

    def __enter__(self) -> Cluster:
        """Raises NoCrew where no scheduler or worker answers, or a worker is not the same."""
        self._client = _connected(self.address)
        try:
            self._executor = self._client.get_executor(pure=False, retries=RETRIES)
            self._wait_for_somebody()
            self._check()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def claims(
        self,
        engine: engines.Engine,
        documents: Iterable[tuple[Key, Document | None]],
        encode: Encode,
    ) -> Generator[tuple[Key, Read], None, None]:
        """Each key with the way to its document's claims, in order; None has no claims."""
        if self.terms.engine == "endpoint":
            yield from self.here.claims(engine, documents, encode)
            return
        known = conditions.with_own(self.terms.own)
        order = partial(
            partitions.ClaimsOrder.of, self.terms.engine, engine.version, self.terms.own
        )
        batches = in_batches(documents, lambda item: size(item[1]))
        sent = ((batch, _ordered(batch, order)) for batch in batches)
        for batch, take in self._each("claims", sent):
            found = iter(self._found(_given(batch), take, order))
            for key, document in batch:
                one = None if document is None else next(found)
                yield key, partial(_read, one, document, encode, known)

    def _found(
        self,
        documents: Sequence[Document],
        take: Callable[[], bytes],
        order: Callable[[Sequence[Document]], bytes],
    ) -> Sequence[Found]:
        """What was found in each document of a batch."""
        if not documents:
            return ()
        try:
            return self._checked(take(), documents)
        except Killed:
            # Whichever document ended the workers took those beside it along: each alone.
            return [self._alone(one, order) for one in documents]

    def _alone(self, one: Document, order: Callable[[Sequence[Document]], bytes]) -> Found:
        try:
            sent = self._send("claims", order([one]))
            return self._checked(self._taken(sent), [one])[0]
        except Killed:
            return Found(failure=(TooLarge.__name__, ""))

    def _checked(self, answered: bytes, documents: Sequence[Document]) -> Sequence[Found]:
        """What was found, once it is known to be of these documents."""
        found = self._understood(partitions.found_in, answered)
        if len(found) == len(documents):
            pairs = zip(found, documents, strict=True)
            if all(c.quote.document == one.source.url for some, one in pairs for c in some.claims):
                return found
        raise self._odd()

    def _understood(self, read: Callable[[bytes], Meaning], answered: bytes) -> Meaning:
        try:
            return read(answered)
        except ValueError as error:
            raise self._odd() from error

    def _odd(self) -> NoCrew:
        return NoCrew(f"{self.address}: a worker answered something that was not asked")

    def vectors(self, texts: Sequence[str]) -> Iterator[dict[str, Vectors]]:
        """The vectors of distinct texts in order; the few of a single batch are made here."""
        if len(texts) <= CHUNK:
            yield from self.here.vectors(texts)
            return
        order = partial(partitions.VectorsOrder.of, self.terms.embedder, self.terms.encoder.name)
        some = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
        for batch, take in self._each("vectors", ((batch, order(batch)) for batch in some)):
            yield self._understood(partial(partitions.vectors_in, texts=batch), take())

    def questions(self, threads: Iterable[Thread]) -> Iterator[Sequence[MemberQuestion]]:
        """What is asked in each thread, in order."""
        sent = ((None, partitions.questions_order(some)) for some in in_batches(threads, size))
        for _, take in self._each("questions", sent):
            yield from self._understood(partitions.questions_in, take())

    # Sending and taking

    def _each(
        self, step: str, orders: Iterable[tuple[Tag, bytes | None]]
    ) -> Iterator[tuple[Tag, Callable[[], bytes]]]:
        """Each tag with the way to its order's answer, in order; a bounded number is on its way."""
        waiting: deque[tuple[Tag, Callable[[], bytes]]] = deque()
        for tag, order in orders:
            taken = partial(self._taken, self._send(step, order)) if order else bytes
            waiting.append((tag, taken))
            while len(waiting) > self._room:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()

    def _send(self, step: str, order: bytes) -> _Sent:
        self._count()
        return _Sent(step=step, order=order, future=self._submitted(step, order))

    def _submitted(self, step: str, order: bytes) -> Future[bytes]:
        from distributed.client import ClosedClientError

        try:
            sent: Future[bytes] = self._executor.submit(answer, step, identify(), order)
        except (ClosedClientError, OSError) as error:
            raise self._gone() from error
        return sent

    def _taken(self, sent: _Sent) -> bytes:
        """The answer, whoever gave it; raises Killed and NoCrew."""
        while True:
            try:
                return self._body(sent.future.result(timeout=BEAT))
            except CancelledError:
                self._again(sent)
            except NoCrew:
                raise
            except Exception as error:
                if isinstance(error, NotYet) and not sent.future.done():
                    self._look()
                elif isinstance(error, Failed) and error.kind == "KilledWorker":
                    raise Killed(str(error)) from error
                else:
                    why = f"{_line(error)}; what was read is kept"
                    raise NoCrew(f"{self.address}: {why}") from error

    def _body(self, raw: bytes) -> bytes:
        head, _, body = bytes(raw).partition(b"\n")
        told = self._understood(_told.validate_json, head)
        if "refused" in told:
            raise NoCrew(f"worker {told.get('worker')}: {told['refused']}")
        return body

    def _again(self, sent: _Sent) -> None:
        """Sends a batch again once the scheduler is back."""
        while self._client.status == "connecting":
            time.sleep(BEAT / 10)
        sent.lost += 1
        if self._client.status != "running" or sent.lost > LOST:
            raise self._gone()
        sent.future = self._submitted(sent.step, sent.order)

    def _gone(self) -> NoCrew:
        return NoCrew(
            f"{self.address}: the scheduler is gone; what was read is kept, and `folkgrade mine` "
            "goes on, with --scheduler or without"
        )

    # Who is there

    def _workers(self) -> int:
        """How many there are now; 0 while the scheduler is not heard."""
        if self._client.status != "running":
            return 0
        with suppress(OSError, NotYet):
            return len(self._client.nthreads())
        return 0

    def _count(self) -> None:
        """Counts now and then, for workers come and go."""
        now = time.monotonic()
        if now - self._counted > BEAT:
            self._room = AHEAD * max(1, self._workers())
            self._counted = now

    def _look(self) -> None:
        """Says so while nobody is there; raises NoCrew when that lasts."""
        if self._client.status == "closed":
            raise self._gone()
        now = time.monotonic()
        if self._workers() or self._client.status != "running":
            self._seen = now
        elif now - self._seen > PATIENCE:
            raise NoCrew(
                f"{self.address}: no worker for {PATIENCE / 60:.0f} minutes; what was read is "
                "kept; start some with `dask worker` and run `folkgrade mine` again"
            )
        else:
            self.terms.show("waiting for workers", int(now - self._seen), int(PATIENCE))

    def _wait_for_somebody(self) -> None:
        self._seen = time.monotonic()
        while not self._workers():
            self._look()
            time.sleep(BEAT / 10)

    def _check(self) -> None:
        """Raises NoCrew for the first worker that would not come to the same."""
        # Each is asked for itself, and before anybody's other work.
        asked = {
            worker: self._executor.submit(identify, workers=[worker], priority=1)
            for worker in sorted(self._client.nthreads())
        }
        for worker, future in asked.items():
            said = self._identity(worker, future)
            if said not in (None, identify()):
                raise NoCrew(f"worker {worker}: {_differs(pin(), _pin_in(said))}")

    def _identity(self, worker: str, future: Future[str]) -> str | None:
        """What a worker says it is; None where it is gone."""
        while True:
            try:
                return future.result(timeout=BEAT)
            except CancelledError:
                return None
            except Exception as error:
                if not isinstance(error, NotYet) or future.done():
                    raise NoCrew(
                        f"worker {worker}: {_line(error)}; "
                        f"install Folkgrade {pin().folkgrade} there"
                    ) from error
                self._look()
                if worker not in self._client.nthreads():
                    future.cancel()

    def _close(self) -> None:
        """Lets go of what is on its way, without waiting for it."""
        with suppress(Exception):
            if self._executor is not None and self._client.status == "running":
                self._executor.shutdown(wait=False)
        with suppress(Exception):
            self._client.close(timeout=BEAT)


def _connected(address: str) -> Any:
    """A client of the scheduler; NoCrew where none answers."""
    try:
        from distributed import Client
    except ImportError as error:
        raise NoCrew(
            f"{address}: Dask is not installed ({_line(error)}); "
            "run `pip install folkgrade[cluster]`"
        ) from error
    _quiet()
    _sealed(address)
    make: Callable[..., Any] = Client
    try:
        # Answers are asked for as plain messages, which are read without loading any object.
        client = make(
            address,
            name="folkgrade",
            set_as_default=False,
            deserializers=["msgpack", "error"],
        )
        _without_objects(client)
    except Exception as error:
        raise NoCrew(
            f"{address}: no scheduler answers ({_line(error)}); start one with `dask scheduler`, "
            "or leave --scheduler out"
        ) from error
    return client


def _sealed(address: str) -> None:
    """Raises NoCrew where an address wants certificates that are not there."""
    from distributed.security import Security

    if address.partition("://")[0] not in ("tls", "wss"):
        return
    make: Callable[[], Any] = Security
    why = "none are named"
    try:
        if make().get_connection_args("client").get("ssl_context") is not None:
            return
    except (OSError, ValueError, TypeError) as error:
        why = _line(error)
    raise NoCrew(
        f"{address}: no certificates ({why}); name them in Dask's configuration, "
        "distributed.comm.tls (docs/cluster.md)"
    )


def _without_objects(client: Any) -> None:
    """Takes what workers say of types and errors as words, which Dask's client would unpickle."""
    heard = getattr(client, "_stream_handlers", {})
    done, failed = heard.get("key-in-memory"), heard.get("task-erred")
    if done is None or failed is None:
        log.warning("this Dask tells of results in another way; only use it among friends")
        return

    def done_plainly(key: Any = None, workers: Any = None, **_: Any) -> Any:
        return done(key=key, type=None, workers=workers)

    def failed_plainly(key: Any = None, exception: Any = None, **_: Any) -> Any:
        return failed(key=key, exception=_failure(exception), traceback=None)

    heard.update({"key-in-memory": done_plainly, "task-erred": failed_plainly})


def _failure(sent: object) -> Failed:
    """The error of a worker, told by the words in its pickle, which is looked at and not loaded."""
    words: list[str] = []
    with suppress(Exception):
        if isinstance(sent, bytes | bytearray):
            words = [part for _, part, _ in genops(bytes(sent)) if isinstance(part, str)]
    # The class stands before its words; between them may stand names of attributes.
    kinds = (place for place, word in enumerate(words) if word[:1].isupper())
    place = next(kinds, None)
    if place is None:
        return Failed("unknown error", "")
    said = (word for word in words[place + 1 :] if word not in _NO_WORDS)
    return Failed(words[place], next(said, ""))


def _pin_in(said: str | None) -> Pin:
    """What a worker says it is; of anything else, that it is unknown."""
    try:
        return Pin(**{name: str(value) for name, value in json.loads(said or "").items()})
    except (ValueError, TypeError, AttributeError):
        return Pin(folkgrade="unknown", miner="unknown")


def _quiet() -> None:
    """What goes wrong is said by us, once and in one line."""
    warnings.filterwarnings("ignore", module="distributed")
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _line(error: BaseException) -> str:
    """The first line of an error, with its kind."""
    said = (str(error).splitlines() or [""])[0]
    kind = error.kind if isinstance(error, Failed) else type(error).__name__
    return f"{kind}: {said}" if said else kind


def _given(batch: Iterable[tuple[Key, Document | None]]) -> list[Document]:
    return [document for _, document in batch if document is not None]


def _ordered(
    batch: Sequence[tuple[Key, Document | None]], order: Callable[[Sequence[Document]], bytes]
) -> bytes | None:
    """The order for the documents of a batch, None where there are none."""
    documents = _given(batch)
    return order(documents) if documents else None


def _read(
    found: Found | None, document: Document | None, encode: Encode, known: conditions.Conditions
) -> list[Claim]:
    """The claims of a document with their conditions; raises what reading it raised."""
    if found is None or document is None:
        return []
    if found.failure is not None:
        kind, why = found.failure
        if kind in (TooLarge.__name__, MemoryError.__name__):
            raise TooLarge
        raise type(kind if kind.isidentifier() else "RuntimeError", (RuntimeError,), {})(why)
    if found.unplaced:
        return conditions.assign(found.claims, document, encode, known)
    return list(found.claims)
