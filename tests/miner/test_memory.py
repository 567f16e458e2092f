"""What was told of a theme before is not told anew, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from crawler.database import open_database, writing
from miner import caches
from miner.knowledge import Knowledge
from miner.memory import InStore, Mind
from miner.model import Claim, Quote
from miner.sketches import Sketch, opened, read, written
from miner.tables import drafts
from miner.themes import group


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
    InStore(engine, "two").keep({"b": "other"})
    assert InStore(engine, "one").recall(["a", "b", "c"]) == {"a": "first", "b": "second"}
    assert InStore(engine, "two").recall(["a"]) == {}


def test_a_damaged_text_is_unknown_until_it_is_told_anew(engine: sa.Engine) -> None:
    """A bit that fell over is seen by the checksum, and said where all is looked through."""
    InStore(engine, "one").keep({"a": "first"})
    with writing(engine) as connection:
        connection.execute(drafts.update().values(value=drafts.c.value + "x"))
    assert InStore(engine, "one").recall(["a"]) == {}
    assert list(caches.unreadable(engine).values()) == [1]
    InStore(engine, "one").keep({"a": "first"})
    assert InStore(engine, "one").recall(["a"]) == {"a": "first"}
    assert caches.unreadable(engine) == {}


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
    plain, within = opened(written(sketch, ["a key"])), {"a key": opened(written(part))}
    assert read(plain, "remedy", [claim], within) == sketch
    assert read(plain, "remedy", [], within) is None
    assert read(plain, "remedy", [claim]) is None
    assert opened("{}") == opened("no json") == opened("[]") == {}


def test_a_mind_forgets_nothing() -> None:
    """Within one process."""
    mind = Mind()
    mind.keep({"a": "first"})
    assert mind.recall({"a", "b"}) == {"a": "first"}


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Two kinds of one thing: near enough for one theme, far enough for two parts."""
    places = {"flat": (1.0, 1.0, 0.0), "clip": (1.0, 0.0, 1.0)}
    rows = [places.get(text.split()[0], (0.0, 0.0, 0.0)) for text in texts]
    return np.array(rows, dtype=np.float32) / np.float32(2**0.5)


def said(word: str, count: int) -> list[Claim]:
    """Claims on so many kinds of a thing, each by somebody else."""
    return [
        Claim(
            kind="remedy",
            phrase=f"{word} number{n}",
            phrase_start=0,
            quote=Quote(document=word, part=str(n), start=0, text=f"{word} number{n}"),
            author=f"m_{word}{n}",
        )
        for n in range(count)
    ]


def test_only_the_part_that_changed_is_told_anew() -> None:
    """With its theme; the other part is as it was, and all is as without a memory."""
    mind = Mind()
    old, new = [*said("flat", 5), *said("clip", 5)], [*said("flat", 5), *said("clip", 6)]
    (theme,) = group(old, encode, memory=mind).themes
    assert len(theme.parts) == 2
    before = set(mind.told)
    assert group(new, encode, memory=mind) == group(new, encode)
    assert (len(before), len(mind.told.keys() - before)) == (3, 2)
