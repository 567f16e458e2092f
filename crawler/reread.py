"""Pages that are already there, read as a crawl would read them: kept ones, those of archives.

The rules of the door hold here too: a wall is no page, and what asks not to be indexed is not
stored.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from crawler import engines
from crawler.documents import Article, Document, Thread
from crawler.errors import CrawlerError, DamagedDocument, NothingRead, NotStored
from crawler.frontier import Frontier
from crawler.intake import Intake, Store
from crawler.page import Found, Page
from crawler.politeness import forbids_keeping, wall
from crawler.raw import RawPages
from crawler.sites import Site, site_of

__all__ = ["Reread", "kept", "reread"]

_NOTE_EVERY = 20
"""Pages after which it is noted how far reading came."""
_MARK = "reread"


def kept(page: Page, site: Site | None = None) -> Found:
    """What is on the page and may be stored; raises NothingRead where there is nothing."""
    walled = wall(page)
    if walled:
        raise NothingRead(f"{page.url}: {walled}")
    found = engines.read(page, site.engine, site.selectors) if site else engines.read(page)
    return replace(found, documents=()) if forbids_keeping(page) else found


@dataclass(kw_only=True)
class Reread:
    """How far a second reading is, and what it changed."""

    total: int = 0
    """Pages to be read, those read before an interruption among them."""
    pages: int = 0
    posts: int = 0
    done: Counter[str] = field(default_factory=Counter)
    """How many documents or pieces were new, changed, same, forgotten."""
    purged: int = 0
    """Stored posts that are on none of their thread's pages as they are read now."""
    failures: Counter[str] = field(default_factory=Counter)
    """Pages that could not be read, by reason."""
    resumed: bool = False


def reread(
    raw: RawPages,
    intake: Intake,
    frontier: Frontier,
    *,
    version: str,
    sites: Callable[[str], Site | None] = lambda _: None,
    site: str | None = None,
) -> Iterator[Reread]:
    """Reads kept pages again into the store; yields the account after each page.

    Interrupted, the same program (`version`) goes on where it was. `sites` knows of a
    host how its pages are read and what of them is wanted. Raises StoreError where the database
    itself fails.
    """
    after, seen = _begun(raw, version, site), _Seen()
    account = Reread(total=raw.count(site), resumed=after > 0)
    account.pages = account.total - raw.count(site, after)
    for number, page in raw.numbered(site, after):
        account.pages += 1
        _take(_Sources(raw, intake.store, frontier), intake, account, seen, page, sites)
        if account.pages % _NOTE_EVERY == 0:
            _note(raw, version, site, number)
        yield account
    if not account.resumed:  # the pages read before the interruption are not known any more
        account.purged += _settled(raw, intake, frontier, seen)
    for url in seen.strays():
        intake.store.drop(url)
    raw.note(_mark(site), None)
    yield account


@dataclass(frozen=True)
class _Sources:
    """Where it stands what of a page still counts."""

    raw: RawPages
    store: Store
    frontier: Frontier

    def is_gone(self, page: Page, thread: str) -> bool:
        """Whether the page or its thread is known to be gone at the source."""
        known = self.frontier.pages([page.url]).get(page.url)
        whole = self.frontier.threads([thread]).get(thread)
        return any(each is not None and each.state == "gone" for each in (known, whole))

    def belongs(self, page: Page, thread: str) -> bool:
        """Whether the page is one of those the thread has today."""
        pages = self.frontier.pages_of(thread)
        return any(page.url in (each.url, each.at) for each in pages if each.state != "gone")


def _take(
    sources: _Sources,
    intake: Intake,
    account: Reread,
    seen: _Seen,
    page: Page,
    sites: Callable[[str], Site | None],
) -> None:
    site = sites(site_of(page.url))
    try:
        found = kept(page, site)
    except CrawlerError as error:
        account.failures[str(error).removeprefix(f"{page.url}: ")] += 1
        return
    except Exception as error:  # whatever a page holds, the others are read
        account.failures[f"the page could not be read ({type(error).__name__})"] += 1
        return
    if any(link.role == "better" and link.url in sources.raw for link in found.links):
        return  # a crawl takes the better form of it, and that is here
    account.purged += sources.store.purge(found.gone) if found.gone else 0
    for each in found.documents:
        url = each.source.url
        if seen.is_unwanted(each, site) or sources.is_gone(page, url):
            continue
        document = _owned(sources.store, each, site)
        try:
            done = intake.take(document)
        except (NotStored, DamagedDocument) as error:
            account.failures[str(error)] += 1
            continue
        account.done[done] += 1
        seen.note(url, done)
        if isinstance(document, Thread):
            account.posts += len(document.posts)
            if sources.belongs(page, url):
                seen.add(document)


def _owned(store: Store, document: Document, site: Site | None) -> Document:
    """An article stays whose it was, also where the settings do not name its site."""
    if not isinstance(document, Article):
        return document
    former = store.get(document.source.url)
    was_own = isinstance(former, Article) and former.own
    return replace(document, own=was_own or (site is not None and site.own))


def _settled(raw: RawPages, intake: Intake, frontier: Frontier, seen: _Seen) -> int:
    """How many stored posts went, of threads all of whose pages were read again."""
    gone = 0
    for thread in seen.threads():
        pages = [page for page in frontier.pages_of(thread) if page.state != "gone"]
        if pages and all(page.url in raw or page.at in raw for page in pages):
            gone += intake.store.settle(thread, seen.posts(thread))
    return gone


class _Seen:
    """Ids of the posts that were read, by thread, and what was not wanted."""

    def __init__(self) -> None:
        self._unwanted = set[str]()
        self._new = set[str]()
        self._base = sqlite3.connect("", isolation_level=None)  # on disk where it is much
        self._base.execute("PRAGMA journal_mode=OFF")
        columns = "thread TEXT, post TEXT, PRIMARY KEY (thread, post)"
        self._base.execute(f"CREATE TABLE seen ({columns}) WITHOUT ROWID")

    def is_unwanted(self, document: Document, site: Site | None) -> bool:
        """Whether a document, or the thread it is a piece of, is out of the site's scope."""
        url = document.source.url
        if site and site.scope and not site.scope.keeps(document):
            self._unwanted.add(url)
        return url in self._unwanted

    def note(self, url: str, done: str) -> None:
        """Remembers what storing did."""
        if done == "new":
            self._new.add(url)

    def strays(self) -> set[str]:
        """What came in with a piece that did not tell, before the piece that told it unwanted."""
        return self._new & self._unwanted

    def add(self, thread: Thread) -> None:
        rows = [(thread.source.url, post.id) for post in thread.posts]
        self._base.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)

    def threads(self) -> list[str]:
        rows = self._base.execute("SELECT DISTINCT thread FROM seen")
        return [row[0] for row in rows]

    def posts(self, thread: str) -> list[str]:
        rows = self._base.execute("SELECT post FROM seen WHERE thread = ?", (thread,))
        return [row[0] for row in rows]


def _mark(site: str | None) -> str:
    return f"{_MARK} {site or ''}"


def _begun(raw: RawPages, version: str, site: str | None) -> int:
    """The page behind which an interrupted reading goes on; 0 where none was begun."""
    noted = json.loads(raw.mark(_mark(site)) or "{}")
    return int(noted["at"]) if noted.get("version") == version else 0


def _note(raw: RawPages, version: str, site: str | None, number: int) -> None:
    raw.note(_mark(site), json.dumps({"version": version, "at": number}))
