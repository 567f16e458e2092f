"""What the command line shows: progress and tables. Pages in the browser are elsewhere."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import TaskID

    from crawler.page import Found
    from crawler.report import SiteReport

__all__ = ["Show", "bar", "described", "print_table", "say", "shown", "summary"]

_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: object) -> str:
    """One line of text without what could steer a terminal: each such character becomes `·`."""
    return _STEERING.sub("·", str(text))


def say(console: Console, line: object) -> None:
    """Prints a line just as it is: no markup, no emoji codes, no wrapping where it is piped."""
    console.print(shown(line), markup=False, emoji=False, soft_wrap=True)


def summary(site: SiteReport) -> Iterator[str]:
    """What a crawl of a site came to, in lines."""
    why = f" ({site.reason})" if site.reason else ""
    yield f"{site.site}: {site.status}{why}: {_counted(site)}"
    for reason, count in site.reasons:
        yield f"  {count:,} × {reason}"


_COUNTS = {
    "pages": "pages",
    "posts": "posts",
    "articles": "articles",
    "new": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "not_modified": "not modified",
    "purged": "gone at the source",
    "off_topic": "off topic",
    "withheld": "withheld",
    "failures": "pages failed",
}
_ALWAYS = ("pages", "posts", "articles")


def _counted(site: SiteReport) -> str:
    numbers = {name: getattr(site, name, 0) for name in _COUNTS}
    return ", ".join(
        f"{number:,} {_COUNTS[name]}"
        for name, number in numbers.items()
        if number or name in _ALWAYS
    )


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
            yield f"  {len(document.text):,} characters: {' '.join(document.text.split())[:200]}"
    roles = Counter(link.role for link in found.links)
    yield "links: " + (", ".join(f"{n} {role}" for role, n in roles.items()) or "none")


class Show(Protocol):
    """Told of a stage, how much of it is done, and of how much."""

    def __call__(self, stage: str, done: int, total: int | None, *, key: str = "") -> None:
        """Shows it; a stage whose words change is known by its key."""


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


LOG_EVERY = 30.0
"""Seconds between two lines on one stage where there is no terminal to draw on."""


@contextmanager
def bar(console: Console, unit: Literal["", "bytes"] = "") -> Iterator[Show]:
    """Shows how far stages are: bars on a terminal, a line now and then in a log."""
    if not console.is_terminal:
        yield _log(console)
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if unit else MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as progress:

        def show(stage: str, done: int, total: int | None, *, key: str = "") -> None:
            name = key or stage
            if name not in tasks:
                tasks[name] = progress.add_task(shown(stage), total=total)
            progress.update(tasks[name], description=shown(stage), completed=done, total=total)

        yield show


def _log(console: Console) -> Show:
    """Says that a stage began, and how far it is every half minute."""
    told: dict[str, float] = {}

    def show(stage: str, done: int, total: int | None, *, key: str = "") -> None:
        name, now = key or stage, time.monotonic()
        if name not in told:
            say(console, f"{name} …")
        elif now - told[name] < LOG_EVERY:
            return
        else:
            say(console, f"{stage} ({done:,}{f' of {total:,}' if total else ''})")
        told[name] = now

    return show
