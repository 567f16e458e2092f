"""The front door: the command line and the settings. It imports the three packages, late.

Results go to stdout, progress and messages to stderr. Exit codes: 0 ok, 1 error, 2 usage,
3 partial, 4 bad configuration, 5 refused by policy, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from rich.console import Console

from dashboard.terminal import Show, bar, described, print_table, say, shown, summary

if TYPE_CHECKING:
    from crawler.corpus import Corpus, SiteVisit
    from crawler.database import Engine
    from crawler.documents import Document
    from crawler.engines.custom import Selectors
    from crawler.freshness import Freshness
    from crawler.intake import Account, Intake
    from crawler.page import Page
    from crawler.raw import RawPages
    from crawler.report import Report, SiteReport
    from crawler.sites import Site
    from crawler.unkeep import Traces
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


def _parted(value: object) -> object:
    """A list given as one text, as variables must: parted by commas."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_parted)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CrawlSettings(Section):
    """How politely sites are asked, and what of them is wanted."""

    contact: str = ""
    delay: Seconds = 1.0
    max_pages: int = Field(default=0, ge=0)
    audit: Share = 0.005
    keep_pages: bool = True
    topic: bool = True
    words: Words = ()
    since: date | None = None
    until: date | None = None


class SiteSettings(Section):
    """One site to crawl; what is not said here is as in `[crawl]`."""

    url: str
    engine: str | None = None
    own: bool = False
    delay: Seconds | None = None
    max_pages: int | None = Field(default=None, ge=0)
    audit: Share | None = None
    keep_pages: bool | None = None
    concurrency: int = Field(default=1, ge=1, le=32)
    inside: Words = ()
    outside: Words = ()
    topic: bool | None = None
    words: Words | None = None
    since: date | None = None
    until: date | None = None
    headers: dict[str, str] = {}
    selectors: dict[str, Any] | None = None


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
topic = true      # only threads and articles on injuries are stored
audit = 0.005     # share of known pages read again though nothing says they changed
keep_pages = true # answers are kept, sealed, for `folkgrade reparse`

# The sites `folkgrade crawl` asks when it is given no address:
# [[site]]
# url = "https://forum.example/c/injuries"
# own = false                 # true marks your own articles
# inside = ["/c/injuries"]    # only threads at these addresses
# since = 2020-01-01          # only threads with a post of that day or later

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

    def key(self) -> bytes:
        """The key of the pseudonyms, made at first use; never anew where there are pseudonyms."""
        from crawler.privacy import load_key

        is_lost = not self.key_file.exists() and any(s.authors for s in self.corpus().sites())
        return load_key(self.key_file, must_exist=is_lost)

    @property
    def pages_file(self) -> Path:
        """Where the kept pages lie."""
        return self.folder / "data" / "pages.db"

    def raw(self) -> RawPages:
        """The kept pages, sealed with the key."""
        from crawler.raw import RawPages

        return RawPages(self.pages_file, self.key())

    def intake(self) -> Intake:
        """The way into the store for files and kept pages."""
        from crawler.frontier import Frontier
        from crawler.intake import Intake

        corpus = self.corpus()
        return Intake(corpus, Frontier(corpus.engine), self.key())

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
    "folkgrade crawl --own https://my-clinic.example/blog --max-pages 200\n\n"
    "folkgrade crawl --dry-run --word tendon --since 2022-01-01 https://forum.example\n\n"
    "folkgrade crawl --warc answers.warc.gz https://forum.example",
    "reparse": "folkgrade reparse\n\nfolkgrade reparse --site forum.example",
    "parse": "folkgrade parse saved.html\n\n"
    "folkgrade parse saved.html --url https://forum.example/t/17 --json\n\n"
    "folkgrade parse https://forum.example/t/17",
    "import": "folkgrade import saved-thread.txt articles/\n\n"
    "folkgrade import --kind thread pasted.txt\n\n"
    "folkgrade import --only physiotherapy RS_2024-01.zst RC_2024-01.zst\n\n"
    "folkgrade import list.mbox.gz old-crawl.warc.gz fitness.stackexchange.com/Posts.xml",
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


