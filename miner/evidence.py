"""Evidence from articles: whose word a sentence is, what it is worth and which way it points.

The first rule that fits names the source type: promotion, a study it cites, an anecdote, an
explicit mechanism, the author's credential, else unsupported. Pure: no store, no network.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from crawler.documents import Article
from miner import conditions, credentials, designs, promotions
from miner.citations import Citation, cited_by, footnotes, is_marked
from miner.directions import clauses, direction
from miner.library import About, LibraryStudy
from miner.mentions import content, mentions
from miner.model import Claim, Direction, Evidence, Kind, Question, SourceType, Theme
from miner.text import Sentence, sentences

__all__ = [
    "from_article",
    "mentions",
    "of_articles",
]

Known = Mapping[str, Sequence[LibraryStudy]]
"""Records of the library by DOI, `pmid:…` or registry number."""

_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
REACH = 4
"""Sentences a cited source goes on for, where they speak of `the authors` or `their programme`."""


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("miner") / "data" / "evidence.toml").read_text("utf-8"))


@cache
def _any(group: str, part: str) -> re.Pattern[str]:
    cues = _data()[group][part]
    cues = [cues] if isinstance(cues, str) else cues
    return re.compile("|".join(f"(?:{cue})" for cue in cues), re.IGNORECASE)


# --- the page ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Page:
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


def _page(article: Article) -> _Page:
    boxes = credentials.boxes(article.text)
    return _Page(
        article=article,
        sentences=tuple(sentences(article.text)),
        promoted=tuple(promotions.blocks(article.text, article.source.site)),
        about_author=tuple((box.start, box.end) for box in boxes),
        credential=credentials.of(article, boxes),
    )


# --- evidence ---------------------------------------------------------------------------------


def from_article(
    article: Article,
    claims: Sequence[Claim],
    theme_of: Mapping[str, str],
    studies: Known | None = None,
    *,
    words_only: bool = False,
) -> list[Evidence]:
    """Evidence of one article: one for each theme and sentence that a claim of it belongs to.

    With `words_only` the direction is what the words say, never what the claim was read as.
    A sentence that cites several studies is one for each; one found in `studies` counts as itself.
    """
    page = _page(article)
    found: dict[tuple[str, int, str, str], Evidence] = {}
    for claim in claims:
        theme = theme_of.get(claim.id)
        if theme is None or _is_listed(page, claim):
            continue
        for item in _of_claim(page, claim, theme, studies or {}, words_only):
            start = item.quote.start if item.quote else -1
            key = (theme, start, claim.quote.part, item.study or "")
            found[key] = _firmer(found[key], item) if key in found else item
    return list(found.values())


def _is_listed(page: _Page, claim: Claim) -> bool:
    """Whether a claim stands in a list of services: the box about the author, or `we offer`."""
    if claim.quote.part != "text":
        return False
    place = claim.phrase_start
    boxed = any(start <= place < end for start, end in page.about_author)
    return boxed or bool(_any("services", "offers").search(claim.quote.text))


def _firmer(one: Evidence, other: Evidence) -> Evidence:
    """Of two readings of one sentence the one with a direction; for and against are mixed."""
    said = {one.direction, other.direction} - {"unclear"}
    if len(said) > 1:
        return replace(one, direction="mixed")
    return other if one.direction == "unclear" else one


def _of_claim(
    page: _Page, claim: Claim, theme: str, studies: Known, words_only: bool
) -> list[Evidence]:
    in_body = claim.quote.part == "text"
    index = page.around(claim.phrase_start) if in_body else -1
    text = page.sentences[index].text if index >= 0 else claim.quote.text
    quote = claim.quote
    if index >= 0 and len(text) > len(quote.text):
        quote = replace(quote, start=page.sentences[index].start, text=text)
    text = text.translate(_CURLY)
    source, reasons = _source_type(page, index, text, claim.phrase)
    way, words = _direction(page, index, text, claim)
    if not words and not words_only:
        way, words = _claimed(claim)
    said = Evidence(
        theme=theme,
        source_type=source,
        direction=way,
        quote=quote,
        design=source if source in ("expert", "mechanism") else None,
        flags=_flags(text, source),
        condition=claim.condition,
        question=_question(claim.kind, text),
        title=page.article.title,
        url=page.article.source.url,
        reasons=(*reasons, f"direction: {words or 'none said'}"),
    )
    if source != "study":
        return [said]
    return _by_study(page, index, text, said, claim, studies)


def _question(kind: Kind, text: str) -> Question:
    if kind != "remedy":
        return "cause"
    prevents = re.search(
        r"\b(?:prevent\w*|avoid (?:future |further )?injur\w+|at bay)\b", text, re.IGNORECASE
    )
    return "prevention" if prevents else "benefit"


# --- whose word -------------------------------------------------------------------------------


def _source_type(
    page: _Page, index: int, text: str, phrase: str
) -> tuple[SourceType, tuple[str, ...]]:
    """The first of the six rules that fits, and the words that made it fit."""
    if why := _promoted(page, index, text, phrase):
        return "commercial", (why,)
    if why := _cited(page, index, text):
        return "study", (f"attributed to a study: {why}",)
    if why := _told(text, phrase):
        return "anecdote", (f"told as experience: {why}",)
    if hit := _any("mechanism", "cues").search(text):
        return "mechanism", (f"explained, not tested: {hit[0]}",)
    if page.credential:
        return "expert", (f"author's credential: {page.credential}",)
    return "unsupported", ("no source named",)


def _promoted(page: _Page, index: int, text: str, phrase: str) -> str:
    whole = (0, len(page.article.text)) in page.promoted
    place = page.sentences[index].start if index >= 0 else -1
    if whole or any(start <= place < end for start, end in page.promoted):
        return "inside a promotional block"
    if promotions.sells(text):
        return "sells in so many words"
    if promotions.serves_itself(page.article.source.site, phrase):
        return "the site's name carries the product"
    return ""


def _cited(page: _Page, index: int, text: str) -> str:
    """Words that attribute the sentence to a study that could be found, or go on about one."""
    hit = _any("attribution", "sources").search(text)
    if hit:
        return hit[0]
    if footnotes(text, page.article.references) or is_marked(text):
        named = _any("attribution", "referenced").search(text)
        if named:
            return f"{named[0]} (with a reference)"
        if designs.people_in(text) or _source_before(page, index) >= 0:
            return "a reference"
    if _any("attribution", "treated").search(text) and designs.people_in(text):
        return "people treated"
    goes_on = _any("attribution", "anaphors").search(text)
    return goes_on[0] if goes_on and _source_before(page, index) >= 0 else ""


def _source_before(page: _Page, index: int) -> int:
    """Index of the sentence just before that names a source, -1 for none in reach."""
    for place in range(index - 1, max(-1, index - 1 - REACH), -1):
        if _any("attribution", "sources").search(page.sentences[place].text):
            return place
    return -1


def _told(text: str, phrase: str) -> str:
    """Words of experience; what many found counts in the thought that holds the phrase."""
    near = [c for c in clauses(text) if phrase.translate(_CURLY).lower() in c.lower()] or [text]
    for clause in near:
        if hit := _any("anecdote", "others").search(clause):
            return hit[0]
    plain = _any("anecdote", "manners").sub(" ", text)
    hit = _any("anecdote", "first_person").search(plain)
    return hit[0] if hit else ""


# --- the study behind a sentence --------------------------------------------------------------


def _by_study(
    page: _Page, index: int, text: str, said: Evidence, claim: Claim, studies: Known
) -> list[Evidence]:
    """The sentence as the word of each study it cites, or goes on about; of a lost one for none."""
    cited = cited_by(text, page.article.references)
    before = _source_before(page, index)
    if not cited and before >= 0 and not _any("attribution", "sources").search(text):
        cited = cited_by(page.sentences[before].text, page.article.references)
    found = []
    for one in cited or [Citation()]:
        records = next((studies[name] for name in one.names if name in studies), ())
        if records:
            found.append(_recorded(page, said, claim, one, records))
        else:
            found.append(_by_words(page, index, text, said, one, alone=len(cited) < 2))
    return found


def _by_words(
    page: _Page, index: int, text: str, said: Evidence, cited: Citation, *, alone: bool
) -> Evidence:
    """A study known by the sentence only; people and year are its own where it is cited alone."""
    before = _source_before(page, index)
    own = _any("attribution", "sources").search(text)
    around = text if own or before < 0 else f"{page.sentences[before].text} {text}"
    year = re.search(r"(?<![\d.,])(?:19[5-9]\d|20[0-4]\d)(?![\d,])", around)
    design = designs.from_words(around) or "unknown_study"
    return replace(
        said,
        design=design,
        n=designs.people_in(text) if alone else None,
        year=int(year[0]) if year and alone else None,
        doi=cited.doi,
        study=cited.identity,
        flags=(*said.flags, *(("design_unknown",) if design == "unknown_study" else ())),
    )


def _recorded(
    page: _Page,
    said: Evidence,
    claim: Claim,
    cited: Citation,
    records: Sequence[LibraryStudy],
) -> Evidence:
    """What the record of a study says; the author's word alone where it is on another topic."""
    study, about = _nearest(claim, said.question, records)
    if about is None:
        topics = ", ".join(dict.fromkeys(a.topic for r in records for a in r.about))
        source: SourceType = "expert" if page.credential else "unsupported"
        return replace(
            said,
            source_type=source,
            design="expert" if page.credential else None,
            reasons=(f"cites {study.identity}, which is about {topics}", *said.reasons[1:]),
        )
    matched = about.matched(conditions.match)
    return replace(
        said,
        design=study.design,
        n=study.n,
        flags=tuple(dict.fromkeys((*said.flags, *study.flags))),
        direction=study.direction,
        condition=claim.condition if claim.condition in matched else matched[0],
        question=about.question,
        year=study.year,
        doi=study.doi.lower() if study.doi else cited.doi,
        study=study.identity,
        finding=study.finding,
        reasons=(
            said.reasons[0],
            f"the study's record: {study.design}, {study.direction}, on {about.topic} in "
            f"{about.condition}",
        ),
    )


