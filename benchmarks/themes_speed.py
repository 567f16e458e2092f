"""Seconds and memory of grouping invented phrases: `themes_speed.py [PHRASES]`.

Phrases are words drawn by Zipf's law around hidden topics of very uneven size, with a vector each;
embedding is not timed. Then 1 % more phrases are added.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from miner.embed import Vectors
from miner.identity import former_themes
from miner.memory import Mind
from miner.model import Claim, Quote
from miner.phrases import normalise
from miner.themes import group

WIDTH = 384
LETTERS = "aeioubcdfghklmnprst"


def phrases(count: int, draw: np.random.Generator) -> tuple[list[str], Vectors]:
    """Distinct phrases and their unit vectors."""
    topics = max(20, count // 40)
    centres = draw.standard_normal((topics, WIDTH)).astype(np.float32)
    share = 1.0 / np.arange(1, topics + 1) ** 0.8
    of = draw.choice(topics, size=count, p=share / share.sum())
    rows = centres[of] + 0.7 * draw.standard_normal((count, WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    words = ["".join(draw.choice(list(LETTERS), size=3 + n % 7)) for n in range(30_000)]
    usual = np.minimum(draw.zipf(1.5, size=(count, 2)), 20_000)
    own = np.minimum(draw.zipf(1.8, size=count), 5)
    texts = [
        f"{words[(7 * t + o) % 30_000]} {words[a]} {words[b]} {n:x}"
        for n, (t, o, (a, b)) in enumerate(zip(of, own, usual, strict=True))
    ]
    return texts, rows


def main() -> None:
    """Groups, adds, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("phrases", type=int, nargs="?", default=10_000)
    chosen = parser.parse_args()
    texts, rows = phrases(chosen.phrases + chosen.phrases // 100, np.random.default_rng(7))
    place = {normalise(text): number for number, text in enumerate(texts)}

    def encode(some: Sequence[str]) -> Vectors:
        """The made vectors; of the shipped families' phrases nothing."""
        found = np.zeros((len(some), WIDTH), dtype=np.float32)
        for number, text in enumerate(some):
            if text in place:
                found[number] = rows[place[text]]
        return found

    claims = [
        Claim(
            kind="remedy",
            phrase=text,
            phrase_start=0,
            quote=Quote(document=f"t{number % 5000}", part=str(number), start=0, text=text),
            author=f"a{number % 9000}",
        )
        for number, text in enumerate(texts)
    ]
    old = claims[: chosen.phrases]
    begun, worked = time.perf_counter(), time.process_time()
    memory = Mind()
    first = group(old, encode, memory=memory)
    whole, worked = time.perf_counter() - begun, time.process_time() - worked
    sizes = Counter(len(theme.claims) for theme in first.themes)
    print(
        f"{len(old):,} phrases, {len(first.themes):,} themes, {sizes[1]:,} of one phrase: "
        f"{whole:.1f} s, {worked:.1f} s of processor time",
        flush=True,
    )
    begun, now = time.perf_counter(), time.process_time()
    previous = former_themes(first.themes, old, whole=first.whole)
    group(claims, encode, previous, memory=memory)
    begun, now = time.perf_counter() - begun, time.process_time() - now
    print(
        f"1 % more: {begun:.2f} s, {now:.2f} s of processor time: "
        f"{100 * begun / whole:.1f} % and {100 * now / worked:.1f} %"
    )
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()
