"""MyBB 1.2 to 1.8, classic and horizontal posts, with or without rewritten addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.addresses import asked, base_of, without
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
    ("MyBB", r"(?i:powered by)\W{0,3}(?:<[^>]{1,500}>)?\W{0,3}MyBB|MyBB Group", 0.6),
    ("mybb", r"https?://(?:www\.)?mybb(?:oard)?\.(?:com|net)", 0.3),
    ("MyBBEditor", "", 0.6),
    ("my_post_key", "", 0.6),
    ("jscripts/", r"jscripts/(?:general|thread|inline_edit)\.js", 0.6),
    ("pid_", r"id=[\"']pid_\d+", 0.3),
    ("post_body", "", 0.3),
    ("mycode_quote", "", 0.3),
    ("author_information", "", 0.3),
    ("tid_", r"id=[\"']tid_\d+", 0.4),
    ("forumdisplay_", r"\bforumdisplay_(?:regular|sticky)\b", 0.4),
    (".php?", r"(?:showthread\.php\?tid=|forumdisplay\.php\?fid=)\d+", 0.4),
)
_BODIES = ".post_body[id^=pid_], [id^=pid_].post_body, .post_body, div[id^=pid_]"
_AUTHORS = (
    ".author_information .largetext a, .author_information .largetext",
    ".post_author .largetext a, .post_author strong a, .post_author .largetext, .largetext a",
    ".author_information strong a, .author_information a, .author_information strong",
    ".post_author a[href*='member'], .post_author a[href*='user-'], .post_author strong",
    "a[href*='member.php?action=profile'], a[href*='user-']",
)
_DATES = (
    ".post_date",
    ".postdate",
    ".post_head .float_left",
    ".tcat .float_left",
    ".tcat",
    ".smalltext",
)
_THREAD = (
    re.compile(r"showthread\.php\?(?:[^#]{0,500}&)?tid=(\d+)"),
    re.compile(r"/thread-(\d+)(?:-[^/]*)?\.html"),
    re.compile(r"/[Tt]hread-[^/?#]*--(\d+)"),
)
_FORUM = re.compile(
    r"forumdisplay\.php\?(?:[^#]{0,500}&)?fid=\d+|/forum-\d+(?:-[^/]*)?\.html|/[Ff]orum-[^/?#]+"
)
_PAGERS = (".pagination", ".multipage", ".float_left.pagination")
_ROWS = "[id^=tid_] a[href], a[id^=tid_][href]"


def recognises(page: Page) -> float:
    """How sure it is that MyBB wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The posts of a thread, or the threads and forums of a list."""
    board = board_of(page, "mybb")
    if board is None:
        return Found()
    bodies = select(board.tree, _BODIES)
    held = crowds(bodies)
    boxes = [box for body in bodies if (box := _box(body, held)) is not None]
    return _thread(board, boxes) if boxes else _listing(board)


Box = tuple[HtmlElement, HtmlElement, str]
"""The element of a whole post, that of its words, and its id."""


def _box(body: HtmlElement, held: Mapping[HtmlElement, int]) -> Box | None:
    """The box around a body; None for one without a number, such as a preview."""
    stated = re.fullmatch(r"pid_(\d+)", body.get("id") or "")
    table = None
    for above in around(body, held):
        named = re.fullmatch(r"post_(\d+)", above.get("id") or "")
        if named:
            return above, body, stated[1] if stated else named[1]
        table = above if above.tag == "table" and table is None else table
    return (table, body, stated[1]) if stated and table is not None else None


def _thread(board: Board, boxes: list[Box]) -> Found:
    tree = board.tree
    url = _thread_url(board)
    after = board.following(_PAGERS)
    start = next((n - at for at, (box, _, _) in enumerate(boxes) if (n := _number(box))), 1)
    posts = [_post(board, box, place, url) for place, box in enumerate(boxes, max(start, 1))]
    return thread(
        board,
        url,
        _title(tree),
        posts,
        after=after,
        start=url if start > 1 else "",
    )


def _thread_url(board: Board) -> str:
    """The one address of the thread, whatever page of it was asked for and however."""
    page, tree = board.page, board.tree
    stated = first(tree, "link[rel=canonical][href]")
    canonical = absolute(tree, page.url, stated.get("href")) if stated is not None else ""
    thread_id = _id_in(page.url) or _id_in(canonical) or _id_on(tree)
    base = _base(board)
    return (
        f"{base}showthread.php?tid={thread_id}"
        if thread_id
        else without(canonical or page.url, "page", "pid")
    )


def _id_in(url: str) -> str:
    return next((found[1] for one in _THREAD if (found := one.search(url))), "")


def _id_on(tree: HtmlElement) -> str:
    """The thread's number by the tools of its page."""
    field = first(tree, "form input[name=tid][value]")
    if field is not None and field.get("value").isdigit():
        return str(field.get("value"))
    tools = "a[href*='newreply.php?tid='], a[href*='printthread.php?tid='], a[href*='tid=']"
    stated = (asked(link.get("href")).get("tid", "") for link in select(tree, tools))
    return next((one for one in stated if one.isdigit()), "")


def _base(board: Board) -> str:
    """The folder of the board: that of its scripts, whatever the address of the page."""
    scripts = "a[href*='member.php'], a[href*='memberlist.php'], form[action*='.php']"
    for node in select(board.tree, scripts):
        where = absolute(board.tree, board.page.url, node.get("href") or node.get("action"))
        if board.link(where) or where.startswith(base_of(board.page.url)):
            return base_of(where)
    return base_of(board.page.url)


def _title(tree: HtmlElement) -> str:
    bar = first(tree, ".thead strong", "td.thead div strong")
    crumb = first(tree, ".navigation .active")
    return text_of(crumb) or text_of(bar) or heading_of(tree, "h1")


