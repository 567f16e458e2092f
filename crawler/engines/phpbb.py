"""phpBB 3: prosilver and the skins made from it. `viewtopic.php` alone makes no page phpBB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.dates import moment, offset_of
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

_MARKS = {
    r'<body[^>]+id="phpbb"': 1.0,
    r"Powered by\b.{0,80}phpBB": 0.5,
    r"\bphpbb\b": 0.2,
    r'class="[^"]*\bpostprofile\b': 0.3,
    r'id="post_content\d+"': 0.4,
    r'class="[^"]*\btopictitle\b': 0.4,
    r'class="[^"]*\bforumtitle\b': 0.4,
    r"memberlist\.php\?mode=viewprofile": 0.2,
    r'id="page-body"': 0.2,
}
_ENOUGH = 0.5
"""One mark alone, such as a class name, other boards have too."""
_PAGERS = (".pagination", ".paging", ".pagenav")
_NAME = (
    ".postprofile a.username, .postprofile a.username-coloured, .postprofile span.username",
    ".postprofile span.username-coloured",
    "p.author strong a, p.author strong span, p.author a.username, p.author a.username-coloured",
    "a.username-coloured, a.username, span.username, span.username-coloured",
    ".postprofile dt a[href*='memberlist.php']:not(:empty)",
    "p.author strong, .postprofile dt strong, .postauthor",
)
_SAID = re.compile(
    r"\s*(?:wrote|said|hat geschrieben|schrieb|a écrit|escribió|ha scritto|escreveu|schreef"
    r"|napisał\(a\))?\s*:?\s*[↑\s]*$",
    re.I,
)
_EDITED = re.compile(
    r"(?:\bon|\bam|\ble|\bel|\bil|\bop)\s+(?P<date>.*?\d{4}.*?)(?:,\s*\D|;|\.?$)", re.I
)
_TOPIC_IN_PATH = re.compile(r"-t(\d+)(?:-\d+)?(?:\.html)?/?$")
_SESSION = {"sid", "hilit", "view", "highlight"}


def recognises(page: Page) -> float:
    """How sure it is that phpBB wrote this page, 0 to 1."""
    if page.text[:200].lstrip().startswith("{"):
        return 0.0
    found = (weight for mark, weight in _MARKS.items() if re.search(mark, page.text, re.I | re.S))
    total = sum(found)
    return min(1.0, total) if total >= _ENOUGH else 0.0


def read(page: Page) -> Found:
    """The posts of a topic, or the topics and forums of a list."""
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    bodies = list(_bodies(tree))
    if bodies:
        return _topic(page, tree, bodies)
    return Found(links=tuple(_listing(page, tree)))


def _bodies(tree: HtmlElement) -> Iterator[HtmlElement]:
    """The element of each post's words."""
    for body in select(tree, ".postbody .content, [id^=post_content] .content"):
        if not any(has(above, "content") for above in body.iterancestors()):
            yield body


def _topic(page: Page, tree: HtmlElement, bodies: list[HtmlElement]) -> Found:
    topic = _topic_id(page, tree)
    url = _topic_url(page, topic) if topic else _without_session(page.url)
    after = next_page(tree, page.url, _PAGERS)
    before = _offset(page, tree)
    offset = offset_of(_zone(tree))
    posts: list[Post] = []
    for place, body in enumerate(bodies, start=before + 1):
        post = _post(page, tree, body, place, offset)
        if post is not None:
            posts.append(post)
    thread = Thread(
        source=Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="phpbb"),
        title=_title(tree),
        posts=tuple(posts),
        expected=_expected(tree),
    )
    links = [Link(url=_without_session(after), role="posts", thread=url)] if after else []
    return Found(documents=(thread,), links=tuple(links + _start(page, url, before)))


def _start(page: Page, thread: str, before: int) -> list[Link]:
    """The first page of the topic, where this is a later one."""
    if not before:
        return []
    parts = urlsplit(_without_session(page.url))
    asked = [(name, value) for name, value in parse_qsl(parts.query) if name != "start"]
    is_plain = any(name == "t" for name, _ in asked)
    url = urlunsplit((*parts[:3], urlencode(asked), "")) if is_plain else thread
    return [Link(url=url, role="thread", thread=thread)]


