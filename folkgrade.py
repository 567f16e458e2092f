"""The front door: the command line and the settings. It imports the three packages, late.

Results go to stdout, progress and messages to stderr. Exit codes: 0 ok, 1 error, 2 usage,
3 partial, 4 bad configuration, 5 refused by policy, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache, cached_property, partial
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from rich.console import Console

from dashboard.complaint import complaint
from dashboard.progress import bar, show_file
from dashboard.terminal import (
    described,
    next_step,
    print_freshness,
    print_sites,
    print_themes,
    say,
    shown,
    told,
)

if TYPE_CHECKING:
    from crawler.corpus import Corpus
    from crawler.engines.custom import Selectors
    from crawler.page import Page
    from crawler.sites import Site
    from crawler.vault import Vault
    from miner.endpoint import Endpoint
    from miner.knowledge import Knowledge
    from miner.pipeline import Options

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


def _plain(text: str) -> str:
    """A text that may stand in a header."""
    if not (text.isascii() and (text.isprintable() or not text)):
        raise ValueError("write it on one line, in letters without accents")
    return text


Plain = Annotated[str, AfterValidator(_plain)]


class CrawlSettings(Section):
    """How politely sites are asked, and what of them is wanted."""

    contact: Plain = ""
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


class LiteratureSettings(Section):
    """Which services are asked for studies, once `folkgrade literature` is given."""

    services: Words = ("europepmc", "pubmed", "openalex", "clinicaltrials", "crossref")
    max_age: float = Field(default=90.0, ge=0, allow_inf_nan=False)
    most: int = Field(default=50, ge=1, le=1000)
    addresses: dict[str, str] = {}


class MineSettings(Section):
    """How claims become themes."""

    embedder: str = "all-MiniLM-L6-v2"
    engine: str = "offline"
    endpoint: str = ""
    endpoint_model: str = ""
    endpoint_remote: bool = False
    endpoint_requests: int = Field(default=1000, ge=1)
    endpoint_tokens: int = Field(default=1000000, ge=1)
    endpoint_patience: float = Field(default=120.0, gt=0, le=3600)
    processes: int = Field(default=0, ge=0, le=64)
    min_authors: int = Field(default=2, ge=1)


class ConditionSettings(Section):
    """A condition of one's own, or more words for one that is known."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    name: str = ""
    region: str = ""
    names: Words = ()
    capitals: Words = ()
    shorts: Words = ()
    hints: Words = ()
    near: Words = ()


class DashboardSettings(Section):
    """Where the dashboard listens."""

    port: int = Field(default=8501, ge=1, le=65535)


class Settings(Section):
    """All settings, in the order of the file."""

    project: ProjectSettings = ProjectSettings()
    crawl: CrawlSettings = CrawlSettings()
    site: tuple[SiteSettings, ...] = ()
    mine: MineSettings = MineSettings()
    condition: tuple[ConditionSettings, ...] = ()
    literature: LiteratureSettings = LiteratureSettings()
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
    if (problem := complaint(Settings, values)) is not None:
        raise BadSettings(f"{where}: {problem}")


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

    def stores(self, *, read_only: bool = False) -> tuple[Corpus, Knowledge]:
        """Both stores on one database, opened."""
        from crawler.corpus import Corpus
        from crawler.database import open_database
        from crawler.errors import StoreError
        from miner.knowledge import Knowledge

        try:
            engine = open_database(self.database, read_only=read_only)
        except StoreError as error:
            raise BadSettings(f"{SETTINGS_FILE}: project.database: {error}") from error
        return Corpus(engine), Knowledge(engine)

    def corpus(self) -> Corpus:
        """The collected store."""
        return self.stores()[0]

    @property
    def agent(self) -> str:
        """How requests say who asks."""
        return _agent(self.settings.crawl.contact)

    @cached_property
    def vault(self) -> Vault:
        """The key of the pseudonyms, and what is sealed with it."""
        from crawler.vault import Vault

        return Vault(self.folder / "data", self.corpus)


