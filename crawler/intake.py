"""Files into the store: each document through the door of pseudonyms, one account a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

from crawler.deliver import Delivery, masked_again, opened, sealed
from crawler.documents import Article, Document, Study, Thread
from crawler.errors import DamagedDocument, NotStored, StoreError
from crawler.files import Request, Step, read_paths
from crawler.literature.shelf import Shelf

__all__ = ["Account", "Intake", "Store", "take_in"]

MOST_REASONS = 3
"""Records of one file whose failure is told; of the others the number."""

Added = Literal["new", "changed", "same", "forgotten"]


class Store(Protocol):
    """What taking in needs of `crawler.corpus.Corpus`."""

    def add(self, document: Document) -> Added:
        """Stores a document or a piece of one, and says what that did."""

    def get(self, url: str) -> Document | None:
        """The document of that address."""

    def drop(self, url: str) -> bool:
        """Removes the document of that address."""

    def purge(self, urls: Collection[str]) -> int:
        """Removes what was deleted at the source; says how many posts and documents went."""

    def settle(self, url: str, ids: Collection[str]) -> int:
        """Removes stored posts of a thread that are not among the ids."""


class Names(Protocol):
    """What taking in needs of `crawler.frontier.Frontier`."""

    def names(self, site: str) -> list[bytes]:
        """The user names met at a site, sealed."""

    def gather_names(self, site: str, sealed: bytes) -> None:
        """Remembers them in place of the former ones."""


class Intake:
    """The way into the store for what no crawl brings: the same pseudonyms and masks."""

    def __init__(self, store: Store, names: Names, key: bytes, shelf: Shelf | None = None) -> None:
        """`key` makes the pseudonyms; studies go on the shelf, where each is one paper."""
        self.store = store
        self.shelf = shelf
        self.key = key
        self._names = names
        self._delivery = Delivery(key)
        self._known: dict[str, int] = {}
        # Addresses of all threads of a dump: too many to be held in memory.
        self._taken = tempfile.SpooledTemporaryFile(  # noqa: SIM115 (closed by __exit__)
            2**20, "w+", encoding="utf-8", newline="\n"
        )

    def __enter__(self) -> Intake:
        """Itself; leaving the block remembers the names that were met, and masks them before."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remembers the names, also where the work was interrupted."""
        with self._taken:
            if kind is None:
                self._mask_again()
        for site, count in self._known.items():
            names = self._delivery.names[site]
            if len(names) > count:
                self._names.gather_names(site, sealed(names, self.key))

    def take(self, document: Document) -> Added:
        """What storing the document did, once every name in it is hidden."""
        if isinstance(document, Study) and self.shelf is not None:
            return self.shelf.put(document)[1]
        site = document.source.site
        if site not in self._known:
            names = opened(self._names.names(site), self.key)
            self._delivery.names[site], self._known[site] = names, len(names)
        done = self.store.add(self._delivery.hide(document))
        # Also one that was stored before: by an import that was killed, it was never masked again.
        if isinstance(document, Thread) and done != "forgotten":
            line = site, str(len(self._delivery.names[site])), document.source.url
            self._taken.write("\t".join(" ".join(part.split()) for part in line) + "\n")
        return done

    def _mask_again(self) -> None:
        """Masks names that were met only after a thread that says them was stored."""
        self._taken.seek(0)
        seen = ""
        for line in self._taken:
            site, count, url = line.rstrip("\n").split("\t", 2)
            names = self._delivery.names[site]
            if url == seen or int(count) == len(names):
                continue
            seen = url
            try:
                document = self.store.get(url)
            except DamagedDocument:
                continue
            masked = document and masked_again(document, self.key, names)
            if masked and masked != document:
                self.store.add(masked)


@dataclass(kw_only=True)
class Account:
    """What became of one file."""

    path: Path
    read: int = 0
    size: int = 0
    threads: int = 0
    """Pieces of threads, for a dump may hold one in several."""
    posts: int = 0
    articles: int = 0
    studies: int = 0
    done: dict[str, int] = field(default_factory=dict)
    """How many documents were new, changed, same, forgotten."""
    passed: int = 0
    """Records that could not be read or stored."""
    reasons: list[str] = field(default_factory=list)
    failure: str = ""
    """Why reading the file ended early, or nothing was in it."""
    confidence: float = 1.0
    """Least sureness of the borders between posts."""

    @property
    def documents(self) -> int:
        """Documents and pieces of them that were read."""
        return self.threads + self.articles + self.studies

    def pass_over(self, reason: str) -> None:
        """Counts a record that was not taken."""
        self.passed += 1
        if len(self.reasons) < MOST_REASONS:
            self.reasons.append(reason)

    def take(self, document: Document, done: str) -> None:
        """Counts a document that was taken."""
        self.done[done] = self.done.get(done, 0) + 1
        if isinstance(document, Thread):
            self.threads += 1
            self.posts += len(document.posts)
            self.confidence = min(self.confidence, document.confidence)
        elif isinstance(document, Study):
            self.studies += 1
        else:
            self.articles += 1


def take_in(
    paths: Iterable[Path],
    wanted: Request,
    intake: Intake,
    *,
    own: bool = False,
    progress: Callable[[Account], None] = lambda _: None,
) -> Iterator[Account]:
    """Stores what the files hold; yields the account of each file once it is read.

    A document that cannot be stored is counted and named; raises StoreError where the database
    itself fails.
    """
    at: Account | None = None
    for step in read_paths(paths, wanted):
        if at is None or at.path != step.path:
            if at is not None:
                yield at
            at = Account(path=step.path)
        at.read, at.size = step.read, step.size
        _taken(at, step, intake, own=own)
        progress(at)
    if at is not None:
        yield at


def _taken(at: Account, step: Step, intake: Intake, *, own: bool) -> None:
    if step.failure is not None and step.is_record:
        at.pass_over(str(step.failure))
    elif step.failure is not None:
        at.failure = str(step.failure)
    document = step.document
    if document is None:
        return
    if isinstance(document, Article) and own:
        document = replace(document, own=True)
    try:
        done = intake.take(document)
        if step.is_whole and isinstance(document, Thread):
            intake.store.settle(document.source.url, [post.id for post in document.posts])
        at.take(document, done)
    except (NotStored, DamagedDocument) as error:
        at.pass_over(f"{at.path}: {error}")
    except StoreError:
        raise
    except Exception as error:  # one bad document never ends an import
        at.pass_over(f"{at.path}: not stored ({type(error).__name__})")
