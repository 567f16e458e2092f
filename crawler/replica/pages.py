"""A site and a request become an answer. Pure: no socket, no file, no clock."""

from __future__ import annotations

from crawler.errors import CrawlerError
from crawler.replica import articles, discourse, phpbb, xenforo
from crawler.replica.answer import Answer, Ask
from crawler.replica.content import Press, Site

__all__ = ["Answer", "Ask", "respond"]

FORUMS = {
    "discourse": discourse.respond,
    "phpbb": phpbb.respond,
    "xenforo": xenforo.respond,
}


def respond(site: Site, ask: Ask) -> Answer:
    """What the site answers, in the markup of its software."""
    if isinstance(site, Press):
        return articles.respond(site, ask)
    if site.software not in FORUMS:
        known = ", ".join(FORUMS)
        raise CrawlerError(f"{site.slug}: no replica of {site.software}; known: {known}")
    return FORUMS[site.software](site, ask)
