"""Search, Evidence map, Talk and evidence, and the filters above every page, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from crawler.database import open_database
from dashboard import data, mapping, words
from dashboard.bubbles import LINE, NOBODY
from dashboard.values import Filters
from miner.embed import tfidf
from miner.index import Index
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Mined, Quote, Tally, Theme
from miner.passages import passages

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def snippets(app: AppTest) -> list[str]:
    """What is shown as HTML, style sheets aside."""
    shown = [str(element.proto.body) for element in app.get("html")]
    return [body for body in shown if not body.startswith("<style>")]


def texts(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.text)


def captions(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.caption)


def options(app: AppTest, label: str) -> list[str]:
    return next(list(box.options) for box in app.selectbox if box.label == label)


# --- Search


def test_the_address_asks_and_every_answer_leads_on(
    small_project: Path, opened: Callable[..., AppTest]
) -> None:
    """?q= finds another form of the word, marks it, and links to the theme and to the post."""
    app = opened(small_project, "search.py", q="sock", by="words")
    found = snippets(app)
    assert len(found) == 4
    assert all("<mark>" in snippet for snippet in found)
    assert "<mark>socks</mark>" in found[0]
    links = [link.proto.page for link in app.get("page_link")]
    assert links.count("theme") == len(found)
    assert any("forum.example" in str(link.proto.url) for link in app.get("link_button"))


def test_nothing_typed_offers_themes(small_project: Path, opened: Callable[..., AppTest]) -> None:
    """The names of the most talked about themes are the first questions."""
    app = opened(small_project, "search.py")
    app.button(key="suggest_rem-heeldrops").click().run()
    assert not app.exception
    assert app.text_input[0].value == "heel drops"
    assert snippets(app)


def test_facets_narrow_and_say_how_many(
    small_project: Path, opened: Callable[..., AppTest]
) -> None:
    """A choice leaves as many passages as its label said; the filter above narrows too."""
    app = opened(small_project, "search.py", q="drops", by="words")
    assert "Article (2)" in options(app, "Found in")
    app = opened(small_project, "search.py", q="drops", by="words", **{"in": "article"})
    assert len(snippets(app)) == 2
    app = opened(small_project, "search.py", q="drops", by="words", condition="low_back")
    assert "Nothing was found" in texts(app)


def test_a_slip_is_said_to_be_one(small_project: Path, opened: Callable[..., AppTest]) -> None:
    """What was looked for besides is said as text."""
    app = opened(small_project, "search.py", q="magnett", by="words")
    assert "also looked for: magnet" in texts(app)
    assert snippets(app)


def test_hostile_words_are_escaped(small_project: Path, opened: Callable[..., AppTest]) -> None:
    """A post's markup, and the question's own, is text and nothing else."""
    app = opened(small_project, "search.py", q="script window", by="words")
    shown = "".join(snippets(app))
    assert "&lt;" in shown
    assert not [sign for sign in ("<script", "<img", "href") if sign in shown]
    app = opened(small_project, "search.py", q="<script>alert(1)</script> :red[x]")
    assert "<script" not in "".join(snippets(app))


def test_meaning_finds_other_words(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """With vectors, what is near in meaning is found and says so; spelling stands in for it."""
    knowledge = Knowledge(open_database(str(project_file)))
    found = passages(
        Mined(
            claims=tuple(knowledge.claims()),
            theme_of=knowledge.theme_of(),
            themes=tuple(knowledge.themes()),
        )
    )
    meanings = list(dict.fromkeys(entry.meaning for one in found for entry in one.entries))
    run = knowledge.last_run()
    assert run is not None
    Index(knowledge.engine).replace(
        run.id or 0, "tfidf", found, meanings, [tfidf().encode(meanings).astype("float16")]
    )
    knowledge.engine.dispose()
    app = opened(project_file, "search.py", q="insertionaltendinopathies", by="meaning")
    assert "insertional tendinopathy" in "".join(snippets(app))
    assert any(str(part.value).endswith("like meaning]") for part in app.markdown)


def test_a_project_without_an_index_says_what_to_do(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Mined before there was a search: the next command."""
    engine = open_database(str(project_file))
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM search_mark"))
    engine.dispose()
    app = opened(project_file, "search.py", q="x")
    assert app.code[0].value == "folkgrade mine"


