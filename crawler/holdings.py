"""What is stored of a site: documents, and the answers they were read from; how both go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from dataclasses import replace
from typing import Protocol

from crawler.deliver import Store, masked_again
from crawler.documents import Article, Document, Post, Thread
from crawler.due import KnownPage
from crawler.errors import DamagedDocument, NotStored, StoreError
from crawler.jobs import Outcome
from crawler.page import Page
from crawler.tally import Tally

__all__ = ["Holdings", "Keeper", "stored"]


class Keeper(Protocol):
    """What keeps answers as they came: `crawler.raw.RawPages`."""

    def keep(self, page: Page, asked: str | None = None) -> None:
        """Keeps one answer, which `asked` may have led to."""

    def drop(self, urls: Iterable[str]) -> int:
        """Takes the answers of these addresses away; says how many there were."""


def stored(store: Store, document: Document) -> tuple[str, str | None]:
    """What storing a document did, or why the store would not take it; raises StoreError.

    Only a database that fails ends the crawl, never what a page holds.
    """
    try:
        return store.add(document), None
    except (NotStored, DamagedDocument) as error:
        return "", str(error)
    except StoreError:
        raise
    except Exception as error:
        return "", f"it could not be stored ({type(error).__name__})"


class Holdings:
    """The store, and what keeps answers, as one visit uses them; every change is counted."""

    def __init__(
        self, store: Store, tally: Tally, *, own: bool, raw: Keeper | None, keeps: bool
    ) -> None:
        """`own`: articles are the user's. `keeps`: new answers are kept, not old ones dropped only.

        Answers stand in `raw`, where there is such.
        """
        self.store, self.tally, self.own = store, tally, own
        self.raw, self.keeps = raw, keeps

    def keep_answers(self, outcome: Outcome) -> None:
        """Keeps the answers of a page as they came."""
        if self.raw is None or not self.keeps:
            return
        # The better form is asked for by its own address, whatever the page's own leads to.
        is_asked = not outcome.form or len(outcome.pages) > 1
        for place, page in enumerate(outcome.pages):
            self.raw.keep(page, outcome.url if is_asked and place == 0 else None)

    def drop_answers(self, rows: Iterable[KnownPage]) -> None:
        """Takes away the answers of pages that are not there any more, for us at least."""
        urls = {url for row in rows for url in (row.url, row.at) if url}
        if self.raw is not None and urls:
            self.raw.drop(sorted(urls))

    def keep(self, documents: Iterable[Document]) -> str | None:
        """Why the store would not take one of the documents; None where it took them all."""
        for document in documents:
            owned = replace(document, own=self.own) if isinstance(document, Article) else document
            done, reason = stored(self.store, owned)
            if reason is not None:
                return reason
            self.tally.stored(owned, done)
        return None

    def purge(self, urls: Iterable[str]) -> None:
        """Takes away what was deleted at the source."""
        self.tally.counts["purged"] += self.store.purge(list(urls))

    def settle(self, thread: str, ids: Collection[str]) -> None:
        """Takes away the posts of a thread that are not among these."""
        self.tally.counts["purged"] += self.store.settle(thread, ids)

    def fails(self, url: str, reason: str) -> None:
        """Puts a page on record as failed; what was stored of it stays."""
        self.tally.fails(reason)
        self.store.failed(url, reason)

    def posts(self, thread: str) -> dict[str, Post]:
        """The stored posts of a thread by id."""
        try:
            document = self.store.get(thread)
        except DamagedDocument:
            return {}
        return {post.id: post for post in document.posts} if isinstance(document, Thread) else {}

    def mask(self, threads: Iterable[str], key: bytes, names: Set[str]) -> None:
        """Masks names in stored threads that were not known yet when these were read."""
        for url in threads:
            try:
                document = self.store.get(url)
            except DamagedDocument:
                continue
            masked = document and masked_again(document, key, names)
            if masked and masked != document:
                stored(self.store, masked)
