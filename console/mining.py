"""Commands that conclude: mine, literature, forget."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from console.exits import ERROR, OK, PARTIAL, leave
from console.flags import ProjectFolder
from console.keeping import aside
from console.progress import bar
from console.project import Project, options_of, project_at
from console.settings import SETTINGS_FILE, BadSettings
from console.terminal import counted, err, listed, next_step, shown, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.progress import Show
    from crawler.corpus import Corpus
    from miner.knowledge import Knowledge, Run
    from miner.pipeline import Options

__all__ = ["Means", "forget", "literature", "mine", "run_miner"]

_TRIES = 5
"""Times a run begins because somebody was forgotten while it was at work."""


def mine(
    force: Annotated[bool, typer.Option("--force", help="Also where nothing changed.")] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="A first look: word weights alone, many claims missed.")
    ] = False,
    engine: Annotated[
        str | None, typer.Option(help="What reads claims: offline, fast or endpoint.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, max=64, help="Processes of this machine that read; 0: one for each core."
        ),
    ] = None,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Share the work among the workers of a Dask scheduler, as tcp://host:8786 "
            "or tls://host:8786; see docs/cluster.md.",
        ),
    ] = "",
    project: ProjectFolder = None,
) -> None:
    """Find claims, themes, evidence, grades and gaps in what was collected."""
    if workers is not None and scheduler:
        raise typer.BadParameter("--workers are of this machine, --scheduler has its own: give one")
    means = Means(engine="fast" if fast else engine, workers=workers, scheduler=scheduler)
    leave(run_miner(project_at(project), force=force, means=means))


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a run is done with, where the settings are overruled."""

    engine: str | None = None
    workers: int | None = None
    scheduler: str = ""

    def of(self, here: Project) -> Options:
        """The options of the settings, overruled."""
        chosen = replace(options_of(here, self.engine), scheduler=self.scheduler)
        return chosen if self.workers is None else replace(chosen, processes=self.workers)


_MEANS = Means()


def run_miner(here: Project, *, force: bool = False, means: Means = _MEANS) -> int:
    """Exit code of a run of the miner whose progress and outcome were shown."""
    from crawler.errors import DamagedText
    from crawler.locks import one_at_a_time
    from miner.errors import DamagedConclusions
    from miner.mending import drop_unreadable

    base = here.stores()[1].engine
    with one_at_a_time(base, "mine"):
        try:
            return _run_alone(here, force=force, means=means)
        except (DamagedConclusions, DamagedText):
            gone = drop_unreadable(base)
            if not gone:
                raise
            tell(f"{counted(gone, 'damaged row')} of former runs dropped; a new run makes them.")
            return _run_alone(here, force=force, means=means)


def _run_alone(here: Project, *, force: bool, means: Means) -> int:
    """Exit code of a run while no other one is at work."""
    from miner.errors import UnknownPart
    from miner.pipeline import unchanged

    corpus, knowledge = here.stores()
    if not corpus.sites() and knowledge.last_run() is None:
        tell(f"Nothing is collected yet. Next: {next_step(False, False, False)}")
        return OK
    options = means.of(here)
    if not force and unchanged(corpus, knowledge, options):
        tell("Nothing changed since the last run. `folkgrade mine --force` mines all the same.")
        return OK
    if options.endpoint and not options.endpoint.is_local:
        tell(f"Posts are sent to {options.endpoint.site}, names masked, for {options.engine}.")
    if options.scheduler:
        _tell_of_cluster(options.scheduler)
    try:
        with bar(err) as show:
            run = _mined(corpus, knowledge, options, show)
    except UnknownPart as error:
        raise BadSettings(f"{SETTINGS_FILE}, [mine]: {error}") from error
    tell(f"Run {run.id}: {listed(run.counts)}. Next: folkgrade dashboard")
    for url, reason in run.failures.items():
        tell(f"{url}: {reason}")
    return PARTIAL if run.failures else OK


def _tell_of_cluster(address: str) -> None:
    """Says what leaves this machine, and how."""
    from urllib.parse import urlsplit

    from crawler.hosts import is_loopback

    parts = urlsplit(address)
    if parts.hostname and not is_loopback(parts.netloc):
        sealed = parts.scheme in ("tls", "wss")
        how = "encrypted" if sealed else "NOT encrypted: in a network you trust, or with tls://"
        tell(f"Posts are sent to the workers of {address}, names masked, {how}.")


def _mined(corpus: Corpus, knowledge: Knowledge, options: Options, show: Show) -> Run:
    """The run; one that somebody was forgotten in begins anew."""
    from miner.errors import Overtaken
    from miner.pipeline import mine

    for _ in range(_TRIES - 1):
        try:
            return mine(corpus, knowledge, options, show)
        except Overtaken as error:
            if not error.anew:
                raise
            tell(f"{error.reason[0].upper()}{error.reason[1:]}: it begins anew.")
    return mine(corpus, knowledge, options, show)


