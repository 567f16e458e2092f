"""The order of the stages. Reads the two stores, calls pure stages, writes one result.

Extracted claims and vectors are kept as they come, so that an interrupted run goes on where it
stopped; the conclusions take the place of the former ones at the very end, all at once.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.corpus import Corpus
from crawler.documents import Article, Document, Thread
from crawler.lookups import Lookups
from miner import (
    conditions,
    contradictions,
    decisions,
    engines,
    evidence,
    former,
    gaps,
    grades,
    inquiries,
    judgements,
    library,
    memory,
    ranking,
    searches,
    stability,
    themes,
)
from miner.caches import prune
from miner.clock import Clock
from miner.coverage import covered
from miner.crews import Crew, Terms, hired
from miner.embed import Vectors, encode_cached, load
from miner.endpoint import Endpoint
from miner.errors import MinerError, TooLarge, Unfinished
from miner.index import BLOCK, Index, made
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Evidence, MemberQuestion, Mined, Theme
from miner.passages import Passage, passages
from miner.readings import ASKED, Asked, Kept, Readings
from miner.shipped import code
from miner.standing import upright
from miner.unread import every_document

__all__ = ["Options", "mine", "unchanged"]

log = logging.getLogger(__name__)

Show = Callable[[str, int, int | None], None]
"""Told of a stage, how much of it is done, and of how much."""

Encode = Callable[[Sequence[str]], Vectors]

RECENT = 2_000
"""Vectors kept at hand: the names of the conditions are compared with many threads."""
ALIKE = themes.Grouping(cut=0.45, guidance=0)
"""How near in meaning questions are that want one answer."""
GROUPING = themes.Grouping(rounds=stability.ROUNDS)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person may choose."""

    embedder: str = "all-MiniLM-L6-v2"
    engine: str = engines.DEFAULT
    min_authors: int = 2
    processes: int = 0
    """So many read at once; 0 for as many as there are cores. It changes no claim."""
    scheduler: str = ""
    """Address of a cluster's scheduler that shares the work; empty for this machine alone."""
    endpoint: Endpoint | None = None
    """What the engine `endpoint` asks."""
    conditions: conditions.Conditions = ()
    """A person's own, before the shipped ones."""

    @property
    def digest(self) -> str:
        """Digest of the choices; where a model is asked, and how much of it, changes no claim."""
        model = self.endpoint.model if self.endpoint else None
        chosen = asdict(replace(self, endpoint=None, processes=0)) | {"endpoint": model}
        del chosen["scheduler"]
        return hashlib.sha256(repr(chosen).encode()).hexdigest()[:12]


def unchanged(corpus: Corpus, knowledge: Knowledge, options: Options) -> bool:
    """Whether a run would conclude just what the last one did."""
    last = knowledge.last_run()
    mark = Index(knowledge.engine).mark()
    return (
        last is not None
        and last.fingerprint == _fingerprint(corpus, knowledge, options)
        and mark is not None
        and mark.run == last.id
    )


def mine(
    corpus: Corpus,
    knowledge: Knowledge,
    options: Options,
    show: Show,
    clock: Clock | None = None,
) -> Run:
    """The run, after its conclusions were stored. Documents that failed are in its `failures`.

    `clock` times the stages; the last, those of storing, are not among the run's own seconds.
    """
    terms = Terms(
        engine=options.engine,
        embedder=options.embedder,
        encoder=load(options.embedder),
        own=options.conditions,
        processes=options.processes,
        scheduler=options.scheduler,
        show=show,
    )
    with hired(terms) as crew:
        return _mine(corpus, upright(knowledge), options, crew, clock or Clock())


