"""Names of hosts: which site an address belongs to, and whether that is this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["bare", "is_loopback", "site_of"]


def site_of(url: str) -> str:
    """Host name of an address, with the port where it is not the default."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return host if port in (None, default) else f"{host}:{port}"


def bare(site: str) -> str:
    """The name of a site without `www.`, which makes no other site."""
    return site.removeprefix("www.")


def is_loopback(site: str) -> bool:
    """Whether a site is this very machine."""
    try:
        host = urlsplit(f"//{site}").hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
