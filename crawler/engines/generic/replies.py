"""What stands beside a post: whom it answers, how many liked it, when it was changed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from lxml.html import HtmlElement

from crawler.engines.dates import moment
from crawler.engines.generic.blocks import Block
from crawler.engines.generic.outline import Outline
from crawler.engines.generic.patterns import DATE, pattern
from crawler.engines.markup import number, text_of

__all__ = ["above", "edited", "is_edit_note", "likes"]

_NOTE = 160
"""Characters up to which a part may be a note that the post was changed."""


def is_edit_note(node: HtmlElement) -> bool:
    """Whether an element only says by whom and when its post was changed."""
    said = text_of(node) if len(node) < 6 else ""
    return 0 < len(said) < _NOTE and bool(pattern("drop", "edit").match(said.lstrip("([ *")))


def edited(flat: Outline, block: Block, now: datetime, spoken: str) -> datetime | None:
    """When the block says it was changed last."""
    for piece in flat.pieces(flat.span(block.top)):
        text = flat.text[piece].strip()
        if len(text) > _NOTE or not pattern("drop", "edit").match(text.lstrip("([ *")):
            continue
        near = " ".join(flat.text[i].strip() for i in range(piece, min(piece + 4, len(flat.text))))
        found = DATE.search(near[: 2 * _NOTE])
        if found:
            tries = (near[found.start() :][:30], found.group())
            return next((w for t in tries if (w := moment(t, now=now, language=spoken))), None)
    return None


def above(flat: Outline, blocks: Sequence[Block], ids: Sequence[str]) -> list[str | None]:
    """For each block the id of the one it stands under, or names as the one it answers."""
    boxes = [_box(flat, block) for block in blocks]
    shared = Counter(boxes)
    found: list[str | None] = []
    for place, box in enumerate(boxes):
        holders = [
            other
            for other in range(place)
            if shared[boxes[other]] == 1
            and boxes[other] != box
            and flat.start[boxes[other]] <= flat.start[box] < flat.end[boxes[other]]
        ]
        nearest = max(holders, key=lambda other: flat.start[boxes[other]], default=None)
        is_under = nearest is not None and (nearest > 0 or not _holds_all(flat, boxes))
        found.append(ids[nearest] if is_under and nearest is not None else None)
    return [one or _pointed(flat, blocks[i], ids, ids[i]) for i, one in enumerate(found)]


def _box(flat: Outline, block: Block) -> int:
    """The smallest element that holds the body, the name and the date of a block."""
    parts = [block.body, *(m.node for m in (block.name, block.date) if m is not None)]
    first = min(flat.start[p] for p in parts)
    last = max(flat.end[p] for p in parts)
    around = (block.body, *flat.up(block.body))
    return next((up for up in around if flat.start[up] <= first and flat.end[up] >= last), 0)


def _holds_all(flat: Outline, boxes: Sequence[int]) -> bool:
    """Whether the first post's box is only the list of all of them."""
    return all(flat.end[boxes[0]] >= flat.end[box] for box in boxes)


def _pointed(flat: Outline, block: Block, ids: Sequence[str], own: str) -> str | None:
    for node in flat.elements(block.zone):
        each = flat.nodes[node]
        href = each.get("href") or ""
        found = re.search(r"#[^\d#]*+(\d++)$", href) if each.tag == "a" else None
        if found and found[1] != own and found[1] in ids and _answers(flat, node):
            return found[1]
    return None


def _answers(flat: Outline, node: int) -> bool:
    above_it = flat.parent[node]
    marks = " ".join(flat.names[n] for n in (node, above_it) if n >= 0)
    near = flat.said(flat.span(above_it))[:80] if above_it >= 0 else ""
    return bool(
        pattern("reply", "to").search(f"{marks} {near} {flat.nodes[node].get('title') or ''}")
    )


def likes(flat: Outline, blocks: Sequence[Block]) -> list[int | None]:
    """How many liked each post, where a part of most blocks counts it."""
    places: dict[str, dict[int, int]] = defaultdict(dict)
    for place, block in enumerate(blocks):
        for node in flat.elements(flat.span(block.top)):
            said = flat.said(flat.span(node)) if _is_count(flat, node) else ""
            value = number(said) if re.fullmatch(r"\W*\d[\d.,]*\W*[^\W\d]{0,12}\W*", said) else None
            if value is not None and flat.start[node] < flat.end[block.top]:
                places[flat.sign(node)].setdefault(place, value)
    best = max(places.values(), key=len, default={})
    is_usual = 2 * len(best) >= len(blocks) and len(blocks) > 1
    return [best.get(place) if is_usual else None for place in range(len(blocks))]


def _is_count(flat: Outline, node: int) -> bool:
    each = flat.nodes[node]
    name = f"{flat.names[node]} {each.get('itemprop') or ''}"
    is_liking = pattern("reply", "like").search(name) or each.get("itemprop") == "upvoteCount"
    return bool(is_liking) and flat.size(flat.span(node)) < 25 and not _is_of_person(flat, node)


def _is_of_person(flat: Outline, node: int) -> bool:
    steps = [node, *[up for up, _ in zip(flat.up(node), range(3), strict=False)]]
    return any(
        re.search(r"user|author|profile|member|poster|rep", flat.names[s], re.I) for s in steps
    )
