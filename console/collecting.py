"""Commands that collect: crawl, reparse, parse, import."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console import __version__
from console.exits import ERROR, INTERRUPTED, OK, PARTIAL, REFUSED, leave
from console.flags import Day, FileKind, Json, Own, ProjectFolder
from console.progress import bar, show_file
from console.project import Project, agent, configured, found_project, project_at, site_called
from console.settings import SETTINGS_FILE, BadSettings, SiteSettings
from console.terminal import counted, described, err, listed, shown, tell, told

if TYPE_CHECKING:
    from crawler.page import Page
    from crawler.sites import Site

__all__ = ["collect", "crawl", "import_", "parse", "reparse"]


def crawl(  # noqa: PLR0913, PLR0917
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL…", help="Start addresses; else the settings'."),
    ] = None,
    own: Own = False,
    engine: Annotated[str | None, typer.Option(help="Engine, where looking fails.")] = None,
    max_pages: Annotated[
        int | None, typer.Option(min=0, help="Pages per site; 0: no limit.")
    ] = None,
    inside: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Only threads and articles there; may be repeated."),
    ] = None,
    outside: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="Nothing there; may be repeated.")
    ] = None,
    word: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Only what has one of these words; may be repeated."),
    ] = None,
    since: Annotated[
        Day | None,
        typer.Option(metavar="DAY", formats=["%Y-%m-%d"], help="Only threads with a post since."),
    ] = None,
    until: Annotated[
        Day | None,
        typer.Option(metavar="DAY", formats=["%Y-%m-%d"], help="Only threads opened until."),
    ] = None,
    topic: Annotated[
        bool | None, typer.Option(help="Only what is on injuries; else the settings'.")
    ] = None,
    audit: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of known pages to read again.")
    ] = None,
    keep_pages: Annotated[
        bool | None, typer.Option(help="Keep the answers, sealed, for reparse.")
    ] = None,
    warc: Annotated[
        Path | None,
        typer.Option(help="Also write every answer to this .warc.gz, just as it came: with names."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be asked for.")
    ] = False,
    worker: Annotated[
        bool, typer.Option("--worker", help="Share the sites with other workers of this database.")
    ] = False,
    project: ProjectFolder = None,
) -> None:
    """Collect threads and articles from sites, politely; run again for what is new.

    A crawl that was interrupted goes on where it was.
    """
    from crawler.sites import BadSite

    here = project_at(project)
    asked = tuple(SiteSettings(url=url, own=own, engine=engine) for url in urls or ())
    sites = asked or here.settings.site
    if not sites:
        raise BadSettings(f"no address given, and no [[site]] in {here.folder / SETTINGS_FILE}")
    flags = {
        "max_pages": max_pages,
        "inside": inside,
        "outside": outside,
        "words": word,
        "since": since and since.date(),
        "until": until and until.date(),
        "topic": topic,
        "audit": audit,
        "keep_pages": keep_pages,
    }
    given = {name: value for name, value in flags.items() if value not in (None, [])}
    wanted = [site.model_copy(update=given) for site in sites]
    try:
        code = collect(here, wanted, warc=warc, dry_run=dry_run, worker=worker)
    except BadSite as error:
        if asked:
            raise
        raise BadSettings(f"{SETTINGS_FILE}: site: {error}") from error
    if code in (OK, PARTIAL) and not dry_run:
        tell("Next: folkgrade mine; folkgrade status says what is missing")
    leave(code)


def collect(
    here: Project,
    sites: Sequence[SiteSettings],
    *,
    warc: Path | None = None,
    dry_run: bool = False,
    worker: bool = False,
) -> int:
    """Exit code of a crawl whose progress and outcome were shown."""
    from console.watched import Watched
    from crawler.leases import alone
    from crawler.warc import check

    if warc and not dry_run:
        check(warc.expanduser())
    wanted = [_known(here, configured(site, here.settings.crawl)) for site in sites]
    watched = Watched(vault=here.vault, agent=here.agent, console=err, warc=warc, dry_run=dry_run)
    if worker:
        worked, ended = watched.share(wanted, here.corpus().engine)
        return ERROR if worked.failed else max((_CODES[each] for each in ended), default=OK)
    with alone(here.folder / "data" / "crawl.lock", [site.name for site in wanted]):
        report = watched.collect(wanted, here.corpus())
    for link in report.would:
        typer.echo(shown(link.url))
    return _CODES[report.status]


_CODES = {
    "ok": OK,
    "partial": PARTIAL,
    "refused": REFUSED,
    "unreachable": ERROR,
    "interrupted": INTERRUPTED,
    "running": ERROR,
}


def _known(here: Project, site: Site) -> Site:
    """The site with what its service wants to know of an application."""
    from crawler.accounts import headers_for

    service = headers_for(site.start[0], os.environ, here.agent)
    return replace(site, headers={**service, **site.headers}) if service else site


def reparse(
    site: Annotated[str | None, typer.Option(help="Only pages of this host.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Read the kept pages again, with the engines of today; nothing is asked for."""
    from crawler.frontier import Frontier
    from crawler.reread import reread

    here = project_at(project)
    with here.vault.raw() as raw, here.vault.intake() as intake, bar(err) as show:
        if not raw.count(site):
            tell(
                f"No kept pages{f' of {site}' if site else ''}. They are kept as sites are crawled."
            )
            return
        frontier = Frontier(here.corpus().engine)
        sites = partial(site_called, here)
        for at in reread(raw, intake, frontier, version=__version__, sites=sites, site=site):
            show(f"reading again: {counted(at.posts, 'post')}", at.pages, at.total, key="reparse")
    done = listed(at.done) or "no documents"
    read = f"{counted(at.pages, 'page')}, {counted(at.posts, 'post')}"
    tell(f"{read}: {done}, {counted(at.purged, 'post')} purged")
    for reason, count in at.failures.most_common(8):
        tell(f"  {count:,} × {reason}")
    if at.failures:
        leave(PARTIAL if at.done else ERROR)


