"""Unknown forums: the shapes of many programs, each holding the same five invented posts."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crawler.documents import Post, Thread
from crawler.engines import choose, generic
from crawler.engines.generic.patterns import DATE
from crawler.page import Found, Page

SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.html"))
NOW = datetime(2024, 1, 1, tzinfo=UTC)
URL = "https://tumblers.example/forum/sore-wrist"
SAID = [
    (
        "handstander",
        3,
        [
            "I fell on my left hand in May and the wrist still aches whenever I load it.",
            "Has anyone come back from this? I can push on a fist but not on a flat palm, and"
            " mornings are the worst of all.",
        ],
    ),
    (
        "Old Oak",
        4,
        [
            "Same here. What helped me was six weeks of splint at night, and then slow loading with"
            " a rice bucket."
        ],
    ),
    ("handstander", 3, ["Thanks!"]),
    (
        "Marie-Lou",
        5,
        [
            "Get an X-ray of the scaphoid before anything else, those are missed all the time on"
            " the first visit.",
            "Mine was found after three months. I wore a cast for eight weeks and it healed well."
            " Since then I do wrist push-ups on my knuckles, and I tape it for floor work.",
            "Good luck to you.",
        ],
    ),
    (
        "pikejump",
        6,
        [
            "The doctor told me to rest it completely, which made it stiff; moving it in warm water"
            " was the better idea."
        ],
    ),
]
WITHOUT_MARKS = {"definition-list", "yabb"}
"""Shapes whose posts carry nothing that tells them apart over pages."""


def filled(shape: Path) -> str:
    """A page of that shape; the opening post stands apart where the shape has a place for it."""
    rows = [
        {
            "n": n,
            "id": 4000 + 7 * n,
            "uid": uid,
            "name": name,
            "alt": 1 + n % 2,
            "when": datetime(2019, 4, 3 + n, 8 + n, 15 + n, tzinfo=UTC),
            "body": "".join(f"<p>{p}</p>" for p in said),
            "flat": "<br><br>".join(said),
            "start": " ".join(said[0].split()[:4]),
            "ms": int(datetime(2019, 4, 3 + n, 8 + n, 15 + n, tzinfo=UTC).timestamp() * 1000),
        }
        for n, (name, uid, said) in enumerate(SAID, start=1)
    ]
    head, rest = shape.read_text(encoding="utf-8").split("<!-- post -->")
    post, foot = rest.split("<!-- /post -->")
    answers = rows[1:] if "{first[" in head else rows
    if "<!-- nest -->" in post:
        middle = ""
        for row in reversed(answers):
            middle = post.format(**row).replace("<!-- nest -->", middle)
    else:
        middle = "".join(post.format(**row) for row in answers)
    return head.format(first=rows[0]) + middle + foot.format(first=rows[0])


def read(text: str, url: str = URL) -> Found:
    """What the engine finds in a page of that text."""
    return generic.read(Page(url=url, text=text, fetched=NOW))


def posts_of(text: str, url: str = URL) -> tuple[Post, ...]:
    """The posts of a page that holds one thread."""
    (thread,) = read(text, url).documents
    assert isinstance(thread, Thread)
    return thread.posts


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_posts_are_found_whatever_the_program(shape: Path) -> None:
    """Text, writer and day of every post, with no signature, join date or rank among them."""
    posts = posts_of(filled(shape))
    assert [post.text for post in posts] == ["\n\n".join(said) for _, _, said in SAID]
    assert [post.author for post in posts] == [name for name, _, _ in SAID]
    days = [date(2019, 4, 3 + n) for n in range(1, 6)]
    assert [post.written and post.written.date() for post in posts] == days


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_ids_are_the_marks_of_the_page(shape: Path) -> None:
    """Ids come from anchors, attributes and links, never from the place on the page."""
    ids = [post.id for post in posts_of(filled(shape))]
    own = [str(4000 + 7 * n) for n in range(1, 6)]
    assert len(set(ids)) == 5
    if shape.stem in WITHOUT_MARKS:
        assert not set(ids) & {"1", "2", "3", "4", "5"}
    else:
        assert ids[1:] == own[1:]
        assert ids[0] in (own[0], "opening")


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_thread_has_its_title_and_the_page_counts_as_a_forum(shape: Path) -> None:
    """The heading of the page, without the name of the site."""
    page = Page(url=URL, text=filled(shape), fetched=NOW)
    (thread,) = generic.read(page).documents
    assert isinstance(thread, Thread)
    assert re.sub(r"^.*View topic - |^Paddlers - | - Paddlers Forums$", "", thread.title) == (
        "Sore wrist after falls"
    )
    assert generic.recognises(page) > 0.5


def test_answers_name_the_post_they_stand_under() -> None:
    """Nesting tells who answers whom; direct answers to the opening name nobody."""
    (nested,) = (shape for shape in SHAPES if shape.stem == "nested")
    posts = posts_of(filled(nested))
    assert [post.reply_to for post in posts] == [None, None, "4014", "4021", "4028"]


def forum(rows: str, head: str = "") -> str:
    """A page of an invented board."""
    return f"<html lang='en'><head><title>Wrists</title></head><body>{head}<h1>Wrists</h1>{rows}"


def post(n: int, words: str, name: str = "", after: str = "") -> str:
    """A post of an invented board."""
    return (
        f"<div class='entry' id='e{n}'><a class='who' href='/user/u{n}'>{name or f'member {n}'}</a>"
        f" <time datetime='2020-03-{n:02}T10:00:00Z'>March {n}</time>"
        f"<div class='entry-text'>{words}</div>{after}</div>"
    )


def test_quotes_become_edges_and_notes_of_edits_dates() -> None:
    """Words of another are no one's own; a changed post says when."""
    quote = "<blockquote>member 1 wrote: It clicks. <a href='#e1'>up</a></blockquote>"
    note = "<p class='note'>Last edited on March 9, 2020</p>"
    page = forum(post(1, "It clicks.") + post(2, quote + "Mine clicked too.", after=note))
    first, second = posts_of(page)
    assert (first.quotes, second.text) == ((), "Mine clicked too.")
    assert (second.quotes[0].author, second.quotes[0].post) == ("member 1", "1")
    assert second.edited == datetime(2020, 3, 9, tzinfo=UTC)
    assert first.edited is None


