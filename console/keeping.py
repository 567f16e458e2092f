"""Commands that keep a project safe: backup, restore, and what `status --check` finds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console import __version__
from console.exits import ERROR, OK, leave
from console.flags import ProjectFolder
from console.progress import Show, bar
from console.project import Project, options_of, project_at
from console.settings import SETTINGS_FILE
from console.terminal import counted, err, shown, tell

if TYPE_CHECKING:
    from crawler.damage import Damage
    from crawler.database import Engine

__all__ = ["aside", "backup", "check", "mend", "restore"]

_KEY = "pseudonyms.key"
_DATABASE = "folkgrade.db"
_MADE = ("search_",)
"""How the tables begin that any run of the miner makes anew from the others."""


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, such as hips.zip.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Also the key: whoever has both can read all.")
    ] = False,
    project: ProjectFolder = None,
) -> None:
    """Write the whole project to one file, also while others work on it."""
    from crawler import copies

    here = project_at(project)
    with bar(err) as show, _as_file(here, file, show) as database:
        files = _places(here.folder, database)
        if not with_key:
            del files[_KEY]
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
    once_more = (data / _DATABASE).exists()
    with bar(err) as show:
        made = copies.restore(file, _places(folder, data / _DATABASE), show)
    here = Project(folder)
    if here.file is None:
        _to_server(here, data / _DATABASE, once_more=once_more)
    elif here.file != (data / _DATABASE).resolve():
        tell(f"{SETTINGS_FILE} names another database: set project.database to data/{_DATABASE}.")
    tell(f"Restored {', '.join(made.digests)} of {made.made:%Y-%m-%d %H:%M} UTC to {folder}.")
    if _KEY not in made.digests:
        tell(f"The key was not in it: put your copy at {here.vault.key_file}, with mode 600.")
    tell("Next: folkgrade status --check")


@contextmanager
def _as_file(here: Project, target: Path, show: Show) -> Iterator[Path]:
    """The project's database as a file: itself, or for that long a copy of what a server holds."""
    if here.file:
        yield here.file
        return
    from crawler.copies import workshop
    from crawler.errors import StoreError

    if os.path.lexists(target):
        raise StoreError(f"{target}: it is there already, and is not written over; move it away")
    with workshop(target, "database") as folder:
        path = folder / _DATABASE
        _moved(here.database, str(path), partial(show, _DATABASE))
        yield path


def _to_server(here: Project, path: Path, *, once_more: bool) -> None:
    """Puts what was restored into the database of the settings, where that is still empty."""
    from crawler.errors import StoreError
    from crawler.moving import InUse

    try:
        with bar(err) as show:
            _moved(str(path), here.database, partial(show, _DATABASE))
    except StoreError as error:
        # One that was killed may have come as far as that.
        if not (once_more and isinstance(error, InUse) and _are_alike(str(path), here.database)):
            tell(
                f"{error}. What was restored is in data/{_DATABASE}: set project.database to that, "
                "or to an empty database and restore once more."
            )
            leave(ERROR)
    path.unlink()
    tell("All of it is in the database that the settings name.")


def _are_alike(one: str, other: str) -> bool:
    """Whether two databases hold the same documents, the same run and the same decisions."""
    from crawler.corpus import Corpus
    from crawler.database import open_database
    from miner.knowledge import Knowledge

    found = []
    for address in (one, other):
        engine = open_database(address)
        found.append((Corpus(engine).fingerprint(), Knowledge(engine).version()))
        engine.dispose()
    return found[0] == found[1]


def _moved(source: str, target: str, show: Callable[[int, int], None]) -> None:
    """Copies all rows from one database into another, which must be empty."""
    from crawler.database import open_database
    from crawler.moving import copy_rows
    from miner import index

    old, new = open_database(source), open_database(target)
    try:
        for engine in (old, new):
            _brought_about(engine)
        copy_rows(old, new, index.DERIVED, index.derive, show)
    finally:
        old.dispose()
        new.dispose()


def _brought_about(engine: Engine) -> None:
    """Makes the tables of every store, or brings them up to date."""
    from crawler.corpus import Corpus
    from crawler.frontier import Frontier
    from crawler.leases import Leases
    from miner.knowledge import Knowledge

    for store in (Corpus, Frontier, Leases, Knowledge):
        store(engine)


