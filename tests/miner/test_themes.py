"""Claims become themes that stay themselves."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.embed import Encoder, load
from miner.identity import Fates, Previous, former_themes, founded_id
from miner.memory import Mind
from miner.model import Claim, Decision, Kind, Quote, Theme
from miner.themes import Grouped, Grouping, apply_decisions, group

Rows = NDArray[np.float32]
ROOT = Path(__file__).resolve().parents[2]


@cache
def _direction(word: str) -> Rows:
    chance = np.random.default_rng(list(word.encode()))
    row = chance.standard_normal(96).astype(np.float32)
    return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


def by_words(texts: Sequence[str]) -> Rows:
    """A fake encoder: texts are near where they share words."""
    rows = np.stack([sum((_direction(w) for w in t.split()), np.zeros(96, np.float32)) + 1e-6
                     for t in texts])  # fmt: skip
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def said(phrase: str, number: int, kind: Kind = "remedy", **more: object) -> Claim:
    """A claim of a post of its own, by an author of its own."""
    quote = Quote(document="https://forum.example/t", part=str(number), start=0, text=phrase)
    plain = Claim(kind=kind, phrase=phrase, phrase_start=0, quote=quote, author=f"author{number}")
    return replace(plain, **more)  # type: ignore[arg-type]


PHRASES = (
    "rocker board", "the rocker board", "wooden rocker board", "rocker board twice",
    "beetroot juice", "beetroot juice shots", "Beetroot juice", "cold beetroot juice",
    "kite sails", "old kite sails", "kite sails folded", "marble jar", "a marble jar",
)  # fmt: skip


def claims_of(phrases: Sequence[str], kind: Kind = "remedy") -> list[Claim]:
    """One claim each."""
    return [said(phrase, number, kind) for number, phrase in enumerate(phrases)]


def vocabulary(size: int) -> list[str]:
    """Invented phrases: a thing and how it was used."""
    chance = random.Random(3)
    made = [f"{a}{b}" for a in ("zor", "mip", "tal", "keb", "fen", "dru") for b in
            ("lan", "tec", "mor", "vix", "pos", "ria", "sun", "gel")]  # fmt: skip
    return [
        f"{made[n % len(made)]} {made[n % len(made)]} {chance.choice(made)}" for n in range(size)
    ]


def home(grouped: Grouped) -> dict[str, str]:
    """Claim id to theme id."""
    return {claim: theme.id for theme in grouped.themes for claim in theme.claims}


def test_every_claim_is_in_exactly_one_theme_of_its_kind() -> None:
    """Nothing is left unassigned."""
    claims = [*claims_of(PHRASES), *claims_of(PHRASES[:4], "cause"), said("it", 99)]
    grouped = group(claims, by_words)
    placed = [claim for theme in grouped.themes for claim in theme.claims]
    assert sorted(placed) == sorted(claim.id for claim in claims)
    kind = {claim.id: claim.kind for claim in claims}
    assert all(kind[claim] == theme.kind for theme in grouped.themes for claim in theme.claims)


def test_phrases_about_one_thing_share_a_theme() -> None:
    """And others do not."""
    claims = claims_of(PHRASES)
    place = home(group(claims, by_words))
    themes = [place[claim.id] for claim in claims]
    assert [len(set(themes[a:b])) for a, b in ((0, 4), (4, 8), (8, 11), (11, 13))] == [1] * 4
    assert len(set(themes)) == 4


def test_a_memory_changes_nothing() -> None:
    """Full, half full or empty: equal to the last byte, on the same claims and on more."""
    claims = [*claims_of([*PHRASES, *vocabulary(160)]), *claims_of(PHRASES, "cause")]
    old, memory = claims[:150], Mind()
    first = group(old, by_words, memory=memory)
    assert first == group(old, by_words)
    assert group(old, by_words, memory=memory) == first
    previous = former_themes(first.themes, old, whole=first.whole)
    for how in (Grouping(), Grouping(always=100, growth=9.0)):
        more = group(claims, by_words, previous, how=how, memory=memory)
        assert repr(more) == repr(group(claims, by_words, previous, how=how))


def test_a_memory_spares_only_what_is_the_same() -> None:
    """Another outcome, another author: the theme is counted anew, and only that one is told."""
    claims, memory = claims_of(PHRASES), Mind()
    group(claims, by_words, memory=memory)
    known = dict(memory.told)
    changed = [replace(claims[0], outcome="helped", assertion="asserted"), *claims[1:]]
    again = group(changed, by_words, memory=memory)
    assert len(memory.told) == len(known) + 1
    assert sum(theme.tally.helped for theme in again.themes) == 1


def test_the_input_order_changes_nothing() -> None:
    """Ids, names, order of claims: equal to the last byte."""
    claims = [*claims_of(PHRASES), *claims_of(vocabulary(80), "cause")]
    expected = group(claims, by_words)
    for seed in range(3):
        shuffled = random.Random(seed).sample(claims, len(claims))
        assert group(shuffled, by_words) == expected


def test_a_second_run_changes_nothing() -> None:
    """Same claims, same themes, no events."""
    claims = [*claims_of(PHRASES), *claims_of(vocabulary(120), "trigger"), said("those", 500)]
    first = group(claims, by_words)
    again = group(claims, by_words, former_themes(first.themes, claims))
    assert again.themes == first.themes
    assert again.events == ()


def test_a_first_run_bears_every_theme() -> None:
    """One event each."""
    grouped = group(claims_of(PHRASES), by_words)
    assert {event.theme for event in grouped.events} == {theme.id for theme in grouped.themes}
    assert {event.kind for event in grouped.events} == {"born"}


def test_no_claims_make_no_themes() -> None:
    """And no error."""
    assert group([], by_words) == Grouped(themes=())


def test_one_claim_makes_one_theme() -> None:
    """Named by its phrase."""
    (theme,) = group([said("My rocker board", 1)], by_words).themes
    assert (theme.name, theme.kind, theme.tally.authors) == ("rocker board", "remedy", 1)


def test_ten_per_cent_more_claims_leave_nearly_all_ids() -> None:
    """Old claims keep their theme; the new join or found themes."""
    phrases = vocabulary(400)
    claims = claims_of(phrases)
    old, rest = claims[:360], claims[360:]
    first = group(old, by_words)
    second = group([*old, *rest], by_words, former_themes(first.themes, old))
    before, after = home(first), home(second)
    kept = sum(before[claim.id] == after[claim.id] for claim in old)
    assert kept >= 0.95 * len(old)
    assert any(after[claim.id] in before.values() for claim in rest)


def test_a_new_post_joins_the_theme_it_is_about() -> None:
    """No second theme of the same thing."""
    claims = claims_of(PHRASES)
    first = group(claims, by_words)
    new = said("that rocker board", 77)
    second = group([*claims, new], by_words, former_themes(first.themes, claims))
    assert home(second)[new.id] == home(first)[claims[0].id]
    assert second.events == ()


def test_a_theme_whose_claims_are_gone_dies() -> None:
    """And says so."""
    claims = claims_of(PHRASES)
    first = group(claims, by_words)
    gone = home(first)[claims[-1].id]
    second = group(claims[:11], by_words, former_themes(first.themes, claims))
    assert [(event.kind, event.theme) for event in second.events] == [("died", gone)]


def test_a_bridge_merges_two_themes_and_the_smaller_id_redirects() -> None:
    """The theme with more claims keeps its id."""
    claims = [said("lorry seat", n) for n in range(3)] + [said("blue cushion", 9)]
    first = group(claims, by_words)
    assert len(first.themes) == 2
    bridges = [said(f"lorry seat blue cushion {'again ' * n}", 20 + n) for n in range(3)]
    second = group([*claims, *bridges], by_words, former_themes(first.themes, claims),
                   how=Grouping(guidance=0.0, cut=0.9))  # fmt: skip
    (event,) = second.events
    assert event.kind == "merged"
    assert event.into == home(first)[claims[0].id] == home(second)[claims[3].id]


def test_a_theme_that_falls_apart_keeps_its_id_for_the_larger_part() -> None:
    """The smaller part is a split with a new id."""
    claims = claims_of(PHRASES[:7])
    one = Theme(id="rem-abcdef", kind="remedy", name="all", claims=tuple(c.id for c in claims))
    previous = former_themes([one], claims)
    without_phrases = Previous(themes=tuple(replace(f, phrases={}) for f in previous.themes))
    grouped = group(claims, by_words, without_phrases)
    place = home(grouped)
    assert place[claims[0].id] == "rem-abcdef"
    (event,) = grouped.events
    assert (event.kind, event.theme, event.into) == ("split", "rem-abcdef", place[claims[4].id])


def test_a_retired_id_is_never_given_again() -> None:
    """It redirects for ever; the founder gets the next one."""
    claims = claims_of(PHRASES[:4])
    (theme,) = group(claims, by_words).themes
    (other,) = group(claims, by_words, Previous(gone=Fates(merged={theme.id: "rem-other"}))).themes
    assert other.id != theme.id
    assert founded_id("remedy", "x", {founded_id("remedy", "x")}) != founded_id("remedy", "x")


def test_a_theme_is_named_as_members_write_it() -> None:
    """The commonest short phrase, calm, without articles; never a pointer or a clause."""
    phrases = ["the HIP HIKES", "hip hikes", "Hip hikes", "hip hikes on the stairs in the morning",
               "my hip hikes"]  # fmt: skip
    themes = group(claims_of(phrases), by_words).themes
    assert max(themes, key=lambda theme: len(theme.claims)).name == "hip hikes"


def test_a_theme_of_pointers_is_named_by_the_words_around_them() -> None:
    """Nobody is shown a theme called `it`."""
    quote = Quote(document="d", part="1", start=0, text="those red capsules did it for me")
    lone = Claim(kind="remedy", phrase="it", phrase_start=23, quote=quote)
    (theme,) = group([lone], by_words).themes
    assert "capsule" in theme.name


def test_names_are_unique_within_a_kind() -> None:
    """Whatever the vocabulary."""
    themes = group(claims_of(vocabulary(200)), by_words).themes
    names = [theme.name.lower() for theme in themes]
    assert len(set(names)) == len(names)


def test_a_former_name_stays_while_it_is_still_a_good_one() -> None:
    """One more post does not rename a theme."""
    claims = claims_of(["marble jar", "marble jar", "jar of marbles", "jar of marbles"])
    first = group(claims, by_words)
    more = said("jar of marbles", 50)
    second = group([*claims, more], by_words, former_themes(first.themes, claims))
    assert second.themes[0].name == first.themes[0].name


def test_the_same_idea_of_another_kind_is_related() -> None:
    """Apart, but linked: a tear that is blamed and diagnosed."""
    claims = [said("meniscus tear", 1, "cause"), said("meniscus tear", 2, "diagnosis")]
    one, two = group(claims, by_words).themes
    assert one.related == (two.id,)
    assert two.related == (one.id,)


def test_a_theme_tells_its_articles_conditions_and_people() -> None:
    """Counted from its claims."""
    claims = [
        said("rocker board", 1, condition="ankle", outcome="helped"),
        said("rocker board", 2, condition="ankle", author=None),
        said("rocker board", 3, condition="shin", voice="article", author=None),
    ]
    (theme,) = group(claims, by_words).themes
    assert (theme.articles, theme.conditions) == (1, ("ankle", "shin"))
    assert (theme.tally.authors, theme.tally.helped, theme.tally.unnamed) == (2, 1, 1)


def test_many_groups_go_in_rounds_and_still_miss_nothing() -> None:
    """Every phrase is placed, whatever the size of a round; a second run is still a rest."""
    claims = claims_of(vocabulary(300))
    small = Grouping(exact=40)
    first = group(claims, by_words, how=small)
    assert set(home(first)) == {claim.id for claim in claims}
    again = group(claims, by_words, former_themes(first.themes, claims), how=small)
    assert home(again) == home(first)


# --- decisions ----------------------------------------------------------------------------


def decision(action: str, target: str, number: int = 1, **value: object) -> Decision:
    """A person's decision of that day."""
    return Decision(
        action=action, target=target, value=value, who="me",  # type: ignore[arg-type]
        when=datetime(2025, 1, number, tzinfo=UTC), id=number,
    )  # fmt: skip


