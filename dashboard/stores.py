"""Opening the stores for the pages: where they are, whether they may be written, their state."""

from __future__ import annotations

import os

import streamlit as st

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.errors import StoreError
from dashboard.values import State
from miner.current import Current

__all__ = ["DATABASE", "READ_ONLY", "changed", "knowledge", "read_only", "state", "stores"]

DATABASE = "FOLKGRADE_DATABASE"
"""Environment variable with the project's database: an SQLAlchemy URL or a file."""

READ_ONLY = "FOLKGRADE_READ_ONLY"
"""Environment variable: where it is set, nothing can be written."""

RECHECK_SECONDS = 2
"""How long the state of the stores is taken as known: a rerun costs nothing meanwhile."""


def _address() -> str:
    found = os.environ.get(DATABASE, "")
    if not found:
        raise StoreError(f"no project: {DATABASE} is not set; start with `folkgrade dashboard`")
    return found


@st.cache_resource(show_spinner=False, max_entries=8)
def stores(url: str) -> tuple[Corpus, Current]:
    """Both stores of a database, opened once; writable only where that is allowed."""
    engine = open_database(url, read_only=read_only())
    return Corpus(engine), Current(engine)


@st.cache_data(show_spinner=False, ttl=RECHECK_SECONDS, max_entries=8)
def _state(url: str) -> State:
    corpus, knowledge = stores(url)
    version = knowledge.version()
    return State(url=url, corpus=corpus.fingerprint(), run=version.run, decision=version.decision)


def read_only() -> bool:
    """Whether the dashboard was started so that nobody can change anything."""
    return bool(os.environ.get(READ_ONLY))


def knowledge(state: State) -> Current:
    """The derived store and the decisions."""
    return stores(state.url)[1]


def changed() -> None:
    """Says that something was just written, so that the next look at the stores is a new one."""
    _state.clear()


def state() -> State:
    """What the stores hold now; raises StoreError where they cannot be read."""
    return _state(_address())
