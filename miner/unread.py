"""Which documents are to be read, beside those whose claims are kept from a former run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crawler.corpus import Corpus
from crawler.database import batches
from crawler.documents import Document, Study
from crawler.errors import DamagedDocument
from miner.knowledge import Knowledge, claims_key
from miner.model import Claim

__all__ = ["One", "every_document"]

TOGETHER = 100
"""Documents whose stored claims are fetched at a time."""


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
    for some in batches(list(hashes), TOGETHER):
        keys = {url: claims_key(hashes[url], version) for url in some}
        stored = knowledge.extracted(keys)
        for url in some:
            if url in stored:
                yield One(url=url, key=keys[url], stored=stored.pop(url)), None
            else:
                yield _unread(corpus, url, hashes[url], version)


def _unread(corpus: Corpus, url: str, content: str, version: str) -> tuple[One, Document | None]:
    try:
        document, now = _at_hand(corpus, url, content)
    except DamagedDocument as error:
        return One(url=url, key=claims_key(content, version), damage=str(error)), None
    wanted = None if isinstance(document, Study) else document
    return One(url=url, key=claims_key(now, version), document=document), wanted


def _at_hand(corpus: Corpus, url: str, content: str) -> tuple[Document | None, str]:
    """A document and the digest of its content, also while a crawl changes it."""
    while True:
        document, now = corpus.get(url), corpus.digest(url)
        if now in (content, None):
            return document, content
        content = now
