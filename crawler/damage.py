"""What is said of something that is not as it must be."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MOST", "Damage"]

MOST = 20
"""Places of one kind of damage that are told."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Something that is not as it must be."""

    place: str
    what: str
    heal: str
    """What to do about it."""
