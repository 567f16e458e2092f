"""What became of a theme over the runs: born, parted, joined, renamed, gone, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import Engine, explained
from miner.model import ThemeEvent
from miner.tables import events, runs

__all__ = ["Told", "chronicle", "of_theme"]

_event = TypeAdapter(ThemeEvent)


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event and the run that brought it."""

    event: ThemeEvent
    run: int
    when: datetime
    """End of that run."""


def chronicle(engine: Engine, theme: str) -> list[Told]:
    """All that happened to a theme of that id, or ended in it, oldest first."""
    return _read(engine, sa.or_(events.c.theme == theme, events.c.into == theme))


def of_theme(engine: Engine, theme: str) -> list[str]:
    """Old ids that lead to this theme, by way of others too, sorted."""
    found: set[str] = set()
    waiting = {theme}
    while waiting:
        told = _read(engine, events.c.into.in_(sorted(waiting)))
        waiting = {t.event.theme for t in told if t.event.kind == "merged"} - found - {theme}
        found |= waiting
    return sorted(found)


def _read(engine: Engine, where: sa.ColumnElement[bool]) -> list[Told]:
    query = (
        sa.select(events.c.value, events.c.run, runs.c.finished)
        .join(runs, runs.c.id == events.c.run)
        .where(where)
        .order_by(events.c.row)
    )
    with explained(engine), engine.connect() as connection:
        rows = connection.execute(query).all()
    return [Told(event=_event.validate_json(r.value), run=r.run, when=r.finished) for r in rows]
