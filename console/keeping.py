"""Commands that keep a project safe: backup, restore, and what `status --check` finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console import __version__
from console.exits import ERROR, OK
from console.flags import ProjectFolder
from console.progress import bar
from console.project import Project, options_of, project_at
from console.settings import SETTINGS_FILE
from console.terminal import err, shown, tell

if TYPE_CHECKING:
    from crawler.damage import Damage

__all__ = ["backup", "check", "restore"]

_KEY = "pseudonyms.key"
_DATABASE = "folkgrade.db"


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, such as hips.zip.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Also the key: whoever has both can read all.")
    ] = False,
    project: ProjectFolder = None,
) -> None:
    """Write the whole project to one file, also while others work on it."""
    from crawler import copies
    from crawler.errors import StoreError

    here = project_at(project)
    if "://" in here.database:
        raise StoreError(
            "a database that is no file is backed up with its own tools, such as pg_dump; "
            f"copy {SETTINGS_FILE} and the data folder beside it"
        )
    files = _places(here.folder, Path(here.database))
    if not with_key:
        del files[_KEY]
    with bar(err) as show:
        made = copies.backup(file, files, f"Folkgrade {__version__}", show)
    tell(f"Wrote {file}: {', '.join(made.digests)}.")
    if _KEY in made.digests:
        tell("The key is in it: whoever has this file can open the kept pages. Lock it away.")
    elif here.vault.key_file.exists():
        tell(
            f"The key is not in it. Keep a copy of {here.vault.key_file} apart: without it nobody "
            "opens the kept pages, and members would get second pseudonyms."
        )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to put the project in.")
    ] = Path(),
) -> None:
    """Put a project back from a backup; nothing is ever written over."""
    from crawler import copies

    folder = folder.expanduser()
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    with bar(err) as show:
        made = copies.restore(file, _places(folder, data / _DATABASE), show)
    here = Project(folder)
    if Path(here.database) != (data / _DATABASE).resolve():
        tell(f"{SETTINGS_FILE} names another database: set project.database to data/{_DATABASE}.")
    tell(f"Restored {', '.join(made.digests)} of {made.made:%Y-%m-%d %H:%M} UTC to {folder}.")
    if _KEY not in made.digests:
        tell(f"The key was not in it: put your copy at {here.vault.key_file}, with mode 600.")
    tell("Next: folkgrade status --check")


def _places(folder: Path, database: Path) -> dict[str, Path]:
    """Where each file of a project lies, by its name in a backup."""
    data = folder / "data"
    return {
        SETTINGS_FILE: folder / SETTINGS_FILE,
        _DATABASE: database,
        "pages.db": data / "pages.db",
        _KEY: data / _KEY,
    }


def check(here: Project) -> int:
    """Exit code after all damage of a project was said, with the way to heal it."""
    found = 0
    for damage in _damages(here):
        found += 1
        typer.echo(shown(f"{damage.place}: {damage.what}; {damage.heal}"))
    typer.echo(f"{found:,} damaged." if found else "All is whole.")
    return ERROR if found else OK


def _damages(here: Project) -> list[Damage]:
    from crawler.damage import Damage
    from crawler.errors import StoreError
    from crawler.soundness import damaged_collection, damaged_file, damaged_vault
    from miner.engines import ENGINES
    from miner.pipeline import unchanged
    from miner.shipped import damaged_weights
    from miner.soundness import damaged_conclusions

    path = Path(here.database)
    found = list(damaged_weights())
    if "://" not in here.database and path.exists():
        found += damaged_file(path)
    try:
        corpus, knowledge = here.stores()
        found += damaged_collection(corpus)
        found += damaged_vault(here.vault)
        options = options_of(here)
        # The last run may have been one with a flag, such as --fast.
        runs = (replace(options, engine=name) for name in {options.engine, *ENGINES})
        fresh = any(unchanged(corpus, knowledge, each) for each in runs)
        found += damaged_conclusions(corpus, knowledge, fresh=fresh)
    except StoreError as error:
        place, _, what = str(error).partition(": ")
        found.append(Damage(place=place, what=what, heal="`folkgrade restore FILE` puts one back"))
    return found
