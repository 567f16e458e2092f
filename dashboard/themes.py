"""Themes: the table, most authors first, never by benefit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import address, data, parts, within, words
from dashboard.data import Row
from dashboard.within import Line
from dashboard.words import many, word
from miner.counts import FEW, wilson

KINDS = {
    "": "All kinds",
    "remedy": "Remedies",
    "cause": "Causes",
    "trigger": "Triggers",
    "diagnosis": "Diagnoses",
}
SORTS = {
    "authors": "Most authors first",
    "gap": "Highest gap score first",
    "name": "By name",
    "helped": "Share helped, lower end of the interval",
}
PAGE = 100
"""Rows of the table at a time."""

LEVELS = {f"Level {n}": colour for n, colour in enumerate(("green", "green", "blue", "orange",
                                                          "orange"), start=1)}  # fmt: skip


def ordered(rows: Sequence[Row], by: str) -> list[Row]:
    """The rows in the order asked for; those of equal rank keep the order they come in.

    By benefit only where somebody asks for it, then by the lower end of the interval; what fewer
    than five people told stands after all that.
    """
    ranks: Mapping[str, Callable[[Row], tuple[float | str, ...]]] = {
        "gap": lambda row: (-row.gap.score if row.gap else 1.0,),
        "name": lambda row: (row.theme.name.lower(),),
        "helped": lambda row: (-_surely_helped(row),),
    }
    return sorted(rows, key=ranks[by]) if by in ranks else list(rows)


def _surely_helped(row: Row) -> float:
    told = row.tally.reported if row.theme.kind == "remedy" else 0
    return wilson(row.tally.helped, told)[0] if told >= FEW else -1.0


def frame(rows: Sequence[Line], recent: Mapping[str, list[int]]) -> pd.DataFrame:
    """The table's values; every text is shown as it is. `recent` are authors by quarter."""
    themes = [line.row if line.part is None else None for line in rows]
    return pd.DataFrame(
        {
            "Open": ["Open"] * len(rows),
            "Theme": [line.name for line in rows],
            "Kind": [[word("kinds", line.row.theme.kind)] for line in rows],
            "Authors": [line.tally.authors for line in rows],
            "By quarter": [recent.get(row.theme.id, []) if row else [] for row in themes],
            "Helped, of those who told": [
                parts.outcome_text(replace(line.row, tally=line.tally)) for line in rows
            ],
            "Evidence": [[words.level(row.grade)] if row else [] for row in themes],
            "Status": [_status(row) if row else "" for row in themes],
            "How sure": [line.sure for line in rows],
            "Sites": [line.tally.sites for line in rows],
            "Articles": pd.array([row.articles if row else None for row in themes], dtype="Int64"),
        }
    )


def _status(row: Row) -> str:
    return word("statuses", row.grade.status if row.grade else "not_searched")


def table(rows: Sequence[Line], recent: Mapping[str, list[int]]) -> None:
    """The table; its first column opens a theme."""

    def opened() -> None:
        clicked = st.session_state.get("open_row")
        if clicked is not None:
            st.session_state["go_to"] = rows[clicked["row"]].asked

    column = st.column_config
    levels = list(dict.fromkeys(words.level(line.row.grade) for line in rows))
    st.dataframe(
        frame(rows, recent),
        hide_index=True,
        height=min(38 + 35 * len(rows), 738),
        alt="Themes with kind, authors, outcomes, level of evidence, status, sites and articles",
        column_config={
            "Open": column.ButtonColumn("Page", on_click=opened, key="open_row", width=70),
            "Theme": column.TextColumn(width="medium"),
            "Kind": column.MultiselectColumn(
                options=[word("kinds", kind) for kind in KINDS if kind],
                color=["blue", "orange", "red", "violet"],
                width=100,
            ),
            "Authors": column.NumberColumn(help="Distinct authors, one vote each"),
            "By quarter": column.LineChartColumn(
                help=f"Distinct authors in each of the last {data.RECENT} finished quarters",
                y_min=0,
                width=110,
            ),
            "Helped, of those who told": column.TextColumn(
                help="Of the authors who tried it themselves and told what came of it. From five "
                "on with the 95 % interval. Advice and questions are not counted."
            ),
            "Evidence": column.MultiselectColumn(
                options=levels,
                color=[LEVELS.get(name, "gray") for name in levels],
                width=160,
            ),
            "Status": column.TextColumn(width=190),
            "How sure": column.TextColumn(width=140, help=within.HELP["sure"]),
        },
    )
    target = st.session_state.pop("go_to", None)
    if target:
        st.switch_page("theme.py", query_params=target)


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
    state, found, filters = parts.opened("Themes")
    left, right = st.columns(2)
    with left:
        # In a column pills would go on beyond the edge of a phone.
        kind = address.pick(partial(st.pills, wrap=True), "Kind", "kind", KINDS)
    with right:
        text = address.search("Words in the name or the claims", "find")
    rows = data.rows(state, filters, kind or None, text)  # type: ignore[arg-type]
    st.caption(f"{many(len(rows), 'theme')} of {len(found.themes):,}.")
    parts.caution()
    if not rows:
        st.text("No theme passes these filters.")
        return
    opened = False
    with st.container(horizontal=True, vertical_alignment="bottom"):
        opener(rows)
        by = address.pick(st.selectbox, "Sorted", "sort", SORTS, "authors")
        if any(row.theme.parts for row in rows):
            opened = bool(address.pick(st.pills, "Sub-themes", "parts", {"1": "Show sub-themes"}))
    # What a click opens stands on the page of the table that it was made on.
    shown = parts.paged(ordered(rows, by), f"themes_{kind}_{by}_{text}", PAGE)
    table(within.lines(state, shown, filters, opened=opened), data.recent(state, filters))


show()