Day = datetime
"""A day as a flag names it: 2024-05-31."""


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
def crawl(  # noqa: PLR0913, PLR0917
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL…", help="Start addresses; else the settings'."),
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="These are your own articles.")] = False,
    engine: Annotated[str | None, typer.Option(help="Engine, where looking fails.")] = None,
    max_pages: Annotated[
        int | None, typer.Option(min=0, help="Pages per site; 0: no limit.")
    ] = None,
    inside: Annotated[
        list[str] | None, typer.Option(help="Only threads and articles at these addresses.")
    ] = None,
    outside: Annotated[list[str] | None, typer.Option(help="Nothing at these addresses.")] = None,
    word: Annotated[
        list[str] | None, typer.Option(help="Only what has one of these words.")
    ] = None,
    since: Annotated[Day | None, typer.Option(help="Only threads with a post since.")] = None,
    until: Annotated[Day | None, typer.Option(help="Only threads opened until.")] = None,
    topic: Annotated[
        bool | None, typer.Option(help="Only what is on injuries; else the settings'.")
    ] = None,
    audit: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of known pages to read again.")
    ] = None,
    keep_pages: Annotated[bool | None, typer.Option(help="Keep answers, sealed.")] = None,
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
    here = _project(project)
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
    _leave(_crawl(here, wanted, warc=warc, dry_run=dry_run, worker=worker))


def _crawl(
    here: Project,
    sites: Sequence[SiteSettings],
    *,
    warc: Path | None = None,
    dry_run: bool = False,
    worker: bool = False,
) -> int:
    """Exit code of a crawl whose progress and outcome were shown."""
    wanted = [_known(here, _site(site, here.settings.crawl)) for site in sites]
    if worker:
        return _work(here, wanted, warc)
    report = _collected(here, wanted, here.corpus(), warc=warc, dry_run=dry_run)
    for link in report.would:
        typer.echo(shown(link.url))
    return _CODES[report.status]


def _known(here: Project, site: Site) -> Site:
    """The site with what its service wants to know of an application."""
    from crawler.accounts import headers_for
    from crawler.crawl import user_agent

    agent = user_agent(__version__, here.settings.crawl.contact)
    service = headers_for(site.start[0], os.environ, agent)
    return replace(site, headers={**service, **site.headers}) if service else site


def _collected(
    here: Project,
    sites: Sequence[Site],
    corpus: Corpus,
    *,
    warc: Path | None = None,
    dry_run: bool = False,
) -> Report:
    """How a crawl of these sites into this store went; it was shown."""
    from crawler.crawl import crawl, user_agent

    keeps = not dry_run and any(site.keep_pages for site in sites)
    with here.raw() if keeps else nullcontext() as raw, bar(err) as show:
        report = crawl(
            sites,
            corpus,
            key=here.key(),
            user_agent=user_agent(__version__, here.settings.crawl.contact),
            progress=partial(_show_site, show),
            raw=raw,
            warc=warc and warc.expanduser().resolve(),
            dry_run=dry_run,
        )
    for site in report.sites:
        if not dry_run:
            corpus.visited(_visit(site))
        for line in summary(site):
            tell(line)
    return report


def _work(here: Project, sites: Sequence[Site], warc: Path | None) -> int:
    """Exit code of a worker that took one site after the other, beside others like it."""
    from crawler.corpus import Corpus
    from crawler.work import work

    codes = [OK]

    def crawl_one(some: Sequence[Site], engine: Engine) -> None:
        report = _collected(here, some, Corpus(engine), warc=warc)
        if report.interrupted:
            raise KeyboardInterrupt
        codes.append(_CODES[report.status])

    worked = work(sites, here.corpus().engine, f"{socket.gethostname()}:{os.getpid()}", crawl_one)
    for site, reason in worked.failed.items():
        tell(f"{site}: {reason}")
    for site in worked.lost:
        tell(f"{site}: another worker took it over")
    return ERROR if worked.failed else max(codes)


