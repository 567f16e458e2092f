"""The dashboard on a generated project: first paint, each interaction, memory; an empty page too.

    python benchmarks/dashboard.py [--claims 200000] [--themes 3000] [--folder DIR] [--times 3]

A project is made up once for a folder and used again. Times are what a reader waits for in
Chromium, from the click until the page is drawn and quiet; beside them stands the processor time of
the server, which other programs of a busy machine do not lengthen. Memory is the server's.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from miner.model import Claim, Mined, Theme

# This file's own folder would hide the package of its name.
sys.path[0] = str(Path(__file__).resolve().parents[1])

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SETTLES = 40
"""Seconds that the server has to read ahead, as while somebody reads the first page."""
FIRST, EACH, MEMORY = 3.0, 1.0, 1000
"""What is asked: seconds to the first paint, seconds of each interaction, MB."""
NOW = datetime(2026, 6, 1, tzinfo=UTC)
POSTS, SITES, AUTHORS = 10, 12, 20_000
KINDS = ("remedy", "cause", "trigger", "diagnosis")
CONDITIONS = ("achilles", "plantar_fasciitis", "low_back", "labral_tear", "runners_knee", "fai",
              "tennis_elbow", "itb", "shin_splints", "sciatica")  # fmt: skip
OUTCOMES = ("helped", "helped", "no_effect", "worse", "mixed", "unknown")
WHO = ("self", "self", "self", "self", "advice", "question", "other")
FIRSTS = ("slow", "heavy", "cold", "warm", "quick", "raised", "seated", "long", "short",
          "loose", "tight", "deep", "double", "morning", "evening", "weekly", "gentle",
          "hard")  # fmt: skip
SECONDS = ("heel", "hip", "calf", "back", "knee", "shoulder", "desk", "bike", "running", "sleep",
           "swim", "stair", "hill", "foot", "wrist", "neck", "core", "glute")  # fmt: skip
THIRDS = ("drops", "stretches", "pads", "wraps", "walks", "loads", "baths", "rolls", "shoes",
          "lifts", "rests", "drills")  # fmt: skip


# --- the project -------------------------------------------------------------------------------


def build(path: Path, claims: int, themes: int) -> None:
    """Writes a project of so many claims and themes: two claims a post, ten posts a thread."""
    from crawler.corpus import Corpus
    from crawler.database import open_database
    from crawler.documents import Post, Source, Thread
    from miner.knowledge import Knowledge, Run

    draw = np.random.default_rng(11)
    chance = 1 / np.arange(6, themes + 6)
    chosen = draw.choice(themes, size=claims, p=chance / chance.sum())
    engine = open_database(str(path))
    corpus = Corpus(engine)
    found: list[Claim] = []
    theme_of: dict[str, str] = {}
    for number in range(claims // (2 * POSTS)):
        site = f"forum{number % SITES}.example"
        url = f"https://{site}/t/{number}"
        posts = []
        for place in range(POSTS):
            n = number * POSTS + place
            author = f"m_{int(draw.integers(AUTHORS)):010x}"
            written = NOW - timedelta(hours=int(draw.integers(24 * 365 * 6)))
            texts = [_sentence(int(chosen[2 * n + half]), n) for half in (0, 1)]
            post = Post(
                id=str(place), number=place + 1, text=" ".join(texts), author=author,
                written=written, url=f"{url}#p{place}",
            )  # fmt: skip
            posts.append(post)
            for half in (0, 1):
                theme = int(chosen[2 * n + half])
                start = 0 if half == 0 else len(texts[0]) + 1
                claim = _claim(post, url, texts[half], start, (theme, n), draw)
                found.append(claim)
                theme_of[claim.id] = _id(theme)
        source = Source(url=url, site=site, fetched=NOW, engine="discourse")
        corpus.add(Thread(source=source, title=f"Thread {number}", posts=tuple(posts)))
    run = Run(
        started=NOW, finished=NOW, fingerprint="f", settings_hash="0" * 16,
        models={"claims": "invented"},
        counts={"threads": claims // (2 * POSTS), "posts": claims // 2, "articles": 0},
    )  # fmt: skip
    knowledge = Knowledge(engine)
    mined = _mined(found, theme_of, themes)
    done = knowledge.replace(run, mined)
    _index(engine, done.id or 0, mined)
    engine.dispose()


def _id(theme: int) -> str:
    return f"{KINDS[theme % 4][:3]}-{theme:06x}"


def _name(theme: int) -> str:
    first, rest = theme % len(FIRSTS), theme // len(FIRSTS)
    second, rest = rest % len(SECONDS), rest // len(SECONDS)
    return f"{FIRSTS[first]} {SECONDS[second]} {THIRDS[rest % len(THIRDS)]}"


def _phrase(theme: int, n: int) -> str:
    """What a member calls it: one of twenty wordings."""
    return f"{_name(theme)} {LAST[n % len(LAST)]}".rstrip()


LAST = ("", "twice", "daily", "barefoot", "at home", "at work", "with a band", "in the morning",
        "at night", "before a run", "after a run", "for weeks", "for months", "on a step",
        "on one leg", "with weight", "slowly", "in the pool", "outdoors",
        "by the book")  # fmt: skip


def _sentence(theme: int, n: int) -> str:
    return f"After week {n % 50} of {_phrase(theme, n)} the pain was not what it had been before."


def _claim(
    post: Any, url: str, text: str, start: int, what: tuple[int, int], draw: np.random.Generator
) -> Claim:
    from miner.model import Claim, Quote

    theme, phrase = what[0], _phrase(*what)
    return Claim(
        kind=KINDS[theme % 4],  # type: ignore[arg-type]
        phrase=phrase,
        phrase_start=start + text.index(phrase),
        quote=Quote(document=url, part=post.id, start=start, text=text),
        author=post.author,
        written=post.written,
        experiencer=WHO[int(draw.integers(len(WHO)))],  # type: ignore[arg-type]
        outcome=OUTCOMES[int(draw.integers(len(OUTCOMES)))],  # type: ignore[arg-type]
        condition=CONDITIONS[int(draw.integers(len(CONDITIONS)))],
        confidence=round(float(draw.uniform(0.3, 1)), 2),
    )


def _mined(found: list[Claim], theme_of: dict[str, str], themes: int) -> Mined:
    from miner.counts import tally
    from miner.model import Contradiction, Evidence, Gap, Grade, Mined, Theme

    own: dict[str, list[Claim]] = {_id(n): [] for n in range(themes)}
    for claim in found:
        own[theme_of[claim.id]].append(claim)
    made: list[Theme] = []
    evidence: list[Evidence] = []
    grades: list[Grade] = []
    for n, (key, claims) in enumerate(own.items()):
        counted = tally(claims)
        conditions = sorted({c.condition for c in claims if c.condition})
        made.append(
            Theme(
                id=key, kind=KINDS[n % 4],  # type: ignore[arg-type]
                name=_name(n), claims=tuple(c.id for c in claims), tally=counted,
                conditions=tuple(conditions),
                related=tuple(_id((n + k) % themes) for k in (1, 2, 3)),
            )
        )  # fmt: skip
        if n % 3 == 0:
            trial = Evidence(
                theme=key, source_type="study", direction="supports", quote=None, design="rct",
                n=40 + n, study=f"10.1234/i.{n}", doi=f"10.1234/i.{n}", year=2000 + n % 26,
                title=f"Invented trial {n}. Journal of Inventions.", finding="Less pain.",
            )  # fmt: skip
            evidence.append(trial)
        best = (trial.id,) if n % 3 == 0 else ()
        for condition in (None, *conditions[:3]):
            status = "supported" if best else "not_searched"
            sure, level = ("low", 2) if best else (None, None)
            grade = Grade(theme=key, condition=condition, level=level, status=status,
                          certainty=sure, best=best)  # fmt: skip
            grades.append(grade)
    gaps = [
        Gap(theme=_id(n), type="uncovered", score=80 - n / 10, parts={"authors": 80 - n / 10},
            reasons=("many authors, in no article",))
        for n in range(min(400, themes)) if n % 3
    ]  # fmt: skip
    disputes = [
        Contradiction(
            theme=key, type="members", reason="Members say opposite things.",
            supporting=tuple(c.id for c in own[key] if c.outcome == "helped")[:20],
            opposing=tuple(c.id for c in own[key] if c.outcome == "worse")[:20],
        )
        for key in [_id(n) for n in range(0, min(400, themes), 4)]
    ]  # fmt: skip
    return Mined(
        claims=tuple(found), theme_of=theme_of, themes=tuple(made), evidence=tuple(evidence),
        grades=tuple(grades), gaps=tuple(gaps), contradictions=tuple(disputes),
    )  # fmt: skip


def _index(engine: Any, run: int, mined: Mined) -> None:
    """The search index with vectors drawn by lot, for the model that reads questions by default."""
    from miner.embed import DEFAULT
    from miner.index import BLOCK, Index
    from miner.passages import passages

    found = list(passages(mined))
    texts = list(dict.fromkeys(entry.meaning for one in found for entry in one.entries))
    rows = np.random.default_rng(5).standard_normal((len(texts), 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    blocks = [rows[n : n + BLOCK].astype(np.float16) for n in range(0, len(texts), BLOCK)]
    Index(engine).replace(run, DEFAULT, found, texts, blocks)


# --- measuring ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One thing a reader does, and what is drawn then."""

    name: str
    act: Callable[[Page, str], object]
    seen: str
    """Text that is drawn at last."""


