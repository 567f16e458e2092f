"""What a thread, a post, an article or a study is about: conditions as data, found by their names.

The list is `data/conditions.toml`; a user's own conditions are passed as values of the same shape.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.documents import Article, Document, Thread
from miner.model import Claim

__all__ = [
    "Condition",
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
]

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

NAME, WIDER, HINT = 3.0, 2.0, 1.0
REPEATED = 0.25
"""What each further mention of a term adds, at most so many times."""
REPEATS = 4
TITLE = 3.0
"""A title says what the thread is about; the first post is often a life story."""
NEAREST = 0.6
"""Least likeness at which a text without any known name is given to the nearest condition."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition and the words by which it is known."""

    id: str
    name: str
    region: str
    """Body region: evidence from the same region is kin, never direct."""
    names: tuple[str, ...] = ()
    capitals: tuple[str, ...] = ()
    """Names that count only as written."""
    hints: tuple[str, ...] = ()
    """Signs that decide only where no name stands."""
    covers: tuple[str, ...] = ()
    """Wider words of studies that include it."""
    near: tuple[str, ...] = ()
    """Ids of kin conditions in other regions or of other tissues."""


Conditions = tuple[Condition, ...]


@cache
def shipped() -> Conditions:
    """The conditions of the data file, in its order."""
    raw = tomllib.loads(_data().decode())
    return tuple(_condition(some) for some in raw["condition"])


def _condition(raw: dict[str, Any]) -> Condition:
    """A table of the file as a value; unknown keys are a mistake and raise TypeError."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return Condition(**fields)


@cache
def version() -> str:
    """Twelve hex digits that change when the shipped conditions do."""
    return hashlib.sha256(_data()).hexdigest()[:12]


def _data() -> bytes:
    return files("miner").joinpath("data/conditions.toml").read_bytes()


def name_of(id_: str, among: Conditions | None = None) -> str:
    """The condition's name for people; the id itself where it is unknown."""
    return next((some.name for some in among or shipped() if some.id == id_), id_)


def region_of(id_: str, among: Conditions | None = None) -> str | None:
    """The body region, None for an unknown id."""
    return next((some.region for some in among or shipped() if some.id == id_), None)


def related(one: str, other: str, among: Conditions | None = None) -> bool:
    """True for two different conditions that are kin: evidence on one is indirect for the other."""
    known = {some.id: some for some in among or shipped()}
    if one == other or one not in known or other not in known:
        return False
    a, b = known[one], known[other]
    return a.region == b.region != "other" or other in a.near or one in b.near


def conditions_of_text(text: str, among: Conditions | None = None) -> tuple[str, ...]:
    """Ids of all conditions a text names, weightiest first; hints count where no name stands."""
    return tuple(_ranked(_weights(text, among or shipped())))


def condition_of_thread(
    thread: Thread, encode: Encode | None = None, among: Conditions | None = None
) -> str | None:
    """What a thread is about by title and first post, else by all posts, else by meaning."""
    known = among or shipped()
    opening = thread.posts[0].text if thread.posts else ""
    whole = "\n".join(post.text for post in thread.posts[1:])
    return _first(
        _decided(thread.title, opening, known),
        lambda: _named(whole, known),
        lambda: _nearest(f"{thread.title} {opening[:300]}", encode, known),
    )


def condition_of_article(
    article: Article, encode: Encode | None = None, among: Conditions | None = None
) -> str | None:
    """What an article is about: title and text, else the nearest meaning of the title."""
    known = among or shipped()
    return _first(
        _decided(article.title, article.text, known),
        lambda: _nearest(article.title, encode, known),
    )


def match(text: str, encode: Encode | None = None, among: Conditions | None = None) -> str | None:
    """The condition a short description means, such as that of a study; None where none fits."""
    known = among or shipped()
    found = _best(_weights(text, known))
    return found if found is not None else _nearest(text, encode, known)


def assign(
    claims: Sequence[Claim],
    document: Document,
    encode: Encode | None = None,
    among: Conditions | None = None,
) -> list[Claim]:
    """The claims with their condition: the author's own other injury, else that of the document."""
    known = among or shipped()
    if isinstance(document, Thread):
        about = condition_of_thread(document, encode, known)
        others = {post.id: _own_other(post.text, about, known) for post in document.posts}
        first = document.posts[0].id if document.posts else ""
        others[first] = None
        return [replace(c, condition=others.get(c.quote.part) or about) for c in claims]
    if isinstance(document, Article):
        about = condition_of_article(document, encode, known)
    else:
        about = match(f"{document.title} {document.abstract}", encode, known)
    return [replace(claim, condition=about) for claim in claims]


