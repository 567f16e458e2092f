"""Are themes called what a reader calls them? `python benchmarks/names.py CLAIMS.tsv` says.

The file has columns `kind`, `target` and `theme`: phrases as a reader grouped and named them. The
groups are taken as they are, so that only the choice of the name is measured: how often it shares
a word with the reader's name, and how near it is in meaning.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from miner.drafts import Ideas, drafted
from miner.embed import DEFAULT, Encoder, load
from miner.model import Claim, Kind, Quote
from miner.names import leanings
from miner.phrases import keywords, normalise

KINDS: Mapping[str, Kind] = {"symptom_trigger": "trigger"}
LEAST = 3
"""Phrases a group needs for its name to be a choice."""
STEM = 5
GENERAL = frozenset(("work", "problem", "issue", "other", "general"))


def groups(rows: Iterable[Mapping[str, str]]) -> dict[tuple[Kind, str], list[Claim]]:
    """Claims by kind and the reader's name of their theme."""
    found: dict[tuple[Kind, str], list[Claim]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row["kind"] == "none" or not row["theme"]:
            continue
        kind = KINDS.get(row["kind"], cast("Kind", row["kind"]))
        quote = Quote(document="labelled", part=str(number), start=0, text=row["target"])
        claim = Claim(kind=kind, phrase=row["target"], phrase_start=0, quote=quote)
        found[kind, row["theme"]].append(claim)
    return found


def name_of(kind: Kind, claims: Sequence[Claim], encoder: Encoder) -> str:
    """The name chosen for these claims; empty where their phrases are too few."""
    by_phrase: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_phrase[normalise(claim.phrase)].append(claim)
    phrases = sorted(by_phrase)
    if len(phrases) < LEAST:
        return ""
    vectors, one = encoder.encode(phrases), np.zeros(len(phrases), dtype=np.int64)
    ideas = Ideas(
        kind=kind,
        phrases=phrases,
        vectors=vectors,
        lean=leanings(kind, encoder.encode),
        claims=by_phrase,
    )
    return drafted(ideas, one, lambda group: one[group], [None])[0].names[0]


def stems(text: str) -> set[str]:
    """The words that can be shared, shortened to what forms of one word have in common."""
    words = keywords(normalise(re.sub(r"[:/]", " ", text)))
    return {word[:STEM] for word in words - GENERAL}


def main() -> None:
    """Prints each name beside the reader's, and the two figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("claims", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    chosen = parser.parse_args()
    encoder = load(chosen.model)
    with chosen.claims.open(encoding="utf-8", newline="") as lines:
        labelled = groups(csv.DictReader(lines, delimiter="\t"))
    shared, near, weights = [], [], []
    for (kind, theirs), claims in sorted(labelled.items()):
        if not (ours := name_of(kind, claims, encoder)):
            continue
        one, other = encoder.encode([normalise(ours), normalise(theirs)])
        shared.append(bool(stems(ours) & stems(theirs)))
        near.append(float(one @ other))
        weights.append(len(claims) ** 0.5)
        print(f"{kind:10}{theirs:40}{ours}")
    print(
        f"{len(shared)} themes: {np.average(shared, weights=weights):.3f} share a word with the "
        f"reader's name, likeness {np.average(near, weights=weights):.3f} (large themes count more)"
    )


if __name__ == "__main__":
    main()
