"""The command `brief`: a theme by id or name, on stdout or as a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import docx
import pytest
from typer.testing import CliRunner

import folkgrade
from console.project import Project, make_project
from miner.counts import tally
from miner.errors import MinerError
from miner.knowledge import Run
from miner.model import Claim, Mined, Quote, Theme

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one theme that was mined."""
    make_project(tmp_path, "Heels")
    knowledge = Project(tmp_path).stores()[1]
    claim = Claim(
        kind="remedy", phrase="towel curls", phrase_start=0, author="m_1", written=NOW,
        quote=Quote(document="https://b.example/t", part="1", start=0, text="towel curls helped"),
        outcome="helped",
    )  # fmt: skip
    theme = Theme(id="rem-1a2b3c", kind="remedy", name="Towel curls", claims=(claim.id,),
                  tally=tally([claim]))  # fmt: skip
    run = Run(started=NOW, finished=NOW, fingerprint="f", settings_hash="s")
    knowledge.replace(run, Mined(claims=(claim,), theme_of={claim.id: theme.id}, themes=(theme,)))
    knowledge.engine.dispose()
    return tmp_path


@pytest.mark.parametrize("name", ["rem-1a2b3c", "towel CURLS"])
def test_a_brief_is_printed(project: Path, name: str) -> None:
    """By id and by name, in Markdown."""
    done = CliRunner().invoke(folkgrade.app, ["brief", name, "--project", str(project)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("# Brief: Towel curls\n")
    assert "Run 1 of 2026-03-01." in done.stdout


def test_a_brief_is_written_as_its_file_is_called(project: Path) -> None:
    """Word where it ends so, else Markdown."""
    for name in ("b.docx", "b.md"):
        out = project / name
        asked = ["brief", "rem-1a2b3c", "--out", str(out), "--project", str(project)]
        assert CliRunner().invoke(folkgrade.app, asked).exit_code == 0
    assert docx.Document(str(project / "b.docx")).paragraphs[0].text == "Brief: Towel curls"
    assert (project / "b.md").read_text(encoding="utf-8").startswith("# Brief")


def test_an_unknown_theme_is_one_line(project: Path) -> None:
    """The error names it and the way out."""
    done = CliRunner().invoke(folkgrade.app, ["brief", "rem-none", "--project", str(project)])
    assert isinstance(done.exception, MinerError)
    assert "folkgrade themes" in str(done.exception)
