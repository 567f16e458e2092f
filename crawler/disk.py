"""What a file's place allows: to be read, to be written, to grow."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from tempfile import TemporaryFile

__all__ = ["address_to_read", "is_full", "writable"]

_PROBE = 2**16
"""Bytes that a disk with room takes: what SQLite needs beside a file to read it."""


def address_to_read(path: Path) -> str:
    """Address by which SQLite opens a file to read it, also where nothing may be written."""
    log = path.with_name(f"{path.name}-wal")
    waiting = log.exists() and log.stat().st_size
    # A folder that may be written has room for the log, and somebody may write while we read.
    mode = "ro" if waiting or writable(path) else "ro&immutable=1"
    return f"{path.resolve().as_uri()}?mode={mode}"


def writable(path: Path) -> bool:
    """Whether the file and its folder may be written; a file that is not there yet may."""
    there = [place for place in (path, path.resolve().parent) if place.exists()]
    return all(os.access(place, os.W_OK) for place in there)


def is_full(folder: Path) -> bool:
    """Whether the disk that holds the folder takes no more, as found by trying."""
    try:
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return False
