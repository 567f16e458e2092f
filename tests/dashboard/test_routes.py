"""The routes beside the pages, asked of a real server: feed, themes, health, and who may ask."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest
from starlette.requests import Request as Asked

from dashboard import data, routes
from dashboard.serve import Door, Server, start
from dashboard.values import Filters

ATOM = "{http://www.w3.org/2005/Atom}"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(server: Server, path: str, **headers: str) -> Answer:
    """What the server answers; refusals too."""
    request = Request(server.address + path, headers=headers)
    try:
        with urlopen(request, timeout=60) as found:
            return Answer(
                found.status, {k.lower(): v for k, v in found.headers.items()}, found.read()
            )
    except HTTPError as error:
        with error:
            return Answer(
                error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()
            )


@pytest.fixture(scope="module")
def server(small_project: Path) -> Iterator[Server]:
    """The dashboard of the small project, read-only and below a path, as behind a proxy."""
    door = Door(path="/team/", name="Heels & more", hosts=["folk.example"])
    with start(str(small_project), read_only=True, door=door) as running:
        yield running


def test_the_feed_is_atom_with_stable_entries(server: Server) -> None:
    """Well-formed, with what RFC 4287 asks for and links to the pages; the same when asked anew."""
    found = ask(server, "/feed.atom")
    assert found.status == 200
    assert found.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(found.body)
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}title") == "Heels & more"
    assert feed.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
    entries = feed.findall(f"{ATOM}entry")
    assert entries
    for entry in entries:
        assert entry.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
        assert entry.findtext(f"{ATOM}updated", "").endswith("Z")
        assert entry.findtext(f"{ATOM}title")
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.get("href", "").startswith(f"{server.address}/theme?theme=")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    assert ask(server, "/feed.atom").body == found.body


def test_a_feed_reader_can_read_it(server: Server) -> None:
    """A library that feed readers use finds nothing wrong with it."""
    feedparser = pytest.importorskip("feedparser")
    read = feedparser.parse(ask(server, "/feed.atom").body)
    assert not read.bozo
    assert read.version == "atom10"
    assert len({entry.id for entry in read.entries}) == len(read.entries) > 0


@pytest.mark.parametrize("path", ["/feed.atom", "/api/themes.json"])
def test_what_did_not_change_is_not_sent_again(server: Server, path: str) -> None:
    """The ETag of an answer brings 304 without a body; another one brings the whole."""
    first = ask(server, path)
    again = ask(server, path, **{"If-None-Match": f'W/"x", {first.headers["etag"]}'})
    assert (again.status, again.body) == (304, b"")
    assert ask(server, path, **{"If-None-Match": '"other"'}).body == first.body


def test_the_themes_carry_their_numbers(server: Server) -> None:
    """Three separate things: outcomes with n, level with status, and no score of both."""
    found = json.loads(ask(server, "/api/themes.json").body)
    assert found["total"] == 6
    first = found["themes"][0]
    assert (first["id"], first["authors"], first["reported"]) == ("rem-heeldrops", 13, 10)
    assert first["outcomes"]["helped"]["k"] == 7
    assert (first["level"], first["status"], first["certainty"]) == (2, "supported", "low")
    assert first["url"] == f"{server.address}/theme?theme=rem-heeldrops"
    few = next(theme for theme in found["themes"] if theme["id"] == "rem-magnets")
    assert few["outcomes"]["helped"]["percent"] is None
    assert {"low", "high"} <= first["outcomes"]["helped"].keys()
    assert not {"low", "high"} & few["outcomes"]["helped"].keys()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("kind=cause", ["cau-desk"]),
        ("least=3", ["rem-heeldrops", "cau-desk"]),
        ("condition=low_back", ["cau-desk"]),
        ("site=board.example", ["cau-desk"]),
        ("limit=1&offset=1", ["cau-desk"]),
        ("least=-4&limit=x", None),
    ],
)
def test_the_themes_are_narrowed_as_the_pages_are(
    server: Server, query: str, ids: list[str] | None
) -> None:
    """The same words in the address; what means nothing is left aside."""
    found = json.loads(ask(server, f"/api/themes.json?{query}").body)["themes"]
    assert len(found) == 6 if ids is None else [theme["id"] for theme in found] == ids


def test_an_unknown_kind_is_a_clear_mistake(server: Server) -> None:
    """400 with the kinds there are."""
    found = ask(server, "/api/themes.json?kind=potion")
    assert found.status == 400
    assert "remedy" in json.loads(found.body)["error"]


def test_health_says_run_and_read_only(server: Server) -> None:
    """A monitor learns that the stores can be read."""
    assert json.loads(ask(server, "/healthz").body) == {"status": "ok", "run": 1, "read_only": True}


@pytest.mark.parametrize("path", ["/", "/feed.atom", "/api/themes.json", "/healthz", "/themes"])
def test_a_foreign_host_is_refused(server: Server, path: str) -> None:
    """A page elsewhere cannot ask in a reader's name by giving its own name to this machine."""
    assert ask(server, path, Host="evil.example").status == 400
    assert ask(server, path, Host="folk.example").status == 200


