"""The Discourse replica answers as Discourse does: lists, chunks, redirects, refusals, search."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.robotparser import RobotFileParser

import pytest
from parsel import Selector

from crawler.errors import CrawlerError
from crawler.replica import changes
from crawler.replica.answer import Answer, Ask
from crawler.replica.content import Forum, Message, Setup
from crawler.replica.discourse import respond
from crawler.replica.invented import invented
from crawler.replica.topics import read_topics

BASE = "http://127.0.0.1:1"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130 Safari/537.36"
FORUM = invented(95, 700, seed=4)
LONG = max(FORUM.topics, key=lambda topic: len(topic.messages))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ask(target: str, forum: Forum = FORUM, agent: str = "") -> Answer:
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    return respond(forum, Ask(path=parts.path, query=query, base=BASE, agent=agent))


def read(target: str, forum: Forum = FORUM) -> Any:
    answer = ask(target, forum)
    assert answer.status == 200, (target, answer.status, answer.headers)
    return json.loads(answer.body)


def listed(forum: Forum, home: str = "/latest") -> list[list[int]]:
    """Ids of the topics of each page of a list, as its own links lead."""
    pages, target = [], f"{home}.json"
    while target:
        data = read(target, forum)["topic_list"]
        pages.append([topic["id"] for topic in data["topics"]])
        following = data.get("more_topics_url") or ""
        path, _, query = following.partition("?")
        target = f"{path}.json?{query}" if following else ""
    return pages


def every(pages: list[list[int]]) -> list[int]:
    return [number for page in pages for number in page]


# Lists


def test_lists_have_thirty_topics_a_page_each_once() -> None:
    """Every topic is listed once; the page that is not full names no next one."""
    pages = listed(FORUM)
    assert [len(page) for page in pages] == [30, 30, 30, 5]
    assert sorted(every(pages)) == sorted(topic.id for topic in FORUM.topics)


def test_a_full_last_page_names_a_next_one_that_is_empty() -> None:
    """Discourse tells by the size of the page, not by what is left."""
    sixty = replace(FORUM, topics=FORUM.topics[:60])
    assert [len(page) for page in listed(sixty)] == [30, 30, 0]
    assert read("/latest.json?page=99")["topic_list"]["topics"] == []


def test_pinned_topics_come_first_and_only_once() -> None:
    """A pinned topic of long ago stands at the head of page 0 and is not repeated."""
    old = replace(FORUM.topics[0], pinned=True)
    forum = replace(FORUM, topics=(old, *FORUM.topics[1:]))
    pages = listed(forum)
    assert pages[0][0] == old.id
    assert sum(page.count(old.id) for page in pages) == 1
    row = read("/latest.json", forum)["topic_list"]["topics"][0]
    assert (row["pinned"], bool(row["excerpt"])) == (True, True)


def test_lists_can_be_walked_in_the_order_of_creation() -> None:
    """`order=created&ascending=true` starts with the oldest topic and keeps to it over pages."""
    query = "order=created&ascending=true"
    rows = read(f"/latest.json?{query}")["topic_list"]
    assert rows["topics"][0]["id"] == FORUM.topics[0].id
    assert "order=created" in rows["more_topics_url"]


def test_categories_and_tags_list_their_own_topics() -> None:
    """Each category page holds what the counts say; a wrong slug leads to the right one."""
    rows = read("/categories.json")["category_list"]["categories"]
    assert sum(row["topic_count"] for row in rows) == len(FORUM.topics)
    for row in rows:
        home = f"/c/{row['slug']}/{row['id']}"
        assert len(every(listed(FORUM, home))) == row["topic_count"]
    assert "parent_category_id" not in rows[0]
    moved = ask(f"/c/other/{rows[0]['id']}.json")
    assert (moved.status, moved.headers["Location"]) == (
        301,
        f"{BASE}/c/{rows[0]['slug']}/{rows[0]['id']}.json",
    )
    tags = {row["id"]: row["count"] for row in read("/tags.json")["tags"]}
    assert {tag: len(every(listed(FORUM, f"/tag/{tag}"))) for tag in tags} == tags


# Topics


def test_a_topic_comes_in_chunks_of_twenty_with_all_ids() -> None:
    """The first page lists every id; the rest comes by id, each post once."""
    data = read(f"/t/{LONG.id}.json")
    stream = data["post_stream"]["stream"]
    got = [post["id"] for post in data["post_stream"]["posts"]]
    assert (len(got), data["chunk_size"]) == (20, 20)
    for start in range(20, len(stream), 20):
        query = "&".join(f"post_ids[]={number}" for number in stream[start : start + 20])
        rest = read(f"/t/{LONG.id}/posts.json?{query}")
        got += [post["id"] for post in rest["post_stream"]["posts"]]
    assert got == stream == list(LONG.stream)


def test_ids_of_other_topics_are_not_given() -> None:
    """Asked for posts of another topic, a topic answers with none of them."""
    other = FORUM.topics[0]
    assert LONG.id != other.id
    data = read(f"/t/{LONG.id}/posts.json?post_ids[]={other.stream[0]}")
    assert data["post_stream"]["posts"] == []


def test_a_page_past_the_end_leads_to_the_last() -> None:
    """301, with the page in the address only where it is not the first."""
    last = -(-len(LONG.messages) // 20)
    moved = ask(f"/t/{LONG.id}.json?page={last + 7}")
    home = f"{BASE}/t/{LONG.slug}/{LONG.id}"
    assert (moved.status, moved.headers["Location"]) == (301, f"{home}.json?page={last}")
    assert ask(f"/t/{LONG.slug}/{LONG.id}?page=99").headers["Location"] == f"{home}?page={last}"
    short = next(topic for topic in FORUM.topics if len(topic.messages) < 20)
    moved = ask(f"/t/{short.id}.json?page=2")
    assert moved.headers["Location"] == f"{BASE}/t/{short.slug}/{short.id}.json"


def test_wrong_and_missing_slugs_lead_to_the_right_ones() -> None:
    """301 with page and post kept; JSON without a slug is an address of its own."""
    home = f"{BASE}/t/{LONG.slug}/{LONG.id}"
    for target, location in {
        f"/t/old-name/{LONG.id}.json?page=2&x=1": f"{home}.json?page=2",
        f"/t/-/{LONG.id}": home,
        f"/t/{LONG.id}": home,
        f"/t/old-name/{LONG.id}/7": f"{home}/7",
        f"/t/{LONG.slug}": home,
        f"/t/{LONG.slug}.json": f"{home}.json",
    }.items():
        moved = ask(target)
        assert (target, moved.status, moved.headers.get("Location")) == (target, 301, location)
    assert ask(f"/t/{LONG.id}.json").status == 200


def test_an_address_of_a_post_shows_it_with_its_neighbours() -> None:
    """Five posts before it and a full page; at the end a full page too."""
    posts = read(f"/t/{LONG.id}/33.json")["post_stream"]["posts"]
    assert [posts[0]["post_number"], posts[-1]["post_number"]] == [28, 47]
    end = len(LONG.messages)
    posts = read(f"/t/{LONG.id}/{end}.json")["post_stream"]["posts"]
    assert [posts[0]["post_number"], posts[-1]["post_number"]] == [end - 19, end]


def test_posts_after_and_before_a_number() -> None:
    """Without ids: twenty after the number, or before it with the latest first."""
    numbers = lambda query: [  # noqa: E731
        post["post_number"]
        for post in read(f"/t/{LONG.id}/posts.json?{query}")["post_stream"]["posts"]
    ]
    assert numbers("post_number=5&asc=true") == list(range(6, 26))
    assert numbers("post_number=25") == list(range(24, 4, -1))
    assert read(f"/t/{LONG.id}/post_ids.json?post_number=0")["post_ids"] == list(LONG.stream)


def test_mega_topics_list_no_ids() -> None:
    """They name the first and the last, and are walked by number."""
    forum = replace(FORUM, setup=Setup(mega=40))
    stream = read(f"/t/{LONG.id}.json", forum)["post_stream"]
    assert (stream["isMegaTopic"], stream["lastId"]) == (True, LONG.last.id)
    assert "stream" not in stream
    short = next(topic for topic in FORUM.topics if len(topic.messages) < 40)
    assert "stream" in read(f"/t/{short.id}.json", forum)["post_stream"]


# What is gone or closed


def test_deleted_and_private_topics_are_404_or_in_detail_410_and_403() -> None:
    """Without `detailed_404` nothing is told apart; JSON errors carry their type."""
    one, two = FORUM.topics[3].id, FORUM.topics[4].id
    forum = changes.remove(changes.remove(FORUM, one), two, private=True)
    known = {number: ask(f"/t/{number}.json", forum) for number in (one, two, 999_999)}
    assert {answer.status for answer in known.values()} == {404}
    detailed = replace(forum, setup=Setup(detailed_404=True))
    found = {number: ask(f"/t/{number}.json", detailed) for number in (one, two, 999_999)}
    assert [answer.status for answer in found.values()] == [410, 403, 404]
    data = json.loads(found[two].body)
    assert (data["error_type"], "extras" in data) == ("invalid_access", True)
    assert one not in every(listed(forum))
    assert ask(f"/t/{FORUM.topics[3].slug}/{one}", detailed).status == 410


def test_unlisted_topics_answer_but_ask_not_to_be_indexed() -> None:
    """In no list and no feed, at their own address with X-Robots-Tag."""
    topic = FORUM.topics[-1]
    forum = changes.unlist(FORUM, topic.id)
    assert topic.id not in every(listed(forum))
    for target in (f"/t/{topic.id}.json", f"/t/{topic.slug}/{topic.id}"):
        assert ask(target, forum).headers["X-Robots-Tag"] == "noindex"
    assert {row["topic_id"] for row in read("/posts.json", forum)["latest_posts"]} & {
        topic.id
    } == set()


def test_a_site_for_members_only_says_so() -> None:
    """403 in JSON, the way to the login for pages."""
    forum = replace(FORUM, setup=Setup(login_required=True))
    answer = ask("/latest.json", forum)
    assert (answer.status, json.loads(answer.body)["error_type"]) == (403, "not_logged_in")
    assert ask("/", forum).headers["Location"] == f"{BASE}/login"
    assert 'type="password"' in ask("/login", forum).body
    assert ask("/robots.txt", forum).status == 200


# Posts of the whole forum


def test_the_feed_gives_fifty_posts_newest_first() -> None:
    """Walked down by id it holds every post that is shown, with the time of its last edit."""
    hidden = FORUM.topics[7].stream[0]
    forum = changes.hide(FORUM, hidden)
    got: list[int] = []
    before = 0
    while rows := read(f"/posts.json?before={before}" if before else "/posts.json", forum)[
        "latest_posts"
    ]:
        assert len(rows) <= 50
        got += [row["id"] for row in rows]
        before = rows[-1]["id"]
    assert got == sorted(set(forum.homes) - {hidden}, reverse=True)
    assert {"raw", "cooked", "updated_at", "topic_title", "version"} <= rows_of(forum)[0].keys()


def rows_of(forum: Forum) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read("/posts.json", forum)["latest_posts"]
    return rows


def test_old_feeds_can_be_empty_in_the_middle() -> None:
    """A window of ids that were all deleted holds nothing, while older posts exist."""
    forum = replace(FORUM, setup=Setup(old_feed=True))
    topics = [
        replace(topic, messages=tuple(m for m in topic.messages if not 400 < m.id <= 500))
        for topic in forum.topics
    ]
    forum = replace(forum, topics=tuple(topic for topic in topics if topic.messages))
    assert read("/posts.json?before=450", forum)["latest_posts"] == []
    assert read("/posts.json?before=400", forum)["latest_posts"]


def test_hidden_posts_keep_their_place_without_their_words() -> None:
    """`hidden` is told, the words are not, nor at the post's own address."""
    number = LONG.stream[1]
    forum = changes.hide(FORUM, number)
    row = read(f"/t/{LONG.id}.json", forum)["post_stream"]["posts"][1]
    assert (row["id"], row["hidden"], row["cooked_hidden"]) == (number, True, True)
    words = LONG.messages[1].text.splitlines()[0]
    assert words not in row["cooked"]
    assert words not in ask(f"/posts/{number}.json", forum).body


