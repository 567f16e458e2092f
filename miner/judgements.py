"""A person's judgement of sources: replayed on every run, and taken back as if never made.

A rejection is of the link of one source to one theme, and so is a direction. A design and a risk
of bias are of the study, and hold wherever it is evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from miner import designs
from miner.model import Decision, Direction, Evidence

__all__ = ["CORRECTED", "REVIEWED", "decided", "is_judgement", "judgement", "restored"]

REVIEWED = "human_reviewed"
"""Flag of a source whose risk of bias a person judged."""
CORRECTED = "corrected"
"""Flag of a source of which a person set something else."""
_OF_STUDY = ("design", "high_rob")
"""What is said of a study, not of its word on one theme."""


def judgement(item: Evidence, **said: object) -> dict[str, object]:
    """The value of a decision on a source: what is said, of which study, and how it was read.

    `said` holds `design`, `direction` and `high_rob` as far as they are judged, or nothing for a
    rejection.
    """
    before = {"design": item.design, "direction": item.direction, "flags": list(item.flags)}
    return {**said, "source": item.title or (item.quote.text if item.quote else item.id)[:120],
            "study": item.study, "before": before}  # fmt: skip


def is_judgement(decision: Decision) -> bool:
    """Whether a decision is about a source, not about a theme, a claim or a grade."""
    return "source" in decision.value


def decided(evidence: Sequence[Evidence], decisions: Iterable[Decision]) -> list[Evidence]:
    """The evidence after a person's decisions on it, each by the id of the evidence.

    What was rejected is gone. An `overrule` may say `design`, `direction` and `high_rob`; what it
    says is marked, and anything it says that has no meaning is left out.
    """
    said = sorted(decisions, key=lambda one: (one.when, one.id or 0))
    found = {item.id: item for item in evidence}
    by_study: dict[object, list[str]] = {}
    for item in evidence:
        by_study.setdefault(item.study, []).append(item.id)
    for decision in said:
        if decision.action == "reject":
            found.pop(decision.target, None)
        elif decision.action == "overrule":
            study = decision.value.get("study")
            alike = by_study.get(study, []) if study else []
            for key in dict.fromkeys([decision.target, *alike]):
                if key in found:
                    found[key] = _overruled(found[key], decision)
    return [found[item.id] for item in evidence if item.id in found]


def restored(evidence: Sequence[Evidence], decisions: Iterable[Decision]) -> list[Evidence]:
    """The evidence as it was read before these decisions; what was rejected comes with a run."""
    before: dict[str, Any] = {}
    for decision in sorted(decisions, key=lambda one: (one.when, one.id or 0), reverse=True):
        if decision.action == "overrule" and isinstance(decision.value.get("before"), Mapping):
            before[decision.target] = decision.value["before"]
    return [_restored(item, before[item.id]) if item.id in before else item for item in evidence]


def _restored(item: Evidence, before: Mapping[str, Any]) -> Evidence:
    reasons = tuple(why for why in item.reasons if not why.startswith("overruled by "))
    flags = tuple(map(str, before.get("flags") or ()))
    return replace(
        item,
        design=before.get("design"),
        direction=before.get("direction") or item.direction,
        flags=flags,
        reasons=reasons,
    )


def _overruled(item: Evidence, decision: Decision) -> Evidence:
    value = dict(decision.value)
    if item.id != decision.target:
        value = {key: value[key] for key in _OF_STUDY if key in value}
    told = _meant(value)
    if not told:
        return item
    mark = REVIEWED if "high_rob" in told else CORRECTED
    flags = [flag for flag in item.flags if flag != mark]
    if "high_rob" in told:
        flags = [flag for flag in flags if flag != "high_rob"]
        flags += ["high_rob"] if told.pop("high_rob") else []
    if "design" in told:
        flags = [flag for flag in flags if flag != "design_unknown"]
    why = f"overruled by {decision.who}" + (f": {decision.why}" if decision.why else "")
    return replace(item, **told, flags=(*flags, mark), reasons=(*item.reasons, why))


def _meant(value: Mapping[str, object]) -> dict[str, Any]:
    """What of a judgement has a meaning."""
    told: dict[str, Any] = {}
    if value.get("design") in designs.known():
        told["design"] = value["design"]
    if value.get("direction") in get_args(Direction):
        told["direction"] = value["direction"]
    if isinstance(value.get("high_rob"), bool):
        told["high_rob"] = value["high_rob"]
    return told
