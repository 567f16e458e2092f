"""Errors of mining. Messages name the thing, the cause and the way out, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miner.model import Claim

__all__ = [
    "DamagedConclusions",
    "MinerError",
    "ModelRefused",
    "NothingMined",
    "Overtaken",
    "TooLarge",
    "Unfinished",
    "UnknownPart",
]


class MinerError(Exception):
    """Root of everything this package raises on purpose."""


class DamagedConclusions(MinerError):
    """Rows of the derived store cannot be read; a run makes them anew."""


class ModelRefused(MinerError):
    """A model's files are missing, damaged or not the ones expected."""


class NothingMined(MinerError):
    """There are no conclusions yet."""


class Overtaken(MinerError):
    """What a run stands on changed while it was at work; nothing of its end was kept."""

    def __init__(self, reason: str, *, anew: bool) -> None:
        """`anew`: it should begin again at once."""
        super().__init__(f"{reason}; nothing of it was kept; run `folkgrade mine` again")
        self.reason, self.anew = reason, anew


class TooLarge(MinerError):
    """A document for which the memory does not suffice, even alone."""

    def __init__(self) -> None:
        """Says what to do about it."""
        super().__init__(
            "reading it takes more memory than there is; the next run tries again: set "
            "mine.processes = 1 in the settings, or close other programs"
        )


class Unfinished(MinerError):
    """A document is read in part; the next run goes on with it."""

    def __init__(self, reason: str, *, claims: Sequence[Claim], left: int) -> None:
        """With the claims there are, and how many posts are left."""
        super().__init__(reason)
        self.claims, self.left = tuple(claims), left


class UnknownPart(MinerError):
    """No part of that name; the message lists the known ones."""
