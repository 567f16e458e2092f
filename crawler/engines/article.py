"""Pages that inform: trafilatura finds the text; by-line, dates and references are read beside it.

Comments under an article are not part of it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from lxml.html import HtmlElement

from crawler.documents import Article, Reference, Source
from crawler.engines import feeds
from crawler.engines.dates import moment
from crawler.engines.markup import absolute, first, language, select, text_of, tree_of, words
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

_DATA = Path(__file__).parents[1] / "data" / "article.toml"
_KINDS = ("Article", "NewsArticle", "BlogPosting", "MedicalWebPage", "ScholarlyArticle", "Report")
_LEAST = 250
"""Characters below which a page has nothing to say."""
_HEADINGS = "h1, h2, h3, h4, h5, h6, summary, strong, p, div.title"


@cache
def _patterns() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


MOST_TAGS = 30_000
MOST_TEXT = 4_000_000
"""Tags and characters of the largest page that prose is looked for in: beyond it takes minutes."""
MOST_BLOCKS = 2_000
"""Blocks from which on no second opinion is asked for: its time grows with their square."""
_BLOCK = re.compile(r"<(?:p|div|li|td|h[1-6]|blockquote|dd)\b", re.I)


def recognises(page: Page) -> float:
    """How sure it is that this is a page to be read as prose, 0 to 0.6: less than of a forum."""
    if "<" not in page.text[:500] or "json" in page.content_type:
        return 0.0
    if feeds.is_feed(page):
        return 0.6
    if re.search(r'"@type":\s*+(?:\[\s*+)?"(?:\w*Article|BlogPosting|MedicalWebPage)"', page.text):
        return 0.6
    if re.search(r'"og:type"\s+content="article"', page.text):
        return 0.5
    return (
        0.3 if "<article" in page.text else 0.2 if re.search(r"<(?:p|a|h1)\b", page.text) else 0.0
    )


def read(page: Page) -> Found:
    """The article of the page; for a list of articles, a sitemap or a feed the links to them."""
    if feeds.is_feed(page):
        return feeds.read(page)
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    links = _teasers(page, tree)
    body = _body(page)
    if body is None or _is_list(page, links, body):
        return Found(links=tuple(Link(url=url, role="article") for url in links))
    return Found(documents=(_article(page, tree, body),))


def _is_list(page: Page, links: list[str], text: str) -> bool:
    """Whether a page mostly points elsewhere: a front page, or under 400 characters a link."""
    is_front = urlsplit(page.url).path in ("", "/", "/index.html", "/index.php")
    return bool(links) and (is_front or (len(links) >= 3 and len(text) < 400 * len(links)))


def _body(page: Page) -> str | None:
    """The prose of the page, paragraphs parted by a blank line; None where there is too little."""
    if page.text.count("<") > MOST_TAGS or len(page.text) > MOST_TEXT:
        return None
    from trafilatura import bare_extraction

    found = bare_extraction(
        page.text,
        url=page.url,
        fast=len(_BLOCK.findall(page.text)) > MOST_BLOCKS,
        include_comments=False,
        include_tables=True,
        favor_recall=True,
    )
    body = getattr(found, "body", None)
    if body is None:
        return None
    text = _without_references(words(body))
    return text if len(text) >= _LEAST else None


def _without_references(text: str) -> str:
    heading = re.compile(rf"\n\n({_patterns()['references']['heading']}):?\n", re.I)
    found = [m for m in heading.finditer(text) if m.start() > len(text) / 3]
    return text[: found[-1].start()] if found else text


def _article(page: Page, tree: HtmlElement, text: str) -> Article:
    stated = _stated(tree)
    author, credential = _by_line(tree, stated)
    title = _title(tree, stated)
    return Article(
        source=Source(
            url=_canonical(page, tree),
            site=site_of(page.url),
            fetched=page.fetched,
            engine="article",
        ),
        title=title,
        text=text.removeprefix(title).lstrip() or text,
        author=author,
        credential=credential,
        published=_published(page, tree, stated),
        reviewed=_reviewed(page, tree, stated),
        references=tuple(_references(tree)),
    )


def _canonical(page: Page, tree: HtmlElement) -> str:
    """The page's own address, less tracking; a canonical one is believed within its own site."""
    link = first(tree, "link[rel=canonical][href]")
    stated = absolute(tree, page.url, link.get("href")) if link is not None else ""
    if stated and site_of(stated) == site_of(page.url) and urlsplit(stated).path not in ("", "/"):
        return stated
    parts = urlsplit(page.url)
    query = "&".join(
        p for p in parts.query.split("&") if p and not p.startswith(("utm_", "fbclid"))
    )
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def _stated(tree: HtmlElement) -> dict[str, Any]:
    """What JSON-LD says of the article, persons put where it only points to them."""
    nodes = [
        n for script in select(tree, "script[type='application/ld+json']") for n in _nodes(script)
    ]
    by_id = {str(n["@id"]): n for n in nodes if "@id" in n}
    for node in nodes:
        kinds = node.get("@type")
        if any(kind in _KINDS for kind in (kinds if isinstance(kinds, list) else [kinds])):
            person = _person(node.get("author"))
            known = by_id.get(str(person.get("@id")), {})
            return {**node, "author": {**known, **person}} if person else node
    return {}