# --- finding names ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Term:
    condition: str
    weight: float


@lru_cache(maxsize=16)
def _terms(known: Conditions) -> tuple[re.Pattern[str], Mapping[str, _Term], Mapping[str, _Term]]:
    """One pattern for all terms, longest first, and what each means: any case, and as written."""
    loose: dict[str, _Term] = {}
    strict: dict[str, _Term] = {}
    for some in known:
        for weight, terms in ((NAME, some.names), (WIDER, some.covers), (HINT, some.hints)):
            for term in terms:
                loose.setdefault(_key(term), _Term(condition=some.id, weight=weight))
        for term in some.capitals:
            strict.setdefault(term, _Term(condition=some.id, weight=NAME))
    if not loose and not strict:
        return re.compile(r"(?!)"), loose, strict
    anycase = [_loosely(term) for term in sorted(loose, key=lambda t: (-len(t), t))]
    written = [re.escape(term) for term in sorted(strict, key=lambda t: (-len(t), t))]
    choices = [f"(?P<strict>{'|'.join(written)})"] if written else []
    choices += [f"(?P<loose>(?i:{'|'.join(anycase)}))"] if anycase else []
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(choices)})(?![^\W_])"), loose, strict


def _key(term: str) -> str:
    """A term without case, apostrophes and hyphens, in single spaces."""
    plain = term.lower().replace("\u2019", "").replace("'", "").replace("-", " ")
    return " ".join(plain.split())


def _loosely(key: str) -> str:
    """A pattern for a key: hyphen for space, an apostrophe before a last s, a plural."""
    return r"[\s-]+".join(_word(word) for word in key.split()) + r"(?:(?<!s)s)?"


def _word(word: str) -> str:
    if word.endswith("s") and len(word) > 2:
        return re.escape(word[:-1]) + "['\u2019]?s"
    return re.escape(word)


@dataclass(frozen=True, kw_only=True)
class _Mention:
    condition: str
    weight: float
    start: int
    term: str


def _mentions(text: str, known: Conditions) -> Iterator[_Mention]:
    """Every name or hint in a text, left to right; where two overlap, the longer one."""
    pattern, loose, strict = _terms(known)
    for found in pattern.finditer(text):
        written = found.group()
        term = strict.get(written)
        key = written
        if term is None:
            key = _key(written)
            term = loose.get(key) or loose.get(key.removesuffix("s"))
        if term is not None:
            yield _Mention(
                condition=term.condition, weight=term.weight, start=found.start(), term=key
            )


def _weights(text: str, known: Conditions) -> dict[str, float]:
    """Weight of each condition a text names, first mentioned first; hints only without names."""
    terms: dict[tuple[str, str], tuple[float, int]] = {}
    for mention in _mentions(text, known):
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


def _named(text: str, known: Conditions) -> str | None:
    return _best(_weights(text, known))


def _decided(title: str, text: str, known: Conditions) -> str | None:
    """The weightiest condition of title and text together, the title counting several times."""
    total: dict[str, float] = {}
    for weights, factor in ((_weights(title, known), TITLE), (_weights(text, known), 1.0)):
        for condition, weight in weights.items():
            total[condition] = total.get(condition, 0.0) + weight * factor
    return _best(total)


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


# --- somebody's own other injury ----------------------------------------------------------

_OWN = re.compile(
    r"\b(?:my|i had|i've had|i have|i've got|i got|i've|i was diagnosed|i tore|i injured|"
    r"i suffer(?:ed)?|i hurt|mine (?:was|is|turned out)|i'm dealing with|i am dealing with)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|never|isn't|wasn't|ain't|without|rather than|ruled out|unlike|instead of)\b"
    r"[^.;:!?]*$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+")
_REACH = 60
"""So many characters before a name an own word may stand."""


def _own_other(text: str, about: str | None, known: Conditions) -> str | None:
    """The one other condition a post claims for its author, unless it names the thread's too."""
    named = [m.condition for m in _mentions(text, known) if m.weight >= WIDER]
    if about is None or about in named:
        return None
    own = {
        mention.condition
        for sentence in _SENTENCE.findall(text.replace("\u2019", "'"))
        for mention in _mentions(sentence, known)
        if mention.weight >= NAME and _is_own(sentence[: mention.start])
    }
    others = {c for c in own if c != "other"}
    return others.pop() if len(others) == 1 else None


def _is_own(before: str) -> bool:
    return bool(_OWN.search(before[-_REACH:])) and not _DENIED.search(before)


def known_ids(among: Iterable[Condition] | None = None) -> tuple[str, ...]:
    """Ids of all conditions, in order."""
    return tuple(some.id for some in among or shipped())
