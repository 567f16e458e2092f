"""Signs of a study's design besides the words that name it: length, tense, measures, journal.

They are weighed by a logistic regression whose coefficients are `weights/designs.json`, learnt by
`training/train_designs.py`. Pure.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["CUES", "any_of", "data", "judged", "signs"]

CUES = (
    ("sr", "title"),
    ("sr", "text"),
    ("rct", "title"),
    ("rct", "text"),
    ("case_report", "title"),
    ("case_report", "text"),
    ("case_series", "title"),
    ("case_series", "text"),
    ("case_control", "title"),
    ("case_control", "text"),
    ("cross_sectional", "title"),
    ("cross_sectional", "text"),
    ("cohort", "title"),
    ("cohort", "text"),
    ("nrct", "text"),
    ("before_after", "text"),
    ("narrative_review", "title"),
    ("narrative_review", "text"),
    ("guideline", "title"),
    ("not_rct", "animals"),
    ("not_rct", "people"),
)
"""Groups of cues of `data/designs.toml` that are signs too."""
_SHORT_ABSTRACT, _LONG_ABSTRACT = 90, 200
_SHORT_TITLE, _LONG_TITLE = 6, 15
_PAGES = (("pages_1", 1, 1), ("pages_2_3", 2, 3), ("pages_4_5", 4, 5), ("pages_6_9", 6, 9))


@cache
def data() -> dict[str, Any]:
    """The cues of `data/designs.toml`."""
    return tomllib.loads((files("miner") / "data" / "designs.toml").read_text("utf-8"))


@cache
def any_of(group: str, part: str) -> re.Pattern[str]:
    """The cues of a group as one pattern; one that matches nothing where there are none."""
    cues = data()[group].get(part, ())
    cues = [cues] if isinstance(cues, str) else cues
    return re.compile("|".join(f"(?:{cue})" for cue in cues) or r"(?!)", re.IGNORECASE)


def signs(
    title: str, abstract: str, journal: str = "", pages: int | None = None
) -> dict[str, float]:
    """Strength of each sign, 0 to 1."""
    text = f"{title}. {abstract}"
    fired = {
        f"{group} {part}": bool(any_of(group, part).search(title if part == "title" else text))
        for group, part in CUES
    }
    flags = {
        **fired,
        "one person": any_of("signs", "one").search(text),
        "rarity": any_of("signs", "rare").search(title),
        "journal of reviews": any_of("signs", "reviews").search(journal),
        "journal of cases": any_of("signs", "cases").search(journal),
        **_of_length(title, abstract, pages),
    }
    return {name: float(bool(flag)) for name, flag in flags.items()} | _of_style(abstract)


def _of_length(title: str, abstract: str, pages: int | None) -> dict[str, bool]:
    said, named = len(abstract.split()), len(title.split())
    found = {
        "no abstract": said == 0,
        "short abstract": 0 < said < _SHORT_ABSTRACT,
        "long abstract": said >= _LONG_ABSTRACT,
        "short title": named <= _SHORT_TITLE,
        "long title": named >= _LONG_TITLE,
    }
    if pages is None:
        return found
    return found | {
        **{name.replace("_", " "): low <= pages <= high for name, low, high in _PAGES},
        "pages 10 and more": pages >= 10,
        "long without abstract": said == 0 and pages >= 6,
        "short without abstract": said == 0 and pages <= 4,
    }


def _of_style(abstract: str) -> dict[str, float]:
    """Tenses, digits and measures; a word in twenty counts in full."""
    words = max(1, len(abstract.split()))
    return {
        "present tense": min(1.0, 20 * len(any_of("signs", "present").findall(abstract)) / words),
        "past tense": min(1.0, 20 * len(any_of("signs", "past").findall(abstract)) / words),
        "measures": min(3, len(any_of("original", "text").findall(abstract))) / 3,
        "digits": min(1.0, 15 * sum(map(str.isdigit, abstract)) / max(1, len(abstract))),
    }


@dataclass(frozen=True, kw_only=True)
class _Weights:
    classes: tuple[str, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]
    """By sign, one for each class."""


@cache
def _learnt() -> _Weights:
    raw = json.loads((files("miner") / "weights" / "designs.json").read_text("utf-8"))
    return _Weights(
        classes=tuple(raw["classes"]),
        bias=tuple(raw["bias"]),
        weights={name: tuple(row) for name, row in raw["weights"].items()},
    )


def judged(found: Mapping[str, float]) -> tuple[str, str]:
    """`narrative_review`, `case_report` or `unknown_study` by the signs, and why."""
    learnt = _learnt()
    parts = [
        {
            name: value * learnt.weights[name][c]
            for name, value in found.items()
            if name in learnt.weights
        }
        for c in range(len(learnt.classes))
    ]
    scores = [bias + sum(part.values()) for bias, part in zip(learnt.bias, parts, strict=True)]
    best = max(range(len(scores)), key=scores.__getitem__)
    share = 1 / sum(math.exp(score - scores[best]) for score in scores)
    telling = sorted(parts[best], key=lambda name: -parts[best][name])
    named = ", ".join(name for name in telling[:3] if parts[best][name] > 0)
    if learnt.classes[best] == "unknown_study":
        return "unknown_study", "nothing in the record names a design"
    return learnt.classes[best], f"by its signs ({share:.2f}): {named}"
