"""The dashboard's frame: navigation and the filters that hold on every page."""

from __future__ import annotations

import streamlit as st

from crawler.errors import StoreError
from dashboard import address, data, words

LEAST = ("1", "2", "3", "5", "10", "20")


def navigation() -> st.Page:
    """The page the reader is on; the default one answers at / alone, so /overview is another."""
    return st.navigation(
        [
            st.Page("overview.py", title="Overview", url_path="home", default=True),
            st.Page("overview.py", title="Overview", url_path="overview", visibility="hidden"),
            st.Page("themes.py", title="Themes", url_path="themes"),
            st.Page("theme.py", title="Theme", url_path="theme"),
            st.Page("gaps.py", title="Gaps", url_path="gaps"),
            st.Page("disputes.py", title="Contradictions", url_path="contradictions"),
            st.Page("sources.py", title="Sources", url_path="sources"),
        ],
        position="top",
    )


def filter_row(found: data.Project) -> None:
    """The filters, once there is something to narrow down."""
    if not found.themes:
        return
    conditions = {"": "All conditions"} | {c: words.condition(c) for c in found.conditions}
    with st.container(horizontal=True):
        address.pick(st.selectbox, "Condition", "condition", conditions)
        least = {number: f"{number} or more" for number in LEAST}
        address.pick(st.selectbox, "Authors of a theme", "least", least, "1")


def main() -> None:
    """Draws the frame and the page in it; a store that cannot be read is one clear line."""
    st.set_page_config(page_icon="🧭", layout="wide")
    page = navigation()
    try:
        filter_row(data.project(data.state()))
        page.run()
    except StoreError as error:
        st.title("Folkgrade")
        st.error("The project cannot be read.")
        st.text(str(error))


main()
