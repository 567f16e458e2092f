"""Decisions show at once, are followed by runs, and are taken back before and after one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.database import open_database
from crawler.errors import StoreError
from miner.counts import tally
from miner.current import Current
from miner.decisions import corrected, decided, overruled
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Contradiction, Decision, Grade, Mined, Quote, Theme
from miner.undoing import remembered, taken_back

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def said(number: int, phrase: str, author: str) -> Claim:
    return Claim(
        kind="remedy",
        phrase=phrase,
        phrase_start=0,
        quote=Quote(document="https://b.example/t", part=str(number), start=0, text=phrase),
        author=author,
        outcome="helped",
        confidence=0.4 + number / 10,
    )


CLAIMS = [
    said(1, "ice bath", "ada"),
    said(2, "ice baths", "bea"),
    said(3, "cold plunge", "ada"),
    said(4, "foam roller", "cyd"),
]


def theme(id_: str, name: str, *claims: Claim) -> Theme:
    return Theme(
        id=id_, kind="remedy", name=name, claims=tuple(c.id for c in claims), tally=tally(claims)
    )


THEMES = (
    theme("rem-ice", "ice bath", CLAIMS[0], CLAIMS[1]),
    theme("rem-plunge", "cold plunge", CLAIMS[2]),
    theme("rem-foam", "foam roller", CLAIMS[3]),
)


def mined(themes: tuple[Theme, ...] = THEMES, claims: Any = CLAIMS, grades: Any = None) -> Mined:
    graded = grades or [
        Grade(theme=t.id, condition=None, level=4, status="insufficient", certainty=None,
              reasons=("level_4",))
        for t in themes
    ]  # fmt: skip
    return Mined(
        claims=tuple(claims),
        theme_of={c: t.id for t in themes for c in t.claims},
        themes=themes,
        grades=tuple(graded),
        contradictions=(
            Contradiction(theme="rem-ice", type="members", supporting=(CLAIMS[0].id,),
                          opposing=(CLAIMS[1].id,), reason="1 for it, 1 against it"),
        ),
    )  # fmt: skip


def run(decisions: tuple[int, ...] = ()) -> Run:
    return Run(started=NOW, finished=NOW, fingerprint="f", settings_hash="s", decisions=decisions)


@pytest.fixture
def store(database: str) -> Iterator[Current]:
    """Three themes of one run, in each kind of database in turn."""
    current = Current(open_database(database))
    current.replace(run(), mined())
    yield current
    current.engine.dispose()


@pytest.fixture
def decide(store: Current) -> Callable[..., int]:
    """Keeps a decision as the dashboard does."""

    def kept(action: str, target: str, **value: object) -> int:
        bare = Decision(action=action, target=target, value=value, who="me", when=NOW)  # type: ignore[arg-type]
        claims = store.claims(ids=[target])
        return store.decide(remembered(bare, store.themes(), claims, store.grades()))

    return kept


def shape(store: Knowledge) -> dict[str, tuple[str, int, int]]:
    """Name, authors and number of claims by theme."""
    return {t.id: (t.name, t.tally.authors, len(store.claims(theme=t.id))) for t in store.themes()}


BEFORE = {
    "rem-ice": ("ice bath", 2, 2), "rem-plunge": ("cold plunge", 1, 1),
    "rem-foam": ("foam roller", 1, 1),
}  # fmt: skip
CASES: list[tuple[str, str, dict[str, object], dict[str, tuple[str, int, int] | None]]] = [
    ("rename", "rem-ice", {"name": "Cold water"}, {"rem-ice": ("Cold water", 2, 2)}),
    ("merge", "rem-plunge", {"into": "rem-ice"},
     {"rem-ice": ("ice bath", 2, 3), "rem-plunge": None}),
    ("move", CLAIMS[1].id, {"theme": "rem-foam"},
     {"rem-ice": ("ice bath", 1, 1), "rem-foam": ("foam roller", 2, 2)}),
    ("reject", CLAIMS[1].id, {}, {"rem-ice": ("ice bath", 1, 1)}),
    ("reject", "rem-foam", {}, {"rem-foam": None}),
    ("split", "rem-ice", {"claims": [CLAIMS[1].id], "name": "baths"},
     {"rem-ice": ("ice bath", 1, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "target", "value", "after"), CASES)
def test_a_decision_shows_at_once_and_its_undoing_too(
    action: str,
    target: str,
    value: dict[str, object],
    after: dict[str, tuple[str, int, int] | None],
    store: Current,
    decide: Callable[..., int],
) -> None:
    """Names, authors and claims follow without a run, and are as before once it is taken back."""
    number = decide(action, target, **value)
    found = shape(store)
    assert {id_: found.get(id_) for id_ in after} == after
    assert len(store.since().new) == 1
    store.undo(number)
    assert shape(store) == BEFORE
    assert not store.since()


@pytest.mark.parametrize(("action", "target", "value", "after"), CASES)
def test_a_decision_is_taken_back_after_a_run_followed_it(
    action: str,
    target: str,
    value: dict[str, object],
    after: dict[str, tuple[str, int, int] | None],
    store: Current,
    decide: Callable[..., int],
) -> None:
    """What a run concluded with it is as before without it, at once."""
    number = decide(action, target, **value)
    themes, _ = decided(THEMES, CLAIMS, store.decisions())
    Knowledge(store.engine).replace(run((number,)), mined(themes))
    found = shape(store)
    assert {id_: found.get(id_) for id_ in after} == after
    assert not store.since()
    store.undo(number)
    assert shape(store) == BEFORE
    assert [d.id for d in store.since().back] == [number]


def test_a_merged_id_leads_to_the_theme_it_went_into(
    store: Current, decide: Callable[..., int]
) -> None:
    """At once, over two merges; and the claims know their theme."""
    decide("merge", "rem-plunge", into="rem-ice")
    decide("merge", "rem-ice", into="rem-foam")
    found = store.theme("rem-plunge")
    assert found is not None
    assert found.id == "rem-foam"
    assert set(store.theme_of().values()) == {"rem-foam"}
    assert store.contradictions() == []
    assert [grade.theme for grade in store.grades()] == ["rem-foam"]


def test_an_outcome_read_anew_counts_at_once_and_in_runs(
    store: Current, decide: Callable[..., int]
) -> None:
    """The tally and the claim say it; the original comes back."""
    number = decide("outcome", CLAIMS[3].id, outcome="worse")
    assert store.claims(ids=[CLAIMS[3].id])[0].outcome == "worse"
    foam = store.theme("rem-foam")
    assert foam is not None
    assert (foam.tally.helped, foam.tally.worse) == (0, 1)
    claims = corrected(CLAIMS, store.decisions())
    themes = (*THEMES[:2], theme("rem-foam", "foam roller", claims[3]))
    Knowledge(store.engine).replace(run((number,)), mined(themes, claims))
    store.undo(number)
    back = store.theme("rem-foam")
    assert back is not None
    assert back.tally.helped == 1
    assert store.claims(theme="rem-foam")[0].outcome == "helped"


def test_a_grade_is_overruled_and_restored(store: Current, decide: Callable[..., int]) -> None:
    """Level, status and the first reason are the person's, until it is taken back."""
    number = decide(
        "overrule", "rem-ice", level=2, status="supported", certainty="low", condition=None
    )
    grade = store.grades("rem-ice")[0]
    assert (grade.level, grade.status, grade.reasons) == (2, "supported", ("overruled", "level_4"))
    graded = overruled(mined().grades, store.decisions())
    Knowledge(store.engine).replace(run((number,)), mined(grades=graded))
    store.undo(number)
    grade = store.grades("rem-ice")[0]
    assert (grade.level, grade.status, grade.reasons) == (4, "insufficient", ("level_4",))


