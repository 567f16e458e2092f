"""Promotional parts of an article and what they promise, found by structure and self-interest.

A block is what stands between a heading and a button that invites to act, where it promises
something; a sentence that sells in so many words is one by itself.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from crawler.documents import Article
from miner.model import Claim, Quote
from miner.text import Sentence, sentences

__all__ = ["blocks", "claims", "sales_talk", "sells", "serves_itself", "time_promise"]

BLOCK_CHARACTERS = 1500
"""A button further than this from its heading speaks for the lines right before it alone."""
HEADING_WORDS = 12
BRANDED = 3
"""Mentions of a product by name that make a page with an order to place a sales page."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    start: int
    end: int
    text: str


@cache
def _data() -> dict[str, Any]:
    raw = tomllib.loads((files("miner") / "data" / "evidence.toml").read_text("utf-8"))
    return {"services": raw["services"]["words"], **raw["promotion"]}


@cache
def _any(group: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{cue})" for cue in _data()[group]), re.IGNORECASE)


def blocks(text: str, site: str = "") -> list[tuple[int, int]]:
    """Start and end of each promotional block of a page's text, in order.

    A page that names a product again and again and takes orders, or one of its own site that
    it makes promises for, is one block.
    """
    if _is_pitch(text, site):
        return [(0, len(text))]
    lines = list(_lines(text))
    found: list[tuple[int, int]] = []
    for place, line in enumerate(lines):
        if _is_button(line.text):
            floor = found[-1][1] if found else 0
            start = _block_start(lines, place, floor)
            if _promises(text[start : line.end]):
                found.append((start, line.end))
    return found


def _is_pitch(text: str, site: str) -> bool:
    """Whether the whole page sells a product by name."""
    brands = _brands(text)
    often = any(count >= BRANDED for count in brands.values())
    if often and _any("orders").search(text):
        return True
    host = _host(site)
    own = any(host and word in host for name in brands for word in _before(text, name))
    return own and _promises(text)


def _before(text: str, name: str) -> set[str]:
    """Capitalised words right before a product's name, in lower case: whose product it is."""
    start = r"(?<![\w-])(?:(?![A-Z][\w-]{3})[\w-])*+"
    hits = re.findall(rf"{start}([A-Z][\w-]{{3,}}+)\s+{re.escape(name)}", text)
    return {word.lower() for word in (*hits, name.split(maxsplit=1)[0]) if len(word) > 3}


def _host(site: str) -> str:
    """Host without its last label, in lower case; empty for a file."""
    return (urlsplit(f"//{site}").hostname or "").rpartition(".")[0]


def _brands(text: str) -> Counter[str]:
    """How often each capitalised name that ends in a kind of product stands in the text."""
    kinds = "|".join(kind.capitalize() for kind in _data()["products"].split("|"))
    # A word is tried once, from its first capital on.
    word = r"[A-Z][\w-]++\s++"
    names = rf"(?<![\w-])(?:(?![A-Z])[\w-])*+(?P<name>(?:{word}){{1,3}}(?:{kinds})\b)"
    found = [match["name"] for match in re.finditer(names, text)]
    return Counter(" ".join(name.split()[-2:]) for name in found)


def _lines(text: str) -> Iterator[_Line]:
    for match in re.finditer(r"[^\r\n]+", text):
        if match[0].strip():
            yield _Line(start=match.start(), end=match.end(), text=match[0].strip())


def _is_button(line: str) -> bool:
    short = len(line.split()) <= _data()["button_words"] and not line.endswith((".", "?", ":"))
    return short and bool(_any("buttons").match(line))


def _is_heading(line: str) -> bool:
    words = line.split()
    bullet = line[0] in "•*-–·" or line[-1] in ".,;:"
    return len(words) <= HEADING_WORDS and not bullet and line[0].isupper()


def _block_start(lines: Sequence[_Line], place: int, floor: int) -> int:
    """Where the block of a button begins: at its heading, or at the line before it."""
    for line in reversed(lines[:place]):
        if line.start < floor or lines[place].start - line.start > BLOCK_CHARACTERS:
            break
        if _is_heading(line.text) and not _is_button(line.text) and "!" not in line.text:
            return line.start
    return lines[max(0, place - 1)].start if lines[max(0, place - 1)].start >= floor else floor


def _promises(text: str) -> bool:
    return bool(_any("promises").search(text) or _any("time_promises").search(text))


def sells(sentence: str) -> bool:
    """Whether a sentence by itself sells: a price, an order, a promise of an end to the pain."""
    promise = _any("time_promises").search(sentence) and _any("promises").search(sentence)
    return bool(promise or _any("sales").search(sentence))


