"""Every number opens to what it counts: on a made-up project of many themes, and on a monster."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.dashboard import build
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Post, Source, Thread
from dashboard import data, warming
from dashboard.check import PAGES
from dashboard.parts import VOICES
from dashboard.values import Filters
from miner.counts import wilson
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Mined, Quote, Theme

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 800 claims in 130 themes, more than fit on any page."""
    path = tmp_path_factory.mktemp("large") / "large.db"
    build(path, 800, 130)
    return path


def captions(app: AppTest) -> list[str]:
    """As a reader sees them."""
    return [ESCAPED.sub("", str(one.value)) for one in app.caption]


def cards(app: AppTest) -> int:
    """Entries of members that are on the page, further words of the same one apart."""
    told = [line.split(" · ") for line in captions(app) if line.startswith("member ")]
    return sum(not parts[1][:1].isdigit() for parts in told)


def entries(opened: Callable[..., AppTest], path: Path, **address: str) -> int:
    """Entries of a theme's quotes over all pages of the list."""
    app = opened(path, "theme.py", **address)
    found = here = cards(app)
    for page in range(2, 20):
        if here < 10:
            break
        app.query_params["page"] = str(page)
        here = cards(app.run())
        found += here
    return found


def test_every_page_of_a_large_project_loads(large: Path, opened: Callable[..., AppTest]) -> None:
    """Lists are cut to pages, never dropped."""
    app = opened(large, PAGES[0])
    for page in PAGES:
        app.switch_page(page)
        app.run()
        assert not app.exception, page
        assert not app.error, page


def test_the_table_goes_on_on_its_next_page(large: Path, opened: Callable[..., AppTest]) -> None:
    """A hundred themes a page, each once; the page stands in the address."""
    app = opened(large, "themes.py")
    authors = [int(n) for n in app.dataframe[0].value["Authors"]]
    app.query_params["page"] = "2"
    authors += [int(n) for n in app.run().dataframe[0].value["Authors"]]
    assert len(authors) == 130
    assert authors == sorted(authors, reverse=True)


def test_the_table_is_sorted_by_benefit_only_where_asked(
    large: Path, opened: Callable[..., AppTest]
) -> None:
    """And then by the lower end of the interval; fewer than five people come after that."""
    app = opened(large, "themes.py", kind="remedy")
    by_name = {t.name: t for t in data.project(data.state()).themes}
    gaps = {gap.theme: gap.score for gap in data.project(data.state()).gaps}

    def helped(item: Theme) -> float:
        told = item.tally.reported
        return wilson(item.tally.helped, told)[0] if told >= 5 else -1.0

    keys: dict[str, Callable[[Theme], float | str]] = {
        "authors": lambda item: -item.tally.authors,
        "gap": lambda item: -gaps.get(item.id, -1.0),
        "name": lambda item: item.name.lower(),
        "helped": lambda item: -helped(item),
    }
    for by, key in keys.items():
        app.query_params["sort"] = by
        table = app.run().dataframe[0].value
        ranks = [key(by_name[str(name)]) for name in table["Theme"]]
        assert len(set(map(str, ranks))) > 1
        assert ranks == sorted(ranks)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("theme", "filters"),
    [
        ("cau-000001", {"condition": "low_back"}),
        ("tri-000002", {"site": "forum3.example", "since": "2022"}),
    ],
)
def test_the_number_of_authors_opens_to_as_many_entries(
    theme: str, filters: dict[str, str], large: Path, opened: Callable[..., AppTest]
) -> None:
    """The table's number under the filters is that of the entries on the theme's pages."""
    table = opened(large, "themes.py", **filters).dataframe[0].value
    name = data.project(data.state()).by_id[theme].name
    told = next(int(n) for n, one in zip(table["Authors"], table["Theme"], strict=True)
                if str(one) == name)  # fmt: skip
    assert told > 1
    assert entries(opened, large, theme=theme, **filters) == told


