"""Discourse: topic, chunk and listing JSON first; the crawler layout of its HTML as a fallback.

A post is known by its number in the topic: that is what quotes, replies and permalinks name.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from lxml.html import HtmlElement

from crawler import clean
from crawler.documents import Post, Quoted, Source, Thread
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
_CRAWLER_POST = ".crawler-post, [itemtype*=DiscussionForumPosting].topic-body"
_REGULAR = 1
_LIKE = 2
_TOPIC = re.compile(r"^(?P<base>.*?)/t/(?:[^/]*[^/\d][^/]*/|-/)?(?P<id>\d+)(?:/(?P<post>\d+))?/?$")


def recognises(page: Page) -> float:
    """How sure it is that Discourse wrote this page, 0 to 1."""
    start = page.text[:200].lstrip()
    if start.startswith("{"):
        marks = ('"post_stream"', '"topic_list"', '"category_list"')
        return 1.0 if any(mark in page.text for mark in marks) else 0.0
    if re.search(r'<meta\s+name="generator"\s+content="Discourse\b', page.text):
        return 1.0
    layout = 'class="topic-body crawler-post"' in page.text or 'id="data-preloaded"' in page.text
    return 0.9 if layout else 0.0


def read(page: Page) -> Found:
    """The posts and links of a Discourse page, be it JSON or HTML."""
    if not page.text[:200].lstrip().startswith("{"):
        return _read_html(page)
    data = json.loads(page.text)
    if "topic_list" in data:
        return Found(links=tuple(_topics(page, data["topic_list"])))
    if "category_list" in data:
        return Found(links=(Link(url=urljoin(page.url, "latest.json"), role="listing"),))
    return _read_topic(page, data)


def _read_topic(page: Page, data: dict[str, Any]) -> Found:
    rows = [row for row in data["post_stream"]["posts"] if isinstance(row, dict)]
    topic = data.get("id") or (rows[0]["topic_id"] if rows else None)
    if topic is None:
        return Found()
    base = page.url.split("/t/")[0]
    url = f"{base}/t/{topic}"
    said = [row for row in rows if _is_said(row)]
    posts = [_post(row, url, page.fetched) for row in said if clean.whole(row.get("post_number"))]
    if said and not posts:
        raise NothingRead(f"{url}: no post of the topic has a number that can be")
    thread = Thread(
        source=_source(page, url),
        title=_string(data, "title") or "",
        posts=tuple(posts),
        expected=clean.whole(data.get("posts_count")),
    )
    return Found(documents=(thread,), links=tuple(_rest(page, url, data, rows)))


def _is_said(row: dict[str, Any]) -> bool:
    """Whether somebody's words are in it, still shown."""
    gone = row.get("hidden") or row.get("user_deleted") or row.get("deleted_at")
    return row.get("post_type", _REGULAR) == _REGULAR and not gone


def _post(row: dict[str, Any], thread: str, now: datetime) -> Post:
    topic = thread.rsplit("/", 1)[-1]
    text, quotes = _cooked(_string(row, "cooked") or "", topic)
    edited = row.get("updated_at") if (clean.whole(row.get("version")) or 1) > 1 else None
    answered = clean.whole(row.get("reply_to_post_number"))
    return Post(
        id=str(row["post_number"]),
        number=row["post_number"],
        text=text,
        author=_string(row, "username"),
        written=moment(row.get("created_at"), now=now),
        edited=moment(edited, now=now),
        reply_to=str(answered) if answered else None,
        likes=_likes(row),
        url=f"{thread}/{row['post_number']}",
        quotes=quotes,
    )


