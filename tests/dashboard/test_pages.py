"""Every page in every state, run as for a reader but without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from crawler.corpus import Corpus
from crawler.database import open_database
from dashboard import data
from dashboard.check import PAGES, failing_pages
from dashboard.serve import APP
from miner.knowledge import Knowledge

HOSTILE_MARKS = ("<script>", "![pic]", "javascript:", ":smile:")


def texts(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.text)


def markdown(app: AppTest) -> str:
    """All that Markdown renders: titles, captions, badges, bodies, labels."""
    parts = [*app.title, *app.header, *app.subheader, *app.caption, *app.markdown]
    return "\n".join(str(part.value) for part in parts)


def said(app: AppTest) -> list[str]:
    """The captions as a reader sees them, without the marks that keep Markdown from reading."""
    return [re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", str(one.value)) for one in app.caption]


def each_page(database: Path, opened: Callable[..., AppTest], **address: str) -> Iterator[AppTest]:
    """Every page of a project, one after the other, as in one visit."""
    app = opened(database, PAGES[0])
    for page in PAGES:
        app.switch_page(page)
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, page
        assert app.title, page
        yield app


def test_an_empty_project_opens_and_names_the_next_command(
    tmp_path: Path, opened: Callable[..., AppTest]
) -> None:
    """Without documents each page says which commands bring some."""
    for app in each_page(tmp_path / "new.db", opened):
        assert not app.error
        assert "folkgrade crawl" in app.code[0].value
        assert "folkgrade import" in app.code[0].value


def test_a_project_never_mined_asks_for_mining(
    collected_file: Path, opened: Callable[..., AppTest]
) -> None:
    """With documents but no run each page says to mine."""
    for app in each_page(collected_file, opened):
        assert app.code[0].value == "folkgrade mine"


def test_every_page_of_a_mined_project_loads(
    placed_file: Path, opened: Callable[..., AppTest]
) -> None:
    """A mined project draws neither errors nor next commands."""
    for app in each_page(placed_file, opened):
        assert not app.error
        assert not app.code


def test_the_check_finds_nothing_wrong(project_file: Path) -> None:
    """The server answers and every page loads."""
    assert failing_pages(str(project_file)) == {}


def test_a_store_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged file names the file and the way out, without a traceback."""
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, whatever its name says" * 100)
    monkeypatch.setenv(data.DATABASE, str(broken))
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not app.exception
    assert "broken.db" in texts(app)


