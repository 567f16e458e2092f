"""Own words of text written in Markdown: its quotes set apart, its marks taken off. Pure."""

from __future__ import annotations

import re
from html import unescape

from crawler import clean
from crawler.documents import Quoted
from crawler.engines.markup import CODE
from crawler.quoting import unquoted

__all__ = ["own_marked"]

_FENCE = re.compile(r"^[ \t]{0,3}(```|~~~)[^\n]*\n.*?(?:^[ \t]{0,3}\1[^\n]*$|\Z)", re.M | re.S)
_IMAGE = re.compile(
    r"!\[[^\[\]\n]{0,500}\]\([^()\s]{0,2000}(?:\([^()\s]{0,200}\))?[^()\n]{0,200}\)"
)
_LINK = re.compile(
    r"\[([^\[\]\n]{1,500})\]"
    r"\([^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?(?: \"[^\"\n]*\")?\)"
)
_BARE_LINK = re.compile(r"<(https?://[^\s<>]{1,2000})>")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+|(?<=\S)[ \t]+#{1,6}[ \t]*$", re.M)
_RULE = re.compile(r"^[-*_=:| \t]{3,}$", re.M)
_BULLET = re.compile(r"^[ \t]*(?:[*+-]|\d{1,9}[.)])[ \t]+(?=\S)", re.M)
_ROW = re.compile(r"^[ \t]*\|(.+)\|[ \t]*$", re.M)
_SPOILER = re.compile(r">!(.{1,2000}?)!<", re.S)
_STRONG = re.compile(r"(\*\*\*|\*\*|~~|(?<!\w)__)(?=\S)([^\n]{1,500}?)(?<=\S)\1")
_WEAK = re.compile(r"(?<![\w*])\*(?=[^\s*])([^\n*]{1,2000}?)(?<=\S)\*(?![\w*])")
_UNDER = re.compile(r"(?<!\w)_(?=\S)([^\n_]{1,2000}?)(?<=\S)_(?!\w)")
_TICKS = re.compile(r"(?<!`)(`{1,3})(?!`)([^\n`]{1,1000})\1(?!`)")
_RAISED = re.compile(r"\^\(([^()\n]{1,500})\)")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!~>^|-])")
_BLANKS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_LONGEST = 300_000
"""Characters of a text from which on its marks are left where they are."""
_HELD = "\ue000"
"""Stands for an escaped mark until the others are gone."""


def own_marked(source: str) -> tuple[str, tuple[Quoted, ...]]:
    """The author's words as they are shown, and what he quotes, in order."""
    text, quotes = unquoted(_FENCE.sub(CODE, _shown(source)))
    said = [Quoted(text=plain, author=q.author, post=q.post) for q in quotes
            if (plain := _plain(q.text))]  # fmt: skip
    return _plain(text), tuple(said)


def _shown(source: str) -> str:
    """The source with `&gt;` as `>`, line ends alike, hidden characters gone."""
    return clean.text(unescape(source)).replace("\t", "    ")


def _plain(text: str) -> str:
    """The words without the marks of Markdown."""
    if len(text) > _LONGEST:
        return text.strip()
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(found[1])
        return _HELD

    text = _ESCAPED.sub(hold, text.replace(_HELD, ""))
    for pattern, instead in (
        (_IMAGE, ""), (_LINK, r"\1"), (_BARE_LINK, r"\1"), (_RULE, ""), (_HEADING, ""),
        (_BULLET, ""), (_SPOILER, r"\1"), (_STRONG, r"\2"), (_WEAK, r"\1"), (_UNDER, r"\1"),
        (_TICKS, r"\2"), (_RAISED, r"\1"),
    ):  # fmt: skip
        text = pattern.sub(instead, text)
    text = _ROW.sub(lambda row: " ".join(cell.strip() for cell in row[1].split("|")), text)
    marks = iter(held)
    text = re.sub(_HELD, lambda _: next(marks, ""), text)
    return _BLANKS.sub("\n\n", re.sub(r"(?<![ \t])[ \t]++(?=\n|$)", "", text)).strip()
