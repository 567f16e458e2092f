"""Claims to themes: grouped by kind, named in members' words, ids carried over between runs.

Pure: claims, an encoder and the former themes in, themes and what happened to them out.
How the groups are found is here; who keeps which id is `miner.identity`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from miner.decisions import decided, facts
from miner.families import profiles
from miner.identity import Group, Previous, carry_over
from miner.model import Claim, Decision, Kind, Theme, ThemeEvent
from miner.names import key_words, names, surfaces
from miner.phrases import ideas

__all__ = ["Grouped", "Grouping", "apply_decisions", "group", "partition"]

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Rows = NDArray[np.float32]

KINDS: tuple[Kind, ...] = ("cause", "trigger", "diagnosis", "remedy")
RELATED = 5
RELATED_FROM = 0.6


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
    exact: int = 4000
    """So many groups at most are compared each with each; more go in rounds."""


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """The themes, and what became of the former ones."""

    themes: tuple[Theme, ...]
    """Of all kinds; most authors first within a kind. Every claim is in exactly one."""
    events: tuple[ThemeEvent, ...] = ()


def group(
    claims: Sequence[Claim],
    encode: Encode,
    previous: Previous | None = None,
    *,
    how: Grouping | None = None,
) -> Grouped:
    """Themes of all claims, whatever their order. New phrases join former themes where they fit.

    Former themes stay together: their phrases are not parted again unless `previous` is None.
    """
    how = how or Grouping()
    before = previous or Previous()
    found: list[_Part] = []
    for kind in KINDS:
        members = [claim for claim in claims if claim.kind == kind]
        if members:
            found += _of_kind(kind, members, encode, before, how)
    carried, events = carry_over([part.group for part in found], before)
    return Grouped(themes=_finished(found, carried, before), events=events)


def apply_decisions(
    grouped: Grouped, claims: Sequence[Claim], decisions: Sequence[Decision]
) -> Grouped:
    """The themes after a person's renames, merges, splits, moves and rejections, oldest first."""
    themes, events = decided(grouped.themes, claims, decisions)
    return Grouped(themes=themes, events=(*grouped.events, *events))


