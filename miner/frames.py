"""The results of a project as data frames, for notebooks: the tables of the exports, in pandas."""

from __future__ import annotations

import os
import tomllib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.corpus import Corpus
from crawler.database import open_database
from miner.current import Current
from miner.errors import MinerError
from miner.export.gather import Wanted, gather
from miner.export.package import Package, Quotes
from miner.export.tables import Table, about, tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NoProject", "Results", "open_project"]

SETTINGS_FILE = "folkgrade.toml"
_TYPES = {"whole": "Int64", "number": "float64", "truth": "bool"}


class NoProject(MinerError):
    """The folder is no project."""


class Results:
    """What the last run concluded. A frame is read when it is first asked for, and then kept."""

    def __init__(self, package: Package) -> None:
        """The results of a package; columns are those of docs/exports.md."""
        self.about: dict[str, Any] = about(package)
        self._tables = {table.name: table for table in tables(package)}

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.about["counts"].items())
        return f"<Folkgrade run {self.about['run']}: {counts}>"

    @cached_property
    def themes(self) -> pd.DataFrame:
        """A row a theme, most people first."""
        return _frame(self._tables["themes"])

    @cached_property
    def claims(self) -> pd.DataFrame:
        """A row a claim, with its quote and offsets."""
        return _frame(self._tables["claims"])

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """A row for each thing that an article or a study says."""
        return _frame(self._tables["evidence"])

    @cached_property
    def grades(self) -> pd.DataFrame:
        """A row a grade; without a condition it is the one over all."""
        return _frame(self._tables["grades"])

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """A row a gap, highest score first."""
        return _frame(self._tables["gaps"])

    @cached_property
    def contradictions(self) -> pd.DataFrame:
        """A row a contradiction."""
        return _frame(self._tables["contradictions"])

    @cached_property
    def questions(self) -> pd.DataFrame:
        """A row for questions of one meaning, most askers first."""
        return _frame(self._tables["questions"])

    @cached_property
    def studies(self) -> pd.DataFrame:
        """A row a study."""
        return _frame(self._tables["studies"])

    @cached_property
    def sources(self) -> pd.DataFrame:
        """A row a site."""
        return _frame(self._tables["sources"])


def open_project(folder: str | os.PathLike[str] = ".", *, quotes: Quotes = "full") -> Results:
    """The results of the project in a folder; raises NoProject, StoreError or NothingMined."""
    path = Path(folder) / SETTINGS_FILE
    try:
        settings = tomllib.loads(path.read_text("utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NoProject(f"{path}: no settings of a project ({error}); name its folder") from error
    address = os.environ.get("FOLKGRADE_PROJECT__DATABASE") or settings.get(
        "database", "data/folkgrade.db"
    )
    engine = open_database(address if "://" in address else str((path.parent / address).resolve()))
    wanted = Wanted(quotes=quotes, project=str(settings.get("name", "")))
    return Results(gather(Corpus(engine), Current(engine), wanted))


def _frame(table: Table) -> pd.DataFrame:
    """The rows as a frame; whole numbers may be missing, lists stay lists."""
    import pandas as pd

    columns = list(zip(*table.rows(), strict=True)) or [() for _ in table.columns]
    return pd.DataFrame(
        {
            column.name: pd.Series(
                [list(v) for v in values] if column.type == "list" else values,
                dtype=_TYPES.get(column.type, object),
            )
            for column, values in zip(table.columns, columns, strict=True)
        }
    )
