"""Plain text to HTML, the way forum programs and small Markdown renderers do it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby

__all__ = ["breaks", "cook", "flat", "inline"]

LINK = re.compile(r"https?://[^\s<>()]+[^\s<>().,;:!?]")
EMOJI = re.compile(r"(?<![\w:]):([a-z][a-z_]+):(?![\w:])")
MENTION = re.compile(r"(?<![\w@.])@(\w[\w.-]*\w)")
BOLD = re.compile(r"\*\*(.+?)\*\*")
ITALIC = re.compile(r"(?<![\w*])\*([^\s*][^*\n]*?)\*(?![\w*])")
BULLET = re.compile(r"^[-*•] +")
ORDINAL = re.compile(r"^\d{1,2}[.)] +")


def flat(text: str) -> str:
    """The text on one line, for descriptions and excerpts."""
    return " ".join(text.split())


def inline(text: str) -> str:
    """Escaped text with addresses made into links."""
    return LINK.sub(lambda hit: f'<a href="{hit[0]}">{hit[0]}</a>', escape(text, quote=False))


def breaks(text: str) -> str:
    """Text as BBCode boards show it: each line end a `<br />`, nothing else marked up."""
    return inline(text).replace("\n", "<br />\n")


def cook(text: str) -> str:
    """Text as Markdown boards show it: paragraphs, headings, lists, quoted lines, mentions."""
    return "\n".join(_runs(text.strip().splitlines()))


def _runs(lines: list[str]) -> Iterator[str]:
    """HTML of neighbouring lines of one kind: list items, quoted lines or running text."""
    for kind, run in groupby(lines, key=_kind):
        if kind == "gap":
            continue
        if kind == "quote":
            inner = "\n".join(line.lstrip("> ") for line in run)
            yield f"<blockquote>\n{cook(inner)}\n</blockquote>"
        elif kind == "h2":
            yield from (f"<h2>{inline(line[3:])}</h2>" for line in run)
        elif kind == "p":
            yield "<p>" + "<br>\n".join(_marked(line) for line in run) + "</p>"
        else:
            items = "\n".join(f"<li>{_marked(_item(line))}</li>" for line in run)
            yield f"<{kind}>\n{items}\n</{kind}>"


def _kind(line: str) -> str:
    if not line.strip():
        return "gap"
    if line.startswith("## "):
        return "h2"
    if line.startswith(">"):
        return "quote"
    if BULLET.match(line):
        return "ul"
    return "ol" if ORDINAL.match(line) else "p"


def _item(line: str) -> str:
    return ORDINAL.sub("", BULLET.sub("", line))


def _marked(line: str) -> str:
    html = inline(line)
    html = BOLD.sub(r"<strong>\1</strong>", html)
    html = ITALIC.sub(r"<em>\1</em>", html)
    html = EMOJI.sub(r'<img src="/emoji/\1.png" title=":\1:" class="emoji" alt=":\1:">', html)
    return MENTION.sub(r'<a class="mention" href="/u/\1">@\1</a>', html)
