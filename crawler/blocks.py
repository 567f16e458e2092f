"""Plain text as blocks: paragraphs with the blank lines before them, and lines that close a post.

Offsets are not kept: a post's text is put together again from its blocks with the blank lines
they had, so that it equals the stretch of the file it came from.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Block", "blocks", "joined", "normal", "numbers", "patterns", "wordlists"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A run of lines without a blank one among them."""

    text: str
    blanks: int
    """Blank lines before it."""
    closed: bool = False
    """A line such as `3 Likes` stood between it and the block before: a post ended there."""
    likes: int | None = None
    """What that line counted, for the post before."""


def normal(text: str) -> str:
    """`text` with line feeds only and without byte-order mark, NULs and trailing blank lines."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\f", "\n").replace("\x00", "").strip("\n")


_CASED = ("habits", "authors")
_LINEWISE = ("printed", "authors")


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads((files("crawler") / "data" / "plain.toml").read_text(encoding="utf-8"))


@cache
def patterns(group: str) -> Mapping[str, re.Pattern[str]]:
    """The patterns of one group of `data/plain.toml`, by name; see there what case and `^` mean."""
    flags = (0 if group in _CASED else re.IGNORECASE) | (re.MULTILINE if group in _LINEWISE else 0)
    return {name: re.compile(given, flags) for name, given in _data()[group].items()}


@cache
def numbers(group: str) -> Mapping[str, float]:
    """The numbers of one group of `data/plain.toml`, by name."""
    return {name: float(given) for name, given in _data()[group].items()}


@cache
def wordlists(group: str) -> Mapping[str, tuple[str, ...]]:
    """The word lists of one group of `data/plain.toml`, by name."""
    return {name: tuple(words) for name, words in _data()[group].items()}


def blocks(text: str) -> list[Block]:
    """Blocks of a normalised text, in order; closing lines are taken out and marked."""
    found: list[Block] = []
    blanks, closed, likes = 0, False, None
    for lines in _runs(text):
        if not lines:
            blanks += 1
            continue
        counted = [_likes(line) for line in lines]
        kept: list[str] = []
        for line, count in zip(lines, counted, strict=True):
            if count is None:
                kept.append(line)
                continue
            if kept:
                found.append(Block(text="\n".join(kept), blanks=blanks, closed=closed, likes=likes))
            kept, blanks, closed, likes = [], 0, True, count
        if kept:
            found.append(Block(text="\n".join(kept), blanks=blanks, closed=closed, likes=likes))
            blanks, closed, likes = 0, False, None
    if closed:
        found.append(Block(text="", blanks=0, closed=True, likes=likes))
    return found


def _runs(text: str) -> Iterator[list[str]]:
    """Runs of full lines; an empty list for every blank line."""
    run: list[str] = []
    for line in text.split("\n"):
        if line.strip():
            run.append(line)
            continue
        if run:
            yield run
        run = []
        yield []
    if run:
        yield run


def _likes(line: str) -> int | None:
    match = len(line) < 40 and patterns("lines")["closer"].match(line)
    return int(match[1]) if match else None


def joined(run: list[Block]) -> str:
    """The text of some blocks of one post, parted by the blank lines they had (1 at least)."""
    return "".join(("\n" * (max(b.blanks, 1) + 1) if i else "") + b.text for i, b in enumerate(run))
