"""The server's entry: the pages, the routes beside them, and the rules every answer keeps to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from dashboard import warming
from dashboard.guard import Guard
from dashboard.routes import routes
from dashboard.serve import APP

__all__ = ["app"]


@asynccontextmanager
async def warmed(_app: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Reads what the first page stands on before anybody is answered, and the rest beside."""
    await anyio.to_thread.run_sync(warming.first)
    warming.beside()
    yield None


app = st.App(
    str(APP),
    lifespan=warmed,
    routes=routes(str(config.get_option("server.baseUrlPath") or "")),
    middleware=[Middleware(Guard, hosts=list(config.get_option("server.allowedHosts") or []))],
)
