"""Reddit: listings and trees of comments as its interface for applications answers them (JSON).

Its pages are never read: they are refused in one line. What needs no account is a dump
(`crawler.imports.reddit`), whose threads and posts have the same addresses and ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from crawler import clean
from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.answers import (
    Row,
    answer,
    asked,
    instant,
    is_json,
    row,
    string,
    with_query,
)
from crawler.engines.marked import own_marked
from crawler.errors import NothingRead, RefusedByPolicy
from crawler.page import Found, Link, Page

__all__ = ["HOST", "read", "recognises", "thread_url"]

HOST = "www.reddit.com"
"""The site of every thread, whichever host answered."""
MOST_CHILDREN = 100
"""Comments that one request for more may name."""
_GONE = {"[deleted]", "[removed]", "[deleted by user]"}
_ROBOTS = {"AutoModerator"}
_ID = re.compile(r"[0-9a-z]{1,16}", re.I)
_NAME = re.compile(r"t[13]_[0-9a-z]{1,16}", re.I)
_KIND = re.compile(r'"kind"\s*:\s*"(?:Listing|t1|t3|more)"')
_WHOLE: dict[str, str | int] = {"limit": 500, "sort": "old", "raw_json": 1}


def recognises(page: Page) -> float:
    """How sure it is that Reddit wrote this page, 0 to 1."""
    if is_json(page):
        return 0.95 if _KIND.search(page.text[:4000]) else 0.0
    marks = ("<shreddit-", 'id="siteTable"', 'content="reddit', 'property="og:site_name"')
    return 1.0 if "redditstatic.com/" in page.text and any(m in page.text for m in marks) else 0.0


def thread_url(thread: str) -> str:
    """Canonical address of a thread by its id, whatever its subreddit was called."""
    return f"https://{HOST}/comments/{thread}/"


def read(page: Page) -> Found:
    """The posts and links of an answer; raises RefusedByPolicy for a page of Reddit's."""
    if not is_json(page):
        raise RefusedByPolicy(
            f"{page.url}: pages of Reddit are not read; give its interface an account "
            "(REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET) or read a dump of it"
        )
    data = answer(page)
    things = list(_things(data))
    if not things:
        raise NothingRead(f"{page.url}: an answer of Reddit with no posts in it")
    after = string(row(data, "data"), "after")
    further = with_query(page.url, after=after) if _NAME.fullmatch(after) else ""
    submissions = [held for kind, held in things if kind == "t3"]
    is_list = "comments" not in urlsplit(page.url).path and not asked(page.url).get("link_id")
    if is_list and submissions:
        return _listed(page, submissions, further)
    return _said(page, things, further)


def _things(data: Any) -> Iterator[tuple[str, Row]]:
    """Kind and fields of all that an answer holds, as it is read on the screen."""
    waiting: list[Any] = list(data) if isinstance(data, list) else [data]
    waiting.reverse()
    while waiting:
        thing = row(waiting.pop())
        kind, held = string(thing, "kind"), row(thing, "data")
        if kind == "Listing" or not kind:
            inside = held.get("children") or row(thing, "json", "data").get("things")
            waiting += reversed(inside if isinstance(inside, list) else [])
        else:
            yield kind, held
            if kind == "t1" and isinstance(held.get("replies"), dict):
                waiting.append(held["replies"])


def _listed(page: Page, submissions: list[Row], further: str) -> Found:
    """The threads of a list; it ends after a thousand, whatever the subreddit holds."""
    links = [_thread_link(page, each) for each in submissions if _id(each)]
    gone = [_permalink(each) for each in submissions if _is_gone(each)]
    links += [Link(url=further, role="listing")] if further else []
    group = re.match(r"(/r/[\w+-]+)/new(?:\.json)?/?$", urlsplit(page.url).path)
    if group and "after" not in asked(page.url):
        feed = _at(page, f"{group[1]}/comments", limit=100, raw_json=1)
        links.append(Link(url=feed, role="recent"))
    return Found(links=tuple(links), gone=tuple(filter(None, gone)))


def _thread_link(page: Page, given: Row) -> Link:
    state = (given.get("num_comments"), given.get("edited"), given.get("removed_by_category"))
    return Link(
        url=_at(page, f"/comments/{_id(given)}", **_WHOLE),
        role="thread",
        thread=thread_url(_id(given)),
        stamp="|".join(map(str, state)),
        title=unescape(string(given, "title")),
        pinned=given.get("stickied") is True,
    )


def _at(page: Page, path: str, **query: str | int) -> str:
    """An address of the interface that answered this page."""
    parts = urlsplit(page.url)
    ending = ".json" if parts.path.endswith(".json") else ""
    return with_query(f"{parts.scheme}://{parts.netloc}{path}{ending}", **query)


