"""What a thread, a post, an article or a study is about: the condition of every claim.

Of the sentence first, then of the post, the title and the thread. What is not said stays open. The
conditions themselves are `miner.vocabulary`, how they are found is `miner.lexicon`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crawler.documents import Article, Document, Thread
from miner.cases import is_complained, is_denied, of_claims
from miner.lexicon import HINT, Lexicon, Mention, lexicon, mended, mentions
from miner.model import Claim
from miner.vocabulary import (
    Condition,
    Conditions,
    known_ids,
    name_of,
    region_of,
    related,
    shipped,
    version,
    with_own,
)

__all__ = [
    "Condition",
    "Conditions",
    "assign",
    "condition_of_article",
    "condition_of_thread",
    "conditions_of_text",
    "known_ids",
    "match",
    "name_of",
    "region_of",
    "related",
    "shipped",
    "version",
    "with_own",
]

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

REPEATED = 0.25
"""What each further mention of a term adds, at most so many times."""
REPEATS = 4
TITLE = 3.0
"""A title says what the thread is about; the first post is often a life story."""
NARROW = 3.5
"""Least weight at which a narrower condition takes the place of its region's unspecified pain: more
than one mention in passing. On labelled posts this was right oftener than one mention."""
LONG = 200
"""Characters from which a text may name a part of the body in passing: the other hand."""
NEAREST = 0.6
"""Least likeness at which a text without any known name is given to the nearest condition."""


def conditions_of_text(text: str, among: Conditions | None = None) -> tuple[str, ...]:
    """Ids of all conditions a text names, weightiest first; hints count where no name stands."""
    return tuple(_ranked(_weights(text, lexicon(among or shipped()))))


def condition_of_thread(
    thread: Thread, encode: Encode | None = None, among: Conditions | None = None
) -> str | None:
    """What a thread is about by title and first post, else by all posts, else by meaning."""
    known = lexicon(among or shipped())
    opening = thread.posts[0].text if thread.posts else ""
    whole = "\n".join(post.text for post in thread.posts[1:])
    return _first(
        _decided(thread.title, opening, known),
        lambda: _best(_weights(whole, known)),
        lambda: _nearest(f"{thread.title} {opening[:300]}", encode, known.known),
    )


def condition_of_article(
    article: Article, encode: Encode | None = None, among: Conditions | None = None
) -> str | None:
    """What an article is about: title and text, else the nearest meaning of the title."""
    known = lexicon(among or shipped())
    return _first(
        _decided(article.title, article.text, known),
        lambda: _nearest(article.title, encode, known.known),
    )


def match(text: str, encode: Encode | None = None, among: Conditions | None = None) -> str | None:
    """The condition a short description means, such as that of a study; None where none fits."""
    known = among or shipped()
    found = _best(_weights(text, lexicon(known)))
    return found if found is not None else _nearest(text, encode, known)


def assign(
    claims: Sequence[Claim],
    document: Document,
    encode: Encode | None = None,
    among: Conditions | None = None,
) -> list[Claim]:
    """The claims with their condition: of the sentence, else the post, else the document."""
    known = among or shipped()
    if isinstance(document, Thread):
        about = condition_of_thread(document, encode, known)
        return of_claims(claims, document, about, lexicon(known))
    if isinstance(document, Article):
        about = condition_of_article(document, encode, known)
    else:
        about = match(f"{document.title} {document.abstract}", encode, known)
    return [replace(claim, condition=about) for claim in claims]


# --- weighing -----------------------------------------------------------------------------


def _weights(text: str, known: Lexicon, around: str = "") -> dict[str, float]:
    """Weight of each condition a text names, first mentioned first; hints only without names.

    What is denied counts only where nothing else is named; one part of the body in passing, not.
    """
    plain = mended(text, known)
    found = mentions(plain, known, around)
    if len(text) >= LONG and not _is_told(plain, found, known):
        return {}
    kept = [m for m in found if not is_denied(plain, m.start)]
    return _weighed(kept or found)


def _is_told(text: str, found: Iterable[Mention], known: Lexicon) -> bool:
    """Whether a text names a condition, complains of a part of the body or names one twice."""
    seen: set[str] = set()
    for mention in found:
        if (
            mention.weight > HINT
            or " " in mention.term
            or mention.condition in seen
            or known.by_id[mention.condition].region == "other"
            or is_complained(text, mention.start, mention.end)
        ):
            return True
        seen.add(mention.condition)
    return False


def _weighed(mentions: Iterable[Mention]) -> dict[str, float]:
    terms: dict[tuple[str, str], tuple[float, int]] = {}
    for mention in mentions:
        key = (mention.condition, mention.term)
        terms[key] = (mention.weight, terms.get(key, (0.0, 0))[1] + 1)
    named = any(weight > HINT for weight, _ in terms.values())
    weights: dict[str, float] = {}
    for (condition, _), (weight, count) in terms.items():
        if weight > HINT or not named:
            more = REPEATED * min(count - 1, REPEATS)
            weights[condition] = weights.get(condition, 0.0) + weight * (1 + more)
    return weights


def _ranked(weights: Mapping[str, float]) -> list[str]:
    # `sorted` is stable: of equal weights the one mentioned first comes first.
    return sorted(weights, key=lambda condition: -weights[condition])


def _best(weights: Mapping[str, float]) -> str | None:
    return next(iter(_ranked(weights)), None)


def _decided(title: str, text: str, known: Lexicon) -> str | None:
    """The weightiest condition of title and text together, the title counting several times."""
    total: dict[str, float] = {}
    for part, around, factor in ((title, text, TITLE), (text, title, 1.0)):
        for condition, weight in _weights(part, known, around).items():
            total[condition] = total.get(condition, 0.0) + weight * factor
    best = _best(total)
    return best if best is None else _narrowed(best, total, known)


def _narrowed(best: str, weights: Mapping[str, float], known: Lexicon) -> str:
    """The one condition that says more of the same region; the given one where two might."""
    wide = known.by_id[best]
    if not wide.wide:
        return best
    narrow = [
        some
        for some in _ranked(weights)
        if weights[some] >= NARROW
        and not known.by_id[some].wide
        and known.by_id[some].region == wide.region
    ]
    clear = len(narrow) == 1 or (narrow and weights[narrow[0]] > weights[narrow[1]])
    return narrow[0] if clear else best


def _first(found: str | None, *others: Callable[[], str | None]) -> str | None:
    """The first answer that is one; later ones are asked only when needed."""
    for other in others:
        if found is not None:
            break
        found = other()
    return found


def _nearest(text: str, encode: Encode | None, known: Conditions) -> str | None:
    """The condition whose name means most nearly the same, None below the stated likeness."""
    if encode is None or not text.strip():
        return None
    pairs = [(c.id, name) for c in known for name in (c.name, *c.names, *c.covers)]
    rows = encode([text, *(name for _, name in pairs)])
    likeness = rows[1:] @ rows[0]
    best = int(likeness.argmax())
    return pairs[best][0] if likeness[best] >= NEAREST else None
