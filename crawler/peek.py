"""What an engine reads from one page, for looking at; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from crawler import engines
from crawler.documents import Article, Document, Study, Thread
from crawler.page import Found, Page

if TYPE_CHECKING:
    from crawler.engines.custom import Selectors

__all__ = ["Peek", "peek"]

_bodies: dict[str, TypeAdapter[Any]] = {
    "thread": TypeAdapter(Thread),
    "article": TypeAdapter(Article),
    "study": TypeAdapter(Study),
}
_found = TypeAdapter(Found)


@dataclass(frozen=True, kw_only=True)
class Peek:
    """An engine's reading of a page."""

    url: str
    engine: str
    """The engine that read it: `custom` for selectors, the one asked for, else the surest."""
    sure: Mapping[str, float]
    """How sure each engine is that the page is of its kind, above 0, the surest first."""
    found: Found

    def record(self) -> dict[str, Any]:
        """All of it as JSON takes it."""
        links = [_plain(link) for link in _found.dump_python(self.found, mode="json")["links"]]
        return {
            "url": self.url,
            "engine": self.engine,
            "sure": dict(self.sure),
            "documents": [_document(document) for document in self.found.documents],
            "links": links,
            "gone": list(self.found.gone),
        }


def peek(
    page: Page,
    engine: str | None,
    hide: Callable[[Document], Document],
    selectors: Selectors | None = None,
) -> Peek:
    """What is read from the page, its documents passed through `hide`.

    Raises UnknownEngine, and NothingRead where no engine knows the page.
    """
    sure = {name: _sureness(name, page) for name in engines.ENGINES}
    ranked = sorted(sure.items(), key=lambda each: -each[1])
    found = engines.read(page, engine, selectors)
    return Peek(
        url=page.url,
        engine="custom" if selectors else engine or engines.choose(page) or "",
        sure={name: round(share, 3) for name, share in ranked if share > 0},
        found=replace(found, documents=tuple(map(hide, found.documents))),
    )


def _sureness(name: str, page: Page) -> float:
    try:
        return engines.engine(name).recognises(page)
    except Exception:  # an engine that stumbles over the page is not sure of it
        return 0.0


def _document(document: Document) -> dict[str, Any]:
    kind = type(document).__name__.lower()
    body: dict[str, Any] = _bodies[kind].dump_python(document, mode="json")
    return {"kind": kind, **body}


def _plain(link: dict[str, Any]) -> dict[str, Any]:
    """A link without the fields that say nothing."""
    return {name: value for name, value in link.items() if value not in (None, "", False)}
