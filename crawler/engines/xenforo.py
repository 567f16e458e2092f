"""XenForo 2, and XenForo 1 where its markup differs."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.dates import moment
from crawler.engines.markup import (
    CODE,
    absolute,
    first,
    has,
    language,
    next_page,
    number,
    own_words,
    select,
    text_of,
    tree_of,
    words,
)
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

_POSTS = "article.message--post[data-content^=post-], #messageList > li.message[id^=post-]"
_BODY = (".message-content .bbWrapper", ".message-body .bbWrapper", "blockquote.messageText")
_ROWS = ".structItem--thread, li.discussionListItem"
_ROW_LINK = (".structItem-title a[href]", "h3.title a[href]")
_FORUMS = ".node-title a[href], .node .nodeTitle a[href]"
_PAGERS = (".pageNav-main", ".PageNav nav")
_NOT_TITLE = ("label", "label-append", "prefix", "PageNav", "DateTime")
_PER_PAGE = 20
_THREAD = re.compile(r"^(?P<base>.*?[/?])threads/(?:[^/]*\.)?(?P<id>\d+)(?:/|$)")
_PAGE = re.compile(r"/?page-(\d+)/?$")
_SAID = re.compile(
    r"\s*(?:said|schrieb|a dit|dijo|ha scritto|zei|sanoi|skrev)?\s*:\s*[↑\s]*$", re.I
)


def recognises(page: Page) -> float:
    """How sure it is that XenForo wrote this page, 0 to 1."""
    if re.search(r'<html[^>]+id="(?:XF|XenForo)"', page.text):
        return 1.0
    marks = ("data-xf-init=", "js-inlineModContainer", "structItem--thread", "bbWrapper")
    return min(0.9, 0.3 * sum(mark in page.text for mark in marks))


def read(page: Page) -> Found:
    """The posts of a thread, or the threads and forums of a list."""
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    boxes = select(tree, _POSTS)
    if boxes:
        return _thread(page, tree, boxes)
    return Found(links=tuple(_listing(page, tree)))


def _thread(page: Page, tree: HtmlElement, boxes: list[HtmlElement]) -> Found:
    url = _thread_url(page.url, tree)
    offset = _PER_PAGE * (_page_number(page.url) - 1)
    read = (_post(page, tree, box, place, url) for place, box in enumerate(boxes, offset + 1))
    posts = tuple(post for post in read if post)
    source = Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="xenforo")
    after = next_page(tree, page.url, _PAGERS)
    links = [Link(url=after, role="posts", thread=url)] if after else []
    if offset:
        start = _PAGE.sub("/", page.url.partition("#")[0])
        links.append(Link(url=start, role="thread", thread=url))
    thread = Thread(source=source, title=_title(tree), posts=posts)
    return Found(documents=(thread,), links=tuple(links))


def _thread_url(url: str, tree: HtmlElement) -> str:
    """The one address of a thread: by id, since the words in it change with the title."""
    canonical = first(tree, "link[rel=canonical][href]")
    stated = absolute(tree, url, canonical.get("href")) if canonical is not None else ""
    for address in (stated, url):
        found = _THREAD.match(address)
        if found and site_of(address) == site_of(url):
            return f"{found['base']}threads/{found['id']}/"
    return _PAGE.sub("/", (stated or url).partition("#")[0])


def _page_number(url: str) -> int:
    found = _PAGE.search(urlsplit(url).path) or re.search(r"[?&/]page[=-](\d+)", url)
    return int(found[1]) if found else 1


def _title(tree: HtmlElement) -> str:
    heading = first(tree, "h1.p-title-value", ".titleBar h1")
    if heading is None:
        return ""
    return words(heading, lambda node: "" if has(node, *_NOT_TITLE) else None)


def _post(page: Page, tree: HtmlElement, box: HtmlElement, place: int, thread: str) -> Post | None:
    if has(box, "message--deleted", "deleted"):
        return None
    body = first(box, *_BODY)
    post = re.sub(r"\D", "", box.get("data-content") or box.get("id") or "")
    if body is None or not post:
        return None
    text, quotes = own_words(body, _instead)
    answered = [quote.post for quote in quotes if quote.post]
    return Post(
        id=post,
        number=_place(box) or place,
        text=text,
        author=box.get("data-author") or text_of(first(box, ".username")) or None,
        written=_date(page, tree, box, ".message-attribution", ".privateControls"),
        edited=_date(page, tree, box, ".message-lastEdit", ".editDate"),
        reply_to=answered[0] if answered else None,
        likes=_likes(box),
        url=f"{thread}post-{post}",
        quotes=quotes,
    )


def _place(box: HtmlElement) -> int | None:
    """The printed number of the post, `#6`."""
    for link in select(box, ".message-attribution a, .postNumber"):
        found = re.fullmatch(r"#\s*([\d.,\s]+)", text_of(link))
        if found:
            return number(found[1])
    return None


def _date(page: Page, tree: HtmlElement, box: HtmlElement, *places: str) -> datetime | None:
    line = first(box, *places)
    if line is None:
        return None
    node = first(line, "time[datetime]", ".DateTime")
    if node is None:
        return None
    stated = (node.get("datetime"), node.get("data-time"), node.get("title"), text_of(node))
    spoken = language(tree)
    found = (moment(text, now=page.fetched, language=spoken) for text in stated if text)
    return next((when for when in found if when), None)


def _likes(box: HtmlElement) -> int:
    """Names of those who liked it, and `8 others`."""
    line = first(box, ".reactionsBar-link", ".likesBar a", ".LikeText")
    if line is None:
        return 0
    names = select(line, "bdi, a.username") or [n for n in line if n.tag in ("a", "span")]
    plain = text_of(line)
    for node in select(line, "bdi, a.username"):
        plain = plain.replace(text_of(node), "", 1)
    others = number(plain)
    return len(names) + (others or 0)


def _instead(node: HtmlElement) -> str | Quoted | None:
    if has(node, "bbCodeBlock--quote", "bbCodeQuote"):
        return _quoted(node)
    if has(node, "bbCodeBlock--code", "bbCodeCode", "bbCodePHP", "bbCodeHtml"):
        return CODE
    gone = ("messageTextEndMarker", "bbCodeSpoiler-button", "js-lbImage", "bbCodeBlock--unfurl")
    return "" if has(node, *gone) else None


def _quoted(node: HtmlElement) -> Quoted:
    title = first(node, ".bbCodeBlock-title", ".attribution")
    inside = first(node, ".bbCodeBlock-expandContent", ".bbCodeBlock-content", ".quoteContainer")
    name = node.get("data-quote") or node.get("data-author") or _SAID.sub("", text_of(title))
    return Quoted(
        text=words(inside if inside is not None else node, _inside_quote),
        author=name.strip() or None,
        post=_quoted_post(node, title),
    )


def _inside_quote(node: HtmlElement) -> str | None:
    gone = (
        "bbCodeBlock--quote",
        "bbCodeQuote",
        "quoteExpand",
        "bbCodeBlock-expandLink",
        "attribution",
    )
    return "" if has(node, *gone) else None


def _quoted_post(node: HtmlElement, title: HtmlElement | None) -> str | None:
    stated = re.search(r"post:\s*(\d+)", node.get("data-source") or "")
    if stated:
        return stated[1]
    link = first(title, "a[href]") if title is not None else None
    found = (
        re.search(r"(?:post[?/-]|id=|posts/)(?:id=)?(\d+)", link.get("href"))
        if link is not None
        else None
    )
    return found[1] if found else None


def _listing(page: Page, tree: HtmlElement) -> list[Link]:
    rows = [link for row in select(tree, _ROWS) if (link := _row(page, tree, row))]
    forums = [absolute(tree, page.url, a.get("href")) for a in select(tree, _FORUMS)]
    lists = dict.fromkeys([*forums, next_page(tree, page.url, _PAGERS)])
    inside = (url for url in lists if url and site_of(url) == site_of(page.url))
    return rows + [Link(url=url, role="listing") for url in inside]


def _row(page: Page, tree: HtmlElement, row: HtmlElement) -> Link | None:
    """The thread of a row; the last link of its title, since a prefix may come first."""
    links = [a for selector in _ROW_LINK for a in select(row, selector)]
    if not links:
        return None
    url = re.sub(r"/(?:unread|latest)/?$", "/", absolute(tree, page.url, links[-1].get("href")))
    found = _THREAD.match(url)
    thread = f"{found['base']}threads/{found['id']}/" if found else url
    return Link(url=url, role="thread", thread=thread, stamp=_stamp(row))


def _stamp(row: HtmlElement) -> str | None:
    """The number of replies and the time of the last post, as the row states them."""
    replies = number(text_of(first(row, ".structItem-cell--meta dd", ".stats .major dd")))
    last = first(
        row, "time.structItem-latestDate", ".lastPost .DateTime", ".lastPostInfo .DateTime"
    )
    if replies is None or last is None:
        return None
    state = last.get("datetime") or last.get("data-time") or last.get("title")
    return f"{replies}|{state}" if state else None