def make_project(folder: Path, name: str | None = None) -> Path:
    """The settings file of a new project; an existing one is left as it is."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data").chmod(0o700)
    path = folder / SETTINGS_FILE
    if not path.exists():
        title = json.dumps(name or folder.resolve().name, ensure_ascii=False)[1:-1]
        # Written aside and then named, so that a full disk leaves no empty settings behind.
        draft = path.with_suffix(".part")
        starter = resources.files("dashboard").joinpath("starter.toml").read_text(encoding="utf-8")
        draft.write_text(starter.replace("{name}", title), encoding="utf-8")
        draft.replace(path)
        (folder / ".gitignore").write_text("data/\n", encoding="utf-8")
    return path


def _agent(contact: str) -> str:
    from crawler.crawl import user_agent

    return user_agent(__version__, contact)


# The commands

EXAMPLES: dict[str, list[str]] = tomllib.loads(
    resources.files("dashboard").joinpath("examples.toml").read_text(encoding="utf-8")
)


def _examples(command: str) -> str:
    return "\n\n".join(["Examples:", *EXAMPLES[command]])


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


class SearchMode(Enum):
    """How words are looked for."""

    both = "both"
    words = "words"
    meaning = "meaning"


class QuotePolicy(Enum):
    """How much of members' words an export keeps."""

    none = "none"
    short = "short"
    full = "full"


class DigestForm(Enum):
    """How a digest is written."""

    md = "md"
    html = "html"
    eml = "eml"
    atom = "atom"


EXPORT_FORMATS = (
    "csv, jsonl, parquet, xlsx, refi, qdc, ris, bibtex, csl, ro-crate, datapackage, obsidian, html."
)

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
    try:
        code = _crawl(here, wanted, warc=warc, dry_run=dry_run, worker=worker)
    except BadSite as error:
        if asked:
            raise
        raise BadSettings(f"{SETTINGS_FILE}: site: {error}") from error
    if code in (OK, PARTIAL) and not dry_run:
        tell("Next: folkgrade mine; folkgrade status says what is missing")
    _leave(code)


def _crawl(
    here: Project,
    sites: Sequence[SiteSettings],
    *,
    warc: Path | None = None,
    dry_run: bool = False,
    worker: bool = False,
) -> int:
    """Exit code of a crawl whose progress and outcome were shown."""
    from crawler.leases import alone
    from crawler.warc import check
    from dashboard.collect import Watched

    if warc and not dry_run:
        check(warc.expanduser())
    wanted = [_known(here, _site(site, here.settings.crawl)) for site in sites]
    watched = Watched(vault=here.vault, agent=here.agent, console=err, warc=warc, dry_run=dry_run)
    if worker:
        worked, ended = watched.share(wanted, here.corpus().engine)
        return ERROR if worked.failed else max((_CODES[each] for each in ended), default=OK)
    with alone(here.folder / "data" / "crawl.lock", [site.name for site in wanted]):
        report = watched.collect(wanted, here.corpus())
    for link in report.would:
        typer.echo(shown(link.url))
    return _CODES[report.status]


def _known(here: Project, site: Site) -> Site:
    """The site with what its service wants to know of an application."""
    from crawler.accounts import headers_for

    service = headers_for(site.start[0], os.environ, here.agent)
    return replace(site, headers={**service, **site.headers}) if service else site


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
    from crawler.scope import BadScope, Scope
    from crawler.sites import Site

    def said(name: str) -> Any:
        own = getattr(site, name)
        return getattr(settings, name) if own is None else own

    start = start_for(site.url) or (site.url,)
    wishes = {name: said(name) for name in ("words", "since", "until", "topic")}
    try:
        scope = Scope(inside=site.inside, outside=site.outside, **wishes)
    except BadScope as error:
        raise BadSettings(f"{site.url}: {error}") from error
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
        scope=scope,
    )


def _headers(site: SiteSettings) -> dict[str, str]:
    """Headers of a site, its secrets filled in."""
    from crawler.accounts import BadHeader, filled

    try:
        return filled(site.headers, os.environ)
    except BadHeader as error:
        raise BadSettings(f"{SETTINGS_FILE}: site.headers.{error}") from error


def _selectors(site: SiteSettings) -> Selectors | None:
    """The user's own way of reading a site's pages."""
    from crawler.engines.custom import BadSelector, selectors_of

    try:
        return None if site.selectors is None else selectors_of(site.selectors)
    except BadSelector as error:
        raise BadSettings(f"{SETTINGS_FILE}: site.selectors: {error}") from error