def _mine(corpus: Corpus, knowledge: Knowledge, options: Options, crew: Crew, clock: Clock) -> Run:
    """The run, with the steps that can be shared done by a crew."""
    show, encoder = crew.terms.show, crew.terms.encoder
    fingerprint = _fingerprint(corpus, knowledge, options)
    lookups = Lookups(corpus.engine).every()
    decided, back = knowledge.decisions(), former.taken_back(knowledge)
    asked: set[str] = set()
    encode = _remembering(knowledge, crew, asked, clock)
    with clock.stage("claims"):
        reading = _claims(corpus, knowledge, options, encode, crew)
        claims = decisions.corrected(reading.claims, decided)
    with clock.stage("themes"):
        show("themes", 0, 1)
        before = former.before(knowledge, claims, decided, back)
        told = memory.InStore(knowledge.engine, f"{code()} {encoder.name} {GROUPING}")
        grouped = themes.group(claims, encode, before.previous, how=GROUPING, memory=told)
        grouped = themes.apply_decisions(grouped, claims, decided, before.previous)
        show("themes", 1, 1)
    with clock.stage("evidence"):
        show("evidence", 0, 1)
        known = conditions.with_own(options.conditions)
        found, shown, own = _evidence(
            corpus, knowledge, claims, grouped.themes, encode, known, told
        )
        found = judgements.decided(found, decided)
        show("evidence", 1, 1)
    with clock.stage("questions"):
        show("questions asked", 0, 1)
        asked_of = _questions(corpus, knowledge, claims, shown, encode, crew, told)
        show("questions asked", 1, 1)
    with clock.stage("grades"):
        looked = searches.searches(lookups, shown)
        graded = grades.of_themes(shown, found, looked.made, looked.failed)
        graded = decisions.overruled(graded, decided)
    with clock.stage("contradictions"):
        disputed = ranking.ranked(contradictions.find(shown, found, claims), shown, found)
    with clock.stage("gaps"):
        lacking = gaps.find(
            shown,
            graded,
            found,
            claims,
            decisions.without_dismissed(disputed, decided),
            asked_of,
            terms=gaps.Terms(min_authors=options.min_authors, own=bool(own)),
        )
    mined = Mined(
        claims=tuple(claims),
        theme_of={claim: theme.id for theme in shown for claim in theme.claims},
        themes=shown,
        evidence=tuple(found),
        grades=tuple(graded),
        gaps=tuple(lacking),
        contradictions=tuple(disputed),
        events=(*before.events, *grouped.events),
        questions=asked_of,
    )
    with clock.stage("passages"):
        searchable = _searchable(mined, encode, show)
    run = Run(
        started=clock.started,
        finished=datetime.now(UTC),
        # Where something is left, the next run is no repetition.
        fingerprint="" if reading.left or reading.damaged else fingerprint,
        settings_hash=options.digest,
        models={"claims": reading.version, "embedder": encoder.name},
        counts={**_counts(corpus, mined), **reading.used},
        seconds=clock.seconds,
        failures=reading.failures,
        decisions=tuple(decision.id for decision in decided if decision.id is not None),
        own=own,
        grouped=grouped.whole,
    )
    with clock.stage("index"):
        indexed = made(options.embedder, *searchable, partial(show, "search"))
    held = corpus.hashes()

    def index(connection: Any, number: int) -> None:
        with clock.stage("index"):
            indexed(connection, number)

    def tidy(connection: Any, _number: int) -> None:
        with clock.stage("pruning"):
            prune(connection, held, encoder.name, asked)
            told.prune(connection)

    with clock.stage("storing"):
        # One transaction: readers see the run with its index, or the former one with its own.
        return knowledge.replace(run, mined, index, tidy)


def _searchable(
    mined: Mined, encode: Encode, show: Show
) -> tuple[list[Passage], list[str], list[NDArray[np.float16]]]:
    """What can be searched, the distinct meanings in it, and their vectors in blocks."""
    found = passages(mined)
    texts = list(dict.fromkeys(entry.meaning for one in found for entry in one.entries))
    blocks: list[NDArray[np.float16]] = []
    for start in range(0, len(texts), BLOCK):
        show("search", start, len(texts))
        blocks.append(encode(texts[start : start + BLOCK]).astype(np.float16))
    return found, texts, blocks


@dataclass(kw_only=True)
class _Reading:
    """What was read of the documents."""

    version: str
    """Of the engine and the conditions."""
    claims: list[Claim] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    left: int = 0
    """Posts the next run goes on with."""
    damaged: int = 0
    """Documents the store could not give, or the memory not hold; the next run tries them."""
    used: Mapping[str, int] = field(default_factory=dict)
    """What the engine used, such as requests."""


def _claims(
    corpus: Corpus, knowledge: Knowledge, options: Options, encode: Encode, crew: Crew
) -> _Reading:
    """Claims of all documents and what failed; only new content is read."""
    show = crew.terms.show
    extractor = _engine(options, knowledge, show)
    known = conditions.with_own(options.conditions)
    reading = _Reading(version=f"{extractor.version}+{conditions.version(known)}")
    hashes = corpus.hashes()
    documents = every_document(corpus, knowledge, hashes, reading.version)
    with closing(crew.claims(extractor, documents, encode)) as every:
        for done, (one, claims) in enumerate(every):
            show("claims", done, len(hashes))
            found = one.stored
            if one.damage:
                reading.damaged += 1
                reading.failures[one.url] = one.damage
                continue
            if found is None:
                try:
                    found = claims()
                except Unfinished as error:
                    reading.left += error.left
                    reading.failures["endpoint"] = str(error)
                    reading.claims.extend(_placed(error.claims, one.document, encode, known))
                    continue
                except (TooLarge, MemoryError):
                    reading.damaged += 1
                    reading.failures[one.url] = str(TooLarge())
                    continue
                except MinerError:
                    raise
                except Exception as error:
                    # One bad document never ends a run; it is listed with its reason.
                    log.debug("%s", one.url, exc_info=True)
                    reading.failures[one.url] = f"{type(error).__name__}: {error}"
                    continue
                knowledge.keep_extracted(one.url, one.key, found)
            reading.claims.extend(found)
    show("claims", len(hashes), len(hashes))
    reading.used = getattr(extractor, "counts", {})
    if reading.left:
        reading.failures["endpoint"] += (
            f"; posts left: {reading.left:,}; run `folkgrade mine` again"
        )
    return reading


def _engine(options: Options, knowledge: Knowledge, show: Show) -> engines.Engine:
    """The engine chosen, with what it needs."""
    if options.endpoint is None or options.engine != "endpoint":
        return engines.load(options.engine)
    return engines.load(options.engine, endpoint=options.endpoint, memory=knowledge, show=show)


