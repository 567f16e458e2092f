"""Where a text names a condition: one pattern for all names, and slips of the pen mended.

A name is found in any case, in the plural, with a hyphen for a space; of overlapping ones the
longer. What the names weigh together is `miner.conditions`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from miner.vocabulary import Condition, Conditions, exact_words

__all__ = ["HINT", "NAME", "PART", "WIDER", "Lexicon", "Mention", "lexicon", "mended", "mentions"]

NAME, PART, WIDER, HINT = 3.0, 2.5, 2.0, 1.0
"""What a term weighs by how plainly it says the condition."""


@dataclass(frozen=True, kw_only=True)
class _Term:
    condition: str
    weight: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Lexicon:
    """Some conditions made ready to find: one pattern for all terms, and what each means."""

    known: Conditions
    by_id: Mapping[str, Condition]
    pattern: re.Pattern[str]
    loose: Mapping[str, _Term]
    """Terms in any case, by key."""
    strict: Mapping[str, _Term]
    """Terms as written."""
    shorts: Mapping[str, tuple[str, ...]]
    """Ids that a short form may mean, as written, where something else says which."""
    words: frozenset[str]
    """Long words of names, towards which slips of the pen are mended."""
    slips: Mapping[str, str]
    """Those words with one letter left out, and the word; "" where several are meant."""


@lru_cache(maxsize=16)
def lexicon(known: Conditions) -> Lexicon:
    """Those conditions made ready; kept, for it takes a while."""
    loose: dict[str, _Term] = {}
    strict: dict[str, _Term] = {}
    shorts: dict[str, tuple[str, ...]] = {}
    for some in known:
        for term in some.shorts:
            shorts[term] = (*shorts.get(term, ()), some.id)
        for weight, terms in _weighted(some):
            for term in terms:
                loose.setdefault(_key(term), _Term(condition=some.id, weight=weight))
        for term in some.capitals:
            strict.setdefault(term, _Term(condition=some.id, weight=NAME))
    words = _long_words(loose)
    return Lexicon(
        known=known,
        by_id={some.id: some for some in known},
        pattern=_pattern(loose, (*strict, *shorts)),
        loose=loose,
        strict=strict,
        shorts=shorts,
        words=words,
        slips=_slips(words),
    )


def _weighted(some: Condition) -> tuple[tuple[float, tuple[str, ...]], ...]:
    """Its terms by weight; of a term given twice the first weight stands."""
    return (PART, some.parts), (NAME, some.names), (WIDER, some.covers), (HINT, some.hints)


def _pattern(loose: Collection[str], strict: Collection[str]) -> re.Pattern[str]:
    """All terms as one tree of letters, so that a text is read once however many there are."""
    choices = [
        f"(?i:{_branches(_tree(map(_atoms, loose)), _PLURAL)})" if loose else "",
        _branches(_tree(map(list, strict))) if strict else "",
    ]
    either = "|".join(filter(None, choices)) or r"(?!)"
    return re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])")


_PLURAL = r"(?:(?<!s)s)?"
_GAP = r"[\s-]+"
_Tree = dict[str, Any]


def _key(term: str) -> str:
    """A term without case, apostrophes and hyphens, in single spaces."""
    plain = term.lower().replace("\u2019", "").replace("'", "").replace("-", " ")
    return " ".join(plain.split())


def _atoms(key: str) -> list[str]:
    """The patterns of a key's letters: hyphen for space, apostrophes before a last s or t."""
    found: list[str] = []
    for word in key.split():
        found += [_GAP] if found else []
        found += word
        if word.endswith(("s", "nt")) and len(word) > 2:
            found[-1] = f"['\u2019]?{word[-1]}"
    return found


def _tree(terms: Iterable[list[str]]) -> _Tree:
    """Nested letters; the empty key marks where a term may end."""
    root: _Tree = {}
    for atoms in terms:
        node = root
        for atom in atoms:
            node = node.setdefault(atom, {})
        node[""] = {}
    return root


