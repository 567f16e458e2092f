"""Discourse: topic, chunk and listing JSON first; the crawler layout of its HTML as a fallback.

A post is known by its number in the topic: that is what quotes, replies and permalinks name.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from lxml.html import HtmlElement

from crawler import clean
from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.answers import (
    Row,
    answer,
    asked,
    digest,
    embedded,
    is_json,
    iso,
    joined,
    own_html,
    row,
    rows,
    string,
    with_query,
)
from crawler.engines.dates import moment
from crawler.engines.markup import (
    absolute,
    first,
    has,
    number,
    own_words,
    select,
    text_of,
    tree_of,
    words,
)
from crawler.errors import NothingRead
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

CHUNK = 20
"""Posts the web client asks for at once."""
ANCHOR = 400
"""One post in that many ends its chunk early, in topics longer than `SHORT`."""
SHORT = 200
"""Posts up to which chunks are simply twenty each: so few are soon asked for again."""
FEED = 50
"""Posts in one answer of the feed of the newest; ids in its window on old sites."""
MOST_WINDOWS = 50_000
"""Windows of the longest topic that is believed: a million posts."""
_CRAWLER_POST = ".crawler-post, [itemtype*=DiscussionForumPosting].topic-body"
_REGULAR = 1
_LIKE = 2
_MARKS = ('"post_stream"', '"topic_list"', '"category_list"', '"latest_posts"')
_TOPIC = re.compile(
    r"^(?P<base>.*?)/[tn]/(?:[^/]*[^/\d][^/]*/|-/)?(?P<id>\d+)(?:/(?P<post>\d+))?/?$"
)
_PLACE = re.compile(r"/(?:latest|top|new|hot|c|tags?|[tn]|categories|search|posts)(?=[/.?]|$)")
_LISTED = re.compile(r"/(?:c/.+|tags?/.+|latest|top|hot|new)/?$")


def recognises(page: Page) -> float:
    """How sure it is that Discourse wrote this page, 0 to 1."""
    if is_json(page):
        return 1.0 if any(mark in page.text for mark in _MARKS) else 0.0
    if re.search(r'<meta\s+name="generator"\s+content="Discourse\b', page.text):
        return 1.0
    layout = 'class="topic-body crawler-post"' in page.text or 'id="data-preloaded"' in page.text
    return 0.9 if layout else 0.0


def read(page: Page) -> Found:
    """The posts and links of a Discourse page, be it JSON or HTML; raises NothingRead."""
    if not is_json(page):
        return _read_html(page)
    data = row(answer(page))
    found = _read_json(page, data)
    if found is None:
        raise NothingRead(f"{page.url}: an answer of Discourse with no topic and no list in it")
    return found


def _read_json(page: Page, data: Row) -> Found | None:
    """What an answer holds; None where it is of no kind that is known."""
    if "post_stream" in data:
        return _read_topic(page, data)
    if "topic_list" in data:
        return Found(links=tuple(_topics(page, row(data, "topic_list"))))
    if "category_list" in data:
        return Found(links=tuple(_categories(page, row(data, "category_list"))))
    return _read_feed(page, data) if "latest_posts" in data else None


def _read_topic(page: Page, data: Row) -> Found:
    posts = rows(row(data, "post_stream").get("posts"))
    topic = clean.whole(data.get("id"))
    if topic is None:
        topic = next((clean.whole(each.get("topic_id")) for each in posts), None)
    if topic is None:
        return Found()
    url = f"{_base(page.url)}/t/{topic}"
    thread = _thread(page, url, string(data, "title"), data.get("posts_count"), posts)
    links = tuple(_rest(page, url, data, posts))
    return Found(documents=(thread,), links=links, gone=tuple(_gone(url, posts)))


def _thread(page: Page, url: str, title: str, expected: Any, posts: list[Row]) -> Thread:
    """A piece of a topic; raises NothingRead where its posts have no numbers."""
    said = [each for each in posts if _is_said(each)]
    read = [_post(each, url) for each in said if clean.whole(each.get("post_number"))]
    if said and not read:
        raise NothingRead(f"{url}: no post of the topic has a number that can be")
    return Thread(
        source=_source(page, url),
        title=title,
        posts=tuple(read),
        expected=clean.whole(expected),
    )


def _is_said(post: Row) -> bool:
    """Whether somebody's words are in it, still shown; notes of the system and whispers are not."""
    return post.get("post_type", _REGULAR) == _REGULAR and not _is_gone(post)


