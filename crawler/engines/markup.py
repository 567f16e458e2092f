"""Reading markup: trees, own words with quotes set apart, the next page. No engine's taste."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from crawler import clean
from crawler.documents import Quoted

__all__ = [
    "absolute",
    "first",
    "has",
    "heading_of",
    "is_in_place",
    "language",
    "next_page",
    "number",
    "own_words",
    "quotes_in_place",
    "select",
    "text_of",
    "tree_of",
    "words",
]

_SMILEY = re.compile(r":[\w+-]+:|[:;=8xX][^\s]{1,2}")
_SPACE = re.compile(r"\s+")
_GONE = {"script", "style", "noscript", "template", "button", "svg", "iframe", "textarea", "select"}
_PARAGRAPHS = {
    "address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figure",
    "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "list", "ol", "p", "section", "table", "ul",
}  # fmt: skip
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LINES = {"dd", "dt", "item", "li", "row", "summary", "tr"}
_HARD = {"br", "lb"}
_SOFT = "\v"
"""A line end that neighbours share; two hard ones make a paragraph."""
_BREAKS = re.compile(r"(?<![ \v\n]) *+[\v\n][ \v\n]*+")
_CELLS = {"cell", "td", "th"}
CODE = "\n\n[code]\n\n"
"""What stands for a block of code: it is no one's words."""

_CURRENT = (
    "strong, b, em, .active, .current, .selected, .currentPage, .pageNav-page--current"
    ", .pagecurrent, .pagination_current, .current_page, .ipsPagination_active, .Highlight"
    ", [aria-current]"
)
"""How pagers mark the page one is on."""
_ANY_PAGER = (
    "[class*=pagina], [class*=pagenav], [class*=paging], [class*=pager], [class*=page-nav]"
    ", [class*=pagelink], [class*=PageNav]"
)
_KEPT: ContextVar[bool] = ContextVar("quotes_in_place", default=False)

HEADING = Quoted(text="")
"""What stands for the heading of a quote that is printed beside it, not inside."""

Instead = Callable[[HtmlElement], "str | Quoted | None"]
"""What to put in place of an element: text, a quote, or None to read on inside it."""


@contextmanager
def quotes_in_place() -> Iterator[None]:
    """Within it, quotes and code stay in the text where they are printed, headings and all.

    Only for comparing what engines read with pages that others have judged post by post: their
    texts hold the quotes. Nothing that is stored is read so.
    """
    token = _KEPT.set(True)
    try:
        yield
    finally:
        _KEPT.reset(token)


def is_in_place() -> bool:
    """Whether quotes stay in the text at present."""
    return _KEPT.get()


def tree_of(text: str) -> HtmlElement | None:
    """The page as a tree without comments; None where there is no markup at all."""
    raw = text.replace("\0", "").encode("utf-8", "ignore")
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return document_fromstring(raw, parser=parser)
    except (etree.ParserError, ValueError, AssertionError):
        return None


@cache
def _compiled(selector: str) -> CSSSelector:
    return CSSSelector(selector, translator="html")


def select(node: HtmlElement, selector: str) -> list[HtmlElement]:
    """Elements inside that a CSS selector finds; each selector is compiled once."""
    found: list[HtmlElement] = _compiled(selector)(node)
    return found


def has(node: HtmlElement, *classes: str) -> bool:
    """Whether the element carries any of the classes."""
    return not set(classes).isdisjoint((node.get("class") or "").split())


def first(node: HtmlElement, *selectors: str) -> HtmlElement | None:
    """The first element of the first selector that finds any."""
    for selector in selectors:
        found = select(node, selector)
        if found:
            return found[0]
    return None


def text_of(node: HtmlElement | None) -> str:
    """All text inside, white space folded; empty for None."""
    return "" if node is None else _fold("".join(node.itertext())).strip()


def number(text: str) -> int | None:
    """The first whole number of a text, thousands marks ignored."""
    found = re.search(r"\d[\d.,\u00a0\u202f']*", text)
    digits = re.sub(r"\D", "", found.group()) if found else ""
    return int(digits) if 0 < len(digits) < 10 else None


def _fold(text: str) -> str:
    return _SPACE.sub(" ", clean.text(text))


def words(node: HtmlElement, instead: Instead = lambda _: None) -> str:
    """The words inside: paragraphs parted by a blank line, list items and rows on lines."""
    return own_words(node, instead)[0]