@pytest.fixture
def mined() -> tuple[list[Claim], Grouped]:
    """Four themes."""
    claims = claims_of(PHRASES)
    return claims, group(claims, by_words)


def test_a_rename_holds_over_runs(mined: tuple[list[Claim], Grouped]) -> None:
    """The person's name wins, again and again."""
    claims, grouped = mined
    rename = decision("rename", home(grouped)[claims[0].id], name="Balance training")
    for _ in range(2):
        decided = apply_decisions(grouped, claims, [rename])
        assert next(t.name for t in decided.themes if t.id == rename.target) == "Balance training"
        grouped = group(claims, by_words, former_themes(decided.themes, claims))


def test_a_merge_holds_over_runs(mined: tuple[list[Claim], Grouped]) -> None:
    """The claims stay together, tallies are counted anew, the old id redirects once."""
    claims, grouped = mined
    place = home(grouped)
    gone, into = place[claims[4].id], place[claims[0].id]
    merge = decision("merge", gone, into=into)
    decided = apply_decisions(grouped, claims, [merge])
    assert [(e.kind, e.theme, e.into) for e in decided.events[-1:]] == [("merged", gone, into)]
    merged = next(theme for theme in decided.themes if theme.id == into)
    assert merged.tally.authors == 8
    previous = former_themes(decided.themes, claims, Fates(merged={gone: into}))
    again = apply_decisions(group(claims, by_words, previous), claims, [merge])
    assert again.events == ()
    assert home(again) == home(decided)


