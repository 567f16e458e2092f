"""Hacker News: whole threads from the interface of its search, items of its own, and its pages.

All three know a post by the same number. The search answers a thread in one piece, so that is
where an ordinary address leads (`crawler.engines.starts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from crawler import clean
from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.answers import (
    Row,
    answer,
    instant,
    is_json,
    iso,
    joined,
    own_html,
    row,
    rows,
    string,
    with_query,
)
from crawler.engines.markup import first, number, own_words, select, text_of, tree_of
from crawler.errors import NothingRead
from crawler.page import Found, Link, Page
from crawler.quoting import unquoted

__all__ = ["HOST", "SEARCH", "read", "recognises"]

HOST = "news.ycombinator.com"
"""The site of every thread, whichever host answered."""
SEARCH = "https://hn.algolia.com/api/v1"
_HITS = re.compile(r'"hits"\s*:')
_TREE = ('"story_id"', '"children"', '"created_at_i"')
_ITEM = re.compile(r'"type"\s*:\s*"(?:story|comment|poll|pollopt|job)"')
_STORIES = ("story", "poll", "job")


def recognises(page: Page) -> float:
    """How sure it is that Hacker News wrote this page, 0 to 1."""
    if is_json(page):
        is_search = _HITS.search(page.text) and '"objectID"' in page.text
        is_tree = all(mark in page.text for mark in _TREE)
        is_item = _ITEM.search(page.text) and '"by"' in page.text and '"id"' in page.text
        return 0.95 if (is_search and '"story' in page.text) or is_tree or is_item else 0.0
    return 1.0 if 'id="hnmain"' in page.text else 0.0


def read(page: Page) -> Found:
    """The posts and links of an answer or a page; raises NothingRead."""
    if not is_json(page):
        return _read_html(page)
    data = row(answer(page))
    if isinstance(data.get("hits"), list):
        return _read_hits(page, data)
    if isinstance(data.get("children"), list):
        return _read_tree(page, data)
    if clean.whole(data.get("id")) and string(data, "type"):
        return _read_item(page, data)
    raise NothingRead(f"{page.url}: an answer of Hacker News with no story in it")


def _url(item: int) -> str:
    return f"https://{HOST}/item?id={item}"


def _source(page: Page, item: int) -> Source:
    return Source(url=_url(item), site=HOST, fetched=page.fetched, engine="hackernews")


def _items(page: Page, item: int) -> str:
    """Where a whole thread is answered, on the host that answered this page."""
    parts = urlsplit(page.url)
    folder = parts.path.partition("/search")[0].partition("/items/")[0]
    return f"{parts.scheme}://{parts.netloc}{folder}/items/{item}"


def _read_hits(page: Page, data: Row) -> Found:
    links = []
    for hit in rows(data.get("hits")):
        story = string(hit, "objectID") if "title" in hit else str(hit.get("story_id"))
        item = int(story) if re.fullmatch(r"\d{1,9}", story) else None
        if item:
            links.append(_thread_link(page, hit, item))
    place, pages = clean.whole(data.get("page")), clean.whole(data.get("nbPages")) or 0
    if place is not None and place + 1 < pages:
        links.append(Link(url=with_query(page.url, page=place + 1), role="listing"))
    return Found(links=tuple(links))


def _thread_link(page: Page, hit: Row, item: int) -> Link:
    count = clean.whole(hit.get("num_comments"))
    return Link(
        url=_items(page, item),
        role="thread",
        thread=_url(item),
        stamp=f"{count} comments" if count is not None else None,
        title=unescape(string(hit, "title") or string(hit, "story_title")),
    )


def _read_tree(page: Page, data: Row) -> Found:
    """A story with all below it; of a comment only where its story is."""
    item, story = clean.whole(data.get("id")), clean.whole(data.get("story_id"))
    if item is None:
        raise NothingRead(f"{page.url}: a thread of Hacker News without a number")
    if string(data, "type") not in _STORIES:
        if not story or story == item:
            return Found()
        return Found(links=(Link(url=_items(page, story), role="thread", thread=_url(story)),))
    posts = []
    gone = []
    for place, each in enumerate(_below(data), start=1):
        is_said = string(each, "author") and (string(each, "text") or place == 1)
        if is_said:
            posts.append(_post(each, place))
        elif each.get("text") is None:
            gone.append(_url(each["id"]))
    thread = Thread(
        source=_source(page, item),
        title=unescape(string(data, "title")),
        posts=tuple(posts),
        expected=len(posts),
    )
    return Found(documents=(thread,), gone=tuple(gone))


def _below(data: Row) -> Iterator[Row]:
    """The item and all below it, as they are read on the screen."""
    waiting = [data]
    while waiting:
        item = waiting.pop()
        if clean.whole(item.get("id")):
            yield item
        waiting += reversed(rows(item.get("children")))


def _post(item: Row, place: int) -> Post:
    text, quotes = _own(string(item, "text"))
    parent = clean.whole(item.get("parent_id"))
    return Post(
        id=str(item["id"]),
        number=place,
        text=text,
        author=string(item, "author") or None,
        written=iso(item.get("created_at")) or instant(item.get("created_at_i")),
        reply_to=str(parent) if parent else None,
        likes=clean.whole(item.get("points")),
        url=_url(item["id"]),
        quotes=quotes,
    )


def _own(html: str) -> tuple[str, tuple[Quoted, ...]]:
    """The words; members mark by hand what they quote, with `>` before a line."""
    return unquoted(own_html(html, lambda _: None)[0])


def _read_item(page: Page, data: Row) -> Found:
    """One item as the site itself answers it: a story's opening, and where its whole thread is."""
    item = data["id"]
    if string(data, "type") not in _STORIES:
        raise NothingRead(f"{page.url}: a comment by itself does not say its story; give that one")
    better = Link(url=f"{SEARCH}/items/{item}", role="better", thread=_url(item))
    if data.get("deleted") is True or data.get("dead") is True:
        return Found(gone=(_url(item),))
    text, quotes = _own(string(data, "text"))
    post = Post(
        id=str(item),
        number=1,
        text=text,
        author=string(data, "by") or None,
        written=instant(data.get("time")),
        likes=clean.whole(data.get("score")),
        url=_url(item),
        quotes=quotes,
    )
    thread = Thread(
        source=_source(page, item),
        title=unescape(string(data, "title")),
        posts=(post,),
        expected=(clean.whole(data.get("descendants")) or 0) + 1,
    )
    return Found(documents=(thread,), links=(better,))


