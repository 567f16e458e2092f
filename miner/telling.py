"""Reads both stores into a digest, and remembers up to which run one was told."""

from __future__ import annotations

from datetime import datetime

from crawler.corpus import Corpus
from crawler.errors import StoreError
from crawler.freshness import Freshness, freshness
from crawler.frontier import Frontier
from miner.digest import Digest, Now, between
from miner.export.gather import each
from miner.inquiries import inquiries
from miner.knowledge import Knowledge, Run
from miner.model import Mined
from miner.snapshots import Snapshot, Snapshots

__all__ = ["tell"]


def tell(
    corpus: Corpus,
    knowledge: Knowledge,
    since: datetime | None = None,
    *,
    project: str = "",
    base: str = "",
) -> Digest:
    """What changed since that moment, or since the run that the last digest told.

    Raises NothingMined where there is no run yet. Nothing is remembered: `Snapshots.tell` does.
    """
    run = knowledge.concluded()
    store = Snapshots(knowledge.engine)
    history = _history(store, knowledge, run)
    before = store.told() or None
    if since is not None:
        before = max((one.run for one in history if one.finished < since), default=None)
    now = Now(
        themes=knowledge.themes(),
        gaps=knowledge.gaps(),
        contradictions=knowledge.contradictions(),
        claims=each(knowledge),
        inquiries=inquiries(knowledge.questions()),
    )
    return between(history, before, now, project=project, base=base, freshness=_fresh(corpus))


def _fresh(corpus: Corpus) -> tuple[str, ...]:
    """A line a site; none where the database is read-only and no crawl has ever been here."""
    try:
        frontier = Frontier(corpus.engine)
    except StoreError:
        return ()
    return tuple(map(_line, freshness(corpus, frontier)))


def _history(store: Snapshots, knowledge: Knowledge, run: Run) -> list[Snapshot]:
    """All snapshots, that of the last run among them though it may be older than snapshots are."""
    history = store.every()
    if history and history[-1].run == run.id:
        return history
    mined = Mined(
        claims=(),
        theme_of={},
        themes=tuple(knowledge.themes()),
        grades=tuple(knowledge.grades()),
        gaps=tuple(knowledge.gaps()),
        contradictions=tuple(knowledge.contradictions()),
        questions=tuple(knowledge.questions()),
    )
    store.keep(run.id or 0, run.finished, mined)
    return store.every()


def _line(state: Freshness) -> str:
    """How fresh one site is."""
    read = state.visited or state.fetched
    said = [f"{state.site}: last read {read:%Y-%m-%d}" if read else f"{state.site}: never read"]
    if state.status not in ("", "ok"):
        said.append(f"{state.status} ({state.reason})" if state.reason else state.status)
    if state.queued:
        said.append(f"{state.queued:,} pages still to ask for")
    if state.missing:
        said.append(f"{state.missing:,} posts missing")
    failed = sum(many for _, many in state.failures)
    if failed:
        said.append(f"{failed:,} pages failed")
    return ", ".join(said)
