"""Contradictions ranked: a score whose parts add up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from crawler.documents import Article, Source
from miner.contradictions import find
from miner.evidence import of_articles
from miner.model import Contradiction, Evidence, Quote, Tally, Theme
from miner.ranking import WEIGHTS, ranked


def theme(id_: str = "t", people: int = 5, kind: str = "remedy") -> Theme:
    """A theme that so many people named."""
    return Theme(id=id_, kind=kind, name=id_, claims=(), tally=Tally(tried=people))  # type: ignore[arg-type]


def piece(number: int, **rest: Any) -> Evidence:
    """A sentence of an article of its own, or a study."""
    quote = Quote(document=f"a{number}", part="text", start=0, text="x")
    given: dict[str, Any] = {"source_type": "unsupported", "quote": quote, "direction": "supports"}
    return Evidence(**{"theme": "t", **given, **rest})


def study(number: int, direction: str, **rest: Any) -> Evidence:
    """A randomised trial."""
    facts = {"source_type": "study", "quote": None, "study": f"s{number}", "design": "rct", "n": 90}
    return piece(number, **{**facts, "direction": direction, **rest})


def page(text: str, site: str) -> Article:
    """A page of nobody's."""
    source = Source(
        url=f"https://{site}/a",
        site=site,
        fetched=datetime(2026, 1, 1, tzinfo=UTC),
        engine="article",
    )
    return Article(source=source, title="A page", text=text)


def one(pro: tuple[str, ...], con: tuple[str, ...], id_: str = "t") -> Contradiction:
    return Contradiction(theme=id_, type="members", supporting=pro, opposing=con, reason="r")


@given(
    st.integers(1, 300), st.integers(1, 300), st.integers(0, 10_000), st.integers(0, 3)
)  # fmt: skip
def test_parts_add_up_and_none_passes_its_weight(
    pro: int, con: int, people: int, trials: int
) -> None:
    """Whatever the sides: the score is the sum, between 0 and 100, with a reason for each part."""
    known = [study(n, "supports") for n in range(trials)]
    sides = (
        (*(e.id for e in known), *(f"p{n}" for n in range(pro))),
        tuple(f"c{n}" for n in range(con)),
    )
    (scored,) = ranked([one(*sides)], [theme(people=people)], known)
    assert scored.score == pytest.approx(sum(scored.parts.values()))
    assert 0 <= scored.score <= 100
    assert all(0 <= points <= WEIGHTS[name] for name, points in scored.parts.items())
    assert tuple(scored.parts) == tuple(WEIGHTS)
    assert len(scored.reasons) == len(WEIGHTS)


def test_more_voices_more_even_firmer_and_better_known_goes_first() -> None:
    """Each part by itself lifts a contradiction above another."""
    few, even = one(("a",), ("b",)), one(("a", "c"), ("b", "d"))
    lopsided = one(("a", "c", "e", "f"), ("b", "d"))
    score = {c: ranked([c], [theme()], [])[0].score for c in (few, even, lopsided)}
    assert score[even] > score[few]
    assert score[even] > score[lopsided]
    trial = study(1, "supports")
    firm = ranked([one((trial.id,), ("b",))], [theme()], [trial])[0]
    assert firm.score > score[few]
    assert "a study of level 2 for it, a member against it" in firm.reasons[2]
    known = ranked([few], [theme(people=60)], [])[0]
    assert known.score > score[few]


def test_the_order_is_by_score_and_does_not_depend_on_the_order_given() -> None:
    """Highest first; what is of a theme that is gone is left out."""
    found = [one(("a",), ("b",), "t"), one(("a", "c"), ("b", "d"), "u"), one(("a",), ("b",), "x")]
    themes = [theme("t"), theme("u")]
    assert [c.theme for c in ranked(found, themes, [])] == ["u", "t"]
    assert ranked(found, themes, []) == ranked(found[::-1], themes[::-1], [])


def test_articles_of_one_mind_against_studies() -> None:
    """A rule that articles repeat and a trial denies, in either order of sides."""
    told, trial = piece(1), study(1, "no_effect")
    (pair,) = find([theme()], [told, trial], [])
    assert (pair.type, pair.supporting, pair.opposing) == (
        "articles_studies",
        (told.id,),
        (trial.id,),
    )
    warned, helped = piece(2, direction="contradicts"), study(2, "supports")
    (pair,) = find([theme()], [warned, helped], [])
    assert (pair.type, pair.reason) == ("articles_studies", "1 study for it, 1 article against it")
    assert "articles_studies" not in {c.type for c in find([theme()], [told, trial, helped], [])}
    assert find([theme(kind="diagnosis")], [told, trial], []) == []


def test_articles_that_call_it_common_and_rare_disagree() -> None:
    """From the sentences to the pair, on invented pages; signs that are common are none."""
    knee = Theme(id="t", kind="diagnosis", name="plica syndrome", claims=())
    pages = [
        page("Plica syndrome is common at any age.", "one.example"),
        page("Most doubt it: plica syndrome is quite rare.", "two.example"),
        page("A common sign of plica syndrome is a click.", "three.example"),
    ]
    said = of_articles(pages, [], [knee])
    assert [(e.direction, e.question) for e in said] == [
        ("supports", "prevalence"),
        ("contradicts", "prevalence"),
    ]
    (pair,) = find([knee], said, [])
    assert pair.type == "how_common"
