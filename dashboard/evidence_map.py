"""Evidence map: what people try or blame, by condition, with the evidence for each pair."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from dashboard import address, bubbles, mapping, opening, parts
from dashboard.bubbles import NOBODY, Bubble
from dashboard.mapping import Map
from dashboard.words import covered, many
from miner.model import Kind

KINDS = {"remedy": "Remedies", "cause": "Causes", "trigger": "Triggers"}


def said(cell: Bubble) -> str:
    """A cell of the table: `5 authors · Level 2 · in 2 articles`, or a dash."""
    if cell.level == NOBODY:
        return "–"
    return f"{many(cell.authors, 'author')} · {cell.level} · {covered(cell.articles)}"


def frame(drawn: Map) -> pd.DataFrame:
    """The chart's numbers as a table: a row for each theme, a column for each condition."""
    width = len(drawn.conditions)
    rows = [drawn.cells[n * width : (n + 1) * width] for n in range(len(drawn.names))]
    return pd.DataFrame(
        [
            {"Theme": name, **{cell.condition: said(cell) for cell in cells}}
            for name, cells in zip(drawn.names, rows, strict=True)
        ]
    )


def legend() -> None:
    """What the marks mean beyond their legend."""
    st.caption(
        "The larger a mark, the more authors. Filled: an article speaks of it; hollow: none does. "
        "A dash: nobody speaks of it with that condition, and no source is known. A level says how "
        "a question was studied, not how well something works. A click on a mark opens its theme."
    )


def show() -> None:
    """Draws the page."""
    state, _, filters = parts.opened("Evidence map")
    kind = cast("Kind", address.pick(st.pills, "Kind", "of", KINDS, "remedy"))
    drawn = mapping.map_of(state, filters, kind)
    if not drawn.cells:
        st.text("No theme of this kind passes the filters, or no condition is known.")
        return
    if drawn.left_out:
        st.caption(
            f"Shown are the {len(drawn.rows)} themes of most authors; {drawn.left_out:,} more are "
            "on the page Themes."
        )
    legend()
    parts.caution()
    opening.opener(dict(zip([row.theme.id for row in drawn.rows], drawn.names, strict=True)))
    event = st.altair_chart(
        bubbles.evidence_map(drawn.cells, drawn.names, drawn.conditions),
        on_select="rerun",
        key=f"map_{kind}",
        alt="Themes by condition: authors, level of evidence and articles; the table below has "
        "the numbers",
    )
    theme = opening.chosen_mark(event, "cell")
    if theme:
        opening.to_theme(theme)
    st.header("The same numbers as a table")
    opening.table(
        frame(drawn),
        [row.theme.id for row in drawn.rows],
        "Themes by condition with authors, level of evidence and articles",
    )


show()