def mend(project: ProjectFolder = None) -> None:
    """Save what can be read of a damaged database; the damaged one is kept beside it."""
    from crawler.damage import MOST
    from crawler.errors import StoreError
    from crawler.locks import only_holder
    from crawler.salvage import salvage
    from crawler.soundness import damaged_file

    here = project_at(project)
    path = here.file
    if path is None:
        raise StoreError("a database that is no file is repaired with its server's own tools")
    if not path.exists():
        raise StoreError(f"{path}: no such file; `folkgrade restore FILE` puts a backup back")
    _check_room(path)
    if not any(damaged_file(path)):
        tell("The database is whole; nothing was done.")
        return
    kept = aside(path)
    with only_holder(path.with_name("mine.lock"), "mine"), bar(err) as show:
        saved = salvage(path, kept, _MADE, lambda table: show(table, 0, None))
    lost = list(_doubted(here))
    total = ", ".join(f"{count:,} of {name}" for name, count in saved.items() if count)
    tell(f"Rows saved: {total or 'none'}. The damaged database is kept as {kept}.")
    for url in lost[:MOST]:
        tell(f"{url}: posts of it were lost; crawl or import it again")
    if len(lost) > MOST:
        more = counted(len(lost) - MOST, "thread")
        tell(f"… and {more} more; status --check names them")
    tell("Next: folkgrade crawl or import, where something was lost; then folkgrade mine")


def aside(path: Path) -> Path:
    """Where `mend` keeps a damaged database."""
    return path.with_name(f"{path.name}.damaged")


def _doubted(here: Project) -> Iterator[str]:
    """Threads of which posts were lost; the next crawl reads them as if it had never seen them."""
    from crawler.frontier import Frontier

    corpus = here.corpus()
    frontier = Frontier(corpus.engine)
    for url in corpus.hashes():
        if corpus.unsound(url):
            corpus.doubt(url)
            frontier.drop([url, *(page.url for page in frontier.pages_of(url))])
            yield url


def _places(folder: Path, database: Path) -> dict[str, Path]:
    """Where each file of a project lies, by its name in a backup.

    The settings last: without them half a project is none.
    """
    data = folder / "data"
    return {
        _DATABASE: database,
        "pages.db": data / "pages.db",
        _KEY: data / _KEY,
        SETTINGS_FILE: folder / SETTINGS_FILE,
    }


def check(here: Project) -> int:
    """Exit code after all damage of a project was said, with the way to heal it.

    Raises StoreError where the disk is full: what cannot be read then may be whole.
    """
    found = _damages(here)
    if found and here.file:
        _check_room(here.file)
    for damage in found:
        typer.echo(shown(f"{damage.place}: {damage.what}; {damage.heal}"))
    typer.echo(f"{len(found):,} damaged." if found else "All is whole.")
    return ERROR if found else OK


def _check_room(path: Path) -> None:
    """Raises StoreError where the disk of a database is full."""
    from crawler.disk import is_full
    from crawler.errors import StoreError

    if is_full(path.parent):
        raise StoreError(
            f"{path}: the disk is full, so it cannot be read now; free some space and look again"
        )


def _damages(here: Project) -> list[Damage]:
    from crawler.damage import Damage
    from crawler.errors import DamagedText, StoreError
    from crawler.soundness import damaged_file
    from miner.shipped import damaged_weights

    broken = list(damaged_file(here.file)) if here.file and here.file.exists() else []
    found = [*damaged_weights(), *broken]
    for look in _LOOKS:
        try:
            found += look(here)
        except StoreError as error:
            if here.file is None and not isinstance(error, DamagedText):
                raise  # the server is away or refuses: no damage, and no backup is of any help
            # Of a broken file it was said above already what is broken.
            if not broken:
                place, _, what = str(error).partition(": ")
                heal = "`folkgrade restore FILE` puts one back"
                found.append(Damage(place=place, what=what, heal=heal))
                break
    return found


def _collected(here: Project) -> Iterator[Damage]:
    from crawler.soundness import damaged_collection

    return damaged_collection(here.corpus())


def _sealed(here: Project) -> Iterator[Damage]:
    from crawler.soundness import damaged_vault

    return damaged_vault(here.vault)


def _concluded(here: Project) -> Iterator[Damage]:
    from miner.engines import ENGINES
    from miner.errors import DamagedConclusions
    from miner.pipeline import unchanged
    from miner.soundness import damaged_conclusions

    corpus, knowledge = here.stores()
    options = options_of(here)
    # The last run may have been one with a flag, such as --fast.
    runs = (replace(options, engine=name) for name in {options.engine, *ENGINES})
    try:
        fresh = any(unchanged(corpus, knowledge, each) for each in runs)
    except DamagedConclusions:
        fresh = False
    return damaged_conclusions(corpus, knowledge, fresh=fresh)


_LOOKS: Sequence[Callable[[Project], Iterator[Damage]]] = (_collected, _sealed, _concluded)
