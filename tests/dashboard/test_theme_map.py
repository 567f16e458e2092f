"""The theme map and the exports, drawn without a browser."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import atlas, data, taking
from dashboard.atlas import View
from dashboard.data import Filters
from miner.errors import MinerError
from miner.layout import GAP, LETTER, LINE


def texts(app: AppTest) -> str:
    return "\n".join(str(part.value) for part in [*app.text, *app.caption])


@pytest.fixture
def placed(placed_file: Path, monkeypatch: pytest.MonkeyPatch) -> data.State:
    """State of the small project with vectors."""
    monkeypatch.setenv(data.DATABASE, str(placed_file))
    return data.state()


def whole(placed: data.State) -> View:
    return atlas.view(placed, Filters(), None, 1, "")


def test_every_theme_has_its_place(placed: data.State) -> None:
    """Most authors first, each inside the drawing, and the same when asked again."""
    found = whole(placed)
    assert {dot.theme for dot in found.dots} == set(data.project(placed).by_id)
    assert found.dots[0].theme == "rem-heeldrops"
    assert all(found.x[0] <= dot.x <= found.x[1] for dot in found.dots)
    assert all(found.y[0] <= dot.y <= found.y[1] for dot in found.dots)
    assert found == whole(placed)


def test_names_that_show_at_once_do_not_touch(placed: data.State) -> None:
    """On a desk and on a phone."""
    found = whole(placed)
    for width, zoom in ((atlas.WIDE, "zoom"), (atlas.NARROW, "narrow")):
        shown = [dot for dot in found.dots if getattr(dot, zoom) <= 1]
        assert shown
        for n, one in enumerate(shown):
            for other in shown[:n]:
                across = abs(one.x - other.x) / (found.x[1] - found.x[0]) * width
                down = abs(one.y - other.y) / (found.y[1] - found.y[0]) * atlas.TALL
                room = LETTER * (len(one.name) + len(other.name)) / 2 + GAP
                assert across >= room - 1e-6 or down >= LINE - 1e-6


@pytest.mark.parametrize(
    ("filters", "kind", "themes"),
    [
        (Filters(condition="low_back"), None, {"cau-desk"}),
        (Filters(least=3), "remedy", {"rem-heeldrops"}),
        (Filters(site="board.example"), None, {"cau-desk"}),
    ],
)
def test_the_map_is_narrowed_as_every_page_is(
    filters: Filters, kind: str | None, themes: set[str], placed: data.State
) -> None:
    """What does not pass is not drawn; what does keeps its place."""
    places = {dot.theme: (dot.x, dot.y) for dot in whole(placed).dots}
    found = atlas.view(placed, filters, kind, 1, "")  # type: ignore[arg-type]
    assert {dot.theme for dot in found.dots} == themes
    assert all((dot.x, dot.y) == places[dot.theme] for dot in found.dots)


def test_close_up_shows_wordings_about_the_theme_chosen(placed: data.State) -> None:
    """The theme it is drawn about is in sight, with what members call it."""
    found = atlas.view(placed, Filters(), None, 8, "rem-magnets")
    assert "rem-magnets" in {dot.theme for dot in found.dots}
    assert ("magnet socks", "magnet socks") in {
        (words, name) for words, name, _, _ in found.wordings
    }
    assert found.x[1] - found.x[0] == pytest.approx(1 / 8)


def test_each_theme_has_its_nearest(placed: data.State) -> None:
    """Three names, never its own."""
    found = whole(placed)
    near = atlas.neighbours(found)
    named = {dot.theme: dot.name for dot in found.dots}
    assert all(len(names) == 3 and named[theme] not in names for theme, names in near.items())


def test_the_drawing_names_every_kind_and_needs_no_colour_alone(placed: data.State) -> None:
    """All kinds are on the legend, used or not, with a colour and a shape."""
    kinds = {kind: kind for kind in atlas.KINDS}
    spec = atlas.chart(whole(placed), kinds, "#111111").to_dict()
    marks = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "point")
    for channel in ("color", "shape"):
        assert marks["encoding"][channel]["scale"]["domain"] == list(atlas.KINDS)
    assert json.dumps(spec)


def test_the_page_has_the_same_themes_as_a_table(
    placed_file: Path, opened: Callable[..., AppTest]
) -> None:
    """And its choices are in the address; nonsense in it is left aside."""
    app = opened(placed_file, "theme_map.py", zoom="7", at="nobody", kind="remedy")
    assert set(app.dataframe[0].value["Theme"]) >= {"heel drops", "magnet socks", "cold baths"}
    assert "sitting all day" not in set(app.dataframe[0].value["Theme"])
    assert "zoom" not in app.query_params


def test_without_vectors_the_page_says_what_to_do(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """A run that kept none: the next command, and no drawing."""
    app = opened(project_file, "theme_map.py")
    assert app.code[0].value == "folkgrade mine"
    assert not app.dataframe


# --- exports -------------------------------------------------------------------------------------


def unpacked(body: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def table(files: dict[str, str], name: str) -> str:
    return next(text for path, text in files.items() if path.endswith(name))


@pytest.mark.parametrize("form", ["csv", "jsonl", "ris", "bibtex", "csl", "html", "qdc"])
def test_each_format_is_one_file(form: str, here: data.State) -> None:
    """An archive where it has several files, with an ending that says so."""
    body = taking.made(here, form)
    assert body
    assert taking.file_name(here, form).endswith(".zip") == body.startswith(b"PK")


def test_an_export_holds_what_the_filters_let_through(here: data.State) -> None:
    """Only the claims, the authors and the counts of the condition, and it says so."""
    files = unpacked(taking.made(here, "csv", "full", Filters(condition="low_back")))
    claims = table(files, "claims.csv")
    assert "sitting all day" in claims
    assert "heel drops" not in claims
    assert "low_back" in "".join(files.values())
    years = unpacked(taking.made(here, "csv", "full", Filters(since=2026)))
    told = table(years, "claims.csv")
    assert "2026-01-15" in told
    assert "2025-02-03" not in told


def test_no_words_leave_where_none_may(here: data.State) -> None:
    """Neither quotes nor phrases; with `full` they do."""
    none = "".join(unpacked(taking.made(here, "csv", "none")).values())
    assert "calmed it" not in none
    assert "calmed it" in "".join(unpacked(taking.made(here, "csv", "full")).values())


def test_references_of_a_theme_are_its_studies(here: data.State) -> None:
    """One record, with its DOI; a theme without studies has none."""
    assert taking.made(here, "ris", themes=["rem-heeldrops"]).count(b"TY  - ") == 1
    assert b"10.1234/heel.2020.1" in taking.made(here, "bibtex", themes=["rem-heeldrops"])
    assert b"TY  - " not in taking.made(here, "ris", themes=["rem-lonely"])


def test_an_unknown_format_is_a_clear_mistake(here: data.State) -> None:
    """It names those that are known."""
    with pytest.raises(MinerError, match="known are"):
        taking.made(here, "scroll")


def test_an_export_of_nothing_offers_no_button(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Filters that nothing passes."""
    app = opened(project_file, "exports.py", condition="achilles", least="20", since="2026")
    assert "nothing to export" in texts(app)
    assert not app.get("download_button")


def test_shares_of_the_export_page_warn_of_full_words(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Whoever takes all words is told what that means."""
    assert "do not publish it" in texts(opened(project_file, "exports.py", quotes="full"))
