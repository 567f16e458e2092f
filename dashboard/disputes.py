"""Contradictions: themes on which articles, members or studies say opposite things."""

from __future__ import annotations

import streamlit as st

from dashboard import address, data, deciding, judging, parts
from dashboard.data import State
from dashboard.words import many, word
from miner.model import Contradiction


def judge(state: State, one: Contradiction, accepted: frozenset[str]) -> None:
    """Says that it is one, or that it is none; the latter is shown no more."""
    if one.id in accepted:
        st.caption("A person looked at it and agrees.")
    if data.read_only():
        return
    with st.container(horizontal=True):
        for label, action, done in (
            ("Accept", "accept", "Accepted."),
            ("Dismiss", "dismiss", "Dismissed; it is shown no more."),
        ):
            if action == "dismiss" or one.id not in accepted:
                st.button(
                    label,
                    key=f"{action}_{one.id}",
                    help=f"{label} this contradiction",
                    on_click=judging.keep,
                    args=(state, action, one.id, {}, done),
                )


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.ground()
    st.title("Contradictions")
    if not parts.next_command(found):
        return
    parts.stale(found)
    st.text("Where one side says the opposite of another. The themes of most authors come first.")
    disputes = data.disputes(state, filters)
    types = dict.fromkeys(one.type for one, _ in disputes)
    options = {"": f"All {len(disputes)}"} | {t: word("contradictions", t) for t in types}
    kind = address.pick(st.pills, "Who disagrees", "dispute", options)
    chosen = [(one, row) for one, row in disputes if kind in ("", one.type)]
    judging.receipt(state)
    if not chosen:
        st.text("No contradiction passes these filters.")
        parts.caution()
        return
    if filters.condition:
        st.caption(parts.narrowed(filters.condition))
    parts.caution()
    accepted = deciding.accepted(state)
    for one, row in parts.paged(chosen, f"disputes_{kind}"):
        st.header(parts.name(row.theme), anchor=False)
        with st.container(horizontal=True, gap="small"):
            st.badge(word("contradictions", one.type), color="red")
            st.badge(word("kinds", row.theme.kind), color="violet")
            st.badge(many(row.tally.authors, "author"), color="gray")
        both = data.sides_of(state, one, filters)
        if both is not None:
            parts.both_sides(state, both)
        parts.open_theme(row.theme)
        judge(state, one, accepted)


show()
