"""Phorum 5: its templates emerald, lightweight, classic and default, flat and threaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.addresses import base_of, without
from crawler.engines.board import (
    Board,
    Marks,
    answered,
    around,
    board_of,
    crowds,
    listing,
    outside,
    stamp_of,
    sure,
    thread,
)
from crawler.engines.markup import (
    absolute,
    first,
    has,
    heading_of,
    own_words,
    select,
    text_of,
    words,
)
from crawler.page import Found, Link, Page

__all__ = ["read", "recognises"]

_MARKS: Marks = (
    ("horum", r"id=[\"']phorum[\"']|class=[\"'][^\"']*\bPhorum[A-Z]", 0.7),
    ("Phorum", r"(?i:powered by|generator)[^<>]{0,20}(?:<[^>]{1,500}>)?\W{0,3}Phorum", 0.7),
    ("phorum", r"\bphorum\.org\b|\bphorum_", 0.3),
    (".php?", r"(?:read|list)\.php\?\d+,", 0.3),
    ("message-author", r"class=[\"'](?:[^\"']*\s)?message-author\b", 0.3),
    ("message-", r"class=[\"'](?:[^\"']*\s)?message-(?:body|subject|date|options)\b(?!-)", 0.3),
)
_BODIES = ".message-body, .PhorumReadBodyText, .phorum-message-body"
_AUTHORS = (
    ".message-author a[href*='profile'], .message-author",
    ".PhorumReadBodyHead strong",
    "a[href*='profile.php']",
)
_DATES = (".message-date", ".generic small", ".PhorumReadBodyHead", "small, .message-info")
_THREAD = re.compile(r"read\.php\?(\d+),(\d+)|/read/(\d+)/(\d+)")
_MESSAGE = re.compile(r"read\.php\?\d+,\d+,(\d+)|/read/\d+/\d+/(\d+)|[#&]msg-(\d+)")
_PAGERS = (".paging", ".PhorumNavBlock", ".nav")
_OLD_QUOTE = re.compile(
    r"(?:^|\n)([^\n]{1,60}?)\s{1,20}\w{1,40}:\s{1,20}(?<=\n)-{4,}\s*(?=\n)|(?:^|\n)>[^\n]*(?:\n>[^\n]*)*"
)


def recognises(page: Page) -> float:
    """How sure it is that Phorum wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The messages of a thread, or the threads and forums of a list."""
    board = board_of(page, "phorum")
    if board is None:
        return Found()
    bodies = select(board.tree, _BODIES)
    return _thread(board, bodies) if bodies else _listing(board)


def _thread(board: Board, bodies: list[HtmlElement]) -> Found:
    page, tree = board.page, board.tree
    url = _thread_url(board)
    offset = _offset(page.url, len(bodies))
    held = crowds(bodies)
    read = [_post(board, body, held, place, url) for place, body in enumerate(bodies, offset + 1)]
    after = board.following(_PAGERS)
    found = thread(
        board,
        url,
        _title(tree),
        [post for post in read if post],
        after=after,
        start=url if offset else "",
    )
    return Found(documents=found.documents, links=(*found.links, *_others(board, url)))


def _others(board: Board, url: str) -> list[Link]:
    """The further messages of a thread that is shown message by message."""
    links = (
        board.link(a.get("href")) for a in select(board.tree, ".message-subject-threaded a[href]")
    )
    others = dict.fromkeys(one for one in links if one and _MESSAGE.search(one))
    return [Link(url=one, role="posts", thread=url) for one in others if one != board.page.url]


def _thread_url(board: Board) -> str:
    """The one address of the thread, whatever page or message of it was asked for."""
    page, tree = board.page, board.tree
    links = [
        page.url,
        *(a.get("href") for a in select(tree, "link[rel=canonical], a[href*='read']")),
    ]
    for href in links:
        if found := _THREAD.search(href or ""):
            where = absolute(tree, page.url, href) or page.url
            if found[1]:
                return base_of(where.partition("?")[0], f"read.php?{found[1]},{found[2]}")
            return f"{where[: where.index('/read/')]}/read/{found[3]}/{found[4]}"
    return without(page.url)


def _offset(url: str, per_page: int) -> int:
    """How many messages come before this page, as far as its address tells."""
    found = re.search(r"page=(\d+)", url)
    return per_page * (int(found[1]) - 1) if found else 0


def _title(tree: HtmlElement) -> str:
    return heading_of(
        tree,
        ".message-subject h4",
        ".PhorumReadBodySubject",
        "#page-info h2",
        ".message-subject",
        "h1",
    )


def _post(
    board: Board, body: HtmlElement, held: Mapping[HtmlElement, int], place: int, url: str
) -> Post | None:
    box = _box(body, held)
    post = _post_id(box, url, place)
    if not post:
        return None
    text, quotes = own_words(body, _instead)
    text, older = _without_old_quotes(text)
    return Post(
        id=post,
        number=place,
        text=text,
        author=_author(box, body),
        written=_written(board, box, body),
        reply_to=answered(quotes),
        url=f"{url},{post}#msg-{post}" if "read.php?" in url else f"{url}/{post}#msg-{post}",
        quotes=(*quotes, *older),
    )


def _box(body: HtmlElement, held: Mapping[HtmlElement, int]) -> HtmlElement:
    """The largest element around a body that holds no other."""
    box = body
    for above in around(body, held):
        box = above
        if has(box, "message", "PhorumReadMessageBlock"):
            break
    return box


def _post_id(box: HtmlElement, url: str, place: int) -> str:
    """The number of a message by its anchor or its links; the first has that of its thread."""
    before = box.getprevious()
    anchors = [before] if before is not None and before.tag == "a" else []
    for anchor in [*anchors, *select(box, "a[name^=msg-]")]:
        if found := re.fullmatch(r"msg-(\d+)", anchor.get("name") or ""):
            return found[1]
    for link in select(
        box, ".message-options a[href], a[href*='#msg-'], a[href*='REPLY'], a[href*='quote=']"
    ):
        if found := _MESSAGE.search(link.get("href")):
            return next(one for one in found.groups() if one)
    found = _THREAD.search(url)
    return (found[2] or found[4]) if found and place == 1 else ""


def _author(box: HtmlElement, body: HtmlElement) -> str | None:
    for selector in _AUTHORS:
        for node in outside(box, body, selector):
            said = words(node, lambda part: "" if part.tag == "small" else None).strip()
            is_subject = (
                has(node.getparent(), "PhorumReadBodyHead")
                and not (node.getparent().text or "").strip()
            )
            if said and not is_subject:
                return said
    return None


def _written(board: Board, box: HtmlElement, body: HtmlElement) -> datetime | None:
    for selector in _DATES:
        for node in outside(box, body, selector):
            lines = [one for one in words(node).split("\n") if re.search(r"\d", one)]
            cut = [re.sub(r"^[^\d:]{1,20}:\s+", "", one) for one in reversed(lines)]
            if when := board.moment(*cut, *reversed(lines)):
                return when
    return None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag == "blockquote":
        return _quoted(node)
    gone = (
        "message-options",
        "attachments",
        "message-moderation",
        "warning",
        "signature",
        "mod_signature",
    )
    return "" if has(node, *gone) else None


def _quoted(node: HtmlElement) -> Quoted:
    """A quote: the label and the name that stand in it before the words."""
    name = first(node, "strong")
    label = first(node, "small")

    def instead(inner: HtmlElement) -> str | None:
        return "" if inner is name or inner is label or inner.tag == "blockquote" else None

    return Quoted(text=words(node, instead), author=text_of(name) or None)


def _without_old_quotes(text: str) -> tuple[str, tuple[Quoted, ...]]:
    """The text without lines that begin with `>`, which the plain quoting of Phorum writes."""
    if "\n>" not in f"\n{text}":
        return text, ()
    author, quotes = None, []
    for found in _OLD_QUOTE.finditer(text):
        if found[1]:
            author = found[1].strip()
            continue
        said = re.sub(r"(?m)^[> ]+", "", found.group().strip())
        quotes.append(Quoted(text=said.strip(), author=author))
        author = None
    own = _OLD_QUOTE.sub("\n", text)
    return re.sub(r"\n{3,}", "\n\n", own).strip(), tuple(quotes)


def _listing(board: Board) -> Found:
    rows = [_row(board, row) for row in select(board.tree, "tr")]
    forums = (
        board.link(a.get("href"))
        for a in select(board.tree, "a[href*='list.php?'], a[href*='/list/']")
    )
    lists = [one for one in forums if re.search(r"list\.php\?\d+$|/list/\d+/?$", one)]
    after = board.following(_PAGERS)
    own = without(board.page.url)
    return listing(rows, [*(one for one in lists if one != own), after])


def _row(board: Board, row: HtmlElement) -> Link | None:
    link = first(
        row,
        "h4 a[href]",
        ".message-subject a[href]",
        "td.PhorumTableRow a[href]",
        "td a[href*='read']",
    )
    url = board.link(link.get("href")) if link is not None else ""
    found = _THREAD.search(url)
    if link is None or not found or row.find(".//tr") is not None:
        return None
    address = url[: found.end()]
    cells = [text_of(cell) for cell in select(row, "td")]
    counts = [re.sub(r"\D", "", cell) for cell in cells if re.fullmatch(r"[\d.,]+", cell)]
    posts = int(counts[-1]) if counts else None
    active = _active(board, row)
    icon = select(row, "img[src*='bell'], img[src*='sticky'], img[alt*='ticky']")
    return Link(
        url=address,
        role="thread",
        thread=address,
        stamp=stamp_of(posts, active),
        active=active,
        title=text_of(link),
        pinned=bool(icon),
    )


def _active(board: Board, row: HtmlElement) -> datetime | None:
    for cell in reversed(select(row, "td")):
        line = words(cell).split("\n")[0]
        if re.search(r"\d", line) and (when := board.moment(line)):
            return when
    return None
