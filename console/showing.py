"""Commands that show what there is: status, themes, gaps, search, dashboard."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from console import proposals
from console.exits import leave
from console.flags import Covered, GapKind, Json, ProjectFolder, SearchMode, ThemeKind
from console.keeping import check
from console.project import Project, options_of, project_at
from console.terminal import (
    counted,
    listed,
    next_step,
    print_freshness,
    print_gaps,
    print_inquiries,
    print_proposals,
    print_sites,
    print_themes,
    tell,
)

__all__ = ["dashboard", "gaps", "search", "serve_pages", "status", "themes"]


def status(
    whole: Annotated[
        bool, typer.Option("--check", help="Look for damage; exit 1 where there is any.")
    ] = False,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Say what is there, how fresh it is, and what to do next."""
    if whole:
        leave(check(project_at(project)))
        return
    from crawler.freshness import freshness
    from crawler.frontier import Frontier
    from miner.pipeline import unchanged

    here = project_at(project)
    corpus, knowledge = here.stores()
    sites, run, failures = corpus.sites(), knowledge.last_run(), corpus.failures()
    states = freshness(corpus, Frontier(corpus.engine))
    fresh = unchanged(corpus, knowledge, options_of(here))
    following = next_step(bool(sites), fresh, any(state.is_due for state in states))
    if as_json:
        record = {
            "project": here.settings.project.name,
            "sites": [asdict(site) for site in sites],
            "freshness": [asdict(state) | {"missing": state.missing} for state in states],
            "failures": [asdict(failure) for failure in failures],
            "run": asdict(run) if run else None,
            "fresh": fresh,
            "next": following,
        }
        typer.echo(json.dumps(record, default=str, ensure_ascii=False, indent=1))
        return
    print_sites(sites)
    print_freshness(states)
    if failures:
        pages = counted(len(failures), "page")
        typer.echo(f"{pages} failed; the dashboard's Sources page says which.")
    if run:
        typer.echo(f"Run {run.id} of {run.finished:%Y-%m-%d %H:%M} UTC: {listed(run.counts)}.")
    typer.echo(f"Next: {following}")


def themes(
    kind: Annotated[ThemeKind | None, typer.Option(help="Only themes of this kind.")] = None,
    min_authors: Annotated[int, typer.Option(min=0, help="Only themes of so many members.")] = 0,
    propose: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Ask the endpoint of the settings what it would call the N themes of most "
            "members; nothing is renamed.",
        ),
    ] = 0,
    adopt: Annotated[
        str, typer.Option(metavar="ID", help="Call this theme by the name proposed for it.")
    ] = "",
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """List themes with members, outcomes, level of evidence and, as JSON, every quote."""
    if adopt:
        leave(proposals.adopt(project_at(project), adopt))
        return
    if propose:
        code, names = proposals.asked(project_at(project), propose, kind.value if kind else None)
        if as_json:
            typer.echo(json.dumps(names, ensure_ascii=False, indent=1))
        else:
            print_proposals(names)
        leave(code)
        return
    from miner.report import theme_records

    with project_at(project).moment() as (corpus, knowledge):
        knowledge.concluded()
        found = [
            theme
            for theme in knowledge.themes(kind.value if kind else None)
            if theme.tally.authors >= min_authors
        ]
        records = theme_records(corpus, knowledge, found)
        if as_json:
            typer.echo(json.dumps(list(records), ensure_ascii=False, indent=1))
            return
        print_themes(records)


def gaps(
    kind: Annotated[
        GapKind | None, typer.Option("--type", help="Only gaps that lack this at all.")
    ] = None,
    covered: Annotated[
        Covered | None,
        typer.Option(help="Only themes in your own articles, in others' only, or in none."),
    ] = None,
    questions: Annotated[
        bool, typer.Option("--questions", help="What people ask instead, grouped by meaning.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """List what people speak of and ask, and articles, studies or answers lack; worst first."""
    from miner.current import Current
    from miner.report import gap_records, inquiry_records

    with project_at(project).moment() as (_, knowledge):
        now = Current(knowledge.engine)
        if questions:
            records = inquiry_records(now)[:limit]
        else:
            found = gap_records(
                now, kind.value if kind else None, covered.value if covered else None
            )
            records = found[:limit]
    if as_json:
        typer.echo(json.dumps(records, ensure_ascii=False, indent=1))
    elif questions:
        print_inquiries(records)
    else:
        print_gaps(records)


def search(
    text: Annotated[str, typer.Argument(metavar="WORDS", help="What to look for.")],
    mode: Annotated[
        SearchMode, typer.Option(help="By words, by meaning or by both.")
    ] = SearchMode.both,
    kind: Annotated[ThemeKind | None, typer.Option(help="Only on themes of this kind.")] = None,
    condition: Annotated[str | None, typer.Option(help="Only on this condition.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many passages to list.")] = 20,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Find what members, articles and studies say, by words and by meaning."""
    from console.hits import look_for, print_hits
    from miner.search import Asked, Facet

    given: dict[Facet, str | None] = {"kind": kind and kind.value, "condition": condition}
    chosen = {facet: value for facet, value in given.items() if value}
    with project_at(project).moment() as (_, knowledge):
        names = {theme.id: theme.name for theme in knowledge.themes()}
        asked = Asked(text=text, mode=mode.value, chosen=chosen)
        records, why = look_for(knowledge.engine, names, asked, limit)
    if why:
        tell(f"Only words were looked for: {why}")
    if as_json:
        typer.echo(json.dumps(records, ensure_ascii=False, indent=1))
        return
    print_hits(records)
    if not records:
        tell("Nothing was found.")


def dashboard(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Nothing can be changed: no page Review.")
    ] = False,
    project: ProjectFolder = None,
) -> None:
    """Open the dashboard on this machine until Ctrl-C."""
    here = project_at(project)
    here.stores(read_only=read_only)
    serve_pages(here, port or here.settings.dashboard.port, read_only=read_only)


SECRETS = "secrets.toml"
"""File of a project's folder with the provider that a team logs in with."""


def serve_pages(here: Project, port: int, *, read_only: bool = False) -> None:
    """Runs the dashboard until it ends or Ctrl-C, on that port or the next free one."""
    from dashboard.serve import Door, free_port, start

    wanted, secrets = here.settings.dashboard, here.folder / SECRETS
    door = Door(
        hosts=wanted.hosts,
        path=wanted.path,
        secrets=secrets if secrets.is_file() else None,
        login=wanted.login,
        reviewers=wanted.reviewers,
        name=here.settings.project.name,
    )
    server = start(here.database, free_port(port), read_only=read_only, door=door)
    try:
        tell(f"Dashboard: {server.address}   (Ctrl-C ends it)")
        server.process.wait()
    except KeyboardInterrupt:
        tell("Dashboard ended.")
    finally:
        server.stop()
