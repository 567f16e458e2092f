"""Overview: what the project holds, how fresh it is, what changed, and three ways in."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from dashboard import data, parts, words
from dashboard.data import Project
from dashboard.words import many, word

CHANGES = 8  # changed themes named at once


def figures(found: Project) -> None:
    """The five figures."""
    values = {
        "Threads": found.threads,
        "Members": found.members,
        "Themes": len(found.themes),
        "Gaps": len(found.gaps),
        "Articles": found.articles,
    }
    with st.grid(5, min_column_width=130):
        for label, value in values.items():
            st.metric(label, f"{value:,}", border=True)


def freshness(found: Project) -> None:
    """When it was collected and mined."""
    mined = words.moment(found.run.finished) if found.run else "never"
    st.caption(f"Last read: {words.moment(found.fetched)}. Last mined: {mined}.")
    if found.posts and not found.members:
        st.caption("No post carries a name: each one is counted as an author of its own.")
    parts.stale(found)


def changes(found: Project) -> None:
    """What the last run did to the themes."""
    st.header("What changed in the last run")
    if not found.events:
        st.text("No theme was born, merged, split, renamed or lost.")
        return
    counts = Counter(event.kind for event in found.events)
    told = ", ".join(f"{n:,} {word('events', kind)}" for kind, n in counts.most_common())
    st.text(f"Themes: {told}.")
    known = found.by_id
    named = [(e, known.get(e.into or e.theme) or known.get(e.theme)) for e in found.events]
    shown = [(event, item) for event, item in named if item is not None]
    shown.sort(key=lambda pair: -pair[1].tally.authors)
    for event, item in shown[:CHANGES]:
        label = f"{parts.name(item)} ({word('events', event.kind)})"
        parts.open_theme(item, label)
    if len(shown) > CHANGES:
        st.caption(f"and {len(shown) - CHANGES:,} more, on the page Themes.")


def ways_in(found: Project) -> None:
    """Three doors: research, writing, freshness."""
    st.header("Where to start")
    with st.grid(3, min_column_width=240):
        with st.container(border=True, height="stretch"):
            st.subheader("I research")
            st.text("Browse what members blame and try, down to their own words.")
            st.page_link("themes.py", label="All themes →")
        with st.container(border=True, height="stretch"):
            st.subheader("I write")
            st.text("See what members ask and try that articles leave out or no study supports.")
            st.page_link("gaps.py", label=f"{many(len(found.gaps), 'gap')} →")
        with st.container(border=True, height="stretch"):
            st.subheader("Is my data fresh?")
            st.text(f"{many(len(found.sites), 'site')}; {_failed(len(found.failures))}.")
            st.page_link("sources.py", label="Sources and the last run →")


def _failed(pages: int) -> str:
    if not pages:
        return "every page that was asked for could be read"
    return f"{many(pages, 'page')} could not be read"


def most_talked(state: data.State, found: Project, filters: data.Filters) -> None:
    """The themes of most authors, by kind."""
    st.header("Most talked about")
    with st.grid(4, min_column_width=220):
        for kind in ("remedy", "cause", "trigger", "diagnosis"):
            with st.container():
                st.subheader(word("kinds_many", kind).capitalize())
                rows = data.rows(state, filters, kind)[:5]
                if not rows:
                    st.caption("none")
                for row in rows:
                    count = many(row.tally.authors, "author")
                    parts.open_theme(row.theme, f"{parts.name(row.theme)} · {count}")


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.ground()
    st.title("Overview")
    if not parts.next_command(found):
        if found.sites:
            figures(found)
        return
    figures(found)
    freshness(found)
    ways_in(found)
    most_talked(state, found, filters)
    parts.caution()
    changes(found)


show()
