"""The order of the stages: what is read again, what is kept, what an interruption leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Document, Post, Source, Thread, part_text
from miner import pipeline
from miner.embed import load
from miner.errors import ModelRefused
from miner.index import Index
from miner.knowledge import Knowledge
from miner.model import Claim, Quote
from miner.phrases import normalise
from miner.pipeline import Options, mine, unchanged
from miner.search import Asked, find

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPTIONS = Options(embedder="tfidf")


class WordSpotter:
    """A fake extractor: `tried X.` is a remedy that helped. Counts what it reads."""

    version = "spotter-1"
    read: ClassVar[list[str]] = []

    def extract(self, document: Document) -> list[Claim]:
        WordSpotter.read.append(document.source.url)
        assert isinstance(document, Thread)
        return [claim for post in document.posts for claim in self.of(document, post)]

    def of(self, thread: Thread, post: Post) -> Iterator[Claim]:
        if "broken" in post.text:
            raise ValueError("a post nobody can read")
        for match in re.finditer(r"tried ([^.]+)\.", post.text):
            quote = Quote(
                document=thread.source.url, part=post.id, start=match.start(), text=match[0]
            )
            yield Claim(
                kind="remedy",
                phrase=match[1],
                phrase_start=match.start(1),
                quote=quote,
                author=post.author,
                outcome="helped",
            )


@pytest.fixture
def stores(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Corpus, Knowledge]]:
    monkeypatch.setattr(pipeline.engines, "load", lambda *_: WordSpotter())
    WordSpotter.read = []
    engine = open_database(database)
    yield Corpus(engine), Knowledge(engine)
    engine.dispose()


def thread(number: int, *texts: str) -> Thread:
    url = f"https://forum.example/t/{number}"
    source = Source(url=url, site="forum.example", fetched=NOON, engine="discourse")
    posts = tuple(
        Post(id=f"p{n}", number=n, text=text, author=f"m_{number}{n}", written=NOON)
        for n, text in enumerate(texts, 1)
    )
    return Thread(source=source, title="Sore hip", posts=posts)


def quiet(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def test_claims_become_themes_with_one_vote_per_author(
    stores: tuple[Corpus, Knowledge],
) -> None:
    """The same idea of two authors is one theme of two; its quotes are the stored text."""
    corpus, knowledge = stores
    corpus.add(thread(1, "I tried flat pedals.", "Me too, tried flat pedals.", "And tried ice."))
    run = mine(corpus, knowledge, OPTIONS, quiet)
    assert run.counts["claims"] == 3
    pedals = next(theme for theme in knowledge.themes("remedy") if "pedals" in theme.name)
    assert (pedals.tally.helped, pedals.tally.authors) == (2, 2)
    for claim in knowledge.claims():
        document = corpus.get(claim.quote.document)
        assert document is not None
        text = part_text(document, claim.quote.part)
        assert text is not None
        assert text[claim.quote.start : claim.quote.end] == claim.quote.text


def test_a_second_run_without_news_is_known_beforehand(stores: tuple[Corpus, Knowledge]) -> None:
    """Nothing changed: said without reading; a forced run changes no id and reads nothing anew."""
    corpus, knowledge = stores
    corpus.add(thread(1, "I tried flat pedals.", "I tried ice."))
    assert not unchanged(corpus, knowledge, OPTIONS)
    mine(corpus, knowledge, OPTIONS, quiet)
    before = knowledge.themes()
    assert unchanged(corpus, knowledge, OPTIONS)
    assert not unchanged(corpus, knowledge, Options(embedder="tfidf", min_authors=3))
    WordSpotter.read = []
    mine(corpus, knowledge, OPTIONS, quiet)
    assert WordSpotter.read == []
    assert knowledge.themes() == before


def test_only_what_changed_is_read_again(stores: tuple[Corpus, Knowledge]) -> None:
    """A new thread is read; the old one is not; old themes keep their ids."""
    corpus, knowledge = stores
    corpus.add(thread(1, "I tried flat pedals."))
    mine(corpus, knowledge, OPTIONS, quiet)
    before = {theme.id for theme in knowledge.themes()}
    WordSpotter.read = []
    corpus.add(thread(2, "I tried flat pedals.", "I tried a warm bath."))
    mine(corpus, knowledge, OPTIONS, quiet)
    assert WordSpotter.read == ["https://forum.example/t/2"]
    assert before <= {theme.id for theme in knowledge.themes()}


def test_a_bad_document_never_ends_a_run(stores: tuple[Corpus, Knowledge]) -> None:
    """It is listed with its reason; the others are mined; it is tried again next time."""
    corpus, knowledge = stores
    corpus.add(thread(1, "a broken post"))
    corpus.add(thread(2, "I tried ice."))
    run = mine(corpus, knowledge, OPTIONS, quiet)
    assert run.failures == {"https://forum.example/t/1": "ValueError: a post nobody can read"}
    assert [claim.phrase for claim in knowledge.claims()] == ["ice"]


def test_an_interrupted_run_keeps_what_it_read_and_the_last_good_result(
    stores: tuple[Corpus, Knowledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C before the end: old conclusions stand, and the next run reads only the rest."""
    corpus, knowledge = stores
    corpus.add(thread(1, "I tried ice."))
    mine(corpus, knowledge, OPTIONS, quiet)
    corpus.add(thread(2, "I tried heat."))
    corpus.add(thread(3, "I tried rest."))

    def stop_at_last(stage: str, done: int, total: int | None) -> None:
        if stage == "claims" and done == 2:
            raise KeyboardInterrupt

    WordSpotter.read = []
    with pytest.raises(KeyboardInterrupt):
        mine(corpus, knowledge, OPTIONS, stop_at_last)
    assert [claim.phrase for claim in knowledge.claims()] == ["ice"]
    assert WordSpotter.read == ["https://forum.example/t/2"]
    mine(corpus, knowledge, OPTIONS, quiet)
    assert WordSpotter.read == ["https://forum.example/t/2", "https://forum.example/t/3"]


