"""The front door: the command line. It names the commands and explains what stops them.

Results go to stdout, progress and messages to stderr. Exit codes: 0 ok, 1 error, 2 usage,
3 partial, 4 bad configuration, 5 refused by policy, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import typer

from console import (
    __version__,
    collecting,
    keeping,
    mining,
    sharing,
    showing,
    starting,
)
from console.exits import BAD_SETTINGS, ERROR, INTERRUPTED, REFUSED
from console.flags import examples
from console.settings import BadSettings
from console.terminal import tell

__all__ = ["COMMANDS", "app", "main"]

COMMANDS: dict[str, Callable[..., Any]] = {
    "init": starting.init,
    "crawl": collecting.crawl,
    "reparse": collecting.reparse,
    "parse": collecting.parse,
    "import": collecting.import_,
    "mine": mining.mine,
    "literature": mining.literature,
    "status": showing.status,
    "themes": showing.themes,
    "gaps": showing.gaps,
    "search": showing.search,
    "brief": sharing.brief,
    "export": sharing.export,
    "digest": sharing.digest,
    "run": sharing.run_,
    "forget": mining.forget,
    "backup": keeping.backup,
    "restore": keeping.restore,
    "mend": keeping.mend,
    "dashboard": showing.dashboard,
    "demo": starting.demo,
}
"""Every command by name, in the order help lists them."""

app = typer.Typer(
    help="What people with an injury blame and try, grouped into themes beside the evidence.",
    epilog=examples("main"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"folkgrade {__version__}")
        raise typer.Exit


@app.callback()
def folkgrade(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """What people with an injury blame and try, grouped into themes beside the evidence."""


for _name, _command in COMMANDS.items():
    app.command(_name, epilog=examples(_name))(_command)


def _explained(error: Exception) -> tuple[int, str] | None:
    """Exit code and line for an error that is expected; None for one that is a fault of ours."""
    from crawler.errors import CrawlerError, KeyFileError, RefusedByPolicy
    from miner.errors import MinerError

    if isinstance(error, (BadSettings, KeyFileError)):
        return BAD_SETTINGS, str(error)
    if isinstance(error, RefusedByPolicy):
        return REFUSED, str(error)
    if isinstance(error, (CrawlerError, MinerError)):
        return ERROR, str(error)
    if isinstance(error, OSError):
        return ERROR, f"{error.filename or 'file or output'}: {error.strerror or error}"
    return None


def _typed() -> None:
    """Runs the command; all it says has left this process, or an OSError says why not."""
    try:
        app()
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            # Else the interpreter tries once more at its end, and complains in its own words.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise OSError(error.errno, error.strerror, "output") from error


def main() -> None:
    """Runs the command line; an expected error is one line and an exit code."""
    try:
        _typed()
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, KeyboardInterrupt) or end.code == INTERRUPTED:
            tell("Interrupted. Run the same command again and it goes on.")
            sys.exit(INTERRUPTED)
        raise
    except Exception as error:
        found = _explained(error)
        if found is None:
            raise
        code, line = found
        tell(f"folkgrade: {line}")
        sys.exit(code)


if __name__ == "__main__":
    main()
