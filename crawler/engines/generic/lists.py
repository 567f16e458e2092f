"""Lists of unknown forums: rows that repeat a title to follow, counts and a last activity."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from lxml.html import HtmlElement

from crawler.engines.dates import moment
from crawler.engines.generic.blocks import Block
from crawler.engines.generic.outline import Outline, Span, is_framed
from crawler.engines.generic.patterns import DATE, date_in, pattern
from crawler.engines.markup import absolute, language
from crawler.page import Link, Page
from crawler.sites import bare, site_of

__all__ = ["are_rows", "is_thread", "rows"]

_LEAST = 3
"""Rows below which nothing repeats."""
_MOST = 1000
"""Rows of a kind that are read from one page."""
_POST = re.compile(r"(?:[?&]p(?:id|ost)?=|post-?)\d+(?:\.html?)?(?:#.*)?$|#[\w-]*+(?<=\d)$", re.I)
"""An address of a post within a thread."""
_TITLE = 12
"""Characters from which a link reads like a title, on average."""


@dataclass(frozen=True)
class _Row:
    """One entry of a list: the link of its title and all that stands with it."""

    link: int
    url: str
    span: Span


def rows(page: Page, flat: Outline, tree: HtmlElement) -> dict[int, Link]:
    """Threads and boards the page lists, by the place of their titles; empty for no list."""
    found: dict[str, tuple[int, Link]] = {}
    spoken = language(tree)
    for group in _groups(page, flat, tree):
        entries = _entries(flat, group)
        kind = _kind(flat, entries)
        for entry in entries if kind else ():
            link = _link(flat, entry, kind, page.fetched, spoken)
            if link.url not in found or len(link.title) > len(found[link.url][1].title):
                found[link.url] = flat.start[entry.link], link
    return dict(sorted(found.values(), key=lambda pair: pair[0]))


def are_rows(blocks: Sequence[Block], flat: Outline, listed: Mapping[int, Link]) -> bool:
    """Whether blocks taken for posts are rows of a list: titles to follow stand among them."""
    last = flat.end[blocks[-1].body]
    among = [at for at in listed if at < last]
    if len(blocks) <= _LEAST:
        return len(among) >= max(_LEAST, len(blocks))
    titled = sum(any(b.zone[0] <= at < flat.end[b.body] for at in among) for b in blocks)
    return titled > 0.6 * len(blocks)


def _groups(page: Page, flat: Outline, tree: HtmlElement) -> Iterator[list[tuple[int, str]]]:
    """Links that look alike and lead to addresses of one form."""
    alike: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for number, node in enumerate(flat.nodes):
        href = node.get("href") if node.tag == "a" else None
        if not href or pattern("list", "never").search(href) or _POST.search(href):
            continue
        if not _is_title(flat.said(flat.span(number))) or is_framed(flat, number):
            continue
        url = absolute(tree, page.url, href)
        if url and bare(site_of(url)) == bare(site_of(page.url)):
            form = _form(url)
            if "pager" not in form:
                alike[_where(flat, number), form].setdefault(url, number)
    for links in alike.values():
        if len(links) >= _LEAST:
            yield sorted((number, url) for url, number in links.items())[:_MOST]


def _is_title(said: str) -> bool:
    """Whether a link says something, and not only when or how often."""
    return sum(c.isalpha() for c in DATE.sub("", said[:200])) > 2


def _where(flat: Outline, link: int) -> str:
    return f"{flat.sign(max(0, flat.parent[link]))}>{flat.sign(link)}"


def _form(url: str) -> str:
    """The address with its figures and words taken out: what addresses of one kind share."""
    parts = urlsplit(url)
    steps = [re.sub(r"\d+", "9", step) for step in parts.path.strip("/").split("/")]
    if steps:
        steps[-1] = re.sub(r"[^\W\d_]+(?:[-_][^\W\d_]+)*", "w", steps[-1])
    keys = ",".join(sorted(key for key, _ in parse_qsl(parts.query)))
    return f"{len(steps)}:{steps[0] if len(steps) > 1 else ''}:{steps[-1]}?{keys}"


def _entries(flat: Outline, group: Sequence[tuple[int, str]]) -> list[_Row]:
    starts = [flat.start[link] for link, _ in group]
    found = []
    for link, url in group:
        top = link
        for up in flat.up(link):
            held = bisect_left(starts, flat.end[up]) - bisect_left(starts, flat.start[up])
            if held > 1 or flat.nodes[up].tag in ("body", "main"):
                break
            top = up
        found.append(_Row(link, url, flat.span(top)))
    return found


def _kind(flat: Outline, entries: Sequence[_Row]) -> str:
    """`thread`, `listing`, or nothing for links that are neither."""
    count = len(entries)
    titles = [flat.said(flat.span(e.link)) for e in entries]
    lengths = sum(map(len, titles)) / count
    dated = sum(bool(_dates(flat, e)) for e in entries) / count
    counted = sum(bool(_counts(flat, e)) for e in entries) / count
    threads = sum(is_thread(e.url) for e in entries) / count
    boards = sum(_is_board(e.url) for e in entries) / count
    if len({DATE.sub("", title) for title in titles}) < 0.7 * count or any(
        flat.size(e.span) > 1500 for e in entries[:3]
    ):
        return ""
    if threads >= 0.6 and lengths >= _TITLE and (dated >= 0.5 or counted >= 0.5):
        return "thread"
    if dated >= 0.5 and counted >= 0.5:
        names = " ".join(flat.names[n] for n in (entries[0].link, flat.parent[entries[0].link]))
        if re.search(r"topic|thread|discussion|subject|question", names, re.I):
            return "thread"
        if re.search(r"forum|board|categor|rubri", names, re.I):
            return "listing"
    if boards >= 0.6 and (counted >= 0.5 or dated >= 0.5):
        return "listing"
    is_slug = sum(_is_slug(e.url) for e in entries) / count >= 0.6
    return "thread" if is_slug and lengths >= 18 and dated >= 0.7 and counted >= 0.5 else ""


def is_thread(url: str) -> bool:
    """Whether an address reads like that of a thread."""
    said = _said_of(url)
    return bool(pattern("list", "thread").search(said)) and bool(re.search(r"\d|\w-\w+-\w", said))


def _is_board(url: str) -> bool:
    return bool(pattern("list", "board").search(_said_of(url))) and not is_thread(url)


def _is_slug(url: str) -> bool:
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return last.count("-") >= 2 or bool(re.search(r"\d{2,}", last))


def _said_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _dates(flat: Outline, row: _Row) -> list[str]:
    found = [
        node.get("datetime") or ""
        for node in (flat.nodes[n] for n in flat.elements(row.span))
        if node.tag == "time" and node.get("datetime")
    ]
    said = (date_in(flat.text[piece][:120]) for piece in _beside(flat, row))
    return [*found, *filter(None, said)]


def _beside(flat: Outline, row: _Row) -> Iterator[int]:
    """Pieces of a row that are none of its title."""
    start, end = flat.span(row.link)
    for piece in flat.pieces(row.span):
        if not start <= flat.at[piece] < end:
            yield piece


def _counts(flat: Outline, row: _Row) -> list[tuple[int, str]]:
    """Numbers of a row, each with the words around it: its own, its cell's, its class."""
    found: list[tuple[int, str]] = []
    pieces = list(_beside(flat, row))
    for place, piece in enumerate(pieces):
        text = flat.text[piece].strip()
        said = re.fullmatch(r"(\D{0,20}?)(\d[\d.,\s]*)(k|m)?(\D{0,20})", text, re.I)
        if said is None or DATE.search(text):
            continue
        digits = re.sub(r"\D", "", said[2])
        after = flat.text[pieces[place + 1]] if place + 1 < len(pieces) else ""
        owner = flat.owner[piece]
        names = flat.names[owner].strip() or flat.names[max(0, flat.parent[owner])]
        if 0 < len(digits) < 9:
            found.append((int(digits), f"{said[1]} {said[4]} {names} {after[:20]}"))
    return found