def test_likes_are_counted_where_posts_show_them() -> None:
    """A number named as one of likes; the writer's own score is another thing."""
    likes = (
        "<span class='like-count'>{}</span><div class='user-stats'><i class='likes'>99</i></div>"
    )
    said = {3: "Ice it after every session.", 4: "No ice for me.", 5: "Tape, rest, and sleep."}
    page = forum("".join(post(n, words, after=likes.format(n)) for n, words in said.items()))
    assert [one.likes for one in posts_of(page)] == [3, 4, 5]


def test_days_come_first_where_the_dates_show_it() -> None:
    """`25/12` makes `03/04` of the same page the third of April, whatever the language says."""
    rows = "".join(
        f"<div class='entry' id='e{n}'><b class='author'>{name}</b> <i class='date'>{day}</i>"
        f"<div class='entry-text'>These are words of {name}.</div></div>"
        for n, name, day in ((7, "ann", "03/04/2020"), (9, "bob", "25/12/2020"))
    )
    assert [one.written and one.written.month for one in posts_of(forum(rows))] == [4, 12]


def test_all_pages_of_a_thread_share_its_address() -> None:
    """Page, sorting and anchor are no part of it; the next page leads on and keeps the thread."""
    rows = "".join(post(n, f"These are the words of post {n}.") for n in (1, 2, 3))
    pager = (
        "<div class='pager'><a href='/forum/t-5?page=1'>1</a> <b>2</b>"
        " <a href='/forum/t-5?page=3'>3</a></div>"
    )
    found = read(forum(rows + pager), "https://tumblers.example/forum/t-5?page=2&sort=new")
    (thread,) = found.documents
    assert thread.source.url == "https://tumblers.example/forum/t-5"
    assert [(link.url, link.role, link.thread) for link in found.links] == [
        ("https://tumblers.example/forum/t-5?page=3", "posts", thread.source.url)
    ]
    assert isinstance(thread, Thread)
    assert thread.posts[0].number == 4


def test_next_thread_is_no_next_page() -> None:
    """`Next topic` leads away."""
    rows = "".join(post(n, f"These are the words of post {n}.") for n in (1, 2, 3))
    page = forum(rows + "<div class='pager'><a class='next' href='/forum/t-6'>Next topic</a></div>")
    assert read(page, "https://tumblers.example/forum/t-5").links == ()


