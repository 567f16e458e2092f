"""The last run's claims are those at hand where they say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawler.database import open_database
from miner.former import claims_like
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Mined, Quote

WHEN = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def knowledge(database: str) -> Iterator[Knowledge]:
    """A store of what was mined."""
    engine = open_database(database)
    yield Knowledge(engine)
    engine.dispose()


def claim(part: str, author: str | None = "m_1", written: datetime | None = WHEN) -> Claim:
    """A claim of a post."""
    quote = Quote(document="https://forum.example/t", part=part, start=0, text="flat pedals")
    return Claim(kind="remedy", phrase="flat pedals", phrase_start=0, quote=quote,
                 author=author, written=written)  # fmt: skip


def test_claims_that_say_the_same_are_not_read_again(knowledge: Knowledge) -> None:
    """Whatever came of them; who is another author, or means another thing, is read."""
    stored = [claim("1"), claim("2"), claim("3", None, None), claim("4"), claim("5")]
    run = Run(started=WHEN, finished=WHEN, fingerprint="f", settings_hash="s")
    knowledge.replace(run, Mined(claims=tuple(stored), theme_of={}, themes=()))
    now = {one.id: one for one in (
        replace(stored[0], outcome="helped"), replace(stored[1], author="m_2"), stored[2],
        replace(stored[3], means="clipless pedals"),
    )}  # fmt: skip
    found = {one.id: one for one in claims_like(knowledge, now)}
    assert found.keys() == {one.id for one in stored}
    at_hand = {id_ for id_, one in found.items() if now.get(id_) is one}
    assert at_hand == {stored[0].id, stored[2].id}
    assert all(found[one.id] == one for one in stored if one.id not in at_hand)
    assert sorted(claims_like(knowledge, {}), key=lambda one: one.id) == sorted(
        stored, key=lambda one: one.id
    )
