"""Whether what was collected is whole: the file itself, its rows, the key and the kept pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from crawler.corpus import Corpus
from crawler.damage import MOST, Damage
from crawler.disk import address_to_read
from crawler.errors import CrawlerError
from crawler.frontier import Frontier
from crawler.vault import Vault

__all__ = ["RESTORE", "damaged_collection", "damaged_file", "damaged_vault"]

RESTORE = "restore a backup with `folkgrade restore FILE`"
MEND = "`folkgrade mend` saves what can be read; or `folkgrade restore FILE`"
ANEW = "delete it: the pages can be collected again, and nothing that is stored was lost"


def damaged_file(path: Path, heal: str = MEND) -> Iterator[Damage]:
    """What is wrong with an SQLite file itself, its pages, indexes and references, by table."""
    try:
        base = sqlite3.connect(address_to_read(path), uri=True)
        try:
            said = list(_said_of_tables(base))
            query = "PRAGMA foreign_key_check"
            stray = [] if said else base.execute(query).fetchmany(MOST)
        finally:
            base.close()
    except sqlite3.Error as error:
        yield Damage(place=path.name, what=f"cannot be read ({error})", heal=heal)
        return
    for line in said:
        yield Damage(place=path.name, what=line, heal=heal)
    for table, row, other, _key in stray:
        what = f"row {row} of {table} belongs to a row of {other} that is not there"
        yield Damage(place=path.name, what=what, heal=heal)


def _said_of_tables(base: sqlite3.Connection) -> Iterator[str]:
    """What SQLite finds, with the table it is in where that can be told; nothing where all is well.

    One line a table: of a page that is gone it would say every row.
    """
    said = _said(base, str(MOST))
    if said == ["ok"]:
        return
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    told = False
    for (name,) in base.execute(query).fetchall():
        first = _said(base, f'"{name}"')[0]
        if first != "ok":
            told = True
            yield f"table {name}: {first}"
    if not told:
        yield from said


def _said(base: sqlite3.Connection, of: str) -> list[str]:
    """What SQLite says of so many places, or of a table."""
    try:
        rows = base.execute(f"PRAGMA integrity_check({of})").fetchall()
    except sqlite3.Error as error:
        return [f"cannot be read ({error})"]
    return [" ".join(row[0].split()) for row in rows]


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
    yield from damaged_file(vault.pages_file, ANEW)
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
