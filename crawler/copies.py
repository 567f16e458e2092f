"""A project in one file, and back: the databases as they are at one moment, with their digests.

SQLite alone: whoever runs PostgreSQL has its own tools for this.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from crawler.errors import StoreError
from crawler.locks import only_holder

__all__ = ["Backup", "backup", "contents", "restore", "workshop"]

Show = Callable[[str, int, int | None], None]
"""Told of a file, how much of it is done, and of how much."""

NOTE = "backup.json"
FORMAT = 1
_PIECE = 1 << 20
_LONGEST_NOTE = 1 << 16
"""Bytes; a longer one is none of ours, and may swell to any size."""
_STEP = 1_000
"""Pages of a database copied at a time."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup holds."""

    made: datetime
    program: str
    digests: Mapping[str, str]
    """SHA-256 of each file, by the name it has in the backup."""


def backup(target: Path, files: Mapping[str, Path], program: str, show: Show) -> Backup:
    """What was written to the target, which must not be there: it appears whole or not at all.

    Databases are copied as they stand at one moment, while others may write. Raises StoreError.
    """
    _must_not_exist(target)
    with workshop(target) as folder:
        whole = folder / "backup"
        held = {name: path for name, path in files.items() if path.exists()}
        digests = {}
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, path in held.items():
                copy = _copied(path, folder / "copy", partial(show, name))
                digests[name] = _digest(copy)
                archive.write(copy, name)
                if copy != path:
                    copy.unlink()
            note = Backup(made=datetime.now(UTC), program=program, digests=digests)
            archive.writestr(NOTE, json.dumps(_noted(note), indent=1))
        with whole.open("rb+") as file:
            os.fsync(file.fileno())
        whole.chmod(0o600)
        _must_not_exist(target)
        whole.replace(target)
    return note


@contextmanager
def workshop(target: Path, name: str = "part") -> Iterator[Path]:
    """A folder beside the target, gone afterwards; what a killed backup left there goes first.

    Of each name there is one at a time. Raises StoreError.
    """
    folder = target.with_name(f".{target.name}.{name}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with only_holder(folder / "lock", f"backup {target.name}"):
            for left in folder.iterdir():
                if left.name != "lock":
                    left.unlink()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        cause = error.strerror or str(error)
        raise StoreError(f"{target}: cannot be written ({cause}); nothing was kept") from error


def contents(source: Path) -> Backup:
    """What a backup says of itself; raises StoreError where the file is none."""
    try:
        with zipfile.ZipFile(source) as archive, archive.open(NOTE) as packed:
            note: Any = json.loads(packed.read(_LONGEST_NOTE))
        if note["format"] > FORMAT:
            raise StoreError(f"{source}: made by a newer Folkgrade; update Folkgrade")
        made = datetime.fromisoformat(note["made"])
        return Backup(made=made, program=str(note["program"]), digests=dict(note["files"]))
    except FileNotFoundError as error:
        raise StoreError(f"{source}: no such file") from error
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise StoreError(f"{source}: no backup of a project, or a damaged one") from error


def restore(source: Path, places: Mapping[str, Path], show: Show) -> Backup:
    """What was put back: each file of those names at its place, none of which may be there.

    All is read and compared with its digests first; raises StoreError, and then nothing changed.
    """
    note = contents(source)
    named = {name: path for name, path in places.items() if name in note.digests}
    # One that was killed put some files in their places already: those stay.
    wanted = {name: path for name, path in named.items() if not _is(path, note.digests[name])}
    for path in wanted.values():
        _must_not_exist(path)
        _must_have_no_log(path)
    drafts = {path.with_name(f".{path.name}.part"): path for path in wanted.values()}
    try:
        with zipfile.ZipFile(source) as archive:
            for (name, _place), draft in zip(wanted.items(), drafts, strict=True):
                draft.parent.mkdir(parents=True, exist_ok=True)
                if _unpacked(archive, name, draft, show) != note.digests[name]:
                    raise StoreError(f"{source}: {name} in it is damaged; nothing was restored")
        for draft, path in drafts.items():
            _must_not_exist(path)
            draft.replace(path)
    except OSError as error:
        place = error.filename or source
        raise StoreError(f"{place}: {error.strerror or error}; nothing was restored") from error
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, ValueError) as error:
        raise StoreError(f"{source}: damaged ({error}); nothing was restored") from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return note


def _must_not_exist(path: Path) -> None:
    if os.path.lexists(path):
        raise StoreError(f"{path}: it is there already, and is not written over; move it away")


def _is(path: Path, digest: str) -> bool:
    """Whether the file there is the very one."""
    return path.is_file() and _digest(path) == digest


def _must_have_no_log(path: Path) -> None:
    """What is left of a former database's last changes would be written into the new one."""
    for log in (path.with_name(path.name + end) for end in ("-wal", "-journal")):
        if log.exists() and log.stat().st_size:
            _must_not_exist(log)


def _noted(note: Backup) -> dict[str, Any]:
    made = note.made.isoformat(timespec="seconds")
    return {"format": FORMAT, "made": made, "program": note.program, "files": dict(note.digests)}


def _copied(path: Path, copy: Path, show: Callable[[int, int], None]) -> Path:
    """A database's copy at one moment; another file as it is."""
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            return path
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            base.isolation_level = None
            # Held to the end: else every write of others would begin the copy anew.
            base.execute("BEGIN")
            base.execute("SELECT count(*) FROM sqlite_master").fetchone()
            with closing(sqlite3.connect(copy)) as made:
                told = lambda _status, left, total: show(total - left, total)  # noqa: E731
                base.backup(made, pages=_STEP, progress=told)
                said = made.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be copied ({error})") from error
    if said != "ok":
        raise StoreError(f"{path}: it is damaged ({said}); `folkgrade status --check` says more")
    return copy


def _unpacked(archive: zipfile.ZipFile, name: str, target: Path, show: Show) -> str:
    """SHA-256 of a file of the archive, now written to the target with mode 600."""
    digest, done = hashlib.sha256(), 0
    size = archive.getinfo(name).file_size
    with archive.open(name) as packed, target.open("wb") as file:
        target.chmod(0o600)
        while piece := packed.read(_PIECE):
            file.write(piece)
            digest.update(piece)
            done += len(piece)
            show(name, done, size)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
