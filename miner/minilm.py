"""all-MiniLM-L6-v2 on `miner.encoder` alone: what it is published for takes seconds to start.

Texts go in, the mean of their token states comes out, as Reimers and Gurevych 2019 have it. The
network is read when a text is embedded first: a run that embeds nothing new needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from miner.encoder import Encoder

__all__ = ["LONGEST", "MiniLM"]

LONGEST = 256
"""Tokens of a text that are read, as the model was published."""
TOKENS = 2_048
"""Tokens read at a time, unless a single text has more."""
WIDTH = 384


class MiniLM:
    """The model in a folder whose weights were checked."""

    name = "all-MiniLM-L6-v2"

    def __init__(self, folder: Path) -> None:
        """Reads nothing yet."""
        self._folder = folder

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row per text, in order. No row depends on the other texts but by rounding."""
        rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
        if not texts:
            return rows
        import torch

        tokens = [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        with torch.inference_mode():
            for places in _alike([len(ids) for ids in tokens]):
                ids = torch.tensor([tokens[place] for place in places])
                # Equally long, so that nothing is padding and nothing has to be masked.
                states = self._network.bottom(ids, torch.zeros_like(ids), None)
                means = self._network.top(states, None)[-1].mean(dim=1)
                rows[places] = torch.nn.functional.normalize(means, dim=1).numpy()
        return rows

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(LONGEST)
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _network(self) -> Encoder:
        from miner.encoder import Encoder, base_folder, base_weights

        # The one the engine reads with, where it is the same.
        folder = None if self._folder == base_folder() else self._folder
        return Encoder(base_weights(folder)).eval()


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of equally long texts, as many together as are read at a time."""
    order = sorted(range(len(lengths)), key=lambda place: lengths[place])
    for length, some in groupby(order, key=lambda place: lengths[place]):
        places, most = list(some), max(1, TOKENS // length)
        for start in range(0, len(places), most):
            yield places[start : start + most]
