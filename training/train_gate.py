"""Train the gate over sentences: `python training/train_gate.py SHARED_DIR [--out DIR]`.

It is fitted to three thirds of the threads in turn, so that the recall it is set to is that on
threads it has not seen; then once more to all of them. Takes under a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from train_claims import FOLDS, Text, fold_of, texts

from miner.gate import SIZE, rows_of
from miner.text import Sentence, sentences

RECALL = 0.97
"""Share of the labelled claims of real posts, on threads apart, that must be let through."""


def claims_in(sentence: Sentence, item: Text) -> int:
    """How many labelled claims begin in a sentence."""
    return sum(
        one.kind is not None and sentence.start <= one.start < sentence.end for one in item.spans
    )


def table(split: Sequence[Sequence[Sentence]]) -> csr_matrix:
    """The rows of every sentence."""
    rows = [rows_of(sentence.text) for some in split for sentence in some]
    places = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    columns = np.concatenate([np.array(one) for one in rows])
    return csr_matrix((np.ones(len(columns)), (places, columns)), shape=(len(rows), SIZE))


def main() -> None:
    """Read the arguments, fit, tell recall and share, write the coefficients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--out", type=Path, default=Path("miner/weights"))
    parser.add_argument("--strength", type=float, default=0.2)
    parser.add_argument("--recall", type=float, default=RECALL)
    arguments = parser.parse_args()
    items = [item for item in texts(arguments.shared) if item.number and item.text.strip()]
    split = [sentences(item.text) for item in items]
    owners = np.repeat(np.arange(len(items)), [len(some) for some in split])
    holds = np.array([claims_in(s, i) for some, i in zip(split, items, strict=True) for s in some])
    size = np.array([len(sentence.text) for some in split for sentence in some])
    real = np.array([not items[o].name.startswith(("written", "syn")) for o in owners])
    fold = np.array([fold_of(items[owner].name) for owner in owners])
    x, y = table(split), holds > 0
    # A real post is what will be met; written ones teach its ways of speaking.
    weight = np.where(real, 1.0, 0.5)
    scores = np.zeros(len(y))
    for out in range(FOLDS):
        learn = fold != out
        model = LogisticRegression(C=arguments.strength, max_iter=1000)
        model.fit(x[learn], y[learn], weight[learn])
        scores[~learn] = model.decision_function(x[~learn])
    sure = np.sort(np.repeat(scores[real], holds[real]))
    least = float(sure[int((1 - arguments.recall) * len(sure))])
    for name, some in (("real", real), ("other", ~real)):
        read = scores >= least
        print(
            f"{name}: {some.sum()} sentences, {y[some].mean():.2f} of them with a claim;",
            f"let through {read[some].mean():.3f} of them,",
            f"{(size * read)[some].sum() / size[some].sum():.3f} of the characters,",
            f"{(holds * read)[some].sum() / holds[some].sum():.3f} of the claims",
        )
    model = LogisticRegression(C=arguments.strength, max_iter=1000).fit(x, y, weight)
    rows = np.flatnonzero(np.abs(model.coef_[0]) >= 0.01)
    data = {
        "constant": round(float(model.intercept_[0]), 4),
        "least": round(least, 4),
        "rows": rows.tolist(),
        "weights": [round(float(value), 3) for value in model.coef_[0][rows]],
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, separators=(",", ":")).replace(',"', ',\n"')
    (arguments.out / "gate.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
