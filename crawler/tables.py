"""The tables of the collected store; `crawler.steps` brings them about."""

from __future__ import annotations

import sqlalchemy as sa

from crawler.database import UtcTime

__all__ = [
    "documents",
    "failures",
    "forgotten",
    "lookups",
    "metadata",
    "papers",
    "posts",
    "stamps",
    "visits",
]

metadata = sa.MetaData()

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False, index=True),
    sa.Column("site", sa.String, nullable=False, index=True),
    sa.Column("engine", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("fetched", UtcTime, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("posts_hash", sa.String, nullable=False, server_default=""),
    sa.Column("expected", sa.BigInteger),
)
"""`body` is the document as JSON, a thread without its posts; `posts_hash` sums theirs up."""

posts = sa.Table(
    "posts",
    metadata,
    sa.Column("document", sa.ForeignKey("documents.url", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("author", sa.String, index=True),
    sa.Column("written", UtcTime),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("url", sa.String, index=True),
    sa.Column("hash", sa.String, nullable=False, server_default=""),
)
"""`body` is the post as JSON; the other columns are for finding it and seeing it change."""

failures = sa.Table(
    "failures",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("seen", UtcTime, nullable=False),
)

stamps = sa.Table(
    "stamps",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("stamp", sa.String, nullable=False),
)

visits = sa.Table(
    "visits",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("started", UtcTime, nullable=False),
    sa.Column("finished", UtcTime, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
)

forgotten = sa.Table("forgotten", metadata, sa.Column("key", sa.String, primary_key=True))
"""Digests only, so that the list of what was forgotten tells nobody what it was."""

lookups = sa.Table(
    "lookups",
    metadata,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("condition", sa.String, primary_key=True),
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("rung", sa.String, primary_key=True),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("made", UtcTime, nullable=False),
    sa.Column("hits", sa.BigInteger),
    sa.Column("found", sa.Text, nullable=False),
    sa.Column("failure", sa.Text, nullable=False),
)
"""What literature services were asked; `found` is the addresses of the studies as a JSON list."""

papers = sa.Table(
    "papers",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("url", sa.String, nullable=False, index=True),
)
"""By which names (DOI, PMID, title and year) a stored study is known."""
