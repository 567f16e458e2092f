"""Who is who between two runs: ids carried over by shared members, and what became of the rest."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from miner.continuity import NEW, Known
from miner.model import Claim, Kind, SubTheme, Theme, ThemeEvent
from miner.phrases import ideas

__all__ = [
    "Fates",
    "Former",
    "Group",
    "Previous",
    "carry_over",
    "fates",
    "former_themes",
    "founded_id",
    "ideas_of",
    "kind_of",
    "renamed",
]

PREFIX: Mapping[Kind, str] = {
    "cause": "cau",
    "trigger": "tri",
    "diagnosis": "dia",
    "remedy": "rem",
}


ATTEMPTS = 3
"""How often a founding phrase may have found its id taken and still be known again."""


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
    placed: frozenset[str] = frozenset()
    """Those of its phrases that a person put here."""
    stability: float | None = None
    """How sure it was."""


@dataclass(frozen=True, kw_only=True)
class Fates:
    """What became of ids that are in use no more."""

    merged: Mapping[str, str] = field(default_factory=dict)
    """Old id to the one it went into, which may have gone on itself."""
    dead: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The themes of the last run, and ids that are used up."""

    themes: tuple[Former, ...] = ()
    gone: Fates = field(default_factory=Fates)
    """Merged ids redirect, so no theme may take them again; a dead one is its theme's again when
    the founding phrase is back."""
    held: frozenset[str] = frozenset()
    """Ids of themes that a person shaped: no run parts them or makes one of two of them."""
    whole: Mapping[Kind, int] = field(default_factory=dict)
    """Phrases of each kind when they were last grouped as a whole."""
    parts: tuple[Former, ...] = ()
    """The sub-themes."""
    used: frozenset[str] = frozenset()
    """More ids that are in use."""

    @property
    def of_parts(self) -> Previous:
        """The sub-themes as if they were themes."""
        return Previous(themes=self.parts, used=frozenset(theme.id for theme in self.themes))

    def known(self, kind: Kind, phrases: Sequence[str]) -> Known:
        """Where these phrases were in the last run, in their order."""
        homes = self.homes(kind)
        number = {theme.id: place for place, theme in enumerate(self.themes)}
        placed = {
            phrase
            for theme in self.themes
            for phrase in (theme.placed if theme.kind == kind else ())
            if homes.get(phrase) == theme.id
        }
        return Known(
            homes=np.array([number.get(homes.get(p, ""), NEW) for p in phrases], dtype=np.int64),
            held=frozenset(place for id_, place in number.items() if id_ in self.held),
            fixed=np.array([phrase in placed for phrase in phrases], dtype=bool),
        )

    def homes(self, kind: Kind) -> dict[str, str]:
        """Normalised phrase to the id of the former theme that most of its claims were in."""
        votes: dict[str, dict[str, int]] = {}
        for theme in self.themes:
            if theme.kind == kind:
                for phrase, count in theme.phrases.items():
                    counts = votes.setdefault(phrase, {})
                    counts[theme.id] = counts.get(theme.id, 0) + count
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


def fates(events: Iterable[ThemeEvent], living: Collection[str]) -> Fates:
    """The fates of all ids but the living ones, by the events of all runs in order."""
    last: dict[str, str | None] = {}
    for event in events:
        if event.kind in ("merged", "died"):
            last[event.theme] = event.into
        elif event.kind in ("born", "split"):
            last.pop(event.into or event.theme, None)
    gone = {id_: into for id_, into in last.items() if id_ not in living}
    return Fates(
        merged={id_: into for id_, into in gone.items() if into is not None},
        dead=frozenset(id_ for id_, into in gone.items() if into is None),
    )