def _is_gone(post: Row) -> bool:
    return bool(post.get("hidden") or post.get("user_deleted") or post.get("deleted_at"))


def _gone(thread: str, posts: list[Row]) -> Iterator[str]:
    for post in posts:
        if _is_gone(post) and clean.whole(post.get("post_number")):
            yield f"{thread}/{post['post_number']}"


def _post(post: Row, thread: str) -> Post:
    base, _, topic = thread.rpartition("/t/")
    text, quotes = own_html(string(post, "cooked"), lambda node: _instead(node, base, topic))
    answered = clean.whole(post.get("reply_to_post_number"))
    return Post(
        id=str(post["post_number"]),
        number=post["post_number"],
        text=text,
        author=string(post, "username") or None,
        written=iso(post.get("created_at")),
        edited=iso(post.get("updated_at")) if (clean.whole(post.get("version")) or 1) > 1 else None,
        reply_to=str(answered) if answered else None,
        likes=_likes(post),
        url=f"{thread}/{post['post_number']}",
        quotes=quotes,
    )


def _likes(post: Row) -> int | None:
    """None where the number stated cannot be."""
    likes = [each for each in rows(post.get("actions_summary")) if each.get("id") == _LIKE]
    return clean.whole(likes[0].get("count", 0) if likes else post.get("like_count") or 0)


def _instead(node: HtmlElement, base: str, topic: str) -> str | Quoted | None:
    if node.tag == "aside" and has(node, "quote"):
        return _quoted(node, base, topic)
    if node.tag == "blockquote":
        return Quoted(text=words(node, _inside_quote))
    if has(node, "onebox", "lazyYT", "youtube-onebox"):
        source = node.get("data-onebox-src") or ""
        return f"\n\n{source}\n\n"
    return "" if has(node, "meta", "quote-controls") else None


def _quoted(node: HtmlElement, base: str, topic: str) -> Quoted:
    """The quote; a post of another topic is named by its address, one of this topic by its id."""
    body = first(node, "blockquote")
    title = text_of(first(node, ".title"))
    named = title.removesuffix(":").strip() if title.endswith(":") else None
    there, post = node.get("data-topic") or topic, node.get("data-post")
    here = post if there == topic else f"{base}/t/{there}/{post}" if there.isdecimal() else None
    return Quoted(
        text=words(body, _inside_quote) if body is not None else "",
        author=node.get("data-username") or named,
        post=here if post and post.isdecimal() else None,
    )


def _inside_quote(node: HtmlElement) -> str | None:
    return "" if node.tag == "aside" and has(node, "quote") else None


def _rest(page: Page, thread: str, data: Row, posts: list[Row]) -> Iterator[Link]:
    """The pieces of the topic that this page does not hold."""
    stream = row(data, "post_stream").get("stream")
    if not isinstance(stream, list):
        yield from _windows(page, thread, data, posts)
        return
    held = {clean.whole(post.get("id")) for post in posts}
    missing = [post for post in stream if clean.whole(post) and post not in held]
    for chunk in _chunks(missing):
        yield _posts_link(thread, [("post_ids[]", post) for post in chunk])


def _chunks(posts: Iterable[int]) -> Iterator[list[int]]:
    """The posts by twenties, cut so that a chunk stays the same when others change.

    The address of a chunk is the list of its posts: once read, it need not be asked for again.
    New posts touch the last chunk alone. A post taken out shifts what follows, until one whose
    own id says that it ends its chunk: about `ANCHOR` posts, not the whole of a long topic.
    """
    chunk: list[int] = []
    for place, post in enumerate(posts):
        chunk.append(post)
        is_anchor = place >= SHORT and zlib.crc32(b"%d" % post) % ANCHOR == 0
        if len(chunk) == CHUNK or is_anchor:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _windows(page: Page, thread: str, data: Row, posts: list[Row]) -> Iterator[Link]:
    """The pieces of a topic of 10,000 posts and more, which does not list them.

    A window is the twenty posts after a number: its address stays, whatever is deleted. The last
    one ends at the newest post, so that its address is another when there are more.
    """
    highest = clean.whole(data.get("highest_post_number"))
    if highest is None:
        yield from _walk(page, thread, data, posts)
        return
    starts = list(range(CHUNK, highest - CHUNK + 1, CHUNK))
    if highest > CHUNK and (not starts or starts[-1] + CHUNK < highest):
        starts.append(max(CHUNK, highest - CHUNK))
    for start in starts[:MOST_WINDOWS]:
        yield _window(thread, start)


