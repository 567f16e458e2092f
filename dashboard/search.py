"""Search: passages and themes by words and by meaning, with where they stand."""

from __future__ import annotations

from html import escape
from typing import cast

import streamlit as st

from dashboard import address, finding, parts, words
from dashboard.data import Filters, Project, State
from dashboard.finding import Answer
from dashboard.words import many, plain, word
from miner.search import Facet, Found, Mode

MODES = {"both": "Words and meaning", "words": "Words", "meaning": "Meaning"}
SUGGESTED = 8
"""Themes offered where nothing was typed yet."""
FACETS: dict[Facet, tuple[str, str]] = {
    "type": ("in", "Found in"),
    "kind": ("about", "About"),
    "site": ("on", "Site"),
    "outcome": ("told", "What members say"),
}
"""Name in the address and label; condition and site may be chosen above every page."""


def suggestions(found: Project) -> None:
    """Names of the most talked about themes, to begin with."""
    st.text("Type a few words, or begin with what is most talked about:")
    with st.container(horizontal=True):
        for theme in found.themes[:SUGGESTED]:
            st.button(
                parts.name(theme),
                key=f"suggest_{theme.id}",
                on_click=address.move,
                args=("q", theme.name),
            )


def facets(state: State, text: str, mode: Mode, filters: Filters) -> tuple[Found, bool]:
    """What was found with what is chosen of each facet, and whether anything is chosen."""
    above: dict[Facet, str | None] = {"condition": filters.condition, "site": filters.site}
    chosen = {facet: value for facet, value in above.items() if value}
    offered = {facet: names for facet, names in FACETS.items() if facet not in chosen}
    for facet, (name, _) in offered.items():
        if value := address.chosen(name):
            chosen[facet] = value
    found = finding.ask(state, text, mode, chosen, filters.without)
    with st.container(horizontal=True):
        for facet, (name, label) in offered.items():
            counts = found.facets.get(facet, {})
            options = {"": "All"} | {v: f"{_named(facet, v)} ({n:,})" for v, n in counts.items()}
            if facet in chosen and chosen[facet] not in options:
                options[chosen[facet]] = f"{_named(facet, chosen[facet])} (0)"
            address.pick(st.selectbox, label, name, options)
    return found, bool(chosen)


def _named(facet: Facet, value: str) -> str:
    groups: dict[Facet, str] = {"type": "passages", "kind": "kinds", "outcome": "stances"}
    return word(groups[facet], value) if facet in groups else value


def summary(found: Found, filters: Filters) -> None:
    """How many answers there are, and what else was looked for."""
    narrowed = f" about {words.condition(filters.condition)}" if filters.condition else ""
    st.caption(
        f"{many(len(found.hits), 'passage')}{narrowed}, the likeliest first. A passage is a "
        "sentence of a member, an article or a study, or a theme."
    )
    if found.cut:
        st.caption("There may be more: only the likeliest are shown and counted.")
    if filters.since or filters.until:
        st.caption("The years chosen above do not narrow a search.")
    if filters.without:
        st.caption("The numbers beside the choices count the articles left out, too.")
    for one, others in found.instead.items():
        st.text(f"Hardly anybody writes “{one}”; also looked for: {', '.join(others)}.")


def snippet(one: Answer) -> str:
    """The words as HTML without any markup of their own: what was looked for is marked."""
    body = "".join(f"<mark>{escape(p)}</mark>" if hit else escape(p) for p, hit in one.parts)
    return f'<p style="margin:0;overflow-wrap:anywhere"><bdi>{body}</bdi></p>'


def card(one: Answer) -> None:
    """One answer: its words, where it stands, and the ways to its themes and its source."""
    with st.container(border=True, gap="xsmall"):
        kinds = dict.fromkeys(theme.kind for theme in one.themes)
        parts.labels(
            (word("passages", one.type), "violet"),
            *((word("kinds", kind), "gray") for kind in kinds),
            *(() if one.by_words else [("other words, like meaning", "blue")]),
        )
        st.html(snippet(one))
        if one.about:
            st.caption(plain(" · ".join(one.about)))
        with st.container(horizontal=True, vertical_alignment="center"):
            for theme in one.themes:
                parts.open_theme(theme, f"{parts.name(theme)} →")
            parts.open_link("Open the source", one.link)


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.opened("Search")
    if not finding.has_index(state):
        st.info("This project was mined before there was a search. The next command:")
        st.code("folkgrade mine", language="bash")
        parts.caution()
        return
    text = address.search("Words to look for", "q")
    mode = cast("Mode", address.pick(st.pills, "By", "by", MODES, "both"))
    if not text.strip():
        suggestions(found)
        parts.caution()
        return
    if mode != "words" and not finding.speaks(state):
        st.warning("The model of the meanings is not on this machine: only words are looked for.")
    answer, narrowed = facets(state, text, mode, filters)
    summary(answer, filters)
    parts.caution()
    if not answer.hits:
        more = ", or one choice less above" if narrowed else ""
        st.text(f"Nothing was found. Fewer or other words may help{more}.")
        return
    shown = parts.paged(
        answer.hits, f"search_{hash((text, mode, answer.hits[0], len(answer.hits)))}"
    )
    with st.grid(2, min_column_width=420):
        for one in finding.answers(state, text, shown):
            card(one)


show()
