"""What a replica was asked, when, and what it answered. Values only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Entry", "crowds", "gaps", "hurried"]

OF_INTEREST = (
    "Accept", "Authorization", "Cookie", "From", "If-Modified-Since", "If-None-Match", "Referer",
    "X-Api-Key",
)  # fmt: skip
"""Headers of a request worth remembering."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the journal: what was asked and what was answered."""

    at: float
    """When it was asked, in seconds of a clock that only runs forward."""
    ended: float
    """When the answer was ready to go."""
    site: str
    method: str
    target: str
    """Path with its query."""
    status: int
    """Of the answer; 0 where the connection was cut instead."""
    agent: str
    flying: int = 1
    """Requests to the site under way when this one came, itself included."""
    wait: float | None = None
    """Seconds the answer asked to be left alone (Retry-After)."""
    fault: str = ""
    """What was done to the answer on purpose."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of the request that are of interest."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


def crowds(journal: Sequence[Entry]) -> list[Entry]:
    """Requests that came to a site while another was under way."""
    return [entry for entry in journal if entry.flying > 1]


def gaps(journal: Sequence[Entry]) -> list[float]:
    """Seconds between the beginnings of each two neighbouring requests to a site."""
    return [later.at - earlier.at for earlier, later in _neighbours(journal)]


def hurried(journal: Sequence[Entry]) -> list[Entry]:
    """Requests that came while their site had asked to be left alone."""
    early = []
    for _, entries in _by_site(journal):
        until = 0.0
        for entry in entries:
            if entry.at < until:
                early.append(entry)
            if entry.wait is not None:
                until = max(until, entry.ended + entry.wait)
    return early


def _neighbours(journal: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    for _, entries in _by_site(journal):
        yield from pairwise(entries)


def _by_site(journal: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    for site in dict.fromkeys(entry.site for entry in journal):
        mine = [entry for entry in journal if entry.site == site]
        yield site, sorted(mine, key=lambda entry: entry.at)
