"""Answers written to a web archive just as they came, on request: names and all are in it.

Requests are not written, since credentials may be in them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.errors import CrawlerError

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response

__all__ = ["BadArchive", "Recorder", "check", "recorded"]


class BadArchive(CrawlerError):
    """A file that no web archive can be written to."""


_SETTING = "FOLKGRADE_WARC"
_PLACE = 960
"""The last thing before the network: bodies are still packed, and no answer is held back."""
_GZIP = b"\x1f\x8b"
_JOINED = {b"transfer-encoding"}
"""Headers that are no longer true of a body that was received."""


def recorded(settings: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Scrapy's settings for a crawl whose answers go to that file as well."""
    middlewares = {**settings.get("DOWNLOADER_MIDDLEWARES", {}), "crawler.warc.Recorder": _PLACE}
    return {**settings, _SETTING: str(path), "DOWNLOADER_MIDDLEWARES": middlewares}


def check(path: Path) -> None:
    """Raises BadArchive where no archive can be written, or where other things would be spoilt."""
    try:
        # Without blocking: a pipe is an error, and no reason to wait.
        now = getattr(os, "O_NONBLOCK", 0)
        handle = os.open(path, os.O_CREAT | os.O_RDWR | now, 0o600)
        with os.fdopen(handle, "rb") as file:
            begins = file.read(2)
    except OSError as error:
        cause = error.strerror or str(error)
        raise BadArchive(f"{path}: no web archive can be written there ({cause})") from error
    if begins not in (b"", _GZIP):
        raise BadArchive(f"{path}: there, and no .warc.gz; name another file")


class Recorder:
    """Downloader middleware that adds every answer to a .warc.gz, made with mode 600."""

    def __init__(self, path: Path, software: str) -> None:
        """Begins where the file ends, so that a crawl that goes on needs no second one."""
        from warcio.warcwriter import WARCWriter

        handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self.file = os.fdopen(handle, "ab")
        self.writer = WARCWriter(self.file, gzip=True)
        info = {"software": software, "format": "WARC File Format 1.1"}
        self.writer.write_record(self.writer.create_warcinfo_record(path.name, info))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Recorder:
        """How Scrapy makes one."""
        from scrapy import signals

        settings = crawler.settings
        made = cls(Path(settings[_SETTING]), settings["USER_AGENT"].partition(" ")[0])
        crawler.signals.connect(made.close, signal=signals.spider_closed)
        return made

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Response:
        """The answer as it is, once it is written."""
        from warcio.statusandheaders import StatusAndHeaders

        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
            if name.lower() not in _JOINED
        ]
        line = StatusAndHeaders(_status(response.status), headers, protocol="HTTP/1.1")
        self.writer.write_record(
            self.writer.create_warc_record(
                response.url, "response", payload=BytesIO(response.body), http_headers=line
            )
        )
        self.file.flush()
        return response

    def close(self) -> None:
        """Closes the file."""
        self.file.close()


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"{code} Unknown"
