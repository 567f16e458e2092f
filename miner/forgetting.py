"""Forgetting in the derived store: what was concluded from an author, a document or some posts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import sqlalchemy as sa

from crawler.database import batches, contains
from miner.coverage import covered
from miner.decisions import recounted
from miner.model import Evidence
from miner.rows import a_claim, a_theme, adapter, json_text, read, theme_row
from miner.tables import claims, evidence, questions, themes

__all__ = ["forget_claims", "forget_evidence", "forget_questions", "recount"]


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


def forget_evidence(
    connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]]
) -> tuple[int, set[str]]:
    """How many pieces of evidence went that quote the document or the parts; their themes."""
    signs = [f'"document":{json_text(key)},']
    signs += [f'"document":{json_text(url)},"part":{json_text(part)},' for url, part in parts]
    count, touched = 0, set[str]()
    for sign in signs:
        gone = contains(evidence.c.value, sign)
        touched |= set(connection.scalars(sa.select(evidence.c.theme).where(gone)))
        count += connection.execute(evidence.delete().where(gone)).rowcount
    return count, touched


def forget_questions(connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]]) -> None:
    """Takes out what the author asks, or what is asked in the document or the parts."""
    for some in batches(_concerned(questions, key, parts)):
        connection.execute(questions.delete().where(sa.or_(*some)))


def recount(connection: sa.Connection, touched: Iterable[str], own: AbstractSet[str]) -> None:
    """Counts anew what is left of some themes: people, outcomes, conditions, articles, parts.

    `own` are addresses of the user's own articles.
    """
    for key in sorted(touched):
        stored = connection.scalar(sa.select(themes.c.value).where(themes.c.id == key))
        if stored is None:
            continue
        left = sa.select(claims.c.value).where(claims.c.theme == key).order_by(claims.c.place)
        said = {one.id: one for one in (read(a_claim, row) for row in connection.scalars(left))}
        pieces = connection.scalars(sa.select(evidence.c.value).where(evidence.c.theme == key))
        quotes = [read(adapter(Evidence), row).quote for row in pieces]
        quotes += [one.quote for one in said.values() if one.voice == "article"]
        theme = replace(read(a_theme, stored), claims=tuple(said))
        articles = {quote.document for quote in quotes if quote}
        row = theme_row(covered(recounted(theme, said), articles, own))
        connection.execute(themes.update().where(themes.c.id == key).values(row))


def _concerned(
    table: sa.Table, key: str, parts: Sequence[tuple[str, str]]
) -> list[sa.ColumnElement[bool]]:
    """What the rows of an author, a document or its parts have in common."""
    columns = table.c
    where = [columns.author == key, columns.document == key]
    return where + [sa.and_(columns.document == url, columns.part == part) for url, part in parts]
