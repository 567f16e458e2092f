"""The content brief of a theme: what an article on it should answer, say, cite and leave out.

Pure: what is known of one theme in, a `Brief` out. Nothing is added to what the project knows but
the general signs of `data/briefs.toml`; what is not known is said to be unknown.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files

from miner.brief import Brief, Chapter, Cited, Known, Side, Voice, shortened
from miner.contradictions import is_about
from miner.counts import FEW, stance, tally, voter, votes, wilson
from miner.grades import level_of, main_question
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Grade,
    MemberQuestion,
    Tally,
)
from miner.phrases import normalise
from miner.vocabulary import name_of, region_of

__all__ = ["brief"]

WORDS, ASKED, VOICES, SOURCES, NEAR = 12, 5, 2, 15, 5
"""Most wordings, questions, voices of a stance, sources and near themes that a brief lists."""


LAST = ("clinician", "method")
"""Chapters every outline ends with."""


def brief(known: Known, *, condition: str | None = None) -> Brief:
    """The brief of a theme, narrowed to a condition where one is given."""
    known = _narrowed(known, condition)
    counted = tally(known.claims)
    theme, grade = known.theme, known.grade
    question, asked = _question(known, condition)
    cited = _cited(known)
    names = _names_of(known, condition)
    return Brief(
        theme=theme.id,
        kind=theme.kind,
        name=shortened(theme.name, 120),
        condition=condition,
        question=question,
        asked=asked,
        intent=_words()["intent"][theme.kind],
        audience=_audience(counted, names),
        angle=_angle(known),
        outline=_outline(known, counted, cited),
        words=_wordings(known.claims),
        tally=counted,
        level=grade.level if grade else None,
        status=grade.status if grade else "not_searched",
        certainty=grade.certainty if grade else None,
        sources=tuple(cited[:SOURCES]),
        more_sources=max(0, len(cited) - SOURCES),
        avoid=_avoid(known, counted),
        sides=tuple(_side(known, one) for one in known.contradictions),
        voices=_voices(known),
        clinician=_clinician(known, condition),
        clinician_note=_words()["clinician"]["note"],
        caution=_words()["caution"]["line"],
        paraphrase=_words()["caution"]["paraphrase"],
    )


@cache
def _words() -> dict[str, dict[str, str]]:
    text = files("miner").joinpath("data/briefs.toml").read_text("utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)
    return found


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _narrowed(known: Known, condition: str | None) -> Known:
    """What is about the condition; sources about no condition stay."""
    if condition is None:
        return known
    return replace(
        known,
        claims=[claim for claim in known.claims if claim.condition == condition],
        evidence=[p for p in known.evidence if p.condition in (None, condition)],
    )


def _names_of(known: Known, condition: str | None) -> list[str]:
    """Names of the conditions members speak of with it, most frequent first."""
    heard = [condition] if condition else [*known.theme.conditions]
    return [name_of(name) for name in heard]


# --- the question and who asks it --------------------------------------------------------------


def _question(known: Known, condition: str | None) -> tuple[str, bool]:
    """The question, and whether a member put it so: the shortest that names the theme."""
    asked = _asked(known)
    if asked:
        return asked[0].text, True
    about = f" ({name_of(condition)})" if condition else ""
    made = _words()["question"][known.theme.kind]
    return made.format(name=shortened(known.theme.name, 80), about=about), False


def _asked(known: Known) -> list[Voice]:
    """Members' questions on it, those that are whole questions first, each once."""
    claims = [c for c in known.claims if c.voice == "member" and c.experiencer == "question"]
    found = [*map(_put, known.questions), *(_voice(known, c) for c in reversed(claims))]
    voices = {normalise(voice.text): voice for voice in found}
    return sorted(voices.values(), key=lambda v: ("?" not in v.text, len(v.text), v.text))[:ASKED]


def _put(one: MemberQuestion) -> Voice:
    text, place = shortened(one.quote.text), one.quote.document
    return Voice(text=text, who="member", when=one.written, link=place)


def _left(known: Known) -> tuple[str, ...]:
    """How many of those who ask got no answer; nothing where nobody asks."""
    people = {one.voter for one in known.questions}
    if not people:
        return ()
    left = len(people - {one.voter for one in known.questions if one.answers})
    if len(people) == 1:
        return (f"One person asks about it, and got {'no' if left else 'an'} answer.",)
    without = f"{left:,}" if left else "none"
    return (f"{len(people):,} people ask about it; {without} of them got no answer.",)


