"""Invision Community 4 and 5, and the IP.Board 2 and 3 they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.addresses import asked, without
from crawler.engines.board import (
    Board,
    Marks,
    answered,
    board_of,
    listing,
    outside,
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
    ("ipsApp", r"<body[^>]{1,500}class=[\"'][^\"']*\bipsApp\b", 1.0),
    ("data-ips-", r"<html[^>]{1,500}data-ips-|<body[^>]{1,500}data-ips-", 1.0),
    ("ipsSettings", "", 0.7),
    ("ipb.vars[", "", 0.7),
    ("ipb_", r"\bipb_(?:global|var_)", 0.7),
    ("ipsComment", r"class=[\"'][^\"']*\bipsComment\b", 0.5),
    ("ipsEntry", r"class=[\"']\s*[^\"']*\bipsEntry\b", 0.5),
    ("ips", r"\b(?:ipsDataItem|ipsData__item|ipsLayout_container)\b", 0.4),
    ("post_block", "", 0.3),
    ("postcolor", "", 0.3),
    ("index.php?", r"index\.php\?(?:/topic/|showtopic=|[^\"']*&amp;showtopic=)", 0.3),
    ("owered", r"(?i:powered by)\W{0,3}(?:<[^>]{1,500}>)?\W{0,3}(?:Invision|IP\.Board|IPS\b)", 0.4),
    ("invision", r"invision(?:community|power|board)\.com", 0.3),
    ("col_f_content", "", 0.4),
    ("tid-link-", r"id=[\"']tid-link-\d+", 0.4),
)
_BOXES = (
    "article[id^=elComment_], div[id^=elComment_].ipsComment, [id^=elComment_].ipsEntry",
    "[id^=post_id_]",
    ".post_block",
)
_OLD_BODIES = ".postcolor[id^=post-]"
_BODY = (
    "[data-role=commentContent]",
    ".ipsEntry__post",
    "[itemprop=commentText]",
    ".entry-content",
    ".post",
)
_AUTHORS = (
    "aside .cAuthorPane_author, .ipsEntry__username, .ipsComment_author .ipsType_sectionHead",
    ".cAuthorPane_author, .cAuthorPane h3",
    "[itemprop=creator] [itemprop=name], .author.vcard, .username .author, .username",
    ".normalname, .unreg, .author_info .author",
)
_TIMES = ".ipsComment_meta time[datetime], .ipsEntry__header time[datetime], header time[datetime]"
_LINES = ".posted_info, .postdetails, .post_date, abbr.published"
_TOPIC = re.compile(r"^(?P<base>[^?#]*?/)(?:index\.php)?(?:\?/)?/?topic/(?P<id>\d+)(?=[-/?&]|$)")
_PAGE_IN_PATH = re.compile(r"(?:/page/|page__|[?&]page=)(\d+)")
_PAGERS = (".ipsPagination", ".pagination", ".topic_controls", ".pagelink")
_ROWS = "li[data-rowid], div[data-rowid], tr[data-tid], tr.__topic"
_ROW_LINK = (
    ".ipsDataItem_title a[href*='topic'], .ipsData__title a[href], h4 a[href*=topic]",
    "a.topic_title[href], a[id^=tid-link-][href]",
)
_FORUMS = (
    "[data-forumid] a[href*='forum/'], .cForumRow .ipsDataItem_title a[href]"
    ", .ipsDataItem_subList a[href*='forum/'], .cForumGrid__title a[href]"
    ", .cForumGrid a[href*='forum/'], .ipsSubList a[href*='forum/']"
    ", .ipsData__title a[href*='forum/']"
    ", td.col_c_forum h4 a[href], td.col_c_forum .subforums a[href], a[href*='showforum=']"
)
_PER_PAGE = 25


def recognises(page: Page) -> float:
    """How sure it is that Invision wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The posts of a topic, or the topics and forums of a list."""
    board = board_of(page, "invision")
    if board is None:
        return Found()
    boxes = list(_boxes(board.tree))
    return _topic(board, boxes) if boxes else _listing(board)


Box = tuple[HtmlElement, HtmlElement, str]
"""The element of a whole post, that of its words, and its id."""


def _boxes(tree: HtmlElement) -> Iterator[Box]:
    """Every post once; one that is recommended at the top is printed again in its place."""
    seen: dict[str, Box] = {}
    for selector in _BOXES:
        for box in [] if seen else select(tree, selector):
            body = first(box, *_BODY)
            named = re.search(r"(?:elComment_|post_id_|post-|p)(\d+)$", box.get("id") or "")
            if body is not None and named and not has(box, "ipsComment_ignored"):
                seen.setdefault(named[1], (box, body, named[1]))
    for body in [] if seen else select(tree, _OLD_BODIES):
        box = next(body.iterancestors("table"), body.getparent())
        post = re.sub(r"\D", "", body.get("id"))
        seen.setdefault(post, (box, body, post))
    yield from seen.values()


def _topic(board: Board, boxes: list[Box]) -> Found:
    tree = board.tree
    url = _topic_url(board)
    after = board.following(_PAGERS) or _following_old(board)
    offset = _offset(board, len(boxes) if after else _PER_PAGE)
    posts = [_post(board, box, place, url) for place, box in enumerate(boxes, offset + 1)]
    return thread(
        board,
        url,
        _title(tree),
        posts,
        expected=_expected(tree),
        after=after,
        start=url if offset else "",
    )


def _following_old(board: Board) -> str:
    """The next page by the pager of IP.Board 2, whose marks stand in no box of their own."""
    for mark in select(board.tree, ".pagecurrent"):
        for link in select(mark.getparent(), "a[href]"):
            if text_of(link) == str((number(text_of(mark)) or 0) + 1):
                return board.link(link.get("href"))
    return ""


def _topic_url(board: Board) -> str:
    """The one address of the topic: by number, as every version of the software takes it."""
    page, tree = board.page, board.tree
    stated = first(tree, "link[rel=canonical][href]")
    canonical = absolute(tree, page.url, stated.get("href")) if stated is not None else ""
    for address in (page.url, canonical):
        if known := _by_number(address):
            return known
    return without(canonical or page.url, "page", "st", "do", "comment")


def _by_number(url: str) -> str:
    found = _TOPIC.match(url)
    if found:
        return f"{found['base']}index.php?showtopic={found['id']}"
    topic = asked(url).get("showtopic", "")
    plain = re.match(r"\d+", topic)
    parts = urlsplit(url)
    folder = f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/"
    return f"{folder}index.php?showtopic={plain.group()}" if plain else ""


def _offset(board: Board, shown: int) -> int:
    """How many posts of the topic come before this page, of which `shown` are on it."""
    start = asked(board.page.url).get("st", "")
    if start.isdigit():
        return int(start)
    pager = first(board.tree, "[data-ipspagination-perpage]", "[data-ips-pagination-perpage]")
    marked = first(
        board.tree, ".ipsPagination_active [data-page], .ipsPagination__active [data-page]"
    )
    found = _PAGE_IN_PATH.search(board.page.url)
    current = (marked.get("data-page") if marked is not None else None) or (
        found[1] if found else ""
    )
    told = (
        [value for name, value in pager.items() if name.endswith("perpage")]
        if pager is not None
        else []
    )
    per_page = int(told[0]) if told and told[0].isdigit() else shown
    return per_page * (int(current) - 1) if current.isdigit() else 0


def _title(tree: HtmlElement) -> str:
    return heading_of(
        tree,
        "h1.ipsType_pageTitle .ipsType_break",
        "h1.ipsType_pageTitle",
        ".ipsPageHeader__title",
        "h1.ipsType_pagetitle",
        ".topic_title",
        ".maintitle b",
        "h1",
    )


def _expected(tree: HtmlElement) -> int | None:
    """`42 posts in this topic`."""
    stated = first(tree, "[data-commentcountstring=js_num_topic_posts]")
    return number(text_of(stated)) if stated is not None else None


def _post(board: Board, found: Box, place: int, url: str) -> Post:
    box, body, post = found
    text, quotes = own_words(body, _instead)
    return Post(
        id=post,
        number=place,
        text=text,
        author=_author(box, body),
        written=_written(board, box, body),
        edited=_edited(board, box),
        reply_to=answered(quotes),
        likes=_likes(box),
        url=f"{url}&view=findpost&p={post}" if "showtopic=" in url else f"{url}#comment-{post}",
        quotes=quotes,
    )


def _author(box: HtmlElement, body: HtmlElement) -> str | None:
    for selector in _AUTHORS:
        for node in outside(box, body, selector):
            link = first(node, "a[href]", "strong")
            if said := text_of(link) or text_of(node):
                return said
    return None


def _written(board: Board, box: HtmlElement, body: HtmlElement) -> datetime | None:
    times = [*outside(box, body, _TIMES), *outside(box, body, "time[datetime]")]
    if when := board.moment(*(time.get("datetime") for time in times)):
        return when
    lines = list(outside(box, body, _LINES))
    inner = [abbr.get("title") for line in lines for abbr in (line, *select(line, "abbr[title]"))]
    return board.moment(*inner, *(text_of(line) for line in lines))


def _edited(board: Board, box: HtmlElement) -> datetime | None:
    line = first(box, "[data-excludequote]", ".ipsEdited", "p.edit", "span.edit")
    if line is None:
        return None
    time = first(line, "time[datetime]")
    return board.moment(time.get("datetime") if time is not None else None, text_of(line))


def _likes(box: HtmlElement) -> int | None:
    total = first(box, ".ipsReact_count [data-role=reactionCount], [data-role=reactCountText]")
    counts = select(box, ".ipsReact_reactCount, .ipsReact__reactCount")
    if counts:
        return sum(number(text_of(count)) or 0 for count in counts)
    return number(text_of(total)) if total is not None else None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if _is_quote(node):
        return _quoted(node)
    if has(node, "citation", "quotetop") or (
        has(node, "ipsQuote_citation") and not _in_quote(node)
    ):
        return HEADING
    if has(node, "ipsCode", "codemain", "prettyprint"):
        return CODE
    gone = ("ipsEdited", "edit", "signature", "ipsAttachLink_block", "ipsEmbedded")
    return "" if has(node, *gone) or node.get("data-excludequote") is not None else None


def _is_quote(node: HtmlElement) -> bool:
    if node.tag == "blockquote":
        return True
    return node.tag == "div" and has(node, "ipsQuote", "blockquote", "quotemain", "ipsBlockquote")


def _in_quote(node: HtmlElement) -> bool:
    return any(_is_quote(above) for above in node.iterancestors())


def _quoted(node: HtmlElement) -> Quoted:
    head = first(node, ".ipsQuote_citation", "p.citation", "cite")
    if head is None:
        before = node.getprevious()
        head = before if before is not None and has(before, "citation", "quotetop") else None
    name = node.get("data-ipsquote-username") or node.get("data-author") or node.get("data-cite")
    post = node.get("data-ipsquote-contentcommentid") or node.get("data-cid")

    def instead(inner: HtmlElement) -> str | None:
        return (
            "" if inner is head or has(inner, "citation", "quotetop") or _is_quote(inner) else None
        )

    return Quoted(
        text=words(node, instead), author=name or _cited(head), post=post or _cited_post(head)
    )


def _cited(head: HtmlElement | None) -> str | None:
    """`On 3 May 2020 at 10:11, Fern said:` or `Fern, on 03 May 2012 - 10:11, said:`."""
    whole = text_of(head)[:300]
    found = re.search(
        r"\d{1,2}:\d\d(?:\s*[ap]m)?,?\s++(.{1,200}?)(?<!\s)\s++\w++\s*+:$", whole, re.I
    )
    found = found or re.match(r"(.{1,300}?),\s+(?:on|am|le|el|il)\s+.{0,300}\d", whole, re.I)
    found = found or re.match(r"\w+\s*\((.+?)(?<!\s)\s++@", whole)
    found = found or re.match(r"(.+?)(?<!\s)\s++\w++\s*+:$", whole)
    return found[1].strip() if found else None


def _cited_post(head: HtmlElement | None) -> str | None:
    for link in select(head, "a[href]") if head is not None else []:
        if found := re.search(r"(?:comment[=-]|#entry|[?&;]p=|pid=|/post/)(\d+)", link.get("href")):
            return found[1]
    return None


def _listing(board: Board) -> Found:
    rows = [_row(board, row) for row in select(board.tree, _ROWS)]
    forums = [_forum(board, link) for link in select(board.tree, _FORUMS)]
    after = board.following(_PAGERS)
    return listing(rows, [*forums, after])


def _forum(board: Board, link: HtmlElement) -> str:
    url = board.link(link.get("href"))
    is_forum = re.search(r"[/?]forum/\d+-?|[?&]showforum=\d+", url)
    is_start = not re.search(r"[?&](?:do|sortby|page|view|st)=|/page/|\.xml", url)
    is_way_back = any(has(up, "ipsBreadcrumb", "breadcrumb") for up in link.iterancestors())
    return url if is_forum and is_start and not is_way_back else ""


def _row(board: Board, row: HtmlElement) -> Link | None:
    link = first(row, *_ROW_LINK)
    url = board.link(link.get("href")) if link is not None else ""
    if not url or not re.search(r"topic[/=]", url):
        return None
    url = without(url, "do", "view", "comment", "tab", "hl")
    replies, last = _state(board, row)
    pins = ".fa-thumb-tack, .fa-thumbtack, .ipsBadge_pin, .ipsBadge--pinned, [title*=inned]"
    return Link(
        url=url,
        role="thread",
        thread=_by_number(url) or url,
        stamp=stamp_of(replies, last),
        active=last,
        title=text_of(link),
        pinned=bool(select(row, pins)),
    )


def _state(board: Board, row: HtmlElement) -> tuple[int | None, datetime | None]:
    """The replies and the last activity that a row states."""
    count = first(
        row,
        "[data-stattype=forums_comments] .ipsDataItem_stats_number",
        "[data-stattype=forums_comments]",
        ".ipsDataItem_stats_number",
        "td.col_f_views li",
    )
    replies = (number(text_of(count)) or 0) if count is not None else None
    times = select(row, ".ipsDataItem_lastPoster time, .ipsData__last time, .last_post time")
    if times:
        return replies, board.moment(*(t.get("datetime") for t in times))
    lines = [text_of(line) for line in select(row, ".last_post li, .lastaction")]
    return replies, board.moment(*(line for line in reversed(lines) if re.search(r"\d", line)))