def former_themes(
    themes: Iterable[Theme],
    claims: Iterable[Claim],
    gone: Fates | None = None,
    *,
    held: Iterable[str] = (),
    placed: Collection[str] = (),
    whole: Mapping[Kind, int] | None = None,
) -> Previous:
    """The stored themes and claims of the last run as the next run wants them.

    `placed` are ids of claims that a person put where they are; for the rest see Previous.
    """
    phrase_of = ideas_of(claims)
    known = tuple(themes)
    return Previous(
        themes=tuple(_former(theme, theme.kind, phrase_of, placed) for theme in known),
        parts=tuple(
            _former(part, theme.kind, phrase_of) for theme in known for part in theme.parts
        ),
        gone=gone or Fates(),
        held=frozenset(held),
        whole=dict(whole or {}),
    )


def _former(
    theme: Theme | SubTheme, kind: Kind, phrase_of: Mapping[str, str], placed: Collection[str] = ()
) -> Former:
    told = [claim for claim in theme.claims if claim in phrase_of]
    return Former(
        id=theme.id,
        kind=kind,
        name=theme.name,
        claims=frozenset(theme.claims),
        phrases=Counter(phrase_of[claim] for claim in told),
        placed=frozenset(phrase_of[claim] for claim in told if claim in placed),
        stability=theme.stability if isinstance(theme, Theme) else None,
    )


def ideas_of(claims: Iterable[Claim]) -> dict[str, str]:
    """The phrase of each claim as it is grouped by: a word that points stays within its kind."""
    by_kind: dict[Kind, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_kind[claim.kind].append(claim)
    return {id_: phrase for some in by_kind.values() for id_, phrase in ideas(some).items()}


def carry_over(
    groups: Sequence[Group], previous: Previous
) -> tuple[tuple[str, ...], tuple[ThemeEvent, ...]]:
    """An id per group, in order, and what happened since the last run, sorted.

    The pair that shares most members agrees first, that of a theme a person shaped before others.
    A group without a former theme gets an id from its founding phrase: its old one where it comes
    back from the dead.
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
        id_ = _attempted(kind, founder, attempt)
        if id_ not in used:
            return id_
        attempt += 1


def kind_of(id_: str) -> Kind | None:
    """The kind an id was founded for."""
    return next((kind for kind, prefix in PREFIX.items() if id_.startswith(f"{prefix}-")), None)


def renamed(previous: Previous, themes: Iterable[Theme]) -> tuple[ThemeEvent, ...]:
    """The themes that go by another name than in the last run, by id."""
    changed = [t.id for t in themes if previous.name_of(t.id) not in (None, t.name)]
    return tuple(ThemeEvent(kind="renamed", theme=id_) for id_ in sorted(changed))


def _attempted(kind: Kind, founder: str, attempt: int) -> str:
    key = f"{kind}\x1f{founder}\x1f{attempt}".encode()
    return f"{PREFIX[kind]}-{hashlib.sha256(key).hexdigest()[:6]}"


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
        key=lambda pair: (
            pair[1] not in previous.held,
            -shared[pair],
            -size[pair[1]],
            pair[1],
            groups[pair[0]].founder,
        ),
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
    taken = {*previous.gone.merged, *previous.used, *(theme.id for theme in previous.themes)}
    taken |= {part.id for part in previous.parts}
    ids = dict(kept)
    new = [number for number in range(len(groups)) if number not in kept]
    for number in sorted(new, key=lambda n: (groups[n].kind, groups[n].founder)):
        back = _revived(groups[number], previous.gone.dead - taken)
        ids[number] = back or founded_id(
            groups[number].kind, groups[number].founder, taken | previous.gone.dead
        )
        taken.add(ids[number])
    return tuple(ids[number] for number in range(len(groups)))


def _revived(group: Group, dead: frozenset[str]) -> str | None:
    """The id of a theme that is gone and was founded by a phrase of this group."""
    if not dead:
        return None
    for phrase in (group.founder, *sorted(group.phrases)):
        for attempt in range(ATTEMPTS):
            if (id_ := _attempted(group.kind, phrase, attempt)) in dead:
                return id_
    return None


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
