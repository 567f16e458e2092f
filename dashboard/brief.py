"""A content brief of one theme: to read, to edit, to take along."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from dashboard import address, data, papers, parts, words
from dashboard.data import Filters, Project, State
from dashboard.papers import Block
from dashboard.words import many, plain, word
from miner.brief import Brief
from miner.model import Theme

VIEWS = ("Read", "Edit")


def choose(state: State, found: Project) -> Theme | None:
    """The theme of the address, else the one chosen; gaps come first in the list."""
    rank = {gap.theme: place for place, gap in enumerate(found.gaps)}
    ordered = sorted(found.themes, key=lambda item: rank.get(item.id, len(rank)))
    options = {"": "Choose a theme"} | {
        item.id: f"{item.name} ({word('kinds', item.kind)}, {many(item.tally.authors, 'author')})"
        for item in ordered
    }
    asked = address.chosen("theme")
    item = data.theme(state, asked) if asked else None
    if item is not None:
        address.keep("theme", item.id)
    elif asked:
        st.warning("There is no theme of this id. It may belong to another project.")
        st.text(asked)
        return None
    address.pick(st.selectbox, "Theme", "theme", options)
    return item


def made(found: Project) -> str:
    """Of which run the brief is."""
    run = found.run
    if run is None:
        return ""
    since = f", with {many(len(found.since.new), 'decision')} made since" if found.since else ""
    return f"Run {run.id} of {words.day(run.finished)}, settings {run.settings_hash[:12]}{since}."


def kept(paper: Brief, found: Project) -> str:
    """Where in the session the paper stands, as the reader left it, else as it was made."""
    key = f"paper_{paper.theme}_{paper.condition}_{found.run and found.run.id}"
    st.session_state.setdefault(key, papers.markdown(paper, made(found)))
    return key


def downloads(paper: Brief, text: str, found: Project) -> None:
    """The text as it stands, as Markdown and as a Word document."""
    when = found.run.finished if found.run else None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.download_button(
            "Download .md",
            text.encode("utf-8", "replace"),
            papers.file_name(paper, "md"),
            "text/markdown",
            on_click="ignore",
        )
        st.download_button(
            "Download .docx",
            papers.docx(text, title=papers.title(paper), when=when),
            papers.file_name(paper, "docx"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            on_click="ignore",
        )
        st.page_link("theme.py", label="Open the theme →", query_params={"theme": paper.theme})


def read(text: str) -> None:
    """The paper as it reads; nothing in it is markup."""
    for kind, run in groupby(papers.blocks(text)[1:], key=lambda block: block.kind):
        if kind == "item":
            st.text("\n".join(f"• {block.text}" for block in run))
        else:
            for block in run:
                _draw(block)


def _draw(block: Block) -> None:
    if block.kind != "heading":
        st.text(block.text)
    elif block.level <= 2:
        st.header(plain(block.text), anchor=False)
    else:
        st.subheader(plain(block.text), anchor=False)


def edit(key: str) -> None:
    """The paper's Markdown in a field."""
    st.caption("Markdown. What you change is kept in this visit alone: download it to keep it.")
    box = f"box_{key}"
    st.session_state[box] = st.session_state[key]

    def keep() -> None:
        st.session_state[key] = st.session_state[box]

    st.text_area("Brief", key=box, height=700, on_change=keep)
    st.button("Start anew from the data", on_click=st.session_state.pop, args=(key, None))


def body(state: State, found: Project, item: Theme, filters: Filters) -> None:
    """The brief of the theme."""
    paper = data.brief(state, item.id, filters.condition)
    if paper is None:
        return
    st.title(plain(papers.title(paper)), anchor=False)
    parts.stale(found)
    parts.caution()
    if filters.condition:
        st.caption(f"Narrowed to {words.condition(filters.condition)}.")
    key = kept(paper, found)
    downloads(paper, st.session_state[key], found)
    for tab in address.tabs("view", VIEWS):
        if tab.open:
            with tab:
                if address.chosen("view", VIEWS[0]) == VIEWS[1]:
                    edit(key)
                else:
                    read(st.session_state[key])


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.ground()
    if data.step(found) not in ("ready", "again"):
        st.title("Brief")
        parts.next_command(found)
        return
    item = choose(state, found)
    if item is None:
        st.title("Brief")
        st.text("What an article on a theme should answer, say, cite and leave out.")
        st.text("Choose a theme above, or press “Make a brief” on the page Gaps.")
        parts.caution()
        return
    body(state, found, item, filters)


show()
