"""Reading the answers of an interface (JSON): fields of the kind expected, else nothing. Pure."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from lxml.html import HtmlElement

from crawler import clean
from crawler.documents import Quoted
from crawler.engines.markup import own_words, tree_of
from crawler.errors import NothingRead
from crawler.page import Page

__all__ = [
    "Row",
    "answer",
    "asked",
    "digest",
    "embedded",
    "instant",
    "is_json",
    "iso",
    "joined",
    "key",
    "own_html",
    "row",
    "rows",
    "string",
    "with_query",
]

Row = dict[str, Any]

MOST_MEMORY = 250 * 2**20
"""Bytes an answer may take once read; a page of brackets takes thirty times its size."""
_MARKS = {"{": 240, "[": 90, ",": 70}
"""Bytes that the thing which begins with the mark takes, roughly."""
_MILLISECONDS = 100_000_000_000
"""From this number on a moment counts milliseconds, not seconds (the year 5138, else 1973)."""


def is_json(page: Page) -> bool:
    """Whether the page looks like an answer of an interface."""
    return page.text[:200].lstrip()[:1] in ("{", "[")


def answer(page: Page) -> Any:
    """What the page's JSON holds; raises NothingRead with the cause where it is none."""
    try:
        return _loaded(page.text)
    except (ValueError, RecursionError) as error:
        raise NothingRead(f"{page.url}: the answer is no JSON that can be read ({error})") from None


def embedded(text: str | None) -> Any:
    """What JSON inside a page holds; None where it cannot be read."""
    try:
        return _loaded(text or "")
    except (ValueError, RecursionError):
        return None


def _loaded(text: str) -> Any:
    size = sum(text.count(mark) * weight for mark, weight in _MARKS.items())
    if size > MOST_MEMORY:
        raise ValueError("it has too many parts")
    return json.loads(text)


def row(value: Any, *path: str) -> Row:
    """The object at that path, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Row]:
    """The objects of a list; none where it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def string(given: Row, name: str) -> str:
    """A text, or an empty one."""
    value = given.get(name)
    return value if isinstance(value, str) else ""


def key(value: Any) -> str:
    """An id, which may be a number or a word; empty where it is neither."""
    if isinstance(value, str) and re.fullmatch(r"[\w.:@/%~-]{1,200}", value):
        return value
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return str(value) if is_number else ""


def instant(value: Any) -> datetime | None:
    """The moment that many seconds or milliseconds after 1970, in UTC; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def iso(value: Any) -> datetime | None:
    """The moment an ISO 8601 text names, in UTC, which is also meant where it names no zone."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def digest(text: str) -> str:
    """Eight hex digits that change with the text: for stamps, which may not hold words."""
    return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def own_html(
    html: str, instead: Callable[[HtmlElement], str | Quoted | None]
) -> tuple[str, tuple[Quoted, ...]]:
    """The words of a piece of HTML without quotes, and the quotes in order."""
    if not html.strip():
        return "", ()
    if "<" not in html:
        return clean.text(unescape(html)).strip(), ()
    tree = tree_of(f"<html><body><div>{html}</div></body></html>")
    body = tree.find("body") if tree is not None else None
    return own_words(body, instead) if body is not None else ("", ())


def joined(url: str, link: str) -> str:
    """Where a link of a page leads; empty where it leads nowhere."""
    try:
        return urljoin(url, link)
    except ValueError:
        return ""


def asked(url: str) -> dict[str, str]:
    """The query of an address; of a name given twice the last counts."""
    return dict(parse_qsl(urlsplit(url).query))


def with_query(url: str, **query: str | int) -> str:
    """The address with these parts of its query set; brackets and lists stay readable."""
    parts = urlsplit(url)
    kept = {**dict(parse_qsl(parts.query)), **{name: str(value) for name, value in query.items()}}
    return parts._replace(
        query=urlencode(kept, safe="[];,-:", errors="replace", quote_via=quote)
    ).geturl()
