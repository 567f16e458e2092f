"""Search on 200,000 invented quotes: time to write, to load, and of each question.

    python benchmarks/search.py [QUOTES] [DATABASE]

DATABASE is a file or the URL of a server on this machine, whose index is written over. Time is
that of the processor, the server's too, which other programs of a busy machine do not lengthen.

Words follow Zipf's law over 60,000 spellings; vectors are random, one for each of 60,000 phrases,
for their values cost no time. The model that reads the question is timed apart.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil  # type: ignore[import-untyped]
from numpy.typing import NDArray

from crawler.database import Engine, open_database
from miner.embed import load
from miner.index import BLOCK, Index
from miner.passages import Entry, Passage
from miner.search import Asked, Encode, Facet, Mode, Shelf, find

QUOTES, SPELLINGS, PHRASES, WIDTH = 200_000, 60_000, 60_000, 384
LETTERS = "aeioubcdfghklmnprst"
TIMES = 15
Made = TypeVar("Made")


def spellings(draw: np.random.Generator) -> list[str]:
    """Invented words, short ones first."""
    found = dict.fromkeys(
        "".join(draw.choice(list(LETTERS), size=2 + n % 9)) for n in range(4 * SPELLINGS)
    )
    return sorted(found, key=len)[:SPELLINGS]


def quotes(count: int, words: Sequence[str], draw: np.random.Generator) -> list[Passage]:
    """Quotes of 18 words with one claim each, on 120 sites."""
    chance = 1 / np.arange(3, len(words) + 3)
    said = draw.choice(len(words), size=(count, 18), p=chance / chance.sum())
    phrases = draw.integers(PHRASES, size=count)
    kinds = ("remedy", "cause", "trigger", "diagnosis")
    return [
        Passage(
            type="quote",
            text=" ".join(words[n] for n in row),
            document=f"https://f{place % 120}.example/t/{place // 20}",
            part=str(place),
            author=f"m_{place % 9_000}",
            entries=(
                Entry(
                    ref=f"{place:016x}",
                    theme=f"rem-{place % 3_000}",
                    kind=kinds[place % 4],  # type: ignore[arg-type]
                    condition=f"c{place % 40}",
                    outcome="helped" if place % 3 else "tried",
                    meaning=f"phrase {phrases[place]}",
                ),
            ),
        )
        for place, row in enumerate(said)
    ]


class Clock:
    """Seconds of processor, which other programs of a busy machine do not lengthen."""

    def __init__(self, engine: Engine) -> None:
        """Of this process, and of the server of the database where there is one."""
        self.server: psutil.Process | None = None
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            self.server = psutil.Process(mine).parent()

    def now(self) -> float:
        """Of all the processes at work."""
        own = time.process_time()
        if self.server is None:
            return own
        past = self.server.cpu_times()
        now = [one.cpu_times() for one in self.server.children()]
        ended = past.children_user + past.children_system
        return float(own + ended + sum(one.user + one.system for one in now))

    def timed(self, work: Callable[[], Made]) -> tuple[float, Made]:
        """How long it took, and the result."""
        before = self.now()
        found = work()
        return self.now() - before, found


def main(count: int, address: str) -> None:
    """Prints the times."""
    draw = np.random.default_rng(7)
    words = spellings(draw)
    found = quotes(count, words, draw)
    texts = list(dict.fromkeys(entry.meaning for one in found for entry in one.entries))
    rows = draw.standard_normal((len(texts), WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    blocks = [rows[n : n + BLOCK].astype(np.float16) for n in range(0, len(texts), BLOCK)]
    index = Index(open_database(address))
    timed = Clock(index.engine).timed
    seconds, _ = timed(lambda: index.replace(1, "invented", found, texts, blocks))
    print(f"{count:,} quotes, {len(texts):,} phrases: written in {seconds:.1f} s")
    near = index.near()
    print(f"vectors are compared {'in memory' if near is None else 'by the server'}")
    seconds, shelf = timed(lambda: index.shelf(vectors=near is None))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"loaded in {seconds:.1f} s (peak memory of this process so far: {peak:,.0f} MB)")

    def encode(asked: Sequence[str]) -> NDArray[np.float32]:
        return rows[[len(text) for text in asked]]

    ask(index, shelf, encode, words)
    model = load()
    model.encode(["warm"])
    seconds = statistics.median(
        timed(lambda: model.encode(["hip pain at night"]))[0] for _ in "abcde"
    )
    print(f"{'the model reads a question':46} {1000 * seconds:7.1f} ms")


def ask(index: Index, shelf: Shelf, encode: Encode, words: Sequence[str]) -> None:
    """Prints the mean of each kind of question, for a server's clock goes in steps of 10 ms."""
    questions: dict[str, tuple[str, Mode, dict[Facet, str]]] = {
        "a rare word": (words[30_000], "words", {}),
        "a usual word (1 in 20 quotes)": (words[30], "words", {}),
        "the most frequent word": (words[0], "words", {}),
        "three usual words": (" ".join(words[20:23]), "words", {}),
        "six words, of which most are usual": (
            " ".join([*words[10:14], words[9_000], words[20_000]]), "words", {}),
        "a slip of the keys": (words[40_000][:-1] + "zz", "words", {}),
        "meaning": ("phrase 77", "meaning", {}),
        "words and meaning": (f"{words[300]} {words[2_000]}", "both", {}),
        "words and meaning, narrowed": (f"{words[30]}", "both", {"condition": "c3"}),
    }  # fmt: skip
    timed = Clock(index.engine).timed
    for name, (text, mode, chosen) in questions.items():
        asked = Asked(text=text, mode=mode, chosen=chosen)
        times, hits = [], 0
        near = index.near()
        for _ in range(TIMES):
            seconds, found = timed(lambda: find(asked, shelf, index.ranked, encode, near))  # noqa: B023
            index.shown([hit.row for hit in found.hits[:10]])
            times.append(1000 * seconds)
            hits = len(found.hits)
        print(f"{name:46} {statistics.mean(times):7.1f} ms  (most {max(times):.1f}; {hits:,} hits)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        size = int(sys.argv[1]) if len(sys.argv) > 1 else QUOTES
        main(size, sys.argv[2] if len(sys.argv) > 2 else str(Path(folder) / "search.db"))
