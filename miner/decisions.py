"""A person's decisions replayed on freshly grouped themes: rename, merge, split, move, reject.

A decision about something that is no longer there is passed over, never an error. `value` holds
`name` for a rename, `into` for a merge, `theme` for a move, `claims` (and perhaps `name`) for a
split, `outcome` for a claim read wrongly, and `level`, `status`, `certainty` (and perhaps
`condition`) for a grade; a rejection needs nothing. What `remembered` adds is for `miner.undoing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from miner.counts import tally
from miner.identity import founded_id, kind_of
from miner.model import (
    Claim,
    Contradiction,
    Decision,
    Grade,
    Outcome,
    SubTheme,
    Theme,
    ThemeEvent,
)

__all__ = [
    "OVERRULED",
    "corrected",
    "decided",
    "facts",
    "overruled",
    "placed",
    "recounted",
    "shaped",
    "without_dismissed",
]

OVERRULED = "overruled"
"""Reason of a grade that a person set."""


def decided(
    themes: Sequence[Theme],
    claims: Sequence[Claim],
    decisions: Sequence[Decision],
    redirects: Mapping[str, str] | None = None,
) -> tuple[tuple[Theme, ...], tuple[ThemeEvent, ...]]:
    """The themes after all decisions, oldest first, and what they did to ids.

    Themes keep their order; one without claims is gone. Tallies are counted anew where touched.
    `redirects` lead from ids that runs merged away to where they went: what was decided about
    them holds there.
    """
    state = _State(themes, claims, redirects or {})
    named = {decision.target for decision in decisions if decision.action == "rename"}
    state.own_names = named & state.by_id.keys()
    for decision in sorted(decisions, key=lambda d: (d.when, d.id or 0)):
        change = _CHANGES.get(decision.action)
        if change is not None:
            change(state, decision)
    return state.themes(), tuple(state.events)


def shaped(decisions: Iterable[Decision], undone: Iterable[Decision] = ()) -> frozenset[str]:
    """Ids of the themes people gave a shape or a name; of merges taken back both sides."""
    found: set[str] = set()
    for decision in decisions:
        if decision.action in ("rename", "split"):
            found.add(decision.target)
        if decision.action == "split" and (new := _split_id(decision)):
            found.add(new)
        if decision.action == "merge":
            found.add(str(decision.value.get("into")))
    for decision in undone:
        if decision.action == "merge":
            found |= {decision.target, str(decision.value.get("into"))}
    return frozenset(found)


def placed(decisions: Iterable[Decision]) -> frozenset[str]:
    """Ids of the claims that people moved, or split off."""
    found: set[str] = set()
    for decision in decisions:
        if decision.action == "move":
            found.add(decision.target)
        elif decision.action == "split":
            found.update(_listed(decision.value))
    return frozenset(found)


def facts(claims: Sequence[Claim]) -> dict[str, Any]:
    """The fields of a theme that follow from its claims: tally, articles, conditions."""
    heard = Counter(claim.condition for claim in claims if claim.condition)
    return {
        "tally": tally(claims),
        "articles": len({c.quote.document for c in claims if c.voice == "article"}),
        "conditions": tuple(sorted(heard, key=lambda some: (-heard[some], some))),
    }


def recounted(theme: Theme, claims: Mapping[str, Claim]) -> Theme:
    """The theme with all that follows from its claims, after these changed."""
    own = [claims[claim] for claim in theme.claims if claim in claims]
    return replace(
        theme,
        parts=_parts_left(theme, claims),
        border=tuple(claim for claim in theme.border if claim in set(theme.claims)),
        **facts(own),
    )


def _parts_left(theme: Theme, claims: Mapping[str, Claim]) -> tuple[SubTheme, ...]:
    """The sub-themes without claims that are gone, most authors first."""
    own, found = set(theme.claims), []
    for part in theme.parts:
        left = tuple(claim for claim in part.claims if claim in own)
        if left:
            counted = tally([claims[claim] for claim in left if claim in claims])
            found.append(replace(part, claims=left, tally=counted))
    return tuple(sorted(found, key=lambda part: (-part.tally.authors, part.id)))


def corrected(claims: Sequence[Claim], decisions: Iterable[Decision]) -> list[Claim]:
    """The claims with the outcomes a person read in them."""
    read = {d.target: d.value.get("outcome") for d in decisions if d.action == "outcome"}
    return [
        replace(claim, outcome=cast("Outcome", read[claim.id]), verdict=None)
        if read.get(claim.id) in get_args(Outcome)
        else claim
        for claim in claims
    ]


def overruled(grades: Iterable[Grade], decisions: Iterable[Decision]) -> list[Grade]:
    """The grades with the level, status and certainty a person set, and that as first reason."""
    said = {(d.target, d.value.get("condition")): d.value for d in decisions if _is_grade(d)}
    return [_set(grade, said.get((grade.theme, grade.condition))) for grade in grades]


def without_dismissed(
    found: Iterable[Contradiction], decisions: Iterable[Decision]
) -> list[Contradiction]:
    """The contradictions that a person did not dismiss."""
    gone = {decision.target for decision in decisions if decision.action == "dismiss"}
    return [one for one in found if one.id not in gone]


def _is_grade(decision: Decision) -> bool:
    return decision.action == "overrule" and "status" in decision.value


def _set(grade: Grade, value: Mapping[str, object] | None) -> Grade:
    """The grade as it was set; as it is where nobody set it."""
    if value is None:
        return grade
    level, certainty = value.get("level"), value.get("certainty")
    return replace(
        grade,
        level=level if isinstance(level, int) and 1 <= level <= 5 else None,
        status=str(value["status"]),
        certainty=str(certainty) if certainty else None,
        reasons=(OVERRULED, *(reason for reason in grade.reasons if reason != OVERRULED)),
    )


class _State:
    """Themes while decisions are replayed."""

    def __init__(
        self, themes: Sequence[Theme], claims: Sequence[Claim], redirects: Mapping[str, str]
    ) -> None:
        self.by_id = {theme.id: theme for theme in themes}
        self.claim = {claim.id: claim for claim in claims}
        self.home = {claim: theme.id for theme in themes for claim in theme.claims}
        self.own_names: Collection[str] = ()
        self.redirects = {old: to for old, to in redirects.items() if old not in self.by_id}
        self.moved_to: dict[str, str] = {}
        self.events: list[ThemeEvent] = []
        self._touched: set[str] = set()

    def find(self, id_: object) -> Theme | None:
        """The theme of that id, or the one it was merged into."""
        at, seen = str(id_), set[str]()
        while at not in self.by_id and at not in seen:
            seen.add(at)
            at = self.moved_to.get(at) or self.redirects.get(at, at)
        return self.by_id.get(at)

    def take(self, claims: Iterable[str]) -> list[str]:
        """Takes claims out of their themes; those that were in one."""
        taken = [claim for claim in dict.fromkeys(claims) if claim in self.home]
        for claim in taken:
            theme = self.by_id[self.home.pop(claim)]
            self.put(replace(theme, claims=tuple(c for c in theme.claims if c != claim)))
        return taken

    def put(self, theme: Theme) -> None:
        """Keeps a changed theme."""
        self.by_id[theme.id] = theme
        self._touched.add(theme.id)
        self.home |= dict.fromkeys(theme.claims, theme.id)

    def themes(self) -> tuple[Theme, ...]:
        """What is left, in order, with tallies of what was touched counted anew."""
        kept = [theme for theme in self.by_id.values() if theme.claims]
        ids = {theme.id for theme in kept}
        return tuple(
            replace(
                self._counted(theme),
                related=tuple(some for some in theme.related if some in ids and some != theme.id),
            )
            for theme in kept
        )

    def _counted(self, theme: Theme) -> Theme:
        return recounted(theme, self.claim) if theme.id in self._touched else theme


def _rename(state: _State, decision: Decision) -> None:
    theme, name = state.find(decision.target), str(decision.value.get("name", "")).strip()
    if theme is None or (decision.target in state.redirects and theme.id in state.own_names):
        # Two named themes became one in a run: the one that stayed keeps its own name.
        return
    if name and name != theme.name:
        state.by_id[theme.id] = replace(theme, name=name)


def _merge(state: _State, decision: Decision) -> None:
    gone, into = state.find(decision.target), state.find(decision.value.get("into"))
    if gone is None or into is None or gone.id == into.id or gone.kind != into.kind:
        return
    del state.by_id[gone.id]
    parts = gone.parts or (SubTheme(id=gone.id, name=gone.name, claims=gone.claims),)
    merged = (*into.claims, *gone.claims)
    state.put(replace(into, claims=merged, parts=(*into.parts, *parts)))
    state.moved_to[gone.id] = into.id
    state.events.append(ThemeEvent(kind="merged", theme=gone.id, into=into.id))


def _split(state: _State, decision: Decision) -> None:
    theme, listed = state.find(decision.target), _listed(decision.value)
    if theme is None:
        return
    chosen = [claim for claim in listed if state.home.get(claim) == theme.id]
    founder = _split_founder(decision)
    there = state.by_id.get(founded_id(theme.kind, founder))
    if there is not None and there.kind == theme.kind:
        # The theme is there since a former run; some of the claims may have come back since.
        state.take(chosen if len(chosen) < len(theme.claims) else ())
        own = [claim for claim in chosen if claim not in state.home]
        name = str(decision.value.get("name") or there.name)
        state.put(replace(there, name=name, claims=(*there.claims, *own)))
        return
    if not chosen or len(chosen) == len(theme.claims):
        return
    state.take(chosen)
    phrase = state.claim[chosen[0]].phrase if chosen[0] in state.claim else theme.name
    name = str(decision.value.get("name") or phrase)
    new = founded_id(theme.kind, founder, state.by_id)
    alone = replace(theme, id=new, name=name, claims=tuple(chosen))
    state.put(replace(alone, keywords=(), parts=(), stability=None))
    state.events.append(ThemeEvent(kind="split", theme=theme.id, into=new))


def _split_founder(decision: Decision) -> str:
    return f"{decision.target} without {next(iter(_listed(decision.value)), '')}"


def _split_id(decision: Decision) -> str | None:
    """The id that a split gives to what it takes out."""
    kind = kind_of(decision.target)
    return founded_id(kind, _split_founder(decision)) if kind else None


def _move(state: _State, decision: Decision) -> None:
    into = state.find(decision.value.get("theme"))
    claim = state.claim.get(decision.target)
    if into is None or claim is None or claim.kind != into.kind:
        return
    if state.home.get(claim.id) != into.id:
        state.take([claim.id])
        state.put(replace(into, claims=(*into.claims, claim.id)))


def _reject(state: _State, decision: Decision) -> None:
    theme = state.find(decision.target)
    state.take(theme.claims if theme is not None else [decision.target])


def _listed(value: Mapping[str, object]) -> list[str]:
    claims = value.get("claims")
    return [str(claim) for claim in claims] if isinstance(claims, (list, tuple)) else []


_CHANGES: Mapping[str, Callable[[_State, Decision], None]] = {
    "rename": _rename,
    "merge": _merge,
    "split": _split,
    "move": _move,
    "reject": _reject,
}
