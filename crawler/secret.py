"""The key of a project, which makes its pseudonyms and seals what must not be read."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from crawler.errors import KeyFileError

__all__ = ["load_key"]

KEY_BYTES = 32
_LOST = (
    "{path}: the key is missing, and the pseudonyms in the store were made with it; restore it "
    "from a copy, or begin a new project: another key would give every member a second pseudonym"
)


def load_key(path: Path, *, must_exist: bool = False) -> bytes:
    """The project's key of 32 bytes, made with mode 600 at first use; raises KeyFileError.

    `must_exist`: pseudonyms made with it are stored already. A new key would give every member a
    second one, so a lost key is an error then.
    """
    try:
        if not os.path.lexists(path):
            if must_exist:
                raise KeyFileError(_LOST.format(path=path))
            _make_key(path)
    except OSError as error:
        raise KeyFileError(f"{path}: the key cannot be made ({error.strerror})") from error
    return _read_key(path)


def _make_key(path: Path) -> None:
    """Makes the key, which appears whole or not at all; another process's is never replaced."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        _place(made, path)
    finally:
        made.unlink(missing_ok=True)


def _place(made: Path, path: Path) -> None:
    with suppress(FileExistsError):
        try:
            os.link(made, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            made.rename(path)


def _read_key(path: Path) -> bytes:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: the key cannot be read ({error.strerror})") from error
    if os.name == "posix" and mode & 0o077:
        raise KeyFileError(
            f"{path}: others may read the key (mode {mode:o}); run: chmod 600 {path}"
        )
    if not key:
        raise KeyFileError(
            f"{path}: not a key (the file is empty); restore it from a copy, or delete it to make "
            "a new one, with new pseudonyms"
        )
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path}: not a key ({len(key)} bytes, not {KEY_BYTES}); restore it")
    return key
