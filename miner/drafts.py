"""Groups of phrases made into themes: claims in order, name, key words, parts, what lies near.

Pure. Which phrases belong together was decided before; which id a theme keeps is `miner.identity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miner.counts import voter
from miner.decisions import facts
from miner.identity import Group, Previous, carry_over
from miner.keywords import key_words
from miner.memory import Memory, Mind
from miner.model import Claim, Kind, SubTheme, Theme
from miner.names import Surface, names, promising, shared, spellings
from miner.neighbours import neighbours
from miner.sketches import Sketch, key_of, mark, opened, read, written
from miner.sums import sums

__all__ = ["Draft", "Ideas", "drafted", "finished"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

RELATED = 5
RELATED_FROM = 0.6
NEIGHBOURS = 5
"""So many nearest themes of its kind a theme is told from."""
BORDER = 0.03
"""How much likelier to its own theme than to another a phrase must be, not to lie at the border."""
AT_BORDER = 5
GENERAL = "in general"
"""Said of the part that would go by the name of its theme."""
SPARE = 3
"""Near themes looked at beyond those that are shown, so that of equals the first id wins."""
EXACT = 6000
"""Up to so many themes each is compared with every other for its nearest."""

BLOCK = 4096

Finer = Callable[[Labels], Labels]
"""Gives some rows labels from 0: which of them belong closer together."""


@dataclass(frozen=True, kw_only=True)
class Ideas:
    """The distinct phrases of a kind in settled order, and all that was said with them."""

    kind: Kind
    phrases: Sequence[str]
    vectors: Rows
    lean: Callable[[Rows], Rows]
    """Gives vectors their likeness to each family: shape (vectors, families)."""
    claims: Mapping[str, Sequence[Claim]]
    """By phrase."""

    @cached_property
    def spelled(self) -> dict[str, list[Surface]]:
        """The spellings of each phrase, so far as they were asked for."""
        return {}

    def surfaces(self, phrases: Iterable[str]) -> list[Surface]:
        """Every spelling of the phrases, the commonest spelling of each idea first."""
        for phrase in phrases:
            if phrase not in self.spelled:
                self.spelled[phrase] = spellings(phrase, self.claims[phrase])
        return [one for phrase in phrases for one in self.spelled[phrase]]

    @cached_property
    def heard(self) -> Rows:
        """How many claims say each phrase."""
        return np.array([len(self.claims[phrase]) for phrase in self.phrases], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A theme to be, with what its finishing needs."""

    sketch: Sketch
    centre: Rows
    keywords: tuple[str, ...]
    border: tuple[str, ...]
    """Ids of claims at the border, the most doubtful first."""
    stability: float | None

    @property
    def group(self) -> Group:
        """Its members."""
        return self.sketch.group

    @property
    def names(self) -> tuple[str, ...]:
        """Candidates, best first."""
        return self.sketch.names


def drafted(
    ideas: Ideas,
    labels: Labels,
    finer: Finer,
    stabilities: Sequence[float | None],
    memory: Memory | None = None,
) -> list[Draft]:
    """The themes to be, one a label from 0 without holes.

    `finer` gives some rows of one label the labels of its parts. What the memory knows is not told
    anew; without one all is.
    """
    groups, centres = _groups(labels), _centres(ideas, labels)
    sketches = _sketches(ideas, groups, centres, finer, memory or Mind())
    near = _nearest(centres)
    words = key_words(ideas.phrases, ideas.heard, labels, near)
    borders = _borders(ideas, labels, centres, near)
    return [
        Draft(
            sketch=sketches[number],
            centre=centres[number],
            keywords=words[number],
            border=borders[number],
            stability=stabilities[number],
        )
        for number in range(len(groups))
    ]


