"""XenForo 2, and XenForo 1 where its markup differs."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.addresses import without
from crawler.engines.board import Board, Marks, answered, board_of, listing, stamp_of, sure, thread
from crawler.engines.markup import (
    CODE,
    absolute,
    first,
    has,
    number,
    own_words,
    select,
    text_of,
    words,
)
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

_MARKS: Marks = (
    ("<html", r"<html[^>]{1,500}id=[\"'](?:XF|XenForo)[\"']", 1.0),
    ("data-xf-init=", "", 0.5),
    ("js-inlineModContainer", "", 0.3),
    ("structItem--thread", "", 0.3),
    ("discussionListItem", "", 0.3),
    ("bbWrapper", "", 0.3),
    ("messageText", "", 0.2),
)
_POSTS = "article.message[data-content^=post-], li.message[id^=post-]"
_BODY = (".message-content .bbWrapper", ".message-body .bbWrapper", "blockquote.messageText")
_ROWS = ".structItem--thread, li.discussionListItem"
_ROW_LINK = (".structItem-title a[href]", "h3.title a[href]")
_FORUMS = (
    ".node-title a[href], .node .nodeTitle a[href], a.subNodeLink[href], .subNodeLink a[href]"
    ", .node-subNodeFlatList a[href]"
)
_PAGERS = (".pageNav-main", ".PageNav nav")
_NOT_TITLE = ("label", "label-append", "prefix", "PageNav", "DateTime")
_WRITTEN = (".message-attribution", ".privateControls", ".datePermalink", ".messageMeta")
_REPLIES = re.compile(r'/(?:Reply|Comment)Action"\s*,\s*"userInteractionCount"\s*:\s*"?(\d+)')
_PER_PAGE = 20
_THREAD = re.compile(r"^(?P<base>.*?[/?])threads/(?:[^/]*\.)?(?P<id>\d+)(?:/|$)")
_PAGE = re.compile(r"/?page-(\d+)/?$")
_SAID = re.compile(
    r"(?<!\s)\s*+(?:said|schrieb|a dit|dijo|ha scritto|zei|sanoi|skrev)?\s*+:[↑\s]*+$", re.I
)


def recognises(page: Page) -> float:
    """How sure it is that XenForo wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The posts of a thread, or the threads and forums of a list."""
    board = board_of(page, "xenforo")
    if board is None:
        return Found()
    boxes = list({_post_id(box): box for box in reversed(select(board.tree, _POSTS))}.values())[
        ::-1
    ]
    return _thread(board, boxes) if boxes else _listing(board)


def _thread(board: Board, boxes: list[HtmlElement]) -> Found:
    page = board.page
    url = _thread_url(page.url, board.tree)
    offset = _PER_PAGE * (_page_number(page.url) - 1)
    posts = (_post(board, box, place, url) for place, box in enumerate(boxes, offset + 1))
    return thread(
        board,
        url,
        _title(board.tree),
        [post for post in posts if post],
        expected=_expected(page.text),
        after=board.following(_PAGERS),
        start=_PAGE.sub("/", without(page.url)) if offset else "",
    )


def _expected(text: str) -> int | None:
    """The posts of the thread: its opening and the replies its description for machines counts."""
    found = _REPLIES.search(text)
    return int(found[1]) + 1 if found else None


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


def _post(board: Board, box: HtmlElement, place: int, thread: str) -> Post | None:
    if has(box, "message--deleted", "deleted"):
        return None
    body = first(box, *_BODY)
    post = _post_id(box)
    if body is None or not post:
        return None
    text, quotes = own_words(body, _instead)
    return Post(
        id=post,
        number=_place(box) or place,
        text=text,
        author=box.get("data-author") or text_of(first(box, ".username")) or None,
        written=_date(board, box, *_WRITTEN),
        edited=_date(board, box, ".message-lastEdit", ".editDate"),
        reply_to=answered(quotes),
        likes=_likes(box),
        url=f"{thread}post-{post}",
        quotes=quotes,
    )


def _post_id(box: HtmlElement) -> str:
    return re.sub(r"\D", "", box.get("data-content") or box.get("id") or "")


def _place(box: HtmlElement) -> int | None:
    """The printed number of the post, `#6`."""
    for link in select(box, ".message-attribution a, .postNumber"):
        found = re.fullmatch(r"#\s*([\d.,\s]+)", text_of(link))
        if found:
            return number(found[1])
    return None


def _date(board: Board, box: HtmlElement, *places: str) -> datetime | None:
    for place in places:
        for line in select(box, place):
            node = first(line, "time[datetime]", ".DateTime")
            if node is not None:
                stated = (node.get("datetime"), node.get("data-time"), node.get("title"))
                return board.moment(*stated, text_of(node))
    return None


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


def _listing(board: Board) -> Found:
    rows = [_row(board, row) for row in select(board.tree, _ROWS)]
    forums = [board.link(link.get("href")) for link in select(board.tree, _FORUMS)]
    return listing(rows, [*forums, board.following(_PAGERS)])


def _row(board: Board, row: HtmlElement) -> Link | None:
    """The thread of a row; the last link of its title, since a prefix may come first."""
    links = [a for selector in _ROW_LINK for a in select(row, selector)]
    if not links:
        return None
    url = re.sub(r"/(?:unread|latest)/?$", "/", board.link(links[-1].get("href")))
    found = _THREAD.match(url)
    stamp, active = _state(board, row)
    return Link(
        url=url,
        role="thread",
        thread=f"{found['base']}threads/{found['id']}/" if found else url,
        stamp=stamp,
        active=active,
        title=text_of(links[-1]),
        pinned=_is_pinned(row),
    )


def _is_pinned(row: HtmlElement) -> bool:
    groups = any(has(up, "structItemContainer-group--sticky") for up in row.iterancestors())
    return groups or has(row, "sticky") or bool(select(row, ".structItem-status--sticky"))


def _state(board: Board, row: HtmlElement) -> tuple[str | None, datetime | None]:
    """The replies and the time of the last post, and that time, as the row states them."""
    replies = number(text_of(first(row, ".structItem-cell--meta dd", ".stats .major dd")))
    last = first(
        row, "time.structItem-latestDate", ".lastPost .DateTime", ".lastPostInfo .DateTime"
    )
    if last is None:
        return None, None
    stated = (last.get("datetime"), last.get("data-time"), last.get("title"), text_of(last))
    state = next((one for one in stated if one), None)
    return stamp_of(replies, state) if replies is not None else None, board.moment(*stated)
