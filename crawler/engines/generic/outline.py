"""A page flattened: elements and pieces of text in order, with spans that answer fast."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml.html import HtmlElement

from crawler.engines.generic.patterns import pattern

__all__ = ["Outline", "Span", "flatten", "is_framed", "tokens"]

_SKIPPED = {"script", "style", "template", "select", "option", "textarea", "svg", "head", "iframe"}
_REPEATS = 3
"""Times from which a text is a label."""
_SENTENCE = 30
"""Characters from which a text is a sentence rather than a label."""
_MOST = 16_000
"""Elements of a page that are looked at; one with a thousand posts has fewer."""
_DEPTH = 400
"""Nesting below which nothing is looked at; pages of people do not go there."""
_SPACE = re.compile(r"\s+")
_IDLE = re.compile(r"^(?:odd|even|first|last|alt|clear\w*|clearfix|row|col|active|unread|read)$")

Span = tuple[int, int]
"""From a place to before a place, in the order of the page."""


@dataclass
class Outline:
    """Elements by number in order; `start` and `end` are places, shared with pieces of text."""

    nodes: list[HtmlElement] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Class and id of the element, in one text."""
    at: list[int] = field(default_factory=list)
    """Places of the pieces of text."""
    owner: list[int] = field(default_factory=list)
    """Element each piece stands in directly."""
    text: list[str] = field(default_factory=list)
    sums: list[int] = field(default_factory=lambda: [0])
    """Characters of the pieces before each piece, so that a span's is a difference."""
    linked: list[int] = field(default_factory=lambda: [0])
    """The same for characters inside links."""
    fresh: list[int] = field(default_factory=lambda: [0])
    """The same for characters outside links in pieces that the page does not keep repeating."""
    nth: list[int] = field(default_factory=list)
    """Which of its tag among its siblings each element is, from 0."""
    signs: list[str] = field(default_factory=list)
    number: dict[HtmlElement, int] = field(default_factory=dict)

    def span(self, node: int) -> Span:
        """Where the element stands."""
        return self.start[node], self.end[node]

    def pieces(self, span: Span) -> range:
        """Numbers of the pieces of text in a span."""
        return range(bisect_left(self.at, span[0]), bisect_left(self.at, span[1]))

    def elements(self, span: Span) -> range:
        """Numbers of the elements that begin in a span."""
        return range(bisect_left(self.start, span[0]), bisect_left(self.start, span[1]))

    def size(self, span: Span) -> int:
        """Characters of text in a span."""
        pieces = self.pieces(span)
        return self.sums[pieces.stop] - self.sums[pieces.start]

    def link_size(self, span: Span) -> int:
        """Characters of text inside links in a span."""
        pieces = self.pieces(span)
        return self.linked[pieces.stop] - self.linked[pieces.start]

    def words(self, span: Span) -> int:
        """Characters of what is said only here: no links, no labels that come with every post."""
        pieces = self.pieces(span)
        return self.fresh[pieces.stop] - self.fresh[pieces.start]

    def said(self, span: Span) -> str:
        """The text of a span on one line."""
        return " ".join(" ".join(self.text[i] for i in self.pieces(span)).split())

    def whole(self) -> Span:
        """Where the body of the page stands."""
        body = next((i for i, node in enumerate(self.nodes) if node.tag == "body"), 0)
        return self.span(body) if self.nodes else (0, 0)

    def up(self, node: int) -> Iterator[int]:
        """The elements around one, from the nearest."""
        while (node := self.parent[node]) >= 0:
            yield node

    def sign(self, node: int) -> str:
        """Tag and first class of an element without figures: alike for parts that play one role."""
        return self.signs[node]


def tokens(node: HtmlElement) -> list[str]:
    """Classes of an element without their figures and without those that only alternate."""
    found = (re.sub(r"\d+", "", name) for name in (node.get("class") or "").split())
    return [name for name in found if name and not _IDLE.match(name)]


def _sign(node: HtmlElement) -> str:
    kind = next(iter(tokens(node)), "")
    prop = node.get("itemprop") or ""
    return f"{node.tag}.{kind}{'@' + prop if prop else ''}"


def flatten(root: HtmlElement) -> Outline:
    """The page in order; scripts, styles and forms' choices are left out."""
    flat = Outline()
    place = 0
    counts: Counter[tuple[int, str]] = Counter()

    def piece(text: str | None, owner: int, is_linked: bool) -> None:
        nonlocal place
        if text and not text.isspace():
            size = len(text.strip())
            flat.at.append(place)
            flat.owner.append(owner)
            flat.text.append(_SPACE.sub(" ", text))
            flat.sums.append(flat.sums[-1] + size)
            flat.linked.append(flat.linked[-1] + (size if is_linked else 0))
            place += 1

    stack: list[tuple[HtmlElement, int, bool, int]] = [(root, -1, False, 0)]
    while stack:
        node, above, linked, depth = stack.pop()
        if depth < 0:  # the element is over: its tail belongs to the one around it
            mine = flat.number.get(node)
            if mine is not None:
                flat.end[mine] = place
            piece(node.tail, above, linked)
            continue
        is_over = depth > _DEPTH or len(flat.nodes) >= _MOST
        if is_over or not isinstance(node.tag, str) or node.tag in _SKIPPED:
            piece(node.tail if depth else None, above, linked)
            continue
        number = len(flat.nodes)
        flat.number[node] = number
        flat.nodes.append(node)
        flat.parent.append(above)
        flat.start.append(place)
        flat.end.append(place)
        flat.names.append(f"{node.get('class') or ''} {node.get('id') or ''}")
        flat.nth.append(counts[above, node.tag])
        flat.signs.append(_sign(node))
        counts[above, node.tag] += 1
        place += 1
        if depth:
            stack.append((node, above, linked, -1))
        inside = linked or node.tag == "a"
        piece(node.text, number, inside)
        stack.extend((child, number, inside, depth + 1) for child in reversed(node))
    if flat.nodes:
        flat.end[0] = place
    _freshen(flat)
    return flat


def _freshen(flat: Outline) -> None:
    # Short texts that differ by their figures are counters; of long ones each may be meant.
    keys = [
        re.sub(r"[\W\d_]+", "", text).lower() if len(text) < _SENTENCE else text
        for text in flat.text
    ]
    times = Counter(keys)
    signed = _signed(flat)
    for i, key in enumerate(keys):
        size = flat.sums[i + 1] - flat.sums[i]
        own = size - (flat.linked[i + 1] - flat.linked[i])
        is_fresh = times[key] < _REPEATS and i not in signed
        flat.fresh.append(flat.fresh[-1] + (own if is_fresh else 0))


def _signed(flat: Outline) -> set[int]:
    """Pieces of signatures, which are no part of what a post says."""
    found: set[int] = set()
    for node, name in enumerate(flat.names):
        if "sig" in name.lower() and pattern("drop", "signature").search(name):
            found.update(flat.pieces(flat.span(node)))
    return found


def is_framed(page: Outline, node: int) -> bool:
    """Whether an element stands in a side bar, a menu, a foot: in little of the page's text."""
    aside = pattern("body", "aside")
    most = 0.6 * page.size(page.whole())
    for up in (node, *page.up(node)):
        tag = page.nodes[up].tag
        if tag in ("nav", "aside", "footer"):
            return True
        is_aside = tag not in ("body", "html") and aside.search(page.names[up])
        if is_aside and page.size(page.span(up)) < most:
            return True
    return False