def test_later_decisions_follow_a_merge(mined: tuple[list[Claim], Grouped]) -> None:
    """A rename of a merged theme goes to the one it went into; oldest first, whatever the order."""
    claims, grouped = mined
    place = home(grouped)
    gone, into = place[claims[4].id], place[claims[0].id]
    steps = [decision("rename", gone, 2, name="Both"), decision("merge", gone, 1, into=into)]
    decided = apply_decisions(grouped, claims, steps)
    assert next(theme.name for theme in decided.themes if theme.id == into) == "Both"


def test_moved_rejected_and_split_claims_go_where_they_were_sent(
    mined: tuple[list[Claim], Grouped],
) -> None:
    """And nothing is in two places."""
    claims, grouped = mined
    place = home(grouped)
    into = place[claims[0].id]
    steps = [
        decision("move", claims[11].id, 1, theme=into),
        decision("reject", claims[12].id, 2),
        decision("split", place[claims[4].id], 3, claims=[claims[7].id], name="Chilled"),
    ]
    decided = apply_decisions(grouped, claims, steps)
    after = home(decided)
    assert after[claims[11].id] == into
    assert claims[12].id not in after
    assert place[claims[12].id] not in {theme.id for theme in decided.themes}
    assert [t.name for t in decided.themes if t.claims == (claims[7].id,)] == ["Chilled"]
    placed = [claim for theme in decided.themes for claim in theme.claims]
    assert len(placed) == len(set(placed)) == len(claims) - 1


