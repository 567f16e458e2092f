"""Exit codes, and the way out with one."""

from __future__ import annotations

import typer

__all__ = ["BAD_SETTINGS", "ERROR", "INTERRUPTED", "OK", "PARTIAL", "REFUSED", "leave"]

OK, ERROR, PARTIAL, BAD_SETTINGS, REFUSED, INTERRUPTED = 0, 1, 3, 4, 5, 130


def leave(code: int) -> None:
    """Ends the command with that code, unless all is well."""
    if code:
        raise typer.Exit(code)
