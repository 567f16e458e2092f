"""The tables of the derived store, and the steps that bring them about."""

from __future__ import annotations

import sqlalchemy as sa

from crawler.database import Step, UtcTime, add_column

__all__ = [
    "STEPS",
    "answers",
    "claims",
    "contradictions",
    "decisions",
    "drafts",
    "events",
    "evidence",
    "extractions",
    "gaps",
    "grades",
    "proposals",
    "questions",
    "readings",
    "runs",
    "themes",
    "vectors",
]

metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("started", UtcTime, nullable=False),
    sa.Column("finished", UtcTime, nullable=False),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("settings_hash", sa.String, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("theme", sa.String, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("voice", sa.String, nullable=False),
    sa.Column("document", sa.String, nullable=False, index=True),
    sa.Column("part", sa.String, nullable=False),
    sa.Column("author", sa.String, index=True),
    sa.Column("condition", sa.String),
    sa.Column("written", UtcTime),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("stance", sa.String),
    sa.Column("words", sa.String),
    sa.Column("at", sa.Integer),
    sa.Column("value", sa.Text, nullable=False),
)
"""`place` is the rank within the theme, most typical first; `at` where the phrase begins."""

themes = sa.Table(
    "themes",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("authors", sa.Integer, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)


def _of_theme(name: str) -> sa.Table:
    """A table of values that belong to a theme, in the order they were concluded."""
    return sa.Table(
        name,
        metadata,
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, index=True),
        sa.Column("theme", sa.String, nullable=False, index=True),
        sa.Column("value", sa.Text, nullable=False),
    )


evidence = _of_theme("evidence")
grades = _of_theme("grades")
gaps = _of_theme("gaps")
contradictions = _of_theme("contradictions")

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, index=True),
    sa.Column("document", sa.String, nullable=False, index=True),
    sa.Column("part", sa.String, nullable=False),
    sa.Column("author", sa.String, index=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What members ask, in the order in which inquiries are shown."""

events = sa.Table(
    "theme_events",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("run", sa.Integer, nullable=False, index=True),
    sa.Column("theme", sa.String, nullable=False, index=True),
    sa.Column("into", sa.String),
    sa.Column("value", sa.Text, nullable=False),
)
"""Kept over runs: it is how old ids redirect."""

readings = sa.Table(
    "readings",
    metadata,
    sa.Column("document", sa.String, primary_key=True),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
"""Cache: what studies say and what is asked in threads; `key` as of `extractions`."""

extractions = sa.Table(
    "extractions",
    metadata,
    sa.Column("document", sa.String, primary_key=True),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
"""Cache: claims by document; `key` names the content and the extractor they came from."""

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("document", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Cache: what a chat model said of a document's posts; `key` names texts, model and task."""

vectors = sa.Table(
    "vectors",
    metadata,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("text", sa.String, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
"""Cache: float32 vectors by model and digest of the text."""

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Cache: what was told of a theme, by a digest of all it was made of."""

proposals = sa.Table(
    "proposals",
    metadata,
    sa.Column("theme", sa.String, primary_key=True),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
"""Names a chat model proposed; `key` is a digest of all it was asked."""

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False, index=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("undone", sa.Boolean, nullable=False, default=False),
)


def _create_tables(connection: sa.Connection) -> None:
    metadata.create_all(connection)


def _forget_texts(connection: sa.Connection) -> None:
    """Vectors were kept by the text itself; the next run makes those it needs anew."""
    connection.execute(vectors.delete())


def _ask_how_sure(connection: sa.Connection) -> None:
    """Claims can be asked for by confidence; those stored before have none until the next run."""
    add_column(connection, claims.c.confidence)


def _count_without_reading(connection: sa.Connection) -> None:
    """Claims can be counted by columns; those stored before are read until the next run."""
    for column in (claims.c.stance, claims.c.words, claims.c.at):
        add_column(connection, column)


STEPS: tuple[Step, ...] = (
    _create_tables,
    _forget_texts,
    _create_tables,
    _ask_how_sure,
    _count_without_reading,
    _create_tables,
    _create_tables,
    _create_tables,
    _create_tables,
)
