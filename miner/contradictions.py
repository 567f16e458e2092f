"""Where two sides disagree on a theme: articles, members, studies, and between them.

Apart from grades: a grade weighs sources, a contradiction shows both sides in their own words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from miner.counts import votes
from miner.model import Claim, Contradiction, Evidence, Theme, Vote

__all__ = ["Agreement", "article_agreement", "find", "is_about"]

Agreement = Literal["supports", "contradicts", "contested", "mixed", "silent"]
Type = Literal[
    "articles", "members", "members_articles", "members_studies", "studies", "articles_studies",
    "how_common",
]  # fmt: skip

AGAINST = frozenset({"no_effect", "contradicts"})
SIDE = 2
"""Authors each side needs before members disagree among themselves."""
CHORUS = 3
"""Authors of one mind before they stand against articles or studies."""


def find(
    themes: Iterable[Theme],
    evidence: Iterable[Evidence],
    claims: Iterable[Claim],
    *,
    side: int = SIDE,
    chorus: int = CHORUS,
) -> list[Contradiction]:
    """Contradictions of all themes, the ones with most voices on the smaller side first."""
    by_theme: dict[str, list[Evidence]] = defaultdict(list)
    for item in evidence:
        by_theme[item.theme].append(item)
    by_id = {claim.id: claim for claim in claims}
    found = []
    for theme in themes:
        parts = _Parts.of(theme, by_theme[theme.id], by_id)
        found += [pair for pair in _of_theme(theme, parts, side, chorus) if pair is not None]
    return sorted(found, key=lambda c: (-min(len(c.supporting), len(c.opposing)), c.id))


def is_about(theme: Theme, item: Evidence) -> bool:
    """Whether evidence is about a condition of the theme; so is all where it has none."""
    return item.condition is None or not theme.conditions or item.condition in theme.conditions


@dataclass(frozen=True, kw_only=True)
class _Sides:
    """Ids that speak for and against, one a voice, and how many voices they are."""

    pro: tuple[str, ...]
    con: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Parts:
    articles: _Sides
    studies: _Sides
    members: _Sides
    common: _Sides
    """Articles that call it common, and those that call it rare."""

    @staticmethod
    def of(theme: Theme, evidence: Sequence[Evidence], by_id: Mapping[str, Claim]) -> _Parts:
        claims = [by_id[c] for c in theme.claims if c in by_id]
        counted = [item for item in evidence if item.question == "prevalence"]
        evidence = [item for item in evidence if item.question != "prevalence"]
        direct = [item for item in evidence if is_about(theme, item)]
        return _Parts(
            articles=_article_sides(evidence),
            studies=_study_sides(direct),
            members=_member_sides(theme, votes(claims)),
            common=_article_sides(counted),
        )


def _of_theme(
    theme: Theme, parts: _Parts, side: int, chorus: int
) -> Iterator[Contradiction | None]:
    yield _within(theme, "articles", parts.articles, 1, "article")
    yield _within(theme, "studies", parts.studies, 1, "study")
    yield _within(theme, "how_common", parts.common, 1, "article")
    if theme.kind != "diagnosis":
        yield _within(theme, "members", parts.members, side, "member")
        yield _opposed(theme, "articles_studies", parts.articles, parts.studies)
        # Who names a diagnosis does not say that it causes the pain, so nobody denies it.
        yield _between(theme, "members_articles", parts.members, parts.articles, chorus, "article")
        yield _between(theme, "members_studies", parts.members, parts.studies, chorus, "study")


def _many(count: int, noun: str) -> str:
    """A count with its noun, in the plural unless it is one."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def _within(theme: Theme, kind: Type, sides: _Sides, least: int, who: str) -> Contradiction | None:
    if min(len(sides.pro), len(sides.con)) < least:
        return None
    reason = f"{_many(len(sides.pro), who)} for it, {len(sides.con)} against it"
    return Contradiction(
        theme=theme.id, type=kind, supporting=sides.pro, opposing=sides.con, reason=reason
    )


def _between(
    theme: Theme, kind: Type, members: _Sides, others: _Sides, chorus: int, who: str
) -> Contradiction | None:
    """Members clearly of one mind, and the others of the opposite one alone."""
    pro, con = len(members.pro), len(members.con)
    if pro >= chorus and pro > 2 * con and others.con and not others.pro:
        reason = f"{_many(pro, 'member')} for it, {_many(len(others.con), who)} against it"
        return Contradiction(
            theme=theme.id, type=kind, supporting=members.pro, opposing=others.con, reason=reason
        )
    if con >= chorus and con > 2 * pro and others.pro and not others.con:
        reason = f"{_many(len(others.pro), who)} for it, {_many(con, 'member')} against it"
        return Contradiction(
            theme=theme.id, type=kind, supporting=others.pro, opposing=members.con, reason=reason
        )
    return None


