"""The JSON shapes of Discourse: topics, posts, categories, users. Values in and out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape
from string import Template
from typing import Any

from crawler.replica.content import Excerpt, Forum, Message, Topic
from crawler.replica.markup import cook, flat

__all__ = [
    "SEARCHED",
    "TOPICS",
    "categories",
    "category_id",
    "cooked",
    "details",
    "found",
    "latest_post",
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
SEARCHED = 50
"""Posts of a page of search results."""
PARTICIPANTS = 24
NOTE = 3
LIKE = 2
HIDDEN = "<p>This post was flagged by the community and is temporarily hidden.</p>"

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
    rows = [
        {**summary(forum, topic), "excerpt": flat(topic.messages[0].text)[:200]}
        if topic.pinned
        else summary(forum, topic)
        for topic in topics
    ]
    head = {"can_create_topic": False, "per_page": TOPICS, "top_tags": top_tags(forum)}
    if following:
        head["more_topics_url"] = following
    users = [_user(forum, name) for name in sorted(names)]
    return {"users": users, "primary_groups": [], "topic_list": {**head, "topics": rows}}


def post(forum: Forum, topic: Topic, message: Message) -> dict[str, Any]:
    """One post of a stream."""
    likes = [{"id": LIKE, "count": message.likes}] if message.likes else []
    row = {
        "id": message.id,
        **_named(message.author),
        "created_at": written_at(message),
        "cooked": cooked(topic, message),
        "post_number": message.n,
        "post_type": message.kind,
        "updated_at": updated_at(message),
        "reply_count": topic.answers[message.n],
        "reply_to_post_number": message.reply_to,
        "quote_count": len(message.quotes),
        "reads": 20 + 3 * message.likes,
        "score": 1.0 + 15 * message.likes,
        "topic_id": topic.id,
        "topic_slug": topic.slug,
        "display_username": "",
        "version": version(message),
        "actions_summary": likes,
        "moderator": False,
        "admin": False,
        "staff": False,
        "user_id": forum.members[message.author],
        "hidden": message.hidden,
        "trust_level": 1,
        "deleted_at": None,
        "user_deleted": message.withdrawn,
        "edit_reason": None,
        "wiki": False,
    }
    if message.hidden:
        row |= {"cooked_hidden": True, "can_see_hidden_post": False}
    if message.kind == NOTE:
        row["action_code"] = "split_topic"
    return row | dict(message.extra)


def latest_post(forum: Forum, topic: Topic, message: Message) -> dict[str, Any]:
    """One post of `/posts.json`, which tells its topic and its source text beside."""
    return {
        **post(forum, topic, message),
        "raw": "" if message.hidden else message.text,
        "topic_title": topic.title,
        "topic_html_title": escape(topic.title),
        "category_id": category_id(forum, topic),
    }


def cooked(topic: Topic, message: Message) -> str:
    """The post as HTML, its quotes first."""
    if message.hidden:
        return HIDDEN
    if message.cooked is not None:
        return message.cooked
    return "".join(_quote(topic, q) for q in message.quotes) + cook(message.text)


def _quote(topic: Topic, said: Excerpt) -> str:
    author = said.author or topic.message(said.n).author
    return QUOTE.substitute(
        author=escape(author),
        n=said.n,
        topic=topic.id,
        letter=author[0].lower(),
        text=cook(said.text),
    )


def summary(forum: Forum, topic: Topic) -> dict[str, Any]:
    """The fields a listing and a topic share."""
    row = {
        "id": topic.id,
        "title": topic.title,
        "fancy_title": escape(topic.title),
        "slug": topic.slug,
        "posts_count": len(topic.messages),
        "reply_count": topic.answers.total(),
        "highest_post_number": topic.last.n,
        "image_url": None,
        "created_at": written_at(topic.messages[0]),
        "last_posted_at": written_at(topic.last),
        "bumped": True,
        "bumped_at": stamp(topic.bumped_at),
        "archetype": "regular",
        "unseen": False,
        "pinned": topic.pinned,
        "unpinned": None,
        "visible": topic.listed,
        "closed": False,
        "archived": False,
        "tags": list(topic.tags),
        "like_count": topic.likes,
        "views": views(topic),
        "category_id": category_id(forum, topic),
        "pinned_globally": topic.pinned,
        "last_poster_username": topic.last.author,
        "participant_count": len(topic.authors),
        "posters": [
            {"extras": None, "description": role, "user_id": forum.members[message.author]}
            for role, message in (
                ("Original Poster", topic.messages[0]),
                ("Most Recent Poster", topic.last),
            )
        ],
    }
    return row | dict(topic.extra)


def category_id(forum: Forum, topic: Topic) -> int:
    """The number of the topic's category."""
    return forum.categories.index(topic.category) + 1


def found(forum: Forum, hits: Sequence[tuple[Topic, Message]], term: str) -> dict[str, Any]:
    """What `/search.json` answers."""
    posts = [
        {
            "id": message.id,
            "username": message.author,
            "created_at": written_at(message),
            "like_count": message.likes,
            "blurb": message.text[:200],
            "post_number": message.n,
            "topic_id": topic.id,
        }
        for topic, message in hits
    ]
    topics = {topic.id: summary(forum, topic) for topic, _ in hits}
    rest: dict[str, Any] = {"users": [], "categories": [], "tags": [], "groups": []}
    outcome = {
        "more_posts": None,
        "more_users": None,
        "more_categories": None,
        "term": term,
        "more_full_page_results": True if len(posts) == SEARCHED else None,
        "can_create_topic": False,
        "error": None,
        "post_ids": [post["id"] for post in posts],
    }
    listed = list(topics.values())
    return {"posts": posts, "topics": listed, **rest, "grouped_search_result": outcome}


def details(forum: Forum, topic: Topic) -> dict[str, Any]:
    """Who takes part in a topic."""
    return {
        "can_edit": False,
        "participants": [_user(forum, name) for name in topic.authors[:PARTICIPANTS]],
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
    return stamp(message.written)


def updated_at(message: Message) -> str:
    """When it was last edited, or written."""
    return stamp(message.edited or message.written)


def version(message: Message) -> int:
    """How many versions of the post there are."""
    return message.version or (2 if message.edited else 1)


def stamp(moment: datetime) -> str:
    """A moment as Discourse prints it, in UTC with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def slug(name: str) -> str:
    """The name as it stands in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def top_tags(forum: Forum) -> list[str]:
    """Every tag of the forum."""
    return sorted({tag for topic in forum.topics for tag in topic.tags})


def categories(forum: Forum) -> list[dict[str, Any]]:
    """The categories with their counts; the id is the place from 1."""
    topics = Counter(topic.category for topic in forum.recent)
    posts: Counter[str] = Counter()
    for topic in forum.recent:
        posts[topic.category] += len(topic.messages)
    return [
        {
            "id": number,
            "name": name,
            "slug": slug(name),
            "topic_count": topics[name],
            "post_count": posts[name],
            "position": number,
            "read_restricted": False,
            "has_children": False,
            "topic_url": None,
        }
        for number, name in enumerate(forum.categories, 1)
    ]
