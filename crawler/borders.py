"""Where one post ends and the next begins in a thread pasted without names.

A gap is the place between two neighbouring blocks. Each gap gets a probability of being a border
from a logistic regression over what the blocks around it look like: greetings, answers, person,
habits of typing, shared words. `training/train_borders.py` learns the coefficients. What the page
printed around posts (`3 Likes`) decides its gap alone.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from crawler.blocks import Block, patterns, wordlists

__all__ = ["Split", "confidence", "features", "opener", "probabilities", "split"]

_WORD = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<![.?!…])[.?!…]+[\"”’)]*(?=\s|$)")
_LOOK = 4000
"""Characters of a block that are looked at: posts end and begin near their edges."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Posts as runs of blocks, and how sure that is."""

    posts: tuple[tuple[Block, ...], ...]
    confidence: float
    """Share of the posts that are expected to be whole and exact, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What one block looks like."""

    here: Mapping[str, float]
    """Features of the block alone."""
    habits: Mapping[str, float]
    words: frozenset[str]
    """Its longer words, which neighbouring paragraphs of one post share more often."""
    first: Mapping[str, float]
    """Features of its first sentence."""
    last: Mapping[str, float]
    """Features of its last sentence."""
    opening: str
    """Its first word."""


def opener(text: str) -> frozenset[str]:
    """Names of the groups (`greeting`, `thanks`, …) that the first words of a text belong to."""
    return _opener([w.lower().replace("’", "'") for w in _WORD.findall(text[:200])])


def _opener(words: Sequence[str]) -> frozenset[str]:
    heads = {" ".join(words[:n]) for n in (1, 2, 3)}
    return frozenset(name for name, known in wordlists("openers").items() if heads & set(known))


