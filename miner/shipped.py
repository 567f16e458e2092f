"""Whether the shipped weights are those that were shipped: their digests are pinned in a list.

The list is written by `python training/pin.py`, whenever weights were trained anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from crawler.damage import Damage
from miner.errors import ModelRefused

__all__ = ["PINS", "code", "damaged_weights", "digests", "verify"]

_ROOT = Path(__file__).parents[1]
PINS = Path(__file__).parent / "data" / "shipped.json"
_FOLDERS = ("crawler/weights", "miner/weights")


def digests(root: Path = _ROOT) -> dict[str, str]:
    """SHA-256 of every shipped file of weights, by its path; notes on them are none."""
    files = (path for folder in _FOLDERS for path in (root / folder).iterdir())
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file() and path.suffix != ".md" and not path.name.startswith(".")
    }


def damaged_weights(root: Path = _ROOT) -> Iterator[Damage]:
    """Weights that are not those of the list, or are not there."""
    pinned, there = json.loads(PINS.read_text(encoding="utf-8")), digests(root)
    for name in sorted(pinned.keys() | there.keys()):
        if pinned.get(name) != there.get(name):
            what = "not there" if name not in there else "not the file that was shipped"
            heal = "install Folkgrade again; if you trained it, run `python training/pin.py`"
            yield Damage(place=name, what=what, heal=heal)


@cache
def verify() -> None:
    """Raises ModelRefused where shipped weights are not those of the list; looks once a process."""
    for damage in damaged_weights():
        raise ModelRefused(f"{damage.place}: {damage.what}; {damage.heal}")


@cache
def code() -> str:
    """Digest of the miner's own code, data and weights."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(here.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".md"):
            digest.update(path.relative_to(here).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
