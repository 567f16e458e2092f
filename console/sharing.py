"""Commands whose results leave the house: brief, export, digest, run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from console import __version__
from console.collecting import collect
from console.exits import OK, PARTIAL, leave
from console.flags import EXPORT_FORMATS, DigestForm, ProjectFolder, QuotePolicy
from console.mining import run_miner
from console.project import Project, project_at
from console.settings import SETTINGS_FILE, BadSettings
from console.terminal import counted, tell

__all__ = ["brief", "digest", "export", "run_"]


def brief(
    theme: Annotated[str, typer.Argument(metavar="THEME", help="Id or name of a theme.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write, .md or .docx; else Markdown on stdout.")
    ] = None,
    condition: Annotated[str | None, typer.Option(help="Only this condition.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Write a content brief: what an article on a theme should answer, cite and leave out."""
    from dashboard.papers import docx, markdown, title
    from miner.current import Current
    from miner.errors import MinerError
    from miner.report import theme_brief

    with project_at(project).moment() as (corpus, knowledge):
        now = Current(knowledge.engine)
        run = now.concluded()
        named = [item for item in now.themes() if item.name.lower() == theme.lower()]
        item = now.theme(theme) or next(iter(named), None)
        if item is None:
            raise MinerError(f"{theme}: no theme of this id or name; `folkgrade themes` lists them")
        paper = theme_brief(corpus, now, item, condition)
        text = markdown(paper, f"Run {run.id} of {run.finished:%Y-%m-%d}.")
    if out is None:
        typer.echo(text, nl=False)
    elif out.suffix == ".docx":
        _write(out, docx(text, title=title(paper), when=run.finished))
    else:
        _write(out, text.encode())


def export(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help=EXPORT_FORMATS)],
    out: Annotated[
        Path | None, typer.Option(help="File or folder to write; several files also as .zip.")
    ] = None,
    theme: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this theme; may be repeated.")
    ] = None,
    quotes: Annotated[
        QuotePolicy, typer.Option(help="Members' words: none, at most five in a row, or all.")
    ] = QuotePolicy.short,
    check: Annotated[
        bool, typer.Option("--check", help="Only list the kept words that a search would find.")
    ] = False,
    project: ProjectFolder = None,
) -> None:
    """Write the results to files that other programs read; members' words shortened."""
    from miner import export as exports
    from miner.current import Current
    from miner.export.archive import ending, written
    from miner.export.gather import Wanted, corpus_texts, gather
    from miner.export.words import search as found_again

    write = exports.load(form)
    here = project_at(project)
    wanted = Wanted(
        themes=theme or (),
        quotes=quotes.value,
        project=here.settings.project.name,
        program=f"Folkgrade {__version__}",
    )
    with here.moment() as (corpus, knowledge):
        package = gather(corpus, Current(knowledge.engine), wanted)
        if check:
            kept = [
                (one.id, one.text) for some in (package.claims, package.questions) for one in some
            ]
            for one in found_again(kept, corpus_texts(corpus)):
                typer.echo(f"{one.id}\t{one.words}\t{one.places}\t{' '.join(one.text.split())}")
        else:
            files = list(write(package))
            target = out or Path(f"folkgrade-{form}-run{package.about.run}{ending(files)}")
            tell(f"Wrote {written(files, target)}")
    sheet = package.datasheet
    tell(f"{sheet.findable:,} of {sheet.kept:,} kept quotes could be found again by a search.")


def digest(
    since: Annotated[
        str, typer.Option(metavar="last|DAY", help="The last digest, or a day as 2024-05-31.")
    ] = "last",
    form: Annotated[DigestForm, typer.Option("--format", help="How it is written.")] = (
        DigestForm.md
    ),
    out: Annotated[Path | None, typer.Option(help="File to write; else stdout.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Tell what changed: themes, levels, contradictions, gaps, questions, freshness."""
    write_digest(project_at(project), since, form.value, out)


def write_digest(here: Project, since: str, form: str, out: Path | None) -> None:
    """Writes a digest; one since the last remembers up to where it told."""
    from miner.current import Current
    from miner.letters import letter
    from miner.snapshots import Snapshots
    from miner.telling import tell as told_since

    corpus, knowledge = here.stores()
    found = told_since(
        corpus,
        Current(knowledge.engine),
        None if since == "last" else _day(since),
        project=here.settings.project.name,
        base=f"http://127.0.0.1:{here.settings.dashboard.port}",
    )
    body = letter(form, found)
    if out is None:
        typer.echo(body.decode(), nl=False)
    else:
        _write(out, body)
        tell(f"Wrote {out}: {counted(len(found.entries), 'change')}")
    if since == "last":
        Snapshots(knowledge.engine).tell(found.run)


def _write(out: Path, body: bytes) -> None:
    """Puts a file in its place once it is whole: a full disk costs no former one."""
    from miner.export.archive import instead_of

    with instead_of(out) as stream:
        stream.write(body)


def _day(text: str) -> datetime:
    """The beginning of a day, in UTC; a usage error where it is none."""
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither `last` nor a day such as 2024-05-31"
        ) from None


def run_(
    form: Annotated[DigestForm, typer.Option("--format", help="How the digest is written.")] = (
        DigestForm.md
    ),
    out: Annotated[Path | None, typer.Option(help="File for the digest; else stdout.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Crawl the settings' sites, mine and tell what changed, once at a time; for cron."""
    from crawler.leases import alone

    here = project_at(project)
    if not here.settings.site:
        raise BadSettings(f"no [[site]] in {here.folder / SETTINGS_FILE}: name what to crawl")
    with alone(here.folder / "data" / "run.lock", ["folkgrade run"]):
        crawled = collect(here, here.settings.site)
        if crawled not in (OK, PARTIAL):
            leave(crawled)
        mined = run_miner(here)
        if here.stores()[1].last_run() is not None:
            write_digest(here, "last", form.value, out)
    leave(crawled or mined)
