"""Train the claim tagger: `python training/train_claims.py SHARED_DIR [--fold K] [--out DIR]`.

SHARED_DIR holds `train/posts.jsonl`, `train/claims.jsonl` and `train/invented/`. With `--fold K`
a third of the threads is held out, for measuring; without it all are learned from. The upper
layers are trained whole, from what `train_sentences.py` made of them (`--start`; several folders
are averaged). Real posts are read twice in every second round. In a part of what is read, phrases
are put in place of others of their kind, so that the words around a claim count and not only its
own.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import train_sentences
import written
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from miner.encoder import WIDTH
from miner.tagger import (
    ASSERTIONS,
    EXPERIENCERS,
    KINDS,
    OUTCOMES,
    Network,
    Tagger,
    Window,
    collate,
    decode,
    windows,
)
from miner.text import own_words, repeats

FOLDS = 3
BATCH = 1024
"""Tokens in a batch, padding included."""
RARE = torch.tensor([0.9, 1.3, 1.1, 2.0, 0.8])
"""How much an outcome counts: about the root of how rare it is."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """One labelled span: its place in the text, kind (None for a trap) and attributes."""

    start: int
    end: int
    kind: int | None
    outcome: int = -1
    assertion: int = -1
    experiencer: int = -1
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Example:
    """A window with its tags (length, kinds) and labelled spans in tokens."""

    name: str
    number: int
    window: Window
    tags: np.ndarray
    weights: np.ndarray
    labels: tuple[tuple[int, int, Label], ...]


def fold_of(name: str) -> int:
    """The fold a thread belongs to, the same on every machine."""
    return zlib.crc32(name.encode()) % FOLDS


def documents(shared: Path, extra: bool = True) -> Iterator[tuple[str, int, str, str]]:
    """Thread id, post number, title and own words of everything that can be learned from."""
    for post in json_rows(shared / "train" / "posts.jsonl"):
        yield post["id"], 0, "", post["title"]
        yield post["id"], 1, post["title"], own_words(post["text"])
    invented = json_rows(shared / "train" / "invented" / "threads.jsonl")
    for thread in (*invented, *(written.threads() if extra else ())):
        yield thread["id"], 0, "", thread["title"]
        said: frozenset[str] = frozenset()
        for post in thread["posts"]:
            yield (
                thread["id"],
                post["n"],
                thread["title"],
                own_words(post["text"], said),
            )
            said |= repeats(post["text"])


def labels(shared: Path) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """The labelled rows by thread and post."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    train = shared / "train"
    labelled = (train / "claims.jsonl", train / "invented" / "claims.jsonl")
    for row in (*(row for path in labelled for row in json_rows(path)), *written.claims()):
        key = (row.get("thread_id") or row["id"], int(row["post_n"]))
        found.setdefault(key, []).append(row)
    return found


def json_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def locate(text: str, row: dict[str, Any]) -> tuple[int, int] | None:
    """Where the target of a row stands: inside its quote if it can be, else anywhere."""
    if "start" in row:
        return row["start"], row["start"] + len(row["target"])
    quote = _find(text, row["quote"], 0, len(text))
    inside = _find(text, row["target"], *quote) if quote else None
    return inside or _find(text, row["target"], 0, len(text))


def _find(text: str, words: str, start: int, end: int) -> tuple[int, int] | None:
    plain = {
        "‘": "['‘’]",
        "’": "['‘’]",
        "'": "['‘’]",
        '"': '["“”]',
        "“": '["“”]',
        "”": '["“”]',
    }
    pattern = r"\s+".join(
        "".join(plain.get(char) or re.escape(char) for char in word) for word in words.split()
    )
    match = re.compile(pattern, re.IGNORECASE).search(text, start, end)
    return match.span() if match else None


def label(text: str, row: dict[str, Any]) -> Label | None:
    """A row as a span of the text; None where it is not among the own words."""
    place = locate(text, row)
    if place is None or not text[slice(*place)].strip():
        return None
    if row["kind"] == "none":
        return Label(start=place[0], end=place[1], kind=None)
    kind = KINDS.index("trigger" if row["kind"] == "symptom_trigger" else row["kind"])
    return Label(
        start=place[0],
        end=place[1],
        kind=kind,
        outcome=_index(OUTCOMES, row.get("outcome")) if row["kind"] == "remedy" else -1,
        assertion=_index(ASSERTIONS, row.get("certainty")),
        experiencer=_index(EXPERIENCERS, row.get("experiencer")),
        weight=0.6 if row.get("uncertain") else 1.0,
    )


def _index(names: Sequence[str], name: str | None) -> int:
    return names.index(name) if name in names else -1


