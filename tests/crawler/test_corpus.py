"""The collected store: adding, merging, forgetting, and what it says when it cannot."""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from crawler.corpus import Corpus, Hole, SiteVisit
from crawler.database import open_database
from crawler.documents import Article, Post, Quoted, Source, Thread
from crawler.errors import StoreError

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def corpus(database: str) -> Iterator[Corpus]:
    """An empty store, in each kind of database in turn."""
    engine = open_database(database)
    yield Corpus(engine)
    engine.dispose()


def source(url: str = "https://forum.example/t/7", fetched: datetime = NOON) -> Source:
    return Source(url=url, site="forum.example", fetched=fetched, engine="discourse")


def post(number: int, text: str = "Ice did nothing.", **more: object) -> Post:
    values = {
        "author": f"m_{number:010x}",
        "written": NOON,
        "url": f"https://forum.example/p/{number}",
    }
    return Post(id=f"p{number}", number=number, text=text, **(values | more))  # type: ignore[arg-type]


def thread(*posts: Post, title: str = "Sore heel", fetched: datetime = NOON) -> Thread:
    return Thread(source=source(fetched=fetched), title=title, posts=posts)


def test_a_document_comes_back_as_it_was_stored(corpus: Corpus) -> None:
    """Threads and articles survive the store unchanged, emoji and quotes included."""
    quoted = Quoted(text="any ideas?", author="m_0000000009", post="p1")
    first = thread(post(1, "Heel hurts 🦶\r\nany ideas?"), post(2, quotes=(quoted,), likes=3))
    article = Article(
        source=source("https://clinic.example/heel"), title="Heels", text="Rest.\n\nIce."
    )
    assert corpus.add(first) == "new"
    assert corpus.add(article) == "new"
    assert corpus.get(first.source.url) == first
    assert corpus.get(article.source.url) == article
    assert [d.title for d in corpus.documents()] == ["Heels", "Sore heel"]


def test_the_same_content_fetched_again_is_the_same(corpus: Corpus) -> None:
    """Only the time of fetching moves; the fingerprint stays."""
    corpus.add(thread(post(1)))
    before = corpus.fingerprint()
    later = datetime(2026, 6, 1, tzinfo=UTC)
    assert corpus.add(thread(post(1), fetched=later)) == "same"
    assert corpus.fingerprint() == before
    assert corpus.sites()[0].fetched == later


def test_pieces_of_a_thread_are_merged_in_order(corpus: Corpus) -> None:
    """A later piece adds posts and may lack the title; an edited post replaces its former self."""
    corpus.add(thread(post(1), post(2)))
    assert corpus.add(thread(post(3), post(2, "Edited: ice helped."), title="")) == "changed"
    merged = corpus.get("https://forum.example/t/7")
    assert isinstance(merged, Thread)
    assert merged.title == "Sore heel"
    assert [p.number for p in merged.posts] == [1, 2, 3]
    assert merged.posts[1].text == "Edited: ice helped."


def test_a_forgotten_author_is_gone_and_stays_out(corpus: Corpus) -> None:
    """Posts go, quotes of them go, and the next crawl does not bring them back."""
    echo = post(2, quotes=(Quoted(text="Ice did nothing.", author="m_0000000001", post="p1"),))
    whole = thread(post(1), echo)
    corpus.add(whole)
    before = corpus.fingerprint()
    assert corpus.forget("m_0000000001") == 1
    left = corpus.get(whole.source.url)
    assert isinstance(left, Thread)
    assert [p.id for p in left.posts] == ["p2"]
    assert left.posts[0].quotes == ()
    assert corpus.fingerprint() != before
    corpus.add(whole)
    assert corpus.get(whole.source.url) == left


@pytest.mark.parametrize("key", ["https://forum.example/p/1", "https://forum.example/t/7"])
def test_a_forgotten_address_stays_out(corpus: Corpus, key: str) -> None:
    """One post by its permalink, or a whole document by its address."""
    corpus.add(thread(post(1), post(2)))
    corpus.forget(key)
    corpus.add(thread(post(1), post(2)))
    left = corpus.get("https://forum.example/t/7")
    remaining = [p.id for p in left.posts] if isinstance(left, Thread) else []
    assert remaining == (["p2"] if key.endswith("p/1") else [])


