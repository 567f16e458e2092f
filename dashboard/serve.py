"""Starting the dashboard as a process of its own, on this machine alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from crawler.errors import CrawlerError

__all__ = [
    "ALONE",
    "DashboardError",
    "Door",
    "Server",
    "command",
    "environment",
    "free_port",
    "start",
]

HOST = "127.0.0.1"
PORT = 8501
APP = Path(__file__).with_name("app.py")
"""What draws the pages."""
ENTRY = Path(__file__).with_name("asgi.py")
"""What is served: the pages and the routes beside them."""

_FLAGS: Mapping[str, str] = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "runner.magicEnabled": "false",
    "global.disableWidgetStateDuplicationWarning": "true",
}


class DashboardError(CrawlerError):
    """The dashboard cannot be started."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Under which names the dashboard answers, and who is let in. It listens on loopback alone."""

    hosts: Sequence[str] = ()
    """Names besides this machine's own, for a proxy in front of it."""
    path: str = ""
    """Path below which the pages are, such as `folkgrade`."""
    secrets: Path | None = None
    """File with `[auth]`, the provider that people log in with."""
    login: bool = False
    reviewers: Sequence[str] = ()
    """E-mail addresses of those who may change things; everybody who is let in where empty."""
    name: str = ""
    """The project's name, for the feed."""


ALONE = Door()
"""For one person on this machine."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A dashboard that answers."""

    process: subprocess.Popen[bytes]
    address: str

    def __enter__(self) -> Server:
        """The server; it ends with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the process; nothing is left running."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port(wanted: int | None = None) -> int:
    """The wanted port where it is free, else any free one."""
    for port in ([wanted] if wanted else []) + [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DashboardError("no free port on this machine")


def command(port: int = PORT, door: Door = ALONE) -> list[str]:
    """The command that serves the dashboard; the database is named by `environment`."""
    flags = {"server.port": str(port), "server.address": HOST, **_FLAGS}
    if door.path:
        flags["server.baseUrlPath"] = door.path.strip("/")
    if door.secrets is not None:
        flags["secrets.files"] = str(door.secrets)
    options = [f"--{name}={value}" for name, value in flags.items()]
    names = dict.fromkeys((HOST, "localhost", *door.hosts))
    options += [f"--server.allowedHosts={name}" for name in names]
    return [sys.executable, "-m", "streamlit", "run", str(ENTRY), *options]


def environment(database: str, *, read_only: bool = False, door: Door = ALONE) -> dict[str, str]:
    """The environment of this process with the database's URL or file, and this code importable."""
    kept = os.environ.get("PYTHONPATH", "")
    root = str(APP.parents[1])
    address = database if "://" in database else str(Path(database).resolve())
    return {
        **os.environ,
        "FOLKGRADE_DATABASE": address,
        "FOLKGRADE_READ_ONLY": "1" if read_only else "",
        "FOLKGRADE_LOGIN": "1" if door.login else "",
        "FOLKGRADE_REVIEWERS": ",".join(door.reviewers),
        "FOLKGRADE_NAME": door.name,
        "PYTHONPATH": os.pathsep.join(part for part in (root, kept) if part),
    }


def start(
    database: str,
    port: int | None = None,
    *,
    seconds: float = 60,
    quiet: bool = True,
    read_only: bool = False,
    door: Door = ALONE,
) -> Server:
    """A running dashboard, once it answers; raises DashboardError where it does not in time.

    Where the port is taken it listens on another one: `address` says which.
    """
    taken = free_port(port)
    output = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen(  # noqa: S603
        command(taken, door),
        env=environment(database, read_only=read_only, door=door),
        stdout=output,
        stderr=output,
    )
    below = f"/{door.path.strip('/')}" if door.path.strip("/") else ""
    server = Server(process=process, address=f"http://{HOST}:{taken}{below}")
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        if _healthy(server.address):
            return server
        time.sleep(0.1)
    ended = process.poll() is not None
    server.stop()
    cause = "it ended at once; is the port taken?" if ended else f"no answer in {seconds:.0f} s"
    raise DashboardError(f"dashboard on port {taken}: {cause}")


def _healthy(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.read().strip() == b"ok")
    except (URLError, OSError):
        return False
