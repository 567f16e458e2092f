"""One theme: what members report, what the evidence is, and every word behind both."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import streamlit as st

from dashboard import (
    address,
    assessing,
    charts,
    data,
    judging,
    parts,
    people,
    standing,
    taking,
    within,
    words,
)
from dashboard.data import Filters, Project, Row, Sides, State
from dashboard.words import many, plain, word
from miner.counts import FEW, shares
from miner.grades import main_question
from miner.model import Grade, Stance, Tally, Theme, Vote

SENTENCES = 5
ROLES = (parts.SETS, parts.SAYS_OTHERWISE, parts.ASIDE, "")
TABS = ("Quotes", "Evidence", "Articles", "Trend", "Disagreement", "Within", "Related")
SCALE = " (Oxford scale, 1 is the highest, 5 the lowest)"
OUTCOMES: tuple[Stance, ...] = ("helped", "mixed", "no_effect", "worse")
APART: tuple[Stance, ...] = ("said", "tried", "advised", "asked", "other", "rejected")


def choose(state: State, found: Project) -> Theme | None:
    """The theme of the address; without one, of the session; an unknown id is one clear line."""
    names = {
        item.id: f"{item.name} ({word('kinds', item.kind)}, {many(item.tally.authors, 'author')})"
        for item in found.themes
    }
    asked = address.chosen("theme")
    item = data.theme(state, asked) if asked else None
    options = {"": "Choose a theme"} | names
    if item is not None:
        if st.session_state.get("shown") not in (None, item.id):
            address.forget("tab", "stance", "part")
        st.session_state["shown"] = item.id
        address.keep("theme", item.id)
    if asked and item is None:
        st.warning("There is no theme of this id. It may belong to another project.")
        st.text(asked)
        return None
    address.pick(st.selectbox, "Theme", "theme", options)
    return item


def header(
    state: State, row: Row, found: Project, filters: Filters, disputes: Iterable[str]
) -> None:
    """Name, badges, and the caution, once."""
    st.title(plain(row.theme.name), anchor=False)
    parts.stale(found)
    parts.badges(row, disputes)
    within.badges(row)
    within.told_apart(row.theme)
    with st.container(horizontal=True, vertical_alignment="center"):
        parts.make_brief(row.theme)
        take_along(state, row.theme)
        if people.may_change():
            asked = {"desk": "Themes", "theme": row.theme.id}
            st.page_link("review.py", label="Rename, merge or split →", query_params=asked)
    parts.caution()
    if filters.condition:
        st.caption(
            f"Narrowed to {words.condition(filters.condition)}: members' numbers, quotes, trend, "
            "articles and disagreement count what is about it (articles and studies also what is "
            "about no condition in particular). The list of evidence, near themes and the gap "
            "are over all conditions."
        )


def take_along(state: State, item: Theme) -> None:
    """References of its studies, the theme as a file, and its address."""
    with st.popover("Cite"):
        st.text("The studies behind the evidence:")
        for form in taking.REFERENCES:
            download(state, item, form, taking.FORMATS[form][0])
    with st.popover("Export"):
        st.text("This theme, at most five words of a member in a row:")
        for form in ("csv", "xlsx", "jsonl"):
            download(state, item, form, taking.FORMATS[form][0])
        st.page_link("exports.py", label="More formats and themes →")
    with st.popover("Copy link"):
        st.text("The address of this theme; it stays when the theme is renamed or merged.")
        st.code(address.of_page(theme=item.id), language=None, wrap_lines=True)


def download(state: State, item: Theme, form: str, label: str) -> None:
    """A button; the file is made once it is pressed."""
    st.download_button(
        label,
        lambda: taking.made(state, form, themes=[item.id]),
        taking.file_name(state, form, item.id),
        "application/octet-stream",
        on_click="ignore",
        key=f"take_{form}_{item.id}",
    )


def members(row: Row) -> None:
    """What members report: outcomes as shares of those who told, the rest shown apart."""
    st.header("What members report")
    tally = row.tally
    if row.theme.kind == "remedy":
        outcomes(tally)
    apart = {word("stances", s): getattr(tally, s) for s in APART if getattr(tally, s)}
    if apart:
        if row.theme.kind == "remedy":
            st.subheader("Not counted as outcomes")
        st.table(
            [{"What they say": label, "Authors": f"{n:,}"} for label, n in apart.items()],
            hide_index=True,
        )
    if tally.unnamed:
        st.caption(f"{many(tally.unnamed, 'post')} without a name, each counted as one author.")


def outcomes(tally: Tally) -> None:
    """The outcomes: a chart from five people on, and the same numbers as a table."""
    n = tally.reported
    st.text(f"{many(n, 'author')} tried it and told what came of it.")
    if not n:
        return
    found = [(word("stances", name), share) for name, share in shares(tally).items()]
    if n >= FEW:
        st.altair_chart(
            charts.outcomes(found),
            alt="Share of authors by outcome with its interval; the table below has the numbers",
        )
    else:
        st.caption(f"Fewer than {FEW} people: no shares are shown.")
    st.table(
        [{"Outcome": label, "Authors": words.share(s.k, s.n)} for label, s in found],
        hide_index=True,
    )


def verdict(row: Row) -> None:
    """The grade: level, status and certainty apart, with the reasons in order."""
    st.header("Evidence")
    grade = row.grade
    status = grade.status if grade else "not_searched"
    level = words.level(grade)
    said = f"{level}{SCALE}" if grade and grade.level else f"Level: {level}"
    st.text(
        f"{said}\nStatus: {word('statuses', status)}\n"
        f"Certainty: {word('certainty', grade.certainty) if grade and grade.certainty else '–'}"
    )
    st.caption(words.status_help(grade))
    if grade is None:
        return
    if grade.condition:
        st.caption(f"Graded for {words.condition(grade.condition)}.")
    searched(grade)
    if grade.reasons:
        st.subheader("Why this grade")
        st.text("\n".join(f"{n}. {words.reason(r)}" for n, r in enumerate(grade.reasons, start=1)))


def searched(grade: Grade) -> None:
    """The search behind the grade, where one was made, or why it has no answer."""
    if grade.unanswered:
        st.text(f"A search was tried: {grade.unanswered}.")
    if grade.searched is None:
        return
    look = grade.searched
    st.text(
        f"Searched {look.service} on {words.day(look.when)} for “{look.query}”: "
        f"{many(look.hits, 'hit')}."
    )


def quotes(state: State, row: Row, votes: list[Vote], filters: Filters) -> None:
    """The words behind the numbers: one entry for each author, the deciding words first."""
    part = within.chosen_part(state, row.theme, filters)
    votes = within.narrowed(state, row.theme, filters, part, votes)
    counts = {s: len(data.of_stance(votes, s)) for s in (*OUTCOMES, *APART)}
    options = {"": f"All {len(votes)}"} | {
        s: f"{word('stances', s)} {n}" for s, n in counts.items() if n
    }
    stance = address.pick(st.pills, "Stance", "stance", options)
    chosen = [vote for vote in votes if stance in ("", vote.stance)]
    st.caption(
        f"{many(len(chosen), 'author')}, one entry each; the words that decided come first. "
        "Confidence: how likely two readers would agree that this is such a claim, 0 to 1."
    )
    shown = parts.paged(chosen, f"{part.id if part else row.theme.id}_{stance}")
    with st.grid(2, min_column_width=420):
        for vote in shown:
            found = data.said(state, vote.claims)
            if found:
                parts.quote_card(found[0], word("stances", vote.stance), found[1:])


def sources(state: State, row: Row, filters: Filters) -> None:
    """Studies and sentences, those that set the level first."""
    grade = row.grade
    question = grade.question if grade else main_question(row.theme)
    pieces = sorted(
        (
            (parts.role(p, grade, question), p)
            for p in data.evidence_of(state, row.theme.id)
            if filters.takes(p)
        ),
        key=lambda pair: (ROLES.index(pair[0]), -(pair[1].year or 0)),
    )
    st.caption(
        f"{many(len(pieces), 'source')}, graded by the question: {word('questions', question)}"
    )
    judging.receipt(state)
    judged = assessing.judged(state)
    shown = parts.paged(pieces, f"{row.theme.id}_sources")
    with st.grid(2, min_column_width=420):
        for part, piece in shown:
            with st.container(gap="xsmall"):
                parts.evidence_card(piece, data.source_title(state, piece), question, part)
                assessing.desk(state, piece, judged.get(piece.id, ()))
    by_condition(data.project(state).grades.get(row.theme.id, ()))


def by_condition(grades: tuple[Grade, ...]) -> None:
    """The grade for each condition the theme is spoken of with."""
    if len(grades) < 2:
        return
    st.subheader("Grade by condition")
    st.table(
        [
            {
                "Condition": plain(words.condition(g.condition)) if g.condition else "All",
                "Level": words.level(g),
                "Status": word("statuses", g.status),
                "Certainty": word("certainty", g.certainty) or "–",
            }
            for g in grades
        ],
        hide_index=True,
    )


def articles(state: State, row: Row, filters: Filters) -> None:
    """Articles that speak of it, with their words."""
    found = data.coverage(state, row.theme, filters)
    if not found:
        st.text("No article of this project speaks of it.")
        return
    st.caption(f"{many(len(found), 'article')}.")
    for one in found:
        with st.container(border=True):
            st.text(one.title)
            if one.by:
                st.text(" · ".join(one.by))
            quoted = dict.fromkeys(
                [piece.quote.text for piece in one.evidence if piece.quote]
                + [claim.quote.text for claim in one.claims]
            )
            for text in list(quoted)[:SENTENCES]:
                st.text(f"“{text}”")
            if len(quoted) > SENTENCES:
                with st.expander(many(len(quoted) - SENTENCES, "more sentence")):
                    st.text("\n\n".join(f"“{text}”" for text in list(quoted)[SENTENCES:]))
            standing.badge(state, one.url)
            parts.open_link("Open the article", one.url)


def trend(state: State, row: Row, found: Project, filters: Filters) -> None:
    """Distinct authors by quarter."""
    until = found.run.finished if found.run else found.fetched
    points = data.quarters(data.dated(state, row.theme, filters), until) if until else []
    if not points:
        st.text("No post on this theme carries a date.")
        return
    st.altair_chart(charts.trend(points), alt="Distinct authors by quarter; numbers below")
    st.caption("Distinct authors by quarter. A quarter still running is grey.")
    with st.expander("The same numbers as a table"):
        st.table(
            [
                {
                    "Quarter": p.label if p.finished else f"{p.label} (still running)",
                    "Authors": f"{p.authors:,}",
                }
                for p in points
            ],
            hide_index=True,
        )


def disagreement(state: State, found: list[Sides], filters: Filters) -> None:
    """Both sides of every contradiction, in their words."""
    if filters.condition:
        st.caption(parts.narrowed(filters.condition))
    if not found:
        st.text("No contradiction was found on this theme.")
    for one in found:
        st.subheader(word("contradictions", one.contradiction.type))
        parts.both_sides(state, one)


def related(row: Row, found: Project) -> None:
    """Near themes, and the gap where it is one."""
    known = found.by_id
    near = [known[key] for key in row.theme.related if key in known]
    if not near:
        st.text("No near theme.")
    for item in near:
        onward(item)
    if row.gap is not None:
        st.subheader(f"Gap: {word('gap_types', row.gap.type)}")
        st.caption("Counted over all conditions.")
        st.text("\n".join(row.gap.reasons))
        st.page_link("gaps.py", label=f"Score {row.gap.score:.0f} of 100, on the page Gaps →")


def onward(item: Theme, before: str = "") -> None:
    """The way to another theme: a button, since a link within a page leaves the address behind."""
    authors = many(item.tally.authors, "author")
    st.button(
        f"{before}{parts.name(item)} · {word('kinds', item.kind)} · {authors} →",
        key=f"onward_{item.id}",
        type="tertiary",
        on_click=address.move,
        args=("theme", item.id, "tab", "stance", "part"),
    )


def body(state: State, found: Project, row: Row, filters: Filters) -> None:
    """The theme's numbers and, in tabs, what stands behind them."""
    disputes = data.sides(state, row.theme, filters)
    header(state, row, found, filters, dict.fromkeys(one.contradiction.type for one in disputes))
    left, right = st.columns([3, 2], gap="large")
    with left:
        members(row)
    with right:
        verdict(row)
    st.session_state["whole"] = True
    behind(state, found, row, filters, disputes)


