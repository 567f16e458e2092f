"""What a replica site is asked and what it answers: values, and the frame all pages share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any, TypeVar

__all__ = [
    "CSS", "NOTICE", "Answer", "Ask", "chunk", "html_answer", "json_answer", "moved", "plain",
]  # fmt: skip

T = TypeVar("T")

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
NOTICE = '<p class="invented">Invented demo community: nobody here exists.</p>'
CSS = Path(__file__).with_name("style.css").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request: path, query and the address the site is served at."""

    path: str
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    base: str = "http://127.0.0.1"
    agent: str = ""
    """How the visitor introduces itself."""

    def number(self, name: str, default: int = 0) -> int:
        """A whole number of the query, or the default where it is missing or no number."""
        values = self.query.get(name, ())
        return int(values[0]) if values and values[0].isdecimal() else default

    def word(self, name: str) -> str:
        """What the query says of this name; empty where it says nothing."""
        return next(iter(self.query.get(name, ())), "")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back: status, type, body; `modified` where the page can say it."""

    body: str = ""
    status: int = 200
    content_type: str = HTML
    modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def html_answer(
    page: Template, modified: datetime | None = None, status: int = 200, /, **parts: str
) -> Answer:
    """A page from its template; `title` is escaped, the other parts are HTML already."""
    parts["title"] = escape(parts.get("title", ""))
    body = page.substitute(parts, css=CSS, notice=NOTICE)
    return Answer(body=body, status=status, modified=modified)


def json_answer(data: Any, status: int = 200) -> Answer:
    """The data as JSON."""
    return Answer(body=json.dumps(data, ensure_ascii=False), status=status, content_type=JSON)


def moved(address: str, status: int = 301) -> Answer:
    """A redirect."""
    return Answer(status=status, headers={"Location": address}, body="Moved")


def plain(text: str, status: int = 200) -> Answer:
    """A plain text file such as robots.txt."""
    return Answer(body=text, status=status, content_type="text/plain; charset=utf-8")


def chunk(items: Sequence[T], page: int, size: int) -> Sequence[T]:
    """Page number `page` (from 0) of a sequence in pages of `size`."""
    return items[page * size : (page + 1) * size]
