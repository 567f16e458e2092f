"""A whole collection in PostgreSQL: it ends as the same crawl into SQLite does."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.corpus import Corpus
from crawler.crawl import crawl
from crawler.database import open_database
from crawler.replica.server import serve
from crawler.sites import Site

pytestmark = pytest.mark.postgres


def test_a_crawl_ends_the_same_in_every_database(
    postgres: Callable[[], str], tmp_path: Path
) -> None:
    """Equal documents; the second crawl finds nothing new and asks for as little."""
    key, again, hashes = secrets.token_bytes(32), [], []
    with serve() as replica:
        sites = [Site(start=(site.url,), delay=0) for site in replica.sites[:1]]
        for address in (str(tmp_path / "c.db"), postgres()):
            corpus = Corpus(open_database(address))
            first = crawl(sites, corpus, key=key, user_agent="folkgrade-test")
            second = crawl(sites, corpus, key=key, user_agent="folkgrade-test")
            assert first.status == second.status == "ok"
            again.append(second.pages)
            hashes.append(corpus.hashes())
            corpus.engine.dispose()
    assert hashes[0] == hashes[1] != {}
    assert again[0] == again[1]
