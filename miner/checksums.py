"""`zlib.crc32` of many byte strings at once, from what is known of their parts.

The sum of a string that goes on from another sum differs from its own by something that depends on
that sum and on its length alone. So what each word adds up to is computed once, and all that it
adds up to behind a name or behind another word is looked up. Only the last 16 bits are kept.
"""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np

__all__ = ["LONGEST", "begun", "joined"]

LONGEST = 328
"""Bytes of the longest string that is looked up."""
_LOW = 0xFFFF


@cache
def begun(sum_before: int) -> np.ndarray:
    """By the length of a string (LONGEST + 1,) how its sum changes if it goes on from another."""
    changes = (
        zlib.crc32(bytes(size), sum_before) ^ zlib.crc32(bytes(size)) for size in range(LONGEST + 1)
    )
    return np.fromiter((change & _LOW for change in changes), np.int64, LONGEST + 1)


def joined(before: np.ndarray, behind: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums of strings put together, from the whole sums of their beginnings, and of what is behind.

    `sizes` are the lengths in bytes of what is behind, at most half of `LONGEST`.
    """
    table = _changes()
    found = behind & _LOW
    for place in range(4):
        found = found ^ table[sizes, place, (before >> (8 * place)) & 0xFF]
    return found


@cache
def _changes() -> np.ndarray:
    """How a sum changes by length, byte of the sum before, and what that byte is."""
    table = np.zeros((LONGEST // 2 + 1, 4, 256), dtype=np.int64)
    for place in range(4):
        for bit in range(8):
            one = begun(1 << (8 * place + bit))[: len(table), None]
            table[:, place, 1 << bit : 2 << bit] = table[:, place, : 1 << bit] ^ one
    return table
