"""Labelled threads as read by taggers that have never seen them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import written

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from train_claims import FOLDS, fold_of, json_rows

from miner.claims import Part, parts_of, pieces
from miner.sieve import Piece
from miner.tagger import Tagger

__all__ = ["LEAN", "Held", "read", "rows", "scorer", "texts", "threads"]

ROOT = Path(__file__).resolve().parents[1]
LEAN = 100.0
"""How far the tagger leans to finding spans, here and in use; the sieve then sorts them."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A text of a labelled thread with the phrases found in it by a tagger new to it."""

    thread: str
    number: int
    part: Part
    pieces: tuple[Piece, ...]


def module(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def scorer(shared: Path) -> Any:
    """The scorer that comes with the labels."""
    return module(shared / "gold" / "score.py")


def threads(shared: Path) -> Iterator[dict[str, Any]]:
    """Everything labelled, as threads of posts."""
    for post in json_rows(shared / "train" / "posts.jsonl"):
        yield {**post, "posts": [{"n": 1, "text": post["text"]}]}
    yield from json_rows(shared / "train" / "invented" / "threads.jsonl")
    yield from written.threads()


def rows(shared: Path, score: Any) -> list[dict[str, Any]]:
    """All labels as the scorer holds them in memory; `provenance` says where they are from."""
    train = shared / "train"
    sources = {
        "real": json_rows(train / "claims.jsonl"),
        "invented": json_rows(train / "invented" / "claims.jsonl"),
        "written": list(written.claims()),
    }
    return [
        {
            **row,
            "thread_id": row.get("thread_id") or row["id"],
            "post_n": int(row["post_n"]),
            "exact_quote": row["quote"],
            "outcome": row.get("outcome") or "",
            "uncertain": str(row.get("uncertain") or 0),
            "theme": row.get("theme") or "",
            "note": "",
            "provenance": name,
            "_t": score.toks(row["target"]),
            "_q": score.toks(row["quote"]),
            "_alt": [],
        }
        for name, some in sources.items()
        for row in some
    ]


def texts(shared: Path) -> Iterator[tuple[str, int, Part]]:
    """Thread, number and own words of every labelled text."""
    benchmark = module(ROOT / "benchmarks" / "claims.py")
    for data in threads(shared):
        for part in parts_of(benchmark.thread(data)):
            yield data["id"], 0 if part.name == "title" else int(part.name), part


def read(shared: Path, folders: Path) -> list[Held]:
    """All labelled texts, each read by the tagger `fK` whose fold it lies in, if there is one."""
    known = [k for k in range(FOLDS) if (folders / f"f{k}").is_dir()]
    with ProcessPoolExecutor(len(known)) as pool:
        found = pool.map(_read, [shared] * len(known), [folders] * len(known), known)
        return [one for some in found for one in some]


def _read(shared: Path, folders: Path, fold: int) -> list[Held]:
    """The texts of one fold."""
    tagger = Tagger(folders / f"f{fold}")
    tagger.lean = LEAN
    benchmark, found = module(ROOT / "benchmarks" / "claims.py"), []
    for data in threads(shared):
        if fold_of(data["id"]) != fold:
            continue
        parts = parts_of(benchmark.thread(data))
        seen = tagger.read([(part.context, part.own) for part in parts])
        for part, candidates in zip(parts, seen, strict=True):
            number = 0 if part.name == "title" else int(part.name)
            held = Held(
                thread=data["id"], number=number, part=part, pieces=tuple(pieces(part, candidates))
            )
            found.append(held)
    return found
