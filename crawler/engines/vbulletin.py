"""vBulletin 3, 4 and 5, with or without rewritten addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

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
    ("vBulletin", r"generator[\"'][^>]{1,60}vBulletin|vBulletin[^>]{1,60}generator[\"']", 1.0),
    ("vbulletin_html", r"<html[^>]{1,500}id=[\"']vbulletin_html", 1.0),
    ("vb-page-body", "", 1.0),
    ("data-usergroupid=", "", 0.6),
    ("vBulletin_init(", "", 0.7),
    (
        "vbulletin_",
        r"\bvbulletin_(?:global|menu|ajax|textedit|md5|read_marker|lightbox)\w*\.js",
        0.7,
    ),
    ("vBulletin", r"(?i:powered by)\W{0,3}(?:<[^>]{1,500}>)?\W{0,3}vBulletin", 0.7),
    ("post_message_", r"id=[\"']post_message_\d+", 0.4),
    ("bigusername", r"class=[\"'][^\"']*\bbigusername\b", 0.3),
    ("threadtitle_", r"id=[\"'](?:td_)?threadtitle_\d+", 0.4),
    ("thread_title_", r"id=[\"']thread_title_\d+", 0.4),
    ("td_post_", r"id=[\"']td_post_\d+", 0.3),
    (".php", r"\b(?:showthread|forumdisplay)\.php", 0.2),
    ("js-post__content-text", "", 0.6),
)
_BODIES = "[id^=post_message_], .js-post__content-text"
_OLD_BODIES = "td[id^=td_post_]"
_AUTHORS = (
    ".bigusername",
    ".username_container .username, .userinfo .username, .username",
    ".b-userinfo__details .author a, .author [itemprop=name], .b-userinfo__details a",
    "[id^=postmenu_]",
    "a[href*='member.php'], a[href*='/members/'], a[href*='/member/']",
)
_DATES = (
    "time[datetime]",
    ".postdate .date, .postdate, .b-post__timestamp, .post-date, .date",
    "td.thead, .thead, td.tcat, .posthead",
    "td, div, span",
)
_FORUMS = (
    "td[id^=f] a[href], .forumtitle a[href], .subforum a[href], a.forum-title[href]"
    ", a.subforum-title[href], a[href*='forumdisplay.php'] strong"
)
_ROWS = "a[id^=thread_title_][href], a.topic-title[href]"
_PAGERS = (
    "a.js-pagenav-next-button:not([data-page='0'])",
    ".pagenav",
    ".pagination_top",
    ".threadpagenav",
    ".pagination",
    ".pagenav-container",
)
_SCRIPTS = re.compile(
    r"/(?:showthread|forumdisplay|login|member|newreply|printthread|search|register|misc|external"
    r"|cron|faq|memberlist|index|forum)\.php\b"
)
_IN_PATH = (
    re.compile(r"showthread\.php[?/](\d+)"),
    re.compile(r"/threads?/(\d+)"),
    re.compile(r"/(\d+)-[^/]*?(?:-\d+)?(?:-(?:post|print)\w*)?\.html$"),
    re.compile(r"/[^/]*-t?(\d+)(?:-\d+)?(?:-(?:post|print)\w*)?(?:/|\.html)(?:index\d+\.html)?$"),
)
_NODE = re.compile(r"^(?P<thread>.*?/\d+-[^/]+)(?:/page\d+)?/?$")


def recognises(page: Page) -> float:
    """How sure it is that vBulletin wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The posts of a thread, or the threads and forums of a list."""
    board = board_of(page, "vbulletin")
    if board is None:
        return Found()
    bodies = select(board.tree, _BODIES) or select(board.tree, _OLD_BODIES)
    return _thread(board, bodies) if bodies else _listing(board)


def _thread(board: Board, bodies: list[HtmlElement]) -> Found:
    tree = board.tree
    url = _thread_url(board)
    held = crowds(bodies)
    posts = [post for body in bodies if (post := _post(board, body, held, url))]
    placed = _numbered(posts)
    after = board.following(_PAGERS)
    is_later = bool(placed) and placed[0].number > 1
    return thread(
        board,
        url,
        _title(tree),
        placed,
        expected=_expected(tree),
        after=after,
        start=url if is_later else "",
    )


def _numbered(posts: list[tuple[int | None, Post]]) -> list[Post]:
    """The posts with the numbers they print, else with their place on the page."""
    shown = [place for place, _ in posts if place]
    return [
        replace(post, number=place if place and len(shown) == len(posts) else at)
        for at, (place, post) in enumerate(posts, 1)
    ]


def _base(board: Board) -> str:
    """The folder of the board: that of its own scripts, whatever the address of the page."""
    for node in select(board.tree, "form[action*='.php'], a[href*='.php']"):
        where = absolute(board.tree, board.page.url, node.get("action") or node.get("href"))
        found = _SCRIPTS.search(where)
        if found and urlsplit(where).netloc == urlsplit(board.page.url).netloc:
            return where[: found.start() + 1]
    return base_of(board.page.url)


def _thread_url(board: Board) -> str:
    """The one address of the thread, whatever page of it was asked for and however."""
    page, tree = board.page, board.tree
    stated = first(tree, "link[rel=canonical][href]")
    canonical = absolute(tree, page.url, stated.get("href")) if stated is not None else ""
    if select(tree, ".js-post__content-text"):
        found = _NODE.match(without(canonical or page.url).partition("?")[0])
        return found["thread"] if found else without(canonical or page.url)
    thread_id = _thread_id(board, canonical)
    if thread_id:
        return f"{_base(board)}showthread.php?t={thread_id}"
    return without(canonical or page.url, "page", "pp", "p")


def _thread_id(board: Board, canonical: str) -> str | None:
    for address in (board.page.url, canonical):
        if asked(address).get("t", "").isdigit():
            return asked(address)["t"]
    field = first(board.tree, "input[name=t][value], input[name=searchthreadid][value]")
    if field is not None and (field.get("value") or "").isdigit():
        return str(field.get("value"))
    for node in select(board.tree, "a[href*='printthread'], a[href*='newreply'], a[href*='t=']"):
        if asked(node.get("href")).get("t", "").isdigit():
            return asked(node.get("href"))["t"]
    found = (_id_in_path(address) for address in (canonical, board.page.url))
    return next((one for one in found if one), None)


def _id_in_path(url: str) -> str | None:
    for pattern in _IN_PATH:
        if found := pattern.search(url.partition("#")[0]):
            return found[1]
    return None


def _title(tree: HtmlElement) -> str:
    said = heading_of(
        tree,
        ".threadtitle",
        "#pagetitle h1",
        "h1.main-title, h1.b-topic__title",
        "td.navbar strong",
        "h1",
    )
    return re.sub(r"^(?:Thread|Thema|Discussion|Tema|Onderwerp|Topic)\s*:\s+", "", said)


def _expected(tree: HtmlElement) -> int | None:
    """The last number of `Results 1 to 15 of 50`."""
    shown = [
        node.get("title") for node in select(tree, ".pagenav [title], .pagination_top [title]")
    ]
    shown += [text_of(node) for node in select(tree, ".postpagestats, #postpagestats_above")]
    for text in shown:
        counts = [int(re.sub(r"\D", "", one)) for one in re.findall(r"\d[\d.,]*", text or "")]
        if len(counts) == 3 and counts[0] <= counts[1] <= counts[2]:
            return counts[2]
    return None


def _post(
    board: Board, body: HtmlElement, held: Mapping[HtmlElement, int], url: str
) -> tuple[int | None, Post] | None:
    box, post = _box(body, held)
    if not post:
        return None
    text, quotes = own_words(body, _instead)
    permalink = (
        f"{url}#post{post}" if "/showthread.php" not in url else f"{url}&p={post}#post{post}"
    )
    return _place(box), Post(
        id=post,
        number=1,
        text=text,
        author=_author(box, body),
        written=_written(board, box, body),
        edited=_edited(board, box, body),
        reply_to=answered(quotes),
        likes=_likes(box, post),
        url=permalink,
        quotes=quotes,
    )


def _box(body: HtmlElement, held: Mapping[HtmlElement, int]) -> tuple[HtmlElement, str]:
    """The element that holds a whole post, and the post's id."""
    stated = re.search(r"(?<!\d)(\d++)$", body.get("id") or "")
    post = stated[1] if stated else ""
    box = body
    for above in around(body, held):
        node = above.get("data-node-id") if has(above, "b-post", "js-post") else None
        name = re.fullmatch(r"(?:post_?|edit|p)(\d+)", above.get("id") or "")
        if node or (name and (not post or name[1] == post)):
            box, post = above, post or node or (name[1] if name else "")
            if node or above.tag in ("li", "table"):
                break
        elif box is not body:
            break  # the box of the post ends here
        elif above.tag == "table":
            last = above
            box = last if select(last, ".bigusername, .username") else box
    return box, post


