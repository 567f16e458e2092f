"""Errors of mining. Messages name the thing, the cause and the way out, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miner.model import Claim

__all__ = ["MinerError", "ModelRefused", "NothingMined", "Unfinished", "UnknownPart"]


class MinerError(Exception):
    """Root of everything this package raises on purpose."""


class ModelRefused(MinerError):
    """A model's files are missing, damaged or not the ones expected."""


class NothingMined(MinerError):
    """There are no conclusions yet."""


class Unfinished(MinerError):
    """A document is read in part; the next run goes on with it."""

    def __init__(self, reason: str, *, claims: Sequence[Claim], left: int) -> None:
        """With the claims there are, and how many posts are left."""
        super().__init__(reason)
        self.claims, self.left = tuple(claims), left


class UnknownPart(MinerError):
    """No part of that name; the message lists the known ones."""