def _audience(counted: Tally, names: Sequence[str]) -> str:
    """Who speaks of it: their complaints, and how many there are."""
    where = f"{_many(counted.threads, 'thread')} of {_many(counted.sites, 'site')}"
    verb = "speaks" if counted.authors == 1 else "speak"
    heard = f"{_many(counted.authors, 'member')} in {where} {verb} of it"
    if not counted.authors:
        heard = "no member speaks of it"
    complaints = "; ".join(names[:4]) or f"complaint {_words()['caution']['unknown']}"
    return f"People with: {complaints}. In the data {heard}."


def _angle(known: Known) -> tuple[str, ...]:
    """What an article could add, by the parts of the gap."""
    said, level = _words()["angle"], _level(known.grade)
    parts = known.gap.parts if known.gap else {}
    found = [
        said[name].format(level=level)
        for name, points in parts.items()
        if points > 0 and name in said and not (name == "uncovered" and known.articles)
    ]
    found += _covered(known)
    if known.articles is None:
        found.append(said["unread"])
    return tuple(found or [said["none"]])


def _covered(known: Known) -> list[str]:
    """What the articles there are leave to do: the user's own first, then those of others."""
    said, own = _words()["angle"], known.own
    others = (known.articles or 0) - (own or 0)
    if own:
        yours = said["yours"].format(articles=_many(own, "article"))
        return [yours, *([said["others_too"].format(articles=_covering(others))] if others else [])]
    if not others:
        return []
    name = "covered" if own is None else "others_only"
    return [said[name].format(articles=_covering(others))]


def _covering(count: int) -> str:
    return f"{_many(count, 'article')} cover{'s' if count == 1 else ''} it"


# --- the outline -------------------------------------------------------------------------------


def _outline(known: Known, counted: Tally, cited: Sequence[Cited]) -> tuple[Chapter, ...]:
    """Headings in the order a reader needs them, with what the data give for each."""
    said = _words()["outline"]
    wordings = [f"“{phrase}”" for phrase, _ in _wordings(known.claims)[:5]]
    chapters = [
        Chapter(heading=said["what"], points=_joined("Words to explain: ", wordings)),
        Chapter(heading=said["reports"], points=_reported(known, counted)),
        Chapter(heading=said["evidence"], points=_found(known, cited)),
        Chapter(heading=said["disagree"], points=tuple(c.reason for c in known.contradictions)),
        Chapter(
            heading=said["questions"], points=(*(v.text for v in _asked(known)), *_left(known))
        ),
        Chapter(
            heading=said["beside"],
            points=_joined("Near themes: ", [shortened(n, 60) for n in known.near[:NEAR]]),
        ),
    ]
    kept = [chapter for chapter in chapters if chapter.points]
    last = (Chapter(heading=said[n], points=(_words()["points"][n],)) for n in LAST)
    return (*kept, *last)


def _joined(before: str, parts: Sequence[str]) -> tuple[str, ...]:
    return (before + ", ".join(parts),) if parts else ()


_STANCES = {
    "tried": "tried it and do not say what came of it",
    "advised": "advise it to others",
    "asked": "ask about it",
    "other": "tell of somebody else",
    "rejected": "decided against it or deny it",
    "said": "name or blame it",
}
_OUTCOMES = {
    "helped": "say it helped",
    "mixed": "tell of mixed results",
    "no_effect": "say it changed nothing",
    "worse": "say it made it worse",
}


def _reported(known: Known, counted: Tally) -> tuple[str, ...]:
    """Outcomes as k of n, with the interval from five people on; the rest apart."""
    n = counted.reported
    lines = []
    if known.theme.kind == "remedy" and n:
        lines.append(f"Of {_many(n, 'member')} who tried it and told what came of it:")
        for name, words in _OUTCOMES.items():
            k = getattr(counted, name)
            if k or n >= FEW:
                lines.append(f"{_share(k, n)} {words}.")
    for name, words in _STANCES.items():
        k = getattr(counted, name)
        if k:
            lines.append(f"Not an outcome: {k:,} {_verb(words, k)}.")
    return tuple(lines)


