"""What was searched: look-ups of the collected store as themes and conditions see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from crawler.lookups import Lookup
from miner.model import Search, Theme

__all__ = ["Searches", "searches"]

WIDEST = "studies"
"""The rung that asks for any study: without its answer nobody can say that there is none."""

Key = tuple[str, str | None]
"""Theme and condition; None for all of its conditions."""


@dataclass(frozen=True, kw_only=True)
class Searches:
    """What came of the look-ups."""

    made: Mapping[Key, Search] = field(default_factory=dict)
    """Searches that were answered as a whole."""
    failed: Mapping[Key, str] = field(default_factory=dict)
    """Why there is no answer, where a search was tried."""


def searches(lookups: Iterable[Lookup], themes: Iterable[Theme]) -> Searches:
    """The searches of every theme, and of all its conditions together once each was searched."""
    by_key: dict[Key, list[Lookup]] = defaultdict(list)
    for lookup in lookups:
        if lookup.subject:
            by_key[lookup.subject, lookup.condition].append(lookup)
    made = {key: one for key, some in by_key.items() if (one := _made(some)) is not None}
    failed = {key: _failure(some) for key, some in by_key.items() if key not in made}
    for theme in themes:
        keys: list[Key] = [(theme.id, condition) for condition in theme.conditions]
        if keys and all(key in made for key in keys):
            made[theme.id, None] = _together([made[key] for key in keys])
        elif why := next((failed[key] for key in keys if key in failed), ""):
            failed[theme.id, None] = why
    return Searches(made=made, failed=failed)


def _made(lookups: Sequence[Lookup]) -> Search | None:
    """The search its look-ups make; None where one of them has no answer."""
    widest = [one for one in lookups if one.rung == WIDEST]
    if not widest or any(one.failure for one in lookups):
        return None
    return Search(
        query=max(widest, key=lambda one: one.hits or 0).query,
        service=", ".join(sorted({one.service for one in lookups})),
        when=min(one.made for one in lookups),
        hits=max(one.hits or 0 for one in lookups),
    )


def _failure(lookups: Sequence[Lookup]) -> str:
    failing = [f"{one.service}: {one.failure}" for one in lookups if one.failure]
    return "; ".join(dict.fromkeys(failing)) or "the search was interrupted"


def _together(some: Sequence[Search]) -> Search:
    """One search that stands for those of several conditions."""
    if len(some) == 1:
        return some[0]
    services = {name for one in some for name in one.service.split(", ")}
    return Search(
        query=" · ".join(one.query for one in some),
        service=", ".join(sorted(services)),
        when=min(one.when for one in some),
        hits=sum(one.hits for one in some),
    )