def go(path: str) -> Callable[[Page, str], object]:
    """Opens an address."""
    return lambda page, base: page.goto(f"{base}/{path}", wait_until="commit")


def menu(section: str, name: str) -> Callable[[Page, str], object]:
    """Goes to a page by the navigation."""

    def act(page: Page, _base: str) -> None:
        page.get_by_test_id("stTopNavSection").filter(has_text=section).first.click()
        page.get_by_role("menuitem", name=name, exact=True).click()

    return act


def choose(label: str, option: str) -> Callable[[Page, str], object]:
    """Chooses an option of a select box."""

    def act(page: Page, _base: str) -> None:
        page.get_by_label(label, exact=True).first.click()
        page.get_by_role("option", name=option, exact=True).first.click()

    return act


def write(label: str, text: str) -> Callable[[Page, str], object]:
    """Types into a field."""

    def act(page: Page, _base: str) -> None:
        page.get_by_label(label, exact=True).fill(text)
        page.keyboard.press("Enter")

    return act


def press(name: str) -> Callable[[Page, str], object]:
    """Presses a button, a pill or a tab whose name begins so."""

    def act(page: Page, _base: str) -> None:
        begins = re.compile(f"^{re.escape(name)}")
        found = page.get_by_role("button", name=begins)
        for role in ("radio", "tab"):
            found = found.or_(page.get_by_role(role, name=begins))
        found.first.click()

    return act


