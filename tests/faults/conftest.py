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
import sqlalchemy as sa

from console.project import Project, make_project
from crawler.database import open_database
from crawler.page import Page

FILE = 'database = "data/folkgrade.db"'
"""What the settings of a new project say."""
PROGRAM = Path(__file__).parent / "programs" / "faulty.py"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of a command."""

    code: int
    kinds: list[str]
    """Of each point what becomes lasting there: a `file`, a `name`, or something on a `server`."""
    out: str
    err: str

    @property
    def points(self) -> int:
        """Points at which it could be killed; none where it was."""
        return len(self.kinds)


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


def to_mine(folder: Path, run: Run) -> Path:
    """A project that was mined, with kept pages, and with news since."""
    for name, words in (("old", threads(1, 2)), ("news", threads(3))):
        (folder / f"{name}.jsonl").write_text(words)
        assert run("import", folder / f"{name}.jsonl", "-p", folder).code == 0
        assert name == "news" or run("mine", "--fast", "-p", folder).code == 0
    with Project(folder).vault.raw() as kept:
        for number in (1, 2, 3):
            url = f"https://rows.example/t/{number}"
            kept.keep(Page(url=url, text=f"<p>By Old_Bert and others: {number}.", fetched=NOON))
    return folder


def on_server(folder: Path, address: str) -> Path:
    """The project, its database at that address."""
    settings = folder / "folkgrade.toml"
    text = settings.read_text()
    assert FILE in text
    settings.write_text(text.replace(FILE, f'database = "{address}"'))
    return folder


@pytest.fixture(scope="session")
def mined(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was mined, with kept pages, and with news since; tests work on copies."""
    folder = tmp_path_factory.mktemp("mined") / "heels"
    make_project(folder)
    return to_mine(folder, run)


@pytest.fixture(scope="session")
def served(
    run: Run, postgres: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Such a project with its database on a server, and SQL that puts all rows back."""
    folder = tmp_path_factory.mktemp("served") / "heels"
    make_project(folder)
    to_mine(on_server(folder, postgres()), run)
    return folder, _kept(Project(folder).database)


def _kept(address: str) -> str:
    """SQL that makes the rows of all tables of a schema what they are now."""
    engine = open_database(address)
    with engine.begin() as connection:
        names = sa.inspect(connection).get_table_names()
        schema = connection.scalar(sa.select(sa.func.current_schema()))
        connection.exec_driver_sql(f"CREATE SCHEMA kept_{schema}")
        for name in names:
            connection.exec_driver_sql(f'CREATE TABLE kept_{schema}."{name}" AS TABLE "{name}"')
    engine.dispose()
    # A row may belong to one that is not there yet.
    rows = "".join(
        f'DELETE FROM "{n}"; INSERT INTO "{n}" TABLE kept_{schema}."{n}";' for n in names
    )
    return f"SET LOCAL session_replication_role = replica; {rows}"


@pytest.fixture
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path]:
    """Makes a fresh copy of the mined project, always at the same place.

    Its database is a file, or where a test says so (`both`) on a server.
    """
    there = getattr(request, "param", "sqlite") == "postgresql"
    asked = request.getfixturevalue
    mined, rows = asked("served") if there else (asked("mined"), "")

    def copy() -> Path:
        shutil.rmtree(tmp_path / "p", ignore_errors=True)
        if rows:
            engine = open_database(Project(mined).database)
            with engine.begin() as connection:
                connection.exec_driver_sql(rows)
            engine.dispose()
        return Path(shutil.copytree(mined, tmp_path / "p"))

    return copy


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path]:
    """Makes a fresh project in which nothing is collected, always with the same key.

    Its database is a file, or where a test says so (`both`) on a server.
    """
    there = getattr(request, "param", "sqlite") == "postgresql"
    address = request.getfixturevalue("postgres")() if there else ""

    def begin() -> Path:
        folder = tmp_path / "p"
        shutil.rmtree(folder, ignore_errors=True)
        make_project(folder)
        if address:
            engine = open_database(Project(on_server(folder, address)).database)
            schema = address.rpartition("%3D")[2]
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")
            engine.dispose()
        (folder / "data" / "pseudonyms.key").write_bytes(b"k" * 32)
        (folder / "data" / "pseudonyms.key").chmod(0o600)
        return folder

    return begin
