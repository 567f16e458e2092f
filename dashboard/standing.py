"""The badge of an article: who stands behind the page, what counts against it, in its words."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from crawler.documents import Article
from dashboard import parts, reading
from dashboard.values import State
from dashboard.words import word
from miner.provenance import BENCHMARKS, Mark, marks, score

__all__ = ["badge", "marks_of", "overview"]

MOST = 200
"""Articles in the overview."""


def marks_of(state: State, url: str) -> tuple[Mark, ...]:
    """The marks of an article; none where it is not stored any more."""
    found = reading.document(state, url)
    return marks(found, datetime.now(UTC)) if isinstance(found, Article) else ()


def badge(state: State, url: str) -> None:
    """How many benchmarks the page meets and what counts against it; each mark with its words."""
    if not isinstance(reading.document(state, url), Article):
        return
    found = marks_of(state, url)
    met = score(found)
    against = [word("page_marks", mark.name) for mark in found if mark.name not in BENCHMARKS]
    parts.labels(
        (f"page: {met} of {len(BENCHMARKS)} benchmarks", "blue" if met else "gray"),
        *((said, "orange") for said in against),
    )
    with st.expander("What is known of the page"):
        st.text("\n".join(_lines(found)))
        st.caption("A badge of the page, never a level: what a sentence is worth, its source says.")


def _lines(found: tuple[Mark, ...]) -> list[str]:
    held = {mark.name: mark.quote for mark in found}
    said = [f"It {word('page_marks', name)}: “{quote}”" for name, quote in held.items()]
    lacking = [word("page_marks", name) for name in BENCHMARKS if name not in held]
    return [*said, *([f"Not found: {'; '.join(lacking)}."] if lacking else [])]


def _head(name: str) -> str:
    """A mark as the head of a column."""
    said = word("page_marks", name)
    return said[:1].upper() + said[1:]


def overview(state: State, articles: dict[str, str]) -> None:
    """A table of articles by address and title with their marks."""
    if not articles:
        return
    st.header("Articles")
    names = (*BENCHMARKS, "promotion", "self_interest", "age")
    rows = []
    for url, title in list(articles.items())[:MOST]:
        held = {mark.name for mark in marks_of(state, url)}
        told = {_head(name): "yes" if name in held else "–" for name in names}
        rows.append({"Article": title, **told})
    st.dataframe(
        rows, hide_index=True, alt="Articles with what is known of the page; see the theme pages"
    )
    st.caption(
        "Read from the page's own words; the words stand with each article on a theme's page. "
        "None of it raises or lowers a level."
    )
