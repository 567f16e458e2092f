"""Learns how much each sign of a study's design weighs: writes miner/weights/designs.json.

    python training/train_designs.py MEDLINE.txt SCORER.py [--check]

MEDLINE.txt are records as PubMed exports them, with publication types; SCORER.py turns a record
into its design (`parse(text)`, `gold(record)`). `--check` cross-validates instead of writing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from crawler.literature.texts import page_count
from miner import designs
from miner.signs import signs

WEIGHTS = Path(designs.__file__).parent / "weights" / "designs.json"
CLASSES = {"review": "narrative_review", "case_report": "case_report"}
"""What is learnt, as the scorer and as we call it; all else is `unknown_study`."""
STRENGTH = 3.0
"""Inverse of the penalty on weights."""
ROUNDS, FOLDS = 6, 5


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("medline", type=Path)
    asked.add_argument("scorer", type=Path)
    asked.add_argument("--check", action="store_true")
    given = asked.parse_args()
    scorer = loaded(given.scorer)
    text = given.medline.read_text(encoding="utf-8", errors="replace")
    records = {record["PMID"][0]: record for record in scorer.parse(text)}
    found = [of_record(record) for record in records.values()]
    told = [scorer.gold(record)[0] for record in records.values()]
    if given.check:
        check(scorer, records, found, told)
    else:
        write(found, told)


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("scorer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first(record: Any, field: str) -> str:
    return " ".join(record.get(field, [])[:1])


def of_record(record: Any) -> dict[str, float]:
    pages = page_count(first(record, "PG"))
    return signs(first(record, "TI"), " ".join(record.get("AB", [])), first(record, "TA"), pages)


def classes_of(told: list[str]) -> np.ndarray:
    return np.array([CLASSES.get(design, "unknown_study") for design in told])


def model() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=5000)


def write(found: list[dict[str, float]], told: list[str]) -> None:
    names = DictVectorizer(sparse=False)
    learnt = model().fit(names.fit_transform(found), classes_of(told))
    weights = {
        str(name): [round(float(w), 4) for w in column]
        for name, column in zip(names.feature_names_, learnt.coef_.T, strict=True)
    }
    bias = [round(float(b), 4) for b in learnt.intercept_]
    content = {"classes": list(learnt.classes_), "bias": bias, "weights": weights}
    WEIGHTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def left_open(records: Any) -> list[bool]:
    """Whether signs decide on a record, as they do in use."""
    used = [
        designs.design_of(
            first(record, "TI"),
            " ".join(record.get("AB", [])),
            journal=first(record, "TA"),
            pages=page_count(first(record, "PG")),
        )[1]
        for record in records.values()
    ]
    return [why.startswith(("by its signs", "nothing in the record")) for why in used]


def ours(design: str, known: list[str]) -> str:
    design = "sr" if design.startswith("sr") else design.replace("narrative_", "")
    return design if design in known else "other"


def check(scorer: Any, records: Any, found: list[dict[str, float]], told: list[str]) -> None:
    """Prints scores of rules and signs together, the signs learnt on other records each time."""
    matrix = DictVectorizer(sparse=False).fit_transform(found)
    classes, scores = classes_of(told), defaultdict(list)
    plain = [
        designs.named(first(record, "TI"), " ".join(record.get("AB", [])))
        for record in records.values()
    ]
    for seed in range(ROUNDS):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        judged = np.empty(len(classes), dtype=object)
        for train, test in folds.split(matrix, classes):
            judged[test] = model().fit(matrix[train], classes[train]).predict(matrix[test])
        final = [
            by_signs if open_ else by_words
            for by_words, open_, by_signs in zip(plain, left_open(records), judged, strict=True)
        ]
        told_of = {p: ours(d, scorer.DESIGNS) for p, d in zip(records, final, strict=True)}
        score = scorer.score(records.values(), told_of)
        scores["accuracy"].append(score["accuracy"])
        scores["macro-F1"].append(score["macro_f1"])
        for name, each in score["per_class"].items():
            scores[name].append(each["f1"])
    for name, values in scores.items():
        print(f"{name:16} {np.mean(values):.3f}")


if __name__ == "__main__":
    main()