def _verb(words: str, count: int) -> str:
    """The words of many, or of one."""
    if count != 1 or words.startswith("tried"):
        return words.replace("do not say", "does not say") if count == 1 else words
    one = {"tell": "tells", "ask": "asks", "advise": "advises", "name": "names",
           "decided": "decided"}  # fmt: skip
    first, _, rest = words.partition(" ")
    rest = rest.replace("or blame", "or blames").replace("or deny", "or denies")
    return f"{one.get(first, first)} {rest}"


def _share(k: int, n: int) -> str:
    """Such as `7 of 10 (40–89 %)`; below five people without the interval."""
    if n < FEW:
        return f"{k} of {n}"
    low, high = wilson(k, n)
    return f"{k} of {n} ({100 * low:.0f}–{100 * high:.0f} %)"


def _level(grade: Grade | None) -> str:
    """The level in words, never without its status."""
    if grade is None or (grade.level is None and grade.status == "not_searched"):
        return "nobody has searched for studies"
    if grade.level is None:
        return "no source carries a level"
    return f"level {grade.level} of 5, 1 is the highest"


def _found(known: Known, cited: Sequence[Cited]) -> tuple[str, ...]:
    """The state of the evidence in one line, and what there is to cite."""
    grade = known.grade
    status = f"; status: {grade.status.replace('_', ' ')}" if grade and grade.level else ""
    lines = [f"State of the evidence: {_level(grade)}{status}."]
    studies = sum(item.source_type == "study" for item in cited)
    if cited:
        lines.append(
            f"To cite: {_studies(studies)} and {_many(len(cited) - studies, 'other source')}, "
            "listed below."
        )
    else:
        lines.append("The project knows no source that could be cited.")
    if grade and grade.searched:
        look = grade.searched
        lines.append(f"Searched {look.service} on {look.when:%Y-%m-%d}: {_many(look.hits, 'hit')}.")
    return tuple(lines)


def _studies(count: int) -> str:
    return "1 study" if count == 1 else f"{count:,} studies"


def _wordings(claims: Iterable[Claim]) -> tuple[tuple[str, int], ...]:
    """What members call it, by how many of them; spellings of one wording count together."""
    people: dict[str, set[str]] = defaultdict(set)
    written: dict[str, str] = {}
    for claim in claims:
        if claim.voice == "member":
            key = normalise(claim.words)
            people[key].add(voter(claim))
            written.setdefault(key, shortened(claim.words, 60))
    ranked = sorted(people, key=lambda key: (-len(people[key]), key))
    return tuple((written[key], len(people[key])) for key in ranked[:WORDS])


# --- sources and what to leave out -------------------------------------------------------------


def _cited(known: Known) -> list[Cited]:
    """Sources that carry a level here and have an address, best level first, each once."""
    question = known.grade.question if known.grade else main_question(known.theme)
    found: dict[str, Cited] = {}
    for piece in known.evidence:
        level, link = level_of(piece, question), _link(piece)
        if level is None or not link or not is_about(known.theme, piece):
            continue
        if {"retracted", "indirect_condition"} & set(piece.flags):
            continue
        title = piece.title or (known.titles.get(piece.quote.document, "") if piece.quote else "")
        one = Cited(
            level=level,
            source_type=piece.source_type,
            design=piece.design,
            direction=piece.direction,
            title=shortened(title or link, 300),
            link=link,
            doi=piece.doi,
            n=piece.n,
            year=piece.year,
            finding=shortened(piece.finding or (piece.quote.text if piece.quote else ""), 300),
            condition=piece.condition,
            flags=piece.flags,
        )
        if link not in found or level < found[link].level:
            found[link] = one
    return sorted(found.values(), key=lambda one: (one.level, -(one.year or 0), one.title))


def _link(piece: Evidence) -> str:
    """Address of a source: of its DOI, else of its page; empty where neither is known."""
    if piece.doi:
        bare = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", piece.doi.strip(), flags=re.I)
        return f"https://doi.org/{bare}"
    page = piece.url or (piece.quote.document if piece.quote else "")
    return page if page.startswith(("https://", "http://")) else ""


_LOUD = {"absolute", "superlative", "time_promise"}


def _avoid(known: Known, counted: Tally) -> tuple[str, ...]:
    """What the data do not bear, and what pages that sell it promise."""
    said, kind, grade = _words()["avoid"], known.theme.kind, known.grade
    status = f", status: {grade.status.replace('_', ' ')}" if grade and grade.level else ""
    basic = {"remedy": "benefit", "diagnosis": "diagnosis"}.get(kind, "causes")
    found = [said[basic].format(level=_level(grade), status=status)]
    found += _numbers(known, counted)
    if known.contradictions:
        reasons = "; ".join(dict.fromkeys(c.reason.rstrip(".") for c in known.contradictions))
        found.append(said["settled"].format(reasons=reasons))
    found += _ground(grade)
    return (*found, *_promises(known))


