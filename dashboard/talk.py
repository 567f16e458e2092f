"""Talk and evidence: how many speak of a theme, against how it was studied."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from dashboard import address, bubbles, mapping, opening, parts
from dashboard.bubbles import BANDS, LINE, STEPS, Point
from dashboard.words import many, word
from miner.model import Kind

KINDS = {"remedy": "Remedies", "cause": "Causes", "trigger": "Triggers"}
INKS = {"dark": "#fafafa", "light": "#111111"}


def frame(found: list[Point]) -> pd.DataFrame:
    """The chart's numbers as a table, in the order given."""
    return pd.DataFrame(
        {
            "Theme": [one.name for one in found],
            "Authors": [one.authors for one in found],
            "Evidence": [one.band for one in found],
            "Controlled study": ["found" if one.band in STEPS else "none found" for one in found],
            "Articles": [one.articles for one in found],
        }
    )


def explain(found: list[Point], kind: Kind) -> None:
    """What the line is, and how many themes are on each side of it."""
    above = sum(one.band in STEPS for one in found)
    st.text(
        f"{many(len(found), kind, word('kinds_many', kind))} that members speak of: for {above:,} "
        f"a controlled study was found, for {len(found) - above:,} none."
    )
    st.caption(
        "The line is where no controlled study was found: no trial, cohort or case-control study, "
        "and no review of these, that counts for the theme. That no study was found does not mean "
        "that something does not work. Filled: an article speaks of it; hollow: none does. "
        "Marks of equal numbers may lie on one another; the table has them all. A click on a mark "
        "opens its theme."
    )


def show() -> None:
    """Draws the page."""
    state, _, filters = parts.opened("Talk and evidence")
    kind = cast("Kind", address.pick(st.pills, "Kind", "of", KINDS, "remedy"))
    drawn = mapping.points(state, filters, kind)
    if not drawn:
        st.text("No theme of this kind passes the filters.")
        return
    explain(drawn, kind)
    parts.caution()
    opening.opener({one.theme: one.name for one in drawn})
    event = st.altair_chart(
        bubbles.talk(drawn, INKS.get(st.context.theme.type or "", bubbles.GREY_INK)),
        on_select="rerun",
        key=f"talk_{kind}",
        alt=f"Themes by authors and level of evidence, with a line: {LINE[2:]}; the table below "
        "has the numbers",
    )
    theme = opening.chosen_mark(event, "point")
    if theme:
        opening.to_theme(theme)
    st.header("The same numbers as a table")
    ordered = sorted(drawn, key=lambda one: (BANDS.index(one.band), -one.authors, one.name))
    opening.table(
        frame(ordered),
        [one.theme for one in ordered],
        "Themes with authors, level of evidence, controlled study and articles",
    )


show()