def test_decisions_about_what_is_gone_are_passed_over(mined: tuple[list[Claim], Grouped]) -> None:
    """Never an error."""
    claims, grouped = mined
    steps = [
        decision("rename", "rem-000000", name="x"),
        decision("merge", "rem-000000", into="rem-000001"),
        decision("move", "nothing", theme="rem-000000"),
        decision("reject", "nothing"),
        decision("split", "rem-000000", claims=["nothing"]),
        decision("overrule", "rem-000000", level=1),
    ]
    assert apply_decisions(grouped, claims, steps).themes == grouped.themes


# --- the real model -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The default model."""
    return load()


def test_a_handful_of_invented_phrases_makes_sane_themes(encoder: Encoder) -> None:
    """What a person would put together is together, in a corpus of twelve phrases."""
    phrases = ["dry needling", "acupuncture", "new insoles", "custom orthotics",
               "sports massage", "deep tissue massage", "took three weeks off", "total rest",
               "squats", "strength training", "naproxen", "ibuprofen"]  # fmt: skip
    claims = claims_of(phrases)
    place = home(group(claims, encoder.encode))
    themes = [place[claim.id] for claim in claims]
    assert all(themes[n] == themes[n + 1] for n in range(0, 12, 2))
    assert len(set(themes)) >= 5


def test_ice_and_heat_are_two_remedies(encoder: Encoder) -> None:
    """Few phrases do not bring together what readers keep apart, whatever a family holds."""
    claims = claims_of(["ice", "icing", "ice pack", "heat", "heating pad", "hot water bottle"])
    place = home(group(claims, encoder.encode))
    themes = [place[claim.id] for claim in claims]
    assert len(set(themes[:3])) == len(set(themes[3:])) == 1
    assert themes[0] != themes[3]


@pytest.mark.shared
def test_themes_of_the_labelled_phrases_stay_good(shared: Path, encoder: Encoder) -> None:
    """B-cubed F1 at least 0.77 and ARI at least 0.65 over all kinds."""
    score, bench = _module(shared / "gold/score.py"), _module(ROOT / "benchmarks/themes.py")
    lines = (shared / "gold/phrases.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line]
    claims = bench.claims_of(rows)
    place = home(group(claims, encoder.encode))
    found = [{**row, "theme_id": place[c.id]} for row, c in zip(rows, claims, strict=True)]
    f1, _, ari = score.cluster(found)["all"]
    assert f1 >= 0.77
    assert ari >= 0.65


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module
