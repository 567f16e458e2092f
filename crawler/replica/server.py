"""The replica sites on loopback: each on its own port, in its own thread.

The only module of the replica that opens a socket. Answers are made by `pages`.
"""

from __future__ import annotations

import gzip
import socket
import struct
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from crawler.errors import CrawlerError
from crawler.replica.conduct import Conduct, Failures, Fault, Guard
from crawler.replica.content import COMMUNITY, Forum, Site, load
from crawler.replica.journal import OF_INTEREST, Entry
from crawler.replica.pages import Answer, Ask, respond

__all__ = ["Entry", "Replica", "ReplicaSite", "host", "serve"]

HOST = "127.0.0.1"
DROP = 0.15
"""Seconds between two drops of a body that drips."""
WALL = (
    '<!DOCTYPE html><html lang="en"><head><title>Just a moment...</title></head><body>'
    '<div id="challenge-error-text">Enable JavaScript and cookies to continue</div>'
    '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script></body></html>'
)
GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>"
    "<h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


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


class Replica:
    """The running sites: a context manager that stops them at its end."""

    def __init__(self, sites: Sequence[Site], port: int, conduct: Conduct) -> None:
        """Serve the sites from `port` on; CrawlerError where a port is taken."""
        self.journal: list[Entry] = []
        self._servers: dict[str, SiteServer] = {}
        with ExitStack() as opened:
            for place, site in enumerate(sites):
                server = _open(site, port + place if port else 0, self.journal, conduct)
                opened.callback(server.close)
                self._servers[site.slug] = server
            self._close = opened.pop_all().close

    @property
    def sites(self) -> list[ReplicaSite]:
        """What is served where."""
        return [
            ReplicaSite(
                name=name,
                url=server.home,
                software=server.site.software,
                title=server.site.name,
            )
            for name, server in self._servers.items()
        ]

    def url(self, name: str) -> str:
        """Front page of the site with this slug; KeyError for one not served."""
        return self._servers[name].home

    def content(self, name: str) -> Site:
        """What the site with this slug holds at this moment."""
        return self._servers[name].site

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