def _walk(page: Page, thread: str, data: Row, posts: list[Row]) -> Iterator[Link]:
    """The next step through a topic that says neither its posts nor its last number."""
    numbers = [clean.whole(post.get("post_number")) or 0 for post in posts]
    count = clean.whole(data.get("posts_count")) or 0
    is_start = count > len(posts) and "posts.json" not in page.url
    if numbers and (is_start or "post_number" in parse_qs(urlsplit(page.url).query)):
        yield _window(thread, max(numbers))


def _window(thread: str, start: int) -> Link:
    return _posts_link(thread, [("post_number", start), ("asc", "true")])


def _posts_link(thread: str, query: list[tuple[str, Any]]) -> Link:
    url = f"{thread}/posts.json?{urlencode(query, safe='[]')}"
    return Link(url=url, role="posts", thread=thread)


def _topics(page: Page, listing: Row) -> Iterator[Link]:
    base = _base(page.url)
    for topic in rows(listing.get("topics")):
        if clean.whole(topic.get("id")):
            yield _topic_link(base, topic)
    more = string(listing, "more_topics_url")
    if more:
        yield Link(url=joined(page.url, _as_json(more)), role="listing")
    parts = urlsplit(page.url)
    if parts.path.endswith("/latest.json") and "page" not in parse_qs(parts.query):
        yield Link(url=f"{base}/posts.json", role="recent")


def _topic_link(base: str, topic: Row) -> Link:
    """The link of a topic; its stamp changes with a new post, a deleted one, another title."""
    thread = f"{base}/t/{topic['id']}"
    title = string(topic, "title")
    bumped = string(topic, "bumped_at")
    state = (bumped, topic.get("posts_count"), topic.get("highest_post_number"), digest(title))
    return Link(
        url=f"{thread}.json",
        role="thread",
        thread=thread,
        stamp="|".join(map(str, state)) if bumped else None,
        active=iso(bumped),
        title=title,
        pinned=topic.get("pinned") is True or topic.get("pinned_globally") is True,
    )


def _categories(page: Page, listing: Row) -> Iterator[Link]:
    """Where the topics of the categories are listed.

    The whole forum's are in one list, each topic once; the sub-categories of one have a list each.
    """
    base = _base(page.url)
    if "parent_category_id" not in asked(page.url):
        yield Link(url=f"{base}/latest.json", role="listing")
        return
    for category in rows(listing.get("categories")):
        name, n = string(category, "slug") or "-", clean.whole(category.get("id"))
        if n:
            yield Link(url=f"{base}/c/{quote(name, errors='replace')}/{n}.json", role="listing")


def _read_feed(page: Page, data: Row) -> Found:
    """The newest posts of all topics, edits with them; and the step to older ones."""
    base = _base(page.url)
    topics: dict[int, list[Row]] = {}
    posts = rows(data.get("latest_posts"))
    for post in posts:
        if (topic := clean.whole(post.get("topic_id"))) and clean.whole(post.get("post_number")):
            topics.setdefault(topic, []).append(post)
    threads: list[Thread] = []
    gone: list[str] = []
    for topic, pieces in topics.items():
        url, title = f"{base}/t/{topic}", string(pieces[0], "topic_title")
        threads.append(_thread(page, url, title, pieces[0].get("posts_count"), pieces))
        gone += _gone(url, pieces)
    return Found(documents=tuple(threads), links=tuple(_older(page, posts)), gone=tuple(gone))


def _older(page: Page, posts: list[Row]) -> Iterator[Link]:
    """The next step of the feed. On old sites an empty window of ids is not the end of it."""
    numbers = [n for post in posts if (n := clean.whole(post.get("id")))]
    before = asked(page.url).get("before", "")
    start = min(numbers) if numbers else int(before) - FEED if before.isdecimal() else 0
    if start > 1:
        yield Link(url=with_query(page.url, before=start), role="recent")


def _base(url: str) -> str:
    """Address of the forum's root, which may be a folder of its host."""
    parts = urlsplit(url)
    path = _PLACE.split(parts.path)[0]
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}"