def _string(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def _likes(row: dict[str, Any]) -> int | None:
    """None where the number stated cannot be."""
    actions = [a for a in row.get("actions_summary") or [] if isinstance(a, dict)]
    counts = (a.get("count", 0) for a in actions if a.get("id") == _LIKE)
    return clean.whole(next(counts, row.get("like_count") or 0))


def _cooked(cooked: str, topic: str) -> tuple[str, tuple[Quoted, ...]]:
    if not cooked.strip():
        return "", ()
    tree = tree_of(f"<html><body><div>{cooked}</div></body></html>")
    body = tree.find("body") if tree is not None else None
    return _own(body, topic) if body is not None else ("", ())


def _own(body: HtmlElement, topic: str) -> tuple[str, tuple[Quoted, ...]]:
    return own_words(body, lambda node: _instead(node, topic))


def _instead(node: HtmlElement, topic: str) -> str | Quoted | None:
    if node.tag == "aside" and has(node, "quote"):
        return _quoted(node, topic)
    if node.tag == "blockquote":
        return Quoted(text=words(node, _inside_quote))
    if has(node, "onebox", "lazyYT", "youtube-onebox"):
        source = node.get("data-onebox-src") or ""
        return f"\n\n{source}\n\n"
    return "" if has(node, "meta", "quote-controls") else None


def _quoted(node: HtmlElement, topic: str) -> Quoted:
    body = first(node, "blockquote")
    here = node.get("data-topic") in (None, "", topic)
    title = text_of(first(node, ".title"))
    named = title.removesuffix(":").strip() if title.endswith(":") else None
    return Quoted(
        text=words(body, _inside_quote) if body is not None else "",
        author=node.get("data-username") or named,
        post=node.get("data-post") if here else None,
    )


def _inside_quote(node: HtmlElement) -> str | None:
    return "" if node.tag == "aside" and has(node, "quote") else None


def _rest(page: Page, thread: str, data: dict[str, Any], rows: list[dict[str, Any]]) -> list[Link]:
    """The chunks of the topic that this page does not hold."""
    stream = data["post_stream"].get("stream")
    if stream is None:
        return _walk(page, thread, data, rows)
    held = {row.get("id") for row in rows}
    missing = [post for post in stream if post not in held]
    chunks = (missing[i : i + CHUNK] for i in range(0, len(missing), CHUNK))
    return [_posts_link(thread, [("post_ids[]", post) for post in chunk]) for chunk in chunks]


def _walk(page: Page, thread: str, data: dict[str, Any], rows: list[dict[str, Any]]) -> list[Link]:
    """The next step through a topic too long to list its posts."""
    asked = parse_qs(urlsplit(page.url).query)
    is_start = (data.get("posts_count") or 0) > len(rows) and "posts.json" not in page.url
    if not rows or not (is_start or "post_number" in asked):
        return []
    last = max(clean.whole(row.get("post_number")) or 0 for row in rows)
    return [_posts_link(thread, [("post_number", last), ("asc", "true")])]


def _posts_link(thread: str, query: list[tuple[str, Any]]) -> Link:
    url = f"{thread}/posts.json?{urlencode(query, safe='[]')}"
    return Link(url=url, role="posts", thread=thread)


def _topics(page: Page, listing: dict[str, Any]) -> list[Link]:
    base = _base(page.url)
    links = [_topic_link(base, row) for row in listing.get("topics") or [] if "id" in row]
    more = listing.get("more_topics_url")
    if more:
        links.append(Link(url=urljoin(page.url, _as_json(more)), role="listing"))
    return links


def _topic_link(base: str, row: dict[str, Any]) -> Link:
    state = (row.get("bumped_at"), row.get("posts_count"), row.get("highest_post_number"))
    thread = f"{base}/t/{row['id']}"
    stamp = "|".join(map(str, state)) if row.get("bumped_at") else None
    return Link(url=f"{thread}.json", role="thread", thread=thread, stamp=stamp)


def _base(url: str) -> str:
    """Address of the forum's root, which may be a folder of its host."""
    parts = urlsplit(url)
    path = re.split(r"/(?:latest|top|new|hot|c|tags?|t|categories|search)(?=[/.?]|$)", parts.path)[
        0
    ]
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix('/')}"


def _as_json(url: str) -> str:
    path, mark, query = url.partition("?")
    return path.rstrip("/").removesuffix(".json") + ".json" + mark + query


def _source(page: Page, url: str) -> Source:
    return Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="discourse")


def _read_html(page: Page) -> Found:
    """What the crawler layout holds, and first of all the address of the same page as JSON."""
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    topic = _TOPIC.match(page.url.partition("?")[0].partition("#")[0])
    if topic:
        return _html_topic(page, tree, topic)
    parts = urlsplit(page.url)
    listed = re.search(r"/(c|tags?|latest|top|hot)(/|$)", parts.path)
    json_url = _as_json(page.url) if listed else f"{_html_base(page, tree)}/latest.json"
    links = [Link(url=json_url, role="better")]
    links += _html_links(page, tree, "a.raw-topic-link[href], .topic-list a.title[href]", "thread")
    return Found(links=tuple(links + _html_links(page, tree, "a[rel=next][href]", "listing")))


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
    own, quotes = _own(text, thread.rsplit("/", 1)[-1])
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
