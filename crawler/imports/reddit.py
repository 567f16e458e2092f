"""Reddit dumps: submissions and comments as JSON lines, as archives of it are handed round.

What was deleted since is left out, by whoever deleted it; the dump says so in `_meta`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crawler import clean
from crawler.documents import Post, Source
from crawler.engines.marked import own_marked
from crawler.engines.reddit import HOST, thread_url
from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.grouping import Gathered
from crawler.imports.lines import first_object, objects
from crawler.streams import Stream

__all__ = ["read", "recognises"]

_UNFIT = (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)
_GONE = {"[deleted]", "[removed]", "[deleted by user]"}
_ROBOTS = {"AutoModerator"}
_ID = re.compile(r"[0-9a-z]{1,16}", re.I)


def recognises(head: bytes) -> float:
    """0.95 where the first object is a submission or a comment of a subreddit."""
    row = first_object(head)
    has_place = "subreddit" in row or "subreddit_id" in row
    is_said = "body" in row and "link_id" in row
    return 0.95 if has_place and (is_said or "title" in row) and "id" in row else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """Threads, in pieces: a comment is at home in the thread of its `link_id`."""
    gathered = Gathered()
    for number, row in objects(stream, _of(given.only)):
        if isinstance(row, NothingRead):
            yield row
            continue
        if given.only and str(row.get("subreddit")).lower() not in given.only:
            continue
        try:
            yield from _taken(gathered, row, given)
        except _UNFIT as error:
            yield NothingRead(f"line {number}: no submission and no comment ({error!a:.80})")
    yield from gathered.rest()


def _of(groups: frozenset[str]) -> re.Pattern[bytes] | None:
    if not groups:
        return None
    names = "|".join(re.escape(name) for name in sorted(groups))
    return re.compile(rf'"subreddit"\s*:\s*"(?:{names})"'.encode(), re.I)


def _taken(gathered: Gathered, row: Mapping[str, Any], given: Given) -> Yield:
    is_comment = "link_id" in row
    own = _base36(row["id"])
    thread = _base36(row["link_id"]) if is_comment else own
    if _is_gone(row, is_comment) or row.get("author") in _ROBOTS:
        return
    source = Source(url=thread_url(thread), site=HOST, fetched=given.fetched, engine="reddit")
    if is_comment:
        yield from gathered.add(source, _post(row, f"t1_{own}", row["body"], 2))
    else:
        title, total = html.unescape(str(row["title"])), clean.whole(row.get("num_comments"))
        post = _post(row, f"t3_{own}", row.get("selftext") or "", 1)
        expected = None if total is None else total + 1
        yield from gathered.add(source, post, title, expected)


def _is_gone(row: Mapping[str, Any], is_comment: bool) -> bool:
    """Whether somebody took it back or it was taken down, at once or later."""
    meta = row.get("_meta")
    later = isinstance(meta, Mapping) and meta.get("was_deleted_later") is True
    removed = isinstance(row.get("removed_by_category"), str)
    text = row["body"] if is_comment else row.get("selftext")
    return later or removed or str(text).strip() in _GONE or str(row.get("title")).strip() in _GONE


def _post(row: Mapping[str, Any], name: str, said: str, number: int) -> Post:
    text, quotes = own_marked(said)
    author = row.get("author")
    parent = row.get("parent_id")
    link = row.get("permalink")
    return Post(
        id=name,
        number=number,
        text=text,
        author=author if isinstance(author, str) and author not in _GONE else None,
        written=_moment(row.get("created_utc")),
        edited=_moment(row.get("edited")),
        reply_to=parent.lower() if isinstance(parent, str) else None,
        likes=clean.whole(row.get("score")),
        url=f"https://{HOST}{link}" if isinstance(link, str) and link.startswith("/") else None,
        quotes=quotes,
    )


def _base36(given: Any) -> str:
    """The bare id of `t3_abc1` or `abc1`."""
    name = str(given).rpartition("_")[2]
    if not _ID.fullmatch(name):
        raise ValueError(f"no id: {name}")
    return name.lower()


def _moment(given: Any) -> datetime | None:
    """Seconds since 1970, which older dumps write as text; `edited` may be true or false."""
    if given is None or isinstance(given, bool):
        return None
    return datetime.fromtimestamp(float(given), UTC)
