"""The steps that bring the tables of the collected store about, from the first ever made."""

from __future__ import annotations

import sqlalchemy as sa

from crawler import records
from crawler.database import Step, add_column
from crawler.tables import documents, lookups, metadata, papers, posts

__all__ = ["STEPS"]


def _create_tables(connection: sa.Connection) -> None:
    metadata.create_all(connection)


def _hash_each_post(connection: sa.Connection) -> None:
    """A post's address and digest get columns, so that a piece is added without the whole."""
    for column in (documents.c.posts_hash, documents.c.expected, posts.c.url, posts.c.hash):
        add_column(connection, column)
    records.rehash(connection)


def _add_lookups(connection: sa.Connection) -> None:
    """What literature services were asked gets its tables; a new store has them already."""
    metadata.create_all(connection, tables=[lookups, papers])


STEPS: tuple[Step, ...] = (_create_tables, _hash_each_post, _add_lookups)
