"""A page speaks for its own site only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.documents import Article, Source
from crawler.engines.voices import own
from crawler.errors import NothingRead
from crawler.page import Found, Link, Page

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def page(url: str) -> Page:
    return Page(url=url, text="", fetched=NOW)


def article(url: str, site: str) -> Article:
    source = Source(url=url, site=site, fetched=NOW, engine="article")
    return Article(source=source, title="Heels", text="Rest them.")


@pytest.mark.parametrize(
    ("speaker", "site"),
    [
        ("heels.example", "heels.example"),
        ("m.heels.example", "www.heels.example"),
        ("oauth.reddit.com", "www.reddit.com"),
        ("hn.algolia.com", "news.ycombinator.com"),
        ("api.stackexchange.com", "fitness.stackexchange.com"),
        ("127.0.0.1:8740", "heels.example"),
    ],
)
def test_page_speaks_for_its_own_site(speaker: str, site: str) -> None:
    """In another dress, through its interface, or from this machine."""
    found = Found(documents=(article(f"https://{site}/a", site),), gone=(f"https://{site}/b",))
    assert own(page(f"https://{speaker}/x"), found) == found


@pytest.mark.parametrize(
    ("speaker", "site"),
    [
        ("evil.example", "heels.example"),
        ("evil.example", "www.reddit.com"),
        ("oauth.reddit.com", "heels.example"),
        ("api.stackexchange.com", "heels.example"),
        ("api.stackexchange.com", "stackexchange.com.evil.example"),
        ("heels.example.evil.example", "heels.example"),
    ],
)
def test_page_cannot_write_or_remove_what_is_anothers(speaker: str, site: str) -> None:
    """Neither documents, nor deletions, nor pieces of threads."""
    other, url = article(f"https://{site}/a", site), f"https://{speaker}/x"
    with pytest.raises(NothingRead, match="belongs to"):
        own(page(url), Found(documents=(other,)))
    mine = article(f"https://{speaker}/a", speaker)
    link = Link(url=f"https://{speaker}/2", role="posts", thread=f"https://{site}/t/1")
    found = Found(documents=(mine, other), gone=(f"https://{site}/b",), links=(link,))
    assert own(page(url), found) == Found(documents=(mine,))
