"""Vanilla Forums 2 and 3, self-hosted or hosted, with or without rewritten addresses."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.addresses import without
from crawler.engines.board import Board, Marks, answered, board_of, listing, stamp_of, sure, thread
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
    tree_of,
    words,
)
from crawler.page import Found, Link, Page

__all__ = ["read", "recognises"]

_MARKS: Marks = (
    ("vanilla_", r"<body[^>]{1,500}id=[\"']vanilla_", 1.0),
    ("MessageList", "", 0.3),
    ("ItemComment", "", 0.4),
    ("ItemDiscussion", "", 0.3),
    ("Item-Body", "", 0.2),
    ("DataList", "", 0.2),
    ("gdn.", r"\bgdn\.(?:meta|definition|url)\b", 0.4),
    ("Vanilla", r"(?i:powered by)\W{0,3}(?:<[^>]{1,500}>)?\W{0,3}Vanilla", 0.4),
    ("PhotoWrap", "", 0.2),
)
_BOXES = ".ItemDiscussion, .ItemComment, .MessageList > .Item, .MessageList .Comment"
_BODY = (".Item-Body .Message", ".Message", ".userContent")
_THREAD = re.compile(r"^(?P<base>[^?#]*?/(?:[^/?#]*\?p=/)?)discussion/(?P<id>\d+)")
_BASE = re.compile(r"^([^?#]*?/(?:[^/?#]*\?p=/)?)(?:discussion|profile|entry|categories)/")
_COMMENT = re.compile(r"(?:Comment_|comment/)(\d+)")
_PAGERS = (".Pager", ".NumberedPager", ".PageControls")
_ROWS = ".DataList li.Item, .DataTable tr.Item, li.ItemDiscussion, tr.ItemDiscussion"
_CATEGORIES = (
    "[id^=Category_] a[href*='categories'], .CategoryList a[href*='categories']"
    ", .CategoryTable a[href*='categories'], .CategoryGroup .Title a[href], .CategoryName a[href]"
    ", .ChildCategoryList a[href]"
)
_OLDEST = 1990
"""Some boards print a day before time for what was moved in from elsewhere."""
_SAID = re.compile(
    r"(?<!\s)\s*+(?:said|wrote|schrieb|a écrit|a dit|escribió|dijo|ha scritto)?\s*+"
    r":\s*+(?:»\s*+)?$",
    re.I,
)


def recognises(page: Page) -> float:
    """How sure it is that Vanilla wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The opening and the comments of a discussion, or the discussions and categories of a list."""
    board = board_of(page, "vanilla")
    if board is None:
        return Found()
    boxes = [box for box in select(board.tree, _BOXES) if _is_post(box)]
    return _discussion(board, boxes) if boxes else _listing(board)


def _is_post(box: HtmlElement) -> bool:
    """Whether a box holds the words of one post, rather than a row of a list."""
    body = first(box, *_BODY)
    inner = any(has(up, "ItemComment", "ItemDiscussion") for up in box.iterancestors())
    return body is not None and not inner and not has(box, "Deleted")


def _discussion(board: Board, boxes: list[HtmlElement]) -> Found:
    tree = board.tree
    url = _discussion_url(board)
    posts = [_post(board, box, place, url) for place, box in enumerate(boxes, 1)]
    after = board.following(_PAGERS)
    return thread(
        board,
        url,
        heading_of(tree, "#Item_0 h1", ".PageTitle h1", "h1"),
        [post for post in posts if post],
        after=after,
        start=url if posts and posts[0] and posts[0].number > 1 else "",
    )


def _discussion_url(board: Board) -> str:
    """The one address of the discussion, whatever page of it was asked for and however."""
    page, tree = board.page, board.tree
    stated = first(tree, "link[rel=canonical][href]")
    canonical = absolute(tree, page.url, stated.get("href")) if stated is not None else ""
    for address in (page.url, canonical):
        if found := _THREAD.match(address):
            return f"{found['base']}discussion/{found['id']}"
    box = first(tree, "[id^=Discussion_]", "input[name=DiscussionID][value]")
    named = re.search(r"\d+", box.get("value") or box.get("id")) if box is not None else None
    base = _base(board)
    if named is None:
        links = (
            _THREAD.match(board.link(a.get("href"))) for a in select(tree, "a[href*=discussion]")
        )
        return next(
            (f"{m['base']}discussion/{m['id']}" for m in links if m), without(canonical or page.url)
        )
    return f"{base}discussion/{named.group()}"


def _base(board: Board) -> str:
    """The folder of the forum."""
    hrefs = "a[href*='discussion/'], a[href*='profile/'], a[href*='entry/'], a[href*='categories/']"
    links = (absolute(board.tree, board.page.url, a.get("href")) for a in select(board.tree, hrefs))
    host = re.match(r"https?://[^/]+/", board.page.url)
    root = host.group() if host else ""
    found = (_BASE.match(link) for link in links if root and link.startswith(root))
    return next((one[1] for one in found if one), root)


def _post(board: Board, box: HtmlElement, place: int, url: str) -> Post | None:
    body = first(box, *_BODY)
    post = _post_id(box)
    if body is None or not post:
        return None
    text, quotes = own_words(body, _instead)
    base = url.rpartition("discussion/")[0]
    comment = f"{base}discussion/comment/{post}#Comment_{post}"
    return Post(
        id=post,
        number=_place(box) or place,
        text=text,
        author=text_of(first(box, "a.Username", ".Username", ".Author a:not(.PhotoWrap)")) or None,
        written=_written(board, box),
        edited=_edited(board, box),
        reply_to=answered(quotes),
        likes=_likes(box),
        url=url if post.startswith("d") else comment,
        quotes=quotes,
    )


def _post_id(box: HtmlElement) -> str:
    """Id of a comment, or `d` and the id of the discussion that a box opens."""
    stated = box.get("id") or ""
    if found := re.fullmatch(r"Discussion_(\d+)", stated):
        return f"d{found[1]}"
    link = first(box, "a.Permalink[href]")
    found = _COMMENT.search(stated) or (
        _COMMENT.search(link.get("href")) if link is not None else None
    )
    if found:
        return found[1]
    return "d" + found[1] if (found := re.search(r"discussion/(\d+)", _href(link))) else ""


def _href(link: HtmlElement | None) -> str:
    return (link.get("href") or "") if link is not None else ""


def _place(box: HtmlElement) -> int | None:
    """Its place by the anchor `Item_3`, which counts comments."""
    for link in select(box, "a.Permalink[name], .DateCreated a[name]"):
        if found := re.fullmatch(r"Item_(\d+)", link.get("name")):
            return int(found[1]) + 1
    return None


def _written(board: Board, box: HtmlElement) -> datetime | None:
    times = select(box, ".DateCreated time[datetime], .CommentMeta time[datetime]")
    times += [] if times else select(box, ".Meta time[datetime], time[datetime]")
    line = first(box, ".DateCreated")
    return board.moment(*(t.get("datetime") for t in times), text_of(line))


def _edited(board: Board, box: HtmlElement) -> datetime | None:
    """When it was edited: a title tells it by the page's clock, which other times give away."""
    line = first(box, ".DateUpdated")
    if line is None:
        return None
    time = first(line, "time[datetime]")
    if time is not None:
        return board.moment(time.get("datetime"))
    title = line.get("title") or ""
    day = re.sub(r"(?<!\s)\s++\S{1,60}\s+\S{1,60}$", "", title)
    shown = board.moment(line.get("title"), day)
    known = first(box, "time[datetime][title]")
    local = board.moment(known.get("title")) if known is not None else None
    exact = board.moment(known.get("datetime")) if known is not None else None
    if shown is None or shown.year < _OLDEST:
        return None
    return shown + _whole(exact - local) if local and exact else shown


