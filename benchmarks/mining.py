"""Time and memory of each step from files to conclusions: `mining.py [--sizes 1000 10000]`.

For each number of posts an invented forum is written as a Reddit-shaped `.zst` (or as lines of our
own form, `--lines`), with articles and studies, imported and mined; then 1 % more posts come, and
it is mined again. Every size and every command has processes of its own. Told are seconds,
seconds of processors (work, which other programs on the machine hardly change), most memory of all
processes of the command together while the step ran, and both as powers of the number of posts
between one size and the next; also the exponent of Heaps' law of the text beside that of
posts of real people, and of the phrases that were read.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import forum
from console.project import Project, make_project, options_of

REAL = {
    "456 posts of Reddit and of sites where drugs are rated, 90,000 words": 0.57,
    "4,143 drug reviews, 490,000 words": 0.52,
}
"""Exponents of real texts: the slope of the upper half of the curve, as for the invented one."""
PAGE, TICKS = os.sysconf("SC_PAGE_SIZE") / 2**20, os.sysconf("SC_CLK_TCK")
LEAST = 0.1
"""Seconds of work below which no exponent is told."""
EVERY = 0.05
"""Seconds between two looks at the memory."""
TEXT_FOR_CURVE = 5_000
"""Posts whose words are counted for the exponent."""
STEPS = ("make", "import", "mine", "import more", "mine more")


class Meter:
    """Seconds, seconds of processors, and most memory of this process and its children, by step."""

    def __init__(self) -> None:
        """Begins to look."""
        self.steps: dict[str, dict[str, float]] = {}
        self._step, self._since, self._worked = "", time.perf_counter(), 0.0
        self._ended = threading.Event()
        self._looker = threading.Thread(target=self._look, daemon=True)
        self._looker.start()

    def enter(self, step: str) -> None:
        """From now on time and memory are of this step."""
        now, (memory, worked) = time.perf_counter(), family()
        self._note(memory)
        last = self.steps[self._step]
        last["seconds"] = last.get("seconds", 0.0) + now - self._since
        last["work"] = last.get("work", 0.0) + worked - self._worked
        self._step, self._since, self._worked = step, now, worked

    def told(self) -> dict[str, dict[str, float]]:
        """Seconds, work and MiB by step; stops looking."""
        self.enter("")
        self._ended.set()
        self._looker.join()
        self.steps.pop("", None)
        return {
            step: {name: round(value, 2) for name, value in told.items()}
            for step, told in self.steps.items()
        }

    def _look(self) -> None:
        while not self._ended.wait(EVERY):
            self._note(family()[0])

    def _note(self, memory: float) -> None:
        told = self.steps.setdefault(self._step, {})
        told["MiB"] = max(memory, told.get("MiB", 0.0))


def family() -> tuple[float, float]:
    """MiB and seconds of processors of this process and its children, living and ended ones.

    Of the children's memory that which they share with nobody: programs and weights count once.
    """
    memory = work = 0.0
    waiting = [os.getpid()]
    while waiting:
        one = Path(f"/proc/{waiting.pop()}")
        with contextlib.suppress(OSError, ValueError):
            pages = [int(word) for word in one.joinpath("statm").read_text().split()]
            times = one.joinpath("stat").read_text().rpartition(")")[2].split()[11:15]
            memory += (pages[1] - (pages[2] if work else 0)) * PAGE
            work += sum(map(int, times)) / TICKS
            for task in one.joinpath("task").iterdir():
                waiting += map(int, task.joinpath("children").read_text().split())
    return memory, work


# --- the steps, each in a process of its own -----------------------------------------------------


def make(folder: Path, posts: int, *, lines: bool, papers: bool) -> dict[str, Any]:
    """Writes the files of a forum, and of 1 % more."""
    text = forum.Forum()
    name = "posts.jsonl" if lines else "posts.zst"
    write = forum.write_lines if lines else forum.write_dump
    more = max(1, posts // 100)
    begun = time.perf_counter()
    size = write(folder / name, text.posts(posts))
    spent = time.perf_counter() - begun
    write(folder / f"more-{name}", text.posts(more, first_thread=posts))
    if papers:
        rows = (json.dumps(row) + "\n" for row in forum.articles(text, max(1, posts // 1_000)))
        (folder / "articles.jsonl").write_text("".join(rows))
        (folder / "studies.ris").write_text("".join(forum.studies(text, max(5, posts // 500))))
    sample = (post.text for post in islice(text.posts(posts), TEXT_FOR_CURVE))
    points = forum.curve(forum.words_of(sample))
    return {
        "steps": {"write": {"seconds": round(spent, 2), "work": 0, "MiB": 0}},
        "characters": size,
        "words": points[-1][0],
        "different": points[-1][1],
        "words exponent": round(forum.exponent(points[len(points) // 2 :]), 3),
    }


def import_(folder: Path, *, more: bool) -> dict[str, Any]:
    """Takes the files in, as `folkgrade import` does."""
    from crawler.files import Homes, Request
    from crawler.intake import take_in

    if not more:
        make_project(folder)
    here = Project(folder)
    files = sorted(folder.glob("more-posts.*" if more else "[aps][rot][tsu]*.*"))
    meter = Meter()
    meter.enter("import")
    corpus = here.corpus()
    wanted = Request(fetched=datetime(2026, 1, 1, tzinfo=UTC), home=Homes(corpus))
    with here.vault.intake() as intake:
        for account in take_in(files, wanted, intake):
            if account.failure or not account.documents:
                raise SystemExit(f"{account}")
    told = meter.told()
    return {"steps": told, "posts": sum(site.posts for site in corpus.sites())}


def mine(folder: Path, engine: str, *, more: bool) -> dict[str, Any]:
    """Mines what was imported, as `folkgrade mine` does."""
    from miner.clock import Clock
    from miner.pipeline import mine as mined

    here = Project(folder)
    meter = Meter()
    meter.enter("opening")
    corpus, knowledge = here.stores()

    def entered(stage: str) -> None:
        meter.enter(stage or "between")

    run = mined(corpus, knowledge, options_of(here, engine), _silent, Clock(entered))
    told = meter.told()
    return {"steps": told, "counts": dict(run.counts)} | ({} if more else phrases(knowledge))


def phrases(knowledge: Any) -> dict[str, Any]:
    """How many different phrases the claims have, and how fast these grow."""
    from miner.phrases import normalise

    said = (normalise(claim.phrase) for _, claim in knowledge.each_claim(by="document"))
    points = forum.curve(said, first=100)
    return {
        "phrases": points[-1][1],
        "phrases exponent": round(forum.exponent(points[len(points) // 2 :]), 3),
    }


def _silent(_stage: str, _done: int, _total: int | None) -> None:
    pass


# --- sizes side by side --------------------------------------------------------------------------


def measured(posts: int, asked: argparse.Namespace) -> dict[str, Any]:
    """All steps of one size, each in its own process."""
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        found: dict[str, Any] = {"posts": posts}
        for step in STEPS:
            begun = time.perf_counter()
            found[step] = alone(step, folder, posts, asked)
            found[step]["seconds"] = round(time.perf_counter() - begun, 2)
            print(f"{posts:>9,} posts: {step}, {found[step]['seconds']:.1f} s", file=sys.stderr)
        found["MiB on disk"] = round(
            sum(f.stat().st_size for f in (Path(folder) / "data").rglob("*")) / 2**20
        )
        return found


def alone(step: str, folder: str, posts: int, asked: argparse.Namespace) -> dict[str, Any]:
    """What a step told, done in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mining", "--step", step, "--folder", folder]
    command += ["--sizes", str(posts), "--engine", asked.engine]
    command += ["--lines"] * asked.lines + ["--no-papers"] * asked.no_papers
    place = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=place)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def one_step(step: str, asked: argparse.Namespace) -> dict[str, Any]:
    """What the step of that name tells."""
    folder, more = Path(asked.folder), step.endswith("more")
    if step == "make":
        return make(folder, asked.sizes[0], lines=asked.lines, papers=not asked.no_papers)
    if step.startswith("import"):
        return import_(folder, more=more)
    return mine(folder, asked.engine, more=more)


