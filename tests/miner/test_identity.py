"""Themes that stay themselves: what new posts, vanished ones and regroupings may change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from miner.continuity import NEW, Known, joined, settled
from miner.identity import (
    Fates,
    Former,
    Group,
    Previous,
    carry_over,
    fates,
    former_themes,
    founded_id,
    renamed,
)
from miner.model import Claim, Kind, Quote, Theme, ThemeEvent
from miner.themes import Grouped, Grouping, group

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]


@cache
def direction(word: str) -> Rows:
    """Where a word points: a row of length one of its own."""
    row = np.random.default_rng(list(word.encode())).standard_normal(96).astype(np.float32)
    return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


def by_words(texts: Sequence[str]) -> Rows:
    """A fake encoder: texts are near where they share words."""
    rows = [sum((direction(w) for w in t.split()), np.zeros(96, np.float32)) + 1e-6 for t in texts]
    return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def said(phrase: str, number: int, kind: Kind = "remedy", author: str | None = None) -> Claim:
    """A claim of a post of its own."""
    quote = Quote(
        document=f"https://f.example/{number // 9}", part=str(number), start=0, text=phrase
    )
    return Claim(kind=kind, phrase=phrase, phrase_start=0, quote=quote,
                 author=author or f"m_{number}")  # fmt: skip


PAIRS = (
    "kettle rope", "barrel anvil", "lantern sieve", "ladder wagon", "pulley crate", "bucket chain",
    "mirror stool", "hammer cloth", "basket plough", "candle saddle", "whistle oar", "drum quilt",
)  # fmt: skip
THINGS = ("kettle", "rope", "barrel", "anvil", "lantern", "sieve", "ladder", "wagon", "pulley")
USES = ("morning", "evening", "daily", "weekly", "slowly", "outside", "twice", "kneeling")


def corpus(size: int, seed: int = 1) -> list[Claim]:
    """Claims on invented things and how they were used, in no order."""
    draw = random.Random(seed)
    phrases = [
        f"{draw.choice(PAIRS)} {draw.choice(THINGS)} {draw.choice(USES)}" for _ in range(size)
    ]
    return [said(phrase, number) for number, phrase in enumerate(phrases)]


def home(grouped: Grouped) -> dict[str, str]:
    """Claim id to theme id."""
    return {claim: theme.id for theme in grouped.themes for claim in theme.claims}


def shape(grouped: Grouped) -> bytes:
    """Ids, names, members, parts, key words: all of it."""
    return repr(grouped.themes).encode()


def rows_of(*points: tuple[float, float]) -> Rows:
    """Unit rows by direction in the plane."""
    rows = np.array(points, dtype=np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


EAST, NORTH, BETWEEN = (1.0, 0.0), (0.0, 1.0), (1.0, 0.9)


def labels(*numbers: int) -> Labels:
    return np.array(numbers, dtype=np.int64)


# --- what a grouping without memory may change ------------------------------------------------


def test_a_theme_that_plainly_holds_two_things_is_parted() -> None:
    """Three phrases that point elsewhere found a theme; the others keep theirs."""
    rows = rows_of(*[EAST] * 4, *[NORTH] * 3)
    found = settled(labels(0, 0, 0, 0, 1, 1, 1), Known(homes=labels(*[0] * 7)), rows)
    assert found[:4].tolist() == [0] * 4
    assert len(set(found[4:].tolist())) == 1
    assert found[4] != 0


def test_a_theme_is_not_parted_for_a_shade() -> None:
    """What is nearly as like the rest as like its new company stays."""
    rows = rows_of(*[EAST] * 4, *[(1.0, 0.2)] * 3)
    found = settled(labels(0, 0, 0, 0, 1, 1, 1), Known(homes=labels(*[0] * 7)), rows)
    assert found.tolist() == [0] * 7


def test_what_a_person_shaped_is_neither_parted_nor_joined() -> None:
    """A held theme keeps its phrases, and two held ones stay two."""
    rows = rows_of(*[EAST] * 4, *[NORTH] * 3)
    parted = labels(0, 0, 0, 0, 1, 1, 1)
    kept = settled(parted, Known(homes=labels(*[0] * 7), held=frozenset({0})), rows)
    assert kept.tolist() == [0] * 7
    two = labels(0, 0, 0, 0, 1, 1, 1)
    kept = settled(labels(*[0] * 7), Known(homes=two, held=frozenset({0, 1})), rows)
    assert kept.tolist() == two.tolist()
    one = settled(labels(*[0] * 7), Known(homes=two, held=frozenset({1})), rows)
    assert set(one.tolist()) == {1}


def test_a_phrase_that_a_person_placed_stays() -> None:
    """However far it is from the rest."""
    rows = rows_of(*[EAST] * 4, NORTH, NORTH, NORTH, NORTH)
    homes, fresh = labels(0, 0, 0, 0, 0, 1, 1, 1), labels(0, 0, 0, 0, 1, 1, 1, 1)
    free = settled(fresh, Known(homes=homes), rows)
    assert free[4] == 1
    fixed = np.array([False] * 4 + [True] + [False] * 3)
    assert settled(fresh, Known(homes=homes, fixed=fixed), rows)[4] == 0


def test_new_phrases_join_the_theme_their_group_is_at_home_in() -> None:
    """Others found themes of their own, all of a group together."""
    rows = rows_of(EAST, EAST, EAST, NORTH, NORTH)
    homes = labels(0, 0, NEW, NEW, NEW)
    found = settled(labels(0, 0, 0, 1, 1), Known(homes=homes), rows)
    assert found[2] == 0
    assert found[3] == found[4] != 0


@given(st.integers(0, 10_000), st.integers(4, 60), st.integers(1, 9), st.integers(0, 9))
def test_the_same_grouping_on_the_result_changes_nothing_more(
    seed: int, count: int, groups: int, former: int
) -> None:
    """A second run on the same phrases is a rest, whatever the two groupings were."""
    draw = np.random.default_rng(seed)
    rows = rows_of(*draw.standard_normal((count, 2)).tolist())
    fresh = draw.integers(groups, size=count)
    once = settled(fresh, Known(homes=draw.integers(NEW, former + 1, size=count)), rows)
    assert (once != NEW).all()
    assert settled(fresh, Known(homes=once), rows).tolist() == once.tolist()


def test_a_phrase_joins_by_centre_and_neighbours_and_a_far_one_does_not() -> None:
    """Where a few new phrases are placed without grouping all of them."""
    rows = rows_of(EAST, (1, 0.1), (1, -0.1), NORTH, (0.1, 1), (1, 0.05), (-1, -1))
    found = joined(Known(homes=labels(0, 0, 0, 1, 1, NEW, NEW)), rows)
    assert found.tolist() == [0, 0, 0, 1, 1, 0, NEW]
    assert joined(Known(homes=labels(NEW, NEW)), rows[:2]).tolist() == [NEW, NEW]


# --- ids ----------------------------------------------------------------------------------


def former(id_: str, *phrases: str) -> Former:
    return Former(id=id_, kind="remedy", name=phrases[0], claims=frozenset(),
                  phrases=dict.fromkeys(phrases, 1))  # fmt: skip


def one_group(*phrases: str) -> Group:
    return Group(kind="remedy", founder=phrases[0], claims=frozenset(), phrases=frozenset(phrases))


def test_a_dead_theme_comes_back_under_its_id() -> None:
    """Its posts vanished, it died; they are back, and every decision about it holds again."""
    claims = corpus(80)
    first = group(claims, by_words)
    before = former_themes(first.themes, claims)
    lost = min(first.themes, key=lambda theme: (len(theme.claims), theme.id))
    left = [claim for claim in claims if claim.id not in lost.claims]
    second = group(left, by_words, before)
    assert ThemeEvent(kind="died", theme=lost.id) in second.events
    gone = fates([*first.events, *second.events], {theme.id for theme in second.themes})
    assert gone.dead == {lost.id}
    third = group(claims, by_words, former_themes(second.themes, left, gone))
    assert {home(third)[claim] for claim in lost.claims} == {lost.id}


def test_a_merged_id_is_never_given_again_even_to_its_founder() -> None:
    """It redirects; a theme of the same words gets the next id."""
    id_ = founded_id("remedy", "brass kettle")
    merged = Previous(gone=Fates(merged={id_: "rem-000000"}))
    assert carry_over([one_group("brass kettle")], merged)[0] != (id_,)
    dead = Previous(gone=Fates(dead=frozenset({id_})))
    assert carry_over([one_group("kettle", "brass kettle")], dead)[0] == (id_,)
    assert carry_over([one_group("rope")], dead)[0] == (founded_id("remedy", "rope"),)


def test_ids_are_never_used_twice_over_many_runs() -> None:
    """Whatever comes and goes: an id means one theme, and what is gone leads on or is dead."""
    draw, claims, events = random.Random(5), corpus(240, seed=4), list[ThemeEvent]()
    previous, founder = Previous(), dict[str, str]()
    for _ in range(8):
        some = draw.sample(claims, draw.randrange(60, 240))
        how = Grouping(cut=draw.choice((0.4, 0.5, 0.6)), guidance=0)
        grouped = group(some, by_words, previous, how=how)
        ids = [theme.id for theme in grouped.themes]
        assert len(set(ids)) == len(ids)
        assert sorted(home(grouped)) == sorted(claim.id for claim in some)
        for theme in grouped.themes:
            born = ThemeEvent(kind="born", theme=theme.id) in grouped.events
            assert theme.id not in founder or not born or theme.id in previous.gone.dead
            founder.setdefault(theme.id, theme.name)
        events += grouped.events
        gone = fates(events, set(ids))
        assert founder.keys() - set(ids) <= gone.dead | gone.merged.keys()
        assert gone.merged.keys().isdisjoint(ids)
        previous = former_themes(grouped.themes, some, gone)


def test_the_theme_a_person_shaped_keeps_its_id_when_others_join_it() -> None:
    """Even where the others are more."""
    before = Previous(themes=(former("rem-a", "x"), former("rem-b", "u", "v", "w")),
                      held=frozenset({"rem-a"}))  # fmt: skip
    ids, events = carry_over([one_group("u", "v", "w", "x")], before)
    assert ids == ("rem-a",)
    assert events == (ThemeEvent(kind="merged", theme="rem-b", into="rem-a"),)


def test_fates_follow_the_latest_event() -> None:
    """What was merged and taken apart again is alive; what died and was born again too."""
    merged = ThemeEvent(kind="merged", theme="a", into="b")
    apart = ThemeEvent(kind="split", theme="b", into="a")
    died = ThemeEvent(kind="died", theme="c")
    assert fates([merged, died], {"b"}) == Fates(merged={"a": "b"}, dead=frozenset({"c"}))
    assert fates([merged, apart], {"b"}) == Fates()
    assert fates([merged, died], {"a", "b", "c"}) == Fates()
    assert fates([died, ThemeEvent(kind="born", theme="c"), died], ()).dead == {"c"}


def test_a_name_that_changed_is_told() -> None:
    """Without the words, which may be forgotten."""
    before = Previous(themes=(former("rem-a", "x"), former("rem-b", "u")))
    now = [Theme(id="rem-a", kind="remedy", name="y", claims=()),
           Theme(id="rem-b", kind="remedy", name="u", claims=()),
           Theme(id="rem-c", kind="remedy", name="new", claims=())]  # fmt: skip
    assert renamed(before, now) == (ThemeEvent(kind="renamed", theme="rem-a"),)


# --- whole runs ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_more_documents_leave_nearly_all_where_they_were(seed: int) -> None:
    """At least 95 % keep their theme's id; a further run on the same changes nothing."""
    claims = corpus(360, seed)
    draw = random.Random(seed)
    documents = sorted({claim.quote.document for claim in claims})
    known = set(draw.sample(documents, round(len(documents) / 1.2)))
    old = [claim for claim in claims if claim.quote.document in known]
    first = group(old, by_words)
    second = group(claims, by_words, former_themes(first.themes, old))
    before, after = home(first), home(second)
    assert sum(before[claim.id] == after[claim.id] for claim in old) >= 0.95 * len(old)
    third = group(claims, by_words, former_themes(second.themes, claims))
    assert third.events == ()
    assert shape(third) == shape(second)


