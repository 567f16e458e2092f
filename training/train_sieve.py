"""Learn what stands on the tagger: `python training/train_sieve.py SHARED_DIR FOLDS [--out DIR]`.

FOLDS holds the folders `f0`, `f1` … of taggers that have not seen the fold of their number
(`train_claims.py --fold K`). Every thread is read by the tagger that has not seen it; from what
that finds the sieve (`sieve.json`) and the readers of outcome, assertion and experiencer
(`claims.json`) are learned. All figures come from a second cross-validation, over threads.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import held
import numpy as np
import reliability
import train_claims
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from miner.claims import KINDS
from miner.model import Claim, Kind, Quote
from miner.outcomes import ASSERTIONS, EXPERIENCERS, OUTCOMES, company, plain, voices
from miner.rivals import one_kind, one_per_idea
from miner.sieve import Piece, features
from miner.verdicts import owned

ANSWERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "outcome": ("outcome", OUTCOMES),
    "assertion": ("certainty", ASSERTIONS),
    "experiencer": ("experiencer", EXPERIENCERS),
}
PARTS = 6
"""Parts of the second cross-validation."""
REAL = 2.0
"""How much an item of a real post counts against one of an invented thread."""
TRAP = 2.5
"""How much more words count that a reader marked as a trap."""
RARITY = {"outcome": 0.3, "assertion": 0.0, "experiencer": 0.0}
"""How strongly rare answers are favoured."""
SLACK = 0.004
"""F1 that is given up for fewer false claims."""
EASE = 0.03
"""How much less is enough in use: thresholds are chosen on posts about other matters, where fewer
of the things that are named were tried against something."""
SELDOM = 3
"""Times a word has to be seen to count."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A piece with what it shows, and the label it agrees with, if any."""

    held: held.Held
    piece: Piece
    kind: Kind
    phrase: str
    shows: dict[str, float]
    label: dict[str, Any] | None
    trap: bool
    """Whether a reader marked these words, or the sentence they stand in, as no claim."""


def items(found: Sequence[held.Held], labels: Sequence[dict[str, Any]], score: Any) -> list[Item]:
    """Every piece with its label: same text, same kind, words alike as the scorer counts it."""
    by: dict[tuple[str, int, str], list[dict[str, Any]]] = defaultdict(list)
    for row in labels:
        by[row["thread_id"], row["post_n"], row["kind"]].append(row)
    made = []
    for one in found:
        shows = features(one.part.stage, one.pieces)
        for piece, show in zip(one.pieces, shows, strict=True):
            kind = KINDS[piece.candidate.kind]
            phrase = one.part.text[piece.start : piece.end]
            name = "symptom_trigger" if kind == "trigger" else kind
            label, alike = None, 0.5
            for row in by.get((one.thread, one.number, name), ()):
                near = score.sim({"target": phrase}, row, "soft")
                if near >= alike:
                    label, alike = row, near
            marked = any(
                score.sim({"target": phrase}, row, "soft") >= 0.5
                or phrase.lower() in row["exact_quote"].lower()
                for row in by.get((one.thread, one.number, "none"), ())
            )
            item = Item(
                held=one,
                piece=piece,
                kind=kind,
                phrase=phrase,
                shows=show,
                label=label,
                trap=marked and label is None,
            )
            made.append(item)
    return made


def table(shows: Sequence[Mapping[str, float]]) -> tuple[csr_matrix, list[str]]:
    """What all items show, without what is seldom seen."""
    vectors = DictVectorizer()
    x = vectors.fit_transform(shows)
    names = np.array(vectors.get_feature_names_out())
    often = np.asarray((x != 0).sum(0)).ravel() >= SELDOM
    return x[:, often], names[often].tolist()


def crossed(
    x: csr_matrix, y: np.ndarray, groups: Sequence[str], strength: float, weight: np.ndarray
) -> np.ndarray:
    """Probabilities of each answer for items whose thread was not learned from."""
    found = np.zeros((len(y), int(y.max()) + 1))
    for learn, held_out in GroupKFold(PARTS).split(x, y, groups):
        model = LogisticRegression(C=strength, max_iter=500)
        model.fit(x[learn], y[learn], weight[learn])
        found[np.ix_(held_out, model.classes_)] = model.predict_proba(x[held_out])
    return found


