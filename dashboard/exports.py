"""Exports: the results as files, under the filters above and a choice of how many words leave."""

from __future__ import annotations

from typing import cast

import streamlit as st

from dashboard import address, data, parts, taking
from dashboard.data import Filters, State
from dashboard.words import many
from miner import export
from miner.export.package import Quotes
from miner.model import Kind

KINDS = {
    "": "All kinds",
    "remedy": "Remedies",
    "cause": "Causes",
    "trigger": "Triggers",
    "diagnosis": "Diagnoses",
}
QUOTES = {"none": "None", "short": "Five in a row at most", "full": "All"}
TOLD = {
    "none": "Members' words stay here; so do the addresses and days of their posts.",
    "short": "Of members' words at most five in a row leave, and of their posts only the month. "
    "Shortening is no promise that nobody can be found again.",
    "full": "A search engine finds words as they stand, and so their authors. Keep such a file to "
    "yourself, and do not publish it.",
}


def choose() -> tuple[str, Quotes, Kind | None]:
    """Format, words and kind."""
    names = {form: " – ".join(taking.FORMATS.get(form, (form,))) for form in export.known()}
    ordered = {form: names[form] for form in [*taking.FORMATS, *names] if form in names}
    form = address.pick(st.selectbox, "Format", "format", ordered, "csv")
    kind = address.pick(st.pills, "Themes", "kind", KINDS)
    quotes = address.pick(st.pills, "Members' words", "quotes", QUOTES, "short")
    return form, cast("Quotes", quotes), cast("Kind | None", kind or None)


def contents(state: State, filters: Filters, kind: Kind | None) -> int:
    """Says what will be in it; how many themes."""
    rows = data.rows(state, filters, kind)
    chosen = taking.narrowed(filters, kind)
    said = "; ".join(f"{name}: {value}" for name, value in chosen.items())
    st.text(f"{many(len(rows), 'theme')} with their claims, evidence, grades and gaps.")
    if said:
        st.text(f"Narrowed to {said}. The export says so.")
    return len(rows)


def download(state: State, form: str, quotes: Quotes, filters: Filters, kind: Kind | None) -> None:
    """The button; the file is made once it is pressed."""
    st.download_button(
        "Make and download",
        lambda: taking.made(state, form, quotes, filters, kind),
        taking.file_name(state, form),
        "application/octet-stream",
        on_click="ignore",
        key=f"export_{form}_{quotes}_{kind}",
    )
    st.caption("A large project takes a minute or two; the file comes when it is whole.")


def show() -> None:
    """Draws the page."""
    state, _, filters = parts.opened("Exports")
    form, quotes, kind = choose()
    st.caption(TOLD[quotes])
    if contents(state, filters, kind):
        download(state, form, quotes, filters, kind)
    else:
        st.text("No theme passes these filters: there is nothing to export.")
    parts.caution()


show()
