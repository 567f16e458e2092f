"""`python -m crawler.replica [PORT] [SITE…]`: serve the demo community until Ctrl-C.

A SITE is one of the community, or a folder of saved Discourse topics (`/t/ID.json`, one a file).
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from crawler.errors import CrawlerError
from crawler.replica.content import load
from crawler.replica.server import host
from crawler.replica.topics import read_topics

PORT = 8740
"""First port; each site takes the next one. Fixed, so that addresses stay the same."""


def main(arguments: list[str]) -> int:
    """Print the addresses, serve until Ctrl-C, return an exit code."""
    if any(each.startswith("-") for each in arguments):
        say((__doc__ or "").strip())
        return 0 if {"-h", "--help"} & {*arguments} else 2
    port = int(arguments[0]) if arguments and arguments[0].isdigit() else PORT
    names = [name for name in arguments if not name.isdigit()]
    try:
        folders = [Path(name) for name in names if Path(name).is_dir()]
        demo = load(only=[name for name in names if Path(name) not in folders] if names else None)
        with host(*demo, *map(read_topics, folders), port=port) as replica:
            for site in replica.sites:
                say(f"{site.url}  {site.software:9}  {site.title}")
            say("Invented demo community: nobody here exists. Ctrl-C ends it.")
            threading.Event().wait()
    except KeyboardInterrupt:
        return 130
    except (CrawlerError, OSError) as problem:
        sys.stderr.write(f"crawler.replica: {problem}\n")
        return 1
    return 0


def say(line: str) -> None:
    """Write the line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
