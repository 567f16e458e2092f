"""Words of others set apart: lines that begin with `>`, and block quotes of HTML. Pure."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from crawler.documents import Quoted
from crawler.engines.answers import own_html
from crawler.engines.markup import words

__all__ = ["blockquoted", "unquoted"]

_QUOTED = re.compile(r"^[ \t]{0,3}(?:>(?!!)[ \t]?)+")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_LONGEST = 200_000
"""Characters of one quote that are kept."""


def unquoted(text: str) -> tuple[str, tuple[Quoted, ...]]:
    """The own words, and what was quoted, in order. `>!` hides words and quotes nobody."""
    own: list[str] = []
    quotes: list[Quoted] = []
    held: list[str] = []
    for line in [*text.split("\n"), None]:
        mark = line is not None and _QUOTED.match(line)
        if line is not None and mark:
            held.append(line[mark.end() :])
            continue
        if held:
            if said := _tidy("\n".join(held))[:_LONGEST]:
                quotes.append(Quoted(text=said))
            own.append("")
            held = []
        if line is not None:
            own.append(line)
    return _tidy("\n".join(own)), tuple(quotes)


def blockquoted(html: str) -> tuple[str, tuple[Quoted, ...]]:
    """The own words of a piece of HTML of no known software, and its block quotes, in order."""
    return own_html(html, _instead)


def _instead(node: HtmlElement) -> str | Quoted | None:
    if node.tag != "blockquote":
        return None
    said = words(node)[:_LONGEST]
    return Quoted(text=said) if said else ""


def _tidy(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", text).strip()
