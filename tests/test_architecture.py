"""The house: imports run one way, and asking for help loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANK = {"crawler": 0, "miner": 1, "dashboard": 2, "console": 3, "folkgrade": 4}


@cache
def imported(path: Path) -> set[str]:
    """Top-level names a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", ["crawler", "miner", "dashboard", "console"])
def test_imports_run_against_the_flow_of_data(package: str) -> None:
    """The arrows are crawler ← miner ← dashboard ← console; nobody imports the front door."""
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules
        for name in imported(path)
        if RANK.get(name, -1) > RANK[package]
    }
    assert not wrong


STORES = {
    "crawler/causes.py",
    "crawler/corpus.py",
    "crawler/database.py",
    "crawler/frontier.py",
    "crawler/leases.py",
    "crawler/locks.py",
    "crawler/lookups.py",
    "crawler/moving.py",
    "crawler/oblivion.py",
    "crawler/records.py",
    "crawler/steps.py",
    "crawler/tables.py",
    "miner/caches.py",
    "miner/chronicle.py",
    "miner/forgetting.py",
    "miner/index.py",
    "miner/knowledge.py",
    "miner/ledger.py",
    "miner/memory.py",
    "miner/mending.py",
    "miner/nearby.py",
    "miner/proposals.py",
    "miner/readings.py",
    "miner/rows.py",
    "miner/snapshots.py",
    "miner/standing.py",
    "miner/tables.py",
    "miner/unsaid.py",
    "miner/worded.py",
}


def test_only_the_stores_speak_to_the_database() -> None:
    """SQLAlchemy is imported by the two stores, their tables and what opens them."""
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("crawler", "miner", "dashboard", "console")
        for path in (ROOT / package).rglob("*.py")
        if "sqlalchemy" in imported(path)
    }
    assert found == STORES


@pytest.mark.parametrize(
    "arguments", [["--help"], ["crawl", "--help"], ["mine", "--help"], ["--version"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help comes at once: torch, spaCy, Scrapy, Streamlit and the like stay on the shelf."""
    program = (
        "import sys, folkgrade\n"
        f"sys.argv = ['folkgrade', *{arguments!r}]\n"
        "try: folkgrade.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'spacy', 'scrapy', 'streamlit', 'sklearn', 'sentence_transformers',"
        " 'sqlalchemy', 'pandas', 'trafilatura'}\n"
        "print('LOADED', sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "LOADED []" in done.stdout
