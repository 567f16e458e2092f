"""Files into a folder, into one archive, or one file; what is there is replaced as a whole."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from miner.errors import MinerError
from miner.export.package import File

__all__ = ["BadTarget", "ending", "instead_of", "packed", "written"]

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The one time of all entries, so that equal contents give equal archives."""
LIST = ".folkgrade-export.json"
"""Names the files an export wrote into a folder, so that the next one may replace them."""


class BadTarget(MinerError):
    """An export cannot be written there."""


def ending(files: Sequence[File]) -> str:
    """What the name of the export ends in; empty for a folder."""
    return files[0].name if len(files) == 1 and files[0].name.startswith(".") else ""


def written(files: Sequence[File], target: Path) -> Path:
    """Where the export is now; raises BadTarget where something else is in the way.

    A target that ends in `.zip` becomes an archive, where the export has several files.
    """
    if ending(files):
        with instead_of(target) as stream:
            files[0].write(stream)
    elif target.suffix == ".zip":
        with instead_of(target) as stream:
            packed(stream, files)
    else:
        _into_folder(files, target)
    return target


def packed(stream: IO[bytes], files: Iterable[File]) -> None:
    """Writes the files as a zip archive, the same bytes for the same files."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as inside:
                file.write(inside)


@contextmanager
def instead_of(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes the target's place once it is whole; a device or pipe is written to.

    Raises OSError, which names the target, where it cannot be written; then nothing has changed.
    """
    if target.is_dir():
        raise BadTarget(f"{target}: is a folder; name a file with --out")
    if target.exists() and not target.is_file():
        with target.open("wb", buffering=0) as stream:
            yield stream
        return
    if not target.parent.is_dir():
        raise BadTarget(f"{target.parent}: no such folder; make it, or name another with --out")
    target = target.resolve() if target.is_symlink() else target
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        part.unlink(missing_ok=True)


def _into_folder(files: Sequence[File], target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise BadTarget(f"{target}: is a file; name a folder, or a file ending in .zip, with --out")
    former = _former(target)
    names = sorted(file.name for file in files)
    was_empty = target.is_dir() and not any(target.iterdir())
    missing = [folder for folder in (target, *target.parents) if not folder.exists()]
    try:
        for file in files:
            place = target / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            with instead_of(place) as stream:
                file.write(stream)
        with instead_of(target / LIST) as stream:
            listed = json.dumps(names, ensure_ascii=False, indent=1) + os.linesep
            stream.write(listed.encode())
    except BaseException:
        if missing:
            shutil.rmtree(missing[-1], ignore_errors=True)
        elif was_empty:
            _emptied(target)
        raise
    for name in former - set(names):
        (target / name).unlink(missing_ok=True)


def _emptied(folder: Path) -> None:
    """Takes out all that is in a folder that was empty before."""
    for place in list(folder.iterdir()):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


def _former(target: Path) -> set[str]:
    """What an export before wrote there; raises BadTarget for a folder of somebody else's."""
    if not target.is_dir() or not any(target.iterdir()):
        return set()
    try:
        names = json.loads((target / LIST).read_text("utf-8"))
        return {name for name in names if _inside(name)}
    except (OSError, ValueError, TypeError) as error:
        raise BadTarget(
            f"{target}: holds files that no export wrote; name an empty folder with --out"
        ) from error


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
