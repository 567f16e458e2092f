"""What people decided, when and why; kept for good, also what was taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import explained
from miner.model import Decision
from miner.tables import decisions

__all__ = ["Kept", "Ledger"]

_decision = TypeAdapter(Decision)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A decision as it stands in the history."""

    decision: Decision
    undone: bool


class Ledger:
    """The decisions of a project. Its tables are those of `miner.knowledge`."""

    def __init__(self, engine: sa.Engine) -> None:
        """On a database whose tables are there."""
        self.engine = engine

    def decide(self, decision: Decision) -> int:
        """Id of the decision, now kept."""
        with explained(self.engine), self.engine.begin() as connection:
            return _write(connection, decision)

    def undo(self, number: int, by: Decision | None = None) -> None:
        """Takes a decision back; it stays in the history, and so does `by`, which says who did.

        Taking back what took another back puts that one in force again.
        """
        with explained(self.engine), self.engine.begin() as connection:
            undone, at = True, number
            while True:
                chosen = decisions.c.id == at
                connection.execute(decisions.update().where(chosen).values(undone=undone))
                row = connection.execute(sa.select(decisions).where(chosen)).one_or_none()
                if row is None or row.action != "undo":
                    break
                undone, at = not undone, int(row.target)
            if by is not None:
                _write(connection, replace(by, action="undo", target=str(number)))

    def history(self) -> list[Kept]:
        """All decisions ever made, oldest first, those taken back too."""
        with explained(self.engine), self.engine.connect() as connection:
            rows: Sequence[Any] = connection.execute(
                sa.select(decisions).order_by(decisions.c.id)
            ).all()
        return [
            Kept(decision=replace(_decision.validate_json(row.value), id=row.id), undone=row.undone)
            for row in rows
        ]


def _write(connection: sa.Connection, decision: Decision) -> int:
    value = _decision.dump_json(replace(decision, id=None)).decode()
    row = {"action": decision.action, "target": decision.target, "value": value}
    key = connection.execute(decisions.insert().values(**row, undone=False)).inserted_primary_key
    return int(key[0]) if key else 0
