"""What the command line says: lines, summaries and tables. Pages in the browser are elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console

from crawler.sites import site_of

if TYPE_CHECKING:
    from crawler.corpus import SiteCounts
    from crawler.freshness import Freshness
    from crawler.intake import Account
    from crawler.page import Found, Link
    from crawler.report import SiteReport

__all__ = [
    "counted",
    "described",
    "err",
    "listed",
    "next_step",
    "planned",
    "print_freshness",
    "print_gaps",
    "print_inquiries",
    "print_proposals",
    "print_sites",
    "print_table",
    "print_themes",
    "say",
    "shown",
    "summary",
    "tell",
    "told",
]

_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: object) -> str:
    """One line of text without what could steer a terminal: each such character becomes `·`."""
    return _STEERING.sub("·", str(text))


def say(console: Console, line: object) -> None:
    """Prints a line just as it is: no markup, no emoji codes, no wrapping where it is piped."""
    console.print(shown(line), markup=False, emoji=False, soft_wrap=True)


err = Console(stderr=True, highlight=False)
tell = partial(say, err)
"""Prints a line on stderr, just as it is."""


def summary(site: SiteReport) -> Iterator[str]:
    """What a crawl of a site came to, in lines."""
    why = f" ({site.reason})" if site.reason else ""
    yield f"{site.site}: {site.status}{why}: {_counted(site)}"
    for reason, count in site.reasons:
        yield f"  {count:,} × {reason}"
    if site.off_topic:
        yield (
            "  off topic: not about injuries, or outside your words and days; "
            "a crawl with a wider scope, such as --no-topic, brings them"
        )


def planned(site: SiteReport, would: Iterable[Link]) -> Iterator[str]:
    """What a dry run of a site came to, in lines."""
    why = f" ({site.reason})" if site.reason else ""
    asked = sum(site_of(link.url) == site.site for link in would)
    yield (
        f"{site.site}: {site.status}{why}: {counted(site.pages, 'list')} read; "
        f"{counted(asked, 'page')} would be asked for; nothing was stored"
    )
    for reason, count in site.reasons:
        yield f"  {count:,} × {reason}"


_COUNTS = {
    "pages": "pages read",
    "posts": "posts",
    "articles": "articles",
    "new": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "not_modified": "not modified",
    "purged": "deleted at the source and here",
    "off_topic": "off topic",
    "withheld": "withheld",
    "failures": "pages failed",
}
_ALWAYS = ("pages", "posts", "articles")


def _counted(site: SiteReport) -> str:
    numbers = {name: getattr(site, name, 0) for name in _COUNTS}
    said = {name: number for name, number in numbers.items() if number or name in _ALWAYS}
    return listed({_COUNTS[name]: number for name, number in said.items()})


def described(found: Found) -> Iterator[str]:
    """What an engine found on a page, in lines."""
    for document in found.documents:
        kind = type(document).__name__.lower()
        yield f"{kind} {document.source.url}: {document.title}"
        for post in getattr(document, "posts", ()):
            when = f"{post.written:%Y-%m-%d %H:%M}" if post.written else "no date"
            said = " ".join(post.text.split())
            yield f"  #{post.id} {post.author or 'nobody'}, {when}: {said[:100]}"
        if hasattr(document, "text"):
            size = counted(len(document.text), "character")
            yield f"  {size}: {' '.join(document.text.split())[:200]}"
    roles = Counter(link.role for link in found.links)
    yield "links: " + (", ".join(f"{n} {role}" for role, n in roles.items()) or "none")


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout; tabs between the columns where it is piped."""
    out = Console(highlight=False)
    if not out.is_terminal:
        for row in (head, *rows):
            print("\t".join(shown(cell) for cell in row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    out.print(table)


def print_sites(sites: Sequence[SiteCounts]) -> None:
    """What was collected where, on stdout."""
    if not sites:
        return
    print_table(
        ("site", "engine", "threads", "posts", "members", "articles", "newest post"),
        [
            (s.site, ", ".join(s.engines), s.threads, s.posts, s.authors, s.articles, _day(s.last))
            for s in sites
        ],
    )
    if studies := sum(s.studies for s in sites):
        print(f"{counted(studies, 'study', 'studies')} looked up or imported.")


def print_freshness(states: Sequence[Freshness]) -> None:
    """How fresh that is, what is to come and what is missing, on stdout."""
    if not states:
        return
    print()
    print_table(
        ("site", "last crawl", "ended", "to come", "posts missing", "off topic", "pages failed"),
        [_freshness_row(state) for state in states],
    )
    for state in states:
        if state.holes:
            worst = state.holes[0]
            print(
                shown(
                    f"{state.site}: {counted(state.missing, 'post')} missing that threads count; "
                    f"most in {worst.url} ({worst.stored:,} of {worst.expected:,})"
                )
            )
        for reason, count in state.failures[:3]:
            print(shown(f"{state.site}: {count:,} × {reason}"))


def _freshness_row(state: Freshness) -> tuple[object, ...]:
    """A site's line: when and how it was last crawled, what is to come and what is missing."""
    when = f"{state.visited:%Y-%m-%d %H:%M}" if state.visited else "–"
    why = f" ({state.reason})" if state.reason else ""
    missing = f"{state.missing} in {counted(len(state.holes), 'thread')}" if state.holes else 0
    failed = sum(count for _reason, count in state.failures)
    ended = f"{state.status}{why}" or "imported"
    return state.site, when, ended, state.queued, missing, state.off_topic, failed


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "–"


def print_themes(records: Iterable[Mapping[str, Any]]) -> None:
    """Themes as `miner.report` records them, on stdout."""
    print_table(
        ("id", "kind", "theme", "members", "helped", "level", "status", "how sure", "sub-themes"),
        [
            (
                r["id"],
                r["kind"],
                r["name"],
                r["authors"],
                _helped(r),
                r["level"] or "–",
                r["status"],
                _sure(r),
                ", ".join(part["name"] for part in r["parts"]) or "–",
            )
            for r in records
        ],
    )


def print_proposals(records: Iterable[Mapping[str, Any]]) -> None:
    """Names proposed for themes, on stdout."""
    print_table(
        ("id", "theme", "proposed", "refused"),
        [(r["theme"], r["now"], r["name"] or "–", r["refused"] or "–") for r in records],
    )


def print_gaps(records: Iterable[Mapping[str, Any]]) -> None:
    """Gaps as `miner.report` records them, on stdout."""
    print_table(
        ("score", "type", "theme", "id", "members", "articles", "why"),
        [
            (
                f"{r['score']:.1f}",
                r["type"].replace("_", " "),
                r["name"],
                r["theme"],
                r["authors"],
                r["coverage"],
                "; ".join(r["reasons"]),
            )
            for r in records
        ],
    )


def print_inquiries(records: Iterable[Mapping[str, Any]]) -> None:
    """What people ask, as `miner.report` records it, on stdout."""
    print_table(
        ("asked by", "answered", "open", "threads", "question", "themes"),
        [
            (
                r["askers"],
                f"{r['answered']} of {r['askers']}",
                r["open"],
                r["threads"],
                r["text"],
                ", ".join(r["themes"]),
            )
            for r in records
        ],
    )


def _sure(record: Mapping[str, Any]) -> str:
    """Emerging, or how much of it is found again without a fifth of the phrases."""
    if record["emerging"]:
        return "emerging"
    return f"{record['stability']:.2f}" if record["stability"] is not None else "–"


def _helped(record: Mapping[str, Any]) -> str:
    outcomes = record["outcomes"]
    return f"{outcomes['helped']['k']} of {outcomes['reported']}" if outcomes["reported"] else "–"


def told(account: Account) -> list[str]:
    """What became of a file, in lines."""
    lines = list(account.reasons)
    if account.passed > len(lines):
        lines.append(f"{account.path}: {counted(account.passed, 'record')} passed over in all")
    if account.failure:
        lines.append(account.failure)
    if account.documents:
        lines.append(f"{account.path.name}: {_held(account)}: {listed(account.done)}")
    return lines


def _held(account: Account) -> str:
    """What was in a file."""
    held = [counted(account.posts, "post")] if account.threads else []
    if account.articles:
        held.append(counted(account.articles, "article"))
    if account.studies:
        held.append(counted(account.studies, "study", "studies"))
    if account.confidence < 1:
        held.append(f"post borders {account.confidence:.0%} sure")
    return ", ".join(held)


def counted(number: int, one: str, several: str | None = None) -> str:
    """A number of things, in words: `1 post`, `1,204 posts`."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def listed(counts: Mapping[str, int]) -> str:
    """Numbers of things, given by their plural names: `1 page read, 12 posts`."""
    ones = {name: re.sub(r"s\b", "", name, count=1) for name in counts}
    return ", ".join(counted(count, ones[name], name) for name, count in counts.items())


def next_step(collected: bool, fresh: bool, due: bool) -> str:
    """The command that goes on from here."""
    if not collected:
        return "folkgrade crawl URL, or folkgrade import FILE"
    if due:
        return "folkgrade crawl, which goes on where it ended early; or folkgrade mine"
    return "folkgrade dashboard" if fresh else "folkgrade mine"
