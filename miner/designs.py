"""Design, people, flags and direction of a study, read from its record.

Rules on the words of title and abstract; publication types are a vote, not the truth. Each
reading carries its reasons. What the design is worth is `miner.grades`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from crawler.documents import Study
from miner import signs
from miner.model import Direction
from miner.signs import any_of as _any
from miner.signs import data as _data

__all__ = [
    "Reading",
    "conclusion_of",
    "design_of",
    "finding_of",
    "from_words",
    "known",
    "named",
    "people_in",
    "read",
]

_SMALL = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
)
_NUMBERS = {word: value for value, word in enumerate(_SMALL.split(), start=1)} | {
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "eighty": 80,
}


ENOUGH = 20
"""Words of an abstract from which on its signs tell something; fewer where its length is known."""


class Reading(NamedTuple):
    """What a record says of its study; `reasons` name the words that told."""

    design: str
    flags: tuple[str, ...]
    n: int | None
    direction: Direction
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Record:
    title: str
    text: str
    types: frozenset[str]


def read(study: Study) -> Reading:
    """Design, flags, people and direction of a record, and why."""
    design, why = _design(study)
    n = study.n if study.n is not None else people_in(study.abstract)
    direction, words = finding_of(study.abstract)
    flags = [
        *(("retracted",) if study.retracted or _is_typed(study, "retracted publication") else ()),
        *(("preprint",) if study.preprint or _is_typed(study, "preprint") else ()),
        *(("design_unknown",) if design == "unknown_study" else ()),
    ]
    reasons = (f"design: {why}", *((f"direction: {words}",) if words else ()))
    return Reading(design, tuple(flags), n, direction, reasons)


def _design(study: Study) -> tuple[str, str]:
    """The design by words and types, else as the service states it, else by other signs."""
    types = (*study.publication_types, *study.mesh)
    if study.design == "registry_entry":
        return study.design, "an entry of a trial registry"
    if study.design:
        design, why = _named(_record(study.title, study.abstract, types))
        known = design != "unknown_study"
        return (design, why) if known else (study.design, "stated by the service")
    return design_of(study.title, study.abstract, types, journal=study.journal, pages=study.pages)


def _is_typed(study: Study, name: str) -> bool:
    return any(kind.lower() == name for kind in study.publication_types)


# --- design -----------------------------------------------------------------------------------


def design_of(
    title: str,
    abstract: str = "",
    types: Iterable[str] = (),
    *,
    journal: str = "",
    pages: int | None = None,
) -> tuple[str, str]:
    """Design of a study and the words or type that told; `unknown_study` where nothing did.

    What no words name is judged by its signs, from length to tense: they tell a review or the
    story of a case, never a design that carries more.
    """
    record = _record(title, abstract, types)
    design, why = _named(record)
    said = _any("narrative_review", "text").search(record.text) if why else None
    told = _vote(record, "narrative_review") or (design == "narrative_review" and said)
    if told or design not in ("unknown_study", "narrative_review"):
        return design, why
    if pages is None and len(abstract.split()) < ENOUGH:
        return design, why
    return signs.judged(signs.signs(title, abstract, journal, pages))


@cache
def known() -> frozenset[str]:
    """Every design that a grade knows."""
    table = tomllib.loads((files("miner") / "data" / "levels.toml").read_text("utf-8"))
    parts = {*table["column"].values(), "any"}
    return frozenset(name for part in parts for name in table[part]) | {"protocol"}


def named(title: str, abstract: str = "") -> str:
    """Design by the words alone, without any other sign."""
    return _named(_record(title, abstract, ()))[0]


def _record(title: str, abstract: str, types: Iterable[str]) -> _Record:
    text = f"{title}. {abstract}"
    return _Record(title=title, text=text, types=frozenset(t.lower() for t in types))


def _named(record: _Record) -> tuple[str, str]:
    """Design by words and types alone."""
    for name in ("protocol", "sr", "guideline", "rct", "case_report"):
        if why := _told(record, name):
            return (_pooled(record) if name == "sr" else name), why
    why = _vote(record, "editorial")
    if why and not _vote(record, "narrative_review"):
        return "editorial", why
    return _observed(record)


def _told(record: _Record, name: str) -> str:
    """Words or type for one design, empty where there are none or others deny it."""
    rule = {"rct": _told_rct, "case_report": _told_case}.get(name, _plainly)
    return rule(record, name)


def _plainly(record: _Record, name: str) -> str:
    return _words(record, name) or _vote(record, name)


def _words(record: _Record, name: str) -> str:
    hit = _any(name, "title").search(record.title) or _any(name, "text").search(record.text)
    return hit[0].strip() if hit else ""


def _vote(record: _Record, name: str) -> str:
    return next((t for t in _data()["types"].get(name, ()) if t in record.types), "")


def _told_rct(record: _Record, name: str) -> str:
    """The words must state the randomisation of people; the type alone is not enough."""
    animals = _any("not_rct", "animals").search(record.title) or (
        _any("not_rct", "animals").search(record.text)
        and not _any("not_rct", "people").search(record.text)
    )
    denied = _any("not_rct", "title").search(record.title)
    denied = denied or _any("not_rct", "text").search(record.text)
    return "" if animals or denied else _words(record, name)


def _told_case(record: _Record, name: str) -> str:
    """One person's story: said in the title or by type, or told with no groups measured."""
    hit = _any(name, "title").search(record.title)
    if hit or _vote(record, name):
        series = _any("case_series", "title").search(record.title)
        return "" if series else (hit[0] if hit else _vote(record, name))
    hit = _any(name, "text").search(record.text)
    return hit[0].strip() if hit and not _any("original", "text").search(record.text) else ""


