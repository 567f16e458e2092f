"""Mining shared among the workers of a Dask scheduler: the same to the byte, whatever is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Article, Document, Post, Source, Thread
from miner import cluster, conditions, engines, partitions
from miner.crews import CREWS, NoCrew, Terms, hired
from miner.embed import load
from miner.errors import TooLarge
from miner.knowledge import Knowledge, Run
from miner.model import Claim
from miner.pipeline import Options, mine

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKERS = 4
TORTOISE = '''
import os, signal, time
from pathlib import Path
from miner import quick

class Tortoise:
    """Reads as `fast` does, at the pace asked for, and leaves a track; some titles are deadly."""

    version = "tortoise-1"

    def __init__(self):
        self.place, self.reads = Path(os.environ["TORTOISE"]), quick.extractor()

    def extract(self, document):
        with (self.place / "tracks").open("a") as tracks:
            print(os.getpid(), document.source.url, file=tracks)
        if "deadly" in document.title and os.getpid() != int(os.environ["TORTOISE_HOME"]):
            os.kill(os.getpid(), signal.SIGKILL)
        if "broken" in document.title:
            raise ValueError("a thread nobody can read")
        time.sleep(float((self.place / "pace").read_text()))
        return self.reads.extract(document)
'''
"""An engine of another package, which this process and the workers find by its entry point."""


class Place:
    """Scheduler and workers as processes of their own, and an engine that can be slowed down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tortoise-1.dist-info").mkdir()
        told = folder / "tortoise-1.dist-info"
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: tortoise\nVersion: 1\n")
        (told / "entry_points.txt").write_text(f"[{engines.GROUP}]\ntortoise = tortoise:Tortoise\n")
        (folder / "tortoise.py").write_text(TORTOISE)
        self.port = self.free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.every: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "TORTOISE": str(folder),
            "TORTOISE_HOME": str(os.getpid()),
            "PYTHONPATH": f"{folder}:{ROOT}",
            "OMP_NUM_THREADS": "1",
            "DASK_CONFIG": str(folder / "dask"),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        }
        self.pace(0)

    @staticmethod
    def free_port() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

    def start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        log = (self.folder / "log").open("ab")
        started = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:]],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.every.append(started)
        return started

    def open(self) -> None:
        self.scheduler = self.start(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )
        self.work(str(WORKERS))

    def work(self, count: str, **environment: str) -> subprocess.Popen[bytes]:
        words = ["--nworkers", count, "--nthreads", "1", "--no-dashboard"]
        scratch = ["--local-directory", str(self.folder)]
        return self.start("worker", self.address, *words, *scratch, **environment)

    def close(self) -> None:
        for one in self.every:
            # Each leads a group: with a worker's nanny go the workers.
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()

    def pace(self, seconds: float) -> None:
        """How long each document takes from now on; the tracks so far are forgotten."""
        (self.folder / "pace").write_text(str(seconds))
        (self.folder / "tracks").write_text("")

    def tracks(self) -> list[tuple[int, str]]:
        """Who read what: process and address."""
        lines = (self.folder / "tracks").read_text().splitlines()
        return [(int(pid), url) for pid, url in (line.split() for line in lines)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A scheduler with four workers."""
    import dask

    found = Place(tmp_path_factory.mktemp("cluster"))
    # A lost scheduler is waited for no longer than a second.
    impatient = dask.config.set({"distributed.comm.timeouts.connect": "1s"})
    with pytest.MonkeyPatch.context() as patch, impatient:
        patch.syspath_prepend(str(found.folder))
        for name in ("TORTOISE", "TORTOISE_HOME", "DASK_CONFIG"):
            patch.setenv(name, found.environment[name])
        # Few letters, so that there are many batches.
        patch.setattr(partitions, "LETTERS", 500)
        try:
            found.open()
            yield found
        finally:
            found.close()


REMEDIES = ("heel drops", "night splints", "foam rolling", "shorter strides", "softer insoles")
VERDICTS = ("helped me a lot", "made it worse", "did nothing for me", "fixed it within weeks")


def source(url: str) -> Source:
    return Source(url=url, site="forum.example", fetched=NOON, engine="discourse")


def thread(number: int, title: str = "Heel pain again") -> Thread:
    """Three members on a heel, each with something they tried."""
    texts = [
        f"My heel has hurt since spring. {REMEDIES[(number + n) % 5].capitalize()} "
        f"{VERDICTS[(number + 2 * n) % 4]}. Has anybody tried {REMEDIES[(number + n + 2) % 5]}?"
        for n in range(3)
    ]
    posts = tuple(
        Post(id=f"p{n}", number=n, text=text, author=f"m_{number % 7}{n}", written=NOON)
        for n, text in enumerate(texts, 1)
    )
    return Thread(source=source(f"https://forum.example/t/{number}"), title=title, posts=posts)


def documents(count: int = 24) -> list[Document]:
    """Threads, one about nothing known by name, one that cannot be read, and an article."""
    vague = Thread(
        source=source("https://forum.example/t/vague"),
        title="Hello",
        posts=(Post(id="p1", number=1, text="Shorter strides helped me a lot.", author="m_x"),),
    )
    article = Article(
        source=source("https://forum.example/heel"),
        title="Heel pain",
        text="Many runners have a sore heel. Our heel drops course fixed it for thousands.",
    )
    return [*map(thread, range(count)), vague, article, thread(90, "broken thing")]


def project(folder: Path, some: Iterable[Document]) -> tuple[Corpus, Knowledge]:
    engine = open_database(str(folder / "p.db"))
    corpus = Corpus(engine)
    for one in some:
        corpus.add(one)
    return corpus, Knowledge(engine)


TIMED = {"runs", "snapshots"}
"""Tables that hold when something happened."""


def tables(folder: Path) -> dict[str, list[str]]:
    """All rows of all tables but those with times."""
    with sqlite3.connect(folder / "p.db") as known:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        names = [name for (name,) in known.execute(query) if name not in TIMED]
        return {name: sorted(map(repr, known.execute(f'SELECT * FROM "{name}"'))) for name in names}


def mined(folder: Path, scheduler: str = "") -> tuple[Run, dict[str, list[str]]]:
    """The run of a new project, and what its tables hold then."""
    folder.mkdir()
    options = Options(embedder="tfidf", engine="tortoise", processes=1, scheduler=scheduler)
    run = mine(*project(folder, documents()), options, lambda *_: None)
    return run, tables(folder)


@pytest.fixture(scope="module")
def at_home(place: Place) -> tuple[Run, dict[str, list[str]]]:
    """The run of this machine alone, and its tables."""
    return mined(place.folder / "home")


def test_four_workers_come_to_the_same_as_one_machine(
    tmp_path: Path, place: Place, at_home: tuple[Run, dict[str, list[str]]]
) -> None:
    """Claims, themes and all the rest, byte for byte; all that was read a worker read."""
    alone, expected = at_home
    place.pace(0)
    run, shared = mined(tmp_path / "a", place.address)
    assert shared == expected
    assert len(expected["claims"]) > 20
    assert len(expected["themes"]) > 3
    assert (run.counts, run.failures) == (alone.counts, alone.failures)
    assert run.failures == {
        "https://forum.example/t/90": "ValueError: a thread nobody can read",
    }
    assert os.getpid() not in {pid for pid, _ in place.tracks()}
    assert sorted(url for _, url in place.tracks()) == sorted(d.source.url for d in documents())


def test_a_worker_killed_in_the_middle_changes_nothing(
    tmp_path: Path, place: Place, at_home: tuple[Run, dict[str, list[str]]]
) -> None:
    """Killed while it reads: its batch is read elsewhere, and nothing is counted twice."""
    place.pace(0.1)
    killed: list[int] = []

    def kill() -> None:
        while not (seen := place.tracks()):
            time.sleep(0.02)
        killed.append(seen[0][0])
        os.kill(seen[0][0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    _, shared = mined(tmp_path / "a", place.address)
    killer.join()
    assert shared == at_home[1]
    readers = {pid for pid, _ in place.tracks()}
    assert killed[0] in readers - {os.getpid()}
    assert len(readers) > 1
    assert len(place.tracks()) > len(documents())


def terms(place: Place, engine: str = "fast", embedder: str = "tfidf") -> Terms:
    return Terms(engine=engine, embedder=embedder, encoder=load(embedder), scheduler=place.address)


def test_documents_are_taken_only_a_bounded_number_ahead(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory does not grow with what is still to be read, nor with what was read before."""
    monkeypatch.setattr(partitions, "LETTERS", 1)
    monkeypatch.setattr(partitions, "ITEMS", 2)
    taken, most = 0, 0

    def each() -> Iterator[tuple[int, Document | None]]:
        nonlocal taken
        for taken in range(1, 201):
            yield taken, thread(taken) if taken % 10 == 0 else None

    with hired(terms(place)) as crew:
        every = crew.claims(engines.load("fast"), each(), load("tfidf").encode)
        for given, (key, read) in enumerate(every, 1):
            assert key == given
            assert bool(read()) == (key % 10 == 0)
            most = max(most, taken - given)
    assert taken == 200
    assert most <= 2 * (cluster.AHEAD * WORKERS + 2)


def test_vectors_of_many_texts_are_those_of_one_machine(place: Place) -> None:
    """Several batches, each by whoever was free; the last one short."""
    texts = sorted(f"{REMEDIES[n % 5]} number {n}" for n in range(1200))
    with hired(terms(place)) as crew:
        away = [pair for some in crew.vectors(texts) for pair in some.items()]
    with hired(replace(terms(place), scheduler="")) as crew:
        here = [pair for some in crew.vectors(texts) for pair in some.items()]
    assert [text for text, _ in away] == texts
    assert [(t, v.tobytes()) for t, v in away] == [(t, v.tobytes()) for t, v in here]


def test_a_worker_with_another_folkgrade_is_refused_by_name(tmp_path: Path, place: Place) -> None:
    """Before anything is sent: which worker, what it has, and what to do."""
    (tmp_path / "miner").mkdir()
    for path in (ROOT / "miner").iterdir():
        (tmp_path / "miner" / path.name).symlink_to(path)
    (tmp_path / "miner" / "more.toml").write_text("more = true\n")
    other = place.work("1", PYTHONPATH=f"{tmp_path}:{place.environment['PYTHONPATH']}")
    try:
        refused = wait_for_refusal(place)
    finally:
        os.killpg(other.pid, signal.SIGKILL)
        other.wait()
        place.every.remove(other)
    assert refused.startswith("worker tcp://127.0.0.1:")
    assert "install the same Folkgrade there" in refused
    assert "\n" not in refused


def wait_for_refusal(place: Place) -> str:
    """What is said once the worker has joined, which takes a moment."""
    for _ in range(300):
        try:
            with hired(terms(place)):
                time.sleep(0.2)
        except NoCrew as error:
            return str(error)
    pytest.fail("nobody was refused")


def test_a_worker_that_comes_later_refuses_what_it_would_answer_otherwise() -> None:
    """Each order says what it wants the worker to be; the answer names both."""
    other = json.dumps({"folkgrade": "0.0.9", "miner": "ab" * 32})
    told, _, body = cluster.answer("claims", other, b"").partition(b"\n")
    assert "here is Folkgrade 0.0.9 (miner ababababab)" in json.loads(told)["refused"]
    assert body == b""


def test_another_engine_of_that_name_is_refused(place: Place) -> None:
    """Engines of other packages have versions of their own; the line names worker and engine."""

    class Hare:
        version = "tortoise-2"

    with hired(terms(place, "tortoise")) as crew:
        every = crew.claims(cast("engines.Engine", Hare()), [(1, thread(1))], load("tfidf").encode)
        with pytest.raises(NoCrew) as refused:
            next(every)
    assert "its engine tortoise is tortoise-1, here tortoise-2" in str(refused.value)
    assert str(refused.value).startswith("worker tcp://")


@pytest.mark.parametrize("answered", [b"", b"[]", b"{}", b"[{}, {}]", b"\x80\x04K\x01."])
def test_answers_are_checked_before_they_count(
    place: Place, monkeypatch: pytest.MonkeyPatch, answered: bytes
) -> None:
    """Nothing, too little, too much, a pickle: one error that names the place, no claim."""
    crew = cluster.Cluster(terms(place))
    monkeypatch.setattr(crew, "_send", lambda *_: None)
    monkeypatch.setattr(crew, "_taken", lambda _: answered)
    every = crew.claims(engines.load("fast"), [(1, thread(1))], load("tfidf").encode)
    with pytest.raises(NoCrew, match="answered something that was not asked"):
        next(every)


def test_nothing_of_a_result_is_unpickled(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what a worker answers nor of what type it says it is: Dask loads no object here."""
    import distributed.client
    import distributed.protocol.pickle

    loaded: list[object] = []
    real = distributed.protocol.pickle.loads

    def load_it(*words: Any, **more: Any) -> Any:
        loaded.append(found := real(*words, **more))
        return found

    with hired(terms(place)) as crew:
        assert isinstance(crew, cluster.Cluster)
        monkeypatch.setattr(distributed.protocol.pickle, "loads", load_it)
        monkeypatch.setattr(distributed.client, "loads", load_it)
        every = crew.claims(engines.load("fast"), [(1, thread(1))], load("tfidf").encode)
        assert [bool(read()) for _, read in every] == [True]
        assert loaded == []


def test_a_call_that_fails_is_told_in_words(place: Place) -> None:
    """The name of the error and what it says, from the words in its pickle, which is not loaded."""
    with hired(terms(place)) as crew:
        assert isinstance(crew, cluster.Cluster)
        with pytest.raises(NoCrew, match="KeyError: dancing; what was read is kept"):
            crew._taken(crew._send("dancing", b""))


def folkgrade(*words: str | Path, **environment: str) -> subprocess.Popen[str]:
    """The command line as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "folkgrade", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with the documents in it."""
    (tmp_path / "folkgrade.toml").write_text(
        '[project]\ndatabase = "p.db"\n[mine]\nembedder = "tfidf"\n'
    )
    project(tmp_path, documents())
    return tmp_path


def test_an_interruption_is_one_line_and_leaves_nothing_on_the_workers(
    folder: Path, place: Place
) -> None:
    """Control-C: exit code 130; what was on its way is cancelled."""
    place.pace(0.3)
    words = ["--engine", "tortoise", "--scheduler", place.address, "--project", folder]
    running = folkgrade("mine", *words, **place.environment)
    while not place.tracks():
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert running.returncode == 130, said
    assert said.splitlines()[-1].startswith("Interrupted.")
    assert "Traceback" not in said
    from distributed import Client

    with Client(place.address, set_as_default=False) as client:
        while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:1", ["tcp://127.0.0.1:1", "no scheduler answers", "dask scheduler"]),
        ("127.0.0.1:8786", ["'127.0.0.1:8786'", "tcp://, tls://"]),
        ("tls://127.0.0.1:1", ["tls://127.0.0.1:1", "no certificates", "distributed.comm.tls"]),
        ("gopher://x", ["'gopher://x'", "tcp://, tls://"]),
    ],
)
def test_a_scheduler_that_is_not_there_is_one_line(
    place: Place, address: str, words: list[str]
) -> None:
    """The address, the cause, the way out."""
    with pytest.raises(NoCrew) as refused, hired(replace(terms(place), scheduler=address)):
        pass
    assert all(word in str(refused.value) for word in words)
    assert "\n" not in str(refused.value)


def test_every_crew_of_the_table_can_be_loaded() -> None:
    """A name in the table is a part that is there."""
    for part in set(CREWS.values()):
        module, _, attribute = part.partition(":")
        assert callable(getattr(__import__(module, fromlist=[attribute]), attribute))


def claimed(place: Place, engine: str, some: Iterable[Document]) -> dict[str, list[Claim] | str]:
    """The claims of each document, or what went wrong with it."""
    found: dict[str, list[Claim] | str] = {}
    with hired(terms(place, engine)) as crew:
        every = crew.claims(
            engines.load(engine), ((d.source.url, d) for d in some), load("tfidf").encode
        )
        for url, read in every:
            try:
                found[url] = read()
            except Exception as error:
                found[url] = f"{type(error).__name__}: {error}"
    return found


def test_the_learned_model_finds_the_same_elsewhere(place: Place) -> None:
    """The engine `offline`: weights and all."""
    some = [thread(1), thread(2)]
    away = claimed(place, "offline", some)
    extract, encode = engines.load("offline").extract, load("tfidf").encode
    assert away == {d.source.url: conditions.assign(extract(d), d, encode) for d in some}
    assert all(away.values())


def test_a_document_that_ends_its_workers_costs_itself_alone(place: Place) -> None:
    """Those beside it in the batch are read all the same; it is listed with the reason."""
    place.pace(0)
    some = [thread(1), thread(91, "deadly thing"), thread(2)]
    found = claimed(place, "tortoise", some)
    reason = f"TooLarge: {TooLarge()}"
    assert found.pop("https://forum.example/t/91") == reason
    assert list(found) == ["https://forum.example/t/1", "https://forum.example/t/2"]
    assert all(isinstance(claims, list) and claims for claims in found.values())


def test_a_scheduler_lost_in_the_middle_keeps_what_was_read(
    tmp_path: Path, place: Place, at_home: tuple[Run, dict[str, list[str]]]
) -> None:
    """One line; the next run, without a scheduler, reads what is left and comes to the same."""
    place.pace(0.1)
    stores = project(tmp_path, documents())
    options = Options(embedder="tfidf", engine="tortoise", processes=1, scheduler=place.address)

    def lose(stage: str, done: int, _: int | None) -> None:
        if stage == "claims" and done == 8 and place.scheduler.poll() is None:
            os.killpg(place.scheduler.pid, signal.SIGKILL)
            place.scheduler.wait()

    with pytest.raises(NoCrew, match="the scheduler is gone; what was read is kept"):
        mine(*stores, options, lose)
    place.every.remove(place.scheduler)
    place.pace(0)
    mine(*stores, replace(options, scheduler=""), lambda *_: None)
    assert len(place.tracks()) <= len(documents()) - 8
    assert tables(tmp_path) == at_home[1]
