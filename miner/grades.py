"""The grade of a theme: level, status and certainty from its sources, by docs/grading.md.

Pure: sources in, `Grade` out, the same for every order of the sources. How a source came to
its design, direction and flags is `miner.evidence`, `miner.designs` and `miner.library`.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from miner.contradictions import article_agreement, is_about
from miner.model import Evidence, Grade, Question, Search, Theme

__all__ = ["column", "grade", "identities", "level_of", "main_question", "of_themes", "one_each"]

NEVER = ("anecdote", "unsupported", "commercial")
"""Source types without a level, in the order in which they name a status."""
AGAINST = frozenset({"no_effect", "contradicts"})
UNLISTED = "unlisted"
"""Condition of evidence about none of the known conditions: related to each of them."""
NO_RESULTS = frozenset({"protocol", "registry", "registry_entry"})


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("miner").joinpath("data/levels.toml").read_text("utf-8"))


def column(question: Question) -> str:
    """Column of the table a question is read in: benefit and prevention share one."""
    return str(_table()["column"][question])


def _design(source: Evidence) -> str:
    """Design as a row of the table; a study without a known one is `unknown_study`."""
    if source.source_type in ("expert", "mechanism"):
        return source.source_type
    name = (source.design or "").strip().lower().replace("-", "_").replace(" ", "_")
    table = _table()
    known = any(name in table[part] for part in {*table["column"].values(), "any"})
    return name if known or name in NO_RESULTS else "unknown_study"


def _steps(source: Evidence, design: str) -> tuple[str, ...]:
    """Flags that cost a step, at most as many as count."""
    rule = _table()["steps"]
    trial = design in rule["small_designs"]
    small = trial and source.n is not None and 0 < source.n < rule["small"]
    flags = {flag for flag in source.flags if flag in rule["flags"]}
    flags = flags | {"small_n"} if small else flags
    flags = flags if trial else flags - {"small_n"}
    return tuple(sorted(flags))[: rule["most"]]


def level_of(source: Evidence, question: Question) -> int | None:
    """Step 1 to 5 of one source for a question; None where it carries no level."""
    if source.source_type in NEVER:
        return None
    design = _design(source)
    table = _table()
    start: int | None = {**table["any"], **table[column(question)]}.get(design)
    return None if start is None else min(5, start + len(_steps(source, design)))


# --- one trial, one voice ---------------------------------------------------------------------


def identities(source: Evidence) -> frozenset[str]:
    """Every name the source's study goes by: registry number, PMID, DOI, without prefixes."""
    raw = [*(source.study or "").split(), source.doi or ""]
    names = {_bare(name) for name in raw}
    if source.quote is not None and not source.study:
        names.add(source.id)
        if source.source_type in ("expert", "mechanism"):
            names.add(f"{source.source_type} of {source.quote.document}")
    return frozenset(names - {""})


def _bare(name: str) -> str:
    name = name.strip().lower().rstrip(".,;")
    for prefix in ("https://", "http://", "dx.doi.org/", "doi.org/", "doi:"):
        name = name.removeprefix(prefix)
    return name


def one_each(sources: Iterable[Evidence], question: Question) -> list[Evidence]:
    """Sources with reports of one study joined: same study, or same expert in one article."""
    groups: list[tuple[set[str], list[Evidence]]] = []
    for source in sources:
        names = set(identities(source))
        near = [group for group in groups if group[0] & names]
        for group in near:
            groups.remove(group)
        members = [member for group in near for member in group[1]]
        groups.append((names.union(*(group[0] for group in near)), [*members, source]))
    return [_joined(members, question) for _, members in groups]


def _joined(copies: Sequence[Evidence], question: Question) -> Evidence:
    """The most telling copy; where the copies of equal standing disagree it is mixed."""
    if len(copies) == 1:
        return copies[0]

    def rank(copy: Evidence) -> tuple[object, ...]:
        level = level_of(copy, question) or 9
        silent = copy.direction == "unclear"
        # The design last: two copies may be alike in all else, and their order must not decide.
        alike = (copy.direction, copy.id, _design(copy), repr(copy))
        return (*_standing(copy), level, silent, -(copy.n or 0), *alike)

    best = min(copies, key=rank)
    equal = [copy for copy in copies if _standing(copy) == _standing(best)]
    said = {copy.direction for copy in equal} - {"unclear"}
    if len(said) > 1 and not said <= AGAINST:
        return replace(best, direction="mixed")
    return best


