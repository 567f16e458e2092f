"""Crawl, mine and dashboard at the same time on one project: each sees whole runs, none fails."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.replica.server import serve
from dashboard.serve import start as start_dashboard
from miner.knowledge import Knowledge

Start = Callable[..., list[subprocess.Popen[str]]]

CRAWLER = """
from crawler.corpus import Corpus
from crawler.crawl import crawl
from crawler.database import open_database
from crawler.sites import Site
corpus = Corpus(open_database(sys.argv[2]))
ready()
sites = [Site(start=(sys.argv[3],), delay=0.02, max_pages=12)]
print(crawl(sites, corpus, key=bytes.fromhex(sys.argv[4]), user_agent="folkgrade-test").status)
"""

MINER = """
from pathlib import Path
from crawler.corpus import Corpus
from crawler.database import open_database
from miner.knowledge import Knowledge
from miner.pipeline import Options, mine
engine = open_database(sys.argv[2])
corpus, knowledge = Corpus(engine), Knowledge(engine)
options = Options(engine="fast", embedder="tfidf", processes=1)
ready()
runs = 0
while not Path(sys.argv[3]).exists() or runs < 2:
    mine(corpus, knowledge, options, lambda *_: None)
    runs += 1
print(runs)
"""

READER = '''
import time
from pathlib import Path
from crawler.corpus import Corpus
from crawler.database import open_database, still
from miner.current import Current
from miner.index import Index
from miner.search import Asked, find

def torn(engine):
    """What of a run does not go with the rest of it."""
    corpus, knowledge, index = Corpus(engine), Current(engine), Index(engine)
    run, themes, claims = knowledge.last_run(), knowledge.themes(), knowledge.claims()
    if run is None:
        return themes or claims, 0
    mark, shelf = index.mark(), index.shelf()
    asked = Asked(text="running hurts my heel", mode="words")
    rows = [hit.row for hit in find(asked, shelf, index.ranked, None).hits]
    shown = index.shown(rows[:20])
    known = {theme.id for theme in themes}
    ids = {claim.id for claim in claims}
    fits = {
        "claims": run.counts["claims"] == len(claims),
        "themes": run.counts["themes"] == len(themes),
        "evidence": run.counts["evidence"] == len(knowledge.evidence()),
        "gaps": {gap.theme for gap in knowledge.gaps()} <= known,
        "grades": {grade.theme for grade in knowledge.grades()} <= known,
        "claims of themes": all(ids.issuperset(theme.claims) for theme in themes),
        "index": mark is not None and mark.run == run.id,
        "found": len(shown) == len(rows[:20]),
        "refs": all(ref in ids for s in shown if s.type == "quote" for ref, _ in s.entries),
        "posts": all(
            len(document.posts) == len(set(post.id for post in document.posts))
            for document in corpus.documents() if hasattr(document, "posts")
        ),
    }
    return [what for what, fit in fits.items() if not fit], run.id

engine = open_database(sys.argv[2], read_only=True)
ready()
looks, seen = 0, set()
while not Path(sys.argv[3]).exists() or not looks:
    with still(engine) as moment:
        wrong, run = torn(moment)
    if wrong:
        print("torn", run, wrong)
        sys.exit(1)
    looks += 1
    seen.add(run)
    time.sleep(0.5)
print(looks, len(seen))
'''


def ended(process: subprocess.Popen[str]) -> str:
    """The last line of a process that must end well."""
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    return out.splitlines()[-1]


def test_readers_see_whole_runs_while_others_crawl_and_mine(
    database: str, start: Start, tmp_path: Path
) -> None:
    """Counts fit, every quote found is of that run, and nobody is told that something is locked."""
    Knowledge(Corpus(open_database(database)).engine).engine.dispose()
    crawled, mined = tmp_path / "crawled", tmp_path / "mined"
    with serve() as replica, start_dashboard(database, read_only=True) as server:
        site = replica.sites[0].url
        (reader,) = start(READER, 1, database, str(mined))
        (miner,) = start(MINER, 1, database, str(crawled))
        (crawler,) = start(CRAWLER, 1, database, site, secrets.token_bytes(32).hex())
        totals = set()
        while crawler.poll() is None:
            with urlopen(f"{server.address}/api/themes.json", timeout=60) as answer:
                totals.add(json.load(answer)["total"])
            time.sleep(0.5)
        assert ended(crawler) in ("ok", "partial")
        crawled.touch()
        runs = int(ended(miner))
        mined.touch()
        looks, different = map(int, ended(reader).split())
    engine = open_database(database)
    knowledge = Knowledge(engine)
    kept = knowledge.runs()
    assert len(kept) == runs >= 2
    # Each look was at one of the runs, or at none where none was yet.
    assert totals <= {0, *(run.counts["themes"] for run in kept)}
    assert looks >= different > 1
    assert kept[0].counts["posts"] == sum(site.posts for site in Corpus(engine).sites()) > 0
    engine.dispose()
