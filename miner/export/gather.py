"""Reads both stores into a `Package`, under a person's choice of themes and of quotes.

The one module of this package that reads anything.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Literal

from crawler.corpus import Corpus, SiteCounts
from crawler.documents import Document, Study, Thread, part_text
from crawler.freshness import Freshness, freshness
from crawler.frontier import Frontier
from crawler.hosts import site_of
from miner.counts import votes
from miner.current import Current
from miner.errors import MinerError, NothingMined
from miner.export import words
from miner.export.package import (
    About,
    Again,
    Datasheet,
    Kept,
    Mark,
    Package,
    Passage,
    Quotes,
    Site,
    Work,
)
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Evidence, Grade, Quote, Theme

__all__ = ["NoSuchTheme", "Wanted", "corpus_texts", "each", "gather"]

REMOVED = (
    "Names of members became keyed pseudonyms before anything was stored; the key is not part of "
    "this export, and nobody is followed from site to site.",
    "Names, e-mail addresses and telephone numbers inside texts were masked. Masking is good, not "
    "perfect.",
    "Avatars, profiles, signatures and private areas were not collected; quoted words of others "
    "count for nobody.",
    "What its author or the site deleted, and what was forgotten on request, is not here.",
)
POLICY: Mapping[Quotes, str] = {
    "none": "Members' words and the addresses, numbers and days of their posts were left out.",
    "short": "Of members' words at most five in a row were kept, and of their posts no address, "
    "number or day.",
    "full": "Members' words are here as they stand at their source: a search engine finds them, "
    "and so their authors. Do not publish them as they are.",
}


class NoSuchTheme(MinerError):
    """No theme of that id."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person chose to export."""

    themes: Sequence[str] = ()
    """Ids, old ones too; all without."""
    quotes: Quotes = "short"
    project: str = ""
    program: str = "Folkgrade"


def gather(corpus: Corpus, knowledge: Knowledge, wanted: Wanted) -> Package:
    """All that the export may say; raises NothingMined or NoSuchTheme."""
    run = knowledge.last_run()
    if run is None:
        raise NothingMined("nothing is mined yet; run `folkgrade mine`")
    themes = _themes(knowledge, wanted)
    ids = {theme.id for theme in themes}
    only = ids if wanted.themes else None
    evidence = tuple(_shown(item, wanted) for item in knowledge.evidence() if item.theme in ids)
    grades = tuple(grade for grade in knowledge.grades() if grade.theme in ids)
    gaps = tuple(gap for gap in knowledge.gaps() if gap.theme in ids)
    disputes = tuple(some for some in knowledge.contradictions() if some.theme in ids)
    reading = _Reading(corpus, knowledge, wanted.quotes, only)
    tally = reading.tally()
    counts = {
        "themes": len(themes),
        "claims": tally["claims"],
        "authors": tally["authors"],
        "evidence": len(evidence),
        "grades": len(grades),
        "gaps": len(gaps),
        "contradictions": len(disputes),
    }
    return Package(
        about=_about(run, wanted, counts, _decided(knowledge)),
        datasheet=Datasheet(
            sites=_sites(corpus),
            removed=(*REMOVED, POLICY[wanted.quotes]),
            findable=tally["findable"],
            kept=tally["kept"],
        ),
        themes=themes,
        claims=Again(reading.claims),
        passages=Again(reading.passages),
        evidence=evidence,
        works=_works(corpus, evidence, {theme.id: theme.name for theme in themes}),
        grades=grades,
        gaps=gaps,
        contradictions=disputes,
        overall=_overall(grades),
    )


def corpus_texts(corpus: Corpus) -> Iterator[str]:
    """Every text of the corpus, one after the other."""
    for document in corpus.documents():
        yield document.title
        for part in _parts(document):
            yield part_text(document, part) or ""


def _parts(document: Document) -> Iterator[str]:
    posts = getattr(document, "posts", None)
    yield from ("text",) if posts is None else (post.id for post in posts)


def _themes(knowledge: Knowledge, wanted: Wanted) -> tuple[Theme, ...]:
    """The themes asked for, most authors first."""
    if not wanted.themes:
        return tuple(_named(theme, wanted.quotes) for theme in knowledge.themes())
    found: dict[str, Theme] = {}
    for key in wanted.themes:
        theme = knowledge.theme(key)
        if theme is None:
            raise NoSuchTheme(f"no theme {key!r}: `folkgrade themes --json` says their ids")
        found[theme.id] = _named(theme, wanted.quotes)
    return tuple(sorted(found.values(), key=lambda theme: (-theme.tally.authors, theme.id)))


def _named(theme: Theme, policy: Quotes) -> Theme:
    """The theme, its name short where quotes are: it is a phrase of a member."""
    return theme if policy == "full" else replace(theme, name=words.few(theme.name, "short"))


def _overall(grades: Iterable[Grade]) -> dict[str, Grade]:
    found: dict[str, Grade] = {}
    for grade in grades:
        if grade.condition is None:
            found.setdefault(grade.theme, grade)
    return found


def _decided(knowledge: Knowledge) -> int:
    """Decisions that no run has followed yet; the export shows what they change."""
    return len(knowledge.since().new) if isinstance(knowledge, Current) else 0


