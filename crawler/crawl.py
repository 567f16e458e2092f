"""Runs the spider in a process of its own and stores what it delivers in this one.

Documents cross the border pseudonymised. The child may be stopped or killed at any moment: what it
delivered is stored, and the next crawl goes on from there.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, Literal

from crawler.deliver import Delivery, Store
from crawler.documents import Document
from crawler.errors import CrawlerError, DamagedDocument, NotStored, StoreError
from crawler.report import Report, SiteReport
from crawler.sites import Site

__all__ = ["crawl", "user_agent"]

PATIENCE = 5.0
"""Seconds a stopped child gets to finish the request at hand."""


def user_agent(version: str, contact: str = "") -> str:
    """How the spider introduces itself."""
    return f"folkgrade/{version} (+{contact})" if contact else f"folkgrade/{version}"


def crawl(
    sites: Sequence[Site],
    store: Store,
    *,
    key: bytes,
    user_agent: str,
    progress: Callable[[SiteReport], None] = lambda _: None,
) -> Report:
    """Collects the sites into the store and says how each ended.

    `key` makes the pseudonyms. An interrupt (Ctrl-C) stops it cleanly and shows in the report.
    A document the store will not take is a failed page; raises StoreError where the database
    itself fails.
    """
    if not sites:
        return Report(sites=())
    sites = _merged(sites)
    started = datetime.now(UTC)
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    child = multiprocessing.get_context("spawn").Process(
        target=_run, args=(theirs, sites, key, user_agent), daemon=True
    )
    child.start()
    theirs.close()
    last: dict[str, SiteReport] = {}
    with _stoppable(child) as stopped:
        try:
            for report in _served(ours, store):
                last[report.site] = report
                progress(report)
        except BaseException:
            child.kill()
            raise
        finally:
            _end(child)
    return _concluded(sites, last, started, interrupted=bool(stopped))


def _merged(sites: Sequence[Site]) -> tuple[Site, ...]:
    """The sites, those of one host made one: it has one turn, and the longest delay counts."""
    by_name: dict[str, Site] = {}
    for site in sites:
        former = by_name.get(site.name)
        by_name[site.name] = _both(former, site) if former else site
    return tuple(by_name.values())


def _both(one: Site, other: Site) -> Site:
    if one.engine != other.engine or one.own != other.own:
        raise CrawlerError(f"{one.name} is given twice, as two kinds of site; make it one")
    limits = [site.max_pages for site in (one, other) if site.max_pages is not None]
    return replace(
        one,
        start=one.start + other.start,
        delay=max(one.delay, other.delay),
        max_pages=max(limits) if limits else None,
    )


def _served(wire: Connection, store: Store) -> Iterator[SiteReport]:
    """Answers the child's calls from the store until it is done; yields its progress."""
    while True:
        try:
            name, args = wire.recv()
        except (EOFError, ConnectionResetError):
            return
        if name == "progress":
            yield args[0]
            continue
        answer = _answer(store, name, args)
        if name in ("add", "stamp"):
            with suppress(BrokenPipeError):
                wire.send(answer)


def _answer(store: Store, name: str, args: tuple[Any, ...]) -> Any:
    """What the store says; for a document it will not take, a NotStored for the child to raise."""
    try:
        return getattr(store, name)(*args)
    except (NotStored, DamagedDocument) as error:
        said = str(error)
    except StoreError:
        raise
    except Exception as error:  # what a page holds must not end the crawl
        said = f"it could not be stored ({type(error).__name__})"
    return NotStored(said) if name == "add" else None


@contextmanager
def _stoppable(child: Any) -> Iterator[list[int]]:
    """While it lasts, Ctrl-C stops the child in place of this process; a second one kills it."""
    stopped: list[int] = []

    def stop(number: int, _frame: object) -> None:
        (child.kill if stopped else child.terminate)()
        if not stopped:
            late = threading.Timer(PATIENCE, child.kill)
            late.daemon = True  # or it would keep a finished process waiting
            late.start()
        stopped.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    former = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, former)


def _end(child: Any) -> None:
    child.join(PATIENCE)
    if child.is_alive():
        child.kill()
        child.join()


def _concluded(
    sites: Sequence[Site], last: dict[str, SiteReport], started: datetime, *, interrupted: bool
) -> Report:
    now = datetime.now(UTC)
    reports = []
    for site in sites:
        report = last.get(site.name) or SiteReport(site=site.name, started=started, finished=now)
        if report.status == "running":
            reason = "stopped before its end" if interrupted else "the spider ended without a word"
            status: Literal["interrupted", "partial"] = "interrupted" if interrupted else "partial"
            report = SiteReport(**{**report.__dict__, "status": status, "reason": reason})
        reports.append(report)
    return Report(sites=tuple(reports), interrupted=interrupted)


class _Wire:
    """The store as the child sees it: calls that travel to the parent."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, document: Document) -> Any:
        answer = self._ask("add", document)
        if isinstance(answer, NotStored):
            raise answer
        return answer

    def stamp(self, url: str) -> Any:
        return self._ask("stamp", url)

    def failed(self, url: str, reason: str) -> None:
        self._tell("failed", url, reason)

    def recovered(self, url: str) -> None:
        self._tell("recovered", url)

    def keep_stamp(self, url: str, stamp: str) -> None:
        self._tell("keep_stamp", url, stamp)

    def progress(self, report: SiteReport) -> None:
        self._tell("progress", report)

    def _tell(self, name: str, *args: Any) -> None:
        try:
            self.connection.send((name, args))
        except OSError:
            os._exit(1)  # nobody is left to deliver to

    def _ask(self, name: str, *args: Any) -> Any:
        self._tell(name, *args)
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            os._exit(1)


def _run(connection: Connection, sites: tuple[Site, ...], key: bytes, agent: str) -> None:
    """The child: one crawl of all sites, then the end."""
    if hasattr(os, "setsid"):
        os.setsid()  # so that Ctrl-C in the terminal reaches the parent alone
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger().addHandler(logging.NullHandler())  # the report tells what went wrong
    from scrapy.crawler import AsyncCrawlerProcess

    from crawler.spider import FolkgradeSpider, settings_for

    wire = _Wire(connection)
    process = AsyncCrawlerProcess(settings_for(sites, agent))
    process.crawl(FolkgradeSpider, sites=sites, delivery=Delivery(wire, key), wire=wire)
    process.start()
    connection.close()
