"""FluxBB and PunBB, which share their addresses with phpBB and nothing else."""

from __future__ import annotations

import re
from datetime import datetime

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.addresses import asked, base_of, without
from crawler.engines.board import (
    Board,
    Marks,
    answered,
    board_of,
    listing,
    outside,
    said,
    stamp_of,
    sure,
    thread,
)
from crawler.engines.markup import (
    CODE,
    absolute,
    first,
    has,
    heading_of,
    number,
    own_words,
    select,
    text_of,
    words,
)
from crawler.page import Found, Link, Page

__all__ = ["read", "recognises"]

_MARKS: Marks = (
    (
        "BB",
        r"(?i:powered by|propulsé par)\W{0,3}(?:<[^>]{1,500}>\W{0,3}){0,2}(?:FluxBB|PunBB)",
        0.7,
    ),
    ("pun", r"id=[\"']pun(?:index|viewtopic|viewforum|wrap|main)?[\"']", 0.6),
    ("brd-", r"id=[\"']brd-(?:main|wrap|viewtopic|viewforum)", 0.6),
    ("blockpost", "", 0.4),
    ("postmsg", "", 0.3),
    ("post-byline", "", 0.3),
    ("tclcon", "", 0.4),
    ("blocktable", "", 0.4),
    ("main-item", r"class=[\"'][^\"']*\bmain-item\b", 0.4),
    (".php?", r"view(?:topic|forum)\.php\?p?id=\d+", 0.2),
)
_BOXES = "div.blockpost[id^=p], div.post[id^=p] , div.posthead ~ div.postbody"
_BODY = (".postmsg", ".entry-content", ".post-entry .entry-content")
_AUTHORS = (
    ".postleft dt strong a, .postleft dt strong, .postleft dt a, .postleft dt",
    ".post-byline strong a, .post-byline strong, .post-byline em a, .post-byline a",
    ".username a, .username, .post-author .username, dt strong",
)
_DATES = (
    "h2 a[href*='pid='], h2 a[href*='#p'], h2",
    ".post-link a, .post-link",
    ".posthead, .postdate",
)
_PAGERS = (".pagelink", ".paging", ".pagepost")
_SAID = re.compile(
    r"(?<!\s)\s*+(?:wrote|a écrit|schrieb|hat geschrieben|escribió|ha scritto|schreef"
    r"|napisał(?:\(a\))?"
    r"|skrev|пишет|написал\(?а?\)?|kirjoitti)?\s*+(?::\s*+)?$",
    re.I,
)


def recognises(page: Page) -> float:
    """How sure it is that FluxBB or PunBB wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The posts of a topic, or the topics and forums of a list."""
    board = board_of(page, "fluxbb")
    if board is None:
        return Found()
    boxes = [
        box
        for box in select(board.tree, _BOXES)
        if _post_id(box) and first(box, *_BODY) is not None
    ]
    return _topic(board, boxes) if boxes else _listing(board)


def _post_id(box: HtmlElement) -> str:
    found = re.fullmatch(r"p(\d+)", box.get("id") or "")
    return found[1] if found else ""


def _topic(board: Board, boxes: list[HtmlElement]) -> Found:
    tree = board.tree
    url = _topic_url(board)
    start = next((n - at for at, box in enumerate(boxes) if (n := _number(box))), 1)
    posts = [_post(board, box, place, url) for place, box in enumerate(boxes, max(start, 1))]
    after = board.following(_PAGERS)
    return thread(
        board,
        url,
        _title(tree),
        posts,
        expected=_expected(tree),
        after=without(after, "pid", "action"),
        start=url if start > 1 else "",
    )


def _topic_url(board: Board) -> str:
    """The one address of the topic; that of a single post tells it by a link of its page."""
    links = select(board.tree, ".crumbs a[href*='viewtopic'], .pagelink a[href], .paging a[href]")
    links += select(
        board.tree, "h1 a[href], a[href*='viewtopic'], a[href*='tid='], form[action*='tid=']"
    )
    hrefs = [board.page.url, *(n.get("href") or n.get("action") for n in links)]
    for href in hrefs:
        query = asked(href or "")
        number_ = query.get("id" if "viewtopic" in (href or "") else "tid", "")
        if number_.isdigit():
            return base_of(board.page.url, f"viewtopic.php?id={number_}")
        if rewritten := re.search(r"/topic/?(\d+)", href or ""):
            where = absolute(board.tree, board.page.url, href)
            return where[: where.rindex(rewritten.group())] + rewritten.group()
    return without(board.page.url, "p", "pid")


def _title(tree: HtmlElement) -> str:
    return heading_of(
        tree,
        "h1.main-title",
        ".crumbs li:last-child strong",
        ".crumbs li:last-child a",
        ".crumbs li:last-child",
    )