def _topic_id(page: Page, tree: HtmlElement) -> str | None:
    canonical = first(tree, "link[rel=canonical][href]")
    addresses = [page.url] + ([canonical.get("href")] if canonical is not None else [])
    addresses += [a.get("href") for a in select(tree, "h2 a[href*='viewtopic'], h2 a[href*='-t']")]
    for address in addresses:
        parts = urlsplit(address or "")
        asked = dict(parse_qsl(parts.query)).get("t", "")
        in_path = _TOPIC_IN_PATH.search(parts.path)
        if asked.isdigit() or in_path:
            return asked if asked.isdigit() else in_path and in_path[1]
    field = first(tree, "form input[name=t][value]")
    return field.get("value") if field is not None else None


def _topic_url(page: Page, topic: str) -> str:
    """The one address of a topic, whatever page of it was asked for and however."""
    parts = urlsplit(page.url)
    folder = parts.path.rpartition("/")[0]
    return f"{parts.scheme}://{parts.netloc}{folder}/viewtopic.php?t={topic}"


def _without_session(url: str) -> str:
    parts = urlsplit(url)
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in _SESSION]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))


def _offset(page: Page, tree: HtmlElement) -> int:
    """How many posts of the topic come before this page."""
    stated = dict(parse_qsl(urlsplit(page.url).query)).get("start", "")
    if stated.isdigit():
        return int(stated)
    in_path = re.search(r"-t\d+-(\d+)\.html", page.url)
    return int(in_path[1]) if in_path else _offset_by_pager(tree)


def _offset_by_pager(tree: HtmlElement) -> int:
    """Posts before the current page, counted from the addresses of its neighbours."""
    pager = first(tree, *_PAGERS)
    if pager is None:
        return 0
    marks = (number(text_of(m)) for m in select(pager, "strong, .active"))
    current = next((mark for mark in marks if mark), 1)
    for link in select(pager, "a[href]"):
        start = re.search(r"(?:start=|-t\d+-)(\d+)", link.get("href"))
        page = number(text_of(link))
        if start and page and page > 1 and int(start[1]) % (page - 1) == 0:
            return int(start[1]) // (page - 1) * (current - 1)
    return 0


def _zone(tree: HtmlElement) -> str:
    return " ".join(text_of(n) for n in select(tree, "li.rightside, .timezone, #page-footer p"))


def _title(tree: HtmlElement) -> str:
    heading = first(tree, "h2.topic-title", "#page-body h2 a[href*=viewtopic]", "h1.topic-title")
    if heading is None:
        heading = first(tree, "#page-body h2", "h2 a[href*=viewtopic]", "h1")
    return text_of(heading)


def _expected(tree: HtmlElement) -> int | None:
    """`25 posts • Page 1 of 3` says how many posts there are."""
    for pager in select(tree, ".pagination"):
        found = re.match(r"\D{0,3}(\d[\d.,\s]*)\s*[^\W\d]{4,}", text_of(pager))
        if found:
            return number(found[1].replace(" ", ""))
    return None


def _post(
    page: Page, tree: HtmlElement, body: HtmlElement, place: int, offset: object
) -> Post | None:
    box, post = _box(body)
    if post is None:
        return None
    text, quotes = own_words(body, _instead)
    answered = [quote.post for quote in quotes if quote.post]
    spoken = language(tree)
    return Post(
        id=post,
        number=place,
        text=text,
        author=_author(box),
        written=_written(page, box, spoken, offset),
        edited=_edited(page, box, spoken, offset),
        reply_to=answered[0] if answered else None,
        url=_permalink(page, post),
        quotes=quotes,
    )


def _permalink(page: Page, post: str) -> str:
    parts = urlsplit(page.url)
    folder = parts.path.rpartition("/")[0]
    return f"{parts.scheme}://{parts.netloc}{folder}/viewtopic.php?p={post}#p{post}"


def _box(body: HtmlElement) -> tuple[HtmlElement, str | None]:
    """The element that holds a whole post, and the post's id."""
    post = None
    box = body
    for above in body.iterancestors():
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


def _author(box: HtmlElement) -> str | None:
    for selector in _NAME:
        for node in select(box, selector):
            inside = any(has(above, "content", "signature") for above in node.iterancestors())
            if not inside and text_of(node):
                return text_of(node)
    return None