def _number(box: HtmlElement) -> int | None:
    """The printed number of the post, `#6`."""
    for link in select(box, "a[id^=pid], .post_head a, a[href*='#pid'], .float_right a"):
        if found := re.fullmatch(r"#\s*([\d.,]+)", text_of(link)):
            return number(found[1])
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
        likes=_likes(box),
        url=f"{url}&pid={post}#pid{post}" if "tid=" in url else f"{url}#pid{post}",
        quotes=quotes,
    )


def _written(board: Board, box: HtmlElement, body: HtmlElement) -> datetime | None:
    for selector in _DATES:
        for node in outside(box, body, selector):
            if select(node, ".post_body"):
                continue
            if when := board.moment(*_told(node)):
                return when
    return None


def _told(line: HtmlElement) -> Iterator[str]:
    """The date of a line: the title behind `Today` or `3 hours ago`, with the time beside it."""
    for span in select(line, "span[title]"):
        if any(c.isdigit() for c in span.get("title")):
            yield span.get("title") + (span.tail or "" if ":" not in span.get("title") else "")
            yield span.get("title")
    plain = words(
        line, lambda node: "\n" if _is_edit(node) or node.tag in ("a", "script") else None
    )
    yield from (part for part in plain.split("\n") if any(c.isdigit() for c in part))


def _is_edit(node: HtmlElement) -> bool:
    return has(node, "post_edit", "edited_post") or (node.get("id") or "").startswith("edited_by")


def _edited(board: Board, box: HtmlElement, post: str) -> datetime | None:
    notice = first(box, f"#edited_by_{post}", ".post_edit", ".edited_post")
    if notice is None or not text_of(notice):
        return None
    return board.moment(*_told(notice), text_of(notice).rpartition(": ")[2])


def _likes(box: HtmlElement) -> int | None:
    """The members who thanked, by the plugins that print them."""
    line = first(box, "[id^=thx_list], .post_thanks, .thankyoulike_postbit, [id^=tyl_]")
    return (
        len(select(line, "a[href*='member'], a[href*='user-']")) or None
        if line is not None
        else None
    )


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag == "blockquote" or has(node, "mycode_quote", "quote_body"):
        return _quoted(node)
    if has(node, "codeblock", "phpcodeblock", "code_body"):
        return CODE
    gone = ("signature", "post_edit", "edited_post", "attachments", "post_attachments")
    return "" if has(node, *gone) or node.tag == "fieldset" or _is_edit(node) else None


def _quoted(node: HtmlElement) -> Quoted:
    cite = next((child for child in node if child.tag == "cite"), None)
    if cite is None:
        before = node.getprevious()
        cite = before if before is not None and has(before, "quote_header") else None
    said = (
        words(cite, lambda part: "" if part.tag in ("span", "a") else None)
        if cite is not None
        else ""
    )
    author = re.sub(r"(?<!\s)\s++\S{1,60}(?:\s\S{1,60})?\s*+:\s*+$", "", said.strip()[:300]).strip()

    def instead(inner: HtmlElement) -> str | None:
        return "" if inner is cite or inner.tag == "blockquote" else None

    links = select(cite, "a[href]") if cite is not None else []
    posts = (re.search(r"pid[=-]?(\d+)|-post-(\d+)", link.get("href")) for link in links)
    return Quoted(
        text=words(node, instead),
        author=author or None,
        post=next((found[1] or found[2] for found in posts if found), None),
    )


def _listing(board: Board) -> Found:
    base = _base(board)
    rows = [_row(board, link, base) for link in select(board.tree, _ROWS)]
    forums = [_forum(board, link) for link in select(board.tree, "a[href*='orum']")]
    after = board.following(_PAGERS)
    return listing(rows, [*forums, after])


def _forum(board: Board, link: HtmlElement) -> str:
    url = board.link(link.get("href"))
    is_way_back = any(
        has(up, "navigation", "pagination", "breadcrumb") for up in link.iterancestors()
    )
    is_plain = not re.search(r"[?&](?:action|sortby|datecut|order|page)=|-page-", url)
    return url if _FORUM.search(url) and is_plain and not is_way_back else ""


def _row(board: Board, link: HtmlElement, base: str) -> Link | None:
    url = board.link(link.get("href"))
    named = next(
        (up for up in (link, *link.iterancestors()) if (up.get("id") or "").startswith("tid_")),
        None,
    )
    stated = re.search(r"tid_(\d+)", named.get("id")) if named is not None else None
    if not url or stated is None or re.search(r"action=lastpost|action=newpost", url):
        return None
    address = f"{base}showthread.php?tid={stated[1]}"
    row = next(link.iterancestors("tr"), link)
    replies, last = _state(board, row)
    return Link(
        url=url if _id_in(url) or "showthread" not in url else address,
        role="thread",
        thread=address,
        stamp=stamp_of(replies, last),
        active=last,
        title=text_of(link),
        pinned=bool(select(row, ".trow_sticky, .forumdisplay_sticky, img[src*=sticky]")),
    )


def _state(board: Board, row: HtmlElement) -> tuple[int | None, datetime | None]:
    """The replies and the last activity that a row states."""
    counts = first(row, "a[onclick*='hoPosted']", "a[href*='whoposted']")
    plain = (text_of(cell) for cell in select(row, "td") if re.fullmatch(r"[\d.,]+", text_of(cell)))
    stated = text_of(counts) if counts is not None else next(plain, "")
    replies = int(re.sub(r"\D", "", stated)) if re.search(r"\d", stated) else None
    last = first(row, ".lastpost", "td:last-child")
    return replies, board.moment(*_told(last)) if last is not None else None
