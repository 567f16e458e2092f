"""Answers as they come, parsed: JSON and XML from outside, refused where they are neither."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from crawler.documents import Study
from crawler.errors import NothingRead
from crawler.page import Page

__all__ = ["json_of", "studies_of", "turned", "xml_of"]


def json_of(page: Page) -> Mapping[str, Any]:
    """The object an answer holds; raises NothingRead where it holds none."""
    try:
        found = json.loads(page.text)
    except (ValueError, RecursionError):
        raise NothingRead("the answer is not JSON") from None
    if not isinstance(found, dict):
        raise NothingRead("the answer is no JSON object")
    return found


def xml_of(page: Page) -> Any:
    """The root of an answer in XML; raises NothingRead where it is none.

    No entity is resolved and nothing is fetched, whatever the document type says.
    """
    from lxml import etree

    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        root = etree.fromstring(page.text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NothingRead("the answer is not XML") from None
    if root is None:
        raise NothingRead("the answer is not XML")
    return root


def studies_of(
    records: Sequence[Any], read: Callable[[Any], Study | None], hits: int | None = None
) -> tuple[Study, ...]:
    """The studies of the records; `read` gives None for a notice on another paper.

    A record that cannot be read is passed over. Raises NothingRead where most cannot, and where
    hits are counted but none is listed: then the form has changed, and nothing is not none.
    """
    if hits and not records:
        raise NothingRead("the answer counts hits but lists none; its form has changed")
    studies, failed = list[Study](), 0
    for record in records:
        try:
            study = read(record)
        except (AttributeError, KeyError, NothingRead, TypeError, ValueError):
            failed += 1
            continue
        studies += [study] if study is not None else []
    if 2 * failed > len(records):
        raise NothingRead(f"{failed} of {len(records)} records cannot be read; their form changed")
    return tuple(studies)


def turned(url: str, **parameters: object) -> str:
    """The address with some parameters of its query set anew."""
    parts = urlsplit(url)
    kept = dict(parse_qsl(parts.query, keep_blank_values=True))
    kept |= {name: str(value) for name, value in parameters.items()}
    return urlunsplit(parts._replace(query=urlencode(kept)))
