"""Theme map: all themes on a plane, those that are spoken of alike near one another."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from dashboard import address, atlas, data, opening, parts, words
from dashboard.atlas import View
from dashboard.bubbles import GREY_INK
from dashboard.data import Project
from dashboard.words import many, word
from miner.model import Kind

INKS = {"dark": "#fafafa", "light": "#111111"}
KINDS = {
    "": "All kinds",
    "remedy": "Remedies",
    "cause": "Causes",
    "trigger": "Triggers",
    "diagnosis": "Diagnoses",
}
ROWS = 100
"""Rows of the table."""


def frame(found: View, project: Project) -> pd.DataFrame:
    """The drawing's themes as a table, most authors first."""
    known, near = project.by_id, atlas.neighbours(found)
    shown = found.dots[:ROWS]
    return pd.DataFrame(
        {
            "Theme": [known[dot.theme].name for dot in shown],
            "Kind": [word("kinds", dot.kind) for dot in shown],
            "Authors": [dot.authors for dot in shown],
            "Evidence": [words.level(data.grade_of(project, dot.theme, None)) for dot in shown],
            "Nearest here": [", ".join(near[dot.theme]) for dot in shown],
        }
    )


def explain(found: View, zoom: int) -> None:
    """What the drawing says and what it does not."""
    st.caption(
        "Themes that members speak of in like words lie near one another; left, right, up and down "
        "mean nothing. The larger a mark, the more authors. Names show as far as they have room: "
        "enlarge the map, with the choice above or with Ctrl and the wheel, and more appear. "
        "A click on a mark opens its theme."
    )
    if zoom >= atlas.CLOSE:
        st.caption("The small grey dots are wordings; point at one to read it.")
    if found.left_out:
        st.caption(f"{found.left_out:,} more themes lie here; enlarge the map to see them.")


def choose(found: Project) -> tuple[Kind | None, int, str]:
    """Kind, zoom, and the theme that the map is drawn about."""
    kind = address.pick(st.pills, "Kind", "kind", KINDS)
    names = {"": "The middle of the map"} | {item.id: item.name for item in found.themes}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        enlarged = {one: f"{one} ×" for one in atlas.ZOOMS}
        zoom = address.pick(st.pills, "Enlarged", "zoom", enlarged, "1")
        at = address.pick(st.selectbox, "About", "at", names)
    return cast("Kind | None", kind or None), int(zoom), at


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.opened("Theme map")
    if not atlas.ready(state):
        st.text("The last run kept no vectors to place themes by. The next command:")
        st.code("folkgrade mine", language="bash")
        parts.caution()
        return
    kind, zoom, at = choose(found)
    drawn = atlas.view(state, filters, kind, zoom, at)
    if not drawn.dots:
        st.text("No theme lies here that passes the filters.")
        return
    explain(drawn, zoom)
    parts.caution()
    opening.opener({dot.theme: dot.name for dot in drawn.dots})
    ink = INKS.get(st.context.theme.type or "", GREY_INK)
    kinds = {kind: word("kinds_many", kind).capitalize() for kind in atlas.KINDS}
    event = st.altair_chart(
        atlas.chart(drawn, kinds, ink),
        on_select="rerun",
        selection_mode="dot",
        key=f"atlas_{kind}_{zoom}_{at}",
        alt="Themes as marks, like ones near one another; the table below has the same themes",
    )
    theme = opening.chosen_mark(event, "dot")
    if theme:
        opening.to_theme(theme)
    st.header("The same numbers as a table")
    if len(drawn.dots) > ROWS:
        st.caption(f"The {ROWS} of most authors, of {many(len(drawn.dots), 'theme')}.")
    opening.table(
        frame(drawn, found),
        [dot.theme for dot in drawn.dots[:ROWS]],
        "Themes of the map with kind, authors, level of evidence and their nearest themes",
    )


show()
