"""What makes the tagger faster says the same as the plain way."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from miner.decoding import _likeliest
from miner.encoder import WIDTH
from miner.errors import ModelRefused
from miner.outcomes import HEADS, Weights
from miner.tagger import KINDS, Network, Spans, Tagger, _shown, pooled

SCORES = st.floats(-9, 0, width=32)


def test_a_weights_file_may_use_some_layers_only(tmp_path: Path) -> None:
    """Which layers of the base model are used stands in the file; they read as when saved."""
    network = Network(layers=(0, 2, 3)).eval()
    save_file(network.learned(), tmp_path / "claims.safetensors")
    read = Tagger(tmp_path).network
    assert list(read.encoder.layers) == ["0", "2", "3"]
    ids = torch.tensor([[101, 2026, 6181, 13403, 102]])
    with torch.inference_mode():
        one, _ = network.read(ids, torch.zeros_like(ids), None)
        other, _ = read.read(ids, torch.zeros_like(ids), None)
    assert torch.allclose(one, other, atol=0.2)


@pytest.mark.parametrize("name", ["tags.bias", "encoder.layers.5.inner.weight"])
def test_weights_of_another_shape_are_refused(tmp_path: Path, name: str) -> None:
    """What is shorter than the network's own does not fit."""
    learned = Network().learned()
    save_file({**learned, name: learned[name][:-1]}, tmp_path / "claims.safetensors")
    with pytest.raises(ModelRefused, match="does not fit"):
        _ = Tagger(tmp_path).network


def test_spans_of_one_window_are_read_as_in_a_batch() -> None:
    """The short way over all kinds at once gives what the general one gives for each."""
    torch.manual_seed(3)
    spans, states = Spans().eval(), torch.randn(30, WIDTH)
    torch.nn.init.normal_(spans.distance)
    first, last = torch.tensor([0, 4, 20]), torch.tensor([2, 4, 29])
    rows = [(0, a, b, kind) for a, b in zip(first, last, strict=True) for kind in range(len(KINDS))]
    with torch.inference_mode():
        wanted = spans(states[None], None, torch.tensor(rows))
        found = spans.read(states, first, last)
    for name, logits in wanted.items():
        assert torch.allclose(found[name].flatten(0, 1), logits, atol=1e-4), name


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SCORES, SCORES, SCORES), min_size=1, max_size=4))
def test_no_other_tags_are_likelier(scores: list[tuple[float, float, float]]) -> None:
    """Of all ways to tag some words, none that is allowed scores higher than the one found."""
    lean, cost = 1.5, 2.0

    def worth(path: tuple[int, ...]) -> float:
        total, before = 0.0, 0
        for tag, row in zip(path, scores, strict=True):
            if tag == 2 and not before:
                return -math.inf
            total += row[tag] + (lean if tag else 0.0)
            total -= (cost / 2 if before else cost) if tag == 1 else 0.0
            before = tag
        return total

    found = _likeliest(np.array(scores)[:, None], lean, cost)[:, 0].tolist()
    best = max(map(worth, itertools.product(range(3), repeat=len(scores))))
    assert worth(tuple(found)) == pytest.approx(best)


def test_what_sentences_say_is_pooled_one_by_one() -> None:
    """Each sentence of a window has the answers it has when its words are pooled alone."""
    torch.manual_seed(4)
    words, homes = torch.randn(7, 2, 3), [1, 1, 1, 2, 4, 4]
    found = _shown(words.numpy(), homes)
    for home, (begin, end) in {1: (0, 3), 2: (3, 4), 4: (4, 6)}.items():
        assert found[home] == pytest.approx(pooled(words[begin:end]).tolist(), abs=1e-5)


def test_scores_are_the_weighed_sums_of_each_question() -> None:
    """Signals without a weight count nothing; the constant always counts."""
    known = {
        head: {"": [1.0] * len(answers), head: [float(n) for n in range(len(answers))]}
        for head, answers in HEADS.items()
    }
    scores = Weights.of(known).scores({"outcome": 2.0, "never seen": 9.0})
    assert scores["outcome"] == [1.0, 3.0, 5.0, 7.0, 9.0]
    assert scores["assertion"] == [1.0] * 3
    assert scores["experiencer"] == [1.0] * 4
