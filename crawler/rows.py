"""Folkgrade's own lines: one document a line as JSON (see docs/formats.md). Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from crawler import clean
from crawler.documents import Article, Document, Post, Quoted, Reference, Source, Thread
from crawler.errors import NothingRead
from crawler.sites import site_of

__all__ = ["read_object", "read_row"]

_HALVES = re.compile("[\\ud800-\\udfff]")
"""Halves of characters, which JSON can name and no file can hold."""
_SITE = re.compile(r"(?:\w[\w-]*(?:\.[\w-]+)*\.?|\[[\da-f:.]+\])(?::\d{1,5})?", re.I)
_NO_KIND = 'no object with "kind": "thread" or "article"'


def read_row(line: str, source: Source) -> Document:
    """The thread or article of one line; `source` counts where the line names no `url`.

    Raises NothingRead with the cause where the line is no such document.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NothingRead(f"not JSON ({error})") from None
    if not isinstance(row, dict):
        raise NothingRead(_NO_KIND)
    return read_object(row, source)


def read_object(row: Mapping[str, Any], source: Source) -> Document:
    """As `read_row`, of a line that is parsed already."""
    if row.get("kind") not in ("thread", "article"):
        raise NothingRead(_NO_KIND)
    try:
        source = _source(row, source)
        read = _thread(row, source) if row["kind"] == "thread" else _article(row, source)
    except KeyError as error:
        raise NothingRead(f"{error.args[0]!r} is missing") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise NothingRead(str(error)) from None
    return clean.sound(read)


def _source(row: Mapping[str, Any], source: Source) -> Source:
    url = _named(row, "url")
    if url is None:
        return source
    if (kept := clean.address(url)) is None:
        raise ValueError(f"'url' {url!a:.80} is no web address (http or https)")
    url = kept
    site = _string(row, "site") or site_of(url) or "import"
    if not _SITE.fullmatch(site):
        raise ValueError(f"'site' {site!a:.80} is no name of a host")
    return replace(source, url=url, site=site)


def _thread(row: Mapping[str, Any], source: Source) -> Thread:
    rows = _list(row, "posts")
    posts = tuple(_post(given, n, source) for n, given in enumerate(rows, start=1))
    if not any(clean.text(post.text).strip() for post in posts):
        raise ValueError("no post has a text")
    twice, times = Counter(clean.line(post.id) for post in posts).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{times} posts have the id {twice!a:.40}")
    return Thread(
        source=source,
        title=_string(row, "title") or "",
        posts=posts,
        expected=_whole(row, "expected"),
    )


def _post(given: Any, number: int, source: Source) -> Post:
    row = _object(given, "a post")
    return Post(
        id=_named(row, "id") or f"p{number}",
        number=_whole(row, "number", least=1) or number,
        text=_text(row),
        author=_string(row, "author"),
        written=_moment(row, "written", source),
        edited=_moment(row, "edited", source),
        reply_to=_named(row, "reply_to"),
        likes=_whole(row, "likes"),
        url=_string(row, "url"),
        quotes=tuple(_quoted(quote) for quote in _list(row, "quotes", needed=False)),
    )


def _quoted(given: Any) -> Quoted:
    row = _object(given, "a quote")
    return Quoted(text=_text(row), author=_string(row, "author"), post=_named(row, "post"))


def _article(row: Mapping[str, Any], source: Source) -> Article:
    text = _text(row)
    if not clean.text(text).strip():
        raise ValueError("the text is empty")
    own = row.get("own", False)
    if not isinstance(own, bool):
        raise TypeError("'own' is neither true nor false")
    return Article(
        source=source,
        title=_string(row, "title") or "",
        text=text,
        author=_string(row, "author"),
        credential=_string(row, "credential"),
        published=_moment(row, "published", source),
        reviewed=_moment(row, "reviewed", source),
        references=tuple(map(_reference, _list(row, "references", needed=False))),
        own=own,
    )


def _reference(given: Any) -> Reference:
    row = {"text": given} if isinstance(given, str) else _object(given, "a reference")
    return Reference(
        text=_string(row, "text") or "", doi=_named(row, "doi"), pmid=_named(row, "pmid")
    )


def _object(given: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise TypeError(f"{what} is not an object")
    return given


def _list(row: Mapping[str, Any], name: str, *, needed: bool = True) -> Sequence[Any]:
    value = row[name] if needed else row.get(name) or []
    if not isinstance(value, list):
        raise TypeError(f"{name!r} is not a list")
    return value


def _text(row: Mapping[str, Any]) -> str:
    value = row["text"]
    if not isinstance(value, str):
        raise TypeError("a text is not a string")
    return _HALVES.sub("\ufffd", value)


def _string(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name!r} is not a string")
    return _HALVES.sub("\ufffd", value)


def _named(row: Mapping[str, Any], name: str) -> str | None:
    """An id, which may be written as a number."""
    value = row.get(name)
    return str(value) if clean.whole(value) is not None else _string(row, name)


def _whole(row: Mapping[str, Any], name: str, *, least: int = 0) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    number = clean.whole(value)
    if number is None or number < least:
        raise ValueError(f"{name!r} is no whole number from {least} to {clean.MOST}")
    return number


def _moment(row: Mapping[str, Any], name: str, source: Source) -> datetime | None:
    """A moment in UTC from an ISO 8601 string; one without a zone is taken as UTC."""
    given = _string(row, name)
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
        zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{name!r} {given!a:.40} is no date (ISO 8601)") from None
    if clean.date(zoned, source.fetched) is None:
        raise ValueError(f"{name!r} {given!a:.40} is no date of a post or page")
    return zoned