def test_a_refused_model_ends_the_run_and_leaves_the_result(
    stores: tuple[Corpus, Knowledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damaged weights are no matter of one document."""
    corpus, knowledge = stores
    corpus.add(thread(1, "I tried ice."))

    def refuse(_self: WordSpotter, _document: Document) -> list[Claim]:
        raise ModelRefused("weights are not the known ones")

    monkeypatch.setattr(WordSpotter, "extract", refuse)
    with pytest.raises(ModelRefused):
        mine(corpus, knowledge, OPTIONS, quiet)
    assert knowledge.last_run() is None


def test_a_forgotten_author_leaves_the_themes(stores: tuple[Corpus, Knowledge]) -> None:
    """After forgetting and another run, no count includes them."""
    corpus, knowledge = stores
    corpus.add(thread(1, "I tried flat pedals.", "I tried flat pedals."))
    mine(corpus, knowledge, OPTIONS, quiet)
    corpus.forget("m_11")
    knowledge.forget("m_11")
    assert not unchanged(corpus, knowledge, OPTIONS)
    mine(corpus, knowledge, OPTIONS, quiet)
    assert knowledge.themes()[0].tally.authors == 1
    assert {claim.author for claim in knowledge.claims()} == {"m_12"}


def cached(knowledge: Knowledge) -> set[str]:
    """Addresses of the documents whose claims are kept for the next run."""
    with knowledge.engine.connect() as connection:
        return set(connection.exec_driver_sql("select document from extractions").scalars())


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize("gone", ["https://forum.example/t/2", "https://forum.example/t/2#p2"])
def test_what_was_deleted_at_the_source_leaves_all_that_was_made_of_it(
    database: str, gone: str
) -> None:
    """Claims, themes and both caches, at the next run; what others said stays."""
    engine = open_database(database)
    corpus, knowledge = Corpus(engine), Knowledge(engine)
    corpus.add(thread(1, "I tried flat pedals."))
    corpus.add(thread(2, "I tried flat pedals.", "I tried copper socks."))
    model = mine(corpus, knowledge, OPTIONS, quiet).models["embedder"]
    socks, pedals = normalise("copper socks"), normalise("flat pedals")
    assert set(knowledge.vectors(model, [socks, pedals])) == {socks, pedals}
    corpus.purge([gone])
    assert not unchanged(corpus, knowledge, OPTIONS)
    mine(corpus, knowledge, OPTIONS, quiet)
    assert {claim.phrase for claim in knowledge.claims()} == {"flat pedals"}
    assert cached(knowledge) == set(corpus.hashes())
    assert set(knowledge.vectors(model, [socks, pedals])) == {pedals}
    engine.dispose()


def test_a_run_leaves_an_index_of_just_what_it_concluded(
    stores: tuple[Corpus, Knowledge],
) -> None:
    """What was mined can be searched; without its index a run is not what the last one did."""
    corpus, knowledge = stores
    corpus.add(thread(1, "I tried flat pedals.", "Nothing here."))
    run = mine(corpus, knowledge, OPTIONS, quiet)
    index = Index(knowledge.engine)
    mark = index.mark()
    assert mark is not None
    assert (mark.run, mark.model) == (run.id, "tfidf")
    found = find(Asked(text="pedal"), index.shelf(), index.ranked, load("tfidf").encode)
    assert "tried flat pedals." in [one.text for one in index.shown([h.row for h in found.hits])]
    assert unchanged(corpus, knowledge, OPTIONS)
    with knowledge.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM search_mark")
    assert not unchanged(corpus, knowledge, OPTIONS)
