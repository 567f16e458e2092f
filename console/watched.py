"""A crawl that is watched: its progress and its outcome are shown as it goes."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from rich.console import Console

from console.progress import bar, show_site
from console.terminal import planned, say, summary
from crawler.corpus import Corpus, SiteVisit
from crawler.crawl import crawl
from crawler.database import Engine
from crawler.report import Report, SiteReport, Status
from crawler.sites import Site
from crawler.vault import Vault
from crawler.work import Worked, work

__all__ = ["Watched"]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Crawls into one project, shown on a console."""

    vault: Vault
    agent: str
    """How requests say who asks."""
    console: Console
    warc: Path | None = None
    dry_run: bool = False

    def collect(self, sites: Sequence[Site], corpus: Corpus) -> Report:
        """How a crawl of these sites into this store went."""
        keeps = not self.dry_run and any(site.keep_pages for site in sites)
        with (
            self.vault.raw() if keeps else nullcontext() as raw,
            bar(self.console, "pages") as show,
        ):
            report = crawl(
                sites,
                corpus,
                key=self.vault.key(),
                user_agent=self.agent,
                progress=partial(show_site, show),
                raw=raw,
                warc=self.warc and self.warc.expanduser().resolve(),
                dry_run=self.dry_run,
            )
        for site in report.sites:
            if not self.dry_run:
                corpus.visited(_visit(site))
            for line in planned(site, report.would) if self.dry_run else summary(site):
                say(self.console, line)
        return report

    def share(self, sites: Sequence[Site], engine: Engine) -> tuple[Worked, list[Status]]:
        """What a worker did beside others like it, and how each of its crawls ended."""
        ended: list[Status] = []

        def crawl_one(some: Sequence[Site], engine: Engine) -> None:
            report = self.collect(some, Corpus(engine))
            if report.interrupted:
                raise KeyboardInterrupt
            ended.append(report.status)

        worked = work(sites, engine, f"{socket.gethostname()}:{os.getpid()}", crawl_one)
        for site, reason in worked.failed.items():
            say(self.console, f"{site}: {reason}")
        for site in worked.lost:
            say(self.console, f"{site}: another worker took it over")
        return worked, ended


def _visit(site: SiteReport) -> SiteVisit:
    return SiteVisit(**{field.name: getattr(site, field.name) for field in fields(SiteVisit)})
