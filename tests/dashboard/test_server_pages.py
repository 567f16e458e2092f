"""The pages of a project on a server: the same as of one in a file, and decided upon alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from crawler.errors import StoreError
from dashboard import data, deciding, finding, routes
from dashboard.check import PAGES
from dashboard.serve import APP
from dashboard.values import Filters

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def addresses(
    small_project: Path, make_small: Callable[[str], str], postgres: Callable[[], str]
) -> tuple[str, str]:
    """The small project in a file and on a server."""
    return str(small_project), make_small(postgres())


@pytest.fixture
def each(
    addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Iterator[str]]:
    """Goes through the addresses, each set as that of the dashboard."""

    def one_by_one() -> Iterator[str]:
        for address in addresses:
            monkeypatch.setenv(data.DATABASE, address)
            st.cache_data.clear()
            st.cache_resource.clear()
            yield address

    return one_by_one


def drawn(app: AppTest) -> list[str]:
    """All that a page says, in order."""
    return [
        f"{part.type}: {part.value if hasattr(part, 'value') else part.proto}"
        for kind in ("title", "header", "subheader", "caption", "markdown", "text", "metric",
                     "button", "selectbox", "error", "info", "warning", "code")
        for part in cast("Any", app.get(kind))
    ]  # fmt: skip


def test_every_page_is_the_same(each: Callable[[], Iterator[str]]) -> None:
    """Word for word, those that ask for a theme and for words to look for too."""
    wanted = {"theme.py": ("theme", "rem-heeldrops"), "search.py": ("q", "heel drops")}
    said: list[dict[str, list[str]]] = []
    for _address in each():
        app, pages = AppTest.from_file(str(APP), default_timeout=60).run(), {}
        for page in PAGES:
            app.switch_page(page)
            if page in wanted:
                name, value = wanted[page]
                app.query_params[name] = value
            app.run()
            assert not app.exception, page
            assert not app.error, page
            pages[page] = drawn(app)
        said.append(pages)
    for page in PAGES:
        if page == "search.py":  # what is equally near comes in any order, and ten are shown
            assert len(said[1][page]) == len(said[0][page]) > 10
        else:
            assert said[1][page] == said[0][page] != [], page


def test_what_the_pages_ask_is_answered_alike(each: Callable[[], Iterator[str]]) -> None:
    """Filters, disputes, gaps, sources of a theme, the roll, a search by meaning, the feed."""
    filters = Filters(condition="achilles")
    said = []
    for _address in each():
        state = data.state()
        theme = data.theme(state, "rem-old")
        assert theme is not None
        found = finding.ask(state, "heel drops", "both", {})
        said.append((
            data.rows(state, filters), data.rows(state, Filters(), text="heel"),
            data.disputes(state, Filters()), data.gap_rows(state, filters),
            data.coverage(state, theme, Filters()), data.sides(state, theme, Filters()),
            data.voted(state, theme, filters), data.recent(state, filters),
            data.roll(state).words,
            sorted(one.parts for one in finding.answers(state, "heel", found.hits)),
            found.facets, routes._feed(state, "http://x.example", "Heels"),
        ))  # fmt: skip
    for number, (with_file, with_server) in enumerate(zip(*said, strict=True)):
        assert with_server == with_file, number


def test_a_decision_is_made_seen_and_taken_back(each: Callable[[], Iterator[str]]) -> None:
    """At once, on a server as in a file."""
    for _address in each():
        deciding.decide(data.state(), "rename", "rem-heeldrops", {"name": "drops"}, who="ada")
        assert {t.name for t in data.project(data.state()).themes} >= {"drops"}
        kept = deciding.history(data.state())
        deciding.undo(data.state(), kept[0].decision.id, who="ada")
        assert "drops" not in {t.name for t in data.project(data.state()).themes}
        assert len(deciding.history(data.state())) == len(kept) + 1


def test_read_only_is_the_servers_word(
    addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are drawn, and the server itself refuses to change anything."""
    monkeypatch.setenv(data.DATABASE, addresses[1])
    monkeypatch.setenv(data.READ_ONLY, "1")
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    with pytest.raises(StoreError, match="read, not change"):
        deciding.decide(data.state(), "accept", "x", who="ada")
    with pytest.raises(StoreError, match="may only be read here"):
        data.knowledge(data.state()).forget("m_6164610000")
