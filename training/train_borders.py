"""Learn the coefficients of `crawler.borders` from Discourse topics, and measure them.

    python training/train_borders.py TOPICS_DIR [--threads FILE.jsonl] [--write]

Each topic (JSON with `post_stream`) is rendered as a reader's copy of the page would be: title,
paragraphs parted by blank lines, `3 Likes` lines, no names; quotes and pictures are lost as a
further blank line, listings of code without trace (injury forums have none). Figures come from
five-fold cross-validation over topics; only coefficients are kept. `--threads` adds threads whose
posts are known to the training, never to the figures.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import lxml.html
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler import borders
from crawler.blocks import Block, blocks

WEIGHTS = Path(__file__).resolve().parents[1] / "crawler" / "weights" / "borders.json"
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "summary"}
_LOST = {"aside", "svg", "img", "video", "iframe", "table", "hr", "blockquote"}


@dataclass(frozen=True, kw_only=True)
class Example:
    """One pasted thread: its blocks and, for each gap, whether a post ends there."""

    name: str
    run: tuple[Block, ...]
    ends: tuple[bool, ...]


def paragraphs(cooked: str) -> list[str]:
    """Paragraphs of one post; an empty one where a quote or a picture was lost."""
    found: list[str] = []
    if cooked.strip():
        for child in lxml.html.fragment_fromstring(cooked, create_parent="div"):
            found += _paragraphs(child)
    return found


def _paragraphs(node: Any) -> Iterator[str]:
    tag = node.tag if isinstance(node.tag, str) else ""
    if tag in _LOST:
        yield ""
    elif tag == "pre":
        return
    elif tag in ("ul", "ol"):
        yield "\n".join(f"  • {' '.join(li.text_content().split())}" for li in node.iter("li"))
    elif tag in _PARAGRAPHS or not len(node):
        for br in node.iter("br"):
            br.tail = "\n" + (br.tail or "").lstrip("\n")
        lines = (" ".join(line.split()) for line in node.text_content().split("\n"))
        yield "\n".join(line for line in lines if line)
    else:
        for child in node:
            yield from _paragraphs(child)


def rendered(posts: Sequence[tuple[Sequence[str], int]]) -> tuple[str, list[str]]:
    """A pasted page of posts (paragraphs, likes), and the text of each post that has one."""
    out, kept = [], []
    for given, likes in posts:
        if not any(given):
            continue
        text = re.sub(r"\n{4,}", "\n\n\n", "\n\n".join(given))
        out.append(("" if given[0] else "\n") + text.strip("\n"))
        kept.append(out[-1].strip("\n"))
        if likes:
            out.append(f"{likes} Like{'s' * (likes > 1)}")
    return "\n\n".join(out), kept


def example(name: str, posts: Sequence[tuple[Sequence[str], int]]) -> Example:
    """The example that a thread of posts makes."""
    text, kept = rendered(posts)
    run = [b for b in blocks(text) if b.text]
    ends, at = [], 0
    for post in kept:
        at += sum(1 for b in blocks(post) if b.text)
        ends.append(at)
    assert at == len(run), name
    return Example(
        name=name, run=tuple(run), ends=tuple(i in set(ends) for i in range(1, len(run)))
    )


def topics(folder: Path) -> Iterator[Example]:
    """Examples of the topics of a folder, in order of name."""
    for path in sorted(folder.glob("*.json")):
        stream = json.loads(path.read_text(encoding="utf-8"))["post_stream"]["posts"]
        yield example(path.stem, [(paragraphs(p["cooked"]), _likes(p)) for p in stream])


def _likes(post: dict[str, Any]) -> int:
    return sum(a.get("count", 0) for a in post.get("actions_summary", ()) if a.get("id") == 2)


def threads(paths: Iterable[Path]) -> Iterator[Example]:
    """Examples of threads in the form `{"title": …, "posts": [{"text": …}]}`."""
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            given = json.loads(line)
            posts = [(p["text"].split("\n\n"), p.get("likes") or 0) for p in given["posts"]]
            yield example(str(given.get("id", path.stem)), posts)


def fitted(examples: Sequence[Example], c: float) -> dict[str, Any]:
    """Intercept and weights on unscaled features."""
    rows, labels = _open_gaps(examples)
    vectors = DictVectorizer(sparse=False)
    matrix = vectors.fit_transform(rows)
    scale = StandardScaler().fit(matrix)
    model = LogisticRegression(C=c, max_iter=3000).fit(scale.transform(matrix), labels)
    weights = model.coef_[0] / scale.scale_
    names = vectors.get_feature_names_out()
    return {
        "intercept": float(model.intercept_[0] - (weights * scale.mean_).sum()),
        "weights": {str(n): round(float(w), 4) for n, w in zip(names, weights, strict=True)},
        "threshold": 0.5,
    }


def _open_gaps(examples: Sequence[Example]) -> tuple[list[dict[str, float]], list[bool]]:
    rows, labels = [], []
    for one in examples:
        for row, block, end in zip(borders.features(one.run), one.run[1:], one.ends, strict=True):
            if not block.closed:
                rows.append(row)
                labels.append(end)
    return rows, labels


def probabilities(model: dict[str, Any], one: Example) -> list[float]:
    """For each gap of an example, the probability that a post ends there."""
    return borders.probabilities(one.run, model)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How well borders were found; `open` counts only gaps without a closing line."""

    precision: float
    recall: float
    f1: float
    open_f1: float
    exact: float
    """Share of posts found whole and exact."""
    confidence: float
    """Mean of the stated confidence."""
    gaps: int
    posts: int