def test_short_links_and_source_text() -> None:
    """`/p/ID` leads to the post; `/raw/ID` gives a hundred posts a page."""
    number = LONG.stream[6]
    assert ask(f"/p/{number}").headers["Location"] == f"{BASE}/t/{LONG.slug}/{LONG.id}/7"
    text = ask(f"/raw/{LONG.id}").body
    assert text.count("-------------------------") == min(100, len(LONG.messages))


# Search


@pytest.mark.parametrize(
    ("query", "status"),
    [("q=kn", 400), ("q=knee&page=11", 400), ("q=knee&page=x", 400), ("q=knee&page=10", 200)],
)
def test_search_has_limits(query: str, status: int) -> None:
    """Terms of three letters and ten pages; every answer asks not to be indexed."""
    answer = ask(f"/search.json?{query}")
    assert (answer.status, answer.headers["X-Robots-Tag"]) == (status, "noindex")


def test_search_finds_topics_by_all_words() -> None:
    """One post of each topic that has all the words."""
    word = LONG.title.split()[-1].strip("()")
    data = read(f"/search.json?q={word}+diary")
    assert LONG.id in [topic["id"] for topic in data["topics"]]
    assert data["grouped_search_result"]["term"] == f"{word} diary"


# Rules and layouts


def rules(forum: Forum) -> RobotFileParser:
    parser = RobotFileParser()
    parser.parse(ask("/robots.txt", forum).body.splitlines())
    return parser


