"""Fit what stands on top of the tagger: `python training/calibrate.py SHARED_DIR WEIGHTS --fold K`.

WEIGHTS is a folder trained with `--fold K`. On the fold it has not seen, the confidence of each
kind is fitted, the least confidence chosen, and the learned heads are weighed against the signals
of `miner.outcomes`, whose own weights come from all labels. The result is `claims.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from train_claims import Example, Label, documents, examples, fold_of, label, labels

from miner.outcomes import ASSERTIONS, EXPERIENCERS, OUTCOMES
from miner.signals import scene, signals
from miner.tagger import KINDS, Candidate, Tagger, collate

LEAN = 10.0
"""How far the tagger leans to finding spans; the confidence then sorts them."""
ANSWERS: dict[str, Sequence[str]] = {
    "outcome": OUTCOMES,
    "assertion": ASSERTIONS,
    "experiencer": EXPERIENCERS,
}


def matches(candidate: Candidate, spans: Sequence[Label]) -> bool:
    """Whether a candidate is a labelled claim: same kind, more than half of either shared."""
    for one in spans:
        shared = min(candidate.end, one.end) - max(candidate.start, one.start)
        if one.kind == candidate.kind and shared > 0:
            shorter = min(candidate.end - candidate.start, one.end - one.start)
            if shared >= 0.5 * shorter:
                return True
    return False


def log_odds(value: float) -> float:
    """Log odds, bounded as `miner.claims` bounds them."""
    bounded = min(max(value, 1e-4), 1 - 1e-4)
    return float(np.log(bounded / (1 - bounded)))


def confidence(tagger: Tagger, shared: Path, fold: int) -> dict[str, Any]:
    """The weights of the confidence, and the least one to keep, from the held-out fold.

    For the best F1 over all kinds a calibrated probability has to reach half of that F1, whatever
    the kind (Lipton et al. 2014), so that one number serves all and rare kinds are not overfitted.
    """
    rows = labels(shared)
    held = [d for d in documents(shared) if fold_of(d[0]) == fold]
    read = tagger.read([(title, text) for _, _, title, text in held])
    points, right, wanted = [], [], 0
    for (name, number, _, text), candidates in zip(held, read, strict=True):
        spans = [one for row in rows.get((name, number), ()) if (one := label(text, row))]
        wanted += sum(one.kind is not None for one in spans)
        for candidate in candidates:
            kind = [float(candidate.kind == other) for other in range(len(KINDS))]
            points.append([log_odds(candidate.tagged), log_odds(candidate.kept), *kind])
            right.append(matches(candidate, spans))
    x, y = np.array(points), np.array(right)
    model = LogisticRegression(C=0.3).fit(x, y)
    sure = model.predict_proba(x)[:, 1]
    f1 = max(score(sure, y, wanted, value) for value in np.arange(0.1, 0.7, 0.02))
    print("candidates", len(y), "right", int(y.sum()), "labelled", wanted, "F1", round(f1, 3))
    print("expected calibration error", round(calibration_error(sure, y), 3))
    tagged, kept, *constants = model.coef_[0]
    weights = {
        name: [round(float(v), 4) for v in (tagged, kept, model.intercept_[0] + constant)]
        for name, constant in zip(KINDS, constants, strict=True)
    }
    return {"lean": LEAN, "least": round(f1 / 2, 2), "confidence": weights}


def score(sure: np.ndarray, right: np.ndarray, wanted: int, least: float) -> float:
    """F1 of keeping what is at least so sure."""
    kept = sure >= least
    return float(2 * (kept & right).sum() / max(int(kept.sum()) + wanted, 1))


def calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Mean gap between confidence and share of right ones over bins of confidence."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
            for b in range(bins)
            if (place == b).any()
        )
    )


def heads_at(tagger: Tagger, items: Sequence[Example]) -> dict[str, np.ndarray]:
    """Log probabilities of the learned heads at the labelled spans, with the labels."""
    gathered: dict[str, list[np.ndarray]] = {name: [] for name in ANSWERS}
    for item in items:
        spans = [(first, last, one) for first, last, one in item.labels if one.kind is not None]
        if not spans:
            continue
        mask = collate([item.window])[2]
        offset = item.window.first
        with torch.inference_mode():
            _, states = tagger.network.read_on(item.states[None].float(), mask)
            asked = torch.tensor([(0, a + offset, b + offset, one.kind) for a, b, one in spans])
            said = tagger.network.spans(states, mask, asked)
        for name in ANSWERS:
            gathered[name].append(said[name].log_softmax(-1).numpy())
    return {name: np.concatenate(values) for name, values in gathered.items()}


def described(shared: Path) -> list[tuple[str, int, Label, dict[str, float]]]:
    """Every labelled claim with the signals around it, as (thread, post, label, signals)."""
    rows = labels(shared)
    found = []
    for name, number, _, text in documents(shared):
        seen = scene(text)
        for row in rows.get((name, number), ()):
            one = label(text, row)
            if one is None or one.kind is None:
                continue
            here = signals(seen, one.start, one.end)
            here[f"kind:{KINDS[one.kind]}"] = 1.0
            found.append((name, number, one, here))
    return found


def reader(
    name: str,
    claims: Sequence[tuple[str, int, Label, dict[str, float]]],
    heads: dict[Any, np.ndarray],
    fold: int,
    strength: float,
) -> dict[str, list[float]]:
    """Weights of one answer: signals from all labels, their share against the heads by the fold."""
    known = [c for c in claims if getattr(c[2], name) >= 0]
    y = np.array([getattr(c[2], name) for c in known])
    held = np.array([fold_of(c[0]) == fold for c in known])
    vectors = DictVectorizer()
    x = vectors.fit_transform([c[3] for c in known])
    weight = np.array([c[2].weight for c in known])
    part = LogisticRegression(C=strength, max_iter=500).fit(x[~held], y[~held], weight[~held])
    keys = [(c[0], c[1], c[2].start, c[2].end, c[2].kind) for c in known]
    both = np.array([held[i] and keys[i] in heads for i in range(len(keys))])
    learned = torch.tensor(np.stack([heads[keys[i]] for i in np.flatnonzero(both)]))
    plain = torch.tensor(part.decision_function(x[both]), dtype=torch.float32)
    shares = mixed(learned, plain, torch.tensor(y[both]))
    for label_, scores in (
        ("heads", learned),
        ("signals", plain),
        ("both", shares[0] * learned + shares[1] * plain + shares[2]),
    ):
        right = (scores.argmax(1) == torch.tensor(y[both])).float().mean().item()
        print(name, label_, "accuracy on the fold", round(right, 3), "of", int(both.sum()))
    print(name, "shares", [round(float(s), 3) for s in shares[:2]], shares[2].tolist())
    whole = LogisticRegression(C=strength, max_iter=500).fit(x, y, weight)
    share = float(shares[1])
    weights = {
        feature: (whole.coef_[:, i] * share).round(3).tolist()
        for i, feature in enumerate(vectors.get_feature_names_out())
        if np.abs(whole.coef_[:, i]).max() * share >= 0.02
    }
    size = len(ANSWERS[name])
    for i in range(size):
        weights[f"{name}:{i}"] = [
            round(float(shares[0]), 3) if i == j else 0.0 for j in range(size)
        ]
    weights[""] = (whole.intercept_ * share + shares[2].numpy()).round(3).tolist()
    return weights


def mixed(
    learned: torch.Tensor, plain: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Shares of heads and signals and a constant per answer that make the labels most likely."""
    shares = torch.tensor([0.5, 0.5], requires_grad=True)
    constant = torch.zeros(learned.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([shares, constant], max_iter=200)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        scores = shares[0] * learned + shares[1] * plain + constant
        loss = torch.nn.functional.cross_entropy(scores, y) + 0.01 * (constant**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return shares.detach()[0], shares.detach()[1], constant.detach()


def main() -> None:
    """Read the arguments, fit, write claims.json into the weights folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--strength", type=float, default=0.05)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tagger = Tagger(arguments.weights)
    tagger.lean = LEAN
    settings = confidence(tagger, arguments.shared, arguments.fold)
    claims = described(arguments.shared)
    heads: dict[str, dict[Any, np.ndarray]] = {name: {} for name in ANSWERS}
    items = examples(tagger, tagger.network, arguments.shared, arguments.fold, held_out=True)
    said = heads_at(tagger, items)
    place = 0
    for item in items:
        for _, _, one in item.labels:
            if one.kind is None:
                continue
            for name in ANSWERS:
                heads[name][(item.name, item.number, one.start, one.end, one.kind)] = said[name][
                    place
                ]
            place += 1
    settings["readers"] = {
        name: reader(name, claims, heads[name], arguments.fold, arguments.strength)
        for name in ANSWERS
    }
    text = json.dumps(settings, indent=1, sort_keys=True)
    (arguments.weights / "claims.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