def _nearest(
    claim: Claim, question: Question, records: Sequence[LibraryStudy]
) -> tuple[LibraryStudy, About | None]:
    """The record and finding that share most words with the claim; no finding where none does."""
    benefits = ("benefit", "prevention")
    pairs = [
        (study, about)
        for study in records
        for about in study.about
        if about.question == question or {about.question, question} <= set(benefits)
    ]
    shared = [_shared(claim.phrase, about) for _, about in pairs]
    if not any(shared):
        return records[0], None
    same = [claim.condition in about.matched(conditions.match) for _, about in pairs]
    return max(zip(shared, same, pairs, strict=True), key=lambda row: row[:2])[2]


def _shared(phrase: str, about: About) -> int:
    """Most words that a wording of the finding has in common with a phrase, by their stems."""
    said = _stems(phrase)
    return max(len(said & _stems(wording)) for wording in about.wordings)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:6] for word in content(text))


def _flags(text: str, source: SourceType) -> tuple[str, ...]:
    tests = {
        **{
            name: _any("flags", name).search(text) for name in ("hedged", "absolute", "superlative")
        },
        "time_promise": promotions.time_promise(text),
        "vague_evidence": source == "unsupported" and _any("attribution", "vague").search(text),
    }
    return tuple(name for name, fired in tests.items() if fired)