def _whole(shift: timedelta) -> timedelta:
    """A shift of clocks, in quarters of an hour."""
    return timedelta(minutes=15 * round(shift / timedelta(minutes=15)))


def _likes(box: HtmlElement) -> int | None:
    counts = select(
        box, ".ReactLike .Count, .ReactAwesome .Count, .ReactAgree .Count, .ReactUp .Count"
    )
    return sum(number(text_of(count)) or 0 for count in counts) if counts else None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.get("data-embedjson"):
        return _embedded(node)
    if node.tag == "blockquote" or has(node, "Quote", "UserQuote", "embedQuote", "js-quoteEmbed"):
        return _quoted(node)
    gone = (
        "Signature",
        "UserSignature",
        "Reactions",
        "Attachments",
        "AttachFileWrapper",
        "js-embed",
    )
    return "" if has(node, *gone) else CODE if has(node, "CodeBlock", "codeBlock") else None


def _embedded(node: HtmlElement) -> str | Quoted | None:
    """A quote kept as JSON on its element; any other such element is a picture or a card."""
    try:
        said = json.loads(node.get("data-embedjson") or "")
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("embedType") != "quote":
        return "" if isinstance(said, dict) and said.get("embedType") else None
    body = tree_of(f"<div>{said.get('body') or ''}</div>")
    user = said.get("insertUser")
    name = user.get("name") if isinstance(user, dict) else None
    post = f"{'d' if said.get('recordType') == 'discussion' else ''}{said.get('recordID') or ''}"
    return Quoted(
        text=words(body) if body is not None else "",
        author=name if isinstance(name, str) else None,
        post=post if post.lstrip("d") else None,
    )


