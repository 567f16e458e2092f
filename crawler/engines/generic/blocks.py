"""Posts as blocks that repeat: families of bodies, the zone of each, its writer and its date.

A body is the element that holds the words of one post. Bodies of one page look alike; around each
stands a zone, as wide as it can be without touching the next, that names a writer and a date.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from crawler.engines.generic import fields
from crawler.engines.generic.family import Block, Family, family_of, is_named_body, teasing_of
from crawler.engines.generic.fields import Mention, Mentions
from crawler.engines.generic.outline import Outline, Span, is_framed, tokens

__all__ = ["Block", "Family", "find_blocks"]

_BODIES = {
    "div", "td", "p", "blockquote", "article", "section", "span", "li", "dd", "pre", "font",
    "center", "tr",
}  # fmt: skip
_MOST = 5000
"""Bodies of one family; what repeats more often is no post of a page that can be read."""
_TRIED = 60
"""Families looked at closely, those with most words first."""
_LOOKED_AT = 8_000
"""Bodies looked at closely, of all families together: it bounds the time of a long page."""
_SURE = 3.0
"""Value from which a family counts as posts."""
_LENIENT = 2.5
"""How much less is asked of the only post of a page that is known to be a thread."""


def find_blocks(page: Outline, *, is_thread: bool = False) -> list[Block]:
    """The posts of the page in order; empty where nothing on it looks like posts.

    Where the address is one of a thread, a post that stands alone needs to look less like one.
    """
    whole = page.whole()
    said = fields.mentions(page)
    candidates = _candidates(page, whole)
    rated = [
        f for f in (family_of(page, bodies, (), said) for bodies in candidates) if f is not None
    ]
    good = [f for f in rated if f.value >= _SURE]
    if not good and is_thread:
        good = [f for f in rated if f.value >= _SURE - _LENIENT and _stands_alone(page, f)]
    if not good:
        return []
    good = [f for f in good if not _holds_whole(page, f, good)] or good
    best = max(good, key=lambda f: f.value)
    best = _deeper(page, best, rated)
    found = best.blocks()
    found += _opening(page, candidates, found, said)
    for bodies in candidates:
        found += _others(page, best, bodies, found, said)
    found.sort(key=lambda b: page.start[b.body])
    return found


def _holds_whole(page: Outline, family: Family, others: Sequence[Family]) -> bool:
    """Whether a lone body holds that of another with the name and date of it: a whole page."""
    if len(family.bodies) > 1:
        return False
    start, end = page.span(family.bodies[0])
    return any(
        start < page.start[other.bodies[0]] < end
        and not other.inside
        and all(m is not None and start < m.at < end for m in _lone_mentions(other))
        for other in others
        if len(other.bodies) == 1 and other is not family
    )


def _lone_mentions(family: Family) -> tuple[Mention | None, Mention | None]:
    return family.names.mentions[0], family.dates.mentions[0]


def _stands_alone(page: Outline, family: Family) -> bool:
    """Whether it is one body that is named as one, beside a person and a date."""
    is_clear = family.names.weight >= 3.5 and family.dates.weight >= 2.0
    is_named = is_named_body(page, family.bodies[0])
    return len(family.bodies) == 1 and is_clear and is_named and not family.inside


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
        if len(bodies) == 1 and not is_named_body(page, bodies[0]):
            continue
        if words >= 2 and (words / total >= 0.03 or is_named_body(page, bodies[0])):
            found[bodies] = words * (1.5 if is_named_body(page, bodies[0]) else 1.0)
    ranked = sorted(found, key=lambda b: found[b], reverse=True)[:_TRIED]
    held = accumulate(len(bodies) for bodies in ranked)
    return [bodies for bodies, so_far in zip(ranked, held, strict=True) if so_far <= _LOOKED_AT]


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


def _outermost(page: Outline, nodes: Sequence[int]) -> Iterator[int]:
    over = -1
    for node in nodes:
        if page.start[node] >= over:
            over = page.end[node]
            yield node


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
    if is_named_body(page, inner.bodies[0]):
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
        and is_named_body(page, node)
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
    taken = sorted(page.span(b.body) for b in found)
    starts = [start for start, _ in taken]

    def is_free(body: int) -> bool:
        before = bisect_left(starts, page.end[body])
        return before == 0 or taken[before - 1][1] <= page.start[body]

    return tuple(b for b in bodies if is_free(b))


def _further(
    page: Outline, bodies: tuple[int, ...], found: Sequence[Block], said: Mentions
) -> Family | None:
    """Further bodies as a family, where every one has a name and a date that no post has yet."""
    if not all(is_named_body(page, b) for b in bodies):
        return None
    family = family_of(page, bodies, [b.body for b in found], said)
    if family is None or family.inside or family.least < 0.9 or family.names.weight < 3.0:
        return None
    if any(is_framed(page, top) for top in family.tops) or teasing_of(page, family, 1):
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
