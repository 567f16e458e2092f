"""A site read by the user's own selectors, written in folkgrade.toml; no code is needed.

A selector is CSS, or XPath after `xpath:`. `::attr(name)` at the end of a CSS selector takes an
attribute instead of the text. All but `post`, `thread_link` and the like are looked for inside
each post.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias

from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.dates import moment
from crawler.engines.generic.pager import canonical, following, posts_before
from crawler.engines.markup import (
    absolute,
    heading_of,
    language,
    number,
    own_words,
    text_of,
    tree_of,
    words,
)
from crawler.errors import CrawlerError, NothingRead
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["BadSelector", "Selectors", "read", "selectors_of"]

_ATTRIBUTE = re.compile(r"^(.*?)(?<!\s)\s*::attr\(\s*([\w:-]+)\s*\)\s*$", re.S)
_XPATH = "xpath:"

Part: TypeAlias = HtmlElement | str
"""What a selector finds: an element, or a text of an attribute."""


class BadSelector(CrawlerError, ValueError):
    """A selector in the settings cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Selectors:
    """How the pages of a site are read; empty where the engine is to look for itself."""

    post: str = ""
    """Each post of a thread."""
    author: str = ""
    date: str = ""
    text: str = ""
    """The words of a post; without it all of the post that no other selector takes."""
    quote: str = ""
    """Words of others inside the text."""
    title: str = ""
    """Title of the thread, on the page."""
    next: str = ""
    """Link to the next page of a thread."""
    thread_link: str = ""
    """Links to threads, on a page that lists them."""
    list_next: str = ""
    """Link to the next page of a list."""
    list: str = ""
    """Links to further lists: boards, categories."""
    likes: str = ""
    edited: str = ""
    id: str = ""
    """What identifies a post; without it the post's own `id`, else its date and first words."""
    permalink: str = ""
    reply_to: str = ""
    """Id of the post that is answered."""
    date_format: str = ""
    """How dates are printed, as `%d.%m.%Y %H:%M`; without it they are guessed. Read as UTC."""

    def __post_init__(self) -> None:
        """Raises BadSelector, naming the setting, for one that is no selector or lacks its post."""
        for name in _NAMES:
            value = getattr(self, name)
            if not isinstance(value, str):
                raise BadSelector(f"{name} is {value!r}; write a selector between quotes")
            if value:
                _finder(value, name)
        if not (self.post or self.thread_link or self.list):
            raise BadSelector("nothing says what a post is; set post, or thread_link for lists")
        if self.date_format and not re.search(r"%[a-zA-Z]", self.date_format):
            raise BadSelector(f"date_format is {self.date_format!r}; write it as %d.%m.%Y %H:%M")


_NAMES = tuple(field.name for field in fields(Selectors) if field.name != "date_format")


def selectors_of(values: Mapping[str, Any]) -> Selectors:
    """The selectors that settings name; raises BadSelector, also for a name that is none."""
    known = [field.name for field in fields(Selectors)]
    for name in values:
        if name not in known:
            raise BadSelector(f"{name}: unknown setting; known ones: {', '.join(known)}")
    return Selectors(**values)


@cache
def _finder(selector: str, name: str = "") -> Callable[[HtmlElement], list[Part]]:
    """What finds the parts of a selector; raises BadSelector where it cannot be understood."""
    attribute = _ATTRIBUTE.match(selector)
    try:
        if selector.startswith(_XPATH):
            found = etree.XPath(selector.removeprefix(_XPATH).strip(), smart_strings=False)
        else:
            css = attribute[1] if attribute else selector
            found = CSSSelector(css or "*", translator="html")
    except Exception as error:  # cssselect and lxml raise errors of many kinds
        kind = "XPath" if selector.startswith(_XPATH) else "CSS"
        raise BadSelector(f"{name} is {selector!r}, which is no {kind}: {error}") from error

    def find(node: HtmlElement) -> list[Part]:
        own = [node] if attribute and not attribute[1] else None
        parts = own if own is not None else found(node)
        listed = parts if isinstance(parts, list) else [str(parts)]
        if attribute:
            elements = (each for each in listed if not isinstance(each, str))
            return [value for each in elements if (value := each.get(attribute[2]))]
        return [each for each in listed if isinstance(each, str | HtmlElement)]

    return find


def _all(node: HtmlElement, selector: str) -> list[Part]:
    try:
        return _finder(selector)(node) if selector else []
    except etree.XPathError as error:
        raise NothingRead(f"the selector {selector!r} cannot be used here: {error}") from error


def _said(node: HtmlElement, selector: str) -> str:
    """Text of the first part a selector finds; empty for none."""
    first = next(iter(_all(node, selector)), "")
    return str(first).strip() if isinstance(first, str) else text_of(first)


