"""For whom a page speaks: for its own site, lest one site write or remove what another said."""

from __future__ import annotations

import re
from dataclasses import replace

from crawler.errors import NothingRead
from crawler.hosts import is_loopback, site_of
from crawler.page import Found, Page

__all__ = ["own"]

_SAME = re.compile(r"^(?:www|m|mobile|amp)\.")
"""The same site in other dress."""
_INTERFACES = {
    "oauth.reddit.com": re.compile(r"reddit\.com"),
    "hn.algolia.com": re.compile(r"news\.ycombinator\.com"),
    "hacker-news.firebaseio.com": re.compile(r"news\.ycombinator\.com"),
    "api.stackexchange.com": re.compile(
        r"(?:(?<![\w-])[\w-]++\.)?(?:stackexchange|stackoverflow|serverfault|superuser|askubuntu|stackapps)"
        r"\.com|mathoverflow\.net"
    ),
}
"""Hosts that answer for other hosts, and for which."""


def own(page: Page, found: Found) -> Found:
    """What a page says of its own site; a file of the user's and this machine may say anything.

    Raises NothingRead where every document of the page would be another site's.
    """
    speaker = site_of(page.url)
    if not speaker or is_loopback(speaker):
        return found

    def may(url: str | None) -> bool:
        return url is None or _speaks(speaker, site_of(url))

    documents = tuple(
        each
        for each in found.documents
        if may(each.source.url) and _speaks(speaker, each.source.site)
    )
    if found.documents and not documents:
        where = site_of(found.documents[0].source.url)
        raise NothingRead(f"{page.url}: says it belongs to {where}; collect it from there")
    return replace(
        found,
        documents=documents,
        gone=tuple(url for url in found.gone if may(url)),
        links=tuple(link for link in found.links if may(link.thread)),
    )


def _speaks(speaker: str, site: str) -> bool:
    if _SAME.sub("", speaker) == _SAME.sub("", site):
        return True
    of = _INTERFACES.get(speaker)
    return of is not None and of.fullmatch(_SAME.sub("", site)) is not None
