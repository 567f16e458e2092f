"""Evidence from articles: whose word a sentence is, what it is worth and which way it points.

The first rule that fits names the source type: promotion, a study it cites, an anecdote, an
explicit mechanism, the author's credential, else unsupported. Pure: no store, no network.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from crawler.documents import Article, Reference
from miner import conditions, credentials, designs, promotions
from miner.directions import clauses, direction
from miner.model import Claim, Direction, Evidence, Kind, Question, Quote, SourceType, Theme
from miner.phrases import normalise
from miner.text import Sentence, sentences

__all__ = [
    "coverage",
    "from_article",
    "mentions",
    "of_articles",
]

KINDS: tuple[Kind, ...] = ("remedy", "cause", "trigger", "diagnosis")

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
    studies: Mapping[str, str] | None = None,
    *,
    words_only: bool = False,
) -> list[Evidence]:
    """Evidence of one article: one for each theme and sentence that a claim of it belongs to.

    With `words_only` the direction is what the words say, never what the claim was read as.
    `studies` gives the identity of a study by DOI or PMID, so that a cited one counts as itself.
    """
    page = _page(article)
    found: dict[tuple[str, int, str], Evidence] = {}
    for claim in claims:
        theme = theme_of.get(claim.id)
        if theme is not None and not _is_listed(page, claim):
            item = _of_claim(page, claim, theme, studies or {}, words_only)
            key = (theme, item.quote.start if item.quote else -1, claim.quote.part)
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
    page: _Page, claim: Claim, theme: str, studies: Mapping[str, str], words_only: bool
) -> Evidence:
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
    study = _study_facts(page, index, text, studies) if source == "study" else {}
    return Evidence(
        theme=theme,
        source_type=source,
        direction=way,
        quote=quote,
        flags=_flags(text, source, study),
        condition=claim.condition,
        question=_question(claim.kind, text),
        title=page.article.title,
        url=page.article.source.url,
        reasons=(*reasons, *((f"direction: {words}",) if words else ("direction: none said",))),
        **_carried(source, study),
    )


def _carried(source: SourceType, study: Mapping[str, Any]) -> dict[str, Any]:
    if source in ("expert", "mechanism"):
        return {"design": source}
    return dict(study)


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
    if _footnotes(text, page.article.references) or _marked(text):
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


_GLUED = r"(?<=[a-z.,;:\"”)])(\d{1,2})(?=\s|$|[.,;)])(?![.,]?\d)"
"""A footnote digit behind a word or a closing mark."""
_BRACKETED = r"\[(\d{1,3}(?:\s?[,–-]\s?\d{1,3})*)\]"


def _marked(text: str) -> bool:
    """Whether the sentence carries a footnote."""
    return bool(re.search(_GLUED, text) or re.search(_BRACKETED, text))


def _footnotes(text: str, references: Sequence[Reference]) -> list[Reference]:
    """References whose numbers the sentence carries, as `word.7`, `[7]` or `[1, 2]`."""
    bracketed = [n for group in re.findall(_BRACKETED, text) for n in re.findall(r"\d+", group)]
    places = [int(n) for n in (*re.findall(_GLUED, text), *bracketed)]
    return [references[place - 1] for place in places if 0 < place <= len(references)]


# --- the study behind a sentence --------------------------------------------------------------

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]+[^\s\"<>.,;)]")
_PMID = re.compile(r"\bpmid:?\s?(\d{5,9})\b", re.IGNORECASE)


def _study_facts(page: _Page, index: int, text: str, studies: Mapping[str, str]) -> dict[str, Any]:
    """Design, people, year and identity, as far as the words or the reference give them."""
    before = _source_before(page, index)
    own = _any("attribution", "sources").search(text)
    around = text if own or before < 0 else f"{page.sentences[before].text} {text}"
    doi, pmid = _identifiers(text, page.article.references)
    year = re.search(r"(?<![\d.,])(?:19[5-9]\d|20[0-4]\d)(?![\d,])", around)
    names = [name for name in (doi, f"pmid:{pmid}" if pmid else None) if name]
    known = next((studies[name] for name in names if name in studies), None)
    return {
        "design": designs.from_words(around) or "unknown_study",
        "n": designs.people_in(text),
        "year": int(year[0]) if year else None,
        "doi": doi,
        "study": known or (" ".join(names) or None),
    }


def _identifiers(text: str, references: Sequence[Reference]) -> tuple[str | None, str | None]:
    doi, pmid = _DOI.search(text), _PMID.search(text)
    if doi or pmid:
        return (doi[0].lower() if doi else None), (pmid[1] if pmid else None)
    cited = [r for r in _footnotes(text, references) if r.doi or r.pmid]
    first = cited[0] if len(cited) == 1 else None
    return (first.doi.lower() if first and first.doi else None), (first.pmid if first else None)


def _flags(text: str, source: SourceType, study: Mapping[str, Any]) -> tuple[str, ...]:
    tests = {
        **{
            name: _any("flags", name).search(text) for name in ("hedged", "absolute", "superlative")
        },
        "time_promise": promotions.time_promise(text),
        "vague_evidence": source == "unsupported" and _any("attribution", "vague").search(text),
        "design_unknown": study.get("design") == "unknown_study",
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
        return "supports", f"named as {claim.kind}"
    by_outcome: dict[str, Direction] = {
        "helped": "supports",
        "mixed": "mixed",
        "no_effect": "no_effect",
        "worse": "contradicts",
    }
    way = by_outcome.get(claim.outcome, "unclear")
    return way, "" if way == "unclear" else f"outcome {claim.outcome}"


# --- coverage ---------------------------------------------------------------------------------


def mentions(
    article: Article, themes: Iterable[Theme], wordings: Mapping[str, Iterable[str]]
) -> list[tuple[str, Claim]]:
    """Theme id and claim for each sentence that names a theme in one of its usual wordings.

    The longest wording at a place wins; one that two themes of a kind share belongs to the first.
    """
    index = _index(themes, wordings)
    longest = max((wording.count(" ") + 1 for _, wording in index), default=0)
    found = []
    for sentence in sentences(article.text):
        for theme, claim in _named(article, sentence, index, longest):
            found.append((theme, claim))
    return found


def _index(
    themes: Iterable[Theme], wordings: Mapping[str, Iterable[str]]
) -> dict[tuple[Kind, str], str]:
    """Theme id by kind and wording as tokens; short or common words alone are none."""
    common = _data()["mentions"]["common"]
    index: dict[tuple[Kind, str], str] = {}
    for theme in themes:
        for wording in (theme.name, *wordings.get(theme.id, ())):
            key = " ".join(token for token, _, _ in _tokens(wording))
            if any(len(word) > 3 and word not in common for word in key.split()):
                index.setdefault((theme.kind, key), theme.id)
    return index


@lru_cache(maxsize=100_000)
def _key(word: str) -> str:
    return normalise(word)


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """The words of a text that mean something, each as one spelling, with their places.

    A short form gives several tokens at one place, so that it meets its long form.
    """
    fillers = _data()["mentions"]["fillers"]
    return [
        (token, word.start(), word.end())
        for word in re.finditer(r"[^\W_]+(?:[-'’][^\W_]+)*", text)
        if word[0].lower() not in fillers
        for token in _key(word[0]).split()
    ]


def _named(
    article: Article, sentence: Sentence, index: Mapping[tuple[Kind, str], str], longest: int
) -> Iterator[tuple[str, Claim]]:
    tokens = _tokens(sentence.text)
    taken: set[tuple[Kind, int]] = set()
    for size in range(min(longest, len(tokens)), 0, -1):
        for first in range(len(tokens) - size + 1):
            window = tokens[first : first + size]
            wording = " ".join(token for token, _, _ in window)
            for kind in KINDS:
                places = {(kind, place) for place in range(first, first + size)}
                theme = index.get((kind, wording))
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


def of_articles(
    articles: Iterable[Article],
    claims: Iterable[Claim],
    themes: Sequence[Theme],
    studies: Mapping[str, str] | None = None,
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


def coverage(
    articles: Iterable[Article], themes: Sequence[Theme], wordings: Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    """Addresses of the articles that name each theme at all, whatever they say of it."""
    found: dict[str, set[str]] = {theme.id: set() for theme in themes}
    for article in articles:
        for theme, _ in mentions(article, themes, wordings):
            found[theme].add(article.source.url)
    return {theme: frozenset(urls) for theme, urls in found.items()}
