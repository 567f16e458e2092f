"""What happens to a forum over time: each function takes a forum and gives it as it is afterwards.

They follow what Discourse does: only a new post, or an edit of the last one, brings a topic up; a
deleted post leaves a gap in the numbers; posts that move get new numbers at the end of their new
topic. KeyError where a post or topic is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from crawler.replica.content import Excerpt, Forum, Message, Topic
from crawler.replica.discourse_json import slug

__all__ = [
    "add", "delete", "edit", "hide", "merge", "move", "newest", "remove", "rename", "start",
    "unlist", "withdraw",
]  # fmt: skip

WITHDRAWN = "(post deleted by author)"


def newest(forum: Forum) -> int:
    """The highest id any post has."""
    return max((max(topic.stream) for topic in forum.topics), default=0)


def start(
    forum: Forum, author: str, text: str, written: datetime, *, title: str, category: str
) -> Forum:
    """A new topic with its first post; it gets the next free id."""
    number = max((*forum.by_id, *forum.deleted, *forum.private, 0)) + 1
    first = Message(id=newest(forum) + 1, n=1, author=author, written=written, text=text)
    topic = Topic(
        id=number,
        slug=slug(title),
        title=title,
        category=category,
        condition="",
        messages=(first,),
    )
    return _known(replace(forum, topics=(*forum.topics, topic)), author)


def add(
    forum: Forum,
    topic: int,
    author: str,
    text: str,
    written: datetime,
    *,
    quotes: tuple[Excerpt, ...] = (),
) -> Forum:
    """A new post at the end of a topic, which comes up in the lists."""
    former = forum.by_id[topic]
    late = Message(
        id=newest(forum) + 1,
        n=former.last.n + 1,
        author=author,
        written=written,
        text=text,
        quotes=quotes,
    )
    grown = replace(former, messages=(*former.messages, late), bumped=None)
    return _known(_with(forum, grown), author)


def edit(
    forum: Forum, post: int, text: str, edited: datetime, *, bump: bool | None = None
) -> Forum:
    """Other words in a post; `bump` None: as Discourse does, by an edit of the last post only."""
    topic, message = _at(forum, post)
    known = message.version or (2 if message.edited else 1)
    other = replace(message, text=text, cooked=None, edited=edited, version=known + 1, quotes=())
    ups = message.id == topic.last.id if bump is None else bump
    up = edited if ups else topic.bumped_at
    return _with(forum, replace(_in_place(topic, other), bumped=up))


def hide(forum: Forum, post: int) -> Forum:
    """Flagged: the post stays in its place without its words."""
    topic, message = _at(forum, post)
    return _with(forum, _in_place(topic, replace(message, hidden=True)))


def withdraw(forum: Forum, post: int, edited: datetime) -> Forum:
    """Deleted by its author: a line stands in its place for a day."""
    topic, message = _at(forum, post)
    known = message.version or (2 if message.edited else 1)
    other = replace(
        message,
        text=WITHDRAWN,
        cooked=None,
        quotes=(),
        edited=edited,
        version=known + 1,
        withdrawn=True,
    )
    return _with(forum, _in_place(topic, other))


def delete(forum: Forum, post: int) -> Forum:
    """Gone for good; deleting the first post deletes the topic, deleting the last takes it down."""
    topic, message = _at(forum, post)
    if message.id == topic.messages[0].id:
        return remove(forum, topic.id)
    left = _without(topic, {post})
    was_last = message.id == topic.last.id
    return _with(forum, replace(topic, messages=left, bumped=None if was_last else topic.bumped_at))


def move(forum: Forum, posts: Collection[int], to: int, *, noted: bool = False) -> Forum:
    """Posts of one topic become the last of another, with new numbers there.

    `noted` leaves a line of the moderators in their old place. The first post of a topic cannot
    be moved without the rest; `merge` does that.
    """
    origin, _ = _at(forum, min(posts))
    target = forum.by_id[to]
    moving = [message for message in origin.messages if message.id in posts]
    left = _without(origin, posts)
    if noted:
        note = replace(
            moving[0],
            id=newest(forum) + 1,
            kind=3,
            text="",
            cooked="",
            quotes=(),
            reply_to=None,
            likes=0,
            author=origin.messages[0].author,
        )
        left = tuple(sorted([*left, note], key=lambda message: message.n))
    forum = _with(forum, replace(origin, messages=left, bumped=origin.bumped_at))
    return _with(forum, _joined(target, moving))


def merge(forum: Forum, topic: int, into: int, *, permalink: bool = True) -> Forum:
    """All posts of a topic become the last of another; the old address leads on, or nowhere."""
    origin, target = forum.by_id[topic], forum.by_id[into]
    fresh = newest(forum) + 1
    # As Discourse does: a first post cannot leave its topic, so its words get a new post.
    moving = [replace(origin.messages[0], id=fresh), *origin.messages[1:]]
    forum = _with(remove(forum, topic), _joined(target, moving))
    if not permalink:
        return forum
    return replace(forum, permalinks={**forum.permalinks, topic: into})


def rename(forum: Forum, topic: int, title: str) -> Forum:
    """Another title, and with it another slug."""
    return _with(forum, replace(forum.by_id[topic], title=title, slug=slug(title)))


def unlist(forum: Forum, topic: int) -> Forum:
    """Out of all lists; the address still answers."""
    return _with(forum, replace(forum.by_id[topic], listed=False))


def remove(forum: Forum, topic: int, *, private: bool = False) -> Forum:
    """The whole topic is deleted, or closed to visitors."""
    left = tuple(each for each in forum.topics if each.id != forum.by_id[topic].id)
    kind = "private" if private else "deleted"
    gone: dict[str, Any] = {kind: getattr(forum, kind) | {topic}}
    return replace(forum, topics=left, **gone)


def _at(forum: Forum, post: int) -> tuple[Topic, Message]:
    topic = forum.by_id[forum.homes[post]]
    return topic, topic.post(post)


def _with(forum: Forum, topic: Topic) -> Forum:
    topics = tuple(topic if each.id == topic.id else each for each in forum.topics)
    return replace(forum, topics=topics)


def _in_place(topic: Topic, message: Message) -> Topic:
    messages = tuple(message if each.id == message.id else each for each in topic.messages)
    return replace(topic, messages=messages, bumped=topic.bumped_at)


def _without(topic: Topic, posts: Collection[int]) -> tuple[Message, ...]:
    """The messages less some; those that quote one of these still say whom."""
    gone = {message.n: message.author for message in topic.messages if message.id in posts}
    left = []
    for message in topic.messages:
        if message.id not in posts:
            quotes = tuple(replace(q, author=gone.get(q.n, q.author)) for q in message.quotes)
            left.append(replace(message, quotes=quotes) if quotes else message)
    return tuple(left)


def _joined(target: Topic, moving: Iterable[Message]) -> Topic:
    """The topic with more posts at its end; what they quote and answer is left behind."""
    more = tuple(
        replace(message, n=target.last.n + place, reply_to=None, quotes=())
        for place, message in enumerate(moving, 1)
    )
    messages = (*target.messages, *more)
    return replace(target, messages=messages, bumped=target.bumped_at)


def _known(forum: Forum, author: str) -> Forum:
    if not forum.names or author in forum.names:
        return forum
    return replace(forum, names=(*forum.names, author))
