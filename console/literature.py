"""A look-up that is watched: what it asks, how far it is and what came of it are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console

from console.progress import bar
from console.terminal import counted, listed, say
from crawler import literature
from crawler.corpus import Corpus
from crawler.literature import Service
from crawler.literature.asker import Asker
from crawler.literature.lookup import Report, Run, look_up
from crawler.literature.queries import Wanted
from crawler.literature.shelf import Shelf
from crawler.lookups import Lookups

__all__ = ["Looking", "planned_queries"]


def planned_queries(services: Sequence[str], wanted: Sequence[Wanted]) -> list[str]:
    """The queries as they would be sent, each after the service and the kind of study."""
    return [
        f"{service.name} {query.rung}: {query.text}"
        for one in wanted
        for service in map(literature.service, services)
        for query in service.queries(one)
    ]


@dataclass(frozen=True, kw_only=True)
class Looking:
    """Look-ups into one project, shown on a console."""

    services: Sequence[str]
    agent: str
    """How requests say who asks."""
    contact: str
    environment: Mapping[str, str]
    """May hold keys of services."""
    addresses: Mapping[str, str]
    """Mirrors, by service."""
    max_age: float
    """Days for which an answer is young."""
    console: Console

    def look_up(self, corpus: Corpus, wanted: Sequence[Wanted]) -> Report:
        """What asking for everything wanted brought."""
        asker = Asker(
            self.agent,
            contact=self.contact,
            environment=self.environment,
            addresses=self.addresses,
        )
        asked = list(self._able(asker))
        lookups, now = Lookups(corpus.engine), datetime.now(UTC)
        run = Run(
            services=asked,
            asker=asker,
            shelf=Shelf(corpus, lookups),
            lookups=lookups,
            now=now,
            young=now - timedelta(days=self.max_age),
        )
        with bar(self.console) as show:
            for done in look_up(run, wanted):
                found = sum(run.report.studies.values())
                show(f"literature: {counted(found, 'record')}", done, len(wanted), key="literature")
        for line in _told(run.report):
            say(self.console, line)
        return run.report

    def _able(self, asker: Asker) -> Sequence[Service]:
        """The services that can be asked; of the others it is said what they lack."""
        every = [literature.service(name) for name in dict.fromkeys(self.services)]
        for service in every:
            if service.needs_key and not asker.has_key(service):
                say(self.console, f"{service.name}: not asked, it wants a key ({service.key})")
        return [one for one in every if not one.needs_key or asker.has_key(one)]


def _told(report: Report) -> Sequence[str]:
    """What a run did, in lines."""
    asked = f"{counted(report.asked, 'query', 'queries')} asked, {report.known:,} known already"
    lines = [f"{asked}; records: {listed(dict(sorted(report.studies.items()))) or 'none'}"]
    if report.retracted:
        lines.append(f"{counted(report.retracted, 'paper')} retracted since")
    for name, reason in report.failures.items():
        failed = counted(report.failed[name], "query", "queries")
        lines.append(f"{name}: {failed} without an answer ({reason})")
    return lines
