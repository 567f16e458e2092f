"""Decisions taken back after a run followed them: what they changed is changed back.

What is not followed yet is taken back by not following it. For the rest a decision remembers, when
it is made, what it changes; the next run then groups as if it had never been made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from miner.decisions import OVERRULED, recounted
from miner.model import Claim, Decision, Grade, Kind, Outcome, Theme, ThemeEvent
from miner.phrases import normalise

__all__ = [
    "remembered",
    "restored_claims",
    "restored_grades",
    "taken_back",
    "without_newcomers",
]


def remembered(
    decision: Decision,
    themes: Iterable[Theme],
    claims: Iterable[Claim] = (),
    grades: Iterable[Grade] = (),
) -> Decision:
    """The decision with what it changes, so that it can be taken back after any run."""
    by_id = {theme.id: theme for theme in themes}
    theme = by_id.get(decision.target)
    home = next((t.id for t in by_id.values() if decision.target in t.claims), None)
    was: dict[str, object] = {}
    if decision.action == "rename" and theme:
        was = {"was": theme.name}
    elif decision.action in ("merge", "reject") and theme:
        was = {"claims": list(theme.claims), "was": theme.name, "kind": theme.kind}
        if into := by_id.get(str(decision.value.get("into"))):
            was["had"] = list(into.claims)
    elif decision.action in ("move", "reject") and home:
        was = {"from": home}
    elif decision.action == "outcome":
        was = {"was": next((c.outcome for c in claims if c.id == decision.target), "unknown")}
    elif decision.action == "overrule":
        was = {"was": _facts_of(decision, grades)}
    return replace(decision, value={**decision.value, **was})


def _facts_of(decision: Decision, grades: Iterable[Grade]) -> dict[str, object] | None:
    condition = decision.value.get("condition")
    for grade in grades:
        if grade.theme == decision.target and grade.condition == condition:
            return {"level": grade.level, "status": grade.status, "certainty": grade.certainty}
    return None


def taken_back(
    themes: Sequence[Theme],
    claims: Iterable[Claim],
    decisions: Iterable[Decision],
    redirects: Mapping[str, str] | None = None,
) -> tuple[tuple[Theme, ...], tuple[ThemeEvent, ...]]:
    """The themes as if these decisions had not been made, the latest taken back first.

    The claims are those of the themes concerned; tallies of what changed are counted anew.
    `redirects` lead from ids that runs merged away to where they went.
    """
    state = _Former(themes, claims, redirects or {})
    for decision in sorted(decisions, key=lambda d: (d.when, d.id or 0), reverse=True):
        change = _CHANGES.get(decision.action)
        if change is not None:
            change(state, decision)
    return state.themes(), tuple(state.events)


def without_newcomers(
    themes: Iterable[Theme],
    decisions: Iterable[Decision],
    redirects: Mapping[str, str] | None = None,
) -> list[Theme]:
    """The themes without what came into merged ones since, of merges that are taken back.

    Nobody can tell which of the two it would have joined: the next run finds out.
    """
    by_id = {theme.id: theme for theme in themes}
    for decision in decisions:
        had = _listed(decision, "had")
        into = by_id.get(followed(str(decision.value.get("into")), by_id, redirects or {}))
        if decision.action == "merge" and had and into is not None:
            known = {*had, *_listed(decision, "claims")}
            stay = tuple(claim for claim in into.claims if claim in known)
            by_id[into.id] = replace(into, claims=stay or into.claims)
    return list(by_id.values())


def followed(id_: str, living: Collection[str], redirects: Mapping[str, str]) -> str:
    """The id that a theme goes by now."""
    seen = set[str]()
    while id_ not in living and id_ in redirects and id_ not in seen:
        seen.add(id_)
        id_ = redirects[id_]
    return id_


def restored_claims(claims: Sequence[Claim], decisions: Iterable[Decision]) -> list[Claim]:
    """The claims with the outcomes that were read before a person read others."""
    was = {d.target: d.value.get("was") for d in decisions if d.action == "outcome"}
    return [
        replace(claim, outcome=cast("Outcome", was[claim.id]))
        if was.get(claim.id) in get_args(Outcome)
        else claim
        for claim in claims
    ]


def restored_grades(grades: Iterable[Grade], decisions: Iterable[Decision]) -> list[Grade]:
    """The grades as they were before a person set them."""
    was = {
        (d.target, d.value.get("condition")): d.value["was"]
        for d in decisions
        if d.action == "overrule" and isinstance(d.value.get("was"), Mapping)
    }
    return [_restored(grade, was.get((grade.theme, grade.condition))) for grade in grades]


def _restored(grade: Grade, was: Any) -> Grade:
    if not was or OVERRULED not in grade.reasons:
        return grade
    reasons = tuple(reason for reason in grade.reasons if reason != OVERRULED)
    return replace(grade, **was, reasons=reasons)


class _Former:
    """Themes while decisions are taken back."""

    def __init__(
        self, themes: Sequence[Theme], claims: Iterable[Claim], redirects: Mapping[str, str]
    ) -> None:
        self.by_id = {theme.id: theme for theme in themes}
        self.redirects = redirects
        self.claim = {claim.id: claim for claim in claims}
        self.home = {claim: theme.id for theme in themes for claim in theme.claims}
        self.events: list[ThemeEvent] = []
        self._touched: set[str] = set()

    def now(self, id_: object) -> str:
        """The id that a theme goes by now."""
        return followed(str(id_), self.by_id, self.redirects)

    def alike(self, claims: Iterable[str], within: str) -> list[str]:
        """Those of the claims that are in a theme, and its others that say the same words."""
        own = self.by_id[within].claims
        listed = [claim for claim in claims if self.home.get(claim) == within]
        said = {normalise(self.claim[claim].words) for claim in listed if claim in self.claim}
        same = [c for c in own if c in self.claim and normalise(self.claim[c].words) in said]
        return list(dict.fromkeys([*listed, *same]))

    def move(self, claims: Iterable[str], into: str) -> None:
        """Puts claims into a theme, out of those they are in."""
        for claim in claims:
            at = self.home.get(claim)
            if at == into:
                continue
            if at is not None:
                theme = self.by_id[at]
                self.by_id[at] = replace(theme, claims=tuple(c for c in theme.claims if c != claim))
            there = self.by_id[into]
            self.by_id[into] = replace(there, claims=(*there.claims, claim))
            self.home[claim] = into
            self._touched |= {into, *([at] if at else [])}

    def themes(self) -> tuple[Theme, ...]:
        """What has claims, in order, tallies of what changed counted anew."""
        return tuple(self._counted(theme) for theme in self.by_id.values() if theme.claims)

    def _counted(self, theme: Theme) -> Theme:
        return recounted(theme, self.claim) if theme.id in self._touched else theme


def _rename(state: _Former, decision: Decision) -> None:
    theme, was = state.by_id.get(decision.target), str(decision.value.get("was", ""))
    if theme is not None and was and theme.name == decision.value.get("name"):
        state.by_id[theme.id] = replace(theme, name=was)


def _merge(state: _Former, decision: Decision) -> None:
    into = state.by_id.get(state.now(decision.value.get("into")))
    own = state.alike(_listed(decision, "claims"), into.id) if into else []
    if into is not None and own and decision.target not in state.by_id:
        _revive(state, decision, into.kind)
        state.move(own, decision.target)
        state.events.append(ThemeEvent(kind="split", theme=into.id, into=decision.target))


def _revive(state: _Former, decision: Decision, kind: Kind) -> None:
    """Brings back a theme that is gone, for now without claims."""
    name = str(decision.value.get("was") or decision.target)
    state.by_id[decision.target] = Theme(id=decision.target, kind=kind, name=name, claims=())


def _split(state: _Former, decision: Decision) -> None:
    whole = state.now(decision.target)
    if whole not in state.by_id:
        return
    claims = [claim for claim in _listed(decision, "claims") if claim in state.home]
    new = {state.home[claim] for claim in claims} - {whole}
    for id_ in sorted(new):
        state.move(state.alike(claims, id_), whole)
        if not state.by_id[id_].claims:
            state.events.append(ThemeEvent(kind="merged", theme=id_, into=whole))


def _move(state: _Former, decision: Decision) -> None:
    back, there = state.now(decision.value.get("from")), state.now(decision.value.get("theme"))
    if back in state.by_id and state.home.get(decision.target) == there:
        state.move([decision.target], back)


def _reject(state: _Former, decision: Decision) -> None:
    claims = [c for c in _listed(decision, "claims") if c not in state.home]
    kind = decision.value.get("kind")
    if claims and kind in get_args(Kind) and decision.target not in state.by_id:
        _revive(state, decision, cast("Kind", kind))
        state.move(claims, decision.target)
    elif state.now(decision.value.get("from")) in state.by_id and decision.target not in state.home:
        state.move([decision.target], state.now(decision.value["from"]))


def _listed(decision: Decision, name: str) -> list[str]:
    found = decision.value.get(name)
    return [str(one) for one in found] if isinstance(found, (list, tuple)) else []


_CHANGES: Mapping[str, Callable[[_Former, Decision], None]] = {
    "rename": _rename,
    "merge": _merge,
    "split": _split,
    "move": _move,
    "reject": _reject,
}