def _link(flat: Outline, row: _Row, kind: str, now: datetime, spoken: str) -> Link:
    title = flat.said(flat.span(row.link))
    dates = _dates(flat, row)
    times = [t for t in (moment(d, now=now, language=spoken) for d in dates[-3:]) if t]
    active = max(times, default=None)
    holders = " ".join(flat.names[n] for n in flat.elements(row.span))
    if kind != "thread":
        return Link(url=row.url, role="listing", title=title, active=active)
    return Link(
        url=row.url,
        role="thread",
        stamp=_stamp(flat, row, dates),
        active=active,
        title=title,
        pinned=bool(pattern("list", "pinned").search(holders)),
    )


def _stamp(flat: Outline, row: _Row, dates: Sequence[str]) -> str | None:
    """Replies and the last date; none where they might stay as they are though a post came.

    Views and ages are left out where they are named, for they change by themselves.
    """
    counts = _counts(flat, row)
    views, replies = pattern("list", "views"), pattern("list", "replies")
    said = [n for n, words in counts if replies.search(words) and not views.search(words)]
    plain = said[:1] or [n for n, words in counts if not views.search(words)]
    lasting = [d for d in dates if re.search(r"\d{4}|\d[./-]\d", d)][-1:]
    is_telling = said or any(re.search(r"\d[:.h]\d\d", d) for d in lasting) or len(plain) > 1
    return "|".join([*map(str, plain), *lasting]) if is_telling else None