def _read_html(page: Page) -> Found:
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    further = first(tree, "a.morelink[href]")
    onward = joined(page.url, further.get("href") or "") if further is not None else ""
    shown = first(tree, ".fatitem .athing[id]")
    if shown is not None and select(tree, ".fatitem .titleline"):
        return _html_thread(page, tree, shown, onward)
    links = list(_html_rows(page, tree))
    links += [Link(url=onward, role="listing")] if onward else []
    return Found(links=tuple(links))


def _html_rows(page: Page, tree: HtmlElement) -> Iterator[Link]:
    for title in select(tree, "tr.athing[id]"):
        item = number(title.get("id") or "")
        below = title.getnext()
        if not item or below is None or first(title, ".titleline") is None:
            continue
        said = select(below, "a[href^='item?id=']")
        count = number(text_of(said[-1])) if said else None
        yield Link(
            url=joined(page.url, f"item?id={item}"),
            role="thread",
            thread=_url(item),
            stamp=f"{count or 0} comments",
            title=text_of(first(title, ".titleline a")),
        )


def _html_thread(page: Page, tree: HtmlElement, shown: HtmlElement, onward: str) -> Found:
    item = number(shown.get("id") or "") or 0
    posts = []
    top = first(tree, ".fatitem")
    is_first = "p=" not in urlsplit(page.url).query
    if top is not None and is_first:
        posts.append(_html_post(top, item, 1, None, ".toptext"))
    above: list[tuple[int, int]] = []
    for place, node in enumerate(select(tree, "tr.comtr[id]"), start=2):
        own = number(node.get("id") or "") or 0
        depth = number(_attribute(node, "td.ind[indent]", "indent")) or 0
        above = [each for each in above if each[0] < depth]
        parent = above[-1][1] if above else item
        above.append((depth, own))
        if own and first(node, ".commtext") is not None and first(node, ".hnuser") is not None:
            posts.append(_html_post(node, own, place, parent, ".commtext"))
    thread = Thread(
        source=_source(page, item), title=text_of(first(tree, ".fatitem .titleline a")),
        posts=tuple(posts),
    )  # fmt: skip
    links = (Link(url=onward, role="posts", thread=_url(item)),) if onward else ()
    return Found(documents=(thread,), links=links)


def _attribute(node: HtmlElement, selector: str, name: str) -> str:
    found = first(node, selector)
    return (found.get(name) or "") if found is not None else ""


def _html_post(node: HtmlElement, item: int, place: int, parent: int | None, selector: str) -> Post:
    body = first(node, selector)
    text, quotes = unquoted(own_words(body, lambda _: None)[0]) if body is not None else ("", ())
    return Post(
        id=str(item),
        number=place,
        text=text,
        author=text_of(first(node, ".hnuser")) or None,
        written=iso(_attribute(node, ".age[title]", "title").partition(" ")[0]),
        reply_to=str(parent) if parent else None,
        url=_url(item),
        quotes=quotes,
    )
