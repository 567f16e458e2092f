"""Pages of Stack Exchange as readers see them: a question with its answers, a list of questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted, Source, Thread
from crawler.engines.answers import iso
from crawler.engines.markup import (
    absolute,
    first,
    number,
    own_words,
    select,
    text_of,
    tree_of,
    words,
)
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["is_page", "read_page"]

_ASKED = re.compile(r"/questions/(\d{1,9})(?:/|$)")


def is_page(page: Page) -> bool:
    """Whether it looks like a page of the network, whatever its host is called."""
    own = "sstatic.net/" in page.text
    return own and ('id="question"' in page.text or "js-post-summary" in page.text
                    or "question-summary" in page.text)  # fmt: skip


def read_page(page: Page) -> Found:
    """The thread, or the threads it lists."""
    tree = tree_of(page.text)
    if tree is None:
        return Found()
    shown = first(tree, "#question[data-questionid]")
    further = first(tree, "a[rel=next][href]")
    onward = absolute(tree, page.url, further.get("href")) if further is not None else ""
    if shown is None:
        links = list(_links(page, tree))
        links += [Link(url=onward, role="listing")] if onward else []
        return Found(links=tuple(links))
    thread = _thread(page, tree, shown)
    url = thread.source.url
    return Found(
        documents=(thread,),
        links=(Link(url=onward, role="posts", thread=url),) if onward else (),
    )


def _links(page: Page, tree: HtmlElement) -> Iterator[Link]:
    for row in select(tree, ".js-post-summary, .question-summary"):
        title = first(row, "h3 a[href]")
        url = absolute(tree, page.url, title.get("href")) if title is not None else ""
        found = _ASKED.search(urlsplit(url).path)
        if found:
            thread = f"https://{site_of(page.url)}/questions/{found[1]}"
            yield Link(url=url, role="thread", thread=thread, title=text_of(title))


def _thread(page: Page, tree: HtmlElement, shown: HtmlElement) -> Thread:
    host = site_of(page.url)
    question = number(shown.get("data-questionid") or "") or 0
    posts = list(_posts(shown, question, 1, None, host))
    for each in select(tree, ".answer[data-answerid]"):
        own = number(each.get("data-answerid") or "") or 0
        posts += _posts(each, own, len(posts) + 1, question, host)
    answers = first(tree, "#answers-header [data-answercount]")
    count = number(answers.get("data-answercount") or "") if answers is not None else None
    return Thread(
        source=Source(
            url=f"https://{host}/questions/{question}",
            site=host,
            fetched=page.fetched,
            engine="stackexchange",
        ),
        title=text_of(first(tree, "#question-header h1", "h1")),
        posts=tuple(posts),
        expected=None if count is None else count + 1,
    )


def _posts(
    node: HtmlElement, own: int, place: int, question: int | None, host: str
) -> Iterator[Post]:
    """A question or an answer, and the comments below it."""
    body = first(node, ".js-post-body", ".post-text")
    if body is None or not own:
        return
    text, quotes = own_words(body, _instead)
    signed = select(node, ".post-signature, .user-info")
    dates = select(node, ".user-info .relativetime[title]")
    vote = first(node, ".js-vote-count")
    yield Post(
        id=str(own),
        number=place,
        text=text,
        author=_author(signed[-1]) if signed else None,
        written=_date(dates[-1]) if dates else None,
        edited=_date(dates[0]) if len(dates) > 1 else None,
        reply_to=str(question) if question else None,
        likes=number(vote.get("data-value") or text_of(vote)) if vote is not None else None,
        url=f"https://{host}/{'a' if question else 'q'}/{own}",
        quotes=quotes,
    )
    for n, comment in enumerate(select(node, "li.comment[data-comment-id]"), start=place + 1):
        yield from _comment(comment, n, own, host)


def _instead(node: HtmlElement) -> Quoted | None:
    return Quoted(text=words(node)) if node.tag == "blockquote" else None


def _author(signed: HtmlElement) -> str | None:
    return text_of(first(signed, ".user-details a", ".user-details [itemprop=name]")) or None


def _date(node: HtmlElement | None) -> datetime | None:
    return iso((node.get("title") or "").partition(",")[0]) if node is not None else None


def _comment(node: HtmlElement, place: int, above: int, host: str) -> Iterator[Post]:
    body = first(node, ".comment-copy")
    own = number(node.get("data-comment-id") or "")
    if body is None or not own:
        return
    text, quotes = own_words(body, _instead)
    score = number(node.get("data-comment-score") or "")
    yield Post(
        id=f"c{own}",
        number=place,
        text=text,
        author=text_of(first(node, ".comment-user")) or None,
        written=_date(first(node, ".relativetime-clean[title]", ".comment-date [title]")),
        reply_to=str(above),
        likes=score,
        url=f"https://{host}/posts/comments/{own}",
        quotes=quotes,
    )
