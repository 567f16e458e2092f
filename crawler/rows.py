"""Folkgrade's own lines: one document a line as JSON (see docs/formats.md). Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from crawler.documents import Article, Document, Post, Quoted, Reference, Source, Thread
from crawler.errors import NothingRead

__all__ = ["read_row"]


def read_row(line: str, source: Source) -> Document:
    """The thread or article of one line; `source` counts where the line names no `url`.

    Raises NothingRead with the cause where the line is no such document.
    """
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise NothingRead(f"not JSON ({error})") from None
    if not isinstance(row, dict) or row.get("kind") not in ("thread", "article"):
        raise NothingRead('no object with "kind": "thread" or "article"')
    try:
        source = _source(row, source)
        return _thread(row, source) if row["kind"] == "thread" else _article(row, source)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NothingRead(f"{type(error).__name__}: {error}") from None


def _source(row: Mapping[str, Any], source: Source) -> Source:
    url = row.get("url")
    if not url:
        return source
    site = row.get("site") or urlsplit(str(url)).netloc or "import"
    return replace(source, url=str(url), site=site)


def _thread(row: Mapping[str, Any], source: Source) -> Thread:
    posts = tuple(_post(given, n) for n, given in enumerate(row["posts"], start=1))
    if not any(post.text.strip() for post in posts):
        raise ValueError("no post has a text")
    return Thread(
        source=source, title=str(row.get("title") or ""), posts=posts, expected=row.get("expected")
    )


def _post(given: Mapping[str, Any], number: int) -> Post:
    return Post(
        id=str(given.get("id") or f"p{number}"),
        number=int(given.get("number") or number),
        text=_text(given["text"]),
        author=_named(given, "author"),
        written=_moment(given.get("written")),
        edited=_moment(given.get("edited")),
        reply_to=_named(given, "reply_to"),
        likes=None if given.get("likes") is None else int(given["likes"]),
        url=_named(given, "url"),
        quotes=tuple(_quoted(quote) for quote in given.get("quotes") or ()),
    )


def _quoted(given: Mapping[str, Any]) -> Quoted:
    return Quoted(
        text=_text(given["text"]), author=_named(given, "author"), post=_named(given, "post")
    )


def _article(row: Mapping[str, Any], source: Source) -> Article:
    text = _text(row["text"])
    if not text.strip():
        raise ValueError("the text is empty")
    return Article(
        source=source,
        title=str(row.get("title") or ""),
        text=text,
        author=_named(row, "author"),
        credential=_named(row, "credential"),
        published=_moment(row.get("published")),
        reviewed=_moment(row.get("reviewed")),
        references=tuple(_reference(given) for given in row.get("references") or ()),
        own=bool(row.get("own", False)),
    )


def _reference(given: str | Mapping[str, Any]) -> Reference:
    if isinstance(given, str):
        return Reference(text=given)
    return Reference(
        text=str(given.get("text") or ""), doi=_named(given, "doi"), pmid=_named(given, "pmid")
    )


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError("a text is not a string")
    return given.replace("\r\n", "\n").replace("\r", "\n")


def _named(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return None if value in (None, "") else str(value)


def _moment(given: Any) -> datetime | None:
    """A moment in UTC from an ISO 8601 string; one without a zone is taken as UTC."""
    if given in (None, ""):
        return None
    moment = datetime.fromisoformat(given)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
