"""Forums of unknown software: posts are blocks that repeat, each with a name, a date and words.

A guess: threads it reads carry a confidence below 1. Known software has engines of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.dates import moment
from crawler.engines.markup import (
    absolute,
    first,
    language,
    next_page,
    own_words,
    text_of,
    tree_of,
    words,
)
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

_BLOCKS = {"article", "div", "li", "section", "table", "tbody", "tr", "dl"}
_PERSON = re.compile(
    r"user|member|profil|author|(?:^|[/_-])u(?:/|id=)|mitglied|membre|people", re.I
)
_BODY = re.compile(r"content|body|message|msg|text|post|comment|entry", re.I)
_NOT_BODY = re.compile(
    r"sig|quote|foot|head|meta|last|author|user|avatar|attach|button|tool|nav", re.I
)
_DATE = re.compile(
    r"\b\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\b|\b\d{4}-\d{2}-\d{2}\b"
    r"|\b\d{1,2}\.?\s+[^\W\d]{3,12}\.?,?\s+\d{4}\b|\b[^\W\d]{3,12}\s+\d{1,2},?\s+\d{4}\b"
    r"|\b(?:today|yesterday|heute|gestern|hier|ayer)\b|\b\d+\s+\w+\s+ago\b",
    re.I,
)
_ID = re.compile(r"(\d+)\D*$")
_FORUM = re.compile(
    r"(?:id|class|itemtype)=[\"'][^\"']*"
    r"(?:forum|thread(?!-even|-odd|-alt)|topic|discussion|DiscussionForumPosting|community|board)",
    re.I,
)
_OPENING = re.compile(r"post|discussion|topic|question|thread|message|item|starter", re.I)
_LEAST = 2
"""Blocks below which nothing repeats."""


@dataclass(frozen=True)
class _Block:
    """A block that may be a post."""

    node: HtmlElement
    body: HtmlElement
    author: str | None
    date: str | None

    @property
    def is_post(self) -> bool:
        return self.author is not None and self.date is not None


def recognises(page: Page) -> float:
    """How sure it is that the page is a thread of some forum, 0 to 0.55.

    Comments under an article repeat as well; without a word of forums an article that says it is
    one goes before.
    """
    if "<" not in page.text[:500] or "json" in page.content_type:
        return 0.0
    hints = len(re.findall(r"(?:id|class)=[\"'][^\"']*(?:post|comment|message|reply)", page.text))
    if hints < 2 * _LEAST or len(_posts(page.text)) < _LEAST:
        return 0.0
    return 0.55 if len(_FORUM.findall(page.text)) >= 3 else 0.25


def read(page: Page) -> Found:
    """The posts of the largest family of blocks with a name and a date."""
    tree = tree_of(page.text)
    blocks = _posts(page.text)
    if tree is None or not blocks:
        return Found()
    url = _canonical(page, tree)
    before = (_page_number(page.url) - 1) * len(blocks)
    spoken = language(tree)
    posts = [_post(page, block, place, spoken) for place, block in enumerate(blocks, before + 1)]
    thread = Thread(
        source=Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="generic"),
        title=text_of(first(tree, "h1", "h2", "title")),
        posts=tuple(posts),
        confidence=0.6,
    )
    after = next_page(tree, page.url, (".pagination", ".pager", ".pages", ".paging", ".pagenav"))
    links = (Link(url=after, role="posts", thread=url),) if after else ()
    return Found(documents=(thread,), links=links)


@lru_cache(maxsize=2)
def _posts(text: str) -> tuple[_Block, ...]:
    """The blocks of the best family, in order."""
    tree = tree_of(text)
    if tree is None:
        return ()
    families = [tuple(_blocks(family)) for family in _families(tree)]
    scored = [(sum(len(text_of(b.body)) for b in family), family) for family in families]
    usable = [pair for pair in scored if len(pair[1]) >= _LEAST and _says_things(pair[1])]
    if not usable:
        return ()
    best = max(usable, key=lambda pair: pair[0])[1]
    return (*_opening(tree, best), *best)


def _says_things(family: tuple[_Block, ...]) -> bool:
    """Whether the blocks hold different words; the rows of a table of boards repeat theirs."""
    return 2 * len({text_of(block.body) for block in family}) > len(family)


def _opening(tree: HtmlElement, blocks: tuple[_Block, ...]) -> tuple[_Block, ...]:
    """The opening post, which many programs put before the replies in a form of its own."""
    holders = set(blocks[0].node.iterancestors())
    before: list[_Block] = []
    for node in tree.iter(*_BLOCKS):
        if node is blocks[0].node:
            break
        name = f"{node.get('class') or ''} {node.get('id') or ''}"
        if node not in holders and _OPENING.search(name) and not _is_aside(node):
            before += _blocks([node])
    return (max(before, key=lambda one: len(text_of(one.body))),) if before else ()


def _is_aside(node: HtmlElement) -> bool:
    return any(up.tag in ("nav", "aside", "header", "footer") for up in node.iterancestors())


def _families(tree: HtmlElement) -> Iterator[list[HtmlElement]]:
    """Elements that look alike: same tag and classes, or ids that differ by their number."""
    alike: dict[tuple[str, str], list[HtmlElement]] = defaultdict(list)
    for node in tree.iter(*_BLOCKS):
        stem = re.sub(r"\d+", "", node.get("id") or "")
        kind = re.sub(r"\d+", "", node.get("class") or "")
        if stem and stem != node.get("id"):
            alike[node.tag, f"#{stem}"].append(node)
        for name in set(kind.split()):
            alike[node.tag, name].append(node)
    for nodes in alike.values():
        if _LEAST <= len(nodes) <= 500:
            yield _outermost(nodes)


def _outermost(nodes: list[HtmlElement]) -> list[HtmlElement]:
    members = set(nodes)
    return [node for node in nodes if members.isdisjoint(node.iterancestors())]


def _blocks(family: list[HtmlElement]) -> Iterator[_Block]:
    for node in family:
        body = _body(node)
        if body is None or _is_link(body):
            continue
        block = _Block(node, body, _author(node, body), _date(node, body))
        if block.is_post:
            yield block


def _is_link(body: HtmlElement) -> bool:
    """Whether it mostly leads elsewhere: the row of a list, not somebody's words."""
    linked = sum(len(text_of(link)) for link in body.iter("a"))
    return linked > 0.6 * len(text_of(body))


