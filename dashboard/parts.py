"""Pieces that several pages draw. What people wrote is drawn by `st.text` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import ceil
from typing import Literal, TypeVar

import streamlit as st

from dashboard import address, data, people, words
from dashboard.data import Filters, Project, Row, Said, Sides, State
from dashboard.selling import OUT, selling
from dashboard.words import many, plain, word
from miner.grades import level_of
from miner.model import Claim, Evidence, Grade, Question, Theme

__all__ = [
    "badges",
    "both_sides",
    "caution",
    "evidence_card",
    "filters",
    "folded",
    "ground",
    "labels",
    "make_brief",
    "narrowed",
    "narrowed_by",
    "next_command",
    "open_link",
    "open_theme",
    "opened",
    "outcome_text",
    "paged",
    "quote_card",
    "stale",
]

SETS, SAYS_OTHERWISE, ASIDE = "sets the level", "says otherwise", "does not count here"
"""The part a source played in a grade."""

Colour = Literal["green", "blue", "orange", "gray", "violet", "red", "primary"]
_ROLE_COLOURS: Mapping[str, Colour] = {SETS: "green", SAYS_OTHERWISE: "orange", ASIDE: "gray"}

Item = TypeVar("Item")

VOICES = 2
"""Voices of a side that are shown at once."""

_LEVEL_COLOURS: Mapping[int, Colour] = {1: "green", 2: "green", 3: "blue", 4: "orange", 5: "orange"}
_COMMANDS = {
    "collect": (
        "This project holds no documents yet.",
        "folkgrade crawl https://forum.example/c/injuries\nfolkgrade import FILE\nfolkgrade demo",
    ),
    "mine": ("Documents were collected, but never mined.", "folkgrade mine"),
    "again": (
        "Something was forgotten or read after the last run; the counts do not know it yet.",
        "folkgrade mine",
    ),
}


def ground() -> tuple[State, Project, Filters]:
    """What every page stands on: the state of the stores, the project and the filters."""
    state = data.state()
    return state, data.project(state), filters()


def opened(title: str) -> tuple[State, Project, Filters]:
    """The ground of a page under its title; the page ends here where a command must come first."""
    state, found, chosen = ground()
    st.title(title)
    if not next_command(found):
        st.stop()
    stale(found)
    return state, found, chosen


def filters() -> Filters:
    """The filters as chosen on any page."""
    least = address.chosen("least", "1")
    return Filters(
        condition=address.chosen("condition") or None,
        least=_number(least) or 1,
        site=address.chosen("site") or None,
        since=_number(address.chosen("since")),
        until=_number(address.chosen("until")),
        without=selling(data.state()) if address.chosen("selling") == OUT else frozenset(),
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 9 else None


def narrowed_by(filters: Filters) -> str:
    """What the words of members were narrowed to, as a clause; empty where to nothing."""
    years = (filters.since, filters.until)
    spoken = {
        (True, True): f"written {filters.since} to {filters.until}",
        (True, False): f"written since {filters.since}",
        (False, True): f"written until {filters.until}",
        (False, False): "",
    }[bool(years[0]), bool(years[1])]
    about = f"about {words.condition(filters.condition)}" if filters.condition else ""
    where = f"on {plain(filters.site)}" if filters.site else ""
    return ", ".join(part for part in (about, where, spoken) if part)


def next_command(found: Project) -> bool:
    """Whether there is something to show; else says why not, and the exact next command."""
    step = data.step(found)
    if step in ("ready", "again"):
        return True
    _say_step(step)
    return False


def stale(found: Project) -> None:
    """Says so where something was read or forgotten after the last run."""
    if data.step(found) == "again":
        _say_step("again")
    if found.since:
        _say_since(found)


def _say_since(found: Project) -> None:
    """That people decided something since, and what does not follow it yet."""
    new, back = len(found.since.new), len(found.since.back)
    said = [f"{many(new, 'decision')} made" if new else "", f"{back:,} taken back" if back else ""]
    st.caption(
        f"Since the last run: {', '.join(part for part in said if part)}. Names, claims and "
        "members' numbers follow already; gaps, contradictions and grades of what was merged or "
        "split follow at the next folkgrade mine."
    )


def _say_step(step: str) -> None:
    why, command = _COMMANDS[step]
    several = "One of these commands is next" if "\n" in command else "The next command"
    st.info(f"{why} {several}:")
    st.code(command, language=None)


def caution(*, limits: bool = True) -> None:
    """The one line that says what these numbers are not; below it the limits, if they may."""
    st.caption(
        "Reports of forum members, counted by a program. Those who write are not a sample of those "
        "who are injured, and this is no medical advice."
    )
    if limits:
        with st.expander("Methods and limits"):
            st.text("\n\n".join(words.limits()))


def narrowed(condition: str) -> str:
    """What a list of contradictions under a condition holds."""
    return (
        f"Narrowed to {words.condition(condition)}: shown are contradictions with voices about it "
        "on both sides (or about no condition in particular, for articles and studies), and those "
        "voices alone. The sentence above the voices counts over all conditions."
    )


def open_theme(item: Theme, label: str = "Open the theme →") -> None:
    """A link to the page of a theme."""
    st.page_link("theme.py", label=label, query_params={"theme": item.id})


def make_brief(item: Theme) -> None:
    """A link to the brief of a theme."""
    st.page_link("brief.py", label="Make a brief →", query_params={"theme": item.id})


def open_link(label: str, url: str | None) -> None:
    """A link off the page where the address may be opened, else nothing."""
    safe = words.link(url)
    if safe:
        st.link_button(f"{label} ↗", safe, type="tertiary")


def labels(*found: tuple[str, Colour]) -> None:
    """Badges beside each other, as one piece: each piece of a page takes the browser its time."""
    st.markdown(" ".join(f":{colour}-badge[{plain(text)}]" for text, colour in found))


def badges(row: Row, disputes: Iterable[str]) -> None:
    """Kind, level, status, certainty and authors of a theme, and who disagrees about it."""
    grade, tally = row.grade, row.tally
    found: list[tuple[str, Colour]] = [
        (word("kinds", row.theme.kind), "violet"),
        (f"Evidence: {words.level(grade)}", level_colour(grade)),
    ]
    if grade is not None and grade.level is not None:
        found.append((f"Status: {word('statuses', grade.status)}", "gray"))
        found.append((f"Certainty: {word('certainty', grade.certainty)}", "gray"))
    counts = many(tally.authors, "author"), many(tally.threads, "thread"), many(tally.sites, "site")
    found.append((" · ".join(counts), "gray"))
    labels(*found, *((word("contradictions", kind), "red") for kind in disputes))


def level_colour(grade: Grade | None) -> Colour:
    """Colour of a level's badge; one without a level is grey."""
    return _LEVEL_COLOURS.get((grade and grade.level) or 0, "gray")


