"""Pieces of the page Review: the queue, the sample, and how a decision is made, told and undone."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from crawler.errors import StoreError
from dashboard import data, deciding, people, words
from dashboard.data import Project, State
from dashboard.deciding import Item
from dashboard.words import many, plain, word
from miner.counts import stance
from miner.judgements import is_judgement
from miner.ledger import Kept
from miner.model import Action, Claim, Decision

__all__ = [
    "ASKED",
    "queue",
    "receipt",
    "sample",
    "settle",
    "signature",
    "source_told",
    "told",
    "undo_button",
]

ASKED = "claim"
"""The address's name of a claim that is to be judged before the queue."""
OUTCOMES = ("helped", "mixed", "no_effect", "worse", "unknown")


def signature() -> None:
    """Who decides, and why: the name is kept for the visit, the reason until it was used.

    Who logged in signs with that name and no other.
    """
    if st.session_state.pop("said_why", False):
        st.session_state["why"] = ""
    with st.container(horizontal=True):
        if people.login_needed():
            st.text(f"You decide as {people.person()}.")
        else:
            st.session_state.setdefault("who", _signed())
            st.text_input("Your name, for the history", key="who", max_chars=60)
            # What a field holds is forgotten on pages that do not draw it.
            st.session_state["signed"] = st.session_state["who"]
        st.text_input("Why (optional)", key="why", max_chars=300)


def _signed() -> str:
    """Who decides, as far as known."""
    if people.login_needed():
        return people.person()
    return str(st.session_state.get("who") or st.session_state.get("signed") or "")


def settle(
    state: State,
    action: Action,
    target: str,
    value: Mapping[str, object],
    done: str,
    *,
    why: str = "",
) -> None:
    """Keeps a decision and draws the page anew with it."""
    keep(state, action, target, value, done, why=why)
    st.rerun()


def keep(
    state: State,
    action: Action,
    target: str,
    value: Mapping[str, object],
    done: str,
    *,
    why: str = "",
) -> None:
    """Keeps a decision; what came of it is said at the top of the page."""
    why = why or str(st.session_state.get("why") or "")
    try:
        number = deciding.decide(state, action, target, value, who=_signed(), why=why)
        st.query_params.pop(ASKED, None)
        st.session_state["receipt"] = (done, number)
    except StoreError as error:
        st.session_state["receipt"] = (str(error), 0)
    st.session_state["said_why"] = True


def receipt(state: State) -> None:
    """What was just decided, with the way back."""
    said, number = st.session_state.get("receipt") or ("", 0)
    if not said:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(said)
        if number:
            st.button(
                "Undo",
                key="undo_receipt",
                shortcut="U",
                on_click=take_back,
                args=(state, number),
            )


def undo_button(state: State, decision: Decision) -> None:
    """Takes a decision back."""
    number = decision.id or 0
    st.button("Undo", key=f"undo_{number}", on_click=take_back, args=(state, number))


def take_back(state: State, number: int) -> None:
    """Takes a decision back, and says so."""
    why = str(st.session_state.get("why") or "")
    try:
        deciding.undo(state, number, who=_signed(), why=why)
        st.session_state["receipt"] = (f"Decision {number} was taken back.", 0)
    except StoreError as error:
        st.session_state["receipt"] = (str(error), 0)
    st.session_state["said_why"] = True


