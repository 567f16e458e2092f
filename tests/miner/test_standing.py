"""A run takes time, and the ground may change under it: forgetting, crawls, other runs."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import folkgrade
from console.project import Project, make_project
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Document, Post, Source, Thread
from miner import engines, themes
from miner.errors import Overtaken
from miner.knowledge import Knowledge, claims_key
from miner.model import Claim, Quote
from miner.pipeline import Options, mine
from miner.rows import text_key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPTIONS = Options(embedder="tfidf", processes=1)


class Spotter:
    """A fake extractor: `tried X.` is a remedy that helped."""

    version = "spotter-1"

    def extract(self, document: Document) -> list[Claim]:
        assert isinstance(document, Thread)
        url = document.source.url
        return [
            Claim(
                kind="remedy",
                phrase=match[1],
                phrase_start=match.start(1),
                quote=Quote(document=url, part=post.id, start=match.start(), text=match[0]),
                author=post.author,
                outcome="helped",
            )
            for post in document.posts
            for match in re.finditer(r"tried ([^.]+)\.", post.text)
        ]


@pytest.fixture(autouse=True)
def spotting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake extractor reads."""
    monkeypatch.setattr(engines, "load", lambda *_, **__: Spotter())


def thread(number: int, *texts: str) -> Thread:
    url = f"https://forum.example/t/{number}"
    source = Source(url=url, site="forum.example", fetched=NOON, engine="discourse")
    posts = tuple(
        Post(id=f"p{n}", number=n, text=text, author=f"m_{number}{n}", written=NOON)
        for n, text in enumerate(texts, 1)
    )
    return Thread(source=source, title="Sore hip", posts=posts)


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Corpus, Knowledge]:
    """Two threads of two members each."""
    engine = open_database(str(tmp_path / "p.db"))
    corpus, knowledge = Corpus(engine), Knowledge(engine)
    corpus.add(thread(1, "I tried flat pedals.", "I tried secret tar."))
    corpus.add(thread(2, "I tried flat pedals.", "I tried ice."))
    return corpus, knowledge


def at(stage: str, act: Callable[[], object]) -> Callable[[str, int, int | None], None]:
    """Progress that acts once, when that stage is told of."""
    left = [act]

    def show(told: str, _done: int, _total: int | None) -> None:
        if told == stage and left:
            left.pop()()

    return show


def forget(corpus: Corpus, knowledge: Knowledge, key: str) -> None:
    """As the command does."""
    parts = corpus.parts_of(key)
    knowledge.forget(key, parts)
    corpus.forget(key)
    knowledge.forget(key, parts)


@pytest.mark.parametrize("stage", ["claims", "themes", "evidence", "questions asked", "search"])
def test_nobody_comes_back_who_was_forgotten_while_a_run_was_at_work(
    stores: tuple[Corpus, Knowledge], tmp_path: Path, stage: str
) -> None:
    """The run ends and keeps nothing of them, in no table; the next one knows them no more."""
    corpus, knowledge = stores
    show = at(stage, lambda: forget(corpus, knowledge, "m_12"))
    with pytest.raises(Overtaken) as found:
        mine(corpus, knowledge, OPTIONS, show)
    assert found.value.anew
    with closing(sqlite3.connect(tmp_path / "p.db")) as base:
        assert "secret" not in "\n".join(base.iterdump())
        told = base.execute("SELECT text FROM vectors").fetchall()
        assert (text_key("secret tar"),) not in told
    run = mine(corpus, knowledge, OPTIONS, lambda *_: None)
    assert run.counts["claims"] == 3
    assert "secret" not in {word for claim in knowledge.claims() for word in claim.phrase.split()}


def test_a_run_that_ends_while_somebody_is_being_forgotten_keeps_nothing_of_them(
    stores: tuple[Corpus, Knowledge],
) -> None:
    """Between conclusions and posts there is a moment; what a run brings in it goes too."""
    corpus, knowledge = stores
    parts = corpus.parts_of("m_12")
    knowledge.forget("m_12", parts)
    mine(corpus, knowledge, OPTIONS, lambda *_: None)
    corpus.forget("m_12")
    knowledge.forget("m_12", parts)
    assert {claim.author for claim in knowledge.claims()} == {"m_11", "m_21", "m_22"}
    last = knowledge.last_run()
    assert last is not None
    assert last.fingerprint == ""


def test_the_command_begins_anew_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said in a line, and the run that is kept knows nothing of who was forgotten."""
    make_project(tmp_path)
    monkeypatch.setenv("FOLKGRADE_MINE__EMBEDDER", "tfidf")
    corpus, knowledge = Project(tmp_path).stores()
    corpus.add(thread(1, "I tried flat pedals.", "I tried secret tar."))
    grouped = themes.group

    def group(*words: Any, **named: Any) -> Any:
        monkeypatch.setattr(themes, "group", grouped)
        forget(corpus, knowledge, "m_12")
        return grouped(*words, **named)

    monkeypatch.setattr(themes, "group", group)
    monkeypatch.setattr(sys, "argv", ["folkgrade", "mine", "-p", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        folkgrade.main()
    assert not end.value.code
    assert "it begins anew" in capsys.readouterr().err
    assert [claim.author for claim in knowledge.claims()] == ["m_11"]


def test_another_run_that_ended_first_stays(stores: tuple[Corpus, Knowledge]) -> None:
    """Where no lock keeps them apart: the slower one is told, and takes nothing away."""
    corpus, knowledge = stores
    other = at("themes", lambda: mine(corpus, knowledge, OPTIONS, lambda *_: None))
    with pytest.raises(Overtaken, match="another run") as found:
        mine(corpus, knowledge, OPTIONS, other)
    assert not found.value.anew
    assert [run.id for run in knowledge.runs()] == [1]


def test_what_a_crawl_changes_meanwhile_is_never_kept_under_the_former_content(
    stores: tuple[Corpus, Knowledge], tmp_path: Path
) -> None:
    """A thread changes between list and reading: the next run ends as one on the new state."""
    corpus, knowledge = stores
    grown = thread(2, "I tried flat pedals.", "I tried ice.", "I tried rest.")
    before = corpus.hashes()
    mine(corpus, knowledge, OPTIONS, at("claims", lambda: corpus.add(grown)))
    url = "https://forum.example/t/2"
    version = (knowledge.last_run() or pytest.fail("no run")).models["claims"]
    assert not knowledge.extracted({url: claims_key(before[url], version)})
    run = mine(corpus, knowledge, OPTIONS, lambda *_: None)
    assert run.counts["claims"] == 5
    other = open_database(str(tmp_path / "q.db"))
    fresh, anew = Corpus(other), Knowledge(other)
    for document in corpus.documents():
        fresh.add(document)
    mine(fresh, anew, OPTIONS, lambda *_: None)
    assert knowledge.claims() == anew.claims()


def test_a_thread_that_is_damaged_while_it_is_read_is_listed(
    stores: tuple[Corpus, Knowledge],
) -> None:
    """The others are mined, and the next run is no repetition."""
    corpus, knowledge = stores
    with corpus.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE posts SET body = '{' WHERE document LIKE '%/1'")
    run = mine(corpus, knowledge, OPTIONS, lambda *_: None)
    assert list(run.failures) == ["https://forum.example/t/1"]
    assert (run.counts["claims"], run.fingerprint) == (2, "")