def _place(box: HtmlElement) -> int | None:
    """The printed number of the post, `#6`."""
    for node in select(box, "[id^=postcount][name]"):
        if (node.get("name") or "").isdigit():
            return int(node.get("name"))
    for node in select(box, ".postcounter, .b-post__count, [id^=postcount]"):
        if place := number(text_of(node)):
            return place
    return None


def _author(box: HtmlElement, body: HtmlElement) -> str | None:
    for selector in _AUTHORS:
        for node in outside(box, body, selector):
            said = text_of(node)
            if said and not _is_below(body, node):
                return said
    return None


def _is_below(body: HtmlElement, node: HtmlElement) -> bool:
    """Whether a node stands in the quoted or signed part of the box."""
    return any(
        has(above, "signature", "lastedited", "bbcode_quote") for above in node.iterancestors()
    )


def _written(board: Board, box: HtmlElement, body: HtmlElement) -> datetime | None:
    for selector in _DATES:
        for node in outside(box, body, selector):
            if node in body.iterancestors() or _is_below(body, node):
                continue
            if selector is _DATES[-1] and not re.search(r"\d[:.]\d\d", text_of(node)):
                continue  # the day somebody joined
            for text in _date_texts(node):
                if when := board.moment(text):
                    return when
    return None


def _date_texts(node: HtmlElement) -> Iterator[str]:
    if node.get("datetime"):
        yield node.get("datetime")
    whole = text_of(node)
    if any(c.isdigit() for c in whole) and len(whole) < 200:
        yield re.sub(r"#\s*\d+\s*(?:\([^)]{0,200}+\))?", "", whole)


