"""Whole runs with secrets in them, under a trap: nothing unpickled, nobody asked, no key shown.

Every Python of the runs, children too, starts with a hook that notes each object a pickle brings in
and each address that is not this machine's, and lets no connection out.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from console.project import make_project

ROOT = Path(__file__).resolve().parents[1]
TRAP = r"""
import os, sys, traceback

def _note(*words):
    with open(os.environ["TRAP"], "a", encoding="utf-8") as log:
        log.write(" ".join(map(str, words)) + "\n")

def _callers():
    names = [frame.filename for frame in traceback.extract_stack()]
    return [name for name in names if not name.startswith("<") and "sitecustomize" not in name]

def _hook(event, given):
    if event == "pickle.find_class":
        _note("pickle", ".".join(given), *_callers())
    elif event in ("socket.connect", "socket.sendto") and isinstance(given[1], tuple):
        host = str(given[1][0])
        if not host.startswith("127.") and host not in ("::1", "localhost"):
            _note("address", host)
            raise OSError(101, "Network is unreachable")
    elif event == "socket.getaddrinfo":
        host = given[0].decode() if isinstance(given[0], bytes) else str(given[0])
        if host not in ("localhost", "127.0.0.1", "::1", "None"):
            _note("name", host)
            raise OSError(101, "Network is unreachable")

sys.addaudithook(_hook)
"""
RUNS = r"""
import sys, traceback, folkgrade
for line in open(sys.argv[1], encoding="utf-8").read().splitlines():
    sys.argv = ["folkgrade", *line.split()]
    print("$", *sys.argv, flush=True)
    try:
        folkgrade.main()
    except SystemExit as end:
        print("ended", end.code, flush=True)
"""
SECRETS = {
    "REDDIT_CLIENT_ID": "sesameReddit01",
    "REDDIT_CLIENT_SECRET": "sesameReddit02",
    "STACK_EXCHANGE_KEY": "sesameStack03",
    "NCBI_API_KEY": "sesameNcbi04",
    "OPENALEX_API_KEY": "sesameAlex05",
    "FOLKGRADE_ENDPOINT_KEY": "sesameEndpoint06",
    "BOARD_TOKEN": "sesameBoard07",
}
THREAD = """\
Heel pain every morning

My heel hurts every morning. I tried heel drops and they fixed it.

2 Likes

Heel drops helped me too. Ice did nothing.
"""
CALLS = ("import thread.txt", "mine --fast", "status", "export csv")


class Trapped:
    """A project with secrets in its surroundings, and what its commands set off."""

    def __init__(self, home: Path) -> None:
        """Lays out the project and the trap."""
        self.folder, self.log = home / "heels", home / "trap.log"
        make_project(self.folder)
        (self.folder / "thread.txt").write_text(THREAD, encoding="utf-8")
        (self.folder / "secrets.toml").write_text(
            '[auth]\nclient_secret = "sesameProvider08"\ncookie_secret = "sesameCookie09"\n'
        )
        (home / "site").mkdir()
        (home / "site" / "sitecustomize.py").write_text(TRAP, encoding="utf-8")
        self.environment = {
            **os.environ, **SECRETS, "TRAP": str(self.log), "HOME": str(home),
            "PYTHONPATH": f"{home / 'site'}{os.pathsep}{ROOT}",
        }  # fmt: skip

    def adding(self, settings: str) -> None:
        """More settings."""
        with (self.folder / "folkgrade.toml").open("a", encoding="utf-8") as file:
            file.write(settings)

    def setting(self, table: str, line: str) -> None:
        """A setting in a table that is there."""
        file = self.folder / "folkgrade.toml"
        head, found, rest = file.read_text("utf-8").partition(table)
        assert found
        file.write_text(f"{head}{table}\n{line}\n{rest}", encoding="utf-8")

    def run(self, *lines: str, **more: str) -> str:
        """All that the commands say, run one after the other in one process."""
        listed = self.folder.parent / "lines"
        listed.write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", RUNS, str(listed)],
            cwd=self.folder, env={**self.environment, **more}, capture_output=True, text=True,
            timeout=1200, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def noted(self, *kinds: str) -> list[str]:
        """What the trap caught of some kinds."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith(kinds)]

    def written(self) -> bytes:
        """All that the commands left in files, but for where the secrets come from."""
        given = {"secrets.toml", "folkgrade.toml"}
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return b"".join(path.read_bytes() for path in paths if path.name not in given)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trapped, str]:
    """A project that is imported, mined, looked at and exported, and what that said."""
    trapped = Trapped(tmp_path_factory.mktemp("usual"))
    return trapped, trapped.run(*CALLS)


