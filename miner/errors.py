"""Errors of mining. Messages name the thing, the cause and the way out, in one line."""

__all__ = ["MinerError", "ModelRefused", "NothingMined", "UnknownPart"]


class MinerError(Exception):
    """Root of everything this package raises on purpose."""


class ModelRefused(MinerError):
    """A model's files are missing, damaged or not the ones expected."""


class NothingMined(MinerError):
    """There are no conclusions yet."""


class UnknownPart(MinerError):
    """No part of that name; the message lists the known ones."""
