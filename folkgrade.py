"""The front door: the command line and the settings. It imports the three packages, late.

Results go to stdout, progress and messages to stderr. Exit codes: 0 ok, 1 error, 2 usage,
3 partial, 4 bad configuration, 5 refused by policy, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console

from dashboard.terminal import bar, print_table, say

if TYPE_CHECKING:
    from crawler.corpus import Corpus, SiteVisit
    from crawler.documents import Document
    from crawler.report import SiteReport
    from crawler.sites import Site
    from miner.knowledge import Knowledge

__all__ = ["BadSettings", "Project", "Settings", "app", "main", "read_settings"]
__version__ = "0.1.0"

SETTINGS_FILE = "folkgrade.toml"
OK, ERROR, PARTIAL, BAD_SETTINGS, REFUSED, INTERRUPTED = 0, 1, 3, 4, 5, 130

err = Console(stderr=True, highlight=False)
tell = partial(say, err)
"""Prints a line on stderr, just as it is."""


class BadSettings(Exception):
    """Settings that cannot be used; the message names the place and the way out."""


# Settings


class Section(BaseModel):
    """A table of folkgrade.toml; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProjectSettings(Section):
    """What the project is and where its data lie."""

    name: str = "My project"
    database: str = Field(default="data/folkgrade.db", min_length=1)


class CrawlSettings(Section):
    """How politely sites are asked."""

    contact: str = ""
    delay: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    max_pages: int = Field(default=0, ge=0)


class SiteSettings(Section):
    """One site to crawl."""

    url: str
    engine: str | None = None
    own: bool = False
    delay: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class MineSettings(Section):
    """How claims become themes."""

    embedder: str = "all-MiniLM-L6-v2"
    min_authors: int = Field(default=2, ge=1)


class DashboardSettings(Section):
    """Where the dashboard listens."""

    port: int = Field(default=8501, ge=1, le=65535)


class Settings(Section):
    """All settings, in the order of the file."""

    project: ProjectSettings = ProjectSettings()
    crawl: CrawlSettings = CrawlSettings()
    site: tuple[SiteSettings, ...] = ()
    mine: MineSettings = MineSettings()
    dashboard: DashboardSettings = DashboardSettings()


def read_settings(path: Path, environment: dict[str, str]) -> Settings:
    """The file's settings, overruled by variables such as FOLKGRADE_CRAWL__DELAY.

    Raises BadSettings, which names the file or variable, the setting and the way out.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        values = {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(
            f"{path.name}: not readable as TOML ({error}); mend that place"
        ) from error
    _check(values, path.name)
    for name, text in environment.items():
        if name.startswith("FOLKGRADE_") and "__" in name:
            section, _, key = name.removeprefix("FOLKGRADE_").lower().partition("__")
            _check({section: {key: text}}, f"variable {name}")
            values[section] = {**values.get(section, {}), key: text}
    return Settings.model_validate(values)


def _check(values: dict[str, Any], where: str) -> None:
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise BadSettings(f"{where}: {place}: {_problem(first)}") from error


def _problem(found: Any) -> str:
    """What is wrong with a setting, and what to write instead."""
    if found["type"] != "extra_forbidden":
        return f"{found['msg'].lower()}, but it is {found['input']!r}"
    section: Any = Settings
    for step in found["loc"][:-1]:
        section = SiteSettings if step == "site" else _section(section, step)
    near = get_close_matches(str(found["loc"][-1]), section.model_fields, n=1)
    known = ", ".join(section.model_fields)
    return "unknown setting; " + (f"did you mean {near[0]}?" if near else f"known ones: {known}")


def _section(section: Any, step: int | str) -> Any:
    return section if isinstance(step, int) else section.model_fields[step].annotation


STARTER = """\
# Settings of this Folkgrade project. Every value is the default; docs/settings.md explains them.
# A variable overrules a line: FOLKGRADE_CRAWL__DELAY=2 overrules crawl.delay.

[project]
name = "{name}"
database = "data/folkgrade.db"  # or an SQLAlchemy URL: postgresql+psycopg://…

[crawl]
contact = ""      # an address a site's owner can reach you at; sent with every request
delay = 1.0       # seconds between two requests to one site
max_pages = 0     # pages per site and crawl; 0 is no limit

