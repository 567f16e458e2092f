"""Which words of a text are a claim, of what kind, and how it is meant: the learned part.

A tagger over token states finds spans of each kind; heads that look at the whole text from a span
say whether it really is a claim, what came of it, how sure the author is and who speaks.
Rules of scope and the clean-up of phrases are `miner.claims`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from miner.decoding import START, decode
from miner.encoder import LAYERS, WIDTH, Encoder, base_folder, base_weights, can_compact
from miner.errors import ModelRefused
from miner.gate import Gate, covered
from miner.text import sentences

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Candidate", "Network", "Tagger", "Window", "decode", "windows"]

KINDS = ("cause", "trigger", "diagnosis", "remedy")
OUTCOMES = ("helped", "mixed", "no_effect", "worse", "unknown")
ASSERTIONS = ("asserted", "hedged", "negated")
EXPERIENCERS = ("self", "other", "advice", "question")
TITLE, BODY, OVERLAP = 24, 320, 80
"""Tokens of the title before a text, of the text in one window, and shared by two windows."""
SHOWN = ("helped", "nothing", "harmed", "withdrawal", "symptom", "reason", "causal")
"""What a sentence may say, beside its claims: that something worked, or did nothing; a side effect,
a withdrawal, a symptom, what a thing is taken for; that one thing brought about another."""
FAINT = 0.05
"""Mean probability of a span's words from which it is looked at: of what lies below, hardly
anything is kept in the end."""
REACH = 12
"""Buckets of distance on either side of a span."""
CLS, SEP, PAD = 101, 102, 0
_LAYERS = "layers"
"""The entry of a weights file that says which layers of the base model are used; else all are."""
SHIPPED = Path(__file__).parent / "weights"


@dataclass(frozen=True, kw_only=True)
class Window:
    """What the network reads at once: a title and a stretch of text."""

    ids: list[int]
    first: int
    """Index of the first token of the text; the title comes before it."""
    places: list[tuple[int, int]]
    """Offsets in the text, one per token of the text."""
    heads: list[bool]
    """Whether a token begins a word."""
    homes: list[int]
    """Which sentence of the text a token stands in."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A span that may be a claim, with what the heads say of it."""

    kind: int
    start: int
    end: int
    tagged: tuple[float, ...]
    """Mean probability of its words under the tagger, for each kind."""
    begun: tuple[float, ...]
    """Probability of its first word to begin a span of each kind."""
    kept: tuple[float, ...]
    """Probability that it really is a claim, for each kind."""
    outcome: tuple[float, ...]
    assertion: tuple[float, ...]
    experiencer: tuple[float, ...]
    shown: tuple[tuple[float, ...], ...] = ()
    """Log odds of `SHOWN` in its sentence, the next, the best of those soon after and just before;
    empty where there is no such sentence."""


def windows(
    tokenizer: Tokenizer,
    title: str,
    text: str,
    passages: Sequence[tuple[int, int]] | None = None,
) -> list[Window]:
    """The windows that cover a text, each after the same title; none for a blank text.

    With `passages`, only what lies in these stretches of the text is read, as if it stood together.
    """
    head = tokenizer.encode(title, add_special_tokens=False).ids[:TITLE] if title else []
    body = tokenizer.encode(text, add_special_tokens=False)
    # Each of these makes a new list of the whole text.
    ids, words, offsets = body.ids, body.word_ids, body.offsets
    heads = [index == 0 or words[index] != words[index - 1] for index in range(len(words))]
    starts = [one.start for one in sentences(text)]
    homes = [bisect_right(starts, start) for start, _ in offsets]
    chosen = range(len(words)) if passages is None else covered(offsets, passages)
    prefix = [CLS, *head, SEP]
    found = []
    for begin in range(0, max(len(chosen) - OVERLAP, 1), BODY - OVERLAP):
        piece = chosen[begin : begin + BODY]
        if piece:
            found.append(
                Window(
                    ids=[*prefix, *(ids[token] for token in piece), SEP],
                    first=len(prefix),
                    places=[offsets[token] for token in piece],
                    heads=[heads[token] for token in piece],
                    homes=[homes[token] for token in piece],
                )
            )
    return found


