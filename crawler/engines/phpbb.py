"""phpBB 3 in prosilver and the skins made from it, and phpBB 2 and 3 in skins made of tables.

`viewtopic.php` alone makes no page phpBB: FluxBB and PunBB have it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

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
    HEADING,
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
    ('id="phpbb"', r'<body[^>]{1,500}id="phpbb"', 1.0),
    ("phpBB", r"Powered by\b.{0,80}phpBB", 0.5),
    ("phpbb", "", 0.2),
    ("postprofile", r'class="[^"]*\bpostprofile\b', 0.3),
    ('id="post_content', r'id="post_content\d+"', 0.4),
    ("topictitle", r'class="[^"]*\btopictitle\b', 0.4),
    ("forumtitle", r'class="[^"]*\bforumtitle\b', 0.4),
    ("class=", r'class="(?:postauthor|postdetails|forumline|tablebg)"', 0.3),
    ("mode=viewprofile", r"(?:memberlist|profile)\.php\?mode=viewprofile", 0.2),
    ('id="page-body"', "", 0.2),
)
_ZONE = "li.rightside, .timezone, #page-footer p, td.gensmall, span.gensmall"
_PAGERS = (".pagination", ".paging", ".pagenav", "td.gensmall, td.nav, span.nav, span.gensmall")
_BODIES = ".postbody .content, [id^=post_content] .content"
_OLD_BODIES = "div.postbody, span.postbody"
_NAME = (
    ".postprofile a.username, .postprofile a.username-coloured, .postprofile span.username",
    ".postprofile span.username-coloured",
    "p.author strong a, p.author strong span, p.author a.username, p.author a.username-coloured",
    "a.username-coloured, a.username, span.username, span.username-coloured",
    ".postprofile dt a[href*='memberlist.php']:not(:empty)",
    "p.author strong, .postprofile dt strong, .postauthor, span.name b, span.name",
)
_LINES = (
    "p.author, .author, .timepost, .postbody .timestamp, .post-date, .postdate"
    ", span.postdetails, td.gensmall, td.postdetails"
)
_SAID = re.compile(
    r"(?<!\s)(?:\s*+(?:wrote|said|hat geschrieben|schrieb|a écrit|escribió|ha scritto|escreveu"
    r"|schreef|napisał\(a\))\s*+:?|\s*+:|(?<!↑))[↑\s]*+$",
    re.I,
)
_EDITED = re.compile(
    r"(?:\bon|\bam|\ble|\bel|\bil|\bop)\s++(?P<date>(?>.{0,300}?\d{4}).{0,300}?)"
    r"(?:,\s*\D|;|\.?$)",
    re.I,
)
_IN_PATH = re.compile(r"(?:-t|/f?topic|/t)(\d+)(?:-(\d+))?(?:\.html)?/?$")
_UNDERLINE = re.compile(r"(?:^|\n)[^\S\n]*+_{10,}+\s*(?:\n|$)")
"""What parts a signature from the words in skins made of tables."""


def recognises(page: Page) -> float:
    """How sure it is that phpBB wrote this page, 0 to 1."""
    return sure(page, _MARKS)


def read(page: Page) -> Found:
    """The posts of a topic, or the topics and forums of a list."""
    board = board_of(page, "phpbb", _ZONE)
    if board is None:
        return Found()
    boxes = list(_boxes(board.tree)) or list(_old_boxes(board.tree))
    return _topic(board, boxes) if boxes else _listing(board)


Box = tuple[HtmlElement, HtmlElement, str]
"""The element of a whole post, that of its words, and its id."""


def _boxes(tree: HtmlElement) -> Iterator[Box]:
    """Posts of prosilver and its kin."""
    bodies = [body for body in select(tree, _BODIES) if not _is_inner(body)]
    held = crowds(bodies)
    for body in bodies:
        box, post = _box(body, held)
        if post:
            yield box, body, post


def _is_inner(body: HtmlElement) -> bool:
    """Whether the element stands inside the words of a post."""
    return any(has(above, "content") for above in body.iterancestors())


def _box(body: HtmlElement, held: Mapping[HtmlElement, int]) -> tuple[HtmlElement, str | None]:
    """The element that holds a whole post, and the post's id."""
    post = None
    box = body
    for above in around(body, held):
        name = above.get("id") or ""
        found = re.fullmatch(r"(?:p|post_content|post|profile)(\d+)", name)
        post = found[1] if found else post
        if (found and name.startswith("p") and name[1:].isdigit()) or has(above, "post"):
            box = above
            break
        if select(above, "h3 a[href^='#p']") and box is body:
            box = above
    return box, post or _anchored(box)


