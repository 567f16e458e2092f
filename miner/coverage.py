"""Where a theme is written about: in the user's own articles, in those of others, in none. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Literal

from miner.model import Theme

__all__ = ["PLACES", "Coverage", "Place", "coverage", "covered"]

Place = Literal["own", "others", "none"]
PLACES: dict[Place, str] = {
    "own": "in your articles",
    "others": "in others' articles only",
    "none": "in no article",
}


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many articles speak of a theme."""

    own: int | None
    """The user's; None where none of theirs was collected."""
    others: int

    @property
    def place(self) -> Place:
        """The user's own before those of others."""
        if self.own:
            return "own"
        return "others" if self.others else "none"

    @property
    def label(self) -> str:
        """Such as `in 2 of your articles, in 3 of others'`; without own ones `in 3 articles`."""
        if self.own is None:
            return f"in {_many(self.others)}" if self.others else "in no article"
        if not self.own and not self.others:
            return "in no article"
        yours = f"in {self.own} of your articles" if self.own else "in none of your articles"
        return f"{yours}, in {self.others or 'none'} of others'"


def coverage(theme: Theme, *, own: bool) -> Coverage:
    """The coverage of a theme; `own` says whether articles of the user's own were collected."""
    return Coverage(
        own=theme.own_articles if own else None, others=theme.articles - theme.own_articles
    )


def covered(theme: Theme, told: AbstractSet[str], own: AbstractSet[str]) -> Theme:
    """The theme with the articles counted that speak of it, and those of the user among them."""
    return replace(theme, articles=len(told), own_articles=len(told & own))


def _many(count: int) -> str:
    return f"{count} article{'' if count == 1 else 's'}"