@dataclass(frozen=True, kw_only=True)
class Text:
    """A post or title to learn from, with its labelled spans."""

    name: str
    number: int
    title: str
    text: str
    spans: tuple[Label, ...]


def texts(shared: Path, fold: int | None = None, held_out: bool = False) -> list[Text]:
    """All texts to learn from, without those of a fold; or with `held_out` those alone."""
    rows = labels(shared)
    return [
        Text(
            name=name,
            number=number,
            title=title,
            text=text,
            spans=tuple(one for row in rows.get((name, number), ()) if (one := label(text, row))),
        )
        for name, number, title, text in documents(shared)
        if fold is None or (fold_of(name) == fold) == held_out
    ]


def examples(tagger: Tagger, items: Sequence[Text]) -> list[Example]:
    """The windows of some texts."""
    return [
        example((item.name, item.number), window, item.spans)
        for item in items
        for window in windows(tagger.tokenizer, item.title, item.text)
    ]


def stock(items: Sequence[Text]) -> dict[int, list[str]]:
    """Phrases by kind that may stand for one another: those labelled, and typical ones."""
    data = Path(__file__).resolve().parents[1] / "miner" / "data"
    families = tomllib.loads((data / "families.toml").read_text("utf-8"))
    conditions = tomllib.loads((data / "conditions.toml").read_text("utf-8"))["condition"]
    found: dict[int, list[str]] = {index: [] for index in range(len(KINDS))}
    for item in items:
        for one in item.spans:
            if one.kind is not None:
                found[one.kind].append(item.text[one.start : one.end])
    sources = {
        "cause": ("cause", "trigger"),
        "remedy": ("remedy",),
        "diagnosis": ("diagnosis",),
    }
    for name, kinds in sources.items():
        typical = [phrase for family in families[name].values() for phrase in family]
        for kind in kinds:
            found[KINDS.index(kind)] += typical
    found[KINDS.index("diagnosis")] += [name for one in conditions for name in one.get("names", ())]
    return found


def shape(phrase: str) -> str:
    """Which phrases fit in the same place: by how the first word ends, and by length."""
    words = re.findall(r"[\w'-]+", phrase.lower())
    if not words or len(words) > 5 or words[0] in _POINTING:
        return ""
    ending = next((e for e in ("ing", "ed", "s") if words[0].endswith(e)), "")
    return f"{ending}{min(len(words), 3)}"


_POINTING = {
    "it",
    "that",
    "this",
    "they",
    "them",
    "these",
    "those",
    "one",
    "both",
    "same",
    "none",
}


def substituted(
    item: Text, phrases: Mapping[tuple[int, str], Sequence[str]], rng: random.Random
) -> Text:
    """The text with about half of its claims in other words of the same kind and shape."""
    text, spans, moved, last = (
        item.text,
        sorted(item.spans, key=lambda s: s.start),
        0,
        -1,
    )
    placed: list[Label] = []
    for index, one in enumerate(spans):
        begin, end = one.start + moved, one.end + moved
        alone = one.start >= last and (index + 1 == len(spans) or spans[index + 1].start >= one.end)
        last = max(last, one.end)
        choice = phrases.get(
            (one.kind, shape(text[begin:end])) if one.kind is not None else (-1, "")
        )
        if choice and alone and rng.random() < 0.5:
            other = rng.choice(choice)
            text = text[:begin] + other + text[end:]
            end, moved = begin + len(other), moved + len(other) - (end - begin)
        placed.append(replace(one, start=begin, end=end))
    return replace(item, text=text, spans=tuple(placed))


def varied(items: Sequence[Text], share: float, rng: random.Random) -> list[Text]:
    """The texts, a share of them with other phrases in place of their claims."""
    phrases: dict[tuple[int, str], list[str]] = {}
    for kind, known in stock(items).items():
        for phrase in known:
            if shape(phrase):
                phrases.setdefault((kind, shape(phrase)), []).append(phrase)
    return [substituted(one, phrases, rng) if rng.random() < share else one for one in items]


def example(of: tuple[str, int], window: Window, spans: Sequence[Label]) -> Example:
    """A window with the spans that lie in it."""
    tags = np.zeros((len(window.places), len(KINDS)), dtype=np.int64)
    weights = np.ones((len(window.places), len(KINDS)), dtype=np.float32)
    inside = []
    for one in sorted(spans, key=lambda s: s.start - s.end):
        tokens = [
            i for i, (start, end) in enumerate(window.places) if start < one.end and one.start < end
        ]
        if not tokens:
            continue
        inside.append((tokens[0], tokens[-1], one))
        if one.kind is not None:
            tags[tokens, one.kind] = 2
            tags[tokens[0], one.kind] = 1
            weights[tokens, one.kind] = one.weight
    return Example(
        name=of[0],
        number=of[1],
        window=window,
        tags=tags,
        weights=weights,
        labels=tuple(inside),
    )


