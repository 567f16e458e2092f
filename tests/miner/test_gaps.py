"""Gaps and their scores."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from miner.gaps import WEIGHTS, find
from miner.model import Claim, Contradiction, Evidence, Gap, Grade, Quote, Tally, Theme


def claim(place: int, written: datetime | None = None, voice: str = "member") -> Claim:
    """A claim of an author of its own."""
    quote = Quote(document="d", part=str(place), start=0, text="x")
    base = {"kind": "remedy", "phrase": "x", "phrase_start": 0, "author": f"a{place}"}
    return Claim(**base, quote=quote, written=written, voice=voice)  # type: ignore[arg-type]


def theme(authors: int = 5, **rest: Any) -> Theme:
    """A theme that so many authors tried."""
    base = {"id": "t", "kind": "remedy", "name": "x", "claims": (), "tally": Tally(tried=authors)}
    return Theme(**{**base, **rest})  # type: ignore[arg-type]


def graded(level: int | None = 2, status: str = "supported", condition: str | None = None) -> Grade:
    """A grade over all conditions."""
    return Grade(theme="t", condition=condition, level=level, status=status, certainty=None)


ARTICLE = Evidence(
    theme="other", source_type="unsupported", direction="unclear",
    quote=Quote(document="a", part="text", start=0, text="x"),
)  # fmt: skip


def only(gaps: list[Gap]) -> Gap:
    """The one gap."""
    (gap,) = gaps
    return gap


def test_parts_add_up_to_the_score_and_weights_to_a_hundred() -> None:
    """The score is nothing but its parts."""
    assert sum(WEIGHTS.values()) == 100
    gap = only(find([theme(7)], [graded(5, "insufficient")], [ARTICLE], []))
    assert gap.score == pytest.approx(sum(gap.parts.values()))
    assert 0 <= gap.score <= 100
    assert gap.parts.keys() == WEIGHTS.keys()


def test_theme_in_no_article_is_uncovered() -> None:
    """Articles were read, and none speaks of it."""
    gap = only(find([theme()], [graded()], [ARTICLE], []))
    assert (gap.type, gap.reasons) == ("uncovered", ("5 authors", "in no article"))


def test_nothing_is_uncovered_where_no_article_was_read() -> None:
    """Without articles coverage is not known."""
    assert find([theme()], [graded()], [], []) == []


def test_article_that_speaks_of_it_covers_it() -> None:
    """By evidence, by a claim, or by the theme's own count."""
    own = Evidence(**{**vars(ARTICLE), "theme": "t"})
    said = claim(1, voice="article")
    assert find([theme()], [graded()], [own], []) == []
    assert find([theme(claims=(said.id,))], [graded()], [], [said]) == []
    assert find([theme(articles=1)], [graded()], [ARTICLE], []) == []


@pytest.mark.parametrize(
    ("level", "status", "points"),
    [
        (None, "no_evidence", 20),
        (None, "commercial_only", 20),
        (None, "not_searched", 10),
        (5, "insufficient", 16),
        (4, "supported", 12),
        (2, "contested", 6),
    ],
)
def test_weak_evidence_by_level_and_status(level: int | None, status: str, points: float) -> None:
    """Not searched is less of a gap than none found."""
    gap = only(find([theme()], [graded(level, status)], [], []))
    assert (gap.type, gap.parts["weak_evidence"]) == ("weak_evidence", points)


def test_well_supported_theme_that_is_covered_is_no_gap() -> None:
    """Many authors alone make none."""
    assert find([theme(40, articles=2)], [graded(1)], [ARTICLE], []) == []


def test_theme_without_members_is_never_a_gap() -> None:
    """Nor is one below the least number of authors."""
    assert find([theme(0)], [graded(None, "no_evidence")], [ARTICLE], [], min_authors=0) == []
    assert find([theme(2)], [graded(None, "no_evidence")], [ARTICLE], [], min_authors=3) == []


def test_contradiction_counts_more_beyond_the_members() -> None:
    """Members alone give part of the points."""
    for kind, points in (("members", 6), ("members_studies", 10)):
        dispute = Contradiction(
            theme="t", type=kind, supporting=("a",), opposing=("b",), reason="r"
        )  # type: ignore[arg-type]
        gap = only(find([theme()], [graded()], [], [], [dispute]))
        assert (gap.type, gap.parts["contradicted"]) == ("contradicted", points)


def test_question_that_nobody_answers_leads() -> None:
    """Two who ask and none who reports; one report answers it."""
    asked = only(find([theme(tally=Tally(asked=3))], [graded()], [ARTICLE], []))
    assert asked.parts["unanswered"] == 10
    answered = find([theme(tally=Tally(asked=3, helped=1))], [graded()], [], [])
    assert answered == []


def test_growth_is_measured_over_two_years_to_the_newest_post() -> None:
    """Three authors this year and one before are rising; two are too few."""
    days = [
        datetime(2024, 12, 1, tzinfo=UTC),
        *(datetime(2026, m, 1, tzinfo=UTC) for m in (1, 2, 3)),
    ]
    claims = [claim(place, day) for place, day in enumerate(days)]
    rising = theme(4, claims=tuple(c.id for c in claims))
    gap = only(find([rising], [graded()], [], claims))
    assert (gap.type, gap.parts["rising"]) == ("rising", 10)
    assert find([rising], [graded()], [], claims, now=date(2030, 1, 1)) == []
    assert find([rising], [graded()], [], claims[:3]) == []


def test_highest_score_comes_first() -> None:
    """More authors, more points."""
    few, many = theme(2, id="few"), theme(30, id="many")
    assert [g.theme for g in find([few, many], [], [ARTICLE], [])] == ["many", "few"]
