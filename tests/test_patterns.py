"""No pattern takes more than its share on a text made to hurt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.backtracking import STEEP, growth

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$", r"(?:a|b|ab)*c", r"\s+$", r"\w+@\w+", r"(\d+)\.\d+", r"x.*?y", r"<a[^>]*>",
        r"\s*\n\s*\n", r"(?:\w+\s+){1,3}x", r"^(.*?)\s*::", r"(?>\w+)\s", r"\s*:?\s*$",
        r"(?:the |a )*cause", r"[A-Z][\w-]+ing\b",
    ],
)  # fmt: skip
def test_the_count_of_steps_finds_what_goes_back_and_forth(pattern: str) -> None:
    """Quadratic and worse: nested, side by side, and started anew at every place."""
    assert growth(pattern)[0] > STEEP


@pytest.mark.parametrize(
    "pattern",
    [
        r"\w+", r"\b\w+\b", r"(?<!\s)\s++$", r"(?<!\w)\w++@", r"<a[^<>]*>",
        r"(?:the |a ){0,5}cause",
        r"[^.!?\n]+", r"\s+\S", r"(?i:a|b)+", r"(?<!\s)\s*+(?::\s*+)?$", r"(a)?b(?(1)c|d)+",
    ],
)  # fmt: skip
def test_a_linear_pattern_is_found_linear(pattern: str) -> None:
    """Runs that are tried once, bounds, and classes that do not meet."""
    assert growth(pattern)[0] <= STEEP


def test_what_is_tried_at_one_place_alone_is_judged_so() -> None:
    """`\\s*x` is quadratic where it is searched for, and linear where it is only matched."""
    assert growth(r"\s*x")[0] > STEEP
    assert growth(r"\s*x", once=True)[0] <= STEEP


def test_no_pattern_of_the_tree_takes_more_steps_than_the_text_has_letters() -> None:
    """Of all that is compiled, written out, or among the data; those noted are not counted again.

    Where this names one, mend it. Where it only takes long, many patterns are new: run
    `python -m benchmarks.patterns --keep`.
    """
    command = [sys.executable, "-m", "benchmarks.patterns", "--new", "--most", "20"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    found = int(run.stdout.split()[0])
    assert found > 1000, "patterns are overlooked"