def _branches(node: _Tree, ending: str = "") -> str:
    """A tree as a pattern that prefers the longest term."""
    if not node:
        return ending + r"(?![^\W_])"
    ends = [""] if "" in node else []
    parts = [
        (atom if len(atom) > 1 else re.escape(atom)) + _branches(node[atom], ending)
        for atom in sorted(filter(None, node))
    ]
    parts += [_branches({}, ending) for _ in ends]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


# --- slips of the pen ---------------------------------------------------------------------

MENDED = 7
"""Letters a word needs to be mended."""
_CLINICAL = re.compile(r"^[a-z]{4,}(?:itis|osis|pathy|algia|ingement|femoral|radicular)$")
_LONG = re.compile(rf"(?<![^\W_])[A-Za-z]{{{MENDED},24}}(?![^\W_])")


def _long_words(loose: Mapping[str, _Term]) -> frozenset[str]:
    """Words of names that say it alone or are no everyday words: `slipping` is near `shipping`."""
    names = [key for key, term in loose.items() if term.weight >= PART]
    alone = {key for key in names if len(key) >= MENDED}
    clinical = {word for key in names for word in key.split() if _CLINICAL.search(word)}
    return frozenset(word for word in alone | clinical if word.isalpha())


def _slips(words: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in sorted(words):
        for slip in _shorter(word):
            found[slip] = word if found.get(slip, word) == word else ""
    return found


def _shorter(word: str) -> set[str]:
    """The word with one letter after the first left out: few mistake the first."""
    return {word[:i] + word[i + 1 :] for i in range(1, len(word))}


def mended(text: str, known: Lexicon) -> str:
    """The text with words of names that have one letter too few, too many or wrong put right."""
    return _LONG.sub(lambda found: _meant(found.group(), known), text)


@lru_cache(maxsize=50_000)
def _meant(written: str, known: Lexicon) -> str:
    word = written.lower()
    if word in known.words or word in exact_words() or word.removesuffix("s") in known.words:
        return written
    tries = {word, *_shorter(word)}
    near = {known.slips[some] for some in tries if some in known.slips}
    near |= {some for some in tries if some in known.words}
    near = {some for some in near if some and _one_slip(word, some)}
    return near.pop() if len(near) == 1 else written


def _one_slip(word: str, meant: str) -> bool:
    """True where one letter is added, left out, changed or swapped with its neighbour inside."""
    start = next((i for i, (a, b) in enumerate(zip(word, meant, strict=False)) if a != b), None)
    if start is None or len(meant) < MENDED:
        return False
    a, b = word[start:], meant[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A place where a text names a condition, or hints at one."""

    condition: str
    weight: float
    start: int
    end: int
    term: str
    """The name, folded."""


def mentions(text: str, known: Lexicon, around: str = "") -> list[Mention]:
    """Every name or hint in a mended text, left to right; where two overlap, the longer one.

    What short forms mean is told by the others, and by those of the text `around` it.
    """
    found, unclear = [], []
    for match in known.pattern.finditer(text):
        term, key = _term(match.group(), known)
        if term is not None:
            found.append(
                Mention(
                    condition=term.condition,
                    weight=term.weight,
                    start=match.start(),
                    end=match.end(),
                    term=key,
                )
            )
        elif match.group() in known.shorts:
            unclear.append(match)
    if not unclear:
        return found
    beside = [*found, *(mentions(around, known) if around else ())]
    told = [_told(match, beside, known) for match in unclear]
    return sorted((*found, *filter(None, told)), key=lambda mention: mention.start)


def _term(written: str, known: Lexicon) -> tuple[_Term | None, str]:
    """What a written name means, and its key."""
    if written in known.strict:
        return known.strict[written], written
    key = _key(written)
    key = key if key in known.loose else key.removesuffix("s")
    return known.loose.get(key), key


def _told(short: re.Match[str], beside: Sequence[Mention], known: Lexicon) -> Mention | None:
    """What a short form means beside other mentions: one of the regions they are about."""
    regions = Counter(known.by_id[mention.condition].region for mention in beside)
    likely = [id_ for id_ in known.shorts[short.group()] if regions[known.by_id[id_].region]]
    if not likely:
        return None
    best = max(likely, key=lambda id_: regions[known.by_id[id_].region])
    start, end = short.span()
    return Mention(condition=best, weight=NAME, start=start, end=end, term=short.group())
