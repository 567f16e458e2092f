"""Themes as plain records for reading elsewhere: JSON on the command line, exports later.

Below five authors a record holds counts only, no share and no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from crawler.corpus import Corpus
from crawler.documents import permalink
from miner.brief import Brief, Known
from miner.briefs import brief
from miner.counts import FEW, Share, contested, shares, votes
from miner.coverage import Coverage, coverage
from miner.inquiries import inquiries
from miner.knowledge import Knowledge
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    Grade,
    MemberQuestion,
    Quote,
    Tally,
    Theme,
    Vote,
)

__all__ = ["gap_records", "inquiry_records", "theme_brief", "theme_record", "theme_records"]

NOT_OUTCOMES = ("tried", "said", "advised", "asked", "other", "rejected")

Address = Callable[[Quote], str]
"""Where a reader finds a quote."""


def theme_records(
    corpus: Corpus, knowledge: Knowledge, found: Iterable[Theme]
) -> Iterator[dict[str, Any]]:
    """Stored themes with all that stands behind them, one after the other."""
    document = lru_cache(maxsize=256)(corpus.get)

    def address(quote: Quote) -> str:
        there = document(quote.document)
        return permalink(there, quote.part) if there else quote.document

    for theme in found:
        yield theme_record(
            theme,
            knowledge.claims(theme=theme.id),
            grades=knowledge.grades(theme.id),
            evidence=knowledge.evidence(theme.id),
            contradictions=knowledge.contradictions(theme.id),
            address=address,
        )


def gap_records(
    knowledge: Knowledge, kind: str | None = None, place: str | None = None
) -> list[dict[str, Any]]:
    """Gaps, highest score first: of a type that gives points, and covered in that place.

    Raises NothingMined where there is no run yet.
    """
    has_own = bool(knowledge.concluded().own)
    themes = {theme.id: theme for theme in knowledge.themes()}
    gaps = [gap for gap in knowledge.gaps() if gap.theme in themes]
    records = [
        _gap(gap, themes[gap.theme], coverage(themes[gap.theme], own=has_own))
        for gap in gaps
        if kind is None or gap.parts.get(kind)
    ]
    return [record for record in records if place in (None, record["covered"])]


def inquiry_records(knowledge: Knowledge) -> list[dict[str, Any]]:
    """What people ask, grouped by meaning, most people first; those nobody asks again come last.

    Raises NothingMined where there is no run yet.
    """
    knowledge.concluded()
    names = {theme.id: theme.name for theme in knowledge.themes()}
    return [
        {
            "id": one.id,
            "text": " ".join(one.text.split()),
            "askers": one.askers,
            "answered": one.answered,
            "open": one.open,
            "threads": one.threads,
            "sites": one.sites,
            "themes": [names[theme] for theme in one.themes if theme in names],
            "questions": [_place_of(asked) for asked in one.questions],
        }
        for one in inquiries(knowledge.questions())
    ]


def _gap(gap: Gap, theme: Theme, found: Coverage) -> dict[str, Any]:
    return {
        "theme": gap.theme,
        "name": theme.name,
        "kind": theme.kind,
        "type": gap.type,
        "score": gap.score,
        "parts": dict(gap.parts),
        "reasons": list(gap.reasons),
        "authors": theme.tally.authors,
        "articles": theme.articles,
        "own_articles": theme.own_articles if found.own is not None else None,
        "covered": found.place,
        "coverage": found.label,
    }


def _place_of(asked: MemberQuestion) -> dict[str, Any]:
    return {
        "text": asked.quote.text,
        "author": asked.author,
        "written": asked.written.isoformat() if asked.written else None,
        "answers": asked.answers,
        "document": asked.quote.document,
        "part": asked.quote.part,
        "start": asked.quote.start,
    }


def theme_brief(
    corpus: Corpus, knowledge: Knowledge, theme: Theme, condition: str | None = None
) -> Brief:
    """The content brief of a stored theme, for one condition or over all."""
    evidence, grades = knowledge.evidence(theme.id), knowledge.grades(theme.id)
    pages = {piece.quote.document for piece in evidence if piece.quote is not None}
    found = {page: corpus.get(page) for page in sorted(pages)}
    run = knowledge.last_run()
    near = [other for id_ in theme.related if (other := knowledge.theme(id_)) is not None]
    known = Known(
        theme=theme,
        claims=knowledge.claims(theme=theme.id),
        evidence=evidence,
        grade=_grade_for(grades, condition),
        gap=next((gap for gap in knowledge.gaps() if gap.theme == theme.id), None),
        contradictions=knowledge.contradictions(theme.id),
        questions=[one for one in knowledge.questions() if theme.id in one.themes],
        near=[other.name for other in near],
        articles=theme.articles if any(site.articles for site in corpus.sites()) else None,
        own=theme.own_articles if run and run.own else None,
        titles={page: there.title for page, there in found.items() if there is not None},
    )
    return brief(known, condition=condition)


def _grade_for(grades: Sequence[Grade], condition: str | None) -> Grade | None:
    """The grade for the condition, else the one over all conditions."""
    chosen = [grade for grade in grades if grade.condition == condition]
    return next(iter([*chosen, *grades]), None)


def theme_record(
    theme: Theme,
    claims: Sequence[Claim],
    *,
    grades: Sequence[Grade],
    evidence: Sequence[Evidence],
    contradictions: Sequence[Contradiction],
    address: Address,
) -> dict[str, Any]:
    """One theme with all that stands behind its numbers; plain values only."""
    overall = next((grade for grade in grades if grade.condition is None), None)
    stance = _stance_of(votes(claims))
    return {
        "id": theme.id,
        "kind": theme.kind,
        "name": theme.name,
        "keywords": list(theme.keywords),
        "emerging": theme.emerging,
        "stability": theme.stability,
        "contested": contested(theme.tally),
        "parts": [
            {
                "id": part.id,
                "name": part.name,
                "authors": part.tally.authors,
                "outcomes": _outcomes(part.tally),
                "claims": list(part.claims),
            }
            for part in theme.parts
        ],
        "border": list(theme.border),
        "related": list(theme.related),
        "conditions": list(theme.conditions),
        "authors": theme.tally.authors,
        "unnamed": theme.tally.unnamed,
        "threads": theme.tally.threads,
        "sites": theme.tally.sites,
        "articles": theme.articles,
        "own_articles": theme.own_articles,
        "outcomes": _outcomes(theme.tally),
        **{name: getattr(theme.tally, name) for name in NOT_OUTCOMES},
        "level": overall.level if overall else None,
        "status": overall.status if overall else "not_searched",
        "certainty": overall.certainty if overall else None,
        "reasons": list(overall.reasons) if overall else [],
        "contradictions": [{"type": c.type, "reason": c.reason} for c in contradictions],
        "grades": [_grade(grade) for grade in grades if grade.condition is not None],
        "quotes": [_claim(claim, stance, address) for claim in claims],
        "evidence": [_evidence(item, address) for item in evidence],
    }


def _stance_of(found: Sequence[Vote]) -> dict[str, str]:
    return {key: vote.stance for vote in found for key in vote.claims}


def _outcomes(counted: Tally) -> dict[str, Any]:
    """Authors by outcome: k of n, the interval, and a percentage only from five on."""
    return {
        "reported": counted.reported,
        **{name: _share(share) for name, share in shares(counted).items()},
    }


def _share(share: Share) -> Mapping[str, Any]:
    return {
        "k": share.k,
        "n": share.n,
        **({"low": round(share.low, 3), "high": round(share.high, 3)} if share.n >= FEW else {}),
        "percent": share.percent,
    }


def _grade(grade: Grade) -> dict[str, Any]:
    return {
        "condition": grade.condition,
        "question": grade.question,
        "level": grade.level,
        "status": grade.status,
        "certainty": grade.certainty,
    }


def _claim(claim: Claim, stance: Mapping[str, str], address: Address) -> dict[str, Any]:
    return {
        "claim": claim.id,
        "voice": claim.voice,
        "phrase": claim.phrase,
        "text": claim.quote.text,
        "author": claim.author,
        "stance": stance.get(claim.id),
        "experiencer": claim.experiencer,
        "assertion": claim.assertion,
        "outcome": claim.outcome,
        "condition": claim.condition,
        "confidence": round(claim.confidence, 2),
        "written": claim.written.isoformat() if claim.written else None,
        **_place(claim.quote, address),
    }


def _evidence(item: Evidence, address: Address) -> dict[str, Any]:
    return {
        "evidence": item.id,
        "source_type": item.source_type,
        "design": item.design,
        "n": item.n,
        "direction": item.direction,
        "question": item.question,
        "condition": item.condition,
        "flags": list(item.flags),
        "title": item.title,
        "finding": item.finding,
        "doi": item.doi,
        "year": item.year,
        "text": item.quote.text if item.quote else None,
        **(_place(item.quote, address) if item.quote else {"url": item.url}),
    }


def _place(quote: Quote, address: Address) -> dict[str, Any]:
    return {
        "document": quote.document,
        "part": quote.part,
        "start": quote.start,
        "url": address(quote),
    }