def _as_json(url: str) -> str:
    path, mark, query = url.partition("?")
    return path.rstrip("/").removesuffix(".json") + ".json" + mark + query


def _source(page: Page, url: str) -> Source:
    return Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="discourse")


def _read_html(page: Page) -> Found:
    """What the page carries for its script; else its crawler layout, and where the JSON is."""
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    carried = _carried(page, tree)
    if carried is not None:
        return carried
    topic = _TOPIC.match(page.url.partition("?")[0].partition("#")[0])
    if topic:
        return _html_topic(page, tree, topic)
    is_listed = _LISTED.search(urlsplit(page.url).path)
    json_url = _as_json(page.url) if is_listed else f"{_html_base(page, tree)}/latest.json"
    links = [Link(url=json_url, role="better")]
    links += _html_links(page, tree, "a.raw-topic-link[href], .topic-list a.title[href]", "thread")
    return Found(links=tuple(links + _html_links(page, tree, "a[rel=next][href]", "listing")))


def _carried(page: Page, tree: HtmlElement) -> Found | None:
    """The topic or the list that the page holds as JSON for its script; None where it holds none.

    It is the same as the answer of the interface, and saves asking for that.
    """
    node = first(tree, "#data-preloaded[data-preloaded]")
    data = row(embedded(node.get("data-preloaded")) if node is not None else None)
    for name in data:
        if re.match(r"topic_(?:\d+|list)", name):
            held = row(embedded(string(data, name)))
            if "post_stream" in held or "topic_list" in held:
                return _read_json(page, held)
    return None


def _html_base(page: Page, tree: HtmlElement) -> str:
    setup = first(tree, "#data-discourse-setup")
    folder = (setup.get("data-base-uri") or "") if setup is not None else ""
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}{folder.rstrip('/')}" if folder else _base(page.url)


def _html_links(page: Page, tree: HtmlElement, selector: str, role: Any) -> list[Link]:
    hrefs = (absolute(tree, page.url, node.get("href")) for node in select(tree, selector))
    return [Link(url=url, role=role) for url in dict.fromkeys(hrefs) if url]


def _html_topic(page: Page, tree: HtmlElement, topic: re.Match[str]) -> Found:
    url = f"{topic['base']}/t/{topic['id']}"
    posts = [post for body in select(tree, _CRAWLER_POST) if (post := _html_post(page, body, url))]
    title = text_of(first(tree, "#topic-title h1", "h1 a", "h1")) or _headline(tree)
    thread = Thread(source=_source(page, url), title=title, posts=tuple(posts))
    links = [Link(url=f"{url}.json", role="better", thread=url)]
    links += [
        Link(url=link.url, role="posts", thread=url)
        for link in _html_links(page, tree, "a[rel=next][href]", "posts")
    ]
    return Found(documents=(thread,) if posts else (), links=tuple(links))


def _headline(tree: HtmlElement) -> str:
    meta = first(tree, "meta[property='og:title']", "meta[itemprop=headline]")
    return (meta.get("content") or "").strip() if meta is not None else ""


def _html_post(page: Page, body: HtmlElement, thread: str) -> Post | None:
    text = first(body, ".post[itemprop]", "[itemprop=articleBody]", "[itemprop=text]", ".post")
    position = first(body, "[itemprop=position]")
    place = (position.get("content") or text_of(position)) if position is not None else ""
    n = number(place.strip("# "))
    if text is None or not n:
        return None
    base, _, topic = thread.rpartition("/t/")
    own, quotes = own_words(text, lambda node: _instead(node, base, topic))
    likes = first(body, "meta[itemprop=userInteractionCount]")
    author = text_of(first(body, "[itemprop=author] [itemprop=name]")) or None
    return Post(
        id=str(n),
        number=n,
        text=own,
        author=author,
        written=_html_date(body, "datePublished", page) or _html_date(body, "dateModified", page),
        likes=number(likes.get("content") or "0") if likes is not None else None,
        url=f"{thread}/{n}",
        quotes=quotes,
    )


def _html_date(body: HtmlElement, prop: str, page: Page) -> datetime | None:
    node = first(body, f"time[itemprop={prop}]", f"meta[itemprop={prop}]")
    if node is None:
        return None
    return moment(node.get("datetime") or node.get("content"), now=page.fetched)
