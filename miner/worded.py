"""The words of the passages in the database, and what ranks passages by them.

SQLite has an index of words (FTS5), PostgreSQL a vector of lexemes beside each passage. Both take
English stems, and letters without their accents, and rank by bm25, which is FTS5's own and written
out for PostgreSQL: its own ranks do not know which words are rare.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from miner.passages import spelled
from miner.search import Term

__all__ = ["TABLES", "add", "create", "fit", "plainly", "ranked", "refill", "reword"]

TABLES = tuple(f"search_words{part}" for part in ("", "_data", "_idx", "_docsize", "_config"))
"""What SQLite keeps its index of words in."""


_MATCH = "SELECT rowid FROM search_words WHERE search_words MATCH :asked ORDER BY "
_FTS5 = {best: sa.text(_MATCH + f"{'rank' if best else 'rowid'} LIMIT :most") for best in (0, 1)}
_FIRST = sa.text(
    "SELECT \"row\" FROM search_passages WHERE lexemes @@ to_tsquery('english', :asked) "
    'ORDER BY "row" LIMIT :most'
)
_USED = sa.text("SELECT word, passages FROM search_vocabulary WHERE word = ANY(:words)")
_LAST = sa.text('SELECT coalesce(max("row"), 0) FROM search_passages')
USUAL = 12
"""Lexemes of a usual passage: what has more must say a word more often to be as near."""
ONCE = 0.0607927
"""What `ts_rank` gives for a word that is said once; each further time adds less."""


def create(connection: sa.Connection) -> None:
    """Makes what words are looked for in, beside the table of passages."""
    if connection.dialect.name == "postgresql":
        plainly(connection)
        return
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE search_words USING fts5(text, content='search_passages', "
        "content_rowid='row', tokenize='porter unicode61 remove_diacritics 2')"
    )


def plainly(connection: sa.Connection) -> None:
    """Lexemes of words told apart as everywhere here, not as PostgreSQL does: `ice/heat` is two.

    The first tables had lexemes that PostgreSQL made of the text itself.
    """
    if connection.dialect.name != "postgresql":
        return
    for statement in (
        "ALTER TABLE search_passages DROP COLUMN IF EXISTS lexemes",
        "ALTER TABLE search_passages ADD COLUMN lexemes tsvector",
        "CREATE INDEX search_lexemes ON search_passages USING gin (lexemes)",
    ):
        connection.exec_driver_sql(statement)
    refill(connection)


def refill(connection: sa.Connection) -> None:
    """Makes the words of all passages anew."""
    if connection.dialect.name != "postgresql":
        reword(connection)
        return
    rows = connection.execute(sa.text('SELECT "row", text FROM search_passages')).all()
    change = sa.text(
        "UPDATE search_passages SET lexemes = to_tsvector('english', :words) WHERE \"row\" = :row"
    )
    if rows:
        connection.execute(change, [{"row": row.row, "words": _plain(row.text)} for row in rows])


def add(connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Inserts passages with their words."""
    if connection.dialect.name != "postgresql":
        connection.execute(table.insert(), list(rows))
        return
    words = sa.func.to_tsvector("english", sa.bindparam("words"))
    both = sa.table(table.name, *(sa.column(c.name) for c in table.c), sa.column("lexemes"))
    values: dict[str, Any] = {column.name: sa.bindparam(column.name) for column in table.c}
    connection.execute(
        sa.insert(both).values(values | {"lexemes": words}),
        [{**row, "words": _plain(row["text"])} for row in rows],
    )


def ranked(
    connection: sa.Connection, question: Sequence[Term], every: bool, best: bool, most: int
) -> list[int]:
    """Rows of passages with all, or any, of the terms, so many at most.

    The best come first, or, which is faster, the first in the index.
    """
    if not question:
        return []
    if connection.dialect.name != "postgresql":
        bound = _FTS5[best].bindparams(asked=_asked(question, every, server=False), most=most)
    elif best:
        bound = _by_rareness(connection, question, every, most)
    else:
        bound = _FIRST.bindparams(asked=_asked(question, every, server=True), most=most)
    return list(connection.scalars(bound))


def _by_rareness(
    connection: sa.Connection, question: Sequence[Term], every: bool, most: int
) -> sa.TextClause:
    """The passages with the terms; those that say the rarer ones, and little else, first: bm25."""
    asked_for = sorted({word for term in question for word in term.words})
    known = {row.word: row.passages for row in connection.execute(_USED, {"words": asked_for})}
    total = connection.scalar(_LAST) or 0  # rows are counted from 1; to count them takes long
    long = f"{1.2 * 0.25} + {1.2 * 0.75 / USUAL} * length(lexemes)"
    bound: dict[str, Any] = {"asked": _asked(question, every, server=True), "most": most}
    scores, said = [], []
    for number, term in enumerate(question):
        heard = min(total, sum(known.get(word, 0) for word in term.words))
        weight = math.log(1 + (total - heard + 0.5) / (heard + 0.5))
        bound[f"t{number}"] = _asked([term], True, server=True)
        often = f"ts_rank(lexemes, to_tsquery('english', :t{number})) * {len(term.words) / ONCE}"
        said.append(f"{often} AS s{number}")
        scores.append(f"{weight} * s{number} / (s{number} + long)")
    query = (
        f'SELECT "row" FROM (SELECT "row", {long} AS long, {", ".join(said)} '  # noqa: S608
        "FROM search_passages WHERE lexemes @@ to_tsquery('english', :asked)) AS found "
        f'ORDER BY {" + ".join(scores)} DESC, "row" LIMIT :most'
    )
    return sa.text(query).bindparams(**bound)


def reword(connection: sa.Connection) -> None:
    """Makes SQLite's index of words anew: nothing of what is gone stays in it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO search_words(search_words) VALUES('rebuild')")


def fit(connection: sa.Connection) -> bool:
    """Whether the words are those of the passages."""
    if connection.dialect.name == "postgresql":
        bare = "SELECT count(*) FROM search_passages WHERE lexemes IS NULL"
        return not connection.scalar(sa.text(bare))
    check = "INSERT INTO search_words(search_words, rank) VALUES('integrity-check', 1)"
    try:
        connection.exec_driver_sql(check)
    except sa.exc.DatabaseError as error:
        return "malformed" not in str(error.orig)
    return True


def _plain(text: str) -> str:
    """The words of a text, without accents, parted by blanks."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join(spelled(bare))


def _asked(question: Sequence[Term], every: bool, *, server: bool) -> str:
    """The question as PostgreSQL or FTS5 reads it; words have no signs, and are quoted besides."""
    signs = (" | ", " & ", "'", ":*") if server else (" OR ", " AND ", '"', "*")
    either, both, quote, begins = signs
    groups = [
        either.join(
            f"{quote}{_plain(word) if server else word}{quote}"
            f"{begins if term.prefix and place == 0 else ''}"
            for place, word in enumerate(term.words)
        )
        for term in question
    ]
    return (both if every else either).join(f"({group})" for group in groups)
