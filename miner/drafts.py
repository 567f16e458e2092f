"""Groups of phrases made into themes: claims in order, name, key words, parts, what lies near.

Pure. Which phrases belong together was decided before; which id a theme keeps is `miner.identity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from miner.counts import tally
from miner.decisions import facts
from miner.identity import Group, Previous, carry_over
from miner.model import Claim, Kind, SubTheme, Theme
from miner.names import key_words, names, surfaces

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
BLOCK = 1024


@dataclass(frozen=True, kw_only=True)
class Ideas:
    """The distinct phrases of a kind in settled order, and all that was said with them."""

    kind: Kind
    phrases: Sequence[str]
    vectors: Rows
    leanings: Rows
    """Likeness of each phrase to each family: shape (phrases, families)."""
    claims: Mapping[str, Sequence[Claim]]
    """By phrase."""

    @cached_property
    def heard(self) -> Rows:
        """How many claims say each phrase."""
        return np.array([len(self.claims[phrase]) for phrase in self.phrases], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A theme to be, or a part of one, with what its finishing needs."""

    group: Group
    claims: tuple[Claim, ...]
    """Most typical first."""
    names: tuple[str, ...]
    """Candidates, best first."""
    centre: Rows
    keywords: tuple[str, ...] = ()
    border: tuple[str, ...] = ()
    """Ids of claims at the border, the most doubtful first."""
    parts: tuple[Draft, ...] = ()
    stability: float | None = None


def drafted(
    ideas: Ideas, labels: Labels, fine: Labels, stabilities: Sequence[float | None]
) -> list[Draft]:
    """The themes to be, one a label from 0 without holes.

    `fine` are labels of the parts: rows of one fine label have one label.
    """
    groups = _groups(labels)
    drafts = [_draft(ideas, group) for group in groups]
    near = _nearest(np.stack([draft.centre for draft in drafts]))
    heard = ideas.heard
    words = key_words(
        [{ideas.phrases[i]: int(heard[i]) for i in group.tolist()} for group in groups], near
    )
    return [
        replace(
            draft,
            keywords=words[number],
            border=_border(ideas, groups[number], draft, [drafts[i] for i in near[number]]),
            parts=_parts(ideas, groups[number], fine[groups[number]]),
            stability=stabilities[number],
        )
        for number, draft in enumerate(drafts)
    ]


def finished(drafts: Sequence[Draft], ids: Sequence[str], previous: Previous) -> tuple[Theme, ...]:
    """The themes under their ids; most authors first within a kind; no name twice in a kind."""
    near = _related(drafts, ids)
    parts = _with_ids([part for draft in drafts for part in draft.parts], ids, previous)
    themes = [
        Theme(
            id=id_,
            kind=draft.group.kind,
            name=draft.names[0],
            claims=tuple(claim.id for claim in draft.claims),
            keywords=draft.keywords,
            related=near[id_],
            border=draft.border,
            parts=tuple(next(parts) for _ in draft.parts),
            stability=draft.stability,
            **facts(draft.claims),
        )
        for id_, draft in zip(ids, drafts, strict=True)
    ]
    choices = {id_: _preferred(one, id_, previous) for id_, one in zip(ids, drafts, strict=True)}
    themes.sort(key=lambda theme: (theme.kind, -theme.tally.authors, -len(theme.claims), theme.id))
    return tuple(_tidied(theme) for theme in _named(themes, choices))


def _draft(ideas: Ideas, group: Labels) -> Draft:
    phrases = [ideas.phrases[i] for i in group.tolist()]
    vectors, heard = ideas.vectors[group], ideas.heard[group]
    centre = _unit(heard @ vectors)
    typical = dict(zip(phrases, (vectors @ centre).tolist(), strict=True))
    claims = sorted(
        ((phrase, claim) for phrase in phrases for claim in ideas.claims[phrase]),
        key=lambda pair: (-round(typical[pair[0]], 4), -pair[1].confidence, pair[1].id),
    )
    spoken = [p for p in phrases if any(c.voice == "member" for c in ideas.claims[p])]
    leaning = _leaning(phrases, ideas.leanings[group], heard)
    candidates = names(surfaces(ideas.claims, spoken or phrases), typical, phrases, leaning)
    return Draft(
        group=Group(
            kind=ideas.kind,
            founder=candidates[0].phrase,
            claims=frozenset(claim.id for _, claim in claims),
            phrases=frozenset(phrases),
        ),
        claims=tuple(claim for _, claim in claims),
        names=tuple(candidate.text for candidate in candidates),
        centre=centre,
    )


