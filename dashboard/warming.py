"""Reading ahead: what every page stands on is read while nobody waits for it."""

from __future__ import annotations

import gc
import logging
import time
from threading import Event, Thread

from crawler.errors import StoreError
from dashboard import data, menu, parts, reading, words

__all__ = ["beside", "drawn", "first"]

NEEDED = (menu, parts)
"""What every page is drawn with: imported with this module, so that no reader waits for it."""

IDLE = 5.0
"""Seconds after which the rest is read though nobody came."""

PAUSE = 2.0
"""Seconds that a browser has the processor to itself for drawing that page."""

_seen = Event()


def drawn() -> None:
    """Says that a page stands: from now on the rest is read."""
    _seen.set()


def first() -> None:
    """Reads the project, which the first page needs; what is wrong with it a page will say."""
    # Streamlit says for each cache that no reader is there, which is just the point.
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    try:
        data.rows(data.state(), data.Filters())
        for name in data.project(data.state()).conditions:
            words.condition(name)
    except StoreError:
        return


def beside() -> None:
    """Reads the rest in a thread of its own, once the first page stands or nobody comes."""
    Thread(target=_rest, daemon=True).start()


def _rest() -> None:
    if _seen.wait(IDLE):
        time.sleep(PAUSE)
    # Drawing packages take seconds to import: the first page needs none of them.
    from dashboard import atlas, finding

    try:
        state = data.state()
        if not data.project(state).themes:
            return
        data.roll(state)
        reading.voices(state)
        atlas.warm(state)
        finding.speaks(state)
    except StoreError:
        return
    # What was read stays: going through it again at every clean-up costs half a second.
    gc.collect()
    gc.freeze()
