"""Methods and limits: how is counted and graded, what cannot be said, and the model card."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, quality, words
from dashboard.data import Project
from dashboard.words import many

LEVELS = {
    "1": "Reviews of randomised trials",
    "2": "Randomised trials; very strong observational studies",
    "3": "Controlled studies and follow-ups without lots drawn",
    "4": "Series of cases, case-control studies",
    "5": "Expert opinion, explained mechanism, a single case",
    "None found": "A search was made and nothing that counts was found",
    "Not searched": "Nobody has looked yet",
}


def numbers(found: Project) -> None:
    """What this project rests on."""
    st.header("What this project rests on")
    st.text(
        f"{many(found.threads, 'thread')} with {many(found.posts, 'post')} and "
        f"{many(found.articles, 'article')} of {many(len(found.sites), 'site')}, by "
        f"{many(found.members, 'member')}. {many(len(found.themes), 'theme')}, "
        f"{many(len(found.gaps), 'gap')}, {many(len(found.contradictions), 'contradiction')}."
    )
    if found.run is not None:
        models = found.run.models.items()
        told = ", ".join(f"{words.word('models', part)}: {version}" for part, version in models)
        st.text(f"Run {found.run.id}, {words.moment(found.run.finished)}. {told}.")


def show() -> None:
    """Draws the page."""
    _, found, _ = parts.opened("Methods and limits")
    parts.caution(limits=False)
    for paragraph in words.limits():
        st.text(paragraph)
    st.header("Levels of evidence")
    st.table([{"Level": k, "Best source": v} for k, v in LEVELS.items()], hide_index=True)
    st.caption(
        "The design is the start; risk of bias, few people, another treatment or condition and "
        "the like cost steps. Each grade lists its reasons on the page of its theme."
    )
    numbers(found)
    st.header("Model card")
    for part in quality.pieces(quality.card()):
        if isinstance(part, str):
            st.text(part)
        else:
            quality.table(part)


show()
