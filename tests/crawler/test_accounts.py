"""Accounts: secrets become headers, and show up nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from crawler.accounts import AccountRefused, headers_for

START = "https://oauth.reddit.com/r/kneepain/new"
OURS = {
    "REDDIT_CLIENT_ID": "an-id",
    "REDDIT_CLIENT_SECRET": "a-secret",
    "STACK_EXCHANGE_KEY": "a-key",
}
AGENT = "folkgrade/0 (test)"


@dataclass
class Office:
    """A server that gives tokens, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = json.dumps({"access_token": "tok-1", "expires_in": 86400}).encode()
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    elsewhere: str = ""


@pytest.fixture
def office() -> Iterator[Office]:
    """A running one on this machine."""
    state = Office()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.asked.append((self.path, self.headers.get("Authorization", ""), body))
            self.send_response(state.status)
            if state.elsewhere:
                self.send_header("Location", state.elsewhere)
            self.end_headers()
            self.wfile.write(state.body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/api/v1/access_token"
    yield state
    server.shutdown()
    server.server_close()


def test_reddit_gives_an_application_a_token(office: Office) -> None:
    """Id and secret are sent once, as the host wants them; the header bears the token alone."""
    headers = headers_for(START, OURS, AGENT, tokens=office.url)
    assert headers == {"Authorization": "bearer tok-1"}
    (path, said, body) = office.asked[0]
    assert base64.b64decode(said.removeprefix("Basic ")) == b"an-id:a-secret"
    assert (path, body) == ("/api/v1/access_token", b"grant_type=client_credentials")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b"{}"),
        (200, b"{}"),
        (200, b"<html>"),
        (200, b"[" * 60_000),
        (200, b'{"access_token":7}'),
    ],
)
def test_refusal_is_one_line_without_the_secret(office: Office, status: int, body: bytes) -> None:
    """Whatever comes back, the message says what to do and holds no secret."""
    office.status, office.body = status, body
    with pytest.raises(AccountRefused) as refused:
        headers_for(START, OURS, AGENT, tokens=office.url)
    assert "a-secret" not in str(refused.value)
    assert "an-id" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_secret_follows_no_redirect(office: Office) -> None:
    """A token office that points elsewhere gets no second request."""
    office.status, office.elsewhere = 302, f"{office.url}?again"
    with pytest.raises(AccountRefused, match="302"):
        headers_for(START, OURS, AGENT, tokens=office.url)
    assert len(office.asked) == 1


def test_secret_is_never_sent_in_the_clear() -> None:
    """Off this machine the office is asked over https or not at all."""
    with pytest.raises(AccountRefused, match="https"):
        headers_for(START, OURS, AGENT, tokens="http://tokens.example/")


def test_reddit_without_an_account_says_what_to_set() -> None:
    """The way out is named: the variables, or a dump."""
    with pytest.raises(AccountRefused, match=r"REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET.*dump"):
        headers_for(START, {}, AGENT)


def test_key_of_stack_exchange_is_a_header_of_its_host_alone() -> None:
    """It goes to the interface and to no other host, and is asked for nowhere."""
    api = "https://api.stackexchange.com/2.3/questions?site=moves.example"
    assert headers_for(api, OURS, AGENT) == {"X-API-Key": "a-key"}
    assert headers_for(api, {}, AGENT) == {}
    assert headers_for("https://moves.example/questions", OURS, AGENT) == {}