def _nodes(script: HtmlElement) -> Iterator[dict[str, Any]]:
    try:
        data = json.loads(script.text or "null", strict=False)
    except (ValueError, RecursionError):
        return
    for node in data if isinstance(data, list) else [data]:
        if isinstance(node, dict):
            graph = node.get("@graph")
            yield from (
                n for n in (graph if isinstance(graph, list) else [node]) if isinstance(n, dict)
            )


def _title(tree: HtmlElement, stated: dict[str, Any]) -> str:
    headings = select(tree, "article h1, main h1, h1")
    if headings and text_of(headings[0]):
        return text_of(headings[0])
    meta = first(tree, "meta[property='og:title']")
    said = stated.get("headline") or (meta.get("content") if meta is not None else "")
    return str(said or text_of(first(tree, "title"))).strip()


def _by_line(tree: HtmlElement, stated: dict[str, Any]) -> tuple[str | None, str | None]:
    """Name of the author and the health credential printed with it."""
    person = _person(stated.get("author"))
    printed = text_of(
        first(tree, "[rel=author]", "[itemprop=author]", ".byline", ".author", ".by-line")
    )
    meta = first(tree, "meta[name=author]")
    said = person.get("name") or printed or (meta.get("content") if meta is not None else "")
    line = " ".join(
        str(part)
        for part in (said, person.get("honorificSuffix"), person.get("jobTitle"), printed)
        if part
    )
    name, _, _ = re.sub(
        r"^(?:written\s+)?by:?\s+", "", str(said or "").strip(), flags=re.I
    ).partition(",")
    credential = _credential(line)
    if credential:
        name = re.sub(rf"\s+{re.escape(credential)}\b.*", "", name)
    name = re.split(r"(?<!\s)\s++(?:[|•·–—]\s+|(?:on|updated|published)\s)", name)[0]
    return name.strip()[:100] or None, credential


def _person(value: Any) -> dict[str, Any]:
    one = value[0] if isinstance(value, list) and value else value
    if isinstance(one, str):
        return {"name": one}
    return one if isinstance(one, dict) else {}


def _credential(line: str) -> str | None:
    known = _patterns()["credentials"]
    printed = "|".join(map(re.escape, known["printed"]))
    found = re.search(rf"(?<![\w.])(?:{printed})(?![\w])", line)
    if found is None:
        found = re.search("|".join(known["spoken"]), line, re.I)
    return found.group() if found else None


def _published(page: Page, tree: HtmlElement, stated: dict[str, Any]) -> datetime | None:
    meta = first(
        tree,
        "meta[property='article:published_time']",
        "meta[itemprop=datePublished]",
        "meta[name='citation_publication_date'], meta[name='dc.date'], meta[name='DC.date.issued']",
        "time[datetime]",
    )
    said = stated.get("datePublished") or (
        meta is not None and (meta.get("content") or meta.get("datetime"))
    )
    printed = said or _printed(tree, "published")
    return moment(str(printed), now=page.fetched, language=language(tree)) if printed else None


