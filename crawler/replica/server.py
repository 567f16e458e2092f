"""The replica sites on loopback: each on its own port, in its own thread.

The only module of the replica that opens a socket. Answers are made by `pages`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from crawler.errors import CrawlerError
from crawler.replica.content import COMMUNITY, Site, load
from crawler.replica.pages import Answer, Ask, respond

__all__ = ["Entry", "Replica", "ReplicaSite", "serve"]

HOST = "127.0.0.1"
Failures = Mapping[str, "int | Sequence[int]"]


@dataclass(frozen=True, kw_only=True)
class ReplicaSite:
    """One served site and its address."""

    name: str
    """The slug `only` knows it by, such as `striders`."""
    url: str
    """Front page, with a final slash."""
    software: str
    """discourse, phpbb, xenforo or articles."""
    title: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the journal: what was asked and what was answered."""

    at: float
    """Seconds of a clock that only runs forward."""
    site: str
    method: str
    target: str
    """Path with its query."""
    status: int
    agent: str


class Replica:
    """The running sites: a context manager that stops them at its end."""

    def __init__(self, sites: Sequence[Site], port: int, chaos: Chaos) -> None:
        """Serve the sites from `port` on; CrawlerError where a port is taken."""
        self.journal: list[Entry] = []
        self._servers: dict[str, SiteServer] = {}
        with ExitStack() as opened:
            for place, site in enumerate(sites):
                server = _open(site, port + place if port else 0, self.journal, chaos)
                opened.callback(server.close)
                self._servers[site.slug] = server
            self._close = opened.pop_all().close

    @property
    def sites(self) -> list[ReplicaSite]:
        """What is served where."""
        return [
            ReplicaSite(
                name=name,
                url=f"{server.base}/",
                software=server.site.software,
                title=server.site.name,
            )
            for name, server in self._servers.items()
        ]

    def url(self, name: str) -> str:
        """Front page of the site with this slug; KeyError for one not served."""
        return f"{self._servers[name].base}/"

    def change(self, site: Site) -> None:
        """From now on the site with this slug has this content: posts added, edited or gone."""
        self._servers[site.slug].site = site

    def close(self) -> None:
        """Stop every server; twice is harmless."""
        self._close()

    def __enter__(self) -> Replica:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Chaos:
    """Failures on purpose: a status per path, once or in turn, and delays."""

    def __init__(self, *, fail: Failures, slow: float, retry_after: int | None) -> None:
        """`fail` maps a path to a status, or to several that are used up in turn."""
        self.slow = slow
        self.retry_after = retry_after
        self._fixed = {path: code for path, code in fail.items() if isinstance(code, int)}
        rest = {path: codes for path, codes in fail.items() if not isinstance(codes, int)}
        self._turns = {path: list(codes) for path, codes in rest.items()}
        self._lock = Lock()

    def status(self, *paths: str) -> int | None:
        """The failure due for the first path that has one; None or 200 means answer as usual."""
        with self._lock:
            for path in paths:
                if self._turns.get(path):
                    return self._turns[path].pop(0)
                if path in self._fixed:
                    return self._fixed[path]
        return None


class SiteServer(ThreadingHTTPServer):
    """One site on one port."""

    daemon_threads = True

    def __init__(self, site: Site, port: int, journal: list[Entry], chaos: Chaos) -> None:
        """Listen at once; OSError where the port is taken."""
        super().__init__((HOST, port), Handler)
        self.site = site
        self.journal = journal
        self.chaos = chaos
        self.base = f"http://{HOST}:{self.server_address[1]}"
        self._thread = Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor who hangs up is no news; anything else is reported as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """Reads a request, lets `pages` answer, writes the answer."""

    server: SiteServer
    protocol_version = "HTTP/1.1"
    server_version = "Replica"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._send(self._answer())

    do_HEAD = do_GET  # noqa: N815 (the name is looked up by http.server)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing on the terminal: the journal remembers."""

    def _answer(self) -> Answer:
        chaos = self.server.chaos
        if chaos.slow:
            time.sleep(chaos.slow)
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        failure = chaos.status(f"{self.server.site.slug}:{path}", self.path, path)
        if failure not in (None, 200):
            return _failure(failure or 500, chaos.retry_after)
        query = parse_qs(parts.query, keep_blank_values=True)
        return respond(self.server.site, Ask(path=path, query=query, base=self.server.base))

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode()
        headers = {"Content-Type": answer.content_type, **answer.headers}
        if answer.content_type.startswith("text/html") and answer.status == 200:
            headers |= _validators(answer, body)
        status = answer.status
        if self._unchanged(headers):
            status, body = 304, b""
        self._note(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _unchanged(self, headers: Mapping[str, str]) -> bool:
        tag = self.headers.get("If-None-Match")
        if tag is not None:
            return tag == headers.get("ETag")
        since = self.headers.get("If-Modified-Since")
        return since is not None and since == headers.get("Last-Modified")

    def _note(self, status: int) -> None:
        self.server.journal.append(
            Entry(
                at=time.monotonic(),
                site=self.server.site.slug,
                method=self.command,
                target=self.path,
                status=status,
                agent=self.headers.get("User-Agent", ""),
            )
        )


def serve(
    port: int = 0,
    only: Collection[str] | None = None,
    *,
    folder: Path = COMMUNITY,
    fail: Failures | None = None,
    slow: float = 0.0,
    retry_after: int | None = None,
) -> Replica:
    """The running demo sites, each on its own port of 127.0.0.1, from `port` on (0: any free).

    `only` names the sites wanted. For tests: `fail` maps a path (with or without its query, or
    `site:path`) to a status, or to several for the first answers in turn; `slow` seconds pass
    before each answer; `retry_after` stands in the header of 429 and 503. CrawlerError where a
    site is unknown or a port is taken.
    """
    chaos = Chaos(fail=fail or {}, slow=slow, retry_after=retry_after)
    return Replica(load(folder, only), port, chaos)


def _open(site: Site, port: int, journal: list[Entry], chaos: Chaos) -> SiteServer:
    try:
        return SiteServer(site, port, journal, chaos)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise CrawlerError(f"port {port} for {site.slug}: {reason}; choose another") from problem


def _failure(status: int, retry_after: int | None) -> Answer:
    """An error page; 429 and 503 say when to come back."""
    headers = {}
    if status in (429, 503) and retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    text = f"{status}: this answer was asked for by a test.\n"
    return Answer(body=text, status=status, content_type="text/plain", headers=headers)


def _validators(answer: Answer, body: bytes) -> dict[str, str]:
    headers = {"ETag": f'"{sha1(body, usedforsecurity=False).hexdigest()}"'}
    if answer.modified is not None:
        headers["Last-Modified"] = format_datetime(answer.modified, usegmt=True)
    return headers