def _standing(copy: Evidence) -> tuple[bool, bool]:
    """A person's reading goes before a record's, and that before a sentence about it."""
    judged = {"human_reviewed", "corrected"} & set(copy.flags)
    return (not judged, copy.quote is not None)


# --- the theme --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Sorted:
    """The sources of a theme by the part they may play."""

    counted: list[tuple[int, Evidence]]
    """Those with a level, each with it; unclear ones only where nothing else has a direction."""
    aside: list[Evidence]
    """Unclear ones that stand beside directional ones."""
    related: list[Evidence]
    retracted: list[Evidence]
    waiting: list[Evidence]
    """Protocols and registry entries without results."""
    unfit: list[Evidence]
    """Studies whose design says nothing on the question."""
    never: list[Evidence]


def _sort(sources: Iterable[Evidence], question: Question) -> _Sorted:
    live: list[Evidence] = []
    parts: dict[str, list[Evidence]] = defaultdict(list)
    for source in sources:
        name = _part(source)
        (live if name == "live" else parts[name]).append(source)
    levels = [(level_of(s, question), s) for s in one_each(live, question)]
    counted = [(level, source) for level, source in levels if level is not None]
    directional = [pair for pair in counted if pair[1].direction != "unclear"]
    return _Sorted(
        counted=directional or counted,
        aside=[s for _, s in counted if s.direction == "unclear"] if directional else [],
        related=parts["related"],
        retracted=parts["retracted"],
        waiting=parts["waiting"],
        unfit=[source for level, source in levels if level is None],
        never=parts["never"],
    )


def _part(source: Evidence) -> str:
    if "retracted" in source.flags:
        return "retracted"
    if "indirect_condition" in source.flags:
        return "related"
    if source.source_type in NEVER:
        return "never"
    planned = _design(source) in NO_RESULTS or "no_results" in source.flags
    return "waiting" if planned else "live"


def grade(
    theme: str,
    condition: str | None,
    sources: Iterable[Evidence],
    question: Question = "benefit",
    searched: Search | bool | None = None,
    published_grade: str | None = None,
) -> Grade:
    """Level, status and certainty of a theme with the reasons in the order they fired."""
    parts = _sort(sources, question)
    aside = _aside_reasons(parts)
    status, why = _without_level(parts, bool(searched))
    blank = Grade(
        theme=theme,
        condition=condition,
        level=None,
        status=status,
        certainty=None,
        reasons=(*aside, *why),
        question=question,
        searched=searched if isinstance(searched, Search) else None,
    )
    if not parts.counted:
        return blank
    level = min(level for level, _ in parts.counted)
    tier = [source for found, source in parts.counted if found == level]
    below = [source for found, source in parts.counted if found == level + 1]
    side = _side(tier)
    status, why = _status(level, side, below)
    certainty, steps = _certainty(level, status, side, tier, published_grade)
    dissent = [source for _, source in parts.counted if _dissents(source, side)]
    lead = (f"level_{level}", *_level_reasons(tier))
    return replace(
        blank,
        level=level,
        status=status,
        certainty=certainty,
        reasons=(*aside, *lead, *why, *_lower(dissent, tier), *steps),
        best=_ids(tier),
        dissent=_ids(dissent),
    )