# --- direction --------------------------------------------------------------------------------


def _direction(page: _Page, index: int, text: str, claim: Claim) -> tuple[Direction, str]:
    """What the words say; for a bare list item what its lead-in says."""
    way, words = direction(text, claim.phrase, claim.kind)
    if words:
        return way, words
    if lead := _lead_in(page, index):
        way, words = direction(f"{lead} {text}", claim.phrase, claim.kind)
        if words:
            return way, words
    return "unclear", ""


_BULLET = re.compile(r"\s*(?:[-•*·–×✓]|\d{1,2}[.)])\s*")


def _lead_in(page: _Page, index: int) -> str:
    """The line with a colon that a list item belongs to, empty where there is none."""
    for place in range(index - 1, max(-1, index - 25), -1):
        text = page.sentences[place].text
        if text.endswith(":"):
            return text
        if not _BULLET.match(text) and len(text.split()) > 12:
            return ""
    return ""


def _claimed(claim: Claim) -> tuple[Direction, str]:
    """Direction by the extractor's reading, where it is certain of one."""
    if claim.kind != "remedy":
        if claim.assertion == "negated":
            return "contradicts", "negated"
        return "unclear", ""
    by_outcome: dict[str, Direction] = {
        "helped": "supports",
        "mixed": "mixed",
        "no_effect": "no_effect",
        "worse": "contradicts",
    }
    way = by_outcome.get(claim.outcome, "unclear")
    return way, "" if way == "unclear" else f"outcome {claim.outcome}"


# --- mentions ---------------------------------------------------------------------------------


def of_articles(
    articles: Iterable[Article],
    claims: Iterable[Claim],
    themes: Sequence[Theme],
    studies: Known | None = None,
) -> list[Evidence]:
    """Evidence of all articles: from their claims, and from sentences that name a theme.

    A sentence that only names a theme is Evidence where it says which way; one of the extractor's
    claims is Evidence in any case.
    """
    theme_of = {claim: theme.id for theme in themes for claim in theme.claims}
    by_article: dict[str, list[Claim]] = {}
    said: dict[str, set[str]] = {}
    for claim in claims:
        if claim.voice == "article":
            by_article.setdefault(claim.quote.document, []).append(claim)
        if claim.id in theme_of:
            said.setdefault(theme_of[claim.id], set()).add(claim.phrase)
    found: list[Evidence] = []
    for article in articles:
        own = by_article.get(article.source.url, [])
        claimed = from_article(article, own, theme_of, studies)
        telling = [(t, c) for t, c in mentions(article, themes, said) if c.kind != "diagnosis"]
        extra = from_article(
            article,
            conditions.assign([c for _, c in telling], article),
            {c.id: t for t, c in telling},
            studies,
            words_only=True,
        )
        places = {(e.theme, e.quote.start) for e in claimed if e.quote}
        found += claimed
        found += [
            e for e in extra
            if e.direction != "unclear" and e.quote and (e.theme, e.quote.start) not in places
        ]  # fmt: skip
    return found
