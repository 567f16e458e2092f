"""Sources: what was collected where, what failed, and what the last run did with it."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, words
from dashboard.data import Project
from dashboard.words import many, word
from miner.knowledge import Run


def sites(found: Project) -> None:
    """Sites with what they gave, and how the last visit ended."""
    st.header("Sites")
    st.dataframe(
        [
            {
                "Site": site.site,
                "Read as": ", ".join(site.engines),
                "Threads": site.threads,
                "Posts": site.posts,
                "Authors": site.authors,
                "Articles": site.articles,
                "Studies": site.studies,
                "First post": words.day(site.first),
                "Last post": words.day(site.last),
                "Last read": words.moment(site.fetched),
                "Last visit": _visit(found, site.site),
            }
            for site in found.sites
        ],
        hide_index=True,
        alt="Sites with threads, posts, authors, articles, dates and how the last visit ended",
    )


def _visit(found: Project, site: str) -> str:
    visit = found.visits.get(site)
    if visit is None:
        return "imported" if site == "import" else "no visit recorded"
    status = word("visits", visit.status)
    return f"{status}: {visit.reason}" if visit.reason else status


def unvisited(found: Project) -> None:
    """Sites that were visited and gave nothing."""
    known = {site.site for site in found.sites}
    for name, visit in found.visits.items():
        if name not in known:
            st.text(f"{name}: {_visit(found, name)} ({words.moment(visit.finished)})")


def failures(found: Project) -> None:
    """Pages that could not be read."""
    st.header("Could not be read")
    if not found.failures:
        st.text("Every page that was asked for could be read.")
        return
    st.dataframe(
        [
            {"Address": f.url, "Reason": f.reason, "Seen": words.moment(f.seen)}
            for f in found.failures
        ],
        hide_index=True,
        column_config={"Address": st.column_config.TextColumn(width="large")},
        alt="Pages that could not be read, with the reason",
    )


def last_run(run: Run) -> None:
    """What the last run did, with what, and how long it took."""
    st.header("The last run")
    took = sum(run.seconds.values())
    st.text(
        f"Run {run.id}, finished {words.moment(run.finished)}, {took:.1f} seconds of work. "
        f"Settings {run.settings_hash[:12]}."
    )
    with st.grid(3, min_column_width=240):
        _list("Counts", {key.replace("_", " "): f"{n:,}" for key, n in run.counts.items()})
        _list(
            "Seconds by stage",
            {key.replace("_", " "): f"{s:.1f}" for key, s in run.seconds.items()},
        )
        _list("Models", dict(run.models))
    if run.failures:
        st.subheader(many(len(run.failures), "document not mined", "documents not mined"))
        for url, why in run.failures.items():
            st.text(f"{url}: {why}")


def _list(title: str, values: dict[str, str]) -> None:
    with st.container():
        st.subheader(title)
        st.dataframe(
            [{"What": key, "Value": value} for key, value in values.items()],
            hide_index=True,
            alt=title,
        )


def show() -> None:
    """Draws the page."""
    _, found, _ = parts.ground()
    st.title("Sources")
    fine = parts.next_command(found)
    if not found.sites:
        unvisited(found)
        failures(found)
        return
    if fine:
        parts.stale(found)
    parts.caution()
    sites(found)
    unvisited(found)
    failures(found)
    if found.run is not None:
        last_run(found.run)


show()
