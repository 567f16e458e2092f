"""What each run concluded, in a few numbers a theme and in no one's words, for digests.

Conclusions are replaced by every run; what changed between two of them is told from these.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from crawler.database import Step, UtcTime, explained, migrate, writing
from miner.inquiries import inquiries
from miner.model import Mined

__all__ = ["STEPS", "Snapshot", "Snapshots", "State", "left", "states", "write"]

KEPT = 100
"""Runs of which snapshots are kept; the one the last digest told stays beside them."""

metadata = sa.MetaData()

_snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("finished", UtcTime, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
"""`told`: a digest up to this run was made."""


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)


STEPS: tuple[Step, ...] = (_create,)


@dataclass(frozen=True, kw_only=True)
class State:
    """What one run concluded of one theme."""

    authors: int
    level: int | None
    status: str
    gap: str
    """Its type; empty for none."""
    disputes: tuple[str, ...]
    """Types of its contradictions."""
    unanswered: bool
    """Two people ask at least, and nobody who tried it says what came of it."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What one run concluded."""

    run: int
    finished: datetime
    states: Mapping[str, State]
    """By theme."""
    left: Mapping[str, int] = field(default_factory=dict)
    """By inquiry of two people at least: how many of these nobody wrote back to."""


def states(mined: Mined) -> dict[str, State]:
    """The state of each theme."""
    grades = {grade.theme: grade for grade in reversed(mined.grades) if grade.condition is None}
    gaps = {gap.theme: gap.type for gap in reversed(mined.gaps)}
    disputes: dict[str, set[str]] = defaultdict(set)
    for dispute in mined.contradictions:
        disputes[dispute.theme].add(dispute.type)
    return {
        theme.id: State(
            authors=theme.tally.authors,
            level=grades[theme.id].level if theme.id in grades else None,
            status=grades[theme.id].status if theme.id in grades else "not_searched",
            gap=gaps.get(theme.id, ""),
            disputes=tuple(sorted(disputes[theme.id])),
            unanswered=theme.tally.asked >= 2 and not theme.tally.reported,
        )
        for theme in mined.themes
    }


def left(mined: Mined) -> dict[str, int]:
    """By inquiry of two people at least: how many of these nobody wrote back to."""
    return {one.id: one.open for one in inquiries(mined.questions) if one.askers >= 2}


def write(connection: sa.Connection, run: int, finished: datetime, mined: Mined) -> None:
    """Keeps the state of a run beside its conclusions, and lets the oldest ones go."""
    themes = {key: list(state.__dict__.values()) for key, state in states(mined).items()}
    value = {"themes": themes, "questions": left(mined)}
    row = {"run": run, "finished": finished, "told": False, "value": json.dumps(value)}
    connection.execute(_snapshots.insert().values(**row))
    last = sa.select(sa.func.max(_snapshots.c.run)).where(_snapshots.c.told).scalar_subquery()
    old = _snapshots.c.run <= run - KEPT
    connection.execute(
        _snapshots.delete().where(old, _snapshots.c.run != sa.func.coalesce(last, 0))
    )


class Snapshots:
    """The states of the runs, and up to which of them a digest has told."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the store and brings its table up to date; raises StoreError."""
        self.engine = engine
        migrate(engine, "snapshots", STEPS)

    def every(self) -> list[Snapshot]:
        """Oldest first."""
        with explained(self.engine), self.engine.connect() as connection:
            rows = connection.execute(sa.select(_snapshots).order_by(_snapshots.c.run)).all()
        return [_snapshot(row) for row in rows]

    def told(self) -> int:
        """The run up to which digests have told; 0 before the first."""
        query = sa.select(sa.func.max(_snapshots.c.run)).where(_snapshots.c.told)
        with explained(self.engine), self.engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def keep(self, run: int, finished: datetime, mined: Mined) -> None:
        """Keeps the state of a run that was made before there were snapshots."""
        with writing(self.engine) as connection:
            write(connection, run, finished, mined)

    def tell(self, run: int) -> None:
        """Remembers that a digest has told all up to that run."""
        with writing(self.engine) as connection:
            connection.execute(_snapshots.update().where(_snapshots.c.run == run).values(told=True))


def _snapshot(row: sa.Row[tuple[object, ...]]) -> Snapshot:
    value = json.loads(row.value)
    # Before questions were kept, the themes stood alone.
    themes = value.get("themes", value)
    return Snapshot(
        run=row.run,
        finished=row.finished,
        states={key: _state(fields) for key, fields in themes.items()},
        left=value.get("questions", {}),
    )


def _state(fields: Sequence[object]) -> State:
    authors, level, status, gap, disputes, unanswered = fields
    assert isinstance(authors, int)
    assert isinstance(disputes, list)
    return State(
        authors=authors,
        level=level if isinstance(level, int) else None,
        status=str(status),
        gap=str(gap),
        disputes=tuple(disputes),
        unanswered=bool(unanswered),
    )
