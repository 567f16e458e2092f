"""Sitemaps and feeds (RSS, Atom) as lists of pages: where each is and when it last changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from lxml import etree

from crawler.engines.dates import moment
from crawler.engines.generic.patterns import pattern
from crawler.page import Found, Link, Page
from crawler.sites import bare, site_of

__all__ = ["is_feed", "read"]

_ROOT = re.compile(r"<(?:\w+:)?(urlset|sitemapindex|rss|feed|RDF)[\s>]", re.I)
_ASIDE = re.compile(
    r"/(?:tags?|categor(?:y|ies)|authors?|page|feed|wp-content|search|login|cart|checkout)(?:/|$)"
    r"|\.(?:jpe?g|png|gif|webp|svg|pdf|mp4|mp3|zip|css|js)$",
    re.I,
)
_DATES = ("lastmod", "updated", "pubdate", "published", "date")


def is_feed(page: Page) -> bool:
    """Whether the page is a sitemap or a feed."""
    start = page.text[:2000].lstrip()
    return start.startswith("<") and "<html" not in start.lower() and bool(_ROOT.search(start))


def read(page: Page) -> Found:
    """The pages of the site that a sitemap or feed lists; each with the state it tells."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(page.text.encode("utf-8", "ignore"), parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        return Found()
    found: dict[str, Link] = {}
    for link in _links(page, root):
        if bare(site_of(link.url)) == bare(site_of(page.url)) and link.url != page.url:
            found.setdefault(link.url, link)
    return Found(links=tuple(found.values()))


def _links(page: Page, root: etree._Element) -> Iterator[Link]:
    for node in root.iter():
        kind = _name(node)
        if kind == "sitemap":
            said = _parts(node)
            yield Link(url=said.get("loc", ""), role="listing", stamp=_stamp(said))
        elif kind in ("url", "item", "entry"):
            said = _parts(node)
            url = said.get("loc") or said.get("link") or ""
            if not _ASIDE.search(urlsplit(url).path) and urlsplit(url).path.strip("/"):
                yield _link(page, url, said)
    after = next((n.get("href") for n in root if _name(n) == "link" and n.get("rel") == "next"), "")
    if after:
        yield Link(url=after, role="listing")


def _link(page: Page, url: str, said: dict[str, str]) -> Link:
    is_thread = pattern("list", "thread").search(urlsplit(url).path) and re.search(r"\d", url)
    return Link(
        url=url,
        role="thread" if is_thread else "article",
        stamp=_stamp(said),
        active=_active(page, said),
        title=said.get("title", ""),
    )


def _active(page: Page, said: dict[str, str]) -> datetime | None:
    text = _stamp(said)
    return moment(text, now=page.fetched) if text else None


def _stamp(said: dict[str, str]) -> str | None:
    return next((said[name] for name in _DATES if said.get(name)), None)


def _name(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _parts(node: etree._Element) -> dict[str, str]:
    """What the children of an entry say, by name; of Atom's links the one to the page itself."""
    found: dict[str, str] = {}
    for child in node:
        name, text = _name(child), (child.text or "").strip()
        if name == "link" and child.get("href"):
            text = child.get("href") or "" if child.get("rel", "alternate") == "alternate" else ""
        if text:
            found.setdefault(name, text)
    return found