def predicted(
    made: Sequence[Item],
    sure: np.ndarray,
    least: Mapping[str, float],
    outcomes: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """The claims that would be kept, in the words of the scorer."""
    claims: dict[tuple[str, int], list[Claim]] = defaultdict(list)
    for index, item in enumerate(made):
        if sure[index] >= least[item.kind]:
            quote = Quote(document=item.held.thread, part="", start=0, text=item.phrase)
            claim = Claim(
                kind=item.kind,
                phrase=item.phrase,
                phrase_start=item.piece.start,
                quote=quote,
                confidence=float(sure[index]),
                outcome=outcomes[index] if outcomes else "unknown",  # type: ignore[arg-type]
            )
            claims[item.held.thread, item.held.number].append(claim)
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


def told(name: str, figures: dict[str, Any]) -> None:
    """Print the scorer's figures on a line."""
    one, kinds = figures["detection"], figures["per_kind"]
    print(
        f"{name}: P {one['P']:.3f} R {one['R']:.3f} F1 {one['F1']:.3f},",
        ", ".join(f"{kind} {value['F1']:.2f}" for kind, value in kinds.items()),
        f"traps {figures['traps']['hit']} of {figures['traps']['of']},",
        f"outcome {figures['outcome']['accuracy']:.3f} macro {figures['outcome']['macro_F1']:.3f}",
        f"flips {figures['outcome']['flips(helped<->no_effect/worse)']} of",
        figures["outcome"]["n"],
        flush=True,
    )


def thresholds(
    made: Sequence[Item], sure: np.ndarray, labels: Sequence[dict[str, Any]], score: Any
) -> dict[str, float]:
    """The least probability of a claim by kind: of the best F1 on real posts, with fewest traps.

    F1 hardly changes over a wide range: the highest number within `SLACK` of the best is taken, one
    for all kinds first, from which each moves half of the way to its own.
    """
    real = [row for row in labels if row["provenance"] == "real"]

    def f1(least: Mapping[str, float], kinds: Sequence[str]) -> float:
        rows = predicted(made, sure, least)
        found = score.evaluate(rows, real, boot=0, kinds=tuple(kinds))
        return float(found["detection"]["F1"])

    names = {kind: "symptom_trigger" if kind == "trigger" else kind for kind in KINDS}
    steps = [float(step) for step in np.arange(0.16, 0.56, 0.03)]
    common = highest({t: f1(dict.fromkeys(KINDS, t), [*names.values()]) for t in steps})
    least: dict[str, float] = {}
    for kind in KINDS:
        others = dict.fromkeys(KINDS, common)
        own = highest({t: f1({**others, kind: t}, (names[kind],)) for t in steps})
        least[kind] = round((common + own) / 2, 3)
    return least


def highest(by_step: Mapping[float, float]) -> float:
    """The highest step whose F1 is within `SLACK` of the best."""
    best = max(by_step.values())
    return max(step for step, value in by_step.items() if value >= best - SLACK)


def calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Mean gap between confidence and share of right ones over bins of confidence."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def spans(
    shared: Path, labels: Sequence[dict[str, Any]]
) -> list[tuple[dict[str, float], dict[str, Any], Kind]]:
    """Every labelled claim with the words and signals around it, found by a tagger or not."""
    by: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in labels:
        by[row["thread_id"], row["post_n"]].append(row)
    found = []
    for thread, number, part in held.texts(shared):
        for row in by.get((thread, number), ()):
            one = train_claims.label(part.own, row)
            if one is not None and one.kind is not None:
                kind = KINDS[one.kind]
                found.append((plain(part.scene, one.start, one.end, kind), row, kind))
    return found


