"""A worker: takes one site after the other that nobody else is at, until all are done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from crawler.database import Engine
from crawler.errors import CrawlerError, LeaseLost, StoreError
from crawler.leases import Lease, Leases
from crawler.sites import Site, bare

__all__ = ["LEASE", "REST", "Worked", "work"]

log = logging.getLogger(__name__)

LEASE = 120.0
"""Seconds after which a silent worker's site goes to another one."""

REST = 3600.0
"""Seconds for which a finished site is not due again."""

CrawlOne = Callable[[Sequence[Site], Engine], None]
"""Collects the sites of one host into the database of the engine, which refuses stale writes.

What it raises ends the worker, but for a CrawlerError that is no StoreError: that is a failed site.
"""


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What a worker did."""

    finished: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    """Reason by site; another worker or a later round may try again."""
    lost: tuple[str, ...] = ()
    """Sites that another worker took over."""


def work(
    sites: Sequence[Site],
    engine: Engine,
    owner: str,
    crawl_one: CrawlOne,
    *,
    seconds: float = LEASE,
    rest: float = REST,
) -> Worked:
    """What was done until every site was: by this worker or by others.

    `owner` names the worker to those who look. A site whose worker dies is taken over once its
    lease of `seconds` ran out; one that failed here is left to others. Raises StoreError where
    the database itself fails.
    """
    leases, by_host = Leases(engine), _by_host(sites)
    finished: list[str] = []
    failed: dict[str, str] = {}
    lost: list[str] = []
    while True:
        left = [host for host in by_host if host not in failed]
        lease = leases.acquire(owner, left, seconds, rest=rest)
        if lease is None:
            if leases.are_done(left, rest=rest):
                return Worked(finished=tuple(finished), failed=failed, lost=tuple(lost))
            time.sleep(seconds / 4)
            continue
        try:
            _crawl(leases, lease, by_host[lease.site], crawl_one)
            finished.append(lease.site)
        except LeaseLost as error:
            log.warning("%s", error)
            lost.append(lease.site)
        except StoreError:
            raise
        except CrawlerError as error:
            failed[lease.site] = str(error)


def _by_host(sites: Sequence[Site]) -> dict[str, list[Site]]:
    """The sites by what is leased: a host, with or without `www.`."""
    found: dict[str, list[Site]] = {}
    for site in sites:
        found.setdefault(bare(site.name), []).append(site)
    return found


def _crawl(leases: Leases, lease: Lease, sites: Sequence[Site], crawl_one: CrawlOne) -> None:
    """Collects the sites while the lease is kept alive, and gives it back however that ends."""
    done = False
    try:
        with _heartbeat(leases, lease):
            crawl_one(sites, leases.fenced(lease))
            leases.guard(lease)
            done = True
    finally:
        leases.release(lease, finished=done)


@contextmanager
def _heartbeat(leases: Leases, lease: Lease) -> Iterator[None]:
    """Renews the lease while the block runs. Once it was lost the next write in the block fails."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(lease.seconds / 4):
            try:
                leases.renew(lease)
            except LeaseLost:
                return
            except StoreError as error:
                # Busy or out of reach: there is time for another try before the lease ends.
                log.warning("%s", error)

    thread = threading.Thread(target=beat, name=f"lease of {lease.site}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
