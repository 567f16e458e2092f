"""Whether what was collected is whole: the file itself, its rows, the key and the kept pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from crawler.corpus import Corpus
from crawler.damage import MOST, Damage
from crawler.errors import CrawlerError
from crawler.frontier import Frontier
from crawler.vault import Vault

__all__ = ["damaged_collection", "damaged_file", "damaged_vault"]

RESTORE = "restore a backup with `folkgrade restore FILE`"


def damaged_file(path: Path) -> Iterator[Damage]:
    """What is wrong with an SQLite file itself, its pages, indexes and references."""
    try:
        base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            said = [row[0] for row in base.execute(f"PRAGMA integrity_check({MOST})")]
            stray = base.execute("PRAGMA foreign_key_check").fetchmany(MOST)
        finally:
            base.close()
    except sqlite3.Error as error:
        yield Damage(place=path.name, what=f"cannot be read ({error})", heal=RESTORE)
        return
    for line in said if said != ["ok"] else ():
        yield Damage(place=path.name, what=" ".join(line.split()), heal=RESTORE)
    for table, row, other, _key in stray:
        what = f"row {row} of {table} belongs to a row of {other} that is not there"
        yield Damage(place=path.name, what=what, heal=RESTORE)


def damaged_collection(corpus: Corpus) -> Iterator[Damage]:
    """Documents that are not as they were stored, and pages astray in the frontier."""
    for url in corpus.hashes():
        if what := corpus.unsound(url):
            yield Damage(place=url, what=what, heal=f"crawl or import it again, or {RESTORE}")
    for url in Frontier(corpus.engine).astray(MOST):
        yield Damage(place=url, what="its state in the crawl is unknown", heal=RESTORE)


def damaged_vault(vault: Vault) -> Iterator[Damage]:
    """What is wrong with the key, and with the pages kept under it."""
    try:
        vault.key()
    except CrawlerError as error:
        place, _, what = str(error).partition(": ")
        yield Damage(place=Path(place).name, what=what, heal="put the copy of the key back")
        return
    if not vault.pages_file.exists():
        return
    yield from damaged_file(vault.pages_file)
    try:
        with vault.raw() as kept:
            bad = kept.count() - sum(1 for _ in kept.pages())
    except CrawlerError as error:
        yield Damage(place=vault.pages_file.name, what=str(error), heal="put the copy back")
        return
    if bad:
        what = f"{bad:,} kept pages cannot be opened"
        heal = "crawl again; nothing that is stored was lost"
        yield Damage(place=vault.pages_file.name, what=what, heal=heal)
