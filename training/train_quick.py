"""Train the word weights of `--fast`: `python training/train_quick.py SHARED_DIR [--out DIR]`.

It learns from the same labels as `train_claims.py`, in a few minutes. Which words are used alike
comes from the word vectors of all-MiniLM-L6-v2. Each third of the threads is read with tags that
have not seen it; on what is found there the answers are learned, and its figures are told.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import held
import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from train_claims import FOLDS, Text, fold_of, texts, varied
from train_sieve import told

from miner.encoder import base_folder, base_weights
from miner.model import Claim, Quote
from miner.quick import ANSWERS, COLUMNS, Quick, Tables
from miner.rivals import one_kind, one_per_idea
from miner.stretches import KINDS, Homes, shown
from miner.text import sentences
from miner.words import CLUSTERS, SIZE, Vocabulary, Words, hashed

GROUPS = 500
"""Groups of words that are used alike."""
DROPPED = 0.25
"""Share of what a word shows that is held back in learning, so that no one thing decides."""
PARTS = 6


def clusters(seed: int) -> np.ndarray:
    """The group of each word of the base model's vocabulary, by hash; 0 for all others."""
    from tokenizers import Tokenizer

    vocabulary = Tokenizer.from_file(str(base_folder() / "tokenizer.json")).get_vocab()
    known = sorted(word for word in vocabulary if word.isalpha())
    vectors = base_weights()["embeddings.word_embeddings.weight"].numpy()
    rows = vectors[[vocabulary[word] for word in known]]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    model = MiniBatchKMeans(GROUPS, random_state=seed, n_init=1, batch_size=4096)
    found = np.zeros(CLUSTERS, dtype=np.uint16)
    for word, group in zip(known, model.fit_predict(rows), strict=True):
        found[hashed(word) % CLUSTERS] = group + 1
    return found


