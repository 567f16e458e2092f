"""Groups of short texts against labels: accuracy, NMI, ARI, seconds.

    python benchmarks/shorttext.py FILE.tsv [--seeds 5] [--cache FOLDER]
    python benchmarks/shorttext.py --clinc data_full.json domains.json

A line of FILE is LABEL, tab, TEXT. The number of groups is never given, and the settings are the
shipped ones whatever the file. `--seeds` also prints how far runs of other seeds agree, `--cache`
keeps the vectors, which take minutes, for the next time. `--clinc` groups the training questions
of clinc150, puts the groups beside its ten domains, and tells how well questions of no intent are
known as new.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score

from miner.communities import SEED, communities
from miner.embed import DEFAULT, Encoder, Vectors, load

Labels = NDArray[np.int64]

TOP = 0.7
"""Distance at which groups are no longer one domain."""
NEAREST = 5
CHUNK = 1000
"""Texts embedded between two words on how far it is."""


def numbered(names: Sequence[str]) -> Labels:
    """A number for each name."""
    return np.unique(names, return_inverse=True)[1].reshape(-1)


def scores(true: Labels, found: Labels) -> str:
    """How well the labels found agree with the true ones."""
    table = np.zeros((int(true.max()) + 1, int(found.max()) + 1))
    np.add.at(table, (true, found), 1)
    rows, columns = linear_sum_assignment(-table)
    return (
        f"{int(true.max()) + 1} labels, {int(found.max()) + 1} groups, "
        f"ACC {table[rows, columns].sum() / len(true):.3f}, "
        f"NMI {normalized_mutual_info_score(true, found):.3f}, "
        f"ARI {adjusted_rand_score(true, found):.3f}"
    )


def embedded(texts: Sequence[str], encoder: Encoder, cache: Path | None) -> Vectors:
    """The vectors, some at a time with a word on how far it is; kept in the cache folder."""
    mark = hashlib.sha256("\n".join([encoder.name, *texts]).encode()).hexdigest()[:16]
    kept = cache / f"{mark}.npy" if cache else None
    if kept and kept.exists():
        return cast("Vectors", np.load(kept))
    parts = []
    for start in range(0, len(texts), CHUNK):
        parts.append(encoder.encode(texts[start : start + CHUNK]))
        done = min(start + CHUNK, len(texts))
        print(f"\r{done:,} of {len(texts):,} texts embedded", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    rows = np.concatenate(parts)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, rows)
    return rows


class Texts:
    """Distinct texts in sorted order with their vectors."""

    def __init__(self, lines: Sequence[str], encoder: Encoder, cache: Path | None = None) -> None:
        """Embeds the lines, each distinct one once; or takes their vectors from the cache."""
        distinct, places = np.unique(lines, return_inverse=True)
        self.texts, self.places = distinct.tolist(), places.reshape(-1)
        begun = time.perf_counter()
        self.rows: Vectors = embedded(self.texts, encoder, cache)
        self.embedding = time.perf_counter() - begun

    def groups(self, seed: int = SEED) -> Labels:
        """A label for each line."""
        return communities(self.rows, self.texts, seed=seed)[self.places]


def read(path: Path) -> tuple[list[str], Labels]:
    """The texts and a number for the label of each."""
    lines = [line.split("\t", 1) for line in path.read_text("utf-8").split("\n") if line]
    texts = [line[1].strip() if len(line) > 1 else "" for line in lines]
    return texts, numbered([line[0] for line in lines])


def file(path: Path, seeds: int, encoder: Encoder, cache: Path | None) -> None:
    """Prints the scores of a file."""
    lines, true = read(path)
    texts = Texts(lines, encoder, cache)
    begun = time.perf_counter()
    found = texts.groups()
    seconds = time.perf_counter() - begun
    times = f"{seconds:.1f} s after {texts.embedding:.1f} s of embedding"
    print(f"{path.name}: {len(lines)} texts, {scores(true, found)}, {times}", flush=True)
    if seeds > 1:
        runs = [found, *(texts.groups(SEED + more) for more in range(1, seeds))]
        pairs = [adjusted_rand_score(a, b) for a, b in itertools.combinations(runs, 2)]
        print(f"agreement of {seeds} seeds: ARI {np.mean(pairs):.3f}, least {min(pairs):.3f}")


def clinc(data: Path, domains: Path, encoder: Encoder) -> None:
    """Prints intents, domains and how surely a question of no intent is new."""
    split = json.loads(data.read_text("utf-8"))
    home = {i: name for name, some in json.loads(domains.read_text("utf-8")).items() for i in some}
    texts = Texts([text for text, _ in split["train"]], encoder)
    found = texts.groups()
    intents = [intent for _, intent in split["train"]]
    print(f"intents: {scores(numbered(intents), found)}", flush=True)
    known = texts.rows[texts.places]
    centres = np.stack([known[found == label].mean(axis=0) for label in range(found.max() + 1)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    linkage = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=TOP
    )
    top = linkage.fit_predict(centres)[found]
    print(f"domains: {scores(numbered([home[intent] for intent in intents]), top)}", flush=True)
    near = []
    for part in ("test", "oos_test"):
        rows = encoder.encode([text for text, _ in split[part]])
        closest = np.partition(rows @ texts.rows.T, -NEAREST, axis=1)[:, -NEAREST:].mean(axis=1)
        near.append(closest + (rows @ centres.T).max(axis=1))
    new = np.concatenate([np.zeros(len(near[0])), np.ones(len(near[1]))])
    print(f"out of scope as a new theme: AUROC {roc_auc_score(new, -np.concatenate(near)):.3f}")


def main() -> None:
    """Reads, embeds, groups and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="folder that keeps the vectors of FILE")
    parser.add_argument("--clinc", type=Path, nargs=2, metavar=("DATA", "DOMAINS"))
    parser.add_argument("--model", default=DEFAULT)
    chosen = parser.parse_args()
    encoder = load(chosen.model)
    if chosen.clinc:
        clinc(chosen.clinc[0], chosen.clinc[1], encoder)
    if chosen.file:
        file(chosen.file, chosen.seeds, encoder, chosen.cache)


if __name__ == "__main__":
    main()