def test_two_runs_give_the_same_bytes_whatever_the_order_of_documents() -> None:
    """Ids, names, parts, stability: cold and warm."""
    claims = corpus(200)
    how = Grouping(rounds=3)
    first = group(claims, by_words, how=how)
    before = former_themes(first.themes, claims)
    more = [*claims, *(said(f"glass {thing}", 900 + n) for n, thing in enumerate(THINGS))]
    warm = group(more, by_words, before, how=how)
    for seed in range(3):
        mixed = random.Random(seed).sample(claims, len(claims))
        assert shape(group(mixed, by_words, how=how)) == shape(first)
        themes = random.Random(seed).sample(first.themes, len(first.themes))
        again = former_themes(themes, mixed)
        assert shape(group(random.Random(seed).sample(more, len(more)), by_words, again, how=how)
                     ) == shape(warm)  # fmt: skip


def test_a_large_project_places_few_new_phrases_without_grouping_all() -> None:
    """Known phrases stay; new ones join or found themes; growth brings a whole grouping."""
    claims = corpus(300)
    how = Grouping(always=50, growth=1.05)
    first = group(claims, by_words, how=how)
    phrases = first.whole["remedy"]
    more = [*claims, said("kettle rope morning again", 801), said("zinc plum", 802)]
    second = group(more, by_words, former_themes(first.themes, claims, whole=first.whole), how=how)
    assert second.whole == first.whole
    before, after = home(first), home(second)
    assert all(before[claim.id] == after[claim.id] for claim in claims)
    assert after[more[-2].id] in before.values()
    assert after[more[-1].id] not in before.values()
    grown = [*more, *(said(f"copper {thing} {use}", 900 + 9 * n + m)
                      for n, thing in enumerate(THINGS) for m, use in enumerate(USES))]  # fmt: skip
    third = group(grown, by_words, former_themes(second.themes, more, whole=second.whole), how=how)
    assert third.whole["remedy"] > phrases


