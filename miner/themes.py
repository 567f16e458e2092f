"""Claims to themes: grouped by kind, named in members' words, ids carried over between runs.

Pure: claims, an encoder and the former themes in, themes and what happened to them out.
How the groups are found is here; who keeps which id is `miner.identity`.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from miner.communities import communities
from miner.continuity import NEW, Known, joined, settled
from miner.decisions import decided
from miner.drafts import Draft, Ideas, drafted, finished
from miner.families import profiles
from miner.identity import Previous, carry_over, renamed
from miner.memory import Memory
from miner.model import Claim, Decision, Kind, Theme, ThemeEvent
from miner.names import leanings
from miner.phrases import ideas
from miner.stability import stabilities
from miner.sums import means

__all__ = ["Grouped", "Grouping", "apply_decisions", "group", "partition"]

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

FIRST_NEW = 1 << 40
"""Above the number of any former theme."""
KINDS: tuple[Kind, ...] = ("cause", "trigger", "diagnosis", "remedy")


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """How coarse the themes are.

    Readers differ: one names every exercise, another speaks of strength training. The defaults
    stand between the finest and the coarsest of the labelled readings.
    """

    cut: float = 0.5
    """Average distance at which two groups are no longer one theme, 0 to 1."""
    guidance: float = 0.6
    """Weight of the families of `miner.families` beside the words, 0 to 1."""
    always: int = 5000
    """Up to so many phrases of a kind all are grouped at every run."""
    growth: float = 1.05
    """Above that, all are grouped again after this growth; between, new phrases join."""
    parted: int = 8
    """Phrases from which on a theme is looked at for sub-themes."""
    closer: float = 0.7
    """Share of the cut at which these part."""
    rounds: int = 0
    """So often a part of the phrases is grouped again, to tell how stable each theme is."""
    exact: int = 4000
    """So many phrases at most are compared each with each; more only within the communities of
    their graph."""
    seed: int = 1
    """Of the search for these communities."""


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """The themes, and what became of the former ones."""

    themes: tuple[Theme, ...]
    """Of all kinds; most authors first within a kind. Every claim is in exactly one."""
    events: tuple[ThemeEvent, ...] = ()
    whole: Mapping[Kind, int] = field(default_factory=dict)
    """Phrases of each kind when they were last grouped as a whole."""


def group(
    claims: Sequence[Claim],
    encode: Encode,
    previous: Previous | None = None,
    *,
    how: Grouping | None = None,
    memory: Memory | None = None,
) -> Grouped:
    """Themes of all claims, whatever their order. New phrases join former themes where they fit.

    Known phrases stay in their former theme unless a grouping without the former themes disagrees
    strongly. `memory` spares telling anew what follows from the same claims, and changes nothing.
    """
    how = how or Grouping()
    before = previous or Previous()
    found: list[Draft] = []
    whole: dict[Kind, int] = {}
    with _uncollected():
        for kind in KINDS:
            members = [claim for claim in claims if claim.kind == kind]
            if members:
                drafts, whole[kind] = _of_kind(kind, members, encode, before, how, memory)
                found += drafts
        carried, events = carry_over([part.group for part in found], before)
        return Grouped(themes=finished(found, carried, before), events=events, whole=whole)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for rubbish: the many small things made here stay, none points in a ring."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def apply_decisions(
    grouped: Grouped,
    claims: Sequence[Claim],
    decisions: Sequence[Decision],
    previous: Previous | None = None,
) -> Grouped:
    """The themes after a person's renames, merges, splits, moves and rejections, oldest first.

    What was decided about an id that a run merged away holds for the theme it went into.
    """
    before = previous or Previous()
    led = {**before.gone.merged, **_led(grouped.events)}
    themes, events = decided(grouped.themes, claims, decisions, led)
    told = _told((*grouped.events, *events), themes, before)
    return replace(grouped, themes=themes, events=(*told, *renamed(before, themes)))


def _led(events: Iterable[ThemeEvent]) -> dict[str, str]:
    return {event.theme: event.into for event in events if event.kind == "merged" and event.into}


def _told(
    events: Sequence[ThemeEvent], themes: Sequence[Theme], before: Previous
) -> list[ThemeEvent]:
    """The events without births of what a decision took away, with the deaths of what it ended."""
    living = {theme.id for theme in themes}
    told = [e for e in events if e.kind != "born" or e.theme in living]
    ended = living | {e.theme for e in events if e.kind in ("merged", "died")}
    gone = sorted(former.id for former in before.themes if former.id not in ended)
    return [*told, *(ThemeEvent(kind="died", theme=id_) for id_ in gone)]


def partition(
    rows: Rows, weights: Sequence[int], blocks: Sequence[int], how: Grouping
) -> NDArray[np.int64]:
    """A label per row: rows of one block stay together, near blocks are joined.

    Rows come in a settled order; the labels depend on nothing else. Joined until no two groups
    are nearer on average than the cut, so that a second run on the result changes nothing.
    """
    labels = np.unique(np.asarray(blocks, dtype=np.int64), return_inverse=True)[1]
    if int(labels.max(initial=-1)) + 1 == len(rows) <= how.exact:
        # Where every row is its own block, average linkage leaves no two near groups.
        return _linked(rows[np.argsort(labels)], how.cut)[labels]
    while True:
        count = int(labels.max()) + 1 if len(labels) else 0
        if count < 2:
            return labels
        joined = _joined(means(rows, labels, count), _sums(weights, labels, count), how)
        labels = joined[labels]
        if int(joined.max()) + 1 == count:
            return labels


def _of_kind(
    kind: Kind,
    claims: Sequence[Claim],
    encode: Encode,
    previous: Previous,
    how: Grouping,
    memory: Memory | None,
) -> tuple[list[Draft], int]:
    """The themes to be of a kind, and how many phrases there were when last grouped as a whole."""
    idea_of = ideas(claims)
    by_phrase: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_phrase[idea_of[claim.id]].append(claim)
    phrases = sorted(by_phrase)
    vectors = encode(phrases)
    rows = _guided(vectors, profiles(vectors, kind, encode), how.guidance)
    weights = [len(by_phrase[phrase]) for phrase in phrases]
    whole = previous.whole.get(kind, 0)
    anew = len(phrases) <= how.always or len(phrases) > how.growth * whole
    known = previous.known(kind, phrases)
    broad = np.zeros(len(phrases), dtype=np.int64)
    if anew:
        broad = _broad(phrases, rows, how)
        homes = settled(_within(broad, rows, weights, how), known, rows)
    else:
        homes = _grown(known, phrases, rows, weights, how)
    former, labels = np.unique(homes, return_inverse=True)
    told = Ideas(
        kind=kind,
        phrases=phrases,
        vectors=vectors,
        lean=leanings(kind, encode),
        claims=by_phrase,
    )

    def regroup(drawn: Labels) -> Labels:
        heard = [weights[place] for place in drawn.tolist()]
        return _within(broad[drawn], rows[drawn], heard, how)

    def finer(group: Labels) -> Labels:
        return _finer(rows[group], [weights[place] for place in group.tolist()], how)

    sure = stabilities(labels, regroup, how.rounds) if anew else _sure(former, previous)
    return drafted(told, labels, finer, sure, memory), len(phrases) if anew else whole


def _sure(former: Labels, previous: Previous) -> list[float | None]:
    """How sure each theme was when all phrases of its kind were last grouped."""
    known = previous.themes
    return [known[n].stability if n < len(known) else None for n in former.tolist()]


def _finer(rows: Rows, weights: Sequence[int], how: Grouping) -> Labels:
    """A label per phrase of one theme for its parts: what stays together at a closer look."""
    if len(rows) < how.parted:
        return np.zeros(len(rows), dtype=np.int64)
    closer = replace(how, cut=how.cut * how.closer)
    return partition(rows, weights, range(len(rows)), closer)


def _grown(
    known: Known, phrases: Sequence[str], rows: Rows, weights: Sequence[int], how: Grouping
) -> Labels:
    """The homes with the new phrases placed; those that fit none are grouped among themselves."""
    labels = joined(known, rows)
    left = np.flatnonzero(labels == NEW)
    if len(left):
        places = left.tolist()
        some, heard = [phrases[place] for place in places], [weights[p] for p in places]
        broad = _broad(some, rows[left], how)
        labels[left] = _within(broad, rows[left], heard, how) + FIRST_NEW
    return labels


def _broad(phrases: Sequence[str], rows: Rows, how: Grouping) -> Labels:
    """A label per phrase for what is compared with each other: all, or of many a community."""
    if len(phrases) <= how.exact:
        return np.zeros(len(phrases), dtype=np.int64)
    return communities(rows, phrases, seed=how.seed, most=how.exact)


def _within(broad: Labels, rows: Rows, weights: Sequence[int], how: Grouping) -> Labels:
    """A label per phrase from 0, by what the phrases of one community say alone."""
    labels = np.zeros_like(broad)
    for group in np.split(np.argsort(broad, kind="stable"), np.cumsum(np.bincount(broad))[:-1]):
        some = [weights[place] for place in group.tolist()]
        if some:
            found = partition(rows[group], some, range(len(group)), how)
            labels[group] = found + labels.max() + 1
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def _guided(vectors: Rows, leanings: Rows, guidance: float) -> Rows:
    """Unit rows whose dot product weighs likeness of words and of families.

    Families weigh only as far as they are heard: far from all of them, words alone decide.
    """
    heard = guidance * np.square(leanings).sum(axis=1, keepdims=True)
    width = vectors.shape[1]
    rows = np.empty((len(vectors), width + leanings.shape[1]), dtype=np.float32)
    np.multiply(vectors, np.sqrt(1 - heard), out=rows[:, :width])
    np.multiply(leanings, np.sqrt(guidance), out=rows[:, width:])
    return rows


def _sums(weights: Sequence[int], labels: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    sums = np.bincount(labels, weights=np.asarray(weights, dtype=float), minlength=count)
    return np.asarray(sums, dtype=np.float64)


def _joined(middles: Rows, weights: NDArray[np.float64], how: Grouping) -> NDArray[np.int64]:
    """A label per group, from 0 without holes: average linkage, in rounds where there are many."""
    if len(middles) <= how.exact:
        return _linked(middles, how.cut)
    labels = np.full(len(middles), -1, dtype=np.int64)
    waiting = np.lexsort((np.arange(len(middles)), -weights))
    while len(waiting):
        seeds, rest = waiting[: how.exact], waiting[how.exact :]
        labels[seeds] = _linked(middles[seeds], how.cut) + int(labels.max()) + 1
        waiting = _unplaced(middles, labels, seeds, rest, how.cut)
    return np.unique(labels, return_inverse=True)[1]


def _unplaced(
    middles: Rows,
    labels: NDArray[np.int64],
    seeds: NDArray[np.int64],
    rest: NDArray[np.int64],
    cut: float,
) -> NDArray[np.int64]:
    """Puts each of the rest into the nearest new group within the cut; the others come back."""
    if not len(rest):
        return rest
    first = int(labels[seeds].min())
    count = int(labels[seeds].max()) - first + 1
    centres = means(middles[seeds], labels[seeds] - first, count)
    placed = np.zeros(len(rest), dtype=bool)
    for start in range(0, len(rest), 4096):
        some = rest[start : start + 4096]
        likeness = middles[some] @ centres.T
        near = likeness.max(axis=1) > 1 - cut
        labels[some[near]] = likeness[near].argmax(axis=1) + first
        placed[start : start + len(some)] = near
    return rest[~placed]


def _linked(middles: Rows, cut: float) -> NDArray[np.int64]:
    """Average linkage on 1 - dot product; the average distance of two groups of phrases is that."""
    if len(middles) < 2:
        return np.zeros(len(middles), dtype=np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    far = middles @ middles.T  # Changed in place: of thousands of rows it is most of the memory.
    np.maximum(np.subtract(1.0, far, out=far), 0.0, out=far)
    far += far.T
    far /= 2
    pairs = squareform(far, checks=False)
    del far
    tree = linkage(pairs, method="average")
    labels = fcluster(tree, np.nextafter(cut, 0.0), criterion="distance")
    # Labels in order of first appearance, so that they follow the settled order of the rows.
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