def _look(text: str) -> _Look:
    text = text if len(text) <= _LOOK else text[: _LOOK // 2] + " " + text[-_LOOK // 2 :]
    words = [w.lower().replace("’", "'") for w in _WORD.findall(text)]
    return _Look(
        here=_here(text, words),
        habits=_habits(text, len(words)),
        words=frozenset(w for w in words if len(w) > 4),
        first=_sentence(_SENTENCE_END.split(text, maxsplit=1)[0]),
        last=_sentence(_SENTENCE_END.split(text.rstrip(" .?!…")[-400:])[-1]),
        opening=words[0] if words else "",
    )


def _sentence(text: str) -> dict[str, float]:
    """Who and what one sentence speaks of."""
    words = set(_WORD.findall(text.lower().replace("’", "'")))
    openers, persons = wordlists("openers"), patterns("persons")
    marks = {f"says {name}": float(bool(words & set(openers[name]))) for name in _SAID}
    return marks | {f"{n} person": float(bool(p.search(text))) for n, p in persons.items()}


_SAID = ("thanks", "joiner", "pointing", "condition", "question", "reaction")


def _here(text: str, words: Sequence[str]) -> dict[str, float]:
    count = max(len(words), 1)
    lines, closing, persons = patterns("lines"), patterns("closing"), patterns("persons")
    opener = _opener(words)
    last = text.rstrip()[-1:]
    tail = text[-160:]
    return {
        "words": math.log1p(len(words)),
        "tiny": float(len(words) <= 4),
        "short": float(len(words) <= 15),
        "long": float(len(words) >= 80),
        "lines": math.log1p(text.count("\n")),
        "sentences": math.log1p(len(_SENTENCE_END.findall(text))),
        "bullet": float(bool(lines["bullet"].match(text))),
        "address": float(bool(lines["address"].search(text))),
        "symbols": len(lines["symbols"].findall(text)) / max(len(text), 1) * 10,
        "mention": float(bool(closing["mention"].match(text))),
        "greeting only": float(bool(closing["greeting_only"].match(text))),
        "sign-off only": float(bool(closing["sign_off_only"].match(text))),
        "farewell": float(bool(closing["farewell"].search(tail))),
        "asks at end": float(last == "?"),
        "asks": float("?" in text),
        "colon at end": float(last == ":"),
        "stop at end": float(last == "."),
        "shout at end": float(last == "!"),
        "open end": float(last.isalnum() or last == ","),
        "small start": float(text.lstrip()[:1].islower()),
        "quote mark start": float(text.lstrip()[:1] in "\"“>'‘("),
        **{f"opens {name}": float(name in opener) for name in wordlists("openers")},
        **{f"{name} person": len(p.findall(text)) / count * 10 for name, p in persons.items()},
    }


def _habits(text: str, count: int) -> dict[str, float]:
    """Rates of ways of typing, 0 to 1 or so."""
    found = {name: len(p.findall(text)) for name, p in patterns("habits").items()}
    starts = max(found.pop("any_start"), 1)
    rates = {name: min(n / max(count, 1) * 20, 2.0) for name, n in found.items()}
    rates["small_start"] = found["small_start"] / starts
    rates["sentence length"] = math.log1p(count / starts)
    return rates


def _between(before: _Look, after: _Look, block: Block) -> dict[str, float]:
    shared = len(before.words & after.words)
    least = max(min(len(before.words), len(after.words)), 1)
    apart = {f"differs {n}": abs(before.habits[n] - after.habits[n]) for n in before.habits}
    first, second = "first person", "second person"
    a, b = before.here, after.here
    return {
        "double blank": float(block.blanks > 1),
        "no blank": float(block.blanks == 0),
        "shared words": shared / least,
        "any shared": float(shared > 0),
        "ask then answer": a["asks at end"] * max(b["opens answer"], b["opens first"]),
        "asked then answer": a["asks"] * max(b["opens answer"], b["opens first"]),
        "me then you": float(a[first] > 0 and a[second] == 0 and b[second] > 0 and b[first] == 0),
        "you then me": float(a[second] > 0 and a[first] == 0 and b[first] > 0 and b[second] == 0),
        "both me": float(a[first] > 0 and b[first] > 0),
        "both bullets": a["bullet"] * b["bullet"],
        "both long": a["long"] * b["long"],
        "both short": a["short"] * b["short"],
        "farewell then greeting": a["farewell"] * max(b["opens greeting"], b["opens thanks"]),
        **apart,
    }


def features(run: Sequence[Block]) -> list[dict[str, float]]:
    """Features of each gap of the blocks, in order: one fewer than there are blocks."""
    looks = [_look(block.text) for block in run]
    empty = dict.fromkeys(looks[0].here, 0.0) if looks else {}
    rows = []
    rare = _rarity(looks)
    singles = {w for words in wordlists("openers").values() for w in words if " " not in w}
    for at in range(1, len(run)):
        far_before = looks[at - 2].here if at > 1 and not run[at - 1].closed else empty
        far_after = looks[at + 1].here if at + 1 < len(run) and not run[at + 1].closed else empty
        row = {f"above: {k}": v for k, v in looks[at - 1].here.items()}
        row |= {f"below: {k}": v for k, v in looks[at].here.items()}
        row |= {f"far above: {k}": far_before[k] for k in _FAR}
        row |= {f"far below: {k}": far_after[k] for k in _FAR}
        row |= _between(looks[at - 1], looks[at], run[at])
        row |= {f"last above: {k}": v for k, v in looks[at - 1].last.items()}
        row |= {f"first below: {k}": v for k, v in looks[at].first.items()}
        row |= _returns(looks, at, rare)
        if looks[at].opening in singles:
            row[f"opening {looks[at].opening}"] = 1.0
        row["edge above"] = float(at == 1 or run[at - 1].closed)
        row["edge below"] = float(at + 1 == len(run) or run[at + 1].closed)
        row["first gap"] = float(at == 1)
        rows.append(row)
    return rows


def _rarity(looks: Sequence[_Look]) -> dict[str, float]:
    """Weight of each word: the fewer blocks of the thread hold it, the more it binds."""
    held: dict[str, int] = {}
    for look in looks:
        for word in look.words:
            held[word] = held.get(word, 0) + 1
    return {word: 1 / n for word, n in held.items()}


def _returns(looks: Sequence[_Look], at: int, rare: Mapping[str, float]) -> dict[str, float]:
    """How far the block below takes up words of the one above, of earlier ones, of the opening."""
    below, above = looks[at].words, looks[at - 1].words
    earlier = frozenset().union(*(look.words for look in looks[max(at - 5, 0) : at - 1]))
    opening, total = looks[0].words, math.sqrt(len(below) or 1)

    def weight(shared: frozenset[str]) -> float:
        return sum(rare[w] for w in shared) / total

    return {
        "bound to above": weight(below & above),
        "bound to earlier": weight((below & earlier) - above),
        "bound to opening": weight((below & opening) - above) if at > 1 else 0.0,
        "above bound to earlier": weight(above & earlier),
    }


_FAR = ("words", "greeting only", "bullet", "tiny", "opens greeting", "opens thanks", "farewell",
        "opens answer", "first person", "second person", "asks at end")  # fmt: skip


@cache
def _model() -> Mapping[str, Any]:
    text = (files("crawler") / "weights" / "borders.json").read_text(encoding="utf-8")
    model: Mapping[str, Any] = json.loads(text)
    return model


def probabilities(run: Sequence[Block], model: Mapping[str, Any] | None = None) -> list[float]:
    """For each gap, how likely a post ends there, 0 to 1; 1 after a closing line."""
    model = model or _model()
    weights, base = model["weights"], model["intercept"]
    sums = (base + sum(weights.get(k, 0.0) * v for k, v in row.items()) for row in features(run))
    return [
        1.0 if block.closed else 1 / (1 + math.exp(-max(min(total, 30.0), -30.0)))
        for block, total in zip(run[1:], sums, strict=True)
    ]


def split(run: Sequence[Block]) -> Split:
    """The posts of a thread's blocks, and the share of them expected to be exact."""
    if not run:
        return Split(posts=(), confidence=0.0)
    likely = probabilities(run)
    cuts = [p >= _model()["threshold"] for p in likely]
    posts = tuple(tuple(run[a:b]) for a, b in _spans(cuts))
    return Split(posts=posts, confidence=round(confidence(likely, cuts), 3))


def confidence(likely: Sequence[float], cuts: Sequence[bool]) -> float:
    """Share of the posts between cuts expected to be exact, 0 to 1.

    For each post the product of the probabilities of its borders and of the gaps it spans, the
    gaps taken as independent. On topics kept apart from training it agrees with the share found
    (`figures` in `weights/borders.json`).
    """
    edges = (1.0, *likely, 1.0)
    sure = [
        edges[start] * math.prod(1 - p for p in edges[start + 1 : end]) * edges[end]
        for start, end in _spans(cuts)
    ]
    return sum(sure) / len(sure)


def _spans(cuts: Sequence[bool]) -> list[tuple[int, int]]:
    at = [0, *(i for i, cut in enumerate(cuts, start=1) if cut), len(cuts) + 1]
    return list(pairwise(at))
