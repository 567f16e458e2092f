"""What the page Search asks of the stores: answers to a question, each with where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import data, words
from dashboard.values import Said, State
from miner.errors import MinerError
from miner.index import Index, Mark, Shown
from miner.model import Evidence, Theme
from miner.passages import Type
from miner.search import Asked, Encode, Facet, Found, Hit, Mode, Near, Shelf, find, marked, terms

__all__ = ["Answer", "answers", "ask", "has_index", "index", "shelf", "speaks"]

RECHECK_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A passage that answers a question."""

    type: Type
    parts: tuple[tuple[str, bool], ...]
    """The words, those that were looked for marked True."""
    about: tuple[str, ...]
    """Who, when and where, as far as known."""
    link: str | None
    themes: tuple[Theme, ...]
    by_words: bool
    by_meaning: bool


@st.cache_resource(show_spinner=False, max_entries=4)
def _index(url: str, _state: State) -> Index:
    return Index(data.knowledge(_state).engine)


@st.cache_data(show_spinner=False, ttl=RECHECK_SECONDS, max_entries=4)
def _marked(url: str, _state: State) -> Mark | None:
    return _index(url, _state).mark()


def _mark(state: State) -> Mark | None:
    return _marked(state.url, state)


@st.cache_resource(show_spinner="The index is read …", max_entries=2)
def _shelf(url: str, mark: Mark, vectors: bool, _state: State) -> Shelf:
    return _index(url, _state).shelf(vectors=vectors)


@st.cache_resource(show_spinner=False, max_entries=1)
def _near(url: str, mark: Mark, _state: State) -> Near | None:
    return _index(url, _state).near()


def _searched(state: State, mark: Mark) -> Shelf:
    """The index in memory as far as a question needs it: a database may compare the vectors."""
    return _shelf(state.url, mark, _near(state.url, mark, state) is None, state)


@st.cache_resource(show_spinner="The model is read …", max_entries=1)
def _encoder(name: str) -> Encode | None:
    """The model's encoder; None where this machine has it no more."""
    from miner.embed import load

    try:
        return load(name).encode
    except MinerError:
        return None


def shelf(state: State) -> tuple[Mark, Shelf] | None:
    """The index in memory with its mark; None where there is none."""
    mark = _mark(state)
    return (mark, _shelf(state.url, mark, True, state)) if mark is not None else None


def index(state: State) -> Index:
    """The stored index."""
    return _index(state.url, state)


def has_index(state: State) -> bool:
    """Whether there is something to search in."""
    return _mark(state) is not None


def speaks(state: State) -> bool:
    """Whether the model is there that knows what words mean."""
    mark = _mark(state)
    return mark is not None and _encoder(mark.model) is not None


def ask(
    state: State,
    text: str,
    mode: Mode,
    chosen: Mapping[Facet, str],
    without: frozenset[str] = frozenset(),
) -> Found:
    """The answer to a question, narrowed to what was chosen, without some articles.

    What the facets count is counted before these are left out.
    """
    mark = _mark(state)
    if mark is None or not text.strip():
        return Found()
    found = _found(state.url, mark, text, mode, tuple(sorted(chosen.items())), state)
    if not without:
        return found
    shown = _index(state.url, state).shown([hit.row for hit in found.hits])
    kept = {one.row for one in shown if one.type != "article" or one.document not in without}
    return replace(found, hits=tuple(hit for hit in found.hits if hit.row in kept))


@st.cache_resource(show_spinner=False, max_entries=50)
def _found(
    url: str,
    mark: Mark,
    text: str,
    mode: Mode,
    chosen: tuple[tuple[Facet, str], ...],
    _state: State,
) -> Found:
    encode = None if mode == "words" else _encoder(mark.model)
    asked = Asked(text=text, mode=mode, chosen=dict(chosen))
    near = _near(url, mark, _state)
    return find(asked, _searched(_state, mark), _index(url, _state).ranked, encode, near)


def answers(state: State, text: str, hits: Sequence[Hit]) -> list[Answer]:
    """The passages of these hits, in their order, ready to be shown."""
    mark = _mark(state)
    if mark is None:
        return []
    looked = terms(text, _searched(state, mark))
    shown = {one.row: one for one in _index(state.url, state).shown([hit.row for hit in hits])}
    told = {
        one.claim.id: one
        for one in data.said(state, [ref for one in shown.values() for ref, _ in one.entries])
    }
    found = []
    for hit in hits:
        if hit.row in shown:
            one = shown[hit.row]
            said = next((told[ref] for ref, _ in one.entries if ref in told), None)
            piece = None if said or one.type == "theme" else _piece(state, one)
            about, link = _place(state, said, piece)
            themes = _themes(state, one)
            if one.type == "theme":
                about = tuple(words.many(theme.tally.authors, "author") for theme in themes)
            found.append(
                Answer(
                    type=one.type,
                    parts=tuple(marked(one.text, looked, _spans(one, told) if said else ())),
                    about=about,
                    link=link,
                    themes=themes,
                    by_words=hit.by_words,
                    by_meaning=hit.by_meaning,
                )
            )
    return found


def _spans(one: Shown, told: Mapping[str, Said]) -> list[tuple[int, int]]:
    """Where the phrases of the claims stand in the passage."""
    claims = [told[ref].claim for ref, _ in one.entries if ref in told]
    starts = [(claim.phrase_start - claim.quote.start, len(claim.phrase)) for claim in claims]
    return [(start, start + length) for start, length in starts]


def _piece(state: State, one: Shown) -> Evidence | None:
    wanted = dict(one.entries)
    pieces = (p for theme in set(wanted.values()) for p in data.evidence_of(state, theme))
    return next((piece for piece in pieces if piece.id in wanted), None)


def _place(
    state: State, said: Said | None, piece: Evidence | None
) -> tuple[tuple[str, ...], str | None]:
    """Who said it, when and where, and the way there."""
    if said is not None:
        claim = said.claim
        who = (words.member(claim.author), words.day(claim.written)) if claim.author else ()
        return tuple(part for part in (*who, said.title, said.place) if part), said.link
    if piece is not None:
        where = piece.url or (piece.quote.document if piece.quote else None)
        facts = (words.word("source_types", piece.source_type), str(piece.year or ""))
        title = data.source_title(state, piece) if piece.quote else ""
        about = tuple(part for part in (title, *facts) if part)
        return about, words.doi_link(piece.doi) or where
    return (), None


def _themes(state: State, one: Shown) -> tuple[Theme, ...]:
    found = (data.theme(state, key) for key in dict.fromkeys(theme for _, theme in one.entries))
    return tuple({theme.id: theme for theme in found if theme is not None}.values())
