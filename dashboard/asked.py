"""What people ask, grouped by meaning, and how many of them somebody wrote back to."""

from __future__ import annotations

import streamlit as st

from dashboard import address, parts, words
from dashboard.data import Project, State
from dashboard.stores import stores
from miner.inquiries import Inquiry, inquiries

__all__ = ["draw", "known", "table"]

PAGE = 20
SHOWN = {
    "": "Asked by two or more",
    "open": "Some got no answer",
    "nobody": "Nobody answered",
    "all": "All",
}


@st.cache_resource(show_spinner=False, max_entries=2)
def known(state: State) -> tuple[Inquiry, ...]:
    """All inquiries, most people first."""
    return tuple(inquiries(stores(state.url)[1].questions()))


def table(found: list[Inquiry], names: dict[str, str]) -> None:
    """The inquiries with their counts; the words are those of one who asks."""
    st.dataframe(
        [
            {
                "Question": " ".join(one.text.split()),
                "Asked by": one.askers,
                "Of these answered": f"{one.answered} of {one.askers}",
                "Threads": one.threads,
                "Themes": ", ".join(names[key] for key in one.themes if key in names),
                "First thread": words.link(one.questions[0].quote.document),
            }
            for one in found
        ],
        hide_index=True,
        column_config={
            "Question": st.column_config.TextColumn(width="large"),
            "First thread": st.column_config.LinkColumn(width="small", display_text="Open ↗"),
        },
        alt="Questions people ask, with how many of them somebody wrote back to",
    )


def draw(state: State, found: Project) -> None:
    """The part of the page on questions; nothing where nobody asks."""
    every = known(state)
    if not every:
        return
    st.header("What people ask")
    st.text(
        "Questions of one meaning, in the words of the most typical one. Answered: another member "
        "stated something on it later in the thread, rightly or wrongly."
    )
    chosen = {
        "": [one for one in every if one.askers > 1],
        "open": [one for one in every if one.open],
        "nobody": [one for one in every if not one.answered],
        "all": list(every),
    }
    options = {key: f"{label} {len(chosen[key])}" for key, label in SHOWN.items()}
    default = "" if chosen[""] else "all"
    view = address.pick(st.pills, "Questions", "asked", options, default)
    names = {theme.id: theme.name for theme in found.themes}
    table(
        list(parts.paged(chosen[view or default], f"asked_{view}", PAGE, name="asked_page")), names
    )
