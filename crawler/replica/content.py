"""The invented sites as values: forums with topics and messages, presses with pieces.

A forum is one JSON file of the community folder. A press is a folder of `articles/` with a
`site.toml` and one Markdown file per piece, its head in TOML between lines of `+++`.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    "Setup",
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
    author: str = ""
    """Who said it, once that message is not there to tell."""


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
    cooked: str | None = None
    """The post as HTML where it is known as such; else it is made of text and quotes."""
    kind: int = 1
    """Discourse's post_type: 1 is somebody's post, 3 a note such as "closed this topic"."""
    version: int | None = None
    """How many versions there are; None says 2 for an edited post and 1 for the others."""
    hidden: bool = False
    """Flagged by members: its place is shown, its words are not."""
    withdrawn: bool = False
    """Deleted by its author, and on its way out."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of its JSON row, of a kind nothing here depends on."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A thread of a forum, its messages in order."""

    id: int
    slug: str
    title: str
    category: str
    condition: str
    """What the thread is about; never shown on a page."""
    messages: Sequence[Message]
    """A tuple, or a sequence that makes each message when it is asked for."""
    tags: tuple[str, ...] = ()
    bumped: datetime | None = None
    """Its place in the lists where that is not the time of its last message."""
    pinned: bool = False
    listed: bool = True
    """Unlisted topics are in no list and answer to their address only."""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def last(self) -> Message:
        """The newest message."""
        return self.messages[-1]

    @property
    def bumped_at(self) -> datetime:
        """What lists are sorted by."""
        return self.bumped or self.last.written

    @cached_property
    def changed(self) -> datetime:
        """When anything in the topic was last written or edited."""
        return max(message.edited or message.written for message in self.messages)

    @cached_property
    def stream(self) -> Sequence[int]:
        """Ids of its messages in order."""
        ids: Sequence[int] | None = getattr(self.messages, "ids", None)
        return ids or [message.id for message in self.messages]

    @cached_property
    def likes(self) -> int:
        """Of all messages."""
        return sum(message.likes for message in self.messages)

    @cached_property
    def answers(self) -> Counter[int]:
        """How many messages answer message number `n`."""
        return Counter(message.reply_to for message in self.messages if message.reply_to)

    @cached_property
    def authors(self) -> tuple[str, ...]:
        """Who takes part, in order of appearance."""
        return tuple(dict.fromkeys(message.author for message in self.messages))

    def message(self, n: int) -> Message:
        """The message with number `n`; KeyError where there is none."""
        if 0 < n <= len(self.messages) and self.messages[n - 1].n == n:
            return self.messages[n - 1]
        for message in self.messages:
            if message.n == n:
                return message
        raise KeyError(n)

    def post(self, number: int) -> Message:
        """The message with this id; ValueError where there is none."""
        return self.messages[self.stream.index(number)]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a Discourse site is configured; the defaults are Discourse's own."""

    folder: str = ""
    """Path the forum lies at, such as `/community`, where the host is not all its own."""
    detailed_404: bool = False
    """Deleted topics answer 410 and private ones 403, where others answer 404."""
    login_required: bool = False
    indexed: bool = True
    """False: robots.txt closes the site to everybody."""
    crawl_delay: int | None = None
    """Seconds robots.txt asks for."""
    old_feed: bool = False
    """`/posts.json` answers windows of ids, which may be empty, as it did for years."""
    mega: int = 10_000
    """Topics of so many posts do not list their posts."""
    shortest_term: int = 3
    searches: int = 8
    """Searches a visitor may make in a second."""


@dataclass(frozen=True, kw_only=True)
class Forum:
    """One community: its software decides the markup it is served in."""

    slug: str
    name: str
    software: str
    description: str
    topics: Sequence[Topic]
    signatures: Mapping[str, str] = field(default_factory=dict)
    """Lines that stand below every message of an author."""
    setup: Setup = Setup()
    deleted: frozenset[int] = frozenset()
    """Ids of topics that were there once."""
    private: frozenset[int] = frozenset()
    """Ids of topics that are not for visitors."""
    permalinks: Mapping[int, int] = field(default_factory=dict)
    """Ids of topics that are gone, with the topic that took their place."""
    names: tuple[str, ...] = ()
    """Who is a member; nobody: whoever wrote something."""

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Category names in order of first use; their place, from 1, is their id."""
        return tuple(dict.fromkeys(topic.category for topic in self.topics))

    @cached_property
    def members(self) -> dict[str, int]:
        """Author names with a stable number from 1, in order of first appearance."""
        wrote = (message.author for topic in self.topics for message in topic.messages)
        return {name: number for number, name in enumerate(dict.fromkeys(self.names or wrote), 1)}

    @cached_property
    def recent(self) -> tuple[Topic, ...]:
        """Topics with the latest answer first, as listings show them."""
        shown = [topic for topic in self.topics if topic.listed]
        return tuple(sorted(shown, key=lambda topic: topic.bumped_at, reverse=True))

    @cached_property
    def by_id(self) -> dict[int, Topic]:
        """The topics by their id."""
        return {topic.id: topic for topic in self.topics}

    @cached_property
    def homes(self) -> dict[int, int]:
        """Ids of all posts, in order, each with the id of its topic."""
        pairs = ((post, topic.id) for topic in self.topics for post in topic.stream)
        return dict(sorted(pairs))


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
