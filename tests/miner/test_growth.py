"""What a run holds at once does not grow with what was collected, and the benchmark of it runs."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from benchmarks import forum, mining
from crawler.database import BATCH, open_database
from crawler.documents import Article, Source
from miner import evidence, library, mentions
from miner.clock import Clock
from miner.crews import Here, Terms
from miner.knowledge import Knowledge
from miner.model import Claim, Evidence, Quote, Theme
from miner.pipeline import _remembering
from miner.readings import Kept
from miner.rows import adapter, insert_all
from miner.tables import questions


@pytest.fixture(scope="module")
def invented() -> forum.Forum:
    return forum.Forum()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(str(tmp_path / "store.db"))
    Knowledge(engine)
    yield engine
    engine.dispose()


def article(number: int) -> Article:
    source = Source(
        url=f"https://clinic.example/{number}",
        site="clinic.example",
        fetched=datetime(2026, 1, 1, tzinfo=UTC),
        engine="generated",
    )
    return Article(source=source, title="Sore wrists", text="Paddle taping helps sore wrists.")


def theme(number: int, *phrases: str) -> tuple[Theme, list[Claim]]:
    claims = [
        Claim(
            kind="remedy",
            phrase=phrase,
            phrase_start=0,
            quote=Quote(document=f"t{number}", part=str(place), start=0, text=phrase),
            author=f"m_{place}",
        )
        for place, phrase in enumerate(phrases)
    ]
    ids = tuple(claim.id for claim in claims)
    return Theme(id=f"rem-{number}", kind="remedy", name=phrases[0], claims=ids), claims


# --- the invented forum ----------------------------------------------------------------------


def test_different_words_go_on_growing_as_those_of_real_posts(invented: forum.Forum) -> None:
    """Their number is a power of all words, near that of real posts, and no list runs out."""
    texts = [post.text for post in invented.posts(500)]
    points = forum.curve(forum.words_of(texts))
    assert 0.4 < forum.exponent(points[len(points) // 2 :]) < 0.7
    (_, before), (_, all_) = points[-4], points[-1]
    assert all_ > before * 1.15


def test_phrases_of_claims_grow_nearly_as_claims_do(invented: forum.Forum) -> None:
    """Half of the phrases nobody has said before, however many were drawn."""
    rng = random.Random(5)
    said = [invented.phrase(rng, "remedy", "rest") for _ in range(20_000)]
    points = forum.curve(said, first=1_000)
    assert 0.75 < forum.exponent(points[len(points) // 2 :]) < 0.95


def test_the_same_seed_writes_the_same_posts(invented: forum.Forum) -> None:
    """Figures of two machines are of the same text, and every thread begins with its first post."""
    first = list(invented.posts(40))
    other = copy(invented)
    other.seed = 2
    assert first == list(invented.posts(40))
    assert first != list(other.posts(40))
    places = {(post.thread, post.number) for post in first}
    assert {(post.thread, 1) for post in first} <= places


def test_the_benchmark_tells_every_step_of_a_small_forum(tmp_path: Path) -> None:
    """Files are written, imported and mined, then a few more: each step has time and memory."""
    (tmp_path / "folkgrade.toml").write_text('[mine]\nembedder = "tfidf"\nprocesses = 1\n')
    (tmp_path / "data").mkdir()
    found: dict[str, Any] = {"posts": 200, "MiB on disk": 1}
    found["make"] = mining.make(tmp_path, 200, lines=False, papers=True)
    found["import"] = mining.import_(tmp_path, more=False)
    found["mine"] = mining.mine(tmp_path, "fast", more=False)
    found["import more"] = mining.import_(tmp_path, more=True)
    found["mine more"] = mining.mine(tmp_path, "fast", more=True)
    assert found["import"]["posts"] == 200
    assert found["mine more"]["counts"]["posts"] == 202
    assert found["mine"]["counts"]["claims"] > 100
    steps = found["mine"]["steps"]
    assert {"claims", "vectors", "themes", "evidence", "gaps", "storing", "index"} <= set(steps)
    assert all(step["MiB"] > 1 for step in steps.values())
    table = "\n".join([*mining.rows([found, {**found, "posts": 400}]), *mining.also([found])])
    assert "200 posts" in table
    assert "exponent" in table


def test_lines_of_our_own_form_hold_the_same_posts(invented: forum.Forum, tmp_path: Path) -> None:
    """A dump and our own lines differ in their form alone."""
    posts = list(invented.posts(30))
    forum.write_lines(tmp_path / "posts.jsonl", posts)
    rows = [json.loads(line) for line in (tmp_path / "posts.jsonl").read_text().splitlines()]
    assert [row["posts"][0]["text"] for row in rows] == [post.text for post in posts]


# --- what is held at once --------------------------------------------------------------------


def test_rows_are_made_as_they_are_written(engine: sa.Engine) -> None:
    """Of many rows no more are held than go to the database at a time."""
    made, most = 0, 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal made
        for number in range(3 * BATCH + 7):
            made += 1
            yield {"row": number, "id": "q", "document": "d", "part": "1", "value": "{}"}

    with engine.begin() as connection:
        written = 0

        @sa.event.listens_for(connection, "before_execute")
        def _count(_c: Any, _s: Any, many: Sequence[Any], _p: Any, _o: Any) -> None:
            nonlocal written, most
            most = max(most, made - written)
            written += len(many)

        insert_all(connection, questions, rows())
    assert made == written == 3 * BATCH + 7
    assert most <= BATCH


def test_what_is_kept_is_read_once_and_a_batch_at_a_time(engine: sa.Engine) -> None:
    """Documents are read as they are asked for; none that was read before, unless it changed."""
    kept = Kept(engine, "1", TypeAdapter(tuple[str, ...]))
    hashes = {f"d{n:05}": "a" for n in range(2 * BATCH)}
    asked: list[Sequence[str]] = []

    def read(urls: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        asked.append(urls)
        return {url: (url,) for url in urls if url != "d00001"}

    each = kept.each(hashes, read)
    assert next(each) == ("d00000",)
    assert [len(some) for some in asked] == [BATCH]
    assert len(list(each)) == 2 * BATCH - 2
    asked.clear()
    hashes["d00007"] = "b"
    assert len(list(kept.each(hashes, read))) == 2 * BATCH - 1
    assert [list(some) for some in asked] == [["d00001", "d00007"]]


def test_damaged_readings_are_read_anew(engine: sa.Engine) -> None:
    """What is no value any more is as if it had not been kept."""
    kept = Kept(engine, "1", TypeAdapter(tuple[int, ...]))
    assert list(kept.each({"d": "a"}, lambda _: {"d": (1,)})) == [(1,)]
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE readings SET value = 'no value'")
    assert list(kept.each({"d": "a"}, lambda _: {"d": (2,)})) == [(2,)]


class _Counted:
    """Knowledge without vectors that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def vectors(self, _model: str, texts: Sequence[str]) -> dict[str, Any]:
        self.asked.append(list(texts))
        return {}

    def keep_vectors(self, _model: str, _new: Mapping[str, Any]) -> None:
        pass