# The sites `folkgrade crawl` asks when it is given no address:
# [[site]]
# url = "https://forum.example/c/injuries"
# own = false     # true marks your own articles

[mine]
embedder = "all-MiniLM-L6-v2"  # or tfidf, or any sentence-transformers model
min_authors = 2                # a gap needs this many members

[dashboard]
port = 8501
"""


# The project


class Project:
    """A project folder: its settings, its stores, its key."""

    def __init__(self, folder: Path) -> None:
        """Reads the settings; raises BadSettings where the folder is no project."""
        self.folder = folder
        if not (folder / SETTINGS_FILE).is_file():
            raise BadSettings(
                f"{folder}: no {SETTINGS_FILE} here; make a project with `folkgrade init DIR`"
            )
        self.settings = read_settings(folder / SETTINGS_FILE, dict(os.environ))

    @property
    def database(self) -> str:
        """Address of the database; a file lies under the project folder."""
        address = self.settings.project.database
        return address if "://" in address else str((self.folder / address).resolve())

    @property
    def key_file(self) -> Path:
        """Where the key of the pseudonyms lies."""
        return self.folder / "data" / "pseudonyms.key"

    def stores(self) -> tuple[Corpus, Knowledge]:
        """Both stores on one database, opened."""
        from crawler.corpus import Corpus
        from crawler.database import open_database
        from crawler.errors import StoreError
        from miner.knowledge import Knowledge

        try:
            engine = open_database(self.database)
        except StoreError as error:
            raise BadSettings(f"{SETTINGS_FILE}: project.database: {error}") from error
        return Corpus(engine), Knowledge(engine)

    def corpus(self) -> Corpus:
        """The collected store."""
        return self.stores()[0]


def make_project(folder: Path, name: str | None = None) -> Path:
    """The settings file of a new project; an existing one is left as it is."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data").chmod(0o700)
    path = folder / SETTINGS_FILE
    if not path.exists():
        title = json.dumps(name or folder.resolve().name, ensure_ascii=False)[1:-1]
        # Written aside and then named, so that a full disk leaves no empty settings behind.
        draft = path.with_suffix(".part")
        draft.write_text(STARTER.format(name=title), encoding="utf-8")
        draft.replace(path)
        (folder / ".gitignore").write_text("data/\n", encoding="utf-8")
    return path


# The commands

EXAMPLES = {
    "main": "folkgrade demo\n\nfolkgrade init hips && cd hips\n\nfolkgrade crawl https://forum.example",
    "init": "folkgrade init hips\n\nfolkgrade init . --name 'Hip forum'",
    "crawl": "folkgrade crawl https://forum.example/c/injuries\n\n"
    "folkgrade crawl --own https://my-clinic.example/blog --max-pages 200",
    "import": "folkgrade import saved-thread.txt articles/\n\n"
    "folkgrade import --kind thread pasted.txt",
    "mine": "folkgrade mine\n\nfolkgrade mine --force",
    "dashboard": "folkgrade dashboard\n\nfolkgrade dashboard --port 8600",
    "status": "folkgrade status\n\nfolkgrade status --json",
    "themes": "folkgrade themes\n\nfolkgrade themes --kind remedy --min-authors 5\n\n"
    "folkgrade themes --json > themes.json",
    "forget": "folkgrade forget m_3f9a1c77d2\n\nfolkgrade forget https://forum.example/t/17",
    "demo": "folkgrade demo\n\nfolkgrade demo --check",
}


def _examples(command: str) -> str:
    return f"Examples:\n\n{EXAMPLES[command]}"