def parse(
    page: Annotated[str, typer.Argument(metavar="FILE|URL", help="A saved page, or its address.")],
    url: Annotated[str | None, typer.Option(help="Address a saved page came from.")] = None,
    engine: Annotated[str | None, typer.Option(help="Engine; else the surest.")] = None,
    names: Annotated[bool, typer.Option("--names", help="Show names as they stand.")] = False,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Show what an engine reads from one page; nothing is stored."""
    from crawler.peek import peek
    from crawler.sites import site_of
    from crawler.vault import hiding

    here = found_project(project)
    hide = here.vault.hiding() if here else hiding()
    seen = _one_page(page, url, here)
    site = site_called(here, site_of(seen.url)) if here and site_of(seen.url) else None
    own = (site.engine, site.selectors) if site else (None, None)
    hidden = (lambda document: document) if names else hide
    found = peek(seen, engine or own[0], hidden, None if engine else own[1])
    if as_json:
        typer.echo(json.dumps(found.record(), ensure_ascii=False, indent=1))
        return
    sure = ", ".join(f"{name} {share:.0%}" for name, share in list(found.sure.items())[:4])
    typer.echo(f"{shown(found.url)}\nread by {found.engine} (sure: {sure})")
    for line in described(found.found):
        typer.echo(shown(line))


def _one_page(given: str, url: str | None, here: Project | None) -> Page:
    """The page of a file, or of an address, which is asked for once."""
    from crawler.fetch import fetch
    from crawler.files import open_page

    if not re.match(r"https?://", given, re.I):
        return open_page(Path(given).expanduser(), url, datetime.now(UTC))
    return fetch(given, here.agent if here else agent(""))


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files or folders.")],
    kind: Annotated[FileKind | None, typer.Option(help="Where guessing fails.")] = None,
    own: Own = False,
    url: Annotated[str | None, typer.Option(help="Address a saved page came from.")] = None,
    site: Annotated[str | None, typer.Option(help="Site of a dump that does not say it.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="SUB", help="Only these subreddits of a dump.")
    ] = None,
    project: ProjectFolder = None,
) -> None:
    """Read files: saved pages, pasted texts, mail archives, web archives and dumps of forums."""
    from crawler.files import Homes, Request
    from crawler.intake import take_in

    here = project_at(project)
    corpus = here.corpus()
    wanted = Request(
        fetched=datetime.now(UTC),
        url=url,
        kind=kind.value if kind else None,
        site=site,
        only=frozenset(name.lower().removeprefix("r/") for name in only or ()),
        home=Homes(corpus),
    )
    good = bad = 0
    with bar(err, "bytes") as show, here.vault.intake() as intake:
        progress = partial(show_file, show)
        for account in take_in(files, wanted, intake, own=own, progress=progress):
            for line in told(account):
                tell(line)
            good += bool(account.documents)
            bad += bool(account.failure) or not account.documents
    if bad:
        leave(PARTIAL if good else ERROR)