def readers(
    made: Sequence[Item],
    sure: np.ndarray,
    known: Sequence[tuple[dict[str, float], dict[str, Any], Kind]],
    share: float,
) -> tuple[dict[str, dict[str, list[float]]], list[str]]:
    """Weights of the readers, and the outcome that cross-validation gives each item.

    Words and signals are weighed by all labels first; their scores and what the learned heads say
    of the items are then weighed together. What is from real posts counts `share` times, and a
    rare answer a little more than a common one.
    """
    outcomes = ["unknown"] * len(made)
    weights = {}
    for head, (field, answers) in ANSWERS.items():
        rows = [
            row
            for row in known
            if row[1].get(field) in answers and (head != "outcome" or row[2] == "remedy")
        ]
        words = Reader(answers=answers).fit(
            [row[0] for row in rows],
            [answers.index(row[1][field]) for row in rows],
            [row[1]["thread_id"] for row in rows],
            [share if row[1]["provenance"] == "real" else 1.0 for row in rows],
        )
        chosen, shows = heard(made, sure, head, field, answers)
        y = np.array([answers.index(made[i].label[field]) for i in chosen])  # type: ignore[index]
        groups = [made[i].held.thread for i in chosen]
        both = np.hstack(
            [np.array([words.scores(plain_of(made[i]), made[i].held.thread) for i in chosen])]
        )
        names = sorted({name for show in shows for name in show})
        heads = np.array([[show.get(name, 0.0) for name in names] for show in shows])
        x = csr_matrix(np.hstack([both, heads]))
        real = np.array([made[i].label["provenance"] == "real" for i in chosen])  # type: ignore[index]
        weight = np.where(real, share, 1.0) * rarity(y, RARITY[head])
        said = crossed(x, y, groups, 0.1, weight).argmax(1)
        macro = f1_score(y[real], said[real], average="macro")
        print(
            f"{head}: right {np.mean((said == y)[real]):.3f} macro F1 {macro:.3f} of",
            f"{int(real.sum())} on real posts; {np.mean((said == y)[~real]):.3f} elsewhere;",
            f"words alone {np.mean((both.argmax(1) == y)[real]):.3f}",
            np.round(f1_score(y[real], said[real], average=None), 2),
            flush=True,
        )
        if head == "outcome":
            for i, answer in zip(chosen, said, strict=True):
                outcomes[i] = answers[answer]
        model = LogisticRegression(C=0.1, max_iter=2000).fit(x, y, weight)
        size = len(answers)
        part, rest = model.coef_[:, :size], model.coef_[:, size:]
        joined = words.weights @ part.T
        weights[head] = {
            name: joined[i].round(3).tolist()
            for i, name in enumerate(words.names)
            if np.abs(joined[i]).max() >= 0.02
        }
        weights[head] |= {name: rest[:, i].round(3).tolist() for i, name in enumerate(names)}
        weights[head][""] = (model.intercept_ + words.constant @ part.T).round(3).tolist()
    return weights, outcomes


def rarity(y: np.ndarray, power: float) -> np.ndarray:
    """How much each answer counts: its share of all to a negative power, one on average."""
    weights = (np.bincount(y)[y] / len(y)) ** -power
    return np.asarray(weights / weights.mean())


def plain_of(item: Item) -> dict[str, float]:
    """The words and signals around an item."""
    return plain(item.held.part.scene, item.piece.start, item.piece.end, item.kind)


def heard(
    made: Sequence[Item], sure: np.ndarray, head: str, field: str, answers: Sequence[str]
) -> tuple[list[int], list[dict[str, float]]]:
    """The items whose answer is known, with what the learned heads say of them and beside them."""
    by: dict[int, list[int]] = defaultdict(list)
    for index, item in enumerate(made):
        if sure[index] >= 0.2:
            by[id(item.held)].append(index)
    chosen, shows = [], []
    for some in by.values():
        part = made[some[0]].held.part
        pieces = [made[i].piece for i in some]
        remedies = [made[i].piece for i in some if made[i].kind == "remedy"]
        near = company(part.scene, pieces, KINDS.index("remedy"))
        verdicts = owned(part.scene, [(one.start, one.end) for one in remedies])
        for i, beside in zip(some, near, strict=True):
            label = made[i].label
            if label is None or label.get(field) not in answers:
                continue
            if head == "outcome" and made[i].kind != "remedy":
                continue
            chosen.append(i)
            said = verdicts.get((made[i].piece.start, made[i].piece.end), ())
            shows.append(voices(made[i].piece, made[i].kind, beside, remedies, said))
    return chosen, shows