def test_every_answer_forbids_what_is_not_from_here(server: Server) -> None:
    """The policy, and no word to a forum's server about where its reader came from."""
    headers = ask(server, "/").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_sent_to_the_routes(server: Server, method: str) -> None:
    """They answer questions alone."""
    request = Request(f"{server.address}/api/themes.json", method=method, data=b"{}")
    with pytest.raises(HTTPError) as refused:
        urlopen(request, timeout=60)
    assert refused.value.code == 405
    refused.value.close()


# --- without a server ----------------------------------------------------------------------------


def asked(path: str, query: str = "", **headers: str) -> Asked:
    """A request as the server hands it on."""
    named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Asked(
        {"type": "http", "method": "GET", "path": path, "query_string": query.encode(),
         "headers": [(b"host", b"127.0.0.1"), *named], "server": ("127.0.0.1", 80),
         "scheme": "http"}
    )  # fmt: skip


def test_with_a_login_programs_need_the_token(
    here: data.State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, or with a wrong one, nothing of the project is told; health says no number."""
    monkeypatch.setenv("FOLKGRADE_LOGIN", "1")
    monkeypatch.setattr("dashboard.people.token", lambda: "s3cret")
    for route in (routes.feed, routes.themes):
        assert route(asked("/x")).status_code == 401
        assert route(asked("/x", "token=s3cre")).status_code == 401
        assert route(asked("/x", "token=s3cret")).status_code == 200
        assert route(asked("/x", Authorization="Bearer s3cret")).status_code == 200
    assert json.loads(bytes(routes.healthz(asked("/healthz")).body)) == {"status": "ok"}
    monkeypatch.setattr("dashboard.people.token", lambda: "")
    assert routes.themes(asked("/x", "token=")).status_code == 401


def test_a_project_without_a_run_has_no_feed_yet(
    collected_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """404 and the next command; no themes, and health."""
    monkeypatch.setenv(data.DATABASE, str(collected_file))
    assert routes.feed(asked("/feed.atom")).status_code == 404
    assert json.loads(bytes(routes.themes(asked("/api/themes.json")).body))["total"] == 0
    assert routes.healthz(asked("/healthz")).status_code == 200


def test_a_store_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with the reason from every route."""
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 200)
    monkeypatch.setenv(data.DATABASE, str(broken))
    for route in routes.PATHS.values():
        assert route(asked("/x")).status_code == 503


def test_filters_of_an_address_are_those_of_the_pages() -> None:
    """Every filter of the pages is understood, and nonsense is none."""
    given = {"condition": "heel", "least": "3", "site": "a.example", "since": "2020", "until": "x"}
    assert routes.filters(given) == Filters(
        condition="heel", least=3, site="a.example", since=2020, until=None
    )


def test_the_environment_carries_the_door(tmp_path: Path) -> None:
    """Login, reviewers and name reach the server's process."""
    from dashboard.serve import command, environment

    door = Door(login=True, reviewers=["a@x.example", "b@x.example"], name="N", hosts=["h.example"],
                path="p", secrets=tmp_path / "secrets.toml")  # fmt: skip
    found = environment("a.db", door=door)
    assert found["FOLKGRADE_LOGIN"] == "1"
    assert found["FOLKGRADE_REVIEWERS"] == "a@x.example,b@x.example"
    flags = command(8600, door)
    assert "--server.allowedHosts=h.example" in flags
    assert "--server.baseUrlPath=p" in flags
    assert f"--secrets.files={tmp_path / 'secrets.toml'}" in flags
    assert "FOLKGRADE_LOGIN" not in os.environ
