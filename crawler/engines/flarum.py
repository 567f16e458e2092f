"""Flarum: its interface (JSON:API) first; what its pages carry for their script is the same.

A post is known by its id in the forum, which is what mentions name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

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
    key,
    own_html,
    row,
    rows,
    string,
    with_query,
)
from crawler.engines.markup import first, has, own_words, select, text_of, tree_of, words
from crawler.errors import NothingRead
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

MOST_POSTS = 50
"""Posts the interface gives at once."""
_DATA = re.compile(r'"type"\s*:\s*"(?:discussions|posts)"')
_PLACE = re.compile(r"/(?:api|d|t|tags|all|u|p|following)(?=[/?]|$)")
_DISCUSSION = re.compile(r"/d/(\d+)")
_MARKS = (
    'id="flarum-json-payload"',
    'id="flarum-loading"',
    'id="flarum-content"',
    "flarum.core.app",
)


@dataclass(frozen=True)
class _Answer:
    """An answer of the interface: its objects, and those they point to."""

    data: list[Row]
    named: dict[tuple[str, str], Row]
    next: str

    def related(self, given: Row, name: str) -> Row:
        """Attributes of the one object a relation points to, its id with them."""
        to = row(given, "relationships", name, "data")
        found = self.named.get((string(to, "type"), key(to.get("id"))), {})
        return {**row(found, "attributes"), "id": key(to.get("id"))}


def recognises(page: Page) -> float:
    """How sure it is that Flarum wrote this page, 0 to 1."""
    if is_json(page):
        is_api = '"attributes"' in page.text and _DATA.search(page.text) is not None
        return 0.95 if is_api else 0.0
    return 1.0 if any(mark in page.text for mark in _MARKS) else 0.0


def read(page: Page) -> Found:
    """The posts and links of an answer, or of a page and where its interface is."""
    if is_json(page):
        found = _read_answer(page, _answer_of(row(answer(page))), _base(page.url))
        if not found.documents and not found.links:
            raise NothingRead(f"{page.url}: an answer of Flarum with no discussion in it")
        return found
    return _read_html(page)


def _answer_of(data: Row) -> _Answer:
    held = data.get("data")
    objects = [held] if isinstance(held, dict) else rows(held)
    known = [*objects, *rows(data.get("included"))]
    named = {(string(each, "type"), key(each.get("id"))): each for each in known}
    following = string(row(data, "links"), "next")
    # Written as our own addresses are, or one page would have two.
    return _Answer(objects, named, with_query(following) if clean.is_address(following) else "")


def _read_answer(page: Page, answered: _Answer, base: str) -> Found:
    kinds = {string(each, "type") for each in answered.data}
    if "posts" in kinds:
        return _read_posts(page, answered, answered.data, base)
    if "discussions" not in kinds:
        return Found()
    if len(answered.data) == 1 and row(answered.data[0], "relationships", "posts"):
        return _read_shown(page, answered, base)
    links = [_thread_link(base, each) for each in answered.data if key(each.get("id"))]
    if answered.next:
        links.append(Link(url=answered.next, role="listing"))
    gone = [_url(base, each) for each in answered.data if row(each, "attributes").get("isHidden")]
    return Found(links=tuple(links), gone=tuple(gone))


def _url(base: str, discussion: Row) -> str:
    return f"{base}/d/{key(discussion.get('id'))}"


def _thread_link(base: str, discussion: Row) -> Link:
    said = row(discussion, "attributes")
    title = string(said, "title")
    state = (said.get("lastPostedAt"), said.get("commentCount"), digest(title))
    return Link(
        url=_posts_url(base, key(discussion.get("id")), 0),
        role="thread",
        thread=_url(base, discussion),
        stamp="|".join(map(str, state)) if said.get("lastPostedAt") else None,
        active=iso(said.get("lastPostedAt")),
        title=title,
        pinned=said.get("isSticky") is True,
    )


def _posts_url(base: str, discussion: str, offset: int) -> str:
    query = (
        f"filter[discussion]={discussion}&filter[type]=comment&sort=number&include=user,discussion"
    )
    return f"{base}/api/posts?{query}&page[limit]={MOST_POSTS}&page[offset]={offset}"


def _read_posts(page: Page, answered: _Answer, posts: list[Row], base: str) -> Found:
    """Posts of one discussion, or of several, as the newest of a forum are."""
    threads: dict[str, list[Row]] = {}
    for each in posts:
        discussion = answered.related(each, "discussion")["id"]
        if discussion and key(each.get("id")):
            threads.setdefault(discussion, []).append(each)
    documents = [_thread(page, answered, name, held, base) for name, held in threads.items()]
    gone = [
        _permalink(base, name, each)
        for name, held in threads.items()
        for each in held
        if _is_gone(each)
    ]
    links = list(_rest(page, answered, base, next(iter(threads), "")))
    return Found(documents=tuple(documents), links=tuple(links), gone=tuple(gone))


def _thread(page: Page, answered: _Answer, name: str, posts: list[Row], base: str) -> Thread:
    said = row(answered.named.get(("discussions", name)), "attributes")
    url = f"{base}/d/{name}"
    source = Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="flarum")
    shown = [each for each in posts if _is_said(each)]
    return Thread(
        source=source,
        title=string(said, "title"),
        posts=tuple(_post(answered, each, name, base) for each in shown),
        expected=clean.whole(said.get("commentCount")),
    )


def _rest(page: Page, answered: _Answer, base: str, discussion: str) -> Iterator[Link]:
    """Every further piece at once from the first; else the next one."""
    if not discussion or "filter[discussion]" not in asked(page.url):
        return
    start = asked(page.url).get("page[offset]", "0")
    said = row(answered.named.get(("discussions", discussion)), "attributes")
    count = clean.whole(said.get("commentCount")) or 0
    thread = f"{base}/d/{discussion}"
    if start == "0" and count > MOST_POSTS == len(answered.data):
        for offset in range(MOST_POSTS, min(count, clean.MOST // 1000), MOST_POSTS):
            yield Link(url=_posts_url(base, discussion, offset), role="posts", thread=thread)
    elif answered.next and (len(answered.data) < MOST_POSTS or not _is_foretold(start, count)):
        yield Link(url=answered.next, role="posts", thread=thread)


def _is_foretold(start: str, count: int) -> bool:
    """Whether the first piece named the one after this already."""
    return start.isdecimal() and int(start) + MOST_POSTS < count


def _read_shown(page: Page, answered: _Answer, base: str) -> Found:
    """A discussion with some of its posts, as the web client shows it: the rest is elsewhere."""
    discussion = answered.data[0]
    name = key(discussion.get("id"))
    posts = [each for (kind, _), each in answered.named.items() if kind == "posts"]
    own = [each for each in posts if answered.related(each, "discussion")["id"] in ("", name)]
    count = clean.whole(row(discussion, "attributes").get("commentCount")) or 0
    thread = _thread(page, answered, name, own, base)
    gone = tuple(_permalink(base, name, each) for each in own if _is_gone(each))
    links = [
        Link(url=_posts_url(base, name, offset), role="posts", thread=thread.source.url)
        for offset in range(0, count, MOST_POSTS)
        if count > len(thread.posts)
    ]
    return Found(documents=(thread,), links=tuple(links), gone=gone)


def _is_said(post: Row) -> bool:
    said = row(post, "attributes")
    is_comment = said.get("contentType", "comment") == "comment"
    return is_comment and "contentHtml" in said and not _is_gone(post)


def _is_gone(post: Row) -> bool:
    return row(post, "attributes").get("isHidden") is True


def _permalink(base: str, discussion: str, post: Row) -> str:
    number = clean.whole(row(post, "attributes").get("number"))
    return f"{base}/d/{discussion}/{number or 1}"


def _post(answered: _Answer, post: Row, discussion: str, base: str) -> Post:
    said = row(post, "attributes")
    text, quotes, answers = _own(string(said, "contentHtml"))
    user = answered.related(post, "user")
    likes = row(post, "relationships", "likes").get("data")
    return Post(
        id=key(post.get("id")),
        number=clean.whole(said.get("number")) or 0,
        text=text,
        author=string(user, "username") or None,
        written=iso(said.get("createdAt") or said.get("time")),
        edited=iso(said.get("editedAt") or said.get("editTime")),
        reply_to=answers,
        likes=len(likes) if isinstance(likes, list) else clean.whole(said.get("likesCount")),
        url=_permalink(base, discussion, post),
        quotes=quotes,
    )


def _own(html: str) -> tuple[str, tuple[Quoted, ...], str | None]:
    """Own words, quotes, and the post that is answered: the first one mentioned."""
    text, quotes = own_html(html, _instead)
    found = re.search(r'<a\b(?>[^>]{0,1000}?\bclass="PostMention\b)[^>]{0,1000}+>', html)
    mentioned = re.search(r'\bdata-id="(\d{1,18})"', found.group()) if found else None
    return text, quotes, mentioned[1] if mentioned else None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag == "a" and has(node, "PostMention"):
        return ""
    if node.tag != "blockquote":
        return None
    mention = first(node, "a.PostMention")
    return Quoted(
        text=words(node, lambda each: "" if has(each, "PostMention") else None),
        author=text_of(mention).lstrip("@").partition("#")[0].strip() or None,
        post=mention.get("data-id") if mention is not None else None,
    )


def _base(url: str) -> str:
    """Address of the forum's root, which may be a folder of its host."""
    parts = urlsplit(url)
    path = _PLACE.split(parts.path)[0]
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}"