@st.fragment
def behind(state: State, found: Project, row: Row, filters: Filters, disputes: list[Sides]) -> None:
    """What stands behind the numbers, in tabs; a choice in them draws nothing else anew."""
    # Within the whole page it is never old: a crawl that goes on would have it drawn for ever.
    alone = not st.session_state.pop("whole", False)
    if alone and (data.state() != state or address.chosen("theme") != row.theme.id):
        st.rerun()
    tabs = address.tabs("tab", TABS)
    drawn: tuple[Callable[[], None], ...] = (
        lambda: quotes(state, row, data.voted(state, row.theme, filters), filters),
        lambda: sources(state, row, filters),
        lambda: articles(state, row, filters),
        lambda: trend(state, row, found, filters),
        lambda: disagreement(state, disputes, filters),
        lambda: within.within(state, row, filters),
        lambda: related(row, found),
    )
    for tab, draw in zip(tabs, drawn, strict=True):
        if tab.open:
            with tab:
                draw()


def show() -> None:
    """Draws the page."""
    state, found, filters = parts.ground()
    if data.step(found) not in ("ready", "again"):
        st.title("Theme")
        parts.next_command(found)
        return
    item = choose(state, found)
    if item is None:
        st.title("Theme")
        st.text("Choose a theme above, or from the page Themes.")
        return
    body(state, found, data.row_of(state, item, filters), filters)


show()
