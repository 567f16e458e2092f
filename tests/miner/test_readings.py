"""Studies are read once, and again only when they or the way to read them changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from crawler.database import open_database
from crawler.documents import Document, Source, Study
from miner import library
from miner.knowledge import Knowledge
from miner.readings import Readings


def study(name: str, title: str = "Paddle taping for rower's wrist: a randomised trial") -> Study:
    """A record of nobody's."""
    source = Source(
        url=f"study:{name}", site="s.example", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="x"
    )
    abstract = "We randomised 60 rowers to taping or none. Taping reduced pain."
    return Study(source=source, title=title, abstract=abstract)


class Shelf:
    """Studies by address that counts how often it is asked."""

    def __init__(self, *found: Study) -> None:
        self.found: dict[str, Document] = {one.source.url: one for one in found}
        self.asked: list[str] = []

    def hashes(self) -> dict[str, str]:
        return {url: str(hash(one)) for url, one in self.found.items()}

    def __call__(self, url: str) -> Document | None:
        self.asked.append(url)
        return self.found[url]


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A derived store with its tables, in each kind of database in turn."""
    made = Knowledge(open_database(database)).engine
    yield made
    made.dispose()


def test_what_was_read_is_not_read_again(engine: sa.Engine) -> None:
    """The second time nothing is asked for, and the same comes out in the same order."""
    shelf = Shelf(study("b"), study("a", "A review of hand care in rowers"))
    first = list(Readings(engine, "1").each(shelf.hashes(), shelf))
    assert shelf.asked == ["study:a", "study:b"]
    assert list(Readings(engine, "1").each(shelf.hashes(), shelf)) == first
    assert len(shelf.asked) == 2
    assert first == [library.of_record(shelf.found[f"study:{n}"]) for n in "ab"]  # type: ignore[arg-type]


def test_a_changed_record_and_a_new_way_to_read_are_read_anew(engine: sa.Engine) -> None:
    """By content and by version; of the others the old reading stays."""
    shelf = Shelf(study("a"), study("b"))
    list(Readings(engine, "1").each(shelf.hashes(), shelf))
    shelf.found["study:b"] = replace(study("b"), retracted=True)
    shelf.asked.clear()
    read = list(Readings(engine, "1").each(shelf.hashes(), shelf))
    assert shelf.asked == ["study:b"]
    assert "retracted" in read[1][0].flags
    list(Readings(engine, "2").each(shelf.hashes(), shelf))
    assert shelf.asked == ["study:b", "study:a", "study:b"]


def test_a_record_that_cannot_be_read_costs_itself(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others come, and the run goes on."""
    shelf, real = Shelf(study("a"), study("b")), library.of_record

    def spoilt(one: Study, among: object = None) -> object:
        if one.source.url == "study:a":
            raise ValueError("spoilt")
        return real(one)

    monkeypatch.setattr(library, "of_record", spoilt)
    assert [bool(entries) for entries in Readings(engine, "1").each(shelf.hashes(), shelf)] == [
        False,
        True,
    ]


def test_what_was_forgotten_leaves_the_readings(engine: sa.Engine) -> None:
    """By its address, at once."""
    shelf = Shelf(study("a"))
    list(Readings(engine, "1").each(shelf.hashes(), shelf))
    Knowledge(engine).forget("study:a")
    list(Readings(engine, "1").each(shelf.hashes(), shelf))
    assert shelf.asked == ["study:a", "study:a"]
