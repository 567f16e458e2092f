"""Sentences of an article that name a theme in one of its usual wordings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any

from crawler.documents import Article
from miner.model import Claim, Kind, Quote, Theme
from miner.phrases import normalise
from miner.text import Sentence, sentences

__all__ = ["Wordings", "content", "mentions", "tokens"]

KINDS: tuple[Kind, ...] = ("remedy", "cause", "trigger", "diagnosis")


@cache
def _data() -> dict[str, Any]:
    text = (files("miner") / "data" / "evidence.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)["mentions"]
    return found


def content(text: str) -> list[str]:
    """The words of a text that could name a theme by themselves."""
    common = _data()["common"]
    return [word for word, _, _ in tokens(text) if len(word) > 2 and word not in common]


def mentions(article: Article, known: Wordings) -> list[tuple[str, Claim]]:
    """Theme id and claim for each sentence that names a theme in one of its usual wordings.

    The longest wording at a place wins; one that two themes of a kind share belongs to the first.
    A known remedy by its bare name is the first theme of it whose other words stand on the page.
    """
    bare = _bare(known.bare, article)
    return [
        found
        for sentence in sentences(article.text)
        for found in _named(article, sentence, known, bare)
    ]


@dataclass(frozen=True, kw_only=True)
class Wordings:
    """How all themes are named: looked through once, asked of every article."""

    index: dict[tuple[Kind, str], str]
    """Theme id by kind and wording as tokens."""
    longest: int
    """Tokens of the longest wording."""
    bare: tuple[tuple[str, frozenset[str], str], ...]
    """Remedies that go by one known name: that, the other words of the theme's name, its id."""

    @cached_property
    def spoken(self) -> frozenset[str]:
        """Every wording, of whatever kind."""
        return frozenset(wording for _, wording in self.index)

    @staticmethod
    def of(themes: Iterable[Theme], wordings: Mapping[str, Iterable[str]]) -> Wordings:
        """The wordings of the themes; of equal ones the first theme's."""
        themes = list(themes)
        index = _index(themes, wordings)
        return Wordings(
            index=index,
            longest=max((wording.count(" ") + 1 for _, wording in index), default=0),
            bare=tuple(filter(None, map(_bared, themes))),
        )


def _index(
    themes: Iterable[Theme], wordings: Mapping[str, Iterable[str]]
) -> dict[tuple[Kind, str], str]:
    """Theme id by kind and wording as tokens; short or common words alone are none."""
    common = frozenset(_data()["common"])
    painful = frozenset(_data()["no_remedies"]) | frozenset(_data()["activities"])
    index: dict[tuple[Kind, str], str] = {}
    for theme in themes:
        for wording in (theme.name, *wordings.get(theme.id, ())):
            key = " ".join(token for token, _, _ in tokens(wording))
            barred = common | painful if theme.kind == "remedy" else common
            if any(len(word) > 3 and word not in barred for word in key.split()):
                index.setdefault((theme.kind, key), theme.id)
    return index


def _light() -> frozenset[str]:
    """Words that tell no remedy from another."""
    return frozenset().union(*(_data()[k] for k in ("common", "no_remedies", "activities")))


def _bared(theme: Theme) -> tuple[str, frozenset[str], str] | None:
    """The one known remedy in the name of a theme that adds but light words to it, with these."""
    if theme.kind != "remedy":
        return None
    words, light = frozenset(token for token, _, _ in tokens(theme.name)), _light()
    bare = [word for word in words if word in _remedies() and word not in light]
    rest = words - set(bare)
    return (bare[0], rest, theme.id) if len(bare) == 1 and rest <= light else None


def _bare(bared: Iterable[tuple[str, frozenset[str], str]], article: Article) -> dict[str, str]:
    """Theme id by a bare remedy, such as `stretch` for a theme that adds but body parts to it."""
    here = frozenset(token for token, _, _ in tokens(f"{article.title}\n{article.text}"))
    found: dict[str, str] = {}
    for bare, rest, theme in bared:
        if rest <= here:
            found.setdefault(bare, theme)
    return found


@cache
def _remedies() -> frozenset[str]:
    """Single words that name a remedy by themselves."""
    text = (files("miner") / "data" / "search_terms.toml").read_text("utf-8")
    said = {form for group in tomllib.loads(text)["group"] for form in group["said"]}
    return frozenset(key for form in said if " " not in (key := normalise(form)))


@lru_cache(maxsize=100_000)
def _key(word: str) -> str:
    return normalise(word)


def tokens(text: str) -> list[tuple[str, int, int]]:
    """The words of a text that mean something, each as one spelling, with their places.

    A short form gives several tokens at one place, so that it meets its long form.
    """
    fillers = _data()["fillers"]
    return [
        (token, word.start(), word.end())
        for word in re.finditer(r"[^\W_]+(?:[-'’][^\W_]+)*", text)
        if word[0].lower() not in fillers
        for token in _key(word[0]).split()
    ]


def _named(
    article: Article,
    sentence: Sentence,
    known: Wordings,
    bare: Mapping[str, str],
) -> Iterator[tuple[str, Claim]]:
    words = tokens(sentence.text)
    taken: set[tuple[Kind, int]] = set()
    for size in range(min(max(known.longest, 1), len(words)), 0, -1):
        for first in range(len(words) - size + 1):
            window = words[first : first + size]
            wording = " ".join(token for token, _, _ in window)
            for kind in KINDS if wording in known.spoken or wording in bare else ():
                places = {(kind, place) for place in range(first, first + size)}
                theme = known.index.get((kind, wording))
                if kind == "remedy":
                    theme = theme or bare.get(wording)
                if theme and not taken & places:
                    taken |= places
                    yield theme, _mention(article, sentence, kind, window[0][1], window[-1][2])


def _mention(article: Article, sentence: Sentence, kind: Kind, start: int, end: int) -> Claim:
    quote = Quote(
        document=article.source.url, part="text", start=sentence.start, text=sentence.text
    )
    return Claim(
        kind=kind,
        phrase=sentence.text[start:end],
        phrase_start=sentence.start + start,
        quote=quote,
        voice="article",
        experiencer="advice",
        confidence=0.5,
    )
