"""What an article says of single claims, sentence by sentence, kept by all it follows from.

Pure: what is said depends on the article, the claim and the records of the studies cited, never on
the themes, so that it stays as it is while those change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from crawler.documents import Article
from miner import bearing, conditions, designs, promotions
from miner.attribution import CURLY, Page, any_of, page_of, source_before, source_type
from miner.citations import Citation, cited_by
from miner.directions import direction
from miner.library import About, LibraryStudy
from miner.memory import Memory, Mind
from miner.mentions import content
from miner.model import Claim, Direction, Evidence, Kind, Question, SourceType
from miner.text import sentences

__all__ = ["Known", "Testimony", "flags"]

Known = Mapping[str, Sequence[LibraryStudy]]
"""Records of the library by DOI, `pmid:…` or registry number."""
Said = tuple[Evidence, ...]
_Reading = tuple[SourceType, Direction, tuple[str, ...]]
"""Who speaks in a sentence, which way, and why it is read so."""


@cache
def _form() -> TypeAdapter[Said]:
    return TypeAdapter(Said)


class Testimony:
    """An article that is asked what it says of claims; what a memory knows is not read again."""

    def __init__(self, article: Article, studies: Known, memory: Memory | None = None) -> None:
        """`studies` are the records that its citations are looked up in."""
        self.article = article
        self._studies = studies
        self._memory = memory or Mind()

    def of(self, claims: Sequence[Claim], *, words_only: bool = False) -> list[Said]:
        """What is said of each claim, in their order, its theme left empty.

        With `words_only` the direction is what the words say, never what the claim was read as.
        """
        keys = [
            self._key(f"{words_only}\x1f{claim!r}\x1f{self._records([claim.quote.text])}")
            for claim in claims
        ]
        known = self._memory.recall(keys)
        said = [_read(known[key]) if key in known else None for key in keys]
        new = {
            number: self._said(claims[number], words_only)
            for number, one in enumerate(said)
            if one is None
        }
        if new:
            self._memory.keep({keys[n]: _form().dump_json(one).decode() for n, one in new.items()})
        return [new[number] if one is None else one for number, one in enumerate(said)]

    def about(self) -> str | None:
        """The condition it is about."""
        found: str | None = self._whole(
            "about", lambda: conditions.condition_of_article(self.article)
        )
        return found

    def sales_talk(self) -> list[tuple[int, bool]]:
        """Index of each sentence that promotes, and whether it belongs to what came before."""
        article = self.article
        found = self._whole(
            "sales", lambda: promotions.sales_talk(article.text, article.source.site)
        )
        return [(int(index), bool(inside)) for index, inside in found]

    def _whole(self, name: str, read: Callable[[], object]) -> Any:
        """What is read of the article as a whole, under a name."""
        key = self._key(name)
        if text := self._memory.recall([key]).get(key):
            return json.loads(text)
        found = read()
        self._memory.keep({key: json.dumps(found)})
        return found

    def _key(self, asked: str) -> str:
        whole = f"{self._mark}\x1f{asked}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(whole).hexdigest()[:32]

    @cached_property
    def _mark(self) -> str:
        """Digest of the article and of the records of all studies that its sentences cite."""
        records = self._records(one.text for one in sentences(self.article.text))
        whole = f"{self.article!r}\x1f{records}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(whole).hexdigest()

    def _records(self, texts: Iterable[str]) -> str:
        """What is recorded of the studies that texts cite, as written or with plain quotes."""
        both = dict.fromkeys(form for text in texts for form in (text, text.translate(CURLY)))
        cited = (one for form in both for one in cited_by(form, self.article.references))
        names = sorted({name for one in cited for name in one.names})
        return repr([(name, self._studies.get(name)) for name in names])

    @cached_property
    def _page(self) -> Page:
        return page_of(self.article)

    def _said(self, claim: Claim, words_only: bool) -> Said:
        if _is_listed(self._page, claim):
            return ()
        return tuple(_of_claim(self._page, claim, self._studies, words_only))


def _read(text: str) -> Said | None:
    """What was said, as it was kept; None for what is no such thing."""
    try:
        return _form().validate_json(text)
    except ValidationError:
        return None


def _is_listed(page: Page, claim: Claim) -> bool:
    """Whether a claim stands in a list of services: the box about the author, or `we offer`."""
    if claim.quote.part != "text":
        return False
    place = claim.phrase_start
    boxed = any(start <= place < end for start, end in page.about_author)
    return boxed or bool(any_of("services", "offers").search(claim.quote.text))


def _of_claim(page: Page, claim: Claim, studies: Known, words_only: bool) -> list[Evidence]:
    in_body = claim.quote.part == "text"
    index = page.around(claim.phrase_start) if in_body else -1
    text = page.sentences[index].text if index >= 0 else claim.quote.text
    quote = claim.quote
    if index >= 0 and len(text) > len(quote.text):
        quote = replace(quote, start=page.sentences[index].start, text=text)
    text = text.translate(CURLY)
    if claim.kind == "diagnosis":
        reading = _counted(page, text, claim)
    else:
        reading = _judged(page, index, text, claim, words_only)
    if reading is None:
        return []
    source, way, reasons = reading
    said = Evidence(
        theme="",
        source_type=source,
        direction=way,
        quote=quote,
        design=source if source in ("expert", "mechanism") else None,
        flags=flags(text, source),
        condition=claim.condition,
        question=_question(claim.kind, text),
        title=page.article.title,
        url=page.article.source.url,
        reasons=reasons,
    )
    if source != "study" or claim.kind == "diagnosis":
        return [said]
    return _by_study(page, index, text, said, claim, studies)


def _judged(page: Page, index: int, text: str, claim: Claim, words_only: bool) -> _Reading | None:
    """Whether a sentence says that a thing helps or is to blame; None where it bears nothing."""
    source, reasons = source_type(page, index, text, claim.phrase)
    if source != "commercial" and not _can_bear(page, index, claim):
        return None
    way, words = _direction(page, index, text, claim)
    if not words and not words_only:
        way, words = _claimed(claim)
    if not words and (source in ("expert", "unsupported") or claim.kind != "remedy"):
        return None
    return source, way, (*reasons, f"direction: {words or 'none said'}")


def _counted(page: Page, text: str, claim: Claim) -> _Reading | None:
    """What a sentence says of how common an illness is: `supports` for common, nothing else."""
    way, words = bearing.frequency(text, claim.phrase.translate(CURLY))
    if not words:
        return None
    source, reasons = source_type(page, -1, text, claim.phrase)
    return source, way, (*reasons, f"called common or rare: {words}")


def _can_bear(page: Page, index: int, claim: Claim) -> bool:
    """Whether the claim stands in a sentence that says something, and names what it is about."""
    sentence = page.sentences[index] if index >= 0 else None
    spoken = sentence is None or bearing.is_bearing(page.article.text, sentence.start, sentence.end)
    return spoken and bearing.is_nameable(claim.phrase, claim.kind)


def _question(kind: Kind, text: str) -> Question:
    if kind == "diagnosis":
        return "prevalence"
    if kind != "remedy":
        return "cause"
    prevents = re.search(
        r"\b(?:prevent\w*|avoid (?:future |further )?injur\w+|at bay)\b", text, re.IGNORECASE
    )
    return "prevention" if prevents else "benefit"


# --- the study behind a sentence --------------------------------------------------------------


def _by_study(
    page: Page, index: int, text: str, said: Evidence, claim: Claim, studies: Known
) -> list[Evidence]:
    """The sentence as the word of each study it cites, or goes on about; of a lost one for none."""
    cited = cited_by(text, page.article.references)
    before = source_before(page, index)
    if not cited and before >= 0 and not any_of("attribution", "sources").search(text):
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
    page: Page, index: int, text: str, said: Evidence, cited: Citation, *, alone: bool
) -> Evidence:
    """A study known by the sentence only; people and year are its own where it is cited alone."""
    before = source_before(page, index)
    own = any_of("attribution", "sources").search(text)
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
    page: Page,
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


_PLAIN_FLAGS = ("hedged", "absolute", "superlative")


def flags(text: str, source: SourceType) -> tuple[str, ...]:
    """What in a sentence lets one doubt it."""
    tests = {
        **{flag: any_of("flags", flag).search(text) for flag in _PLAIN_FLAGS},
        "time_promise": promotions.time_promise(text),
        "vague_evidence": source == "unsupported" and any_of("attribution", "vague").search(text),
    }
    return tuple(name for name, fired in tests.items() if fired)


# --- direction --------------------------------------------------------------------------------


def _direction(page: Page, index: int, text: str, claim: Claim) -> tuple[Direction, str]:
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


def _lead_in(page: Page, index: int) -> str:
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