def quoting(number: int, quoted: str) -> Post:
    """A post that repeats another one without naming its author."""
    return post(number, quotes=(Quoted(text="Ice did nothing.", post=quoted),))


@pytest.mark.parametrize(
    "key", ["https://forum.example/p/1", "https://forum.example/t/7#p1", "m_0000000001"]
)
def test_quotes_of_a_forgotten_post_go_and_stay_out(corpus: Corpus, key: str) -> None:
    """Also where only the post is named, and in a later piece of the thread without it."""
    corpus.add(thread(post(1), quoting(2, "p1"), quoting(3, "p2")))
    assert corpus.parts_of(key) == (("https://forum.example/t/7", "p1"),)
    assert corpus.forget(key) == 1
    assert corpus.parts_of(key) == ()
    corpus.add(thread(quoting(4, "p1")))
    left = corpus.get("https://forum.example/t/7")
    assert isinstance(left, Thread)
    assert [(p.id, [q.post for q in p.quotes]) for p in left.posts] == [
        ("p2", []),
        ("p3", ["p2"]),
        ("p4", []),
    ]


def test_a_forgotten_address_is_on_no_list(corpus: Corpus) -> None:
    """Neither the failures nor the states of threads name it any more."""
    url = "https://forum.example/t/7"
    corpus.failed(url, "HTTP 500")
    corpus.keep_stamp(url, "9 replies")
    corpus.forget(url)
    assert corpus.failures() == []
    assert corpus.stamp(url) is None


def test_the_parts_of_a_document_are_all_its_posts(corpus: Corpus) -> None:
    """With the title, which may hold a claim too; of an unknown key there are none."""
    corpus.add(thread(post(1), post(2)))
    url = "https://forum.example/t/7"
    assert set(corpus.parts_of(url)) >= {(url, "p1"), (url, "p2"), (url, "title")}
    assert corpus.parts_of("m_0000000009") == ()


@pytest.mark.parametrize(
    "odd",
    [
        thread(post(2**70)),
        thread(post(2, "a lone \ud800 half")),
        thread(post(2, author="m_\udfff")),
        thread(post(2), title="half \ud800"),
        replace(thread(post(2)), confidence=float("nan")),
        replace(thread(post(2)), source=source("https://forum.example/\ud800")),
        replace(thread(post(2)), expected="many"),  # type: ignore[arg-type]
    ],
)
def test_a_document_that_cannot_be_written_is_one_clear_line(corpus: Corpus, odd: Thread) -> None:
    """The document is named, and what was stored before is untouched."""
    corpus.add(thread(post(1)))
    with pytest.raises(StoreError, match=r"^https://forum\.example/.*cannot be stored") as told:
        corpus.add(odd)
    said = str(told.value)
    assert "\n" not in said
    assert said.encode()
    assert corpus.get("https://forum.example/t/7") == thread(post(1))


