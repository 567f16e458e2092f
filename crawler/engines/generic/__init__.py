"""Forums of unknown software: posts are blocks that repeat, each with a name, a date and words.

A guess: threads it reads carry a confidence below 1. Known software has engines of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Source, Thread
from crawler.engines.dates import spoken
from crawler.engines.generic.blocks import Block, find_blocks
from crawler.engines.generic.lists import are_rows, is_thread, rows
from crawler.engines.generic.outline import Outline, flatten
from crawler.engines.generic.pager import canonical, following, posts_before
from crawler.engines.generic.patterns import pattern
from crawler.engines.generic.posts import posts_of
from crawler.engines.generic.stated import stated_posts
from crawler.engines.markup import first, language, select, text_of, tree_of
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

_ARTICLE = re.compile(
    r'"@type":\s*+(?:\[\s*+)?"(?:\w*Article|BlogPosting|MedicalWebPage)"'
    r'|<meta(?>[^>]{1,1000}?og:type["\'])[^>]{1,1000}content=["\']article'
)
_FRONT = re.compile(r"/?(?:(?:index|default|home)(?:\.\w{3,5})?/?)?", re.I)
_GOODS = re.compile(
    r"itemtype=[\"']?https?://(?:www\.)?(?:data-vocabulary|schema)\.org/Product\b|\"@type\":\s*\"Product\""
    r"|<meta[^>]{1,200}og:type[\"'][^>]{1,200}content=[\"'](?:og:)?product"
)
_NAMED = 1.0
"""What speaks for names at least where nothing else speaks of a forum."""
_ROWS = 3
"""Titles to follow from which a page is a list."""
_PROSE = 1500
"""Characters of an author's text above the blocks from which they are comments on it.