def _show_site(show: Show, at: SiteReport) -> None:
    """Shows how far a site is, and for whom the crawl waits."""
    rate = f", {at.rate:.1f} pages a second" if at.rate else ""
    left = f", {_span(at.left)} to go" if at.left is not None and at.queued else ""
    waiting = f", waits {at.waiting:.0f} s as the site asks" if at.waiting >= 1 else ""
    stage = f"{at.site}: {at.posts:,} posts, {at.articles:,} articles{rate}{left}{waiting}"
    show(stage, at.pages, at.known if at.queued else None, key=at.site)


def _span(seconds: float) -> str:
    """A span of time in words."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


_CODES = {
    "ok": OK,
    "partial": PARTIAL,
    "refused": REFUSED,
    "unreachable": ERROR,
    "interrupted": INTERRUPTED,
    "running": ERROR,
}


def _site(site: SiteSettings, settings: CrawlSettings) -> Site:
    """A site as the crawler takes it: what it does not say itself is as for all."""
    from crawler.engines.starts import start_for
    from crawler.scope import Scope
    from crawler.sites import Site

    def said(name: str) -> Any:
        own = getattr(site, name)
        return getattr(settings, name) if own is None else own

    scope = ("words", "since", "until", "topic")
    start = start_for(site.url) or (site.url,)
    return Site(
        start=start,
        engine=site.engine,
        own=site.own,
        delay=said("delay"),
        max_pages=said("max_pages") or None,
        audit=said("audit"),
        keep_pages=said("keep_pages"),
        concurrency=site.concurrency,
        headers=_headers(site),
        selectors=_selectors(site),
        scope=Scope(
            inside=site.inside, outside=site.outside, **{name: said(name) for name in scope}
        ),
    )


def _headers(site: SiteSettings) -> dict[str, str]:
    """Headers of a site, whose `${NAME}` stand for variables: no secret lies in the settings."""

    def value(name: str, text: str) -> str:
        for found in re.findall(r"\$\{(\w+)\}", text):
            if found not in os.environ:
                where = f"{SETTINGS_FILE}: site.headers.{name}"
                raise BadSettings(f"{where}: the variable {found} is not set; export {found}=…")
            text = text.replace(f"${{{found}}}", os.environ[found])
        return text

    for name, text in site.headers.items():
        if name.lower() in SECRET_HEADERS and "${" not in text:
            raise BadSettings(
                f"{SETTINGS_FILE}: site.headers.{name}: a secret does not belong here; write "
                f'{name} = "${{MY_VARIABLE}}" and set the variable'
            )
    return {name: value(name, text) for name, text in site.headers.items()}


SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key", "api-key"}


def _selectors(site: SiteSettings) -> Selectors | None:
    """The user's own way of reading a site's pages."""
    if site.selectors is None:
        return None
    from crawler.engines.custom import Selectors

    known = [field.name for field in fields(Selectors)]
    for name in site.selectors:
        if name not in known:
            where = f"{SETTINGS_FILE}: site.selectors.{name}"
            raise BadSettings(f"{where}: unknown setting; known ones: {', '.join(known)}")
    try:
        return Selectors(**site.selectors)
    except ValueError as error:
        raise BadSettings(f"{SETTINGS_FILE}: site.selectors: {error}") from error


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


@app.command(epilog=_examples("reparse"))
def reparse(
    site: Annotated[str | None, typer.Option(help="Only pages of this host.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Read the kept pages again, with the engines of today; nothing is asked for."""
    from crawler.frontier import Frontier
    from crawler.reread import reread

    here = _project(project)
    with here.raw() as raw, here.intake() as intake, bar(err) as show:
        if not raw.count(site):
            tell(
                f"No kept pages{f' of {site}' if site else ''}. They are kept as sites are crawled."
            )
            return
        frontier = Frontier(here.corpus().engine)
        sites = partial(_site_called, here)
        for at in reread(raw, intake, frontier, version=__version__, sites=sites, site=site):
            show(f"reading again: {at.posts:,} posts", at.pages, at.total, key="reparse")
    counted = ", ".join(f"{count:,} {what}" for what, count in at.done.items()) or "no documents"
    tell(f"{at.pages:,} pages, {at.posts:,} posts: {counted}, {at.purged:,} posts purged")
    for reason, count in at.failures.most_common(8):
        tell(f"  {count:,} × {reason}")
    if at.failures:
        _leave(PARTIAL if at.done else ERROR)


