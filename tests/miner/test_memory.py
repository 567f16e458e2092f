"""What was told of a theme before is not told anew, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from crawler.database import open_database, writing
from miner.knowledge import Knowledge
from miner.memory import InStore, Mind
from miner.model import Claim, Quote
from miner.sketches import Sketch, read, written
from miner.tables import drafts


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A store with the tables of mining."""
    opened = open_database(database)
    yield Knowledge(opened).engine
    opened.dispose()


def told(engine: sa.Engine) -> dict[str, str]:
    """All rows of the table."""
    with engine.connect() as connection:
        return {row.key: row.value for row in connection.execute(sa.select(drafts))}


def test_what_is_kept_is_recalled_by_the_same_version_alone(engine: sa.Engine) -> None:
    """Other code, another model: told anew."""
    InStore(engine, "one").keep({"a": "first", "b": "second"})
    InStore(engine, "one").keep({"a": "is there already"})
    assert InStore(engine, "one").recall(["a", "b", "c"]) == {"a": "first", "b": "second"}
    assert InStore(engine, "two").recall(["a"]) == {}


def test_a_damaged_text_is_unknown(engine: sa.Engine) -> None:
    """A bit that fell over is seen by the checksum."""
    InStore(engine, "one").keep({"a": "first"})
    with writing(engine) as connection:
        connection.execute(drafts.update().values(value=drafts.c.value + "x"))
    assert InStore(engine, "one").recall(["a"]) == {}


def test_what_nobody_asked_for_goes(engine: sa.Engine) -> None:
    """Of themes that changed, and of former versions."""
    InStore(engine, "old").keep({"a": "old"})
    memory = InStore(engine, "new")
    memory.keep({"a": "first", "b": "second"})
    memory.recall(["a"])
    with writing(engine) as connection:
        assert memory.prune(connection) == 2
    assert [value.partition(":")[2] for value in told(engine).values()] == ["first"]


def test_forgetting_clears_all_that_is_made_of_words(engine: sa.Engine) -> None:
    """The next run tells anew."""
    InStore(engine, "one").keep({"a": "what somebody said"})
    Knowledge(engine).forget("m_someone", [("https://forum.example/t/1", "p1")])
    assert told(engine) == {}


def test_a_sketch_is_read_as_it_was_written() -> None:
    """And one of other claims, or no sketch at all, is none."""
    from miner.counts import tally
    from miner.identity import Group

    quote = Quote(document="d", part="1", start=0, text="flat pedals")
    claim = Claim(kind="remedy", phrase="flat pedals", phrase_start=0, quote=quote, author="m_1")
    group = Group(kind="remedy", founder="flat pedal", claims=frozenset([claim.id]),
                  phrases=frozenset(["flat pedal"]))  # fmt: skip
    facts = {"tally": tally([claim]), "articles": 1, "conditions": ("hip",)}
    part = Sketch(group=group, claims=(claim,), names=("flats",), facts=facts)
    sketch = replace(part, names=("flat pedals", "flats"), parts=(part,))
    assert read(written(sketch), "remedy", [claim]) == sketch
    assert read(written(sketch), "remedy", []) is None
    assert read("{}", "remedy", [claim]) is None
    assert read("no json", "remedy", [claim]) is None


def test_a_mind_forgets_nothing() -> None:
    """Within one process."""
    mind = Mind()
    mind.keep({"a": "first"})
    assert mind.recall({"a", "b"}) == {"a": "first"}
