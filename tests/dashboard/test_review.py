"""The pages on which something is decided, and those that show what came of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from crawler.errors import StoreError
from dashboard import data, deciding, quality, taking
from dashboard.values import Filters
from miner.proposals import Proposal, Proposals


def press(app: AppTest, label: str) -> None:
    """Presses the first button of that label."""
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def texts(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.text)


def test_a_claim_is_accepted_rejected_and_taken_back(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Each answer brings the next claim, is kept with who and why, and can be undone."""
    app = opened(project_file, "review.py")
    first = app.header[0].value
    app.text_input(key="who").set_value("Ada").run()
    app.text_input(key="why").set_value("clear").run()
    press(app, "Accept")
    assert "Accepted." in texts(app)
    press(app, "Not a claim")
    kept = deciding.history(data.state())
    assert [(k.decision.action, k.decision.who) for k in kept] == [
        ("reject", "Ada"),
        ("accept", "Ada"),
    ]
    assert kept[1].decision.why == "clear"
    assert kept[0].decision.target not in {c.id for c in deciding.queue(data.state())}
    press(app, "Undo")
    assert [k.undone for k in deciding.history(data.state())] == [False, True, False]
    assert kept[0].decision.target in {c.id for c in deciding.queue(data.state())}
    assert first


def test_a_quote_of_a_theme_can_be_judged_by_its_address(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The claim of the address comes before the queue, and is judged once."""
    app = opened(project_file, "theme.py", theme="cau-desk")
    wanted = data.claims_of(data.state(), "cau-desk")[-1]
    app.switch_page("review.py")
    app.query_params["claim"] = wanted.id
    app.run()
    assert f"“{wanted.quote.text}”" in texts(app)
    press(app, "Not a claim")
    assert "claim" not in app.query_params
    assert f"“{wanted.quote.text}”" not in texts(app)
    assert [k.decision.target for k in deciding.history(data.state())] == [wanted.id]


def test_the_history_can_be_taken_along(here: data.State) -> None:
    """Who, when, what, why and what was taken back; no cell is a formula."""
    number = deciding.decide(
        here, "rename", "rem-magnets", {"name": "socks"}, who="=ada", why="plain; “short”"
    )
    deciding.undo(data.state(), number, who="bea")
    now = data.state()
    told = json.loads(taking.history(now, "json"))
    assert [(one["what"], one["who"], one["taken_back"]) for one in told] == [
        ("rename", "=ada", True),
        ("undo", "bea", False),
    ]
    assert told[0]["why"] == "plain; “short”"
    assert told[0]["value"]["name"] == "socks"
    rows = list(csv.DictReader(io.StringIO(taking.history(now, "csv").decode("utf-8-sig"))))
    assert [row["who"] for row in rows] == ["'=ada", "bea"]


def test_a_merge_shows_on_the_themes_page_at_once(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """One theme fewer with the authors of both; undone in the history it is two again."""
    app = opened(project_file, "review.py", desk="Themes", theme="rem-magnets")
    app.selectbox(key="into_rem-magnets").set_value("rem-heeldrops").run()
    assert "15 different ones together" in texts(app)
    press(app, "Merge")
    app.switch_page("themes.py").run()
    table = app.dataframe[0].value
    assert "magnet socks" not in list(table["Theme"])
    assert any("1 decision made" in caption.value for caption in app.caption)
    app.switch_page("review.py")
    app.query_params["desk"] = "History"
    app.run()
    assert "“magnet socks” into “heel drops”" in texts(app)
    press(app, "Undo")
    app.switch_page("themes.py").run()
    assert "magnet socks" in list(app.dataframe[0].value["Theme"])


def test_a_merged_theme_opens_under_its_old_address(here: data.State) -> None:
    """Its quotes, sources and authors are found with the theme it went into."""
    deciding.decide(here, "merge", "rem-magnets", {"into": "rem-heeldrops"}, who="ada")
    now = data.state()
    item = data.theme(now, "rem-magnets")
    assert item is not None
    assert item.id == "rem-heeldrops"
    row = data.row_of(now, item, Filters())
    assert row.tally.authors == 15
    assert len(data.voted(now, item, Filters())) == 15
    assert len(data.evidence_of(now, item.id)) == 4


def test_a_grade_is_set_with_its_reason(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """Without a reason nothing is kept; with one the theme shows the person's grade."""
    app = opened(project_file, "review.py", desk="Grades", theme="rem-magnets")
    level = next(box for box in app.selectbox if box.label == "Level")
    level.set_value(4)
    press(app, "Set the grade")
    assert app.warning
    assert not deciding.history(data.state())
    next(box for box in app.selectbox if box.label == "Level").set_value(4)
    next(b for b in app.text_input if b.label.startswith("Why (needed")).set_value("read it all")
    press(app, "Set the grade")
    app.switch_page("theme.py")
    app.query_params["theme"] = "rem-magnets"
    app.run()
    assert "Level 4 (Oxford scale" in texts(app)
    assert "1. A person set this grade" in texts(app)


def test_a_contradiction_is_dismissed(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """Accepted it says so; dismissed it is gone, and Undo brings it back."""
    app = opened(project_file, "disputes.py")
    press(app, "Accept")
    assert any("agrees" in caption.value for caption in app.caption)
    press(app, "Dismiss")
    assert "each is dismissed" in texts(app)
    press(app, "Undo")
    assert [header.value for header in app.header] == ["heel drops"]


def test_labels_of_the_sample_give_kappa(here: data.State) -> None:
    """The latest label of each sentence counts, beside what the miner says of it."""
    items = deciding.sample(here)
    assert {item.miner for item in items} <= set(deciding.LABELS)
    for item in items[:4]:
        value = {"label": item.miner, "miner": item.miner}
        deciding.decide(here, "label", item.id, value, who="ada")
    wrong = {"label": "none", "miner": items[0].miner}
    deciding.decide(here, "label", items[0].id, wrong, who="ada")
    found = deciding.agreed(deciding.history(data.state()))
    assert (found.n, found.agreed) == (4, 3)


def test_read_only_hides_review_and_refuses_to_write(
    project_file: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., AppTest]
) -> None:
    """No button to decide, no page in the menu, and the database itself says no."""
    monkeypatch.setenv(data.READ_ONLY, "1")
    app = opened(project_file, "disputes.py")
    assert not [button for button in app.button if button.label in ("Accept", "Dismiss")]
    app.switch_page("review.py").run()
    assert "started read-only" in texts(app)
    assert not app.button
    with pytest.raises(StoreError, match="read, not change"):
        deciding.decide(data.state(), "accept", "x", who="ada")
    with pytest.raises(StoreError, match="read-only"):
        data.knowledge(data.state()).forget("m_6164610000")


def test_the_sample_and_the_history_show_hostile_words_as_text(
    project_file: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., AppTest]
) -> None:
    """Names, reasons and people come from a keyboard and are no markup either."""
    monkeypatch.setenv(data.DATABASE, str(project_file))
    name = "<b>x</b> **y** :smile: [z](javascript:alert(1))"
    deciding.decide(data.state(), "rename", "rem-hostile", {"name": name}, who=name, why=name)
    for desk in ("Claims", "Themes", "Grades", "Sample", "History"):
        app = opened(project_file, "review.py", desk=desk, theme="rem-hostile")
        parts = [*app.title, *app.header, *app.subheader, *app.caption, *app.markdown]
        drawn = "\n".join(str(part.value) for part in parts)
        assert not [mark for mark in ("<b>", "**y**", ":smile:", "](java") if mark in drawn]
    assert name in texts(app)