def test_robots_text_is_the_one_discourse_writes() -> None:
    """Search and accounts are closed, topics and lists are open."""
    parser = rules(FORUM)
    for path, allowed in {
        "/latest.json": True,
        f"/t/{LONG.id}.json": True,
        "/posts.json": True,
        "/search.json?q=knee": False,
        "/admin/": False,
        "/my/summary": False,
    }.items():
        assert (path, parser.can_fetch("folkgrade", f"{BASE}{path}")) == (path, allowed)
    assert parser.crawl_delay("folkgrade") is None


def test_robots_text_can_ask_for_a_delay_or_close_the_site() -> None:
    """Crawl-delay for everybody; without indexing nothing is open."""
    assert rules(replace(FORUM, setup=Setup(crawl_delay=3))).crawl_delay("folkgrade") == 3
    closed = rules(replace(FORUM, setup=Setup(indexed=False)))
    assert not closed.can_fetch("folkgrade", f"{BASE}/latest.json")


def test_a_forum_in_a_folder_keeps_to_it() -> None:
    """Its addresses carry the folder, its rules lie at the root of the host."""
    forum = replace(FORUM, setup=Setup(folder="/community"))
    assert ask("/latest.json", forum).status == 404
    data = read("/community/latest.json", forum)["topic_list"]
    assert data["more_topics_url"].startswith("/community/latest?")
    moved = ask(f"/community/t/x/{LONG.id}.json", forum)
    assert moved.headers["Location"] == f"{BASE}/community/t/{LONG.slug}/{LONG.id}.json"
    assert "Disallow: /community/search\n" in ask("/robots.txt", forum).body
    front = Selector(ask("/community/", forum).body)
    assert front.css("a.raw-topic-link::attr(href)").get("").startswith(f"{BASE}/community/t/")


