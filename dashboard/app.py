"""The dashboard's frame: navigation and the filters that hold on every page."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from crawler.errors import StoreError
from dashboard import address, data, parts, people, words

LEAST = ("1", "2", "3", "5", "10", "20")


def navigation() -> st.Page:
    """The page the reader is on, by what one does there: look, write, check.

    The default page answers at / alone, so /overview is another one.
    """
    return st.navigation(
        {
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
                st.Page("review.py", title="Review", url_path="review", visibility=reviewing()),
                st.Page("sources.py", title="Sources", url_path="sources"),
                st.Page("runs.py", title="Runs and quality", url_path="runs"),
                st.Page("methods.py", title="Methods", url_path="methods"),
                st.Page("exports.py", title="Exports", url_path="exports"),
            ],
        },
        position="top",
    )


def reviewing() -> Literal["visible", "hidden"]:
    """Whether the page on which things are changed is in the menu."""
    return "visible" if people.may_change() else "hidden"


def filter_row(found: data.Project) -> None:
    """The filters, once there is something to narrow down."""
    if not found.themes:
        return
    conditions = {"": "All conditions"} | {c: words.condition(c) for c in found.conditions}
    with st.container(horizontal=True):
        address.pick(st.selectbox, "Condition", "condition", conditions)
        least = {number: f"{number} or more" for number in LEAST}
        address.pick(st.selectbox, "Authors of a theme", "least", least, "1")
        sites = {"": "All sites"} | {one.site: one.site for one in found.sites if one.threads}
        if len(sites) > 2 or address.chosen("site"):
            address.pick(st.selectbox, "Members of", "site", sites)
        years = {str(year): str(year) for year in reversed(found.years)}
        if len(years) > 1 or address.chosen("since") or address.chosen("until"):
            address.pick(st.selectbox, "Written since", "since", {"": "Any year"} | years)
            address.pick(st.selectbox, "Written until", "until", {"": "Any year"} | years)
    chosen = parts.filters()
    if chosen.of_members:
        st.caption(
            f"Members' numbers and words: only those {parts.narrowed_by(chosen)}. Articles, "
            "studies, grades and gap scores are over all."
        )


def main() -> None:
    """Draws the frame and the page in it; a store that cannot be read is one clear line."""
    st.set_page_config(page_icon="🧭", layout="wide")
    page = navigation()
    if not people.gate():
        return
    try:
        filter_row(data.project(data.state()))
        page.run()
    except StoreError as error:
        st.title("Folkgrade")
        st.error("The project cannot be read.")
        st.text(str(error))


main()