def partition(
    rows: Rows, weights: Sequence[int], blocks: Sequence[int], how: Grouping
) -> NDArray[np.int64]:
    """A label per row: rows of one block stay together, near blocks are joined.

    Rows come in a settled order; the labels depend on nothing else. Joined until no two groups
    are nearer on average than the cut, so that a second run on the result changes nothing.
    """
    labels = np.unique(np.asarray(blocks, dtype=np.int64), return_inverse=True)[1]
    while True:
        count = int(labels.max()) + 1 if len(labels) else 0
        if count < 2:
            return labels
        means = _means(rows, labels, count)
        joined = _joined(means, _sums(weights, labels, count), how)
        labels = joined[labels]
        if int(joined.max()) + 1 == count:
            return labels


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One theme to be, with what its finishing needs."""

    group: Group
    claims: tuple[Claim, ...]
    """Most typical first."""
    names: tuple[str, ...]
    """Candidates, best first."""
    keywords: tuple[str, ...]
    centre: Rows


def _of_kind(
    kind: Kind, claims: Sequence[Claim], encode: Encode, previous: Previous, how: Grouping
) -> list[_Part]:
    idea_of = ideas(claims)
    phrases = sorted(set(idea_of.values()))
    vectors = encode(phrases)
    rows = _guided(vectors, profiles(vectors, kind, encode), how.guidance)
    heard = Counter(idea_of.values())
    blocks = _blocks(phrases, previous.homes(kind))
    labels = partition(rows, [heard[phrase] for phrase in phrases], blocks, how)
    by_phrase: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_phrase[idea_of[claim.id]].append(claim)
    groups = [np.flatnonzero(labels == label) for label in range(int(labels.max()) + 1)]
    words = key_words([[phrases[i] for i in group] for group in groups])
    return [
        _part(kind, [phrases[i] for i in group], vectors[group], by_phrase, some)
        for group, some in zip(groups, words, strict=True)
    ]


def _part(
    kind: Kind,
    phrases: Sequence[str],
    vectors: Rows,
    by_phrase: Mapping[str, Sequence[Claim]],
    keywords: tuple[str, ...],
) -> _Part:
    heard = np.array([len(by_phrase[phrase]) for phrase in phrases], dtype=np.float32)
    centre = _unit(heard @ vectors)
    typical = dict(zip(phrases, (vectors @ centre).tolist(), strict=True))
    claims = sorted(
        ((phrase, claim) for phrase in phrases for claim in by_phrase[phrase]),
        key=lambda pair: (-round(typical[pair[0]], 4), -pair[1].confidence, pair[1].id),
    )
    spoken = [p for p in phrases if any(c.voice == "member" for c in by_phrase[p])]
    candidates = names(surfaces(by_phrase, spoken or phrases), typical, phrases)
    return _Part(
        group=Group(
            kind=kind,
            founder=candidates[0].phrase,
            claims=frozenset(claim.id for _, claim in claims),
            phrases=frozenset(phrases),
        ),
        claims=tuple(claim for _, claim in claims),
        names=tuple(candidate.text for candidate in candidates),
        keywords=keywords,
        centre=centre,
    )


def _blocks(phrases: Sequence[str], homes: Mapping[str, str]) -> list[int]:
    """A number per phrase: the same for phrases of one former theme, its own for a new one."""
    numbers: dict[str, int] = {}
    return [
        numbers.setdefault(f"theme {homes[p]}" if p in homes else f"phrase {p}", len(numbers))
        for p in phrases
    ]


def _guided(vectors: Rows, leanings: Rows, guidance: float) -> Rows:
    """Unit rows whose dot product weighs likeness of words and of families.

    Families weigh only as far as they are heard: far from all of them, words alone decide.
    """
    heard = guidance * np.square(leanings).sum(axis=1, keepdims=True)
    parts = [np.sqrt(1 - heard) * vectors, np.sqrt(guidance) * leanings]
    return np.hstack(parts).astype(np.float32)


def _unit(vector: Rows) -> Rows:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector, dtype=np.float32)


def _means(rows: Rows, labels: NDArray[np.int64], count: int) -> Rows:
    """Mean row of each group; its length tells how close the group is."""
    sums = np.zeros((count, rows.shape[1]), dtype=np.float32)
    np.add.at(sums, labels, rows)
    sizes = np.bincount(labels, minlength=count)
    return np.asarray(sums / sizes[:, None], dtype=np.float32)


def _sums(weights: Sequence[int], labels: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    sums = np.bincount(labels, weights=np.asarray(weights, dtype=float), minlength=count)
    return np.asarray(sums, dtype=np.float64)


def _joined(means: Rows, weights: NDArray[np.float64], how: Grouping) -> NDArray[np.int64]:
    """A label per group, from 0 without holes: average linkage, in rounds where there are many."""
    if len(means) <= how.exact:
        return _linked(means, how.cut)
    labels = np.full(len(means), -1, dtype=np.int64)
    waiting = np.lexsort((np.arange(len(means)), -weights))
    while len(waiting):
        seeds, rest = waiting[: how.exact], waiting[how.exact :]
        labels[seeds] = _linked(means[seeds], how.cut) + int(labels.max()) + 1
        waiting = _unplaced(means, labels, seeds, rest, how.cut)
    return np.unique(labels, return_inverse=True)[1]


def _unplaced(
    means: Rows,
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
    centres = _means(means[seeds], labels[seeds] - first, count)
    placed = np.zeros(len(rest), dtype=bool)
    for start in range(0, len(rest), 4096):
        some = rest[start : start + 4096]
        likeness = means[some] @ centres.T
        near = likeness.max(axis=1) > 1 - cut
        labels[some[near]] = likeness[near].argmax(axis=1) + first
        placed[start : start + len(some)] = near
    return rest[~placed]


def _linked(means: Rows, cut: float) -> NDArray[np.int64]:
    """Average linkage on 1 - dot product; the average distance of two groups of phrases is that."""
    if len(means) < 2:
        return np.zeros(len(means), dtype=np.int64)
    from sklearn.cluster import AgglomerativeClustering

    far = np.maximum(1.0 - means @ means.T, 0.0)
    far = (far + far.T) / 2
    np.fill_diagonal(far, 0.0)
    linkage = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=cut
    )
    labels = linkage.fit_predict(far)
    # Labels in order of first appearance, so that they follow the settled order of the rows.
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _finished(parts: Sequence[_Part], ids: Sequence[str], previous: Previous) -> tuple[Theme, ...]:
    near = _neighbours(parts, ids)
    drafts = [
        Theme(
            id=id_,
            kind=part.group.kind,
            name=part.names[0],
            claims=tuple(claim.id for claim in part.claims),
            keywords=part.keywords,
            related=near[id_],
            **facts(part.claims),
        )
        for id_, part in zip(ids, parts, strict=True)
    ]
    choices = {id_: _preferred(part, id_, previous) for id_, part in zip(ids, parts, strict=True)}
    drafts.sort(key=lambda theme: (theme.kind, -theme.tally.authors, -len(theme.claims), theme.id))
    return _named(drafts, choices)


def _preferred(part: _Part, id_: str, previous: Previous) -> tuple[str, ...]:
    """Name candidates, the former name first while it is still among the good ones."""
    former = previous.name_of(id_)
    if former is not None and former in part.names[:3]:
        return (former, *(name for name in part.names if name != former))
    return part.names


def _named(themes: Sequence[Theme], choices: Mapping[str, Sequence[str]]) -> tuple[Theme, ...]:
    """Each theme under its best name that no bigger theme of its kind has taken."""
    taken: set[tuple[Kind, str]] = set()
    named = []
    for theme in themes:
        spare = f"{choices[theme.id][0]} ({theme.id[-6:]})"
        free = [n for n in choices[theme.id] if (theme.kind, n.lower()) not in taken]
        name = free[0] if free else spare
        taken.add((theme.kind, name.lower()))
        named.append(replace(theme, name=name))
    return tuple(named)


def _neighbours(parts: Sequence[_Part], ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Ids of the nearest themes of any kind for each theme, nearest first."""
    if not parts:
        return {}
    centres = np.stack([part.centre for part in parts])
    near: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(ids), 1024):
        likeness = centres[start : start + 1024] @ centres.T
        for row, id_ in zip(likeness, ids[start : start + 1024], strict=False):
            near_by = np.flatnonzero(row >= RELATED_FROM).tolist()
            close = [i for i in near_by if ids[i] != id_]
            close.sort(key=lambda i: (-float(row[i]), ids[i]))
            near[id_] = tuple(ids[i] for i in close[:RELATED])
    return near
