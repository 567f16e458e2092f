"""What sharing the reading costs and brings: `cluster.py [--posts 2000] [--workers 1 2]`.

Posts of the invented forum are read by this process alone and by a Dask scheduler's workers on
this machine. Told are seconds, and seconds of processors of the workers, of the scheduler and of
the main process apart: work that other programs hardly change. The main process is one; the work
of its own for each post says how many workers it can keep busy.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import forum
from crawler.documents import Document, Post, Source, Thread
from miner import engines
from miner.crews import Terms, hired
from miner.embed import load

IDLE = 5.0
"""Seconds during which nothing is asked, for comparison."""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextlib.contextmanager
def started(count: int) -> Iterator[tuple[str, Any, Any]]:
    """Address of a scheduler with so many workers, and the processes that lead both."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        words = {
            "scheduler": ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
            "worker": [address, "--nworkers", str(count), "--nthreads", "1", "--no-dashboard"],
        }
        some = [
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{name}", *more],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            for name, more in words.items()
        ]
        try:
            yield address, *(psutil.Process(each.pid) for each in some)
        finally:
            for each in some:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait()


def work_of(process: Any) -> float:
    """Seconds of processors of a process and its children."""
    every = [process, *process.children(recursive=True)]
    return float(sum(one.cpu_times().user + one.cpu_times().system for one in every))


def shared(some: Sequence[Thread], engine: str, count: int) -> dict[str, float]:
    """Seconds it took so many workers, and whose work it was."""
    encoder = load("tfidf")
    reads = engines.load(engine)
    documents: list[tuple[int, Document | None]] = list(enumerate(some))
    with started(count) as (address, scheduler, workers):
        terms = Terms(engine=engine, embedder="tfidf", encoder=encoder, scheduler=address)
        with hired(terms) as crew:
            client = crew._client  # type: ignore[attr-defined]  # noqa: SLF001
            client.wait_for_workers(count)
            # Models are loaded before the clock runs.
            client.run(_warm, engine)
            told = [_now(workers, scheduler)]
            time.sleep(IDLE)
            told.append(_now(workers, scheduler))
            claims = sum(len(read()) for _, read in crew.claims(reads, documents, encoder.encode))
            told.append(_now(workers, scheduler))
    idle, spent = ([y - x for x, y in zip(*pair, strict=True)] for pair in pairwise(told))
    seconds = spent[-1]
    # Looks at whether something is to do are made all the time: they are not the posts' work.
    work = [used - rest / idle[-1] * seconds for used, rest in zip(spent, idle, strict=True)]
    found = dict(zip(("workers", "scheduler", "main"), work[:-1], strict=True))
    return found | {"seconds": seconds, "claims": claims}


def _now(workers: Any, scheduler: Any) -> tuple[float, float, float, float]:
    return work_of(workers), work_of(scheduler), time.process_time(), time.perf_counter()


def _warm(engine: str) -> None:
    from miner.partitions import _engine

    said = "My heel hurts. Heel drops helped me a lot."
    source = Source(url="warm", site="warm", fetched=NOON, engine="made")
    _engine(engine).extract(
        Thread(source=source, title="Heel", posts=(Post(id="1", number=1, text=said),))
    )


def main() -> None:
    """Prints a table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--posts", type=int, default=2000)
    asked.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    asked.add_argument("--engine", default="fast")
    said = asked.parse_args()
    some = forum.threads(forum.Forum().posts(said.posts))
    posts = sum(len(one.posts) for one in some)
    letters = sum(len(post.text) for one in some for post in one.posts)
    print(f"{posts:,} posts, {len(some):,} threads, {letters:,} letters, engine {said.engine}")
    print(
        "| workers | seconds | posts/s | work of workers | of the scheduler | of the main process |"
    )
    print("|---|---|---|---|---|---|")
    for count in said.workers:
        told = shared(some, said.engine, count)
        work = " | ".join(
            f"{told[name]:.1f} s, {told[name] / posts * 1000:.2f} ms a post"
            for name in ("workers", "scheduler", "main")
        )
        rate = posts / told["seconds"]
        print(f"| {count} | {told['seconds']:.1f} | {rate:.0f} | {work} |", flush=True)


if __name__ == "__main__":
    main()
