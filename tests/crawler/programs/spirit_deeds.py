"""Puts deeds of invented members into a Spirit forum, through Spirit's own forms.

Runs in Spirit's environment, not in ours: `python spirit_deeds.py FOLDER < deeds.json`. A deed is
an object with `do`: `member`, `topic`, `say`, `edit`, `delete` or `bury` (a whole topic). The ids
of the posts that were said come back as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import Any

sys.path.insert(0, sys.argv[1])
os.environ["DJANGO_SETTINGS_MODULE"] = "forum.settings.dev"

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from spirit.category.models import Category  # noqa: E402
from spirit.comment.forms import CommentForm  # noqa: E402
from spirit.comment.models import Comment  # noqa: E402
from spirit.comment.utils import (  # noqa: E402
    comment_posted,
    post_comment_update,
    pre_comment_update,
)
from spirit.core.utils import markdown  # noqa: E402
from spirit.topic.models import Topic  # noqa: E402

User = get_user_model()


def member(deed: dict[str, Any]) -> None:
    User.objects.create_user(deed["name"], f"{deed['name']}@mail.example", "secret")


def topic(deed: dict[str, Any]) -> None:
    category, _ = Category.objects.get_or_create(title=deed["category"])
    user = User.objects.get(username=deed["author"])
    Topic.objects.create(user=user, category=category, title=deed["title"])


def say(deed: dict[str, Any]) -> int:
    user = User.objects.get(username=deed["author"])
    place = Topic.objects.get(title=deed["topic"])
    text = deed["text"]
    if "quotes" in deed:
        former = Comment.objects.get(pk=deed["quotes"])
        text = markdown.quotify(former.comment, former.user.username) + text
    form = CommentForm(user=user, topic=place, data={"comment": text})
    if not form.is_valid():
        raise SystemExit(str(form.errors))
    comment = form.save()
    comment_posted(comment=comment, mentions=form.mentions)
    when = datetime.fromisoformat(deed["when"])
    Comment.objects.filter(pk=comment.pk).update(date=when)
    Topic.objects.filter(pk=place.pk).update(last_active=when)
    return comment.pk


def edit(deed: dict[str, Any]) -> None:
    pre_comment_update(comment=Comment.objects.get(pk=deed["post"]))
    form = CommentForm(
        data={"comment": deed["text"]}, instance=Comment.objects.get(pk=deed["post"])
    )
    if not form.is_valid():
        raise SystemExit(str(form.errors))
    post_comment_update(comment=form.save())


def delete(deed: dict[str, Any]) -> None:
    Comment.objects.filter(pk=deed["post"]).update(is_removed=True)


def bury(deed: dict[str, Any]) -> None:
    Topic.objects.filter(title=deed["topic"]).update(is_removed=True)


def main() -> None:
    deeds = {each.__name__: each for each in (member, topic, say, edit, delete, bury)}
    made = [deeds[deed["do"]](deed) for deed in json.load(sys.stdin)]
    sys.stdout.write(json.dumps([number for number in made if number is not None]))


if __name__ == "__main__":
    main()
