"""Simple Machines Forum 1.1, 2.0 and 2.1, and the forums made from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.addresses import asked, without
from crawler.engines.board import (
    Board,
    Marks,
    answered,
    around,
    board_of,
    crowds,
    listing,
    outside,
    said,
    stamp_of,
    sure,
    thread,
)
from crawler.engines.markup import (
    CODE,
    HEADING,
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
    ("smf_", r"\bsmf_(?:theme_url|default_theme_url|images_url|scripturl)\b", 1.0),
    ("simplemachines.org", "", 0.3),
    ("SMF", r"Powered by\W{0,3}(?:<[^>]{1,500}>)?\W{0,3}SMF\b", 0.6),
    ("index.php?", r"index\.php\?(?:[^\"' ]*&(?:amp;)?)?(?:topic|board)=\d+\.", 0.3),
    ("post_wrapper", "", 0.3),
    ("subject_", r"id=[\"']subject_\d+", 0.3),
    ("msg_", r"id=[\"']msg_\d+", 0.2),
    ("bbc_standard_quote", "", 0.2),
    ("navPages", "", 0.2),
    ("nav_page", "", 0.2),
    ("ElkArte", "", 0.3),
)
_BODIES = "div.post > .inner, div.post, .postarea .messageContent"
_NOT_POST = ("#previewbody", "preview_body")
_AUTHORS = (
    ".poster h4 a[title], .poster h4 a:not(:empty), .poster h4, .poster .name a, .poster .name",
    "b a[href*='action=profile'], strong a[href*='action=profile']",
    "a[href*='action=profile'], a[href*='/profile/']",
    "td[rowspan] > b",
)
_TOPIC = re.compile(r"\btopic[=,](\d+)(?:\.(\w+))?")
_BOARD = re.compile(r"\bboard[=,](\d+)(?:\.(\d+))?")
_PAGERS = (".pagelinks", ".pagesection", "td.middletext", ".pages", "ul.pagelinks")
_SCRIPT = re.compile(r"smf_scripturl\s*=\s*[\"']([^\"'?]+)")
_LONG = 300
"""Characters of a heading that are looked at."""
_TITLE = re.compile(r"^.{0,40}?:\s++(.+?)(?:(?<!\s)\s*\((?=[^()\d]*\d)[^()]*+\))?$")
_CITED = re.compile(
    r"(?<!\s)\s++(?:on|am|le|en|op|il|em|den|na|w|dnia|от|на)\s+"
    r"(?=\S{0,40}\s?\S{0,40}\d|\S{1,40}\s+\S{1,40}\s+\d)"
)


def recognises(page: Page) -> float:
    """How sure it is that SMF wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The posts of a topic, or the topics and boards of a list."""
    board = board_of(page, "smf")
    if board is None:
        return Found()
    bodies = [body for body in select(board.tree, _BODIES) if not _is_coarse(body)]
    held = crowds(bodies)
    boxes = [box for body in bodies if (box := _box(body, held)) is not None]
    return _topic(board, boxes) if boxes else _listing(board)


Box = tuple[HtmlElement, HtmlElement, str]
"""The element of a whole post, that of its words, and its id."""


def _is_coarse(body: HtmlElement) -> bool:
    """Whether the words are in a finer element inside."""
    return body.tag == "div" and has(body, "post") and bool(select(body, "div.inner"))


def _box(body: HtmlElement, held: Mapping[HtmlElement, int]) -> Box | None:
    """The box around a body; None for a body whose post has no id, such as a preview."""
    stated = re.fullmatch(r"msg_(\d+)", body.get("id") or "")
    post = ""
    box = body
    for above in around(body, held):
        own = re.fullmatch(r"msg_?(\d+)", above.get("id") or "")
        subject = first(above, "[id^=subject_]") if not post else None
        if not post and (subject is not None or own or has(above, "post_wrapper")):
            named = re.search(r"subject_(\d+)$", subject.get("id")) if subject is not None else None
            found = stated or named or own
            post = found[1] if found else ""
        box = above
        if post and (has(above, "post_wrapper") or above.tag == "table"):
            break
    return (box, body, post) if post else None


def _topic(board: Board, boxes: list[Box]) -> Found:
    url, start = _topic_url(board)
    counts = [_count(box) for box, _, _ in boxes]
    offset = next((n - at for at, n in enumerate(counts) if n is not None), start or 0)
    posts = [_post(board, box, at, url) for at, box in enumerate(boxes, max(offset, 0) + 1)]
    after = board.following(_PAGERS, stated=False)
    return thread(
        board,
        url,
        _title(board.tree),
        posts,
        after=after,
        start=url if offset > 0 else "",
    )


def _topic_url(board: Board) -> tuple[str, int | None]:
    """The one address of the topic, and how many posts come before this page if it tells."""
    page, tree = board.page, board.tree
    canonical = first(tree, "link[rel=canonical][href]")
    stated = absolute(tree, page.url, canonical.get("href")) if canonical is not None else ""
    for address in (page.url, stated, *_tool_links(tree)):
        if found := _TOPIC.search(address):
            start = int(found[2]) if (found[2] or "").isdigit() else None
            return f"{_script(board)}?topic={found[1]}.0", start
    return without(stated or page.url), None


def _tool_links(tree: HtmlElement) -> list[str]:
    tools = "a[href*='action=printpage'], a[href*='action=post'], a[href*='prev_next']"
    return [node.get("href") for node in select(tree, tools)]


def _script(board: Board) -> str:
    """Address of the forum's one script, on the host the page came from."""
    parts = urlsplit(board.page.url)
    told = _SCRIPT.search(board.page.text)
    if told:
        path = urlsplit(told[1].replace("\\/", "/")).path
    else:
        path = re.split(r"(?<=index\.php)", parts.path)[0]
    return f"{parts.scheme}://{parts.netloc}{path}"


