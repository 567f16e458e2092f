"""What became of a theme, told from the events of all runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from crawler.corpus import Corpus
from miner.chronicle import chronicle, of_theme
from miner.knowledge import Knowledge, Run
from miner.model import Mined, ThemeEvent


def test_a_theme_tells_what_joined_it_and_when(
    project: tuple[Corpus, Knowledge],
    next_run: Callable[..., Run],
    conclusions: Callable[[], Mined],
) -> None:
    """Oldest first, with the run; old ids lead to it by way of others too."""
    knowledge = project[1]
    steps = [
        ThemeEvent(kind="born", theme="rem-heel"),
        ThemeEvent(kind="merged", theme="rem-a", into="rem-b"),
        ThemeEvent(kind="merged", theme="rem-b", into="rem-heel"),
        ThemeEvent(kind="renamed", theme="cau-desk"),
    ]
    for day, event in enumerate(steps):
        plain = next_run()
        run = replace(plain, finished=plain.finished + timedelta(days=day))
        knowledge.replace(run, replace(conclusions(), events=(event,)))
    told = chronicle(knowledge.engine, "rem-heel")
    assert [one.event for one in told] == [steps[0], steps[2]]
    assert told[1].when - told[0].when == timedelta(days=2)
    assert told[0].run < told[1].run
    assert of_theme(knowledge.engine, "rem-heel") == ["rem-a", "rem-b"]
    assert of_theme(knowledge.engine, "rem-none") == []
