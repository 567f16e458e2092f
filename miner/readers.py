"""Documents read ahead by several processes, and given back in order.

Each document is read by itself, so it does not matter where: the claims are the same with any
number of processes. What goes wrong with one document is raised when that one is asked for.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from types import TracebackType
from typing import TypeVar

from crawler.documents import Document
from miner import engines
from miner.errors import TooLarge
from miner.model import Claim

__all__ = ["ALONE", "Readers", "cores", "use"]

Key = TypeVar("Key")
Read = Callable[[], list[Claim]]
"""The claims of a document; raises what reading it raised."""

ALONE = 16
"""Documents that are read before processes are started for the others: starting takes seconds."""
WORTH = 2.0
"""Seconds of work that reading must have taken before: what starting a process costs."""
AHEAD = 3
"""Documents for each process that wait or are being read; what bounds the memory."""


def cores() -> int:
    """How many cores this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Readers:
    """An engine, and where there is much to read processes with one each."""

    def __init__(
        self,
        name: str,
        engine: engines.Engine,
        processes: int,
        start: Callable[[str], None] | None = None,
        worth: float = WORTH,
    ) -> None:
        """`name` is that of the engine; with one process, the engine given reads everything.

        `start` makes a new process a reader by `use`; else the engine of that name is loaded.
        `worth` are seconds as in WORTH.
        """
        self.name, self.engine, self.processes = name, engine, processes
        self.start = start or _start
        self.worth, self._spent = worth, 0.0
        self._pool: ProcessPoolExecutor | None = None
        self._begun = 0

    def __enter__(self) -> Readers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and self._pool is not None:
            # Interrupted: what is being read would only be thrown away.
            for process in list(getattr(self._pool, "_processes", {}).values()):
                process.terminate()
        self._close()

    def each(self, documents: Iterable[tuple[Key, Document | None]]) -> Iterator[tuple[Key, Read]]:
        """Each key with the way to its document's claims, in order; None has no claims.

        Documents are taken from the iterable a few ahead of what is given back.
        """
        waiting: deque[tuple[Key, Read]] = deque()
        for key, document in documents:
            waiting.append((key, self._begin(document)))
            if self._pool is None or len(waiting) > self.processes * AHEAD:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()

    def _begin(self, document: Document | None) -> Read:
        if document is None:
            return list
        self._begun += 1
        few = self._begun <= ALONE or self._spent < self.worth
        if self.processes < 2 or (few and self._pool is None):
            return partial(self._here, document)
        return partial(self._wait, self._submit(document), document)

    def _here(self, document: Document) -> list[Claim]:
        begun = time.process_time()
        try:
            return self.engine.extract(document)
        finally:
            self._spent += time.process_time() - begun

    def _submit(self, document: Document) -> Future[list[Claim]]:
        if self._pool is None:
            self._pool = self._open(self.processes)
        try:
            return self._pool.submit(_read, document)
        except BrokenProcessPool:
            self._close()
            self._pool = self._open(self.processes)
            return self._pool.submit(_read, document)

    def _wait(self, future: Future[list[Claim]], document: Document) -> list[Claim]:
        try:
            return future.result()
        except (BrokenProcessPool, MemoryError):
            # Whichever document ended its process took those beside it along: once more, alone,
            # in a process that holds nothing else yet.
            with self._open(1) as pool:
                try:
                    return pool.submit(_read, document).result()
                except (BrokenProcessPool, MemoryError):
                    raise TooLarge from None

    def _open(self, processes: int) -> ProcessPoolExecutor:
        # Not forked: threads of a parent that has computed already would be missing in the child.
        context = get_context("spawn")
        return ProcessPoolExecutor(
            processes, context, initializer=self.start, initargs=(self.name,)
        )

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


_engines: list[engines.Engine] = []
"""The one engine of a reading process."""


def use(engine: engines.Engine) -> None:
    """Makes this process a reader; an interruption is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _engines[:] = [engine]


def _start(name: str) -> None:
    use(engines.load(name))


def _read(document: Document) -> list[Claim]:
    return _engines[0].extract(document)
