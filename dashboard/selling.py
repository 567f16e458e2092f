"""Which articles have something to sell: the reader can leave them out on every page."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from crawler.documents import Article
from dashboard import reading
from dashboard.stores import stores
from dashboard.values import State
from miner.provenance import marks

__all__ = ["OUT", "selling"]

OUT = "out"
"""The address's value of `selling` where such articles are left out."""
_MARKS = frozenset({"promotion", "self_interest"})


@st.cache_resource(show_spinner=False, max_entries=2)
def selling(state: State) -> frozenset[str]:
    """Addresses of the articles that promote a product, praise their own offer or claim for it."""
    corpus, _ = stores(state.url)
    today = datetime.now(UTC)
    claimed = {
        piece.quote.document
        for pieces in reading.evidence_by_theme(state).values()
        for piece in pieces
        if piece.source_type == "commercial" and piece.quote is not None
    }
    marked = {
        found.source.url
        for found in corpus.documents(list(corpus.hashes("article")))
        if isinstance(found, Article) and _MARKS & {mark.name for mark in marks(found, today)}
    }
    return frozenset(claimed | marked)
