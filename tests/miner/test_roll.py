"""The roll counts the very votes that `miner.counts` counts, for every choice a reader can make."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.counts import tally
from miner.model import Claim, Quote
from miner.roll import roll, spoken

START = datetime(2024, 1, 1, tzinfo=UTC)


@st.composite
def claims(draw: st.DrawFn) -> tuple[str, Claim]:
    """A theme and a claim, of few authors, posts and days, so that votes often compete."""
    voice = draw(st.sampled_from(["member", "member", "member", "article"]))
    post, start = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    day = draw(st.none() | st.integers(0, 400))
    site = draw(st.sampled_from(["https://a.example/t/1", "https://www.b.example:80/t/2", "file"]))
    named = draw(st.sampled_from(["m_a", "m_b", None])) if voice == "member" else None
    claim = Claim(
        kind=draw(st.sampled_from(["remedy", "cause"])),
        phrase="ice",
        phrase_start=start,
        quote=Quote(document=site, part=f"post-{post}", start=0, text="....ice"),
        voice=voice,  # type: ignore[arg-type]
        author=named,
        written=None if day is None else START + timedelta(days=day),
        experiencer=draw(st.sampled_from(["self", "self", "other", "advice", "question"])),
        assertion=draw(st.sampled_from(["asserted", "asserted", "negated"])),
        outcome=draw(st.sampled_from(["helped", "no_effect", "worse", "mixed", "unknown"])),
        condition=draw(st.sampled_from([None, "heel", "hip"])),
    )
    return draw(st.sampled_from(["rem-1", "rem-2"])), claim


def unique(found: list[tuple[str, Claim]]) -> list[tuple[str, Claim]]:
    """One claim for each id, as in the store; two of one place would have no order."""
    places = {(c.quote.document, c.quote.part, c.phrase_start): (t, c) for t, c in found}
    return list(places.values())


@given(
    st.lists(claims(), max_size=25), st.sampled_from([None, "heel"]), st.sampled_from([None, 2024])
)
def test_tallies_are_those_of_counting_claim_by_claim(
    found: list[tuple[str, Claim]], condition: str | None, until: int | None
) -> None:
    """Whatever is chosen: the same people, stances, threads and sites."""
    known = unique(found)
    held = roll([spoken(claim, theme) for theme, claim in known])
    kept = held.chosen(condition=condition, until=until)
    by_theme: dict[str, list[Claim]] = defaultdict(list)
    for theme, claim in known:
        about = condition is None or claim.condition == condition
        dated = claim.written is not None and claim.written.year <= (until or 0)
        if about and claim.voice == "member" and (until is None or dated):
            by_theme[theme].append(claim)
    assert held.tallies(kept) == {theme: tally(own) for theme, own in by_theme.items()}


def one(
    author: str, day: str, document: str = "https://a.example/t/1", words: str = "ice"
) -> Claim:
    return Claim(
        kind="remedy", phrase=words, phrase_start=0, author=author, outcome="helped",
        quote=Quote(document=document, part=day, start=0, text=words),
        written=datetime.fromisoformat(day).replace(tzinfo=UTC),
    )  # fmt: skip


def test_quarters_count_people_once_in_each() -> None:
    """Two posts of one person in a quarter are one, in two quarters two."""
    said = [one("m_a", "2024-01-05"), one("m_a", "2024-02-05"), one("m_b", "2024-03-01"),
            one("m_a", "2024-04-01"), one("m_c", "2023-01-01")]  # fmt: skip
    held = roll([spoken(claim, "rem-1") for claim in said])
    assert held.quarters(held.chosen(), 2024 * 4 + 1, 3) == {"rem-1": [0, 2, 1]}


@pytest.mark.parametrize(
    ("choice", "authors"),
    [({"site": "a.example"}, 1), ({"since": 2024}, 1), ({"site": "nowhere.example"}, 0), ({}, 2)],
)
def test_site_and_years_narrow(choice: dict[str, object], authors: int) -> None:
    """Only members of that site, or of those years, are counted."""
    said = [one("m_a", "2024-01-05"), one("m_b", "2022-01-05", "https://b.example/t/9")]
    held = roll([spoken(claim, "rem-1") for claim in said])
    found = held.tallies(held.chosen(**choice))  # type: ignore[arg-type]
    assert sum(counted.authors for counted in found.values()) == authors


def test_words_are_those_of_the_themes_claims() -> None:
    """Each theme's words, in small letters, and no other's."""
    said = [
        ("rem-1", one("m_a", "2024-01-05", words="Cold Baths")),
        ("rem-2", one("m_b", "2024-01-06")),
    ]
    held = roll([spoken(claim, theme) for theme, claim in said])
    assert held.words == {"rem-1": {"cold", "baths"}, "rem-2": {"ice"}}


def test_nothing_said_is_counted_as_nothing() -> None:
    """A project without claims."""
    held = roll([])
    assert held.tallies(held.chosen(condition="heel", since=2020)) == {}
    assert held.words == {}
