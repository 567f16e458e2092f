"""What travels between the process that keeps the store and the one that asks: values only.

The parent sends a `Job` for each page it wants, the child an `Outcome` for each job and a
`Notice` where something concerns a whole site.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from crawler.page import Found, Link, Page
from crawler.report import Status

__all__ = ["Job", "Notice", "Outcome"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One page to ask for."""

    site: str
    link: Link
    at: str
    """Address to ask: the page's own, or that of the better form it was last read in."""
    etag: str | None = None
    modified: str | None = None
    """Validators of the copy we read: the answer may be that nothing changed (304)."""
    is_last: bool = False
    """No better form of the page may be asked for: this is the last answer the visit may take."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a job. Names are hidden in its documents."""

    site: str
    url: str
    """The page's own address, as the job named it."""
    kind: Literal["read", "same", "gone", "refused", "failed", "over"]
    """`same` is a 304, `gone` a 404 or 410, `refused` a 401 or 403; `over`: never asked, since
    the visit had ended."""
    reason: str = ""
    found: Found = field(default_factory=Found)
    at: str = ""
    """Address of the answer that was read."""
    form: str = ""
    """Address of the better form of the page that was asked for in its place."""
    requests: int = 0
    """Answers it took."""
    withheld: int = 0
    """Documents the page asks not to be indexed; they are not among those found."""
    etag: str | None = None
    modified: str | None = None
    digest: str = ""
    """Of the body."""
    is_html: bool = True
    is_cut: bool = False
    """The page seems to end before its end."""
    pages: tuple[Page, ...] = ()
    """The answers as they came, where they are to be kept."""
    names: tuple[bytes, ...] = ()
    """User names learnt from it, sealed."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that concerns a whole site: a pause, or the end of its visit."""

    site: str
    pause: float = 0.0
    """Seconds the site asked to be left alone."""
    status: Status | None = None
    """How the visit ended, where it did."""
    reason: str = ""
