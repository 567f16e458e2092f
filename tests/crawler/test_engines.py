"""Engines: saved pages in, documents and links out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from crawler.documents import Article, Thread
from crawler.engines import ENGINES, UnknownEngine, choose, engine, read
from crawler.engines.dates import moment, offset_of
from crawler.errors import CrawlerError, NothingRead
from crawler.page import Found, Page

PAGES = Path(__file__).parent / "pages"
CASES = sorted(folder.parent for folder in PAGES.glob("*/*/expected.json"))
NOW = datetime(2024, 9, 6, 12, 0, tzinfo=UTC)
FOUND = TypeAdapter(Found)


def page_of(case: Path) -> Page:
    """The saved page of a case, as if it had just been fetched from its address."""
    (saved,) = case.glob("input.*")
    url = json.loads((case / "expected.json").read_text(encoding="utf-8"))["url"]
    kind = "application/json" if saved.suffix == ".json" else "text/html"
    return Page(url=url, text=saved.read_text(encoding="utf-8"), fetched=NOW, content_type=kind)


def name_of(case: Path) -> str:
    """`engine/case`."""
    return f"{case.parent.name}/{case.name}"


def blank(text: str, url: str = "https://a.example/", kind: str = "text/html") -> Page:
    """A page of that text."""
    return Page(url=url, text=text, fetched=NOW, content_type=kind)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_page_is_read_as_expected(case: Path) -> None:
    """What an engine finds in a saved page equals what is written beside it."""
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))["found"]
    found = engine(case.parent.name).read(page_of(case))
    assert json.loads(FOUND.dump_json(found)) == expected


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_engine_is_chosen_by_the_page_alone(case: Path) -> None:
    """The page's look decides, not its address."""
    page = page_of(case)
    elsewhere = Page(
        url="https://x.example/", text=page.text, fetched=NOW, content_type=page.content_type
    )
    assert choose(elsewhere) == case.parent.name


def test_every_engine_has_cases() -> None:
    """No engine goes untested."""
    assert {case.parent.name for case in CASES} == set(ENGINES)


def test_pages_of_one_thread_share_an_address() -> None:
    """Whatever page of a topic is read, with or without a session, its document is the same."""
    page = page_of(PAGES / "phpbb" / "topic")
    urls = {
        engine("phpbb").read(blank(page.text, url)).documents[0].source.url
        for url in (
            "https://board.example/forum/viewtopic.php?t=412",
            "https://board.example/forum/viewtopic.php?f=3&t=412&start=10",
            "https://board.example/forum/viewtopic.php?p=3002&sid=0123456789abcdef#p3002",
        )
    }
    assert urls == {"https://board.example/forum/viewtopic.php?t=412"}


def test_json_and_html_of_discourse_agree_on_ids() -> None:
    """A post read from HTML and the same post read from JSON merge in the store."""
    case = PAGES / "discourse" / "crawler-layout"
    thread = engine("discourse").read(page_of(case)).documents[0]
    assert isinstance(thread, Thread)
    assert (thread.source.url, thread.posts[1].id) == ("https://hikers.example/t/78", "3")


def test_viewtopic_alone_is_not_phpbb() -> None:
    """Other boards use that address too."""
    text = '<html><body><div class="blockpost"><h2><a href="viewtopic.php?pid=3">x</a></h2>'
    assert engine("phpbb").recognises(blank(text, "https://f.example/viewtopic.php?id=3")) < 0.15


def test_chunks_hold_twenty_posts_at_most() -> None:
    """The rest of a topic is asked for as the web client asks for it."""
    rows = [{"id": n, "post_number": n, "post_type": 1, "cooked": "<p>x</p>"} for n in range(1, 21)]
    topic = {"id": 5, "post_stream": {"posts": rows, "stream": list(range(1, 66))}}
    found = engine("discourse").read(blank(json.dumps(topic), "https://d.example/t/5.json"))
    assert [link.url.count("post_ids[]=") for link in found.links] == [20, 20, 5]


def test_topic_without_stream_is_walked_by_number() -> None:
    """A topic too long to list its posts is followed from post to post."""
    rows = [{"id": n, "post_number": n, "post_type": 1, "cooked": "<p>x</p>"} for n in range(1, 21)]
    topic = {"id": 5, "posts_count": 12000, "post_stream": {"posts": rows}}
    found = engine("discourse").read(blank(json.dumps(topic), "https://d.example/t/5.json"))
    assert found.links[0].url == "https://d.example/t/5/posts.json?post_number=20&asc=true"


def test_folder_of_a_forum_is_kept() -> None:
    """A Discourse in a folder of its host stays in that folder."""
    case = PAGES / "discourse" / "latest"
    links = engine("discourse").read(page_of(case)).links
    assert all(link.url.startswith("https://hikers.example/forum/") for link in links)


def test_unknown_engine_names_the_known() -> None:
    """A mistyped engine is answered with the list."""
    with pytest.raises(UnknownEngine, match=r"discourse.*generic.*phpbb"):
        engine("fluxcapacitor")


def test_page_nobody_knows_is_an_error() -> None:
    """Plain bytes are no forum and no article."""
    with pytest.raises(NothingRead, match="no engine"):
        read(blank("GIF89a", kind="text/plain"))


