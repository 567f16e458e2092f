"""One page asked for politely: on a small real server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from urllib.parse import urlsplit

import pytest

from crawler import fetch as fetching
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
RULES_OF = {"8.8.4.4": "/page", "8.8.4.5": "http://8.8.4.4/rules"}
"""Where robots.txt of a host redirects to."""


class Server(BaseHTTPRequestHandler):
    """Answers from the table and notes what was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["User-Agent"]))
        if self.path in ("/drip", "/short", "/vast"):
            self._badly()
            return
        status, headers, body = PAGES.get(self.path, (404, {}, b"none"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _badly(self) -> None:
        """A body that comes a byte at a time, or ends before its end."""
        self.send_response(200)
        self.send_header("Content-Length", "1000" if self.path != "/vast" else "10000000000")
        self.end_headers()
        with suppress(OSError):
            for _ in range(100 if self.path == "/drip" else 1):
                self.wfile.write(b"x")
                sleep(0.01)

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
        ("/vast", NoAnswer, "larger than a page may be"),
    ],
)
def test_what_does_not_come_is_said_in_one_line(
    home: str, path: str, error: type[Exception], said: str
) -> None:
    """Rules, walls, pages that are not there, circles."""
    with pytest.raises(error, match=said.replace(".", r"\.")) as caught:
        fetch(f"{home}{path}", "folkgrade/1")
    assert "\n" not in str(caught.value)


class Web(Server):
    """The open web, as a proxy shows it: `/out?ADDRESS` redirects there."""

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["User-Agent"]))
        parts = urlsplit(self.path)
        place = parts.query if parts.path == "/out" else None
        if parts.path == "/robots.txt":
            place = RULES_OF.get(parts.hostname or "")
        self.send_response(302 if place else 200)
        if place:
            self.send_header("Location", place)
        body = b"Disallow:" if "robots" in self.path else b"a page"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Public addresses answer, by way of a proxy on this machine; what was asked of it."""
    Server.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(fetching, "POLITE_DELAY", 0.0)
    yield Server.asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "inner",
    [
        "http://127.0.0.2:8080/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest/",
        "http://[::1]/x",
        "http://[::ffff:10.0.0.1]/x",
        "http://2130706433/x",
        "http://localhost/x",
    ],
)
def test_the_open_web_leads_to_no_private_place(web: list[tuple[str, str]], inner: str) -> None:
    """Neither the page nor robots.txt of a machine that only we can reach is asked for."""
    with pytest.raises(RefusedByPolicy, match="no place on the open web") as told:
        fetch(f"http://8.8.8.8/out?{inner}", "folkgrade/1")
    assert "\n" not in str(told.value)
    assert {urlsplit(path).hostname for path, _ in web} == {"8.8.8.8"}


def test_the_open_web_leads_to_other_places_of_its_own(web: list[tuple[str, str]]) -> None:
    """A redirect from public host to public host is followed as before."""
    assert fetch("http://8.8.8.8/out?http://8.8.4.6/x", "folkgrade/1").text == "a page"


def test_one_private_place_may_lead_to_another(home: str) -> None:
    """Who asks for this machine means it."""
    port = urlsplit(home).port
    assert fetch(f"http://localhost:{port}/old", "folkgrade/1").url.endswith("/page")


def test_rules_are_taken_from_their_own_host_alone(web: list[tuple[str, str]]) -> None:
    """robots.txt may lead elsewhere on its host; off it, nothing is known to be allowed."""
    assert fetch("http://8.8.4.4/x", "folkgrade/1").text == "a page"
    assert "http://8.8.4.4/page" in [path for path, _ in web]
    with pytest.raises(RefusedByPolicy, match=r"robots\.txt leads off the site"):
        fetch("http://8.8.4.5/x", "folkgrade/1")
    assert "http://8.8.4.5/x" not in [path for path, _ in web]


def test_nobody_there_is_said() -> None:
    """A port on which nobody listens."""
    with pytest.raises(NoAnswer, match="no answer"):
        fetch("http://127.0.0.1:9/", "folkgrade/1")


def test_a_body_that_drips_or_ends_early_is_no_page(
    home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, and yet it must end; half a page is not read as a whole one."""
    with pytest.raises(NoAnswer, match="cut short"):
        fetch(f"{home}/short", "folkgrade/1")
    monkeypatch.setattr(fetching, "_PATIENCE", 0.2)
    with pytest.raises(NoAnswer, match="not whole"):
        fetch(f"{home}/drip", "folkgrade/1")
