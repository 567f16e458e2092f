"""The documents Folkgrade collects: threads with posts, articles and studies.

Values only. How they are fetched is `crawler.spider`, how they are kept is `crawler.corpus`,
what they claim is `miner.model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = [
    "Article",
    "Document",
    "Post",
    "Quoted",
    "Reference",
    "Source",
    "Study",
    "Thread",
    "part_text",
    "permalink",
]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a document came from, and when and how it was read."""

    url: str
    """Canonical address. It is the identity of the document in the corpus."""
    site: str
    """Host name (with port where it is not the default), or `import` for a file."""
    fetched: datetime
    """When it was read, in UTC."""
    engine: str
    """Name of the engine that read it, such as `discourse` or `plain-thread`."""


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """Words of another post that a post repeats: an edge of the conversation, never a claim."""

    text: str
    author: str | None = None
    """Pseudonym of the one quoted, where the page names one."""
    post: str | None = None
    """Id of the quoted post, where the page links to it."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """One member's contribution to a thread."""

    id: str
    """Identity within the thread; the site's own id where it has one."""
    number: int
    """Place in the thread, from 1."""
    text: str
    """The author's own words; quotes of others are in `quotes`."""
    author: str | None = None
    """Pseudonym once stored; None where the page names nobody."""
    written: datetime | None = None
    edited: datetime | None = None
    reply_to: str | None = None
    """Id of the post this one answers."""
    likes: int | None = None
    url: str | None = None
    """Permalink of the post."""
    quotes: tuple[Quoted, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A discussion: a title and its posts in order. A long one may arrive in several pieces."""

    source: Source
    title: str
    """Empty where a piece of a thread does not say it."""
    posts: tuple[Post, ...]
    expected: int | None = None
    """How many posts the site says the whole thread has."""
    confidence: float = 1.0
    """How sure the engine is of the post borders, 0 to 1; below 1 for guessed ones."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One entry of an article's list of references."""

    text: str
    doi: str | None = None
    pmid: str | None = None


@dataclass(frozen=True, kw_only=True)
class Article:
    """A page that informs readers: hospital, clinic, blog, shop."""

    source: Source
    title: str
    text: str
    """Paragraphs parted by a blank line."""
    author: str | None = None
    """Public by-line; articles are published under a name on purpose."""
    credential: str | None = None
    """Health credential of the author as printed, such as `DPT`."""
    published: datetime | None = None
    reviewed: datetime | None = None
    references: tuple[Reference, ...] = ()
    own: bool = False
    """True for the user's own site, whose coverage is compared with that of others."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A record of a literature service."""

    source: Source
    title: str
    abstract: str = ""
    publication_types: tuple[str, ...] = ()
    design: str | None = None
    """Design as the service states it; the grade uses the one `miner.designs` concludes."""
    n: int | None = None
    year: int | None = None
    doi: str | None = None
    pmid: str | None = None
    retracted: bool = False
    preprint: bool = False
    authors: tuple[str, ...] = ()
    """As the service writes them; authorship is public."""
    journal: str = ""
    pages: int | None = None
    """How many pages it fills."""
    mesh: tuple[str, ...] = ()
    """Subject headings."""
    registry: tuple[str, ...] = ()
    """Numbers of the trial in registries: two papers of one trial share them."""


Document = Thread | Article | Study


def part_text(document: Document, part: str) -> str | None:
    """The stored text of a part: `title`, `text` (of a study its abstract), or a post's id."""
    if part == "title":
        return document.title
    if isinstance(document, Thread):
        return next((post.text for post in document.posts if post.id == part), None)
    return document.abstract if isinstance(document, Study) else document.text


def permalink(document: Document, part: str) -> str:
    """Address at which a reader finds the part: the post's own, else the document's."""
    if isinstance(document, Thread):
        for post in document.posts:
            if post.id == part:
                return post.url or f"{document.source.url}#{part}"
    return document.source.url
