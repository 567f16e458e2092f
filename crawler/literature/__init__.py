"""Literature services by name: what is asked of each, and how its answers are read. All pure.

A service is a module with `HOST`, its address; `SEARCHES`, whether it finds studies or only checks
those already found; `pause(has_key, has_contact)`, least seconds between two requests as the
service asks for; `secrets(environment, contact)`, parameters added as a request is sent and kept
nowhere; `queries(wanted)` and `read(page)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from crawler.errors import CrawlerError
from crawler.literature.queries import Found, Query, Wanted
from crawler.page import Page

__all__ = ["SERVICES", "Service", "UnknownService", "service"]

SERVICES: Mapping[str, str] = {
    "europepmc": "crawler.literature.europepmc",
    "pubmed": "crawler.literature.pubmed",
    "openalex": "crawler.literature.openalex",
    "clinicaltrials": "crawler.literature.clinicaltrials",
    "crossref": "crawler.literature.crossref",
}
"""Name to module, in the order they are asked."""


class UnknownService(CrawlerError):
    """No service of that name."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A literature service."""

    name: str
    host: str
    """Address its own addresses begin with."""
    searches: bool
    """Whether it finds studies; one that does not only checks those that others found."""
    key: str
    """Variable of the environment that may hold a key; empty where there are none."""
    needs_key: bool
    pause: Callable[[bool, bool], float]
    """Least seconds between two requests, with or without a key and a contact."""
    secrets: Callable[[Mapping[str, str], str], Mapping[str, str]]
    queries: Callable[[Wanted], tuple[Query, ...]]
    read: Callable[[Page], Found]


def service(name: str) -> Service:
    """The service of that name; raises UnknownService, which lists the known ones."""
    if name not in SERVICES:
        known = ", ".join(SERVICES)
        raise UnknownService(f"no literature service is called {name!a}; known are {known}")
    module: Any = import_module(SERVICES[name])
    return Service(
        name=name,
        host=module.HOST,
        searches=module.SEARCHES,
        key=module.KEY,
        needs_key=module.NEEDS_KEY,
        pause=module.pause,
        secrets=module.secrets,
        queries=module.queries,
        read=module.read,
    )
