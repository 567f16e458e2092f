"""Web archives: each page of a WARC goes to the engines under its own address.

The format is read here and not by warcio, which writes ours: it waits for the end of a record whose
length is missing, keeps lines of any length in memory, and prints what it stumbles over.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from crawler import clean
from crawler.decode import decode_as
from crawler.engines.answers import iso
from crawler.errors import CrawlerError, NothingRead
from crawler.imports import Given, Yield
from crawler.page import Page
from crawler.reread import kept
from crawler.streams import Stream, zstd

__all__ = ["read", "recognises"]

_LARGEST = 16 * 2**20
"""Bytes of a page, packed or not."""
_HEAD = 64 * 2**10
"""Bytes of the headers of a record, or of an answer."""
_VERSION = re.compile(rb"WARC/\d\.\d\r?\n")
_START = re.compile(rb"(?<=\n)(?=WARC/\d\.\d\r?\n)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})")
_CHUNK = re.compile(rb"\s*([0-9a-fA-F]{1,8})[^\r\n]{0,200}\r?\n")
_TEXTUAL = re.compile(r"text/(?:html|plain|xml)|.*\b(?:json|xhtml)\b", re.I)


def recognises(head: bytes) -> float:
    """1 where the version of the format stands first."""
    return 1.0 if _VERSION.match(head) else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """What the engines find on the pages that were answered well; other records pass by."""
    for number, record in enumerate(_records(stream), start=1):
        if record is None:
            yield NothingRead(f"record {number} is broken or giant")
            continue
        try:
            page = _page(record, given)
            if page is not None:
                yield from kept(page).documents
        except CrawlerError as error:
            yield NothingRead(str(error))
        except Exception as error:  # whatever one record holds, the others are read
            yield NothingRead(f"record {number} cannot be read ({type(error).__name__})")


@dataclass(frozen=True, kw_only=True)
class _Record:
    """One record: its headers, names in lower case, and what follows them."""

    headers: Mapping[str, str]
    body: bytes


class _Ahead:
    """A stream that may be looked at before it is read."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.held = b""

    def hold(self, most: int) -> bytes:
        """The next bytes, so many where there are, which will be read again."""
        while len(self.held) < most and (more := self.stream.read()):
            self.held += more
        return self.held

    def take(self, count: int) -> bytes:
        """The next bytes, so many where there are."""
        found, self.held = self.hold(count)[:count], self.held[count:]
        return found

    def pass_over(self, count: int) -> None:
        """Leaves out so many bytes, however many they are."""
        while count > 0 and self.hold(1):
            count -= len(self.take(min(count, len(self.held))))

    def go_on(self) -> bool:
        """Whether there is a further record behind the next byte; reading goes on with it."""
        while self.hold(2**20):
            if found := _START.search(self.held, 1):
                self.held = self.held[found.start() :]
                return True
            if len(self.held) < 2**20:
                self.held = b""
            else:
                self.held = self.held[-32:] + self.stream.read()
                if len(self.held) <= 32:
                    self.held = b""
        return False


def _records(stream: Stream) -> Iterator[_Record | None]:
    """The archive's records; None for each that is broken, or too large to hold a page."""
    ahead = _Ahead(stream)
    while ahead.hold(_HEAD).strip():
        ahead.held = ahead.held.lstrip(b"\r\n")
        end = _HEAD_END.search(ahead.held, 0, _HEAD)
        headers = _headers(ahead.held[: end.start()]) if end else {}
        length = headers.get("content-length", "")
        if not end or not _VERSION.match(ahead.held) or not re.fullmatch(r"\d{1,15}", length):
            yield None
            if not ahead.go_on():
                return
            continue
        ahead.take(end.end())
        if int(length) > _LARGEST + _HEAD:
            ahead.pass_over(int(length))
            if headers.get("warc-type") == "response":
                yield None
            continue
        yield _whole(ahead, headers, int(length))


def _whole(ahead: _Ahead, headers: Mapping[str, str], length: int) -> _Record | None:
    """The record; None where another begins within it, and reading goes on with that one."""
    body = ahead.take(length)
    is_whole = len(body) == length and re.match(rb"\r?\n|$", ahead.hold(4)[:4])
    inside = None if is_whole else _START.search(body)
    if inside:
        ahead.held = body[inside.start() :] + ahead.held
    return _Record(headers=headers, body=body) if is_whole else None


def _headers(head: bytes) -> Mapping[str, str]:
    """Header lines by name, in lower case."""
    pairs = (line.partition(b":") for line in head.splitlines()[1:])
    return {
        name.decode("latin-1").strip().lower(): value.decode("utf-8", "replace").strip()
        for name, colon, value in pairs
        if colon
    }


def _page(record: _Record, given: Given) -> Page | None:
    """The page of a record; None where it holds none."""
    url = record.headers.get("warc-target-uri", "").strip("<>")
    status, headers, body = _answer(record)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if status != 200 or not _TEXTUAL.match(kind) or not clean.is_address(url):
        return None
    return Page(
        url=url,
        text=decode_as(_unpacked(body, headers), headers.get("content-type", "")),
        fetched=iso(record.headers.get("warc-date")) or given.fetched,
        content_type=kind,
        status=status,
        headers=headers,
    )


def _answer(record: _Record) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of what a server answered; status 0 where that is not it."""
    kind = record.headers.get("warc-type")
    if kind == "resource":
        return 200, record.headers, record.body
    line = _STATUS.match(record.body)
    end = _HEAD_END.search(record.body, 0, _HEAD)
    if kind != "response" or not line or not end:
        return 0, {}, b""
    headers = _headers(record.body[: end.start()])
    body = record.body[end.end() :]
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    return int(line[1]), headers, _joined(body) if is_chunked else body


def _joined(body: bytes) -> bytes:
    """The chunks of a body as one; some archives join them and leave the header."""
    pieces: list[bytes] = []
    at = 0
    while size := _CHUNK.match(body, at):
        length = int(size[1], 16)
        if not length:
            return b"".join(pieces)
        pieces.append(body[size.end() : size.end() + length])
        at = size.end() + length
    return b"".join(pieces) if pieces else body


def _unpacked(raw: bytes, headers: Mapping[str, str]) -> bytes:
    """The body without its packing, which may not make it giant."""
    for coding in reversed(headers.get("content-encoding", "").lower().split(",")[:3]):
        raw = _UNPACKING.get(coding.strip(), _as_it_is)(raw)
        if len(raw) > _LARGEST:
            raise NothingRead(f"a page that unpacks to more than {_LARGEST:,} bytes is none")
    return raw


def _as_it_is(raw: bytes) -> bytes:
    return raw


def _inflated(raw: bytes) -> bytes:
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # with a head, and without any
        try:
            return zlib.decompressobj(window).decompress(raw, _LARGEST + 1)
        except zlib.error:
            continue
    return raw  # some archives keep the coding's name and unpack the body


def _brotli(raw: bytes) -> bytes:
    import brotli

    try:
        return bytes(brotli.Decompressor().process(raw, output_buffer_limit=_LARGEST + 1))
    except brotli.error:
        return raw


def _zstd(raw: bytes) -> bytes:
    try:
        return bytes(zstd.ZstdDecompressor().decompress(raw, _LARGEST + 1))
    except zstd.ZstdError:
        return raw


_UNPACKING: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _inflated,
    "br": _brotli,
    "zstd": _zstd,
}
