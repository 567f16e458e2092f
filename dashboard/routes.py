"""What is served beside the pages: an Atom feed, the themes as JSON, and a sign of life.

Answers are for programs: they read, never write, carry an ETag, and are refused where the dashboard
asks its readers to log in and the caller does not know the token.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, get_args

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crawler.errors import StoreError
from dashboard import data, people
from dashboard.selling import OUT, selling
from dashboard.values import Filters, Row, State
from miner.counts import FEW, Share, shares
from miner.errors import NothingMined
from miner.letters import atom
from miner.model import Kind
from miner.telling import tell

__all__ = ["NAME", "PATHS", "feed", "healthz", "routes", "themes"]

NAME = "FOLKGRADE_NAME"
"""Environment variable with the project's name, for the title of the feed."""

DAYS = 90
"""How far back the feed tells."""
MOST = 200
"""Entries of the feed, the latest ones."""
PAGE, LARGEST = 500, 5_000
"""Themes of an answer where nothing is asked, and at most."""
HEADERS = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


def routes(base_path: str) -> list[Route]:
    """The routes, below the path that the pages are below."""
    before = f"/{base_path.strip('/')}" if base_path.strip("/") else ""
    return [Route(before + path, answer, methods=["GET"]) for path, answer in PATHS.items()]


def healthz(_request: Request) -> Response:
    """Whether the stores can be read, and what they hold; 503 where they cannot."""
    try:
        state = data.state()
    except StoreError as error:
        return JSONResponse({"status": "error", "reason": str(error)}, 503, HEADERS)
    if people.login_needed():
        return JSONResponse({"status": "ok"}, headers=HEADERS)
    return JSONResponse({"status": "ok", "run": state.run, "read_only": data.read_only()},
                        headers=HEADERS)  # fmt: skip


def feed(request: Request) -> Response:
    """What changed in the last months, as Atom; 404 before the first run."""
    refused = _refusal(request)
    if refused is not None:
        return refused
    try:
        state = data.state()
        base = _base(request, "/feed.atom")
        mark = _mark(state, base)
        if _known(request, mark):
            return Response(status_code=304, headers={**HEADERS, "ETag": mark})
        return Response(
            _feed(state, base, os.environ.get(NAME, "")),
            headers={**HEADERS, "ETag": mark},
            media_type="application/atom+xml",
        )
    except NothingMined as error:
        return _error(404, str(error))
    except StoreError as error:
        return _error(503, str(error))


@st.cache_data(show_spinner=False, max_entries=8)
def _feed(state: State, base: str, name: str) -> bytes:
    corpus, knowledge = data.stores(state.url)
    run = knowledge.last_run()
    since = run.finished - timedelta(days=DAYS) if run else None
    told = tell(corpus, knowledge, since, project=name, base=base)
    latest = sorted(told.entries, key=lambda entry: entry.when, reverse=True)[:MOST]
    return atom(replace(told, entries=tuple(latest)))


def themes(request: Request) -> Response:
    """The themes with their numbers, most authors first, narrowed as the pages are by address."""
    refused = _refusal(request)
    if refused is not None:
        return refused
    asked = request.query_params
    kind = asked.get("kind") or None
    if kind is not None and kind not in get_args(Kind):
        return _error(400, f"no kind {kind!r}: known are {', '.join(get_args(Kind))}")
    try:
        state = data.state()
        mark = _mark(state, str(request.url))
        if _known(request, mark):
            return Response(status_code=304, headers={**HEADERS, "ETag": mark})
        chosen = filters(asked)
        if asked.get("selling") == OUT:
            chosen = replace(chosen, without=selling(state))
        rows = data.rows(state, chosen, kind)  # type: ignore[arg-type]
    except StoreError as error:
        return _error(503, str(error))
    start, size = _whole(asked, "offset", 0), min(_whole(asked, "limit", PAGE), LARGEST)
    base = _base(request, "/api/themes.json")
    found = {
        "run": state.run,
        "total": len(rows),
        "offset": start,
        "themes": _records(rows[start : start + size], base),
    }
    return JSONResponse(found, headers={**HEADERS, "ETag": mark})


def filters(asked: Mapping[str, str]) -> Filters:
    """The filters of an address, as on the pages."""
    return Filters(
        condition=asked.get("condition") or None,
        least=max(1, _whole(asked, "least", 1)),
        site=asked.get("site") or None,
        since=_whole(asked, "since", 0) or None,
        until=_whole(asked, "until", 0) or None,
    )


def _records(rows: Sequence[Row], base: str) -> list[dict[str, Any]]:
    return [
        {
            "id": row.theme.id,
            "kind": row.theme.kind,
            "name": row.theme.name,
            "url": f"{base}/theme?theme={row.theme.id}",
            "authors": row.tally.authors,
            "threads": row.tally.threads,
            "sites": row.tally.sites,
            "reported": row.tally.reported,
            "outcomes": {name: _share(one) for name, one in shares(row.tally).items()},
            "level": row.grade.level if row.grade else None,
            "status": row.grade.status if row.grade else "not_searched",
            "certainty": row.grade.certainty if row.grade else None,
            "articles": row.articles,
            "conditions": list(row.theme.conditions),
            "gap": row.gap.score if row.gap else None,
        }
        for row in rows
    ]  # fmt: skip


def _share(share: Share) -> dict[str, Any]:
    """Counts; an interval and a percentage from five people on, as in all that leaves."""
    few = () if share.n >= FEW else ("low", "high")
    told = {name: value for name, value in asdict(share).items() if name not in few}
    return told | {"percent": share.percent}


PATHS = {"/feed.atom": feed, "/api/themes.json": themes, "/healthz": healthz}
"""Each route with what answers it."""


def _whole(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default


def _base(request: Request, path: str) -> str:
    """Where the pages are, as the caller reached them."""
    return str(request.url.replace(query="")).removesuffix(path)


def _refusal(request: Request) -> Response | None:
    """401 where a login is asked of readers and the caller does not know the token."""
    if not people.login_needed():
        return None
    token = people.token()
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    given = given or request.query_params.get("token", "")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return None
    return _error(401, "this dashboard asks for a login; programs need its token")


def _error(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status, HEADERS)


def _mark(state: State, asked: str) -> str:
    return f'"{hashlib.sha256(repr((state, asked)).encode()).hexdigest()[:32]}"'


def _known(request: Request, mark: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return mark in [part.strip().removeprefix("W/") for part in given.split(",")]
