"""Speed and memory of the extraction: `python benchmarks/claims_speed.py [--posts N]`.

Invented posts of about a hundred words in threads of ten are read; told are posts a second over
each tenth (level, if the work is linear) and the largest memory so far (level, if none is kept).
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler.documents import Post, Source, Thread
from miner.claims import Extractor

SAYINGS = (
    "I tried {a} for {n} weeks and it did nothing.",
    "My {b} has hurt since {n} months ago when I went back to work.",
    "Then I did {a} every morning, which helped a lot.",
    "Has anyone had luck with {a}?",
    "The doctor said it is {c} but I am not so sure about that.",
    "Sitting makes my {b} worse, walking is fine.",
    "It was raining all week and I watched the race on the telly with the kids.",
    "Thanks for all of your answers, I will report back in {n} weeks.",
    "We drove up on Friday and stayed at the usual place by the lake.",
    "I blame my old shoes for the {b}, they were worn to the bone.",
)
THINGS = {
    "a": ("heel drops", "foam rolling", "a massage gun", "yoga", "ibuprofen", "dry needling"),
    "b": ("knee", "hip", "elbow", "lower back", "Achilles", "wrist"),
    "c": ("bursitis", "a labral tear", "tendinopathy", "sciatica", "a sprain"),
    "n": ("two", "three", "six", "ten"),
}


def threads(posts: int, seed: int = 1) -> Iterator[Thread]:
    """Threads of ten posts each."""
    rng = random.Random(seed)
    read = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(0, posts, 10):
        source = Source(url=f"thread {number}", site="speed", fetched=read, engine="benchmark")
        said = [
            " ".join(
                rng.choice(SAYINGS).format(**{k: rng.choice(v) for k, v in THINGS.items()})
                for _ in range(9)
            )
            for _ in range(min(10, posts - number))
        ]
        yield Thread(
            source=source,
            title="A question about my knee",
            posts=tuple(
                Post(id=str(n), number=n, text=text, author=f"p{rng.randrange(99)}")
                for n, text in enumerate(said, 1)
            ),
        )


def main() -> None:
    """Read the arguments, extract, tell speed and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1000)
    arguments = parser.parse_args()
    extractor = Extractor()
    for thread in threads(10):
        extractor.extract(thread)
    started, last, claims, step = time.perf_counter(), time.perf_counter(), 0, 0
    tenth = max(arguments.posts // 100, 1)
    for step, thread in enumerate(threads(arguments.posts), 1):
        claims += len(extractor.extract(thread))
        if step % tenth == 0:
            now = time.perf_counter()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            speed = tenth * 10 / (now - last)
            print(f"{step * 10} posts: {speed:.1f} a second, {memory:.0f} MB at most", flush=True)
            last = now
    spent = time.perf_counter() - started
    print(f"{arguments.posts / spent:.1f} posts a second, {claims} claims")


if __name__ == "__main__":
    main()