def _anchored(box: HtmlElement) -> str | None:
    for link in select(box, "h3 a[href], a[id], p.author a[href]"):
        found = re.search(r"(?:#p|^p)(\d+)$", link.get("href") or link.get("id") or "")
        if found:
            return found[1]
    return None


def _old_boxes(tree: HtmlElement) -> Iterator[Box]:
    """Posts of skins made of tables: the words of one may stand in several spans of a cell."""
    seen: set[str] = set()
    anchors: dict[HtmlElement, str | None] = {}
    for part in select(tree, _OLD_BODIES):
        body = next(part.iterancestors("td"), part) if part.tag == "span" else part
        for above in part.iterancestors("tr", "table"):
            if above not in anchors:
                anchors[above] = _old_anchor(above)
            anchor = anchors[above]
            if anchor is not None:
                if anchor not in seen:
                    seen.add(anchor)
                    yield above, body, anchor
                break


def _old_anchor(box: HtmlElement) -> str | None:
    """The id of the one post whose name and anchor the element holds."""
    if first(box, ".postauthor", "span.name") is None:
        return None
    names = (re.fullmatch(r"p?(\d+)", a.get("name")) for a in select(box, "a[name]"))
    found = {name[1] for name in names if name}
    return found.pop() if len(found) == 1 else None


def _topic(board: Board, boxes: list[Box]) -> Found:
    tree = board.tree
    topic = _topic_id(board)
    url = _topic_url(board, topic) if topic else without(board.page.url, "view")
    before = _offset(board)
    return thread(
        board,
        url,
        _title(tree),
        [_post(board, box, place) for place, box in enumerate(boxes, start=before + 1)],
        expected=_expected(tree),
        after=board.following(_PAGERS),
        start=url if before else "",
    )


def _topic_id(board: Board) -> str | None:
    tree = board.tree
    canonical = first(tree, "link[rel=canonical][href]")
    addresses = [board.page.url] + ([canonical.get("href")] if canonical is not None else [])
    addresses += [a.get("href") for a in select(tree, "h2 a[href], h1 a[href], a.maintitle[href]")]
    addresses += [a.get("href") for a in select(tree, "a.titles[href], a[href*='posting.php']")]
    for address in addresses:
        parts = urlsplit(address or "")
        stated = dict(parse_qsl(parts.query)).get("t", "")
        in_path = _IN_PATH.search(parts.path)
        if stated.isdigit() or in_path:
            return stated if stated.isdigit() else in_path and in_path[1]
    field = first(tree, "form input[name=t][value]")
    return field.get("value") if field is not None else None


def _topic_url(board: Board, topic: str) -> str:
    """The one address of a topic, whatever page of it was asked for and however."""
    return base_of(board.page.url, f"viewtopic.php?t={topic}")


def _offset(board: Board) -> int:
    """How many posts of the topic come before this page."""
    stated = asked(board.page.url).get("start", "")
    if stated.isdigit():
        return int(stated)
    in_path = _IN_PATH.search(urlsplit(board.page.url).path)
    return int(in_path[2]) if in_path and in_path[2] else _offset_by_pager(board.tree)


