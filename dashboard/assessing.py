"""A person's judgement of a source: its design, its direction, its risk of bias, or no link at all.

It is a decision like any other: kept with who, when and why, replayed on every run, undoable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

import streamlit as st

from dashboard import deciding, judging, people
from dashboard.values import State
from dashboard.words import word
from miner import designs
from miner.judgements import REVIEWED, is_judgement, judgement
from miner.ledger import Kept
from miner.model import Direction, Evidence

__all__ = ["desk", "judged"]

_CHOSEN = "source_to_judge"
_BIAS = {"": "not judged", "low": "low or some", "high": "high"}


def judged(state: State) -> Mapping[str, list[Kept]]:
    """Judgements in force by the source they are of, the latest first."""
    found: dict[str, list[Kept]] = {}
    for kept in deciding.history(state):
        if not kept.undone and is_judgement(kept.decision):
            found.setdefault(kept.decision.target, []).append(kept)
    return found


def desk(state: State, piece: Evidence, judgements: Iterable[Kept] = ()) -> None:
    """Below the card of a source: who judged it, and the way to judge it; the latter if allowed."""
    for kept in judgements:
        _entry(state, kept)
    if not people.may_change():
        return
    if st.session_state.get(_CHOSEN) != piece.id:
        st.button(
            "Judge this source",
            key=f"judge_{piece.id}",
            type="tertiary",
            on_click=_choose,
            args=(piece.id,),
        )
        return
    _form(state, piece)


def _choose(id_: str) -> None:
    st.session_state[_CHOSEN] = id_


def _entry(state: State, kept: Kept) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{kept.decision.who} set: {judging.source_told(kept.decision)}")
        if people.may_change():
            judging.undo_button(state, kept.decision)


def _form(state: State, piece: Evidence) -> None:
    known = sorted(designs.known() - {"expert", "mechanism"}, key=lambda one: word("designs", one))
    ways = list(get_args(Direction))
    with st.form(f"judgement_{piece.id}"):
        judging.signature()
        design = piece.design or ""
        if piece.source_type == "study":
            design = st.selectbox(
                "Design",
                known,
                index=known.index(design) if design in known else 0,
                format_func=lambda name: word("designs", name),
            )
        way = st.selectbox(
            "What it says of this theme",
            ways,
            index=ways.index(piece.direction),
            format_func=lambda name: word("directions", name),
        )
        bias = ""
        if piece.source_type == "study":
            bias = st.selectbox(
                "Risk of bias", list(_BIAS), index=_now(piece), format_func=_BIAS.__getitem__
            )
        st.caption(
            "Design and risk of bias hold wherever this study is evidence, what it says for this "
            "theme alone. The grade follows at the next folkgrade mine."
        )
        kept, gone, left = _buttons()
    if left:
        st.session_state.pop(_CHOSEN)
        st.rerun()
    if gone:
        st.session_state.pop(_CHOSEN)
        judging.settle(state, "reject", piece.id, judgement(piece), "It counts here no more.")
    if kept:
        said = _said(piece, design, str(way), str(bias))
        if not said:
            st.warning("Nothing was changed.")
            return
        st.session_state.pop(_CHOSEN)
        judging.settle(state, "overrule", piece.id, judgement(piece, **said), "Judged.")


def _buttons() -> tuple[bool, bool, bool]:
    with st.container(horizontal=True):
        return (
            st.form_submit_button("Keep the judgement"),
            st.form_submit_button("It is not about this theme"),
            st.form_submit_button("Leave it"),
        )


def _now(piece: Evidence) -> int:
    """Place of the risk of bias that holds now."""
    if REVIEWED not in piece.flags:
        return 0
    return 2 if "high_rob" in piece.flags else 1


def _said(piece: Evidence, design: str, way: str, bias: str) -> dict[str, object]:
    """What differs from how the source is read now."""
    said: dict[str, object] = {}
    if design and design != piece.design:
        said["design"] = design
    if way != piece.direction:
        said["direction"] = way
    if bias and list(_BIAS).index(bias) != _now(piece):
        said["high_rob"] = bias == "high"
    return said