def told(decision: Decision, names: Mapping[str, str]) -> str:
    """What was decided, in a line."""
    value = decision.value

    def name(key: object) -> str:
        return f"“{names.get(str(key), str(key))}”"

    lines = {
        "rename": f"{value.get('was', decision.target)} → {value.get('name')}",
        "merge": f"“{value.get('was', decision.target)}” into {name(value.get('into'))}",
        "split": f"{_size(value)} out of {name(decision.target)}",
        "move": f"{name(decision.target)} to {name(value.get('theme'))}",
        "outcome": f"{name(decision.target)}: {word('outcomes', str(value.get('outcome')))}",
        "overrule": f"{name(decision.target)}: {_grade(value)}",
        "source": f"“{value.get('source')}”: {source_told(decision)}",
        "label": f"{name(decision.target)}: {word('labels', str(value.get('label')))}",
        "undo": f"decision no. {decision.target}",
        "dismiss": f"{name(decision.target.rpartition(':')[0])}",
        "reject": f"“{value.get('was')}”" if value.get("was") else name(decision.target),
        "accept": name(decision.target.partition(":")[0]),
    }
    return lines.get("source" if is_judgement(decision) else decision.action, decision.target)


def source_told(decision: Decision) -> str:
    """What a person set of a source, in a line."""
    value = decision.value
    if decision.action == "reject":
        return "not about its theme"
    high = value.get("high_rob")
    said = [
        word("designs", str(value["design"])) if value.get("design") else "",
        word("directions", str(value["direction"])) if value.get("direction") else "",
        ("high risk of bias" if high else "no high risk of bias") if high is not None else "",
    ]
    return ", ".join(filter(None, said))


def _size(value: Mapping[str, object]) -> str:
    claims = value.get("claims")
    return many(len(claims) if isinstance(claims, (list, tuple)) else 0, "claim")


def _grade(value: Mapping[str, object]) -> str:
    level = f"level {value['level']}" if value.get("level") else "no level"
    return f"{level}, {word('statuses', str(value.get('status')))}"


# --- the queue ---------------------------------------------------------------------------------


def queue(state: State, found: Project) -> None:
    """One claim at a time, the least certain first."""
    skipped: set[str] = st.session_state.setdefault("skipped", set())
    waiting = [claim for claim in deciding.queue(state) if claim.id not in skipped]
    asked = st.query_params.get(ASKED, "")
    own = deciding.placed(state, asked) if asked and asked not in skipped else None
    waiting = ([own] if own is not None else []) + waiting
    judged = deciding.judged(deciding.history(state))
    counts = " · ".join(f"{word('actions', a)} {n:,}" for a, n in judged.items())
    st.caption(counts or "Nothing is judged yet.")
    if not waiting:
        st.text("All done: no claim waits here.")
        return
    claim = waiting[0]
    home = next((item for item in found.themes if claim.id in item.claims), None)
    st.header(plain(f"{word('kinds', claim.kind)}: {claim.words}"), anchor=False)
    card(state, claim)
    if home is not None:
        st.text(f"In the theme “{home.name}” ({many(home.tally.authors, 'author')}).")
    verdicts(state, claim)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wrong_theme(state, found, claim, home.id if home else "")
        if claim.kind == "remedy":
            wrong_outcome(state, claim)
    st.caption("Keys: A accept, N not a claim, T wrong theme, O wrong outcome, S skip, U undo.")


def card(state: State, claim: Claim) -> None:
    """The words, and how the miner read them."""
    said = data.said_of(state, claim)
    read = [
        f"read as: {word('stances', stance(claim))}",
        words.condition(claim.condition) if claim.condition else "",
        f"confidence {claim.confidence:.2f}",
        words.member(claim.author),
        words.day(claim.written),
    ]
    with st.container(border=True, gap="xsmall"):
        st.text(f"“{claim.quote.text}”")
        st.text(" · ".join(part for part in read if part))
        st.text(f"{said.title} · {said.place}" if said.place else said.title)
        safe = words.link(said.link)
        if safe:
            st.link_button("Open the post ↗", safe, type="tertiary")


def verdicts(state: State, claim: Claim) -> None:
    """The quick answers."""
    with st.container(horizontal=True):
        for label, key, action, done in (
            ("Accept", "A", "accept", "Accepted."),
            ("Not a claim", "N", "reject", "It counts nowhere any more."),
        ):
            st.button(
                label,
                key=f"{action}_{claim.id}",
                shortcut=key,
                on_click=keep,
                args=(state, action, claim.id, {}, done),
            )
        st.button(
            "Skip",
            key=f"skip_{claim.id}",
            shortcut="S",
            on_click=st.session_state["skipped"].add,
            args=(claim.id,),
        )