def _read_html(page: Page) -> Found:
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    node = first(tree, "#flarum-json-payload")
    carried = row(embedded(node.text) if node is not None else None)
    base = _stated_base(carried) or _base(page.url)
    answered = _answer_of(row(carried, "apiDocument"))
    found = _read_answer(page, answered, base)
    shown = _DISCUSSION.search(urlsplit(page.url).path)
    if shown is None and answered.data and "relationships" in answered.data[0]:
        shown = _DISCUSSION.search(found.documents[0].source.url) if found.documents else None
    if not found.documents and shown is not None:
        found = _read_plain(page, tree, f"{base}/d/{shown[1]}")
    if shown is None:
        better = Link(url=_list_url(page, base), role="better")
    else:
        url = _posts_url(base, shown[1], 0)
        better = Link(url=url, role="better", thread=f"{base}/d/{shown[1]}")
    return Found(documents=found.documents, links=(better, *found.links), gone=found.gone)


def _stated_base(carried: Row) -> str:
    for each in rows(carried.get("resources")):
        if string(each, "type") == "forums":
            return string(row(each, "attributes"), "baseUrl").rstrip("/")
    return ""


def _list_url(page: Page, base: str) -> str:
    """The list of a tag, or of all; without a `sort` the pinned ones would come first."""
    tag = re.search(r"/t/([\w-]+)", urlsplit(page.url).path)
    url = f"{base}/api/discussions?sort=-lastPostedAt&page[limit]={MOST_POSTS}&page[offset]=0"
    return with_query(url, **{"filter[tag]": tag[1]}) if tag else url


def _read_plain(page: Page, tree: HtmlElement, url: str) -> Found:
    """What the page shows to readers without a script: names and words, no ids and no dates."""
    source = Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="flarum")
    posts = []
    shown = select(tree, "#flarum-content .Post-body")
    for place, body in enumerate(shown, start=1):
        around = body.getparent()
        text, quotes = own_words(body, _instead)
        name = text_of(first(around, "h3")) if around is not None else ""
        posts.append(
            Post(id=f"p{place}", number=place, text=text, author=name or None, quotes=quotes)
        )
    title = text_of(first(tree, "#flarum-content h1", "#flarum-content h2"))
    thread = Thread(source=source, title=title, posts=tuple(posts))
    return Found(documents=(thread,) if posts else ())