def finished(drafts: Sequence[Draft], ids: Sequence[str], previous: Previous) -> tuple[Theme, ...]:
    """The themes under their ids; most authors first within a kind; no name twice in a kind."""
    near = _related(drafts, ids)
    parts = _with_ids([part for draft in drafts for part in draft.sketch.parts], ids, previous)
    themes = [
        Theme(
            id=id_,
            kind=draft.group.kind,
            name=draft.names[0],
            claims=tuple(claim.id for claim in draft.sketch.claims),
            keywords=draft.keywords,
            related=near[id_],
            border=draft.border,
            parts=tuple(next(parts) for _ in draft.sketch.parts),
            stability=draft.stability,
            **draft.sketch.facts,
        )
        for id_, draft in zip(ids, drafts, strict=True)
    ]
    choices = {id_: _preferred(one, id_, previous) for id_, one in zip(ids, drafts, strict=True)}
    themes.sort(key=lambda theme: (theme.kind, -theme.tally.authors, -len(theme.claims), theme.id))
    return tuple(_tidied(theme) for theme in _named(themes, choices))


def _key(ideas: Ideas, group: Labels, what: str = "") -> str:
    """Digest of all that a sketch of these rows follows from, given the model."""
    said = (ideas.phrases[i] for i in group.tolist())
    marked = (
        "\x1d".join([phrase, *sorted(mark(claim) for claim in ideas.claims[phrase])])
        for phrase in said
    )
    return key_of([ideas.kind + what, *marked])


def _sketches(
    ideas: Ideas,
    groups: Sequence[Labels],
    centres: Rows,
    finer: Finer,
    memory: Memory,
) -> list[Sketch]:
    """A sketch of each group, the known ones as they were told before."""
    keys = [_key(ideas, group) for group in groups]
    known = _recalled(memory, keys)
    within = _recalled(memory, [key for plain in known.values() for key in plain["parts"]])
    found = [
        read(known[key], ideas.kind, _said(ideas, group), within) if key in known else None
        for group, key in zip(groups, keys, strict=True)
    ]
    changed = [number for number, sketch in enumerate(found) if sketch is None]
    parts = {number: _parts(ideas, groups[number], finer) for number in changed}
    told, new = _told_parts(ideas, [rows for some in parts.values() for rows in some], memory)
    whole: dict[int, Sketch] = {}
    for number, some in parts.items():
        own = sorted((next(told) for _ in some), key=lambda part: part[0])
        sketch = _sketch(ideas, groups[number], centres[number])
        whole[number] = replace(sketch, parts=tuple(part for _, _, part in own))
        new[keys[number]] = written(sketch, [key for _, key, _ in own])
    memory.keep(new)
    return [whole[number] if one is None else one for number, one in enumerate(found)]


