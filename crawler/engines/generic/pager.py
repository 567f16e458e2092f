"""The page after this one, its number, and the one address that all pages of a thread share."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lxml.html import HtmlElement

from crawler.engines.generic.patterns import pattern
from crawler.engines.markup import absolute, first, select, text_of
from crawler.page import Page
from crawler.sites import bare, site_of

__all__ = ["canonical", "following", "page_number", "posts_before"]

_MOVING = re.compile(
    r"(?:page|paged|pg|start|st|offset|skip|s|sid|phpsessid|jsessionid|sort|order|dir|highlight|"
    r"view|utm_\w+|fbclid|print|replies|comment|show|goto|last|unread|share|ref|theme|style|lang)"
)


def following(page: Page, tree: HtmlElement) -> str:
    """Address of the next page; empty on the last one."""
    stated = first(tree, "link[rel~=next][href]", "a[rel~=next][href]")
    if stated is not None and not _is_other(stated):
        return _own(page, absolute(tree, page.url, stated.get("href")))
    numbered = _numbered(page, tree)
    if numbered:
        return numbered
    for link in select(tree, "a[href]"):
        if _is_next(link):
            url = _own(page, absolute(tree, page.url, link.get("href")))
            if url and _is_kin(page.url, url):
                return url
    return ""


def _own(page: Page, url: str) -> str:
    is_own = bare(site_of(url)) == bare(site_of(page.url)) and url != page.url
    return url if is_own and url.startswith("http") else ""


def _is_next(link: HtmlElement) -> bool:
    said = text_of(link)
    marks = " ".join(link.get(k) or "" for k in ("class", "id", "title", "aria-label"))
    if _is_other(link):
        return False
    if re.search(r"(?:^|[\s_-])next(?:[\s_-]|$)|nextpage|next_page", marks, re.I):
        return True
    is_said = bool(said) and len(said) < 25 and bool(pattern("next", "text").fullmatch(said))
    return is_said and (any(c.isalpha() for c in said) or _is_in_pager(link))


def _is_other(link: HtmlElement) -> bool:
    """Whether it leads to the next thread, not to the next page."""
    marks = " ".join(link.get(k) or "" for k in ("title", "aria-label", "class"))
    return bool(pattern("next", "not").search(f"{text_of(link)} {marks}"))


def _is_in_pager(link: HtmlElement) -> bool:
    for up, _ in zip(link.iterancestors(), range(5), strict=False):
        if pattern("next", "pager").search(f"{up.get('class') or ''} {up.get('id') or ''}"):
            return True
    above = link.getparent()
    beside = [text_of(each) for each in above] if above is not None else []
    return any(text.isdigit() for text in beside)


def _numbered(page: Page, tree: HtmlElement) -> str:
    """The link numbered one more than this page, among links that differ by their number."""
    for pager, links in _pagers(tree).items():
        wanted = str(_current(pager) or page_number(page.url) + 1)
        for link in links:
            url = _own(page, absolute(tree, page.url, link.get("href")))
            if text_of(link) == wanted and url and _is_kin(page.url, url):
                return url
    return ""


def _pagers(tree: HtmlElement) -> dict[HtmlElement, list[HtmlElement]]:
    """What holds numbered links, with those links."""
    pagers: dict[HtmlElement, list[HtmlElement]] = {}
    for link in select(tree, "a[href]"):
        if text_of(link).isdecimal() and _is_in_pager(link):
            for up, _ in zip(link.iterancestors(), range(2), strict=False):
                pagers.setdefault(up, []).append(link)
    return pagers


def _current(pager: HtmlElement) -> int | None:
    """One more than the number that a pager shows without a link to follow."""
    for node in pager.iter("strong", "b", "span", "em", "li", "a", "td", "font"):
        said, marks = text_of(node), node.get("class") or ""
        is_marked = bool(re.search(r"current|active|selected|aktiv|here", marks))
        is_plain = node.tag != "a" and next(node.iter("a"), None) is None
        if said.isdecimal() and len(said) < 6 and (is_marked or is_plain):
            return int(said) + 1 if is_marked or not _is_linked(node) else None
    return None


def _is_linked(node: HtmlElement) -> bool:
    return any(up.tag == "a" for up, _ in zip(node.iterancestors(), range(3), strict=False))


def _is_kin(here: str, there: str) -> bool:
    """Whether two addresses are pages of one thing: the same but for figures and page marks."""
    one, two = _bone(here), _bone(there)
    return one == two or one.startswith(two) or two.startswith(one)


def _bone(url: str) -> str:
    parts = urlsplit(url)
    keys = [f"{k}={v}" for k, v in parse_qsl(parts.query) if not _MOVING.fullmatch(k.lower())]
    path = re.sub(
        r"\.(?:html?|php)$|[-_/.]?(?:page|p|pg|seite|s)?[-_/=]?\d{1,5}/?$", "", parts.path
    )
    path = re.sub(r"/(?:page|p|seite)$", "", path.rstrip("/"))
    return f"{path}?{'&'.join(sorted(keys))}"


def page_number(url: str) -> int:
    """The page of a thread or list an address leads to; 1 where it does not say."""
    found = pattern("next", "number").search(url)
    if found:
        return max(1, int(found[1]))
    return 1


def posts_before(page: Page, tree: HtmlElement, held: int) -> int:
    """Posts of the thread before this page, by its address; `held` is how many a page holds.

    Where the pager shows the number of the page it decides, for some programs count from 0.
    """
    offset = pattern("next", "offset").search(page.url)
    if offset:
        return int(offset[1])
    told = page_number(page.url)
    shown = next((n - 1 for n in map(_current, _pagers(tree)) if n), told)
    return (
        (shown if shown == told + 1 and pattern("next", "number").search(page.url) else told) - 1
    ) * held


def canonical(page: Page, tree: HtmlElement) -> str:
    """One address for all pages of a thread: the stated one, less what only moves within it."""
    link = first(tree, "link[rel=canonical][href]", "meta[property='og:url'][content]")
    stated = ""
    if link is not None:
        stated = absolute(tree, page.url, link.get("href") or link.get("content"))
    is_believed = bool(stated) and site_of(stated) == site_of(page.url) and _path(stated) != ""
    parts = urlsplit(stated if is_believed else page.url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(k, v) for k, v in pairs if not _MOVING.fullmatch(k.lower())]
    if len(kept) > 1:
        kept = [(k, v) for k, v in kept if k.lower() not in ("p", "pid", "post", "postid")]
    path = re.sub(r"/(?:page[-/]?|p|seite-?|pagina-?)\d+/?$", "/", parts.path)
    path = re.sub(r"[-_.](?:page|p|seite)[-_]?\d+(?=\.html?$|/?$)", "", path)
    query = urlencode(kept) if kept != pairs else parts.query
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}{parts.query}".strip("/")