def _ids(sources: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(sorted({source.id for source in sources}))


def _aside_reasons(parts: _Sorted) -> tuple[str, ...]:
    """What was set aside before the level was looked for."""
    named = [
        ("retracted_excluded", parts.retracted),
        ("no_results_yet", parts.waiting),
        ("related_condition_listed", parts.related if parts.counted else []),
        ("design_does_not_answer_question", parts.unfit),
        ("unclear_set_aside", parts.aside),
    ]
    return tuple(name for name, sources in named if sources)


def _without_level(parts: _Sorted, searched: bool) -> tuple[str, tuple[str, ...]]:
    """Status where no source carries a level, and why."""
    types = {source.source_type for source in parts.never}
    for kind in NEVER:
        if kind in types:
            related = ("related_condition_only",) if parts.related else ()
            return f"{kind}_only", (*related, f"{kind}_only")
    if parts.related:
        return "no_evidence", ("related_condition_only",)
    if parts.retracted:
        return "retracted_only", ("retracted_only",)
    return ("no_evidence", ("none_found",)) if searched else ("not_searched", ("not_searched",))


def _side(tier: Sequence[Evidence]) -> str:
    """What the sources of the best level say together."""
    said = {source.direction for source in tier} - {"unclear"}
    if not said:
        return "unclear"
    if said == {"supports"}:
        return "supports"
    return "against" if said <= AGAINST else "both"


def _status(level: int, side: str, below: Sequence[Evidence]) -> tuple[str, tuple[str, ...]]:
    if side == "unclear":
        return "insufficient", ("only_unclear",)
    if side == "both":
        return "contested", ("same_level_disagrees",)
    if level == 5:
        return "insufficient", ("level_5_only",)
    if _turned(side, below):
        return "contested", ("next_tier_disagrees",)
    return ("supported", ()) if side == "supports" else ("contradicted", ())


def _turned(side: str, below: Sequence[Evidence]) -> bool:
    """Whether at least two sources one level down oppose, and no fewer than agree."""
    pro = sum(source.direction == "supports" for source in below)
    con = sum(source.direction in AGAINST for source in below)
    agree, oppose = (pro, con) if side == "supports" else (con, pro)
    return oppose >= 2 and oppose >= agree


def _dissents(source: Evidence, side: str) -> bool:
    """Whether a source says otherwise than the best level; where that is split, who denies."""
    if source.direction == "unclear":
        return False
    if side == "against":
        return source.direction not in AGAINST
    return source.direction != "supports"


def _lower(dissent: Iterable[Evidence], tier: Sequence[Evidence]) -> tuple[str, ...]:
    top = {id(source) for source in tier}
    return ("lower_dissent",) if any(id(source) not in top for source in dissent) else ()


def _level_reasons(tier: Sequence[Evidence]) -> tuple[str, ...]:
    """Designs of the best level and the flags that cost them a step."""
    designs = sorted({_design(source) for source in tier})
    steps = sorted({flag for source in tier for flag in _steps(source, _design(source))})
    return (*(f"design_{name}" for name in designs), *(f"step_{flag}" for flag in steps))


def _certainty(
    level: int, status: str, side: str, tier: Sequence[Evidence], published: str | None
) -> tuple[str, tuple[str, ...]]:
    """GRADE word and the reasons that moved it."""
    rule = _table()["certainty"]
    words: list[str] = rule["words"]
    start = words.index(rule["start"][str(level)])
    down = [name for name in ("contested",) if status == name] + _people(tier, rule["people"])
    steps = down[:start]
    height = start - len(steps)
    for name, cap in _caps(side, tier, published):
        if words.index(cap) < height:
            height = words.index(cap)
            steps.append(name)
    return words[height], tuple(f"certainty_{name}" for name in steps)


def _caps(side: str, tier: Sequence[Evidence], published: str | None) -> Iterable[tuple[str, str]]:
    """Highest word each rule allows, in the order of the rules."""
    words: list[str] = _table()["certainty"]["words"]
    if side == "unclear":
        yield "unclear", "very_low"
    if all("unverified" in source.flags for source in tier):
        yield "unverified", "low"
    stated = [word for word in words if word in _published(tier, published)]
    if stated:
        yield "published_grade", stated[0]
    if not any("human_reviewed" in source.flags for source in tier) and stated[:1] != ["high"]:
        yield "automatic", "moderate"


def _published(tier: Sequence[Evidence], given: str | None) -> set[str]:
    """GRADE words printed in the sources of the tier (flags `published_…`) or given."""
    flags = [flag for source in tier for flag in source.flags if flag.startswith("published_")]
    words = {flag.removeprefix("published_") for flag in flags}
    return words | ({given.strip().lower().replace(" ", "_")} if given else set())


def _people(tier: Sequence[Evidence], enough: int) -> list[str]:
    """The step for few people, or for trials that do not say how many; a review may be silent."""
    if any(s.n is None and _design(s).startswith("sr_") for s in tier):
        return []
    if sum(source.n or 0 for source in tier) >= enough:
        return []
    return ["people_unknown" if any(source.n is None for source in tier) else "few_people"]


# --- all themes -------------------------------------------------------------------------------

_QUESTION: Mapping[str, Question] = {
    "remedy": "benefit",
    "cause": "cause",
    "trigger": "cause",
    "diagnosis": "cause",
}


def main_question(theme: Theme) -> Question:
    """What a theme's grade answers: does the remedy work, does the cause cause."""
    return _QUESTION[theme.kind]


def of_themes(
    themes: Iterable[Theme],
    evidence: Iterable[Evidence],
    searched: Mapping[tuple[str, str | None], Search] | None = None,
    unanswered: Mapping[tuple[str, str | None], str] | None = None,
) -> list[Grade]:
    """Grades of every theme: over all conditions, then one for each condition it speaks of.

    `unanswered` are the reasons of searches that were tried and have no answer.
    """
    by_theme: dict[str, list[Evidence]] = defaultdict(list)
    for item in evidence:
        by_theme[item.theme].append(item)
    graded = [g for t in themes for g in _of_theme(t, by_theme[t.id], searched or {})]
    return [_excused(each, (unanswered or {}).get((each.theme, each.condition))) for each in graded]


def _excused(graded: Grade, why: str | None) -> Grade:
    """The grade with the reason `search_failed` where that is why it was not searched."""
    if not why or graded.status != "not_searched":
        return graded
    return replace(graded, unanswered=why, reasons=(*graded.reasons, "search_failed"))


def _of_theme(
    theme: Theme, evidence: Sequence[Evidence], searched: Mapping[tuple[str, str | None], Search]
) -> list[Grade]:
    question = main_question(theme)
    fitting = [item for item in evidence if column(item.question) == column(question)]
    known = {item.condition for item in fitting if item.condition} - {UNLISTED}
    graded = []
    for condition in (None, *theme.conditions, *sorted(known - set(theme.conditions))):
        seen = _seen(theme, condition, fitting)
        search = searched.get((theme.id, condition))
        found = grade(theme.id, condition, seen, question, search)
        graded.append(_with_articles(_unsearched(found), seen))
    return graded


def _unsearched(graded: Grade) -> Grade:
    """The grade with `not_searched` for `no_evidence` where no search was made.

    Studies of other conditions happen to be known then; that nothing else exists is not.
    """
    if graded.searched is not None or graded.status != "no_evidence":
        return graded
    return replace(graded, status="not_searched", reasons=(*graded.reasons, "not_searched"))


def _with_articles(graded: Grade, evidence: Sequence[Evidence]) -> Grade:
    """The grade with the reason `articles_disagree` where one article contradicts another.

    It stands beside the status, which only sources with a level decide.
    """
    about = [item for item in evidence if "indirect_condition" not in item.flags]
    if article_agreement(about) != "contested":
        return graded
    return replace(graded, reasons=(*graded.reasons, "articles_disagree"))


def _seen(theme: Theme, condition: str | None, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Evidence as seen from one condition, or from all of the theme: the rest marked as related.

    A study of several conditions is not related where it is direct.
    """

    def direct(item: Evidence) -> bool:
        return item.condition in (None, condition) if condition else is_about(theme, item)

    here = {item.study for item in evidence if item.quote is None and item.study and direct(item)}
    return [
        item
        if direct(item) or "indirect_condition" in item.flags
        else replace(item, flags=(*item.flags, "indirect_condition"))
        for item in evidence
        if direct(item) or item.quote is not None or item.study not in here
    ]
