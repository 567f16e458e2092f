"""The order of the stages. Reads the two stores, calls pure stages, writes one result.

Extracted claims and vectors are kept as they come, so that an interrupted run goes on where it
stopped; the conclusions take the place of the former ones at the very end, all at once.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crawler.corpus import Corpus
from crawler.documents import Article, Document, Study, Thread
from crawler.lookups import Lookups
from miner import (
    asking,
    conditions,
    contradictions,
    decisions,
    engines,
    evidence,
    gaps,
    grades,
    inquiries,
    judgements,
    library,
    promotions,
    ranking,
    searches,
    stability,
    themes,
    undoing,
)
from miner.coverage import covered
from miner.embed import Encoder, Vectors, encode_cached, load
from miner.endpoint import Endpoint
from miner.errors import MinerError, Unfinished
from miner.identity import Previous, fates, former_themes
from miner.index import BLOCK, Index
from miner.knowledge import Knowledge, Run, claims_key
from miner.model import Claim, Decision, Evidence, MemberQuestion, Mined, Theme, ThemeEvent
from miner.passages import Passage, passages
from miner.readers import Readers, cores
from miner.readings import Readings

__all__ = ["Options", "mine", "unchanged"]

log = logging.getLogger(__name__)

Show = Callable[[str, int, int | None], None]
"""Told of a stage, how much of it is done, and of how much."""

Encode = Callable[[Sequence[str]], Vectors]

ALIKE = themes.Grouping(cut=0.45, guidance=0)
"""How near in meaning questions are that want one answer."""
GROUPING = themes.Grouping(rounds=stability.ROUNDS)
CHUNK = 512
"""Texts embedded at a time: what an interruption may cost."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person may choose."""

    embedder: str = "all-MiniLM-L6-v2"
    engine: str = engines.DEFAULT
    min_authors: int = 2
    processes: int = 0
    """So many read at once; 0 for as many as there are cores. It changes no claim."""
    endpoint: Endpoint | None = None
    """What the engine `endpoint` asks."""
    conditions: conditions.Conditions = ()
    """A person's own, before the shipped ones."""

    @property
    def digest(self) -> str:
        """Digest of the choices; where a model is asked, and how much of it, changes no claim."""
        model = self.endpoint.model if self.endpoint else None
        chosen = asdict(replace(self, endpoint=None, processes=0)) | {"endpoint": model}
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


def mine(corpus: Corpus, knowledge: Knowledge, options: Options, show: Show) -> Run:
    """The run, after its conclusions were stored. Documents that failed are in its `failures`."""
    clock = _Clock()
    fingerprint = _fingerprint(corpus, knowledge, options)
    encoder = load(options.embedder)
    lookups = Lookups(corpus.engine).every()
    decided, back = knowledge.decisions(), _taken_back(knowledge)
    asked: set[str] = set()
    encode = _remembering(knowledge, encoder, show, asked)
    with clock.stage("claims"):
        reading = _claims(corpus, knowledge, options, encode, show)
        claims = decisions.corrected(reading.claims, decided)
    with clock.stage("themes"):
        show("themes", 0, 1)
        before = _before(knowledge, decided, back)
        grouped = themes.group(claims, encode, before.previous, how=GROUPING)
        grouped = themes.apply_decisions(grouped, claims, decided, before.previous)
        show("themes", 1, 1)
    with clock.stage("evidence"):
        show("evidence", 0, 1)
        known = conditions.with_own(options.conditions)
        found, shown, own = _evidence(corpus, knowledge, claims, grouped.themes, encode, known)
        found = judgements.decided(found, decided)
        show("evidence", 1, 1)
    with clock.stage("questions"):
        show("questions asked", 0, 1)
        asked_of = _questions(corpus, claims, shown, encode)
        show("questions asked", 1, 1)
    with clock.stage("grades"):
        looked = searches.searches(lookups, shown)
        graded = grades.of_themes(shown, found, looked.made, looked.failed)
        graded = decisions.overruled(graded, decided)
        disputed = ranking.ranked(contradictions.find(shown, found, claims), shown, found)
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
    with clock.stage("search"):
        searchable = _searchable(mined, encode, show)
    run = Run(
        started=clock.started,
        finished=datetime.now(UTC),
        # Where posts are left, the next run is no repetition.
        fingerprint="" if reading.left else fingerprint,
        settings_hash=options.digest,
        models={"claims": reading.version, "embedder": encoder.name},
        counts={**_counts(corpus, mined), **reading.used},
        seconds=clock.seconds,
        failures=reading.failures,
        decisions=tuple(decision.id for decision in decided if decision.id is not None),
        own=own,
        grouped=grouped.whole,
    )
    done = knowledge.replace(run, mined)
    index = Index(knowledge.engine)
    index.replace(done.id or 0, options.embedder, *searchable, partial(show, "search"))
    knowledge.prune(corpus.hashes(), encoder.name, asked)
    return done


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
    used: Mapping[str, int] = field(default_factory=dict)
    """What the engine used, such as requests."""


def _claims(
    corpus: Corpus, knowledge: Knowledge, options: Options, encode: Encode, show: Show
) -> _Reading:
    """Claims of all documents and what failed; only new content is read."""
    extractor = _engine(options, knowledge, show)
    known = conditions.with_own(options.conditions)
    reading = _Reading(version=f"{extractor.version}+{conditions.version(known)}")
    hashes = corpus.hashes()
    processes = 1 if options.engine == "endpoint" else options.processes or cores()
    with Readers(options.engine, extractor, processes) as readers:
        documents = _documents(corpus, knowledge, hashes, reading.version)
        for done, (one, claims) in enumerate(readers.each(documents)):
            show("claims", done, len(hashes))
            found = one.stored
            if found is None:
                try:
                    found = _read(claims, one.document, encode, known)
                except Unfinished as error:
                    reading.left += error.left
                    reading.failures["endpoint"] = str(error)
                    reading.claims.extend(_placed(error.claims, one.document, encode, known))
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


