"""Values of mining as rows of the tables, and how rows are written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from crawler.database import BATCH, insert
from miner.counts import stance
from miner.errors import DamagedConclusions
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    Grade,
    MemberQuestion,
    Mined,
    Theme,
    ThemeEvent,
)

__all__ = [
    "a_claim",
    "a_question",
    "a_theme",
    "adapter",
    "an_event",
    "claim_rows",
    "event_row",
    "insert_all",
    "insert_new",
    "json_text",
    "owned",
    "question_rows",
    "read",
    "some_claims",
    "sound_vectors",
    "text_key",
    "theme_row",
]

Value = TypeVar("Value")

a_claim = TypeAdapter(Claim)
some_claims = TypeAdapter(list[Claim])
a_theme = TypeAdapter(Theme)
an_event = TypeAdapter(ThemeEvent)
a_question = TypeAdapter(MemberQuestion)


def read(form: TypeAdapter[Value], value: str) -> Value:
    """The value of a row; raises DamagedConclusions."""
    try:
        return form.validate_json(value)
    except ValidationError as error:
        raise DamagedConclusions(
            "what the last run concluded is damaged; `folkgrade mine` makes it anew"
        ) from error


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def adapter(of: type[Any]) -> TypeAdapter[Any]:
    """What reads and writes values of that type; making one takes as long as storing thousands."""
    if of not in _adapters:
        _adapters[of] = TypeAdapter(of)
    return _adapters[of]


def owned(value: Evidence | Grade | Gap | Contradiction, key: str) -> dict[str, Any]:
    """The row of a value that belongs to a theme."""
    dumped = adapter(type(value)).dump_json(value).decode()
    return {"id": key, "theme": value.theme, "value": dumped}


def claim_rows(mined: Mined) -> Iterable[dict[str, Any]]:
    """The rows of all claims, each with its theme and its place in it."""
    places = {key: place for theme in mined.themes for place, key in enumerate(theme.claims)}
    for claim in mined.claims:
        yield {
            "id": claim.id,
            "theme": mined.theme_of.get(claim.id),
            "kind": claim.kind,
            "voice": claim.voice,
            "document": claim.quote.document,
            "part": claim.quote.part,
            "author": claim.author,
            "condition": claim.condition,
            "written": claim.written,
            "place": places.get(claim.id, 0),
            "confidence": claim.confidence,
            "stance": stance(claim),
            "words": claim.words,
            "at": claim.phrase_start,
            "value": a_claim.dump_json(claim).decode(),
        }


def theme_row(theme: Theme) -> dict[str, Any]:
    """The row of a theme."""
    return {
        "id": theme.id,
        "kind": theme.kind,
        "name": theme.name,
        "authors": theme.tally.authors,
        "value": a_theme.dump_json(theme).decode(),
    }


def event_row(run: int, item: ThemeEvent) -> dict[str, Any]:
    """The row of what happened to a theme in a run."""
    value = an_event.dump_json(item).decode()
    return {"run": run, "theme": item.theme, "into": item.into, "value": value}


def question_rows(mined: Mined) -> Iterable[dict[str, Any]]:
    """The rows of what members ask, in the order given, each question once."""
    for place, one in enumerate({one.id: one for one in mined.questions}.values()):
        yield {
            "row": place,
            "id": one.id,
            "document": one.quote.document,
            "part": one.quote.part,
            "author": one.author,
            "value": a_question.dump_json(one).decode(),
        }


def insert_new(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Inserts rows whose keys are not there yet; another run may have been faster."""
    statement = insert(connection.dialect.name, table).on_conflict_do_nothing()
    for some in _pieces(rows):
        connection.execute(statement, some)


def insert_all(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Inserts rows; so many are held as are inserted at a time."""
    for some in _pieces(rows):
        connection.execute(table.insert(), some)


def _pieces(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The rows in lists of a bounded length, each made when the one before was taken."""
    left = iter(rows)
    while some := list(islice(left, BATCH)):
        yield some


def json_text(text: str) -> str:
    """A text as it stands inside a stored value."""
    return TypeAdapter(str).dump_json(text).decode()


def text_key(text: str) -> str:
    """Name of a text in the cache: a digest, for texts may be long, and deleted at their source."""
    return hashlib.sha256(text.encode()).hexdigest()


def sound_vectors(kept: Mapping[str, bytes]) -> dict[str, npt.NDArray[np.float32]]:
    """The kept vectors by name, less those that are not as long as the others, or no numbers."""
    lengths = Counter(len(value) for value in kept.values() if value and len(value) % 4 == 0)
    length = max(lengths, key=lambda size: (lengths[size], size), default=0)
    read = {
        name: np.frombuffer(value, dtype=np.float32)
        for name, value in kept.items()
        if len(value) == length
    }
    return {name: vector for name, vector in read.items() if np.isfinite(vector).all()}