def _quoted(node: HtmlElement) -> Quoted:
    head = _head(node)
    name = first(head, "a", ".embedQuote-userName") if head is not None else None
    said = text_of(name) or _SAID.sub("", text_of(head)) or node.get("rel") or ""
    links = (_COMMENT.search(a.get("href")) for a in select(node, "a[href*='omment']"))

    def instead(inner: HtmlElement) -> str | None:
        is_quote = inner.tag == "blockquote" and has(inner, "Quote", "UserQuote")
        return "" if inner is head or is_quote or has(inner, "embedQuote-footer") else None

    return Quoted(
        text=words(node, instead),
        author=said.strip() or None,
        post=next((found[1] for found in links if found), None),
    )


def _head(node: HtmlElement) -> HtmlElement | None:
    """The line that names the one quoted: marked, or the first that ends in a colon."""
    marked = first(node, ".QuoteAuthor", ".embedQuote-header", ".blockquote-header")
    if marked is not None:
        return marked
    line = next((child for child in node if child.tag in ("div", "p", "cite")), None)
    return (
        line
        if line is not None and _SAID.search(text_of(line)) and len(text_of(line)) < 80
        else None
    )


def _listing(board: Board) -> Found:
    rows = [_row(board, row) for row in select(board.tree, _ROWS)]
    lists = [_category(board, link) for link in select(board.tree, _CATEGORIES)]
    after = board.following(_PAGERS)
    return listing(rows, [*lists, after])


def _category(board: Board, link: HtmlElement) -> str:
    url = board.link(link.get("href"))
    is_thread = "/discussion/" in url or "/comment/" in url or not url
    return "" if is_thread or "#" in (link.get("href") or "") else re.sub(r"/feed\.rss$", "", url)


def _row(board: Board, row: HtmlElement) -> Link | None:
    link = first(row, ".Title a[href]", "a.Title[href]", ".DiscussionName a[href]")
    url = re.sub(r"#.*", "", board.link(link.get("href"))) if link is not None else ""
    named = re.fullmatch(r"Discussion_(\d+)", row.get("id") or "")
    found = _THREAD.match(url)
    if not url or "/categories/" in url:
        return None
    address = f"{found['base']}discussion/{found['id']}" if found else ""
    if not address:
        address = f"{_base(board)}discussion/{named[1]}" if named else url
    replies, last = _state(board, row)
    return Link(
        url=url,
        role="thread",
        thread=address,
        stamp=stamp_of(replies, last),
        active=last,
        title=text_of(link),
        pinned=bool(
            has(row, "Announcement")
            or select(row, ".Announcement, .Tag-Announcement, .tag-Announcement")
        ),
    )


def _state(board: Board, row: HtmlElement) -> tuple[int | None, datetime | None]:
    """The comments and the last activity that a row states."""
    count = first(
        row, ".CommentCount .Number", ".CountComments .Number", ".CommentCount", "td.CountComments"
    )
    stated = (count.get("title") or text_of(count)) if count is not None else ""
    comments = (number(stated) or 0) if count is not None else None
    last = first(
        row, ".LastCommentDate time", ".LastUser time", ".LatestPost time", "time[datetime]"
    )
    if last is None:
        line = first(row, ".LastCommentDate", ".LastUser .Meta")
        return comments, board.moment(text_of(line)) if line is not None else None
    return comments, board.moment(last.get("datetime"), last.get("title"), text_of(last))
