"""What the reader chose, kept in the page's address and in the session.

Streamlit's own binding writes labels instead of ids and loses what a page chose on Back; here the
address holds ids, and what it does not say is what this session chose last.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

__all__ = ["chosen", "forget", "keep", "known", "move", "of_page", "page", "pick", "search", "tabs"]

PAGES = ("page", "asked_page")
"""Which page of a list is shown: any other choice begins it anew."""


def chosen(name: str, default: str = "") -> str:
    """The address's value of that name, else what this session chose last, else the default."""
    asked = st.query_params.get(name)
    value = st.session_state.get(_kept(name), default) if asked is None else asked
    return str(value)


def keep(name: str, value: str, default: str = "") -> None:
    """Remembers a choice in the session and writes it into the address; a default is left out."""
    st.session_state[_kept(name)] = value
    if value != default:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def move(name: str, value: str, *dropped: str) -> None:
    """Changes a choice within a page and drops others, from the address too."""
    forget(*dropped)
    for other in dropped:
        keep(other, "")
    keep(name, value)
    _first_page()


def forget(*names: str) -> None:
    """Drops what the session chose; what the address says stays."""
    for name in names:
        st.session_state.pop(_kept(name), None)


def pick(
    draw: Callable[..., str | None],
    label: str,
    name: str,
    options: Mapping[str, str],
    default: str = "",
) -> str:
    """The id chosen in a widget drawn by `draw`; its options are labels by id."""
    value = known(chosen(name, default), options, default)
    keep(name, value, default)
    widget = f"pick_{name}"
    st.session_state[widget] = value
    draw(
        label,
        list(options),
        format_func=lambda key: options.get(key, key),
        key=widget,
        on_change=_moved,
        args=(name, widget, default),
    )
    return value


def search(label: str, name: str) -> str:
    """The words typed into a field that are kept like any other choice."""
    value = chosen(name)
    keep(name, value)
    widget = f"pick_{name}"
    st.session_state[widget] = value
    st.text_input(label, key=widget, on_change=_moved, args=(name, widget, ""))
    return value


def tabs(name: str, labels: Sequence[str]) -> Sequence[TabContainer]:
    """Tabs of which the open one is in the address; only that one needs to be drawn."""
    default = labels[0]
    value = known(chosen(name, default), labels, default)
    keep(name, value, default)
    widget = f"pick_{name}"
    st.session_state[widget] = value
    return st.tabs(labels, key=widget, on_change=_moved, args=(name, widget, default))


def page(pages: int, key: str, name: str = "page") -> int:
    """The page of a list that is shown, from 1; it stands in the address alone."""
    asked = st.query_params.get(name, "1")
    number = int(asked) if asked.isdecimal() and len(asked) < 10 else 1
    value = number if 1 <= number <= pages else 1
    widget = f"page_{key}"
    st.session_state[widget] = value
    st.pagination(pages, key=widget, on_change=_turned, args=(name, widget))
    return value


def _turned(name: str, widget: str) -> None:
    turned = st.session_state.get(widget) or 1
    if turned > 1:
        st.query_params[name] = str(turned)
    else:
        st.query_params.pop(name, None)


def _first_page() -> None:
    for name in PAGES:
        st.query_params.pop(name, None)


def of_page(**asked: str) -> str:
    """The address of the page as its reader reached it, with these choices alone."""
    page = (st.context.url or "").partition("?")[0]
    return f"{page}?{urlencode(asked)}" if asked else page


def known(value: str, options: Container[str], default: str = "") -> str:
    """The value where it is one of the options, else the default."""
    return value if value in options else default


def _moved(name: str, widget: str, default: str) -> None:
    value = st.session_state.get(widget)
    keep(name, default if value is None else str(value), default)
    _first_page()


def _kept(name: str) -> str:
    return f"kept_{name}"
