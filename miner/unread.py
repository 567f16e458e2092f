"""Which documents are to be read, beside those whose claims are kept from a former run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crawler.corpus import Corpus
from crawler.documents import Document, Study
from crawler.errors import DamagedDocument
from miner.knowledge import Knowledge, claims_key
from miner.model import Claim

__all__ = ["One", "every_document"]


@dataclass(frozen=True, kw_only=True)
class One:
    """A document that is to be read, or whose claims are stored."""

    url: str
    key: str
    stored: list[Claim] | None = None
    document: Document | None = None
    damage: str = ""
    """Why it cannot be read from the store."""


def every_document(
    corpus: Corpus, knowledge: Knowledge, hashes: Mapping[str, str], version: str
) -> Iterator[tuple[One, Document | None]]:
    """Every document in order, and itself once more where claims are to be read from it."""
    for url, content in hashes.items():
        key = claims_key(content, version)
        stored = knowledge.extracted(url, key)
        if stored is not None:
            yield One(url=url, key=key, stored=stored), None
            continue
        try:
            document, now = _at_hand(corpus, url, content)
        except DamagedDocument as error:
            yield One(url=url, key=key, damage=str(error)), None
            continue
        wanted = None if isinstance(document, Study) else document
        yield One(url=url, key=claims_key(now, version), document=document), wanted


def _at_hand(corpus: Corpus, url: str, content: str) -> tuple[Document | None, str]:
    """A document and the digest of its content, also while a crawl changes it."""
    while True:
        document, now = corpus.get(url), corpus.digest(url)
        if now in (content, None):
            return document, content
        content = now
