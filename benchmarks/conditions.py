"""How well the condition of a claim is found: `conditions.py SHARED` (the labelled posts' folder).

The labels name conditions in words. A word list made by hand, else the names of the vocabulary,
turn each into ids; several are all right where a label names several. Rows whose label is no
condition of muscles, joints and bones show how often one is forced on them.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from crawler.documents import Post, Source, Thread, part_text
from miner.conditions import assign, conditions_of_text, name_of, region_of, shipped
from miner.model import Claim, Quote

BY_HAND: Mapping[str, tuple[str, ...]] = {
    "coccyx pain": ("tailbone",),
    "buttock pain": ("piriformis",),
    "glute pain": ("piriformis",),
    "low back disc": ("sciatica", "low-back"),
    "lumbar stress fracture": ("spondylolysis", "low-back"),
    "tight hip flexors": ("hip-flexor",),
    "tight hamstrings": ("hamstring",),
    "ankle osteoarthritis": ("ankle", "osteoarthritis"),
    "pelvis and hip fracture": ("hip-stress-fracture",),
    "uneven hips": ("hip-other", "sacroiliac"),
    "finger joint pain": ("finger-joint", "finger"),
    "joint pain": ("osteoarthritis", "arthritis"),
    "sleep disorder": ("insomnia",),
}
"""Labels whose words the vocabulary does not hold or would read otherwise."""
LOOSE = frozenset({"other", "insomnia", "ear"})
"""Ids that are no injuries: counted apart."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A labelled claim with what is true of it and what was found."""

    truth: frozenset[str]
    """Ids, any of them right; empty where the label is nothing the vocabulary knows."""
    found: str | None
    place: str
    """`title`, `opener` or `reply`."""


@cache
def ids_of(label: str) -> frozenset[str]:
    """Ids a label means."""
    plain = label.lower().strip()
    pieces = [plain, *(piece.strip() for piece in re.split(r"[/,]| and ", plain))]
    by_hand = [id_ for piece in pieces for id_ in BY_HAND.get(piece, ())]
    named = [id_ for piece in pieces for id_ in conditions_of_text(piece)]
    return frozenset(by_hand or named) & {some.id for some in shipped()}


def threads_of(folder: Path) -> dict[str, Thread]:
    """All labelled posts as threads: invented ones as they are, the others of one post each."""
    found = {}
    for line in (folder / "invented" / "threads.jsonl").read_text("utf-8").splitlines():
        raw = json.loads(line)
        found[raw["id"]] = thread(raw["id"], raw["title"], raw["posts"])
    for line in (folder / "posts.jsonl").read_text("utf-8").splitlines():
        raw = json.loads(line)
        posts = [{"n": 1, "text": raw["text"], "author": "u1"}]
        found[raw["id"]] = thread(raw["id"], raw["title"], posts)
    return found


def thread(name: str, title: str, posts: Iterable[Mapping[str, Any]]) -> Thread:
    """A thread of labelled posts."""
    source = Source(url=name, site="labelled", fetched=datetime(2024, 1, 1, tzinfo=UTC), engine="")
    made = tuple(
        Post(id=str(one["n"]), number=one["n"], text=one["text"], author=one.get("author"))
        for one in posts
    )
    return Thread(source=source, title=title or "", posts=made)


def claims_of(rows: Sequence[Mapping[str, Any]], about: Thread) -> list[Claim]:
    """The labelled claims at their place, as well as their words are found."""
    return [_claim(row, about) for row in rows]


def _claim(row: Mapping[str, Any], about: Thread) -> Claim:
    part = "title" if row["post_n"] == 0 else str(row["post_n"])
    text = part_text(about, part) or ""
    first, _ = _place(text, row["quote"] or row["target"], 0)
    start, end = _place(text, row["target"], first)
    quote = Quote(document=about.source.url, part=part, start=start, text=text[start:end])
    return Claim(
        kind="trigger" if row["kind"] == "symptom_trigger" else row["kind"],
        phrase=text[start:end],
        phrase_start=start,
        quote=quote,
        experiencer=row["experiencer"] or "self",
    )


def _place(text: str, words: str, after: int) -> tuple[int, int]:
    """Where words stand, white space folded; the given place where they do not."""
    pattern = r"\s+".join(map(re.escape, words.split()))
    found = re.compile(pattern, re.IGNORECASE).search(text, after)
    return found.span() if found else (after, after)


def rows_of(claims_file: Path, threads: Mapping[str, Thread]) -> Iterator[Row]:
    """Every labelled claim with truth and finding."""
    by_thread: dict[str, list[Mapping[str, Any]]] = {}
    for line in claims_file.read_text("utf-8").splitlines():
        raw = json.loads(line)
        if raw["kind"] != "none" and raw.get("condition"):
            by_thread.setdefault(raw.get("thread_id") or raw["id"], []).append(raw)
    for name, rows in by_thread.items():
        found = assign(claims_of(rows, threads[name]), threads[name])
        for raw, claim in zip(rows, found, strict=True):
            place = {0: "title", 1: "opener"}.get(raw["post_n"], "reply")
            yield Row(truth=ids_of(raw["condition"]), found=claim.condition, place=place)


def measured(rows: Sequence[Row]) -> dict[str, float]:
    """Coverage, agreement and what was left open, as shares."""
    known = [row for row in rows if row.truth - LOOSE]
    strange = [row for row in rows if not row.truth]
    said = [row for row in known if row.found]
    return {
        "rows": len(rows),
        "label known to the vocabulary": _share(bool(row.truth) for row in rows),
        "injuries": len(known),
        "left open": _share(row.found is None for row in known),
        "right id": _share(row.found in row.truth for row in known),
        "right id, where said": _share(row.found in row.truth for row in said),
        "right region": _share(is_near(row) for row in known),
        "not the unspecified one": _share(_is_narrow(row.found) for row in said),
        "labels of none": len(strange),
        "forced on those": _share(row.found not in (None, *LOOSE) for row in strange),
    }


def is_near(row: Row) -> bool:
    """Whether the finding is in a region of the label."""
    return row.found is not None and region_of(row.found) in {region_of(t) for t in row.truth}


def _is_narrow(id_: str | None) -> bool:
    return not any(some.id == id_ and some.wide for some in shipped())


def _share(values: Iterable[bool]) -> float:
    known = list(values)
    return round(sum(known) / max(len(known), 1), 3)


def main() -> None:
    """Prints the figures of real and invented posts, and the commonest confusions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--errors", type=int, default=0, help="How many confusions to list.")
    chosen = parser.parse_args()
    folder = chosen.shared / "train"
    threads = threads_of(folder)
    for name in ("claims.jsonl", "invented/claims.jsonl"):
        rows = list(rows_of(folder / name, threads))
        print(f"{name}: {json.dumps(measured(rows), indent=1)}")
        for place in ("title", "opener", "reply"):
            some = [row for row in rows if row.place == place and row.truth - LOOSE]
            print(f"  {place}: {len(some)}, right id {measured(some)['right id']}")
        wrong = Counter(
            (", ".join(sorted(row.truth)), row.found)
            for row in rows
            if row.truth - LOOSE and row.found not in row.truth
        )
        for (truth, found), count in wrong.most_common(chosen.errors):
            print(f"  {count:4} {truth} read as {name_of(found or 'open')}")


if __name__ == "__main__":
    main()
