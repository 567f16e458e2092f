"""Gaps and their scores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from miner.gaps import WEIGHTS, Terms, find
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    Grade,
    MemberQuestion,
    Quote,
    Search,
    Tally,
    Theme,
)


def claim(place: int, written: datetime | None = None, voice: str = "member") -> Claim:
    """A claim of an author of its own."""
    quote = Quote(document="d", part=str(place), start=0, text="x")
    base = {"kind": "remedy", "phrase": "x", "phrase_start": 0, "author": f"a{place}"}
    return Claim(**base, quote=quote, written=written, voice=voice)  # type: ignore[arg-type]


def theme(authors: int = 5, **rest: Any) -> Theme:
    """A theme that so many authors tried."""
    base = {
        "id": "t",
        "kind": "remedy",
        "name": "cupping",
        "claims": (),
        "tally": Tally(tried=authors),
    }
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


def test_theme_s_own_count_of_articles_is_the_only_one() -> None:
    """The number told is the number shown elsewhere, whatever evidence and claims come from."""
    own = replace(ARTICLE, theme="t")
    said = claim(1, voice="article")
    asked = Tally(asked=3)
    two = only(find([theme(articles=2, tally=asked, claims=(said.id,))], [], [own], [said]))
    assert "in 2 articles" in two.reasons
    one = only(find([theme(articles=1, tally=asked)], [], [own], [said]))
    assert "in 1 article" in one.reasons
    none = only(find([theme(claims=(said.id,))], [graded()], [own], [said]))
    assert "in no article" in none.reasons


def test_theme_of_common_words_alone_lacks_no_article() -> None:
    """Nobody could say whether an article speaks of `hip`; one telling wording is enough."""
    said = [replace(claim(place), phrase=phrase) for place, phrase in enumerate(("hips", "a knee"))]
    vague = theme(name="hip", claims=tuple(c.id for c in said))
    assert find([vague], [graded()], [ARTICLE], said) == []
    said[1] = replace(said[1], phrase="hip cupping")
    telling = replace(vague, claims=tuple(c.id for c in said))
    assert only(find([telling], [graded()], [ARTICLE], said)).type == "uncovered"


def test_studies_of_other_conditions_without_a_search_are_not_none_found() -> None:
    """Half the points and their own words, by either status; a search makes it a full gap."""
    for status in ("no_evidence", "not_searched"):
        grade = replace(graded(None, status), reasons=("related_condition_only",))
        gap = only(find([theme()], [grade], [], []))
        assert gap.parts["weak_evidence"] == 10
        assert gap.reasons == ("5 authors", "evidence: studies on other conditions only")
    search = Search(query="x", service="s", when=datetime(2026, 1, 1, tzinfo=UTC), hits=3)
    looked = replace(
        graded(None, "no_evidence"), reasons=("related_condition_only",), searched=search
    )
    assert only(find([theme()], [looked], [], [])).parts["weak_evidence"] == 20


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
    assert (
        find([theme(0)], [graded(None, "no_evidence")], [ARTICLE], [], terms=Terms(min_authors=0))
        == []
    )
    assert (
        find([theme(2)], [graded(None, "no_evidence")], [ARTICLE], [], terms=Terms(min_authors=3))
        == []
    )


def test_contradiction_counts_more_beyond_the_members() -> None:
    """Members alone give part of the points."""
    for kind, points in (("members", 6), ("members_studies", 10)):
        dispute = Contradiction(
            theme="t", type=kind, supporting=("a",), opposing=("b",), reason="r"
        )  # type: ignore[arg-type]
        gap = only(find([theme()], [graded()], [], [], [dispute]))
        assert (gap.type, gap.parts["contradicted"]) == ("contradicted", points)


def test_theme_that_only_others_write_about_is_half_uncovered() -> None:
    """Where articles of the user's own were collected; one of these is enough."""
    written = theme(articles=3)
    assert find([written], [graded()], [ARTICLE], []) == []
    gap = only(find([written], [graded()], [ARTICLE], [], terms=Terms(own=True)))
    assert (gap.type, gap.parts["uncovered"]) == ("uncovered", WEIGHTS["uncovered"] / 2)
    assert "in none of your articles, in 3 of others'" in gap.reasons
    mine = replace(written, own_articles=1)
    assert find([mine], [graded()], [ARTICLE], [], terms=Terms(own=True)) == []
    nowhere = only(find([theme()], [graded()], [ARTICLE], [], terms=Terms(own=True)))
    assert nowhere.parts["uncovered"] == WEIGHTS["uncovered"]