def own_words(node: HtmlElement, instead: Instead) -> tuple[str, tuple[Quoted, ...]]:
    """The words inside without quotes, and the quotes in order."""
    quotes: list[Quoted] = []
    pieces: list[str] = [_fold(node.text or "")]
    walker = etree.iterwalk(node, events=("start", "end"))
    for event, each in walker:
        if each is node:
            continue
        if event == "end":
            pieces += [_break_after(each), _fold(each.tail or "")]
            continue
        put = _common(each) if (own := instead(each)) is None else own
        if isinstance(put, Quoted):
            quotes += [] if put is HEADING else [put]
            put = None if _KEPT.get() else "\n\n"
        elif put is CODE and _KEPT.get():
            put = None
        if put is None:
            pieces += [_break_before(each), _fold(each.text or "")]
        else:
            pieces.append(put)
            walker.skip_subtree()
    return _tidy("".join(pieces)), tuple(quotes)


def _common(node: HtmlElement) -> str | None:
    if node.tag in _GONE:
        return ""
    if node.tag == "img":
        return _emoji(node)
    return CODE if node.tag == "pre" else None


def _emoji(image: HtmlElement) -> str:
    """The text of a smiley, where it is a sign and no word; any other picture says nothing."""
    alt = (image.get("alt") or "").strip()
    kind = (image.get("class") or "") + (image.get("src") or "")
    is_smiley = re.search(r"emoji|smil|emot", kind, re.I) or _SMILEY.fullmatch(alt)
    return alt if is_smiley and not re.fullmatch(r"[A-Za-z][A-Za-z _-]+", alt) else ""


def _break_before(node: HtmlElement) -> str:
    if node.tag in _PARAGRAPHS:
        return "\n\n"
    return "\n" if node.tag in _HARD else _SOFT if node.tag in _LINES else ""


def _break_after(node: HtmlElement) -> str:
    if node.tag in _PARAGRAPHS:
        return "\n\n"
    if node.tag in _CELLS:
        return " "
    return _SOFT if node.tag in _LINES else ""


def _tidy(text: str) -> str:
    single = re.sub(r" {2,}", " ", text)
    return _BREAKS.sub(lambda m: "\n\n" if m.group().count("\n") > 1 else "\n", single).strip()


def absolute(tree: HtmlElement, page_url: str, href: str | None) -> str:
    """The address a link leads to, without its fragment; empty where it leads nowhere.

    On its own host a page of https leads to https: old boards keep their links as they were.
    """
    if not href or href.startswith(("#", "javascript:", "mailto:", "tel:")):
        return ""
    base = tree.getroottree().find("head/base[@href]")  # a search of the whole tree costs too much
    try:
        start = urljoin(page_url, base.get("href")) if base is not None else page_url
        url = urldefrag(urljoin(start, href.strip())).url
        is_older = url.startswith("http:") and page_url.startswith("https:")
        if is_older and urlsplit(url).netloc == urlsplit(page_url).netloc:
            return f"https:{url[5:]}"
    except ValueError:
        return ""
    return url


def language(tree: HtmlElement) -> str:
    """The stated language of a page, such as `en-gb`; empty where it states none."""
    root = tree.getroottree().getroot()
    stated = root.get("lang") or root.get("xml:lang") or root.get(_XML_LANG) or ""
    return str(stated).lower().replace("_", "-")


def heading_of(tree: HtmlElement, *selectors: str) -> str:
    """The title of a page by its first selector with words, else by its window's title."""
    for selector in selectors:
        for node in select(tree, selector):
            if said := text_of(node):
                return said
    whole = text_of(first(tree, "head title", "title"))
    return re.split(r"(?<!\s)\s++[-|\u2013\u2022\u00b7]\s+", whole)[0]


def next_page(
    tree: HtmlElement, page_url: str, pagers: Iterable[str], *, stated: bool = True
) -> str:
    """Address of the following page: by rel=next, else the link after the current number.

    `stated=False` for software whose rel=next leads to the next thread.
    """
    told = first(tree, "a[rel~=next][href]", "link[rel=next][href]") if stated else None
    if told is not None:
        return absolute(tree, page_url, told.get("href"))
    for selector in (*pagers, _ANY_PAGER):
        for pager in select(tree, selector):
            found = pager if pager.tag == "a" else _after_current(pager)
            if found is not None:
                return absolute(tree, page_url, found.get("href"))
    return ""


def _after_current(pager: HtmlElement) -> HtmlElement | None:
    """The link numbered one more than the page that is marked as current."""
    for mark in select(pager, _CURRENT):
        current = text_of(mark)
        if current.isdigit():
            wanted = str(int(current) + 1)
            for link in select(pager, "a[href]"):
                if text_of(link) == wanted:
                    return link
    return None
