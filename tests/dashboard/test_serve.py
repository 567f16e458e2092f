"""Starting the dashboard: on this machine alone, on a port that is free."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.request import urlopen

import pytest

from dashboard import serve


def test_the_command_listens_on_this_machine_and_reports_nothing() -> None:
    """Address, statistics and hosts are flags, so that they hold wherever it is installed."""
    command = serve.command(8600)
    assert "--server.address=127.0.0.1" in command
    assert "--server.port=8600" in command
    assert "--browser.gatherUsageStats=false" in command
    assert "--server.allowedHosts=127.0.0.1" in command


def test_the_environment_names_the_database_whatever_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative file becomes absolute; a URL stays as it is."""
    monkeypatch.chdir(tmp_path)
    assert serve.environment("a.db")["FOLKGRADE_DATABASE"] == str(tmp_path / "a.db")
    assert serve.environment("sqlite:///a.db")["FOLKGRADE_DATABASE"] == "sqlite:///a.db"


def test_a_taken_port_gives_way_to_a_free_one() -> None:
    """The wanted port where it is free, another one where somebody listens."""
    with socket.socket() as busy:
        busy.bind((serve.HOST, 0))
        busy.listen()
        taken = busy.getsockname()[1]
        assert serve.free_port(taken) != taken
    assert serve.free_port(taken) == taken


def test_a_started_dashboard_answers_and_ends(tmp_path: Path) -> None:
    """It answers at its address inside the block, and is gone after it."""
    with serve.start(str(tmp_path / "new.db")) as server:
        with urlopen(f"{server.address}/_stcore/health") as answer:
            assert answer.read() == b"ok"
        assert server.process.poll() is None
    assert server.process.poll() is not None


def test_a_server_that_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot start is said in one line."""
    monkeypatch.setattr(serve, "ENTRY", tmp_path / "missing" / "asgi.py")
    with pytest.raises(serve.DashboardError, match="ended at once"):
        serve.start(str(tmp_path / "new.db"), seconds=30)
