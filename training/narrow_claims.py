"""A narrower tagger from a trained one: `python training/narrow_claims.py SHARED FROM --out DIR`.

Of each layer the hidden units and the heads that least add to what it gives are left out, and what
stays is weighed anew so that it gives nearly the same (least squares on labelled posts, layer after
layer, each with what the narrow ones below it give). Nothing is trained. `--gap` and `--heads` say
which share of the square of a layer's output may be lost. With `--fold K` the posts of a third of
the threads are not looked at, as in `train_claims.py`. Several folders are averaged.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import train_claims
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from miner.encoder import HEAD, Layer
from miner.tagger import Network, Tagger, collate, windows

TEXTS = 260
"""Texts that are looked at; half of them real posts."""
STEP, HEAD_STEP = 64, 1
"""Units, and heads, that are left out at once."""
FIRM = 1e-4
"""Share of the mean square of a unit that is added to every one, so that none is weighed wildly."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Which inputs of a linear layer stay, and their new weights (outputs, kept)."""

    places: Tensor
    weight: Tensor


def narrowed(seen: Tensor, weight: Tensor, size: int, step: int, most: float) -> Kept:
    """The fewest groups of `size` inputs that lose at most that share of the output's square.

    `seen` (inputs, inputs) is the sum of the products of what comes in, `weight` (outputs, inputs).
    The group goes first whose loss is least after the others made up for it (Hassibi 1993).
    """
    firm = seen.double() + torch.eye(len(seen)).double() * seen.diagonal().mean() * FIRM
    wanted = firm @ weight.double().T
    whole = (weight.double().T * (seen.double() @ weight.double().T)).sum()
    live = torch.arange(len(seen))
    best = Kept(places=live, weight=weight)
    while len(live) > size * step:
        inverse = torch.linalg.inv(firm[live][:, live])
        fitted = inverse @ wanted[live]
        cost = _costs(inverse, fitted, size)
        groups = live.view(-1, size)
        live = groups[cost.argsort()[step:].sort().values].flatten()
        mine = torch.linalg.solve(firm[live][:, live], wanted[live])
        gap = whole - (2 * mine * wanted[live] - mine * (firm[live][:, live] @ mine)).sum()
        if gap > most * whole:
            break
        best = Kept(places=live, weight=mine.T.float().contiguous())
    return best


def _costs(inverse: Tensor, fitted: Tensor, size: int) -> Tensor:
    """What leaving out each group of inputs costs, once the others are weighed anew."""
    parts = torch.stack(
        [inverse[at : at + size, at : at + size] for at in range(0, len(inverse), size)]
    )
    own = fitted.view(-1, size, fitted.shape[1])
    found: Tensor = (own * torch.linalg.solve(parts, own)).sum((1, 2))
    return found


def attended(layer: Layer, x: Tensor) -> Tensor:
    """What the heads of a layer give (length, heads · HEAD)."""
    query, key, value = (
        part(x).view(1, len(x), -1, HEAD).transpose(1, 2)
        for part in (layer.query, layer.key, layer.value)
    )
    seen = functional.scaled_dot_product_attention(query, key, value)
    return seen.transpose(1, 2).reshape(len(x), -1)


def narrow(layer: Layer, states: list[Tensor], units: float, heads: float) -> str:
    """Make a layer narrower by what it does to some states, and lead these through it."""
    given = [attended(layer, x) for x in states]
    kept = narrowed(_products(given), layer.out.weight, HEAD, HEAD_STEP, heads)
    for part in (layer.query, layer.key, layer.value):
        part.weight, part.bias = _chosen(part.weight, kept), _chosen(part.bias, kept)
    layer.out.weight = torch.nn.Parameter(kept.weight)
    between = [
        layer.norm_1(x + functional.linear(seen[:, kept.places], kept.weight, layer.out.bias))
        for x, seen in zip(states, given, strict=True)
    ]
    inner = [functional.gelu(layer.inner(x)) for x in between]
    some = narrowed(_products(inner), layer.outer.weight, 1, STEP, units)
    layer.inner.weight = _chosen(layer.inner.weight, some)
    layer.inner.bias = _chosen(layer.inner.bias, some)
    layer.outer.weight = torch.nn.Parameter(some.weight)
    for index, (x, hidden) in enumerate(zip(between, inner, strict=True)):
        out = functional.linear(hidden[:, some.places], some.weight, layer.outer.bias)
        states[index] = layer.norm_2(x + out)
    return f"{len(kept.places) // HEAD} heads, {len(some.places)} units"


def _products(rows: Sequence[Tensor]) -> Tensor:
    return sum((row.T @ row for row in rows), start=torch.zeros(()))


def _chosen(parameter: Tensor, kept: Kept) -> torch.nn.Parameter:
    return torch.nn.Parameter(parameter[kept.places].clone())


def beginnings(network: Network, shared: Path, fold: int | None) -> Iterator[Tensor]:
    """States (length, width) below the first layer, of some texts."""
    tagger, texts = Tagger(), train_claims.texts(shared, fold)
    random.Random(1).shuffle(texts)
    real = [one for one in texts if train_claims.is_real(one.name)]
    other = [one for one in texts if not train_claims.is_real(one.name)]
    for text in (*real[: TEXTS // 2], *other[: TEXTS // 2]):
        for window in windows(tagger.tokenizer, text.title, text.text):
            ids, segments, _ = collate([window])
            yield network.encoder.embedded(ids, segments)[0]


@torch.no_grad()
def main() -> None:
    """Read the arguments, narrow layer after layer, save."""
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("start", type=Path, nargs="+", help="folders of the tagger")
    parser.add_argument("--fold", type=int)
    parser.add_argument("--gap", type=float, default=0.02, help="share lost by the hidden units")
    parser.add_argument("--heads", type=float, default=0.02, help="share lost by the heads")
    parser.add_argument("--out", type=Path, default=Path("miner/weights"))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = Network().eval()
    network.load_state_dict(train_claims.averaged(arguments.start), strict=False)
    states = list(beginnings(network, arguments.shared, arguments.fold))
    for name, layer in network.encoder.layers.items():
        told = narrow(cast("Layer", layer), states, arguments.gap, arguments.heads)
        print(f"layer {name}: {told}", flush=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(network.learned(), arguments.out / "claims.safetensors")


if __name__ == "__main__":
    main()
