"""Writes docs/commands.md, every command as its `--help` tells it: `python docs/commands.py`.

A test holds the page to what the program says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "commands.md"
WIDTH = 80
HEAD = """# Commands

Each command as `folkgrade COMMAND --help` tells it. This page is made by
`python docs/commands.py`, and a test holds it to the program. What settings there are and what
exit codes mean is in [settings](settings.md).

Every command but `init`, `restore`, `demo` and `parse` needs a project: the folder you are in, or
the one that `--project DIR` or `FOLKGRADE_PROJECT` names. Results go to stdout, progress and
messages to stderr.
"""


def page() -> str:
    """The whole page."""
    from folkgrade import COMMANDS

    links = " ·\n".join(f"[{name}](#{name})" for name in COMMANDS)
    return "\n\n".join([HEAD.rstrip(), links, *map(_section, COMMANDS)]) + "\n"


def _section(name: str) -> str:
    from console.flags import EXAMPLES

    # The help breaks examples where the terminal ends; here they are to be copied.
    told = _help(name).partition("Examples:")[0]
    shown = ["```", *EXAMPLES[name], "```"]
    return "\n".join([f"## {name}\n", *_block(told), "", *shown])


def _help(name: str) -> str:
    """What `--help` prints, at one width whatever the terminal."""
    from folkgrade import app

    env = {"COLUMNS": str(WIDTH), "TERM": "dumb", "NO_COLOR": "1"}
    done = CliRunner().invoke(app, [name, "--help"], prog_name="folkgrade", env=env)
    return done.stdout


def _block(text: str) -> list[str]:
    return ["```", *(line.rstrip() for line in text.strip().splitlines()), "```"]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Wrote {PAGE}")
