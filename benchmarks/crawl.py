"""Collecting, side by side with forum-dl in one run: `python -m benchmarks.crawl`.

Both collect the same invented forum from the same server on loopback, which takes 50 ms for every
answer, with no politeness on either side. forum-dl 0.3.0 is installed into an environment of its
own in a temporary folder. Then the memory of our collecting over a small and a large forum.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from crawler.replica import Conduct, host
from crawler.replica.invented import invented

PACKAGES = ("forum-dl==0.3.0", "pydantic<2")
"""forum-dl does not name the pydantic it was written for."""
SLOW = 0.05
"""Seconds for each answer."""
AT_ONCE = 16
POSTS_A_TOPIC = 16
GOAL = 4.0


@dataclass(frozen=True)
class Run:
    """What one collecting took."""

    seconds: float
    posts: int
    requests: int
    memory: float
    """Most MiB of the process and its children together."""

    @property
    def rate(self) -> float:
        """Posts a second."""
        return self.posts / self.seconds


def _host(wire: Connection, posts: int) -> None:
    forum = invented(max(1, posts // POSTS_A_TOPIC), posts, seed=1)
    with host(forum, conduct=Conduct(slow=SLOW)) as replica:
        wire.send(replica.sites[0].url)
        while wire.recv() is not None:
            wire.send(len(replica.journal))
            replica.journal.clear()


class Server:
    """A forum in a process of its own, so that serving it costs the visitor nothing."""

    def __init__(self, wire: Connection, url: str) -> None:
        """`wire` asks it how often it was asked."""
        self.wire = wire
        self.url = url

    def requests(self) -> int:
        """Since this was asked last."""
        self.wire.send("count")
        return int(self.wire.recv())


@contextmanager
def served(posts: int) -> Iterator[Server]:
    """A forum of so many posts, until the end of the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_host, args=(theirs, posts), daemon=True)
    process.start()
    try:
        yield Server(ours, ours.recv())
        ours.send(None)
        process.join(10)
    finally:
        process.kill()


def collect(url: str, folder: str, at_once: int) -> None:
    """One crawl into a new store of a folder, as `folkgrade crawl` does it."""
    from crawler.corpus import Corpus
    from crawler.crawl import crawl, user_agent
    from crawler.database import open_database
    from crawler.sites import Site

    store = Corpus(open_database(f"sqlite:///{folder}/corpus.db"))
    site = Site(start=(url,), delay=0, concurrency=at_once)
    agent = user_agent("0.0", "https://bench.example")
    report = crawl([site], store, key=b"k" * 32, user_agent=agent)
    print(json.dumps({"posts": report.posts, "status": report.status}))


def measured(command: Sequence[str], **kwargs: Any) -> tuple[float, float, str]:
    """Seconds, most MiB of the whole family of processes, and output of a command."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **kwargs)
    peak = [0.0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], _family(process.pid))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - began
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return seconds, peak[0], output


def _family(pid: int) -> float:
    """MiB of a process and its descendants, each page counted once; 0 where /proc is not there."""
    members, kib = [pid], 0
    for member in members:
        try:
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text(encoding="ascii")
            kib += sum(int(row.split()[1]) for row in rollup.splitlines() if row[:4] == "Pss:")
            tasks = Path(f"/proc/{member}/task").glob("*/children")
            members += [int(child) for task in tasks for child in task.read_text().split()]
        except (OSError, ValueError):
            continue
    return kib / 1024


def ours(server: Server, at_once: int) -> Run:
    """Our collecting of the forum, from the start of the process to its end."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.crawl", "--collect", server.url, folder]
        seconds, memory, output = measured([*command, "--at-once", str(at_once)])
        report = json.loads(output)
        if report["status"] != "ok":
            raise SystemExit(f"the crawl ended {report['status']}")
        return Run(seconds, report["posts"], server.requests(), memory)


def theirs(server: Server, program: Path) -> Run:
    """The same by forum-dl."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "posts.jsonl"
        command = [str(program), "--quiet", "--no-boards", "--no-threads", "-f", "jsonl"]
        seconds, memory, _ = measured(
            [*command, "-o", str(out), server.url], stderr=subprocess.DEVNULL
        )
        with out.open(encoding="utf-8") as lines:
            posts = sum(1 for _ in lines)
        return Run(seconds, posts, server.requests(), memory)


def installed(folder: Path) -> Path:
    """The command of forum-dl, in an environment made for it."""
    venv.create(folder, with_pip=True)
    pip = folder / "bin" / "python"
    subprocess.run([pip, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return folder / "bin" / "forum-dl"


def line(what: str, run: Run) -> None:
    """A row of the report."""
    print(
        f"{what:44} {run.seconds:7.1f} s {run.posts:8,} posts {run.rate:9.1f} posts/s"
        f" {run.requests:7,} requests {run.memory:7.0f} MiB",
        flush=True,
    )


def compare(posts: int, program: Path) -> None:
    """Posts a second of both over the same forum."""
    with served(posts) as server:
        other = theirs(server, program)
        line("forum-dl 0.3.0", other)
        one = ours(server, 1)
        line("folkgrade, one request at a time", one)
        many = ours(server, AT_ONCE)
        line(f"folkgrade, {AT_ONCE} at a time (loopback only)", many)
    print(
        f"{'  posts a second, ours / theirs':44} {one.rate / other.rate:7.2f} times with one, ",
        end="",
    )
    print(f"{many.rate / other.rate:.2f} times with {AT_ONCE} (goal {GOAL:g})", flush=True)


def memory(sizes: Sequence[int]) -> None:
    """Most memory over forums of these sizes."""
    runs = []
    for posts in sizes:
        with served(posts) as server:
            runs.append(ours(server, AT_ONCE))
        line(f"folkgrade, {AT_ONCE} at a time", runs[-1])
    first, last = runs[0], runs[-1]
    print(
        f"{'  memory, large / small forum':44} {last.memory / first.memory:7.2f} times for ", end=""
    )
    print(f"{last.posts / first.posts:.0f} times the posts")


def main() -> None:
    """Compares, then measures memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--posts", type=int, default=6_000, help="of the forum both collect")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--forum-dl", type=Path, help="its command, where it is installed already")
    parser.add_argument("--collect", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.collect:
        url, folder = asked.collect
        collect(url, folder, asked.at_once)
        return
    print(f"{os.cpu_count()} cores; each answer takes {SLOW * 1000:.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        if asked.posts:
            compare(asked.posts, asked.forum_dl or installed(Path(folder)))
    if asked.sizes:
        memory(asked.sizes)


if __name__ == "__main__":
    main()