def _about(run: Run, wanted: Wanted, counts: Mapping[str, int], decided: int) -> About:
    filters = {"themes": ", ".join(wanted.themes) or "all", "quotes": wanted.quotes}
    later = {"decisions since the run": str(decided)} if decided else {}
    return About(
        project=wanted.project,
        program=wanted.program,
        run=run.id or 0,
        mined=run.finished,
        settings_hash=run.settings_hash,
        models=dict(sorted(run.models.items())),
        filters=filters | later,
        counts=counts,
    )


def _shown(item: Evidence, wanted: Wanted) -> Evidence:
    """A source with its sentence under the policy; articles and studies are public by address."""
    if item.quote is None or wanted.quotes == "full":
        return item
    if wanted.quotes == "none":
        return replace(item, quote=None, url=item.url or item.quote.document)
    return replace(item, quote=replace(item.quote, text=words.few(item.quote.text, "short")))


# --- the sites ------------------------------------------------------------------------------------


@cache
def _licences() -> dict[str, dict[str, str] | str]:
    return tomllib.loads(files("miner").joinpath("data/licences.toml").read_text("utf-8"))


def _licence(site: SiteCounts) -> str:
    """What is known of the terms of its texts."""
    known = _licences()
    engines, studies = known["engines"], known["studies"]
    assert isinstance(engines, dict)
    assert isinstance(studies, dict)
    said = [str(known["article"])] if site.articles and not site.threads else []
    said += [engines[name] for name in site.engines if name in engines]
    said += [studies[name] for name in site.engines if name in studies]
    if site.site == "import":
        said.append(str(known["import"]))
    return " ".join(dict.fromkeys(said)) or str(known["unknown"])


def _sites(corpus: Corpus) -> tuple[Site, ...]:
    states = {state.site: state for state in freshness(corpus, Frontier(corpus.engine))}
    return tuple(_site(counts, states.get(counts.site)) for counts in corpus.sites())


def _site(counts: SiteCounts, state: Freshness | None) -> Site:
    return Site(
        **{name: getattr(counts, name) for name in _COUNTED},
        off_topic=state.off_topic if state else 0,
        failed=sum(many for _, many in state.failures) if state else 0,
        missing=state.missing if state else 0,
        licence=_licence(counts),
    )


_COUNTED = (
    "site", "engines", "threads", "articles", "studies", "posts", "authors", "first", "last",
    "fetched",
)  # fmt: skip


# --- the studies ----------------------------------------------------------------------------------


def _works(
    corpus: Corpus, evidence: Iterable[Evidence], names: Mapping[str, str]
) -> tuple[Work, ...]:
    """Each study once, in order of its identity."""
    by_study: dict[str, list[Evidence]] = defaultdict(list)
    for item in evidence:
        if item.source_type == "study" and item.title:
            by_study[item.study or item.doi or item.id].append(item)
    return tuple(_work(corpus, key, by_study[key], names) for key in sorted(by_study))


def _work(corpus: Corpus, key: str, items: Sequence[Evidence], names: Mapping[str, str]) -> Work:
    first = items[0]
    place = first.url or (first.quote.document if first.quote else None)
    record = corpus.get(place) if place else None
    about = sorted({names[item.theme] for item in items})
    size = f", {first.n} people" if first.n else ""
    notes = (f"Design: {first.design or 'not known'}{size}.", f"Themes: {', '.join(about)}.")
    found = Work(
        id=key,
        title=first.title,
        year=first.year,
        doi=first.doi,
        pmid=next((n[5:] for n in key.split() if n.startswith("pmid:")), None),
        url=first.url,
        retracted=any("retracted" in item.flags for item in items),
        notes=notes,
    )
    return _recorded(found, record) if isinstance(record, Study) else found


def _recorded(work: Work, record: Study) -> Work:
    """The work with what a literature service says of it."""
    return replace(
        work,
        title=record.title or work.title,
        authors=record.authors,
        journal=record.journal,
        year=record.year or work.year,
        doi=record.doi or work.doi,
        pmid=record.pmid or work.pmid,
        retracted=work.retracted or record.retracted,
    )


# --- the claims -----------------------------------------------------------------------------------


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


class _Reading:
    """Goes through the stored claims, in two orders, under one policy."""

    def __init__(
        self, corpus: Corpus, knowledge: Knowledge, policy: Quotes, only: set[str] | None
    ) -> None:
        self.corpus, self.knowledge, self.policy, self.only = corpus, knowledge, policy, only
        # A number says which claims share a thread and not which thread it is.
        self.numbers = {url: number for number, url in enumerate(sorted(corpus.hashes()), 1)}
        self._last: tuple[str, Document | None] = ("", None)
        self._addresses: dict[str, dict[str, str]] = {}
        self._site = lru_cache(maxsize=4096)(lambda url: site_of(url) or "import")

    def tally(self) -> Counter[str]:
        """How many claims, authors, kept texts, and kept texts that a search finds."""
        counted: Counter[str] = Counter(claims=0, authors=0, kept=0, findable=0)
        authors = set()
        for _, claim in each(self.knowledge, self.only):
            text = _text(claim, self.policy)
            counted["claims"] += 1
            counted["kept"] += bool(text)
            counted["findable"] += words.findable(text)
            authors.add(claim.author)
        counted["authors"] = len(authors - {None})
        return counted

    def claims(self) -> Iterator[Kept]:
        """By theme, most typical first."""
        for theme, some in groupby(each(self.knowledge, self.only), lambda pair: pair[0]):
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
            text=_text(claim, policy),
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
        found = each(self.knowledge, self.only, by="document")
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
            said = _text(claim, self.policy)
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


def _text(claim: Claim, policy: Quotes) -> str:
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
