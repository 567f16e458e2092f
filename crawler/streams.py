"""The bytes of a file, unpacked on the way, a piece at a time: memory does not grow with the file.

gzip, bzip2 and zstandard are told by their first bytes. Where the packing is damaged, what came
before counts, and `Stream.damage` says what happened.
"""

from __future__ import annotations

import bz2
import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from crawler.errors import NothingRead

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["LONGEST", "Stream", "open_stream", "zstd"]

LONGEST = 16 * 2**20
"""Bytes of one line or record; a longer one is passed over."""
_CHUNK = 2**20
_HEAD = 256 * 2**10
"""Bytes a format is told by."""
_WINDOW_LOG = 31
"""Reddit dumps are packed with a window of 2 GiB."""
_SWOLLEN, _RATIO = 256 * 2**20, 400
"""A file that unpacks to more than this many bytes and so many times its size is a trap."""
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError, OSError, ValueError)


class Stream:
    """A file being read from its beginning to its end."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        """`file` holds the bytes as they lie on disk; `size` is how many."""
        self.path = path
        self.size = size
        self.damage: str | None = None
        """Why reading stopped before the end; None where it did not."""
        self.unpacked = 0
        self._disk = file
        self._file: Any = _unpacking(file)
        self._ahead = b""

    def __enter__(self) -> Stream:
        """Itself; leaving the block closes the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self._file.close()
        self._disk.close()

    @property
    def position(self) -> int:
        """Bytes read of the file as it lies on disk."""
        return min(self._disk.tell(), self.size)

    @property
    def packed(self) -> bool:
        """Whether the file is compressed."""
        return self._file is not self._disk

    def head(self) -> bytes:
        """The first bytes unpacked, which will be read again."""
        while len(self._ahead) < _HEAD and (more := self._next()):
            self._ahead += more
        return self._ahead[:_HEAD]

    def read(self, most: int = _CHUNK) -> bytes:
        """The next bytes, up to `most`; empty at the end or at the damage."""
        found = self._ahead[:most] or self._next(most)
        self._ahead = self._ahead[len(found) :]
        return found

    def whole(self, most: int) -> bytes:
        """All that is left; raises NothingRead where that is more than `most` bytes."""
        pieces, length = [], 0
        while piece := self.read():
            pieces.append(piece)
            length += len(piece)
            if length > most:
                size = f"{max(length, 0 if self.packed else self.size):,} bytes"
                raise NothingRead(f"{self.path}: {size}, more than {most:,}; split the file")
        return b"".join(pieces)

    def records(self, mark: bytes = b"\n") -> Iterator[bytes | None]:
        """The pieces between marks, the last one too; None for one that is too long."""
        rest, passing = b"", False
        while chunk := self.read():
            *pieces, rest = (rest + chunk).split(mark)
            for piece in pieces:
                yield None if passing or len(piece) > LONGEST else piece
                passing = False
            if passing or len(rest) > LONGEST:
                # Enough of it stays for a mark that the chunk cut in two.
                rest, passing = rest[-len(mark) :], True
        if passing:
            yield None
        elif rest:
            yield rest

    def _next(self, most: int = _CHUNK) -> bytes:
        if self.damage:
            return b""
        try:
            # The next piece, not as many as fit: of a file cut short all that is there is had.
            found: bytes = self._file.read1(most)
        except _DAMAGE as error:
            self.damage = f"it is damaged or cut short ({type(error).__name__}: {error})"
            return b""
        self.unpacked += len(found)
        if self.unpacked > max(_SWOLLEN, _RATIO * self._disk.tell()):
            self.damage = f"it swells more than {_RATIO} times while unpacking, as no text does"
            return b""
        return found


def open_stream(path: Path) -> Stream:
    """The file ready to be read; raises NothingRead where it is none or may not be read."""
    try:
        if not path.is_file():
            cause = "no regular file; save its content to one" if path.exists() else _MISSING
            raise NothingRead(f"{path}: {cause}")
        return Stream(path, path.open("rb"), path.stat().st_size)
    except OSError as error:
        raise NothingRead(f"{path}: {error.strerror or error}; check its permissions") from None


_MISSING = "no such file; check the path"


def _unpacking(file: BinaryIO) -> BinaryIO:
    """What reads the file unpacked, whatever its name."""
    start = file.read(4)
    file.seek(0)
    made: Any = file
    if start.startswith(b"\x1f\x8b"):
        made = gzip.GzipFile(fileobj=file, mode="rb")
    elif start.startswith(b"BZh"):
        made = bz2.BZ2File(file)
    elif start == b"\x28\xb5\x2f\xfd" or _is_skippable(start):
        options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
        made = zstd.ZstdFile(cast("Any", file), options=cast("Any", options))
    return cast("BinaryIO", made)


def _is_skippable(start: bytes) -> bool:
    """Whether a zstandard file begins with a note of its maker."""
    return len(start) == 4 and start[1:] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50
