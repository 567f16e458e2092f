"""Stack Exchange: questions, answers and comments of its interface (2.3), and its pages.

The interface lives on a host of its own; `crawler.engines.starts` leads there. A filter that puts
answers and comments into the question answers a thread in one request; with the plain `withbody`
it takes two or three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

from crawler import clean
from crawler.documents import Post, Source, Thread
from crawler.engines.answers import Row, answer, asked, instant, is_json, row, rows, string
from crawler.engines.answers import with_query as _with
from crawler.engines.stackpages import is_page, read_page
from crawler.errors import NothingRead
from crawler.page import Found, Link, Page
from crawler.quoting import blockquoted

__all__ = ["MOST", "PLAIN", "read", "recognises"]

MOST = 100
"""Questions, answers or comments in one answer, and ids in one request."""
PLAIN = "withbody"
"""The filter that everybody may ask with and that brings the texts."""
_KEPT = ("site", "filter")
_SECRET = {"key", "access_token"}
_MARKS = re.compile(r'"(?:question_id|answer_id|comment_id|error_id)"\s*:')
_COMMENTS = re.compile(r"/(?:posts|questions|answers)/([\d;]+)/comments$")
_SHORT = {"mathoverflow": "mathoverflow.net"}
_OWN = {"stackoverflow", "superuser", "serverfault", "askubuntu", "stackapps"}


def recognises(page: Page) -> float:
    """How sure it is that Stack Exchange wrote this page, 0 to 1."""
    if is_json(page):
        is_own = '"quota_remaining"' in page.text or '"error_id"' in page.text
        return 0.95 if (is_own and '"items"' in page.text) or _is_refusal(page) else 0.0
    return 1.0 if is_page(page) else 0.0


def _is_refusal(page: Page) -> bool:
    return '"error_id"' in page.text and '"error_name"' in page.text


def read(page: Page) -> Found:
    """The posts and links of an answer or a page, and how long it asks to be left alone.

    Raises NothingRead where the interface says no.
    """
    if not is_json(page):
        return read_page(page)
    data = row(answer(page))
    if "error_id" in data:
        why = string(data, "error_message") or string(data, "error_name")
        raise NothingRead(f"{page.url}: Stack Exchange says no ({clean.line(why):.200})")
    items = rows(data.get("items"))
    path = urlsplit(page.url).path
    documents: list[Thread] = []
    links: list[Link] = []
    for each in items:
        if clean.whole(each.get("question_id")) and "title" in each:
            links += _of_question(page, each, path, documents)
    if found := _COMMENTS.search(path):
        documents += _comments(page, items, found[1].split(";"))
    elif path.endswith("/answers"):
        documents += _answers(page, items)
        links += _comments_links(page, items)
    links += _next(page, data, documents)
    return Found(documents=tuple(documents), links=tuple(links), pause=_pause(page, data))


def _pause(page: Page, data: Row) -> float:
    """Seconds of its `backoff`; where nothing may be asked today, the rest of the day (UTC)."""
    if data.get("quota_remaining") == 0:
        midnight = page.fetched.replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight + timedelta(days=1, minutes=1) - page.fetched).total_seconds()
    return float(clean.whole(data.get("backoff")) or 0)


def _of_question(page: Page, item: Row, path: str, documents: list[Thread]) -> Iterator[Link]:
    """The thread, where the question was asked for by its number; in lists only its link."""
    number = item["question_id"]
    if not re.search(rf"/questions/(?:\d+;)*{number}(?:;\d+)*$", path):
        yield _thread_link(page, item)
        return
    documents.append(_thread(page, item))
    is_whole = "answers" in item or "comments" in item
    if is_whole:
        return
    thread = _url(page, number, string(item, "link"))
    if clean.whole(item.get("answer_count")):
        url = _api(page, f"questions/{number}/answers", order="asc", sort="creation")
    else:
        url = _api(page, f"posts/{number}/comments", order="asc", sort="creation")
    yield Link(url=url, role="posts", thread=thread)


def _thread_link(page: Page, item: Row) -> Link:
    number = item["question_id"]
    active = item.get("last_activity_date")
    return Link(
        url=_api(page, f"questions/{number}"),
        role="thread",
        thread=_url(page, number, string(item, "link")),
        stamp=f"{active}|{item.get('answer_count')}" if active else None,
        active=instant(active),
        title=unescape(string(item, "title")),
    )


def _api(page: Page, method: str, **query: str) -> str:
    """A method of the interface that answered this page, for the same site and filter."""
    parts = urlsplit(page.url)
    version = re.match(r"(?:/\d\.\d)?", parts.path)
    folder = f"{parts.scheme}://{parts.netloc}{version.group() if version else ''}"
    given = asked(page.url)
    kept = {name: given[name] for name in _KEPT if name in given}
    more = {"pagesize": str(MOST), "page": "1"} if query else {}
    return _with(f"{folder}/{method}", **{"filter": PLAIN, **kept, **query, **more})


def _host(page: Page, link: str = "") -> str:
    """The site a thread is on, by its link or by the `site` that was asked for."""
    stated = urlsplit(link).hostname if clean.is_address(link) else None
    name = stated or asked(page.url).get("site", "").lower()
    if "." in name or not re.fullmatch(r"[a-z0-9-]+", name):
        return name or (urlsplit(page.url).hostname or "import")
    return _SHORT.get(name) or (f"{name}.com" if name in _OWN else f"{name}.stackexchange.com")


def _url(page: Page, question: int, link: str = "") -> str:
    return f"https://{_host(page, link)}/questions/{question}"


def _source(page: Page, question: int, link: str = "") -> Source:
    return Source(
        url=_url(page, question, link),
        site=_host(page, link),
        fetched=page.fetched,
        engine="stackexchange",
    )


def _thread(page: Page, item: Row) -> Thread:
    """The question, with the answers and comments that the filter put into it."""
    number, link = item["question_id"], string(item, "link")
    host = _host(page, link)
    posts = [_post(item, number, 1, None, host)]
    answers = [each for each in rows(item.get("answers")) if clean.whole(each.get("answer_id"))]
    for place, each in enumerate(answers, start=2):
        posts.append(_post(each, each["answer_id"], place, number, host))
    for each in (item, *answers):
        for comment in rows(each.get("comments")):
            if clean.whole(comment.get("comment_id")):
                posts.append(_comment(comment, len(posts) + 1, host))
    count = clean.whole(item.get("answer_count"))
    return Thread(
        source=_source(page, number, link),
        title=unescape(string(item, "title")),
        posts=tuple(posts),
        expected=None if count is None else count + 1,
    )


def _post(item: Row, number: int, place: int, question: int | None, host: str) -> Post:
    text, quotes = blockquoted(string(item, "body"))
    return Post(
        id=str(number),
        number=place,
        text=text,
        author=_author(item),
        written=instant(item.get("creation_date")),
        edited=instant(item.get("last_edit_date")),
        reply_to=str(question) if question else None,
        likes=clean.whole(item.get("score")),
        url=f"https://{host}/{'a' if question else 'q'}/{number}",
        quotes=quotes,
    )


def _author(item: Row) -> str | None:
    return unescape(string(row(item, "owner"), "display_name")) or None


def _comment(item: Row, place: int, host: str) -> Post:
    text, quotes = blockquoted(string(item, "body"))
    above = clean.whole(item.get("post_id"))
    return Post(
        id=f"c{item['comment_id']}",
        number=place,
        text=text,
        author=_author(item),
        written=instant(item.get("creation_date")),
        reply_to=str(above) if above else None,
        likes=clean.whole(item.get("score")),
        url=f"https://{host}/posts/comments/{item['comment_id']}",
        quotes=quotes,
    )


def _answers(page: Page, items: list[Row]) -> Iterator[Thread]:
    by_question: dict[int, list[Post]] = {}
    start = _passed(page) + 2
    for place, each in enumerate(items, start=start):
        question, own = clean.whole(each.get("question_id")), clean.whole(each.get("answer_id"))
        if question and own:
            post = _post(each, own, place, question, _host(page))
            by_question.setdefault(question, []).append(post)
    for question, posts in by_question.items():
        yield Thread(source=_source(page, question), title="", posts=tuple(posts))


def _passed(page: Page) -> int:
    """Items on the pages before this one."""
    query = asked(page.url)
    number, size = query.get("page", "1"), query.get("pagesize", str(MOST))
    is_said = number.isdecimal() and size.isdecimal() and len(number + size) < 9
    return max(0, int(number) - 1) * int(size) if is_said else 0


def _comments_links(page: Page, items: list[Row]) -> Iterator[Link]:
    """Where the comments are: the question's number comes first, to say whose they are."""
    by_question: dict[int, list[int]] = {}
    for each in items:
        question, own = clean.whole(each.get("question_id")), clean.whole(each.get("answer_id"))
        if question and own and "comments" not in each:
            by_question.setdefault(question, []).append(own)
    for question, answers in by_question.items():
        for start in range(0, len(answers), MOST - 1):
            ids = ";".join(map(str, [question, *answers[start : start + MOST - 1]]))
            url = _api(page, f"posts/{ids}/comments", order="asc", sort="creation")
            yield Link(url=url, role="posts", thread=_url(page, question))


def _comments(page: Page, items: list[Row], ids: list[str]) -> Iterator[Thread]:
    question = int(ids[0]) if ids[0] and len(ids[0]) < 10 else 0
    start = len(ids) + 1 + _passed(page)
    known = [each for each in items if clean.whole(each.get("comment_id"))]
    posts = [_comment(each, place, _host(page)) for place, each in enumerate(known, start=start)]
    if question and posts:
        yield Thread(source=_source(page, question), title="", posts=tuple(posts))


def _next(page: Page, data: Row, documents: list[Thread]) -> Iterator[Link]:
    number = asked(page.url).get("page", "1")
    if data.get("has_more") is not True or not number.isdecimal() or len(number) > 6:
        return
    plain = urlsplit(page.url)._replace(query="").geturl()
    further = {**asked(page.url), "page": str(int(number) + 1)}
    url = _with(plain, **{name: value for name, value in further.items() if name not in _SECRET})
    threads = {thread.source.url for thread in documents}
    if not threads:
        yield Link(url=url, role="listing")
    else:
        yield Link(url=url, role="posts", thread=threads.pop() if len(threads) == 1 else None)