def measured(pairs: Sequence[tuple[Example, Sequence[float]]], threshold: float) -> Figures:
    """Figures over examples and the probabilities given to their gaps."""
    hits = wrong = missed = open_hits = open_errors = exact = posts = gaps = 0
    stated = []
    for one, likely in pairs:
        cuts = [p >= threshold for p in likely]
        for cut, end, block in zip(cuts, one.ends, one.run[1:], strict=True):
            hits, wrong, missed = hits + (cut and end), wrong + (cut > end), missed + (end > cut)
            if not block.closed:
                open_hits, open_errors = open_hits + (cut and end), open_errors + (cut != end)
        gaps += len(cuts)
        posts += len(_spans(one.ends))
        exact += len(_spans(one.ends) & _spans(cuts))
        stated.append(borders.confidence(likely, cuts) * len(_spans(cuts)))
    return Figures(
        precision=round(hits / max(hits + wrong, 1), 3),
        recall=round(hits / max(hits + missed, 1), 3),
        f1=round(2 * hits / max(2 * hits + wrong + missed, 1), 3),
        open_f1=round(2 * open_hits / max(2 * open_hits + open_errors, 1), 3),
        exact=round(exact / max(posts, 1), 3),
        confidence=round(
            sum(stated) / max(sum(len(_spans([q >= threshold for q in p])) for _, p in pairs), 1), 3
        ),
        gaps=gaps,
        posts=posts,
    )


def _spans(cuts: Sequence[bool]) -> set[tuple[int, int]]:
    at = [0, *(i for i, cut in enumerate(cuts, start=1) if cut), len(cuts) + 1]
    return set(pairwise(at))


def held_out(
    examples: Sequence[Example], extra: Sequence[Example], c: float, folds: int = 5
) -> list[tuple[Example, list[float]]]:
    """Each example with the probabilities of a model that has not seen it."""
    order = list(range(len(examples)))
    random.Random(0).shuffle(order)
    pairs = []
    for fold in range(folds):
        kept = set(order[fold::folds])
        model = fitted([one for i, one in enumerate(examples) if i not in kept] + list(extra), c)
        pairs += [(examples[i], probabilities(model, examples[i])) for i in sorted(kept)]
    return pairs


def main() -> None:
    """Print the figures; with --write also keep the coefficients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", type=Path)
    parser.add_argument("--threads", type=Path, nargs="*", default=[])
    parser.add_argument("--c", type=float, default=0.01)
    parser.add_argument("--threshold", type=float, default=0.3)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    examples = list(topics(given.topics))
    extra = list(threads(given.threads))
    pairs = held_out(examples, extra, given.c)
    figures = measured(pairs, given.threshold)
    every = measured([(one, [1.0] * len(one.ends)) for one in examples], 0.5)
    print(f"held out:   {figures}\nevery gap:  {every}")
    if given.write:
        model = fitted([*examples, *extra], given.c)
        model |= {"threshold": given.threshold, "figures": vars(figures)}
        WEIGHTS.write_text(json.dumps(model, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