def asking(author: str, answers: int) -> MemberQuestion:
    """A question on the theme in a post of its own."""
    quote = Quote(document="d", part=f"{author}{answers}", start=0, text="Does cupping help?")
    return MemberQuestion(quote=quote, author=author, answers=answers, themes=("t",))


def test_those_who_got_no_answer_are_the_share_of_those_who_ask() -> None:
    """From two people on; an answer to one of a person's questions is one to that person."""
    told = theme(tally=Tally(asked=4, helped=1), articles=1)
    asked = [asking("a", 0), asking("a", 2), asking("b", 0), asking("c", 0), asking("d", 1)]
    gap = only(find([told], [graded()], [ARTICLE], [], [], asked))
    assert (gap.type, gap.parts["unanswered"]) == ("unanswered", WEIGHTS["unanswered"] / 2)
    assert "2 of 4 who ask got no answer" in gap.reasons
    assert find([told], [graded()], [ARTICLE], [], [], asked[:3]) == []


def test_question_that_nobody_answers_leads() -> None:
    """Two who ask and none who reports; one report answers it."""
    asked = only(find([theme(tally=Tally(asked=3))], [graded()], [ARTICLE], []))
    assert asked.parts["unanswered"] == 10
    answered = find([theme(tally=Tally(asked=3, helped=1))], [graded()], [], [])
    assert answered == []


def crowd(year: int, people: int = 20) -> list[Claim]:
    """Claims on other themes, of so many other authors in that year."""
    start = 1000 * year
    return [claim(start + place, datetime(year, 1, 15, tzinfo=UTC)) for place in range(people)]


def test_growth_is_measured_over_two_years_to_the_newest_post() -> None:
    """Three authors this year and one before are rising; two are too few."""
    days = [
        datetime(2024, 12, 1, tzinfo=UTC),
        *(datetime(2026, m, 1, tzinfo=UTC) for m in (1, 2, 3)),
    ]
    claims = [claim(place, day) for place, day in enumerate(days)]
    rising = theme(4, claims=tuple(c.id for c in claims))
    claims += [*crowd(2025), *crowd(2026, 17)]
    gap = only(find([rising], [graded()], [], claims))
    assert (gap.type, gap.parts["rising"]) == ("rising", 10)
    assert gap.reasons[1] == "3 of 20 authors in the year to 2026-03-01, 1 of 21 the year before"
    assert find([rising], [graded()], [], claims, terms=Terms(now=date(2030, 1, 1))) == []
    assert find([rising], [graded()], [], [*claims[:3], *claims[4:]]) == []


@pytest.mark.parametrize("before", [0, 19])
def test_nothing_rises_where_the_year_before_was_hardly_collected(before: int) -> None:
    """A year of which little is known is not a year in which nobody spoke."""
    claims = [claim(place, datetime(2026, 3, 1, tzinfo=UTC)) for place in range(4)]
    rising = theme(4, claims=tuple(c.id for c in claims))
    assert find([rising], [graded()], [], claims + crowd(2025, before)) == []
    assert only(find([rising], [graded()], [], claims + crowd(2025))).type == "rising"


def test_what_grows_as_everything_does_is_not_rising() -> None:
    """Three times as many speak of it, and of everything."""
    claims = [claim(0, datetime(2025, 1, 15, tzinfo=UTC))]
    claims += [claim(place, datetime(2026, 1, 15, tzinfo=UTC)) for place in (1, 2, 3)]
    rising = theme(4, claims=tuple(c.id for c in claims))
    assert find([rising], [graded()], [], [*claims, *crowd(2025), *crowd(2026, 60)]) == []
    assert find([rising], [graded()], [], [*claims, *crowd(2025), *crowd(2026)]) != []


def test_highest_score_comes_first() -> None:
    """More authors, more points."""
    few, many = theme(2, id="few"), theme(30, id="many")
    assert [g.theme for g in find([few, many], [], [ARTICLE], [])] == ["many", "few"]