def test_a_cell_of_the_map_opens_to_as_many_entries(
    large: Path, opened: Callable[..., AppTest]
) -> None:
    """`5 authors` with a condition are five entries about it."""
    app = opened(large, "evidence_map.py")
    table, found = app.dataframe[0].value, data.project(data.state())
    row = table.iloc[3]
    theme = next(t.id for t in found.themes if t.name == row["Theme"] and t.kind == "remedy")
    column = next(name for name in table.columns[2:] if "author" in str(row[name]))
    condition = found.conditions[list(table.columns[2:]).index(column)]
    told = int(str(row[column]).split(" ")[0])
    assert entries(opened, large, theme=theme, condition=condition) == told


def test_both_sides_of_a_contradiction_have_the_voices_they_count(
    large: Path, opened: Callable[..., AppTest]
) -> None:
    """What is shown and what `more voices` holds are what stands above them."""
    app = opened(large, "disputes.py")
    found = data.disputes(data.state(), Filters())
    counted = [int(line.split()[1]) for line in captions(app) if line.startswith(("For:", "Agai"))]
    first = found[0][0]
    assert counted[:2] == [len(first.supporting), len(first.opposing)]
    for side, n in (("For", counted[0]), ("Against", counted[1])):
        app.session_state[f"more_{first.id}_{side}"] = n > VOICES
    app.run()
    shown = [line for line in captions(app) if line.startswith("member ")]
    rest = sum(min(n, VOICES) for n in counted[2:])
    assert len(shown) == counted[0] + counted[1] + rest


def test_another_choice_begins_a_list_anew(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The second page of all quotes is no page of those that helped."""
    app = opened(project_file, "theme.py", theme="rem-heeldrops")
    app.query_params["page"] = "2"
    app.run()
    assert app.query_params["page"] in ("2", ["2"])
    assert len([line for line in captions(app) if "· confidence" in line]) == 3  # of 13
    pills = next(group for group in app.get("button_group") if group.label == "Stance")
    pills.set_value("helped").run()
    assert "page" not in app.query_params
    assert cards(app) == 7


def test_reading_ahead_leaves_what_is_wrong_to_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that cannot be read stops no server."""
    (tmp_path / "broken.db").write_text("no database")
    monkeypatch.setenv(data.DATABASE, str(tmp_path / "broken.db"))
    warming.first()


MONSTER = "ow" * 50_000
"""A word of 100 kB."""


def monster(path: Path) -> str:
    """The one post of a stored thread, which holds the word; a claim is about it."""
    text = f"I tried {MONSTER} and clay."
    url = "https://forum.example/t/long/1"
    post = Post(id="1", number=1, text=text, author="m_1234567890", written=NOON, url=url)
    engine = open_database(str(path))
    source = Source(url=url, site="forum.example", fetched=NOON, engine="discourse")
    Corpus(engine).add(Thread(source=source, title="Long", posts=(post,)))
    quote = Quote(document=url, part="1", start=0, text=text)
    claim = Claim(kind="remedy", phrase=MONSTER, phrase_start=8, quote=quote, author=post.author,
                  written=NOON)  # fmt: skip
    theme = Theme(id="rem-long", kind="remedy", name=MONSTER[:200], claims=(claim.id,))
    mined = Mined(claims=(claim,), theme_of={claim.id: theme.id}, themes=(theme,))
    run = Run(started=NOON, finished=NOON, fingerprint="f", settings_hash="s")
    Knowledge(engine).replace(run, mined)
    engine.dispose()
    return text


def test_a_word_of_100_kilobytes_is_shown_as_text(
    tmp_path: Path, opened: Callable[..., AppTest]
) -> None:
    """Whole, on the page of its theme; no page ends by it."""
    path = tmp_path / "monster.db"
    text = monster(path)
    app = opened(path, "theme.py", theme="rem-long")
    assert any(text in str(one.value) for one in app.text)
    for page in ("themes.py", "brief.py", "review.py", "search.py"):
        app.switch_page(page)
        app.run()
        assert not app.exception, page
