"""Our own lines (docs/formats.md): a document a line."""

from __future__ import annotations

import re

from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.lines import first_object, objects
from crawler.rows import read_object
from crawler.streams import Stream

__all__ = ["read", "recognises"]

_KIND = re.compile(rb'^\s*\{[^\n]{0,2000}"kind"\s*:\s*"(?:thread|article)"')


def recognises(head: bytes) -> float:
    """0.9 where the first object says it is one of our documents."""
    known = first_object(head).get("kind") in ("thread", "article")
    return 0.9 if known or _KIND.match(head) else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """The document of every line."""
    for number, row in objects(stream):
        if isinstance(row, NothingRead):
            yield row
            continue
        try:
            yield read_object(row, given.source("jsonl", number))
        except NothingRead as error:
            yield NothingRead(f"line {number}: {error}")
