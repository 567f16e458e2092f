"""Whether what was concluded is whole: quotes at their places, the caches, the search index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from crawler.corpus import Corpus
from crawler.damage import MOST, Damage
from crawler.documents import Document, part_text
from crawler.errors import StoreError
from crawler.soundness import RESTORE
from miner import caches, mending
from miner.errors import DamagedConclusions
from miner.index import Index
from miner.knowledge import Knowledge

__all__ = ["astray", "damaged_conclusions"]

AGAIN = "`folkgrade mine --force` makes it anew"


def damaged_conclusions(corpus: Corpus, knowledge: Knowledge, *, fresh: bool) -> Iterator[Damage]:
    """What is wrong with the conclusions, caches and index of the last run.

    `fresh`: nothing was collected, decided or set since, so every quote must stand in its post.
    """
    yield from _unreadable(knowledge)
    try:
        run = knowledge.last_run()
    except DamagedConclusions:
        return
    if run is None:
        return
    with suppress(DamagedConclusions):
        for place in islice(astray(corpus, knowledge), MOST) if fresh else ():
            yield Damage(place=place, what="a quote of a claim is not at its place", heal=AGAIN)
    if bad := caches.damaged_vectors(knowledge.engine):
        yield Damage(place="cached vectors", what=f"{bad:,} are damaged", heal=AGAIN)
    index = Index(knowledge.engine)
    mark = index.mark()
    if mark is None or mark.run != run.id:
        yield Damage(place="search index", what="it is not of the last run", heal=AGAIN)
    for what in index.unsound():
        yield Damage(place="search index", what=what, heal=AGAIN)


def _unreadable(knowledge: Knowledge) -> Iterator[Damage]:
    """Rows that cannot be read: decisions, conclusions, and what is kept to be quick."""
    for number in mending.damaged_decisions(knowledge.engine):
        yield Damage(place=f"decision {number}", what="it cannot be read", heal=RESTORE)
    for name, count in mending.unreadable(knowledge.engine).items():
        yield Damage(place=name, what=f"{count:,} of the last run cannot be read", heal=AGAIN)
    for name, count in caches.unreadable(knowledge.engine).items():
        yield Damage(place=f"kept {name}", what=f"{count:,} are damaged", heal=AGAIN)


def astray(corpus: Corpus, knowledge: Knowledge) -> Iterator[str]:
    """Address and part of each claim whose quote is not, word for word, where it says."""
    url, document = "", None
    for _theme, claim in knowledge.each_claim(by="document"):
        quote = claim.quote
        if quote.document != url:
            url, document = quote.document, _stored(corpus, quote.document)
        text = part_text(document, quote.part) if document else None
        if text is None or text[quote.start : quote.end] != quote.text:
            yield f"{url}#{quote.part}"


def _stored(corpus: Corpus, url: str) -> Document | None:
    try:
        return corpus.get(url)
    except StoreError:
        return None  # named with the damage of what was collected