def _offset_by_pager(tree: HtmlElement) -> int:
    """Posts before the current page, counted from the addresses of its neighbours."""
    pager = first(tree, *_PAGERS[:-1])
    if pager is None:
        return 0
    marks = (number(text_of(m)) for m in select(pager, "strong, .active"))
    current = next((mark for mark in marks if mark), 1)
    for link in select(pager, "a[href]"):
        start = re.search(r"(?:start=|-t\d+-|topic\d+-)(\d+)", link.get("href"))
        page = number(text_of(link))
        if start and page and page > 1 and int(start[1]) % (page - 1) == 0:
            return int(start[1]) // (page - 1) * (current - 1)
    return 0


def _title(tree: HtmlElement) -> str:
    return heading_of(
        tree,
        "h2.topic-title",
        "#page-body h2 a[href*=viewtopic]",
        "h1.topic-title",
        "#page-body h2",
        "h2 a[href*=viewtopic]",
        "a.maintitle",
        "a.titles",
        "h1",
    )


def _expected(tree: HtmlElement) -> int | None:
    """`25 posts • Page 1 of 3` says how many posts there are."""
    for pager in select(tree, ".pagination, td.gensmall"):
        said = text_of(pager)[:80].lstrip("[ ")
        found = re.match(r"\D{0,3}(\d[\d.,\s]*)[^\W\d]{4,}", said)
        if found:
            return number(found[1].replace(" ", ""))
    return None


def _post(board: Board, found: Box, place: int) -> Post:
    box, body, post = found
    text, quotes = own_words(body, _instead)
    return Post(
        id=post,
        number=place,
        text=_UNDERLINE.split(text)[0].strip(),
        author=_author(box, body),
        written=board.moment(*_dates(box, body)),
        edited=_edited(board, box),
        reply_to=answered(quotes),
        likes=len(select(box, "[id^=list_thanks] a[href*=viewprofile]")) or None,
        url=base_of(board.page.url, f"viewtopic.php?p={post}#p{post}"),
        quotes=quotes,
    )


def _author(box: HtmlElement, body: HtmlElement) -> str | None:
    for selector in _NAME:
        for node in outside(box, body, selector):
            inside = any(has(above, "content", "signature") for above in node.iterancestors())
            if not inside and text_of(node):
                return text_of(node)
    return None


def _dates(box: HtmlElement, body: HtmlElement) -> Iterator[str]:
    """Texts that may be the post's date, the surest first."""
    for line in outside(box, body, _LINES):
        whole = text_of(line)
        is_old = line.tag in ("td", "span") and has(line, "postdetails", "gensmall")
        if is_old and not re.search(r"\d[:.]\d\d", whole):
            continue  # the day somebody joined
        for time in select(line, "time[datetime]"):
            yield time.get("datetime")
        yield whole.rpartition("»")[2]
        yield from (text.strip() for text in line.itertext() if re.search(r"\d", text))
        yield whole
    for time in outside(box, body, "time[datetime]"):
        yield time.get("datetime")


def _edited(board: Board, box: HtmlElement) -> datetime | None:
    for notice in select(box, ".notice, .editedby, span.gensmall"):
        time = first(notice, "time[datetime]")
        if time is not None:
            return board.moment(time.get("datetime"))
        for found in _EDITED.finditer(text_of(notice)[:300]):
            if when := board.moment(found["date"]):
                return when
    return None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag == "blockquote" or has(node, "quotecontent", "quote"):
        return _quoted(node)
    if has(node, "quotetitle"):
        return HEADING
    if has(node, "codebox", "codecontent", "code"):
        return CODE
    if node.tag == "table" and first(node, "td.quote") is not None:
        return _quoted(node)
    gone = (
        "signature",
        "notice",
        "editedby",
        "gensmall",
        "inline-attachment",
        "attachbox",
        "codetitle",
    )
    return "" if has(node, *gone) else None


def _quoted(node: HtmlElement) -> Quoted:
    cite = _cite(node)

    def instead(inner: HtmlElement) -> str | None:
        is_inner = inner.tag in ("blockquote", "cite") or has(inner, "quotecontent", "quotetitle")
        is_inner = is_inner or (inner.tag == "table" and first(inner, "td.quote") is not None)
        return "" if is_inner or inner is cite else None

    if cite is None:
        return Quoted(text=words(node, instead))
    return Quoted(text=words(node, instead), author=_cited(cite), post=_cited_post(cite))


