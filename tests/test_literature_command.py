"""`folkgrade literature` as a person types it, against a local server."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest

import folkgrade
from console.exits import ERROR
from console.project import make_project
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.lookups import Lookups
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Mined, Quote, Tally, Theme

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Service(BaseHTTPRequestHandler):
    """Europe PMC with one paper, or whatever status it is told."""

    asked: list[str] = []  # noqa: RUF012
    status = 200

    def do_GET(self) -> None:
        self.asked.append(self.path)
        paper = {"id": "1", "title": "Putty for tennis elbow in ringers", "doi": "10.5555/p"}
        body = json.dumps({"hitCount": 1, "resultList": {"result": [paper]}}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    Service.asked.clear()
    Service.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, service: str) -> Path:
    """A project with one theme of two people, whose Europe PMC is the local server."""
    path = make_project(tmp_path)
    text = path.read_text()
    path.write_text(
        text.replace("[literature] ", f'[literature]\naddresses = {{ europepmc = "{service}" }}\n')
    )
    engine = open_database(str(tmp_path / "data" / "folkgrade.db"))
    Corpus(engine)
    quote = Quote(document="d", part="1", start=0, text="putty")
    claim = Claim(kind="remedy", phrase="putty", phrase_start=0, quote=quote, author="m_1")
    theme = Theme(
        id="rem-putty",
        kind="remedy",
        name="putty",
        claims=(claim.id,),
        tally=Tally(helped=2),
        conditions=("tennis-elbow",),
    )
    mined = Mined(claims=(claim,), theme_of={claim.id: theme.id}, themes=(theme,))
    Knowledge(engine).replace(
        Run(started=NOW, finished=NOW, fingerprint="", settings_hash=""), mined
    )
    return tmp_path


def run(project: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    typed = ["folkgrade", "literature", *arguments]
    with (
        patch.object(sys, "argv", typed),
        patch.dict(os.environ, environment),
        contextlib.chdir(project),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            folkgrade.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


def lookups(project: Path) -> Any:
    return Lookups(open_database(str(project / "data" / "folkgrade.db"))).every()


def test_a_dry_run_prints_the_queries_and_sends_nothing(project: Path) -> None:
    """Service, kind of study and query, one a line."""
    code, out, _ = run(project, "--dry-run")
    assert code == 0
    lines = [line.partition(": ") for line in out.splitlines()]
    asked = [who for who, _, _ in lines]
    assert asked[:3] == ["europepmc reviews", "europepmc trials", "europepmc studies"]
    named = {who.split()[0] for who in asked}
    assert named == {"europepmc", "pubmed", "openalex", "clinicaltrials"}
    assert all('"putty"' in query and '"tennis elbow"' in query for _, _, query in lines)
    assert Service.asked == []
    assert lookups(project) == []


def test_a_look_up_says_what_it_brought_and_is_not_made_twice(project: Path) -> None:
    """Exit code 0 and the next step; the second time nothing is asked."""
    code, _, err = run(project, "--service", "europepmc")
    assert (code, len(Service.asked)) == (0, 3)
    assert "3 queries asked" in err
    assert "folkgrade mine" in err
    code, _, err = run(project, "--service", "europepmc")
    assert (code, len(Service.asked)) == (0, 3)
    assert "3 known already" in err


@pytest.mark.parametrize("theme", ["wax", "rem-none"])
def test_where_no_theme_fits_nothing_is_asked(project: Path, theme: str) -> None:
    """And that is said."""
    code, _, err = run(project, "--theme", theme)
    assert (code, Service.asked) == (0, [])
    assert "nothing was asked" in err


def test_a_service_without_its_key_is_passed_over_and_named(project: Path) -> None:
    """OpenAlex wants one."""
    _, _, err = run(project, "--service", "openalex", OPENALEX_API_KEY="")
    assert "openalex: not asked, it wants a key (OPENALEX_API_KEY)" in err


def test_a_failing_service_is_one_line_and_an_exit_code(project: Path) -> None:
    """The reason is kept with the theme's question."""
    Service.status = 404
    code, _, err = run(project, "--service", "europepmc")
    assert code == ERROR
    assert "europepmc: 3 queries without an answer (answered with 404)" in err
    assert {each.failure for each in lookups(project)} == {"answered with 404"}


def test_an_unknown_service_is_refused_with_the_known_ones(project: Path) -> None:
    """One line."""
    code, _, err = run(project, "--service", "scholar")
    assert code == ERROR
    assert "known are europepmc" in err
