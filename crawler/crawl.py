"""Runs the spider in a process of its own and keeps the store and the frontier in this one.

Documents cross the border pseudonymised. Either process may be stopped or killed at any moment:
what was delivered is stored, and the next crawl goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crawler.deliver import Delivery, Store, opened, sealed
from crawler.documents import Document
from crawler.errors import KeyFileError
from crawler.jobs import Job, Notice, Outcome
from crawler.page import Link
from crawler.report import Report, SiteReport
from crawler.sites import BadSite, Site

if TYPE_CHECKING:
    from crawler.frontier import Frontier
    from crawler.holdings import Keeper
    from crawler.visit import Visit

__all__ = ["crawl", "user_agent"]

PATIENCE = 5.0
"""Seconds a stopped child gets to finish the request at hand."""
PROGRESS_EVERY = 0.2
"""Seconds between two reports of progress."""
MANY_PARCELS = 100
"""Sealed names of a site are gathered into one parcel from so many on."""


def user_agent(version: str, contact: str = "") -> str:
    """How the spider introduces itself."""
    return f"folkgrade/{version} (+{contact})" if contact else f"folkgrade/{version}"


def crawl(  # noqa: PLR0913 (all but two have defaults)
    sites: Sequence[Site],
    store: Store,
    *,
    key: bytes,
    user_agent: str,
    progress: Callable[[SiteReport], None] = lambda _: None,
    frontier: Frontier | None = None,
    raw: Keeper | None = None,
    warc: Path | None = None,
    dry_run: bool = False,
) -> Report:
    """Collects the sites into the store and says how each ended.

    `key` makes the pseudonyms. `frontier` remembers the pages; None takes the one that lies in the
    store's own database, or one that ends with the crawl where the store has none. `raw` keeps the
    answers as they came, and so does `warc`, a web archive. A dry run walks lists only, stores
    nothing, and says what would be asked for. An interrupt (Ctrl-C) stops it cleanly and shows in
    the report. A document the store will not take is a failed page; raises StoreError where the
    database itself fails, KeyFileError where another key sealed what earlier crawls learnt, BadSite
    where a host is given twice and cannot be one site.
    """
    if not sites:
        return Report(sites=())
    sites = _merged(sites)
    frontier = frontier or _frontier_of(store)
    names = _names(frontier, sites, key)
    if dry_run:
        frontier, store = frontier.copy([site.name for site in sites]), _Nothing()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    keeps = raw is not None and not dry_run
    child = multiprocessing.get_context("spawn").Process(
        target=_run,
        args=(theirs, sites, key, names, user_agent, keeps, None if dry_run else warc),
        daemon=True,
    )
    with _stoppable(child) as stopped:
        theirs.close()
        try:
            visits = _opened(sites, store, frontier, key=key, raw=raw, is_dry=dry_run)
            for report in _served(ours, visits, stopped):
                progress(report)
        except BaseException:
            child.kill()
            raise
        finally:
            ours.close()
            _end(child)
        return _concluded(visits, progress, interrupted=bool(stopped))


def _merged(sites: Sequence[Site]) -> tuple[Site, ...]:
    """The sites, those of one host made one: it has one turn, and the longest delay counts."""
    by_name: dict[str, Site] = {}
    for site in sites:
        former = by_name.get(site.name)
        by_name[site.name] = _both(former, site) if former else site
    return tuple(by_name.values())


def _both(one: Site, other: Site) -> Site:
    kinds = [(site.engine, site.own, site.scope, site.selectors) for site in (one, other)]
    if kinds[0] != kinds[1]:
        raise BadSite(f"{one.name} is given twice, as two kinds of site; make it one")
    limits = [site.max_pages for site in (one, other) if site.max_pages is not None]
    return replace(
        one,
        start=one.start + other.start,
        delay=max(one.delay, other.delay),
        max_pages=max(limits) if limits else None,
        audit=max(one.audit, other.audit),
        concurrency=min(one.concurrency, other.concurrency),
        headers={**one.headers, **other.headers},
        keep_pages=one.keep_pages and other.keep_pages,
    )


def _frontier_of(store: Store) -> Frontier:
    from crawler.database import open_database
    from crawler.frontier import Frontier

    return Frontier(getattr(store, "engine", None) or open_database("sqlite://"))


def _names(frontier: Frontier, sites: Sequence[Site], key: bytes) -> dict[str, set[str]]:
    """The user names met in earlier crawls, by site; raises KeyFileError for another key."""
    known = {}
    for site in sites:
        parcels = frontier.names(site.name)
        known[site.name] = opened(parcels, key)
        if not known[site.name]:
            # Of a site that is new the others tell whether the key is still the same.
            _check_key(parcels or frontier.names(None), key)
        if len(parcels) >= MANY_PARCELS:
            frontier.gather_names(site.name, sealed(known[site.name], key))
    return known


def _check_key(parcels: Sequence[bytes], key: bytes) -> None:
    if parcels and not opened(parcels, key):
        raise KeyFileError(
            "the project's key is not the one that sealed its user names; restore that key from a "
            "copy, or begin a new project: another key gives every member a second pseudonym"
        )


def _opened(
    sites: Sequence[Site], store: Store, frontier: Frontier, **more: Any
) -> dict[str, Visit]:
    from crawler.visit import Visit

    return {site.name: Visit(site, store, frontier, **more) for site in sites}


class _Nothing:
    """The store of a dry run: it keeps nothing."""

    def add(self, document: Document) -> Literal["same"]:
        return "same"

    def settle(self, url: str, ids: Collection[str]) -> int:
        return 0

    def purge(self, urls: Collection[str]) -> int:
        return 0

    def get(self, url: str) -> None:
        return None

    def failed(self, url: str, reason: str) -> None:
        pass

    def recovered(self, url: str) -> None:
        pass


def _served(
    wire: Connection, visits: Mapping[str, Visit], stopped: Sequence[int]
) -> Iterator[SiteReport]:
    """Hands out jobs and takes what came of them until every visit is over; yields progress."""
    running = dict(visits)
    told = 0.0
    for visit in visits.values():
        _hand_out(wire, visit, running, stopped)
    while running:
        try:
            what = wire.recv()
        except (EOFError, OSError):
            return
        visit = visits[what.site]
        if isinstance(what, Notice):
            visit.notice(what)
        else:
            visit.take(what)
        _hand_out(wire, visit, running, stopped)
        if isinstance(what, Notice) or time.monotonic() - told >= PROGRESS_EVERY:
            told = time.monotonic()
            yield visit.report()
    with suppress(OSError):
        wire.send(None)


def _hand_out(
    wire: Connection, visit: Visit, running: dict[str, Visit], stopped: Sequence[int]
) -> None:
    """Sends a site's next jobs; a visit that has none and waits for none is over."""
    if stopped:
        return
    room = max(2, 2 * visit.site.at_once)
    jobs = visit.jobs(room)
    if jobs:
        with suppress(OSError):
            wire.send(jobs)
    elif visit.is_over:
        running.pop(visit.site.name, None)


