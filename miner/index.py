"""The search index: passages, their words and their vectors, derived and replaced as a whole.

Words are ranked by the database (`miner.worded`). Vectors are kept in blocks of half precision and
compared in memory, or by PostgreSQL where it can (`miner.nearby`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from crawler.database import Step, batches, explained, migrate, reading, writing
from miner import nearby, worded
from miner.passages import TYPES, Passage, Type, vocabulary
from miner.search import LIKE, PHRASES, Facet, Near, Shelf, Term
from miner.tables import claims

__all__ = ["DERIVED", "STEPS", "Index", "Mark", "Shown", "derive", "forget", "made"]

BLOCK = 4_096
"""Vectors of a row."""
MANY = 5_000
"""Rows written at a time."""

metadata = sa.MetaData()

_passages = sa.Table(
    "search_passages",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("site", sa.String),
    sa.Column("document", sa.String, nullable=False, index=True),
    sa.Column("part", sa.String, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("author", sa.String, index=True),
    sa.Column("text", sa.Text, nullable=False),
)

_entries = sa.Table(
    "search_entries",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("passage", sa.Integer, nullable=False, index=True),
    sa.Column("ref", sa.String, nullable=False),
    sa.Column("theme", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("condition", sa.String),
    sa.Column("outcome", sa.String),
    sa.Column("vector", sa.Integer, nullable=False),
)

_vectors = sa.Table(
    "search_vectors",
    metadata,
    sa.Column("block", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
"""float16, `BLOCK` rows each."""

_vocabulary = sa.Table(
    "search_vocabulary",
    metadata,
    sa.Column("word", sa.String, primary_key=True),
    sa.Column("passages", sa.Integer, nullable=False),
)

_mark = sa.Table(
    "search_mark",
    metadata,
    sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("dimensions", sa.Integer, nullable=False),
    sa.Column("forgotten", sa.Integer, nullable=False),
)

_TABLES = (_passages, _entries, _vectors, _vocabulary, _mark)

_COLUMNS: tuple[tuple[Facet, sa.Column[Any]], ...] = (
    ("type", _passages.c.type),
    ("site", _passages.c.site),
    ("kind", _entries.c.kind),
    ("condition", _entries.c.condition),
    ("outcome", _entries.c.outcome),
)


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    worded.create(connection)


STEPS: tuple[Step, ...] = (_create, worded.plainly)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Which index it is: equal marks, equal index."""

    run: int
    """The run it was made by."""
    model: str
    """Name its encoder is loaded by."""
    forgotten: int
    """How often something was forgotten since."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A passage as it is shown."""

    row: int
    type: Type
    text: str
    document: str
    part: str
    entries: tuple[tuple[str, str], ...]
    """Ids of claim, evidence or theme, each with its theme's."""


