"""Gaps: what members speak of that articles leave out or studies do not support."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import address, asked, charts, data, parts, words
from dashboard.data import Filters, Row
from dashboard.words import many, word
from miner.coverage import PLACES, coverage
from miner.model import Gap

PAGE = 10


def twin(found: list[tuple[Gap, Row]]) -> None:
    """The chart's numbers as a table."""
    names = list(dict.fromkeys(part for gap, _ in found for part in gap.parts))
    st.dataframe(
        [
            {
                "Theme": row.theme.name,
                "Gap": word("gap_types", gap.type),
                **{word("gap_parts", name): round(gap.parts.get(name, 0.0), 1) for name in names},
                "Score": round(gap.score, 1),
            }
            for gap, row in found
        ],
        hide_index=True,
        alt="Gaps with the parts of their score",
    )


def written_about(gaps: list[tuple[Gap, Row]], *, own: bool) -> list[tuple[Gap, Row]]:
    """The gaps of themes that are written about where the reader chose; else all."""
    if not own:
        return gaps
    place = {gap.theme: coverage(row.theme, own=True).place for gap, row in gaps}
    many_in = {name: list(place.values()).count(name) for name in PLACES}
    options = {"": f"Anywhere {len(gaps)}"} | {
        name: f"{label.capitalize()} {many_in[name]}" for name, label in PLACES.items()
    }
    where = address.pick(st.pills, "Written about", "covered", options)
    return [(gap, row) for gap, row in gaps if not where or place[gap.theme] == where]


def told(row: Row, *, own: bool, narrowed: bool) -> str:
    """In how many articles; in whose, where the reader's own were collected."""
    if own and not narrowed:
        return coverage(row.theme, own=True).label
    return words.covered(row.articles)


def card(place: int, gap: Gap, row: Row, condition: str | None, covered: str) -> None:
    """One gap: score, why, and the way to its theme."""
    with st.container(border=True):
        st.subheader(f"{place}. {parts.name(row.theme)}", anchor=False)
        parts.labels(
            (f"Score {gap.score:.0f}", "primary"),
            *((word("gap_types", name), "orange") for name in data.gap_types([gap])),
            (word("kinds", row.theme.kind), "violet"),
            (f"Evidence: {words.level(row.grade)}", parts.level_colour(row.grade)),
            (many(row.tally.authors, "author"), "gray"),
            (covered, "gray"),
        )
        if gap.reasons:
            if condition:
                st.caption("Score and these reasons, over all conditions:")
            st.text("\n".join(f"– {reason}" for reason in gap.reasons))
        with st.container(horizontal=True):
            parts.open_theme(row.theme)
            parts.make_brief(row.theme)


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.opened("Gaps")
    st.text(
        "What many members speak of and articles or studies do not answer. Highest score first."
    )
    if not found.gaps:
        st.text("The last run found no gap: too few people speak of any theme.")
        asked.draw(state, found)
        return
    gaps = data.gap_rows(state, filters)
    if filters.condition:
        st.caption(
            f"Scores and reasons are over all conditions. Shown are gaps of themes that enough "
            f"authors speak of with {words.condition(filters.condition)}; authors and articles "
            f"are those about it."
        )
    types = data.gap_types(gap for gap, _ in gaps)
    options = {"": f"All {len(gaps)}"} | {
        name: f"{word('gap_types', name)} {n}" for name, n in types.items()
    }
    kind = address.pick(st.pills, "Type of gap", "gap", options)
    gaps = [(gap, row) for gap, row in gaps if not kind or gap.parts.get(kind)]
    own = bool(found.run and found.run.own)
    gaps = written_about(gaps, own=own)
    if gaps:
        ranked_gaps(gaps, filters, f"gaps_{kind}", own=own)
    else:
        st.text("No gap passes these filters.")
    asked.draw(state, found)


def ranked_gaps(gaps: list[tuple[Gap, Row]], filters: Filters, key: str, *, own: bool) -> None:
    """The chart of the scores, its numbers, and a card for each gap."""
    ranked = list(enumerate(gaps, start=1))
    shown = parts.paged(ranked, key, PAGE)
    st.header("How the scores come about")
    st.altair_chart(
        charts.gap_parts(
            [row.theme.name for _, (_, row) in shown],
            [{word("gap_parts", k): v for k, v in gap.parts.items()} for _, (gap, _) in shown],
            first=shown[0][0],
        ),
        alt="Scores of the gaps as stacked parts; the table below has the numbers",
    )
    pairs = [pair for _, pair in shown]
    parts.folded("The same numbers as a table", f"table_{key}", partial(twin, pairs))
    st.header("The gaps")
    parts.caution()
    with st.grid(2, min_column_width=420):
        for place, (gap, row) in shown:
            covered = told(row, own=own, narrowed=filters.narrows)
            card(place, gap, row, filters.condition, covered)


show()
