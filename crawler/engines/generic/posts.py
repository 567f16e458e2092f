"""Blocks into posts: own words, quotes, identity, likes, edits, who answers whom."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urldefrag, urljoin

from lxml.html import HtmlElement

from crawler.documents import Post, Quoted
from crawler.engines.dates import moment
from crawler.engines.generic import replies
from crawler.engines.generic.blocks import Block
from crawler.engines.generic.outline import Outline
from crawler.engines.generic.patterns import DATE, pattern
from crawler.engines.markup import is_in_place, own_words, text_of, words
from crawler.page import Page

__all__ = ["posts_of"]

_NOTES = {"p", "div", "em", "i", "small", "span", "font", "time"}
OPENING = "opening"
"""Id of a post above the answers that carries no mark of its own."""
_MARK = re.compile(r"^data-(?:[\w-]*[-_])?(?:id|uid|postid|pid|commentid|messageid|node-?id)$")
_OTHERS = re.compile(
    r"user|author|member|owner|parent|topic|thread|forum|avatar|profile|poster", re.I
)
"""Words in a mark that numbers something else than the post."""


def posts_of(
    page: Page, flat: Outline, blocks: Sequence[Block], spoken: str, title: str, first: int
) -> list[Post]:
    """The posts of the blocks, numbered from `first`; a heading with the title is none of them."""
    ids = _ids(flat, blocks)
    spoken = _order_of_days(blocks, spoken)
    written = [_written(block, page.fetched, spoken) for block in blocks]
    said = [_said(flat, block, title) for block in blocks]
    sure = _named(blocks, [text for text, _ in said], ids)
    above, liked = replies.above(flat, blocks, sure), replies.likes(flat, blocks)
    return [
        Post(
            id=sure[place],
            number=first + place,
            text=said[place][0],
            author=block.name.value if block.name else None,
            written=written[place],
            edited=replies.edited(flat, block, page.fetched, spoken),
            reply_to=above[place],
            likes=liked[place],
            url=_permalink(page, flat, block, ids[place]),
            quotes=said[place][1],
        )
        for place, block in enumerate(blocks)
    ]


def _named(blocks: Sequence[Block], texts: Sequence[str], ids: Sequence[str | None]) -> list[str]:
    """An id for every block: its own, else one made of what it says."""
    found: list[str] = []
    for place, (block, text) in enumerate(zip(blocks, texts, strict=True)):
        own = ids[place] or (OPENING if place == 0 and any(ids) else _fingerprint(block, text))
        found.append(own if own not in found else f"{own}.{place}")
    return found


def _said(flat: Outline, block: Block, title: str) -> tuple[str, tuple[Quoted, ...]]:
    """Own words of a block and its quotes; the name and date within a body are left out."""
    body = flat.nodes[block.body]
    hidden = {flat.nodes[m.node] for m in (block.name, block.date) if m is not None} - {body}

    def instead(node: HtmlElement) -> str | Quoted | None:
        is_title = node.tag in ("h1", "h2", "h3") and text_of(node).endswith(title or "\0")
        return "" if node in hidden or is_title else _instead(node)

    text, quotes = own_words(body, instead)
    return without_signature(text), quotes


def without_signature(text: str) -> str:
    """The text before the line that old boards draw above a signature."""
    if is_in_place():
        return text
    return re.split(r"\n[^\S\n]*(?:_{6,}|-{12,}|={12,}|-- )\s*(?=\n)", text)[0].rstrip() or text


def _instead(node: HtmlElement) -> str | Quoted | None:
    name = f"{node.get('class') or ''} {node.get('id') or ''}"
    if node.tag == "blockquote" or pattern("drop", "quote").search(name):
        if node.tag in ("a", "span", "button", "li", "i") and len(text_of(node)) < 25:
            return ""
        return _quoted(node)
    if name.strip() and pattern("drop", "block").search(name):
        return ""
    return "" if node.tag in _NOTES and replies.is_edit_note(node) else None


def _quoted(node: HtmlElement) -> Quoted:
    said = words(node)
    found = pattern("drop", "quoter").match(said)
    target = next((t for a in node.iter("a") if (t := _target(a.get("href") or ""))), None)
    own = said[found.end() :].lstrip(" :\n") if found else said
    return Quoted(text=own or said, author=found[1].strip() if found else None, post=target)


def _target(href: str) -> str | None:
    found = re.search(r"(?:#|[?&]p(?:id|ost)?=)\D{0,12}(\d+)$", href)
    return found[1] if found else None


def _order_of_days(blocks: Sequence[Block], spoken: str) -> str:
    """The language, as the British write it where the figures of the dates show the day first."""
    if spoken.partition("-")[0] not in ("", "en") or spoken in ("en-us", "en-ca"):
        return spoken
    pairs = [
        (int(m[1]), int(m[2]), m[3])
        for block in blocks
        if block.date
        and (m := re.search(r"\b(\d{1,2})[./-](\d{1,2})[./-](\d{2,4})\b", block.date.value))
    ]
    if not pairs or any(second > 12 for _, second, _ in pairs):
        return spoken
    months_first = [(year, first, second) for first, second, year in pairs]
    days_first = [(year, second, first) for first, second, year in pairs]
    is_ordered, is_swapped = (sorted(d) in (d, d[::-1]) for d in (months_first, days_first))
    is_closer = _spread(days_first) < 0.2 * _spread(months_first)
    is_day = any(first > 12 for first, _, _ in pairs)
    return "en-gb" if is_day or (is_swapped and (is_closer or not is_ordered)) else spoken


def _spread(days: Sequence[tuple[str, int, int]]) -> int:
    """Days between the first and the last of some dates, roughly."""
    counted = [372 * int(year) + 31 * month + day for year, month, day in days]
    return max(counted) - min(counted)


def _written(block: Block, now: datetime, spoken: str) -> datetime | None:
    text = block.date.value if block.date else None
    found = DATE.search(text or "")
    near = re.search(r"^.*?\d[:.h]\d\d(?::\d\d)?(?:\s*[ap]\.?m\b)?", text or "", re.I)
    bare = text[found.start() :] if text and found else None  # words before it take time
    tries = (bare, text, near and near.group(), found and found.group())
    return next((w for t in tries if t and (w := moment(t, now=now, language=spoken))), None)


def _ids(flat: Outline, blocks: Sequence[Block]) -> list[str | None]:
    """The number each block carries, from the first kind of mark that tells all of them apart."""
    marks = [_marks(flat, block) for block in blocks]
    for kind in dict.fromkeys(kind for found in marks for kind in found):
        values = [found.get(kind) for found in marks]
        if None not in values and len(set(values)) == len(values) and not _are_places(values):
            return values
    best = dict.fromkeys(kind for found in marks for kind in found)
    taken: list[str | None] = [None] * len(blocks)
    for kind in best:
        values = [found.get(kind) for found in marks]
        stated = [v for v in values if v is not None]
        is_mark = len(set(stated)) == len(stated) >= 0.6 * len(values) and len(stated) > 1
        if is_mark and not _are_places(stated):
            return values
    return taken


def _are_places(values: Sequence[str | None]) -> bool:
    """Whether marks only count the posts of this page, as those of every page then would."""
    numbers = [int(value) for value in values if value is not None]
    return numbers[0] <= 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _marks(flat: Outline, block: Block) -> dict[str, str]:
    """Numbers of a block by the kind of mark that holds them: its id, an anchor, a link to it."""
    found: dict[str, str] = {}
    around = [block.body, *_between(flat, block)]
    for node in reversed(around):
        _mark(flat.nodes[node], found)
    for number_of in flat.elements(block.zone):
        _mark(flat.nodes[number_of], found)
    return found


def _between(flat: Outline, block: Block) -> list[int]:
    found = []
    for up in flat.up(block.body):
        if flat.start[up] < flat.start[block.top]:
            break
        found.append(up)
    return found


def _mark(node: HtmlElement, found: dict[str, str]) -> None:
    for key in (*(k for k in node.attrib if _MARK.match(k)), "id", "name"):
        value = node.get(key) or ""
        if _OTHERS.search(value if key == "id" else key):
            continue
        digits = re.search(r"^(.*?)(\d+)\D*$", value)
        if digits and (key != "name" or node.tag == "a") and len(digits[2]) < 20:
            found.setdefault(f"{key}:{re.sub(r'[0-9]', '', digits[1])}", digits[2])
    href = node.get("href") or ""
    linked = re.search(
        r"#([a-z_-]*)(\d+)$|[?&](p|pid|post|postid|msg|comment|reply_?id)=(\d+)", href, re.I
    )
    if linked:
        found.setdefault(f"href:{linked[1] or linked[3]}", linked[2] or linked[4])


def _permalink(page: Page, flat: Outline, block: Block, own: str | None) -> str | None:
    """A link in the block that leads to the block itself."""
    if own is None:
        return None
    for node in flat.elements(block.zone):
        href = flat.nodes[node].get("href") or ""
        if href and re.search(
            rf"(?:#\D{{0,20}}|[?&/](?:p|pid|post|postid|comment)[=/]){own}$", href
        ):
            try:
                return str(urljoin(urldefrag(page.url).url, href))
            except ValueError:
                return None
    return None


def _fingerprint(block: Block, text: str) -> str:
    """An identity for a post whose block has none, the same on every visit."""
    key = f"{block.date.value if block.date else ''}\0{text[:40]}"
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12]