class Reader:
    """One question about a claim, answered from the words and signals around it."""

    def __init__(self, answers: Sequence[str], strength: float = 0.05) -> None:
        """`strength` is the inverse of the regularisation."""
        self.answers, self.strength = answers, strength

    def fit(
        self,
        shows: Sequence[dict[str, float]],
        y: Sequence[int],
        groups: Sequence[str],
        counts: Sequence[float],
    ) -> Reader:
        """Learn from everything, and once more without each part of the threads."""
        x, self.names = table(shows)
        self.places = {name: i for i, name in enumerate(self.names)}
        wanted, weight = np.array(y), np.array(counts)
        self.without: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for learn, out in GroupKFold(PARTS).split(x, wanted, groups):
            model = self._model(x[learn], wanted[learn], weight[learn])
            self.without |= dict.fromkeys((groups[i] for i in out), model)
        self.weights, self.constant = self._model(x, wanted, weight)
        return self

    def _model(
        self, x: csr_matrix, y: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        model = LogisticRegression(C=self.strength, max_iter=500).fit(x, y, weight)
        size = len(self.answers)
        weights, constant = np.zeros((x.shape[1], size)), np.full(size, -9.0)
        weights[:, model.classes_], constant[model.classes_] = model.coef_.T, model.intercept_
        return weights, constant

    def scores(self, show: Mapping[str, float], thread: str) -> np.ndarray:
        """Scores by a model that has not seen the thread."""
        weights, constant = self.without.get(thread, (self.weights, self.constant))
        total = constant.copy()
        for name, value in show.items():
            if name in self.places:
                total += value * weights[self.places[name]]
        return total


def main() -> None:
    """Read the arguments, fit, tell the figures, write the coefficients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("folds", type=Path)
    parser.add_argument("--out", type=Path, default=Path("miner/weights"))
    parser.add_argument("--strength", type=float, default=0.02)
    parser.add_argument("--real", type=float, default=REAL, help="weight of an item of a real post")
    parser.add_argument("--plot", type=Path, help="where to draw how far confidence can be trusted")
    arguments = parser.parse_args()
    score = held.scorer(arguments.shared)
    found = held.read(arguments.shared, arguments.folds)
    seen = {one.thread for one in found}
    labels = [row for row in held.rows(arguments.shared, score) if row["thread_id"] in seen]
    made = items(found, labels, score)
    y = np.array([item.label is not None for item in made])
    x, names = table([item.shows for item in made])
    groups = [item.held.thread for item in made]
    sources = {row["thread_id"]: row["provenance"] for row in labels}
    real = np.array([sources.get(thread) == "real" for thread in groups])
    weight = np.where(real, arguments.real, 1.0)
    weight[[item.trap for item in made]] *= TRAP
    sure = crossed(x, y.astype(int), groups, arguments.strength, weight)[:, 1]
    print(f"{len(y)} pieces, {y.mean():.3f} of them claims;", end=" ")
    print(f"calibration error {calibration_error(sure, y):.3f}", end=" ")
    print(f"of all, {calibration_error(sure[real], y[real]):.3f} on real posts")
    if arguments.plot:
        arguments.plot.write_text(reliability.picture(sure[real], y[real]), "utf-8")
    least = thresholds(made, sure, labels, score)
    known = spans(arguments.shared, held.rows(arguments.shared, score))
    weights, outcomes = readers(made, sure, known, arguments.real)
    rows = predicted(made, sure, least, outcomes)
    for name in ("real", "invented", "written"):
        some = [row for row in labels if row["provenance"] == name]
        told(name, score.evaluate(rows, some, boot=0))
    model = LogisticRegression(C=arguments.strength, max_iter=2000).fit(x, y, weight)
    coefficients = {
        name: round(float(value), 4)
        for name, value in zip(names, model.coef_[0], strict=True)
        if abs(value) >= 0.004
    }
    coefficients["*"] = round(float(model.intercept_[0]) + coefficients.get("*", 0.0), 4)
    least = {kind: round(value - EASE, 3) for kind, value in least.items()}
    write(arguments.out / "sieve.json", {"least": least, "weights": coefficients})
    write(arguments.out / "claims.json", {"lean": held.LEAN, "readers": weights})


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Save as JSON, a line per name; the numbers of a name stand together."""
    text = json.dumps(data, indent=0, sort_keys=True, ensure_ascii=False)
    lists = re.compile(r"\[[^\[\]{}\"]*\]")
    path.write_text(lists.sub(lambda m: "".join(m.group().split()), text) + "\n", "utf-8")


if __name__ == "__main__":
    main()
