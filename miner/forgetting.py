"""Forgetting in the derived store: what was concluded from an author, a document or some posts."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from crawler.database import batches, contains
from miner.rows import json_text
from miner.tables import claims, evidence, questions

__all__ = ["forget_claims", "forget_evidence", "forget_questions"]


def forget_claims(
    connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]]
) -> tuple[int, set[str]]:
    """How many claims went, and the documents they were made in."""
    count, touched = 0, set[str]()
    for some in batches(_concerned(claims, key, parts)):
        gone = sa.or_(*some)
        touched |= set(connection.scalars(sa.select(claims.c.document).where(gone)))
        count += connection.execute(claims.delete().where(gone)).rowcount
    return count, touched


def forget_evidence(connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]]) -> int:
    """How many pieces of evidence went whose quote stands in the document or the parts."""
    signs = [f'"document":{json_text(key)},']
    signs += [f'"document":{json_text(url)},"part":{json_text(part)},' for url, part in parts]
    return sum(
        connection.execute(evidence.delete().where(contains(evidence.c.value, sign))).rowcount
        for sign in signs
    )


def forget_questions(connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]]) -> None:
    """Takes out what the author asks, or what is asked in the document or the parts."""
    for some in batches(_concerned(questions, key, parts)):
        connection.execute(questions.delete().where(sa.or_(*some)))


def _concerned(
    table: sa.Table, key: str, parts: Sequence[tuple[str, str]]
) -> list[sa.ColumnElement[bool]]:
    """What the rows of an author, a document or its parts have in common."""
    columns = table.c
    where = [columns.author == key, columns.document == key]
    return where + [sa.and_(columns.document == url, columns.part == part) for url, part in parts]