def test_a_proposed_name_is_adopted_by_one_click(
    project_file: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., AppTest]
) -> None:
    """It is shown under Rename with who proposed it; adopted, it is a renaming like any other."""
    monkeypatch.setenv(data.DATABASE, str(project_file))
    proposals = Proposals(data.knowledge(data.state()).engine)
    proposals.keep("key", Proposal(theme="rem-magnets", name="socks", model="tiny"))
    app = opened(project_file, "review.py", desk="Themes", theme="rem-magnets")
    assert "tiny would call it “socks”." in texts(app)
    press(app, "Call it “socks”")
    (kept,) = deciding.history(data.state())
    assert (kept.decision.action, kept.decision.target) == ("rename", "rem-magnets")
    assert (kept.decision.value["name"], kept.decision.why) == ("socks", "proposed by tiny")


def test_the_brief_of_a_gap_is_read_edited_and_named(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The address opens it; what was changed is what is shown; a new start forgets it."""
    app = opened(project_file, "brief.py", theme="cau-desk", view="Edit")
    assert app.title[0].value.replace("\\", "") == "Brief: sitting all day"
    assert app.text_area[0].value.startswith("# Brief: sitting all day")
    app.text_area[0].set_value("# Mine\n\nOwn **words**.").run()
    app.query_params["view"] = "Read"
    app.session_state["kept_view"] = "Read"
    app.run()
    assert not app.exception
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["Download .md", "Download .docx"]


def test_runs_show_counts_models_and_figures(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """What a run did, with what, and the measured precision and recall."""
    app = opened(project_file, "runs.py")
    tables = [table.value for table in app.table]
    assert {"What": "Claims", "This run": "22", "Run before": "–", "Change": "–"} in tables[
        0
    ].to_dict("records")
    assert any("precision" in frame.value.columns for frame in app.dataframe)
    assert "Nobody has labelled the sample" in texts(app)


def test_tables_of_a_card_come_with_what_they_measure() -> None:
    """Columns without a name, bold words and short rows do not trouble it."""
    table = "| | F1 | P |\n|---|---|---|\n| all | 0.5 | 0.6 |\n| few |\n"
    text = f"Measured **here**, with `x`:\n\n{table}"
    found = quality.measured(text)[0]
    assert found.caption == "Measured here, with x:"
    assert found.columns == ("Measured on", "F1", "P")
    assert found.rows == (("all", "0.5", "0.6"), ("few", "", ""))
    assert quality.measured(quality.card())


def test_a_model_card_links_nowhere() -> None:
    """A file beside the card is no page: what is written of it stays, its path does not."""
    (said,) = quality.pieces("Calibrated ([picture](../../docs/picture.svg)), **mostly**.")
    assert said == "Calibrated (picture), mostly."
