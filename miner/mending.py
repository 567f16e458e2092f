"""Conclusions whose rows cannot be read any more: found, and taken away to be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from crawler.database import BATCH, Engine, batches, explained, raw, writing
from miner.knowledge import Run, a_run
from miner.model import Contradiction, Decision, Evidence, Gap, Grade
from miner.rows import a_claim, a_question, a_theme, adapter, an_event
from miner.tables import (
    claims,
    contradictions,
    decisions,
    events,
    evidence,
    gaps,
    grades,
    questions,
    runs,
    themes,
)

__all__ = ["damaged_decisions", "drop_unreadable", "unreadable"]

_MADE: tuple[tuple[str, sa.Table, TypeAdapter[Any]], ...] = (
    ("claims", claims, a_claim),
    ("themes", themes, a_theme),
    ("evidence", evidence, adapter(Evidence)),
    ("grades", grades, adapter(Grade)),
    ("gaps", gaps, adapter(Gap)),
    ("contradictions", contradictions, adapter(Contradiction)),
    ("questions", questions, a_question),
    ("events of themes", events, an_event),
)
"""What runs conclude: name, table and how a value is read."""


def unreadable(engine: Engine) -> dict[str, int]:
    """How many rows cannot be read, by what they are."""
    with explained(engine), engine.connect() as connection:
        every = (*_MADE, ("runs", runs, a_run))
        found = {name: len(_bad(connection, table, how)) for name, table, how in every}
    return {name: count for name, count in found.items() if count}


def drop_unreadable(engine: Engine) -> int:
    """How many rows were taken away; the next run does not pass for a repetition then.

    Of a run itself what is written beside its value stays, and its number: others name it.
    """
    gone = 0
    with writing(engine) as connection:
        for _name, table, how in _MADE:
            key = next(iter(table.primary_key.columns))
            for some in batches(_bad(connection, table, how)):
                gone += connection.execute(table.delete().where(key.in_(some))).rowcount
        for number in _bad(connection, runs, a_run):
            gone += 1
            _bare(connection, number)
        if gone:
            connection.execute(runs.update().values(fingerprint=""))
    return gone


def _bare(connection: sa.Connection, number: int) -> None:
    """Makes a run one of which nothing is known but when it was."""
    here = runs.c.id == number
    known = connection.execute(sa.select(runs.c.started, runs.c.finished).where(here)).one()
    bare = Run(started=known.started, finished=known.finished, fingerprint="", settings_hash="")
    value = a_run.dump_json(bare).decode()
    connection.execute(runs.update().where(here).values(value=value))


def damaged_decisions(engine: Engine) -> list[int]:
    """Numbers of the decisions that cannot be read: what people decided, no run makes anew."""
    with explained(engine), engine.connect() as connection:
        return _bad(connection, decisions, adapter(Decision))


def _bad(connection: sa.Connection, table: sa.Table, how: TypeAdapter[Any]) -> list[Any]:
    """Keys of the rows whose value cannot be read."""
    return [key for key, value in _values(connection, table) if not _is_sound(how, value)]


def _values(connection: sa.Connection, table: sa.Table) -> Iterator[tuple[Any, Any]]:
    key = next(iter(table.primary_key.columns))
    streamed = connection.execution_options(yield_per=BATCH)
    # As bytes: one that is no text any more must not end the search.
    for row in streamed.execute(sa.select(key, raw(table.c.value))):
        yield row[0], row[1]


def _is_sound(how: TypeAdapter[Any], value: Any) -> bool:
    try:
        how.validate_json(value)
    except ValidationError:
        return False
    return True
