"""The order of the stages. Reads the two stores, calls pure stages, writes one result.

Extracted claims and vectors are kept as they come, so that an interrupted run goes on where it
stopped; the conclusions take the place of the former ones at the very end, all at once.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from crawler.corpus import Corpus
from crawler.documents import Article, Document, Study
from miner import conditions, contradictions, evidence, gaps, grades, library, promotions, themes
from miner.claims import Extractor
from miner.embed import Encoder, Vectors, encode_cached, load
from miner.errors import MinerError
from miner.identity import Previous, former_themes
from miner.knowledge import Knowledge, Run, claims_key
from miner.model import Claim, Evidence, Mined, Theme

__all__ = ["Options", "mine", "unchanged"]

log = logging.getLogger(__name__)

Show = Callable[[str, int, int | None], None]
"""Told of a stage, how much of it is done, and of how much."""

Encode = Callable[[Sequence[str]], Vectors]

CHUNK = 512
"""Texts embedded at a time: what an interruption may cost."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person may choose."""

    embedder: str = "all-MiniLM-L6-v2"
    min_authors: int = 2

    @property
    def digest(self) -> str:
        """Digest of the choices."""
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:12]


def unchanged(corpus: Corpus, knowledge: Knowledge, options: Options) -> bool:
    """Whether a run would conclude just what the last one did."""
    last = knowledge.last_run()
    return last is not None and last.fingerprint == _fingerprint(corpus, knowledge, options)


def mine(corpus: Corpus, knowledge: Knowledge, options: Options, show: Show) -> Run:
    """The run, after its conclusions were stored. Documents that failed are in its `failures`."""
    clock = _Clock()
    fingerprint = _fingerprint(corpus, knowledge, options)
    encoder = load(options.embedder)
    asked: set[str] = set()
    encode = _remembering(knowledge, encoder, show, asked)
    with clock.stage("claims"):
        claims, failures, extractor = _claims(corpus, knowledge, encode, show)
    with clock.stage("themes"):
        show("themes", 0, 1)
        grouped = themes.group(claims, encode, _previous(knowledge))
        grouped = themes.apply_decisions(grouped, claims, knowledge.decisions())
        show("themes", 1, 1)
    with clock.stage("evidence"):
        show("evidence", 0, 1)
        found, shown = _evidence(corpus, claims, grouped.themes, encode)
        show("evidence", 1, 1)
    with clock.stage("grades"):
        graded = grades.of_themes(shown, found)
        disputed = contradictions.find(shown, found, claims)
        least = options.min_authors
        lacking = gaps.find(shown, graded, found, claims, disputed, min_authors=least)
    mined = Mined(
        claims=tuple(claims),
        theme_of={claim: theme.id for theme in shown for claim in theme.claims},
        themes=shown,
        evidence=tuple(found),
        grades=tuple(graded),
        gaps=tuple(lacking),
        contradictions=tuple(disputed),
        events=grouped.events,
    )
    run = Run(
        started=clock.started,
        finished=datetime.now(UTC),
        fingerprint=fingerprint,
        settings_hash=options.digest,
        models={"claims": extractor, "embedder": encoder.name},
        counts=_counts(corpus, mined),
        seconds=clock.seconds,
        failures=failures,
    )
    done = knowledge.replace(run, mined)
    knowledge.prune(corpus.hashes(), encoder.name, asked)
    return done


def _claims(
    corpus: Corpus, knowledge: Knowledge, encode: Encode, show: Show
) -> tuple[list[Claim], dict[str, str], str]:
    """Claims of all documents, what failed, the extractor's version; only new content is read."""
    extractor = Extractor()
    version = f"{extractor.version}+{conditions.version()}"
    hashes, claims, failures = corpus.hashes(), [], {}
    for done, (url, content) in enumerate(hashes.items()):
        show("claims", done, len(hashes))
        key = claims_key(content, version)
        found = knowledge.extracted(url, key)
        if found is None:
            try:
                found = _read(extractor, corpus.get(url), encode)
            except MinerError:
                raise
            except Exception as error:
                # One bad document never ends a run; it is listed with its reason.
                log.debug("%s", url, exc_info=True)
                failures[url] = f"{type(error).__name__}: {error}"
                continue
            knowledge.keep_extracted(url, key, found)
        claims.extend(found)
    show("claims", len(hashes), len(hashes))
    return claims, failures, version


def _read(extractor: Extractor, document: Document | None, encode: Encode) -> list[Claim]:
    """A document's claims with their conditions; of an article also what it promises to sell."""
    if document is None or isinstance(document, Study):
        return []
    found = {claim.id: claim for claim in extractor.extract(document)}
    if isinstance(document, Article):
        found = {claim.id: claim for claim in promotions.claims(document)} | found
    return conditions.assign(list(found.values()), document, encode)


def _evidence(
    corpus: Corpus, claims: Sequence[Claim], found: Sequence[Theme], encode: Encode
) -> tuple[list[Evidence], tuple[Theme, ...]]:
    """What articles and known studies say of the themes; the themes with articles counted."""
    articles = [item for item in corpus.documents() if isinstance(item, Article)]
    studies = library.load()
    spoken = evidence.of_articles(articles, claims, found, library.by_identifier(studies))
    told = _told(claims, found, spoken)
    shown = tuple(replace(theme, articles=len(told[theme.id])) for theme in found)
    return spoken + library.link(studies, shown, claims, encode, conditions.match), shown


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


def _previous(knowledge: Knowledge) -> Previous:
    """The last run's themes, and the ids that redirect."""
    retired = [event.theme for event in knowledge.events() if event.kind in ("died", "merged")]
    return former_themes(knowledge.themes(), knowledge.claims(), retired)


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
        "contradictions": len(mined.contradictions),
    }


def _fingerprint(corpus: Corpus, knowledge: Knowledge, options: Options) -> str:
    """Digest of all that a run's conclusions depend on."""
    digest = hashlib.sha256()
    for part in (corpus.fingerprint(), options.digest, _code(), repr(knowledge.decisions())):
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
