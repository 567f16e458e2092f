"""The content brief: derived from what is known, and unknown where it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from miner.brief import Known, shortened
from miner.briefs import brief
from miner.counts import tally
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    Grade,
    Kind,
    MemberQuestion,
    Quote,
    Theme,
)

PAGE = "https://board.example/t/1"


def said(number: int, text: str, phrase: str = "towel curls", **more: Any) -> Claim:
    """An invented member's words."""
    return Claim(
        kind="remedy",
        phrase=phrase,
        phrase_start=text.index(phrase),
        quote=Quote(document=PAGE, part=str(number), start=0, text=text),
        author=f"m_{number}",
        written=datetime(2026, 1, number + 1, tzinfo=UTC),
        **more,
    )


HELPED = [said(n, f"Day {n}, towel curls eased it.", outcome="helped") for n in range(3)]


def known(claims: list[Claim], kind: Kind = "remedy", **more: Any) -> Known:
    theme = Theme(
        id="rem-1",
        kind=kind,
        name="towel curls",
        claims=tuple(c.id for c in claims),
        tally=tally(claims),
        conditions=("plantar",),
    )
    return Known(theme=theme, claims=claims, **more)


def study(doi: str | None = "10.1234/a", **more: Any) -> Evidence:
    fields: dict[str, Any] = {
        "theme": "rem-1", "source_type": "study", "direction": "supports", "quote": None,
        "design": "rct", "n": 80, "study": doi or "x", "doi": doi, "title": "Towels 2021",
        "finding": "Less pain.", "year": 2021,
    }  # fmt: skip
    return Evidence(**{**fields, **more})


def test_the_question_is_a_members_own_where_one_asks() -> None:
    """The shortest whole question of the threads; else one made from the name, and told so."""
    asked = [
        said(5, "I wonder whether towel curls are of any use", experiencer="question"),
        said(6, "Do towel curls do anything?", experiencer="question"),
    ]
    found = brief(known([*HELPED, *asked]))
    assert (found.question, found.asked) == ("Do towel curls do anything?", True)
    made = brief(known(HELPED))
    assert (made.question, made.asked) == ("Does “towel curls” help?", False)


def test_few_people_have_no_percentage() -> None:
    """Below five who told an outcome there is k of n alone, and percentages are to be avoided."""
    few = brief(known(HELPED))
    assert "%" not in repr(few.outline)
    assert any(line.startswith("Any percentage") for line in few.avoid)
    many = brief(known([said(n, "The towel curls helped.", outcome="helped") for n in range(6)]))
    assert "6 of 6 (61–100 %) say it helped." in repr(many.outline)
    assert any("as a rate of success" in line for line in many.avoid)


def test_advice_is_no_outcome() -> None:
    """Who only advises it is told apart."""
    found = brief(known([*HELPED, said(7, "Try towel curls.", experiencer="advice")]))
    reports = next(c for c in found.outline if c.heading == "What members report")
    assert "Of 3 members who tried it and told what came of it:" in reports.points
    assert "Not an outcome: 1 advises it to others." in reports.points


def test_only_sources_with_a_level_and_an_address_are_cited() -> None:
    """Best level first; withdrawn, commercial and addressless ones are not; DOIs become links."""
    shop = study(
        None,
        source_type="commercial",
        design=None,
        quote=Quote(document="https://shop.example/t", part="text", start=0,
                    text="Our towel heals you in 3 days. Buy at https://shop.example/now"),
        title="Towel shop",
    )  # fmt: skip
    opinion = study(
        None,
        source_type="expert",
        design=None,
        quote=Quote(document="https://clinic.example/t", part="text", start=0, text="It helps."),
        title="A clinic",
    )
    pieces = [
        opinion,
        shop,
        study(),
        study("10.1234/gone", flags=("retracted",), title="Withdrawn towels"),
        study(None, title="No address"),
    ]
    found = brief(known(HELPED, evidence=pieces))
    assert [one.link for one in found.sources] == [
        "https://doi.org/10.1234/a",
        "https://clinic.example/t",
    ]
    assert [one.level for one in found.sources] == [2, 5]
    avoid = "\n".join(found.avoid)
    assert "Anything from a withdrawn study: Withdrawn towels." in avoid
    assert "The promise of a page that sells it (Towel shop): “Our towel heals" in avoid
    assert "https://shop.example/now" not in avoid


