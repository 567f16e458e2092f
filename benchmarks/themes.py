"""Themes for a file of phrases, to be scored: `themes.py PHRASES.jsonl OUT.jsonl`.

Reads lines {"kind", "phrase"}, writes {"kind", "phrase", "theme_id"} with the shipped settings.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from miner.embed import DEFAULT, load
from miner.model import Claim, Kind, Quote
from miner.themes import group

KINDS: Mapping[str, Kind] = {"symptom_trigger": "trigger"}


def claims_of(rows: Iterable[Mapping[str, str]]) -> list[Claim]:
    """One claim per row, each said by somebody else in a post of its own."""
    return [
        Claim(
            kind=KINDS.get(row["kind"], cast("Kind", row["kind"])),
            phrase=row["phrase"],
            phrase_start=0,
            quote=Quote(document="phrases", part=str(number), start=0, text=row["phrase"]),
        )
        for number, row in enumerate(rows)
    ]


def themes_of(rows: Sequence[Mapping[str, str]], model: str = DEFAULT) -> list[dict[str, str]]:
    """The rows with the id of the theme each phrase went to."""
    claims = claims_of(rows)
    grouped = group(claims, load(model).encode)
    home = {claim: theme.id for theme in grouped.themes for claim in theme.claims}
    return [
        {"kind": row["kind"], "phrase": row["phrase"], "theme_id": home[claim.id]}
        for row, claim in zip(rows, claims, strict=True)
    ]


def main() -> None:
    """Reads, groups, writes and says how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phrases", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    chosen = parser.parse_args()
    lines = chosen.phrases.read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    begun = time.perf_counter()
    found = themes_of(rows, chosen.model)
    chosen.out.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), "utf-8"
    )
    themes = len({row["theme_id"] for row in found})
    print(f"{len(rows)} phrases, {themes} themes, {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