def sales_talk(text: str, site: str = "") -> list[tuple[int, bool]]:
    """Index of each sentence of a page that promotes, and whether it belongs to what came before.

    What sells in so many words always does; inside a block so does what promises or explains an
    effect, and the items of a list that such a line begins. Buttons are left out.
    """
    parts = blocks(text, site)
    found: list[tuple[int, bool]] = []
    lead = False
    for index, one in enumerate(sentences(text)):
        inside = any(start <= one.start < end for start, end in parts)
        told = inside and (_promises(one.text) or bool(_any("effects").search(one.text)))
        lead = inside and (told if one.text.endswith(":") else lead and _is_item(one.text))
        if not _is_button(one.text) and (told or lead or sells(one.text)):
            found.append((index, inside))
    return found


def _is_item(line: str) -> bool:
    return line.lstrip()[:1] in "•*-–·✓"


def time_promise(sentence: str) -> bool:
    """Whether a sentence promises the effect within a time, such as `in just five days`."""
    return bool(_any("time_promises").search(sentence))


def serves_itself(site: str, phrase: str) -> bool:
    """Whether the page's host carries the name of the thing praised, and that is a product."""
    host = _host(site)
    words = re.findall(r"[a-z]+", phrase.lower())
    if not words or not host:
        return False
    head = words[-1].removesuffix("s")
    return len(head) >= 4 and head in host and not _is_service(head)


def _is_service(head: str) -> bool:
    return any(word.startswith(head) or head.startswith(word) for word in _data()["services"])


# --- what is promised -------------------------------------------------------------------------


def claims(article: Article) -> list[Claim]:
    """What the promotional parts of an article promise: a product, a means or a time."""
    site = article.source.site
    parts = blocks(article.text, site)
    found = list(_branded(article)) if _is_pitch(article.text, site) else []
    for sentence in sentences(article.text):
        inside = any(start <= sentence.start < end for start, end in parts)
        if inside or sells(sentence.text):
            found.extend(_promised(article, sentence, inside))
    return found


def _branded(article: Article) -> Iterator[Claim]:
    """The products a sales page names, each where it first stands."""
    for name in _brands(article.text):
        place = article.text.find(name)
        sentence = next((s for s in sentences(article.text) if s.start <= place < s.end), None)
        if sentence is not None:
            start = place - sentence.start
            yield _claim(article, sentence, start, start + len(name))


def _promised(article: Article, sentence: Sentence, inside: bool) -> Iterator[Claim]:
    """At most one remedy: the product named, else (in a block) the means, else the time."""
    text = sentence.text
    if _is_button(text) or not (_promises(text) or sells(text)):
        return
    for pattern in (_product(), *((_means(),) if inside else ())):
        if hit := pattern.search(text):
            yield _claim(article, sentence, *hit.span("thing"))
            return
    if timed := _any("time_promises").search(text):
        yield _claim(article, sentence, *timed.span())


_NOT_THE = (
    r"(?!(?:the|an?|our|my|your|this|that|these|is|are|by|using|with|of|to|for|in|on|way|only|and"
    r"|use)\b)"
)


@cache
def _product() -> re.Pattern[str]:
    """A thing sold: up to four words that end in the name of a kind of product."""
    word = rf"{_NOT_THE}[A-Za-z][\w-]*"
    kinds = _data()["products"]
    joined = rf"(?:{word}(?:\s+(?:and|&)\s+{word})?\s+){{1,3}}(?:{kinds})"
    return re.compile(rf"\b(?P<thing>{joined})\b", re.IGNORECASE)


@cache
def _means() -> re.Pattern[str]:
    word = rf"{_NOT_THE}[A-Za-z][\w-]*"
    lead = (
        r"\b(?:by using|using|by wearing|wearing|thanks to|with)\s+(?:the |a |an |our |my |this )?"
    )
    return re.compile(rf"{lead}(?P<thing>{word}(?:\s+(?:and\s+)?{word}){{0,3}})", re.IGNORECASE)


def _claim(article: Article, sentence: Sentence, start: int, end: int) -> Claim:
    quote = Quote(
        document=article.source.url, part="text", start=sentence.start, text=sentence.text
    )
    return Claim(
        kind="remedy",
        phrase=sentence.text[start:end],
        phrase_start=sentence.start + start,
        quote=quote,
        voice="article",
        experiencer="advice",
        outcome="helped",
        confidence=0.7,
    )
