"""A tagger of fewer layers from a larger one: `python training/distil_claims.py SHARED TEACHER`.

The small tagger begins as some layers and all heads of the large one. It is trained to give the
same states to the heads and the same tags, and to be right on the labelled posts. With `--fold K` a
third of the threads is held out, as in `train_claims.py`; the teacher must be that of the same
fold. With several teachers their mean is taken. With `--texts` files of further posts, one JSON
object with a `text` a line, are read as the teacher reads them.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import train_claims
import train_sentences
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from miner.encoder import LAYERS, WIDTH
from miner.tagger import Network, Tagger, collate

ALIKE = 4.0
"""How much it counts that the states are like the teacher's; the square of the gap, as a share."""
SAME = 2.0
"""How much it counts that the tags are the teacher's, each token with its four kinds."""
RIGHT = 0.5
"""How much the labels count."""
WARM = 2.0
"""Divides the teacher's log odds, so that what it holds for unlikely is learned as well."""


class Teacher:
    """The large tagger, and what it gave for each window it has read."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """With the mean of the weights of some folders."""
        self.learned = train_claims.averaged(folders)
        self.network = Network().eval()
        self.network.load_state_dict(self.learned, strict=False)
        self.known: dict[tuple[int, ...], Tensor] = {}

    @torch.no_grad()
    def states(self, batch: Sequence[train_claims.Example]) -> tuple[Tensor, Tensor]:
        """What tagger and heads look at (batch, length, width), each."""
        longest = max(len(item.window.ids) for item in batch)
        new = [item.window for item in batch if tuple(item.window.ids) not in self.known]
        if new:
            ids, segments, mask = collate(new)
            below = self.network.encoder.bottom(ids, segments, mask)
            both = torch.stack(self.network.mixed(below, mask), 2).half()
            for window, states in zip(new, both, strict=True):
                self.known[tuple(window.ids)] = states[: len(window.ids)].clone()
        found = torch.zeros(len(batch), longest, 2, WIDTH)
        for row, item in enumerate(batch):
            found[row, : len(item.window.ids)] = self.known[tuple(item.window.ids)]
        first, second = found.unbind(2)
        return first, second


def student(teacher: Teacher, layers: Sequence[int], dropout: float) -> Network:
    """The small tagger before its training."""
    network = Network(dropout=dropout, layers=layers)
    network.load_state_dict(teacher.learned, strict=False)
    with torch.no_grad():
        # Of fewer layers the last come nearest to what was mixed of the last three.
        network.layer_mix.copy_(torch.tensor([-1.0, 0.0, 1.0]).expand(2, 3))
    return network


def gap(mine: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean square of the difference, as a share of the mean square of what is wanted."""
    one, other = mine[mask], wanted[mask]
    return functional.mse_loss(one, other) / other.square().mean()


def loss(
    network: Network,
    teacher: Teacher,
    batch: Sequence[train_claims.Example],
    below: train_claims.Below,
    rng: random.Random,
) -> Tensor:
    """What the small tagger gets wrong on a batch, by the teacher and by the labels."""
    lower, mask = below.states(network, batch)
    first, second = network.mixed(lower, mask)
    shape = (*first.shape[:2], -1, 3)
    tags = network.tags(network.dropout(first)).view(shape)
    wanted_first, wanted_second = teacher.states(batch)
    with torch.no_grad():
        taught = teacher.network.tags(wanted_first).view(shape)
    same = functional.kl_div(
        (tags[mask] / WARM).log_softmax(-1),
        (taught[mask] / WARM).log_softmax(-1),
        reduction="none",
        log_target=True,
    )
    apart = gap(first, wanted_first, mask) + gap(second, wanted_second, mask)
    total = ALIKE * apart + SAME * WARM**2 * same.sum((1, 2)).mean()
    labelled = [item for item in batch if item.number >= 0]
    if len(labelled) == len(batch):
        total = total + RIGHT * train_claims.wrong(network, batch, mask, tags, second, rng)
    return total


def main() -> None:
    """Read the arguments, train, save."""
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("teacher", type=Path, nargs="+", help="folders of the large tagger")
    parser.add_argument("--out", type=Path, default=Path("miner/weights"))
    parser.add_argument("--fold", type=int)
    parser.add_argument(
        "--layers", type=int, nargs="+", default=range(LAYERS), help="that are kept"
    )
    parser.add_argument("--start", type=Path, nargs="*", help="small taggers to go on from")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--most", type=int, help="steps after which it ends, to try things out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--vary", type=float, default=0.3, help="share of texts with other phrases")
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--sentences", type=float, default=0.15, help="share of them in a round")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    teacher = Teacher(arguments.teacher)
    network = student(teacher, arguments.layers, arguments.dropout)
    if arguments.start:
        network.load_state_dict(train_claims.averaged(arguments.start), strict=False)
    tagger, items = Tagger(), train_claims.texts(arguments.shared, arguments.fold)
    if arguments.epochs:
        plan = train_claims.rounds(tagger, items, arguments.shared, arguments)
        train_claims.train(
            network,
            plan[: arguments.most],
            arguments.seed,
            arguments.rate,
            heads=2,
            learn=lambda batch, below, rng: loss(network, teacher, batch, below, rng),
        )
    train_sentences.fitted(network.eval(), tagger, arguments.shared)
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(network.learned(), arguments.out / "claims.safetensors")


if __name__ == "__main__":
    main()