def _reviewed(page: Page, tree: HtmlElement, stated: dict[str, Any]) -> datetime | None:
    """When the page says it was last reviewed or updated."""
    for said in (
        stated.get("lastReviewed"),
        _printed(tree, "updated", "line"),
        stated.get("dateModified"),
    ):
        found = moment(str(said), now=page.fetched, language=language(tree)) if said else None
        if found is not None:
            return found
    meta = first(tree, "meta[property='article:modified_time']")
    return moment(meta.get("content"), now=page.fetched) if meta is not None else None


def _printed(tree: HtmlElement, *groups: str) -> str | None:
    """The date that stands after words of the named groups, as printed."""
    known = _patterns()["reviewed"]
    words_before = "|".join(known[group] for group in groups)
    line = re.compile(rf"\b(?:{words_before}){known['date']}", re.I)
    for text in tree.xpath("//body//text()[contains(., '20')]"):
        near = text.getparent()
        above = near.getparent() if near is not None else None
        for holder in (near, above):
            around = text_of(holder)[:200] if holder is not None and len(holder) < 8 else text[:200]
            if found := line.search(around):
                return found[1]
    return None


def _references(tree: HtmlElement) -> list[Reference]:
    """Entries of the list of references, else links that carry a DOI or PMID."""
    known = _patterns()["references"]
    heading = re.compile(rf"(?:{known['heading']}):?", re.I)
    listed: list[Reference] = []
    for node in select(tree, _HEADINGS):
        if heading.fullmatch(text_of(node)):
            listed = _entries(node) or listed
    if not listed:
        listed = _marked(tree)
    links = select(tree, "a[href*='doi.org/10.'], a[href*='pubmed']") if not listed else []
    found = listed + [_reference(link.getparent(), text_of(link)) for link in links]
    return list(dict.fromkeys(entry for entry in found if entry.text))


def _marked(tree: HtmlElement) -> list[Reference]:
    """Entries of a list that is named as one of references and stands under no such heading."""
    name = re.compile(rf"(?:^|[\s_-])(?:{_patterns()['references']['list']})(?:[\s_-]|$)", re.I)
    for node in tree.iter("ol", "ul", "section", "div"):
        if name.search(f"{node.get('class') or ''} {node.get('id') or ''}"):
            found = [
                _reference(each, text_of(each)) for each in select(node, "li") if text_of(each)
            ]
            if any(entry.doi or entry.pmid for entry in found):
                return found
    return []


def _entries(heading: HtmlElement) -> list[Reference]:
    """What follows a heading of references, up to the next heading."""
    entries: list[HtmlElement] = []
    for node in heading.itersiblings():
        if node.tag in ("h1", "h2", "h3", "footer", "form"):
            break
        entries += select(node, "li") or ([node] if node.tag == "p" else select(node, "p"))
    return [_reference(node, text_of(node)) for node in entries if text_of(node)]


def _reference(node: HtmlElement, text: str) -> Reference:
    known = _patterns()["references"]
    whole = " ".join([text, *(unquote(a.get("href")) for a in select(node, "a[href]"))])
    doi = re.search(known["doi"], whole, re.I)
    pmid = re.search(known["pmid"], whole, re.I)
    return Reference(text=text, doi=doi and doi.group().lower(), pmid=pmid and pmid[1])


def _teasers(page: Page, tree: HtmlElement) -> list[str]:
    """Links of the page's main part that stay on the site and lead somewhere else, in order."""
    main = first(tree, "main", "[role=main]", "#content", "body")
    here = urlsplit(page.url)
    urls: dict[str, None] = {}
    for link in select(main, "a[href]") if main is not None else ():
        if any(up.tag in ("nav", "header", "footer") for up in link.iterancestors()):
            continue
        url = absolute(tree, page.url, link.get("href"))
        parts = urlsplit(url)
        is_else = parts.path.rstrip("/") != here.path.rstrip("/")
        if parts.scheme in ("http", "https") and parts.netloc == here.netloc and is_else:
            urls[url] = None
    return list(urls)