def test_the_trap_works(tmp_path: Path) -> None:
    """It notes a pickle and a name, and lets neither address nor name out."""
    trapped = Trapped(tmp_path)
    program = (
        "import pickle, socket\n"
        "pickle.loads(pickle.dumps(OSError))\n"
        "for ask in (lambda: socket.create_connection(('192.0.2.1', 9)),"
        " lambda: socket.getaddrinfo('telemetry.example', 443)):\n"
        "    try: ask()\n"
        "    except OSError as error: print(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=trapped.environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"101", b"101"]
    assert trapped.noted("pickle builtins.OSError")
    assert trapped.noted("address 192.0.2.1") or trapped.noted("name 192.0.2.1")
    assert trapped.noted("name telemetry.example")


def test_a_usual_run_asks_nobody(usual: tuple[Trapped, str]) -> None:
    """Reading, mining and exporting name no other machine: no telemetry, no model, no check."""
    trapped, said = usual
    assert said.count("$ folkgrade") == len(CALLS)
    assert (trapped.folder / "data" / "folkgrade.db").stat().st_size > 50_000
    assert "Traceback" not in said
    assert not trapped.noted("address", "name")


def test_a_usual_run_unpickles_nothing_of_ours(usual: tuple[Trapped, str]) -> None:
    """What other packages pass between their own processes is theirs; no file is unpickled."""
    trapped, _ = usual
    theirs = ("multiprocessing", "concurrent")
    caught = [line for line in trapped.noted("pickle") if not any(name in line for name in theirs)]
    assert not caught


@pytest.fixture(scope="module")
def failing(usual: tuple[Trapped, str]) -> tuple[Trapped, str]:
    """Commands that use every secret and fail, and what they said."""
    trapped, _ = usual
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    trapped.adding(
        f'\n[[site]]\nurl = "http://127.0.0.1:{port}/latest"\n'
        'headers = { Authorization = "Bearer ${BOARD_TOKEN}" }\n'
    )
    # A service far away is waited for between two tries; one on this machine is not.
    trapped.setting("[literature]", f'addresses = {{ pubmed = "http://127.0.0.1:{port}" }}')
    for name, further in (("base", ""), ("other", "?password=sesameBase11")):
        settings = make_project(trapped.folder.parent / name)
        address = f"postgresql+psycopg://fern:sesameBase10@127.0.0.1:{port}/heels{further}"
        text = settings.read_text("utf-8").replace("data/folkgrade.db", address)
        assert address in text
        settings.write_text(text, encoding="utf-8")
    return trapped, trapped.run(
        "crawl",
        "crawl https://www.reddit.com/r/heels",
        "crawl https://api.stackexchange.com/2.3/questions?site=fitness",
        "literature --service pubmed --service openalex",
        "mine --engine endpoint",
        "status -p ../base",
        "mine --fast -p ../base",
        "dashboard -p ../base",
        "status -p ../other",
        FOLKGRADE_MINE__ENDPOINT=f"http://127.0.0.1:{port}/v1",
        FOLKGRADE_MINE__ENDPOINT_MODEL="m",
        FOLKGRADE_MINE__ENDPOINT_PATIENCE="1",
    )


def test_no_secret_is_said_or_written(failing: tuple[Trapped, str]) -> None:
    """Not in an error, a log, the database or a kept page: keys, passwords, tokens, secrets."""
    trapped, said = failing
    assert said.count("$ folkgrade") == 9
    assert said.count("ended") >= 6
    assert "Traceback" not in said
    assert "sesame" not in said
    assert b"sesame" not in trapped.written()
    assert b"sesame" not in trapped.log.read_bytes()
