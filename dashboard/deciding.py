"""What a person decides: the queue of uncertain claims, decisions, their history, and a sample.

The one place that writes. Decisions are kept apart from conclusions and replayed on every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import streamlit as st

from crawler.documents import Post, Thread
from crawler.errors import StoreError
from dashboard import data, people
from dashboard.values import State
from miner.agreement import Agreement, agreement
from miner.judgements import is_judgement
from miner.ledger import Kept
from miner.model import Action, Claim, Decision, Theme
from miner.proposals import Proposal, Proposals
from miner.text import own_words, sentences
from miner.undoing import remembered

__all__ = [
    "LABELS",
    "Item",
    "accepted",
    "agreed",
    "decide",
    "history",
    "is_followed",
    "judged",
    "phrases",
    "placed",
    "proposal",
    "queue",
    "records",
    "sample",
    "undo",
    "wordings",
]

QUEUE = 50
"""Claims that wait in the queue at a time."""
HALF = 25
"""Sentences with a claim, and as many without, in the sample."""
THREADS = 40
"""Threads that sentences without a claim are taken from."""
LABELS = ("none", "cause", "trigger", "diagnosis", "remedy")
JUDGED: tuple[Action, ...] = ("accept", "reject", "move", "outcome")
"""What may be said of a claim of the queue."""


CLAIM_ACTIONS: tuple[Action, ...] = (*JUDGED, "label")
"""What may be about a claim."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A sentence to label, without what the miner says of it on show."""

    id: str
    text: str
    title: str
    link: str | None
    miner: str
    """One of LABELS."""


# --- reading -----------------------------------------------------------------------------------


def history(state: State) -> list[Kept]:
    """All decisions, the latest first."""
    return data.knowledge(state).history()[::-1]


def proposal(state: State, item: Theme) -> Proposal | None:
    """The name a chat model proposed for a theme, where it may still be adopted."""
    return Proposals(data.knowledge(state).engine).standing(item, data.claims_of(state, item.id))


def phrases(state: State, kept: Iterable[Kept]) -> dict[str, str]:
    """Words of the claims that decisions are about, by id, as far as they are still there."""
    ids = tuple({one.decision.target for one in kept if one.decision.action in CLAIM_ACTIONS})
    return {claim.id: claim.words for claim in data.knowledge(state).claims(ids=ids)}


def is_followed(state: State, number: int | None) -> bool:
    """Whether the last run followed that decision."""
    run = data.project(state).run
    return run is not None and number in run.decisions


@st.cache_resource(show_spinner=False, max_entries=4)
def queue(state: State) -> tuple[Claim, ...]:
    """Members' claims that nobody judged yet, the least certain first."""
    knowledge = data.knowledge(state)
    done = {d.target for d in knowledge.decisions() if d.action in JUDGED}
    found = knowledge.uncertain(QUEUE, done)
    asked = {claim.id for claim in found}
    here = {key for theme in data.project(state).themes for key in theme.claims if key in asked}
    return tuple(claim for claim in found if claim.id in here)


def placed(state: State, claim_id: str) -> Claim | None:
    """The member's claim of that id, as long as it stands in a theme."""
    found = data.knowledge(state).claims(ids=[claim_id])
    here = any(claim_id in theme.claims for theme in data.project(state).themes)
    return next((claim for claim in found if here and claim.voice == "member"), None)


def records(state: State) -> list[dict[str, object]]:
    """The history for a file, the first decision first: who, when, what, why, and if it holds."""
    return [
        {
            "number": kept.decision.id,
            "when": kept.decision.when.isoformat(),
            "who": kept.decision.who,
            "what": kept.decision.action,
            "target": kept.decision.target,
            "value": dict(kept.decision.value),
            "why": kept.decision.why,
            "taken_back": kept.undone,
        }
        for kept in reversed(history(state))
    ]


def accepted(state: State) -> frozenset[str]:
    """What somebody looked at and found right."""
    return frozenset(
        decision.target
        for decision in data.knowledge(state).decisions()
        if decision.action == "accept"
    )


def judged(found: Iterable[Kept]) -> dict[Action, int]:
    """How many claims of the queue were judged in each way; what was taken back does not count."""
    latest = {
        k.decision.target: k.decision
        for k in found
        if not k.undone and not is_judgement(k.decision)
    }
    said = [decision.action for decision in latest.values()]
    return {action: said.count(action) for action in JUDGED if action in said}


