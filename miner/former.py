"""What the last run left, as the next one wants it: its themes, less what was taken back since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from miner import decisions, undoing
from miner.identity import Previous, fates, former_themes
from miner.knowledge import Knowledge
from miner.model import Claim, Decision, ThemeEvent

__all__ = ["Before", "before", "claims_like", "taken_back"]


@dataclass(frozen=True, kw_only=True)
class Before:
    """The last run's themes without what was taken back since, and what that did to ids."""

    previous: Previous
    events: tuple[ThemeEvent, ...]


def taken_back(knowledge: Knowledge) -> list[Decision]:
    """Decisions the last run followed that were taken back since."""
    last = knowledge.last_run()
    followed = set(last.decisions) if last else set()
    return [k.decision for k in knowledge.history() if k.undone and k.decision.id in followed]


def before(
    knowledge: Knowledge,
    now: Sequence[Claim],
    decided: Sequence[Decision],
    back: Sequence[Decision],
) -> Before:
    """What was, beside claims as they are read now and decisions in force and taken back."""
    # What is taken back is counted anew, from the claims as they were read then.
    at_hand = {} if back else {claim.id: claim for claim in now}
    known, stored = claims_like(knowledge, at_hand), knowledge.themes()
    last = knowledge.last_run()
    gone = fates(knowledge.events(), {theme.id for theme in stored})
    left, events = undoing.taken_back(stored, known, back, gone.merged)
    fate = fates([*knowledge.events(), *events], {theme.id for theme in left})
    undone = [kept.decision for kept in knowledge.history() if kept.undone]
    previous = former_themes(
        undoing.without_newcomers(left, back, gone.merged),
        known,
        fate,
        held=decisions.shaped(decided, undone),
        placed=decisions.placed(decided),
        whole=last.grouped if last else None,
    )
    return Before(previous=previous, events=events)


def claims_like(knowledge: Knowledge, known: Mapping[str, Claim]) -> list[Claim]:
    """The last run's claims, by id; where author, date and words are equal, the one known now.

    They may differ in how they were read, so it is for who asks who said what, and when. Those of
    a project take long to read, and much room beside the same ones at hand.
    """
    rows = knowledge.told()
    same = {row.id for row in rows if _is_like(known.get(row.id), row)}
    read = knowledge.claims(ids=[row.id for row in rows if row.id not in same])
    others = {one.id: one for one in read}
    return [known[row.id] if row.id in same else others[row.id] for row in rows]


def _is_like(claim: Claim | None, row: Any) -> bool:
    said = claim and (claim.author, claim.written, claim.words)
    return said == (row.author, row.written, row.words)
