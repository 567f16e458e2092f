"""Who is reading: nobody in particular, or a person who logged in with the team's provider.

Off unless the settings ask for it. Streamlit does the OpenID Connect; what is here decides who gets
in, who may change things, and which name stands in the history.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import streamlit as st

from dashboard.stores import read_only

__all__ = [
    "LOGIN",
    "REVIEWERS",
    "gate",
    "login_needed",
    "may_change",
    "person",
    "providers",
    "token",
]

LOGIN = "FOLKGRADE_LOGIN"
"""Environment variable: where it is set, readers have to log in."""
REVIEWERS = "FOLKGRADE_REVIEWERS"
"""Environment variable: e-mail addresses of those who may change things; all where empty."""

SHARED = frozenset({"redirect_uri", "cookie_secret", "expose_tokens"})
"""Settings of `[auth]` that hold for every provider."""


def login_needed() -> bool:
    """Whether readers have to log in."""
    return bool(os.environ.get(LOGIN))


def person() -> str:
    """E-mail address, else name or id, of who is logged in; empty where nobody is."""
    if not login_needed() or not st.user.get("is_logged_in"):
        return ""
    return next((str(st.user[key]) for key in ("email", "name", "sub") if st.user.get(key)), "")


def may_change() -> bool:
    """Whether this reader may decide anything: not read-only, and one of the reviewers if named."""
    if read_only():
        return False
    if not login_needed():
        return True
    named = {one.strip().lower() for one in os.environ.get(REVIEWERS, "").split(",")} - {""}
    who = person()
    if not named:
        return bool(who)
    # An address that the provider says is unverified could be anybody's.
    sure = st.user.get("email_verified") is not False
    return bool(st.user.get("email")) and sure and who.lower() in named


def token() -> str:
    """What programs show instead of a login: `[folkgrade] token` of the secrets; empty if none."""
    return str(_secret("folkgrade").get("token", ""))


def providers() -> list[str]:
    """Names of the providers of `[auth]`; an empty name for the one that has none."""
    auth = _secret("auth")
    named = [name for name, value in auth.items() if isinstance(value, Mapping)]
    return named or ([""] if auth.keys() - SHARED else [])


def _secret(section: str) -> Mapping[str, object]:
    try:
        found = st.secrets.get(section, {})
    except FileNotFoundError:
        return {}
    return found if isinstance(found, Mapping) else {}


def gate() -> bool:
    """Whether the reader is let in; else draws what is missing or how to log in."""
    if not login_needed():
        return True
    known = providers()
    if not known:
        st.title("Folkgrade")
        st.error("A login is asked for, but no provider is set up.")
        st.text("Add [auth] to secrets.toml in the project's folder, then start again.")
        return False
    if st.user.get("is_logged_in"):
        _signed_in()
        return True
    st.title("Folkgrade")
    st.text("Log in to read this project.")
    for name in known:
        st.button(f"Log in with {name}" if name else "Log in", key=f"login_{name}",
                  on_click=_log_in, args=(name,))  # fmt: skip
    return False


def _log_in(provider: str) -> None:
    st.login(provider or None)


def _signed_in() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"Logged in as {person()}")
        st.button("Log out", key="logout", type="tertiary", on_click=st.logout)
