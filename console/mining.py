"""Commands that conclude: mine, literature, forget."""

from __future__ import annotations

import os
from itertools import islice
from typing import Annotated

import typer

from console.exits import ERROR, OK, PARTIAL, leave
from console.flags import ProjectFolder
from console.progress import bar
from console.project import Project, options_of, project_at
from console.settings import SETTINGS_FILE, BadSettings
from console.terminal import err, next_step, shown, tell

__all__ = ["forget", "literature", "mine", "run_miner"]


def mine(
    force: Annotated[bool, typer.Option("--force", help="Also where nothing changed.")] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="A first look: word weights alone, many claims missed.")
    ] = False,
    engine: Annotated[
        str | None, typer.Option(help="What reads claims: offline, fast or endpoint.")
    ] = None,
    project: ProjectFolder = None,
) -> None:
    """Find claims, themes, evidence, grades and gaps in what was collected."""
    leave(run_miner(project_at(project), force=force, engine="fast" if fast else engine))


def run_miner(here: Project, *, force: bool = False, engine: str | None = None) -> int:
    """Exit code of a run of the miner whose progress and outcome were shown."""
    from miner.errors import UnknownPart
    from miner.pipeline import mine, unchanged

    corpus, knowledge = here.stores()
    if not corpus.sites() and knowledge.last_run() is None:
        tell(f"Nothing is collected yet. Next: {next_step(False, False, False)}")
        return OK
    options = options_of(here, engine)
    if not force and unchanged(corpus, knowledge, options):
        tell("Nothing changed since the last run. `folkgrade mine --force` mines all the same.")
        return OK
    if options.endpoint and not options.endpoint.is_local:
        tell(f"Posts are sent to {options.endpoint.site}, names masked, for {options.engine}.")
    try:
        with bar(err) as show:
            run = mine(corpus, knowledge, options, show)
    except UnknownPart as error:
        raise BadSettings(f"{SETTINGS_FILE}, [mine]: {error}") from error
    counted = ", ".join(f"{count} {name}" for name, count in run.counts.items())
    tell(f"Run {run.id}: {counted}. Next: folkgrade dashboard")
    for url, reason in run.failures.items():
        tell(f"{url}: {reason}")
    return PARTIAL if run.failures else OK


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
    """Ask literature services for studies on the themes; the one command that sends words out."""
    from console.literature import Looking, planned_queries
    from crawler.literature import UnknownService
    from miner.conditions import with_own
    from miner.errors import NothingMined
    from miner.subjects import subjects

    here = project_at(project)
    corpus, knowledge = here.stores()
    if knowledge.last_run() is None:
        raise NothingMined("nothing is mined yet; run `folkgrade mine`")
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
    found = traces(wanted, corpus, Frontier(corpus.engine))
    # Conclusions first: while the posts are there, it is known which words were theirs.
    claims = {key: knowledge.forget(key, corpus.parts_of(key)) for key in wanted}
    posts = {key: corpus.forget(key) for key in wanted}
    pages = here.vault.unkeep(found)
    unknown = [key for key in wanted if not posts[key] and not claims[key]]
    for key in unknown if len(wanted) > 1 or not pages else ():
        tell(
            f"{key}: nothing of that is stored; it is kept out from now on. "
            "A pseudonym is written in full, such as m_3f9a1c77d2."
        )
    scrub(corpus.engine)
    if len(unknown) == len(wanted) and not pages:
        leave(ERROR)
        return
    tell(
        f"Forgot {sum(posts.values())} posts or documents, {sum(claims.values())} claims and "
        f"{pages} kept pages. Next: folkgrade mine"
    )
