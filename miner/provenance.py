"""Who stands behind a page, and what it is after: a badge beside its words, never a level.

The four benchmarks that journals ask of a page (authorship, attribution, disclosure, currency),
then what counts against it: promotion, self-interest, age. Each with the words that tell. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

from crawler.documents import Article
from miner import credentials, promotions
from miner.attribution import any_of
from miner.text import sentences

__all__ = ["BENCHMARKS", "Mark", "Name", "marks", "score"]

Name = Literal[
    "authorship", "attribution", "disclosure", "currency", "promotion", "self_interest", "age"
]
BENCHMARKS: tuple[Name, ...] = ("authorship", "attribution", "disclosure", "currency")
"""What speaks for a page; the other marks speak against it."""
OLD = 5
"""Years after which a page without a review counts as old."""
LONGEST = 200
"""Characters of a quote."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One thing a page has, and the words that show it."""

    name: Name
    quote: str
    """Words of the page, or what its collected record says of it."""


def marks(article: Article, today: datetime) -> tuple[Mark, ...]:
    """What an article has of the benchmarks and of what counts against it, in that order."""
    return tuple(
        Mark(name=name, quote=" ".join(quote.split())[:LONGEST])
        for name, quote in _found(article, today)
        if quote
    )


def score(found: tuple[Mark, ...]) -> int:
    """How many of the four benchmarks are met."""
    return sum(mark.name in BENCHMARKS for mark in found)


def _found(article: Article, today: datetime) -> Iterator[tuple[Name, str]]:
    yield "authorship", _author(article)
    yield "attribution", _sources(article)
    yield "disclosure", _first(article, "disclosure")
    yield "currency", _date(article)
    yield "promotion", _promotion(article)
    yield "self_interest", _interest(article)
    yield "age", _age(article, today)


def _author(article: Article) -> str:
    """The by-line, or the box about the author; an author without a credential is one too."""
    boxes = credentials.boxes(article.text)
    if boxes:
        return article.text[boxes[0].start : boxes[0].end]
    return ", ".join(filter(None, (article.author, article.credential)))


def _sources(article: Article) -> str:
    """The first reference it lists, else the first sentence that names a study to look up."""
    if article.references:
        return article.references[0].text
    named = any_of("attribution", "sources")
    return next((s.text for s in sentences(article.text) if named.search(s.text)), "")


def _date(article: Article) -> str:
    """When it was last reviewed, else published, in the words that say so where there are any."""
    when = article.reviewed or article.published
    printed = _first(article, "dated")
    return printed or (f"{when.date()}" if when else "")


def _promotion(article: Article) -> str:
    """The beginning of the first promotional block."""
    blocks = promotions.blocks(article.text, article.source.site)
    return article.text[blocks[0][0] : blocks[0][1]] if blocks else ""


def _interest(article: Article) -> str:
    """The first sentence that sells, or that speaks of what the page's owner offers."""
    offers = any_of("services", "offers")
    for one in sentences(article.text):
        if promotions.sells(one.text) or offers.search(one.text):
            return one.text
    return ""


def _age(article: Article, today: datetime) -> str:
    when = article.reviewed or article.published
    if when is None:
        return ""
    years = today.year - when.year - ((today.month, today.day) < (when.month, when.day))
    return f"{years} years since {when.date()}" if years >= OLD else ""


@cache
def _cue(name: str) -> re.Pattern[str]:
    data = tomllib.loads((files("miner") / "data" / "evidence.toml").read_text("utf-8"))
    cues = data["provenance"][name]
    return re.compile("|".join(f"(?:{cue})" for cue in cues), re.IGNORECASE)


def _first(article: Article, name: str) -> str:
    """The first line of the page with such words."""
    lines = article.text.splitlines()
    return next((line for line in lines if _cue(name).search(line)), "")