@app.command(epilog=_examples("reparse"))
def reparse(
    site: Annotated[str | None, typer.Option(help="Only pages of this host.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Read the kept pages again, with the engines of today; nothing is asked for."""
    from crawler.frontier import Frontier
    from crawler.reread import reread

    here = _project(project)
    with here.vault.raw() as raw, here.vault.intake() as intake, bar(err) as show:
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
    from crawler.vault import hiding

    here = _found_project(project)
    hide = here.vault.hiding() if here else hiding()
    seen = _one_page(page, url, here)
    site = _site_called(here, site_of(seen.url)) if here and site_of(seen.url) else None
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
    return fetch(given, here.agent if here else _agent(""))


def _found_project(folder: Path | None) -> Project | None:
    """The project at hand, where there is one."""
    there = ((folder or Path()).expanduser() / SETTINGS_FILE).is_file()
    return _project(folder) if folder or there else None


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
    with bar(err, "bytes") as show, here.vault.intake() as intake:
        progress = partial(show_file, show)
        for account in take_in(files, wanted, intake, own=own, progress=progress):
            for line in told(account):
                tell(line)
            good += bool(account.documents)
            bad += bool(account.failure) or not account.documents
    if bad:
        _leave(PARTIAL if good else ERROR)


@app.command(epilog=_examples("mine"))
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
    _leave(_mine(_project(project), force=force, engine="fast" if fast else engine))


def _mine(here: Project, *, force: bool = False, engine: str | None = None) -> int:
    """Exit code of a run of the miner whose progress and outcome were shown."""
    from miner.errors import UnknownPart
    from miner.pipeline import mine, unchanged

    corpus, knowledge = here.stores()
    if not corpus.sites() and knowledge.last_run() is None:
        tell(f"Nothing is collected yet. Next: {next_step(False, False, False)}")
        return OK
    options = _options(here, engine)
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


def _options(here: Project, engine: str | None = None) -> Options:
    """What the settings choose for the miner, the engine perhaps by a flag."""
    from miner.conditions import Condition
    from miner.pipeline import Options

    chosen = here.settings.mine
    named = engine or chosen.engine
    return Options(
        embedder=chosen.embedder,
        engine=named,
        min_authors=chosen.min_authors,
        processes=chosen.processes,
        endpoint=_endpoint(chosen) if named == "endpoint" else None,
        conditions=tuple(Condition(**some.model_dump()) for some in here.settings.condition),
    )


def _endpoint(chosen: MineSettings) -> Endpoint:
    """The endpoint of the settings; BadSettings where there is none or nobody agreed to it."""
    from miner.endpoint import KEY, BadEndpoint, Endpoint

    where = f"{SETTINGS_FILE}: mine"
    try:
        found = Endpoint(
            url=chosen.endpoint,
            model=chosen.endpoint_model,
            key=os.environ.get(KEY, ""),
            patience=chosen.endpoint_patience,
            requests=chosen.endpoint_requests,
            tokens=chosen.endpoint_tokens,
        )
    except BadEndpoint as error:
        raise BadSettings(f"{where}.{error}") from error
    if not found.is_local and not chosen.endpoint_remote:
        raise BadSettings(
            f"{where}.endpoint_remote: posts would leave this machine for {found.site}; "
            "set it to true if you mean it, or name an endpoint on localhost"
        )
    return found


@app.command(epilog=_examples("literature"))
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
    from crawler.literature import UnknownService
    from dashboard.literature import Looking, planned_queries
    from miner.conditions import with_own
    from miner.errors import NothingMined
    from miner.subjects import subjects

    here = _project(project)
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
        among=with_own(_options(here, "offline").conditions),
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
        _leave(PARTIAL if report.asked or report.known else ERROR)
    tell("Next: folkgrade mine")


@app.command(epilog=_examples("status"))
def status(project: ProjectFolder = None, as_json: Json = False) -> None:
    """Say what is there, how fresh it is, and what to do next."""
    from crawler.freshness import freshness
    from crawler.frontier import Frontier
    from miner.pipeline import unchanged

    here = _project(project)
    corpus, knowledge = here.stores()
    sites, run, failures = corpus.sites(), knowledge.last_run(), corpus.failures()
    states = freshness(corpus, Frontier(corpus.engine))
    fresh = unchanged(corpus, knowledge, _options(here))
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
        typer.echo(f"{len(failures):,} pages failed; the dashboard's Sources page lists them.")
    if run:
        counted = ", ".join(f"{count} {name}" for name, count in run.counts.items())
        typer.echo(f"Run {run.id} of {run.finished:%Y-%m-%d %H:%M} UTC: {counted}.")
    typer.echo(f"Next: {following}")


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
    print_themes(records)


@app.command(epilog=_examples("search"))
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
    from dashboard.hits import look_for, print_hits
    from miner.search import Asked, Facet

    knowledge = _project(project).stores()[1]
    given: dict[Facet, str | None] = {"kind": kind and kind.value, "condition": condition}
    chosen = {facet: value for facet, value in given.items() if value}
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


@app.command(epilog=_examples("brief"))
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
    from miner.errors import MinerError, NothingMined
    from miner.report import theme_brief

    corpus, knowledge = _project(project).stores()
    now = Current(knowledge.engine)
    run = now.last_run()
    if run is None:
        raise NothingMined("nothing is mined yet; run `folkgrade mine`")
    named = [item for item in now.themes() if item.name.lower() == theme.lower()]
    item = now.theme(theme) or next(iter(named), None)
    if item is None:
        raise MinerError(f"{theme}: no theme of this id or name; `folkgrade themes` lists them")
    paper = theme_brief(corpus, now, item, condition)
    text = markdown(paper, f"Run {run.id} of {run.finished:%Y-%m-%d}.")
    if out is None:
        typer.echo(text, nl=False)
    elif out.suffix == ".docx":
        out.write_bytes(docx(text, title=title(paper), when=run.finished))
    else:
        out.write_text(text, encoding="utf-8")


@app.command(epilog=_examples("export"))
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
    here = _project(project)
    corpus, knowledge = here.stores()
    wanted = Wanted(
        themes=theme or (),
        quotes=quotes.value,
        project=here.settings.project.name,
        program=f"Folkgrade {__version__}",
    )
    package = gather(corpus, Current(knowledge.engine), wanted)
    if check:
        kept = ((claim.id, claim.text) for claim in package.claims)
        for one in found_again(kept, corpus_texts(corpus)):
            typer.echo(f"{one.id}\t{one.words}\t{one.places}\t{' '.join(one.text.split())}")
    else:
        files = list(write(package))
        target = out or Path(f"folkgrade-{form}-run{package.about.run}{ending(files)}")
        tell(f"Wrote {written(files, target)}")
    sheet = package.datasheet
    tell(f"{sheet.findable:,} of {sheet.kept:,} kept quotes could be found again by a search.")


@app.command(epilog=_examples("digest"))
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
    _digest(_project(project), since, form.value, out)


def _digest(here: Project, since: str, form: str, out: Path | None) -> None:
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
        out.write_bytes(body)
        tell(f"Wrote {out}: {len(found.entries)} changes")
    if since == "last":
        Snapshots(knowledge.engine).tell(found.run)


def _day(text: str) -> datetime:
    """The beginning of a day, in UTC; a usage error where it is none."""
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither `last` nor a day such as 2024-05-31"
        ) from None


@app.command("run", epilog=_examples("run"))
def run_(
    form: Annotated[DigestForm, typer.Option("--format", help="How the digest is written.")] = (
        DigestForm.md
    ),
    out: Annotated[Path | None, typer.Option(help="File for the digest; else stdout.")] = None,
    project: ProjectFolder = None,
) -> None:
    """Crawl the settings' sites, mine and tell what changed, once at a time; for cron."""
    from crawler.leases import alone

    here = _project(project)
    if not here.settings.site:
        raise BadSettings(f"no [[site]] in {here.folder / SETTINGS_FILE}: name what to crawl")
    with alone(here.folder / "data" / "run.lock", ["folkgrade run"]):
        crawled = _crawl(here, here.settings.site)
        if crawled not in (OK, PARTIAL):
            _leave(crawled)
        mined = _mine(here)
        if here.stores()[1].last_run() is not None:
            _digest(here, "last", form.value, out)
    _leave(crawled or mined)


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
    pages = here.vault.unkeep(found)
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


@app.command(epilog=_examples("dashboard"))
def dashboard(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Nothing can be changed: no page Review.")
    ] = False,
    project: ProjectFolder = None,
) -> None:
    """Open the dashboard on this machine until Ctrl-C."""
    here = _project(project)
    here.stores(read_only=read_only)
    _serve(here, port or here.settings.dashboard.port, read_only=read_only)


def _serve(here: Project, port: int, *, read_only: bool = False) -> None:
    """Runs the dashboard until it ends or Ctrl-C, on that port or the next free one."""
    from dashboard.serve import free_port, start

    server = start(here.database, free_port(port), read_only=read_only)
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
    from crawler.errors import CrawlerError, KeyFileError, RefusedByPolicy
    from miner.errors import MinerError

    if isinstance(error, (BadSettings, KeyFileError)):
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
