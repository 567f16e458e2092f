"""What the command line shows: progress and tables. Pages in the browser are elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import TaskID

__all__ = ["Show", "bar", "print_table", "say", "shown"]

_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: object) -> str:
    """One line of text without what could steer a terminal: each such character becomes `·`."""
    return _STEERING.sub("·", str(text))


def say(console: Console, line: object) -> None:
    """Prints a line just as it is: no markup, no emoji codes, no wrapping where it is piped."""
    console.print(shown(line), markup=False, emoji=False, soft_wrap=True)


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


@contextmanager
def bar(console: Console) -> Iterator[Show]:
    """Shows how far stages are: a bar on a terminal, a line per stage in a log."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as progress:

        def show(stage: str, done: int, total: int | None, *, key: str = "") -> None:
            name = key or stage
            if name not in tasks:
                tasks[name] = progress.add_task(shown(stage), total=total)
                if not console.is_terminal:
                    say(console, f"{name} …")
            progress.update(tasks[name], description=shown(stage), completed=done, total=total)

        yield show
