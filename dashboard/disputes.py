"""Contradictions: themes on which articles, members or studies say opposite things."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import address, data, deciding, judging, parts, people
from dashboard.data import State
from dashboard.words import many, word
from miner.model import Contradiction
from miner.ranking import WEIGHTS

PAGE = 5


def judge(state: State, one: Contradiction, accepted: frozenset[str]) -> None:
    """Says that it is one, or that it is none; the latter is shown no more."""
    if one.id in accepted:
        st.caption("A person looked at it and agrees.")
    if not people.may_change():
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


def scored(one: Contradiction) -> None:
    """The score, its parts and why, where the run gave one."""
    if not one.parts:
        return
    st.caption(f"Score {one.score:.0f} of 100, over all conditions.")
    parts.folded("How the score adds up", f"score_{one.id}", partial(adding_up, one))


def adding_up(one: Contradiction) -> None:
    """The parts of a score as a table."""
    st.table(
        [
            {"Part": word("dispute_parts", name), "Points": f"{points:.1f} of {most:g}",
             "Why": why}
            for (name, points), why, most in zip(
                one.parts.items(), one.reasons, WEIGHTS.values(), strict=True
            )
        ],
        hide_index=True,
    )  # fmt: skip


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.opened("Contradictions")
    st.text(
        "Where one side says the opposite of another, highest score first. The score says what to "
        "look at first, never who is right."
    )
    disputes = data.disputes(state, filters)
    types = dict.fromkeys(one.type for one, _ in disputes)
    options = {"": f"All {len(disputes)}"} | {t: word("contradictions", t) for t in types}
    kind = address.pick(st.pills, "Who disagrees", "dispute", options)
    chosen = [(one, row) for one, row in disputes if kind in ("", one.type)]
    judging.receipt(state)
    if not chosen:
        left = "passes these filters" if found.contradictions else "was found, or each is dismissed"
        st.text(f"No contradiction {left}.")
        parts.caution()
        return
    if filters.condition:
        st.caption(parts.narrowed(filters.condition))
    parts.caution()
    accepted = deciding.accepted(state)
    for one, row in parts.paged(chosen, f"disputes_{kind}", PAGE):
        st.header(parts.name(row.theme), anchor=False)
        parts.labels(
            (word("contradictions", one.type), "red"),
            (word("kinds", row.theme.kind), "violet"),
            (many(row.tally.authors, "author"), "gray"),
        )
        scored(one)
        both = data.sides_of(state, one, filters)
        if both is not None:
            parts.both_sides(state, both)
        parts.open_theme(row.theme)
        judge(state, one, accepted)


show()