def test_the_overview_has_five_figures(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """Threads, members, themes, gaps and articles as stored."""
    app = opened(project_file, "overview.py")
    assert {metric.label: metric.value for metric in app.metric} == {
        "Threads": "3",
        "Members": "20",
        "Themes": "6",
        "Gaps": "2",
        "Articles": "3",
    }


def test_the_table_words_levels_and_shares(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Levels and shares are words; few people have no percentage."""
    table = opened(project_file, "themes.py").dataframe[0].value
    shown = {row["Theme"]: row for row in table.to_dict("records")}
    assert next(iter(shown)) == "heel drops"
    assert list(shown["heel drops"]["Evidence"]) == ["Level 2"]
    assert shown["heel drops"]["Helped, of those who told"] == "7 of 10 (40–89 %)"
    assert shown["magnet socks"]["Helped, of those who told"] == "1 of 2"
    assert shown["magnet socks"]["Status"] == "commercial claims only"
    assert list(shown["cold baths"]["Evidence"]) == ["None found"]
    assert list(shown["sitting all day"]["Evidence"]) == ["Not searched"]


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ({"kind": "cause"}, ["sitting all day"]),
        ({"find": "drops heel"}, ["heel drops"]),
        ({"least": "3"}, ["heel drops", "sitting all day"]),
        ({"condition": "low_back"}, ["sitting all day"]),
        ({"kind": "nonsense", "least": "-1", "condition": "x"}, None),
    ],
)
def test_filters_of_the_address_hold(
    address: dict[str, str],
    names: list[str] | None,
    project_file: Path,
    opened: Callable[..., AppTest],
) -> None:
    """An address reopens the narrowed table; values that mean nothing are left aside."""
    table = opened(project_file, "themes.py", **address).dataframe[0].value
    assert names is None or list(table["Theme"]) == names
    assert names is not None or len(table) == 6


@pytest.mark.parametrize(
    ("stance", "entries"), [("", 13), ("helped", 7), ("worse", 1), ("advised", 1), ("asked", 1)]
)
def test_a_number_opens_to_as_many_entries(
    stance: str, entries: int, project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The list of a stance is as long as its count; ten at most are on a page."""
    app = opened(project_file, "theme.py", theme="rem-heeldrops", stance=stance)
    told = [line.split(" · ") for line in said(app) if line.startswith(("member ", "unnamed "))]
    # Below a card stand more words of the same member, without a stance.
    cards = [parts for parts in told if not parts[1][:1].isdigit()]
    assert any(caption.value.startswith(f"{entries} author") for caption in app.caption)
    assert len(cards) == min(entries, 10)


def test_the_theme_page_shows_its_parts(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """Name, caution once, grade with its reasons in order, advice apart from outcomes."""
    app = opened(project_file, "theme.py", theme="rem-heeldrops")
    assert app.title[0].value == "heel drops"
    assert sum("no medical advice" in caption.value for caption in app.caption) == 1
    assert "1. The best sources are of level 2.\n2. Among the best sources: randomised" in texts(
        app
    )
    tables = [table.value.to_dict("records") for table in app.table]
    assert tables[0][0] == {"Outcome": "Helped", "Authors": "7 of 10 (40–89 %)"}
    assert {"What they say": "Advised", "Authors": "1"} in tables[1]
    assert app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")


def test_few_people_have_no_chart(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """Below five who told an outcome there is `k of n`, neither chart nor percentage."""
    app = opened(project_file, "theme.py", theme="rem-magnets")
    assert not app.get("vega_lite_chart")
    assert not app.get("arrow_vega_lite_chart")
    assert app.table[0].value.to_dict("records")[0]["Authors"] == "1 of 2"
    assert "%" not in texts(app) + markdown(app)


@pytest.mark.parametrize(
    ("tab", "said"),
    [
        ("Evidence", "Less pain after twelve weeks than with waiting."),
        ("Articles", "Heel drops only make a sore heel angrier."),
        ("Disagreement", "Two articles say opposite things."),
    ],
)
def test_a_tab_of_the_address_opens(
    tab: str, said: str, project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Evidence, articles and disagreement are reached by address."""
    app = opened(project_file, "theme.py", theme="rem-heeldrops", tab=tab)
    assert said in texts(app)


def test_sources_that_set_the_level_come_first(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Each source says which part it played in the grade; the trial has its DOI as a link."""
    app = opened(project_file, "theme.py", theme="rem-heeldrops", tab="Evidence")
    roles = [m.value for m in app.markdown if "sets the level" in m.value or "otherwise" in m.value]
    assert ["sets" in role for role in roles] == [True, False]
    links = [button.proto.url for button in app.get("link_button")]
    assert links[0] == "https://doi.org/10.1234/heel.2020.1"


def test_contradictions_show_both_sides(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """Each contradiction names its theme, who disagrees, and quotes both sides."""
    app = opened(project_file, "disputes.py")
    assert [header.value for header in app.header] == ["heel drops"]
    assert "“Heel drops help most people with a sore heel.”" in texts(app)
    assert "“Heel drops only make a sore heel angrier.”" in texts(app)


def test_none_found_shows_query_and_date(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """A search that found nothing is shown with what was asked, where and when."""
    app = opened(project_file, "theme.py", theme="rem-lonely")
    assert "Searched Europe PMC on 19 May 2026 for “cold baths AND achilles”: 0 hits." in texts(app)
    other = opened(project_file, "theme.py", theme="cau-desk")
    assert "Searched" not in texts(other)
    assert "Not searched" in texts(other)


def test_an_old_id_is_redirected(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """The address of a merged theme opens the one it went into, and names that from then on."""
    app = opened(project_file, "theme.py", theme="rem-old")
    assert app.title[0].value == "heel drops"
    assert app.query_params["theme"] == "rem-heeldrops"


def test_an_unknown_id_is_one_clear_line(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """An id nobody knows is said to be unknown, and shown as text."""
    app = opened(project_file, "theme.py", theme="**nobody**")
    assert len(app.warning) == 1
    assert "**nobody**" in texts(app)
    assert "**nobody**" not in markdown(app)


def test_forum_text_never_reaches_markdown(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """A hostile post is text; a hostile name is escaped wherever Markdown would read it."""
    seen = ""
    for app in each_page(project_file, opened, theme="rem-hostile"):
        rendered = markdown(app)
        assert not any(mark in rendered for mark in HOSTILE_MARKS)
        assert "<img" not in rendered.replace("\\<img", "")
        seen += texts(app)
    assert all(mark in seen for mark in HOSTILE_MARKS)


def test_gaps_come_with_reasons_and_parts(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Each gap has its reasons, and the parts stand in a table beside the chart."""
    app = opened(project_file, "gaps.py")
    app.session_state["table_gaps_"] = True
    app.run()
    assert [sub.value for sub in app.subheader] == [
        "1\\. sitting all day",
        "2\\. magnet socks",
    ] or [sub.value for sub in app.subheader] == ["1. sitting all day", "2. magnet socks"]
    assert "3 authors, in no article" in texts(app)
    table = app.dataframe[0].value
    assert list(table["Score"]) == [62.5, 41.0]
    assert list(table["many authors"] + table["not covered"] + table["weak evidence"]) == [
        62.5,
        41.0,
    ]


def test_sources_name_what_failed_and_the_run(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Sites, visits, failures, settings and stages are there."""
    app = opened(project_file, "sources.py")
    sites, failed = app.dataframe[0].value, app.dataframe[1].value
    visits = dict(zip(sites["Site"], sites["Last visit"], strict=True))
    assert visits["forum.example"].endswith(", read in part: one page did not answer")
    assert list(sites["Posts missing"]) == list(sites["Pages to come"]) == [0] * len(sites)
    assert list(failed["Reason"]) == ["HTTP 500 <b>twice</b>"]
    assert "3fa9c1d2e4b5" in texts(app)


def test_the_limits_are_one_click_away_on_every_page(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Beside the caution each page says how is counted and what cannot be said."""
    for app in each_page(project_file, opened, theme="rem-heeldrops"):
        whole = app.title[0].value == "Methods and limits"
        assert whole or "Methods and limits" in [box.label for box in app.expander]
        assert "What it cannot say" in texts(app)


def test_a_theme_page_says_that_something_was_forgotten(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """After a member was forgotten without a new run, the page says to mine again."""
    engine = open_database(str(project_file))
    Corpus(engine).forget("m_6164610000")
    Knowledge(engine).forget("m_6164610000")
    app = opened(project_file, "theme.py", theme="rem-heeldrops")
    assert app.code[0].value == "folkgrade mine"
    assert "forgotten or read after the last run" in app.info[0].value


@pytest.mark.parametrize(("gap", "names"), [("uncovered", 1), ("weak_evidence", 2), ("rising", 2)])
def test_gaps_of_a_type_are_those_where_the_part_applies(
    gap: str, names: int, project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """A type lists each gap in which its part is not 0; one that nothing has is no choice."""
    app = opened(project_file, "gaps.py", gap=gap)
    assert len(app.subheader) == names


def test_more_quotes_of_an_author_have_their_permalinks(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Every quote leads to its post, those that are not counted again too."""
    app = opened(project_file, "theme.py", theme="rem-heeldrops", stance="helped")
    for claim in data.claims_of(data.state(), "rem-heeldrops"):
        app.session_state[f"others_{claim.id}"] = True
    app.run()
    links = [button.proto.url for button in app.get("link_button")]
    assert len(links) == 8
    assert "https://forum.example/t/stairs/2#p1" in links
    assert any("member m_6164610000" in line for line in said(app))
