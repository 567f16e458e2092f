"""Engines of interfaces (JSON): what they find, what they ask for next, and how often."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.documents import Post, Thread
from crawler.engines import choose, engine, read
from crawler.engines.marked import own_marked
from crawler.engines.starts import start_for
from crawler.errors import NothingRead, RefusedByPolicy
from crawler.files import Request, read_file
from crawler.page import Found, Page

PAGES = Path(__file__).parent / "pages"
NOW = datetime(2024, 9, 6, 12, 0, tzinfo=UTC)


def page(data: Any, url: str) -> Page:
    """An answer, or a page where it is text."""
    text, kind = (
        (data, "text/html") if isinstance(data, str) else (json.dumps(data), "application/json")
    )
    return Page(url=url, text=text, fetched=NOW, content_type=kind)


def saved(case: str) -> Any:
    """The answer of a saved case."""
    return json.loads((PAGES / case / "input.json").read_text(encoding="utf-8"))


def urls(found: Found, role: str) -> list[str]:
    """Addresses of that role."""
    return [link.url for link in found.links if link.role == role]


def thread(found: Found) -> Thread:
    """The one thread that was found."""
    (only,) = found.documents
    assert isinstance(only, Thread)
    return only


# Discourse


def topic(stream: Sequence[int], **more: Any) -> dict[str, Any]:
    """A topic with those posts, of which it brings the first twenty."""
    rows = [
        {"id": n, "post_number": place, "post_type": 1, "cooked": "<p>x</p>", "username": "u"}
        for place, n in enumerate(stream[:20], start=1)
    ]
    return {"id": 5, "title": "T", "post_stream": {"posts": rows, "stream": list(stream)}, **more}


def chunks(stream: Sequence[int]) -> list[str]:
    """The addresses at which the rest of the topic is."""
    return urls(
        engine("discourse").read(page(topic(stream), "https://d.example/t/5.json")), "posts"
    )


IDS = tuple(range(10_007, 10_007 + 7 * 2400, 7))


def test_chunks_hold_every_post_once_in_few_requests() -> None:
    """All ids, none twice, and at most a twentieth more requests than twenties."""
    asked = [int(n) for url in chunks(IDS) for n in re.findall(r"post_ids\[\]=(\d+)", url)]
    assert asked == list(IDS[20:])
    assert len(chunks(IDS)) <= 1.05 * (len(IDS) - 20) / 20


def test_new_posts_touch_the_last_chunk_alone() -> None:
    """Addresses that were read need not be asked for again."""
    before, after = chunks(IDS), chunks([*IDS, IDS[-1] + 1])
    assert len(set(after) - set(before)) == 1
    assert len(after) - len(before) <= 1


def test_deleted_post_shifts_few_chunks_of_a_long_topic() -> None:
    """The chunks far behind it stay what they were."""
    before = set(chunks(IDS))
    shifted = [len(set(chunks([n for n in IDS if n != gone])) - before) for gone in IDS[30::97]]
    assert sum(shifted) / len(shifted) < 30
    assert max(shifted) < 0.8 * len(before)


def test_topic_without_list_is_asked_for_in_windows_that_stay() -> None:
    """Windows leave nothing out; with more posts only the last address is another."""

    def windows(highest: int) -> list[str]:
        data = topic(range(1, 21), posts_count=12_000, highest_post_number=highest)
        del data["post_stream"]["stream"]
        return urls(engine("discourse").read(page(data, "https://d.example/t/5.json")), "posts")

    starts = [int(re.findall(r"post_number=(\d+)", url)[0]) for url in windows(12_345)]
    covered = {n for start in starts for n in range(start + 1, start + 21)}
    assert covered >= set(range(21, 12_346))
    assert set(windows(12_350)) - set(windows(12_345)) == {windows(12_350)[-1]}


@pytest.mark.parametrize(
    "post",
    [
        {"post_type": 2},
        {"post_type": 3},
        {"post_type": 4},
        {"hidden": True},
        {"user_deleted": True},
        {"deleted_at": "2024-01-01T00:00:00Z"},
    ],
)
def test_what_nobody_says_any_more_is_no_post(post: dict[str, Any]) -> None:
    """Notes of moderators and the system, whispers, hidden and deleted posts are left out."""
    data = topic(range(1, 4))
    data["post_stream"]["posts"][1] |= post
    found = engine("discourse").read(page(data, "https://d.example/t/5.json"))
    assert [each.id for each in thread(found).posts] == ["1", "3"]
    assert found.gone == (() if "post_type" in post else ("https://d.example/t/5/2",))


def test_feed_goes_on_below_its_oldest_post() -> None:
    """The step to older posts is a feed as well."""
    found = engine("discourse").read(
        page(saved("discourse/feed"), "https://d.example/f/posts.json")
    )
    assert urls(found, "recent") == ["https://d.example/f/posts.json?before=9077"]
    assert {each.source.url for each in found.documents} == {
        "https://d.example/f/t/77",
        "https://d.example/f/t/81",
    }


@pytest.mark.parametrize(
    ("before", "following"),
    [("?before=900", ["https://d.example/posts.json?before=850"]), ("?before=40", []), ("", [])],
)
def test_empty_window_of_an_old_feed_is_not_its_end(before: str, following: list[str]) -> None:
    """Old sites answer windows of ids, of which some are empty."""
    url = f"https://d.example/posts.json{before}"
    found = engine("discourse").read(page({"latest_posts": []}, url))
    assert urls(found, "recent") == following


@pytest.mark.parametrize(
    ("url", "feeds"),
    [("latest.json", 1), ("latest.json?page=3", 0), ("c/knees/9.json", 0), ("tag/hip.json", 0)],
)
def test_feed_is_offered_by_the_list_of_all_topics(url: str, feeds: int) -> None:
    """A category has no feed of its own, and one offer is enough."""
    found = engine("discourse").read(page(saved("discourse/latest"), f"https://d.example/{url}"))
    assert len(urls(found, "recent")) == feeds


def test_renamed_topic_has_another_stamp() -> None:
    """A new title alone makes a topic worth a visit; the stamp holds no word of it."""
    data = saved("discourse/latest")
    before = engine("discourse").read(page(data, "https://d.example/latest.json")).links[0]
    data["topic_list"]["topics"][0]["title"] = "Hip clicks, solved"
    after = engine("discourse").read(page(data, "https://d.example/latest.json")).links[0]
    assert before.thread == after.thread
    assert before.stamp != after.stamp
    assert "solved" not in (after.stamp or "")


@pytest.mark.parametrize(
    "url",
    [
        "https://d.example/forum/t/5.json",
        "https://d.example/forum/t/knie-sp%C3%A4ter/5.json?page=2",
        "https://d.example/forum/t/2024-plans/5/18.json",
        "https://d.example/forum/t/5/posts.json?post_ids[]=1",
    ],
)
def test_topic_has_one_address_whatever_its_slug(url: str) -> None:
    """Slug, number of a post and page make no other topic."""
    found = engine("discourse").read(page(topic([1, 2]), url))
    assert thread(found).source.url == "https://d.example/forum/t/5"


def test_answer_of_another_kind_is_an_error() -> None:
    """JSON that only looks alike is not taken for an empty forum."""
    with pytest.raises(NothingRead, match="no topic"):
        engine("discourse").read(page({"errors": ['"post_stream"']}, "https://d.example/t/5.json"))


# Flarum


def test_pieces_of_a_discussion_are_all_named_by_the_first() -> None:
    """With the count known, no piece has to wait for another."""
    data = saved("flarum/posts")
    data["included"][2]["attributes"]["commentCount"] = 180
    data["data"] = [{**data["data"][0], "id": str(n)} for n in range(50)]
    found = engine("flarum").read(page(data, "https://f.example/api/posts?filter[discussion]=12"))
    assert [re.findall(r"offset\]=(\d+)", url)[0] for url in urls(found, "posts")] == [
        "50",
        "100",
        "150",
    ]


def test_forum_that_gives_fewer_posts_at_once_is_followed_step_by_step() -> None:
    """Offsets are not trusted where a piece is shorter than asked for."""
    data = saved("flarum/posts")
    data["included"][2]["attributes"]["commentCount"] = 180
    data["links"]["next"] = "https://f.example/api/posts?page%5Boffset%5D=20"
    found = engine("flarum").read(page(data, "https://f.example/api/posts?filter[discussion]=12"))
    assert urls(found, "posts") == ["https://f.example/api/posts?page[offset]=20"]


def test_page_of_flarum_is_the_same_thread_as_its_answer() -> None:
    """What the page carries for its script has the ids of the interface."""
    case = PAGES / "flarum" / "page" / "input.html"
    url = "https://club.example/board/d/12-achilles-stairs"
    shown = thread(engine("flarum").read(page(case.read_text("utf-8"), url)))
    answered = thread(engine("flarum").read(page(saved("flarum/posts"), f"{url}/../../api/posts")))
    assert shown.source.url == "https://club.example/board/d/12"
    assert [(p.id, p.text, p.author) for p in shown.posts] == [
        (p.id, p.text, p.author) for p in answered.posts
    ]


# NodeBB


def test_page_of_nodebb_needs_no_better_form() -> None:
    """It carries what the interface would answer."""
    text = (PAGES / "nodebb" / "page" / "input.html").read_text("utf-8")
    found = engine("nodebb").read(page(text, "https://walk.example/talk/topic/31/x"))
    assert thread(found).source.url == "https://walk.example/talk/topic/31"
    assert not urls(found, "better")


def test_front_page_of_nodebb_leads_to_all_topics() -> None:
    """Categories are not walked one by one: the newest of all are in one list."""
    data = {"categories": [{"cid": 1, "slug": "1/a"}], "loggedIn": False, "template": {}}
    found = engine("nodebb").read(page(data, "https://walk.example/api/categories"))
    assert urls(found, "listing") == ["https://walk.example/api/recent"]


# Lemmy


def test_pages_of_comments_follow_from_their_count() -> None:
    """Fifty to a page, none more than needed."""
    data = saved("lemmy/post")
    data["post_view"]["counts"]["comments"] = 101
    found = engine("lemmy").read(page(data, "https://l.example/api/v3/post?id=55"))
    assert [url[-6:] for url in urls(found, "posts")] == ["page=1", "page=2", "page=3"]


def test_same_name_from_another_home_is_another_member() -> None:
    """Names are unique at home only."""
    found = engine("lemmy").read(
        page(saved("lemmy/comments"), "https://lemm.example/api/v3/comment/list?post_id=55")
    )
    assert [each.author for each in thread(found).posts] == ["rush@far.example", "quill"]


# Hacker News


def test_comment_leads_to_its_story() -> None:
    """A branch alone would be taken for the whole thread."""
    data = {**saved("hackernews/item"), "type": "comment", "id": 4101, "story_id": 4100}
    found = engine("hackernews").read(page(data, "https://hn.algolia.com/api/v1/items/4101"))
    assert not found.documents
    assert urls(found, "thread") == ["https://hn.algolia.com/api/v1/items/4100"]


# Stack Exchange

API = "https://api.stackexchange.com/2.3"


def test_whole_questions_need_no_further_request() -> None:
    """Where the filter put answers and comments in, nothing else is asked for."""
    found = engine("stackexchange").read(
        page(saved("stackexchange/nested"), f"{API}/questions/640?site=moves.example&filter=!abc")
    )
    assert [each.id for each in thread(found).posts] == ["640", "645", "c9001"]
    assert not found.links


def test_backoff_pauses_the_site() -> None:
    """What the answer asks for in its body counts like a Retry-After."""
    url = f"{API}/questions/640/answers?site=moves.example"
    assert engine("stackexchange").read(page(saved("stackexchange/answers"), url)).pause == 10


def test_spent_quota_pauses_until_the_next_day() -> None:
    """Nothing is asked for before it would be answered."""
    data = {"items": [], "has_more": False, "quota_max": 300, "quota_remaining": 0}
    pause = engine("stackexchange").read(page(data, f"{API}/questions?site=x.example")).pause
    assert 12 * 3600 <= pause <= 12 * 3600 + 120


def test_refusal_in_the_body_is_an_error() -> None:
    """`throttle_violation` is no empty list."""
    data = {"error_id": 502, "error_name": "throttle_violation", "error_message": "too many"}
    with pytest.raises(NothingRead, match="too many"):
        engine("stackexchange").read(page(data, f"{API}/questions?site=x.example"))


def test_key_does_not_get_into_further_addresses() -> None:
    """Addresses are stored; a key is not."""
    url = f"{API}/questions?site=moves.example&key=SECRET&access_token=SECRET&page=1"
    found = engine("stackexchange").read(page(saved("stackexchange/questions"), url))
    assert len(found.links) == 2
    assert "SECRET" not in repr(found)


# Reddit

MORE = "https://oauth.reddit.com/api/morechildren"


def test_more_comments_are_asked_for_by_the_hundred() -> None:
    """One request names as many as may be named."""
    names = [f"c{n}" for n in range(230)]
    data = saved("reddit/comments")
    data[1]["data"]["children"][-1]["data"] |= {"count": 230, "id": "c0", "children": names}
    found = engine("reddit").read(page(data, "https://oauth.reddit.com/comments/1abcd"))
    asked = [url for url in urls(found, "posts") if "children=c" in url]
    assert [url.count(",") + 1 for url in asked] == [100, 100, 30]


@pytest.mark.parametrize("mark", ["<shreddit-app>", '<div id="siteTable">'])
def test_pages_of_reddit_are_refused_in_one_line(mark: str) -> None:
    """Never HTML: the interface with an account, or a dump."""
    text = f'<html><script src="https://www.redditstatic.com/a.js"></script>{mark}</html>'
    shown = page(text, "https://www.reddit.com/r/kneepain/")
    assert choose(shown) == "reddit"
    with pytest.raises(RefusedByPolicy, match="dump") as refused:
        read(shown)
    assert "\n" not in str(refused.value)


def test_feed_of_comments_brings_pieces_of_threads() -> None:
    """The newest comments of a subreddit are read without their threads."""
    more = saved("reddit/more")["json"]["data"]["things"]
    data = {"kind": "Listing", "data": {"after": "t1_k8", "children": more}}
    found = engine("reddit").read(page(data, "https://oauth.reddit.com/r/kneepain/comments"))
    assert [each.id for each in thread(found).posts] == ["t1_k7", "t1_k8"]
    assert urls(found, "recent") == ["https://oauth.reddit.com/r/kneepain/comments?after=t1_k8"]


def test_dump_of_reddit_and_its_interface_agree(tmp_path: Path) -> None:
    """A post imported and the same post crawled are one: thread, id, author, time, answer."""
    rows = [things["data"] for things in saved("reddit/more")["json"]["data"]["things"]]
    answered = thread(
        engine("reddit").read(page(saved("reddit/more"), f"{MORE}?link_id=t3_1abcd&children=k7"))
    )
    dump = tmp_path / "RC.jsonl"
    dump.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (imported,) = read_file(dump, Request(fetched=NOW)).documents
    assert isinstance(imported, Thread)
    assert imported.source.url == answered.source.url
    assert imported.source.site == answered.source.site

    def same(post: Post) -> tuple[Any, ...]:
        return post.id, post.text, post.author, post.written, post.reply_to, post.url

    assert [same(post) for post in imported.posts] == [same(post) for post in answered.posts]


# HyperKitty


def test_signature_of_a_mail_is_not_read() -> None:
    """Nor is the line that names whom it answers."""
    url = "https://lists.example/hyperkitty/api/list/joints@lists.example/email/BBB7/"
    (post,) = thread(engine("hyperkitty").read(page(saved("hyperkitty/email"), url))).posts
    assert post.text == "None for me, but balance work on one leg."
    assert [quote.text for quote in post.quotes] == ["Brace or none after a sprain?"]


# Addresses


@pytest.mark.parametrize(
    ("given", "start"),
    [
        (
            "https://www.reddit.com/r/kneepain",
            "https://oauth.reddit.com/r/kneepain/new?limit=100&raw_json=1",
        ),
        (
            "https://old.reddit.com/r/kneepain/comments/1abcd/knee/",
            "https://oauth.reddit.com/comments/1abcd?limit=500&sort=old&raw_json=1",
        ),
        (
            "https://news.ycombinator.com/item?id=4100",
            "https://hn.algolia.com/api/v1/items/4100",
        ),
        (
            "https://fitness.stackexchange.com/questions/tagged/hip-pain",
            f"{API}/questions?tagged=hip-pain&site=fitness.stackexchange.com&filter=withbody"
            "&order=desc&sort=activity&pagesize=100&page=1",
        ),
        (
            "https://stackoverflow.com/questions/11/x",
            f"{API}/questions/11?site=stackoverflow.com&filter=withbody",
        ),
    ],
)
def test_ordinary_address_leads_to_the_interface(given: str, start: str) -> None:
    """What a reader copies from the browser is enough."""
    assert start_for(given) == (start,)


@pytest.mark.parametrize(
    "url", ["https://forum.example/", "https://notreddit.com/r/x", "https://[::1", "", "x"]
)
def test_other_addresses_are_left_as_they_are(url: str) -> None:
    """Only hosts whose interface lives elsewhere are led there."""
    assert start_for(url) == ()


# Markdown


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("**Rest** and *ice*", "Rest and ice"),
        ("3 * 10 and 2 * 8", "3 * 10 and 2 * 8"),
        ("a [band](https://e.example/x_(y)) helped", "a band helped"),
        ("# Plan\n\n- ice\n- heat\n1. rest", "Plan\n\nice\nheat\nrest"),
        ("snake_case_name stays", "snake_case_name stays"),
        (r"\*not\* marked", "*not* marked"),
        ("before\n\n```\ncode\n```\nafter", "before\n\n[code]\n\nafter"),
        ("&gt;!hidden!&lt; word", "hidden word"),
        ("![scan](https://e.example/a.png)", ""),
    ],
)
def test_markdown_is_read_as_it_is_shown(source: str, text: str) -> None:
    """Marks go, words stay."""
    assert own_marked(source) == (text, ())


def test_quoted_lines_of_markdown_are_set_apart() -> None:
    """They are another's words."""
    text, quotes = own_marked("&gt; you *must* rest\n\nI kept walking.")
    assert text == "I kept walking."
    assert [quote.text for quote in quotes] == ["you must rest"]


# Real answers


@pytest.mark.shared
def test_every_post_of_real_topics_is_found(shared: Path) -> None:
    """Each regular post of saved topics is read, named and dated; but for pictures it has words."""
    posts = words = 0
    for path in sorted((shared / "pages" / "discourse-topics").glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        found = thread(read(page(data, f"https://d.example/t/{data['id']}.json")))
        said = {
            str(row["post_number"])
            for row in data["post_stream"]["posts"]
            if row["post_type"] == 1 and not row.get("hidden") and not row.get("user_deleted")
        }
        assert {post.id for post in found.posts} == said
        assert all(post.author and post.written for post in found.posts)
        posts += len(found.posts)
        words += sum(bool(post.text or post.quotes) for post in found.posts)
    assert posts > 1700
    assert words > 0.99 * posts
