"""What an article says of a claim is read once, and a memory of it changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.documents import Article, Reference, Source
from miner import conditions, promotions, testimony
from miner.evidence import of_articles
from miner.library import About, LibraryStudy, by_identifier
from miner.memory import Mind
from miner.model import Claim, Evidence, Quote, Theme

TEXT = """Sore elbows of rowers

A trial in 40 rowers found that padded grips ease the pain.[1]
Cold water does not help a sore elbow.
Padded grips and cold water are often named together."""
URL = "https://clinic.example/a"
PAGE = Article(
    source=Source(
        url=URL, site="clinic.example", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="article"
    ),
    title="Sore elbows",
    text=TEXT,
    references=(Reference(text="Grips in rowers", doi="10.5555/grips"),),
)
STUDY = LibraryStudy(
    id="grips", citation="Grips in rowers", design="rct", direction="no_effect", finding="None.",
    about=(About(topic="padded grips", also=(), condition="elbow", question="benefit"),),
    n=40, doi="10.5555/grips",
)  # fmt: skip


class Counting(Mind):
    """A memory that counts what it did not know."""

    def __init__(self) -> None:
        super().__init__()
        self.missed = 0

    def recall(self, keys: Collection[str]) -> Mapping[str, str]:
        """The texts of those keys that are known."""
        found = super().recall(keys)
        self.missed += len(set(keys)) - len(found)
        return found


def claim(phrase: str) -> Claim:
    """The claim of the page with that phrase, in its line."""
    place = TEXT.index(phrase)
    start = TEXT.rfind("\n", 0, place) + 1
    end = TEXT.find("\n", place) % (len(TEXT) + 1)
    quote = Quote(document=URL, part="text", start=start, text=TEXT[start:end])
    return Claim(kind="remedy", phrase=phrase, phrase_start=place, quote=quote, voice="article")


CLAIMS = [claim("padded grips")]
THEMES = (
    Theme(id="rem-1", kind="remedy", name="padded grips", claims=(CLAIMS[0].id,)),
    Theme(id="rem-2", kind="remedy", name="cold water", claims=()),
)


def told(
    themes: tuple[Theme, ...] = THEMES, memory: Mind | None = None, *studies: LibraryStudy
) -> list[Evidence]:
    """The evidence of the page."""
    return of_articles([PAGE], CLAIMS, themes, by_identifier(studies), memory)


def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no article can be read."""

    def refuse(*_: Any) -> None:
        raise AssertionError("the article was read")

    for name in ("page_of", "_of_claim"):
        monkeypatch.setattr(testimony, name, refuse)
    monkeypatch.setattr(promotions, "sales_talk", refuse)
    monkeypatch.setattr(conditions, "condition_of_article", refuse)


def test_what_is_remembered_is_what_would_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same evidence without a memory, with an empty one, and with a full one: unread."""
    memory = Mind()
    alone = told(THEMES, None, STUDY)
    assert {item.theme for item in alone} == {"rem-1", "rem-2"}
    assert repr(told(THEMES, memory, STUDY)) == repr(alone)
    unread(monkeypatch)
    assert repr(told(THEMES, memory, STUDY)) == repr(alone)


def test_other_themes_of_the_same_claims_need_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of claims: whatever they are grouped to has it."""
    memory = Mind()
    told(THEMES, memory)
    others = tuple(replace(theme, id=f"{theme.id}0") for theme in THEMES)
    alone = told(others)
    unread(monkeypatch)
    assert told(others, memory) == alone
    assert {item.theme for item in alone} == {"rem-10", "rem-20"}


def test_a_wording_that_is_new_is_read_and_nothing_else() -> None:
    """A theme that is named otherwise is looked for by its new name."""
    memory = Counting()
    told(THEMES[:1], memory)
    before = memory.missed
    found = told(THEMES, memory)
    assert [item for item in found if item.theme == "rem-2"]
    assert found == told(THEMES)
    assert memory.missed - before == TEXT.lower().count("cold water")


def test_a_record_that_changed_is_seen() -> None:
    """A study that was retracted, or entered the library, since the article was read."""
    memory = Mind()
    bare = told(THEMES, memory)
    assert {item.direction for item in told(THEMES, memory, STUDY)} != {i.direction for i in bare}
    gone = replace(STUDY, flags=("retracted",))
    found = told(THEMES, memory, gone)
    assert found == told(THEMES, None, gone)
    assert any("retracted" in item.flags for item in found)


def test_an_article_that_changed_is_read_anew() -> None:
    """Its text, and what it names as sources."""
    memory = Mind()
    told(THEMES, memory)
    other = replace(PAGE, references=())
    assert of_articles([other], CLAIMS, THEMES, {}, memory) == of_articles(
        [other], CLAIMS, THEMES, {}
    )


def test_what_is_no_account_is_read_anew() -> None:
    """A text that fell over in the store ends no run."""
    memory = Mind()
    alone = told(THEMES, memory)
    memory.told = {
        key: "[1]" if text.startswith('[{"theme"') else text for key, text in memory.told.items()
    }
    assert told(THEMES, memory) == alone
