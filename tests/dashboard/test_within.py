"""Sub-themes, borders, how sure a theme is and what became of it, as the pages show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from streamlit.testing.v1 import AppTest

from crawler.database import open_database
from dashboard import data, within
from dashboard.data import Filters
from miner.counts import tally
from miner.knowledge import Knowledge
from miner.model import SubTheme, Theme
from miner.tables import themes as table

DROPS = "rem-heeldrops"


@pytest.fixture
def parted(project_file: Path) -> Path:
    """The small project, its heel drops in two parts and not very stable."""
    knowledge = Knowledge(open_database(str(project_file)))
    theme = knowledge.theme(DROPS)
    assert theme is not None
    claims = knowledge.claims(theme=DROPS)
    first, second = claims[:8], claims[8:11]
    changed = replace(
        theme,
        keywords=("heel", "slowly *"),
        stability=0.5,
        border=(claims[-1].id,),
        parts=tuple(
            SubTheme(id=id_, name=name, claims=tuple(c.id for c in some), tally=tally(some))
            for id_, name, some in (("rem-111111", "early *drops*", first),
                                    ("rem-222222", "late drops", second))
        ),
    )  # fmt: skip
    value = TypeAdapter(Theme).dump_json(changed).decode()
    with knowledge.engine.begin() as connection:
        connection.execute(table.update().where(table.c.id == DROPS).values(value=value))
    knowledge.engine.dispose()
    return project_file


def pills(app: AppTest, label: str) -> list[str]:
    """The options of the pills of that label."""
    return next(list(group.options) for group in app.button_group if group.label == label)


def test_a_sub_theme_opens_to_as_many_voices_as_it_counts(
    parted: Path, opened: Callable[..., AppTest]
) -> None:
    """One entry an author, in the sub-theme as in the theme."""
    knowledge = Knowledge(open_database(str(parted)))
    theme = knowledge.theme(DROPS)
    assert theme is not None
    for part in theme.parts:
        app = opened(parted, "theme.py", theme=DROPS, part=part.id)
        assert f"{part.tally.authors} authors, one entry each" in " ".join(
            caption.value for caption in app.caption
        )
        assert sum(text.value.startswith("“") for text in app.text) >= part.tally.authors
    app = opened(parted, "theme.py", theme=DROPS)
    assert [label.rsplit(" ", 1)[1] for label in pills(app, "Sub-theme")[1:]] == [
        str(part.tally.authors) for part in theme.parts
    ]
    assert sum(part.tally.authors for part in theme.parts) >= 2


def test_the_table_shows_sub_themes_under_their_theme_where_asked(
    parted: Path, opened: Callable[..., AppTest]
) -> None:
    """Set in, with their own authors; the theme's own line is unchanged."""
    plain = opened(parted, "themes.py").dataframe[0].value
    full = opened(parted, "themes.py", parts="1").dataframe[0].value
    names = full["Theme"].tolist()
    at = names.index("heel drops")
    assert "early *drops*" in names[at + 1]
    assert "late drops" in names[at + 2]
    assert len(full) == len(plain) + 2
    before = plain[plain["Theme"] == "heel drops"].iloc[0]
    assert full.iloc[at]["Authors"] == before["Authors"]
    assert full.iloc[at]["How sure"] == "loose (0.50)"
    assert "emerging" in plain["How sure"].tolist()


def test_the_page_says_how_sure_a_theme_is_and_what_became_of_it(
    parted: Path, opened: Callable[..., AppTest]
) -> None:
    """Key words, border, sub-themes and history, nothing of it read as markup."""
    app = opened(parted, "theme.py", theme=DROPS, tab="Within")
    captions = " ".join(caption.value for caption in app.caption)
    assert "What tells it from near themes" in captions
    assert r"slowly \*" in captions
    texts = "\n".join(text.value for text in app.text)
    assert "took in rem-old" in texts
    assert "run 1: new" in texts
    assert any(r"early \*drops\*" in button.label for button in app.button)
    assert "At the border" in [heading.value for heading in app.subheader]


def test_filters_narrow_sub_themes_too(parted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members of the sub-theme who pass, one vote each."""
    monkeypatch.setenv(data.DATABASE, str(parted))
    state = data.state()
    item = data.theme(state, DROPS)
    assert item is not None
    whole = [counts.authors for _, counts in within.counted(state, item, Filters())]
    late = within.counted(state, item, Filters(since=2026))
    assert all(counts.authors <= n for (_, counts), n in zip(late, whole, strict=True))
    for part, counts in late:
        own = within.narrowed(state, item, Filters(since=2026), part, [])
        assert len(own) == counts.authors


def test_a_stability_is_said_in_a_word() -> None:
    """And not at all where it is not known."""
    assert [within.sureness(value) for value in (None, 0.9, 0.7, 0.2)] == [
        "", "stable (0.90)", "fairly stable (0.70)", "loose (0.20)"]  # fmt: skip
