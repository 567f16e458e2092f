"""The server's entry: the pages, the routes beside them, and the rules every answer keeps to."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from crawler.errors import StoreError
from dashboard.guard import Guard
from dashboard.routes import routes
from dashboard.serve import APP

__all__ = ["app"]


AFTER = 3.0
"""Seconds that the first reader has for the first page."""


@asynccontextmanager
async def warmed(_app: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Reads what every page stands on while nobody waits for it yet."""
    Thread(target=_warm, daemon=True).start()
    yield None


def _warm() -> None:
    # Streamlit says for each cache that no reader is there, which is just the point.
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    from dashboard import atlas, data, finding

    try:
        state = data.state()
        if data.project(state).themes:
            # The first page comes first: it needs the project alone.
            time.sleep(AFTER)
            data.roll(state)
            atlas.warm(state)
            finding.speaks(state)
            # What was read stays: going through it again at every clean-up costs half a second.
            gc.collect()
            gc.freeze()
    except StoreError:
        return  # The page says what is wrong, and what to do.


app = st.App(
    str(APP),
    lifespan=warmed,
    routes=routes(str(config.get_option("server.baseUrlPath") or "")),
    middleware=[Middleware(Guard, hosts=list(config.get_option("server.allowedHosts") or []))],
)