STEPS = (
    Step("Themes, by the menu", menu("Look", "Themes"), "themes of"),
    Step("only remedies", press("Remedies"), "750 themes of"),
    Step("words typed", write("Words in the name or the claims", "heel drops"), "themes of"),
    Step("one condition", choose("Condition", "Low back"), "themes of"),
    Step("from three authors on", choose("Authors of a theme", "3 or more"), "themes of"),
    Step("Evidence map", menu("Look", "Evidence map"), "The same numbers as a table"),
    Step("Talk and evidence", menu("Look", "Talk and evidence"), "The same numbers as a table"),
    Step("Contradictions", menu("Look", "Contradictions"), "Where one side says"),
    Step("Gaps", menu("Write", "Gaps"), "The gaps"),
    Step("all conditions again", choose("Condition", "All conditions"), "The gaps"),
    Step("Theme map", menu("Look", "Theme map"), "The same numbers as a table"),
    Step("Search", menu("Look", "Search"), "Type a few words"),
    Step("a search", write("Words to look for", "raised heel"), "the likeliest first"),
    Step("Review", menu("Check", "Review"), "Judge what the miner"),
    Step("Sources", menu("Check", "Sources"), "Sites"),
    Step("Runs", menu("Check", "Runs and quality"), "In and out"),
    Step("Methods", menu("Check", "Methods"), "Levels of evidence"),
    Step("Overview", menu("Look", "Overview"), "Most talked about"),
)
THEME_STEPS = (
    Step("quotes of one stance", press("Helped"), "one entry each"),
    Step("Evidence of the theme", press("Evidence"), "Journal of Inventions"),
    Step("Trend", press("Trend"), "Distinct authors by quarter"),
    Step("Related", press("Related"), "→"),
)