OWN = "its own"
"""The theme a claim is to have for itself."""


def wrong_theme(state: State, found: Project, claim: Claim, home: str) -> None:
    """Where the claim belongs instead."""
    others = {t.id: t.name for t in found.themes if t.kind == claim.kind and t.id != home}
    if home:
        others[OWN] = "A theme of its own"
    with st.container(width=420):
        into = st.selectbox(
            "Right theme",
            list(others),
            format_func=lambda id_: others.get(id_, id_),
            index=None,
            placeholder="Choose a theme",
            key=f"right_{claim.id}",
        )
        if st.button("Wrong theme", key=f"move_{claim.id}", shortcut="T"):
            if into is None:
                st.text("Choose the right theme first.")
            elif into == OWN:
                settle(state, "split", home, {"claims": [claim.id]}, "It has its own theme.")
            else:
                settle(state, "move", claim.id, {"theme": into}, "Moved.")


def wrong_outcome(state: State, claim: Claim) -> None:
    """What came of it, as the person reads it."""
    with st.container(width=320):
        outcome = st.selectbox(
            "Right outcome",
            [name for name in OUTCOMES if name != claim.outcome],
            format_func=lambda name: word("outcomes", name),
            index=None,
            placeholder="Choose an outcome",
            key=f"outcome_{claim.id}",
        )
        if st.button("Wrong outcome", key=f"wrong_{claim.id}", shortcut="O"):
            if outcome is None:
                st.text("Choose the right outcome first.")
            else:
                settle(state, "outcome", claim.id, {"outcome": outcome}, "Read anew.")


# --- the sample --------------------------------------------------------------------------------


def sample(state: State) -> None:
    """Sentences to label without seeing what the miner says, and how far both agree."""
    items = deciding.sample(state)
    kept = deciding.history(state)
    done = {k.decision.target for k in kept if k.decision.action == "label" and not k.undone}
    st.text(
        "Sentences of members, half of them with a claim and half without, in no telling order. "
        "Say what each holds; what the miner found is not shown."
    )
    waiting = [item for item in items if item.id not in done]
    agreement(kept, len(items) - len(waiting), len(items))
    if not items:
        st.text("There are no sentences to draw from.")
    elif not waiting:
        st.text("The whole sample is labelled. The next run draws another one.")
    else:
        label(state, waiting[0])


def agreement(kept: list[Kept], done: int, of: int) -> None:
    """Kappa over all labels in force."""
    found = deciding.agreed(kept)
    st.caption(f"{done} of {of} sentences labelled.")
    if found.n == 0:
        return
    line = f"Same label for {found.agreed} of {found.n} sentences."
    if found.kappa is not None and found.low is not None and found.high is not None:
        line += f" Cohen's kappa {found.kappa:.2f} (95 %: {found.low:.2f} to {found.high:.2f})."
    st.text(line)
    st.caption(
        "Kappa is agreement beyond chance: 1 is full agreement, 0 what chance brings. Half of the "
        "sample has a claim by design, so it is not the share of sentences with claims."
    )


def label(state: State, item: Item) -> None:
    """One sentence and the five answers."""
    with st.container(border=True, gap="xsmall"):
        st.text(f"“{item.text}”")
        st.text(item.title)
    with st.container(horizontal=True):
        for number, name in enumerate(deciding.LABELS, start=1):
            st.button(
                word("labels", name),
                key=f"label_{name}_{item.id}",
                shortcut=str(number),
                on_click=keep,
                args=(state, "label", item.id, {"label": name, "miner": item.miner}, "Labelled."),
            )
    st.caption("Keys: 1 to 5, U undo.")