class Spans(nn.Module):
    """What is said of a span, seen from the span over the whole window."""

    def __init__(self, heads: int = 4, size: int = 32, hidden: int = 192) -> None:
        super().__init__()
        self.heads, self.size = heads, size
        self.kind = nn.Embedding(len(KINDS), 32)
        self.query = nn.Linear(WIDTH + 32, heads * size)
        self.key = nn.Linear(WIDTH, heads * size)
        self.value = nn.Linear(WIDTH, heads * size)
        self.distance = nn.Parameter(torch.zeros(heads, 2 * REACH + 1))
        self.mix = nn.Linear(3 * WIDTH + heads * size + 32, hidden)
        self.dropout = nn.Dropout(0.2)
        sizes = {
            "kept": 1,
            "outcome": len(OUTCOMES),
            "assertion": len(ASSERTIONS),
            "experiencer": len(EXPERIENCERS),
        }
        self.answers = nn.ModuleDict({name: nn.Linear(hidden, n) for name, n in sizes.items()})

    def forward(self, states: Tensor, mask: Tensor | None, spans: Tensor) -> dict[str, Tensor]:
        """Logits by head for spans (n, 4) of row, first token, last token, kind."""
        row, first, last, kind = spans.unbind(1)
        summed = torch.cat([torch.zeros_like(states[:, :1]), states.cumsum(1)], 1)
        mean = (summed[row, last + 1] - summed[row, first]) / (last + 1 - first)[:, None]
        kinds = self.kind(kind)
        query = self.query(torch.cat([mean, kinds], 1)).view(-1, self.heads, self.size)
        seen = self._look(query, states, mask, row, _buckets(states.shape[1], first, last))
        edge = states[row, first]
        whole = states[row, torch.zeros_like(first)]
        mixed = self.mix(self.dropout(torch.cat([mean, edge, whole, seen, kinds], 1)))
        hidden = self.dropout(torch.nn.functional.gelu(mixed))
        return {name: answer(hidden) for name, answer in self.answers.items()}

    def read(self, states: Tensor, first: Tensor, last: Tensor) -> dict[str, Tensor]:
        """Logits by head (spans, kinds, answers) for spans of one window, each taken as every kind.

        The same as `forward` says of them; what does not depend on the kind is computed once.
        """
        place = torch.arange(len(states))
        inside = ((place >= first[:, None]) & (place <= last[:, None])).float()
        mean = inside @ states / (last + 1 - first)[:, None]
        kinds = self.kind.weight
        seen = self._seen(states, mean, _buckets(len(states), first, last))
        sizes = [3 * WIDTH, self.heads * self.size, kinds.shape[1]]
        parts = torch.split(self.mix.weight, sizes, 1)
        edges = torch.cat([mean, states[first], states[:1].expand(len(mean), -1)], 1)
        mixed = (edges @ parts[0].T)[:, None] + seen @ parts[1].T + kinds @ parts[2].T
        hidden = torch.nn.functional.gelu(mixed + self.mix.bias)
        return {name: answer(hidden) for name, answer in self.answers.items()}

    def _seen(self, states: Tensor, mean: Tensor, buckets: Tensor) -> Tensor:
        """What each span sees in the one window, for every kind (spans, kinds, heads · size)."""
        sizes = [WIDTH, self.kind.weight.shape[1]]
        to_mean, to_kind = torch.split(self.query.weight, sizes, 1)
        query = (mean @ to_mean.T)[:, None] + self.kind.weight @ to_kind.T + self.query.bias

        def by_head(x: Tensor) -> Tensor:
            return x.reshape(-1, self.heads, self.size).transpose(0, 1)

        key, value = by_head(self.key(states)), by_head(self.value(states))
        scores = torch.bmm(by_head(query), key.transpose(1, 2)) / self.size**0.5
        by_kind = scores.view(self.heads, -1, len(KINDS), len(states))
        near = by_kind + self.distance[:, buckets][:, :, None]
        found = torch.bmm(near.softmax(-1).view_as(scores), value)
        return found.transpose(0, 1).reshape(len(mean), len(KINDS), -1)

    def _look(
        self, query: Tensor, states: Tensor, mask: Tensor | None, row: Tensor, buckets: Tensor
    ) -> Tensor:
        """What each span sees in its own window (n, heads · size); spans are padded by row."""
        seat = torch.zeros_like(row)
        taken: dict[int, int] = {}
        for index, owner in enumerate(row.tolist()):
            seat[index] = taken[owner] = taken.get(owner, -1) + 1
        size = (len(states), max(taken.values()) + 1)
        asked = query.new_zeros(*size, self.heads, self.size).index_put((row, seat), query)
        near = buckets.new_zeros(*size, states.shape[1]).index_put((row, seat), buckets)
        key = self.key(states).view(*states.shape[:2], self.heads, self.size)
        value = self.value(states).view(*states.shape[:2], self.heads, self.size)
        scores = torch.einsum("bnhs,blhs->bhnl", asked, key) / self.size**0.5
        bias = torch.nn.functional.embedding(near, self.distance.T).permute(0, 3, 1, 2)
        scores = scores + bias
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], -1e4)
        seen = torch.einsum("bhnl,blhs->bnhs", scores.softmax(-1), value).flatten(2)
        return seen[row, seat]


