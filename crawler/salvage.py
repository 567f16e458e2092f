"""What can still be read of a damaged SQLite file, into a new one; the damaged one is kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from crawler.errors import StoreError

__all__ = ["salvage"]

_MANY = 1_000
"""Rows written at a time."""
_LAST = 2**62
"""No row has so high a number."""

Row = tuple[object, ...]


def salvage(
    path: Path, aside: Path, without: tuple[str, ...], show: Callable[[str], None]
) -> Mapping[str, int]:
    """Rows that were saved, by table; the new file is in the place of the damaged one.

    That is kept `aside`, where nothing may lie yet. Tables whose name begins with one of `without`
    are made, and left empty. Raises StoreError where the file cannot be read at all, or somebody
    uses it; then nothing has changed.
    """
    if os.path.lexists(aside):
        raise StoreError(f"{aside}: it is there already, from an earlier repair; move it away")
    draft = path.with_name(f".{path.name}.mended")
    draft.unlink(missing_ok=True)
    try:
        with _alone(path) as source, closing(sqlite3.connect(draft)) as target:
            saved = _copied(source, target, without, show)
        draft.chmod(0o600)
        _swap(path, draft, aside)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be saved ({error}); restore a backup") from error
    finally:
        draft.unlink(missing_ok=True)
    return saved


@contextmanager
def _alone(path: Path) -> Iterator[sqlite3.Connection]:
    """The file while nobody else uses it: whoever does would go on writing to the damaged one."""
    with closing(sqlite3.connect(path, isolation_level=None)) as source:
        source.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            source.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise StoreError(
                f"{path}: another process uses it; end the crawl, the miner and the dashboard"
            ) from error
        yield source


def _copied(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    without: tuple[str, ...],
    show: Callable[[str], None],
) -> dict[str, int]:
    """Rows copied by table, once the tables and all else of the schema are made."""
    query = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    parts = source.execute(query).fetchall()
    # SQLite makes some tables by itself, and those that belong to a virtual one.
    virtual = [f"{name}_" for _kind, name, sql in parts if sql.upper().startswith("CREATE VIRTUAL")]
    parts = [part for part in parts if not part[1].startswith(("sqlite_", *virtual))]
    for kind, _name, sql in parts:
        if kind == "table":
            target.execute(sql)
    saved = {}
    for kind, name, _sql in parts:
        if kind == "table" and not name.startswith(without):
            show(name)
            saved[name] = _table(source, target, name)
    for kind, _name, sql in parts:
        if kind != "table":
            with suppress(sqlite3.IntegrityError):
                target.execute(sql)
    _drop_strays(target)
    target.commit()
    return saved


def _table(source: sqlite3.Connection, target: sqlite3.Connection, name: str) -> int:
    """How many rows of a table were copied; one that makes no sense any more is passed over."""
    width = len(target.execute(f'SELECT * FROM "{name}" LIMIT 0').description)  # noqa: S608
    marks = ", ".join("?" * width)
    insert = f'INSERT OR IGNORE INTO "{name}" VALUES ({marks})'  # noqa: S608
    before, some = target.total_changes, list[Row]()
    for row in _rows(source, name):
        some.append(row)
        if len(some) >= _MANY:
            target.executemany(insert, some)
            some.clear()
    target.executemany(insert, some)
    return target.total_changes - before


def _rows(source: sqlite3.Connection, name: str) -> Iterator[Row]:
    """The rows that can be read, in the order of their numbers; damaged stretches are left out."""
    query = f'SELECT rowid, * FROM "{name}" WHERE rowid >= ? ORDER BY rowid'  # noqa: S608
    start = 0
    while start < _LAST:
        try:
            for number, *row in source.execute(query, (start,)):
                start = number + 1
                yield tuple(row)
        except sqlite3.Error:
            start = _beyond(source, f"{query} LIMIT 1", start)
        else:
            return


def _beyond(source: sqlite3.Connection, query: str, failing: int) -> int:
    """The first number after a failing one from which on a row can be read; `_LAST` for none."""

    def reads(start: int) -> bool:
        try:
            source.execute(query, (start,)).fetchall()
        except sqlite3.Error:
            return False
        return True

    step = 1
    while not reads(min(failing + step, _LAST)):
        if failing + step >= _LAST:
            return _LAST
        step *= 2
    low, high = failing + step // 2, min(failing + step, _LAST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reads(middle) else (middle, high)
    return high


def _drop_strays(target: sqlite3.Connection) -> None:
    """Takes away rows that belong to one that was lost."""
    for name, number, *_ in target.execute("PRAGMA foreign_key_check").fetchall():
        target.execute(f'DELETE FROM "{name}" WHERE rowid = ?', (number,))  # noqa: S608


def _swap(path: Path, draft: Path, aside: Path) -> None:
    """Puts the new file in the place of the damaged one, at no moment leaving none there."""
    try:
        os.link(path, aside)
    except OSError:
        shutil.copy2(path, aside)
    for end in ("-wal", "-shm"):
        log = path.with_name(path.name + end)
        if log.exists():
            log.replace(aside.with_name(aside.name + end))
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    draft.replace(path)
