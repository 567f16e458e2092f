"""What every answer of the server keeps to: only known hosts, and nothing asked from elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["POLICY", "Guard"]

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; "
    "form-action 'self'"
)
"""The browser itself refuses what is not from here. Streamlit and Vega need inline and eval."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    # A forum's server must not learn from which dashboard its reader came.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Refuses hosts that are not listed, so that no foreign page can ask in a reader's name.

    Streamlit checks the host of its websocket alone. An empty list allows every host.
    """

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        """Guards an application."""
        self.app = app
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, with the headers; 400 for an unknown host."""
        if scope["type"] == "websocket" and not self._lets(_origin(scope)):
            # Streamlit would ask a service outside what this machine's address is.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if not self._lets(_host(Headers(scope=scope).get("host", ""))):
            await PlainTextResponse("unknown host", 400)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers)

    def _lets(self, host: str | None) -> bool:
        return host is None or not self.hosts or host in self.hosts


def _origin(scope: Scope) -> str | None:
    """Host of the page that opens a websocket; None where it does not say."""
    origin = Headers(scope=scope).get("origin")
    return None if origin is None else _host(urlsplit(origin).netloc)


def _host(text: str) -> str:
    """The name without its port, in small letters."""
    name = text.rsplit(":", 1)[0] if text.rpartition(":")[2].isdigit() else text
    return name.lower().rstrip(".")
