"""Whose word a sentence of an article is: a shop's, a study's, somebody's experience, an expert's.

The first rule that fits names the source type. Pure: no store, no network.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from crawler.documents import Article
from miner import credentials, designs, promotions
from miner.citations import footnotes, is_marked
from miner.directions import clauses
from miner.model import SourceType
from miner.text import Sentence, sentences

__all__ = ["CURLY", "Page", "any_of", "page_of", "source_before", "source_type"]

CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
REACH = 4
"""Sentences a cited source goes on for, where they speak of `the authors` or `their programme`."""


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("miner") / "data" / "evidence.toml").read_text("utf-8"))


@cache
def any_of(group: str, part: str) -> re.Pattern[str]:
    """One pattern of all cues of a part of evidence.toml."""
    cues = _data()[group][part]
    cues = [cues] if isinstance(cues, str) else cues
    return re.compile("|".join(f"(?:{cue})" for cue in cues), re.IGNORECASE)


# --- the page ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Page:
    """An article read once: its sentences, what promotes, who wrote it, what it cites."""

    article: Article
    sentences: tuple[Sentence, ...]
    promoted: tuple[tuple[int, int], ...]
    about_author: tuple[tuple[int, int], ...]
    """Places of the box about the author, whose lists of services claim nothing."""
    credential: str | None

    def around(self, place: int) -> int:
        """Index of the sentence that holds an offset, -1 where there is none."""
        index = bisect_right([s.start for s in self.sentences], place) - 1
        return index if index >= 0 and place < self.sentences[index].end else -1


def page_of(article: Article) -> Page:
    """The article, read once."""
    boxes = credentials.boxes(article.text)
    return Page(
        article=article,
        sentences=tuple(sentences(article.text)),
        promoted=tuple(promotions.blocks(article.text, article.source.site)),
        about_author=tuple((box.start, box.end) for box in boxes),
        credential=credentials.of(article, boxes),
    )


# --- whose word -------------------------------------------------------------------------------


def source_type(
    page: Page, index: int, text: str, phrase: str
) -> tuple[SourceType, tuple[str, ...]]:
    """The first of the six rules that fits, and the words that made it fit."""
    if why := _promoted(page, index, text, phrase):
        return "commercial", (why,)
    if why := _cited(page, index, text):
        return "study", (f"attributed to a study: {why}",)
    if why := _told(text, phrase):
        return "anecdote", (f"told as experience: {why}",)
    if hit := any_of("mechanism", "cues").search(text):
        return "mechanism", (f"explained, not tested: {hit[0]}",)
    if page.credential:
        return "expert", (f"author's credential: {page.credential}",)
    return "unsupported", ("no source named",)


def _promoted(page: Page, index: int, text: str, phrase: str) -> str:
    whole = (0, len(page.article.text)) in page.promoted
    place = page.sentences[index].start if index >= 0 else -1
    if whole or any(start <= place < end for start, end in page.promoted):
        return "inside a promotional block"
    if promotions.sells(text):
        return "sells in so many words"
    if promotions.serves_itself(page.article.source.site, phrase):
        return "the site's name carries the product"
    return ""


def _cited(page: Page, index: int, text: str) -> str:
    """Words that attribute the sentence to a study that could be found, or go on about one."""
    hit = any_of("attribution", "sources").search(text)
    if hit:
        return hit[0]
    if footnotes(text, page.article.references) or is_marked(text):
        named = any_of("attribution", "referenced").search(text)
        if named:
            return f"{named[0]} (with a reference)"
        if designs.people_in(text) or source_before(page, index) >= 0:
            return "a reference"
    if any_of("attribution", "treated").search(text) and designs.people_in(text):
        return "people treated"
    goes_on = any_of("attribution", "anaphors").search(text)
    return goes_on[0] if goes_on and source_before(page, index) >= 0 else ""


def source_before(page: Page, index: int) -> int:
    """Index of the sentence just before that names a source, -1 for none in reach."""
    for place in range(index - 1, max(-1, index - 1 - REACH), -1):
        if any_of("attribution", "sources").search(page.sentences[place].text):
            return place
    return -1


def _told(text: str, phrase: str) -> str:
    """Words of experience; what many found counts in the thought that holds the phrase."""
    near = [c for c in clauses(text) if phrase.translate(CURLY).lower() in c.lower()] or [text]
    for clause in near:
        if hit := any_of("anecdote", "others").search(clause):
            return hit[0]
    plain = any_of("anecdote", "manners").sub(" ", text)
    hit = any_of("anecdote", "first_person").search(plain)
    return hit[0] if hit else ""
