"""The quality of claims on labelled threads never falls behind what was measured."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DETECTION, REMEDY, OUTCOME, TRAPS = 0.58, 0.66, 0.66, 10
"""Least F1 over all kinds and of remedies, least share of right outcomes, most traps hit."""


def module(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def measured(shared: Path) -> dict[str, Any]:
    """The scorer's figures for the shipped extractor."""
    benchmark, scorer = module(ROOT / "benchmarks/claims.py"), module(shared / "gold/score.py")
    extractor = benchmark.Extractor()
    rows = []
    for path in sorted((shared / "gold/threads").glob("*.json")):
        thread = benchmark.thread(json.loads(path.read_text("utf-8")))
        rows += [benchmark.row(claim, {}) for claim in extractor.extract(thread)]
    figures: dict[str, Any] = scorer.evaluate(rows, scorer.load_gold(), boot=0)
    return figures


@pytest.mark.shared
def test_enough_claims_are_found_and_they_are_claims(measured: dict[str, Any]) -> None:
    """F1 of detection, over all kinds and of remedies."""
    assert measured["detection"]["F1"] >= DETECTION
    assert measured["per_kind"]["remedy"]["F1"] >= REMEDY


@pytest.mark.shared
def test_outcomes_are_read_right_and_traps_avoided(measured: dict[str, Any]) -> None:
    """Share of right outcomes among found remedies, and how many traps were walked into."""
    assert measured["outcome"]["accuracy"] >= OUTCOME
    assert measured["traps"]["hit"] <= TRAPS
