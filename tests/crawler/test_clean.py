"""What may be stored: hidden characters, addresses, numbers and dates; bad rows and pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler import clean, engines
from crawler.documents import Article, Post, Source, Thread
from crawler.errors import NothingRead, NotStored, StoreError
from crawler.files import Request, read_file
from crawler.holdings import stored
from crawler.page import Found, Page
from crawler.rows import read_row
from crawler.sites import BadSite, Site

NOW = datetime(2025, 3, 1, tzinfo=UTC)
HOME = Source(url="import:x-1", site="import", fetched=NOW, engine="jsonl")


def thread_row(post: dict[str, Any] | None = None, **more: Any) -> str:
    """A line with one post."""
    posts = [{"text": "The heel is sore.", **(post or {})}]
    return json.dumps({"kind": "thread", "url": "https://a.example/t/1", "posts": posts, **more})


def topic(**post: Any) -> Page:
    """A Discourse topic of one post."""
    said = {"id": 1, "post_number": 1, "username": "heron", "cooked": "<p>Sore heel.</p>", **post}
    data = {"post_stream": {"posts": [said], "stream": [1]}, "id": 5, "title": "Heel"}
    return Page(
        url="https://f.example/t/5.json",
        text=json.dumps(data),
        fetched=NOW,
        content_type="application/json",
    )


def only(found: Found) -> Thread:
    """The one thread that was found."""
    (thread,) = found.documents
    assert isinstance(thread, Thread)
    return thread


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\x1b[2Jb\x07c\0", "abc"),
        ("a\x1b]0;title\x07b", "ab"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("\u202eright\u202c \u2066x\u2069", "right x"),
        ("he\u200bron, her\u200don, h\u009deron", "heron, heron, heron"),
        ("don\x92t", "don\u2019t"),
        ("half \ud83d of it", "half  of it"),
        ("\U0001f468\u200d\U0001f469 stays", "\U0001f468\u200d\U0001f469 stays"),
    ],
)
def test_text_loses_what_cannot_be_seen(given: str, kept: str) -> None:
    """Controls, turned writing and zero-width characters go; joined emoji stay."""
    assert clean.text(given) == kept


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/hosts",
        "data:text/html,x",
        "//a.example/x",
        "http://[::1",
        "https://a.example:99999/",
        "https://a.example/\x1b[31m",
        "https://",
        "https://a.example/\ud800",
        'https://a".example/',
        "https://a.example/a b",
    ],
)
def test_only_web_addresses_are_accepted(url: str) -> None:
    """Of a document it is an error, of a post it is dropped, of a site a clear line."""
    assert not clean.is_address(url)
    with pytest.raises(NothingRead, match="url"):
        read_row(thread_row(url=url), HOME)
    read = read_row(thread_row({"url": url.replace("\ud800", "\x7f")}), HOME)
    assert isinstance(read, Thread)
    assert read.posts[0].url is None
    with pytest.raises(BadSite) as told:
        Site(start=(url,))
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://ann:secret@a.example/t/1", "https://a.example/t/1"),
        ("https://ann@a.example:8443/t/1?q=@#p", "https://a.example:8443/t/1?q=@#p"),
        ('https://a.example/"><b>`', "https://a.example/%22%3E%3Cb%3E%60"),
        ("https://a.example/t?#", "https://a.example/t?#"),
        ('import:mail "old".mbox-1', None),
        ("import:a<b", "import:a<b"),
    ],
)
def test_address_is_stored_without_password_and_marks(given: str, kept: str | None) -> None:
    """Nor can it end what it is written into; others stay letter for letter."""
    assert clean.address(given) == kept
    if kept:
        read = read_row(thread_row({"url": given}, url=given), HOME)
        assert isinstance(read, Thread)
        assert (read.source.url, read.posts[0].url) == (kept, kept)


def test_half_a_character_costs_itself_alone() -> None:
    """The post stays, with a mark in its place; so do names and titles."""
    read = read_row(
        thread_row({"text": "half \ud83d of", "author": "a\udc00"}, title="\ud800"), HOME
    )
    assert isinstance(read, Thread)
    (post,) = read.posts
    assert (post.text, post.author, read.title) == ("half \ufffd of", "a\ufffd", "\ufffd")


@pytest.mark.parametrize(
    "site", ["a.example", "xn--a-1.example:8443", "import", "[::1]:80", "b\u00fccher"]
)
def test_a_site_is_the_name_of_a_host(site: str) -> None:
    """With its port; anything else is refused."""
    assert read_row(thread_row(site=site), HOME).source.site == site


@pytest.mark.parametrize(
    "line",
    [
        thread_row({"number": 2**70}),
        thread_row({"number": -5}),
        thread_row({"likes": float("inf")}),
        thread_row({"likes": "many"}),
        thread_row({"written": "9999-12-31T23:00:00-10:00"}),
        thread_row({"written": "0001-01-01T00:00:00+14:00"}),
        thread_row({"written": 5}),
        thread_row({"author": {"a": 1}}),
        thread_row({"quotes": [7]}),
        thread_row(expected="abc"),
        thread_row(site=5),
        thread_row(site=["a"]),
        thread_row(site="../../x"),
        thread_row(site="a.example/b"),
        thread_row(site="a..b"),
        thread_row(posts={"text": "x"}),
        thread_row(posts=["x"]),
        thread_row(posts=[]),
        thread_row(posts=[{"text": "a", "id": "1"}, {"text": "b", "id": 1}]),
        json.dumps({"kind": "article", "text": "x", "own": "false"}),
        json.dumps({"kind": "article"}),
        '{"kind": "thread", "n": ' + "9" * 5000 + "}",
    ],
)
def test_line_with_a_value_that_cannot_be_is_refused(line: str) -> None:
    """One line of cause, whatever is wrong with it."""
    with pytest.raises(NothingRead) as told:
        read_row(line, HOME)
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("post", "field", "kept"),
    [
        ({"like_count": 2**70}, "likes", None),
        ({"like_count": float("inf")}, "likes", None),
        ({"created_at": "0001-01-01T00:00:00Z"}, "written", None),
        ({"created_at": "9999-12-31T00:00:00Z"}, "written", None),
        ({"created_at": 5}, "written", None),
        ({"username": {"a": 1}}, "author", None),
        ({"username": "he\u200dron"}, "author", "heron"),
        ({"cooked": "<p>sore &#x1b;[2J heel &#0;&#xD800;</p>"}, "text", "sore"),
        ({"cooked": "sore \ud800 &#x1b; <b>heel</b>"}, "text", "sore"),
    ],
)
def test_topic_with_an_odd_value_is_read_without_it(post: Any, field: str, kept: Any) -> None:
    """The post stays; what cannot be is dropped."""
    (read,) = only(engines.read(topic(**post))).posts
    value = getattr(read, field)
    if field == "text":
        assert value.startswith(kept)
        assert value.isprintable()
        assert "heel" in value
    else:
        assert value == kept


def test_topic_without_a_possible_post_number_is_not_read() -> None:
    """A post's number is its identity in the topic."""
    with pytest.raises(NothingRead, match="number"):
        engines.read(topic(post_number=2**70))


