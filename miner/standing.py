"""What a run of the miner stands on: it may not bring back what was forgotten while it ran."""

from __future__ import annotations

import sqlalchemy as sa

from crawler.database import guarded, writing
from crawler.oblivion import hold
from crawler.tables import forgotten
from miner.errors import Overtaken
from miner.knowledge import Knowledge
from miner.tables import runs

__all__ = ["upright"]


def upright(knowledge: Knowledge) -> Knowledge:
    """The same store, of which every write raises Overtaken once the ground has changed.

    That is where something was forgotten, or another run ended, since now. Check and write are
    one transaction, and whoever forgets waits for its end. Raises StoreError where nothing can be
    written at all.
    """
    # As one who writes: a run that could keep nothing is told so before its work, not after.
    with writing(knowledge.engine) as connection:
        connection.execute(runs.update().where(runs.c.id == -1).values(fingerprint=""))
        before = _ground(connection)

    def guard(connection: sa.Connection) -> None:
        hold(connection)
        now = _ground(connection)
        if now[0] != before[0]:
            raise Overtaken("something was forgotten while this run was at work", anew=True)
        if now[1] != before[1]:
            raise Overtaken("another run of the miner ended while this one was at work", anew=False)

    return Knowledge(guarded(knowledge.engine, guard))


def _ground(connection: sa.Connection) -> tuple[int, int]:
    """How much was ever forgotten, and the last run."""
    count = connection.scalar(sa.select(sa.func.count()).select_from(forgotten))
    return count or 0, connection.scalar(sa.select(sa.func.max(runs.c.id))) or 0
