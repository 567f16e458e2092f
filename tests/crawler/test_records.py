"""Documents as rows: pieces cost what they hold, digests tell content only, old stores open."""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Article, Post, Source, Thread
from crawler.errors import NotStored

Start = Callable[..., list[subprocess.Popen[str]]]
URL = "https://forum.example/t/7"
SOURCE = Source(
    url=URL, site="forum.example", fetched=datetime(2026, 5, 1, tzinfo=UTC), engine="discourse"
)


@pytest.fixture
def corpus(database: str) -> Iterator[Corpus]:
    engine = open_database(database)
    yield Corpus(engine)
    engine.dispose()


def post(number: int, text: str = "My heel again.") -> Post:
    return Post(id=f"p{number}", number=number, text=text, url=f"{URL}/{number}")


def thread(posts: Sequence[Post], title: str = "Heels") -> Thread:
    return Thread(source=SOURCE, title=title, posts=tuple(posts))


def in_memory() -> Corpus:
    return Corpus(open_database("sqlite://"))


def statements(corpus: Corpus, word: str) -> list[int]:
    """Grows by one number for each later statement with the word: rows that it names."""
    seen: list[int] = []

    @sa.event.listens_for(corpus.engine, "before_cursor_execute")
    def _note(*args: object) -> None:
        text, values, many = str(args[2]), args[3], args[5]
        if word in text:
            seen.append(len(values) if many else 1)  # type: ignore[arg-type]

    return seen


def test_of_a_piece_only_the_posts_that_differ_are_written(corpus: Corpus) -> None:
    """A new post, an edited one and three known ones make two rows, however long the thread is."""
    corpus.add(thread([post(n) for n in range(1, 1200)]))
    written = statements(corpus, "INSERT INTO posts")
    piece = [post(7), post(8, "Edited."), post(9), post(1200), post(10)]
    assert corpus.add(thread(piece, title="")) == "changed"
    assert sum(written) == 2
    assert corpus.add(thread(piece, title="")) == "same"
    assert sum(written) == 2
    assert len(corpus.posts_of(URL)) == 1200


def test_of_a_long_thread_only_the_piece_is_read(corpus: Corpus) -> None:
    """Adding to it asks for no rows beyond those of the piece."""
    corpus.add(thread([post(n) for n in range(1, 1200)]))
    read = []

    @sa.event.listens_for(corpus.engine, "after_cursor_execute")
    def _note(*args: object) -> None:
        text, values = str(args[2]), args[3]
        if text.startswith("SELECT") and "FROM posts" in text:
            read.append(len(values))  # type: ignore[arg-type]

    corpus.add(thread([post(3), post(1200)]))
    assert read == [3]


def steps_of_adding(corpus: Corpus, piece: Thread) -> int:
    """How many tens of instructions SQLite ran meanwhile."""
    count = itertools.count()
    with corpus.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(lambda: next(count) and None, 10)
    corpus.add(piece)
    raw.set_progress_handler(None, 0)
    return next(count)


def test_a_piece_costs_the_same_in_a_long_thread() -> None:
    """The database does no more for it than in one of a tenth of the posts."""
    corpus = in_memory()
    corpus.add(thread([post(n) for n in range(1, 301)]))
    short = steps_of_adding(corpus, thread([post(n) for n in range(300, 310)]))
    corpus.add(thread([post(n) for n in range(310, 3001)]))
    long = steps_of_adding(corpus, thread([post(n) for n in range(3000, 3010)]))
    assert 0 < long < 1.3 * short


edits = st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["a", "b", "c"])), max_size=30)


@settings(max_examples=40, deadline=None)
@given(edits, st.randoms(use_true_random=False))
def test_equal_threads_have_equal_digests(
    changes: list[tuple[int, str]], chance: random.Random
) -> None:
    """Whatever the pieces and their order, edits and removals on the way included."""
    grown, whole = in_memory(), in_memory()
    state: dict[int, str] = {}
    while changes:
        size = chance.randint(1, 5)
        some, changes = changes[:size], changes[size:]
        state |= dict(some)
        grown.add(thread([post(*change) for change in some]))
        if state and chance.random() < 0.3:
            gone = chance.choice(sorted(state))
            del state[gone]
            grown.settle(URL, [f"p{number}" for number in state])
    posts = [post(*item) for item in state.items()]
    chance.shuffle(posts)
    whole.add(thread(posts))
    if grown.hashes():
        assert grown.hashes() == whole.hashes()
        assert grown.get(URL) == whole.get(URL)
    before = whole.hashes()
    whole.add(thread([post(99)]))
    assert whole.hashes() != before