@dataclass(frozen=True, kw_only=True)
class _One:
    """A document that is to be read, or whose claims are stored."""

    url: str
    key: str
    stored: list[Claim] | None = None
    document: Document | None = None


def _documents(
    corpus: Corpus, knowledge: Knowledge, hashes: Mapping[str, str], version: str
) -> Iterator[tuple[_One, Document | None]]:
    """Every document in order, and itself once more where claims are to be read from it."""
    for url, content in hashes.items():
        key = claims_key(content, version)
        stored = knowledge.extracted(url, key)
        if stored is not None:
            yield _One(url=url, key=key, stored=stored), None
        else:
            document = corpus.get(url)
            wanted = None if isinstance(document, Study) else document
            yield _One(url=url, key=key, document=document), wanted


def _read(
    claims: Callable[[], list[Claim]],
    document: Document | None,
    encode: Encode,
    known: conditions.Conditions,
) -> list[Claim]:
    """A document's claims with their conditions; of an article also what it promises to sell."""
    found = {claim.id: claim for claim in claims()}
    if isinstance(document, Article):
        found = {claim.id: claim for claim in promotions.claims(document)} | found
    return _placed(tuple(found.values()), document, encode, known)


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
) -> tuple[list[Evidence], tuple[Theme, ...], tuple[str, ...]]:
    """What articles and known studies say of the themes; the themes with articles counted.

    The third value is the addresses of the user's own articles.
    """
    written = corpus.documents(list(corpus.hashes("article")))
    articles = [item for item in written if isinstance(item, Article)]
    readings = Readings(knowledge.engine, f"{_code()}+{conditions.version(known)}")
    read = readings.each(
        corpus.hashes("study"), lambda url: next(corpus.documents([url]), None), known
    )
    studies = library.with_read(library.load(), read)
    spoken = evidence.of_articles(articles, claims, found, library.by_identifier(studies))
    told = _told(claims, found, spoken)
    own = {item.source.url for item in articles if item.own}
    shown = tuple(covered(theme, told[theme.id], own) for theme in found)
    matched = partial(conditions.match, among=known)
    linked = library.link(studies, shown, claims, encode, matched)
    return spoken + linked, shown, tuple(sorted(own))


def _questions(
    corpus: Corpus, claims: Sequence[Claim], found: Sequence[Theme], encode: Encode
) -> tuple[MemberQuestion, ...]:
    """What members ask, grouped by meaning, with the themes it is about."""
    written = corpus.documents(list(corpus.hashes("thread")))
    threads = (item for item in written if isinstance(item, Thread))
    said = [one for thread in threads for one in asking.questions(thread)]
    theme_of = {claim: theme.id for theme in found for claim in theme.claims}
    linked = inquiries.linked(said, claims, theme_of)
    return inquiries.grouped(linked, encode, partial(themes.partition, how=ALIKE))


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


def _remembering(knowledge: Knowledge, encoder: Encoder, show: Show, asked: set[str]) -> Encode:
    """The encoder with the store's vectors before it: a text that stays is embedded once ever.

    The texts are noted in `asked`.
    """

    def encode(texts: Sequence[str]) -> Vectors:
        wanted = sorted(set(texts))
        asked.update(wanted)
        known = knowledge.vectors(encoder.name, wanted)
        missing = [text for text in wanted if text not in known]
        for start in range(0, len(missing), CHUNK):
            show("vectors", start, len(missing))
            some = missing[start : start + CHUNK]
            _, new = encode_cached(encoder, some, {})
            knowledge.keep_vectors(encoder.name, new)
            known |= new
        return encode_cached(encoder, texts, known)[0]

    return encode


def _taken_back(knowledge: Knowledge) -> list[Decision]:
    """Decisions the last run followed that were taken back since."""
    last = knowledge.last_run()
    followed = set(last.decisions) if last else set()
    return [k.decision for k in knowledge.history() if k.undone and k.decision.id in followed]


@dataclass(frozen=True, kw_only=True)
class _Before:
    """The last run's themes without what was taken back since, and what that did to ids."""

    previous: Previous
    events: tuple[ThemeEvent, ...]


def _before(knowledge: Knowledge, decided: Sequence[Decision], back: Sequence[Decision]) -> _Before:
    known, stored, last = knowledge.claims(), knowledge.themes(), knowledge.last_run()
    gone = fates(knowledge.events(), {theme.id for theme in stored})
    left, events = undoing.taken_back(stored, known, back, gone.merged)
    fate = fates([*knowledge.events(), *events], {theme.id for theme in left})
    undone = [kept.decision for kept in knowledge.history() if kept.undone]
    previous = former_themes(
        undoing.without_newcomers(left, back, gone.merged),
        known,
        fate,
        held=decisions.shaped(decided, undone),
        placed=decisions.placed(decided),
        whole=last.grouped if last else None,
    )
    return _Before(previous=previous, events=events)


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
    for part in (corpus.fingerprint(), options.digest, _code(), said):
        digest.update(part.encode())
    return digest.hexdigest()


@cache
def _code() -> str:
    """Digest of the miner's own code, data and weights."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(here.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".md"):
            digest.update(path.relative_to(here).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time its block takes."""
        before = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - before, 2)
