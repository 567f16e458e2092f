"""One page asked for politely: on a small real server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from crawler.errors import RefusedByPolicy
from crawler.fetch import NoAnswer, fetch

PAGES: Mapping[str, tuple[int, Mapping[str, str], bytes]] = {
    "/robots.txt": (200, {}, b"User-agent: folkgrade\nDisallow: /private\n"),
    "/page": (200, {"Content-Type": "text/html; charset=koi8-r"}, "боль".encode("koi8-r")),
    "/old": (301, {"Location": "/page"}, b""),
    "/sly": (302, {"Location": "/private/page"}, b""),
    "/round": (302, {"Location": "/round"}, b""),
    "/wall": (403, {}, b"no"),
    "/private/page": (200, {}, b"secret"),
}


class Server(BaseHTTPRequestHandler):
    """Answers from the table and notes what was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["User-Agent"]))
        status, headers, body = PAGES.get(self.path, (404, {}, b"none"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def home() -> Iterator[str]:
    Server.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_page_is_asked_for_once_with_its_rules_before_it(home: str) -> None:
    """robots.txt, then the page; both under the honest name; its character set is read."""
    page = fetch(f"{home}/page", "folkgrade/1 (+me@example)")
    assert (page.text, page.content_type, page.status) == ("боль", "text/html", 200)
    assert [path for path, _ in Server.asked] == ["/robots.txt", "/page"]
    assert {agent for _, agent in Server.asked} == {"folkgrade/1 (+me@example)"}


def test_a_redirect_is_followed_and_asked_about(home: str) -> None:
    """To a page that is allowed it leads; to one that is not it does not."""
    assert fetch(f"{home}/old", "folkgrade/1").url == f"{home}/page"
    with pytest.raises(RefusedByPolicy, match=r"robots\.txt says no"):
        fetch(f"{home}/sly", "folkgrade/1")
    assert "/private/page" not in [path for path, _ in Server.asked]


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("/private/page", RefusedByPolicy, "robots.txt says no"),
        ("/wall", RefusedByPolicy, "refuses"),
        ("/none", NoAnswer, "404"),
        ("/round", NoAnswer, "again and again"),
    ],
)
def test_what_does_not_come_is_said_in_one_line(
    home: str, path: str, error: type[Exception], said: str
) -> None:
    """Rules, walls, pages that are not there, circles."""
    with pytest.raises(error, match=said.replace(".", r"\.")) as caught:
        fetch(f"{home}{path}", "folkgrade/1")
    assert "\n" not in str(caught.value)


def test_nobody_there_is_said() -> None:
    """A port on which nobody listens."""
    with pytest.raises(NoAnswer, match="no answer"):
        fetch("http://127.0.0.1:9/", "folkgrade/1")
