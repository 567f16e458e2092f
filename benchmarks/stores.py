"""Posts stored and read back a second, in SQLite and on a server: processor time and the clock's.

    python benchmarks/stores.py [THREADS] [URL]

URL is that of an empty database on this machine; without it only SQLite is measured. Threads are
invented and have 20 posts; each is stored in a transaction of its own, as a crawl stores it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.search import Clock
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Post, Source, Thread

THREADS, POSTS = 500, 20
SENTENCE = "my heel was sore for weeks and the drops on a step calmed it slowly but not at night"
WORDS = SENTENCE.split()
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def threads(count: int) -> Iterator[Thread]:
    """Invented threads, each post with some 80 words of its own order."""
    for number in range(count):
        url = f"https://f{number % 7}.example/t/{number}"
        posts = tuple(
            Post(
                id=str(place),
                number=place,
                author=f"m_{(number * 31 + place * 7) % 997:010x}",
                written=BEGIN + timedelta(minutes=number * POSTS + place),
                text=" ".join(WORDS[(number + place * n) % len(WORDS)] for n in range(80)),
                url=f"{url}#p{place}",
            )
            for place in range(1, POSTS + 1)
        )
        source = Source(url=url, site=url.split("/")[2], fetched=BEGIN, engine="discourse")
        yield Thread(source=source, title=f"Thread {number}", posts=posts)


def measure(address: str, count: int) -> None:
    """Prints how many posts a second are stored, seen to be the same, and read."""
    corpus = Corpus(open_database(address))
    made = list(threads(count))
    clock = Clock(corpus.engine)
    steps: dict[str, Callable[[], object]] = {
        "stored": lambda: [corpus.add(one) for one in made],
        "stored again, the same": lambda: [corpus.add(one) for one in made],
        "read": lambda: sum(1 for _ in corpus.documents()),
    }
    print(corpus.engine.dialect.name)
    for name, work in steps.items():
        began = time.perf_counter()
        used, _ = clock.timed(work)
        took = time.perf_counter() - began
        posts = count * POSTS
        print(
            f"  {name:24} {posts / used:8,.0f} posts/s of processor, {posts / took:8,.0f} by clock"
        )
    corpus.engine.dispose()


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else THREADS
    with tempfile.TemporaryDirectory() as folder:
        measure(str(Path(folder) / "stores.db"), size)
    if len(sys.argv) > 2:
        measure(sys.argv[2], size)
