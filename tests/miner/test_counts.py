"""People are counted, not posts."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from miner.counts import shares, stance, tally, votes, wilson
from miner.model import Claim, Quote, Tally

HOST = "https://forum.example"


def said(author: str | None, outcome: str = "unknown", **more: Any) -> Claim:
    """A claim on one remedy; `post`, `thread` and `day` place it."""
    post, thread, day = more.pop("post", "1"), more.pop("thread", "a"), more.pop("day", None)
    quote = Quote(document=f"{HOST}/{thread}", part=post, start=0, text="gel insoles")
    given: dict[str, Any] = {
        "kind": "remedy",
        "phrase": "gel insoles",
        "phrase_start": 0,
        "quote": quote,
        "author": author,
        "outcome": outcome,
        "written": datetime(2024, 1, day, tzinfo=UTC) if day else None,
    }
    return Claim(**(given | more))


# Reference values of the Wilson score interval, to two digits.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (1, 1, 0.21, 1.00),
        (2, 2, 0.34, 1.00),
        (3, 4, 0.30, 0.95),
        (5, 5, 0.57, 1.00),
        (7, 12, 0.32, 0.81),
        (25, 41, 0.46, 0.74),
        (8, 10, 0.49, 0.94),
        (0, 0, 0.00, 1.00),
    ],
)
def test_wilson_agrees_with_the_reference_table(k: int, n: int, low: float, high: float) -> None:
    """To two digits."""
    assert tuple(round(x, 2) for x in wilson(k, n)) == (low, high)


def test_wilson_holds_the_share_and_stays_within_bounds() -> None:
    """For every k of n; fewer people never give a narrower interval at the same share."""
    for n in range(1, 60):
        for k in range(n + 1):
            low, high = wilson(k, n)
            assert 0 <= low <= k / n <= high <= 1
            assert high - low >= wilson(2 * k, 2 * n)[1] - wilson(2 * k, 2 * n)[0]


@pytest.mark.parametrize(("k", "n"), [(2, 1), (-1, 3)])
def test_wilson_refuses_what_is_no_share(k: int, n: int) -> None:
    """More than all, or fewer than none."""
    with pytest.raises(ValueError, match="no share"):
        wilson(k, n)


def test_one_author_is_one_vote_however_often_they_post() -> None:
    """The unit is the person."""
    claims = [said("ann", "helped", post=str(n), thread=str(n % 3)) for n in range(9)]
    counted = tally(claims)
    assert (counted.authors, counted.helped, counted.threads) == (1, 1, 3)


def test_the_latest_outcome_wins_whatever_the_order_of_the_claims() -> None:
    """A verdict that flips is taken as it stands last; all claims stay in the vote."""
    claims = [
        said("ann", "helped", day=1, post="1"),
        said("ann", "no_effect", day=9, post="2"),
        said("ann", "unknown", day=20, post="3"),
    ]
    for order in itertools.permutations(claims):
        (vote,) = votes(order)
        assert vote.stance == "no_effect"
        assert vote.claims[0] == claims[1].id
        assert set(vote.claims) == {claim.id for claim in claims}


def test_without_dates_the_later_post_wins() -> None:
    """Post 10 comes after post 9."""
    (vote,) = votes([said("ann", "worse", post="10"), said("ann", "helped", post="9")])
    assert vote.stance == "worse"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"outcome": "helped", "experiencer": "advice"}, "advised"),
        ({"outcome": "helped", "experiencer": "question"}, "asked"),
        ({"outcome": "helped", "experiencer": "other"}, "other"),
        ({"outcome": "unknown", "assertion": "negated"}, "rejected"),
        ({"outcome": "no_effect"}, "no_effect"),
        ({"outcome": "mixed", "assertion": "hedged"}, "mixed"),
        ({"outcome": "unknown"}, "tried"),
        ({"outcome": "unknown", "kind": "cause"}, "said"),
        ({"outcome": "unknown", "kind": "cause", "assertion": "negated"}, "rejected"),
        ({"outcome": "unknown", "kind": "diagnosis", "experiencer": "question"}, "asked"),
    ],
)
def test_only_own_experience_carries_an_outcome(more: dict[str, Any], expected: str) -> None:
    """Advice, questions, other people and denials never do."""
    claim = said("ann", **more)
    assert stance(claim) == expected
    assert votes([claim])[0].stance == expected


def test_own_experience_outweighs_later_advice() -> None:
    """Someone who tried it and then recommends it has tried it."""
    (vote,) = votes([said("ann", day=1), said("ann", day=5, experiencer="advice", post="2")])
    assert vote.stance == "tried"


def test_posts_without_a_name_count_as_an_author_each_and_are_told() -> None:
    """Nobody knows whether they are one person."""
    counted = tally([said(None, "helped", post="1"), said(None, "helped", post="2"), said("ann")])
    assert (counted.authors, counted.helped, counted.unnamed, counted.tried) == (3, 2, 2, 1)


def test_articles_and_studies_have_no_vote() -> None:
    """Only members are counted."""
    counted = tally([said(None, voice="article"), said(None, voice="study")])
    assert counted == Tally()


def test_threads_and_sites_are_counted_apart() -> None:
    """Two threads of one host are one site."""
    counted = tally([said("a", thread="x"), said("b", thread="y"), said("c", thread="y")])
    assert (counted.threads, counted.sites) == (2, 1)


def test_no_percentage_below_five_authors() -> None:
    """Four people are `3 of 4`, five may be a percentage."""
    four, five = shares(Tally(helped=3, worse=1)), shares(Tally(helped=4, worse=1))
    assert four["helped"].label == "3 of 4"
    assert four["helped"].percent is None
    assert five["helped"].percent == 80


def test_shares_are_of_those_who_reported_and_nobody_else() -> None:
    """Advice and bare mentions stay out of the n; without reports there is no share."""
    counted = Tally(helped=1, mixed=1, tried=7, advised=30, asked=2)
    assert {share.n for share in shares(counted).values()} == {2}
    assert shares(Tally(tried=3, advised=4)) == {}


def test_a_tally_adds_up_whatever_the_order() -> None:
    """Each author falls into exactly one stance."""
    chance = random.Random(7)
    outcomes = ("helped", "mixed", "no_effect", "worse", "unknown")
    who = ("self", "other", "advice", "question")
    claims = [
        said(f"u{chance.randrange(12)}", chance.choice(outcomes), post=str(n), day=1 + n % 28,
             experiencer=chance.choice(who))
        for n in range(80)
    ]  # fmt: skip
    expected = tally(claims)
    for _ in range(5):
        chance.shuffle(claims)
        assert tally(claims) == expected
    assert expected.authors == len({claim.author for claim in claims})