def _written(page: Page, box: HtmlElement, spoken: str, offset: object) -> datetime | None:
    for text in _dates(box):
        found = moment(text, now=page.fetched, language=spoken, offset=offset)  # type: ignore[arg-type]
        if found is not None:
            return found
    return None


def _dates(box: HtmlElement) -> Iterator[str]:
    """Texts that may be the post's date, the surest first."""
    for line in select(
        box, "p.author, .author, .timepost, .postbody .timestamp, .post-date, .postdate"
    ):
        for time in select(line, "time[datetime]"):
            yield time.get("datetime")
        whole = text_of(line)
        yield whole.rpartition("»")[2]
        yield from (text.strip() for text in line.itertext() if re.search(r"\d", text))
    for time in select(box, "time[datetime]"):
        yield time.get("datetime")


def _edited(page: Page, box: HtmlElement, spoken: str, offset: object) -> datetime | None:
    notice = first(box, ".notice")
    if notice is None:
        return None
    time = first(notice, "time[datetime]")
    if time is not None:
        return moment(time.get("datetime"), now=page.fetched)
    for found in _EDITED.finditer(text_of(notice)[:300]):
        when = moment(found["date"], now=page.fetched, language=spoken, offset=offset)  # type: ignore[arg-type]
        if when is not None:
            return when
    return None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag == "blockquote":
        return _quoted(node)
    if has(node, "codebox"):
        return CODE
    gone = has(node, "signature", "notice", "inline-attachment", "attachbox", "quotetitle")
    return "" if gone else None


def _quoted(node: HtmlElement) -> Quoted:
    cite = first(node, "cite")
    own = cite is not None and next(cite.iterancestors("blockquote"), None) is node
    if cite is None or not own:
        return Quoted(text=words(node, _inside_quote))
    return Quoted(text=words(node, _inside_quote), author=_cited(cite), post=_cited_post(cite))


def _inside_quote(node: HtmlElement) -> str | None:
    return "" if node.tag in ("blockquote", "cite") else None


def _cited(cite: HtmlElement) -> str | None:
    linked = first(cite, "a[href*='viewprofile'], a.username, a.username-coloured")
    if linked is not None:
        return text_of(linked)
    hidden = first(cite, ".responsive-hide")
    whole = text_of(cite).removesuffix(text_of(hidden)).strip()
    return _SAID.sub("", whole).strip() or None


def _cited_post(cite: HtmlElement) -> str | None:
    for link in select(cite, "a[href]"):
        stated = link.get("data-post-id")
        found = re.search(r"[#?&]p=?(\d+)", link.get("href"))
        if stated or found:
            return stated or (found and found[1])
    return None


def _listing(page: Page, tree: HtmlElement) -> list[Link]:
    rows = [link for row in select(tree, "a.topictitle[href]") if (link := _row(page, tree, row))]
    forums = (absolute(tree, page.url, a.get("href")) for a in select(tree, "a.forumtitle[href]"))
    after = next_page(tree, page.url, _PAGERS)
    lists = dict.fromkeys(_without_session(url) for url in (*forums, after) if url)
    return rows + [
        Link(url=url, role="listing") for url in lists if site_of(url) == site_of(page.url)
    ]


def _row(page: Page, tree: HtmlElement, link: HtmlElement) -> Link | None:
    url = _without_session(absolute(tree, page.url, link.get("href")))
    asked = dict(parse_qsl(urlsplit(url).query)).get("t", "")
    in_path = _TOPIC_IN_PATH.search(urlsplit(url).path)
    topic = asked or (in_path[1] if in_path else "")
    if not topic:
        return Link(url=url, role="thread") if url else None
    return Link(url=url, role="thread", thread=_topic_url(page, topic), stamp=_stamp(link))


def _stamp(link: HtmlElement) -> str | None:
    """The number of replies and the last post, as the row of the topic states them."""
    row = next(
        (up for up in link.iterancestors() if has(up, "row") or up.tag in ("tr", "li")), None
    )
    if row is None:
        return None
    replies = number(text_of(first(row, "dd.posts", "td.posts", ".posts")))
    last = first(row, ".lastpost a[href*='p=']", ".lastpost a[href*='#p']")
    post = re.search(r"[#&?]p=?(\d+)", last.get("href")) if last is not None else None
    time = first(row, ".lastpost time[datetime]")
    state = post[1] if post else time.get("datetime") if time is not None else None
    return f"{replies}|{state}" if replies is not None and state else None