@pytest.mark.parametrize("agent", ["folkgrade/0.1", BROWSER])
def test_pages_hold_the_posts_for_readers_without_scripts(agent: str) -> None:
    """Crawlers get the plain layout; browsers have it in `noscript`, and the JSON beside."""
    page = Selector(ask(f"/t/{LONG.slug}/{LONG.id}?page=2", agent=agent).body)
    inside = page.css("noscript") if agent == BROWSER else page
    numbers = inside.css(".crawler-post [itemprop=position]::text").getall()
    assert numbers == [str(n) for n in range(21, 41)]
    assert page.css("nav.crawler-nav a")
    preloaded = page.css("#data-preloaded::attr(data-preloaded)").get()
    assert bool(preloaded) == (agent == BROWSER)
    if preloaded:
        data = json.loads(json.loads(preloaded)[f"topic_{LONG.id}"])
        assert data["post_stream"]["posts"][0]["post_number"] == 21


# A folder of topics


def saved(folder: Path) -> Path:
    """Two topics as a server gave them, one with an odd row."""
    for topic in (LONG, FORUM.topics[0]):
        data = read(f"/t/{topic.id}.json")
        rows = [read(f"/posts/{number}.json") for number in topic.stream]
        data["post_stream"]["posts"] = [{**row, "flair_name": "regular"} for row in rows]
        (folder / f"{topic.slug}.{topic.id}.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def test_a_folder_of_topics_is_served_as_it_was_saved(tmp_path: Path) -> None:
    """Chunked anew, with every post, its HTML, author, dates and further fields."""
    forum = read_topics(saved(tmp_path))
    former = read(f"/t/{LONG.id}.json")
    again = read(f"/t/{LONG.id}.json", forum)
    assert again["post_stream"]["stream"] == former["post_stream"]["stream"]
    for one, other in zip(
        former["post_stream"]["posts"], again["post_stream"]["posts"], strict=True
    ):
        same = ("id", "cooked", "username", "created_at", "updated_at", "version", "post_number")
        assert [one[name] for name in same] == [other[name] for name in same]
        assert other["flair_name"] == "regular"
    edited = changes.edit(forum, LONG.stream[0], "Other words.", NOW)
    row = read(f"/t/{LONG.id}.json", edited)["post_stream"]["posts"][0]
    assert row["cooked"] == "<p>Other words.</p>"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """The message says what belongs there."""
    with pytest.raises(CrawlerError, match="holds no topics"):
        read_topics(tmp_path)


@pytest.mark.shared
def test_real_topics_are_served_whole(shared: Path) -> None:
    """Over saved topics of a live site: lists, chunks and ids give every post once."""
    folder = shared / "pages" / "discourse-topics"
    forum = read_topics(folder)
    posts: list[int] = []
    for number in every(listed(forum)):
        data = read(f"/t/{number}.json", forum)
        stream = data["post_stream"]["stream"]
        posts += [post["id"] for post in data["post_stream"]["posts"]]
        for start in range(20, len(stream), 20):
            query = "&".join(f"post_ids[]={post}" for post in stream[start : start + 20])
            rest = read(f"/t/{number}/posts.json?{query}", forum)["post_stream"]["posts"]
            posts += [post["id"] for post in rest]
    files = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    truth = [post["id"] for data in files for post in data["post_stream"]["posts"]]
    assert len(posts) == len(set(posts))
    assert sorted(posts) == sorted(truth)


# The seed


def test_a_seed_makes_the_same_forum_again() -> None:
    """Any message can be made alone, out of order, and is the same each time."""
    again = invented(95, 700, seed=4)
    assert again.topics[9].messages[0] == FORUM.topics[9].messages[0]
    assert list(LONG.messages)[5] == LONG.messages[5] == LONG.post(LONG.stream[5])
    assert invented(95, 700, seed=5).topics[9].messages[0] != FORUM.topics[9].messages[0]


def test_an_invented_forum_is_like_a_real_one() -> None:
    """As large as asked, mostly short topics, ids and times in order, nothing said twice."""
    messages: list[Message] = [m for topic in FORUM.topics for m in topic.messages]
    assert (len(FORUM.topics), len(messages)) == (95, 700)
    assert [m.id for m in messages] == list(range(1, 701))
    assert [m.written for m in messages] == sorted({m.written for m in messages})
    assert len({m.text for m in messages}) == 700
    short = sum(len(topic.messages) <= 20 for topic in FORUM.topics)
    assert short > 80
    assert len(LONG.messages) > 40
    assert sum(bool(m.quotes) for m in messages) > 10
    for topic in FORUM.topics:
        for message in topic.messages:
            for quote in message.quotes:
                assert quote.text in topic.message(quote.n).text


def test_a_large_forum_is_made_without_its_messages() -> None:
    """Nothing is drawn until it is asked for; more topics than posts are refused."""
    forum = invented(6000, 100_000)
    assert sum(len(topic.messages) for topic in forum.topics) == 100_000
    assert not any("last" in vars(topic) or "likes" in vars(topic) for topic in forum.topics)
    with pytest.raises(ValueError, match="do not fill"):
        invented(10, 9)
