"""Sites read by the user's selectors: what they find, and what is said when they find nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.documents import Thread
from crawler.engines import custom, read
from crawler.engines.custom import BadSelector, Selectors
from crawler.errors import NothingRead
from crawler.page import Found, Page

NOW = datetime(2024, 1, 1, tzinfo=UTC)
THREAD = """<html><head><title>Sore heel</title></head><body><h2 class="t">Sore heel</h2>
<div class="b" data-n="m-71"><u>ann</u><tt>03/04/2020 10:11</tt><p class="w">It hurts at dawn.</p>
<em>3 nods</em></div>
<div class="b" data-n="m-72"><u>bob</u><tt>05/04/2020 11:12</tt><p class="w"><q>It hurts</q> Mine
too.</p><p class="w">Stairs help.</p><a class="me" href="/x/7#72">#</a></div>
<span id="more"><a href="/x/7/2">on</a></span></body></html>"""
LIST = """<html><body><ul><li><a class="go" href="/x/7">Sore heel</a></li><li><a class="go"
href="/x/8">Stiff toe</a></li></ul><a class="sub" href="/y/2">Toes</a>
<a class="go" href="https://other.example/x/9">away</a><i><a href="/y/1/2">older</a></i>
</body></html>"""
ALL = Selectors(
    post="div.b",
    author="u",
    date="tt",
    date_format="%d/%m/%Y %H:%M",
    text="p.w",
    quote="q",
    title="h2.t",
    next="#more a",
    id="::attr(data-n)",
    likes="em",
    permalink="a.me",
    thread_link="a.go",
    list="a.sub",
    list_next="xpath://i/a",
)


def look(text: str, selectors: Selectors, url: str = "https://heels.example/x/7") -> Found:
    """What the selectors find on a page."""
    return custom.read(Page(url=url, text=text, fetched=NOW), selectors)


def thread_of(text: str, selectors: Selectors) -> Thread:
    """The thread the selectors find."""
    (thread,) = look(text, selectors).documents
    assert isinstance(thread, Thread)
    return thread


def test_every_part_of_a_post_has_its_selector() -> None:
    """Text of several parts, quotes set apart, dates by their format, ids of an attribute."""
    thread = thread_of(THREAD, ALL)
    first, second = thread.posts
    assert thread.title == "Sore heel"
    assert [(p.id, p.author, p.written) for p in thread.posts] == [
        ("71", "ann", datetime(2020, 4, 3, 10, 11, tzinfo=UTC)),
        ("72", "bob", datetime(2020, 4, 5, 11, 12, tzinfo=UTC)),
    ]
    assert (first.likes, second.likes) == (3, None)
    assert second.text == "Mine too.\n\nStairs help."
    assert [quote.text for quote in second.quotes] == ["It hurts"]
    assert second.url == "https://heels.example/x/7"


def test_next_page_belongs_to_its_thread() -> None:
    """The link of `next` is a further piece of the same document."""
    (link,) = look(THREAD, ALL).links
    assert (link.url, link.role, link.thread) == (
        "https://heels.example/x/7/2",
        "posts",
        "https://heels.example/x/7",
    )


def test_list_yields_links_of_the_site_alone() -> None:
    """Threads, further lists, the next page; nothing of another host."""
    links = look(LIST, ALL, "https://heels.example/y/1").links
    assert [
        (link.role, link.url.removeprefix("https://heels.example"), link.title) for link in links
    ] == [
        ("thread", "/x/7", "Sore heel"),
        ("thread", "/x/8", "Stiff toe"),
        ("listing", "/y/2", "Toes"),
        ("listing", "/y/1/2", "older"),
    ]


def test_post_alone_is_enough() -> None:
    """Without more selectors a post is all its words, and its identity its date and beginning."""
    thread = thread_of(THREAD, Selectors(post="div.b"))
    assert "It hurts at dawn." in thread.posts[0].text
    assert len({post.id for post in thread.posts}) == 2


def test_engines_read_with_the_selectors_of_the_site() -> None:
    """The user's word goes before the look of the page."""
    page = Page(url="https://heels.example/x/7", text=THREAD, fetched=NOW)
    (thread,) = read(page, selectors=ALL).documents
    assert thread.source.engine == "custom"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"post": "div["}, "post is 'div\\[', which is no CSS"),
        ({"post": "div", "author": "xpath://b[["}, "author is .* which is no XPath"),
        ({"post": "div", "date": 3}, "date is 3; write a selector"),
        ({"author": "b"}, "set post, or thread_link"),
        ({"post": "div", "date_format": "d.m.Y"}, "date_format is 'd.m.Y'"),
    ],
)
def test_bad_selector_names_its_setting(wrong: dict[str, str], said: str) -> None:
    """One line says which setting it is and what to write."""
    with pytest.raises(BadSelector, match=said) as caught:
        Selectors(**wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("selectors", "said"),
    [
        (
            Selectors(post="div.gone", thread_link="a.gone"),
            r"find nothing on it \(post = 'div.gone'",
        ),
        (Selectors(post="div.b", text="p.gone"), "text = 'p.gone' finds nothing"),
        (Selectors(post="div.b", author="b.gone"), "author = 'b.gone' finds nothing"),
        (Selectors(post="div.b", date="u"), "date = 'u' finds nothing"),
    ],
)
def test_selector_that_finds_nothing_is_a_failure(selectors: Selectors, said: str) -> None:
    """A site that changed its markup is reported; it is not read as empty."""
    with pytest.raises(NothingRead, match=said):
        look(THREAD, selectors)
