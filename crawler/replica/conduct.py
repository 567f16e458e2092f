"""How a served site behaves beyond its pages: limits, a stale cache, failures on purpose.

`Conduct` and what it holds are values; `Guard` is the memory of one running site.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Literal, get_args

from crawler.errors import CrawlerError
from crawler.replica.answer import Answer

__all__ = ["DISCOURSE_LIMITS", "FAULTS", "Conduct", "Fault", "Guard", "Limit", "Trouble"]

Fault = Literal["502", "cut", "drip", "reset", "short", "wall", "gzip"]
"""A bad gateway's page, half a body, a body in slow drops, a connection cut before the answer, one
cut within it, a browser check in place of the page, a compressed body that ends early."""
FAULTS: tuple[Fault, ...] = get_args(Fault)
Failures = Mapping[str, "int | Fault | Sequence[int | Fault]"]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many requests in so many seconds; who asks for more is answered 429."""

    count: int
    seconds: float
    code: str
    """How Discourse names it."""


DISCOURSE_LIMITS = (
    Limit(count=50, seconds=10, code="ip_10_secs_limit"),
    Limit(count=200, seconds=60, code="ip_60_secs_limit"),
)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Failures by chance: seeded, so that the same visit meets the same ones."""

    rate: float
    """Share of the requests that fail."""
    kinds: tuple[Fault, ...] = FAULTS
    seed: int = 0
    times: int = 1
    """Failures of one address before it is left in peace."""


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How a site treats its visitors; by default it answers at once and always."""

    fail: Failures = field(default_factory=dict)
    """A path, with or without its query or as `site:path`, to a status or a fault, or to several
    that are used up in turn."""
    trouble: Trouble | None = None
    slow: float = 0.0
    """Seconds before each answer."""
    retry_after: int | None = None
    """Seconds 429 and 503 ask for where `fail` orders them."""
    limits: tuple[Limit, ...] = ()
    stale: float = 0.0
    """Seconds for which an answer is given again as it was; Discourse keeps them for 60."""
    clock: Callable[[], float] = time.monotonic
    """What limits and cache measure by."""


class Guard:
    """What one running site remembers of its visitors."""

    def __init__(self, site: str, conduct: Conduct) -> None:
        """Raises CrawlerError for a fault nobody knows."""
        self.site = site
        self.conduct = conduct
        self._turns: dict[str, list[int | Fault]] = {}
        self._fixed: dict[str, int | Fault] = {}
        self._failed: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._times = {limit.code: deque[float](maxlen=limit.count) for limit in conduct.limits}
        self._kept: dict[str, tuple[float, Answer]] = {}
        self._lock = Lock()
        for path, orders in conduct.fail.items():
            if isinstance(orders, int | str):
                self._fixed[path] = _known(orders)
            else:
                self._turns[path] = [_known(order) for order in orders]

    def fault(self, *paths: str) -> int | Fault | None:
        """The failure due for the first path that has one; None or 200 means answer as usual."""
        with self._lock:
            for path in (f"{self.site}:{paths[-1]}", *paths):
                if self._turns.get(path):
                    return self._turns[path].pop(0)
                if path in self._fixed:
                    return self._fixed[path]
            return self._by_chance(paths[0])

    def _by_chance(self, target: str) -> Fault | None:
        trouble = self.conduct.trouble
        if trouble is None or self._failed[target] >= trouble.times:
            return None
        self._asked[target] += 1
        key = f"{trouble.seed}:{self.site}:{target}:{self._asked[target]}"
        dice = Random(key)  # noqa: S311 (chance that can be repeated, not a secret)
        if dice.random() >= trouble.rate:
            return None
        self._failed[target] += 1
        return dice.choice(trouble.kinds)

    def refusal(self) -> Answer | None:
        """A 429 as Discourse gives it, where this request is one too many."""
        now = self.conduct.clock()
        with self._lock:
            for limit in self.conduct.limits:
                times = self._times[limit.code]
                wait = times[0] + limit.seconds - now if len(times) == limit.count else 0.0
                # Those turned away count too: a visitor who does not wait is never let in.
                times.append(now)
                if wait > 0:
                    return _slow_down(math.ceil(wait), limit.code)
        return None

    def kept(self, key: str, make: Callable[[], Answer]) -> Answer:
        """The answer as it was a short while ago, else a new one."""
        if not self.conduct.stale:
            return make()
        now = self.conduct.clock()
        with self._lock:
            since, answer = self._kept.get(key, (-math.inf, None))
        if answer is not None and now - since < self.conduct.stale:
            return answer
        answer = make()
        if answer.status == 200:
            with self._lock:
                self._kept[key] = (now, answer)
        return answer


def _known(order: int | str) -> int | Fault:
    if isinstance(order, int):
        return order
    for fault in FAULTS:
        if fault == order:
            return fault
    raise CrawlerError(f"no replica fails with {order!a}; known: {', '.join(FAULTS)}")


def _slow_down(seconds: int, code: str) -> Answer:
    text = (
        "Slow down, you're making too many requests.\n"
        f"Please retry again in {seconds} seconds.\n"
        f"Error code: {code}.\n"
    )
    headers = {"Retry-After": str(seconds), "Discourse-Rate-Limit-Error-Code": code}
    return Answer(body=text, status=429, content_type="text/plain", headers=headers)
