"""What an export holds, as one value: the formats turn it into files and ask nothing else.

Claims and passages are read anew from the store each time they are gone through, so that memory
does not grow with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Generic, Literal, TypeVar, get_args

from miner.model import Contradiction, Evidence, Gap, Grade, Kind, Theme

__all__ = [
    "CAUTION",
    "KINDS",
    "POLICIES",
    "About",
    "Again",
    "Asked",
    "Datasheet",
    "File",
    "Kept",
    "Mark",
    "Package",
    "Passage",
    "Quotes",
    "Site",
    "Work",
]

Item = TypeVar("Item")
Quotes = Literal["none", "short", "full"]
"""How much of people's words is kept; see `miner.export.words`."""
POLICIES: tuple[Quotes, ...] = get_args(Quotes)
KINDS: Mapping[Kind, str] = {
    "remedy": "Remedies",
    "cause": "Causes",
    "trigger": "Triggers",
    "diagnosis": "Diagnoses",
}

MOST_ASKED = 30
"""Questions that a page for readers shows."""
CAUTION = (
    "This is what members of communities say and try, beside the level of published evidence. "
    "Those who write chose to write; counts tell what is said, not what works, and a program that "
    "errs found them. It is not medical advice."
)


@dataclass(frozen=True, kw_only=True)
class About:
    """Where an export comes from. No clock is asked: the same project gives the same bytes."""

    project: str
    program: str
    """Name and version."""
    run: int
    mined: datetime
    """When the run ended; the one date of the export."""
    settings_hash: str
    models: Mapping[str, str]
    filters: Mapping[str, str]
    counts: Mapping[str, int]
    """Rows by table, and how many people stand behind them."""
    caution: str = CAUTION


@dataclass(frozen=True, kw_only=True)
class Site:
    """What was collected of one site."""

    site: str
    engines: tuple[str, ...]
    threads: int
    articles: int
    studies: int
    posts: int
    authors: int
    first: datetime | None
    """Of its posts."""
    last: datetime | None
    fetched: datetime | None
    """When something of it was last stored."""
    off_topic: int
    """Threads looked at and not stored."""
    failed: int
    """Pages that could not be read."""
    missing: int
    """Posts its threads count and that are not there."""
    licence: str
    """What is known of the terms of its texts."""


@dataclass(frozen=True, kw_only=True)
class Datasheet:
    """What was collected, what was taken out, and under which terms the sources stand."""

    sites: tuple[Site, ...]
    removed: tuple[str, ...]
    """Sentences."""
    findable: int
    """Kept texts in which six words or more stand in a row as they were written."""
    kept: int
    """Kept texts in all."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A claim as it leaves the house: under the policy on quotes."""

    id: str
    theme: str
    kind: Kind
    phrase: str
    text: str
    """The quote, shortened or empty where the policy says so."""
    means: str
    verdict: str
    voice: str
    author: str
    """Pseudonym, empty for an unnamed post and for articles."""
    site: str
    document: str
    """Address; for members' words that are not kept in full a number, such as `thread 17`."""
    part: str
    url: str
    start: int | None
    """Offset of the quote in the part, in code points; None where it is not kept in full."""
    end: int | None
    phrase_start: int | None
    written: str
    """ISO 8601, UTC; the month alone where members' words are not kept in full."""
    stance: str
    """What its author's vote on the theme says."""
    experiencer: str
    assertion: str
    outcome: str
    condition: str
    basis: str
    time: str
    confidence: float
    engine: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A stretch of a passage that belongs to a theme."""

    claim: str
    theme: str
    start: int
    end: int
    note: str


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A text with its marks: a post, or of an article one part; lines end in one line feed."""

    key: str
    """The same for the same place."""
    name: str
    site: str
    author: str
    written: str
    text: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Questions of one meaning, as they leave the house: counts, and the words of one of them."""

    id: str
    text: str
    """The most typical question, shortened or empty where the policy says so."""
    askers: int
    answered: int
    """Of these, people whom somebody wrote back to."""
    threads: int
    sites: int
    themes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Work:
    """A study as a list of references names it."""

    id: str
    title: str
    authors: tuple[str, ...] = ()
    journal: str = ""
    year: int | None = None
    doi: str | None = None
    pmid: str | None = None
    url: str | None = None
    retracted: bool = False
    notes: tuple[str, ...] = ()
    """Design, size and the themes it speaks of."""


@dataclass(frozen=True)
class Again(Generic[Item]):
    """Something that can be gone through again and again without being held in memory."""

    make: Callable[[], Iterator[Item]]

    def __iter__(self) -> Iterator[Item]:
        """The items from the first on."""
        return self.make()


@dataclass(frozen=True, kw_only=True)
class Package:
    """All that an export may say."""

    about: About
    datasheet: Datasheet
    themes: tuple[Theme, ...]
    """Most authors first."""
    claims: Iterable[Kept]
    """By id of theme, most typical first."""
    passages: Iterable[Passage]
    evidence: tuple[Evidence, ...] = ()
    works: tuple[Work, ...] = ()
    grades: tuple[Grade, ...] = ()
    gaps: tuple[Gap, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    questions: tuple[Asked, ...] = ()
    """Most askers first."""

    own: bool = False
    """Whether articles of the user's own were collected."""
    overall: Mapping[str, Grade] = field(default_factory=dict)
    """The grade over all conditions, by theme."""

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The questions that a page for readers shows: those of several people, with words."""
        return tuple(one for one in self.questions if one.askers > 1 and one.text)[:MOST_ASKED]


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of an export: where it goes, and what writes it."""

    name: str
    """Path with strokes, relative to the export; the ending alone for one that is the export."""
    write: Callable[[IO[bytes]], None]
