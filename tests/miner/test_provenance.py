"""The badge of a page, on invented pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from crawler.documents import Article, Reference, Source
from miner.provenance import Mark, marks, score

TODAY = datetime(2026, 5, 1, tzinfo=UTC)

FULL = """Written by Tove Aalund, MD

Last updated: 4 March 2019

Rest eases a sore shin.

This page was funded by the Shin Society; the writer has no competing interests.

Want to chase the bus again?

Our shin sleeve will conquer your shin pain.
Order yours today

We offer gait checks at our clinic."""


def page(text: str, **rest: object) -> Article:
    """A page of nobody's."""
    source = Source(url="https://c.example/a", site="c.example", fetched=TODAY, engine="article")
    return replace(Article(source=source, title="A page", text=text), **rest)  # type: ignore[arg-type]


def named(found: tuple[Mark, ...]) -> dict[str, str]:
    return {mark.name: mark.quote for mark in found}


def test_each_benchmark_and_each_thing_against_has_its_words() -> None:
    """All seven marks, each with words of the page or of its record."""
    article = page(
        FULL,
        published=datetime(2019, 3, 4, tzinfo=UTC),
        references=(Reference(text="Berg K. Shins and sleeves. J Shin. 2018."),),
    )
    found = named(marks(article, TODAY))
    assert found["authorship"] == "Written by Tove Aalund, MD"
    assert found["attribution"] == "Berg K. Shins and sleeves. J Shin. 2018."
    assert found["disclosure"].startswith("This page was funded by")
    assert found["currency"] == "Last updated: 4 March 2019"
    assert "Want to chase the bus again?" in found["promotion"]
    assert found["self_interest"].startswith("Our shin sleeve")
    assert found["age"] == "7 years since 2019-03-04"
    assert score(marks(article, TODAY)) == 4


def test_a_bare_page_has_no_marks_and_no_score() -> None:
    """What is not there is not claimed."""
    found = marks(page("Rest eases a sore shin. It heals by itself."), TODAY)
    assert found == ()
    assert score(found) == 0


def test_a_review_makes_an_old_page_young() -> None:
    """Age counts from the latest review."""
    old, new = datetime(2012, 1, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
    assert "age" in named(marks(page("Rest.", published=old), TODAY))
    found = named(marks(page("Rest.", published=old, reviewed=new), TODAY))
    assert "age" not in found
    assert found["currency"] == "2025-06-01"


def test_a_cited_study_is_an_attribution_and_talk_of_research_is_none() -> None:
    """Something that could be looked up, or nothing."""
    cited = page("A 2017 trial of 40 rowers found that tape eased the wrist.")
    vague = page("Research shows that tape eases the wrist.")
    assert "attribution" in named(marks(cited, TODAY))
    assert "attribution" not in named(marks(vague, TODAY))


def test_the_quote_is_the_pages_own_words() -> None:
    """But for line breaks, which a badge has no room for."""
    whole = " ".join(FULL.split())
    for mark in marks(page(FULL), TODAY):
        assert mark.quote in whole
