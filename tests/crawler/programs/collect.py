"""Crawls in processes of their own, so that they can be killed: one for each line on stdin.

A line is `URL FOLDER`. The answer is the process id, then `over` when it ended; how the crawl
ended stands in `FOLDER/status` then, unless it was killed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The frontier is loaded late by the crawl; here each process would load it anew.
import crawler.frontier
import crawler.visit  # noqa: F401
from crawler.corpus import Corpus
from crawler.crawl import crawl
from crawler.database import open_database
from crawler.sites import Site


def collect(url: str, folder: Path) -> None:
    store = Corpus(open_database(f"sqlite:///{folder / 'corpus.db'}"))
    site = Site(start=(url,), delay=0, audit=0)
    report = crawl([site], store, key=b"k" * 32, user_agent="folkgrade/0.0 (+https://c.example)")
    (folder / "status").write_text(report.status)


def main() -> None:
    for line in sys.stdin:
        url, folder = line.split()
        pid = os.fork()
        if not pid:
            collect(url, Path(folder))
            os._exit(0)
        say(str(pid))
        os.waitpid(pid, 0)
        say("over")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
