"""HyperKitty, the archive of Mailman 3: its interface (`/api`), which answers one mail at a time.

A mail is known by the short form of its message id, as in the mbox files of the same archive
(`crawler.imports.mail`), which bring a whole list in one request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, unquote, urlsplit

from crawler import clean
from crawler.documents import Post, Source, Thread
from crawler.engines.answers import (
    Row,
    answer,
    asked,
    is_json,
    iso,
    joined,
    key,
    row,
    rows,
    string,
    with_query,
)
from crawler.errors import NothingRead
from crawler.imports.mail import own_letter
from crawler.page import Found, Link, Page
from crawler.sites import site_of

__all__ = ["read", "recognises"]

_PLACE = re.compile(r"^(?P<base>.*?)/(?:api/)?list/(?P<list>[^/@]+@[^/]+)")
_THREAD = re.compile(r"/thread/(?P<id>[A-Za-z0-9]+)")
_MAIL = re.compile(r"/(?:message|email)/(?P<id>[A-Za-z0-9]+)")
_OWN = ('"mailinglist"', '"message_id_hash"', '"thread_id"')
_ANSWERED = re.compile(r"^(?:(?:re|aw|sv|fwd?)(?:\[\d+\])?\s?:\s*|\[[^\[\]\n]{1,60}\]\s*)+", re.I)


def recognises(page: Page) -> float:
    """How sure it is that HyperKitty wrote this page, 0 to 1."""
    if is_json(page):
        is_lists = '"list_id"' in page.text and '"fqdn_listname"' in page.text
        is_own = '"mailinglist"' in page.text and any(mark in page.text for mark in _OWN[1:])
        return 0.95 if is_own or (is_lists and '"results"' in page.text) else 0.0
    marks = ("static/hyperkitty/", "hyperkitty/css", "HyperKitty")
    return 0.9 if sum(mark in page.text for mark in marks) > 1 else 0.0


def read(page: Page) -> Found:
    """The mails and links of an answer; of a page only where its interface is."""
    if not is_json(page):
        return _better(page)
    data = row(answer(page))
    if "message_id_hash" in data and "content" in data:
        return _read_mail(page, data)
    if "thread_id" in data:
        return Found(links=tuple(_threads(page, [data])))
    results = rows(data.get("results"))
    links = [*_threads(page, results), *_mails(page, results), *_lists(page, results)]
    following = string(data, "next")
    if following:
        place = _thread_of(page.url)
        url = joined(page.url, following)
        links.append(
            Link(url=url, role="posts", thread=place) if place else Link(url=url, role="listing")
        )
    if not links and "results" not in data:
        raise NothingRead(f"{page.url}: an answer of HyperKitty with no mails in it")
    return Found(links=tuple(links))


def _better(page: Page) -> Found:
    """Where the interface answers what the page shows."""
    parts = urlsplit(page.url)
    place = _PLACE.match(parts.path)
    start = f"{parts.scheme}://{parts.netloc}"
    if place is None:
        folder = re.match(r".*?/(?:hyperkitty|archives)(?=/|$)", parts.path)
        url = f"{start}{folder.group() if folder else ''}/api/lists/?format=json"
        return Found(links=(Link(url=url, role="better"),))
    api = f"{start}{place['base']}/api/list/{place['list']}"
    if thread := _THREAD.search(parts.path):
        url, known = f"{api}/thread/{thread['id']}/emails/", _thread_of(page.url)
    elif mail := _MAIL.search(parts.path):
        url, known = f"{api}/email/{mail['id']}/", ""
    else:
        url, known = f"{api}/threads/", ""
    return Found(links=(Link(url=f"{url}?format=json", role="better", thread=known or None),))


def _thread_of(url: str, name: str = "") -> str:
    """Canonical address of a thread by any address below it; empty where there is none."""
    parts = urlsplit(url)
    place = _PLACE.match(parts.path)
    found = _THREAD.search(name or parts.path)
    if place is None or found is None:
        return ""
    start = f"{parts.scheme}://{parts.netloc}{place['base']}"
    return f"{start}/list/{unquote(place['list'])}/thread/{found['id']}/"


def _api(page: Page, path: str) -> str:
    """An address of the interface on the list that answered."""
    parts = urlsplit(page.url)
    place = _PLACE.match(parts.path)
    start = f"{place['base']}/api/list/{place['list']}" if place else ""
    return f"{parts.scheme}://{parts.netloc}{start}/{path}?format=json"


def _threads(page: Page, results: list[Row]) -> Iterator[Link]:
    for each in results:
        name = key(each.get("thread_id"))
        if not name:
            continue
        last, count = string(each, "date_active"), clean.whole(each.get("replies_count"))
        yield Link(
            url=_api(page, f"thread/{quote(name)}/emails/"),
            role="thread",
            thread=_thread_of(page.url, f"/thread/{name}/") or None,
            stamp=f"{last}|{count}" if last else None,
            active=iso(last),
            title=_subject(each),
        )


def _mails(page: Page, results: list[Row]) -> Iterator[Link]:
    """The mails of a thread, in its order: the place goes with the address, for no mail says it."""
    query = asked(page.url)
    number = query.get("page", "1")
    passed = (int(number) - 1) * max(1, len(results)) if re.fullmatch(r"\d{1,6}", number) else 0
    for place, each in enumerate(results, start=max(0, passed) + 1):
        name = key(each.get("message_id_hash"))
        thread = _thread_of(page.url, string(each, "thread"))
        if name and thread:
            url = with_query(_api(page, f"email/{quote(name)}/"), place=place)
            yield Link(url=url, role="posts", thread=thread)


def _lists(page: Page, results: list[Row]) -> Iterator[Link]:
    for each in results:
        name = string(each, "fqdn_listname") or string(each, "name")
        if re.fullmatch(r"[^/@\s]+@[^/@\s]+", name) and "list_id" in each:
            folder = page.url.partition("/api/")[0]
            yield Link(url=f"{folder}/api/list/{name}/threads/?format=json", role="listing")


def _subject(given: Row) -> str:
    return _ANSWERED.sub("", clean.line(string(given, "subject"))[:1000])


def _read_mail(page: Page, mail: Row) -> Found:
    name = key(mail.get("message_id_hash"))
    url = _thread_of(page.url, string(mail, "thread"))
    if not name or not url:
        raise NothingRead(f"{page.url}: a mail of HyperKitty without its thread")
    parent = _MAIL.search(string(mail, "parent"))
    place = asked(page.url).get("place", "")
    text, quotes = own_letter(string(mail, "content"))
    above = parent["id"] if parent else None
    likes = row(mail, "votes").get("likes")
    post = Post(
        id=name,
        number=int(place) if re.fullmatch(r"[1-9]\d{0,6}", place) else 2 if above else 1,
        text=text,
        author=string(mail, "sender_name") or string(row(mail, "sender"), "address") or None,
        written=iso(mail.get("date")),
        reply_to=above,
        likes=clean.whole(likes),
        url=f"{url.partition('/thread/')[0]}/message/{name}/",
        quotes=tuple(replace(each, post=above) for each in quotes),
    )
    source = Source(url=url, site=site_of(page.url), fetched=page.fetched, engine="hyperkitty")
    title = _subject(mail) if above is None else ""
    return Found(documents=(Thread(source=source, title=title, posts=(post,)),))
