"""How far the work is, as the command line shows it: bars on a terminal, lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

from console.terminal import counted, say, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from crawler.intake import Account
    from crawler.report import SiteReport

__all__ = ["Show", "bar", "show_file", "show_site"]


class Show(Protocol):
    """Told of a stage, how much of it is done, and of how much."""

    def __call__(self, stage: str, done: int, total: int | None, *, key: str = "") -> None:
        """Shows it; a stage whose words change is known by its key."""


LOG_EVERY = 30.0
"""Seconds between two lines on one stage where there is no terminal to draw on."""


@contextmanager
def bar(console: Console, unit: Literal["", "bytes", "pages"] = "") -> Iterator[Show]:
    """Shows how far stages are: bars on a terminal, a line now and then in a log.

    Stages in pages are many and say themselves how long they take: short bars, in 80 columns too.
    """
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
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(6 if unit == "pages" else 40),
        DownloadColumn() if unit == "bytes" else MofNCompleteColumn(),
        *(
            ()
            if unit == "pages"
            else (TimeElapsedColumn(), TimeRemainingColumn(elapsed_when_finished=False))
        ),
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


def show_site(show: Show, at: SiteReport) -> None:
    """Shows how far a site is, and for whom the crawl waits."""
    parts = [counted(at.posts, "post")] if at.posts or not at.articles else []
    parts += [counted(at.articles, "article")] if at.articles else []
    if at.status != "running":
        parts.append(at.status)
    elif at.waiting >= 1:
        parts.append(f"waits {at.waiting:.0f} s as the site asks")
    elif at.rate:
        parts.append(f"{at.rate:.1f} pages/s")
        parts += [f"{_span(at.left)} to go"] if at.left is not None and at.queued else []
    total = None if at.status == "running" and not at.queued else at.known
    show(f"{_short(at.site)}: {', '.join(parts)}", at.pages, total, key=at.site)


def _short(site: str, most: int = 25) -> str:
    """A host's name, its beginning cut off where it is long."""
    return site if len(site) <= most else f"…{site[1 - most :]}"


def _span(seconds: float) -> str:
    """A span of time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


WORTH_A_BAR = 4 * 2**20
"""Bytes of a file from which its reading is shown."""


def show_file(show: Show, at: Account) -> None:
    """Shows how far the reading of a large file is."""
    if at.size >= WORTH_A_BAR:
        read = f"{counted(at.threads, 'thread')}, {counted(at.posts, 'post')}"
        stage = f"{at.path.name}: {read}"
        show(stage, at.read, at.size, key=at.path.name)