def test_a_dismissed_contradiction_is_gone_until_it_is_taken_back(
    store: Current, decide: Callable[..., int]
) -> None:
    """Whether a run came in between or not."""
    number = decide("dismiss", "rem-ice:members")
    assert store.contradictions() == []
    Knowledge(store.engine).replace(run((number,)), mined())
    assert store.contradictions("rem-ice") == []
    store.undo(number)
    assert len(store.contradictions()) == 1


def test_history_keeps_all_and_an_undoing_can_be_undone(
    store: Current, decide: Callable[..., int]
) -> None:
    """Who took it back is known; taking that back puts the decision in force again."""
    number = decide("rename", "rem-ice", name="Cold")
    by = Decision(action="undo", target="", value={}, who="bea", when=NOW, why="typo")
    store.undo(number, by)
    first, second = store.history()
    assert (first.undone, second.decision.action, second.decision.who) == (True, "undo", "bea")
    assert second.decision.target == str(number)
    assert store.decisions() == []
    store.undo(second.decision.id or 0, by)
    assert [d.id for d in store.decisions()] == [number]
    assert shape(store)["rem-ice"][0] == "Cold"


def test_decisions_on_what_is_gone_change_nothing(
    store: Current, decide: Callable[..., int]
) -> None:
    """Unknown themes, claims and grades are passed over."""
    for action, value in (
        ("merge", {"into": "rem-none"}), ("move", {"theme": "rem-none"}), ("outcome", {}),
        ("overrule", {"status": "supported"}), ("reject", {}), ("rename", {"name": "x"}),
        ("accept", {}), ("dismiss", {}),
    ):  # fmt: skip
        decide(action, "0123456789abcdef", **value)
    assert shape(store) == BEFORE


def test_the_least_certain_claims_come_first(store: Current) -> None:
    """Nearest to one half, without those already judged."""
    assert [c.id for c in store.uncertain(2)] == [CLAIMS[0].id, CLAIMS[1].id]
    assert [c.id for c in store.uncertain(2, [CLAIMS[0].id])] == [CLAIMS[1].id, CLAIMS[2].id]
    assert len(store.drawn(3)) == 3


def test_taking_back_a_split_says_where_its_id_went() -> None:
    """The id of the theme that is gone redirects to the one it came from."""
    split = Decision(action="split", target="rem-ice", value={"claims": [CLAIMS[1].id]},
                     who="me", when=NOW, id=1)  # fmt: skip
    after, _ = decided(THEMES, CLAIMS, [split])
    new = ({t.id for t in after} - {t.id for t in THEMES}).pop()
    back, events = taken_back(after, CLAIMS, [split])
    assert {t.id: t.tally for t in back} == {t.id: t.tally for t in THEMES}
    assert [(e.theme, e.into) for e in events] == [(new, "rem-ice")]


def test_a_store_opened_read_only_refuses_every_decision(store: Current, database: str) -> None:
    """It reads, sees what others write, and nothing can be written through it."""
    sealed = Current(open_database(database, read_only=True))
    decision = Decision(action="rename", target="rem-ice", value={"name": "x"}, who="a", when=NOW)
    with pytest.raises(StoreError, match=r"read-only|may only be read"):
        sealed.decide(decision)
    store.decide(decision)
    assert shape(sealed)["rem-ice"][0] == "x"
    assert len(sealed.history()) == 1