@pytest.mark.parametrize(
    "damage",
    [
        "update documents set body = '{' where kind = 'thread'",
        "update documents set kind = 'poem' where kind = 'thread'",
        "update posts set body = '{\"id\": 3}'",
        "update posts set body = cast(x'ff80' as text)",
        "update documents set body = cast(x'ff80' as text) where kind = 'thread'",
    ],
)
def test_a_damaged_document_is_named_passed_over_and_mended(
    corpus: Corpus, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are still read; collecting it again puts it right."""
    if "ff80" in damage and corpus.engine.dialect.name != "sqlite":
        pytest.skip("this database takes no text that is none")
    article = Article(source=source("https://clinic.example/a"), title="A", text="Text.")
    corpus.add(article)
    corpus.add(thread(post(1)))
    with corpus.engine.begin() as connection:
        connection.exec_driver_sql(damage)
    with pytest.raises(StoreError, match=r"^https://forum\.example/t/7: .*damaged"):
        corpus.get("https://forum.example/t/7")
    with caplog.at_level(logging.WARNING):
        assert list(corpus.documents()) == [article]
    assert "https://forum.example/t/7" in caplog.text
    corpus.add(thread(post(1)))
    assert corpus.get("https://forum.example/t/7") == thread(post(1))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ana:s3cret@db.example/folk",
        "postgresql+nodriver://ana:s3cret@db.example/folk",
        "postgresql://ana:s3cret@db.example:port/folk",
        "postgresql://db.example/folk?password=s3cret",
        "nothing://ana:s3@s3cret@db.example",
    ],
)
def test_no_message_holds_the_password_of_a_database(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address may be wrong or its driver missing: the password stays unsaid."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(StoreError) as told:
        open_database(url)
    assert "s3cret" not in str(told.value)
    assert "db.example" in str(told.value)


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out is the extra that brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r'pip install "folkgrade\[postgres\]"'):
        open_database("postgresql+psycopg://ana@db.example/folk")


def test_what_was_forgotten_is_not_written_down(corpus: Corpus) -> None:
    """The list of forgotten things holds digests only."""
    corpus.add(thread(post(1)))
    corpus.forget("m_0000000001")
    with corpus.engine.connect() as connection:
        rows = connection.exec_driver_sql("select key from forgotten").fetchall()
    assert rows
    assert "m_0000000001" not in str(rows)


def test_settling_removes_what_is_no_longer_there(corpus: Corpus) -> None:
    """Posts on none of the thread's pages go; the digest is that of a thread without them."""
    url = "https://forum.example/t/7"
    corpus.add(thread(post(1)))
    before = corpus.hashes()
    corpus.add(thread(post(2), post(3)))
    assert corpus.posts_of(url) == ("p1", "p2", "p3")
    assert corpus.settle(url, ["p1", "p9"]) == 2
    assert corpus.posts_of(url) == ("p1",)
    assert corpus.hashes() == before
    assert corpus.settle(url, {"p1"}) == 0


def test_nothing_is_settled_in_an_unknown_thread(corpus: Corpus) -> None:
    """It has no posts, and none go."""
    assert corpus.settle("https://forum.example/t/8", ["p1"]) == 0
    assert corpus.posts_of("https://forum.example/t/8") == ()


@pytest.mark.parametrize(
    ("gone", "left", "count"),
    [
        ("https://forum.example/p/1", ["p2"], 1),
        ("https://forum.example/t/7#p2", ["p1"], 1),
        ("https://forum.example/t/7", [], 3),
        ("https://forum.example/t/unknown", ["p1", "p2"], 0),
    ],
)
def test_what_was_deleted_at_the_source_goes_and_may_come_again(
    corpus: Corpus, gone: str, left: list[str], count: int
) -> None:
    """A post by its permalink, a whole thread by its address; the fingerprint tells."""
    whole = thread(post(1), post(2))
    corpus.add(whole)
    before = corpus.fingerprint()
    assert corpus.purge([gone]) == count
    assert (corpus.fingerprint() == before) == (count == 0)
    assert list(corpus.posts_of("https://forum.example/t/7")) == left
    assert (corpus.get("https://forum.example/t/7") is None) == (not left)
    corpus.add(whole)
    assert corpus.get("https://forum.example/t/7") == whole
    assert corpus.fingerprint() == before


def test_a_purged_address_is_on_no_list(corpus: Corpus) -> None:
    """Neither the failures nor the states of threads name it any more."""
    url = "https://forum.example/t/7"
    corpus.failed(url, "HTTP 404")
    corpus.keep_stamp(url, "9 replies")
    corpus.purge([url])
    assert corpus.failures() == []
    assert corpus.stamp(url) is None


def test_sites_are_counted_by_distinct_authors(corpus: Corpus) -> None:
    """Two posts of one author are two posts and one author."""
    corpus.add(thread(post(1), post(2, author="m_0000000001")))
    corpus.add(Article(source=source("https://forum.example/a"), title="A", text="Text."))
    counts = corpus.sites()[0]
    assert (counts.threads, counts.articles, counts.posts, counts.authors) == (1, 1, 2, 1)
    assert counts.first == counts.last == NOON


def test_a_thread_with_fewer_posts_than_it_says_is_a_hole(corpus: Corpus) -> None:
    """As many as it says, or none said, is whole; those that miss most come first."""
    for number, expected in enumerate((2, 5, None, 3)):
        url = f"https://forum.example/t/{number}"
        corpus.add(replace(thread(post(1), post(2)), source=source(url), expected=expected))
    assert corpus.holes() == [
        Hole(url=f"https://forum.example/t/{n}", site="forum.example", stored=2, expected=expected)
        for n, expected in ((1, 5), (3, 3))
    ]


def test_failures_and_visits_are_remembered_until_mended(corpus: Corpus) -> None:
    """A failed page is listed once, with its last reason, until it is read."""
    corpus.failed("https://forum.example/x", "HTTP 500")
    corpus.failed("https://forum.example/x", "HTTP 502")
    assert [(f.url, f.reason) for f in corpus.failures()] == [
        ("https://forum.example/x", "HTTP 502")
    ]
    corpus.recovered("https://forum.example/x")
    assert corpus.failures() == []
    visit = SiteVisit(site="forum.example", started=NOON, finished=NOON, status="ok", pages=3)
    corpus.visited(visit)
    assert corpus.last_visits() == {"forum.example": visit}


def test_a_locked_database_is_one_clear_line(tmp_path: Path) -> None:
    """Whoever holds the lock is waited for, then named as the cause."""
    path = tmp_path / "corpus.db"
    corpus = Corpus(open_database(str(path), busy_seconds=0.1))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"corpus\.db: another process is writing"):
        corpus.add(thread(post(1)))
    holder.execute("ROLLBACK")
    assert corpus.add(thread(post(1))) == "new"


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """A write that finds no room fails whole; what was there is still there."""
    Corpus(open_database(str(tmp_path / "corpus.db"))).add(thread(post(1)))
    small = open_database(str(tmp_path / "corpus.db"))
    event.listen(small, "connect", lambda raw, _record: raw.execute("PRAGMA max_page_count=1"))
    with pytest.raises(StoreError, match="the disk is full"):
        Corpus(small).add(thread(post(2, "long " * 100_000)))
    kept = Corpus(open_database(str(tmp_path / "corpus.db"))).get("https://forum.example/t/7")
    assert isinstance(kept, Thread)
    assert [p.id for p in kept.posts] == ["p1"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"not a database, surely" * 99, "not a database"), (b"SQL", "not a data")],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that is no database is refused, and left as it is."""
    path = tmp_path / "corpus.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=reason):
        Corpus(open_database(str(path)))
    assert path.read_bytes() == content


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """An old Folkgrade does not touch what a newer one wrote."""
    path = tmp_path / "corpus.db"
    Corpus(open_database(str(path)))
    with sqlite3.connect(path) as connection:
        connection.execute("update schema_versions set version = 999 where store = 'corpus'")
    with pytest.raises(StoreError, match="newer Folkgrade"):
        Corpus(open_database(str(path)))


def test_a_read_only_database_is_read_and_says_so_when_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No log is made beside it; a write is refused in words that name the cause."""
    path = tmp_path / "odd #1 %20.db"
    first = Corpus(open_database(str(path)))
    first.add(thread(post(1)))
    first.engine.dispose()
    monkeypatch.setattr("crawler.database.os.access", lambda *_: False)
    sealed = Corpus(open_database(str(path)))
    assert sealed.get("https://forum.example/t/7") == thread(post(1))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with pytest.raises(StoreError, match="read-only"):
        sealed.add(thread(post(2)))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The way out is said: make a project first."""
    with pytest.raises(StoreError, match="folkgrade init"):
        open_database(str(tmp_path / "nowhere" / "corpus.db"))