def outcome_text(row: Row) -> str:
    """`5 of 12 helped (19–68 %)`, that nobody told an outcome, or a dash for what is no remedy."""
    tally = row.tally
    if row.theme.kind != "remedy":
        return "–"
    return words.share(tally.helped, tally.reported)


def quote_card(one: Said, stance: str, others: Sequence[Said] = ()) -> None:
    """A member's words with who, when, where and how sure; more of the same member below."""
    with st.container(border=True, gap="xsmall"):
        _words(one, stance)
        with st.container(horizontal=True, vertical_alignment="center"):
            open_link("Open the post", one.link)
            _judge(one.claim)
        if others:
            said = f"{many(len(others), 'more quote')} of this author, not counted again"
            folded(said, f"others_{one.claim.id}", partial(_others, others))


def _others(others: Sequence[Said]) -> None:
    """Further words of a member whose card it is."""
    for other in others:
        _words(other, "")
        open_link("Open this post", other.link)


def _judge(claim: Claim) -> None:
    """The way to where the claim can be moved, read anew or dropped, for who may do so."""
    if people.may_change() and claim.voice == "member":
        asked = {"desk": "Claims", "claim": claim.id}
        st.page_link("review.py", label="Read wrongly?", query_params=asked)


def _words(one: Said, stance: str) -> None:
    """What was said, and below it by whom, when and where."""
    st.text("\n".join((f"“{one.claim.quote.text}”", *beyond(one.claim))))
    told = (_who(one.claim, stance), one.title, one.place)
    st.caption(plain(" · ".join(part for part in told if part)))


def beyond(claim: Claim) -> list[str]:
    """What the quote alone does not show: what it points at, and an outcome told elsewhere."""
    lines = []
    if claim.means:
        lines.append(f"“{claim.phrase}” is read as “{claim.means}”, from the thread.")
    told, quote = claim.verdict, claim.quote
    if told and not (told.part == quote.part and quote.start <= told.start < quote.end):
        lines.append(f"The outcome is told further on: “{told.text}”")
    return lines