@contextmanager
def _stoppable(child: Any) -> Iterator[list[int]]:
    """Starts the child; while it lasts, Ctrl-C stops the child in place of this process.

    A second one kills it; more change nothing.
    """
    stopped: list[int] = []

    def stop(number: int, _frame: object) -> None:
        (child.kill if stopped else child.terminate)()
        if not stopped:
            late = threading.Timer(PATIENCE, child.kill)
            late.daemon = True  # or it would keep a finished process waiting
            late.start()
        stopped.append(number)

    if threading.current_thread() is not threading.main_thread():
        child.start()
        yield stopped
        return
    with _held_back():  # a Ctrl-C during the start comes when there is a child to stop
        child.start()
        former = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, former)


@contextmanager
def _held_back() -> Iterator[None]:
    """While it lasts an interrupt waits, and a process started in it never gets one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _end(child: Any) -> None:
    child.join(PATIENCE)
    if child.is_alive():
        child.kill()
        child.join()


def _concluded(
    visits: Mapping[str, Visit], progress: Callable[[SiteReport], None], *, interrupted: bool
) -> Report:
    reports, would = list[SiteReport](), list[Link]()
    for visit in visits.values():
        if interrupted:
            visit.cut_off("interrupted", "stopped before its end")
        else:
            visit.cut_off("partial", "the spider ended without a word")
        reports.append(visit.conclude())
        would.extend(visit.would())
        progress(reports[-1])
    return Report(sites=tuple(reports), interrupted=interrupted, would=tuple(would))


class _Wire:
    """The way to the parent, as the child has it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.told: queue.SimpleQueue[Outcome | Notice | None] = queue.SimpleQueue()
        self.speaker = threading.Thread(target=self._speak, daemon=True)
        self.speaker.start()

    def tell(self, what: Outcome | Notice) -> None:
        # Never waits for the parent, which may be busy storing; it holds few jobs at a time.
        self.told.put(what)

    def _speak(self) -> None:
        while (what := self.told.get()) is not None:
            try:
                self.connection.send(what)
            except OSError:
                os._exit(1)  # nobody is left to deliver to

    def close(self) -> None:
        """Says what is left to be said."""
        self.told.put(None)
        self.speaker.join()
        self.connection.close()

    async def jobs(self) -> AsyncIterator[Job]:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[list[Job] | None] = asyncio.Queue()

        def listen() -> None:
            while True:
                try:
                    what = self.connection.recv()
                except (EOFError, OSError):
                    os._exit(1)
                loop.call_soon_threadsafe(waiting.put_nowait, what)
                if what is None:
                    return

        threading.Thread(target=listen, daemon=True).start()
        while (jobs := await waiting.get()) is not None:
            for job in jobs:
                yield job


def _run(
    connection: Connection,
    sites: tuple[Site, ...],
    key: bytes,
    names: Mapping[str, set[str]],
    agent: str,
    keeps: bool,
    warc: Path | None,
) -> None:
    """The child: one crawl of all sites, then the end."""
    if hasattr(os, "setsid"):
        os.setsid()  # so that Ctrl-C in the terminal reaches the parent alone
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger().addHandler(logging.NullHandler())  # the report tells what went wrong
    from scrapy.crawler import AsyncCrawlerProcess

    from crawler.spider import FolkgradeSpider, settings_for
    from crawler.warc import recorded

    settings = settings_for(sites, agent)
    wire = _Wire(connection)
    process = AsyncCrawlerProcess(recorded(settings, warc) if warc else settings)
    process.crawl(
        FolkgradeSpider,
        sites=sites,
        delivery=Delivery(key, names),
        wire=wire,
        raw=keeps,
    )
    process.start()
    wire.close()
