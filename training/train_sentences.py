"""Teach the encoder what sentences say: `python training/train_sentences.py SHARED_DIR --out DIR`.

SHARED_DIR holds `data/psytar` (Zolnoori 2019, CC BY 4.0: what patients say a drug did) and
`data/unicausal` (SemEval-2010 task 8, CC BY 3.0: whether one thing brings about another), of which
only the parts made for training are read. The result is where `train_claims.py --start` sets out
from; that goes on with a share of these sentences, so that nothing is forgotten.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from miner.tagger import SHOWN, Network, Tagger, Window, collate, pooled, windows

COLUMNS = {
    "EF": "helped",
    "INF": "nothing",
    "ADR": "harmed",
    "WD": "withdrawal",
    "SSI": "symptom",
    "DI": "reason",
}
BATCH = 1024
"""Tokens in a batch, padding included."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence and its answers, one per question of `SHOWN`; -1 is not known."""

    text: str
    answers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Sentences read together: a window, their first and last tokens in it, their answers."""

    window: Window
    spans: tuple[tuple[int, int], ...]
    said: tuple[Said, ...]


def psytar(shared: Path, part: str) -> list[Said]:
    """The sentences of a part: `train`, `dev` or `test`."""
    path = shared / "data" / "psytar" / f"binary_{part}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = []
    for row in rows:
        known = {name: int(row[column] or 0) for column, name in COLUMNS.items()}
        answers = tuple(known.get(name, -1) for name in SHOWN)
        found.append(Said(text=row["sentences"], answers=answers))
    return found


def semeval(shared: Path, part: str) -> list[Said]:
    """The sentences of `train`, `dev` (every tenth of the training file, held out) or `test`."""
    file = "test" if part == "test" else "train"
    path = shared / "data" / "unicausal" / f"semeval2010t8_{file}.csv"
    found = {}
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            key = (row["doc_id"], row["sent_id"])
            causal = int(row["seq_label"])
            answers = tuple(causal if name == "causal" else -1 for name in SHOWN)
            found[key] = Said(text=row["text"], answers=answers)
    rows = list(found.values())
    if part == "test":
        return rows
    return [row for index, row in enumerate(rows) if (index % 10 == 7) == (part == "dev")]


def lessons(shared: Path, rng: random.Random, share: float = 1.0) -> list[Said]:
    """A round of sentences: of SemEval all causal ones and three times as many others."""
    causes = semeval(shared, "train")
    place = SHOWN.index("causal")
    yes = [one for one in causes if one.answers[place] == 1]
    no = rng.sample([one for one in causes if one.answers[place] == 0], 3 * len(yes))
    found = psytar(shared, "train") + yes + no
    return rng.sample(found, int(len(found) * share))


def grouped(tagger: Tagger, said: Sequence[Said], rng: random.Random) -> list[Group]:
    """Most of the sentences alone, the others two to four together as in a post."""
    order = rng.sample(list(said), len(said))
    found, index = [], 0
    while index < len(order):
        size = 1 if rng.random() < 0.7 else rng.randint(2, 4)
        found += group(tagger, order[index : index + size])
        index += size
    return found


def group(tagger: Tagger, said: Sequence[Said]) -> list[Group]:
    """Sentences as one window; none where they do not fit in one."""
    text, ends = "", []
    for one in said:
        text += ("\n" if text else "") + one.text
        ends.append(len(text))
    made = windows(tagger.tokenizer, "", text)
    if len(made) != 1:
        return []
    sentence = np.searchsorted(ends, [start for start, _ in made[0].places], side="right")
    spans, kept = [], []
    for index, one in enumerate(said):
        tokens = np.flatnonzero(sentence == index)
        if len(tokens):
            first = made[0].first
            spans.append((int(tokens[0]) + first, int(tokens[-1]) + first))
            kept.append(one)
    return [Group(window=made[0], spans=tuple(spans), said=tuple(kept))]


def batches(groups: Sequence[Group], rng: random.Random) -> list[list[Group]]:
    """Groups of like length together, in random order."""
    order = sorted(groups, key=lambda g: len(g.window.ids) + rng.random() * 6)
    found: list[list[Group]] = [[]]
    for one in order:
        if found[-1] and (len(found[-1]) + 1) * (len(one.window.ids) + 4) > BATCH:
            found.append([])
        found[-1].append(one)
    rng.shuffle(found)
    return found


def said_of(network: Network, batch: Sequence[Group]) -> Tensor:
    """Log odds (sentences, questions) of the sentences of a batch."""
    ids, segments, mask = collate([one.window for one in batch])
    with torch.no_grad():
        below = network.encoder.bottom(ids, segments, mask)
    _, states = network.read_on(below, mask)
    words = network.sentences(states)
    return torch.stack(
        [
            pooled(words[row, first : last + 1])
            for row, one in enumerate(batch)
            for first, last in one.spans
        ]
    )


def loss(network: Network, batch: Sequence[Group]) -> Tensor:
    """What the sentence heads get wrong on a batch, summed over the questions."""
    answers = torch.tensor([said.answers for one in batch for said in one.said])
    known = (answers >= 0).float()
    wrong = functional.binary_cross_entropy_with_logits(
        said_of(network, batch), answers.clamp(min=0).float(), reduction="none"
    )
    return (wrong * known).sum() / known[:, :1].numel() * 2


@torch.inference_mode()
def odds(network: Network, tagger: Tagger, said: Sequence[Said]) -> np.ndarray:
    """Log odds (sentences, questions), each sentence read alone."""
    found = np.full((len(said), len(SHOWN)), -9.0)
    for index, one in enumerate(said):
        for made in group(tagger, [one]):
            found[index] = said_of(network, [made])[0].numpy()
    return found


def f1(right: np.ndarray, found: np.ndarray) -> float:
    """F1 of the positives."""
    both = float((right & found).sum())
    return 2 * both / max(float(right.sum() + found.sum()), 1.0)


def fitted(network: Network, tagger: Tagger, shared: Path) -> None:
    """Move the constants so that zero is the border on the parts for tuning."""
    for name, border, best in borders(network, tagger, shared):
        with torch.no_grad():
            network.sentences.say.bias[SHOWN.index(name)] -= border
        print(f"{name}: F1 {best:.3f} on sentences for tuning, border moved by {border:.2f}")


def borders(network: Network, tagger: Tagger, shared: Path) -> list[tuple[str, float, float]]:
    """For each question the border above which as many lie as there are, and the F1 there.

    That is steadier than the border of the best F1, which a few sentences decide.
    """
    found = []
    parts = [psytar(shared, "dev"), semeval(shared, "dev")]
    read = [odds(network, tagger, part) for part in parts]
    for place, name in enumerate(SHOWN):
        part = int(name == "causal")
        right = np.array([one.answers[place] == 1 for one in parts[part]])
        values = read[part][:, place]
        border = float(np.quantile(values, 1 - right.mean()))
        found.append((name, border, f1(right, values > border)))
    return found


def main() -> None:
    """Read the arguments, train, save."""
    from safetensors.torch import load_file, save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    rng, tagger = random.Random(1), Tagger()
    network = Network(dropout=0.1).train()
    if arguments.start:
        learned = load_file(arguments.start / "claims.safetensors")
        network.load_state_dict({k: v.float() for k, v in learned.items()}, strict=False)
    body = {id(p) for p in network.encoder.parameters()}
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if id(p) in body]},
        {"params": [p for p in parameters if id(p) not in body]},
    ]
    optimiser = torch.optim.AdamW(groups, lr=arguments.rate, weight_decay=0.01)
    plan = [
        batch
        for _ in range(arguments.epochs)
        for batch in batches(grouped(tagger, lessons(arguments.shared, rng), rng), rng)
    ]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [arguments.rate, arguments.rate * 6], total_steps=len(plan), pct_start=0.1
    )
    started, recent = time.monotonic(), 0.0
    for step, batch in enumerate(plan):
        optimiser.zero_grad()
        value = loss(network, batch)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], 1.0)
        optimiser.step()
        schedule.step()
        recent = 0.95 * recent + 0.05 * value.item()
        if step % 50 == 0:
            spent = time.monotonic() - started
            print(f"step {step}/{len(plan)} loss {recent:.3f} {spent:.0f}s", flush=True)
    fitted(network.eval(), tagger, arguments.shared)
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(network.learned(), arguments.out / "claims.safetensors")


if __name__ == "__main__":
    main()