def literature(
    limit: Annotated[
        int, typer.Option(min=1, help="Pairs of theme and condition, most members first.")
    ] = 30,
    theme: Annotated[
        str | None, typer.Option(help="Only themes of this id, or with this in their name.")
    ] = None,
    condition: Annotated[str | None, typer.Option(help="Only this condition.")] = None,
    since: Annotated[
        int | None, typer.Option(metavar="YEAR", min=1900, max=2100, help="Only studies since.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Only this service; may be repeated.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the queries; nothing is sent.")
    ] = False,
    project: ProjectFolder = None,
) -> None:
    """Ask literature services for studies on the themes; words of the themes are sent to them."""
    from console.literature import Looking, planned_queries
    from crawler.literature import UnknownService
    from miner.conditions import with_own
    from miner.subjects import subjects

    here = project_at(project)
    corpus, knowledge = here.stores()
    knowledge.concluded()
    chosen = here.settings.literature
    found = subjects(
        knowledge.themes(),
        knowledge.claims(),
        theme=theme,
        condition=condition,
        since=since,
        most=chosen.most,
        among=with_own(options_of(here, "offline").conditions),
    )
    wanted = list(islice(found, limit))
    services = service or chosen.services
    try:
        if dry_run:
            typer.echo("\n".join(map(shown, planned_queries(services, wanted))))
            return
        looking = Looking(
            services=services,
            agent=here.agent,
            contact=here.settings.crawl.contact,
            environment=os.environ,
            addresses=chosen.addresses,
            max_age=chosen.max_age,
            console=err,
        )
        report = looking.look_up(corpus, wanted)
    except UnknownService as error:
        if service:
            raise
        raise BadSettings(f"{SETTINGS_FILE}, [literature]: {error}") from error
    if not wanted:
        tell("No theme of several people fits; nothing was asked.")
    if report.failures:
        leave(PARTIAL if report.asked or report.known else ERROR)
    tell("Next: folkgrade mine")


def forget(
    keys: Annotated[
        list[str], typer.Argument(metavar="PSEUDONYM|URL…", help="Whom or what to forget.")
    ],
    project: ProjectFolder = None,
) -> None:
    """Remove authors, posts or documents everywhere, and keep them out."""
    from crawler.database import scrub
    from crawler.frontier import Frontier
    from crawler.unkeep import traces

    here = project_at(project)
    corpus, knowledge = here.stores()
    wanted = list(dict.fromkeys(keys))
    known = {key for key in wanted if corpus.is_out(key)}
    parts = {key: corpus.parts_of(key) for key in wanted}
    # The posts last: while they are there, it is known which pages and words were theirs, and one
    # who was interrupted forgets the rest by the same command.
    pages = here.vault.unkeep(traces(wanted, corpus, Frontier(corpus.engine)))
    claims = {key: _forgotten(knowledge, key, parts[key]) for key in wanted}
    posts = {key: corpus.forget(key) for key in wanted}
    for key in wanted:
        # A run of the miner may have ended in between; from now on none brings it back.
        claims[key] += knowledge.forget(key, parts[key])
    unknown = [key for key in wanted if not posts[key] and not claims[key] and key not in known]
    for key in unknown if len(wanted) > 1 or not pages else ():
        tell(
            f"{key}: nothing of that is stored; it is kept out from now on. "
            "A pseudonym is written in full, such as m_3f9a1c77d2."
        )
    scrub(corpus.engine)
    _tell_of_copy(here)
    for key in wanted:
        if key in known and not posts[key]:
            tell(f"{key}: was forgotten already; nothing of it is stored.")
    if len(unknown) == len(wanted) and not pages:
        leave(ERROR)
        return
    tell(
        f"Forgot {counted(sum(posts.values()), 'post or document', 'posts or documents')}, "
        f"{counted(sum(claims.values()), 'claim')} and {counted(pages, 'kept page')}. "
        "Next: folkgrade mine"
    )


def _forgotten(knowledge: Knowledge, key: str, parts: Sequence[tuple[str, str]]) -> int:
    """How many claims went; what is damaged, so that nobody knows whose it is, goes as well."""
    from miner.errors import DamagedConclusions
    from miner.mending import drop_unreadable

    try:
        return knowledge.forget(key, parts)
    except DamagedConclusions:
        drop_unreadable(knowledge.engine)
        return knowledge.forget(key, parts)


def _tell_of_copy(here: Project) -> None:
    """Says where a damaged database that was put aside still holds what is forgotten."""
    copy = here.file and aside(here.file)
    if copy and copy.exists():
        tell(f"{copy} was put aside by `folkgrade mend` and still holds all of it: delete it.")
