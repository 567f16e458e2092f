"""Goes through the stored claims under one policy: as rows, and as texts with their marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Literal

from crawler.corpus import Corpus
from crawler.documents import Document, Thread, part_text
from crawler.hosts import site_of
from miner.counts import votes
from miner.current import Current
from miner.export import words
from miner.export.package import Kept, Mark, Passage, Quotes
from miner.knowledge import Knowledge
from miner.model import Claim, Quote

__all__ = ["Reading", "each"]


def each(
    knowledge: Knowledge,
    only: Collection[str] | None = None,
    *,
    by: Literal["theme", "document"] = "theme",
) -> Iterator[tuple[str, Claim]]:
    """Theme id and claim, as `Knowledge.each_claim`, with what people decided since the run."""
    if not (isinstance(knowledge, Current) and knowledge.since()):
        yield from knowledge.each_claim(only, by=by)
        return
    theme_of = knowledge.theme_of()
    place = {claim: n for theme in knowledge.themes() for n, claim in enumerate(theme.claims)}
    found = [(theme_of[claim.id], claim) for claim in knowledge.claims() if claim.id in theme_of]
    if by == "theme":
        found.sort(key=lambda pair: (pair[0], place.get(pair[1].id, 0), pair[1].id))
    else:
        found.sort(key=lambda pair: (pair[1].quote.document, pair[1].quote.part, pair[1].id))
    yield from (pair for pair in found if only is None or pair[0] in only)


class Reading:
    """Goes through the stored claims, in two orders, under one policy."""

    def __init__(
        self,
        corpus: Corpus,
        knowledge: Knowledge,
        policy: Quotes,
        only: set[str] | None,
        lets: Callable[[Claim], bool] | None = None,
    ) -> None:
        """Reads nothing yet; `lets` says which claims are kept, all without."""
        self.corpus, self.knowledge, self.policy, self.only = corpus, knowledge, policy, only
        self.lets = lets
        # A number says which claims share a thread and not which thread it is.
        self.numbers = {url: number for number, url in enumerate(sorted(corpus.hashes()), 1)}
        self._last: tuple[str, Document | None] = ("", None)
        self._addresses: dict[str, dict[str, str]] = {}
        self._site = lru_cache(maxsize=4096)(lambda url: site_of(url) or "import")

    def each(self, by: Literal["theme", "document"] = "theme") -> Iterator[tuple[str, Claim]]:
        """Theme id and claim of those that are kept."""
        found = each(self.knowledge, self.only, by=by)
        return (pair for pair in found if self.lets is None or self.lets(pair[1]))

    def tally(self) -> Counter[str]:
        """How many claims, authors, kept texts, and kept texts that a search finds."""
        counted: Counter[str] = Counter(claims=0, authors=0, kept=0, findable=0)
        authors = set()
        for _, claim in self.each():
            text = quoted(claim, self.policy)
            counted["claims"] += 1
            counted["kept"] += bool(text)
            counted["findable"] += words.findable(text)
            authors.add(claim.author)
        counted["authors"] = len(authors - {None})
        return counted

    def claims(self) -> Iterator[Kept]:
        """By theme, most typical first."""
        for theme, some in groupby(self.each(), lambda pair: pair[0]):
            of_theme = [claim for _, claim in some]
            stances = {key: vote.stance for vote in votes(of_theme) for key in vote.claims}
            for claim in of_theme:
                yield self._kept(claim, theme, stances.get(claim.id, ""))

    def _kept(self, claim: Claim, theme: str, stance: str) -> Kept:
        policy, quote = self.policy, claim.quote
        full = policy == "full"
        place = self._place(quote) if full or claim.voice != "member" else None
        when = claim.written.isoformat() if claim.written else ""
        return Kept(
            id=claim.id,
            theme=theme,
            kind=claim.kind,
            phrase=words.few(claim.phrase, policy),
            text=quoted(claim, policy),
            means=words.few(claim.means or "", policy),
            verdict=words.few(claim.verdict.text, policy) if claim.verdict else "",
            voice=claim.voice,
            author=claim.author or "",
            site=self._site(quote.document),
            document=quote.document if place else f"thread {self.numbers.get(quote.document, 0)}",
            part=quote.part if place else "",
            url=place or "",
            start=quote.start if full else None,
            end=quote.end if full else None,
            phrase_start=claim.phrase_start if full else None,
            written=when if full or claim.voice != "member" else when[:7],
            stance=stance,
            experiencer=claim.experiencer,
            assertion=claim.assertion,
            outcome=claim.outcome,
            condition=claim.condition or "",
            basis=claim.basis,
            time=claim.time,
            confidence=round(claim.confidence, 4),
            engine=claim.engine,
        )

    def _place(self, quote: Quote) -> str:
        """Where a reader finds the quote; the addresses of a document are looked up once."""
        known = self._addresses.get(quote.document)
        if known is None:
            document = self._document(quote.document)
            known = self._addresses[quote.document] = _addresses(document) if document else {}
        return known.get(quote.part, quote.document)

    def _document(self, url: str) -> Document | None:
        if self._last[0] != url:
            self._last = (url, self.corpus.get(url))
        return self._last[1]

    def passages(self) -> Iterator[Passage]:
        """Texts with their marks, in order of address; none where no words are kept."""
        if self.policy == "none":
            return
        found = self.each(by="document")
        for (url, part), some in groupby(
            found, lambda pair: (pair[1].quote.document, pair[1].quote.part)
        ):
            pairs = sorted(some, key=lambda pair: (pair[1].quote.start, pair[1].id))
            yield from self._passages(url, part, pairs)

    def _passages(
        self, url: str, part: str, pairs: Sequence[tuple[str, Claim]]
    ) -> Iterator[Passage]:
        document = self._document(url) if self.policy == "full" else None
        text = (part_text(document, part) if document else None) or ""
        whole = [pair for pair in pairs if _stands(pair[1].quote, text)]
        here = {claim.id for _, claim in whole}
        if whole:
            yield self._passage(whole[0][1], f"{url}\n{part}", text, whole)
        # Shortened words, and quotes of a text that has changed since it was mined.
        for theme, claim in (pair for pair in pairs if pair[1].id not in here):
            said = quoted(claim, self.policy)
            moved = replace(claim, quote=replace(claim.quote, start=0, text=said))
            yield self._passage(claim, claim.id, said, [(theme, moved)])

    def _passage(
        self, claim: Claim, key: str, text: str, pairs: Sequence[tuple[str, Claim]]
    ) -> Passage:
        site = site_of(claim.quote.document) or "import"
        number = self.numbers.get(claim.quote.document, 0)
        part = f", {claim.quote.part}" if self.policy == "full" else f", {claim.id}"
        when = claim.written.isoformat() if claim.written else ""
        return Passage(
            key=key,
            name=f"{site}, document {number}{part}",
            site=site,
            author=claim.author or "",
            written=when[:10] if self.policy == "full" else when[:7],
            text=text.replace("\r\n", "\n").replace("\r", "\n"),
            marks=tuple(_mark(theme, one, text) for theme, one in pairs),
        )


def quoted(claim: Claim, policy: Quotes) -> str:
    """The quote under the policy."""
    at = max(0, claim.phrase_start - claim.quote.start)
    return words.kept(claim.quote.text, claim.phrase, at, policy)


def _addresses(document: Document) -> dict[str, str]:
    """Address by post; a title or a text is found at the document's own."""
    if not isinstance(document, Thread):
        return {}
    # As `permalink` says, and that looks for one post by going through all.
    url = document.source.url
    return {post.id: post.url or f"{url}#{post.id}" for post in document.posts}


def _stands(quote: Quote, text: str) -> bool:
    return bool(text) and text[quote.start : quote.end] == quote.text


def _mark(theme: str, claim: Claim, text: str) -> Mark:
    """The stretch of a claim in the text once its line ends are single."""
    start, end = (at - text.count("\r\n", 0, at) for at in (claim.quote.start, claim.quote.end))
    said = (claim.outcome, claim.experiencer, claim.assertion, claim.condition)
    return Mark(
        claim=claim.id,
        theme=theme,
        start=start,
        end=end,
        note="; ".join(filter(None, said)),
    )
