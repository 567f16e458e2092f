"""What was forgotten is nowhere: not in quotes without a name, not in what the file has freed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from crawler.corpus import Corpus
from crawler.database import open_database, reading, scrub
from crawler.documents import Post, Quoted, Source, Thread
from crawler.errors import StoreError
from crawler.frontier import Frontier
from crawler.intake import Intake

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SAID = "My quirlish heel was sore for most of the summer."


@pytest.fixture
def corpus(database: str) -> Iterator[Corpus]:
    """An empty store, in each kind of database in turn."""
    engine = open_database(database)
    yield Corpus(engine)
    engine.dispose()


def thread(number: int, *posts: Post, title: str = "Sore heel") -> Thread:
    url = f"https://forum.example/t/{number}"
    source = Source(url=url, site="forum.example", fetched=NOON, engine="discourse")
    return Thread(source=source, title=title, posts=posts)


def post(number: int, text: str, author: str, *quotes: str) -> Post:
    quoted = tuple(Quoted(text=words) for words in quotes)
    return Post(id=f"p{number}", number=number, text=text, author=author, quotes=quoted)


def test_words_of_the_forgotten_go_from_quotes_without_a_name(corpus: Corpus) -> None:
    """Found by the words themselves, and kept out when the page is read again."""
    echo = post(2, "So did mine.", "m_2", SAID.upper(), "Something else was said there, I think.")
    whole = thread(1, post(1, SAID, "m_1"), echo)
    corpus.add(whole)
    corpus.forget("m_1")
    for _again in range(2):
        left = corpus.get(whole.source.url)
        assert isinstance(left, Thread)
        assert [[q.text for q in p.quotes] for p in left.posts] == [[echo.quotes[1].text]]
        corpus.add(whole)


def test_a_few_equal_words_are_nobodys(corpus: Corpus) -> None:
    """A short quote that anybody may have said stays."""
    corpus.add(thread(1, post(1, "Ice did nothing.", "m_1"), post(2, "No.", "m_2", "Ice did")))
    corpus.forget("m_1")
    left = corpus.get("https://forum.example/t/1")
    assert isinstance(left, Thread)
    assert [q.text for q in left.posts[0].quotes] == ["Ice did"]


FILES = """
SELECT pg_read_binary_file(pg_relation_filepath(c.oid)) FROM pg_class AS c
LEFT JOIN pg_class AS large ON large.reltoastrelid = c.oid
WHERE c.relkind IN ('r', 'i', 't') AND (c.oid = 'pg_statistic'::regclass
OR coalesce(large.relnamespace, c.relnamespace) = current_schema()::regnamespace)
"""
"""Tables and indexes as they lie on a server's disk."""


def on_disk(engine: sa.Engine) -> bytes:
    """All that is kept of a database: the file and its log, or the files of a server."""
    if engine.dialect.name == "sqlite":
        file = Path(engine.url.database or "")
        return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    with engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        return b"".join(connection.exec_driver_sql(FILES).scalars())


def test_scrubbing_leaves_nothing_on_the_disk(corpus: Corpus) -> None:
    """Not in free pages, the log, or samples that a server took; what stays is as it was."""
    said = SAID.replace("quirlish", "snurlish")  # the server's samples are of all tests
    for number in range(40):
        corpus.add(thread(number, *(post(n, f"{said} {n}", f"m_{n}") for n in range(20))))
    corpus.add(thread(99, post(1, "Calf raises did it.", "m_99")))
    with corpus.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    assert b"snurlish" in on_disk(corpus.engine)
    for number in range(40):
        corpus.drop(f"https://forum.example/t/{number}")
    before = corpus.hashes()
    scrub(corpus.engine)
    assert corpus.hashes() == before
    assert b"snurlish" not in on_disk(corpus.engine)


def test_scrubbing_beside_a_reader_says_what_to_do(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody still sees cannot go; the next scrub takes it away."""
    monkeypatch.setenv("FOLKGRADE_BUSY_SECONDS", "0.1")
    corpus, other = Corpus(open_database(database)), open_database(database)
    corpus.add(thread(1, post(1, SAID, "m_1")))
    with reading(other):
        corpus.drop("https://forum.example/t/1")
        with pytest.raises(StoreError, match="another process reads it"):
            scrub(corpus.engine)
    scrub(corpus.engine)
    for engine in (corpus.engine, other):
        engine.dispose()
    assert b"quirlish" not in on_disk(corpus.engine)


def test_names_met_later_are_masked_in_what_was_imported_before(corpus: Corpus) -> None:
    """What is hidden does not depend on which thread of a file comes first."""
    first = thread(1, post(1, "I got the splint from zwirbelfink.", "late_elm"))
    second = thread(2, post(1, "Mine was sore too.", "zwirbelfink"))
    with Intake(corpus, Frontier(corpus.engine), b"k" * 32) as intake:
        intake.take(first)
        intake.take(second)
    found = corpus.get(first.source.url)
    assert isinstance(found, Thread)
    assert found.posts[0].text == "I got the splint from [name]."
    assert found.posts[0].author != "late_elm"