def batches(items: Sequence[Example], rng: random.Random) -> list[list[Example]]:
    """Items of like length together, in random order."""
    order = sorted(items, key=lambda e: len(e.window.ids) + rng.random() * 12)
    found: list[list[Example]] = [[]]
    for item in order:
        if found[-1] and (len(found[-1]) + 1) * (len(item.window.ids) + 12) > BATCH:
            found.append([])
        found[-1].append(item)
    rng.shuffle(found)
    return found


def targets(
    batch: Sequence[Example], probabilities: np.ndarray, rng: random.Random
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Spans to ask the heads about: labelled ones, traps, and what the tagger wrongly finds now."""
    spans, kept, weight = [], [], []
    answers: dict[str, list[int]] = {"outcome": [], "assertion": [], "experiencer": []}

    def add(row: int, first: int, last: int, kind: int, label: Label | None) -> None:
        offset = batch[row].window.first
        spans.append((row, first + offset, last + offset, kind))
        kept.append(float(label is not None))
        weight.append(label.weight if label else 1.0)
        for name, values in answers.items():
            values.append(getattr(label, name) if label else -1)

    for row, item in enumerate(batch):
        area = probabilities[row, item.window.first : item.window.first + len(item.window.places)]
        for first, last, one in item.labels:
            if one.kind is None:
                means = 1 - area[first : last + 1, :, 0].mean(0)
                add(row, first, last, int(means.argmax()), None)
            else:
                add(row, first, last, one.kind, one)
                other = rng.randrange(len(KINDS))
                if not any(o.kind == other and a <= last and first <= b for a, b, o in item.labels):
                    add(row, first, last, other, None)
        for kind, first, last, _ in decode(area, item.window.heads, 3.0):
            near = [
                one
                for begin, end, one in item.labels
                if one.kind == kind and begin <= last and first <= end
            ]
            if not near:
                add(row, first, last, kind, None)
            elif rng.random() < 0.5:
                add(row, first, last, kind, near[0])
    found = {name: torch.tensor(values) for name, values in answers.items()}
    found["kept"] = torch.tensor(kept)
    return torch.tensor(spans).view(-1, 4), found, torch.tensor(weight)


class Below:
    """States after the layers that no training changes, kept for the next round."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.known: dict[tuple[int, ...], Tensor] = {}

    @torch.no_grad()
    def states(self, network: Network, batch: Sequence[Example]) -> tuple[Tensor, Tensor]:
        """States (batch, length, width) and mask of a batch."""
        _, _, mask = collate([item.window for item in batch])
        new = [item.window for item in batch if tuple(item.window.ids) not in self.known]
        if new:
            found = network.encoder.bottom(*collate(new))
            for window, states in zip(new, found, strict=True):
                self.known[tuple(window.ids)] = states[: len(window.ids)].half()
        states = torch.zeros(*mask.shape, WIDTH)
        for row, item in enumerate(batch):
            states[row, : len(item.window.ids)] = self.known[tuple(item.window.ids)]
        return states, mask


def loss(network: Network, batch: Sequence[Example], below: Below, rng: random.Random) -> Tensor:
    """The sum of what tagger and heads get wrong on a batch."""
    lower, mask = below.states(network, batch)
    tags, states = network.read_on(lower, mask)
    return wrong(network, batch, mask, tags, states, rng)


def wrong(
    network: Network,
    batch: Sequence[Example],
    mask: Tensor,
    tags: Tensor,
    states: Tensor,
    rng: random.Random,
) -> Tensor:
    """What is wrong in the tag logits of a batch, and in what the heads say of its states."""
    wanted = torch.full(tags.shape[:3], -100)
    weights = torch.zeros(tags.shape[:3])
    for row, item in enumerate(batch):
        area = slice(item.window.first, item.window.first + len(item.window.places))
        wanted[row, area] = torch.from_numpy(item.tags)
        weights[row, area] = torch.from_numpy(item.weights)
    per_token = functional.cross_entropy(tags.permute(0, 3, 1, 2), wanted, reduction="none")
    total = (per_token * weights).sum() / weights.sum() * len(KINDS) * 2
    spans, answers, weight = targets(batch, tags.detach().softmax(-1).numpy(), rng)
    if not len(spans):
        return total
    said = network.spans(states, mask, spans)
    total = total + 0.5 * functional.binary_cross_entropy_with_logits(
        said["kept"][:, 0], answers["kept"]
    )
    shares = {"outcome": 0.5, "assertion": 0.2, "experiencer": 0.2}
    for name, share in shares.items():
        if (answers[name] >= 0).any():
            per_span = functional.cross_entropy(
                said[name], answers[name], ignore_index=-1, reduction="none"
            )
            known = (answers[name] >= 0).float() * weight
            if name == "outcome":
                known = known * RARE[answers[name]]
            total = total + share * (per_span * known).sum() / known.sum()
    return total


def is_real(name: str) -> bool:
    """Whether a thread is of a public corpus, not invented."""
    return not name.startswith(("written_", "syn"))


def rounds(
    tagger: Tagger, items: Sequence[Text], shared: Path, arguments: argparse.Namespace
) -> list[list[Example] | list[train_sentences.Group]]:
    """The batches of all rounds in order; those of sentences lie between those of posts."""
    rng = random.Random(arguments.seed)
    plan: list[list[Example] | list[train_sentences.Group]] = []
    for number in range(arguments.epochs):
        again = [item for item in items if number % 2 and is_real(item.name)]
        posts = examples(tagger, varied([*items, *again], arguments.vary, rng))
        said = train_sentences.lessons(shared, rng, arguments.sentences)
        groups = train_sentences.grouped(tagger, said, rng)
        one: list[list[Example] | list[train_sentences.Group]] = [*batches(posts, rng)]
        one += train_sentences.batches(groups, rng) if groups else []
        plan += rng.sample(one, len(one))
    return plan


Learn = Callable[[list[Example], Below, random.Random], Tensor]
"""What is to be made small for a batch of posts."""


def train(
    network: Network,
    plan: Sequence[list[Example] | list[train_sentences.Group]],
    seed: int,
    rate: float,
    *,
    heads: float = 6,
    learn: Learn | None = None,
) -> Network:
    """The network trained on the plan; the mean of its weights over the last quarter of steps.

    `heads` is how many times faster than the encoder they learn, `learn` what a batch of posts
    teaches: their labels unless it says otherwise.
    """
    torch.manual_seed(seed)
    rng, below = random.Random(seed), Below()
    network.train()
    parameters = [p for p in network.parameters() if p.requires_grad]
    body = {id(p) for p in network.encoder.parameters()}
    groups = [
        {"params": [p for p in parameters if id(p) in body], "lr": rate},
        {"params": [p for p in parameters if id(p) not in body], "lr": rate * heads},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        [rate, rate * heads],
        total_steps=len(plan),
        pct_start=0.1,
        anneal_strategy="cos",
    )
    mean = [torch.zeros_like(p) for p in parameters]
    taken, started, recent = 0, time.monotonic(), 0.0
    for step, batch in enumerate(plan):
        optimiser.zero_grad()
        if isinstance(batch[0], train_sentences.Group):
            value = train_sentences.loss(network, batch)
        else:
            value = learn(batch, below, rng) if learn else loss(network, batch, below, rng)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], 1.0)
        optimiser.step()
        schedule.step()
        recent = 0.95 * recent + 0.05 * value.item()
        if step >= len(plan) * 0.75:
            taken += 1
            with torch.no_grad():
                for total, parameter in zip(mean, parameters, strict=True):
                    total.add_(parameter)
        if step % 50 == 0:
            spent = time.monotonic() - started
            print(f"step {step}/{len(plan)} loss {recent:.3f} {spent:.0f}s", flush=True)
    with torch.no_grad():
        for total, parameter in zip(mean, parameters, strict=True):
            parameter.copy_(total / taken)
    return network.eval()