def _body(node: HtmlElement) -> HtmlElement | None:
    """The deepest element named like a body that holds most of the named text."""
    best, most = None, 0.0
    for each in node.iter("div", "blockquote", "td", "p", "article", "section", "span"):
        name = f"{each.get('class') or ''} {each.get('id') or ''} {each.get('itemprop') or ''}"
        if each is node or not _BODY.search(name) or _NOT_BODY.search(name):
            continue
        size = len(text_of(each)) * (0.97 if each.getparent() is node else 1.0)
        if size >= most * 0.9:
            best, most = each, max(size, most)
    return best


def _author(node: HtmlElement, body: HtmlElement) -> str | None:
    inside = set(body.iter())
    for each in node.iter("a", "span", "strong", "h3", "h4", "b", "div"):
        name = " ".join((each.get(k) or "") for k in ("class", "rel", "itemprop", "href"))
        said = text_of(each)
        if each not in inside and _PERSON.search(name) and 1 < len(said) <= 40:
            return said
    return None


def _date(node: HtmlElement, body: HtmlElement) -> str | None:
    inside = set(body.iter())
    for each in node.iter("time"):
        if each not in inside and each.get("datetime"):
            return str(each.get("datetime"))
    for each in node.iter():
        for text in (each.text, each.tail if each is not node else None):
            if each not in inside and text and (found := _DATE.search(text)):
                return str(text)[found.start() :][:40].strip()
    return None


def _post(page: Page, block: _Block, place: int, spoken: str) -> Post:
    text, quotes = own_words(block.body, _instead)
    return Post(
        id=_id(block.node) or _fingerprint(block, text),
        number=place,
        text=text,
        author=block.author,
        written=_written(block.date, page.fetched, spoken),
        quotes=quotes,
    )


def _written(text: str | None, now: datetime, spoken: str) -> datetime | None:
    found = _DATE.search(text or "")
    tries = (text, found.group() if found else None)
    return next((w for t in tries if (w := moment(t, now=now, language=spoken))), None)


def _page_number(url: str) -> int:
    """The page of a thread an address leads to; 1 where it does not say."""
    found = re.search(r"(?:[?&/]page[=/-]?|/p)(\d{1,4})(?:\D|$)", url, re.I)
    return max(1, int(found[1])) if found else 1


def _fingerprint(block: _Block, text: str) -> str:
    """An identity for a post whose block has none, the same on every visit."""
    key = f"{block.author}\0{block.date}\0{text[:200]}"
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12]


def _id(node: HtmlElement) -> str | None:
    for each in (node, *node.iter("a", "div")):
        found = _ID.search(each.get("id") or each.get("name") or "")
        if found:
            return found[1]
    return None


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag == "blockquote" or re.search(r"\bquote", node.get("class") or "", re.I):
        return Quoted(text=words(node))
    return "" if re.search(r"signature|\bsig\b", node.get("class") or "", re.I) else None


def _canonical(page: Page, tree: HtmlElement) -> str:
    link = first(tree, "link[rel=canonical][href]")
    stated = absolute(tree, page.url, link.get("href")) if link is not None else ""
    url = stated if stated and site_of(stated) == site_of(page.url) else page.url
    parts = urlsplit(url)
    query = "&".join(
        p for p in parts.query.split("&") if not re.match(r"(?:page|start|st|offset|sid|p)=", p)
    )
    path = re.sub(r"/(?:page[-/]?|p)\d+/?$", "/", parts.path)
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))
