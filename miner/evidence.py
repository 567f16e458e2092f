"""Evidence from articles: whose word a sentence is, what it is worth and which way it points.

The first rule that fits names the source type: promotion, a study it cites, an anecdote, an
explicit mechanism, the author's credential, else unsupported. Pure: no store, no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from crawler.documents import Article
from miner import bearing, conditions, designs, promotions
from miner.attribution import CURLY, Page, any_of, page_of, source_before, source_type
from miner.citations import Citation, cited_by
from miner.directions import direction
from miner.library import About, LibraryStudy
from miner.mentions import Wordings, content, mentions
from miner.model import Claim, Direction, Evidence, Kind, Question, Quote, SourceType, Theme
from miner.text import sentences

__all__ = [
    "from_article",
    "mentions",
    "of_articles",
]

Known = Mapping[str, Sequence[LibraryStudy]]
"""Records of the library by DOI, `pmid:…` or registry number."""


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
    What only names a thing, and what names an illness, bears evidence on nothing.
    """
    page = page_of(article)
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


def _is_listed(page: Page, claim: Claim) -> bool:
    """Whether a claim stands in a list of services: the box about the author, or `we offer`."""
    if claim.quote.part != "text":
        return False
    place = claim.phrase_start
    boxed = any(start <= place < end for start, end in page.about_author)
    return boxed or bool(any_of("services", "offers").search(claim.quote.text))


def _firmer(one: Evidence, other: Evidence) -> Evidence:
    """Of two readings of one sentence the one with a direction; for and against are mixed."""
    said = {one.direction, other.direction} - {"unclear"}
    if len(said) > 1:
        return replace(one, direction="mixed")
    return other if one.direction == "unclear" else one


def _of_claim(
    page: Page, claim: Claim, theme: str, studies: Known, words_only: bool
) -> list[Evidence]:
    in_body = claim.quote.part == "text"
    index = page.around(claim.phrase_start) if in_body else -1
    text = page.sentences[index].text if index >= 0 else claim.quote.text
    quote = claim.quote
    if index >= 0 and len(text) > len(quote.text):
        quote = replace(quote, start=page.sentences[index].start, text=text)
    text = text.translate(CURLY)
    if claim.kind == "diagnosis":
        return _counted(page, claim, theme, quote, text)
    source, reasons = source_type(page, index, text, claim.phrase)
    if source != "commercial" and not _can_bear(page, index, claim):
        return []
    way, words = _direction(page, index, text, claim)
    if not words and not words_only:
        way, words = _claimed(claim)
    if not words and (source in ("expert", "unsupported") or claim.kind != "remedy"):
        return []
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


def _counted(page: Page, claim: Claim, theme: str, quote: Quote, text: str) -> list[Evidence]:
    """What a sentence says of how common an illness is: `supports` for common, nothing else."""
    way, words = bearing.frequency(text, claim.phrase.translate(CURLY))
    if not words:
        return []
    source, reasons = source_type(page, -1, text, claim.phrase)
    said = Evidence(
        theme=theme,
        source_type=source,
        direction=way,
        quote=quote,
        design=source if source in ("expert", "mechanism") else None,
        flags=_flags(text, source),
        condition=claim.condition,
        question="prevalence",
        title=page.article.title,
        url=page.article.source.url,
        reasons=(*reasons, f"called common or rare: {words}"),
    )
    return [said]


def _can_bear(page: Page, index: int, claim: Claim) -> bool:
    """Whether the claim stands in a sentence that says something, and names what it is about."""
    sentence = page.sentences[index] if index >= 0 else None
    spoken = sentence is None or bearing.is_bearing(page.article.text, sentence.start, sentence.end)
    return spoken and bearing.is_nameable(claim.phrase, claim.kind)


def _question(kind: Kind, text: str) -> Question:
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


def _flags(text: str, source: SourceType) -> tuple[str, ...]:
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
    known = Wordings.of(themes, said)
    found: list[Evidence] = []
    for article in articles:
        own = by_article.get(article.source.url, [])
        claimed = from_article(article, own, theme_of, studies)
        telling = mentions(article, themes, said, known)
        extra = from_article(
            article,
            conditions.assign([c for _, c in telling], article),
            {c.id: t for t, c in telling},
            studies,
            words_only=True,
        )
        places = {(e.theme, e.quote.start) for e in claimed if e.quote}
        claimed += [
            e for e in extra
            if e.direction != "unclear" and e.quote and (e.theme, e.quote.start) not in places
        ]  # fmt: skip
        found += [*claimed, *_sales_talk(article, claimed)]
    return found


def _sales_talk(article: Article, claimed: Sequence[Evidence]) -> Iterator[Evidence]:
    """Sentences that promote without a name: what they are about is what was promoted before.

    In a block it is what the block sells, wherever in it; elsewhere the last thing sold above.
    """
    told = sentences(article.text)
    taken = {item.quote.start for item in claimed if item.quote}
    sold = sorted(
        ((item.quote.start, item) for item in claimed
         if item.quote and item.quote.part == "text" and item.source_type == "commercial"),
        key=lambda pair: pair[0],
    )  # fmt: skip
    for index, inside in promotions.sales_talk(article.text, article.source.site):
        one = told[index]
        before = [item for start, item in sold if start < one.start]
        after = [item for start, item in sold if start > one.start] if inside else []
        subject = next(iter(before[-1:] or after[:1]), None)
        if subject is None or subject.quote is None or one.start in taken:
            continue
        yield replace(
            subject,
            quote=replace(subject.quote, start=one.start, text=one.text),
            flags=_flags(one.text.translate(CURLY), "commercial"),
            direction="supports",
            reasons=("goes on about what is promoted there", "direction: what is sold is praised"),
        )