def _opposed(theme: Theme, kind: Type, told: _Sides, known: _Sides) -> Contradiction | None:
    """Articles that say what studies deny, or deny what studies say; one mind on either side."""
    if told.pro and not told.con and known.con and not known.pro:
        pro, con, who = told.pro, known.con, ("article", "study")
    elif told.con and not told.pro and known.pro and not known.con:
        pro, con, who = known.pro, told.con, ("study", "article")
    else:
        return None
    reason = f"{_many(len(pro), who[0])} for it, {_many(len(con), who[1])} against it"
    return Contradiction(theme=theme.id, type=kind, supporting=pro, opposing=con, reason=reason)


# --- the sides --------------------------------------------------------------------------------


def article_agreement(evidence: Iterable[Evidence]) -> Agreement:
    """What articles together say of a theme: `contested` where one contradicts another.

    Promotional lines are left out, and articles on different conditions contradict nobody. One
    article that says both, or two on two conditions, are `mixed`.
    """
    sided = _sided(evidence)
    if _contested(sided):
        return "contested"
    pro, con = _leaning(sided)
    if pro and con:
        return "mixed"
    return "supports" if pro else "contradicts" if con else "silent"


def _sided(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Sentences of articles that take a side, without promotional ones."""
    return [
        item
        for item in evidence
        if item.quote is not None
        and item.source_type != "commercial"
        and (item.direction == "supports" or item.direction in AGAINST)
    ]


def _leaning(sided: Iterable[Evidence]) -> tuple[set[str], set[str]]:
    """Articles with a sentence for it, and articles with one against it."""
    ways: tuple[set[str], set[str]] = (set(), set())
    for item in sided:
        if item.quote is not None:
            ways[item.direction != "supports"].add(item.quote.document)
    return ways


def _contested(sided: Sequence[Evidence]) -> list[Evidence]:
    """The largest group on one condition in which two articles disagree; empty for none."""
    groups = [
        [item for item in sided if item.condition in (None, condition)]
        for condition in sorted({item.condition or "" for item in sided})
    ]
    apart = [group for group in groups if _two_apart(group)]
    return max(apart, key=len, default=[])


def _two_apart(sided: Iterable[Evidence]) -> bool:
    """Whether an article for it and a different one against it can be named."""
    pro, con = _leaning(sided)
    return bool(pro and con and len(pro | con) > 1)


_FIRMEST = ("study", "expert", "mechanism", "anecdote", "unsupported")
"""Source types in the order in which they speak for their article."""


def _article_sides(evidence: Iterable[Evidence]) -> _Sides:
    """One sentence an article and side: the firmest, then the first."""
    sided = _sided(evidence)
    pro, con = _leaning(sided)
    chosen = _contested(sided) if pro and con else sided
    best: dict[tuple[bool, str], Evidence] = {}
    for item in sorted(chosen, key=_firmness):
        if item.quote is not None:
            best.setdefault((item.direction == "supports", item.quote.document), item)
    return _Sides(
        pro=tuple(
            item.id
            for (supports, _), item in sorted(best.items(), key=lambda pair: pair[0])
            if supports
        ),
        con=tuple(
            item.id
            for (supports, _), item in sorted(best.items(), key=lambda pair: pair[0])
            if not supports
        ),
    )


def _firmness(item: Evidence) -> tuple[int, int]:
    return _FIRMEST.index(item.source_type), item.quote.start if item.quote else 0


def _study_sides(evidence: Iterable[Evidence]) -> _Sides:
    """Studies by direction, each once; retracted ones, other conditions and plans left out."""
    sides: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for item in evidence:
        out = {"retracted", "indirect_condition"} & set(item.flags) or item.design == "protocol"
        if item.source_type != "study" or item.quote is not None or out:
            continue
        if item.direction == "supports" or item.direction in AGAINST:
            sides[item.direction == "supports"].setdefault(item.study or item.id, item.id)
    return _Sides(pro=tuple(sides[True].values()), con=tuple(sides[False].values()))


def _member_sides(theme: Theme, cast: Iterable[Vote]) -> _Sides:
    """Authors with a verdict: helped or blamed it, against no effect, worse or denied."""
    pro_stances = {"helped"} if theme.kind == "remedy" else {"said"}
    con_stances = {"no_effect", "worse"} if theme.kind == "remedy" else {"rejected"}
    cast = list(cast)
    return _Sides(
        pro=tuple(vote.claims[0] for vote in cast if vote.stance in pro_stances),
        con=tuple(vote.claims[0] for vote in cast if vote.stance in con_stances),
    )