def _cite(node: HtmlElement) -> HtmlElement | None:
    """What names the one quoted, inside the quote or before it."""
    if node.tag == "table":
        return first(node, "span.genmed")
    cite = first(node, "cite")
    if cite is not None:
        own = next(cite.iterancestors("blockquote"), None) is node
        return cite if own or node.tag != "blockquote" else None
    before = node.getprevious()
    return before if before is not None and has(before, "quotetitle") else None


def _cited(cite: HtmlElement) -> str | None:
    linked = first(cite, "a[href*='viewprofile'], a.username, a.username-coloured")
    if linked is not None:
        return text_of(linked)
    hidden = first(cite, ".responsive-hide")
    whole = text_of(cite).removesuffix(text_of(hidden)).strip()[:300]
    return _SAID.sub("", whole).strip() or None


def _cited_post(cite: HtmlElement) -> str | None:
    for link in select(cite, "a[href]"):
        stated = link.get("data-post-id")
        found = re.search(r"[#?&]p=?(\d+)", link.get("href"))
        if stated or found:
            return stated or (found and found[1])
    return None


def _listing(board: Board) -> Found:
    rows = [_row(board, link) for link in select(board.tree, "a.topictitle[href]")]
    hrefs = select(board.tree, "a.forumtitle[href], a.forumlink[href], a.subforum[href]")
    forums = [board.link(link.get("href")) for link in hrefs]
    return listing(rows, [*forums, board.following(_PAGERS)])


def _row(board: Board, link: HtmlElement) -> Link | None:
    url = without(board.link(link.get("href")), "view")
    if not url:
        return None
    stated = asked(url).get("t", "")
    in_path = _IN_PATH.search(urlsplit(url).path)
    topic = stated or (in_path[1] if in_path else "")
    row = next(
        (up for up in link.iterancestors() if has(up, "row") or up.tag in ("tr", "li")), None
    )
    replies, state, active = _state(board, row) if row is not None else (None, None, None)
    return Link(
        url=url,
        role="thread",
        thread=_topic_url(board, topic) if topic else url,
        stamp=stamp_of(replies, state or active) if replies is not None else None,
        active=active,
        title=text_of(link),
        pinned=row is not None and _is_pinned(row),
    )


def _is_pinned(row: HtmlElement) -> bool:
    marked = has(row, "sticky", "announce", "global", "global-announce")
    icons = "[class*=sticky_], [class*=announce_], [style*=sticky_], [style*=announce_]"
    return marked or bool(select(row, f"{icons}, img[src*=sticky], img[src*=announce]"))


def _state(board: Board, row: HtmlElement) -> tuple[int | None, str | None, datetime | None]:
    """The replies, the last post and its time, as the row of a topic states them."""
    counts = first(row, "dd.posts", "td.posts", ".posts")
    cells = [] if counts is not None else select(row, "td")
    plain = (text_of(cell) for cell in cells if re.fullmatch(r"[\d.,\s]+", text_of(cell)))
    stated = text_of(counts) if counts is not None else next(plain, "")
    replies = (
        int(re.sub(r"\D", "", found.group()))
        if (found := re.search(r"\d[\d.,]*", stated))
        else None
    )
    cell = first(row, "dd.lastpost", "td.lastpost", ".lastpost")
    cell = cells[-1] if cell is None and cells else cell
    if cell is None:
        return replies, None, None
    last = first(cell, "a[href*='p=']", "a[href*='#p']")
    post = re.search(r"[#&?]p=?(\d+)", last.get("href")) if last is not None else None
    time = first(cell, "time[datetime]")
    lines = [line for line in words(cell).split("\n") if re.search(r"\d", line)]
    active = board.moment(time.get("datetime") if time is not None else None, *reversed(lines))
    return replies, post[1] if post else None, active
