"""Where to begin with an ordinary address whose forum answers applications on another host.

Forums that answer them on their own host need nothing of this: their pages lead there. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from crawler.engines.answers import asked, with_query

__all__ = ["REDDIT", "STACK", "start_for"]

REDDIT = "https://oauth.reddit.com"
STACK = "https://api.stackexchange.com/2.3"
SEARCH = "https://hn.algolia.com/api/v1"
_STACK_HOSTS = re.compile(
    r"(?:[a-z0-9-]+\.stackexchange\.com|(?:www\.)?(?:stackoverflow|superuser|serverfault|askubuntu"
    r"|stackapps)\.com|mathoverflow\.net|[a-z]{2}\.stackoverflow\.com)"
)
_STACK_OWN = {"api.stackexchange.com", "data.stackexchange.com", "chat.stackexchange.com"}
_NAME = r"[A-Za-z0-9_]{2,40}"


def start_for(url: str) -> tuple[str, ...]:
    """The addresses of the interface that answer what the page shows; none where it needs none.

    `https://www.reddit.com/r/NAME`, `https://news.ycombinator.com/item?id=1`,
    `https://fitness.stackexchange.com/questions/tagged/hip-pain` and their like. The crawl begins
    there instead, as a site of that host.
    """
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ()
    for suits, made in _HOSTS:
        if suits(host):
            return made(url, host)
    return ()


def _reddit(url: str, host: str) -> tuple[str, ...]:
    path = urlsplit(url).path
    if found := re.search(r"/comments/([0-9a-z]{1,16})(?:/|$)", path, re.I):
        whole = f"{REDDIT}/comments/{found[1].lower()}"
        return (with_query(whole, limit=500, sort="old", raw_json=1),)
    group = re.match(rf"/r/({_NAME}(?:\+{_NAME})*)(?:/(search|new|hot|top|rising)?|$)", path)
    if group is None:
        return ()
    asks = asked(url)
    if group[2] == "search" and asks.get("q"):
        query: dict[str, str | int] = {
            "q": asks["q"],
            "restrict_sr": 1,
            "sort": "new",
            "limit": 100,
            "raw_json": 1,
        }
        return (with_query(f"{REDDIT}/r/{group[1]}/search", **query),)
    kind = group[2] if group[2] in ("hot", "top", "rising") else "new"
    return (with_query(f"{REDDIT}/r/{group[1]}/{kind}", limit=100, raw_json=1),)


def _short_reddit(url: str, host: str) -> tuple[str, ...]:
    found = re.match(r"/([0-9a-z]{1,16})/?$", urlsplit(url).path, re.I)
    return _reddit(f"https://{host}/comments/{found[1]}", host) if found else ()


def _hacker_news(url: str, host: str) -> tuple[str, ...]:
    item = asked(url).get("id", "") if host == "news.ycombinator.com" else ""
    if found := re.search(r"/v0/item/(\d{1,12})", urlsplit(url).path):
        item = found[1]
    if re.fullmatch(r"\d{1,12}", item) and "/user" not in urlsplit(url).path:
        return (f"{SEARCH}/items/{item}",)
    query = asked(url).get("query") or asked(url).get("q") or ""
    stories = f"{SEARCH}/search_by_date?tags=story&hitsPerPage=1000&page=0"
    return (with_query(stories, query=query) if query else stories,)


def _stack(url: str, host: str) -> tuple[str, ...]:
    path, site = urlsplit(url).path, host.removeprefix("www.")
    if found := re.match(r"/(?:questions|q)/(\d{1,12})(?:/|$)", path):
        return (with_query(f"{STACK}/questions/{found[1]}", site=site, filter="withbody"),)
    query: dict[str, str | int] = {
        "site": site, "filter": "withbody", "order": "desc", "sort": "activity",
        "pagesize": 100, "page": 1,
    }  # fmt: skip
    if found := re.match(r"/questions/tagged/([^/]+)", path):
        tags = ";".join(re.split(r"[+ ]| or |%20or%20", found[1]))
        return (with_query(f"{STACK}/questions", tagged=tags, **query),)
    if path.rstrip("/") == "/search" and asked(url).get("q"):
        return (with_query(f"{STACK}/search/advanced", q=asked(url)["q"], **query),)
    return (with_query(f"{STACK}/questions", **query),)


_HOSTS: tuple[tuple[Callable[[str], bool], Callable[[str, str], tuple[str, ...]]], ...] = (
    (lambda host: re.fullmatch(r"(?:[a-z]+\.)?reddit\.com", host) is not None
        and host != "oauth.reddit.com", _reddit),
    (lambda host: host == "redd.it", _short_reddit),
    (lambda host: host in ("news.ycombinator.com", "hacker-news.firebaseio.com"), _hacker_news),
    (lambda host: _STACK_HOSTS.fullmatch(host) is not None and host not in _STACK_OWN, _stack),
)  # fmt: skip
