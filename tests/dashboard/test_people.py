"""Who gets in and who may change things: off by default, by a real login where it is on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from crawler.errors import StoreError
from dashboard import data, deciding, people
from dashboard.serve import APP, Door, free_port, start

ADA = {"is_logged_in": True, "email": "ada@team.example", "email_verified": True, "name": "Ada"}
AUTH = {
    "redirect_uri": "http://127.0.0.1/oauth2callback", "cookie_secret": "c", "client_id": "i",
    "client_secret": "s", "server_metadata_url": "http://127.0.0.1/.well-known/x",
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Turns the login on: `asked(user, reviewers)`."""

    def ask(user: Mapping[str, object] | None = None, reviewers: str = "") -> None:
        monkeypatch.setenv(people.LOGIN, "1")
        monkeypatch.setenv(people.REVIEWERS, reviewers)
        monkeypatch.setattr(st, "user", dict(user or {"is_logged_in": False}))
        if user is not None:
            monkeypatch.setattr(people, "providers", lambda: [""])

    return ask


def texts(app: AppTest) -> str:
    return "\n".join(str(part.value) for part in app.text)


def test_without_the_setting_everybody_on_this_machine_may_do_everything(
    here: data.State,
) -> None:
    """No login is asked, and decisions carry the name that is typed."""
    assert not people.login_needed()
    assert people.may_change()
    assert people.person() == ""
    number = deciding.decide(here, "accept", "rem-x", who="Bea")
    assert number


def test_a_stranger_sees_a_way_to_log_in_and_nothing_else(
    asked: Callable[..., None], project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No theme, no number, no filter, whatever the address."""
    asked()
    monkeypatch.setenv(data.DATABASE, str(project_file))
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.secrets["auth"] = AUTH
    app.query_params["theme"] = "rem-heeldrops"
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Log in"]
    assert not app.selectbox
    assert not app.metric
    assert "heel" not in texts(app)


def test_each_provider_has_its_button(
    asked: Callable[..., None], project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named ones by name."""
    asked()
    monkeypatch.setenv(data.DATABASE, str(project_file))
    app = AppTest.from_file(str(APP), default_timeout=60)
    shared = {name: AUTH[name] for name in ("redirect_uri", "cookie_secret")}
    app.secrets["auth"] = {**shared, "okta": {"client_id": "a"}, "microsoft": {"client_id": "b"}}
    app.run()
    assert [button.label for button in app.button] == ["Log in with okta", "Log in with microsoft"]


def test_a_login_without_a_provider_lets_nobody_in(
    asked: Callable[..., None], project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forgotten secrets.toml closes the door instead of opening it."""
    asked()
    monkeypatch.setenv(data.DATABASE, str(project_file))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert "no provider is set up" in app.error[0].value
    assert not app.metric


@pytest.mark.parametrize(
    ("user", "reviewers", "may"),
    [
        (ADA, "", True),
        (ADA, "Ada@Team.example, bea@team.example", True),
        (ADA, "bea@team.example", False),
        ({**ADA, "email_verified": False}, "ada@team.example", False),
        ({"is_logged_in": True, "name": "ada@team.example"}, "ada@team.example", False),
        ({"is_logged_in": False, "email": "ada@team.example"}, "", False),
        ({"is_logged_in": False, "email": "ada@team.example"}, "ada@team.example", False),
    ],
)
def test_only_reviewers_may_change_things(
    user: dict[str, object], reviewers: str, may: bool, asked: Callable[..., None],
    here: data.State,
) -> None:  # fmt: skip
    """By verified e-mail address, in any case; checked where it is written."""
    asked(user, reviewers)
    assert people.may_change() is may
    if may:
        assert deciding.decide(here, "accept", "rem-x", who=people.person())
        return
    with pytest.raises(StoreError, match="read, not change"):
        deciding.decide(here, "accept", "rem-x", who="ada@team.example")
    with pytest.raises(StoreError, match="read, not change"):
        deciding.undo(here, 1, who="ada@team.example")
    assert not deciding.history(here)


def test_a_reader_who_is_no_reviewer_finds_nothing_to_press(
    asked: Callable[..., None], project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Review says why, contradictions have no buttons."""
    asked(ADA, "bea@team.example")
    app = opened(project_file, "review.py")
    assert "named by the team" in texts(app)
    app = opened(project_file, "disputes.py")
    assert [button.label for button in app.button] == ["Log out"]


def test_decisions_carry_who_logged_in(
    asked: Callable[..., None], project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Nobody can sign with another name: there is no field for it."""
    asked(ADA)
    app = opened(project_file, "review.py")
    assert "You decide as ada@team.example." in texts(app)
    assert "Your name, for the history" not in [field.label for field in app.text_input]
    next(button for button in app.button if button.label == "Accept").click().run()
    assert [kept.decision.who for kept in deciding.history(data.state())] == ["ada@team.example"]


# --- a whole login, in a browser, with a provider of its own --------------------------------------


class Provider(ThreadingHTTPServer):
    """A small OpenID Connect provider on loopback that lets Ada in without a question."""

    def __init__(self) -> None:
        from joserfc.jwk import RSAKey

        super().__init__(("127.0.0.1", 0), Answers)
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.nonce = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def identity(self) -> str:
        from joserfc import jwt

        now = int(time.time())
        said = {**ADA, "iss": self.address, "aud": "folkgrade", "sub": "1", "iat": now,
                "exp": now + 600, "nonce": self.nonce}  # fmt: skip
        return str(jwt.encode({"alg": "RS256", "kid": "k1"}, said, self.key))


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        if asked.path == "/authorize":
            self.server.nonce = query["nonce"]
            self.send_response(302)
            back = urlencode({"code": "abc", "state": query["state"]})
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.end_headers()
        elif asked.path == "/jwks":
            self._tell({"keys": [self.server.key.as_dict(private=False)]})
        else:
            at = self.server.address
            self._tell({"issuer": at, "authorization_endpoint": f"{at}/authorize",
                        "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/jwks",
                        "id_token_signing_alg_values_supported": ["RS256"]})  # fmt: skip

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._tell({"access_token": "t", "token_type": "Bearer", "expires_in": 600,
                    "id_token": self.server.identity()})  # fmt: skip

    def _tell(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """The provider, answering."""
    pytest.importorskip("authlib", reason="Authlib (the extra `teams`) is not installed")
    made = Provider()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.browser
def test_a_login_in_the_browser_lets_in_and_signs(
    provider: Provider, project_file: Path, tmp_path: Path, chromium: Any
) -> None:
    """Out, through the provider, in, a decision with that name, and out again."""
    port = free_port()
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        f"""
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "a secret of this test alone"
        client_id = "folkgrade"
        client_secret = "shared"
        server_metadata_url = "{provider.address}/.well-known/openid-configuration"
        """,
        encoding="utf-8",
    )
    door = Door(login=True, secrets=secrets, reviewers=["ada@team.example"])
    with start(str(project_file), port, door=door) as server:
        page = chromium.new_context().new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{server.address}/themes")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("Logged in as ada@team.example").wait_for()
        page.goto(f"{server.address}/review")
        page.get_by_text("You decide as ada@team.example.").wait_for()
        page.get_by_role("button", name="Accept").click()
        page.get_by_text("Accepted.", exact=True).wait_for()
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="Log in").wait_for()
        page.context.close()
