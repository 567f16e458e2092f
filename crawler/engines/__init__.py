"""The engines by name, and the choice of one by looking at a page.

An engine is a module with two pure functions: `recognises(page)` says how sure it is, 0 to 1, that
its forum software wrote the page; `read(page)` says what is on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from crawler import clean
from crawler.engines import voices
from crawler.errors import CrawlerError, NothingRead
from crawler.page import Found, Page

if TYPE_CHECKING:
    from crawler.engines.custom import Selectors

__all__ = ["ENGINES", "Engine", "UnknownEngine", "choose", "engine", "read"]

ENGINES: Mapping[str, str] = {
    "discourse": "crawler.engines.discourse",
    "flarum": "crawler.engines.flarum",
    "nodebb": "crawler.engines.nodebb",
    "lemmy": "crawler.engines.lemmy",
    "reddit": "crawler.engines.reddit",
    "stackexchange": "crawler.engines.stackexchange",
    "hackernews": "crawler.engines.hackernews",
    "hyperkitty": "crawler.engines.hyperkitty",
    "xenforo": "crawler.engines.xenforo",
    "phpbb": "crawler.engines.phpbb",
    "vbulletin": "crawler.engines.vbulletin",
    "smf": "crawler.engines.smf",
    "vanilla": "crawler.engines.vanilla",
    "invision": "crawler.engines.invision",
    "mybb": "crawler.engines.mybb",
    "fluxbb": "crawler.engines.fluxbb",
    "phorum": "crawler.engines.phorum",
    "generic": "crawler.engines.generic",
    "article": "crawler.engines.article",
}
"""Name to module. Engines of known software come first, the one that takes any page last."""

SURE = 0.15
"""Up to this no engine is used."""
CERTAIN = 0.9
"""From this on no other engine is asked."""
GUESSES: Mapping[str, float] = {"generic": 0.65, "article": 0.6}
"""Engines that take time to look at a page, and the most that they say of any."""

MOST_TEXT = 20_000_000
"""Characters of the largest page that is read."""
MOST_TAGS = 80_000
"""Tags of the largest page that is read: a tree takes a hundred times the room of its text."""


class UnknownEngine(CrawlerError):
    """No engine has that name."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The two functions of an engine."""

    name: str
    recognises: Callable[[Page], float]
    read: Callable[[Page], Found]


def engine(name: str) -> Engine:
    """The engine of that name; raises UnknownEngine with the names there are."""
    if name not in ENGINES:
        raise UnknownEngine(f"no engine is called {name!r}; known are {', '.join(sorted(ENGINES))}")
    module = import_module(ENGINES[name])
    return Engine(name=name, recognises=module.recognises, read=module.read)


def choose(page: Page) -> str | None:
    """Name of the engine that is surest of the page; None where none is."""
    best, most = None, SURE
    for name in ENGINES:
        if most >= GUESSES.get(name, 1.0):
            continue
        sure = engine(name).recognises(page)
        if sure > most:
            best, most = name, sure
        if sure >= CERTAIN:
            break  # the guesses that come after it cost time
    return best


def read(page: Page, name: str | None = None, selectors: Selectors | None = None) -> Found:
    """What the user's selectors, the named engine, or else the surest finds.

    Raises NothingRead where no engine is sure, or where no selector finds anything.
    """
    if len(page.text) > MOST_TEXT or page.text.count("<") > MOST_TAGS:
        raise NothingRead(f"{page.url}: more than a page holds ({len(page.text):,} characters)")
    page = replace(page, text=clean.markup(page.text))
    if selectors is not None:
        from crawler.engines import custom

        return _sound(page, custom.read(page, selectors))
    chosen = name or choose(page)
    if chosen is None:
        raise NothingRead(f"{page.url}: no engine knows this page ({page.content_type})")
    return _sound(page, engine(chosen).read(page))


def _sound(page: Page, found: Found) -> Found:
    """What was found, fit to be stored and followed; raises NothingRead for an unfit address."""
    for document in found.documents:
        if not clean.is_address(document.source.url):
            raise NothingRead(f"{page.url!a}: no web address; use http or https")
    found = voices.own(page, found)
    return replace(
        found,
        documents=tuple(clean.sound(document) for document in found.documents),
        links=tuple(link for link in found.links if clean.is_address(link.url)),
    )