def _edited(board: Board, box: HtmlElement, body: HtmlElement) -> datetime | None:
    """When it was edited: `Last edited by Fern; Today at 07:40 AM. Reason: x`, or in brackets."""
    for node in outside(box, body, ".lastedited, .smallfont em, .b-post__edit-info, .post-edit"):
        said = text_of(node)
        bracket = re.search(r"\((.{1,300}?)\)", said)
        after = re.split(r"\.\s|\.$", said.rpartition(";")[2])[0]
        if when := board.moment(bracket[1] if bracket else None, after, said):
            return when
    return None


def _likes(box: HtmlElement, post: str) -> int | None:
    votes = first(box, ".js-post__vote-count, .votecount")
    if votes is not None:
        return number(text_of(votes)) or 0
    thanks = first(box, f"[id^=post_thanks_box_], [id^=post_likes_{post}], .postbit_thanks")
    if thanks is None:
        return None
    people = select(thanks, "a[href*='member']")
    return number(text_of(thanks)) or len(people) or None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if _is_quote(node):
        return _quoted(node)
    if _is_code(node):
        return CODE
    gone = ("signature", "lastedited", "attachments", "postbit_thanks", "adsbygoogle", "b-media")
    return "" if has(node, *gone) or node.tag == "fieldset" else None


def _is_quote(node: HtmlElement) -> bool:
    if has(node, "bbcode_quote", "quotearea") or (node.tag == "blockquote" and has(node, "quote")):
        return True
    if node.tag != "div" or not len(node) or not has(node[0], "smallfont"):
        return node.tag == "table" and _is_quote_table(node)
    is_box = any(child.tag == "table" or has(child, "postquote") for child in node)
    return is_box and not select(node, "pre, code")