def _recalled(memory: Memory, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What was written under those keys, as far as it can be read."""
    texts = memory.recall(keys)
    return {key: plain for key, text in texts.items() if (plain := opened(text))}


def _told_parts(
    ideas: Ideas, parts: Sequence[Labels], memory: Memory
) -> tuple[Iterator[tuple[tuple[int, str], str, Sketch]], dict[str, str]]:
    """Rank within its theme, key and sketch of each part, and what is new of them, written."""
    keys = [_key(ideas, rows, " part") for rows in parts]
    known, found, new = _recalled(memory, keys), [], {}
    for rows, key in zip(parts, keys, strict=True):
        sketch = read(known[key], ideas.kind, _said(ideas, rows)) if key in known else None
        if sketch is None:
            sketch = _sketch(ideas, rows, _unit(ideas.heard[rows] @ ideas.vectors[rows]))
            new[key] = written(sketch)
        found.append(((-_people(ideas, rows), sketch.group.founder), key, sketch))
    return iter(found), new


def _said(ideas: Ideas, group: Labels) -> list[Claim]:
    return [claim for i in group.tolist() for claim in ideas.claims[ideas.phrases[i]]]


def _centres(ideas: Ideas, labels: Labels) -> Rows:
    """The middle of each group as a unit row, what is said often counting more."""
    found = sums(ideas.vectors * ideas.heard[:, None], labels, int(labels.max()) + 1)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _sketch(ideas: Ideas, group: Labels, centre: Rows) -> Sketch:
    phrases = [ideas.phrases[i] for i in group.tolist()]
    vectors, heard = ideas.vectors[group], ideas.heard[group]
    typical = dict(zip(phrases, (vectors @ centre).tolist(), strict=True))
    claims = sorted(
        ((phrase, claim) for phrase in phrases for claim in ideas.claims[phrase]),
        key=lambda pair: (-round(typical[pair[0]], 4), -pair[1].confidence, pair[1].id),
    )
    leaning, common = _leaning(ideas.lean(vectors), heard), shared(phrases)
    pool = promising(phrases, heard, vectors @ centre, common, leaning)
    spoken = [p for p in pool if any(c.voice == "member" for c in ideas.claims[p])]
    near = dict(zip(phrases, leaning.tolist(), strict=True))
    candidates = names(ideas.surfaces(spoken or pool), typical, common, near)
    ordered = tuple(claim for _, claim in claims)
    return Sketch(
        group=Group(
            kind=ideas.kind,
            founder=candidates[0].phrase,
            claims=frozenset(claim.id for claim in ordered),
            phrases=frozenset(phrases),
        ),
        claims=ordered,
        names=tuple(candidate.text for candidate in candidates),
        facts=facts(ordered),
    )


def _leaning(leanings: Rows, heard: Rows) -> Rows:
    """What the family the whole theme leans on most adds to the standing of each phrase."""
    weights = np.log1p(heard)
    middle = weights @ leanings / weights.sum()
    best = int(middle.argmax())
    return np.asarray(leanings[:, best] * middle[best], dtype=np.float32)


def _parts(ideas: Ideas, group: Labels, finer: Finer) -> list[Labels]:
    """The rows of the parts that two people speak of at least; none for a theme of one piece."""
    fine = finer(group)
    some = [group[rows] for rows in _groups(fine)] if fine.any() else []
    shared = [rows for rows in some if _people(ideas, rows) > 1]
    if len(shared) == 1 and _heard(ideas, shared[0]) > _heard(ideas, group) / 2:
        return []
    return shared


def _people(ideas: Ideas, group: Labels) -> int:
    """How many members say one of the phrases."""
    return len({voter(claim) for claim in _said(ideas, group) if claim.voice == "member"})


def _heard(ideas: Ideas, group: Labels) -> float:
    return float(ideas.heard[group].sum())


def _with_ids(
    parts: Sequence[Sketch], taken: Iterable[str], previous: Previous
) -> Iterator[SubTheme]:
    """The parts under the ids they had, or new ones."""
    before = replace(previous.of_parts, used=frozenset(taken))
    ids = carry_over(
        [replace(part.group, founder=f"part {part.group.founder}") for part in parts], before
    )[0]
    known = {former.id: former.name for former in before.themes}
    for id_, part in zip(ids, parts, strict=True):
        former = known.get(id_, "").removesuffix(f" ({GENERAL})")
        yield SubTheme(
            id=id_,
            name=former if former in part.names[:3] else part.names[0],
            claims=tuple(claim.id for claim in part.claims),
            tally=part.tally,
        )


def _tidied(theme: Theme) -> Theme:
    """The theme with parts of which none goes by its own name, or by another's."""
    if not theme.parts:
        return theme
    taken = {theme.name.lower()}
    parts = []
    for part in theme.parts:
        spare = GENERAL if part.name.lower() == theme.name.lower() else part.id[-6:]
        name = f"{part.name} ({spare})" if part.name.lower() in taken else part.name
        taken.add(name.lower())
        parts.append(replace(part, name=name))
    return replace(theme, parts=tuple(parts))


def _borders(
    ideas: Ideas, labels: Labels, centres: Rows, near: Sequence[Sequence[int]]
) -> list[tuple[str, ...]]:
    """Of each theme claims whose phrases lie nearly as near to another, the doubtful first."""
    doubt = np.full(len(labels), np.inf, dtype=np.float32)
    most = max((len(some) for some in near), default=0)
    beside = np.array([[*some, *[-1] * (most - len(some))] for some in near], dtype=np.int64)
    for start in range(0, len(labels), BLOCK):
        rows, own = ideas.vectors[start : start + BLOCK], labels[start : start + BLOCK]
        home = np.einsum("ij,ij->i", rows, centres[own])
        for place in beside[own].T if most else ():
            other = np.einsum("ij,ij->i", rows, centres[place])
            doubt[start : start + BLOCK] = np.minimum(
                doubt[start : start + BLOCK], np.where(place < 0, np.inf, home - other)
            )
    doubt = np.round(doubt, 4)
    doubt[np.bincount(labels)[labels] < 2] = np.inf
    found: list[list[str]] = [[] for _ in near]
    doubtful = np.flatnonzero(doubt < BORDER)
    for row in doubtful[np.argsort(doubt[doubtful], kind="stable")].tolist():
        if len(found[labels[row]]) < AT_BORDER:
            said = ideas.claims[ideas.phrases[row]]
            found[labels[row]].append(min(claim.id for claim in said))
    return [tuple(some) for some in found]


def _groups(labels: Labels) -> list[Labels]:
    """The rows of each label, labels in order."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, starts)


def _nearest(centres: Rows) -> list[list[int]]:
    """For each theme the numbers of the nearest others."""
    near = neighbours(centres, NEIGHBOURS, exact=EXACT)
    return [
        [place for place, value in zip(places, values, strict=True) if value > 0]
        for places, values in zip(near.places.tolist(), near.likeness.tolist(), strict=True)
    ]


def _unit(vector: Rows) -> Rows:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector, dtype=np.float32)


def _preferred(draft: Draft, id_: str, previous: Previous) -> tuple[str, ...]:
    """Name candidates, the former name first while it is still among the good ones."""
    former = previous.name_of(id_)
    if former is not None and former in draft.names[:3]:
        return (former, *(name for name in draft.names if name != former))
    return draft.names


def _named(themes: Sequence[Theme], choices: Mapping[str, Sequence[str]]) -> tuple[Theme, ...]:
    """Each theme under its best name that no bigger theme of its kind has taken."""
    taken: set[tuple[Kind, str]] = set()
    named = []
    for theme in themes:
        spare = f"{choices[theme.id][0]} ({theme.id[-6:]})"
        free = [n for n in choices[theme.id] if (theme.kind, n.lower()) not in taken]
        name = free[0] if free else spare
        taken.add((theme.kind, name.lower()))
        named.append(theme if name == theme.name else replace(theme, name=name))
    return tuple(named)


def _related(drafts: Sequence[Draft], ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Ids of the nearest themes of any kind for each theme, nearest first.

    A theme of another kind that holds the same phrases is as near as can be.
    """
    if not drafts:
        return {}
    found = neighbours(np.stack([draft.centre for draft in drafts]), RELATED + SPARE, exact=EXACT)
    same, values = _same_words(drafts, ids), np.round(found.likeness, 5)
    near: dict[str, tuple[str, ...]] = {}
    for number, id_ in enumerate(ids):
        likeness = zip(values[number].tolist(), found.places[number].tolist(), strict=True)
        close = sorted((-value, ids[place]) for value, place in likeness if value >= RELATED_FROM)
        near[id_] = tuple(dict.fromkeys([*same[id_], *(other for _, other in close)]))[:RELATED]
    return near


def _same_words(drafts: Sequence[Draft], ids: Sequence[str]) -> dict[str, list[str]]:
    """Ids of two themes of other kinds at most that share phrases with each, the most first."""
    first: dict[str, int] = {}
    holders: dict[str, list[int]] = {}
    for number, draft in enumerate(drafts):
        for phrase in draft.group.phrases:
            if first.setdefault(phrase, number) != number:
                holders.setdefault(phrase, [first[phrase]]).append(number)
    shared: dict[int, dict[int, int]] = {number: {} for number in range(len(drafts))}
    for numbers in holders.values():
        for one in numbers:
            for other in numbers:
                if drafts[one].group.kind != drafts[other].group.kind:
                    shared[one][other] = shared[one].get(other, 0) + 1
    return {
        ids[one]: [ids[n] for n in sorted(found, key=lambda n: (-found[n], ids[n]))[:2]]
        for one, found in shared.items()
    }