@pytest.mark.parametrize(
    ("grade", "line"),
    [
        (None, "nobody has searched"),
        (Grade(theme="rem-1", condition=None, level=2, status="contested", certainty="low"),
         "(level 2 of 5, 1 is the highest, status: contested)"),
        (Grade(theme="rem-1", condition=None, level=None, status="no_evidence", certainty=None),
         "says nothing either way"),
        (Grade(theme="rem-1", condition=None, level=None, status="no_evidence", certainty=None,
               reasons=("related_condition_only",)), "studies on another condition"),
    ],
)  # fmt: skip
def test_what_to_avoid_follows_from_the_grade(grade: Grade | None, line: str) -> None:
    """Each state of the evidence has its own overstatement."""
    assert line in "\n".join(brief(known(HELPED, grade=grade)).avoid)


def test_the_angle_follows_from_the_parts_of_the_gap() -> None:
    """Parts without points say nothing; without a gap or articles that is said."""
    gap = Gap(theme="rem-1", type="uncovered", score=40.0,
              parts={"authors": 20.0, "uncovered": 20.0, "rising": 0.0})  # fmt: skip
    angle = brief(known(HELPED, gap=gap, articles=0)).angle
    assert len(angle) == 1
    assert angle[0].startswith("No collected article")
    assert brief(known(HELPED)).angle == (
        "No article was collected, so what others leave out is unknown.",
    )


def test_the_angle_tells_own_articles_from_others() -> None:
    """A writer renews what they have, and sees what others have and they do not."""
    yours = brief(known(HELPED, articles=3, own=1)).angle
    assert yours[0].startswith("You have 1 article on it already")
    assert yours[1].startswith("2 articles cover it on other sites too")
    (others,) = brief(known(HELPED, articles=1, own=0)).angle
    assert others.startswith("1 article covers it on other sites and none of yours does")
    gap = Gap(theme="rem-1", type="uncovered", score=10.0, parts={"uncovered": 10.0})
    assert brief(known(HELPED, gap=gap, articles=1, own=0)).angle == (others,)


def test_questions_are_told_with_how_many_got_no_answer() -> None:
    """Each once, whether a claim stands in it or not; people are counted."""

    def put(author: str, text: str, answers: int = 0) -> MemberQuestion:
        quote = Quote(document=f"https://forum.example/{author}", part="1", start=0, text=text)
        return MemberQuestion(quote=quote, author=author, answers=answers)

    asked = [put("a", "Do towel curls ache?"), put("b", "Do towel curls ache?", 1),
             put("b", "How many towel curls a day?")]  # fmt: skip
    outline = brief(known(HELPED, questions=asked)).outline
    (points,) = (c.points for c in outline if c.heading == "Questions to answer")
    assert points == (
        "Do towel curls ache?",
        "How many towel curls a day?",
        "2 people ask about it; 1 of them got no answer.",
    )


def test_contradictions_are_told_from_both_sides() -> None:
    """Claims and evidence by their ids, and the question is not settled."""
    piece = study(direction="contradicts", finding="No difference.")
    one = Contradiction(theme="rem-1", type="members_studies", supporting=(HELPED[0].id,),
                        opposing=(piece.id,),
                        reason="3 members for it, 1 study against it")  # fmt: skip
    found = brief(known(HELPED, evidence=[piece], contradictions=[one]))
    assert [voice.text for voice in found.sides[0].opposing] == ["No difference."]
    assert [voice.who for voice in found.sides[0].supporting] == ["member"]
    assert "That the question is settled: 3 members for it, 1 study against it." in found.avoid


def test_a_condition_narrows_claims_and_sources() -> None:
    """Only what is about it counts; sources about no condition in particular stay."""
    claims = [replace(HELPED[0], condition="plantar"), replace(HELPED[1], condition="achilles")]
    pieces = [study(condition="plantar"), study("10.1234/b", condition="achilles")]
    found = brief(known(claims, evidence=pieces), condition="plantar")
    assert found.tally.authors == 1
    assert [one.doi for one in found.sources] == ["10.1234/a"]


def test_a_theme_nobody_speaks_of_makes_a_brief_too() -> None:
    """All fields are there; those nothing is known of are empty."""
    found = brief(known([], kind="cause"))
    assert found.words == ()
    assert found.sources == ()
    assert found.voices == {}
    assert found.clinician
    assert found.outline[-2].heading == "When to see a clinician"


def test_a_long_quote_is_cut_between_words() -> None:
    """One line, no addresses, no unseen marks, no half words, whatever it was."""
    cut = shortened("word " * 90 + "\n\u202ehttps://evil.example", 50)
    assert len(cut) <= 50
    assert cut.endswith("word…")
    assert shortened("a\x00 b\u202e see https://x.example/y or me@x.example") == (
        "a b see [address] or [address]"
    )
    assert len(shortened("x" * 5000, 60)) == 60


def test_nobody_is_named_in_a_brief() -> None:
    """Neither name nor pseudonym of a member stands in it."""
    assert "m_1" not in repr(brief(known(HELPED)))