LIST = "".join(
    f"<tr class='{'sticky' if n == 1 else ''}'><td><a href='/forum/topic/{n}-{slug}'>{title}</a>"
    f" by <a href='/user/u{n}'>member {n}</a></td><td class='replies'>{n + 3}</td>"
    f"<td class='views'>{n * 211}</td><td>May {n + 2}, 2020, 10:0{n}"
    " <a href='/user/u9'>nine</a></td></tr>"
    for n, (slug, title) in enumerate(
        [
            ("sore-wrist", "Sore wrist after falls"),
            ("tape", "Which tape holds best"),
            ("elbow", "Elbow hurts in handstands"),
            ("splint", "Night splint: yes or no"),
        ],
        start=1,
    )
)


def test_list_yields_threads_with_their_state() -> None:
    """Replies and the last date make the stamp; views do not, and members are not followed."""
    page = forum(f"<table>{LIST}</table><a rel='next' href='/forum/wrists?page=2'>Next</a>")
    found = read(page, "https://tumblers.example/forum/wrists")
    assert found.documents == ()
    threads = [link for link in found.links if link.role == "thread"]
    assert [link.title for link in threads] == [
        "Sore wrist after falls",
        "Which tape holds best",
        "Elbow hurts in handstands",
        "Night splint: yes or no",
    ]
    assert threads[1].stamp == "5|May 4, 2020, 10:02"
    assert threads[1].active == datetime(2020, 5, 4, 10, 2, tzinfo=UTC)
    assert [link.pinned for link in threads] == [True, False, False, False]
    assert [link.url for link in found.links if link.role == "listing"] == [
        "https://tumblers.example/forum/wrists?page=2"
    ]


def test_stamp_does_not_follow_the_views() -> None:
    """A thread that was only looked at need not be read again."""
    page = forum(f"<table>{LIST}</table>")
    later = page.replace("<td class='views'>422<", "<td class='views'>9422<")
    assert page != later
    assert [link.stamp for link in read(page).links] == [link.stamp for link in read(later).links]


def test_front_page_yields_boards_and_no_posts() -> None:
    """Names of boards with counts and the last writer repeat, but they say nothing."""
    rows = "".join(
        f"<div class='board-row'><h3><a href='/board/{slug}'>{slug.title()}</a></h3><p>All about"
        f" {slug} and what is done for them.</p><div class='num'>{n * 31} topics</div>"
        f"<div class='last'>Re: {slug} by <a class='user' href='/user/u{n}'>member {n}</a>"
        f" <span class='date'>May {n}, 2020 10:11</span></div></div>"
        for n, slug in enumerate(("wrists", "elbows", "shoulders", "ankles"), start=1)
    )
    found = read(forum(rows), "https://tumblers.example/")
    assert found.documents == ()
    assert [(link.role, link.url.rpartition("/")[2]) for link in found.links] == [
        ("listing", "wrists"),
        ("listing", "elbows"),
        ("listing", "shoulders"),
        ("listing", "ankles"),
    ]


def test_extracts_on_a_front_page_are_no_posts() -> None:
    """Blocks under a title of their own that leads elsewhere are extracts, not answers."""
    rows = "".join(
        f"<div class='post'><h2><a href='/2020/0{n}/{slug}'>{slug.replace('-', ' ')}</a></h2>"
        f"<span class='author'>writer {n}</span> <time datetime='2020-0{n}-01T08:00:00Z'>x</time>"
        f"<div class='post-excerpt-text'>How {slug} came about, and what to do then.</div></div>"
        for n, slug in enumerate(("a-sore-heel", "the-long-winter", "on-taping-well"), start=1)
    )
    assert read(forum(rows), "https://tumblers.example/").documents == ()


def test_discussion_stated_as_data_is_read() -> None:
    """A page drawn by a script may state its posts; answers to answers name them."""
    person = {"@type": "Person", "name": "handstander"}
    data = {
        "@context": "https://schema.org",
        "@type": "DiscussionForumPosting",
        "url": "https://tumblers.example/p/50",
        "author": person,
        "datePublished": "2021-05-01T10:00:00Z",
        "text": "Does a splint help?",
        "comment": [
            {
                "@type": "Comment",
                "@id": "https://tumblers.example/p/51",
                "author": {"@type": "Person", "name": "Old Oak"},
                "datePublished": "2021-05-02T10:00:00Z",
                "text": "<p>It did for me.</p>",
                "comment": {"@type": "Comment", "text": "Thank you.", "author": person},
            }
        ],
    }
    script = f"<script type='application/ld+json'>{json.dumps(data)}</script>"
    posts = posts_of(forum("<div id='app'></div>", script))
    assert [(one.id, one.author, one.text, one.reply_to) for one in posts] == [
        ("50", "handstander", "Does a splint help?", None),
        ("51", "Old Oak", "It did for me.", None),
        ("p3", "handstander", "Thank you.", "51"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "<html></html>",
        "<div>" * 3000,
        "<p>" + "a " * 50_000,
        "<a href='http://[",
    ],
)
def test_odd_markup_is_no_forum(text: str) -> None:
    """Nothing is found and nothing fails."""
    assert read(text).documents == ()