def read(page: Page, selectors: Selectors) -> Found:
    """The thread or the list of a page; raises NothingRead where no selector finds anything."""
    tree = tree_of(page.text)
    if tree is None:
        raise NothingRead(f"{page.url}: no markup")
    blocks = [b for b in _all(tree, selectors.post) if isinstance(b, HtmlElement)]
    if blocks:
        return _thread(page, tree, blocks, selectors)
    links = (
        *_links(page, tree, selectors.thread_link, "thread"),
        *_links(page, tree, selectors.list, "listing"),
    )
    if not links:
        tried = ", ".join(
            f"{name} = {getattr(selectors, name)!r}"
            for name in ("post", "thread_link", "list")
            if getattr(selectors, name)
        )
        raise NothingRead(f"{page.url}: the site's selectors find nothing on it ({tried})")
    after = _links(page, tree, selectors.list_next, "listing")
    if not selectors.list_next and (url := following(page, tree)):
        after = (Link(url=url, role="listing"),)
    return Found(links=(*links, *after[:1]))


def _links(page: Page, tree: HtmlElement, selector: str, role: str) -> tuple[Link, ...]:
    found: dict[str, Link] = {}
    for part in _all(tree, selector):
        href = part if isinstance(part, str) else _href(part)
        url = absolute(tree, page.url, href)
        if url.startswith("http") and site_of(url) == site_of(page.url):
            title = "" if isinstance(part, str) else text_of(part)
            found.setdefault(url, Link(url=url, role=role, title=title))  # type: ignore[arg-type]
    return tuple(found.values())


def _href(node: HtmlElement) -> str | None:
    """Where an element leads, or the first link inside it."""
    link = node if node.get("href") else next(node.iter("a"), None)
    return None if link is None else str(link.get("href") or "")


def _thread(page: Page, tree: HtmlElement, blocks: list[HtmlElement], own: Selectors) -> Found:
    url = canonical(page, tree)
    first = posts_before(page, tree, len(blocks)) + 1
    spoken = language(tree)
    posts = [_post(page, b, own, n, spoken) for n, b in enumerate(blocks, start=first)]
    _check(page, posts, own)
    title = _said(tree, own.title) if own.title else heading_of(tree, "h1")
    after = next(iter(_links(page, tree, own.next, "posts")), None)
    next_url = after.url if after else "" if own.next else following(page, tree)
    thread = Thread(
        source=Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="custom"),
        title=title,
        posts=tuple(posts),
    )
    links = (Link(url=next_url, role="posts", thread=url),) if next_url else ()
    return Found(documents=(thread,), links=links)


def _check(page: Page, posts: list[Post], own: Selectors) -> None:
    """Raises NothingRead for a selector that finds nothing in any post."""
    for name, field in (("text", "text"), ("author", "author"), ("date", "written")):
        if getattr(own, name) and not any(getattr(post, field) for post in posts):
            raise NothingRead(
                f"{page.url}: site.selectors.{name} = {getattr(own, name)!r} finds nothing to use"
                f" in any of {len(posts)} posts"
            )


def _post(page: Page, block: HtmlElement, own: Selectors, place: int, spoken: str) -> Post:
    text, quotes = _words(block, own)
    date = _said(block, own.date)
    link = next(iter(_links(page, block, own.permalink, "posts")), None)
    given = _said(block, own.id) or (block.get("id") or "" if not own.id else "")
    return Post(
        id=_mark(given) or _fingerprint(date, text),
        number=place,
        text=text,
        author=_said(block, own.author) or None,
        written=_when(date, own, page.fetched, spoken),
        edited=_when(_said(block, own.edited), own, page.fetched, spoken),
        reply_to=_mark(_said(block, own.reply_to)) or None,
        likes=number(_said(block, own.likes)),
        url=link.url if link else None,
        quotes=quotes,
    )


def _words(block: HtmlElement, own: Selectors) -> tuple[str, tuple[Quoted, ...]]:
    """Own words of a post and what it quotes."""
    quoted = {e for e in _all(block, own.quote) if isinstance(e, HtmlElement)}
    bodies = [e for e in _all(block, own.text) if isinstance(e, HtmlElement)]
    taken: set[HtmlElement] = set()
    if not own.text:
        beside = (own.author, own.date, own.likes, own.edited, own.permalink)
        taken = {e for s in beside for e in _all(block, s) if isinstance(e, HtmlElement)}

    def instead(node: HtmlElement) -> str | Quoted | None:
        if node in quoted or (not own.quote and node.tag == "blockquote"):
            return Quoted(text=words(node))
        return "" if node in taken else None

    read_parts = [own_words(body, instead) for body in (bodies if own.text else [block])]
    text = "\n\n".join(part for part, _ in read_parts if part)
    return text, tuple(quote for _, quotes in read_parts for quote in quotes)


def _when(text: str, own: Selectors, now: datetime, spoken: str) -> datetime | None:
    if not text:
        return None
    if own.date_format:
        try:
            found = datetime.strptime(text, own.date_format)
        except ValueError:
            return moment(text, now=now, language=spoken)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return moment(text, now=now, language=spoken)


def _mark(given: str) -> str:
    """The number at the end of a mark such as `post-123`, else the mark itself."""
    found = re.search(r"(\d+)\D*$", given)
    return found[1] if found else given.strip()[:80]


def _fingerprint(date: str, text: str) -> str:
    """An identity for a post without one, the same while its date and first words stay."""
    return hashlib.sha256(f"{date}\0{text[:40]}".encode("utf-8", "replace")).hexdigest()[:12]