def settled(page: Page, seen: str) -> None:
    """Waits until the text is drawn and the page is quiet."""
    page.get_by_test_id("stMain").get_by_text(seen).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def timed(page: Page, base: str, step: Step, process: int) -> tuple[float, float]:
    """Seconds from the click until it is drawn, and of the server's processor meanwhile."""
    began, before = time.monotonic(), processor(process)
    step.act(page, base)
    settled(page, step.seen)
    return time.monotonic() - began, processor(process) - before


def processor(process: int) -> float:
    """Seconds of processor that a process has had."""
    import psutil  # type: ignore[import-untyped, unused-ignore]

    used = psutil.Process(process).cpu_times()
    return float(used.user + used.system)


def memory(process: int) -> float:
    """MB of a process and of those it started."""
    import psutil  # type: ignore[import-untyped, unused-ignore]

    family = [psutil.Process(process)]
    family += family[0].children(recursive=True)
    return float(sum(one.memory_info().rss for one in family)) / 1e6


@contextmanager
def empty_page(folder: Path) -> Iterator[tuple[str, int]]:
    """An empty Streamlit page: address and process."""
    script = folder / "empty.py"
    script.write_text("import streamlit as st\nst.title('Empty')\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1",
             "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *flags],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(f"{base}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield base, process.pid
    finally:
        process.terminate()
        process.wait()


def line(name: str, found: list[tuple[float, float]], most: float) -> bool:
    """Prints a row; whether the median keeps to what is asked."""
    middle = statistics.median(waited for waited, _ in found)
    work = statistics.median(work for _, work in found)
    mark = "" if middle <= most else f"   above {most:g} s"
    print(f"{name:40} {middle:6.2f} s  (processor {work:5.2f} s){mark}", flush=True)
    return middle <= most


def measure(database: Path, folder: Path, times: int, busiest: str) -> bool:
    """Prints all; whether everything keeps to what is asked."""
    from playwright.sync_api import sync_playwright

    from dashboard.serve import start

    fine = True
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def page() -> Page:
            fresh = browser.new_context(viewport={"width": 1400, "height": 1200}).new_page()
            fresh.set_default_timeout(120_000)
            return fresh

        with empty_page(folder) as (base, process):
            empty = Step("", go(""), "Empty")
            began = [timed(page(), base, empty, process) for _ in range(times + 1)]
            line("an empty page, first visit", began[:1], FIRST)
            line("an empty page, later visits", began[1:], FIRST)
            print(f"{'an empty page, memory':40} {memory(process):6.0f} MB")
        with start(str(database), 0) as server:
            reader, overview = page(), Step("", go(""), "Most talked about")

            def one(step: Step, by: Page = reader) -> tuple[float, float]:
                return timed(by, server.address, step, server.process.pid)

            fine &= line("Overview, first visit", [one(overview)], FIRST)
            time.sleep(SETTLES)
            for step in STEPS:
                fine &= line(step.name, [one(step)], EACH)
            later = [one(overview, page()) for _ in range(times)]
            fine &= line("Overview, later visits", later, FIRST)
            theme = Step("", go(f"theme?theme={busiest}"), "What members report")
            fine &= line("the largest theme, by its address", [one(theme)], FIRST)
            for step in THEME_STEPS:
                fine &= line(step.name, [one(step)], EACH)
            used = memory(server.process.pid)
            print(f"{'memory of the server':40} {used:6.0f} MB  (asked: {MEMORY})")
            fine &= used < MEMORY
        browser.close()
    return fine


def main() -> int:
    """Exit code 0 where all keeps to what is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=200_000)
    parser.add_argument("--themes", type=int, default=3_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = asked.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        database = folder / f"dashboard-{asked.claims}-{asked.themes}.db"
        if not database.exists():
            part = database.with_suffix(".part.db")
            for old in folder.glob(f"{part.name}*"):
                old.unlink()
            began = time.monotonic()
            build(part, asked.claims, asked.themes)
            part.rename(database)
            print(f"made {asked.claims:,} claims in {time.monotonic() - began:.0f} s", flush=True)
        return 0 if measure(database, folder, asked.times, _id(0)) else 1


if __name__ == "__main__":
    sys.exit(main())