def test_the_last_of_two_posts_with_one_id_counts(corpus: Corpus) -> None:
    """Within a piece as well as over pieces."""
    assert corpus.add(thread([post(1, "First."), post(1, "Second.")])) == "new"
    assert corpus.get(URL) == thread([post(1, "Second.")])
    assert corpus.add(thread([post(1, "First."), post(1, "Second.")])) == "same"


def test_a_page_that_became_an_article_is_one(corpus: Corpus) -> None:
    """No post of the former thread stays, and back."""
    article = Article(source=SOURCE, title="Heels", text="On heels.")
    corpus.add(thread([post(1), post(2)]))
    before = corpus.hashes()
    assert corpus.add(article) == "changed"
    assert corpus.get(URL) == article
    assert corpus.posts_of(URL) == ()
    assert corpus.add(thread([post(1), post(2)])) == "changed"
    assert corpus.hashes() == before


def test_characters_that_no_text_holds_come_back(corpus: Corpus) -> None:
    """Some databases take no NUL; the post has it nevertheless."""
    odd = thread([post(1, "a\0b")], title="Heels\0")
    assert corpus.add(odd) == "new"
    assert corpus.get(URL) == odd
    assert corpus.add(odd) == "same"


@pytest.mark.postgres
@pytest.mark.parametrize(
    "odd",
    [
        Post(id="1\0", number=1, text="NUL in an id"),
        Post(id="1", number=2**40, text="far too many"),
        Post(id="".join(chr(0x4E00 + n) for n in range(4000)), number=1, text="a long id"),
    ],
)
def test_what_postgresql_refuses_is_left_out(postgres: object, odd: Post) -> None:
    """One clear line for one document; the store goes on."""
    engine = open_database(postgres())  # type: ignore[operator]
    corpus = Corpus(engine)
    with pytest.raises(NotStored, match=r"^https://forum\.example/t/7: cannot be stored"):
        corpus.add(thread([odd]))
    assert corpus.add(thread([post(1)])) == "new"
    engine.dispose()


OLD = """
CREATE TABLE schema_versions (store VARCHAR NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (store));
CREATE TABLE documents (url VARCHAR NOT NULL, kind VARCHAR NOT NULL, site VARCHAR NOT NULL,
  engine VARCHAR NOT NULL, title VARCHAR NOT NULL, fetched VARCHAR NOT NULL, hash VARCHAR NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (url));
CREATE TABLE posts (document VARCHAR NOT NULL, id VARCHAR NOT NULL, number INTEGER NOT NULL,
  author VARCHAR, written VARCHAR, text TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (document, id),
  FOREIGN KEY(document) REFERENCES documents (url) ON DELETE CASCADE);
CREATE TABLE failures (url VARCHAR NOT NULL, reason VARCHAR NOT NULL, seen VARCHAR NOT NULL,
  PRIMARY KEY (url));
CREATE TABLE stamps (url VARCHAR NOT NULL, stamp VARCHAR NOT NULL, PRIMARY KEY (url));
CREATE TABLE visits (id INTEGER NOT NULL, site VARCHAR NOT NULL, started VARCHAR NOT NULL,
  finished VARCHAR NOT NULL, status VARCHAR NOT NULL, reason VARCHAR NOT NULL,
  pages INTEGER NOT NULL, PRIMARY KEY (id));
CREATE TABLE forgotten ("key" VARCHAR NOT NULL, PRIMARY KEY ("key"));
CREATE INDEX ix_documents_kind ON documents (kind);
CREATE INDEX ix_documents_site ON documents (site);
CREATE INDEX ix_posts_author ON posts (author);
INSERT INTO schema_versions VALUES ('corpus', 1)
"""
"""The tables as version 0.1.0 made them."""


