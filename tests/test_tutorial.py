"""The tutorial runs as it is written, from the first line to the last."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import folkgrade

DOCS = Path(__file__).resolve().parents[1] / "docs"


def commands() -> list[list[str]]:
    """The words of each line of its `sh` blocks, in order."""
    page = (DOCS / "tutorial.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line.replace("TUTORIAL", str(DOCS / "tutorial"))) for line in lines]


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command ends well, and the text tells what they show."""
    monkeypatch.chdir(tmp_path)
    told: dict[str, str] = {}
    for program, *words in commands():
        if program == "cd":
            monkeypatch.chdir(words[0])
            continue
        done = CliRunner().invoke(folkgrade.app, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
        told[" ".join(words)] = done.stdout
    asked = told["gaps --questions"].splitlines()
    assert re.match(r"2\t0 of 2\t2\t2\t.*ankle", asked[1], re.I)
    assert "in none of your articles, in 1 of others'" in told["gaps --covered others"]
    assert "Nothing changed." in told["digest"]
    assert (tmp_path / "trail" / "trail.qdpx").is_file()