def test_a_warm_run_parts_a_theme_that_has_become_two() -> None:
    """A bridge joined two things; with many more posts each is a theme, and the split is told."""
    bridge = [said("red kettle", 1), said("red kettle rope", 2), said("rope", 3)]
    first = group(bridge, by_words, how=Grouping(cut=0.8, guidance=0))
    assert len(first.themes) == 1
    more = [said(f"red kettle {use}", 10 + n) for n, use in enumerate(USES)]
    more += [said(f"hemp rope {use} rope", 30 + n) for n, use in enumerate(USES)]
    more += [said(f"hemp rope {thing}", 50 + n) for n, thing in enumerate(("frayed", "thick"))]
    second = group([*bridge, *more], by_words, former_themes(first.themes, bridge),
                   how=Grouping(cut=0.55, guidance=0))  # fmt: skip
    place = home(second)
    assert place[bridge[0].id] != place[more[-1].id]
    assert first.themes[0].id in place.values()


def test_two_themes_that_became_one_are_told_as_merged() -> None:
    """What lay apart for want of words lies in one group of the next run."""
    old = [said("tin kettle", 1), said("iron kettle", 2)]
    first = group(old, by_words, how=Grouping(cut=0.3, guidance=0))
    assert len(first.themes) == 2
    second = group(old, by_words, former_themes(first.themes, old),
                   how=Grouping(cut=0.7, guidance=0))  # fmt: skip
    (event,) = second.events
    assert event.kind == "merged"
    assert {event.theme, event.into} == {theme.id for theme in first.themes}
