"""The invented sites as values: forums with topics and messages, presses with pieces.

A forum is one JSON file of the community folder. A press is a folder of `articles/` with a
`site.toml` and one Markdown file per piece, its head in TOML between lines of `+++`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from crawler.errors import CrawlerError

__all__ = [
    "COMMUNITY",
    "Excerpt",
    "Forum",
    "Message",
    "Piece",
    "Press",
    "Site",
    "Topic",
    "load",
    "read_forum",
    "read_press",
]

COMMUNITY = Path(__file__).with_name("community")


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Words of message `n` of the same topic, repeated by a later one."""

    n: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """One post as its author typed it, quotes apart."""

    id: int
    n: int
    author: str
    written: datetime
    text: str
    edited: datetime | None = None
    likes: int = 0
    reply_to: int | None = None
    """Number of the message it answers."""
    quotes: tuple[Excerpt, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A thread of a forum, its messages in order."""

    id: int
    slug: str
    title: str
    category: str
    condition: str
    """What the thread is about; never shown on a page."""
    messages: tuple[Message, ...]
    tags: tuple[str, ...] = ()

    @property
    def last(self) -> Message:
        """The newest message."""
        return self.messages[-1]

    @property
    def changed(self) -> datetime:
        """When anything in the topic was last written or edited."""
        return max(message.edited or message.written for message in self.messages)

    def message(self, n: int) -> Message:
        """The message with number `n`; KeyError where there is none."""
        for message in self.messages:
            if message.n == n:
                return message
        raise KeyError(n)


@dataclass(frozen=True, kw_only=True)
class Forum:
    """One community: its software decides the markup it is served in."""

    slug: str
    name: str
    software: str
    description: str
    topics: tuple[Topic, ...]
    signatures: Mapping[str, str] = field(default_factory=dict)
    """Lines that stand below every message of an author."""

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Category names in order of first use; their place, from 1, is their id."""
        return tuple(dict.fromkeys(topic.category for topic in self.topics))

    @cached_property
    def members(self) -> dict[str, int]:
        """Author names with a stable number from 1, in order of first appearance."""
        names = (message.author for topic in self.topics for message in topic.messages)
        return {name: number for number, name in enumerate(dict.fromkeys(names), 1)}

    @cached_property
    def recent(self) -> tuple[Topic, ...]:
        """Topics with the latest answer first, as listings show them."""
        return tuple(sorted(self.topics, key=lambda topic: topic.last.written, reverse=True))


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One article; the body is a small Markdown: headings, lists, paragraphs."""

    slug: str
    title: str
    body: str
    summary: str = ""
    author: str | None = None
    credential: str | None = None
    published: date | None = None
    reviewed: date | None = None
    references: tuple[Mapping[str, str], ...] = ()
    """Each with `text` and perhaps `doi` and `pmid`."""


@dataclass(frozen=True, kw_only=True)
class Press:
    """A site of articles."""

    slug: str
    name: str
    description: str
    pieces: tuple[Piece, ...]
    schema: str = "Article"
    """The schema.org type its pages state."""
    offer: str = ""
    """A call to action that stands below every page."""
    software: str = "articles"


Site = Forum | Press


def load(folder: Path = COMMUNITY, only: Collection[str] | None = None) -> tuple[Site, ...]:
    """Every site of a community folder by file name; with `only`, those with these slugs."""
    files = sorted(folder.glob("*.json"))
    heads = sorted((folder / "articles").glob("*/site.toml"))
    names = [file.stem for file in files] + [head.parent.name for head in heads]
    unknown = sorted(set(only or ()) - set(names))
    if unknown:
        raise CrawlerError(f"no replica site {', '.join(unknown)}; known: {', '.join(names)}")
    wanted = set(names if only is None else only)
    forums = [read_forum(file) for file in files if file.stem in wanted]
    presses = [read_press(head.parent) for head in heads if head.parent.name in wanted]
    return (*forums, *presses)


def read_forum(file: Path) -> Forum:
    """The forum of one JSON file."""
    data = json.loads(file.read_text(encoding="utf-8"))
    site = data["site"]
    return Forum(
        slug=file.stem,
        name=site["name"],
        software=site["software"],
        description=site["description"],
        topics=tuple(_topic(entry) for entry in data["threads"]),
        signatures=site.get("signatures", {}),
    )


def read_press(folder: Path) -> Press:
    """The article site of one folder, newest piece first."""
    site = tomllib.loads((folder / "site.toml").read_text(encoding="utf-8"))
    pieces = sorted(_pieces(folder), key=lambda piece: piece.published or date.min, reverse=True)
    return Press(slug=folder.name, pieces=tuple(pieces), **site)


def _pieces(folder: Path) -> Iterator[Piece]:
    for file in sorted(folder.glob("*.md")):
        _, head, body = file.read_text(encoding="utf-8").split("+++\n", 2)
        fields = tomllib.loads(head)
        references = tuple(fields.pop("references", ()))
        yield Piece(slug=file.stem, body=body.strip(), references=references, **fields)


def _topic(entry: Mapping[str, Any]) -> Topic:
    return Topic(
        id=int(entry["id"]),
        slug=entry["slug"],
        title=entry["title"],
        category=entry["category"],
        condition=entry["condition"],
        tags=tuple(entry.get("tags", ())),
        messages=tuple(_message(post) for post in entry["posts"]),
    )


def _message(post: Mapping[str, Any]) -> Message:
    edited = post.get("edited")
    return Message(
        id=int(post["id"]),
        n=post["n"],
        author=post["author"],
        written=_moment(post["written"]),
        text=post["text"],
        edited=_moment(edited) if edited else None,
        likes=post.get("likes") or 0,
        reply_to=post.get("reply_to"),
        quotes=tuple(Excerpt(n=q["n"], text=q["text"]) for q in post.get("quotes") or ()),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
