"""The page of gaps tells what people ask, and which themes the user's own articles leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from streamlit.testing.v1 import AppTest

from crawler.database import open_database
from dashboard.stores import changed
from miner.knowledge import Knowledge
from miner.model import MemberQuestion, Mined, Quote


def asking(text: str, author: str, answers: int = 0, inquiry: str = "ask-1") -> MemberQuestion:
    """A question in a post of its own."""
    quote = Quote(document=f"https://forum.example/t/{author}", part="p1", start=0, text=text)
    return MemberQuestion(
        quote=quote, author=author, answers=answers, inquiry=inquiry, themes=("rem-heeldrops",)
    )


def mine_again(path: Path, *, own: tuple[str, ...] = ()) -> None:
    """A second run with the same conclusions, questions, and perhaps own articles."""
    knowledge = Knowledge(open_database(str(path)))
    run = knowledge.last_run()
    assert run is not None
    themes = [
        replace(one, own_articles=1) if one.id == "rem-heeldrops" and own else one
        for one in knowledge.themes()
    ]
    claims = knowledge.claims()
    mined = Mined(
        claims=tuple(claims),
        theme_of=knowledge.theme_of(),
        themes=tuple(themes),
        evidence=tuple(knowledge.evidence()),
        grades=tuple(knowledge.grades()),
        gaps=tuple(knowledge.gaps()),
        questions=(
            asking("How soon do <b>drops</b> help?", "m_a", answers=2),
            asking("When do they help?", "m_b"),
            asking("Can I row with it?", "m_c", inquiry="ask-2"),
        ),
    )
    knowledge.replace(replace(run, own=own), mined)
    knowledge.engine.dispose()
    changed()  # The pages look for themselves some seconds later only.


def test_questions_are_told_with_how_many_got_an_answer(
    project_file: Path, opened: Callable[..., AppTest]
) -> None:
    """Those that two ask come first; the reader may ask for those that nobody answered."""
    mine_again(project_file)
    table = opened(project_file, "gaps.py").dataframe[-1].value
    assert list(table["Question"]) == ["How soon do <b>drops</b> help?"]
    assert list(table["Of these answered"]) == ["1 of 2"]
    assert list(table["Themes"]) == ["heel drops"]
    table = opened(project_file, "gaps.py", asked="nobody").dataframe[-1].value
    assert list(table["Question"]) == ["Can I row with it?"]


def test_own_articles_part_the_gaps(project_file: Path, opened: Callable[..., AppTest]) -> None:
    """A writer sees what others cover and they do not; without own articles nothing is parted."""
    mine_again(project_file)
    app = opened(project_file, "gaps.py")
    assert "Written about" not in [pills.label for pills in app.get("button_group")]
    mine_again(project_file, own=("https://clinic.example/heel",))
    app = opened(project_file, "gaps.py", covered="others")
    assert [sub.value.replace("\\", "") for sub in app.subheader] == ["1. magnet socks"]
