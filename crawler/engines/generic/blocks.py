"""Posts as blocks that repeat: families of bodies, the zone of each, its writer and its date.

A body is the element that holds the words of one post. Bodies of one page look alike; around each
stands a zone, as wide as it can be without touching the next, that names a writer and a date.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crawler.engines.generic import fields
from crawler.engines.generic.fields import Field, Mention, Mentions
from crawler.engines.generic.outline import Outline, Span, is_framed, tokens
from crawler.engines.generic.patterns import DATE, pattern

__all__ = ["Block", "Family", "find_blocks"]

_BODIES = {
    "div", "td", "p", "blockquote", "article", "section", "span", "li", "dd", "pre", "font",
    "center", "tr",
}  # fmt: skip
_MOST = 600
_TRIED = 60
"""Families looked at closely, those with most words first."""
_WORDS = 40
"""Characters that a post which stands alone has at least."""
_LABEL = 22
"""Characters that posts have on average at least; what stands in lists of members is shorter."""
_SURE = 3.0
"""Value from which a family counts as posts."""


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


def find_blocks(page: Outline) -> list[Block]:
    """The posts of the page in order; empty where nothing on it looks like posts."""
    whole = page.whole()
    said = fields.mentions(page)
    candidates = _candidates(page, whole)
    rated = [f for f in (_family(page, bodies, (), said) for bodies in candidates) if f is not None]
    good = [f for f in rated if f.value >= _SURE]
    if not good:
        return []
    best = max(good, key=lambda f: f.value)
    best = _deeper(page, best, rated)
    found = best.blocks()
    found += _opening(page, candidates, found, said)
    for bodies in candidates:
        found += _others(page, best, bodies, found, said)
    found.sort(key=lambda b: page.start[b.body])
    return found


def _candidates(page: Outline, whole: Span) -> list[tuple[int, ...]]:
    """Families by the words they hold, most first; each set of elements once."""
    families: dict[str, list[int]] = defaultdict(list)
    for node in page.elements(whole):
        if page.nodes[node].tag in _BODIES and not _is_aside(page, node):
            for key in _keys(page, node):
                families[key].append(node)
    total = max(1, page.words(whole))
    found: dict[tuple[int, ...], float] = {}
    for nodes in families.values():
        bodies = tuple(_outermost(page, nodes))
        if not 1 <= len(bodies) <= _MOST or bodies in found:
            continue
        words = sum(page.words(page.span(b)) for b in bodies)
        if len(bodies) == 1 and not _is_named_body(page, bodies[0]):
            continue
        if words >= 2 and (words / total >= 0.03 or _is_named_body(page, bodies[0])):
            found[bodies] = words * (1.5 if _is_named_body(page, bodies[0]) else 1.0)
    return sorted(found, key=lambda b: found[b], reverse=True)[:_TRIED]


def _keys(page: Outline, node: int) -> Iterator[str]:
    each = page.nodes[node]
    kinds = tokens(each)
    for kind in set(kinds):
        yield f"{each.tag}.{kind}"
    own = each.get("id") or ""
    stem = re.sub(r"\d+", "", own)
    if stem != own:
        yield f"{each.tag}#{stem}"
    for key in ("itemprop", "data-role", "data-testid"):
        if each.get(key):
            yield f"{each.tag}@{re.sub(r'[0-9]+', '', each.get(key) or '')}"
    if not kinds:
        path = [page.sign(up) for up in _up(page, node, 4)]
        yield f"{each.tag}<{'<'.join(path)}"
        yield f"{each.tag}:{page.nth[node]}<{'<'.join(path[:2])}"


def _up(page: Outline, node: int, steps: int) -> Iterator[int]:
    for taken, up in enumerate(page.up(node)):
        if taken == steps:
            return
        yield up


def _is_aside(page: Outline, node: int) -> bool:
    """Whether the element is of the frame of the page; `body` and what holds half of it is not."""
    for up in (node, *page.up(node)):
        each = page.nodes[up]
        if each.tag in ("nav", "aside", "footer") and up != node:
            return True
        if each.tag in ("body", "main"):
            return False
    return False


def _is_named_body(page: Outline, node: int) -> bool:
    each = page.nodes[node]
    name = f"{page.names[node]} {each.get('itemprop') or ''} {each.get('data-role') or ''}"
    return bool(pattern("body", "good").search(name)) and not pattern("body", "bad").search(name)


def _outermost(page: Outline, nodes: Sequence[int]) -> Iterator[int]:
    over = -1
    for node in nodes:
        if page.start[node] >= over:
            over = page.end[node]
            yield node


def _family(
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
        crowd += 2.0
    if len(spans) == 2 and (family.names.weight < 4.5 or family.dates.weight < 3.2):
        crowd += 2.0
    if family.inside:
        return 0.9 + crowd
    dates = fields.fill([said.within("dates", s, (0, 0)) for s in spans], _rate_dates)
    is_head = dates.share >= 0.8 and dates.weight >= family.dates.weight - 0.5
    return crowd + (1.5 if is_head else 0.0)


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
    if len(mentions) > 2 and different == 1 and weight < 2.0:
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
    value += 0.8 * sum(_is_named_body(page, b) for b in bodies) / len(bodies)
    value += 0.5 if any(pattern("body", "block").search(page.names[t]) for t in tops[:3]) else 0.0
    value -= 3.0 * max(0.0, linked - 0.3)
    value -= 2.0 * (1 - len(set(said)) / len(said)) if len(said) > 1 else 0.3
    teasing = _teasing(page, family)
    value -= 6.0 * teasing if teasing >= 0.5 else 0.0
    value -= 2.0 if any(is_framed(page, t) for t in tops[:2]) else 0.0
    return value - (4.0 if family.least < 0.6 else 0.0)


def _teasing(page: Outline, family: Family, least: int = 3) -> float:
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
    if not href or href.startswith("#") or re.search(r"#[\w-]*\d+$", href):
        return ""
    if pattern("name", "link").search(href) or pattern("list", "never").search(href):
        return ""
    said = page.said(page.span(node))
    is_name = block.name is not None and block.name.value.lower() in said.lower()
    if len(said) < 6 or not any(c.isalpha() for c in said) or is_name or DATE.search(said):
        return ""
    return fields.sign_of(page, node)


def _deeper(page: Outline, best: Family, rated: Sequence[Family]) -> Family:
    """The family within each body of the best one that holds nearly all of its words."""
    for _ in range(3):
        inner = [f for f in rated if _is_within(page, f, best)]
        if not inner:
            return best
        best = min(inner, key=lambda f: sum(page.size(page.span(b)) for b in f.bodies))
    return best


def _is_within(page: Outline, inner: Family, outer: Family) -> bool:
    if len(inner.bodies) != len(outer.bodies) or inner.bodies == outer.bodies:
        return False
    if min(inner.names.share, inner.dates.share) < min(outer.names.share, outer.dates.share) - 0.05:
        return False
    pairs = list(zip(inner.bodies, outer.bodies, strict=True))
    if not all(page.start[o] <= page.start[i] < page.end[o] for i, o in pairs):
        return False
    held = [(page.words(page.span(i)), page.words(page.span(o))) for i, o in pairs]
    share = sum(i for i, _ in held) / max(1, sum(o for _, o in held))
    if _is_named_body(page, inner.bodies[0]):
        return share >= 0.7
    return share >= 0.97 and all(i >= 0.8 * o for i, o in held)


def _opening(
    page: Outline,
    candidates: Sequence[tuple[int, ...]],
    found: Sequence[Block],
    said: Mentions,
) -> list[Block]:
    """The opening post, which many programs print in a form of its own above the answers."""
    above = min(page.start[b.body] for b in found), min(b.zone[0] for b in found)
    best: Family | None = None
    for bodies in candidates:
        if len(bodies) > 1 or page.end[bodies[0]] > min(above):
            continue
        family = _further(page, bodies, found, said)
        if family is None or family.names.weight < 4.5 or family.dates.weight < 3.2:
            continue
        if best is None or _fullness(page, family) > _fullness(page, best):
            best = family
    if best is None:
        return []
    return [replace(block, body=_core(page, block.body)) for block in best.blocks()]


def _core(page: Outline, body: int) -> int:
    """The deepest part of a body that is named as one and holds nearly all of its words."""
    least = 0.75 * page.words(page.span(body))
    inner = [
        node
        for node in page.elements(page.span(body))
        if page.nodes[node].tag in _BODIES
        and page.words(page.span(node)) >= least
        and _is_named_body(page, node)
    ]
    return inner[-1] if inner else body


def _fullness(page: Outline, family: Family) -> float:
    """Words of a body, less where it also holds the head of its post."""
    return page.words(page.span(family.bodies[0])) - 300 * max(0.0, 6 - family.value) ** 2


def _others(
    page: Outline,
    best: Family,
    bodies: tuple[int, ...],
    found: Sequence[Block],
    said: Mentions,
) -> list[Block]:
    """Posts in another form among the others: answers marked as best, comments on answers."""
    free = _free(page, bodies, found)
    if not free or len(free) < len(bodies) * 0.5 or len(found) < 2:
        return []
    around = _around(page, found)
    if page.start[free[0]] < around[0] or page.end[free[-1]] > around[1]:
        return []
    family = _further(page, free, found, said)
    return family.blocks() if family and _leads(family) == _leads(best) != "" else []


def _around(page: Outline, found: Sequence[Block]) -> Span:
    """From the first post to the end of the element that holds them all."""
    first, last = found[0].body, max(page.end[b.body] for b in found)
    start = min(page.start[b.body] for b in found)
    holder = next(
        (up for up in page.up(first) if page.start[up] <= start and page.end[up] >= last), 0
    )
    return start, page.end[holder]


def _free(page: Outline, bodies: tuple[int, ...], found: Sequence[Block]) -> tuple[int, ...]:
    taken = [page.span(b.body) for b in found]
    return tuple(
        b for b in bodies if not any(s < page.end[b] and page.start[b] < e for s, e in taken)
    )


def _further(
    page: Outline, bodies: tuple[int, ...], found: Sequence[Block], said: Mentions
) -> Family | None:
    """Further bodies as a family, where every one has a name and a date that no post has yet."""
    if not all(_is_named_body(page, b) for b in bodies):
        return None
    family = _family(page, bodies, [b.body for b in found], said)
    if family is None or family.inside or family.least < 0.9 or family.names.weight < 3.0:
        return None
    if any(is_framed(page, top) for top in family.tops) or _teasing(page, family, 1):
        return None
    spans = [page.span(body) for body in bodies]
    if sum(page.link_size(s) for s in spans) > 0.5 * sum(page.size(s) for s in spans):
        return None
    used = {m.node for b in found for m in (b.name, b.date) if m is not None}
    new = {m.node for m in (*family.names.mentions, *family.dates.mentions) if m is not None}
    return family if used.isdisjoint(new) else None


def _leads(family: Family) -> str:
    """What the addresses of the writers begin with."""
    targets = [m.target for m in family.names.mentions if m is not None and m.target]
    stems = Counter(re.sub(r"[^/?=]*$", "", t.rstrip("/")) for t in targets)
    return stems.most_common(1)[0][0] if stems else ""