def wordings(claims: Sequence[Claim]) -> dict[str, list[str]]:
    """Ids of the claims by what they call it, the most frequent wording first."""
    found: dict[str, list[str]] = {}
    for claim in claims:
        found.setdefault(claim.words.lower(), []).append(claim.id)
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))


# --- writing -----------------------------------------------------------------------------------


def decide(
    state: State,
    action: Action,
    target: str,
    value: Mapping[str, object] | None = None,
    *,
    who: str,
    why: str = "",
) -> int:
    """Id of the decision, which holds from now on; raises StoreError where nothing may be written.

    It remembers what it changes, so that it can be taken back after any run.
    """
    _allowed()
    knowledge = data.knowledge(state)
    bare = Decision(
        action=action,
        target=target,
        value=dict(value or {}),
        who=who.strip() or NOBODY,
        when=datetime.now(UTC),
        why=why.strip(),
    )
    claims = knowledge.claims(ids=[target]) if action == "outcome" else ()
    number = knowledge.decide(remembered(bare, knowledge.themes(), claims, knowledge.grades()))
    data.changed()
    return number


NOBODY = "unnamed"


def _allowed() -> None:
    """Raises StoreError where this reader may change nothing, whatever a page has drawn."""
    if not people.may_change():
        raise StoreError("this dashboard lets you read, not change anything")


def undo(state: State, number: int, *, who: str, why: str = "") -> None:
    """Takes a decision back; raises StoreError where nothing may be written."""
    _allowed()
    by = Decision(
        action="undo",
        target=str(number),
        value={},
        who=who.strip() or NOBODY,
        when=datetime.now(UTC),
        why=why.strip(),
    )
    data.knowledge(state).undo(number, by)
    data.changed()


# --- a sample to label -------------------------------------------------------------------------


@st.cache_resource(show_spinner="A sample is drawn …", max_entries=2)
def _sample(url: str, run: int, corpus: str) -> tuple[Item, ...]:
    """The sample of a run: as many sentences with a claim as without, in no telling order."""
    state = State(url=url, corpus=corpus, run=run, decision=0)
    knowledge = data.knowledge(state)
    found = [_with_claim(state, claim) for claim in knowledge.drawn(HALF)]
    found += islice(_without(state), len(found))
    return tuple(sorted(found, key=lambda item: _lot(item.id)))


def sample(state: State) -> tuple[Item, ...]:
    """Sentences to label; the same ones until the next run."""
    return _sample(state.url, state.run, state.corpus)


def _with_claim(state: State, claim: Claim) -> Item:
    said = data.said_of(state, claim)
    return Item(
        id=claim.id, text=claim.quote.text, title=said.title, link=said.link, miner=claim.kind
    )


def _without(state: State) -> Iterable[Item]:
    """Sentences of members in which the miner found nothing, one a post at most."""
    for thread in data.some_threads(state, THREADS):
        claims = data.knowledge(state).claims(document=thread.source.url)
        for post in thread.posts:
            inside = [c.quote for c in claims if c.quote.part == post.id]
            free = [
                one
                for one in sentences(own_words(post.text))
                if len(one.text.split()) > 3
                and not any(q.start < one.end and one.start < q.end for q in inside)
            ]
            if free:
                yield _empty(thread, post, min(free, key=lambda one: _lot(one.text)).start)


def _empty(thread: Thread, post: Post, start: int) -> Item:
    one = next(one for one in sentences(own_words(post.text)) if one.start == start)
    return Item(
        id=f"none:{thread.source.url}#{post.id}@{start}",
        text=post.text[one.start : one.end],
        title=thread.title,
        link=post.url or thread.source.url,
        miner="none",
    )


def _lot(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def agreed(found: Iterable[Kept]) -> Agreement:
    """Agreement of the labels in force with the miner; the latest label of a sentence counts."""
    labels = {
        k.decision.target: (str(k.decision.value.get("label")), str(k.decision.value.get("miner")))
        for k in sorted(found, key=lambda k: k.decision.id or 0)
        if k.decision.action == "label" and not k.undone
    }
    return agreement(list(labels.values()))


def themes_like(state: State, theme: Theme) -> list[Theme]:
    """The other themes of its kind, near ones first, then those of most authors."""
    near = {id_: place for place, id_ in enumerate(theme.related)}
    others = [t for t in data.project(state).themes if t.kind == theme.kind and t.id != theme.id]
    return sorted(others, key=lambda t: near.get(t.id, len(near)))