def _title(tree: HtmlElement) -> str:
    said = heading_of(
        tree, "#display_head .display_title", "#top_subject", ".display_title", "h1.topic"
    )
    if first(tree, "#display_head", ".display_title") is not None:
        return said
    bar = first(
        tree, "#forumposts .catbg", "#forumposts h3", "td.catbg3 #top_subject", "#top_subject"
    )
    found = _TITLE.match(text_of(bar)[:_LONG]) if bar is not None else None
    return found[1] if found else text_of(first(tree, "head title", "title")) or said


def _count(box: HtmlElement) -> int | None:
    """The number of the reply, which the first post lacks."""
    shown = first(
        box, ".page_number", ".keyinfo .smalltext strong", ".smalltext b, .smalltext strong"
    )
    subject = first(box, "[id^=subject_]")
    places = [shown] if shown is not None else []
    places += select(subject.getparent(), ".smalltext") if subject is not None else []
    for node in places:
        if found := re.search(r"#\s*(\d+)", text_of(node)):
            return int(found[1])
    return None


def _post(board: Board, found: Box, place: int, url: str) -> Post:
    box, body, post = found
    text, quotes = own_words(body, _instead)
    return Post(
        id=post,
        number=place,
        text=text,
        author=said(box, body, _AUTHORS),
        written=_written(board, box, body),
        edited=_edited(board, box, post),
        reply_to=answered(quotes),
        likes=_likes(box, post),
        url=f"{re.sub(r'[.]0$', '', url)}.msg{post}#msg{post}"
        if "topic=" in url
        else f"{url}#msg{post}",
        quotes=quotes,
    )


def _written(board: Board, box: HtmlElement, body: HtmlElement) -> datetime | None:
    subject = first(box, "[id^=subject_]")
    around = [subject.getparent()] if subject is not None else []
    for place in [*select(box, ".keyinfo, .postinfo, .flow_hidden"), *around, box]:
        for node in outside(place, body, "time[datetime], .smalltext, .postinfo a, .time"):
            if has(node, "modified") or any(has(up, "poster") for up in node.iterancestors()):
                continue
            if when := board.moment(node.get("datetime"), *_told(text_of(node))):
                return when
    return None


def _told(line: str) -> list[str]:
    """A line that may end in a date: without the words before it, and whole."""
    plain = line.strip("\u00ab\u00bb ")
    cut = plain.partition(": ")[2]
    return (
        [one for one in (cut, plain) if any(c.isdigit() for c in one)] if len(plain) < 200 else []
    )


def _edited(board: Board, box: HtmlElement, post: str) -> datetime | None:
    notice = first(box, f"#modified_{post}", ".modified")
    return board.moment(*_told(text_of(notice))) if notice is not None else None


