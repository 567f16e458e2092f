"""Looking up subjects at services: each query once, what is known is not asked again.

Every answer is stored as it comes, so that an interrupted run goes on where it stopped. A service
that fails is named with its reason and the others go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import unquote

from crawler.errors import NothingRead, NotStored
from crawler.literature import Service
from crawler.literature.asker import Silent
from crawler.literature.queries import Found, Query, Wanted
from crawler.literature.shelf import Shelf
from crawler.lookups import Lookup, Lookups
from crawler.page import Page

__all__ = ["Report", "Run", "look_up"]

PATIENCE = 3
"""Queries in a row that may fail before a service is left alone for the run."""
_DOI = "https://doi.org/"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Ask(Protocol):
    """What a look-up needs of `crawler.literature.asker.Asker`."""

    def ask(self, service: Service, url: str) -> Page:
        """The answer to a request; raises Silent."""


@dataclass(kw_only=True)
class Report:
    """What a run did so far."""

    asked: int = 0
    """Queries that were answered."""
    known: int = 0
    """Queries whose answer was young enough."""
    studies: Counter[str] = field(default_factory=Counter)
    """Records by what storing them did."""
    retracted: int = 0
    """Papers that a service says were retracted since."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why a service gave no answer, by service; the first reason of each."""
    failed: Counter[str] = field(default_factory=Counter)
    """Queries without an answer, by service."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run over subjects: whom it asks, where it puts things, what it takes for young."""

    services: Sequence[Service]
    asker: Ask
    shelf: Shelf
    lookups: Lookups
    now: datetime
    young: datetime
    """An answer made since then is not asked for again."""
    report: Report = field(default_factory=Report)


def look_up(run: Run, wanted: Sequence[Wanted]) -> Iterator[int]:
    """Asks for everything wanted; yields how many subjects are done, and `run.report` tells.

    Services that only check papers are asked at the end, for the papers of these subjects.
    """
    silent = Counter[str]()
    for done, one in enumerate(wanted):
        yield done
        for service in run.services:
            if service.searches:
                _subject(run, service, one, silent)
    checked = replace(_NOBODY, dois=_unchecked(run, wanted))
    for service in run.services:
        if not service.searches and checked.dois:
            _subject(run, service, checked, silent)
    yield len(wanted)


_NOBODY = Wanted(subject="", condition="", words=(), condition_words=())


def _subject(run: Run, service: Service, wanted: Wanted, silent: Counter[str]) -> None:
    """All queries of one subject at one service."""
    for query in service.queries(wanted):
        known = run.lookups.answered(service.name, query.text, run.young)
        blank = _blank(run, service, wanted, query)
        if known is not None:
            run.report.known += 1
            run.lookups.keep(replace(blank, made=known.made, hits=known.hits, found=known.found))
            continue
        if silent[service.name] >= PATIENCE:
            _fails(run, blank, run.report.failures[service.name])
            continue
        try:
            run.lookups.keep(_asked(run, service, wanted, query, blank))
            run.report.asked += 1
            silent[service.name] = 0
        except (Silent, NothingRead) as error:
            silent[service.name] += PATIENCE if getattr(error, "for_good", False) else 1
            _fails(run, blank, str(error).removeprefix(f"{service.name}: "))


def _blank(run: Run, service: Service, wanted: Wanted, query: Query) -> Lookup:
    return Lookup(
        subject=wanted.subject,
        condition=wanted.condition,
        service=service.name,
        rung=query.rung,
        query=query.text,
        made=run.now,
        hits=None,
    )


def _fails(run: Run, blank: Lookup, reason: str) -> None:
    """Remembers that a query has no answer, and why; a former answer stays, with its date."""
    run.report.failures.setdefault(blank.service, reason)
    run.report.failed[blank.service] += 1
    former = run.lookups.answered(blank.service, blank.query, _EVER)
    if former is None:
        run.lookups.keep(replace(blank, failure=reason))
    else:
        run.lookups.keep(replace(blank, made=former.made, hits=former.hits, found=former.found))


def _asked(run: Run, service: Service, wanted: Wanted, query: Query, blank: Lookup) -> Lookup:
    """The query with its outcome: pages are read until enough records were."""
    url: str | None = query.url
    hits, found = None, list[str]()
    seen = set[str]()
    # The last page of some services leads on to an empty one.
    while url is not None and url not in seen and len(found) < min(wanted.most, _most(hits)):
        seen.add(url)
        page = _read(service, run.asker.ask(service, url))
        hits = page.hits if hits is None else hits
        for study in page.studies[: wanted.most - len(found)]:
            try:
                home, done = run.shelf.put(study)
            except NotStored:
                run.report.studies["left out"] += 1
                continue
            run.report.studies[done] += 1
            found.append(home)
        run.report.retracted += sum(map(run.shelf.retract, page.retracted))
        url = page.onward
    return replace(blank, hits=hits, found=tuple(dict.fromkeys(found)))


def _most(hits: int | None) -> float:
    """How many records there are to read; more than any number where that is not known."""
    return float("inf") if hits is None else hits


def _read(service: Service, page: Page) -> Found:
    """What the answer holds; one that cannot be read at all raises NothingRead."""
    try:
        return service.read(page)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        name = type(error).__name__
        raise NothingRead(f"the answer cannot be read ({name}); its form has changed") from error


def _unchecked(run: Run, wanted: Iterable[Wanted]) -> tuple[str, ...]:
    """DOIs of the papers of these subjects that no young answer was about."""
    subjects = {(one.subject, one.condition) for one in wanted}
    every = run.lookups.every()
    found = {url for one in every if (one.subject, one.condition) in subjects for url in one.found}
    checked = {
        part.removeprefix("doi:")
        for one in every
        if not one.subject and not one.failure and one.made >= run.young
        for part in one.query.split(",")
    }
    dois = {unquote(url.removeprefix(_DOI)) for url in found if url.startswith(_DOI)}
    return tuple(sorted(dois - checked))