Of a page that says it is an article less is enough.
"""


@dataclass(frozen=True)
class _Mined:
    """What a page holds."""

    tree: HtmlElement
    flat: Outline
    blocks: tuple[Block, ...]
    listed: tuple[Link, ...]


def recognises(page: Page) -> float:
    """How sure it is that the page is of a forum, 0 to 0.65.

    Comments under an article repeat as well: without a word of forums around them an article that
    says it is one goes before.
    """
    if "<" not in page.text[:500] or "json" in page.content_type:
        return 0.0
    mined = _mined(page.text, page.url, page.fetched)
    if mined is None:
        return 0.0
    return _sure_of_posts(page, mined) if mined.blocks else _sure_of_list(page, mined)


def _sure_of_list(page: Page, mined: _Mined) -> float:
    if stated_posts(page, mined.tree):
        return 0.55
    if len(mined.listed) < _ROWS:
        return 0.0
    return 0.55 if _is_named_forum(page) else 0.4


def _sure_of_posts(page: Page, mined: _Mined) -> float:
    if _is_of_forum(page, mined):
        return 0.65
    is_alone = len(mined.blocks) == 1 and not is_thread(page.url)
    if is_alone or _GOODS.search(page.text) or _usual_weight(mined.blocks) < _NAMED:
        return 0.0  # a page that names a person, what buyers say of goods, rows of a table
    return 0.25 if _is_under_article(page, mined) else 0.55


def _is_of_forum(page: Page, mined: _Mined) -> bool:
    """Whether a word of forums stands in the address, or in the names of what holds the posts."""
    if _is_named_forum(page):
        return True
    return _is_in_forum(mined.flat, mined.blocks)


def _is_in_forum(flat: Outline, blocks: Sequence[Block]) -> bool:
    """Whether a word of forums stands in the names of what holds the posts."""
    words = pattern("forum", "words")
    around = [n for block in blocks[:3] for n in (block.body, *flat.up(block.body))]
    kinds = (f"{flat.names[n]} {flat.nodes[n].get('itemtype') or ''}" for n in around)
    return any(words.search(kind) for kind in kinds)


def _usual_weight(blocks: Sequence[Block]) -> float:
    """What speaks for the names of the blocks by their own look, in the middle of all."""
    weights = sorted(block.name.weight for block in blocks if block.name is not None)
    return weights[len(weights) // 2] if weights else 0.0


def _is_named_forum(page: Page) -> bool:
    """Whether the address, past its host, holds a word of forums."""
    parts = urlsplit(page.url)
    return bool(pattern("forum", "words").search(f"{unquote(parts.path)}?{unquote(parts.query)}"))


def _is_under_article(page: Page, mined: _Mined) -> bool:
    """Whether the posts stand below prose that is none of them."""
    flat, start = mined.flat, mined.blocks[0].zone[0]
    before = sum(
        flat.words(flat.span(n))
        for n, node in enumerate(flat.nodes)
        if node.tag == "p" and flat.end[n] <= start
    )
    if not _ARTICLE.search(page.text):
        return before > _PROSE
    opening = flat.words(flat.span(mined.blocks[0].body))
    return before > _PROSE / 10 or opening > _PROSE / 2


def read(page: Page) -> Found:
    """The posts of the page; for a page without posts the threads and boards it lists."""
    mined = _mined(page.text, page.url, page.fetched)
    if mined is None:
        return Found()
    after = following(page, mined.tree)
    stated = stated_posts(page, mined.tree) if len(mined.blocks) < 2 else []
    if not mined.blocks and not stated:
        more = (Link(url=after, role="listing"),) if after and mined.listed else ()
        return Found(links=(*mined.listed, *more))
    url = canonical(page, mined.tree)
    title = _title(mined.tree)
    posts = stated if len(stated) > len(mined.blocks) else _posts(page, mined, title)
    thread = Thread(
        source=Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="generic"),
        title=title,
        posts=tuple(posts),
        confidence=0.6,
    )
    return Found(
        documents=(thread,), links=(Link(url=after, role="posts", thread=url),) if after else ()
    )


def _posts(page: Page, mined: _Mined, title: str) -> list[Post]:
    before = posts_before(page, mined.tree, len(mined.blocks))
    tongue = language(mined.tree) or spoken(mined.flat.said(mined.flat.whole()))
    return posts_of(page, mined.flat, mined.blocks, tongue, title, before + 1)


@lru_cache(maxsize=2)
def _mined(text: str, url: str, fetched: datetime) -> _Mined | None:
    """What a page holds; kept for the moment between `recognises` and `read`."""
    tree = tree_of(text)
    if tree is None:
        return None
    flat = flatten(tree)
    blocks = find_blocks(flat, is_thread=is_thread(url))
    if blocks and _is_front(url) and not _is_in_forum(flat, blocks):
        blocks = []
    listed = rows(Page(url=url, text="", fetched=fetched), flat, tree)
    if blocks and (_usual_weight(blocks) < 0 or are_rows(blocks, flat, listed)):
        blocks = []
    return _Mined(tree, flat, tuple(blocks), tuple(listed.values()))


def _is_front(url: str) -> bool:
    """Whether it is the front page of a site, where extracts stand and no thread."""
    parts = urlsplit(url)
    return not parts.query and bool(_FRONT.fullmatch(parts.path))


def _title(tree: HtmlElement) -> str:
    """The heading that the title of the window repeats, else the longest part of that title."""
    window = text_of(first(tree, "title"))
    parts = [p for p in re.split(r"(?<!\s)\s++(?:[|•·»–—-]\s+|::\s*)|::\s*", window) if p]
    headings = [text_of(h) for h in select(tree, "h1, h2, h3, [itemprop=headline], a.maintitle")]
    within = [h for h in headings if len(h) > 3 and h.lower() in window.lower()]
    said = max(within, key=len, default="")
    longest = max(parts, key=len, default="")
    is_site = len(parts) > 1 and said == parts[-1] != longest and len(parts[0]) > len(said)
    if said and not is_site:
        return said
    meta = first(tree, "meta[property='og:title'][content]")
    return (
        longest or (meta.get("content") if meta is not None else "") or text_of(first(tree, "h1"))
    )
