"""The JSON shapes of Discourse: topics, posts, categories, users. Values in and out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from string import Template
from typing import Any

from crawler.replica.content import Forum, Message, Topic
from crawler.replica.markup import cook

__all__ = [
    "TOPICS",
    "categories",
    "cooked",
    "details",
    "post",
    "slug",
    "summary",
    "top_tags",
    "topic_list",
    "updated_at",
    "views",
    "written_at",
]

TOPICS = 30
"""Topics of a listing page."""

QUOTE = Template("""<aside class="quote no-group" data-username="$author" data-post="$n" data-topic="$topic">
<div class="title">
<div class="quote-controls"></div>
<img alt="" width="24" height="24" src="/letter_avatar_proxy/v4/letter/$letter/8797f3/48.png" class="avatar"> $author:</div>
<blockquote>
$text
</blockquote>
</aside>
""")  # noqa: E501


def topic_list(forum: Forum, topics: Sequence[Topic], following: str | None) -> dict[str, Any]:
    """What `/latest.json` and its like answer; `following` is the address of the next page."""
    names = {message.author for topic in topics for message in (topic.messages[0], topic.last)}
    rows = [summary(forum, topic) for topic in topics]
    head = {"can_create_topic": False, "per_page": TOPICS, "top_tags": top_tags(forum)}
    if following:
        head["more_topics_url"] = following
    users = [_user(forum, name) for name in sorted(names)]
    return {"users": users, "primary_groups": [], "topic_list": {**head, "topics": rows}}


def post(forum: Forum, topic: Topic, message: Message) -> dict[str, Any]:
    """One post of a stream."""
    likes = [{"id": 2, "count": message.likes}] if message.likes else []
    answers = sum(other.reply_to == message.n for other in topic.messages)
    return {
        "id": message.id,
        **_named(message.author),
        "created_at": written_at(message),
        "cooked": cooked(topic, message),
        "post_number": message.n,
        "post_type": 1,
        "updated_at": updated_at(message),
        "reply_count": answers,
        "reply_to_post_number": message.reply_to,
        "quote_count": len(message.quotes),
        "reads": 20 + 3 * message.likes,
        "score": 1.0 + 15 * message.likes,
        "topic_id": topic.id,
        "topic_slug": topic.slug,
        "display_username": "",
        "version": 2 if message.edited else 1,
        "actions_summary": likes,
        "moderator": False,
        "admin": False,
        "staff": False,
        "user_id": forum.members[message.author],
        "hidden": False,
        "trust_level": 1,
        "deleted_at": None,
        "user_deleted": False,
        "edit_reason": None,
        "wiki": False,
    }


def cooked(topic: Topic, message: Message) -> str:
    """The post as HTML, its quotes first."""
    return "".join(_quote(topic, q.n, q.text) for q in message.quotes) + cook(message.text)


def _quote(topic: Topic, n: int, text: str) -> str:
    author = topic.message(n).author
    return QUOTE.substitute(
        author=escape(author), n=n, topic=topic.id, letter=author[0].lower(), text=cook(text)
    )


def summary(forum: Forum, topic: Topic) -> dict[str, Any]:
    """The fields a listing and a topic share."""
    count = len(topic.messages)
    likes = sum(message.likes for message in topic.messages)
    return {
        "id": topic.id,
        "title": topic.title,
        "fancy_title": escape(topic.title),
        "slug": topic.slug,
        "posts_count": count,
        "reply_count": sum(message.reply_to is not None for message in topic.messages),
        "highest_post_number": topic.last.n,
        "image_url": None,
        "created_at": written_at(topic.messages[0]),
        "last_posted_at": written_at(topic.last),
        "bumped": True,
        "bumped_at": written_at(topic.last),
        "archetype": "regular",
        "unseen": False,
        "pinned": False,
        "unpinned": None,
        "visible": True,
        "closed": False,
        "archived": False,
        "tags": list(topic.tags),
        "like_count": likes,
        "views": views(topic),
        "category_id": forum.categories.index(topic.category) + 1,
        "last_poster_username": topic.last.author,
        "participant_count": len({message.author for message in topic.messages}),
        "posters": [
            {"extras": None, "description": role, "user_id": forum.members[message.author]}
            for role, message in (
                ("Original Poster", topic.messages[0]),
                ("Most Recent Poster", topic.last),
            )
        ],
    }


def details(forum: Forum, topic: Topic) -> dict[str, Any]:
    """Who takes part in a topic."""
    names = dict.fromkeys(message.author for message in topic.messages)
    return {
        "can_edit": False,
        "participants": [_user(forum, name) for name in names],
        "created_by": _user(forum, topic.messages[0].author),
        "last_poster": _user(forum, topic.last.author),
    }


def _user(forum: Forum, name: str) -> dict[str, Any]:
    return {"id": forum.members[name], **_named(name)}


def _named(name: str) -> dict[str, str]:
    avatar = f"/letter_avatar_proxy/v4/letter/{name[0].lower()}/8797f3/{{size}}.png"
    return {"username": name, "name": "", "avatar_template": avatar}


def views(topic: Topic) -> int:
    """An invented number of views."""
    return 40 * len(topic.messages) + topic.id % 97


def written_at(message: Message) -> str:
    """When the post was written, as Discourse prints it."""
    return f"{message.written:%Y-%m-%dT%H:%M:%S}.000Z"


def updated_at(message: Message) -> str:
    """When it was last edited, or written."""
    return f"{message.edited or message.written:%Y-%m-%dT%H:%M:%S}.000Z"


def slug(name: str) -> str:
    """The name as it stands in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def top_tags(forum: Forum) -> list[str]:
    """Every tag of the forum."""
    return sorted({tag for topic in forum.topics for tag in topic.tags})


def categories(forum: Forum) -> list[dict[str, Any]]:
    """The categories with their counts; the id is the place from 1."""
    rows = []
    for number, name in enumerate(forum.categories, 1):
        topics = [topic for topic in forum.topics if topic.category == name]
        rows.append(
            {
                "id": number,
                "name": name,
                "slug": slug(name),
                "topic_count": len(topics),
                "post_count": sum(len(topic.messages) for topic in topics),
                "position": number,
                "read_restricted": False,
                "parent_category_id": None,
            }
        )
    return rows