def _said(page: Page, things: list[tuple[str, Row]], further: str) -> Found:
    """Posts of a thread's page, of a request for more of it, or of the feed of comments."""
    posts = [each for kind, each in things if kind in ("t1", "t3") and _id(each)]
    by_name = {_name(each): each for each in posts}
    threads: dict[str, list[Post]] = {}
    for place, each in enumerate(posts, start=1):
        said = threads.setdefault(_thread_of(each), [])
        if not _is_gone(each) and string(each, "author") not in _ROBOTS:
            number = 1 if "title" in each else place + ("t3" not in dict(things))
            said.append(_answered(_post(each, number), by_name))
    opened = {_id(each): each for each in posts if "title" in each}
    documents = [_thread(page, name, posts, opened.get(name)) for name, posts in threads.items()]
    links = [link for kind, each in things if kind == "more" for link in _more(page, each, threads)]
    gone = [_permalink(each) for each in posts if _is_gone(each)]
    if further and not opened:
        links.append(Link(url=further, role="recent"))
    return Found(documents=tuple(documents), links=tuple(links), gone=tuple(filter(None, gone)))


def _thread(page: Page, name: str, posts: list[Post], opened: Row | None) -> Thread:
    source = Source(url=thread_url(name), site=HOST, fetched=page.fetched, engine="reddit")
    comments = clean.whole(opened.get("num_comments")) if opened else None
    return Thread(
        source=source,
        title=unescape(string(opened, "title")) if opened else "",
        posts=tuple(posts),
        expected=None if comments is None else comments + 1,
    )


def _more(page: Page, given: Row, threads: dict[str, list[Post]]) -> Iterator[Link]:
    """Where the comments are that the tree leaves out."""
    thread = (asked(page.url).get("link_id") or next(iter(threads), "")).rpartition("_")[2]
    if not _ID.fullmatch(thread):
        return
    names = given.get("children")
    held = [name for name in names if _ID.fullmatch(str(name))] if isinstance(names, list) else []
    parent = string(given, "parent_id").rpartition("_")[2]
    if not held and _ID.fullmatch(parent) and parent != thread:
        url = _at(page, f"/comments/{thread}/_/{parent}", **_WHOLE)
        yield Link(url=url, role="posts", thread=thread_url(thread))
    for start in range(0, len(held), MOST_CHILDREN):
        children = ",".join(map(str, held[start : start + MOST_CHILDREN]))
        query: dict[str, str | int] = {
            "api_type": "json",
            "link_id": f"t3_{thread}",
            "children": children,
        }
        url = _at(page, "/api/morechildren", **query, limit_children="false", raw_json=1)
        yield Link(url=url, role="posts", thread=thread_url(thread))


def _id(given: Row) -> str:
    name = string(given, "id").lower()
    return name if _ID.fullmatch(name) else ""


def _name(given: Row) -> str:
    return f"t3_{_id(given)}" if "title" in given else f"t1_{_id(given)}"


def _thread_of(given: Row) -> str:
    name = string(given, "link_id").rpartition("_")[2].lower()
    return name if _ID.fullmatch(name) and "title" not in given else _id(given)


def _is_gone(given: Row) -> bool:
    """Whether somebody took it back or it was taken down."""
    text = string(given, "selftext" if "title" in given else "body").strip()
    is_removed = isinstance(given.get("removed_by_category"), str)
    return is_removed or text in _GONE or string(given, "title").strip() in _GONE


def _permalink(given: Row) -> str | None:
    link = string(given, "permalink")
    return f"https://{HOST}{link}" if link.startswith("/") else None


def _post(given: Row, number: int) -> Post:
    text, quotes = own_marked(string(given, "selftext" if "title" in given else "body"))
    author, parent = string(given, "author"), string(given, "parent_id").lower()
    edited = given.get("edited")
    return Post(
        id=_name(given),
        number=number,
        text=text,
        author=author if author and author not in _GONE else None,
        written=instant(given.get("created_utc")),
        edited=instant(edited) if edited else None,
        reply_to=parent if _NAME.fullmatch(parent) else None,
        likes=None if given.get("score_hidden") is True else clean.whole(given.get("score")),
        url=_permalink(given),
        quotes=quotes,
    )


def _answered(post: Post, by_name: dict[str, Row]) -> Post:
    """The post, whose quotes name the one it answers where its words are there."""
    parent = by_name.get(post.reply_to or "")
    if parent is None or not post.quotes:
        return post
    whole = _folded(own_marked(string(parent, "selftext" if "title" in parent else "body"))[0])
    author = string(parent, "author") or None
    return replace(
        post,
        quotes=tuple(
            Quoted(text=q.text, author=author, post=post.reply_to)
            if _folded(q.text) in whole
            else q
            for q in post.quotes
        ),
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
