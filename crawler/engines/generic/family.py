"""Families of bodies that look alike: the zone of each, its writer and date, and how they rate."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crawler.engines.generic import fields
from crawler.engines.generic.fields import Field, Mention, Mentions
from crawler.engines.generic.outline import Outline, Span, is_framed
from crawler.engines.generic.patterns import DATE, pattern

__all__ = ["Block", "Family", "family_of", "is_named_body", "teasing_of"]

_FEW = 4
"""Bodies up to which one that is none of them, such as a heading, weighs much."""
_WORDS = 40
"""Characters that a post which stands alone has at least."""
_LABEL = 22
"""Characters that posts have on average at least; what stands in lists of members is shorter."""


@dataclass(frozen=True)
class Block:
    """One post on the page."""

    body: int
    zone: Span
    top: int
    """The element its zone grew from: the widest one around the body that holds no other post."""
    name: Mention | None
    date: Mention | None


@dataclass(frozen=True)
class Family:
    """Bodies that look alike, with what was found around them."""

    bodies: tuple[int, ...]
    tops: tuple[int, ...]
    zones: tuple[Span, ...]
    names: Field
    dates: Field
    value: float
    inside: bool
    """Whether name or date stand within the body."""

    @property
    def least(self) -> float:
        """Share of the bodies that have a name, or a date, whichever is less."""
        return min(self.names.share, self.dates.share)

    def blocks(self) -> list[Block]:
        """The posts of the family."""
        both = zip(
            self.bodies,
            self.tops,
            self.zones,
            self.names.mentions,
            self.dates.mentions,
            strict=True,
        )
        found = [Block(body, zone, top, name, date) for body, top, zone, name, date in both]
        return [block for block in found if block.name is not None or block.date is not None]


def is_named_body(page: Outline, node: int) -> bool:
    """Whether an element is named as one that holds the words of a post."""
    each = page.nodes[node]
    name = f"{page.names[node]} {each.get('itemprop') or ''} {each.get('data-role') or ''}"
    return bool(pattern("body", "good").search(name)) and not pattern("body", "bad").search(name)


def family_of(
    page: Outline, bodies: tuple[int, ...], others: Sequence[int], said: Mentions
) -> Family | None:
    """The bodies with their zones, names and dates, rated; None where too little repeats."""
    tops = _tops(page, bodies, others)
    tried: list[tuple[float, Family]] = []
    for inside in (False, True):
        for place, zones in enumerate(_zonings(page, bodies, tops)):
            family = _filled(page, bodies, tops, zones, inside, said)
            weight = 10 * round(family.least, 1) + min(5, family.names.weight) - 0.7 * place
            tried.append((weight + min(5, family.dates.weight), family))
            if family.least >= 0.8 and min(family.names.weight, family.dates.weight) >= 3.6:
                break
        if max(family.least for _, family in tried) >= 0.6:
            break
    best = max(tried, key=lambda pair: pair[0])[1]
    filled = tuple(block.body for block in best.blocks())
    if best.least < 0.9 and 0 < len(filled) < len(bodies) <= _FEW and not best.inside:
        return family_of(page, filled, others, said)  # the rest are headings of the same make
    if best.least < 0.5:
        return None
    return replace(best, value=_value(page, best) - _mixing(said, best, page))


def _mixing(said: Mentions, family: Family, page: Outline) -> float:
    """What counts against bodies that hold the head of a post too, or several posts."""
    spans = [page.span(body) for body in family.bodies]
    crowd = max(0.0, _persons(said, family, spans) - 2)
    if len(spans) == 1:
        inside = [m for m in said.within("dates", spans[0], (0, 0)) if m.weight >= 1]
        is_weak = family.names.weight < 4.5 or family.dates.weight < 3.2
        is_short = page.words(spans[0]) < _WORDS
        marks = (2.0, inside), (3.0, family.inside), (3.0, is_weak or is_short)
        return 1.0 + sum(w for w, is_so in marks if is_so) + crowd
    if sum(page.words(span) for span in spans) < _LABEL * len(spans):
        crowd += 1.0 if is_named_body(page, family.bodies[0]) else 2.0
    if len(spans) == 2 and (family.names.weight < 4.5 or family.dates.weight < 3.2):
        crowd += 1.0 if is_named_body(page, family.bodies[0]) else 2.0
    if family.inside:
        is_patchy = len(spans) <= _FEW and family.least < 0.9
        return 0.9 + crowd + (3.0 if is_patchy or _says_little(page, family) else 0.0)
    dates = fields.fill([said.within("dates", s, (0, 0)) for s in spans], _rate_dates)
    is_head = dates.share >= 0.8 and dates.weight >= family.dates.weight - 0.5
    return crowd + (1.5 if is_head else 0.0)


def _says_little(page: Outline, family: Family) -> bool:
    """Whether bodies that hold names and dates hold hardly anything else."""
    rows = zip(family.bodies, family.names.mentions, family.dates.mentions, strict=True)
    told = sum(
        len(mention.value)
        for body, *both in rows
        for mention in both
        if mention is not None and page.start[body] <= mention.at < page.end[body]
    )
    whole = sum(page.size(page.span(body)) for body in family.bodies)
    return whole - told < _LABEL / 2 * len(family.bodies)


def _persons(said: Mentions, family: Family, spans: Sequence[Span]) -> float:
    """How many persons stand beside each body, in the middle: beside a post it is its writer."""
    counts = [
        len({m.value for m in said.within("names", zone, span) if m.weight >= 2.5})
        for zone, span in zip(family.zones, spans, strict=True)
    ]
    return max(counts) if len(counts) < 3 else sorted(counts)[len(counts) // 2]


def _tops(page: Outline, bodies: tuple[int, ...], others: Sequence[int]) -> tuple[int, ...]:
    """For each body the widest element around it without another body."""
    starts = sorted({page.start[b] for b in (*bodies, *others)})
    tops = [_widest(page, body, starts) for body in bodies]
    usual = Counter(page.sign(top) for top in tops).most_common(1)[0][0]
    return tuple(_like(page, body, top, usual) for body, top in zip(bodies, tops, strict=True))


def _widest(page: Outline, body: int, starts: list[int]) -> int:
    top = body
    limit = 4 * page.size(page.span(body)) + 2500
    for up in page.up(body):
        inside = bisect_left(starts, page.end[up]) - bisect_left(starts, page.start[up])
        if page.nodes[up].tag in ("body", "html", "main") or inside > 1:
            break
        if len(starts) == 1 and page.size(page.span(up)) > limit:
            break
        top = up
    return top


def _like(page: Outline, body: int, top: int, usual: str) -> int:
    """The element between body and top that looks as most tops do, else the top."""
    if page.sign(top) == usual:
        return top
    for up in (body, *page.up(body)):
        if page.sign(up) == usual and page.start[up] >= page.start[top]:
            return up
    return top


def _zonings(
    page: Outline, bodies: tuple[int, ...], tops: tuple[int, ...]
) -> Iterator[tuple[Span, ...]]:
    """Each top alone; with what stands before it; with what stands after it."""
    own = tuple(page.span(top) for top in tops)
    yield own
    if len(own) < 2:
        start, _ = page.span(max(0, page.parent[tops[0]]))
        yield ((start, own[0][1]),)
        return
    around = next(
        (up for up in page.up(tops[0]) if page.end[up] >= own[-1][1]), page.parent[tops[0]]
    )
    first, last = page.span(max(0, around))
    yield tuple((own[i - 1][1] if i else first, span[1]) for i, span in enumerate(own))
    yield tuple(
        (span[0], own[i + 1][0] if i + 1 < len(own) else last) for i, span in enumerate(own)
    )


def _filled(
    page: Outline,
    bodies: tuple[int, ...],
    tops: tuple[int, ...],
    zones: tuple[Span, ...],
    inside: bool,
    said: Mentions,
) -> Family:
    hidden = [(0, 0) if inside else page.span(body) for body in bodies]
    pairs = list(zip(zones, hidden, strict=True))
    dates = fields.fill([said.within("dates", z, h) for z, h in pairs], _rate_dates)
    names = fields.fill([said.within("names", z, h) for z, h in pairs], _rate_names)
    return Family(bodies, tops, zones, names, dates, 0.0, inside)


def _rate_dates(mentions: Sequence[Mention]) -> float:
    weight = sum(m.weight for m in mentions) / len(mentions)
    different = len({m.value for m in mentions}) / len(mentions)
    return weight + 0.5 * different


def _rate_names(mentions: Sequence[Mention]) -> float:
    weight = sum(m.weight for m in mentions) / len(mentions)
    different = len({m.value for m in mentions})
    if len(mentions) > 2 and different == 1 and weight < 1.6:
        weight -= 3.0
    return weight + min(1.0, different / len(mentions) * 1.5)


def _value(page: Outline, family: Family) -> float:
    """How much the family looks like the posts of a thread."""
    bodies, tops, names, dates = family.bodies, family.tops, family.names, family.dates
    spans = [page.span(body) for body in bodies]
    whole = page.whole()
    words = sum(page.words(s) for s in spans)
    total = max(1, page.words(whole))
    linked = sum(page.link_size(s) for s in spans) / max(1, sum(page.size(s) for s in spans))
    said = [page.said(s)[:300] for s in spans]
    value = 3.0 * math.sqrt(min(1.0, words / total)) + 0.35 * math.log(len(bodies))
    value += 2.0 * names.share + 2.0 * dates.share - 2.0
    value += 0.25 * min(4.0, max(-4.0, names.weight - 3.0)) + 0.2 * min(3.0, dates.weight - 3.0)
    value += 0.8 * sum(is_named_body(page, b) for b in bodies) / len(bodies)
    value += 0.5 if any(pattern("body", "block").search(page.names[t]) for t in tops[:3]) else 0.0
    value -= 3.0 * max(0.0, linked - 0.3)
    value -= 2.0 * (1 - len(set(said)) / len(said)) if len(said) > 1 else 0.3
    teasing = teasing_of(page, family)
    value -= 6.0 * teasing if teasing >= 0.5 else 0.0
    value -= 2.0 if any(is_framed(page, t) for t in tops[:2]) else 0.0
    return value - (4.0 if family.least < 0.6 else 0.0)


def teasing_of(page: Outline, family: Family, least: int = 3) -> float:
    """Share of blocks under a title of their own that leads to a page of its own.

    Rows of a list and extracts have one; posts share the title of their thread.
    """
    places: dict[str, list[str]] = defaultdict(list)
    for block in family.blocks():
        seen: set[str] = set()
        for node in page.elements(page.span(block.top)):
            said_before = page.start[block.body], page.start[node]
            if page.words(said_before) > (60 if family.inside else 8):
                break  # a title stands above; in the words are links, below those who liked them
            sign = _title_sign(page, node, block)
            if sign and sign not in seen:
                seen.add(sign)
                places[sign].append(_plain_title(page.said(page.span(node))))
    count = max(1, sum(b.name is not None and b.date is not None for b in family.blocks()))
    shares = [
        len(set(said)) / count
        for said in places.values()
        if len(set(said)) >= max(min(least, count), 0.7 * len(said))
    ]
    return min(1.0, max(shares, default=0.0)) if len(family.bodies) > 1 or least < 2 else 0.0


def _plain_title(said: str) -> str:
    return re.sub(r"^(?:re|aw)\s*:\s*", "", said.lower())


def _title_sign(page: Outline, node: int, block: Block) -> str:
    """Where a link stands that may be the title of another page; empty for any other element."""
    each = page.nodes[node]
    href = each.get("href") or "" if each.tag == "a" else ""
    if not href or href.startswith("#") or re.search(r"#[\w-]*+(?<=\d)$", href):
        return ""
    if pattern("name", "link").search(href) or pattern("list", "never").search(href):
        return ""
    said = page.said(page.span(node))
    is_name = block.name is not None and block.name.value.lower() in said.lower()
    if len(said) < 6 or not any(c.isalpha() for c in said) or is_name or DATE.search(said):
        return ""
    return fields.sign_of(page, node)