class SiteServer(ThreadingHTTPServer):
    """One site on one port."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: Site, port: int, journal: list[Entry], conduct: Conduct) -> None:
        """Listen at once; OSError where the port is taken."""
        self.guard = Guard(site.slug, conduct)
        super().__init__((HOST, port), Handler)
        self.site = site
        self.journal = journal
        self.base = f"http://{HOST}:{self.server_address[1]}"
        self.lock = Lock()
        self.flying = 0
        self._thread = Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def home(self) -> str:
        """Front page, with a final slash."""
        folder = self.site.setup.folder if isinstance(self.site, Forum) else ""
        return f"{self.base}{folder}/"

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
    in_flight = False

    def setup(self) -> None:
        """As usual; an answer in two pieces must not wait for the first to be acknowledged."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        """Answer a GET."""
        came = time.monotonic()
        with self.server.lock:
            self.server.flying += 1
            flying = self.server.flying
        self.in_flight = True
        try:
            self._serve(came, flying)
        finally:
            self._landed()

    do_HEAD = do_GET  # noqa: N815 (the name is looked up by http.server)

    def _serve(self, came: float, flying: int) -> None:
        conduct = self.server.guard.conduct
        if conduct.slow:
            time.sleep(conduct.slow)
        path = unquote(urlsplit(self.path).path)
        fault = self.server.guard.fault(self.path, path)
        if isinstance(fault, int) and fault != 200:
            answer = _failure(fault, conduct.retry_after)
        elif fault in ("502", "wall"):
            answer = _in_place(fault)
        else:
            answer = self.server.guard.refusal() or self._answer(path)
        status, headers, body = self._made(answer)
        pieces = [] if fault == "reset" else _pieces(body, fault, headers)
        self._note(came, flying, 0 if fault == "reset" else status, headers, fault)
        self._send(status, headers, pieces, fault)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing on the terminal: the journal remembers."""

    def _answer(self, path: str) -> Answer:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        agent = self.headers.get("User-Agent", "")
        ask = Ask(path=path, query=query, base=self.server.base, agent=agent)
        return self.server.guard.kept(
            f"{agent} {self.path}", lambda: respond(self.server.site, ask)
        )

    def _made(self, answer: Answer) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body to be sent; no body where the visitor has it already."""
        body = answer.body.encode()
        headers = {"Content-Type": answer.content_type, **answer.headers}
        if answer.content_type.startswith("text/html") and answer.status == 200:
            headers |= _validators(answer, body)
        return (304, headers, b"") if self._unchanged(headers) else (answer.status, headers, body)

    def _unchanged(self, headers: Mapping[str, str]) -> bool:
        tag = self.headers.get("If-None-Match")
        if tag is not None:
            return tag == headers.get("ETag")
        since = self.headers.get("If-Modified-Since")
        return since is not None and since == headers.get("Last-Modified")

    def _send(
        self, status: int, headers: Mapping[str, str], pieces: Sequence[bytes], fault: object
    ) -> None:
        if fault == "reset":
            self._cut()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        length = sum(map(len, pieces))
        self.send_header("Content-Length", str(2 * length + 9 if fault == "short" else length))
        self.end_headers()
        if self.command == "HEAD":
            self._landed()
            return
        for place, piece in enumerate(pieces, 1):
            if place == len(pieces):
                self._landed()
            self.wfile.write(piece)
            if place < len(pieces):
                time.sleep(DROP)
        if fault == "short":
            self.close_connection = True

    def _landed(self) -> None:
        """Ends the flight, before the last piece: who has that may ask again at once."""
        with self.server.lock:
            self.server.flying -= self.in_flight
            self.in_flight = False

    def _cut(self) -> None:
        self._landed()
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        with suppress(OSError):
            self.connection.close()

    def _note(
        self, came: float, flying: int, status: int, headers: Mapping[str, str], fault: object
    ) -> None:
        wait = headers.get("Retry-After", "")
        told = {name: self.headers[name] for name in OF_INTEREST if name in self.headers}
        self.server.journal.append(
            Entry(
                at=came,
                ended=time.monotonic(),
                site=self.server.site.slug,
                method=self.command,
                target=self.path,
                status=status,
                agent=self.headers.get("User-Agent", ""),
                flying=flying,
                wait=float(wait) if wait.isdecimal() else None,
                fault=fault if isinstance(fault, str) else "",
                headers=told,
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
    `site:path`) to a status or fault, or to several for the first answers in turn; `slow` seconds
    pass before each answer; `retry_after` stands in the header of 429 and 503. CrawlerError where a
    site is unknown or a port is taken.
    """
    conduct = Conduct(fail=fail or {}, slow=slow, retry_after=retry_after)
    return Replica(load(folder, only), port, conduct)


def host(*sites: Site, port: int = 0, conduct: Conduct | None = None) -> Replica:
    """The running sites, each on its own port of 127.0.0.1, from `port` on (0: any free).

    CrawlerError where a port is taken or a fault unknown.
    """
    return Replica(sites, port, conduct or Conduct())


def _open(site: Site, port: int, journal: list[Entry], conduct: Conduct) -> SiteServer:
    try:
        return SiteServer(site, port, journal, conduct)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise CrawlerError(f"port {port} for {site.slug}: {reason}; choose another") from problem


def _in_place(fault: Fault) -> Answer:
    """What a machine in front of the forum says in its place."""
    if fault == "wall":
        return Answer(body=WALL, status=403, headers={"cf-mitigated": "challenge"})
    return Answer(body=GATEWAY, status=502, content_type="text/html")


def _pieces(body: bytes, fault: int | Fault | None, headers: dict[str, str]) -> list[bytes]:
    """The body as it is sent, harmed as ordered; `headers` tell of it where they must."""
    if fault == "cut":
        return [body[: len(body) // 2]]
    if fault == "gzip":
        headers["Content-Encoding"] = "gzip"
        packed = gzip.compress(body, mtime=0)
        return [packed[: len(packed) // 2]]
    if fault == "drip":
        step = len(body) // 4 + 1
        return [body[place : place + step] for place in range(0, len(body), step)] or [b""]
    return [body]


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
