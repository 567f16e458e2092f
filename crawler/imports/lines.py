"""JSON lines: the objects of a file, one a line, and what it is told by. No reader's taste."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from crawler.errors import NothingRead
from crawler.streams import LONGEST, Stream

__all__ = ["first_object", "objects", "parsed"]


def first_object(head: bytes) -> Mapping[str, Any]:
    """The first line of a file's beginning that is an object; an empty one where none is."""
    for line in head.split(b"\n")[:20]:
        try:
            found = parsed(line)
        except NothingRead:
            continue
        if found:
            return found
    return {}


def objects(
    stream: Stream, wanted: re.Pattern[bytes] | None = None
) -> Iterator[tuple[int, Mapping[str, Any] | NothingRead]]:
    """Number and object of each line, or why it is none; empty lines are passed over.

    `wanted` is what a line must hold to be looked at: cheaper than parsing it.
    """
    for number, line in enumerate(stream.records(), start=1):
        if line is None:
            yield number, NothingRead(f"line {number}: longer than {LONGEST:,} bytes")
        elif line.strip() and (wanted is None or wanted.search(line)):
            try:
                yield number, parsed(line)
            except NothingRead as error:
                yield number, NothingRead(f"line {number}: {error}")


def parsed(line: bytes) -> Mapping[str, Any]:
    """The object of a line; raises NothingRead with the cause."""
    try:
        found = json.loads(line.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise NothingRead(f"not JSON ({error})") from None
    if not isinstance(found, dict):
        raise NothingRead("no JSON object")
    return found