app = typer.Typer(
    help="What people with an injury blame and try, grouped into themes beside the evidence.",
    epilog=_examples("main"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ProjectFolder = Annotated[
    Path | None,
    typer.Option(
        "--project", "-p", envvar="FOLKGRADE_PROJECT", help="Project folder; else the current one."
    ),
]


class FileKind(Enum):
    """What a plain text may be."""

    thread = "thread"
    article = "article"


class ThemeKind(Enum):
    """Kinds of themes."""

    cause = "cause"
    trigger = "trigger"
    diagnosis = "diagnosis"
    remedy = "remedy"


Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")]


def _project(folder: Path | None) -> Project:
    return Project((folder or Path()).expanduser())


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"folkgrade {__version__}")
        raise typer.Exit


@app.callback()
def folkgrade(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """What people with an injury blame and try, grouped into themes beside the evidence."""


@app.command(epilog=_examples("init"))
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


@app.command(epilog=_examples("crawl"))
def crawl(
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL…", help="Start addresses; else the settings'."),
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="These are your own articles.")] = False,
    max_pages: Annotated[int, typer.Option(min=0, help="Pages per site; 0: the settings'.")] = 0,
    engine: Annotated[str | None, typer.Option(help="Engine, where looking fails.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Collect threads and articles from sites, politely; run again for what is new."""
    here = _project(project)
    asked = tuple(SiteSettings(url=url, own=own, engine=engine) for url in urls or ())
    sites = asked or here.settings.site
    if not sites:
        raise BadSettings(f"no address given, and no [[site]] in {here.folder / SETTINGS_FILE}")
    _leave(_crawl(here, sites, max_pages or here.settings.crawl.max_pages))


def _crawl(here: Project, sites: Sequence[SiteSettings], max_pages: int = 0) -> int:
    """Exit code of a crawl whose progress and outcome were shown."""
    from crawler.crawl import crawl, user_agent
    from crawler.privacy import load_key

    corpus, settings = here.corpus(), here.settings.crawl
    with bar(err) as show:

        def progress(at: SiteReport) -> None:
            show(
                f"{at.site}: {at.posts} posts, {at.articles} articles", at.pages, None, key=at.site
            )

        report = crawl(
            [_site(site, settings, max_pages) for site in sites],
            corpus,
            key=load_key(here.key_file),
            user_agent=user_agent(__version__, settings.contact),
            progress=progress,
        )
    for site in report.sites:
        corpus.visited(_visit(site))
        counted = f"{site.pages} pages, {site.posts} posts, {site.articles} articles"
        more = f", {site.failures} pages failed" if site.failures else ""
        why = f" ({site.reason})" if site.reason else ""
        tell(f"{site.site}: {site.status}{why}: {counted}{more}")
    return _CODES[report.status]


_CODES = {
    "ok": OK,
    "partial": PARTIAL,
    "refused": REFUSED,
    "unreachable": ERROR,
    "interrupted": INTERRUPTED,
    "running": ERROR,
}


def _site(site: SiteSettings, settings: CrawlSettings, max_pages: int) -> Site:
    from crawler.sites import Site

    return Site(
        start=(site.url,),
        engine=site.engine,
        own=site.own,
        delay=settings.delay if site.delay is None else site.delay,
        max_pages=max_pages or None,
    )


def _visit(site: SiteReport) -> SiteVisit:
    from crawler.corpus import SiteVisit

    return SiteVisit(
        site=site.site,
        started=site.started,
        finished=site.finished,
        status=site.status,
        reason=site.reason,
        pages=site.pages,
    )


@app.command("import", epilog=_examples("import"))
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files or folders.")],
    kind: Annotated[FileKind | None, typer.Option(help="Where guessing fails.")] = None,
    own: Annotated[bool, typer.Option("--own", help="These are your own articles.")] = False,
    url: Annotated[str | None, typer.Option(help="Address a saved page came from.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Read saved pages, pasted threads and articles from files."""
    from crawler.errors import StoreError
    from crawler.files import read_paths

    here = _project(project)
    corpus, good, bad = here.corpus(), 0, 0
    found = read_paths(files, datetime.now(UTC), url, kind.value if kind else None)
    for path, result in found:
        if isinstance(result, Exception):
            tell(result)
            bad += 1
            continue
        for document in result.documents:
            try:
                tell(f"{path.name}: {_store(here, corpus, document, own)}")
                good += 1
            except StoreError:
                raise
            except Exception as error:
                # One bad document never ends an import; it is named, and the next one is read.
                tell(f"{path}: not stored ({type(error).__name__}: {error})")
                bad += 1
    if bad:
        _leave(PARTIAL if good else ERROR)


def _store(here: Project, corpus: Corpus, document: Document, own: bool) -> str:
    """What storing an imported document did, in words."""
    from crawler.documents import Article, Thread
    from crawler.privacy import load_key, pseudonymise

    kept = pseudonymise(document, load_key(here.key_file))
    if isinstance(kept, Article) and own:
        kept = replace(kept, own=True)
    added = corpus.add(kept)
    if isinstance(kept, Thread):
        sure = "" if kept.confidence == 1 else f", post borders {kept.confidence:.0%} sure"
        return f"thread of {len(kept.posts)} posts{sure}: {added}"
    return f"{type(kept).__name__.lower()}: {added}"


@app.command(epilog=_examples("mine"))
def mine(
    force: Annotated[bool, typer.Option("--force", help="Also where nothing changed.")] = False,
    project: ProjectFolder = None,
) -> None:
    """Find claims, themes, evidence, grades and gaps in what was collected."""
    _leave(_mine(_project(project), force=force))


def _mine(here: Project, *, force: bool = False) -> int:
    """Exit code of a run of the miner whose progress and outcome were shown."""
    from miner.errors import UnknownPart
    from miner.pipeline import Options, mine, unchanged

    corpus, knowledge = here.stores()
    options = Options(**here.settings.mine.model_dump())
    if not force and unchanged(corpus, knowledge, options):
        tell("Nothing changed since the last run. `folkgrade mine --force` mines all the same.")
        return OK
    try:
        with bar(err) as show:
            run = mine(corpus, knowledge, options, show)
    except UnknownPart as error:
        raise BadSettings(f"mine.embedder: {error}") from error
    counted = ", ".join(f"{count} {name}" for name, count in run.counts.items())
    tell(f"Run {run.id}: {counted}. Next: folkgrade dashboard")
    for url, reason in run.failures.items():
        tell(f"{url}: {reason}")
    return PARTIAL if run.failures else OK


@app.command(epilog=_examples("status"))
def status(project: ProjectFolder = None, as_json: Json = False) -> None:
    """Say what is there, how fresh it is, and what to do next."""
    from miner.pipeline import Options, unchanged

    here = _project(project)
    corpus, knowledge = here.stores()
    sites, run, failures = corpus.sites(), knowledge.last_run(), corpus.failures()
    fresh = unchanged(corpus, knowledge, Options(**here.settings.mine.model_dump()))
    if as_json:
        record = {
            "project": here.settings.project.name,
            "sites": [asdict(site) for site in sites],
            "failures": [asdict(failure) for failure in failures],
            "run": asdict(run) if run else None,
            "fresh": fresh,
            "next": _next_step(bool(sites), fresh),
        }
        typer.echo(json.dumps(record, default=str, ensure_ascii=False, indent=1))
        return
    print_table(
        ("site", "engine", "threads", "posts", "members", "articles", "newest post"),
        [
            (s.site, ", ".join(s.engines), s.threads, s.posts, s.authors, s.articles, _day(s.last))
            for s in sites
        ],
    )
    typer.echo(f"{len(failures)} pages failed; the dashboard's Sources page lists them.")
    if run:
        counted = ", ".join(f"{count} {name}" for name, count in run.counts.items())
        typer.echo(f"Run {run.id} of {run.finished:%Y-%m-%d %H:%M} UTC: {counted}.")
    typer.echo(f"Next: {_next_step(bool(sites), fresh)}")


def _next_step(collected: bool, fresh: bool) -> str:
    if not collected:
        return "folkgrade crawl URL, or folkgrade import FILE"
    return "folkgrade dashboard" if fresh else "folkgrade mine"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "–"


@app.command(epilog=_examples("themes"))
def themes(
    kind: Annotated[ThemeKind | None, typer.Option(help="Only themes of this kind.")] = None,
    min_authors: Annotated[int, typer.Option(min=0, help="Only themes of so many members.")] = 0,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """List themes with members, outcomes, level of evidence and, as JSON, every quote."""
    from miner.errors import NothingMined
    from miner.report import theme_records

    corpus, knowledge = _project(project).stores()
    if knowledge.last_run() is None:
        raise NothingMined("nothing is mined yet; run `folkgrade mine`")
    found = [
        theme
        for theme in knowledge.themes(kind.value if kind else None)
        if theme.tally.authors >= min_authors
    ]
    records = theme_records(corpus, knowledge, found)
    if as_json:
        typer.echo(json.dumps(list(records), ensure_ascii=False, indent=1))
        return
    print_table(
        ("id", "kind", "theme", "members", "helped", "level", "status"),
        [
            (
                r["id"],
                r["kind"],
                r["name"],
                r["authors"],
                _helped(r),
                r["level"] or "–",
                r["status"],
            )
            for r in records
        ],
    )


def _helped(record: dict[str, Any]) -> str:
    outcomes = record["outcomes"]
    return f"{outcomes['helped']['k']} of {outcomes['reported']}" if outcomes["reported"] else "–"


@app.command(epilog=_examples("forget"))
def forget(
    key: Annotated[str, typer.Argument(metavar="PSEUDONYM|URL", help="Whom or what to forget.")],
    project: ProjectFolder = None,
) -> None:
    """Remove an author, a post or a document everywhere, and keep it out."""
    corpus, knowledge = _project(project).stores()
    # Conclusions first: while the posts are there, it is known which words were theirs.
    claims = knowledge.forget(key, corpus.parts_of(key))
    posts = corpus.forget(key)
    if not posts and not claims:
        tell(
            f"{key}: nothing of that is stored; it is kept out from now on. "
            "A pseudonym is written in full, such as m_3f9a1c77d2."
        )
        _leave(ERROR)
        return
    tell(f"Forgot {posts} posts or documents and {claims} claims. Next: folkgrade mine")


@app.command(epilog=_examples("dashboard"))
def dashboard(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Open the dashboard on this machine until Ctrl-C."""
    here = _project(project)
    here.stores()
    _serve(here, port or here.settings.dashboard.port)


def _serve(here: Project, port: int) -> None:
    """Runs the dashboard until it ends or Ctrl-C, on that port or the next free one."""
    from dashboard.serve import free_port, start

    server = start(here.database, free_port(port))
    try:
        tell(f"Dashboard: {server.address}   (Ctrl-C ends it)")
        server.process.wait()
    except KeyboardInterrupt:
        tell("Dashboard ended.")
    finally:
        server.stop()


@app.command(epilog=_examples("demo"))
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
        sites = [SiteSettings(url=site.url, delay=0) for site in replica.sites]
        code = _crawl(here, sites) or _mine(here)
        if code:
            _leave(code)
        if check:
            raise typer.Exit(_check_pages(here))
        _serve(here, port)


DEMO_PORT = 8740
"""First of the ports the demo sites are served on: fixed, so that their addresses stay."""


def _check_pages(here: Project) -> int:
    """Exit code after every page was loaded; what failed is said."""
    from dashboard.check import failing_pages

    failing = failing_pages(here.database)
    for page, reason in failing.items():
        tell(f"{page}: {reason}")
    if not failing:
        tell("Every page loads.")
    return ERROR if failing else OK


# What all commands share


def _leave(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _explained(error: Exception) -> tuple[int, str] | None:
    """Exit code and line for an error that is expected; None for one that is a fault of ours."""
    from crawler.errors import CrawlerError, RefusedByPolicy
    from miner.errors import MinerError

    if isinstance(error, BadSettings):
        return BAD_SETTINGS, str(error)
    if isinstance(error, RefusedByPolicy):
        return REFUSED, str(error)
    if isinstance(error, (CrawlerError, MinerError)):
        return ERROR, str(error)
    if isinstance(error, OSError):
        return ERROR, f"{error.filename or 'file'}: {error.strerror or error}"
    return None


def main() -> None:
    """Runs the command line; an expected error is one line and an exit code."""
    try:
        app()
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, KeyboardInterrupt) or end.code == INTERRUPTED:
            tell("Interrupted. Run the same command again and it goes on.")
            sys.exit(INTERRUPTED)
        raise
    except Exception as error:
        found = _explained(error)
        if found is None:
            raise
        code, line = found
        tell(f"folkgrade: {line}")
        sys.exit(code)


if __name__ == "__main__":
    main()