def rows(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The table a person reads: a row for each step, three columns for each size."""
    yield f"{'':20}" + "".join(f"{one['posts']:>21,} posts" for one in found)
    yield (
        f"{'':20}"
        + f"{'seconds':>11}{'work':>9}{'MiB':>7}" * len(found)
        + ("   powers: work, MiB" if len(found) > 1 else "")
    )
    for step in STEPS[1:]:
        yield _row(step, [(one["posts"], summed(one[step])) for one in found])
        names = dict.fromkeys(name for one in found for name in one[step]["steps"])
        for name in names if len(names) > 1 else ():
            parts = [(one["posts"], one[step]["steps"].get(name, _NONE)) for one in found]
            yield _row(f"  {name}", parts)


_NONE = {"seconds": 0.0, "work": 0.0, "MiB": 0.0}


def summed(step: Mapping[str, Any]) -> dict[str, float]:
    """Seconds and work of all parts of a step; the most memory of any."""
    parts = step["steps"].values()
    told = {name: sum(part[name] for part in parts) for name in ("seconds", "work")}
    return told | {"MiB": max(part["MiB"] for part in parts)}


def _row(name: str, told: Sequence[tuple[int, Mapping[str, float]]]) -> str:
    """One step: figures of each size, then powers of the posts from each size to the next."""
    said = [f"{one['seconds']:>11.2f}{one['work']:>9.2f}{one['MiB']:>7,.0f}" for _, one in told]
    powers = [
        f"{_power(n, more, one['work'], other['work'])}{_power(n, more, one['MiB'], other['MiB'])}"
        for (n, one), (more, other) in pairwise(told)
    ]
    return f"{name:20}" + "".join(said) + "  " + " ".join(powers)


def _power(few: int, many: int, one: float, other: float) -> str:
    """The exponent between two sizes; of what takes next to no time there is none."""
    if min(one, other) < LEAST:
        return f"{'-':>6}"
    return f"{forum.exponent([(few, one), (many, other)]):>6.2f}"


def also(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What else there is to say of each size."""
    for one in found:
        full = sum(summed(one[step])["work"] for step in ("import", "mine"))
        more = sum(summed(one[step])["work"] for step in ("import more", "mine more"))
        counts, made = one["mine"]["counts"], one["make"]
        yield (
            f"{one['posts']:,} posts: {counts['claims']:,} claims of {one['mine']['phrases']:,} "
            f"phrases (exponent {one['mine']['phrases exponent']}), {counts['themes']:,} themes, "
            f"{counts['questions']:,} questions, {counts['evidence']:,} evidence, "
            f"{one['MiB on disk']:,} MiB on disk; 1 % more costs {more / full:.1%} of the work"
        )
        yield (
            f"  text: {made['words']:,} words counted, {made['different']:,} different, exponent "
            f"{made['words exponent']}; real posts: "
            + ", ".join(f"{value} ({name})" for name, value in REAL.items())
        )


def main() -> None:
    """Measures and tells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000], help="posts")
    parser.add_argument("--engine", default="fast", help="what reads claims: fast or offline")
    parser.add_argument("--lines", action="store_true", help="lines of our own form, not a dump")
    parser.add_argument("--no-papers", action="store_true", help="no articles, no studies")
    parser.add_argument("--folder", help="where the projects are made for the time")
    parser.add_argument("--json", type=Path, help="for all figures; sizes in it are shown")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        print(json.dumps(one_step(asked.step, asked)))
        return
    known = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else []
    by_size = {one["posts"]: one for one in known}
    for posts in asked.sizes:
        by_size[posts] = measured(posts, asked)
        if asked.json:
            asked.json.write_text(json.dumps(list(by_size.values()), indent=1) + "\n")
    found = [by_size[posts] for posts in sorted(by_size)]
    print("\n".join([*rows(found), *also(found)]))


if __name__ == "__main__":
    main()
