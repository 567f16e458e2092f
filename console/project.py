"""A project folder: its settings, its stores, its key, and what they make of a command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console import __version__
from console.settings import (
    SETTINGS_FILE,
    BadSettings,
    CrawlSettings,
    SiteSettings,
    read_settings,
)

if TYPE_CHECKING:
    from crawler.corpus import Corpus
    from crawler.engines.custom import Selectors
    from crawler.sites import Site
    from crawler.vault import Vault
    from miner.endpoint import Endpoint
    from miner.knowledge import Knowledge
    from miner.pipeline import Options

__all__ = [
    "Project",
    "agent",
    "configured",
    "endpoint_of",
    "found_project",
    "make_project",
    "options_of",
    "project_at",
    "site_called",
]


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
    def file(self) -> Path | None:
        """The file of the database; None where a server holds it."""
        return None if "://" in self.database else Path(self.database)

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

    @contextmanager
    def moment(self) -> Iterator[tuple[Corpus, Knowledge]]:
        """Both stores as they stand at one moment, for reading alone."""
        from crawler.corpus import Corpus
        from crawler.database import still
        from crawler.errors import StoreError
        from crawler.frontier import Frontier
        from miner.knowledge import Knowledge

        base = self.stores()[0].engine
        with suppress(StoreError):
            Frontier(base)  # where no crawl has ever been, its tables are made before the moment
        with still(base) as engine:
            yield Corpus(engine), Knowledge(engine)

    def corpus(self) -> Corpus:
        """The collected store."""
        return self.stores()[0]

    @property
    def agent(self) -> str:
        """How requests say who asks."""
        return agent(self.settings.crawl.contact)

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
        starter = resources.files("console").joinpath("starter.toml").read_text(encoding="utf-8")
        draft.write_text(starter.replace("{name}", title), encoding="utf-8")
        draft.replace(path)
        (folder / ".gitignore").write_text("data/\n", encoding="utf-8")
    return path


def project_at(folder: Path | None) -> Project:
    """The project of that folder, else of the current one; raises BadSettings."""
    return Project((folder or Path()).expanduser())


def found_project(folder: Path | None) -> Project | None:
    """The project at hand, where there is one."""
    there = ((folder or Path()).expanduser() / SETTINGS_FILE).is_file()
    return project_at(folder) if folder or there else None


def agent(contact: str) -> str:
    """How requests say who asks, with that address to reach them."""
    from crawler.crawl import user_agent

    return user_agent(__version__, contact)


def configured(site: SiteSettings, settings: CrawlSettings) -> Site:
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


@cache
def site_called(here: Project, name: str) -> Site:
    """The site of that name as the settings have it, else as they have all sites."""
    of_settings = (configured(each, here.settings.crawl) for each in here.settings.site)
    known = (
        site for site in of_settings if site.name.removeprefix("www.") == name.removeprefix("www.")
    )
    return next(known, None) or configured(
        SiteSettings(url=f"https://{name}/"), here.settings.crawl
    )


def options_of(here: Project, engine: str | None = None) -> Options:
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
        endpoint=endpoint_of(here) if named == "endpoint" else None,
        conditions=tuple(Condition(**some.model_dump()) for some in here.settings.condition),
    )


def endpoint_of(here: Project) -> Endpoint:
    """The endpoint of the settings; BadSettings where there is none or nobody agreed to it."""
    from miner.endpoint import KEY, BadEndpoint, Endpoint

    chosen = here.settings.mine
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
