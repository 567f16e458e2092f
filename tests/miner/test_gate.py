"""Which sentences are read at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.errors import ModelRefused
from miner.gate import Gate, covered

SHIPPED = Path(__file__).resolve().parents[2] / "miner" / "weights" / "gate.json"
CLAIM = "I tried heel drops for my Achilles and they helped a lot."
CHATTER = "Thanks everybody! Where do you live?"


@pytest.fixture(scope="module")
def gate() -> Gate:
    """The shipped gate."""
    return Gate.load(SHIPPED)


def test_what_is_tried_passes_and_chatter_does_not(gate: Gate) -> None:
    """A plain claim is let through, a greeting is not."""
    assert gate.score(CLAIM) >= gate.least
    assert gate.passages(CHATTER) == []


def test_passages_are_whole_sentences_with_neighbours_joined(gate: Gate) -> None:
    """Two sentences in a row are one passage; what lies between passages is left out."""
    text = f"{CLAIM} {CLAIM} {CHATTER} {CLAIM}"
    found = [text[start:end] for start, end in gate.passages(text)]
    assert found == [f"{CLAIM} {CLAIM}", CLAIM]


def test_places_in_passages_are_found() -> None:
    """Indices of the places that touch a passage, in order."""
    places = [(0, 2), (3, 5), (6, 9), (9, 12)]
    assert covered(places, [(0, 4), (10, 12)]) == [0, 1, 3]
    assert covered(places, []) == []


def test_a_damaged_gate_is_refused(tmp_path: Path) -> None:
    """The message names the file and the way out."""
    path = tmp_path / "gate.json"
    path.write_text('{"rows": [1], "weights": "many"}')
    with pytest.raises(ModelRefused, match=r"gate\.json .*reinstall folkgrade"):
        Gate.load(path)