def examples(items: Sequence[Text], alike: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of every word of some texts (words, features) and its tags (words, kinds)."""
    rows, tags, vocabulary = [], [], Vocabulary(alike)
    for item in items:
        words = Words([item.text], vocabulary)
        if not len(words):
            continue
        rows.append(words.rows().T)
        mine = np.zeros((len(words), len(KINDS)), dtype=np.int64)
        for one in sorted(item.spans, key=lambda s: s.start - s.end):
            if one.kind is not None:
                first, stop = map(int, words.between(np.array(one.start), np.array(one.end)))
                mine[first:stop, one.kind] = 2
                mine[first, one.kind] = 1
        tags.append(mine)
    return np.concatenate(rows), np.concatenate(tags)


def tagged(
    items: Sequence[Text], alike: np.ndarray, epochs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The weights of the tags and their constants: the mean of the second half of learning."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    table = torch.nn.EmbeddingBag(SIZE, len(KINDS) * 3, mode="sum", sparse=True)
    torch.nn.init.zeros_(table.weight)
    constant = torch.zeros(len(KINDS) * 3, requires_grad=True)
    optimiser = torch.optim.Adagrad([*table.parameters(), constant], lr=0.05)
    mean, taken = torch.zeros_like(table.weight), 0
    for epoch in range(epochs):
        rows, tags = examples(varied(items, 0.3, rng), alike)
        order, total = torch.randperm(len(rows)), 0.0
        for step, batch in enumerate(order.split(512)):  # type: ignore[no-untyped-call]
            optimiser.zero_grad()
            some = torch.from_numpy(rows[batch.numpy()])
            shares = (torch.rand(some.shape) > DROPPED).float() / (1 - DROPPED)
            said = table(some, per_sample_weights=shares) + constant
            loss = torch.nn.functional.cross_entropy(
                said.view(-1, len(KINDS), 3).permute(0, 2, 1), torch.from_numpy(tags[batch.numpy()])
            )
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.item() * len(batch)
            if epoch >= epochs / 2 and step % 20 == 0:
                mean, taken = mean + table.weight.detach(), taken + 1
        print(f"epoch {epoch} loss {total / len(rows):.4f}", flush=True)
    return (mean / taken).numpy(), constant.detach().numpy()


@dataclass(frozen=True, kw_only=True)
class Found:
    """A stretch with what it shows, and the label it agrees with, if any."""

    item: Text
    kind: int
    place: tuple[int, int]
    rows: np.ndarray
    label: Mapping[str, Any] | None


def role(item: Text) -> str:
    """The part of a text in its thread, as `miner.claims` names it."""
    return "title" if item.number == 0 else "opener" if item.number == 1 else "reply"


def proposed(quick: Quick, item: Text) -> Iterator[tuple[int, tuple[int, int], np.ndarray]]:
    """Kind, place and what is shown of every stretch of a text."""
    split = sentences(item.text)
    words = Words([item.text if split else ""], quick.vocabulary)
    found = quick.stretches(words, [item.text])
    if len(found):
        rows, begins = shown(words, found, Homes(words, [split]), [role(item)])
        places = zip(
            words.starts[found.first].tolist(), words.ends[found.last].tolist(), strict=True
        )
        yield from zip(found.kinds.tolist(), places, np.split(rows, begins[1:]), strict=True)


def found_in(
    quick: Quick, items: Sequence[Text], labels: Sequence[Mapping[str, Any]], score: Any
) -> list[Found]:
    """Every stretch of some texts, with its label as the scorer finds it."""
    by: dict[tuple[str, int, str], list[Mapping[str, Any]]] = {}
    for row in labels:
        by.setdefault((row["thread_id"], row["post_n"], row["kind"]), []).append(row)
    made = []
    for item in items:
        for kind, place, rows in proposed(quick, item):
            name = "symptom_trigger" if KINDS[kind] == "trigger" else KINDS[kind]
            label, alike = None, 0.5
            for row in by.get((item.name, item.number, name), ()):
                near = score.sim({"target": item.text[slice(*place)]}, row, "soft")
                if near >= alike:
                    label, alike = row, near
            made.append(Found(item=item, kind=kind, place=place, rows=rows, label=label))
    return made


def table(rows: Sequence[np.ndarray]) -> csr_matrix:
    """How often each row of the table is summed."""
    places = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    columns = np.concatenate(rows)
    return csr_matrix((np.ones(len(columns)), (places, columns)), shape=(len(rows), SIZE))


def crossed(x: csr_matrix, y: np.ndarray, groups: Sequence[str], strength: float) -> np.ndarray:
    """Probability of a claim for stretches whose thread was not learned from."""
    sure = np.zeros(len(y))
    for learn, out in GroupKFold(PARTS).split(x, y, groups):
        model = LogisticRegression(C=strength, max_iter=300).fit(x[learn], y[learn])
        sure[out] = model.predict_proba(x[out])[:, 1]
    return sure


def predicted(
    made: Sequence[Found], sure: np.ndarray, least: Sequence[float]
) -> list[dict[str, Any]]:
    """The claims that would be kept, in the words of the scorer."""
    claims: dict[tuple[str, int], list[Claim]] = {}
    for one, confidence in zip(made, sure, strict=True):
        if confidence >= least[one.kind]:
            phrase = one.item.text[slice(*one.place)]
            claim = Claim(
                kind=KINDS[one.kind],
                phrase=phrase,
                phrase_start=one.place[0],
                quote=Quote(document=one.item.name, part="", start=0, text=phrase),
                confidence=float(confidence),
            )
            claims.setdefault((one.item.name, one.item.number), []).append(claim)
    return [
        {
            "thread_id": thread,
            "post_n": number,
            "kind": "symptom_trigger" if claim.kind == "trigger" else claim.kind,
            "target": claim.phrase,
            "outcome": claim.outcome,
        }
        for (thread, number), some in claims.items()
        for claim in one_per_idea(one_kind(some))
    ]


def thresholds(
    made: Sequence[Found], sure: np.ndarray, labels: Sequence[Any], score: Any
) -> list[float]:
    """The least probability of a claim by kind, for the best F1 on real posts."""
    real = [row for row in labels if row["provenance"] == "real"]

    def f1(least: Sequence[float], kind: str | None) -> float:
        kinds = {"kinds": (kind,)} if kind else {}
        found = score.evaluate(predicted(made, sure, least), real, boot=0, **kinds)
        return float(found["detection"]["F1"])

    steps = np.arange(0.2, 0.51, 0.06)
    common = max(steps, key=lambda t: f1([float(t)] * len(KINDS), None))
    least = []
    for kind, name in enumerate(KINDS):
        scored = "symptom_trigger" if name == "trigger" else name

        def own(t: float, kind: int = kind, scored: str = scored) -> float:
            return f1([float(t) if k == kind else 2.0 for k in range(len(KINDS))], scored)

        least.append(round(float(common + max(steps, key=own)) / 2, 3))
    return least


def answers(
    made: Sequence[Found], strengths: Mapping[str, float], kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weights of all answers (SIZE, COLUMNS) and their constants."""
    weights, constant = np.zeros((SIZE, len(COLUMNS))), np.full(len(COLUMNS), -9.0)
    fields = {"outcome": "outcome", "assertion": "certainty", "experiencer": "experiencer"}
    for head, options in ANSWERS.items():
        first = [name for name, _ in COLUMNS].index(head)
        if head == "kept":
            chosen, y = list(made), kept.astype(int)
        else:
            chosen = [
                one
                for one in made
                if one.label is not None
                and one.label.get(fields[head]) in options
                and (head != "outcome" or KINDS[one.kind] == "remedy")
            ]
            y = np.array([options.index(one.label[fields[head]]) for one in chosen if one.label])
        x = table([one.rows for one in chosen])
        groups = [one.item.name for one in chosen]
        if head != "kept":
            right = np.zeros(len(y), dtype=bool)
            for learn, out in GroupKFold(PARTS).split(x, y, groups):
                model = LogisticRegression(C=strengths[head], max_iter=300).fit(x[learn], y[learn])
                right[out] = model.predict(x[out]) == y[out]
            real = np.array(
                [one.label is not None and one.label["provenance"] == "real" for one in chosen]
            )
            print(
                f"{head}: right {right[real].mean():.3f} of {real.sum()} on real posts", flush=True
            )
        model = LogisticRegression(C=strengths[head], max_iter=500).fit(x, y)
        if head == "kept":
            weights[:, first], constant[first] = model.coef_[0], model.intercept_[0]
        else:
            weights[:, first + model.classes_] = model.coef_.T
            constant[first + model.classes_] = model.intercept_
    return weights, constant


def small(name: str, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Weights in eight bits, with the scale of each column."""
    scale = np.maximum(np.abs(weights).max(0), 1e-6) / 127
    return {
        name: np.round(weights / scale).astype(np.int8),
        f"{name}_scale": scale.astype(np.float32),
    }


def quick_of(tensors: Mapping[str, np.ndarray]) -> Quick:
    """An engine that proposes with these tags; its answers are still to be learned."""
    quick = Quick()
    quick.__dict__["tables"] = Tables(
        clusters=tensors["clusters"],
        tags=tensors["tags"] * tensors["tags_scale"],
        constant=tensors["constant"],
        answers=np.zeros((1, 1)),
        answers_constant=np.zeros(1),
        least=np.zeros(len(KINDS)),
    )
    return quick


def tags_of(
    items: Sequence[Text], alike: np.ndarray, epochs: int, seed: int
) -> dict[str, np.ndarray]:
    """The tensors of the tags."""
    weights, constant = tagged(items, alike, epochs, seed)
    return {"clusters": alike, "constant": constant.astype(np.float32), **small("tags", weights)}


def main() -> None:
    """Read the arguments, train, tell the figures, save."""
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--out", type=Path, default=Path("miner/weights"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--strength", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    alike = clusters(arguments.seed)
    items, score = texts(arguments.shared), held.scorer(arguments.shared)
    labels = held.rows(arguments.shared, score)
    made: list[Found] = []
    for fold in range(FOLDS):
        learn = [item for item in items if fold_of(item.name) != fold]
        quick = quick_of(tags_of(learn, alike, arguments.epochs, arguments.seed))
        made += found_in(quick, [i for i in items if fold_of(i.name) == fold], labels, score)
    kept = np.array([one.label is not None for one in made])
    x = table([one.rows for one in made])
    sure = crossed(x, kept, [one.item.name for one in made], arguments.strength)
    print(f"{len(made)} stretches, {kept.mean():.3f} of them claims", flush=True)
    least = thresholds(made, sure, labels, score)
    for name in ("real", "invented", "written"):
        some = [row for row in labels if row["provenance"] == name]
        told(name, score.evaluate(predicted(made, sure, least), some, boot=0))
    weights, constant = answers(
        made,
        {"kept": arguments.strength, "outcome": 0.03, "assertion": 0.03, "experiencer": 0.03},
        kept,
    )
    tensors = {
        **tags_of(items, alike, arguments.epochs, arguments.seed),
        **small("answers", weights),
        "answers_constant": constant.astype(np.float32),
        "least": np.array(least, dtype=np.float32),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, arguments.out / "quick.safetensors")


if __name__ == "__main__":
    main()
