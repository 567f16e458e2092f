"""Sentences by what they say, on public test parts: `python benchmarks/verdicts.py SHARED_DIR`.

PsyTAR (Zolnoori 2019): did the patient say that it worked, or that it did nothing. SemEval-2010
task 8: does one thing bring about another. Each sentence is read alone by the shipped heads;
borders were chosen on other sentences.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))

import train_sentences

from miner.tagger import SHOWN, Tagger

QUESTIONS = {"psytar": ("helped", "nothing"), "semeval": ("causal",)}


def main() -> None:
    """Read the arguments and the sentences, print precision, recall and F1 of each question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--weights", type=Path, help="folder of weights in place of those shipped")
    parser.add_argument("--part", default="test", choices=("dev", "test"))
    arguments = parser.parse_args()
    tagger = Tagger(arguments.weights)
    for name, questions in QUESTIONS.items():
        said = getattr(train_sentences, name)(arguments.shared, arguments.part)
        found = train_sentences.odds(tagger.network, tagger, said)
        for question in questions:
            place = SHOWN.index(question)
            right = np.array([one.answers[place] == 1 for one in said])
            yes = found[:, place] > 0
            both = int((right & yes).sum())
            print(
                f"{name} {question}: F1 {train_sentences.f1(right, yes):.3f},",
                f"precision {both / max(int(yes.sum()), 1):.3f},",
                f"recall {both / max(int(right.sum()), 1):.3f}",
                f"({int(right.sum())} of {len(said)} sentences)",
            )


if __name__ == "__main__":
    main()
