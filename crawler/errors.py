"""Errors of collecting. Messages name the thing, the cause and the way out, in one line."""

__all__ = [
    "CrawlerError",
    "DamagedDocument",
    "DamagedText",
    "KeyFileError",
    "LeaseLost",
    "NotStored",
    "NothingRead",
    "RefusedByPolicy",
    "StoreError",
]


class CrawlerError(Exception):
    """Root of everything this package raises on purpose."""


class KeyFileError(CrawlerError):
    """The key of the pseudonyms cannot be made, read or trusted."""


class NothingRead(CrawlerError):
    """A file or page holds nothing that could be read."""


class RefusedByPolicy(CrawlerError):
    """A site's rules, a login or a wall say no; never a way round."""


class StoreError(CrawlerError):
    """The database cannot be opened, read or written."""


class NotStored(StoreError):
    """The database is well, but what it was given does not fit in."""


class DamagedDocument(StoreError):
    """A stored document cannot be read back; the others can."""


class DamagedText(StoreError):
    """A value of the database is no text any more; the others can be read."""


class LeaseLost(StoreError):
    """Another worker took the site over: nothing of it may be written any more."""