class _Plain:
    """An encoder of any text."""

    name = "plain"

    def encode(self, texts: Sequence[str]) -> Any:
        return np.ones((len(texts), 2), dtype=np.float32)


def test_names_compared_with_every_thread_are_fetched_once() -> None:
    """The store is asked for what is new alone; many texts at once are not held for later."""
    store, encoder = _Counted(), _Plain()
    crew = Here(Terms(engine="fast", embedder="plain", encoder=encoder))
    encode = _remembering(store, crew, set(), Clock())  # type: ignore[arg-type]
    encode(["a thread", "knee pain", "sore heel"])
    encode(["another thread", "knee pain", "sore heel"])
    assert store.asked == [["a thread", "knee pain", "sore heel"], ["another thread"]]
    many = [f"text {n}" for n in range(5_000)]
    encode(many)
    encode(many)
    assert len(store.asked[-1]) == 5_000


def test_the_form_of_a_value_is_made_once() -> None:
    """Making it takes as long as writing thousands of values with it."""
    assert adapter(Evidence) is adapter(Evidence)


def test_wordings_of_the_themes_are_looked_through_once_for_all_articles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Articles times themes would be the square of a project's size."""
    calls, index = list[int](), mentions._index

    def counted(*given: Any) -> Any:
        calls.append(1)
        return index(*given)

    monkeypatch.setattr(mentions, "_index", counted)
    one, claims = theme(1, "paddle taping", "paddle tape")
    found = evidence.of_articles(map(article, range(4)), claims, [one])
    assert len(calls) == 1
    assert {item.url for item in found} == {article(n).source.url for n in range(4)}


def test_only_themes_with_a_near_phrase_are_weighed_against_a_study(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Studies times themes is never made: the far ones are passed over by their best phrase."""
    near, claims = theme(0, "paddle taping", "paddle tape")
    far = [theme(number, f"nothing {number}") for number in range(1, 50)]
    weighed: list[str] = []
    agreement = library._agreement

    def noted(best: Any, phrases: Any) -> float:
        weighed.append(phrases[0].text)
        return agreement(best, phrases)

    def encode(texts: Sequence[str]) -> Any:
        rows = np.eye(len(texts) + 1, dtype=np.float32)[: len(texts)]
        rows[[n for n, text in enumerate(texts) if "padd" in text]] = np.eye(1, len(texts) + 1)
        return rows

    monkeypatch.setattr(library, "_agreement", noted)
    about = library.About(topic="paddle taping", also=(), condition="knee", question="benefit")
    study = library.LibraryStudy(
        id="s", citation="A study", design="rct", direction="supports", finding="It helps.",
        about=(about,),
    )  # fmt: skip
    every = [*claims, *(claim for _, some in far for claim in some)]
    found = library.link([study], [near, *(one for one, _ in far)], every, encode, lambda _: None)
    assert [item.theme for item in found] == [near.id]
    assert weighed == ["paddle taping"]


def test_time_of_a_stage_within_a_stage_is_its_own() -> None:
    """Seconds add up to the whole: embedding while claims are read counts as embedding."""
    turns: list[str] = []
    clock = Clock(turns.append)
    with clock.stage("claims"):
        with clock.stage("vectors"):
            pass
        with clock.stage("vectors"):
            pass
    assert turns == ["claims", "vectors", "claims", "vectors", "claims", ""]
    assert list(clock.seconds) == ["claims", "vectors"]
