"""The conditions that are known: data, each with the words by which it is called.

The shipped list is `data/conditions.toml`; a person's own are values of the same shape. How they
are found in a text is `miner.lexicon`, what a claim is about `miner.conditions`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = [
    "Condition",
    "Conditions",
    "exact_words",
    "known_ids",
    "name_of",
    "region_of",
    "related",
    "shipped",
    "version",
    "with_own",
]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition and the words by which it is known."""

    id: str
    name: str = ""
    region: str = ""
    """Body region: evidence from the same region is kin, never direct."""
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    """Those of the names that are body parts or signs of much else: hamstrings may be stretched."""
    capitals: tuple[str, ...] = ()
    """Names that count only as written."""
    shorts: tuple[str, ...] = ()
    """Forms that mean other things too: they count, as written, beside a sign of the region."""
    hints: tuple[str, ...] = ()
    """Signs that decide only where no name stands."""
    covers: tuple[str, ...] = ()
    """Wider words of studies that include it."""
    near: tuple[str, ...] = ()
    """Ids of kin conditions in other regions or of other tissues."""
    wide: bool = False
    """The pain of a region without a cause: a narrower condition there takes its place."""


Conditions = tuple[Condition, ...]


@cache
def shipped() -> Conditions:
    """The conditions of the data file, in its order."""
    raw = tomllib.loads(_data().decode())
    return tuple(_condition(some) for some in raw["condition"])


def _condition(raw: dict[str, Any]) -> Condition:
    """A table of the file as a value; unknown keys are a mistake and raise TypeError."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return Condition(**fields)


@cache
def exact_words() -> frozenset[str]:
    """Words of the data file that are one slip from a name's word and mean something else."""
    return frozenset(tomllib.loads(_data().decode())["exact"])


def with_own(own: Conditions) -> Conditions:
    """A person's own conditions before the shipped ones; words for a known id are added to it."""
    known = {some.id: some for some in shipped()}
    added = [_joined(some, known.get(some.id)) for some in own]
    return (*added, *(some for some in shipped() if some.id not in {one.id for one in own}))


def _joined(own: Condition, known: Condition | None) -> Condition:
    plain = own.id.replace("-", " ")
    old = known or Condition(id=own.id, name=plain.capitalize(), region="other", names=(plain,))
    return replace(
        old,
        name=own.name or old.name,
        region=own.region or old.region,
        names=(*own.names, *old.names),
        capitals=(*own.capitals, *old.capitals),
        shorts=(*own.shorts, *old.shorts),
        hints=(*own.hints, *old.hints),
        near=(*own.near, *old.near),
    )


def version(among: Conditions | None = None) -> str:
    """Twelve hex digits that change when the conditions or the words that are no slips do."""
    return hashlib.sha256(_data() + repr(among or shipped()).encode()).hexdigest()[:12]


def _data() -> bytes:
    return files("miner").joinpath("data/conditions.toml").read_bytes()


def name_of(id_: str, among: Conditions | None = None) -> str:
    """The condition's name for people; the id itself where it is unknown."""
    return next((some.name for some in among or shipped() if some.id == id_), id_)


def region_of(id_: str, among: Conditions | None = None) -> str | None:
    """The body region, None for an unknown id."""
    return next((some.region for some in among or shipped() if some.id == id_), None)


def related(one: str, other: str, among: Conditions | None = None) -> bool:
    """True for two different conditions that are kin: evidence on one is indirect for the other."""
    known = {some.id: some for some in among or shipped()}
    if one == other or one not in known or other not in known:
        return False
    a, b = known[one], known[other]
    return a.region == b.region != "other" or other in a.near or one in b.near


def known_ids(among: Iterable[Condition] | None = None) -> tuple[str, ...]:
    """Ids of all conditions, in order."""
    return tuple(some.id for some in among or shipped())
