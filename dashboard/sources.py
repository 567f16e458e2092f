"""Sources: what was collected where, what failed, and what the last run did with it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from crawler.freshness import Freshness
from dashboard import data, parts, reading, standing, words
from dashboard.data import Project
from dashboard.words import many, word
from miner.knowledge import Run


def sites(found: Project, fresh: Mapping[str, Freshness]) -> None:
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
                "First post": words.day(site.first) if site.posts else "–",
                "Last post": words.day(site.last) if site.posts else "–",
                "Last stored": words.moment(site.fetched),
                "Last visit": _visit(fresh.get(site.site), site.site),
                **_missing(fresh.get(site.site)),
            }
            for site in found.sites
        ],
        hide_index=True,
        alt="Sites with threads, posts, authors, articles, dates, how the last visit ended, and "
        "what is missing",
    )
    st.caption(
        "Pages to come: an unfinished crawl has still to ask for them. Posts missing: threads "
        "count them, and they are not here. Off topic: threads that were looked at and left out."
    )


def _visit(fresh: Freshness | None, site: str) -> str:
    if fresh is None or fresh.visited is None:
        known = {"import": "imported", "literature": "looked up or imported"}
        return known.get(site, "no visit recorded")
    status = f"{words.moment(fresh.visited)}, {word('visits', fresh.status)}"
    return f"{status}: {fresh.reason}" if fresh.reason else status


def _missing(fresh: Freshness | None) -> dict[str, str | int]:
    """Columns on what a site lacks."""
    return {
        "Pages to come": fresh.queued if fresh else 0,
        "Posts missing": fresh.missing if fresh else 0,
        "Off topic": fresh.off_topic if fresh else 0,
    }


def unvisited(found: Project, fresh: Mapping[str, Freshness]) -> None:
    """Sites that were visited and gave nothing."""
    known = {site.site for site in found.sites}
    for name, one in fresh.items():
        if name not in known and one.visited:
            off = f", {one.off_topic:,} threads off topic" if one.off_topic else ""
            st.text(f"{name}: {_visit(one, name)}{off}")


MOST_HOLES = 50


def holes(fresh: Mapping[str, Freshness]) -> None:
    """Threads of which posts are missing, those that miss most first."""
    found = [hole for one in fresh.values() for hole in one.holes]
    if not found:
        return
    st.header("Posts that are missing")
    found.sort(key=lambda hole: (hole.stored - hole.expected, hole.url))
    st.dataframe(
        [
            {"Address": hole.url, "Stored": hole.stored, "Counted there": hole.expected}
            for hole in found[:MOST_HOLES]
        ],
        hide_index=True,
        column_config={"Address": st.column_config.TextColumn(width="large")},
        alt="Threads of which fewer posts are stored than they count",
    )


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
        _list("Counts", {word("counts", key): f"{n:,}" for key, n in run.counts.items()})
        _list("Seconds by stage", {word("stages", k): f"{s:.1f}" for k, s in run.seconds.items()})
        _list("Models", {word("models", part): name for part, name in run.models.items()})
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
    state, found, _ = parts.ground()
    fresh = data.freshness(state)
    st.title("Sources")
    fine = parts.next_command(found)
    if not found.sites:
        unvisited(found, fresh)
        if found.failures:
            failures(found)
        return
    if fine:
        parts.stale(found)
    parts.caution()
    sites(found, fresh)
    unvisited(found, fresh)
    holes(fresh)
    failures(found)
    standing.overview(state, reading.articles(state))
    if found.run is not None:
        last_run(found.run)


show()
