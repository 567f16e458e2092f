"""Mining: documents in, claims, themes, evidence, grades and gaps out.

`miner.open_project("hips").themes` is a data frame; see docs/python.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from miner.frames import Results

__all__ = ["open_project"]


def open_project(folder: Any = ".", **choices: Any) -> Results:
    """The results of the project in a folder, as data frames: see `miner.frames.open_project`."""
    # Imported late: most of what imports this package wants no data frame.
    from miner import frames

    return frames.open_project(folder, **choices)