def test_article_with_impossible_characters_is_read() -> None:
    """They are no reason to lose the page."""
    prose = "<p>A sore heel &#27;[31m wants &#0; rest &#xD800; and it&#146;s slow to mend.</p>" * 9
    text = f"<!doctype html><html><body><article><h1>Heel</h1>{prose}</article></body></html>"
    (read,) = engines.read(Page(url="https://a.example/heel", text=text, fetched=NOW)).documents
    assert isinstance(read, Article)
    assert "it\u2019s slow to mend" in read.text
    assert read.text.replace("\n", "").isprintable()


def test_post_id_counts_once() -> None:
    """The store knows a post by it."""
    posts = tuple(Post(id="1", number=n, text=f"t{n}") for n in (1, 2))
    kept = clean.sound(Thread(source=HOME, title="t\x07 i\n", posts=posts))
    assert isinstance(kept, Thread)
    assert [post.text for post in kept.posts] == ["t1"]
    assert kept.title == "t i"


def test_engine_that_breaks_on_a_file_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is named; the other files are read."""

    def broken(_page: object) -> None:
        raise TypeError("an engine's fault")

    monkeypatch.setattr("crawler.engines.discourse.read", broken)
    path = tmp_path / "topic.json"
    path.write_text('{"post_stream": {"posts": []}, "id": 5}', encoding="utf-8")
    with pytest.raises(NothingRead, match=r"topic\.json: .*could not be read as .*TypeError"):
        read_file(path, Request(fetched=NOW))


def test_pasted_text_loses_hidden_characters(tmp_path: Path) -> None:
    """Whatever the file holds, offsets refer to what is stored."""
    path = tmp_path / "a.txt"
    path.write_text("Heel pain\n\nMy he\u200bel is \u202esore.\n", encoding="utf-8")
    (read,) = read_file(path, Request(fetched=NOW, kind="article")).documents
    assert isinstance(read, Article)
    assert read.text.endswith("My heel is sore.")


def test_unknown_engine_of_a_site_is_told_with_the_known_ones() -> None:
    """Before anything is asked for."""
    with pytest.raises(BadSite, match="known are article, discourse"):
        Site(start=("https://a.example/",), engine="no-such")


class _Picky:
    """A store that raises what it is told to."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def add(self, _document: object) -> str:
        raise self.error


@pytest.mark.parametrize("error", [NotStored("no"), OverflowError("big"), UnicodeError("half")])
def test_document_the_store_will_not_take_is_answered(error: Exception) -> None:
    """It is a failed page, and the crawl goes on."""
    _, reason = stored(_Picky(error), None)  # type: ignore[arg-type]
    assert reason


def test_failing_database_ends_the_crawl() -> None:
    """A full disk is no matter of one page."""
    with pytest.raises(StoreError, match="disk"):
        stored(_Picky(StoreError("disk")), None)  # type: ignore[arg-type]
