"""Posts a page states as data (JSON-LD of a discussion or of questions and answers)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement

from crawler.documents import Post
from crawler.engines.dates import moment
from crawler.engines.markup import select, tree_of, words
from crawler.page import Page

__all__ = ["stated_posts"]

_OPENERS = ("DiscussionForumPosting", "Question", "SocialMediaPosting")
_ANSWERS = ("comment", "acceptedAnswer", "suggestedAnswer", "answer")
_MOST = 2000


def stated_posts(page: Page, tree: HtmlElement) -> list[Post]:
    """The posts that data in the page states; empty where it states no discussion."""
    for opener in _openers(tree):
        rows = list(_rows(opener, None))[:_MOST]
        found = [_post(row, above, n, page) for n, (row, above) in enumerate(rows, start=1)]
        if posts := [post for post in found if post.text]:
            return posts
    return []


def _openers(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in select(tree, "script[type='application/ld+json']"):
        try:
            data = json.loads(script.text or "null", strict=False)
        except (ValueError, RecursionError):
            continue
        yield from (n for n in _flat(data) if _kind(n) in _OPENERS)


def _flat(data: Any) -> Iterator[dict[str, Any]]:
    for node in data if isinstance(data, list) else [data]:
        if isinstance(node, dict):
            yield node
            for key in ("@graph", "mainEntity"):
                if isinstance(node.get(key), list | dict):
                    yield from _flat(node[key])


def _kind(node: dict[str, Any]) -> str:
    kind = node.get("@type")
    return str(kind[0] if isinstance(kind, list) and kind else kind)


def _rows(node: dict[str, Any], above: str | None) -> Iterator[tuple[dict[str, Any], str | None]]:
    """The posting and all that answers it, each with the id of what it answers; no recursion."""
    waiting: list[tuple[dict[str, Any], str | None]] = [(node, above)]
    while waiting:
        one, parent = waiting.pop(0)
        yield one, parent
        is_first = one is node
        children = [c for key in _ANSWERS for c in _listed(one.get(key))]
        waiting[:0] = [(c, None if is_first else _id(one)) for c in children]


def _listed(value: Any) -> list[dict[str, Any]]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]


def _id(node: dict[str, Any]) -> str:
    said = str(node.get("identifier") or node.get("@id") or node.get("url") or "")
    digits = [part for part in said.replace("/", "-").replace("#", "-").split("-") if part]
    return next((part for part in reversed(digits) if part.isdigit()), said[-80:])


def _post(row: dict[str, Any], above: str | None, number: int, page: Page) -> Post:
    author = next(iter(_listed(row.get("author"))), {})
    name = author.get("name") or (row["author"] if isinstance(row.get("author"), str) else None)
    said = row.get("dateCreated") or row.get("datePublished")
    return Post(
        id=_id(row) or f"p{number}",
        number=number,
        text=_plain(str(row.get("text") or row.get("articleBody") or "")),
        author=str(name) if name else None,
        written=moment(str(said), now=page.fetched) if said else None,
        reply_to=above or None,
        likes=row["upvoteCount"] if isinstance(row.get("upvoteCount"), int) else None,
        url=str(row["url"]) if isinstance(row.get("url"), str) else None,
    )


def _plain(text: str) -> str:
    tree = tree_of(f"<div>{text}</div>") if "<" in text else None
    return words(tree) if tree is not None else text.strip()