@pytest.mark.parametrize(
    "text", ["", "<", "\0" * 50, "<div>" * 5000, "{" * 3000, "<a href='http://[::1'>"]
)
@pytest.mark.parametrize("name", ENGINES)
def test_hostile_page_is_no_crash_of_html_engines(name: str, text: str) -> None:
    """Broken markup yields nothing, broken JSON an error of ours, which is recorded."""
    try:
        found = engine(name).read(blank(text))
    except CrawlerError:
        return
    assert not found.documents


def test_teasers_lead_to_articles_and_stay_on_the_site() -> None:
    """A front page is no article; what it points to on its own site is."""
    found = engine("article").read(page_of(PAGES / "article" / "front-page"))
    assert [link.url for link in found.links] == [
        "https://harbour.example/advice/heel-pain/",
        "https://harbour.example/advice/sore-knees/",
    ]


def test_rows_of_links_are_no_posts() -> None:
    """A list of topics repeats names and dates as well, and says nothing."""
    row = (
        '<div class="post-row thread" id="t{n}"><div class="post-text"><a href="/t/{n}">A topic on '
        'knees</a></div><a class="user" href="/u/{n}">moss</a> <span>3 May 2021</span></div>'
    )
    text = "<html><body>" + "".join(row.format(n=n) for n in range(9)) + "</body></html>"
    assert engine("generic").recognises(blank(text)) == 0


def test_references_are_no_part_of_the_text() -> None:
    """What an article cites is kept apart from what it says."""
    article = engine("article").read(page_of(PAGES / "article" / "references")).documents[0]
    assert isinstance(article, Article)
    assert "made-up trial" not in article.text
    assert [(one.doi, one.pmid) for one in article.references] == [
        ("10.9999/jif.2020.017", None),
        (None, "99999991"),
    ]


@pytest.mark.parametrize(
    ("printed", "doi"),
    [
        ("J Made Up 2018. doi:10.9999/s01-6(18)31-9.", "10.9999/s01-6(18)31-9"),
        ("A made-up trial (https://doi.org/10.9999/ab.c1).", "10.9999/ab.c1"),
        ("A made-up trial [10.9999/AB(2)], 2019", "10.9999/ab(2)"),
    ],
)
def test_doi_of_a_reference_keeps_brackets_that_are_closed(printed: str, doi: str) -> None:
    """A bracket around a DOI is none of it, one inside is."""
    whole = (PAGES / "article" / "references" / "input.html").read_text("utf-8")
    assert "10.9999/jif.2020.017" in whole
    url = "https://harbour.example/a"
    page = blank(whole.replace("10.9999/jif.2020.017", f"see {printed}"), url)
    article = engine("article").read(page).documents[0]
    assert isinstance(article, Article)
    assert article.references[0].doi == doi


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Yesterday, 3:15 pm", "en", "2024-09-05T15:15"),
        ("Gestern um 12:11", "de", "2024-09-05T12:11"),
        ("Monday at 4:12 PM", "en-us", "2024-09-02T16:12"),
        ("2 hours ago", "en", "2024-09-06T10:00"),
        ("03/04/2020 10:11", "en-gb", "2020-04-03T10:11"),
        ("03/04/2020 10:11", "en-us", "2020-03-04T10:11"),
        ("01.03.2019", "de", "2019-03-01T00:00"),
        ("10. April 2020 um 18:23 Uhr", "de-de", "2020-04-10T18:23"),
        ("5 Juil 2018 11:20", "fr", "2018-07-05T11:20"),
        ("Fri May 08, 2009 12:05 am", "en-gb", "2009-05-08T00:05"),
        ("2017-09-14T21:29:37+0100", "", "2017-09-14T20:29"),
        ("1714586523", "", "2024-05-01T18:02"),
    ],
)
def test_date_is_read_in_the_language_of_its_page(text: str, language: str, expected: str) -> None:
    """Relative, 12 and 24 hour, day first and month first: all become UTC."""
    found = moment(text, now=NOW, language=language)
    assert found is not None
    assert found.isoformat(timespec="minutes") == f"{expected}+00:00"


@pytest.mark.parametrize("text", ["", "Posts: 21", "Developer", "January", "\u00b2" * 9])
def test_text_without_a_date_has_none(text: str) -> None:
    """A year alone or a count is not taken for a day."""
    assert moment(text, now=NOW, language="en") is None


def test_stated_zone_is_applied() -> None:
    """`All times are UTC-07:00` shifts the times of that board."""
    offset = offset_of("All times are UTC-07:00")
    found = moment("Tue Sep 03, 2024 9:41 pm", now=NOW, language="en", offset=offset)
    assert found == datetime(2024, 9, 4, 4, 41, tzinfo=UTC)


@pytest.mark.shared
def test_posts_of_real_forums_are_found(shared: Path) -> None:
    """On saved pages of phpBB, XenForo and Discourse every post is found, named and dated."""
    gold = posts = named = dated = 0
    for path in sorted((shared / "pages" / "web-forum-52").glob("*.json")):
        saved = json.loads(path.read_text(encoding="utf-8"))
        page = blank(saved["html"], saved["url"])
        name = choose(page)
        if name not in ("phpbb", "xenforo", "discourse"):
            continue
        gold += sum(1 for row in saved["gold_standard_annotation"] if row.get("post_text"))
        for thread in engine(name).read(page).documents:
            assert isinstance(thread, Thread)
            posts += len(thread.posts)
            named += sum(post.author is not None for post in thread.posts)
            dated += sum(post.written is not None for post in thread.posts)
    assert gold > 300
    assert posts == pytest.approx(gold, rel=0.02)
    assert min(named, dated) >= 0.98 * posts
