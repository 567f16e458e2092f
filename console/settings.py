"""What folkgrade.toml, variables and their defaults say, checked."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from console.complaint import complaint

__all__ = [
    "SETTINGS_FILE",
    "BadSettings",
    "ConditionSettings",
    "CrawlSettings",
    "MineSettings",
    "Settings",
    "SiteSettings",
    "read_settings",
]

SETTINGS_FILE = "folkgrade.toml"
LARGEST = 1_000_000
"""Bytes of the longest settings file that is read."""
_DEEP = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}""")
"""A name of many parts: the reader of TOML needs time without end for very long ones."""


class BadSettings(Exception):
    """Settings that cannot be used; the message names the place and the way out."""


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
    """Where the dashboard listens, and who is let in."""

    port: int = Field(default=8501, ge=1, le=65535)
    hosts: Words = ()
    path: str = Field(default="", pattern=r"^[A-Za-z0-9._~/-]*$")
    login: bool = False
    reviewers: Words = ()


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
    values = _read(path)
    _check(values, path.name)
    for name, text in environment.items():
        if name.startswith("FOLKGRADE_") and "__" in name:
            section, _, key = name.removeprefix("FOLKGRADE_").lower().partition("__")
            _check({section: {key: text}}, f"variable {name}")
            values[section] = {**values.get(section, {}), key: text}
    return Settings.model_validate(values)


def _read(path: Path) -> dict[str, Any]:
    """The file's tables, none where there is no file; raises BadSettings for what is no TOML."""
    try:
        with path.open("rb") as stream:
            found = stream.read(LARGEST + 1)
        text = found.decode("utf-8")
        is_large = len(found) > LARGEST
        if is_large or _DEEP.search(text):
            why = "larger than 1 MB" if is_large else "a name of more than 16 parts"
            raise BadSettings(f"{path.name}: {why}, as no settings are; mend that place")
        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except RecursionError as error:
        raise BadSettings(
            f"{path.name}: lists or tables too deep in one another; mend that place"
        ) from error
    except (OSError, ValueError) as error:
        why = str(error)[:200].partition("; use ")[0]
        raise BadSettings(f"{path.name}: not readable as TOML ({why}); mend that place") from error


def _check(values: dict[str, Any], where: str) -> None:
    if (problem := complaint(Settings, values)) is not None:
        raise BadSettings(f"{where}: {problem}")
