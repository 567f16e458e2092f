"""Commands to begin with: init, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.collecting import collect
from console.exits import ERROR, OK, leave
from console.mining import run_miner
from console.project import Project, make_project
from console.settings import SETTINGS_FILE, SiteSettings
from console.showing import serve_pages
from console.terminal import tell

__all__ = ["demo", "init"]

DEMO_PORT = 8740
"""First of the ports the demo sites are served on: fixed, so that their addresses stay."""


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")] = Path(),
    name: Annotated[str | None, typer.Option(help="Name of the project.")] = None,
) -> None:
    """Make a project folder: settings and a place for the data."""
    there = (folder / SETTINGS_FILE).exists()
    path = make_project(folder, name)
    if there:
        tell(f"{path} is already there and stays as it is.")
        return
    tell(f"Made {path}. Next: cd {folder} && folkgrade crawl URL, or folkgrade import FILE")


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Load every page, then stop; exit 0 if all is well.")
    ] = False,
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo project is made.")] = Path(
        "folkgrade-demo"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboard.")] = 8501,
) -> None:
    """Crawl the bundled invented community, mine it and open the dashboard."""
    from crawler.replica.server import serve

    make_project(folder, "Demo community (invented)")
    here = Project(folder)
    with serve(DEMO_PORT) as replica:
        tell("The demo community is invented: nobody in it exists.")
        sites = [SiteSettings(url=site.url, delay=0, topic=False) for site in replica.sites]
        code = collect(here, sites) or run_miner(here)
        if code:
            leave(code)
        if check:
            raise typer.Exit(_check_pages(here))
        serve_pages(here, port)


def _check_pages(here: Project) -> int:
    """Exit code after every page was loaded; what failed is said."""
    from dashboard.check import failing_pages

    failing = failing_pages(here.database)
    for page, reason in failing.items():
        tell(f"{page}: {reason}")
    if not failing:
        tell("Every page loads.")
    return ERROR if failing else OK