@cache
def _site_called(here: Project, name: str) -> Site:
    """The site of that name as the settings have it, else as they have all sites."""
    of_settings = (_site(each, here.settings.crawl) for each in here.settings.site)
    known = (
        site for site in of_settings if site.name.removeprefix("www.") == name.removeprefix("www.")
    )
    return next(known, None) or _site(SiteSettings(url=f"https://{name}/"), here.settings.crawl)


@app.command(epilog=_examples("parse"))
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

    hide = (lambda document: document) if names else _hiding(project)
    seen, here = _one_page(page, url, project), _found_project(project)
    site = _site_called(here, site_of(seen.url)) if here and site_of(seen.url) else None
    own = (site.engine, site.selectors) if site else (None, None)
    found = peek(seen, engine or own[0], hide, None if engine else own[1])
    if as_json:
        typer.echo(json.dumps(found.record(), ensure_ascii=False, indent=1))
        return
    sure = ", ".join(f"{name} {share:.0%}" for name, share in list(found.sure.items())[:4])
    typer.echo(f"{shown(found.url)}\nread by {found.engine} (sure: {sure})")
    for line in described(found.found):
        typer.echo(shown(line))


def _one_page(given: str, url: str | None, folder: Path | None) -> Page:
    """The page of a file, or of an address, which is asked for once."""
    from crawler.crawl import user_agent
    from crawler.fetch import fetch
    from crawler.files import open_page

    if not re.match(r"https?://", given, re.I):
        return open_page(Path(given).expanduser(), url, datetime.now(UTC))
    here = _found_project(folder)
    return fetch(given, user_agent(__version__, here.settings.crawl.contact if here else ""))


def _found_project(folder: Path | None) -> Project | None:
    """The project at hand, where there is one."""
    there = ((folder or Path()).expanduser() / SETTINGS_FILE).is_file()
    return _project(folder) if folder or there else None


def _hiding(folder: Path | None) -> Callable[[Document], Document]:
    """What hides names: with the project's key, else with one that nobody keeps."""
    from crawler.privacy import pseudonymise

    here = _found_project(folder)
    key = here.key() if here and here.key_file.exists() else os.urandom(32)
    return partial(pseudonymise, key=key)


@app.command("import", epilog=_examples("import"))
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files or folders.")],
    kind: Annotated[FileKind | None, typer.Option(help="Where guessing fails.")] = None,
    own: Annotated[bool, typer.Option("--own", help="These are your own articles.")] = False,
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

    here = _project(project)
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
    with bar(err, "bytes") as show, here.intake() as intake:

        def progress(at: Account) -> None:
            if at.size >= WORTH_A_BAR:
                stage = f"{at.path.name}: {at.threads} threads, {at.posts} posts"
                show(stage, at.read, at.size, key=at.path.name)

        for account in take_in(files, wanted, intake, own=own, progress=progress):
            for line in _told(account):
                tell(line)
            good += bool(account.documents)
            bad += bool(account.failure) or not account.documents
    if bad:
        _leave(PARTIAL if good else ERROR)


WORTH_A_BAR = 4 * 2**20
"""Bytes of a file from which its reading is shown."""


