"""What `folkgrade search` answers: the passages found, as records and as lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from console.terminal import shown
from miner.errors import MinerError, NothingMined

if TYPE_CHECKING:
    from crawler.database import Engine
    from miner.search import Asked, Encode, Found

__all__ = ["look_for", "print_hits"]


def look_for(
    engine: Engine, names: Mapping[str, str], asked: Asked, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Records of the best passages, and why words alone were looked for where it is so.

    `names` are of themes by id. Raises NothingMined where there is no index yet.
    """
    from miner.index import Index
    from miner.search import find

    index = Index(engine)
    mark = index.mark()
    if mark is None:
        raise NothingMined("there is no search index yet; run `folkgrade mine`")
    encode, why = (None, None) if asked.mode == "words" else _encoder(mark.model)
    near = index.near() if encode else None
    shelf = index.shelf(vectors=encode is not None and near is None)
    found = find(asked, shelf, index.ranked, encode, near)
    return list(_records(index, found, names, limit)), why


def _encoder(name: str) -> tuple[Encode | None, str | None]:
    from miner.embed import load

    try:
        return load(name).encode, None
    except MinerError as error:
        return None, str(error)


def _records(
    index: Any, found: Found, names: Mapping[str, str], limit: int
) -> Iterable[dict[str, Any]]:
    hits = {hit.row: hit for hit in found.hits[:limit]}
    for one in index.shown(list(hits)):
        hit = hits[one.row]
        themes = dict.fromkeys(theme for _, theme in one.entries)
        yield {
            "type": one.type,
            "text": one.text,
            "url": one.document or None,
            "part": one.part or None,
            "themes": [{"id": key, "name": names.get(key, key)} for key in themes],
            "by_words": hit.by_words,
            "by_meaning": hit.by_meaning,
            "score": round(hit.score, 5),
        }


def print_hits(records: Iterable[Mapping[str, Any]]) -> None:
    """A few lines for each record, without what could steer a terminal."""
    for record in records:
        names = ", ".join(theme["name"] for theme in record["themes"])
        place = " ".join(str(record[key]) for key in ("url", "part") if record[key])
        typer.echo(shown(f"{record['type']}: {record['text'][:400]}"))
        typer.echo(shown(f"    {names}{'  ' + place if place else ''}"))
