"""What articles say of themes: their own claims, and sentences that name a theme.

Pure: articles, claims and themes in, evidence out. What a sentence says of a claim is
`miner.testimony`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from crawler.documents import Article
from miner.attribution import CURLY
from miner.memory import Memory
from miner.mentions import Wordings, mentions
from miner.model import Claim, Evidence, Theme
from miner.testimony import Known, Testimony, flags
from miner.text import sentences

__all__ = ["from_article", "of_articles"]

# --- evidence ---------------------------------------------------------------------------------


def from_article(
    article: Article,
    claims: Sequence[Claim],
    theme_of: Mapping[str, str],
    studies: Known | None = None,
) -> list[Evidence]:
    """Evidence of one article: one for each theme and sentence that a claim of it belongs to.

    A sentence that cites several studies is one for each; one found in `studies` counts as itself.
    What only names a thing bears evidence on nothing; what names an illness only where it calls it
    common or rare.
    """
    return _of_one(Testimony(article, studies or {}), claims, theme_of)


def _of_one(
    testimony: Testimony,
    claims: Sequence[Claim],
    theme_of: Mapping[str, str],
    *,
    words_only: bool = False,
) -> list[Evidence]:
    """Evidence of one article, which is asked once.

    With `words_only` the direction is what the words say, never what the claim was read as.
    """
    grouped = [claim for claim in claims if claim.id in theme_of]
    found: dict[tuple[str, int, str, str], Evidence] = {}
    for claim, said in zip(grouped, testimony.of(grouped, words_only=words_only), strict=True):
        theme = theme_of[claim.id]
        for item in said:
            start = item.quote.start if item.quote else -1
            key = (theme, start, claim.quote.part, item.study or "")
            own = replace(item, theme=theme)
            found[key] = _firmer(found[key], own) if key in found else own
    return list(found.values())


def _firmer(one: Evidence, other: Evidence) -> Evidence:
    """Of two readings of one sentence the one with a direction; for and against are mixed."""
    said = {one.direction, other.direction} - {"unclear"}
    if len(said) > 1:
        return replace(one, direction="mixed")
    return other if one.direction == "unclear" else one


# --- mentions ---------------------------------------------------------------------------------


def of_articles(
    articles: Iterable[Article],
    claims: Iterable[Claim],
    themes: Sequence[Theme],
    studies: Known | None = None,
    memory: Memory | None = None,
) -> list[Evidence]:
    """Evidence of all articles: from their claims, and from sentences that name a theme.

    A sentence that only names a theme is Evidence where it says which way; one of the extractor's
    claims is Evidence in any case. `memory` spares reading again what an article said of the same
    claim, and changes nothing.
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
        testimony = Testimony(article, studies or {}, memory)
        claimed = _of_one(testimony, by_article.get(article.source.url, []), theme_of)
        telling = mentions(article, known)
        about = testimony.about() if telling else None
        extra = _of_one(
            testimony,
            [replace(claim, condition=about) for _, claim in telling],
            {claim.id: theme for theme, claim in telling},
            words_only=True,
        )
        places = {(e.theme, e.quote.start) for e in claimed if e.quote}
        claimed += [
            e for e in extra
            if e.direction != "unclear" and e.quote and (e.theme, e.quote.start) not in places
        ]  # fmt: skip
        found += [*claimed, *_sales_talk(testimony, claimed)]
    return found


def _sales_talk(testimony: Testimony, claimed: Sequence[Evidence]) -> Iterator[Evidence]:
    """Sentences that promote without a name: what they are about is what was promoted before.

    In a block it is what the block sells, wherever in it; elsewhere the last thing sold above.
    """
    told = sentences(testimony.article.text)
    taken = {item.quote.start for item in claimed if item.quote}
    sold = sorted(
        ((item.quote.start, item) for item in claimed
         if item.quote and item.quote.part == "text" and item.source_type == "commercial"),
        key=lambda pair: pair[0],
    )  # fmt: skip
    for index, inside in testimony.sales_talk():
        one = told[index]
        before = [item for start, item in sold if start < one.start]
        after = [item for start, item in sold if start > one.start] if inside else []
        subject = next(iter(before[-1:] or after[:1]), None)
        if subject is None or subject.quote is None or one.start in taken:
            continue
        yield replace(
            subject,
            quote=replace(subject.quote, start=one.start, text=one.text),
            flags=flags(one.text.translate(CURLY), "commercial"),
            direction="supports",
            reasons=("goes on about what is promoted there", "direction: what is sold is praised"),
        )