def _told(account: Account) -> list[str]:
    """What became of a file, in lines."""
    lines = list(account.reasons)
    if account.passed > len(lines):
        lines.append(f"{account.path}: {account.passed:,} records were passed over in all")
    if account.failure:
        lines.append(account.failure)
    if account.documents:
        done = ", ".join(f"{count:,} {what}" for what, count in account.done.items())
        lines.append(f"{account.path.name}: {_counted(account)}: {done}")
    return lines


def _counted(account: Account) -> str:
    """What was in a file."""
    counted = [_count(account.posts, "post")] if account.threads else []
    if account.articles:
        counted.append(_count(account.articles, "article"))
    if account.confidence < 1:
        counted.append(f"post borders {account.confidence:.0%} sure")
    return ", ".join(counted)


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


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
    from crawler.freshness import freshness
    from crawler.frontier import Frontier
    from miner.pipeline import Options, unchanged

    here = _project(project)
    corpus, knowledge = here.stores()
    sites, run, failures = corpus.sites(), knowledge.last_run(), corpus.failures()
    states = freshness(corpus, Frontier(corpus.engine))
    fresh = unchanged(corpus, knowledge, Options(**here.settings.mine.model_dump()))
    following = _next_step(bool(sites), fresh, any(state.is_due for state in states))
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
    print_table(
        ("site", "engine", "threads", "posts", "members", "articles", "newest post"),
        [
            (s.site, ", ".join(s.engines), s.threads, s.posts, s.authors, s.articles, _day(s.last))
            for s in sites
        ],
    )
    if states:
        typer.echo()
        print_table(
            ("site", "last crawl", "ended", "to come", "posts missing", "pages failed"),
            [_freshness_row(state) for state in states],
        )
        for state in states:
            for reason, count in state.failures[:3]:
                typer.echo(shown(f"{state.site}: {count:,} × {reason}"))
    typer.echo(f"{len(failures)} pages failed; the dashboard's Sources page lists them.")
    if run:
        counted = ", ".join(f"{count} {name}" for name, count in run.counts.items())
        typer.echo(f"Run {run.id} of {run.finished:%Y-%m-%d %H:%M} UTC: {counted}.")
    typer.echo(f"Next: {following}")


def _freshness_row(state: Freshness) -> tuple[object, ...]:
    """A site's line: when and how it was last crawled, what is to come and what is missing."""
    when = f"{state.visited:%Y-%m-%d %H:%M}" if state.visited else "–"
    why = f" ({state.reason})" if state.reason else ""
    missing = f"{state.missing} in {len(state.holes)} threads" if state.holes else 0
    failed = sum(count for _reason, count in state.failures)
    return state.site, when, f"{state.status}{why}" or "–", state.queued, missing, failed


def _next_step(collected: bool, fresh: bool, due: bool) -> str:
    if not collected:
        return "folkgrade crawl URL, or folkgrade import FILE"
    if due:
        return "folkgrade crawl, which goes on where it ended early; or folkgrade mine"
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
    from crawler.frontier import Frontier
    from crawler.unkeep import traces

    here = _project(project)
    corpus, knowledge = here.stores()
    found = traces(key, corpus, Frontier(corpus.engine))
    # Conclusions first: while the posts are there, it is known which words were theirs.
    claims = knowledge.forget(key, corpus.parts_of(key))
    posts = corpus.forget(key)
    pages = _unkeep(here, found)
    if not posts and not claims and not pages:
        tell(
            f"{key}: nothing of that is stored; it is kept out from now on. "
            "A pseudonym is written in full, such as m_3f9a1c77d2."
        )
        _leave(ERROR)
        return
    tell(
        f"Forgot {posts} posts or documents, {claims} claims and {pages} kept pages. "
        "Next: folkgrade mine"
    )


def _unkeep(here: Project, found: Traces) -> int:
    """How many kept pages went."""
    from crawler.unkeep import unkeep

    if not here.pages_file.exists():
        return 0
    with here.raw() as raw:
        return unkeep(raw, found, here.key())


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
        sites = [SiteSettings(url=site.url, delay=0, topic=False) for site in replica.sites]
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
