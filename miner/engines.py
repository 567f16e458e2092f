"""What turns a document into claims, by name. Parts are loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from crawler.documents import Document
from miner.errors import UnknownPart
from miner.model import Claim
from miner.shipped import verify

__all__ = ["DEFAULT", "ENGINES", "Engine", "load"]

DEFAULT = "offline"
ENGINES: dict[str, str] = {
    DEFAULT: "miner.claims:Extractor",
    "fast": "miner.quick:extractor",
    "endpoint": "miner.asked:Asked",
}
GROUP = "folkgrade.claims"
"""Entry points of this group add engines by name: functions that give back an `Engine`."""


class Engine(Protocol):
    """Anything that finds claims. The same document and version give the same claims."""

    @property
    def version(self) -> str:
        """Changes whenever what is found may change: part of the key under which it is kept."""

    def extract(self, document: Document) -> list[Claim]:
        """The claims of one document in order of place."""


def load(name: str = DEFAULT, **settings: Any) -> Engine:
    """The engine of that name, made with its settings; UnknownPart for a name nobody knows.

    Of ours the shipped weights are checked: ModelRefused where they are not those shipped.
    """
    parts = {**ENGINES, **{part.name: part.value for part in entry_points(group=GROUP)}}
    if name not in parts:
        known = ", ".join(sorted(parts))
        raise UnknownPart(f"no engine named {name!r}: known are {known}")
    if name in ENGINES:
        verify()
    module, _, attribute = parts[name].partition(":")
    return cast("Callable[..., Engine]", getattr(import_module(module), attribute))(**settings)
