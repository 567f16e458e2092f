"""The roll: every claim as a row of numbers, so that people are counted for any choice at once.

`miner.counts` says what a vote is, claim by claim; this counts the same votes in arrays, for pages
that narrow 200,000 claims down while a reader waits. Pure: rows in, tallies out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from crawler.hosts import site_of
from miner.counts import OUTCOMES, STRENGTH, stance
from miner.model import Claim, Stance, Tally

__all__ = ["Roll", "Spoken", "roll", "spoken"]

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

STANCES: tuple[Stance, ...] = get_args(Stance)
_DIGITS = re.compile(r"\d")
_WORD = re.compile(r"\w+")


class Spoken(NamedTuple):
    """What counting needs to know of a claim."""

    theme: str
    voice: str
    author: str | None
    document: str
    part: str
    condition: str | None
    written: str | None
    """ISO 8601 in UTC."""
    stance: str
    words: str
    at: int
    """Offset of the phrase in its part."""


def spoken(claim: Claim, theme: str) -> Spoken:
    """The row of a claim."""
    return Spoken(
        theme=theme,
        voice=claim.voice,
        author=claim.author,
        document=claim.quote.document,
        part=claim.quote.part,
        condition=claim.condition,
        written=claim.written.isoformat() if claim.written else None,
        stance=stance(claim),
        words=claim.words,
        at=claim.phrase_start,
    )


@dataclass(frozen=True, kw_only=True)
class Roll:
    """All claims in themes: each has a place in every array. Names say what the numbers mean."""

    themes: tuple[str, ...]
    documents: tuple[str, ...]
    conditions: tuple[str, ...]
    sites: tuple[str, ...]
    phrases: tuple[str, ...]
    theme: Numbers
    voter: Numbers
    """Authors, and posts without one."""
    unnamed: Mask
    """Whether the voter is a post without an author."""
    document: Numbers
    condition: Numbers
    """-1 for none."""
    phrase: Numbers
    quarter: Numbers
    """Quarters since the year 0; -1 without a date."""
    stance: Numbers
    member: Mask
    article: Mask
    when: Numbers
    """Rank in time, as `miner.counts` tells the latest."""
    site: Numbers
    """By document: the site that readers choose by."""
    host: Numbers
    """By document: the host that tallies count."""

    def chosen(
        self,
        condition: str | None = None,
        site: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> Mask:
        """Which claims pass; site and years narrow members' claims alone."""
        kept = np.ones(len(self.theme), dtype=bool)
        if condition is not None:
            kept &= self.condition == _place(self.conditions, condition)
        others = ~self.member
        if site:
            kept &= others | (self.site[self.document] == _place(self.sites, site))
        if since or until:
            year = self.quarter // 4
            dated = self.quarter >= 0
            inside = (year >= (since or 0)) & (year <= (until or 9999))
            kept &= others | (dated & inside)
        return kept

    def tallies(self, kept: Mask) -> dict[str, Tally]:
        """Members by stance, threads and sites of each theme that anybody speaks of."""
        on = np.flatnonzero(kept & self.member)
        if not len(on):
            return {}
        theme, width = self.theme[on], len(self.themes)
        decisive = on[_latest(_pairs(theme, self.voter[on]), self._weight[on])]
        cells = self.theme[decisive] * len(STANCES) + self.stance[decisive]
        heard = np.bincount(cells, minlength=width * len(STANCES)).reshape(width, len(STANCES))
        unnamed = np.bincount(self.theme[decisive], self.unnamed[decisive], minlength=width)
        threads = _distinct(theme, self.document[on], width)
        sites = _distinct(theme, self.host[self.document[on]], width)
        return {
            self.themes[n]: Tally(
                **dict(zip(STANCES, map(int, heard[n]), strict=True)),
                unnamed=int(unnamed[n]),
                threads=int(threads[n]),
                sites=int(sites[n]),
            )
            for n in np.unique(theme)
        }

    def told_by_articles(self, kept: Mask) -> dict[str, set[str]]:
        """Addresses of the articles whose claims are in each theme."""
        found: dict[str, set[str]] = {}
        for n in np.flatnonzero(kept & self.article):
            key = self.themes[self.theme[n]]
            found.setdefault(key, set()).add(self.documents[self.document[n]])
        return found

    def quarters(self, kept: Mask, last: int, count: int) -> dict[str, list[int]]:
        """Distinct authors of each theme in each of the `count` quarters up to the `last`."""
        first = last - count + 1
        on = kept & self.member & (self.quarter >= first) & (self.quarter <= last)
        cells = self.theme[on] * count + (self.quarter[on] - first)
        found = _distinct(cells, self.voter[on], len(self.themes) * count)
        rows = found.reshape(len(self.themes), count)
        return {key: rows[n].tolist() for n, key in enumerate(self.themes)}

    @cached_property
    def words(self) -> Mapping[str, frozenset[str]]:
        """The words of each theme's claims, in small letters."""
        split = [frozenset(_WORD.findall(phrase.lower())) for phrase in self.phrases]
        pairs = np.unique(_pairs(self.theme, self.phrase))
        found: dict[str, set[str]] = {key: set() for key in self.themes}
        for pair in pairs.tolist():
            found[self.themes[pair >> 32]] |= split[pair & 0xFFFFFFFF]
        return {key: frozenset(said) for key, said in found.items()}

    @cached_property
    def _weight(self) -> Numbers:
        """The larger, the more a claim decides its author's vote: outcomes above all, then late."""
        strength = {name: len(STRENGTH) - n for n, name in enumerate(STRENGTH)}
        strength |= dict.fromkeys(OUTCOMES, len(STRENGTH) + 1)
        by_stance = np.array([strength[name] for name in STANCES], dtype=np.int64)
        return (by_stance[self.stance] << 32) + self.when