@pytest.mark.parametrize("page", ["search.py", "evidence_map.py", "talk.py"])
def test_a_project_of_one_sentence_opens(
    page: str, collected_file: Path, opened: Callable[..., AppTest]
) -> None:
    """One claim of one member on no condition, without date, level or grade."""
    quote = Quote(document="notes/1", part="1", start=0, text="I tried clay.")
    claim = Claim(kind="remedy", phrase="clay", phrase_start=8, quote=quote, author="m_1")
    theme = Theme(
        id="rem-clay", kind="remedy", name="clay", claims=(claim.id,), tally=Tally(tried=1)
    )
    mined = Mined(claims=(claim,), theme_of={claim.id: theme.id}, themes=(theme,))
    knowledge = Knowledge(open_database(str(collected_file)))
    run = Run(started=NOON, finished=NOON, fingerprint="f", settings_hash="s")
    done = knowledge.replace(run, mined)
    Index(knowledge.engine).replace(done.id or 0, "tfidf", passages(mined), [], [])
    knowledge.engine.dispose()
    app = opened(collected_file, page, q="clay", by="words")
    assert not app.error
    assert "clay" in "".join([*snippets(app), texts(app), *map(str, _tables(app))]) or (
        "no condition is known" in texts(app)
    )


def _tables(app: AppTest) -> list[object]:
    return [table.value for table in app.dataframe]


# --- Evidence map, Talk and evidence


def test_the_map_and_its_table_say_the_same(
    small_project: Path, opened: Callable[..., AppTest]
) -> None:
    """Every remedy with every condition, also where nobody speaks of it."""
    app = opened(small_project, "evidence_map.py")
    assert app.title[0].value == "Evidence map"
    table = app.dataframe[0].value
    assert list(table["Theme"])[:2] == ["heel drops", "magnet socks"]
    assert list(table.columns[2:]) == [words.condition("achilles"), words.condition("low_back")]
    first = table.iloc[0]
    assert first.iloc[2].startswith("13 authors · Level 2 · in 2 articles")
    assert first.iloc[3] == "–"


def test_cells_hold_each_conditions_own_numbers(here: data.State) -> None:
    """Authors of the condition alone; a grade of another condition is not taken for one."""
    drawn = mapping.map_of(here, Filters(), "remedy")
    assert len(drawn.cells) == len(drawn.names) * len(drawn.conditions)
    cells = {(cell.theme, cell.condition): cell for cell in drawn.cells}
    first, second = drawn.conditions
    assert cells["rem-heeldrops", first].level == "Level 2"
    assert cells["rem-magnets", first].level == "Not searched"
    assert cells["rem-heeldrops", second].level == NOBODY
    assert cells["rem-heeldrops", second].authors == 0
    narrowed = mapping.map_of(here, Filters(condition="low_back"), "cause")
    assert len(narrowed.conditions) == 1
    assert [cell.authors for cell in narrowed.cells] == [3]


def test_talk_and_evidence_counts_both_sides_of_the_line(
    small_project: Path, opened: Callable[..., AppTest]
) -> None:
    """The trial stands above the line, all else below, in the text and in the table."""
    app = opened(small_project, "talk.py")
    assert (
        "4 remedies that members speak of: for 1 a controlled study was found, for 3 none."
        in texts(app)
    )
    table = app.dataframe[0].value
    assert list(table["Controlled study"]) == ["found", "none found", "none found", "none found"]
    assert LINE not in set(table["Evidence"])
    app = opened(small_project, "talk.py", of="trigger")
    assert "No theme of this kind" in texts(app)


# --- the filters


def test_a_site_and_years_narrow_members_alone(here: data.State) -> None:
    """Authors are those who wrote there and then; articles and grades stay."""
    whole = data.rows(here, Filters())
    drops = next(row for row in whole if row.theme.id == "rem-heeldrops")
    late = data.rows(here, Filters(since=2026))
    assert [(row.theme.id, row.tally.authors) for row in late] == [
        ("rem-heeldrops", 2), ("rem-lonely", 1),
    ]  # fmt: skip
    assert late[0].articles == drops.articles
    assert late[0].grade == drops.grade
    board = data.rows(here, Filters(site="board.example"))
    assert [row.theme.id for row in board] == ["cau-desk"]
    assert data.rows(here, Filters(site="board.example", since=2026)) == []
    early = data.rows(here, Filters(until=2025))
    assert next(r for r in early if r.theme.id == "rem-heeldrops").tally.authors == 11


@pytest.mark.parametrize(
    "page", ["themes.py", "evidence_map.py", "talk.py", "gaps.py", "theme.py", "search.py"]
)
def test_filters_of_the_address_hold_on_each_page(
    page: str, small_project: Path, opened: Callable[..., AppTest]
) -> None:
    """They are shown as chosen, said in words, and nonsense is dropped."""
    app = opened(small_project, page, site="forum.example", since="2026")
    boxes = {box.label: box.value for box in app.selectbox}
    assert boxes["Members of"] == "forum.example"
    assert boxes["Written since"] == "2026"
    assert "on forum\\.example, written since 2026" in captions(app)
    app = opened(small_project, page, site="<b>x</b>", since="soon", until="99999999")
    boxes = {box.label: box.value for box in app.selectbox}
    assert {boxes[label] for label in ("Members of", "Written since", "Written until")} == {""}
    assert "Members' numbers and words" not in captions(app)