def averaged(folders: Sequence[Path]) -> dict[str, Tensor]:
    """The weights of a folder, or the mean of those of several."""
    from safetensors.torch import load_file

    several = [load_file(folder / "claims.safetensors") for folder in folders]
    return {
        name: torch.stack([one[name].float() for one in several]).mean(0) for name in several[0]
    }


def main() -> None:
    """Read the arguments, train, save."""
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--fold", type=int)
    parser.add_argument("--out", type=Path, default=Path("miner/weights"))
    parser.add_argument("--start", type=Path, nargs="*", help="weights to go on from")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--vary", type=float, default=0.3, help="share of texts with other phrases")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--sentences", type=float, default=0.15, help="share of them in a round")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    network = Network(dropout=arguments.dropout)
    if arguments.start:
        network.load_state_dict(averaged(arguments.start), strict=False)
    items = texts(arguments.shared, arguments.fold)
    print(
        f"{len(items)} texts, {sum(len(item.text.split()) for item in items)} words",
        flush=True,
    )
    if arguments.epochs:
        plan = rounds(Tagger(), items, arguments.shared, arguments)
        network = train(network, plan, arguments.seed, arguments.rate)
    train_sentences.fitted(network.eval(), Tagger(), arguments.shared)
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(network.learned(), arguments.out / "claims.safetensors")


if __name__ == "__main__":
    main()
