"""Who is who between two runs: ids carried over by shared members, and what became of the rest."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from miner.model import Claim, Kind, Theme, ThemeEvent
from miner.phrases import ideas

__all__ = ["Former", "Group", "Previous", "carry_over", "former_themes", "founded_id"]

PREFIX: Mapping[Kind, str] = {
    "cause": "cau",
    "trigger": "tri",
    "diagnosis": "dia",
    "remedy": "rem",
}


@dataclass(frozen=True, kw_only=True)
class Group:
    """A theme to be, before it has an id."""

    kind: Kind
    founder: str
    """Normalised phrase that would found its id."""
    claims: frozenset[str]
    """Ids of its claims."""
    phrases: frozenset[str]
    """Its normalised phrases."""


@dataclass(frozen=True, kw_only=True)
class Former:
    """A theme of the last run, as far as the next run needs it."""

    id: str
    kind: Kind
    name: str
    claims: frozenset[str]
    phrases: Mapping[str, int]
    """Normalised phrase to how many of its claims say it."""


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The themes of the last run, and ids that are used up."""

    themes: tuple[Former, ...] = ()
    retired: frozenset[str] = frozenset()
    """Ids that died or were merged away: they redirect, so no new theme may take them."""

    def homes(self, kind: Kind) -> dict[str, str]:
        """Normalised phrase to the id of the former theme that most of its claims were in."""
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for theme in self.themes:
            if theme.kind == kind:
                for phrase, count in theme.phrases.items():
                    votes[phrase][theme.id] += count
        return {
            phrase: min(counts, key=lambda id_: (-counts[id_], id_))
            for phrase, counts in votes.items()
        }

    def name_of(self, id_: str) -> str | None:
        """The name that theme had."""
        return self._names.get(id_)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {theme.id: theme.name for theme in self.themes}


def former_themes(
    themes: Iterable[Theme], claims: Iterable[Claim], retired: Iterable[str] = ()
) -> Previous:
    """The stored themes and claims of the last run as the next run wants them."""
    phrase_of = ideas(list(claims))
    return Previous(
        themes=tuple(
            Former(
                id=theme.id,
                kind=theme.kind,
                name=theme.name,
                claims=frozenset(theme.claims),
                phrases=Counter(phrase_of[c] for c in theme.claims if c in phrase_of),
            )
            for theme in themes
        ),
        retired=frozenset(retired),
    )


def carry_over(
    groups: Sequence[Group], previous: Previous
) -> tuple[tuple[str, ...], tuple[ThemeEvent, ...]]:
    """An id per group, in order, and what happened since the last run, sorted.

    The pair that shares most members agrees first. A group without a former theme gets an id from
    its founding phrase.
    """
    shared = _shared(groups, previous)
    kept = _agreed(shared, groups, previous)
    ids = _with_new(groups, kept, previous)
    return ids, tuple(_events(ids, kept, shared, previous))


def founded_id(kind: Kind, founder: str, taken: Iterable[str] = ()) -> str:
    """An id such as `rem-3f9a1c` from the founding phrase; the next free one where it is taken."""
    used = set(taken)
    attempt = 0
    while True:
        key = f"{kind}\x1f{founder}\x1f{attempt}".encode()
        id_ = f"{PREFIX[kind]}-{hashlib.sha256(key).hexdigest()[:6]}"
        if id_ not in used:
            return id_
        attempt += 1


def _shared(groups: Sequence[Group], previous: Previous) -> dict[tuple[int, str], int]:
    """How many claims and phrases each group shares with each former theme of its kind."""
    holders: dict[tuple[Kind, str], int] = {}
    for number, group in enumerate(groups):
        for member in (*group.claims, *_marked(group.phrases)):
            holders[group.kind, member] = number
    shared: Counter[tuple[int, str]] = Counter()
    for theme in previous.themes:
        for member in (*theme.claims, *_marked(theme.phrases)):
            number_held = holders.get((theme.kind, member))
            if number_held is not None:
                shared[number_held, theme.id] += 1
    return dict(shared)


def _marked(phrases: Iterable[str]) -> list[str]:
    return [f"phrase {phrase}" for phrase in phrases]


def _agreed(
    shared: Mapping[tuple[int, str], int], groups: Sequence[Group], previous: Previous
) -> dict[int, str]:
    """Group number to the former id it keeps: one to one, the largest share first."""
    size = {theme.id: len(theme.claims) for theme in previous.themes}
    order = sorted(
        shared,
        key=lambda pair: (-shared[pair], -size[pair[1]], pair[1], groups[pair[0]].founder),
    )
    kept: dict[int, str] = {}
    given: set[str] = set()
    for number, id_ in order:
        if number not in kept and id_ not in given:
            kept[number] = id_
            given.add(id_)
    return kept


def _with_new(
    groups: Sequence[Group], kept: Mapping[int, str], previous: Previous
) -> tuple[str, ...]:
    taken = {*previous.retired, *(theme.id for theme in previous.themes)}
    ids = dict(kept)
    new = [number for number in range(len(groups)) if number not in kept]
    for number in sorted(new, key=lambda n: (groups[n].kind, groups[n].founder)):
        ids[number] = founded_id(groups[number].kind, groups[number].founder, taken)
        taken.add(ids[number])
    return tuple(ids[number] for number in range(len(groups)))


def _events(
    ids: Sequence[str],
    kept: Mapping[int, str],
    shared: Mapping[tuple[int, str], int],
    previous: Previous,
) -> list[ThemeEvent]:
    """Births and splits of new ids, deaths and merges of old ones."""
    events = []
    sources: dict[int, list[tuple[int, str]]] = defaultdict(list)
    heirs: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (number, id_), count in shared.items():
        sources[number].append((-count, id_))
        heirs[id_].append((-count, ids[number]))
    for number, id_ in enumerate(ids):
        if number in kept:
            continue
        if number in sources:
            events.append(ThemeEvent(kind="split", theme=min(sources[number])[1], into=id_))
        else:
            events.append(ThemeEvent(kind="born", theme=id_))
    staying = set(kept.values())
    for theme in previous.themes:
        if theme.id in staying:
            continue
        if theme.id in heirs:
            events.append(ThemeEvent(kind="merged", theme=theme.id, into=min(heirs[theme.id])[1]))
        else:
            events.append(ThemeEvent(kind="died", theme=theme.id))
    return sorted(events, key=lambda event: (event.kind, event.theme, event.into or ""))
