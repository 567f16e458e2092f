"""Tags of words to spans: the likeliest way to read them, kind by kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["START", "decode"]

START = 2.0
"""Cost of a span when tags are read, in natural log units."""


def decode(
    probabilities: np.ndarray, heads: Sequence[bool], lean: float, cost: float = START
) -> list[tuple[int, int, int, float]]:
    """Spans (kind, first token, last token, mean probability) of (length, kinds, 3) tags.

    The likeliest reading of the words (Viterbi): `lean` multiplies the odds of being inside a span,
    above 1 finds more; `cost` is paid for every span, so that one phrase is not taken for several.
    """
    begins = [index for index, head in enumerate(heads) if head]
    ends = [*(begin - 1 for begin in begins[1:]), len(heads) - 1]
    words = probabilities[begins]
    paths = _likeliest(np.log(words + 1e-6), float(np.log(lean)), cost)
    found = []
    for kind in range(words.shape[1]):
        for start, stop in _runs(paths[:, kind].tolist()):
            score = float((1 - words[start:stop, kind, 0]).mean())
            found.append((kind, begins[start], ends[stop - 1], score))
    return found


def _likeliest(scores: np.ndarray, lean: float, cost: float) -> np.ndarray:
    """The likeliest tag of every word for every kind: 0 outside, 1 first of a span, 2 inside."""
    emit = scores.copy()
    emit[..., 1:] += lean
    paths = [_path(emit[:, kind].tolist(), cost) for kind in range(emit.shape[1])]
    return np.array(paths, dtype=np.int8).T


def _path(emit: Sequence[Sequence[float]], cost: float) -> list[int]:
    """The likeliest tags of words by the scores of their three tags; of equals the first."""
    out, new, within = emit[0][0], emit[0][1] - cost, -1e9
    back: list[tuple[int, int, int]] = []
    for outside, first, inside in emit[1:]:
        # A span that has begun, whether with this word or before it, goes on or ends alike.
        begun, best = (1, new) if new >= within else (2, within)
        left = 0 if out >= best else begun
        again = 0 if out - cost >= best - cost / 2 else begun
        back.append((left, again, begun))
        out, new, within = (
            max(out, best) + outside,
            max(out - cost, best - cost / 2) + first,
            best + inside,
        )
    tag = max(range(3), key=(out, new, within).__getitem__)
    path = [tag]
    for places in reversed(back):
        tag = places[tag]
        path.append(tag)
    return path[::-1]


def _runs(tags: Sequence[int]) -> list[tuple[int, int]]:
    """Start and stop of each span in a sequence of tags."""
    found: list[tuple[int, int]] = []
    for word, tag in enumerate(tags):
        if tag == 1:
            found.append((word, word + 1))
        elif tag == 2 and found:
            found[-1] = (found[-1][0], word + 1)
    return found
