"""NodeBB: its read interface (`/api` before any address), which its pages carry as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote, urlsplit

from lxml.html import HtmlElement

from crawler import clean
from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.answers import (
    Row,
    answer,
    digest,
    embedded,
    instant,
    is_json,
    iso,
    key,
    own_html,
    row,
    rows,
    string,
    with_query,
)
from crawler.engines.markup import first, has, text_of, tree_of, words
from crawler.errors import NothingRead
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

MOST_PAGES = 50_000
_ANSWER = re.compile(r'"(?:pid|tid|cid)"\s*:')
_PLACE = re.compile(
    r"/(?:api|topic|category|recent|popular|top|unread|tags?|categories|post|world)(?=[/?.]|$)"
)
_TOPIC = re.compile(r"/topic/([\w:.%-]+)")
_LISTS = ("/recent", "/popular", "/top", "/tags/", "/category/")
_GONE = re.compile(r"\[\[topic:(?:post-is-deleted|post_is_deleted)\]\]")
_SAID = re.compile(
    r"^\s*+@?(?P<name>[^\n:]{1,60}?)\s{1,20}(?:said|wrote|schrieb|a dit)\b[^\n]{0,200}:?\s*$"
)


def recognises(page: Page) -> float:
    """How sure it is that NodeBB wrote this page, 0 to 1."""
    if is_json(page):
        has_ids = _ANSWER.search(page.text) is not None
        is_own = '"template"' in page.text and '"loggedIn"' in page.text
        is_list = '"posts"' in page.text or '"topics"' in page.text or '"categories"' in page.text
        return 0.92 if has_ids and is_list and (is_own or '"pagination"' in page.text) else 0.0
    if 'id="ajaxify-data"' in page.text:
        return 1.0
    return 0.9 if re.search(r'<meta[^>]{0,500}content="NodeBB', page.text) else 0.0


def read(page: Page) -> Found:
    """The posts and links of an answer, or of a page; raises NothingRead."""
    if is_json(page):
        data = row(answer(page))
        found = _read_data(page, data, _base(page.url, data))
        if found is None:
            raise NothingRead(f"{page.url}: an answer of NodeBB with no topics in it")
        return found
    return _read_html(page)


def _read_html(page: Page) -> Found:
    tree = tree_of(page.text)
    node = first(tree, "#ajaxify-data") if tree is not None else None
    data = row(embedded(node.text) if node is not None else None)
    base = _base(page.url, data)
    found = _read_data(page, data, base)
    if found is not None:
        return found  # the page carries what the interface would answer
    path = urlsplit(page.url).path.removeprefix(urlsplit(base).path)
    is_known = path.startswith((*_LISTS, "/topic/"))
    topic = _TOPIC.match(path)
    better = f"{base}/api{path}" if is_known else f"{base}/api/recent"
    thread = f"{base}/topic/{topic[1]}" if topic else None
    return Found(links=(Link(url=better, role="better", thread=thread),))


def _base(url: str, data: Row) -> str:
    """Address of the forum's root, which may be a folder of its host."""
    parts = urlsplit(url)
    folder = string(row(data, "config"), "relative_path")
    path = folder or _PLACE.split(parts.path)[0]
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}"


def _read_data(page: Page, data: Row, base: str) -> Found | None:
    if isinstance(data.get("posts"), list) and key(data.get("tid")):
        return _read_topic(page, data, base)
    links: list[Link] = []
    if isinstance(data.get("topics"), list):
        links += _topics(data, base)
        links += _next(page, data, base)
        for child in rows(data.get("children")):
            links += _category(child, base)
    elif isinstance(data.get("categories"), list):
        # The newest of all categories are in one list, each topic once.
        links.append(Link(url=f"{base}/api/recent", role="listing"))
    else:
        return None
    gone = [_url(base, each) for each in rows(data.get("topics")) if _flag(each, "deleted")]
    return Found(links=tuple(links), gone=tuple(gone))


def _flag(given: Row, name: str) -> bool:
    """Whether it is marked so; older versions write 1 and 0."""
    return given.get(name) in (True, 1, "1")


def _url(base: str, topic: Row) -> str:
    return f"{base}/topic/{quote(key(topic.get('tid')), safe='')}"


def _category(child: Row, base: str) -> Iterator[Link]:
    name = key(child.get("cid"))
    if name and not _flag(child, "disabled") and not string(child, "link"):
        yield Link(url=f"{base}/api/category/{quote(name, safe='')}", role="listing")


