"""Runs and quality: what each run of the miner did, with what, and how good the miner is."""

from __future__ import annotations

import streamlit as st

from dashboard import address, deciding, parts, quality, words
from dashboard.data import State
from dashboard.words import many, plain, word
from miner.knowledge import Run


def details(run: Run, before: Run | None) -> None:
    """Counts, models, settings, seconds and failures of one run."""
    st.header(f"Run {run.id}", anchor=False)
    took = sum(run.seconds.values())
    st.text(
        f"Finished {words.moment(run.finished)}, {took:,.0f} seconds of work. Settings "
        f"{run.settings_hash[:12]}. {many(len(run.decisions), 'decision')} followed."
    )
    st.subheader("In and out")
    st.table(quality.change(run, before), hide_index=True)
    left, right = st.columns(2)
    with left:
        st.subheader("Models and versions")
        versions = [(word("models", part), plain(name)) for part, name in run.models.items()]
        st.table([{"Part": part, "Version": name} for part, name in versions], hide_index=True)
    with right:
        st.subheader("Time by stage")
        st.table(
            [{"Stage": word("stages", k), "Seconds": f"{s:,.1f}"} for k, s in run.seconds.items()],
            hide_index=True,
        )
    failures(run)


def failures(run: Run) -> None:
    """Documents the run could not mine."""
    if not run.failures:
        st.text("No document failed.")
        return
    st.subheader(many(len(run.failures), "document failed", "documents failed"))
    st.dataframe(
        [{"Document": url, "Reason": reason} for url, reason in run.failures.items()],
        hide_index=True,
        alt="Documents that could not be mined, with the reason",
    )


def figures(state: State) -> None:
    """Measured quality: by the model card, and by this project's own labels."""
    st.header("How good the miner is")
    st.caption(
        "Measured by its developers on labelled threads, not on this project. The page Methods "
        "has the whole model card."
    )
    for one in quality.measured(quality.card()):
        st.text(one.caption)
        quality.table(one)
    found = deciding.agreed(deciding.history(state))
    st.subheader("On this project")
    if found.n == 0:
        st.text("Nobody has labelled the sample of the page Review yet.")
        return
    kappa = f", Cohen's kappa {found.kappa:.2f}" if found.kappa is not None else ""
    st.text(f"A person and the miner gave {found.agreed} of {found.n} sentences one label{kappa}.")


def show() -> None:
    """Draws the page."""
    state, _, _ = parts.opened("Runs and quality")
    kept = quality.runs(state)
    options = {str(run.id): f"Run {run.id}, {words.moment(run.finished)}" for run in kept}
    chosen = address.pick(st.selectbox, "Run", "run", options, str(kept[0].id))
    place = next(n for n, run in enumerate(kept) if str(run.id) == chosen)
    details(kept[place], kept[place + 1] if place + 1 < len(kept) else None)
    figures(state)
    parts.caution()


show()
