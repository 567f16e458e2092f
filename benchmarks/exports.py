"""Time and memory of each tabular export on many claims.

    python benchmarks/exports.py [CLAIMS] [FORMAT …]

Each export runs in a process of its own on a project that is made up for it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORMATS = ("csv", "jsonl", "parquet", "xlsx", "datapackage", "ro-crate", "refi", "html")
THEMES, POSTS = 2_000, 400
WORDS = "after some weeks of the stretch my sore heel 🎉 felt a little better in the morning,"


def build(path: Path, count: int) -> None:
    """A project of so many claims, each in a post of its own."""
    from crawler.corpus import Corpus
    from crawler.database import open_database
    from crawler.documents import Post, Source, Thread
    from miner.knowledge import Knowledge, Run
    from miner.model import Claim, Mined, Quote, Tally, Theme

    now = datetime(2026, 1, 1, tzinfo=UTC)
    engine = open_database(str(path))
    corpus, claims, theme_of = Corpus(engine), [], {}
    for number in range(count // POSTS):
        url = f"https://forum.example/t/{number}"
        posts = []
        for place in range(POSTS):
            n = number * POSTS + place
            text = f"Hello all.\r\n{WORDS} says number {n} of us all here."
            author, written = f"m_{n % 5000:010x}", now - timedelta(hours=n % 9000)
            posts.append(
                Post(id=str(place), number=place + 1, text=text, author=author, written=written)
            )
            claim = Claim(
                kind="remedy", phrase="stretch", phrase_start=text.index("stretch"),
                quote=Quote(document=url, part=str(place), start=12, text=text[12:]),
                author=author, written=written, outcome="helped", condition="achilles",
            )  # fmt: skip
            claims.append(claim)
            theme_of[claim.id] = f"rem-{n % THEMES:06d}"
        source = Source(url=url, site="forum.example", fetched=now, engine="discourse")
        corpus.add(Thread(source=source, title="Heel", posts=tuple(posts)))
    members: dict[str, list[str]] = {}
    for claim_id, theme in theme_of.items():
        members.setdefault(theme, []).append(claim_id)
    tally = Tally(helped=len(claims) // THEMES)
    themes = tuple(
        Theme(id=key, kind="remedy", name=f"stretch {key[4:]}", claims=tuple(ids), tally=tally)
        for key, ids in members.items()
    )
    run = Run(started=now, finished=now, fingerprint="f", settings_hash="made-up")
    Knowledge(engine).replace(run, Mined(claims=tuple(claims), theme_of=theme_of, themes=themes))


def export(path: Path, name: str, out: Path, quotes: str) -> None:
    """Exports in this process, and prints what it took."""
    from crawler.corpus import Corpus
    from crawler.database import open_database
    from miner.export import load
    from miner.export.archive import ending, written
    from miner.export.gather import Wanted, gather
    from miner.knowledge import Knowledge

    begun = time.perf_counter()
    engine = open_database(str(path))
    wanted = Wanted(quotes="full" if quotes == "full" else "short")
    files = list(load(name)(gather(Corpus(engine), Knowledge(engine), wanted)))
    target = written(files, out / f"{name}{ending(files)}")
    sizes = [p.stat().st_size for p in ([target] if target.is_file() else target.rglob("*"))]
    print(
        json.dumps(
            {
                "format": name,
                "quotes": quotes,
                "seconds": round(time.perf_counter() - begun, 1),
                "cpu_seconds": round(time.process_time(), 1),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "written_mb": round(sum(sizes) / 1e6, 1),
            }
        )
    )


def main() -> None:
    """Builds the project and measures each format."""
    if len(sys.argv) > 1 and sys.argv[1] == "--one":
        project, name, out, quotes = sys.argv[2:]
        export(Path(project), name, Path(out), quotes)
        return
    if len(sys.argv) > 1 and sys.argv[1] == "--build":
        build(Path(sys.argv[2]), int(sys.argv[3]))
        return
    count = sys.argv[1] if len(sys.argv) > 1 else "200000"
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "project.db")
        # In a process of its own: what this one holds would count as memory of those it starts.
        _run("--build", path, count)
        for name in sys.argv[2:] or FORMATS:
            for quotes in ("short", "full"):
                _run("--one", path, name, folder, quotes)


def _run(*words: str) -> None:
    command = [sys.executable, __file__, *words]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT), "PATH": ""})


if __name__ == "__main__":
    main()
