"""Commands in processes of their own, with faults, and a small project to let them loose on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.project import Project, make_project
from crawler.page import Page

PROGRAM = Path(__file__).parent / "programs" / "faulty.py"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of a command."""

    code: int
    points: int
    out: str
    err: str


Run = Callable[..., Ended]


def threads(*numbers: int) -> str:
    """Invented threads as lines of JSON; each but the first names a member of the next."""
    remedies = "heel drops", "ice", "calf raises", "flat shoes"
    outcomes = "helped a lot", "made it worse", "did nothing for me"
    texts = [
        f"I tried {remedy} for my sore heel and it {outcomes[n % 3]}."
        for n, remedy in enumerate(remedies * 3)
    ]
    rows = [
        {
            "kind": "thread",
            "url": f"https://rows.example/t/{number}",
            "title": f"Sore heel, as Wanda{number + 1} has it",
            "posts": [
                {"id": str(n), "author": f"Wanda{number}" if n else "Old_Bert", "text": text}
                for n, text in enumerate(texts)
            ],
        }
        for number in numbers
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """Types a command in a process of its own, with a fault; see `programs/faulty.py`."""
    environment = os.environ | {
        "FOLKGRADE_MINE__EMBEDDER": "tfidf",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(PROGRAM.parents[3]),
    }
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(PROGRAM)], env=environment, **pipes) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(threads(1))

        def typed(*words: object, **fault: object) -> Ended:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(json.dumps({"words": [*map(str, words)], "fault": fault}) + "\n")
            server.stdin.flush()
            return Ended(**json.loads(server.stdout.readline()))

        yield typed
        server.stdin.close()


@pytest.fixture(scope="session")
def mined(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was mined, with kept pages, and with news since; tests work on copies."""
    folder = tmp_path_factory.mktemp("mined") / "heels"
    make_project(folder)
    for name, words in (("old", threads(1, 2)), ("news", threads(3))):
        (folder / f"{name}.jsonl").write_text(words)
        assert run("import", folder / f"{name}.jsonl", "-p", folder).code == 0
        assert name == "news" or run("mine", "--fast", "-p", folder).code == 0
    with Project(folder).vault.raw() as kept:
        for number in (1, 2, 3):
            url = f"https://rows.example/t/{number}"
            kept.keep(Page(url=url, text=f"<p>By Old_Bert and others: {number}.", fetched=NOON))
    return folder


@pytest.fixture
def copied(mined: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a fresh copy of the mined project, always at the same place."""

    def copy() -> Path:
        shutil.rmtree(tmp_path / "p", ignore_errors=True)
        return Path(shutil.copytree(mined, tmp_path / "p"))

    return copy
