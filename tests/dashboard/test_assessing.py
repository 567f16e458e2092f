"""Sources that a person judges on the theme's page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data, deciding
from miner.model import Evidence


def trial() -> Evidence:
    """The one study of the invented project."""
    return next(
        piece
        for piece in data.evidence_of(data.state(), "rem-heeldrops")
        if piece.source_type == "study"
    )


def sources(project: Path, opened: Callable[..., AppTest]) -> AppTest:
    """The tab Evidence of the theme that has the study."""
    app = opened(project, "theme.py", theme="rem-heeldrops", tab="Evidence")
    data.state()
    return app


def press(app: AppTest, label: str, key: str = "") -> None:
    """Presses the first button of that label, or the one of that key."""
    found = [one for one in app.button if one.label == label and key in (one.key or "")]
    found[0].click().run()
    assert not app.exception


def texts(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.text)


def box(app: AppTest, label: str) -> object:
    return next(one for one in app.selectbox if one.label == label)


def test_design_direction_and_risk_of_bias_are_set_shown_and_taken_back(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The card shows it at once with its mark; Undo brings the first reading back."""
    app = sources(project_file, opened)
    before = trial()
    press(app, "Judge this source", before.id)
    box(app, "Design").set_value("cohort")  # type: ignore[attr-defined]
    box(app, "What it says of this theme").set_value("no_effect")  # type: ignore[attr-defined]
    box(app, "Risk of bias").set_value("high")  # type: ignore[attr-defined]
    app.text_input(key="who").set_value("Ada")
    app.text_input(key="why").set_value("no control group")
    press(app, "Keep the judgement")
    now = trial()
    assert (now.design, now.direction) == ("cohort", "no_effect")
    assert {"high_rob", "human_reviewed"} <= set(now.flags)
    assert now.reasons[-1] == "overruled by Ada: no control group"
    assert "Ada set: cohort study, found no effect, high risk of bias" in texts(app)
    press(app, "Undo")
    assert trial() == before


def test_a_link_is_rejected_and_comes_back(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The source leaves the theme; the history names it and undoes it."""
    app = sources(project_file, opened)
    title = trial().title
    press(app, "Judge this source", trial().id)
    press(app, "It is not about this theme")
    with pytest.raises(StopIteration):
        trial()
    app.switch_page("review.py")
    app.query_params["desk"] = "History"
    app.run()
    assert title in texts(app)
    (kept,) = deciding.history(data.state())
    assert deciding.judged([kept]) == {}
    press(app, "Undo", "undo_")
    assert trial().title == title


def test_an_unchanged_form_decides_nothing(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Pressing the button alone says so and keeps nothing."""
    app = sources(project_file, opened)
    press(app, "Judge this source", trial().id)
    press(app, "Keep the judgement")
    assert app.warning
    assert not deciding.history(data.state())
    press(app, "Leave it")
    assert not [one for one in app.selectbox if one.label == "Design"]


def test_read_only_offers_no_judgement(
    project_file: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., AppTest]
) -> None:
    """Neither button nor form, though the sources are there."""
    monkeypatch.setenv(data.READ_ONLY, "1")
    app = sources(project_file, opened)
    assert "Heel loading against waiting" in texts(app)
    assert not [one for one in app.button if one.label == "Judge this source"]


def test_a_contradiction_shows_its_score_and_how_it_adds_up(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The score as a whole, and each part with its points and its reason."""
    app = opened(project_file, "disputes.py")
    assert any("Score 62 of 100" in str(one.value) for one in app.caption)
    (one,) = data.project(data.state()).contradictions
    app.session_state[f"score_{one.id}"] = True
    table = app.run().table[0].value
    assert list(table["Points"]) == ["17.5 of 35", "20.0 of 20", "10.0 of 25", "15.0 of 20"]
    assert "even" in list(table["Why"])


def test_an_article_shows_what_is_known_of_its_page(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """The badge stands with the article, and every article in the table of the page Sources."""
    app = opened(project_file, "theme.py", theme="rem-heeldrops", tab="Articles")
    assert any("of 4 benchmarks" in str(one.value) for one in app.markdown)
    assert "Not found:" in texts(app)
    app = opened(project_file, "sources.py")
    assert "Articles" in [header.value for header in app.header]
