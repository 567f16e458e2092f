"""The dashboard's frame: navigation and the filters that hold on every page."""

from __future__ import annotations

import streamlit as st

from crawler.errors import StoreError
from dashboard import address, data, menu, parts, people, selling, warming, words

ONE_SELLS = "article that promotes a product or speaks for its own offer"
MANY_SELL = "articles that promote a product or speak for their own offer"
LEAST = ("1", "2", "3", "5", "10", "20")


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
        if found.articles or address.chosen("selling"):
            sold = {"": "Shown", selling.OUT: "Left out"}
            address.pick(st.selectbox, "Articles that sell", "selling", sold)
    say(parts.filters())


def say(chosen: data.Filters) -> None:
    """What the filters leave as it is."""
    if chosen.of_members:
        st.caption(
            f"Members' numbers and words: only those {parts.narrowed_by(chosen)}. Articles, "
            "studies, grades and gap scores are over all."
        )
    if address.chosen("selling") == selling.OUT:
        st.caption(
            f"Left out: {words.many(len(chosen.without), ONE_SELLS, MANY_SELL)}. Members' numbers, "
            "studies, grades and gap scores stay as they are: what sells never raises a level."
        )


def main() -> None:
    """Draws the frame and the page in it; a store that cannot be read is one clear line."""
    st.set_page_config(page_icon="🧭", layout="wide")
    sections = menu.pages()
    page = st.navigation(sections, position="top")
    if not people.gate():
        return
    menu.narrow(sections, page)
    try:
        filter_row(data.project(data.state()))
        page.run()
        warming.drawn()
    except StoreError as error:
        st.title("Folkgrade")
        st.error("The project cannot be read.")
        st.text(str(error))


main()
