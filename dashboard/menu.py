"""The menu: sections on top of a wide window, one list behind a button on a narrow one."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dashboard import people

__all__ = ["narrow", "pages"]

NARROW = "narrow_menu"
_WIDTH = 768
"""Pixels below which Streamlit moves its menu to the side, in a list that a screen reader is told
to read as one and that is none."""
_STYLE = f"""<style>
@media (min-width: {_WIDTH}px) {{
  [data-testid=stLayoutWrapper]:has(> .st-key-{NARROW}) {{ display: none; }}
}}
@media (max-width: {_WIDTH - 0.02}px) {{
  [data-testid=stSidebar], [data-testid=stExpandSidebarButton] {{ display: none; }}
}}
</style>"""


def pages() -> dict[str, list[st.Page]]:
    """The pages by what one does there: look, write, check.

    The default page answers at / alone, so /overview is another one.
    """
    return {
        "Look": [
            st.Page("overview.py", title="Overview", url_path="home", default=True),
            st.Page("overview.py", title="Overview", url_path="overview", visibility="hidden"),
            st.Page("evidence_map.py", title="Evidence map", url_path="map"),
            st.Page("talk.py", title="Talk and evidence", url_path="talk"),
            st.Page("themes.py", title="Themes", url_path="themes"),
            st.Page("theme.py", title="Theme", url_path="theme"),
            st.Page("theme_map.py", title="Theme map", url_path="atlas"),
            st.Page("disputes.py", title="Contradictions", url_path="contradictions"),
            st.Page("search.py", title="Search", url_path="search"),
        ],
        "Write": [
            st.Page("gaps.py", title="Gaps", url_path="gaps"),
            st.Page("brief.py", title="Brief", url_path="brief"),
        ],
        "Check": [
            st.Page("review.py", title="Review", url_path="review", visibility=_reviewing()),
            st.Page("sources.py", title="Sources", url_path="sources"),
            st.Page("runs.py", title="Runs and quality", url_path="runs"),
            st.Page("methods.py", title="Methods", url_path="methods"),
            st.Page("exports.py", title="Exports", url_path="exports"),
        ],
    }


def _reviewing() -> Literal["visible", "hidden"]:
    """Whether the page on which things are changed is in the menu."""
    return "visible" if people.may_change() else "hidden"


def narrow(sections: dict[str, list[st.Page]], here: st.Page) -> None:
    """The same menu for a narrow window, closed on each new page; a wide one does not show it."""
    st.html(_STYLE)
    if st.session_state.get("menu_of") != here.url_path:
        st.session_state["menu_of"] = here.url_path
        st.session_state["menu_open"] = False
    with st.container(key=NARROW):
        menu = st.popover("Pages", key="menu_open", on_change="rerun")
    if menu.open:
        with menu:
            for section, inside in sections.items():
                st.caption(section)
                for page in inside:
                    if page.visibility == "visible":
                        st.page_link(page)
