"""Review: what a person judges and changes, each thing with who, when and why, and undoable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from dashboard import address, data, deciding, judging, parts, people, taking, words
from dashboard.data import Project, State
from dashboard.words import many, plain, word
from miner.ledger import Kept
from miner.model import Theme

DESKS = ("Claims", "Themes", "Grades", "Sample", "History")
STATUSES = (
    "supported", "contested", "contradicted", "insufficient", "no_evidence", "anecdote_only",
    "commercial_only", "unsupported_only", "retracted_only",
)  # fmt: skip
CERTAINTIES = ("", "high", "moderate", "low", "very_low")


def chosen_theme(found: Project, label: str) -> Theme | None:
    """The theme to work on, from the address."""
    options = {"": "Choose a theme"} | {
        item.id: f"{item.name} ({word('kinds', item.kind)}, {many(item.tally.authors, 'author')})"
        for item in found.themes
    }
    asked = address.chosen("theme")
    merged = data.theme(data.state(), asked) if asked else None
    if merged is not None:
        address.keep("theme", merged.id)
    address.pick(st.selectbox, label, "theme", options)
    return merged


def themes(state: State, found: Project) -> None:
    """Rename, merge, split and drop themes."""
    item = chosen_theme(found, "Theme to change")
    if item is None:
        st.text("Choose a theme to rename, merge, split or drop.")
        return
    st.header(plain(item.name), anchor=False)
    tally = item.tally
    st.text(f"{word('kinds', item.kind)} · {many(tally.authors, 'author')}")
    parts.open_theme(item)
    rename(state, item)
    merge(state, item)
    split(state, item)
    drop(state, item)


def rename(state: State, item: Theme) -> None:
    """A new name."""
    with st.form(f"rename_{item.id}"):
        st.subheader("Rename", anchor=False)
        name = st.text_input("New name", value=item.name, max_chars=120)
        if st.form_submit_button("Rename") and name and name.strip() != item.name:
            judging.settle(state, "rename", item.id, {"name": name.strip()}, "Renamed.")
    proposed = deciding.proposal(state, item)
    if proposed is not None:
        st.text(f"{proposed.model} would call it “{proposed.name}”.")
        if st.button(f"Call it “{plain(proposed.name)}”", key=f"adopt_{item.id}"):
            why = f"proposed by {proposed.model}"
            judging.settle(state, "rename", item.id, {"name": proposed.name}, "Renamed.", why=why)


def merge(state: State, item: Theme) -> None:
    """Into which theme it goes, and what that one would then hold."""
    with st.container(border=True):
        st.subheader("Merge", anchor=False)
        others = {other.id: other for other in deciding.themes_like(state, item)}
        into = st.selectbox(
            "Merge it into",
            ["", *others],
            format_func=lambda id_: others[id_].name if id_ in others else "Choose a theme",
            key=f"into_{item.id}",
        )
        if not into:
            st.caption("Themes of the same kind; near ones come first.")
            return
        both = [*data.claims_of(state, item.id), *data.claims_of(state, into)]
        people = len({c.author or f"{c.quote.document}#{c.quote.part}" for c in both
                      if c.voice == "member"})  # fmt: skip
        st.text(
            f"{item.tally.authors:,} and {others[into].tally.authors:,} authors: "
            f"{people:,} different ones together. The name stays “{others[into].name}”."
        )
        for id_ in (item.id, into):
            for claim in data.claims_of(state, id_)[:3]:
                st.text(f"“{claim.quote.text}”")
        if st.button("Merge", key=f"merge_{item.id}"):
            value = {"into": into}
            address.move("theme", into)
            judging.settle(state, "merge", item.id, value, "Merged.")


def split(state: State, item: Theme) -> None:
    """Which wordings become a theme of their own."""
    with st.form(f"split_{item.id}"):
        st.subheader("Split", anchor=False)
        found = deciding.wordings(data.claims_of(state, item.id))
        chosen = st.multiselect(
            "Wordings that become a theme of their own",
            list(found),
            format_func=lambda said: f"{said} ({len(found[said])})",
        )
        name = st.text_input("Name of the new theme", max_chars=120)
        if st.form_submit_button("Split", disabled=len(found) < 2):
            claims = [claim for said in chosen for claim in found[said]]
            if not claims or len(chosen) == len(found):
                st.warning("Choose some of the wordings, not all of them.")
                return
            value = {"claims": claims, **({"name": name.strip()} if name else {})}
            judging.settle(state, "split", item.id, value, "Split.")


def drop(state: State, item: Theme) -> None:
    """Takes a theme out, with all its claims."""
    with st.container(border=True):
        st.subheader("Not a theme", anchor=False)
        st.caption("Its claims count nowhere any more. It can be undone in the history.")
        if st.button("Drop the theme", key=f"drop_{item.id}"):
            address.forget("theme")
            judging.settle(state, "reject", item.id, {}, "Dropped.")


def grades(state: State, found: Project) -> None:
    """Sets a grade by hand, over all conditions or for one."""
    item = chosen_theme(found, "Theme to grade")
    if item is None:
        st.text("Choose a theme whose grade is to be set.")
        return
    given = {grade.condition or "": grade for grade in found.grades.get(item.id, ())}
    if not given:
        st.text("This theme has no grade yet; the next run gives it one.")
        return
    condition = st.selectbox(
        "Grade",
        list(given),
        format_func=lambda name: words.condition(name) if name else "Over all conditions",
    )
    grade = given[condition or ""]
    st.text(f"Now: {words.level(grade)}, status: {word('statuses', grade.status)}.")
    with st.form(f"grade_{item.id}_{condition}"):
        levels = (0, 1, 2, 3, 4, 5)
        level = st.selectbox(
            "Level",
            levels,
            index=grade.level or 0,
            format_func=lambda n: f"Level {n}" if n else "No level",
        )
        status = st.selectbox(
            "Status",
            STATUSES,
            index=STATUSES.index(grade.status) if grade.status in STATUSES else 0,
            format_func=lambda name: word("statuses", name),
        )
        certainty = st.selectbox(
            "Certainty",
            CERTAINTIES,
            index=CERTAINTIES.index(grade.certainty or ""),
            format_func=lambda name: word("certainty", name) or "–",
        )
        why = st.text_input("Why (needed for a grade)", max_chars=300)
        if st.form_submit_button("Set the grade"):
            if not why:
                st.warning("Say why: readers see the reason beside the grade.")
                return
            value: Mapping[str, object] = {
                "level": level or None,
                "status": status,
                "certainty": certainty or None,
                "condition": condition or None,
            }
            judging.settle(state, "overrule", item.id, value, "Set.", why=why)


def history(state: State, found: Project) -> None:
    """Every decision, the latest first: who, when, why, and the way back."""
    kept = deciding.history(state)
    if not kept:
        st.text("Nobody has decided anything yet.")
        return
    st.caption(f"{many(len(kept), 'decision')}. Each stays here, what was taken back too.")
    take_history(state)
    shown = parts.paged(kept, "history")
    names = {item.id: item.name for item in found.themes} | deciding.phrases(state, shown)
    for one in shown:
        entry(state, one, names)


def take_history(state: State) -> None:
    """The whole history as a file; it is made once it is asked for."""
    with st.container(horizontal=True):
        for form, (label, mime) in taking.HISTORY.items():
            st.download_button(
                label,
                partial(taking.history, state, form),
                f"folkgrade-decisions.{form}",
                mime,
                on_click="ignore",
                key=f"history_{form}",
            )


def entry(state: State, one: Kept, names: Mapping[str, str]) -> None:
    """One decision with its button."""
    decision = one.decision
    with st.container(border=True, gap="xsmall"):
        parts.labels(
            (word("actions", decision.action), "violet"),
            *([("taken back", "gray")] if one.undone else ()),
        )
        st.text(judging.told(decision, names))
        told = [f"no. {decision.id}", decision.who, words.moment(decision.when)]
        st.text(" · ".join([*told, *([f"why: {decision.why}"] if decision.why else [])]))
        if deciding.is_followed(state, decision.id) and one.undone:
            st.caption("The last run followed it; all of it is gone at the next folkgrade mine.")
        if decision.action != "undo" and not one.undone:
            judging.undo_button(state, decision)


def show() -> None:
    """Draws the page."""
    state, found, _ = parts.ground()
    st.title("Review")
    if data.read_only():
        st.text("This dashboard was started read-only: nothing can be changed here.")
        return
    if not people.may_change():
        st.text("You may read everything here; those who may change things are named by the team.")
        return
    if not parts.next_command(found):
        return
    parts.stale(found)
    st.text(
        "Judge what the miner is unsure of, and put themes in order. Decisions are kept apart "
        "from the data, hold on every later run, and can be undone."
    )
    judging.signature()
    judging.receipt(state)
    drawn: tuple[Callable[[], None], ...] = (
        lambda: judging.queue(state, found),
        lambda: themes(state, found),
        lambda: grades(state, found),
        lambda: judging.sample(state),
        lambda: history(state, found),
    )
    for tab, draw in zip(address.tabs("desk", DESKS), drawn, strict=True):
        if tab.open:
            with tab:
                draw()
    parts.caution()


show()
