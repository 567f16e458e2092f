"""Articles that sell something can be left out, on every page and in every file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from starlette.requests import Request
from streamlit.testing.v1 import AppTest

from crawler.database import open_database
from dashboard import data, routes, taking
from dashboard.selling import selling
from dashboard.values import Filters
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Mined, Quote, Tally, Theme

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHOP = "https://shop.example/socks"


@pytest.fixture
def unsold(here: data.State) -> Filters:
    """The filters that leave out what sells."""
    return Filters(without=selling(here))


def test_what_claims_for_a_product_sells(here: data.State) -> None:
    """The shop is one of them; a clinic and a blog without an offer are none."""
    assert selling(here) == {SHOP}


def test_an_article_left_out_is_counted_nowhere(here: data.State, unsold: Filters) -> None:
    """Articles of a theme, its list of them and the map lose it; members and studies stay."""
    item = data.theme(here, "rem-magnets")
    assert item is not None
    assert data.row_of(here, item, Filters()).articles == 1
    assert data.row_of(here, item, unsold).articles == 0
    assert data.coverage(here, item, unsold) == []
    rows = {row.theme.id: row for row in data.rows(here, unsold)}
    assert rows["rem-magnets"].articles == 0
    assert rows["rem-heeldrops"].articles == 2
    everything = {row.theme.id: row.tally for row in data.rows(here, Filters())}
    assert {key: row.tally for key, row in rows.items()} == everything


def test_a_theme_that_only_articles_speak_of_stays_while_one_does_not_sell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two themes without members the shop's own goes, that of a clinic stays."""
    path = tmp_path / "articles.db"
    told = {"rem-walks": "https://clinic.example/walks", "rem-socks": SHOP}
    found = [
        Claim(kind="remedy", phrase="walks", phrase_start=0, author=None, voice="article",
              quote=Quote(document=url, part="text", start=0, text="walks"))
        for url in told.values()
    ]  # fmt: skip
    themes = [
        Theme(id=key, kind="remedy", name=key, claims=(claim.id,), tally=Tally(), articles=1)
        for key, claim in zip(told, found, strict=True)
    ]
    theme_of = {claim.id: key for key, claim in zip(told, found, strict=True)}
    run = Run(started=NOON, finished=NOON, fingerprint="f", settings_hash="0" * 16)
    engine = open_database(str(path))
    Knowledge(engine).replace(
        run, Mined(claims=tuple(found), theme_of=theme_of, themes=tuple(themes))
    )
    engine.dispose()
    monkeypatch.setenv(data.DATABASE, str(path))
    state = data.state()
    assert {row.theme.id for row in data.rows(state, Filters())} == set(told)
    kept = data.rows(state, Filters(without=frozenset({SHOP})))
    assert [row.theme.id for row in kept] == ["rem-walks"]


def test_a_study_passes_whoever_names_it(here: data.State, unsold: Filters) -> None:
    """Only what the shop itself says is left out."""
    kept = [piece.source_type for piece in data.evidence_of(here, "rem-heeldrops")
            if unsold.takes(piece)]  # fmt: skip
    assert "study" in kept
    assert not [p for p in data.evidence_of(here, "rem-magnets") if unsold.takes(p)]


def test_the_choice_stands_in_the_address_of_every_page(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """A theme's page under it shows no source that sells, and says what was left out."""
    app = opened(project_file, "theme.py", theme="rem-magnets", tab="Evidence", selling="out")
    told = " ".join(str(one.value) for one in app.caption)
    assert "Left out: 1 article" in told
    assert "0 sources" in told
    assert "fix your heel" not in " ".join(str(one.value) for one in app.text)


def test_files_and_the_route_leave_them_out_too(here: data.State, unsold: Filters) -> None:
    """The export names the choice and holds no line of the shop; the JSON counts no article."""
    assert taking.narrowed(unsold) == {"articles that sell something": "left out"}
    told = {}
    for filters in (Filters(), unsold):
        with ZipFile(BytesIO(taking.made(here, "csv", "full", filters))) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("evidence.csv"))
            told[filters] = archive.read(name).decode()
    assert SHOP in told[Filters()]
    assert SHOP not in told[unsold]
    scope: dict[str, object] = {"type": "http", "method": "GET", "path": "/api/themes.json"}
    scope |= {"headers": [], "query_string": b"selling=out", "scheme": "http"}
    scope["server"] = ("localhost", 80)
    answer = json.loads(bytes(routes.themes(Request(scope)).body))
    assert {one["id"]: one["articles"] for one in answer["themes"]}["rem-magnets"] == 0
