"""What a theme is made of and how sure it is: sub-themes, border, stability, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import address, data, parts, words
from dashboard.data import Filters, Row, State
from dashboard.words import many, plain, word
from miner.chronicle import Told, chronicle
from miner.counts import contested, tally, votes
from miner.model import EMERGING, SubTheme, Tally, Theme, Vote

__all__ = [
    "HELP",
    "Line",
    "badges",
    "chosen_part",
    "counted",
    "lines",
    "narrowed",
    "sureness",
    "told_apart",
    "within",
]

STABLE, LOOSE = 0.85, 0.6
"""Stability from which on a theme is called stable, and below which it is called loose."""
HELP = {
    "emerging": f"Fewer than {EMERGING} people speak of it: it is shown, and may yet come to "
    "nothing.",
    "stability": "The themes were formed again several times, each time without a fifth of the "
    "phrases. This is how much of the theme was found again, on average: 1 is all of it.",
    "sure": f"Emerging: fewer than {EMERGING} people. Stable, fairly stable or loose: how much of "
    "the theme is found again when a fifth of the phrases is left out; 1 is all. Nothing said: too "
    "few phrases to tell.",
    "contested": "0: all who told an outcome agree. 1: as many were helped as were not. Told from "
    "five people on.",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table of themes: a theme, or a sub-theme of the one above."""

    row: Row
    tally: Tally
    part: SubTheme | None = None

    @property
    def name(self) -> str:
        """Its name; a sub-theme's set in under its theme's."""
        return f"\u2003\u21b3 {self.part.name}" if self.part else self.row.theme.name

    @property
    def sure(self) -> str:
        """How sure the theme is, in a word."""
        if self.tally.authors < EMERGING:
            return "emerging"
        return "" if self.part else sureness(self.row.theme.stability)

    @property
    def asked(self) -> dict[str, str]:
        """What the address of its page asks for."""
        part = {"part": self.part.id} if self.part else {}
        return {"theme": self.row.theme.id, **part}


def sureness(stability: float | None) -> str:
    """A word for a stability, with the number; empty where it is not known."""
    if stability is None:
        return ""
    name = "stable" if stability >= STABLE else "loose" if stability < LOOSE else "fairly stable"
    return f"{name} ({stability:.2f})"


def badges(row: Row) -> None:
    """Emerging, stability and disagreement of a theme, with what they mean on hover."""
    with st.container(horizontal=True, gap="small"):
        if row.tally.authors < EMERGING:
            st.badge("Emerging", color="yellow", help=HELP["emerging"])
        if said := sureness(row.theme.stability):
            st.badge(said.capitalize(), color="gray", help=HELP["stability"])
        score = contested(row.tally)
        if score is not None and row.theme.kind == "remedy":
            st.badge(f"Contested {score:.2f}", color="gray", help=HELP["contested"])


def told_apart(item: Theme) -> None:
    """The words that tell the theme from its neighbours."""
    if item.keywords:
        st.caption(f"What tells it from near themes: {plain(', '.join(item.keywords))}.")


def counted(state: State, item: Theme, filters: Filters) -> list[tuple[SubTheme, Tally]]:
    """The sub-themes of a theme with their members under the filters; one vote per author each."""
    if not filters.narrows:
        return [(part, part.tally) for part in item.parts]
    passing = {c.id: c for c in data.claims_of(state, item.id) if filters.lets(c)}
    return [
        (part, tally([passing[claim] for claim in part.claims if claim in passing]))
        for part in item.parts
    ]


def chosen_part(state: State, item: Theme, filters: Filters) -> SubTheme | None:
    """The sub-theme the reader narrowed the quotes to; None for the whole theme."""
    found = {part.id: (part, counts) for part, counts in counted(state, item, filters)}
    if not found:
        return None
    options = {"": "Whole theme"} | {
        key: f"{plain(part.name)} {counts.authors}"
        for key, (part, counts) in found.items()
        if counts.authors
    }
    key = address.pick(st.pills, "Sub-theme", "part", options)
    return found[key][0] if key in found else None


def narrowed(
    state: State, item: Theme, filters: Filters, part: SubTheme | None, all_votes: list[Vote]
) -> list[Vote]:
    """One vote for each author of the sub-theme, its most typical words first."""
    if part is None:
        return all_votes
    own = set(part.claims)
    claims = [c for c in data.claims_of(state, item.id) if c.id in own and filters.lets(c)]
    rank = {claim.id: place for place, claim in enumerate(claims)}
    return sorted(votes(claims), key=lambda vote: (rank.get(vote.claims[0], 0), vote.author))


def within(state: State, row: Row, filters: Filters) -> None:
    """The tab: sub-themes, what lies at the border, and what became of the theme."""
    _sub_themes(state, row, filters)
    _border(state, row.theme)
    _history(state, row.theme)


def _sub_themes(state: State, row: Row, filters: Filters) -> None:
    st.subheader("Sub-themes")
    found = counted(state, row.theme, filters)
    if not found:
        st.text("Of one piece: no closer ideas that two people share.")
        return
    st.caption(
        "Closer ideas within the theme. An author counts once in the theme, and once in each "
        "sub-theme they speak of; some of what was said is in none of them."
    )
    for part, counts in found:
        told = f" · {words.share(counts.helped, counts.reported)}" if counts.reported else ""
        st.button(
            f"{plain(part.name)} · {many(counts.authors, 'author')}{told} →",
            key=f"part_{part.id}",
            type="tertiary",
            on_click=_open,
            args=(part.id,),
        )


def _open(part: str) -> None:
    """Shows the quotes of a sub-theme."""
    address.move("part", part, "tab", "stance")


def _border(state: State, item: Theme) -> None:
    found = data.said(state, item.border)
    if not found:
        return
    st.subheader("At the border")
    st.caption(
        "Words nearly as near to another theme: the first to look at if the theme seems to hold "
        "too much. The page Review moves them."
    )
    with st.grid(2, min_column_width=420):
        for one in found:
            parts.quote_card(one, f"said “{one.claim.words}”")


def _history(state: State, item: Theme) -> None:
    st.subheader("What became of it")
    found = chronicle(data.knowledge(state).engine, item.id)
    names = {theme.id: theme.name for theme in data.project(state).themes}
    lines = [_line(told, item.id, names) for told in found]
    st.text("\n".join(lines) if lines else "Nothing was recorded.")


def _line(told: Told, here: str, names: Mapping[str, str]) -> str:
    """One event in words; an old id has no name, since words may be forgotten."""
    event, when = told.event, words.day(told.when)
    if event.into is None:
        return f"{when}, run {told.run}: {word('events', event.kind)}"
    other = event.into if event.theme == here else event.theme
    named = f"{names[other]} ({other})" if other in names else other
    said = {
        ("merged", True): f"merged into {named}",
        ("merged", False): f"took in {named}",
        ("split", True): f"{named} was split off",
        ("split", False): f"split off from {named}",
    }.get((event.kind, event.theme == here), f"{word('events', event.kind)}: {named}")
    return f"{when}, run {told.run}: {said}"


def lines(state: State, rows: Sequence[Row], filters: Filters, *, opened: bool) -> list[Line]:
    """The lines of the table: each theme, and below it its sub-themes where asked for."""
    found = []
    for row in rows:
        found.append(Line(row=row, tally=row.tally))
        if opened and row.theme.parts:
            inside = counted(state, row.theme, filters)
            found += [Line(row=row, tally=each, part=part) for part, each in inside if each.authors]
    return found
