"""How long each stage of a run takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

__all__ = ["Clock"]


def _nothing(_stage: str) -> None:
    pass


class Clock:
    """Seconds by stage; of a stage within a stage the inner one has them."""

    def __init__(self, entered: Callable[[str], None] = _nothing) -> None:
        """`entered` is told whenever another stage has the time: inner ones, and outer ones again.

        Of what is in no stage it is told by an empty name.
        """
        self.started = datetime.now(UTC)
        self._entered = entered
        self._spent: dict[str, float] = {}
        self._stages = [""]
        self._since = time.perf_counter()

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of each stage so far, in the order they began."""
        return {name: round(spent, 2) for name, spent in self._spent.items() if name}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time its block takes, less that of stages within it."""
        self._spent.setdefault(name, 0.0)
        self._stages.append(name)
        self._turn(self._stages[-2])
        try:
            yield
        finally:
            self._stages.pop()
            self._turn(name)

    def _turn(self, left: str) -> None:
        now = time.perf_counter()
        self._spent[left] = self._spent.get(left, 0.0) + now - self._since
        self._since = now
        self._entered(self._stages[-1])
