"""PostgreSQL: a crawl ends as it does in SQLite, and what a server refuses is one clear line."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from crawler import database as database_module
from crawler import locks
from crawler.corpus import Corpus
from crawler.crawl import crawl
from crawler.database import open_database, reading, scrub, still, writing
from crawler.documents import Post, Source, Thread
from crawler.errors import StoreError
from crawler.locks import one_at_a_time
from crawler.replica.server import serve
from crawler.sites import Site

SECRET = "s3cret"


def thread(number: int) -> Thread:
    """An invented thread of two posts."""
    when = datetime(2026, 5, 1, tzinfo=UTC)
    url = f"https://forum.example/t/{number}"
    posts = tuple(Post(id=str(n), number=n, text=f"Post {n}: my heel hurts.") for n in (1, 2))
    source = Source(url=url, site="forum.example", fetched=when, engine="discourse")
    return Thread(source=source, title=f"Thread {number}", posts=posts)


def line(url: str) -> str:
    """What is said of a database that cannot be opened: one line, and no password in it."""
    with pytest.raises(StoreError) as raised:
        Corpus(open_database(url))
    said = str(raised.value)
    assert "\n" not in said
    assert SECRET not in said
    return said


@pytest.mark.postgres
def test_a_crawl_ends_the_same_in_every_database(
    postgres: Callable[[], str], tmp_path: Path
) -> None:
    """Equal documents; the second crawl finds nothing new and asks for as little."""
    key, again, hashes = secrets.token_bytes(32), [], []
    with serve() as replica:
        sites = [Site(start=(site.url,), delay=0) for site in replica.sites[:1]]
        for address in (str(tmp_path / "c.db"), postgres()):
            corpus = Corpus(open_database(address))
            first = crawl(sites, corpus, key=key, user_agent="folkgrade-test")
            second = crawl(sites, corpus, key=key, user_agent="folkgrade-test")
            assert first.status == second.status == "ok"
            again.append(second.pages)
            hashes.append(corpus.hashes())
            corpus.engine.dispose()
    assert hashes[0] == hashes[1] != {}
    assert again[0] == again[1]


@pytest.mark.postgres
def test_a_refusal_of_the_server_is_one_clear_line(postgres: Callable[[], str]) -> None:
    """Database missing, user unknown, password wrong or none: each is named, with the way out."""
    place = "?" + postgres().partition("?")[2]
    start = f"postgresql+psycopg://folkgrade:{SECRET}@"
    assert "has no such database; make it" in line(f"{start}/nowhere{place}")
    other = f"postgresql+psycopg://nobody_here:{SECRET}@/postgres{place}"
    assert "knows no nobody_here" in line(other)
    wrong = f"postgresql+psycopg://guarded:{SECRET}@/postgres{place}"
    assert "takes neither this user nor this password; see PGPASSWORD" in line(wrong)
    bare = "wants a password; put it in PGPASSWORD"
    assert bare in line(f"postgresql+psycopg://guarded@/postgres{place}")


def test_a_server_out_of_reach_is_one_clear_line(tmp_path: Path) -> None:
    """Nobody listens there, or there is no such host."""
    pytest.importorskip("psycopg")
    for place in ("127.0.0.1:1", "host.invalid"):
        host = place.partition(":")[0]
        said = line(f"postgresql://folkgrade:{SECRET}@{place}/hips")
        assert said.startswith(f"database hips: no server answers at {host}; is it running")
    assert "no server answers at" in line(f"postgresql://folkgrade@/hips?host={tmp_path}")


def test_a_machine_that_vanished_is_noticed_unless_the_address_says_otherwise() -> None:
    """A run does not wait for hours for a server whose machine lost power or network."""
    pytest.importorskip("psycopg")
    engine = open_database("postgresql://folkgrade@db.example/hips?keepalives_idle=5")
    asked: dict[str, object] = {}

    @event.listens_for(engine, "do_connect")
    def on_connect(_dialect: object, _record: object, _words: object, named: Any) -> None:
        asked.update(named)
        raise sa.exc.OperationalError("", {}, Exception("not tonight"))

    with pytest.raises(StoreError, match="not tonight"):
        Corpus(engine)
    known = {name: int(str(value)) for name, value in asked.items() if str(value).isdigit()}
    assert known["keepalives_idle"] == 5
    assert known["keepalives_interval"] * known["keepalives_count"] <= 60
    assert known["tcp_user_timeout"] == 60_000


@pytest.mark.postgres
def test_a_server_that_is_too_old_is_named(
    postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says which PostgreSQL it is and which would do."""
    monkeypatch.setattr(database_module, "OLDEST", 99)
    assert "99 is the oldest that will do; update the server" in line(postgres())