def _expected(tree: HtmlElement) -> int | None:
    """`Posts: 1 to 25 of 112`, as PunBB 1.4 prints it."""
    line = text_of(first(tree, ".main-head .item-info", "h2 .item-info", ".item-info"))
    counts = [int(re.sub(r"\D", "", one)) for one in re.findall(r"\d[\d.,]*", line)]
    return counts[-1] if counts and counts[-1] == max(counts) else None


def _number(box: HtmlElement) -> int | None:
    """The printed number of the post."""
    return number(text_of(first(box, "h2 .conr", ".post-num", "h3 .post-num")))


def _post(board: Board, box: HtmlElement, place: int, url: str) -> Post:
    body = first(box, *_BODY)
    assert body is not None  # boxes without words were left out before
    text, quotes = own_words(body, _instead)
    post = _post_id(box)
    return Post(
        id=post,
        number=place,
        text=text,
        author=said(box, body, _AUTHORS),
        written=_written(board, box, body),
        edited=_edited(board, box),
        reply_to=answered(quotes),
        url=f"{url.partition('?')[0]}?pid={post}#p{post}" if "?id=" in url else f"{url}#p{post}",
        quotes=quotes,
    )


def _written(board: Board, box: HtmlElement, body: HtmlElement) -> datetime | None:
    for selector in _DATES:
        for node in outside(box, body, selector):
            plain = words(node, lambda part: "" if has(part, "conr", "post-num") else None)
            if len(plain) < 80 and (when := board.moment(plain)):
                return when
    return None


def _edited(board: Board, box: HtmlElement) -> datetime | None:
    notice = first(box, "p.postedit", ".lastedit")
    inner = re.search(r"\((.{1,300})\)", text_of(notice))
    return board.moment(inner[1] if inner else text_of(notice)) if notice is not None else None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if has(node, "quotebox") or node.tag == "blockquote":
        return _quoted(node)
    if has(node, "codebox"):
        return CODE
    gone = ("postsignature", "sig-content", "postedit", "lastedit", "attachments", "sig-line")
    return "" if has(node, *gone) else None


def _quoted(node: HtmlElement) -> Quoted:
    head = first(node, "cite", "h4")
    links = select(head, "a[href]") if head is not None else []
    posts = (re.search(r"(?:pid=|#p|/post/)(\d+)", link.get("href")) for link in links)

    def instead(inner: HtmlElement) -> str | None:
        is_inner = has(inner, "quotebox") or (
            inner.tag == "blockquote" and node.tag == "blockquote"
        )
        return "" if inner is head or is_inner else None

    return Quoted(
        text=words(node, instead),
        author=_SAID.sub("", text_of(head)[:300]).strip() or None,
        post=next((found[1] for found in posts if found), None),
    )


def _listing(board: Board) -> Found:
    rows = [_row(board, row) for row in select(board.tree, "tr, div.main-item")]
    forums = [
        _forum(board, link) for link in select(board.tree, "h3 a[href], a[href*='viewforum']")
    ]
    after = board.following(_PAGERS)
    return listing(rows, [*forums, after])


def _forum(board: Board, link: HtmlElement) -> str:
    url = board.link(link.get("href"))
    is_way_back = any(
        has(up, "crumbs", "pagelink", "paging", "crumb") for up in link.iterancestors()
    )
    is_forum = re.search(r"viewforum\.php\?id=\d+$|/forum/?\d+[^?]*$", url)
    return url if is_forum and not is_way_back and not has(link, "newthread") else ""


def _row(board: Board, row: HtmlElement) -> Link | None:
    link = first(
        row,
        ".tclcon a[href*='viewtopic.php?id=']",
        ".tclcon a[href*='topic']",
        "h3.hn a[href*='topic']",
    )
    url = board.link(link.get("href")) if link is not None else ""
    if link is None or not url or not re.search(r"viewtopic\.php\?id=\d+|/topic/?\d+", url):
        return None
    url = without(url, "action", "p")
    replies = number(text_of(first(row, "td.tc2", ".info-replies strong", ".info-replies")))
    counted = first(row, "td.tc2", ".info-replies")
    last = first(row, "td.tcr a", ".info-lastpost strong a", ".info-lastpost a", "td.tcr")
    active = board.moment(text_of(last)) if last is not None else None
    replies = 0 if replies is None and counted is not None else replies
    return Link(
        url=url,
        role="thread",
        thread=url,
        stamp=stamp_of(replies, active),
        active=active,
        title=text_of(link),
        pinned=has(row, "isticky", "sticky") or bool(select(row, ".stickytext, .sticky")),
    )