def _leaning(phrases: Sequence[str], leanings: Rows, heard: Rows) -> dict[str, float]:
    """What the family the whole theme leans on most adds to the standing of each phrase."""
    weights = np.log1p(heard)
    means = weights @ leanings / weights.sum()
    best = int(means.argmax())
    return dict(zip(phrases, (leanings[:, best] * means[best]).tolist(), strict=True))


def _parts(ideas: Ideas, group: Labels, fine: Labels) -> tuple[Draft, ...]:
    """The parts of a theme that two people speak of at least; none where it is of one piece."""
    if len(set(fine.tolist())) < 2:
        return ()
    parts = [_draft(ideas, group[some]) for some in _groups(fine)]
    kept = [part for part in parts if tally(part.claims).authors > 1]
    if not kept or (len(kept) == 1 and len(kept[0].claims) > sum(len(p.claims) for p in parts) / 2):
        return ()
    return tuple(sorted(kept, key=lambda p: (-tally(p.claims).authors, p.group.founder)))


def _with_ids(
    parts: Sequence[Draft], taken: Iterable[str], previous: Previous
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
            tally=tally(part.claims),
        )


def _tidied(theme: Theme) -> Theme:
    """The theme with parts of which none goes by its own name, or by another's."""
    taken = {theme.name.lower()}
    parts = []
    for part in theme.parts:
        spare = GENERAL if part.name.lower() == theme.name.lower() else part.id[-6:]
        name = f"{part.name} ({spare})" if part.name.lower() in taken else part.name
        taken.add(name.lower())
        parts.append(replace(part, name=name))
    return replace(theme, parts=tuple(parts))


def _border(ideas: Ideas, group: Labels, draft: Draft, others: Sequence[Draft]) -> tuple[str, ...]:
    """Claims whose phrases lie nearly as near to another theme, the most doubtful first."""
    if len(group) < 2 or not others:
        return ()
    own = ideas.vectors[group] @ draft.centre
    near = (ideas.vectors[group] @ np.stack([other.centre for other in others]).T).max(axis=1)
    doubt = np.round(own - near, 4)
    phrases = [ideas.phrases[i] for i in group.tolist()]
    order = sorted(range(len(group)), key=lambda i: (doubt[i], phrases[i]))
    chosen = [phrases[i] for i in order if doubt[i] < BORDER][:AT_BORDER]
    return tuple(min(claim.id for claim in ideas.claims[phrase]) for phrase in chosen)


def _groups(labels: Labels) -> list[Labels]:
    """The rows of each label, labels in order."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, starts)


def _nearest(centres: Rows) -> list[list[int]]:
    """For each theme the numbers of the nearest others."""
    found: list[list[int]] = []
    most = min(NEIGHBOURS, len(centres) - 1)
    if not most:
        return [[]]
    for start in range(0, len(centres), BLOCK):
        likeness = centres[start : start + BLOCK] @ centres.T
        for row, near in enumerate(np.round(likeness, 5)):
            near[start + row] = -2
            # Only those at least as near as the last one chosen are put in order.
            some = np.flatnonzero(near >= np.partition(near, -most)[-most])
            found.append(some[np.lexsort((some, -near[some]))][:most].tolist())
    return found


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
        named.append(replace(theme, name=name))
    return tuple(named)


def _related(drafts: Sequence[Draft], ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Ids of the nearest themes of any kind for each theme, nearest first.

    A theme of another kind that holds the same phrases is as near as can be.
    """
    if not drafts:
        return {}
    centres = np.stack([draft.centre for draft in drafts])
    same = _same_words(drafts, ids)
    near: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(ids), BLOCK):
        likeness = centres[start : start + BLOCK] @ centres.T
        for row, id_ in zip(likeness, ids[start : start + BLOCK], strict=False):
            near_by = np.flatnonzero(row >= RELATED_FROM).tolist()
            close = [i for i in near_by if ids[i] != id_]
            close.sort(key=lambda i: (-float(row[i]), ids[i]))
            near[id_] = tuple(dict.fromkeys([*same[id_], *(ids[i] for i in close)]))[:RELATED]
    return near


def _same_words(drafts: Sequence[Draft], ids: Sequence[str]) -> dict[str, list[str]]:
    """Ids of two themes of other kinds at most that share phrases with each, the most first."""
    holders: dict[str, list[int]] = {}
    for number, draft in enumerate(drafts):
        for phrase in draft.group.phrases:
            holders.setdefault(phrase, []).append(number)
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