def _pooled(record: _Record) -> str:
    """Class of a review by what it pools: trials, cohorts, series, tests, or a mixture."""
    others = _any("sr", "pools_other").search(record.text)
    if _any("sr", "pools_diagnosis").search(record.text):
        return "sr_diag"
    if _any("sr", "pools_rct").search(record.text):
        return "sr_mixed" if others else "sr_rct"
    if not others:
        return "sr_mixed"
    if _any("sr", "pools_series").search(record.text):
        return "sr_case_series"
    return "sr_cohort" if _any("sr", "pools_cohort").search(others[0]) else "sr_obs"


def _observed(record: _Record) -> tuple[str, str]:
    """Designs of observation in order of how plainly they are named: titles go first."""
    names = ("case_series", "case_control", "cross_sectional", "cohort", "nrct", "before_after")
    for name in names:
        if hit := _any(name, "title").search(record.title):
            return name, hit[0].strip()
    if why := _review(record):
        return "narrative_review", why
    for name in (*names[1:], "case_series"):
        if why := _plainly(record, name):
            return name, why
    return "unknown_study", "nothing in the record names a design"


def _review(record: _Record) -> str:
    """Words of a narrative review, unless the abstract reports measurements of its own."""
    vote = _vote(record, "narrative_review")
    titled = _any("narrative_review", "title").search(record.title)
    own = len(_any("original", "text").findall(record.text))
    hit = titled or _any("narrative_review", "text").search(record.text)
    return vote or (hit[0].strip() if hit and own <= (1 if titled else 0) else "")


def from_words(sentence: str) -> str | None:
    """Design that a sentence of an article names for the study it cites, if any."""
    for name in ("sr", "rct", "case_control", "cross_sectional", "case_series", "cohort"):
        hit = _any(name, "title").search(sentence)
        if hit:
            record = _Record(title=sentence, text=sentence, types=frozenset())
            return _pooled(record) if name == "sr" else name
    named = {
        "case_report": r"\bcase (?:report|study)\b",
        "narrative_review": r"\breview (?:article|paper)\b",
        "guideline": r"\bguidelines?\b",
    }
    return next((d for d, cue in named.items() if re.search(cue, sentence, re.IGNORECASE)), None)


# --- people -----------------------------------------------------------------------------------