@pytest.mark.shared
def test_posts_of_real_forums_are_found_without_their_engines(shared: Path) -> None:
    """With every engine of known software switched off nine of ten posts are read and dated."""
    gold = posts = named = dated = 0
    for path in sorted((shared / "pages" / "web-forum-52").glob("*.json"))[::4]:
        saved = json.loads(path.read_text(encoding="utf-8"))
        rows = saved["gold_standard_annotation"]
        gold += sum(1 for row in rows if row.get("post_text"))
        for thread in read(saved["html"], saved["url"]).documents:
            assert isinstance(thread, Thread)
            posts += len(thread.posts)
            named += sum(one.author is not None for one in thread.posts)
            dated += sum(one.written is not None for one in thread.posts)
    assert gold > 100
    assert posts == pytest.approx(gold, rel=0.1)
    assert min(named, dated) >= 0.95 * posts


THREAD_URL = "https://tumblers.example/forum/topic/4007-sore-wrist"


@pytest.mark.parametrize("program", ["bbpress", "discuz", "kunena", "misago", "woltlab"])
def test_thread_without_answers_is_read(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """One post alone, whose head may look like the head of the table, is the thread."""
    monkeypatch.setitem(globals(), "SAID", SAID[:1])
    shape = next(shape for shape in SHAPES if shape.stem == program)
    (only,) = posts_of(filled(shape), THREAD_URL)
    assert only.text == "\n\n".join(SAID[0][2])
    assert (only.author, only.written and only.written.date()) == ("handstander", date(2019, 4, 4))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_no_engine_of_other_software_claims_a_shape(shape: Path) -> None:
    """The names of classes of one program are parts of those of another."""
    known = "phpbb" if shape.stem == "phpbb2" else "generic"
    assert choose(Page(url=THREAD_URL, text=filled(shape), fetched=NOW)) == known


def test_front_page_and_what_buyers_say_are_no_threads() -> None:
    """Names, dates and words alone make no forum."""
    rows = "".join(
        f"<div class='entry' id='e{n}'><a class='author' href='/user/{n}'>{name}</a>"
        f" <i class='date'>2020-0{n}-11</i><div class='entry-text'>{said}</div></div>"
        for n, name, said in (
            (3, "ann", "The splint fits well and did not slip at night."),
            (4, "bob", "Came late, and the strap tore in a week of use."),
            (5, "cyd", "I bought two of them for my wrists, both are good."),
        )
    )
    page = f"<html><head><title>Splint</title></head><body>{rows}</body></html>"
    goods = page.replace("<body>", "<body><div itemtype='https://schema.org/Product'></div>")
    assert len(posts_of(page, "https://shop.example/item/9")) == 3
    assert read(page, "https://shop.example/").documents == ()
    sold = Page(url="https://shop.example/item/9", text=goods, fetched=NOW)
    assert generic.recognises(sold) == 0.0


def test_list_in_a_forum_goes_before_the_article_it_says_it_is() -> None:
    """Plugins mark every page of a site as an article."""
    meta = "<meta property='og:type' content='article'>"
    page = forum(f"<table>{LIST}</table>").replace(
        "<head>", f"<head>{meta.replace(chr(39), chr(34))}"
    )
    assert choose(Page(url="https://a.example/foorumi/ranne", text=page, fetched=NOW)) == "generic"


def test_pager_that_counts_from_nought_numbers_the_posts() -> None:
    """`?page=1` is the second page where the pager says so."""
    rows = "".join(post(n, f"These are the words of post {n}.") for n in (1, 2, 3))
    pager = (
        "<div class='pager'><a href='/forum/t-5'>1</a> <b>2</b>"
        " <a href='/forum/t-5?page=2'>3</a></div>"
    )
    first = posts_of(forum(rows + pager), "https://tumblers.example/forum/t-5?page=1")[0]
    assert first.number == 4


def test_space_after_a_number_costs_no_time() -> None:
    """A pattern that tries every part of a long gap would not end."""
    assert DATE.search("12" + " \n-" * 20_000 + "x") is None
