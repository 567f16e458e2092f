"""What is looked for, what a service is asked, what its answer held. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crawler.documents import Study

__all__ = ["Found", "Query", "Wanted", "any_of", "quoted"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Studies on a remedy or a cause in people with a condition."""

    subject: str
    """Whose question it is: an id that comes back with what was asked, such as a theme's."""
    condition: str
    """Id of the condition."""
    words: tuple[str, ...]
    """Ways to say the remedy or cause, the usual one first."""
    condition_words: tuple[str, ...]
    is_remedy: bool = True
    since: int | None = None
    """Year from which on studies are wanted."""
    most: int = 50
    """Records of one query that are read, the most relevant first."""
    dois: tuple[str, ...] = ()
    """Papers already found, for services that check them."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question to a service."""

    rung: str
    """What kind of studies it asks for: `reviews`, `trials`, `studies`, `registry`, `notices`."""
    text: str
    """The question in the service's own language: what is kept and shown."""
    url: str
    """Address of the first page of the answer, without any key."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one page of an answer held."""

    studies: tuple[Study, ...] = ()
    hits: int | None = None
    """Records the service has in all; None where this page does not tell."""
    onward: str | None = None
    """Address of the next page."""
    retracted: tuple[str, ...] = ()
    """DOIs of papers that were retracted, from a service that only checks."""


def quoted(word: str) -> str:
    """A phrase in quotation marks, without characters that mean something in queries."""
    kept = "".join(c if c.isalnum() or c in "-' " else " " for c in word.replace("\u2019", "'"))
    return f'"{" ".join(kept.split())}"'


def any_of(words: Sequence[str], form: str = "{}") -> str:
    """The phrases joined by OR in brackets, each in a form such as `TITLE_ABS:{}`."""
    return "(" + " OR ".join(form.format(quoted(word)) for word in dict.fromkeys(words)) + ")"