@cache
def _people() -> re.Pattern[str]:
    words = _data()["people"]["words"]
    number = rf"(?P<n>\d{{1,3}}(?:,\d{{3}})+|\d+|{'|'.join(_NUMBERS)})"
    between = r"(?:[a-z][\w'-]{0,40}+ ){0,5}?(?:[a-z][\w'-]{0,40}?-)??"
    return re.compile(
        rf"(?<![\w.,%/–-]){number}(?![\d%.]|[–-]\d)[ -]{between}(?:{words})\b", re.IGNORECASE
    )


def people_in(text: str) -> int | None:
    """How many people a text says were studied; None where no number is one.

    A year, a range, a percentage, a rank or a digit glued to a word is none.
    """
    said = re.search(r"\bn ?= ?(\d{1,3}(?:,\d{3})+|\d+)\b", text, re.IGNORECASE)
    if said:
        return int(said[1].replace(",", ""))
    found = [_number(m, text) for m in _people().finditer(text)]
    return max((n for n in found if n), default=None)


def _number(match: re.Match[str], text: str) -> int | None:
    raw = match["n"].lower()
    before = text[max(0, match.start() - 14) : match.start()].lower()
    if raw in _NUMBERS:
        return None if re.search(r"\b(?:one|every|each)\s*$", before) else _NUMBERS[raw]
    year = len(raw) == 4 and 1900 <= int(raw) <= 2099
    if year and re.search(r"(?:\b(?:in|since|a|the|of|from|by|until|during|an)|\()\s*$", before):
        return None
    return None if _ranked().search(before) else int(raw.replace(",", ""))


@cache
def _ranked() -> re.Pattern[str]:
    """What stands before a number that counts no people: a rank, an age, one in so many."""
    share = r"(?:\d|\bone|\btwo|\bthree) (?:to|or|in|in every|out of|of every)"
    return re.compile(
        rf"(?:\btop|\bnumber|\bno\.?|#|\bgrade|\bage[ds]?|\bunder|{share})\s*$", re.IGNORECASE
    )


# --- direction --------------------------------------------------------------------------------


def finding_of(abstract: str) -> tuple[Direction, str]:
    """Direction of a study's conclusion for the outcome that matters to a patient, and its words.

    Direction of change times polarity of the outcome: less pain supports, less strength does not.
    """
    part = conclusion_of(abstract)
    readings = [r for s in re.split(r"(?<=[.!?;])\s+", part) if (r := _of_sentence(s))[1]]
    said = {direction for direction, _ in readings}
    words = "; ".join(words for _, words in readings)
    if len(said - {"unclear"}) > 1:
        return "mixed", words
    for name in ("supports", "no_effect", "contradicts"):
        if name in said:
            return name, words
    return "unclear", words


def conclusion_of(abstract: str) -> str:
    """What an abstract says from its conclusion on, else its last two sentences."""
    hits = list(_any("finding", "conclusion").finditer(abstract))
    if hits:
        return abstract[hits[-1].start() :]
    return " ".join(re.split(r"(?<=[.!?])\s+", abstract.strip())[-2:])


def _of_sentence(sentence: str) -> tuple[Direction, str]:
    for group, verdict in (("null", "no_effect"), ("harm", "contradicts")):
        if hit := _any("finding", group).search(sentence):
            return verdict, hit[0]  # type: ignore[return-value]
    moved = _moved(sentence)
    if moved[1]:
        return moved
    if hit := _any("finding", "praise").search(sentence):
        return "supports", hit[0]
    hit = _any("finding", "unclear").search(sentence)
    return "unclear", hit[0] if hit else ""


def _moved(sentence: str) -> tuple[Direction, str]:
    """Direction from a change and the nearest outcome after it."""
    for way in ("up", "down"):
        for change in _any("finding", way).finditer(sentence):
            rest = sentence[change.end() : change.end() + 60]
            good, bad = (_any("finding", p).search(rest) for p in ("good", "bad"))
            near = min((h for h in (good, bad) if h), key=lambda h: h.start(), default=None)
            if near:
                better = change[0].lower().startswith(("improv", "better", "reliev", "alleviat"))
                helps = better or (near is good) == (way == "up")
                return ("supports" if helps else "contradicts"), f"{change[0]} {near[0]}"
    return "unclear", ""
