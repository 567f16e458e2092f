"""Lines of forum-dl (0.3): a thread, then its posts, one object a line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urldefrag, urlsplit

from crawler import clean
from crawler.documents import Post, Source, Thread
from crawler.engines.answers import iso
from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.lines import first_object, objects
from crawler.quoting import blockquoted
from crawler.sites import site_of
from crawler.streams import Stream

__all__ = ["read", "recognises"]

_MOST = 2_000
"""Posts of a thread held at once."""
_POST_PLACE = re.compile(r"/(?:post-)?\d+/?$")


@dataclass
class _Open:
    """The thread at hand."""

    path: list[str]
    url: str = ""
    title: str = ""
    posts: list[Post] = field(default_factory=list)
    count: int = 0


def recognises(head: bytes) -> float:
    """1 where the first object says forum-dl wrote it."""
    return 1.0 if first_object(head).get("generator") == "forum-dl" else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """Threads, long ones in pieces; boards and files are passed over."""
    at = _Open(path=[])
    for number, row in objects(stream):
        if isinstance(row, NothingRead):
            yield row
            continue
        kind, item = row.get("type"), row.get("item")
        if kind not in ("thread", "post") or not isinstance(item, Mapping):
            continue
        try:
            path = [str(step) for step in item["path"]]
            if kind == "thread" or path != at.path or len(at.posts) >= _MOST:
                yield from _out(at, row, given)
                at.posts = []
            if path != at.path:
                at = _Open(path=path)
            if kind == "thread":
                at.url, at.title = str(item["url"]), str(item.get("title") or "")
            else:
                at.count += 1
                at.posts.append(_post(item, at.count))
                at.url = at.url or _thread_url(item)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            yield NothingRead(f"line {number}: no thread and no post ({error!a:.80})")
    yield from _out(at, {}, given)


def _out(at: _Open, row: Mapping[str, Any], given: Given) -> Yield:
    """The thread as it was read so far, where there is anything of it."""
    if not at.posts:
        return
    if not clean.is_address(at.url):
        yield NothingRead(f"a thread of {len(at.posts)} posts has no web address ({at.url!a:.80})")
        return
    engine = f"forum-dl {row.get('extractor') or ''}".strip()
    source = Source(url=at.url, site=site_of(at.url), fetched=given.fetched, engine=engine)
    yield clean.sound(Thread(source=source, title=at.title, posts=tuple(at.posts)))


def _post(item: Mapping[str, Any], number: int) -> Post:
    data = item.get("data")
    row = data if isinstance(data, Mapping) else {}
    text, quotes = blockquoted(clean.markup(str(item["content"] or "")))
    place = [str(step) for step in item["subpath"]]
    reply = row.get("reply_to_post_number") or "".join(place[-2:-1])
    return Post(
        # Of Discourse it keeps an id that is on no page; ours is the number.
        id=str(row.get("post_number") or "") or "".join(place[-1:]) or _made_id(item),
        number=number,
        text=text,
        author=str(item["author"]) if item.get("author") else None,
        written=iso(item.get("creation_time")),
        edited=None,
        reply_to=str(reply) if reply else None,
        url=str(item["url"]) if item.get("url") else None,
        quotes=quotes,
    )


def _made_id(item: Mapping[str, Any]) -> str:
    said = f"{item.get('author')}\0{item.get('creation_time')}\0{item.get('content')}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _thread_url(item: Mapping[str, Any]) -> str:
    """Address of the thread of a post whose thread has no line: the post's, less its place."""
    url = urldefrag(str(item["url"])).url
    return url if urlsplit(url).query else _POST_PLACE.sub("", url)