def old_rows() -> list[tuple[str, tuple[object, ...]]]:
    """A thread of three posts, one of them damaged beyond reading, and an article."""
    source = {"url": URL, "site": "forum.example", "engine": "discourse"}
    source["fetched"] = "2026-05-01T00:00:00Z"
    article = source | {"url": "https://clinic.example/a"}
    heads = [
        (source, "thread", {"title": "Heels", "posts": [], "expected": None, "confidence": 1.0}),
        (article, "article", {"title": "On heels", "text": "Rest."}),
    ]
    rows: list[tuple[str, tuple[object, ...]]] = [
        (
            "INSERT INTO documents VALUES (?,?,?,?,?,?,?,?)",
            (
                head["url"],
                kind,
                head["site"],
                head["engine"],
                rest["title"],
                "2026-05-01T00:00:00+00:00",
                "old",
                json.dumps({"source": head} | rest),
            ),
        )
        for head, kind, rest in heads
    ]
    for number in (1, 2, 3):
        value = {
            "id": f"p{number}",
            "number": number,
            "text": "My heel again.",
            "author": None,
            "written": None,
            "edited": None,
            "reply_to": None,
            "likes": None,
            "url": f"{URL}/{number}",
            "quotes": [],
        }
        body = json.dumps(value, separators=(",", ":")) if number < 3 else "{"
        row = (URL, f"p{number}", number, None, None, "My heel again.", body)
        rows.append(("INSERT INTO posts VALUES (?,?,?,?,?,?,?)", row))
    return rows


def test_a_store_of_the_first_version_opens(database: str) -> None:
    """Its posts are found by address and told from their later selves; damage stops nothing."""
    engine = open_database(database)
    with engine.begin() as connection:
        for statement in OLD.split(";"):
            connection.exec_driver_sql(statement)
        for statement, row in old_rows():
            marks = statement.replace("?", "%s") if "sqlite" not in str(engine.url) else statement
            connection.exec_driver_sql(marks, row)
    corpus = Corpus(engine)
    assert corpus.posts_of(URL) == ("p1", "p2", "p3")
    assert corpus.get("https://clinic.example/a") is not None
    assert corpus.add(thread([post(3)], title="")) == "changed"
    assert corpus.add(thread([post(1), post(2)])) == "same"
    assert corpus.get(URL) == thread([post(1), post(2), post(3)])
    anew = in_memory()
    anew.add(thread([post(1), post(2), post(3)]))
    assert corpus.hashes()[URL] == anew.hashes()[URL]
    assert corpus.purge([f"{URL}/2"]) == 1
    engine.dispose()


OPEN = """
from crawler.corpus import Corpus
from crawler.database import open_database
engine = open_database(sys.argv[2], busy_seconds=60)
ready()
Corpus(engine)
"""


def test_processes_that_open_a_new_store_at_once_all_open_it(database: str, start: Start) -> None:
    """One makes the tables while the others wait."""
    started = start(OPEN, 3, database)
    assert [process.wait(120) for process in started] == [0] * 3
    engine = open_database(database)
    assert Corpus(engine).hashes() == {}
    engine.dispose()


ADD = """
from datetime import UTC, datetime
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Post, Source, Thread
corpus = Corpus(open_database(sys.argv[2], busy_seconds=60))
ready()
source = Source(url="https://forum.example/t/7", site="forum.example",
                fetched=datetime(2026, 5, 1, tzinfo=UTC), engine="discourse")
for start in range(10 * int(sys.argv[1]), 300, 30):
    posts = tuple(Post(id=f"p{n}", number=n, text="My heel again.",
                       url=f"https://forum.example/t/7/{n}") for n in range(start, start + 10))
    corpus.add(Thread(source=source, title="Heels", posts=posts))
"""


def test_processes_that_add_to_one_thread_lose_nothing(database: str, start: Start) -> None:
    """All posts are there, and the digest is that of the whole thread added at once."""
    started = start(ADD, 3, database)
    assert [process.wait(120) for process in started] == [0] * 3
    engine = open_database(database)
    anew = in_memory()
    anew.add(thread([post(n) for n in range(300)]))
    assert Corpus(engine).hashes() == anew.hashes()
    engine.dispose()


def test_a_store_may_be_opened_while_it_is_read(tmp_path: Path) -> None:
    """Opening a store that is up to date takes no lock."""
    path = tmp_path / "corpus.db"
    Corpus(open_database(str(path)))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert Corpus(open_database(str(path), busy_seconds=0.1)).hashes() == {}
    holder.execute("ROLLBACK")
