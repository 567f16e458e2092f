"""Who wrote a post and when: the part that says so stands at the same place in each block."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from crawler.engines.generic.outline import Outline, Span
from crawler.engines.generic.patterns import DATE, MAYBE, date_in, pattern

__all__ = ["Field", "Mention", "Mentions", "clean_name", "fill", "mentions", "sign_of"]

_LONGEST_NAME = 40
_LINE = 200
_HEAD = 80
"""Characters of a line that is looked through for a date, and of a paragraph."""
_STAMPS = ("datetime", "data-time", "data-timestamp", "data-utime", "data-date", "data-datetime")
_NAMED = ("data-author", "data-username", "data-user-name", "data-author-name")
_BY = re.compile(r"(?:^|\W)(?:by|von|par|por|da|door)\W*$", re.I)
_MORE = re.compile(
    r"(?:st|nd|rd|th)$|,?\s*(?:19|20)\d\d\b|\W*+(?:(?:at|um|à|om|kl\.?)\W*+)?\d{1,2}[:.h]\d\d", re.I
)
_TITLED = {"abbr", "span", "time", "a", "small", "div", "em", "li", "p", "td", "dd", "dt", "i", "b"}
"""Elements whose title may hold the date that they print as an age."""
_LEAVES = {
    "a", "b", "strong", "span", "cite", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "td", "th", "div",
    "p", "i", "em", "li", "label", "font", "small", "bdi", "u", "address", "meta", "img",
}  # fmt: skip


@dataclass(frozen=True)
class Mention:
    """Something a block says that may be a name or a date."""

    at: int
    node: int
    sign: str
    """Where it stands, the same in blocks that are alike."""
    value: str
    weight: float
    """What speaks for it, by its own look."""
    target: str = ""
    """Where it leads."""


@dataclass(frozen=True)
class Field:
    """The mention chosen in each block; None where a block has none."""

    mentions: tuple[Mention | None, ...]
    weight: float

    @property
    def share(self) -> float:
        """Share of the blocks that have it."""
        return sum(m is not None for m in self.mentions) / max(1, len(self.mentions))


@dataclass(frozen=True)
class Mentions:
    """All that may be names and dates on a page, in order."""

    names: tuple[Mention, ...]
    dates: tuple[Mention, ...]

    def within(self, part: str, zone: Span, body: Span) -> list[Mention]:
        """The `names` or `dates` of a zone outside the body; a body of no size hides none."""
        every: tuple[Mention, ...] = getattr(self, part)
        first = bisect_left(every, zone[0], key=_place)
        last = bisect_left(every, zone[1], key=_place)
        return [m for m in every[first:last] if not body[0] <= m.at < body[1]]


def _place(mention: Mention) -> int:
    return mention.at


def mentions(page: Outline) -> Mentions:
    """What may be names and dates on the page."""
    by_place = sorted(_names(page), key=_place), sorted(_dates(page), key=_place)
    return Mentions(tuple(by_place[0]), tuple(by_place[1]))


def sign_of(page: Outline, node: int) -> str:
    """Where an element stands, the same in blocks that are alike."""
    return f"{page.sign(max(0, page.parent[node]))}>{page.sign(node)}"


@cache
def _label_only() -> re.Pattern[str]:
    return re.compile(rf"\A\W*+(?:{pattern('name', 'labels').pattern})\W*", re.I)


@cache
def _lead() -> re.Pattern[str]:
    return re.compile(rf"^\W*(?:{pattern('name', 'lead').pattern})", re.I)


def _dates(page: Outline) -> Iterator[Mention]:
    """The dates the page prints or marks up."""
    for node in range(len(page.nodes)):
        each = page.nodes[node]
        found = _stamp(page, node)
        if found is not None:
            weight = 1.5 + (0.5 if each.tag == "time" else 0.0) + _hint(page, node, "date")
            yield Mention(page.start[node], node, sign_of(page, node), found, weight)
    for piece in range(len(page.at)):
        text = page.text[piece][: _HEAD if len(page.text[piece]) > _LINE else _LINE]
        found_text = DATE.search(text) if MAYBE.search(text) else None
        if found_text is None:
            continue
        node = page.owner[piece]
        value = _whole_date(page, piece, text[found_text.start() :])
        before = text[: found_text.start()][-40:] or _just_before(page, piece)
        weight = _hint(page, node, "date") + (0.6 if re.search(r"\d[:.h]\d\d", value) else 0.0)
        if pattern("date", "label").search(before):
            weight -= 3
        where = f"{sign_of(page, node)}|{_nth(page, piece)}"
        weight -= min(1.5, len(text.strip()) / 100)
        yield Mention(page.at[piece], node, where, value, weight)


def _whole_date(page: Outline, piece: int, text: str) -> str:
    """The date with what the next pieces add: the `th` set high, the year, the time of day."""
    value = text.strip()
    for following in range(piece + 1, min(piece + 4, len(page.text))) if len(text) < 40 else ():
        more = page.text[following].strip()[:40]
        if not _MORE.match(more) or page.at[following] - page.at[piece] > 8:
            break
        value = f"{value}{'' if more[0] in 'snrt,' else ' '}{more}"
    return date_in(re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", value)) or date_in(text)


def _nth(page: Outline, piece: int) -> str:
    """Which piece of its element a text is: dates after a name, after a line end."""
    return "head" if page.at[piece] == page.start[page.owner[piece]] + 1 else "tail"


def _just_before(page: Outline, piece: int) -> str:
    near = piece > 0 and page.at[piece] - page.at[piece - 1] <= 4
    return page.text[piece - 1].strip()[-40:] if near else ""


def _stamp(page: Outline, node: int) -> str | None:
    each = page.nodes[node]
    for key in _STAMPS:
        value = each.get(key)
        if value and re.search(r"\d{4}-\d\d|^\d{9,13}$|\d{1,2}[./-]\d", value):
            return str(value)[:10] if re.fullmatch(r"\d{13}", value) else str(value)
    prop = each.get("itemprop") or ""
    if each.tag == "meta" and re.match(r"date(?:Published|Created)", prop):
        return each.get("content") or None
    title = each.get("title") or ""
    if 6 <= len(title) <= 60 and each.tag in _TITLED:
        is_own = page.size(page.span(node)) <= 40 and DATE.search(title)
        if is_own and re.search(r"\d{2}", title):
            return title
    return None


def _hint(page: Outline, node: int, group: str) -> float:
    """What classes of an element and of the two around it say for a part, or against it."""
    weight = 0.0
    for step, each in enumerate((node, *_some_up(page, node, 2))):
        name = f"{page.names[each]} {page.nodes[each].get('itemprop') or ''}"
        if pattern(group, "bad").search(name):
            return weight - 2.0 if step == 0 else weight - 1.0
        if pattern(group, "good").search(name):
            weight = max(weight, 1.0 - 0.3 * step)
    return weight


def _some_up(page: Outline, node: int, steps: int) -> list[int]:
    found: list[int] = []
    for each in page.up(node):
        if len(found) == steps:
            break
        found.append(each)
    return found


def _names(page: Outline) -> Iterator[Mention]:
    """What may be the name of a person on the page."""
    for node in range(len(page.nodes)):
        each = page.nodes[node]
        for key in _NAMED:
            if (value := (each.get(key) or "").strip()) and len(value) <= _LONGEST_NAME:
                yield Mention(page.start[node], node, f"@{key}", value, 3.0)
        if each.tag not in _LEAVES:
            continue
        value = _own_name(page, node)
        if value:
            weight, target = _name_weight(page, node)
            yield Mention(page.start[node], node, sign_of(page, node), value, weight, target)


def _own_name(page: Outline, node: int) -> str:
    """The text of an element that holds a name and little else; empty for any other."""
    each = page.nodes[node]
    if each.tag == "meta":
        return (each.get("content") or "") if _is_name_prop(page, node) else ""
    if each.tag == "img":
        return _pictured(page, node)
    span = page.span(node)
    if page.size(span) > _LONGEST_NAME + 25:
        return ""
    own = [i for i in page.pieces(span) if page.owner[i] == node]
    if not own:
        return ""
    return clean_name(page.text[own[0]])


def _is_name_prop(page: Outline, node: int) -> bool:
    props = [page.nodes[n].get("itemprop") or "" for n in (node, *_some_up(page, node, 3))]
    return props[0] in ("name", "author") and ("author" in props or "creator" in props)


def _pictured(page: Outline, node: int) -> str:
    """The name beside which a picture stands, for blocks that show no other."""
    above = page.parent[node]
    link = page.nodes[above]
    if link.tag != "a" or not pattern("name", "link").search(link.get("href") or ""):
        return ""
    return clean_name(page.nodes[node].get("alt") or link.get("title") or "")


def clean_name(text: str) -> str:
    """The name a short text holds, without `by` and `says`; empty where it holds none."""
    text = " ".join(text.split())
    led = _lead().match(text)
    if led:
        text = text[led.end() :]
        text = DATE.split(text)[0]
    text = re.sub(pattern("name", "tail").pattern, "", text, flags=re.I).strip(" ,;|·•»«")
    is_name = (
        1 < len(text) <= _LONGEST_NAME
        and any(c.isalpha() for c in text)
        and len(text.split()) <= 5
        and not DATE.search(text)
        and not _label_only().fullmatch(text)
        and not re.search(r"^\W?\d+\s+\w+$|https?:|[?!]$|:\s", text)
    )
    return text if is_name else ""


def _name_weight(page: Outline, node: int) -> tuple[float, str]:
    each = page.nodes[node]
    weight: float = 0.0
    target = ""
    for step, up in enumerate((node, *_some_up(page, node, 3))):
        weight += _part_weight(page, up, step)
        link = page.nodes[up]
        if link.tag == "a" and link.get("href") and not target:
            target = link.get("href") or ""
            weight += 2.0 if pattern("name", "link").search(target) else 0.2
    if each.tag in ("b", "strong", "h3", "h4", "h5", "cite", "a"):
        weight += 0.4
    own = [i for i in page.pieces(page.span(node)) if page.owner[i] == node]
    if own and (_lead().match(page.text[own[0]]) or _BY.search(_just_before(page, own[0]))):
        weight += 1.0
    if each.tag == "img":
        weight -= 1.5
    return weight, target


def _part_weight(page: Outline, node: int, step: int) -> float:
    each = page.nodes[node]
    said = f"{page.names[node]}"
    prop = f"{each.get('itemprop') or ''} {each.get('rel') or ''}"
    if re.search(r"\bauthor\b|\bcreator\b", prop):
        return 2.0 if step else 3.0
    weight = 0.0
    if step < 2 and pattern("name", "bad").search(said):
        weight -= 1.5 if step == 0 else 0.7
    if (
        pattern("name", "self").search(said)
        if step == 0
        else pattern("name", "around").search(said)
    ):
        weight += 1.5 if step == 0 else 0.6
    return weight


def fill(found: Sequence[Sequence[Mention]], rate: Callable[[Sequence[Mention]], float]) -> Field:
    """The mention of each block from the place that serves the blocks best, then from the next.

    `found` holds the mentions of each block; `rate` values those of one place, one a block.
    """
    places: dict[str, dict[int, Mention]] = defaultdict(dict)
    ranks: dict[str, list[int]] = defaultdict(list)
    for block, mentions in enumerate(found):
        for rank, mention in enumerate(mentions[:80]):
            if places[mention.sign].setdefault(block, mention) is mention:
                ranks[mention.sign].append(min(rank, 15))
    count = max(1, len(found))
    rated = []
    for sign, held in places.items():
        usual = sum(ranks[sign]) / len(held)
        value = rate(tuple(held.values())) + 2.5 * len(held) / count - 0.08 * usual
        rated.append((value, sign))
    rated.sort(reverse=True)
    chosen: list[Mention | None] = [None] * len(found)
    for value, sign in rated:
        if value < rated[0][0] - 2.5 or None not in chosen:
            break
        for block, mention in places[sign].items():
            chosen[block] = chosen[block] or mention
    return Field(tuple(chosen), rated[0][0] if rated else 0.0)
