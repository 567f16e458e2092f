"""What pip-audit found, told apart from what it could not ask: `pip-audit -f json | audit.py`.

Where no list of weaknesses can be reached, pip-audit skips every package and says that it found
nothing. Exit 1 for a known weakness, 3 where nothing could be asked, else 0.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

UNASKED = 3


def told(packages: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Lines for a person and the exit code."""
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return ["the list of known weaknesses cannot be reached: nothing was looked for"], UNASKED
    found = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness.get('fix_versions', [])) or 'no version yet'}"
        for package in asked
        for weakness in package.get("vulns", [])
    ]
    skipped = len(packages) - len(asked)
    end = f"packages asked about: {len(asked)}; not known there: {skipped}; weak: {len(found)}"
    return [*found, end], 1 if found else 0


def main() -> None:
    """Reads the answer of pip-audit."""
    try:
        packages = json.load(sys.stdin)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    lines, code = told(packages)
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.exit(code)


if __name__ == "__main__":
    main()