def _likes(box: HtmlElement, post: str) -> int | None:
    line = first(box, ".like_count", f"#msg_{post}_likes .like_count")
    return (number(text_of(line)) or 1) if line is not None and text_of(line) else None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if has(node, "quoteheader", "topslice_quote", "quotefooter"):
        return HEADING
    if _is_quote(node):
        return _quoted(node)
    if has(node, "codeheader", "bbc_code", "code"):
        return CODE if not has(node, "codeheader") else ""
    gone = ("signature", "attachments", "moderatorbar", "under_message", "likes")
    return "" if has(node, *gone) or node.tag == "cite" else None


def _is_quote(node: HtmlElement) -> bool:
    return node.tag == "blockquote" or (node.tag == "div" and has(node, "quote", "bbc_quote"))


def _quoted(node: HtmlElement) -> Quoted:
    head = _head(node)
    author = post = None
    if head is not None:
        whole = text_of(head)[:_LONG]
        said = whole.partition(":")[2].strip() or whole
        author = _CITED.split(said)[0].strip() or None if ":" in whole else None
        links = (re.search(r"msg=?(\d+)", a.get("href")) for a in select(head, "a[href]"))
        post = next((found[1] for found in links if found), None)
    return Quoted(text=words(node, _inside_quote), author=author, post=post)


def _head(node: HtmlElement) -> HtmlElement | None:
    """The heading of a quote, inside it or just before it."""
    own = next((child for child in node if child.tag in ("cite", "header")), None)
    if own is not None:
        return own
    before = node.getprevious()
    return before if before is not None and has(before, "quoteheader", "topslice_quote") else None


def _inside_quote(node: HtmlElement) -> str | None:
    is_heading = has(node, "quoteheader", "topslice_quote", "quotefooter")
    return "" if is_heading or node.tag == "cite" or _is_quote(node) else None


def _listing(board: Board) -> Found:
    script = _script(board)
    rows = [_row(board, link, script) for link in select(board.tree, "span[id^=msg_] a[href]")]
    boards = (_board_url(board, link) for link in select(board.tree, "a[href*='board']"))
    after = board.following(_PAGERS, stated=False)
    return listing(rows, [*boards, after])


def _board_url(board: Board, link: HtmlElement) -> str:
    """The board a link leads to from its start; empty for ways back and other uses of a board."""
    url = board.link(link.get("href"))
    found = _BOARD.search(url)
    is_way_back = has(link, "nav") or any(
        has(up, "navigate_section", "linktree", "pagelinks", "breadcrumb", "middletext")
        for up in link.iterancestors()
    )
    if not found or is_way_back or {"action", "sort", "topic"} & set(asked(url)):
        return ""
    is_later = (found[2] or "0") != "0" or has(link, "navPages", "nav_page")
    return "" if is_later else url


def _row(board: Board, link: HtmlElement, script: str) -> Link | None:
    url = board.link(link.get("href"))
    if not url or (_BOARD.search(url) and not _TOPIC.search(url)):
        return None
    found = _TOPIC.search(url)
    address = f"{script}?topic={found[1]}.0" if found else url
    row = next((up for up in link.iterancestors() if up.tag == "tr" or _is_row(up)), link)
    replies, last = _state(board, row)
    marks = ".sticky, .stickybg, .stickybg2, [id^=stickyicon], img[src*=sticky]"
    return Link(
        url=url,
        role="thread",
        thread=address,
        stamp=stamp_of(replies, last),
        active=last,
        title=text_of(link),
        pinned=has(row, "sticky", "stickybg") or bool(select(row, marks)),
    )


def _is_row(node: HtmlElement) -> bool:
    return node.tag in ("div", "li") and bool(select(node, ".board_stats, .stats, .topic_stats"))


def _state(board: Board, row: HtmlElement) -> tuple[int | None, datetime | None]:
    """The replies and the last activity that a row states."""
    cells = select(row, "td")
    counts = first(row, ".stats", ".board_stats", ".topic_stats")
    plain = (text_of(cell) for cell in cells if re.fullmatch(r"[\d.,\s]+", text_of(cell)))
    replies = number(text_of(counts) if counts is not None else next(plain, ""))
    replies = 0 if replies is None and counts is not None else replies
    last = first(row, ".lastpost", ".topic_latest")
    cell = last if last is not None else cells[-1] if cells else None
    if cell is None:
        return replies, None
    told = [text_of(a) for a in select(cell, "time, a")] + words(cell).split("\n")
    return replies, board.moment(*(t for one in told if re.search(r"\d", one) for t in _told(one)))