def roll(rows: Iterable[Sequence[Any]]) -> Roll:
    """The roll of these rows, each in the order of `Spoken`."""
    columns = list(zip(*rows, strict=True)) or [()] * len(Spoken._fields)
    held = {
        name: _coded(column) for name, column in zip(Spoken._fields[:-1], columns[:-1], strict=True)
    }
    document, documents = held["document"]
    sites, hosts = (
        _coded([site_of(url) or "import" for url in documents]),
        _coded([urlsplit(url).netloc or "import" for url in documents]),
    )
    author, named = held["author"]
    # A post without a name is a voter of its own, numbered after the authors.
    posts = _numbered(_pairs(document, held["part"][0])) + len(named)
    when, days = held["written"]
    stances: dict[str, int] = {name: n for n, name in enumerate(STANCES)}
    return Roll(
        themes=held["theme"][1],
        documents=documents,
        conditions=held["condition"][1],
        sites=sites[1],
        phrases=held["words"][1],
        theme=held["theme"][0],
        voter=np.where(author >= 0, author, posts),
        unnamed=author < 0,
        document=document,
        condition=held["condition"][0],
        phrase=held["words"][0],
        quarter=_named(when, [_quarter(day) for day in days]),
        stance=_named(held["stance"][0], [stances[name] for name in held["stance"][1]]),
        member=_named(held["voice"][0], [name == "member" for name in held["voice"][1]]) > 0,
        article=_named(held["voice"][0], [name == "article" for name in held["voice"][1]]) > 0,
        when=_ranks(held, np.array(columns[-1], dtype=np.int64)),
        site=sites[0],
        host=hosts[0],
    )


Coded = tuple[Numbers, tuple[str, ...]]


def _ranks(held: Mapping[str, Coded], at: Numbers) -> Numbers:
    """Rank of each claim by date (undated first), document, post and place."""
    part, names = held["part"]
    numbers = [int("0" + "".join(_DIGITS.findall(name))[-15:]) for name in names]
    orders = (
        at,
        _sorted(held["part"]),
        _named(part, numbers),
        _sorted(held["document"]),
        _sorted(held["written"]),
    )
    ranks = np.empty(len(part), dtype=np.int64)
    ranks[np.lexsort(orders)] = np.arange(len(part))
    return ranks


def _sorted(held: Coded) -> Numbers:
    """Each value's place among the sorted ones; -1 for none."""
    codes, names = held
    places = [0] * len(names)
    for place, n in enumerate(sorted(range(len(names)), key=names.__getitem__)):
        places[n] = place
    return _named(codes, places)


def _named(codes: Numbers, values: Sequence[int]) -> Numbers:
    """The value of each code; -1 for none."""
    found: Numbers = np.array([*values, -1], dtype=np.int64)[codes]
    return found


def _coded(values: Sequence[str | None]) -> Coded:
    """A number for each value, -1 for none, and the values by number."""
    import pandas as pd

    codes, names = pd.factorize(np.array(values, dtype=object))
    return codes.astype(np.int64), tuple(names)


def _numbered(keys: Numbers) -> Numbers:
    """A small number for each key."""
    found: Numbers = np.unique(keys, return_inverse=True)[1].reshape(-1)
    return found


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -2


def _quarter(written: str) -> int:
    return int(written[:4]) * 4 + (int(written[5:7]) - 1) // 3


def _pairs(left: Numbers, right: Numbers) -> Numbers:
    """One number for each pair of numbers below 2 ** 31."""
    pairs: Numbers = (left << 32) + right
    return pairs


def _latest(groups: Numbers, weight: Numbers) -> Numbers:
    """Places of the weightiest of each group."""
    order = np.lexsort((weight, groups))
    last = np.append(groups[order][1:] != groups[order][:-1], True)
    places: Numbers = order[last]
    return places


def _distinct(groups: Numbers, values: Numbers, width: int) -> Numbers:
    """How many distinct values each group has."""
    counted: Numbers = np.bincount(np.unique(_pairs(groups, values)) >> 32, minlength=width)
    return counted
