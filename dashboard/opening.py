"""Ways from a list, a chart or a table to the page of a theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

__all__ = ["chosen_mark", "opener", "table", "to_theme"]


def to_theme(theme: str) -> None:
    """Goes to the page of a theme."""
    st.switch_page("theme.py", query_params={"theme": theme})


def opener(names: Mapping[str, str]) -> None:
    """The way to a theme by keyboard; `names` are by id."""
    chosen = st.selectbox(
        "Open a theme",
        list(names),
        index=None,
        format_func=lambda key: names.get(key, key),
        placeholder="Type a word of its name",
        key="opener",
    )
    if chosen:
        to_theme(chosen)


def chosen_mark(event: object, name: str) -> str | None:
    """The theme of the mark that was clicked in a chart; None where none was."""
    selection: Any = getattr(event, "selection", None) or {}
    marks = selection.get(name) or []
    theme = marks[0].get("theme") if marks else None
    return str(theme) if theme else None


def table(frame: pd.DataFrame, themes: Sequence[str], alt: str) -> None:
    """A table whose first column opens the theme of its row."""

    def opened() -> None:
        clicked = st.session_state.get("open_row")
        if clicked is not None:
            st.session_state["go_to"] = themes[clicked["row"]]

    frame = frame.copy()
    frame.insert(0, "Open", "Open")
    st.dataframe(
        frame,
        hide_index=True,
        height=min(38 + 35 * len(frame), 738),
        alt=alt,
        column_config={
            "Open": st.column_config.ButtonColumn(
                "Page", on_click=opened, key="open_row", width=70
            ),
            "Theme": st.column_config.TextColumn(width="medium"),
        },
    )
    target = st.session_state.pop("go_to", None)
    if target:
        to_theme(target)