class Sentences(nn.Module):
    """What each word adds to what its sentence says, and how much it counts there."""

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.look = nn.Linear(WIDTH, len(SHOWN))
        self.mix = nn.Linear(WIDTH, hidden)
        self.say = nn.Linear(hidden, len(SHOWN))
        self.dropout = nn.Dropout(0.2)

    def forward(self, states: Tensor) -> Tensor:
        """Importance and log odds (batch, length, 2, answers) of every token."""
        hidden = self.dropout(torch.nn.functional.gelu(self.mix(states)))
        return torch.stack([self.look(states), self.say(hidden)], 2)


def pooled(words: Tensor) -> Tensor:
    """Log odds of the answers for the tokens (length, 2, answers) of one sentence."""
    return (words[:, 0].softmax(0) * words[:, 1]).sum(0)


def _steps(distance: Tensor) -> Tensor:
    """The logarithm of a distance in tokens, 0 to REACH."""
    return (torch.log2(distance.float() + 1) * 1.4).long().clamp(max=REACH)


_FAR = 512
"""A distance in tokens from which on the bucket is the last."""
_BUCKETS = torch.cat(
    [REACH - _steps(torch.arange(_FAR, 0, -1)), REACH + _steps(torch.arange(_FAR))]
)


def _buckets(length: int, first: Tensor, last: Tensor) -> Tensor:
    """Signed logarithmic distance of every token from each span, 0 to 2·REACH (n, length)."""
    place = torch.arange(length)[None, :]
    away = (place - first[:, None]).clamp(min=-_FAR, max=0)
    away += (place - last[:, None]).clamp(min=0, max=_FAR - 1)
    return _BUCKETS[away + _FAR]


_NOTHING = torch.zeros(())