def _who(claim: Claim, stance: str) -> str:
    parts = [
        words.member(claim.author),
        stance,
        words.day(claim.written),
        words.condition(claim.condition) if claim.condition else "",
        f"confidence {claim.confidence:.2f}",
    ]
    return " · ".join(part for part in parts if part)


def role(piece: Evidence, grade: Grade | None, question: Question) -> str:
    """The part a source played in the grade; empty where it neither leads nor stands aside."""
    if grade is None:
        return ""
    if piece.id in grade.best:
        return SETS
    if piece.id in grade.dissent:
        return SAYS_OTHERWISE
    level = level_of(piece, question)
    return ASIDE if level is not None and level <= (grade.level or 5) else ""


def evidence_card(piece: Evidence, title: str, question: Question, part: str = "") -> None:
    """A source: what it is, what it says, how large, how old, and why it was read so."""
    level = level_of(piece, question)
    found: list[tuple[str, Colour]] = [
        (word("source_types", piece.source_type), "violet"),
        (f"Level {level}" if level else "carries no level", "gray"),
        (word("directions", piece.direction), "blue"),
    ]
    said = (title, f"“{piece.quote.text}”" if piece.quote else "", piece.finding, _facts(piece))
    with st.container(border=True, gap="xsmall"):
        labels(*found, *([(part, _ROLE_COLOURS[part])] if part else []))
        st.text("\n".join(line for line in said if line))
        _open_source(piece)
        if piece.reasons:
            folded("Why it was read so", f"why_{piece.id}", partial(_reasons, piece.reasons))


def _reasons(reasons: Sequence[str]) -> None:
    st.text("\n".join(f"{n}. {why}" for n, why in enumerate(reasons, start=1)))


def _open_source(piece: Evidence) -> None:
    """The way to a source: its DOI, else its page."""
    doi = words.doi_link(piece.doi)
    if doi:
        open_link(f"DOI {plain(piece.doi or '')}", doi)
    else:
        open_link("Open the source", piece.url or (piece.quote.document if piece.quote else None))


def _facts(piece: Evidence) -> str:
    parts = [
        word("designs", piece.design) if piece.design not in (None, piece.source_type) else "",
        f"n = {piece.n:,}" if piece.n else "",
        str(piece.year or ""),
        words.condition(piece.condition) if piece.condition else "",
        *(word("flags", flag) for flag in piece.flags),
    ]
    return " · ".join(part for part in parts if part)


def both_sides(state: State, one: Sides) -> None:
    """The two sides of a contradiction beside each other, each in its own words."""
    st.text(one.contradiction.reason)
    sides = (("For", one.supporting), ("Against", one.opposing))
    for column, (label, voices) in zip(st.columns(2), sides, strict=True):
        with column:
            st.caption(f"{label}: {many(len(voices), 'voice')}")
            _all_cards(state, voices[:VOICES])
            if left := voices[VOICES:]:
                said, key = many(len(left), "more voice"), f"more_{one.contradiction.id}_{label}"
                folded(said, key, partial(_all_cards, state, left))


def _all_cards(state: State, voices: Sequence[Claim | Evidence]) -> None:
    for voice in voices:
        _voice_card(state, voice)


def folded(label: str, key: str, draw: Callable[[], None]) -> None:
    """A box that is closed at first; what is in it is drawn once somebody wants to see it."""
    box = st.expander(label, on_change="rerun", key=key)
    if box.open:
        with box:
            draw()


def _voice_card(state: State, one: Claim | Evidence) -> None:
    """One voice of a contradiction."""
    with st.container(border=True, gap="xsmall"):
        if isinstance(one, Claim):
            said = data.said_of(state, one)
            st.text(f"“{one.quote.text}”")
            by = _who(one, "") if one.voice == "member" else one.voice
            st.caption(plain(" · ".join(part for part in (by, said.title, said.place) if part)))
            open_link("Open the post", said.link)
            return
        st.text(f"“{one.quote.text}”" if one.quote else one.finding)
        told = [word("source_types", one.source_type), data.source_title(state, one), _facts(one)]
        st.caption(plain(" · ".join(part for part in told if part)))
        _open_source(one)


def paged(items: Sequence[Item], key: str, size: int = 10, *, name: str = "page") -> Sequence[Item]:
    """The items of the page chosen; the choice is drawn where there are more than fit."""
    pages = ceil(len(items) / size)
    page = address.page(pages, key, name) if pages > 1 else 1
    return items[(page - 1) * size : page * size]


def name(item: Theme) -> str:
    """A theme's name for places that read Markdown."""
    return plain(item.name)
