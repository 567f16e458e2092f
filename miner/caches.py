"""What is kept so that the next run is cheap: dropped at any time, and made anew where damaged."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from crawler.database import BATCH, Engine, batches, explained, writing
from miner.rows import insert_new, sound_vectors, text_key
from miner.tables import answers, drafts, extractions, readings, vectors

__all__ = ["damaged_vectors", "keep", "known", "prune", "signed", "unreadable", "unsigned"]

Value = TypeVar("Value")

_SIGNED = re.compile(r"([0-9a-f]{8}):")
_TEXTS = {
    "claims read in documents": extractions,
    "answers of a chat model": answers,
    "what was read in studies and asked in threads": readings,
    "what was told of themes and articles": drafts,
}
"""The caches of texts, in a person's words."""


def signed(value: str) -> str:
    """The text with its checksum before it: SQLite itself does not see a bit that fell over."""
    return f"{zlib.crc32(value.encode()):08x}:{value}"


def unsigned(value: str) -> str | None:
    """The text as it was kept; None where it is not that text any more.

    One kept before there were checksums is taken as it is.
    """
    found = _SIGNED.match(value)
    if found is None:
        return value
    text = value[found.end() :]
    return text if zlib.crc32(text.encode()) == int(found[1], 16) else None


def known(
    engine: Engine, table: sa.Table, form: TypeAdapter[Value], keys: Mapping[str, str]
) -> dict[str, Value]:
    """What a table keeps of documents under these keys, by address; damaged values are not."""
    found: dict[str, Value] = {}
    with explained(engine), engine.connect() as connection:
        for some in batches(list(keys)):
            for row in connection.execute(sa.select(table).where(table.c.document.in_(some))):
                if row.key == keys[row.document] and (text := unsigned(row.value)):
                    with suppress(ValidationError):
                        found[row.document] = form.validate_json(text)
    return found


def keep(
    engine: Engine,
    table: sa.Table,
    form: TypeAdapter[Value],
    keys: Mapping[str, str],
    found: Mapping[str, Value],
) -> None:
    """Keeps at once what was read in documents, in the place of what was known of them."""
    rows = [
        {"document": url, "key": keys[url], "value": signed(form.dump_json(value).decode())}
        for url, value in found.items()
    ]
    with writing(engine) as connection:
        for some in batches(list(found)):
            connection.execute(table.delete().where(table.c.document.in_(some)))
        insert_new(connection, table, rows)


def prune(
    connection: sa.Connection, documents: Iterable[str], model: str, texts: Iterable[str]
) -> int:
    """How many documents' cached claims and answers went, since the corpus has them no more.

    Of the cached vectors those of the model's `texts` stay: the others are of words that nobody
    says any more, or of a model no longer used.
    """
    cached = set(connection.scalars(sa.select(extractions.c.document)))
    cached |= set(connection.scalars(sa.select(answers.c.document).distinct()))
    cached |= set(connection.scalars(sa.select(readings.c.document)))
    gone = sorted(cached - set(documents))
    for some in batches(gone):
        for table in (extractions, answers, readings):
            connection.execute(table.delete().where(table.c.document.in_(some)))
    connection.execute(vectors.delete().where(vectors.c.model != model))
    known = set(connection.scalars(sa.select(vectors.c.text)))
    for some in batches(sorted(known - set(map(text_key, texts)))):
        connection.execute(vectors.delete().where(vectors.c.text.in_(some)))
    return len(gone)


def damaged_vectors(engine: Engine) -> int:
    """How many cached vectors are not as long as their model's others, or no numbers."""
    columns = vectors.c.model, vectors.c.text, vectors.c.value
    query = sa.select(*columns).order_by(vectors.c.model)
    bad = 0
    with explained(engine), engine.connect() as connection:
        streamed = connection.execution_options(yield_per=BATCH).execute(query)
        for some in streamed.partitions():
            for model in {row.model for row in some}:
                held = {row.text: row.value for row in some if row.model == model}
                bad += len(held) - len(sound_vectors(held))
    return bad


def unreadable(engine: Engine) -> dict[str, int]:
    """How many cached texts are not as they were kept, by what they are."""
    found = {}
    with explained(engine), engine.connect() as connection:
        for name, table in _TEXTS.items():
            streamed = connection.execution_options(yield_per=BATCH)
            rows = streamed.execute(sa.select(table.c.value))
            if bad := sum(unsigned(str(row.value)) is None for row in rows):
                found[name] = bad
    return found