def _topics(data: Row, base: str) -> Iterator[Link]:
    for topic in rows(data.get("topics")):
        name = key(topic.get("tid"))
        if not name or _flag(topic, "deleted") or _flag(topic, "scheduled"):
            continue
        last, count = topic.get("lastposttime"), topic.get("postcount")
        yield Link(
            url=f"{base}/api/topic/{quote(name, safe='')}",
            role="thread",
            thread=_url(base, topic),
            stamp=f"{last}|{count}|{digest(_title(topic))}" if last else None,
            active=instant(last) or iso(topic.get("lastposttimeISO")),
            title=_title(topic),
            pinned=_flag(topic, "pinned"),
        )


def _title(topic: Row) -> str:
    return unescape(string(topic, "titleRaw") or string(topic, "title"))


def _next(page: Page, data: Row, base: str) -> Iterator[Link]:
    following = row(data, "pagination", "next")
    number = clean.whole(following.get("page"))
    if following.get("active") is True and number:
        path = urlsplit(page.url).path.removeprefix(urlsplit(base).path)
        url = page.url if path.startswith("/api/") else f"{base}/api{path or '/recent'}"
        yield Link(url=with_query(url, page=number), role="listing")


def _read_topic(page: Page, data: Row, base: str) -> Found:
    url = _url(base, data)
    posts = rows(data.get("posts"))
    shown = [each for each in posts if key(each.get("pid")) and _is_said(each)]
    source = Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="nodebb")
    start = _start(data)
    thread = Thread(
        source=source,
        title=_title(data),
        posts=tuple(_post(each, n, base) for n, each in enumerate(shown, start=start)),
        expected=clean.whole(data.get("postcount")),
    )
    gone = [_permalink(base, each) for each in posts if _is_gone(each) and key(each.get("pid"))]
    links = tuple(_rest(data, base, url))
    return Found(documents=(thread,), links=links, gone=tuple(gone))


def _start(data: Row) -> int:
    """Number of the first post of a page where the posts bear none."""
    pages = row(data, "pagination")
    current = clean.whole(pages.get("currentPage")) or 1
    count, total = clean.whole(data.get("postcount")) or 0, clean.whole(pages.get("pageCount")) or 1
    return (current - 1) * -(-count // total) + 1 if current > 1 else 1


def _rest(data: Row, base: str, thread: str) -> Iterator[Link]:
    """All further pages at once from the first; else the next one."""
    pages = row(data, "pagination")
    current, total = clean.whole(pages.get("currentPage")), clean.whole(pages.get("pageCount"))
    url = f"{base}/api/topic/{quote(key(data.get('tid')), safe='')}"
    if current is not None and total is not None:
        further = range(2, min(total, MOST_PAGES) + 1) if current <= 1 else range(0)
    else:
        following = clean.whole(row(pages, "next").get("page"))
        further = range(following, following + 1) if following else range(0)
    for number in further:
        yield Link(url=f"{url}?page={number}", role="posts", thread=thread)


def _is_gone(post: Row) -> bool:
    return _flag(post, "deleted") or _GONE.search(string(post, "content")[:200]) is not None


def _is_said(post: Row) -> bool:
    """Whether somebody's words are in it; events of a topic have no post of their own."""
    return not _is_gone(post) and "eventType" not in post


def _permalink(base: str, post: Row) -> str:
    return f"{base}/post/{quote(key(post.get('pid')), safe='')}"


def _post(post: Row, place: int, base: str) -> Post:
    text, quotes = own_html(string(post, "content"), _instead)
    index = clean.whole(post.get("index"))
    edited = post.get("edited")
    likes = post.get("upvotes") if "upvotes" in post else post.get("votes")
    return Post(
        id=key(post.get("pid")),
        number=index + 1 if index is not None else place,
        text=text,
        author=string(row(post, "user"), "username") or None,
        written=iso(post.get("timestampISO")) or instant(post.get("timestamp")),
        edited=(iso(post.get("editedISO")) or instant(edited)) if edited else None,
        reply_to=key(post.get("toPid")) or None,
        likes=clean.whole(likes),
        url=_permalink(base, post),
        quotes=quotes,
    )


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag == "blockquote":
        return _quoted(node)
    following = node.getnext() if node.tag == "p" else None
    if following is not None and following.tag == "blockquote" and _header(node):
        return ""
    return "" if has(node, "plugin-mentions-user-avatar", "embed-preview") else None


def _quoted(node: HtmlElement) -> Quoted:
    """The quote, with what stands above it: `@name said in topic:`."""
    before = node.getprevious()
    header = _header(before) if before is not None and before.tag == "p" else None
    link = first(before, "a[href*='/post/']") if header and before is not None else None
    href: Any = link.get("href") if link is not None else ""
    post = re.search(r"/post/([\w%.:-]+)", href)
    return Quoted(
        text=words(node, lambda each: "" if each.tag == "blockquote" else None),
        author=header["name"].strip() if header else None,
        post=post[1] if post else None,
    )


def _header(node: HtmlElement) -> re.Match[str] | None:
    return _SAID.match(text_of(node))
