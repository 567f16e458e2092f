"""Puts deeds of invented members into a django-machina forum, through its own models.

Runs in machina's environment, not in ours: `python machina_deeds.py FOLDER < deeds.json`; the
deeds are those of `spirit_deeds.py`. Without input on stdin it makes the database.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import Any

sys.path.insert(0, sys.argv[1])
os.environ["DJANGO_SETTINGS_MODULE"] = "machina_settings"

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from machina.apps.forum_permission.models import (  # noqa: E402
    ForumPermission,
    UserForumPermission,
)
from machina.core.db.models import get_model  # noqa: E402

Forum = get_model("forum", "Forum")
Topic = get_model("forum_conversation", "Topic")
Post = get_model("forum_conversation", "Post")
User = get_user_model()


def create() -> None:
    """The tables, and leave for everybody to read."""
    call_command("migrate", verbosity=0)
    for name in ("can_see_forum", "can_read_forum"):
        permission = ForumPermission.objects.get(codename=name)
        UserForumPermission.objects.create(
            permission=permission, anonymous_user=True, forum=None, has_perm=True
        )


def member(deed: dict[str, Any]) -> None:
    User.objects.create_user(deed["name"], f"{deed['name']}@mail.example", "secret")


def topic(deed: dict[str, Any]) -> None:
    forum = Forum.objects.filter(name=deed["category"]).first()
    forum = forum or Forum.objects.create(name=deed["category"], type=Forum.FORUM_POST)
    Topic.objects.create(
        forum=forum,
        poster=User.objects.get(username=deed["author"]),
        subject=deed["title"],
        type=Topic.TOPIC_POST,
        status=Topic.TOPIC_UNLOCKED,
        approved=True,
    )


def say(deed: dict[str, Any]) -> int:
    place = Topic.objects.get(subject=deed["topic"])
    text = deed["text"]
    if "quotes" in deed:
        former = Post.objects.get(pk=deed["quotes"])
        lines = [f"@{former.poster.username} said:", *str(former.content).splitlines()]
        text = "\n".join(f"> {line}" for line in lines) + "\n\n" + text
    post = Post.objects.create(
        topic=place,
        poster=User.objects.get(username=deed["author"]),
        subject=place.subject if not place.posts.count() else f"Re: {place.subject}",
        content=text,
        approved=True,
    )
    when = datetime.fromisoformat(deed["when"])
    Post.objects.filter(pk=post.pk).update(created=when, updated=when)
    Topic.objects.filter(pk=place.pk).update(last_post_on=when)
    number: int = post.pk
    return number


def edit(deed: dict[str, Any]) -> None:
    post = Post.objects.get(pk=deed["post"])
    post.content = deed["text"]
    post.updates_count += 1
    post.updated_by = post.poster
    post.save()


def delete(deed: dict[str, Any]) -> None:
    Post.objects.get(pk=deed["post"]).delete()


def bury(deed: dict[str, Any]) -> None:
    Topic.objects.get(subject=deed["topic"]).delete()


def main() -> None:
    asked = sys.stdin.read()
    if not asked.strip():
        create()
        return
    deeds = {each.__name__: each for each in (member, topic, say, edit, delete, bury)}
    made = [deeds[deed["do"]](deed) for deed in json.loads(asked)]
    sys.stdout.write(json.dumps([number for number in made if number is not None]))


if __name__ == "__main__":
    main()
