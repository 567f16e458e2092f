"""The documents name every command and every setting, with its true default."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
import typer

import folkgrade
from console.flags import EXAMPLES
from console.project import make_project
from console.settings import ConditionSettings, Settings, SiteSettings, read_settings
from crawler.engines import ENGINES

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = [
    command.name or (command.callback.__name__ if command.callback else "")
    for command in folkgrade.app.registered_commands
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_with_an_example(command: str) -> None:
    """A newcomer finds each command by name, and an example in its help."""
    assert f"folkgrade {command}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert any(line.startswith(f"folkgrade {command}") for line in EXAMPLES[command])


REPEATED = {"site": SiteSettings, "condition": ConditionSettings}
"""Tables that may stand several times."""


def settings() -> list[tuple[str, object]]:
    """Each setting with its default."""
    found: list[tuple[str, object]] = []
    for section, field in Settings.model_fields.items():
        model = REPEATED.get(section, field.annotation)
        assert model is not None
        found += [(f"{section}.{n}", f.default) for n, f in model.model_fields.items()]
    return found


@pytest.mark.parametrize(("name", "default"), settings())
def test_every_setting_is_documented_with_its_default(name: str, default: object) -> None:
    """docs/settings.md has a line for it, and shows the default that is in the code."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    line = next((row for row in text.splitlines() if row.startswith(f"| `{name}`")), None)
    assert line, f"{name} is not in docs/settings.md"
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        assert f"`{default}`" in line


def flags() -> list[str]:
    """Each option of each command, as it is typed."""
    commands = typer.main.get_group(folkgrade.app).commands.values()
    return sorted({o for c in commands for p in c.params for o in p.opts if o.startswith("--")})


@pytest.mark.parametrize("flag", flags())
def test_every_flag_is_documented(flag: str) -> None:
    """docs/settings.md says what it does."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert re.search(rf"`[^`]*{re.escape(flag)}(?![\w-])[^`]*`", text)


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_is_documented(name: str) -> None:
    """docs/collecting.md names it."""
    assert f"`{name}`" in (ROOT / "docs" / "collecting.md").read_text(encoding="utf-8")


def command_lines() -> list[str]:
    """Each line of a code block of the README and the docs that runs the program."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [
        block
        for page in pages
        for block in re.findall(r"^ *```\w*\n(.*?)^ *```", page.read_text("utf-8"), re.M | re.S)
    ]
    lines = [part.strip() for b in blocks for row in b.splitlines() for part in row.split("&&")]
    return sorted({line[line.index("folkgrade ") :] for line in lines if _runs(line)})


def _runs(line: str) -> bool:
    """Whether a line is a command, perhaps one of cron; not a usage, an option or an output."""
    return bool(re.match(r"(?:[\d* ]+ )?folkgrade [a-z]+(?! \[OPTIONS\])", line))


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_of_the_docs_is_understood(line: str) -> None:
    """The program knows the command, its options and the values they are given."""
    name, *words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    command = typer.main.get_group(folkgrade.app).commands[name]
    command.make_context(name, words)


def test_the_page_of_commands_is_what_the_program_says() -> None:
    """`python docs/commands.py` writes it anew."""
    made = runpy.run_path(str(ROOT / "docs" / "commands.py"))["page"]()
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == made


def test_every_document_is_in_the_list_of_documents() -> None:
    """docs/README.md leads to each page."""
    listed = (ROOT / "docs" / "README.md").read_text("utf-8")
    assert [p.name for p in (ROOT / "docs").glob("*.md") if f"({p.name}" not in listed] == [
        "README.md"
    ]


def test_every_module_that_is_told_of_exists() -> None:
    """docs/code.md names no module that is no more."""
    named = re.findall(r"`(?:\w+/)*(\w+\.py)`", (ROOT / "docs" / "code.md").read_text("utf-8"))
    packages = ("crawler", "miner", "dashboard", "console")
    known = {path.name for name in packages for path in (ROOT / name).rglob("*.py")}
    assert set(named) <= known | {"folkgrade.py"}


def test_the_starter_file_holds_the_defaults(tmp_path: Path) -> None:
    """What `init` writes says just what holds without it."""
    path = make_project(tmp_path, "My project")
    assert read_settings(path, {}) == Settings()


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of the README and the docs points at a file that exists."""
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.name}: {link}"
        for document in documents
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        if not (document.parent / link).exists()
    ]
    assert not broken


def test_the_version_is_the_same_everywhere() -> None:
    """pyproject.toml, CITATION.cff and the program agree."""
    for name in ("pyproject.toml", "CITATION.cff"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(rf'version\s*[=:]\s*"?{re.escape(folkgrade.__version__)}', text), name
