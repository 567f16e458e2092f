"""Lemmy: its interface (`/api/v3`), which the pages are only a client of.

The opening post is known as `post-ID`, a comment by its id alone: the two are counted apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from crawler import clean
from crawler.documents import Post, Source, Thread
from crawler.engines.answers import Row, answer, asked, is_json, iso, row, rows, string, with_query
from crawler.engines.marked import own_marked
from crawler.errors import NothingRead
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

MOST = 50
"""Posts or comments in one answer."""
MOST_PAGES = 20_000
_OWN = re.compile(r'"(?:ap_id|actor_id)"\s*:')
_KINDS = re.compile(r'"(?:post_view|comment_view|posts|comments)"\s*:')
_MARKS = ('class="lemmy-site', 'id="app" class="lemmy', "window.isoData", 'content="Lemmy')


def recognises(page: Page) -> float:
    """How sure it is that Lemmy wrote this page, 0 to 1."""
    if is_json(page):
        is_own = _OWN.search(page.text) and _KINDS.search(page.text) and '"creator"' in page.text
        return 0.95 if is_own else 0.0
    return 0.95 if any(mark in page.text for mark in _MARKS) else 0.0


def read(page: Page) -> Found:
    """The posts and links of an answer; of a page only where its interface is."""
    parts = urlsplit(page.url)
    base = f"{parts.scheme}://{parts.netloc}"
    if not is_json(page):
        return Found(links=(_better(base, parts.path),))
    data = row(answer(page))
    if row(data, "post_view"):
        return _read_post(page, row(data, "post_view"), base)
    if row(data, "comment_view"):
        return Found(links=tuple(_thread_links(base, [row(data, "comment_view")])))
    if isinstance(data.get("comments"), list):
        return _read_comments(page, rows(data["comments"]), base)
    if isinstance(data.get("posts"), list):
        return _read_list(page, data, rows(data["posts"]), base)
    raise NothingRead(f"{page.url}: an answer of Lemmy with no posts in it")


def _better(base: str, path: str) -> Link:
    """Where the interface answers what the page shows."""
    api = f"{base}/api/v3"
    if found := re.match(r"/post/(\d+)", path):
        url = f"{api}/post?id={found[1]}"
        return Link(url=url, role="better", thread=f"{base}/post/{found[1]}")
    if found := re.match(r"/comment/(\d+)", path):
        return Link(url=f"{api}/comment?id={found[1]}", role="better")
    whose = "type_=Local"
    if found := re.match(r"/c/([\w.@%:-]+)", path):
        whose = f"community_name={quote(found[1], safe='@')}&type_=All"
    return Link(url=f"{api}/post/list?{whose}&sort=NewComments&limit={MOST}", role="better")


def _read_list(page: Page, data: Row, posts: list[Row], base: str) -> Found:
    links = list(_thread_links(base, posts))
    cursor, place = string(data, "next_page"), asked(page.url).get("page", "1")
    if cursor:
        links.append(Link(url=with_query(page.url, page_cursor=cursor), role="listing"))
    elif "next_page" not in data and len(posts) >= MOST and place.isdecimal():
        links.append(Link(url=with_query(page.url, page=int(place) + 1), role="listing"))
    gone = [_url(base, each) for each in posts if _is_gone(row(each, "post"))]
    return Found(links=tuple(links), gone=tuple(gone))


def _url(base: str, view: Row) -> str:
    return f"{base}/post/{clean.whole(row(view, 'post').get('id')) or 0}"


def _thread_links(base: str, views: list[Row]) -> Iterator[Link]:
    for view in views:
        post, counts = row(view, "post"), row(view, "counts")
        number = clean.whole(post.get("id"))
        if not number or _is_gone(post):
            continue
        last = counts.get("newest_comment_time")
        state = (counts.get("comments"), last, post.get("updated"))
        yield Link(
            url=f"{base}/api/v3/post?id={number}",
            role="thread",
            thread=_url(base, view),
            stamp="|".join(map(str, state)) if "comments" in counts else None,
            active=iso(last),
            title=string(post, "name"),
            pinned=True in (post.get("featured_community"), post.get("featured_local")),
        )


def _is_gone(given: Row) -> bool:
    return given.get("deleted") is True or given.get("removed") is True


def _source(page: Page, url: str) -> Source:
    return Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="lemmy")


def _read_post(page: Page, view: Row, base: str) -> Found:
    post, counts = row(view, "post"), row(view, "counts")
    number = clean.whole(post.get("id"))
    if not number:
        raise NothingRead(f"{page.url}: a post of Lemmy without a number")
    url = _url(base, view)
    comments = clean.whole(counts.get("comments")) or 0
    is_gone = _is_gone(post)
    thread = Thread(
        source=_source(page, url),
        title=string(post, "name"),
        posts=() if is_gone else (_opening(view, number, url),),
        expected=comments + 1,
    )
    pages = range(1, min(-(-comments // MOST), MOST_PAGES) + 1)
    links = [Link(url=_comments(base, number, n), role="posts", thread=url) for n in pages]
    return Found(documents=(thread,), links=tuple(links), gone=(url,) if is_gone else ())


def _comments(base: str, post: int, page: int) -> str:
    query = f"post_id={post}&type_=All&sort=Old&limit={MOST}&page={page}"
    return f"{base}/api/v3/comment/list?{query}"


def _opening(view: Row, number: int, url: str) -> Post:
    post = row(view, "post")
    text, quotes = own_marked(string(post, "body"))
    return Post(
        id=f"post-{number}",
        number=1,
        text=text,
        author=_author(view),
        written=iso(post.get("published")),
        edited=iso(post.get("updated")),
        likes=clean.whole(row(view, "counts").get("score")),
        url=url,
        quotes=quotes,
    )


def _author(view: Row) -> str | None:
    """The name, with the home of those who come from elsewhere: names are unique at home only."""
    creator = row(view, "creator")
    name, home = string(creator, "name"), site_of(string(creator, "actor_id"))
    is_guest = creator.get("local") is False and home
    return f"{name}@{home}" if name and is_guest else name or None


def _read_comments(page: Page, views: list[Row], base: str) -> Found:
    """Comments of one post, or of several where the newest of a community are asked for."""
    query = asked(page.url)
    place = int(query["page"]) if query.get("page", "").isdecimal() else 1
    start = (min(place, MOST_PAGES) - 1) * MOST + 2
    threads: dict[str, list[Post]] = {}
    titles: dict[str, str] = {}
    gone = []
    for number, view in enumerate(views, start=start):
        comment, url = row(view, "comment"), _url(base, view)
        if clean.whole(comment.get("id")) is None or not clean.whole(row(view, "post").get("id")):
            continue
        titles[url] = string(row(view, "post"), "name")
        said = threads.setdefault(url, [])
        if _is_gone(comment):
            gone.append(f"{base}/comment/{comment['id']}")
        else:
            said.append(_comment(view, number, base))
    documents = tuple(
        Thread(source=_source(page, url), title=titles[url], posts=tuple(said))
        for url, said in threads.items()
    )
    links: tuple[Link, ...] = ()
    if len(views) >= MOST and query.get("post_id", "").isdecimal() and len(threads) == 1:
        following = _comments(base, int(query["post_id"]), place + 1)
        links = (Link(url=following, role="posts", thread=next(iter(threads))),)
    return Found(documents=documents, links=links, gone=tuple(gone))


def _comment(view: Row, number: int, base: str) -> Post:
    comment = row(view, "comment")
    text, quotes = own_marked(string(comment, "content"))
    above = re.findall(r"\d+", string(comment, "path"))[1:-1]
    opening = f"post-{row(view, 'post')['id']}"
    return Post(
        id=str(comment["id"]),
        number=number,
        text=text,
        author=_author(view),
        written=iso(comment.get("published")),
        edited=iso(comment.get("updated")),
        reply_to=above[-1] if above else opening,
        likes=clean.whole(row(view, "counts").get("score")),
        url=f"{base}/comment/{comment['id']}",
        quotes=quotes,
    )