def _numbers(known: Known, counted: Tally) -> list[str]:
    """What the members' numbers do not bear."""
    said, n = _words()["avoid"], counted.reported
    if known.theme.kind != "remedy" or not n:
        return []
    if n < FEW:
        return [said["few"].format(n=_many(n, "member"))]
    return [said["rate"].format(k=counted.helped, n=n)]


def _ground(grade: Grade | None) -> list[str]:
    """What missing evidence does not say."""
    said = _words()["avoid"]
    status = grade.status if grade else "not_searched"
    found = [said["indirect"]] if grade and "related_condition_only" in grade.reasons else []
    if status == "not_searched":
        found.append(said["unsearched"])
    if status == "no_evidence" and not found:
        found.append(said["none"])
    return found


def _promises(known: Known) -> list[str]:
    """Withdrawn studies, and the loudest sentence of each page that sells it or boasts."""
    said = _words()["avoid"]
    found: dict[str, str] = {}
    for piece in known.evidence:
        title = _title(known, piece)
        if "retracted" in piece.flags:
            found.setdefault(title, said["retracted"].format(title=title))
        elif piece.quote is not None and piece.source_type == "commercial":
            text = f"“{shortened(piece.quote.text)}”"
            found.setdefault(title, said["sold"].format(title=title, said=text))
        elif piece.quote is not None and _LOUD & set(piece.flags):
            text = f"“{shortened(piece.quote.text)}”"
            found.setdefault(title, said["loud"].format(title=title, said=text))
    return list(found.values())[:8]


def _title(known: Known, piece: Evidence) -> str:
    page = piece.quote.document if piece.quote else piece.url or ""
    return shortened(piece.title or known.titles.get(page, "") or page, 120)


# --- voices ------------------------------------------------------------------------------------


def _voice(known: Known, claim: Claim) -> Voice:
    who = "member" if claim.voice == "member" else known.titles.get(claim.quote.document, "article")
    return Voice(
        text=shortened(claim.quote.text),
        who=shortened(who, 120),
        when=claim.written,
        link=claim.quote.document,
    )


def _voices(known: Known) -> dict[str, tuple[Voice, ...]]:
    """Some words for each stance, of different members, the most typical first."""
    by_id = {claim.id: claim for claim in known.claims}
    rank = {key: place for place, key in enumerate(by_id)}
    found: dict[str, list[Voice]] = defaultdict(list)
    for vote in sorted(votes(known.claims), key=lambda v: rank[v.claims[0]]):
        claim = by_id[vote.claims[0]]
        if stance(claim) == vote.stance and len(found[vote.stance]) < VOICES:
            found[vote.stance].append(_voice(known, claim))
    return {name: tuple(some) for name, some in found.items() if some}


def _side(known: Known, one: Contradiction) -> Side:
    return Side(
        type=one.type,
        reason=one.reason,
        supporting=_of_side(known, one.supporting),
        opposing=_of_side(known, one.opposing),
    )


def _of_side(known: Known, ids: Iterable[str]) -> tuple[Voice, ...]:
    """The first voices of a side."""
    claims = {claim.id: claim for claim in known.claims}
    pieces = {piece.id: piece for piece in known.evidence}
    found = []
    for key in ids:
        if key in claims:
            found.append(_voice(known, claims[key]))
        elif key in pieces:
            piece = pieces[key]
            text = piece.quote.text if piece.quote else piece.finding
            found.append(
                Voice(text=shortened(text), who=_title(known, piece), when=None, link=_link(piece))
            )
    return tuple(found[:VOICES])


def _clinician(known: Known, condition: str | None) -> tuple[str, ...]:
    """General signs, those of the parts of the body the theme is about first."""
    rules: Mapping[str, object] = _words()["clinician"]
    heard = [condition] if condition else list(known.theme.conditions)
    regions = dict.fromkeys(region_of(name) for name in heard[:4])
    by_region, general = rules["region"], rules["general"]
    assert isinstance(by_region, dict)
    assert isinstance(general, list)
    return (*(line for region in regions for line in by_region.get(region, ())), *general)
