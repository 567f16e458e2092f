"""Tags of words to spans: the likeliest way to read them, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["START", "decode"]

START = 2.0
"""Cost of a span when tags are read, in natural log units."""
NEARLY = 1e-6
"""What rounding may add to a sum of scores."""


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
    inside = np.ascontiguousarray(1 - words[..., 0].T)
    for kind in np.flatnonzero(paths.any(0)).tolist():
        for start, stop in _runs(paths[:, kind].tolist()):
            score = float(np.add.reduce(inside[kind, start:stop]) / (stop - start))
            found.append((kind, begins[start], ends[stop - 1], score))
    return found


def _likeliest(scores: np.ndarray, lean: float, cost: float) -> np.ndarray:
    """The likeliest tag of every word for every kind: 0 outside, 1 first of a span, 2 inside."""
    emit = scores.copy()
    emit[..., 1:] += lean
    paths = np.zeros(emit.shape[:2], dtype=np.int8)
    for kind, start, stop in _stretches(_worth(emit, cost)):
        paths[start:stop, kind] = _path(emit[start:stop, kind].tolist(), cost)
    return paths


def _worth(emit: np.ndarray, cost: float) -> np.ndarray:
    """Where a likeliest path may have a span (words, kinds): few of the words of most texts.

    A span pays for its words together. It can begin only where they and the best that may follow
    are worth more inside than outside, and goes on only where what follows does not cost more than
    the half of a price that is saved by a span right behind it.
    """
    gain = emit[..., 2] - emit[..., 0]
    behind = np.vstack([gain, np.zeros_like(gain[:1])])[::-1].cumsum(0)
    onward = (behind - np.minimum.accumulate(behind, 0))[::-1][1:]
    begins = emit[..., 1] - emit[..., 0] + onward > -NEARLY
    goes_on = gain + onward > -cost / 2 - NEARLY
    place = np.arange(len(emit))[:, None]
    begun = np.maximum.accumulate(np.where(begins, place, -1), 0)
    broken = np.maximum.accumulate(np.where(goes_on, 0, place), 0)
    return np.asarray((begun >= broken) & (begun >= 0))


def _stretches(marked: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Kind, start and stop of each run of marked words (words, kinds)."""
    edge = np.zeros_like(marked[:1])
    turns = np.diff(np.vstack([edge, marked, edge]).astype(np.int8), axis=0).T
    kinds, starts = np.nonzero(turns == 1)
    stops = np.nonzero(turns == -1)[1]
    yield from zip(kinds.tolist(), starts.tolist(), stops.tolist(), strict=True)


def _path(emit: Sequence[Sequence[float]], cost: float) -> list[int]:
    """The likeliest tags of words by the scores of their three tags; of equals the first."""
    out, new, within = emit[0][0], emit[0][1] - cost, -1e9
    back: list[tuple[int, int, int]] = []
    for outside, first, inside in emit[1:]:
        # A span that has begun, whether with this word or before it, goes on or ends alike.
        begun, best = (1, new) if new >= within else (2, within)
        free, next_to = out - cost, best - cost / 2
        left = 0 if out >= best else begun
        again = 0 if free >= next_to else begun
        back.append((left, again, begun))
        new = (next_to if again else free) + first
        out = (best if left else out) + outside
        within = best + inside
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