def _is_quote_table(node: HtmlElement) -> bool:
    cell = first(node, "td.alt2, td.quote")
    return cell is not None and ("inset" in (cell.get("style") or "") or has(cell, "quote"))


def _is_code(node: HtmlElement) -> bool:
    if has(node, "bbcode_code", "bbcode_description"):
        return True
    is_labelled = node.tag == "div" and len(node) > 1 and has(node[0], "smallfont")
    return is_labelled and bool(select(node, "pre, code")) and not select(node, "table")


def _quoted(node: HtmlElement) -> Quoted:
    by = first(node, ".bbcode_postedby", "td.alt2 > div", "td > div", ".quote_by")
    if by is None and (box := first(node, ".postquote")) is not None:
        by = box.getprevious()
    name = first(by, "strong", "b") if by is not None else None
    inner = first(node, ".message", ".bbcode_quote_container") if name is not None else None
    if inner is None:
        inner = first(node, ".quote_container", ".postquote", "td.alt2", "td.quote", "td")
    inside_quote = words(inner if inner is not None else node, _inside_quote)
    return Quoted(text=inside_quote, author=text_of(name) or None, post=_quoted_post(by))


def _inside_quote(node: HtmlElement) -> str | None:
    is_heading = has(node, "bbcode_postedby") or (
        node.tag == "div" and bool(select(node, "a[href*='#post']")) and len(text_of(node)) < 80
    )
    is_label = has(node, "smallfont") and text_of(node).endswith(":")
    return "" if is_heading or is_label or _is_quote(node) else None


def _quoted_post(by: HtmlElement | None) -> str | None:
    for link in select(by, "a[href]") if by is not None else []:
        if found := re.search(r"(?:#post|[?&]p=|/node/)(\d+)", link.get("href")):
            return found[1]
    return None


def _listing(board: Board) -> Found:
    base = _base(board)
    rows = [_row(board, link, base) for link in select(board.tree, _ROWS)]
    forums = [_forum(board, node) for node in select(board.tree, _FORUMS)]
    return listing(rows, [*forums, board.following(_PAGERS)])


def _forum(board: Board, node: HtmlElement) -> str:
    link = node if node.tag == "a" else next(node.iterancestors("a"))
    url = board.link(link.get("href"))
    is_row = re.search(r"(?:showthread|showpost|announcement|external|member)\.php", url)
    is_thread = link.get("id", "").startswith("thread_")
    return (
        ""
        if is_row or is_thread or "#" in (link.get("href") or "")
        else without(url, "order", "sort", "daysprune")
    )


def _row(board: Board, link: HtmlElement, base: str) -> Link | None:
    url = board.link(link.get("href"))
    if not url:
        return None
    row = next((up for up in link.iterancestors() if up.tag == "tr" or has(up, "threadbit")), link)
    stated = re.search(r"thread_title_(\d+)$", link.get("id") or "")
    replies, last = _state(board, row)
    return Link(
        url=url,
        role="thread",
        thread=f"{base}showthread.php?t={stated[1]}" if stated else url,
        stamp=stamp_of(replies, last),
        active=last,
        title=text_of(link),
        pinned=bool(has(row, "sticky") or select(row, ".sticky, img[src*=sticky]")),
    )


def _state(board: Board, row: HtmlElement) -> tuple[int | None, datetime | None]:
    """The replies and the last activity that a row states."""
    cell = first(row, "td[title*=':'] .smallfont", ".threadlastpost", ".lastpost, .cell-lastpost")
    counts = first(row, ".threadstats li", ".posts-count", "a[href*=whoposted]")
    box = next(cell.iterancestors("td"), cell) if cell is not None else None
    stated = (
        text_of(counts)
        if counts is not None
        else (box.get("title") or "" if box is not None else "")
    )
    found = re.search(r"\d[\d.,]*", stated)
    replies = int(re.sub(r"\D", "", found.group())) if found else None
    if cell is None:
        return replies, None
    lines = [text_of(node) for node in select(cell, "dd, .post-date, .lastpost-date, time")]
    parts = [*reversed(lines), *words(cell).split("\n"), text_of(cell)]
    return replies, board.moment(*(part for part in parts if any(c.isdigit() for c in part)))
