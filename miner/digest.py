"""What changed since a day or the last digest: themes, levels, disputes, gaps, questions. Pure.

How it is written down is `miner.letters`; what it is told from is `miner.snapshots`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from miner.counts import voter
from miner.export.words import few
from miner.inquiries import Inquiry
from miner.model import Claim, Contradiction, Gap, Theme
from miner.snapshots import Snapshot, State

__all__ = ["HEADINGS", "MOST", "Digest", "Entry", "Now", "Section", "between"]

Section = Literal["new", "rising", "falling", "grade", "contradiction", "gap", "unanswered", "gone"]
HEADINGS: Mapping[Section, str] = {
    "new": "New themes",
    "rising": "Rising",
    "falling": "Falling",
    "grade": "Levels and statuses that changed",
    "contradiction": "New contradictions",
    "gap": "New gaps",
    "unanswered": "Questions left without an answer",
    "gone": "Themes that went",
}
MOST = 15
"""Entries of a section that are written out, most people first; how many there are is said."""
PERIOD = timedelta(days=28)
"""Shortest time over which rising and falling are measured."""
FEW, GROWTH = 3, 1.5
"""People in the busier period, and how many times those of the other one, to be told."""
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://folkgrade.example/digest")

States = Mapping[str, State]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that changed."""

    id: str
    """The same whenever the same change is told."""
    section: Section
    theme: str
    """Its id; for a question on no theme, that of the questions of its meaning."""
    name: str
    text: str
    authors: int
    when: datetime
    """End of the run that first concluded so."""


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What changed; empty entries say that nothing did."""

    project: str
    run: int
    until: datetime
    since: datetime | None
    """None where nothing was told before: everything is new then."""
    entries: tuple[Entry, ...]
    """By section, most people first."""
    freshness: tuple[str, ...] = ()
    """A line a site."""
    base: str = ""
    """Address of the dashboard."""

    def of(self, section: Section) -> list[Entry]:
        """The entries of a section."""
        return [entry for entry in self.entries if entry.section == section]

    def link(self, entry: Entry) -> str:
        """Where the dashboard shows the theme; empty without a dashboard or a theme."""
        if not self.base or entry.section == "gone":
            return ""
        if entry.theme.startswith("ask-"):
            return f"{self.base}/gaps?asked=open"
        return f"{self.base}/theme?theme={entry.theme}"


@dataclass(frozen=True, kw_only=True)
class Now:
    """What the last run concluded."""

    themes: Sequence[Theme]
    gaps: Sequence[Gap]
    contradictions: Sequence[Contradiction]
    claims: Iterable[tuple[str, Claim]]
    """Theme id and claim."""
    inquiries: Sequence[Inquiry] = ()
    """What people ask."""


def between(
    history: Sequence[Snapshot],
    before: int | None,
    now: Now,
    *,
    project: str = "",
    base: str = "",
    freshness: tuple[str, ...] = (),
) -> Digest:
    """The digest of the last snapshot against the one of run `before`; None is the very start.

    `history` is in order of runs; its last one is the run that `now` is of.
    """
    last = history[-1]
    former = next((one for one in history if one.run == before), None)
    later = [one for one in history if former is None or one.run > former.run]
    telling = _Telling(project, former, later, now)
    found = [*telling.changes(), *telling.questions()] if later else []
    if former and later:
        found += telling.movements(former.finished, last.finished)
    order = list(HEADINGS)
    found.sort(key=lambda e: (order.index(e.section), -e.authors, e.theme, e.text))
    return Digest(
        project=project,
        run=last.run,
        until=last.finished,
        since=former.finished if former else None,
        entries=tuple(found),
        freshness=freshness,
        base=base,
    )


class _Telling:
    """Turns two states of each theme into entries."""

    def __init__(
        self, project: str, former: Snapshot | None, later: Sequence[Snapshot], now: Now
    ) -> None:
        self.project, self.later, self.now = project, later, now
        self.old: States = former.states if former else {}
        self.left = former.left if former else {}
        self.new: States = later[-1].states if later else {}
        self.themes = {theme.id: theme for theme in now.themes}
        self.gaps = {(gap.theme, str(gap.type)): gap for gap in now.gaps}
        self.disputes: dict[str, list[Contradiction]] = defaultdict(list)
        for dispute in now.contradictions:
            self.disputes[dispute.theme].append(dispute)

    def changes(self) -> Iterator[Entry]:
        """What is so now and was not before."""
        for theme in self.now.themes:
            if (state := self.new.get(theme.id)) is not None:
                yield from self._of_theme(theme, self.old.get(theme.id), state)
        for key in sorted(self.old.keys() - self.new.keys()):
            yield self._entry("gone", key, "", "No longer a theme of its own.", lambda s: s is None)

    def _of_theme(self, theme: Theme, old: State | None, new: State) -> Iterator[Entry]:
        key = theme.id
        if old is None:
            said = f"{theme.kind}; {_people(new.authors)}, {_level(new)}"
            yield self._entry("new", key, "", said, lambda s: s is not None)
        elif (old.level, old.status) != (new.level, new.status):
            mark = f"{_level(old)} to {_level(new)}"
            yield self._entry(
                "grade", key, mark, f"From {mark}.",
                lambda s: s is not None and (s.level, s.status) == (new.level, new.status),
            )  # fmt: skip
        for dispute in self.disputes[key]:
            if dispute.type not in (old.disputes if old else ()):
                yield self._dispute(dispute)
        gap = self.gaps.get((key, new.gap))
        if gap is not None and (old is None or old.gap != new.gap):
            yield self._gap(gap)
        if new.unanswered and not (old and old.unanswered):
            said = f"{_people(theme.tally.asked)} asked, nobody says what came of it."
            yield self._entry("unanswered", key, "", said, lambda s: s is not None and s.unanswered)

    def questions(self) -> Iterator[Entry]:
        """Questions of one meaning to which more people than before have no answer."""
        for one in self.now.inquiries:
            if one.open < 2 or one.open <= self.left.get(one.id, 0):
                continue
            when = self.later[-1].finished
            for snapshot in reversed(self.later):
                if snapshot.left.get(one.id, 0) < one.open:
                    break
                when = snapshot.finished
            said = f"{one.open} of {one.askers} who ask it got no answer."
            names = (self.project, "question", one.id, str(one.open), when.isoformat())
            yield Entry(
                id=uuid.uuid5(_SPACE, "\n".join(names)).urn,
                section="unanswered",
                theme=one.id,
                name=few(" ".join(one.text.split()), "short"),
                text=said,
                authors=one.askers,
                when=when,
            )

    def _dispute(self, found: Contradiction) -> Entry:
        def holds(state: State | None) -> bool:
            return state is not None and found.type in state.disputes

        return self._entry("contradiction", found.theme, found.type, found.reason, holds)

    def _gap(self, gap: Gap) -> Entry:
        def holds(state: State | None) -> bool:
            return state is not None and state.gap == gap.type

        said = f"{gap.type.replace('_', ' ')}, score {gap.score:g}: {'; '.join(gap.reasons)}."
        return self._entry("gap", gap.theme, gap.type, said, holds)

    def movements(self, since: datetime, until: datetime) -> Iterator[Entry]:
        """Themes of which clearly more or fewer people wrote than in the period before."""
        length = max(PERIOD, until - since)
        counted = _voices(self.now.claims, until - length, until - 2 * length)
        days = max(1, round(length / timedelta(days=1)))
        for key, (recent, before) in sorted(counted.items()):
            if key not in self.themes or key not in self.old:
                continue
            section = _movement(recent, before)
            if section is not None:
                said = f"{_people(recent)} wrote of it in the last {days} days, {before} before."
                mark = f"{recent} {before}"
                yield self._entry(section, key, mark, said, lambda s: s is not None)

    def _entry(
        self,
        section: Section,
        theme: str,
        mark: str,
        text: str,
        holds: Callable[[State | None], bool],
    ) -> Entry:
        """The entry, dated by the first run since which it holds."""
        when = self.later[-1].finished
        if section in ("rising", "falling"):
            mark = f"{mark} {when.isoformat()}"
        else:
            for snapshot in reversed(self.later):
                if not holds(snapshot.states.get(theme)):
                    break
                when = snapshot.finished
        known = self.themes.get(theme)
        names = (self.project, section, theme, mark, when.isoformat())
        return Entry(
            id=uuid.uuid5(_SPACE, "\n".join(names)).urn,
            section=section,
            theme=theme,
            name=known.name if known else theme,
            text=text,
            authors=known.tally.authors if known else 0,
            when=when,
        )


def _voices(
    claims: Iterable[tuple[str, Claim]], middle: datetime, first: datetime
) -> dict[str, tuple[int, int]]:
    """People by theme who wrote after the middle, and between the first moment and the middle."""
    recent: dict[str, set[str]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    for theme, claim in claims:
        when = claim.written
        if when is None or claim.voice != "member":
            continue
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        if when > middle:
            recent[theme].add(voter(claim))
        elif when > first:
            before[theme].add(voter(claim))
    keys = recent.keys() | before.keys()
    return {key: (len(recent[key]), len(before[key])) for key in keys}


def _movement(recent: int, before: int) -> Literal["rising", "falling"] | None:
    if recent >= FEW and recent >= GROWTH * max(1, before):
        return "rising"
    return "falling" if before >= FEW and before >= GROWTH * max(1, recent) else None


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _level(state: State) -> str:
    said = state.status.replace("_", " ")
    return f"level {state.level}, {said}" if state.level is not None else said
