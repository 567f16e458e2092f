"""A forum from a folder of topics as Discourse gives them: `/t/{id}.json`, one file each.

Rows are served as they were saved; only what the replica must know to cut, list and change them is
read. Works on any such folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crawler.errors import CrawlerError
from crawler.replica.content import Forum, Message, Setup, Topic

__all__ = ["read_topic", "read_topics"]

KEPT = ("views", "closed", "archived", "has_summary", "unicode_title", "fancy_title")
"""Fields of a topic that are served again as they are."""
MADE = (
    "id", "post_number", "username", "created_at", "updated_at", "cooked", "version", "hidden",
    "user_deleted", "deleted_at", "post_type", "reply_to_post_number", "actions_summary",
    "topic_id", "topic_slug", "user_id", "reply_count", "quote_count", "link_counts",
)  # fmt: skip
"""Fields of a post that are made anew, since changes bear on them."""


def read_topics(folder: Path, setup: Setup | None = None) -> Forum:
    """The forum of all topics of a folder; CrawlerError where it holds none."""
    files = sorted(folder.glob("*.json"))
    topics = tuple(read_topic(json.loads(file.read_text(encoding="utf-8"))) for file in files)
    if not topics:
        raise CrawlerError(f"{folder} holds no topics; save some /t/ID.json there")
    return Forum(
        slug=folder.name,
        name=folder.name,
        software="discourse",
        description="Topics from a folder",
        topics=topics,
        setup=setup or Setup(),
    )


def read_topic(data: Mapping[str, Any]) -> Topic:
    """One topic with all the posts its file has."""
    return Topic(
        id=data["id"],
        slug=data["slug"],
        title=data["title"],
        category=f"Category {data.get('category_id') or 1}",
        condition="",
        messages=tuple(_message(row) for row in data["post_stream"]["posts"]),
        tags=tuple(_names(data.get("tags") or ())),
        bumped=_moment(data.get("bumped_at") or data.get("last_posted_at")),
        listed=data.get("visible", True),
        extra={name: data[name] for name in KEPT if name in data},
    )


def _names(tags: Any) -> list[str]:
    """Names of tags, which newer versions give as objects."""
    return [tag["name"] if isinstance(tag, dict) else str(tag) for tag in tags]


def _message(row: Mapping[str, Any]) -> Message:
    written = _moment(row["created_at"])
    if written is None:
        raise CrawlerError(f"post {row['id']} has no date")
    version = row.get("version", 1)
    likes = [a.get("count", 0) for a in row.get("actions_summary") or () if a.get("id") == 2]
    return Message(
        id=row["id"],
        n=row["post_number"],
        author=row["username"],
        written=written,
        text="",
        edited=_moment(row.get("updated_at")),
        likes=likes[0] if likes else 0,
        reply_to=row.get("reply_to_post_number"),
        cooked=row["cooked"],
        kind=row.get("post_type", 1),
        version=version,
        hidden=bool(row.get("hidden")),
        withdrawn=bool(row.get("user_deleted")),
        extra={name: value for name, value in row.items() if name not in MADE},
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