class Network(nn.Module):
    """Encoder, tagger and span heads together."""

    def __init__(self, dropout: float = 0.0, layers: Sequence[int] = range(LAYERS)) -> None:
        """Over the base model or some of its layers, untrained."""
        super().__init__()
        self.encoder = Encoder(base_weights(), dropout, layers)
        self.layer_mix = nn.Parameter(torch.zeros(2, 3))
        self.tags = nn.Linear(WIDTH, len(KINDS) * 3)
        self.spans = Spans()
        self.sentences = Sentences()
        self.dropout = nn.Dropout(dropout)
        self.changed = [name for name, value in self.named_parameters() if value.requires_grad]

    def read(self, ids: Tensor, segments: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tag logits (batch, length, kinds, 3) and the states the span heads look at.

        Without a mask nothing is padding.
        """
        return self.read_on(self.encoder.bottom(ids, segments, mask), mask)

    def read_on(self, states: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same from the states of the layers that no training changes."""
        first, second = self.mixed(states, mask)
        tags = self.tags(self.dropout(first))
        return tags.view(*tags.shape[:2], len(KINDS), 3), second

    def mixed(self, states: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the tagger looks at and what the heads look at, from the states of fixed layers."""
        layers = self.encoder.top(states, mask)
        first, second = (
            sum((share * layer for share, layer in zip(row, layers, strict=True)), start=_NOTHING)
            for row in self.layer_mix.softmax(-1).unbind()
        )
        return first, second

    def learned(self) -> dict[str, Tensor]:
        """The tensors that training changed: all that has to be shipped."""
        values = dict(self.named_parameters())
        layers = torch.tensor([int(index) for index in self.encoder.layers], dtype=torch.uint8)
        learned = {name: values[name].detach().half().contiguous() for name in self.changed}
        return {**learned, _LAYERS: layers}

    def take(self, learned: Mapping[str, Tensor]) -> bool:
        """Read with these tensors from now on; False where they are not those of such a network."""
        sizes = {name: value.shape for name, value in self.named_parameters()}
        if not learned.keys() >= {*self.changed}:
            return False
        if any(sizes.get(name) != value.shape for name, value in learned.items()):
            return False
        self.load_state_dict({name: value.float() for name, value in learned.items()}, strict=False)
        return True


def collate(batch: Sequence[Window]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, segments and mask (batch, longest) of some windows."""
    longest = max(len(window.ids) for window in batch)
    ids = torch.full((len(batch), longest), PAD)
    segments = torch.zeros_like(ids)
    mask = torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, window in enumerate(batch):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        segments[row, window.first : len(window.ids)] = 1
        mask[row, : len(window.ids)] = True
    return ids, segments, mask


class Tagger:
    """The learned part, loaded once."""

    def __init__(self, folder: Path | None = None) -> None:
        """With the weights of a folder, or those shipped."""
        self.folder = folder or SHIPPED
        self.lean, self.cost = 1.0, START

    @cached_property
    def network(self) -> Network:
        """The network with the shipped weights, ready to read."""
        path = self.folder / "claims.safetensors"
        learned = _shipped(path)
        layers = learned.pop(_LAYERS).tolist() if _LAYERS in learned else range(LAYERS)
        network = Network(layers=layers)
        if not network.take(learned):
            raise ModelRefused(f"{path} does not fit this version: reinstall folkgrade")
        if can_compact():
            network.encoder.compact()
        return network.eval()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the base model, without truncation and padding."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(base_folder() / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def gate(self) -> Gate:
        """What decides which sentences are read; weights in training share the shipped one."""
        own, shipped = (folder / "gate.json" for folder in (self.folder, SHIPPED))
        return Gate.load(own if own.is_file() else shipped)

    def read(self, texts: Sequence[tuple[str, str]]) -> list[list[Candidate]]:
        """The candidates of each (title, text), in order of place.

        Every window is read alone and by one thread: what is found in a text depends on nothing
        else, to the last digit.
        """
        with _one_thread():
            return [self._read(title, text) for title, text in texts]

    def _read(self, title: str, text: str) -> list[Candidate]:
        # A title is short, and often stands for the whole thread: it is read in any case.
        passages = self.gate.passages(text) if title else None
        some = windows(self.tokenizer, title, text, passages)
        return _merged([one for window in some for one in self._candidates(window)])

    @torch.inference_mode()
    def _candidates(self, window: Window) -> list[Candidate]:
        ids, segments, _ = collate([window])
        tags, states = self.network.read(ids, segments, None)
        area = tags[0, window.first : window.first + len(window.places)].softmax(-1).numpy()
        proposed = _proposed(area, window.heads, self.lean, self.cost)
        if not proposed:
            return []
        edges = torch.tensor([(first, last) for first, last, _ in proposed]) + window.first
        answers = self.network.spans.read(states[0], edges[:, 0], edges[:, 1])
        kept = answers.pop("kept").sigmoid()[..., 0].tolist()
        said = {name: value.softmax(-1).tolist() for name, value in answers.items()}
        tagged = _inside(area, window.heads, proposed)
        shown = _shown(self.network.sentences(states)[0, window.first :].numpy(), window.homes)
        near = {home: _around(shown, home) for home in {window.homes[one[0]] for one in proposed}}
        return [
            Candidate(
                kind=kind,
                start=window.places[first][0],
                end=window.places[last][1],
                tagged=tagged[index],
                begun=tuple(area[first, :, 1].tolist()),
                kept=tuple(kept[index]),
                outcome=tuple(said["outcome"][index][kind]),
                assertion=tuple(said["assertion"][index][kind]),
                experiencer=tuple(said["experiencer"][index][kind]),
                shown=near[window.homes[first]],
            )
            for index, (first, last, kinds) in enumerate(proposed)
            for kind in kinds
        ]


Proposed = tuple[int, int, list[int]]
"""First and last token of a span, and the kinds the tagger finds it as."""


def _inside(
    area: np.ndarray, heads: Sequence[bool], proposed: Sequence[Proposed]
) -> list[tuple[float, ...]]:
    """For each span the mean probability of its words to be inside a span, for each kind."""
    words = np.array(heads, dtype=np.float64)[:, None]
    table = np.hstack([(1.0 - area[..., 0]) * words, words])
    summed = np.vstack([np.zeros_like(table[:1]), table.cumsum(0)])
    edges = np.array([(first, last + 1) for first, last, _ in proposed])
    found = summed[edges[:, 1]] - summed[edges[:, 0]]
    return [tuple(row) for row in (found[:, :-1] / found[:, -1:]).tolist()]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Numbers come out the same on any number of cores; more cores are for more processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _proposed(area: np.ndarray, heads: Sequence[bool], lean: float, cost: float) -> list[Proposed]:
    """First and last token of each span the tagger finds, with the kinds it finds it as."""
    found: dict[tuple[int, int], list[int]] = {}
    for kind, first, last, tagged in decode(area, heads, lean, cost):
        if tagged >= FAINT:
            found.setdefault((first, last), []).append(kind)
    return [(first, last, kinds) for (first, last), kinds in sorted(found.items())]


def _shown(words: np.ndarray, homes: Sequence[int]) -> dict[int, list[float]]:
    """Log odds of `SHOWN` by sentence, from what the words of a window add to it, as `pooled`."""
    begins = [place for place, home in enumerate(homes) if not place or home != homes[place - 1]]
    sizes = np.diff([*begins, len(homes)])
    counts, says = words[: len(homes), 0], words[: len(homes), 1]
    weight = np.exp(counts - np.maximum.reduceat(counts, begins).repeat(sizes, 0))
    found = np.add.reduceat(weight * says, begins) / np.add.reduceat(weight, begins)
    return dict(zip([homes[begin] for begin in begins], found.tolist(), strict=True))


def _around(shown: Mapping[int, Sequence[float]], home: int) -> tuple[tuple[float, ...], ...]:
    """The log odds of a sentence, the next, and the best of two to five after and two before."""
    places = ([0], [1], range(2, 6), (-2, -1))
    rows = [[shown[home + step] for step in some if home + step in shown] for some in places]
    return tuple(tuple(map(max, *row) if len(row) > 1 else row[0] if row else ()) for row in rows)


def _shipped(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file; ModelRefused where it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ModelRefused(f"{path} cannot be read ({error}): reinstall folkgrade") from error


def _merged(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Without the second reading of a span that lies in two windows; the surer one stays."""
    chosen: list[Candidate] = []
    near: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
    for one in sorted(candidates, key=lambda c: -c.tagged[c.kind] * c.kept[c.kind]):
        # Stretches of 64 characters: what overlaps shares one of them.
        places = [(one.kind, place) for place in range(one.start // 64, (one.end - 1) // 64 + 1)]
        if not any(
            c.start < one.end and one.start < c.end for place in places for c in near[place]
        ):
            chosen.append(one)
            for place in places:
                near[place].append(one)
    return sorted(chosen, key=lambda c: (c.start, c.end, c.kind))
