"""Decisions taken back after a run followed them: what they changed is changed back.

What is not followed yet is taken back by not following it. For the rest a decision remembers, when
it is made, what it changes; the next run then groups as if it had never been made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from miner.decisions import OVERRULED, facts
from miner.model import Claim, Decision, Grade, Kind, Outcome, Theme, ThemeEvent

__all__ = ["remembered", "restored_claims", "restored_grades", "taken_back"]


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
    themes: Sequence[Theme], claims: Iterable[Claim], decisions: Iterable[Decision]
) -> tuple[tuple[Theme, ...], tuple[ThemeEvent, ...]]:
    """The themes as if these decisions had not been made, the latest taken back first.

    The claims are those of the themes concerned; tallies of what changed are counted anew.
    """
    state = _Former(themes, claims)
    for decision in sorted(decisions, key=lambda d: (d.when, d.id or 0), reverse=True):
        change = _CHANGES.get(decision.action)
        if change is not None:
            change(state, decision)
    return state.themes(), tuple(state.events)


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

    def __init__(self, themes: Sequence[Theme], claims: Iterable[Claim]) -> None:
        self.by_id = {theme.id: theme for theme in themes}
        self.claim = {claim.id: claim for claim in claims}
        self.home = {claim: theme.id for theme in themes for claim in theme.claims}
        self.events: list[ThemeEvent] = []
        self._touched: set[str] = set()

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
        if theme.id not in self._touched:
            return theme
        return replace(theme, **facts([self.claim[c] for c in theme.claims if c in self.claim]))


def _rename(state: _Former, decision: Decision) -> None:
    theme, was = state.by_id.get(decision.target), str(decision.value.get("was", ""))
    if theme is not None and was and theme.name == decision.value.get("name"):
        state.by_id[theme.id] = replace(theme, name=was)


def _merge(state: _Former, decision: Decision) -> None:
    into = state.by_id.get(str(decision.value.get("into")))
    own = [c for c in _listed(decision, "claims") if into and state.home.get(c) == into.id]
    if into is not None and own and decision.target not in state.by_id:
        _revive(state, decision, into.kind)
        state.move(own, decision.target)


def _revive(state: _Former, decision: Decision, kind: Kind) -> None:
    """Brings back a theme that is gone, for now without claims."""
    name = str(decision.value.get("was") or decision.target)
    state.by_id[decision.target] = Theme(id=decision.target, kind=kind, name=name, claims=())


def _split(state: _Former, decision: Decision) -> None:
    if decision.target not in state.by_id:
        return
    claims = _listed(decision, "claims")
    new = {state.home[c] for c in claims if c in state.home} - {decision.target}
    state.move([c for c in claims if c in state.home], decision.target)
    for id_ in new:
        if not state.by_id[id_].claims:
            state.events.append(ThemeEvent(kind="merged", theme=id_, into=decision.target))


def _move(state: _Former, decision: Decision) -> None:
    back = str(decision.value.get("from"))
    if back in state.by_id and state.home.get(decision.target) == decision.value.get("theme"):
        state.move([decision.target], back)


def _reject(state: _Former, decision: Decision) -> None:
    claims = [c for c in _listed(decision, "claims") if c not in state.home]
    kind = decision.value.get("kind")
    if claims and kind in get_args(Kind) and decision.target not in state.by_id:
        _revive(state, decision, cast("Kind", kind))
        state.move(claims, decision.target)
    elif str(decision.value.get("from")) in state.by_id and decision.target not in state.home:
        state.move([decision.target], str(decision.value["from"]))


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