@pytest.mark.postgres
def test_missing_rights_are_named(postgres: Callable[[], str]) -> None:
    """A user who may not make tables, and one who may only look: the line says who grants it."""
    url = postgres()
    schema = url.rpartition("%3D")[2]
    guest = url.replace("folkgrade@", "guarded:open sesame@").replace(" ", "%20")
    with pytest.raises(StoreError, match=r"guarded may not do this .*docs/teams\.md"):
        Corpus(open_database(guest))
    owner = open_database(url)
    Corpus(owner).add(thread(1))
    with owner.begin() as connection:
        for grant in (f"USAGE ON SCHEMA {schema}", f"SELECT ON ALL TABLES IN SCHEMA {schema}"):
            connection.exec_driver_sql(f"GRANT {grant} TO guarded")
    looking = Corpus(open_database(guest))
    assert looking.get(thread(1).source.url) is not None
    with pytest.raises(StoreError, match=r"guarded may not do this \(permission denied"):
        looking.add(thread(2))
    assert len(looking.hashes()) == 1
    for engine in (owner, looking.engine):
        engine.dispose()


@pytest.mark.postgres
def test_a_database_opened_to_be_read_refuses_writes(postgres: Callable[[], str]) -> None:
    """The server itself says no, also to who goes round the stores."""
    url = postgres()
    Corpus(open_database(url)).add(thread(1))
    sealed = Corpus(open_database(url, read_only=True))
    assert len(sealed.hashes()) == 1
    with pytest.raises(StoreError, match="may only be read here"):
        sealed.add(thread(2))
    with pytest.raises(sa.exc.DatabaseError), sealed.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM posts")
    sealed.engine.dispose()


@pytest.mark.postgres
def test_a_lost_connection_is_made_anew(postgres: Callable[[], str]) -> None:
    """A server that ended a connection is asked again over another one; nobody sees an error."""
    corpus = Corpus(open_database(postgres()))
    corpus.add(thread(1))
    with corpus.engine.connect() as one:
        number = one.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    other = open_database(str(corpus.engine.url.render_as_string(hide_password=False)))
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:n)"), {"n": number})
    assert len(corpus.hashes()) == 1
    for engine in (corpus.engine, other):
        engine.dispose()


@pytest.mark.postgres
def test_who_only_reads_may_be_silent_for_longer(
    postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export that works on what it read is let be; one that writes keeps others waiting."""
    monkeypatch.setattr(database_module, "IDLE_SECONDS", 0.05)
    engine, one = open_database(postgres()), sa.text("SELECT 1")
    gone = pytest.raises(StoreError, match="the connection to the server was lost; run this again")
    with gone, writing(engine) as connection:
        connection.execute(one)
        time.sleep(0.5)
        connection.execute(one)
    with reading(engine) as connection:
        connection.execute(one)
        time.sleep(0.5)
        assert connection.scalar(one) == 1
    engine.dispose()


@pytest.mark.postgres
def test_a_process_that_is_just_ending_does_not_keep_the_next_one_out(
    postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock goes with its connection, which the server may see a moment later."""
    address = postgres()
    one, other = open_database(address), open_database(address)
    with ExitStack() as ending:
        ending.enter_context(one_at_a_time(one, "mine"))
        monkeypatch.setattr(locks.time, "sleep", lambda _seconds: ending.close())
        with one_at_a_time(other, "mine"):
            pass
    for engine in (one, other):
        engine.dispose()


@pytest.mark.postgres
def test_what_was_forgotten_is_not_in_the_servers_statistics(postgres: Callable[[], str]) -> None:
    """PostgreSQL keeps samples of the columns; after `scrub` none of a text that is gone."""
    corpus = Corpus(open_database(postgres()))
    for number in range(4):
        corpus.add(thread(number))
    said = sa.text(
        "SELECT tablename, attname FROM pg_stats WHERE schemaname = current_schema() "
        "AND histogram_bounds::text LIKE '%Thread 3%'"
    )
    with corpus.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
        assert connection.execute(said).all()
    corpus.forget(thread(3).source.url)
    scrub(corpus.engine)
    with corpus.engine.connect() as connection:
        assert connection.execute(said).all() == []
    corpus.engine.dispose()


def test_one_moment_is_seen_through_a_whole_block(database: str) -> None:
    """What others write meanwhile is not seen, and nothing can be written; afterwards it is."""
    corpus = Corpus(open_database(database, busy_seconds=60))
    corpus.add(thread(1))
    with still(corpus.engine) as engine:
        frozen = Corpus(engine)
        assert len(frozen.hashes()) == 1
        corpus.add(thread(2))
        assert len(frozen.hashes()) == 1
        assert len(corpus.hashes()) == 2
        with still(engine) as same, reading(same) as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM documents")) == 1
        assert len(list(frozen.documents())) == 1
        if engine.dialect.name == "sqlite":
            with pytest.raises(StoreError, match="read-only"):
                frozen.drop(thread(1).source.url)
    assert len(corpus.hashes()) == 2
    assert corpus.drop(thread(2).source.url)
    with writing(corpus.engine) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM documents")) == 1
    corpus.engine.dispose()
