"""Speed, side by side in one run, as ratios: `./run bench`.

Each pair is measured on the same machine in the same minute; the seconds differ from machine to
machine, the ratios much less.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from console import __version__
from console.project import Project, make_project
from crawler.corpus import Corpus
from crawler.crawl import crawl, user_agent
from crawler.database import open_database
from crawler.documents import Post, Source, Thread
from crawler.replica.server import serve
from crawler.sites import Site
from miner.embed import load
from miner.phrases import normalise
from miner.pipeline import Options, mine, unchanged


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a piece of work, and what it returned."""
    before = time.perf_counter()
    result = work()
    return time.perf_counter() - before, result


def line(what: str, one: float, other: float) -> None:
    """A row of the report."""
    print(f"{what:58} {one:8.2f} s {other:8.2f} s   {one / max(other, 1e-9):8.1f} times")


def quiet(_stage: str, _done: int, _total: int | None) -> None:
    """Progress that nobody watches."""


def store() -> None:
    """Adds pieces of 20 posts to one thread, and compares the first with those after 20,000."""
    fetched = datetime(2026, 5, 1, tzinfo=UTC)
    source = Source(url="https://b.example/t/1", site="b.example", fetched=fetched, engine="bench")

    def add(first: int, last: int) -> None:
        for start in range(first, last, 20):
            posts = (
                Post(
                    id=str(n), number=n, text="My heel was sore again. " * 20, author=f"m_{n % 99}"
                )
                for n in range(start, start + 20)
            )
            corpus.add(Thread(source=source, title="Heels", posts=tuple(posts)))

    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(open_database(f"{folder}/store.db"))
        short, _ = timed(lambda: add(1, 2_001))
        add(2_001, 20_001)
        long, _ = timed(lambda: add(20_001, 22_001))
    line("store: 2,000 posts more after 20,000 / the first 2,000", long, short)
    print(f"{'  posts a second':58} {2_000 / long:8.0f}   {2_000 / short:10.0f}")


def main() -> None:
    """Crawls and mines the demo community in a temporary project, and compares."""
    store()
    with tempfile.TemporaryDirectory() as folder, serve() as replica:
        make_project(Path(folder))
        project = Project(Path(folder))
        corpus, knowledge = project.stores()
        sites = [Site(start=(site.url,), delay=0) for site in replica.sites]

        def collect() -> Any:
            agent = user_agent(__version__, "bench@folkgrade.example")
            return crawl(sites, corpus, key=project.vault.key(), user_agent=agent)

        print(f"{'':58} {'left':>10} {'right':>10}   left takes")
        first, before = timed(collect)
        again, after = timed(collect)
        line("crawl: first / again, nothing new", first, again)
        print(f"{'  pages asked for':58} {before.pages:8}   {after.pages:8}")

        options = Options()
        anew, run = timed(lambda: mine(corpus, knowledge, options, quiet))
        cached, _ = timed(lambda: mine(corpus, knowledge, options, quiet))
        nothing, same = timed(lambda: unchanged(corpus, knowledge, options))
        line("mine: anew / again with caches", anew, cached)
        line("mine: anew / seeing that nothing changed", anew, nothing)
        print(
            f"{'  posts a second, anew':58} {run.counts['posts'] / anew:8.1f}   unchanged: {same}"
        )

        phrases = [normalise(claim.phrase) for claim in knowledge.claims()]
        encoder = load()
        each, _ = timed(lambda: encoder.encode(phrases))
        once, _ = timed(lambda: encoder.encode(sorted(set(phrases))))
        line(f"vectors: per claim ({len(phrases)}) / per phrase ({len(set(phrases))})", each, once)


if __name__ == "__main__":
    main()
