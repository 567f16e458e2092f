"""Addresses of forums: what they ask for, with sessions taken out and private areas left aside."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from lxml.html import HtmlElement

from crawler.engines.markup import absolute
from crawler.sites import bare, site_of

__all__ = ["asked", "base_of", "inside", "is_private", "with_asked", "without"]

_SESSIONS = frozenset({"s", "sid", "PHPSESSID", "phpsessid", "highlight", "hilit"})
_PRIVATE = re.compile(
    r"/(?:members?|memberlist|profiles?|log-?[io]n|sign-?in|register|lost-?password|account|search"
    r"|calendar|conversations?|messenger|inbox|ucp|mcp|usercp|find-new|whats-new)(?:\.php\b|/|$)"
    r"|/(?:private|pm|sendmessage|sendpm|newreply|newthread|newattachment|posting|report|online"
    r"|subscription|faq|misc|attachment|activity|profile|editpost|userlist|viewonline)\.php\b",
    re.I,
)
"""Doors by their path; common words only as scripts, since forums bear them as names too."""
_PRIVATE_ASKED = re.compile(
    r"^(?:profile|mlist|login2?|register2?|signup|search2?|calendar|pm|help|stats|who|post2?|reporttm"
    r"|sendtopic|unread|unreadreplies|recent|printpage|notify|markasread|lofi)$",
    re.I,
)


def asked(url: str) -> dict[str, str]:
    """The query of an address by name, parted by `&` or `;`, as forums do both."""
    query = urlsplit(url).query.replace(";", "&")
    return dict(parse_qsl(query, keep_blank_values=True))


def without(url: str, *names: str) -> str:
    """The address without its fragment, its session and the named parts of its query."""
    parts = urlsplit(url)
    gone = _SESSIONS.union(names)
    kept = [pair for pair in re.split(r"[&;]", parts.query) if pair.split("=")[0] not in gone]
    return urlunsplit((*parts[:3], "&".join(pair for pair in kept if pair), ""))


def with_asked(url: str, **query: str | int) -> str:
    """The address of the same file with this query alone."""
    parts = urlsplit(url)
    return urlunsplit((*parts[:3], urlencode(query), ""))


def base_of(url: str, file: str = "") -> str:
    """The folder of an address, and a file in it."""
    parts = urlsplit(url)
    folder = parts.path.rpartition("/")[0]
    return f"{parts.scheme}://{parts.netloc}{folder}/{file}"


def inside(tree: HtmlElement, page_url: str, href: str | None) -> str:
    """Where a link leads, without session; empty where it leaves the site or is private."""
    url = absolute(tree, page_url, href)
    if not url or bare(site_of(url)) != bare(site_of(page_url)) or is_private(url):
        return ""
    return without(url)


def is_private(url: str) -> bool:
    """Whether an address is of persons, searches or forms, which are never followed."""
    parts = urlsplit(url)
    action = asked(url).get("action", "")
    return bool(_PRIVATE.search(unquote(parts.path)) or _PRIVATE_ASKED.match(action))
