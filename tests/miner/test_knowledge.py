"""The derived store: replaced as a whole, redirected, cached, decided upon, forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from crawler.database import open_database
from miner.knowledge import Knowledge, Run, claims_key
from miner.model import (
    Claim,
    Decision,
    Evidence,
    Gap,
    Grade,
    Mined,
    Quote,
    Tally,
    Theme,
    ThemeEvent,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUN = Run(started=NOON, finished=NOON, fingerprint="f1", settings_hash="s1", counts={"claims": 1})


@pytest.fixture
def knowledge(database: str) -> Iterator[Knowledge]:
    """An empty store, in each kind of database in turn."""
    engine = open_database(database)
    yield Knowledge(engine)
    engine.dispose()


def claim(
    phrase: str = "heel drops", author: str = "m_1", document: str = "https://f.example/1"
) -> Claim:
    quote = Quote(document=document, part="p1", start=4, text=f"The {phrase} helped.")
    return Claim(kind="remedy", phrase=phrase, phrase_start=8, quote=quote, author=author)


def mined(*claims: Claim, theme: str = "rem-aaaaaa", events: tuple[ThemeEvent, ...] = ()) -> Mined:
    ids = tuple(c.id for c in claims)
    item = Theme(
        id=theme, kind="remedy", name="heel drops", claims=ids, tally=Tally(helped=len(ids))
    )
    return Mined(
        claims=claims,
        theme_of=dict.fromkeys(ids, theme),
        themes=(item,),
        grades=(Grade(theme=theme, condition=None, level=2, status="supported", certainty="low"),),
        gaps=(Gap(theme=theme, type="uncovered", score=30, parts={"authors": 30.0}),),
        events=events,
    )


def test_conclusions_come_back_as_they_were(knowledge: Knowledge) -> None:
    """Themes, claims, grades and gaps survive the store."""
    first, second = claim(), claim("ice")
    run = knowledge.replace(RUN, mined(first, second))
    assert knowledge.last_run() == run
    assert run.id == 1
    assert knowledge.claims(theme="rem-aaaaaa") == [first, second]
    assert knowledge.claims(ids=[second.id]) == [second]
    assert knowledge.theme_of() == {first.id: "rem-aaaaaa", second.id: "rem-aaaaaa"}
    assert knowledge.themes("remedy")[0].tally.authors == 2
    assert knowledge.themes("cause") == []
    assert knowledge.grades("rem-aaaaaa")[0].level == 2
    assert knowledge.gaps()[0].parts == {"authors": 30.0}


def test_an_interrupted_replacement_leaves_the_last_good_result(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping in the middle of writing changes nothing that is read."""
    knowledge.replace(RUN, mined(claim()))

    def stop(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("miner.knowledge.event_row", stop)
    with pytest.raises(KeyboardInterrupt):
        knowledge.replace(
            RUN, mined(claim("ice"), events=(ThemeEvent(kind="born", theme="rem-aaaaaa"),))
        )
    assert [c.phrase for c in knowledge.claims()] == ["heel drops"]
    assert len(knowledge.runs()) == 1


def test_old_ids_redirect_over_several_merges(knowledge: Knowledge) -> None:
    """An address of a merged theme opens the survivor, also after a second merge."""
    knowledge.replace(RUN, mined(claim(), theme="rem-aaaaaa"))
    first = ThemeEvent(kind="merged", theme="rem-aaaaaa", into="rem-bbbbbb")
    knowledge.replace(RUN, mined(claim(), theme="rem-bbbbbb", events=(first,)))
    second = ThemeEvent(kind="merged", theme="rem-bbbbbb", into="rem-cccccc")
    knowledge.replace(RUN, mined(claim(), theme="rem-cccccc", events=(second,)))
    found = knowledge.theme("rem-aaaaaa")
    assert found is not None
    assert found.id == "rem-cccccc"
    assert knowledge.theme("rem-ffffff") is None


def test_a_ring_of_redirects_ends(knowledge: Knowledge) -> None:
    """Events that point at each other are not followed for ever."""
    ring = (
        ThemeEvent(kind="merged", theme="rem-x", into="rem-y"),
        ThemeEvent(kind="merged", theme="rem-y", into="rem-x"),
    )
    knowledge.replace(RUN, mined(claim(), events=ring))
    assert knowledge.theme("rem-x") is None


def test_claims_are_cached_by_content_and_extractor(knowledge: Knowledge) -> None:
    """Another content or another extractor finds nothing in the cache."""
    key = claims_key("hash", "extractor-1")
    knowledge.keep_extracted("https://f.example/1", key, [claim()])
    assert knowledge.extracted({"https://f.example/1": key}) == {"https://f.example/1": [claim()]}
    assert not knowledge.extracted({"https://f.example/1": claims_key("hash", "extractor-2")})


def test_vectors_are_cached_by_model_and_text(knowledge: Knowledge) -> None:
    """A vector comes back for its model only, also among more texts than one query holds."""
    vector = np.arange(3, dtype=np.float32)
    knowledge.keep_vectors("mini", {"ice": vector})
    texts = [f"text {n}" for n in range(1200)] + ["ice"]
    assert list(knowledge.vectors("mini", texts)) == ["ice"]
    assert knowledge.vectors("mini", ["ice"])["ice"].tolist() == [0, 1, 2]
    assert knowledge.vectors("other", ["ice"]) == {}


def test_decisions_outlive_runs_and_can_be_undone(knowledge: Knowledge) -> None:
    """A run replaces what was concluded and no decision; undoing changes the version."""
    decision = Decision(
        action="rename", target="rem-aaaaaa", value={"name": "Heel drops"}, who="ana", when=NOON
    )
    number = knowledge.decide(decision)
    knowledge.replace(RUN, mined(claim()))
    assert [d.target for d in knowledge.decisions()] == ["rem-aaaaaa"]
    before = knowledge.version()
    knowledge.undo(number)
    assert knowledge.decisions() == []
    assert knowledge.version() != before


def test_forgetting_an_author_leaves_no_trace(knowledge: Knowledge) -> None:
    """Claims, caches and vectors go, and the next run is not skipped as unchanged."""
    mine, theirs = claim(author="m_1"), claim("ice", author="m_2", document="https://f.example/2")
    knowledge.replace(RUN, mined(mine, theirs))
    knowledge.keep_extracted("https://f.example/1", "k", [mine])
    knowledge.keep_vectors("mini", {"heel drops": np.ones(2, dtype=np.float32)})
    assert knowledge.forget("m_1") == 1
    assert [c.author for c in knowledge.claims()] == ["m_2"]
    assert not knowledge.extracted({"https://f.example/1": "k"})
    with knowledge.engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from vectors")).scalar() == 0
        assert connection.execute(sa.text("select fingerprint from runs")).scalar() == ""


def test_what_is_left_of_a_theme_is_counted_at_once(knowledge: Knowledge) -> None:
    """No number speaks of somebody forgotten, or of an article, until the next run."""
    page, own = "https://a.example/1", "https://own.example/1"
    spoken = tuple(
        Evidence(theme="rem-aaaaaa", source_type="expert", direction="supports", quote=one.quote)
        for one in (claim(document=page), claim(document=own))
    )
    ours = claim("ice", author="m_2", document="https://f.example/2")
    ours = replace(ours, outcome="helped", condition="heel")
    made = replace(mined(replace(claim(), outcome="worse"), ours), evidence=spoken)
    knowledge.replace(replace(RUN, own=(own,)), made)
    knowledge.forget("m_1")
    knowledge.forget(page)
    theme = knowledge.themes()[0]
    assert theme.claims == (ours.id,)
    assert (theme.tally.authors, theme.tally.helped, theme.tally.worse) == (1, 1, 0)
    assert theme.conditions == ("heel",)
    assert (theme.articles, theme.own_articles) == (1, 1)
    knowledge.forget("m_2")
    assert knowledge.themes()[0].tally.authors == 0


def test_a_forgotten_post_takes_its_claims_evidence_and_cache(knowledge: Knowledge) -> None:
    """Only that post's: another post of the thread and another thread keep theirs."""
    here, there = "https://f.example/1", "https://f.example/2"
    first, second = claim(), replace(claim("ice"), quote=replace(claim("ice").quote, part="p2"))
    other = claim("rest", document=there)
    spoken = tuple(
        Evidence(theme="rem-aaaaaa", source_type="anecdote", direction="supports", quote=c.quote)
        for c in (first, second)
    )
    knowledge.replace(RUN, replace(mined(first, second, other), evidence=spoken))
    for document, found in ((here, first), (there, other)):
        knowledge.keep_extracted(document, "k", [found])
    many = [(here, f"none{n}") for n in range(1200)]
    assert knowledge.forget("https://f.example/p/1", [(here, "p1"), *many]) == 2
    assert {c.phrase for c in knowledge.claims()} == {"ice", "rest"}
    assert [e.quote for e in knowledge.evidence()] == [second.quote]
    assert knowledge.extracted({here: "k", there: "k"}) == {there: [other]}


def test_forgetting_something_unknown_changes_nothing(knowledge: Knowledge) -> None:
    """Caches and the state of the last run stay, so that the next one is still cheap."""
    knowledge.replace(RUN, mined(claim()))
    knowledge.keep_vectors("mini", {"ice": np.ones(2, dtype=np.float32)})
    assert knowledge.forget("m_unknown") == 0
    assert list(knowledge.vectors("mini", ["ice"])) == ["ice"]
    run = knowledge.last_run()
    assert run is not None
    assert run.fingerprint == "f1"


def test_two_runs_at_once_may_keep_the_same(tmp_path: Path) -> None:
    """Whoever comes second finds it known; both runs end, one after the other."""
    url = str(tmp_path / "two.db")
    Knowledge(open_database(url))

    def run(_number: int) -> None:
        store = Knowledge(open_database(url))
        for start in range(5):
            texts = [f"text {n}" for n in range(start * 20, start * 20 + 40)]
            store.keep_vectors("mini", dict.fromkeys(texts, np.ones(2, dtype=np.float32)))
            store.keep_extracted("https://f.example/1", "k", [claim()])
        store.replace(RUN, mined(claim()))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    store = Knowledge(open_database(url))
    assert len(store.runs()) == 2
    assert store.claims() == [claim()]
    assert len(store.vectors("mini", [f"text {n}" for n in range(200)])) == 120