def _placed(
    found: Sequence[Claim],
    document: Document | None,
    encode: Encode,
    known: conditions.Conditions,
) -> list[Claim]:
    """Claims with their conditions."""
    return conditions.assign(found, document, encode, known) if document else []


def _evidence(
    corpus: Corpus,
    knowledge: Knowledge,
    claims: Sequence[Claim],
    found: Sequence[Theme],
    encode: Encode,
    known: conditions.Conditions,
    told: memory.Memory,
) -> tuple[list[Evidence], tuple[Theme, ...], tuple[str, ...]]:
    """What articles and known studies say of the themes; the themes with articles counted.

    The third value is the addresses of the user's own articles.
    """
    own = set[str]()

    def articles() -> Iterator[Article]:
        for item in corpus.documents(list(corpus.hashes("article"))):
            if isinstance(item, Article):
                own.update([item.source.url] * item.own)
                yield item

    readings = Readings(knowledge.engine, f"{code()}+{conditions.version(known)}")
    read = readings.each(
        corpus.hashes("study"), lambda url: next(corpus.documents([url]), None), known
    )
    studies = library.with_read(library.load(), read)
    records = library.by_identifier(studies)
    spoken = evidence.of_articles(articles(), claims, found, records, told)
    places = _told(claims, found, spoken)
    shown = tuple(covered(theme, places[theme.id], own) for theme in found)
    matched = partial(conditions.match, among=known)
    linked = library.link(studies, shown, claims, encode, matched)
    return spoken + linked, shown, tuple(sorted(own))


def _questions(
    corpus: Corpus,
    knowledge: Knowledge,
    claims: Sequence[Claim],
    found: Sequence[Theme],
    encode: Encode,
    crew: Crew,
    told: memory.Memory,
) -> tuple[MemberQuestion, ...]:
    """What members ask, grouped by meaning, with the themes it is about; threads are read once."""

    def asked(urls: Sequence[str]) -> dict[str, Asked]:
        threads = [item for item in corpus.documents(urls) if isinstance(item, Thread)]
        addresses = (thread.source.url for thread in threads)
        return dict(zip(addresses, map(tuple, crew.questions(threads)), strict=True))

    kept = Kept(knowledge.engine, code(), ASKED)
    said = [one for some in kept.each(corpus.hashes("thread"), asked) for one in some]
    theme_of = {claim: theme.id for theme in found for claim in theme.claims}
    linked = inquiries.linked(said, claims, theme_of)
    return inquiries.grouped(linked, encode, partial(themes.partition, how=ALIKE), told)


def _told(
    claims: Sequence[Claim], found: Sequence[Theme], spoken: Sequence[Evidence]
) -> dict[str, set[str]]:
    """Addresses of the articles that speak of each theme: those of its claims and its evidence."""
    place = {claim.id: claim.quote.document for claim in claims if claim.voice == "article"}
    told = {theme.id: {place[c] for c in theme.claims if c in place} for theme in found}
    for item in spoken:
        if item.quote is not None:
            told[item.theme].add(item.quote.document)
    return told


def _remembering(knowledge: Knowledge, crew: Crew, asked: set[str], clock: Clock) -> Encode:
    """The encoder with the store's vectors before it: a text that stays is embedded once ever.

    The texts are noted in `asked`.
    """
    encoder, show = crew.terms.encoder, crew.terms.show
    recent: dict[str, NDArray[np.float32]] = {}

    def encode(texts: Sequence[str]) -> Vectors:
        with clock.stage("vectors"):
            wanted = sorted(set(texts))
            asked.update(wanted)
            known = {text: recent[text] for text in wanted if text in recent}
            known |= knowledge.vectors(encoder.name, [t for t in wanted if t not in known])
            missing = [text for text in wanted if text not in known]
            done = 0
            for new in crew.vectors(missing):
                show("vectors", done, len(missing))
                knowledge.keep_vectors(encoder.name, new)
                known |= new
                done += len(new)
            if len(known) <= RECENT:
                if len(recent) > RECENT:
                    recent.clear()
                recent.update(known)
            return encode_cached(encoder, texts, known)[0]

    return encode


def _counts(corpus: Corpus, mined: Mined) -> dict[str, int]:
    sites = corpus.sites()
    return {
        "threads": sum(site.threads for site in sites),
        "posts": sum(site.posts for site in sites),
        "articles": sum(site.articles for site in sites),
        "claims": len(mined.claims),
        "themes": len(mined.themes),
        "evidence": len(mined.evidence),
        "gaps": len(mined.gaps),
        "questions": len(mined.questions),
        "contradictions": len(mined.contradictions),
    }


def _fingerprint(corpus: Corpus, knowledge: Knowledge, options: Options) -> str:
    """Digest of all that a run's conclusions depend on."""
    digest = hashlib.sha256()
    said = repr((knowledge.decisions(), Lookups(corpus.engine).every()))
    for part in (corpus.fingerprint(), options.digest, code(), said):
        digest.update(part.encode())
    return digest.hexdigest()
