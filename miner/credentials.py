"""Who wrote a page: the health credential of its author, as collected or as the page says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from crawler.documents import Article

__all__ = ["Box", "boxes", "of"]

HEAD = 400
"""Characters from the top in which a line that opens with a name may be a by-line."""
TAIL = 0.6
"""Share of the page after which such a line may be the box about the author."""
_BY = re.compile(r"(?:by|written by|author|about the author|words by)\b[:\s]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Box:
    """A line about the author; what it lists are services, no claims."""

    start: int
    end: int
    credential: str


def of(article: Article, found: Sequence[Box] | None = None) -> str | None:
    """The author's health credential; None where neither record nor page names one."""
    printed = found if found is not None else boxes(article.text)
    by_line = _letters_after().match((article.author or "").strip())
    return (
        article.credential
        or next((box.credential for box in printed), None)
        or (by_line["letters"] if by_line else None)
    )


def boxes(text: str) -> list[Box]:
    """Lines that open with a name and say what that person is, at the edges of the page."""
    return list(_boxes(text))


def _boxes(text: str) -> Iterator[Box]:
    for match in re.finditer(r"[^\r\n]+", text):
        line = match[0].strip()
        lead = _BY.match(line)
        rest = re.sub(r"^Dr\.?\s+", "", line[lead.end() :] if lead else line)
        at_edge = lead or match.start() < HEAD or match.start() > len(text) * TAIL
        credential = _credential(rest, after_by=bool(lead)) if at_edge else None
        if credential:
            yield Box(start=match.start(), end=match.end(), credential=credential)


def _credential(line: str, *, after_by: bool) -> str | None:
    """What a line says of the person it opens with; `Jo Hart, MD, says` is a quotation."""
    letters = _letters_after().match(line)
    after = line[letters.end() :] if letters else ""
    tells = re.match(r",?\s+(?:is|has|works|practi)", after)
    if letters and (after_by or tells or not after.strip(" .,")):
        return letters["letters"]
    trade = _trade().match(line)
    return trade["trade"] if trade else None


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("miner") / "data" / "credentials.toml").read_text("utf-8"))


@cache
def _letters_after() -> re.Pattern[str]:
    letters = sorted(_data()["letters"]["after"], key=len, reverse=True)
    joined = "|".join(re.escape(word) for word in letters)
    name = r"[A-Z][\w.'’-]+(?:\s+[A-Z][\w.'’-]*){1,3}?"
    return re.compile(rf"\A{name},?\s+(?P<letters>(?:{joined}))(?![\w-])")


@cache
def _trade() -> re.Pattern[str]:
    names = "|".join(_data()["trades"]["names"])
    name = r"(?:Dr\.?\s+)?[A-Z][\w.'’-]+(?:\s+[A-Z][\w.'’-]*){1,4},?"
    between = r"\s+(?:is|works as|,)\s?(?:an?|the)?\s?[^.\n]{0,60}?"
    return re.compile(rf"\A{name}{between}\b(?P<trade>(?i:{names}))\b")