class Index:
    """The search index of a project's knowledge."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the index and brings its tables up to date; raises StoreError."""
        self.engine = engine
        migrate(engine, "search", STEPS)

    def mark(self) -> Mark | None:
        """Which index there is; None before the first."""
        query = sa.select(_mark.c.run, _mark.c.model, _mark.c.forgotten)
        marks = [Mark(run=r.run, model=r.model, forgotten=r.forgotten) for r in self._rows(query)]
        return marks[0] if marks else None

    def replace(
        self,
        run: int,
        model: str,
        found: Sequence[Passage],
        texts: Sequence[str],
        blocks: Sequence[NDArray[np.float16]],
        show: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        """Puts the passages in the place of the former ones, all at once; see `made`."""
        write = made(model, found, texts, blocks, show)
        with writing(self.engine) as connection:
            write(connection, run)

    def shelf(self, *, vectors: bool = True) -> Shelf:
        """The index in memory, without its texts, and without vectors where they are not wanted."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                sa.select(_passages.c.row, _passages.c.type, _passages.c.site).order_by("row")
            ).all()
            entries = connection.execute(
                sa.select(
                    _entries.c.passage,
                    _entries.c.kind,
                    _entries.c.condition,
                    _entries.c.outcome,
                    _entries.c.vector,
                ).order_by(_entries.c.passage, _entries.c.row)
            ).all()
            words = {
                row.word: row.passages
                for row in connection.execute(sa.select(_vocabulary).order_by("word"))
            }
            held = _read_vectors(connection) if vectors else np.zeros((0, 0), np.float32)
        known = np.array([row.row for row in rows], np.int64)
        columns, names = {}, {}
        for facet, column in _COLUMNS:
            some = rows if column.table is _passages else entries
            columns[facet], names[facet] = _coded([getattr(row, column.name) for row in some])
        passage = np.array([entry.passage for entry in entries], np.int64)
        return Shelf(
            rows=known,
            owner=np.searchsorted(known, passage),
            columns=columns,
            names=names,
            vector=np.array([entry.vector for entry in entries], np.int32),
            vectors=held,
            words=words,
            spellings=sorted(words),
        )

    def wordings(self) -> list[tuple[str, int, int, str]]:
        """Theme, row of its vector, claims and one claim's id, of each wording of each theme."""
        columns = (_entries.c.theme, _entries.c.vector)
        claims, one = sa.func.count(), sa.func.min(_entries.c.ref)
        query = sa.select(*columns, claims.label("claims"), one.label("ref"))
        query = query.where(_entries.c.ref != _entries.c.theme).group_by(*columns)
        with explained(self.engine), self.engine.connect() as connection:
            found = connection.execute(query.order_by(*columns)).all()
        return [(row.theme, row.vector, row.claims, row.ref) for row in found]

    def ranked(self, question: Sequence[Term], every: bool, best: bool, most: int) -> list[int]:
        """Rows of passages with all, or any, of the terms, so many at most.

        The best come first, or, which is faster, the first in the index.
        """
        with explained(self.engine), self.engine.connect() as connection:
            return worded.ranked(connection, question, every, best, most)

    def near(self) -> Near | None:
        """What compares vectors in the database; None where that is done in memory.

        Rows that are nobody's any more are left to the caller.
        """
        with explained(self.engine), self.engine.connect() as connection:
            if not nearby.stands(connection):
                return None

        def nearest(vector: NDArray[np.float32]) -> NDArray[np.int64]:
            with explained(self.engine), self.engine.connect() as connection:
                return nearby.nearest(connection, vector, LIKE, PHRASES)

        return nearest

    def shown(self, rows: Sequence[int]) -> list[Shown]:
        """Passages by row, in that order; a forgotten one is left out."""
        found: dict[int, Any] = {}
        refs: dict[int, list[tuple[str, str]]] = {}
        for some in batches(rows):
            for row in self._rows(sa.select(_passages).where(_passages.c.row.in_(some))):
                found[row.row] = row
            query = sa.select(_entries.c.passage, _entries.c.ref, _entries.c.theme)
            for row in self._rows(
                query.where(_entries.c.passage.in_(some)).order_by(_entries.c.row)
            ):
                refs.setdefault(row.passage, []).append((row.ref, row.theme))
        return [_shown(found[row], refs.get(row, [])) for row in rows if row in found]

    def unsound(self) -> list[str]:
        """What in the index does not fit together; nothing where all of it does."""
        lost = sa.select(sa.func.count()).where(
            _entries.c.passage.not_in(sa.select(_passages.c.row))
        )
        claimed = sa.select(sa.func.count()).where(
            _passages.c.type == "quote",
            _entries.c.ref.not_in(sa.select(claims.c.id)),
        )
        claimed = claimed.select_from(
            _entries.join(_passages, _entries.c.passage == _passages.c.row)
        )
        with explained(self.engine), self.engine.connect() as connection:
            width = connection.scalar(sa.select(_mark.c.dimensions)) or 0
            held = connection.scalar(sa.select(sa.func.sum(sa.func.length(_vectors.c.value)))) or 0
            last = connection.scalar(sa.select(sa.func.max(_entries.c.vector))) or 0
            found = [
                (connection.scalar(lost), "entries belong to no passage"),
                (connection.scalar(claimed), "entries are of claims that are not there"),
                (int(width > 0 and held < 2 * width * (last + 1)), "block of vectors is cut short"),
            ]
        wrong = [f"{count:,} {what}" for count, what in found if count]
        return wrong + self._astray()

    def _astray(self) -> list[str]:
        """What in the words and the vectors of the database is not as in the index."""
        with explained(self.engine), self.engine.connect() as connection:
            words, vectors = worded.fit(connection), nearby.fit(connection)
        found = {
            "its words are not those of its passages": words,
            "vectors to compare are missing": vectors,
        }
        return [what for what, fits in found.items() if not fits]

    def _rows(self, query: sa.Select[Any]) -> Sequence[Any]:
        with explained(self.engine), self.engine.connect() as connection:
            return connection.execute(query).all()


def made(
    model: str,
    found: Sequence[Passage],
    texts: Sequence[str],
    blocks: Sequence[NDArray[np.float16]],
    show: Callable[[int, int], None] = lambda _done, _total: None,
) -> Callable[[sa.Connection, int], None]:
    """What puts an index in the place of the former one, within a transaction and for a run.

    `texts` are the distinct meanings of the passages' entries in the order of the vectors, of
    which `blocks` hold `BLOCK` each, the last one the rest. All that takes long is done before.
    """
    vector_of = {text: row for row, text in enumerate(texts)}
    words = vocabulary(one.text for one in found)

    def write(connection: sa.Connection, run: int) -> None:
        for table in _TABLES:
            connection.execute(table.delete())
        for start in range(0, len(found), MANY):
            show(start, len(found))
            some = list(enumerate(found[start : start + MANY], start=start + 1))
            worded.add(connection, _passages, [_passage_row(r, one) for r, one in some])
        rows = _entry_rows(found, vector_of)
        while some_rows := list(islice(rows, MANY)):
            connection.execute(_entries.insert(), some_rows)
        for number, block in enumerate(blocks):
            value = np.asarray(block, np.float16).tobytes()
            connection.execute(_vectors.insert().values(block=number, value=value))
        nearby.keep(connection, blocks)
        for some_words in batches(sorted(words.items())):
            named = [{"word": word, "passages": n} for word, n in some_words]
            connection.execute(_vocabulary.insert(), named)
        width = blocks[0].shape[1] if blocks else 0
        connection.execute(
            _mark.insert().values(run=run, model=model, dimensions=width, forgotten=0)
        )
        worded.reword(connection)
        show(len(found), len(found))

    return write


DERIVED = (*worded.TABLES, nearby.TABLE)
"""Tables that `derive` makes of the others."""


def derive(connection: sa.Connection) -> None:
    """Makes what the database itself keeps of the passages' words and of the vectors."""
    worded.refill(connection)
    width = connection.scalar(sa.select(_mark.c.dimensions)) or 0
    blocks = connection.scalars(sa.select(_vectors.c.value).order_by(_vectors.c.block)).all()
    nearby.keep(
        connection, [np.frombuffer(v, np.float16).reshape(-1, width) for v in blocks if width]
    )


def forget(
    connection: sa.Connection,
    key: str,
    parts: Sequence[tuple[str, str]] = (),
    themes: Collection[str] = (),
) -> int:
    """How many passages went with an author, a document or `parts`: words and vectors too.

    So do the passages that are the names of those themes.
    """
    named = sa.select(_entries.c.passage).where(_entries.c.ref == _entries.c.theme)
    where: list[sa.ColumnElement[bool]] = [
        _passages.c.row.in_(named.where(_entries.c.theme == theme)) for theme in themes
    ]
    where += [_passages.c.author == key, _passages.c.document == key]
    where += [sa.and_(_passages.c.document == url, _passages.c.part == part) for url, part in parts]
    gone: dict[int, str] = {}
    for some in batches(where):
        query = sa.select(_passages.c.row, _passages.c.text).where(sa.or_(*some))
        gone |= {row.row: row.text for row in connection.execute(query)}
    if not gone:
        return 0
    used = _used(connection, sorted(gone))
    for rows in batches(sorted(gone)):
        connection.execute(_entries.delete().where(_entries.c.passage.in_(rows)))
        connection.execute(_passages.delete().where(_passages.c.row.in_(rows)))
    _blank(connection, used - _used(connection, sorted(used), by_vector=True))
    _unlearn(connection, gone.values())
    connection.execute(_mark.update().values(forgotten=_mark.c.forgotten + 1))
    worded.reword(connection)
    return len(gone)


def _used(connection: sa.Connection, keys: Sequence[int], by_vector: bool = False) -> set[int]:
    """Vectors that entries of these passages have; or which of these vectors any entry has."""
    column = _entries.c.vector if by_vector else _entries.c.passage
    found: set[int] = set()
    for some in batches(keys):
        query = sa.select(_entries.c.vector).where(column.in_(some)).distinct()
        found |= set(connection.scalars(query))
    return found


def _blank(connection: sa.Connection, rows: Iterable[int]) -> None:
    """Makes vectors nobody has any more all zeros."""
    rows = sorted(rows)
    nearby.blank(connection, rows)
    by_block: dict[int, list[int]] = {}
    for row in rows:
        by_block.setdefault(row // BLOCK, []).append(row % BLOCK)
    width = connection.scalar(sa.select(_mark.c.dimensions)) or 0
    for number, places in by_block.items():
        here = _vectors.c.block == number
        value = connection.scalar(sa.select(_vectors.c.value).where(here))
        if value is not None and width:
            block = np.frombuffer(value, np.float16).reshape(-1, width).copy()
            block[places] = 0
            connection.execute(_vectors.update().where(here).values(value=block.tobytes()))


def _unlearn(connection: sa.Connection, texts: Iterable[str]) -> None:
    """Takes the words of texts that are gone out of the vocabulary."""
    column = _vocabulary.c.passages
    for word, n in sorted(vocabulary(texts).items()):
        here = _vocabulary.c.word == word
        connection.execute(_vocabulary.update().where(here).values(passages=column - n))
    connection.execute(_vocabulary.delete().where(column <= 0))


def _passage_row(row: int, one: Passage) -> dict[str, Any]:
    return {
        "row": row,
        "type": one.type,
        "site": one.site,
        "document": one.document,
        "part": one.part,
        "start": one.start,
        "author": one.author,
        "text": one.text,
    }


def _entry_rows(found: Sequence[Passage], vector_of: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The rows of all entries, each made as it is taken."""
    owned = ((row, entry) for row, one in enumerate(found, start=1) for entry in one.entries)
    for number, (row, entry) in enumerate(owned, start=1):
        yield {
            "row": number,
            "passage": row,
            "ref": entry.ref,
            "theme": entry.theme,
            "kind": entry.kind,
            "condition": entry.condition,
            "outcome": entry.outcome,
            "vector": vector_of.get(entry.meaning, -1),
        }


def _read_vectors(connection: sa.Connection) -> NDArray[np.float32]:
    """All vectors, in single precision: with half of it a question would take seven times."""
    width = connection.scalar(sa.select(_mark.c.dimensions)) or 0
    blocks = connection.scalars(sa.select(_vectors.c.value).order_by(_vectors.c.block))
    parts = [np.frombuffer(value, np.float16).astype(np.float32) for value in blocks]
    whole = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    return whole.reshape(-1, width) if width else np.zeros((0, 0), np.float32)


def _coded(values: Sequence[str | None]) -> tuple[NDArray[np.int32], list[str]]:
    """The values as numbers of names; -1 where there is none."""
    present = {value for value in values if value is not None}
    names = [t for t in TYPES if t in present] + sorted(present - set(TYPES))
    number = {name: code for code, name in enumerate(names)}
    codes = np.array([-1 if v is None else number[v] for v in values], np.int32)
    return codes, names


def _shown(row: Any, refs: Sequence[tuple[str, str]]) -> Shown:
    return Shown(
        row=row.row,
        type=row.type,
        text=row.text,
        document=row.document,
        part=row.part,
        entries=tuple(refs),
    )
