"""Themes: the table, most authors first, never by benefit."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import address, data, parts, words
from dashboard.data import Row
from dashboard.words import many, word

KINDS = {
    "": "All kinds",
    "remedy": "Remedies",
    "cause": "Causes",
    "trigger": "Triggers",
    "diagnosis": "Diagnoses",
}


def frame(rows: list[Row]) -> pd.DataFrame:
    """The table's values; every text is shown as it is."""
    return pd.DataFrame(
        {
            "Open": ["Open"] * len(rows),
            "Theme": [row.theme.name for row in rows],
            "Kind": [word("kinds", row.theme.kind) for row in rows],
            "Authors": [row.tally.authors for row in rows],
            "Helped, of those who told": [parts.outcome_text(row) for row in rows],
            "Evidence": [words.level(row.grade) for row in rows],
            "Status": [
                word("statuses", row.grade.status if row.grade else "not_searched") for row in rows
            ],
            "Sites": [row.tally.sites for row in rows],
            "Articles": [row.articles for row in rows],
        }
    )


def table(rows: list[Row]) -> None:
    """The table; its first column opens a theme."""

    def opened() -> None:
        clicked = st.session_state.get("open_row")
        if clicked is not None:
            st.session_state["go_to"] = rows[clicked["row"]].theme.id

    st.dataframe(
        frame(rows),
        hide_index=True,
        height=min(38 + 35 * len(rows), 738),
        alt="Themes with kind, authors, outcomes, level of evidence, status, sites and articles",
        column_config={
            "Open": st.column_config.ButtonColumn(
                "Page", on_click=opened, key="open_row", width=70
            ),
            "Theme": st.column_config.TextColumn(width="medium"),
            "Evidence": st.column_config.TextColumn(width=160),
            "Status": st.column_config.TextColumn(width=190),
            "Authors": st.column_config.NumberColumn(help="Distinct authors, one vote each"),
            "Helped, of those who told": st.column_config.TextColumn(
                help="Of the authors who tried it themselves and told what came of it. From five "
                "on with the 95 % interval. Advice and questions are not counted."
            ),
        },
    )
    target = st.session_state.pop("go_to", None)
    if target:
        st.switch_page("theme.py", query_params={"theme": target})


def opener(rows: list[Row]) -> None:
    """The way to a theme by keyboard."""
    names = {row.theme.id: f"{row.theme.name} ({word('kinds', row.theme.kind)})" for row in rows}
    chosen = st.selectbox(
        "Open a theme",
        list(names),
        index=None,
        format_func=lambda key: names.get(key, key),
        placeholder="Type a word of its name",
        key="opener",
    )
    if chosen:
        st.switch_page("theme.py", query_params={"theme": chosen})


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.ground()
    st.title("Themes")
    if not parts.next_command(found):
        return
    parts.stale(found)
    left, right = st.columns(2)
    with left:
        kind = address.pick(st.pills, "Kind", "kind", KINDS)
    with right:
        text = address.search("Words in the name or the claims", "find")
    rows = data.rows(state, filters, kind or None, text)  # type: ignore[arg-type]
    st.caption(f"{many(len(rows), 'theme')} of {len(found.themes):,}, most authors first.")
    parts.caution()
    if not rows:
        st.text("No theme passes these filters.")
        return
    opener(rows)
    table(rows)


show()
