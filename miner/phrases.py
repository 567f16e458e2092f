"""One spelling for each idea: what members write, made comparable. No meaning is judged here."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cache, lru_cache
from importlib.resources import files

from miner.model import Claim
from miner.spelling import corrected

__all__ = ["ideas", "is_pointer", "keywords", "lemma", "moment", "normalise", "words"]

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})
_WORD = re.compile(r"[^\W_]+(?:[-'.][^\W_]+)*")
_PIECE = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"'s?$")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class _Spelling:
    abbreviations: Mapping[str, str]
    capitals: Mapping[str, str]
    phrases: Mapping[str, str]
    any_phrase: re.Pattern[str]
    forms: Mapping[str, str]
    fillers: frozenset[str]
    singular: frozenset[str]
    products: frozenset[str]
    pointers: frozenset[str]
    openings: frozenset[str]
    """What the written-out phrases begin with."""


@cache
def _spelling() -> _Spelling:
    raw = tomllib.loads(files("miner").joinpath("data/abbreviations.toml").read_text("utf-8"))
    longest_first = sorted(raw["phrases"], key=lambda short: (-len(short), short))
    return _Spelling(
        abbreviations=raw["abbreviations"],
        capitals=raw["capitals"],
        phrases=raw["phrases"],
        any_phrase=re.compile(
            rf"(?<![^\W_])(?:{'|'.join('[ -]'.join(s.split()) for s in longest_first)})(?![^\W_])"
        ),
        forms={form: usual for usual, others in raw["forms"].items() for form in others},
        fillers=frozenset(raw["fillers"]["words"]),
        singular=frozenset(raw["singular"]["words"]),
        products=frozenset(raw["products"]["words"]),
        pointers=frozenset(raw["pointers"]["words"]),
        openings=frozenset(_PIECE.findall(short)[0] for short in raw["phrases"]),
    )


def words(text: str) -> list[str]:
    """The words of a text as written, without punctuation; hyphens and apostrophes stay inside."""
    return _WORD.findall(_straight(text))


def _straight(text: str) -> str:
    """The text with one apostrophe."""
    return text if text.isascii() and "`" not in text else text.translate(_APOSTROPHES)


@lru_cache(maxsize=100_000)
def lemma(word: str) -> str:
    """The word in lower case and the field's usual form: no possessive, no plural, one spelling."""
    spelling = _spelling()
    word = _POSSESSIVE.sub("", word.lower())
    if word in spelling.forms:
        return spelling.forms[word]
    word = corrected(word)
    single = word if word in spelling.singular else _singular(word)
    return spelling.forms.get(single, single)


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def _expanded(word: str, before: str, after: str) -> str:
    """A word, written out where it is a shortened form; capitals decide where it is also a word.

    Beside a capitalised word, or a word that products are named with, it is part of a proper
    name and stays.
    """
    spelling = _spelling()
    if word.isupper() and {before.lower(), after.lower()} & spelling.products:
        return word
    if word.isupper() and any(other.istitle() and len(other) > 2 for other in (before, after)):
        return word
    if word in spelling.capitals:
        return spelling.capitals[word]
    bare = _POSSESSIVE.sub("", word.lower())
    return spelling.abbreviations.get(bare, word)


@lru_cache(maxsize=100_000)
def _plain(word: str) -> tuple[str, bool]:
    """A word that holds no capital, written out and in lemmas; whether it may open a phrase."""
    spelling = _spelling()
    full = spelling.abbreviations.get(_POSSESSIVE.sub("", word), word)
    text = " ".join(lemma(part) for part in full.split())
    return text, bool(spelling.openings.intersection(_PIECE.findall(text)))


@lru_cache(maxsize=1 << 16)
def normalise(phrase: str) -> str:
    """The phrase in lower case, written out, in lemmas, without fillers; empty only if it was.

    Shouting is not taken for abbreviations: in a phrase of three words or more all in capitals,
    the ones that count only in capitals are left alone.
    """
    spelling = _spelling()
    found = words(phrase)
    if len(found) > 2 and all(word.isupper() for word in found):
        found = [word.lower() for word in found]
    if phrase == phrase.lower() or all(word == word.lower() for word in found):
        known = [_plain(word) for word in found]
        text, opened = " ".join(text for text, _ in known), any(opens for _, opens in known)
    else:
        beside = zip(["", *found], found, [*found[1:], ""], strict=False)
        full = [_expanded(word, before, after) for before, word, after in beside]
        text, opened = " ".join(lemma(part) for word in full for part in word.split()), True
    if opened:
        text = spelling.any_phrase.sub(lambda m: spelling.phrases[m[0].replace("-", " ")], text)
    kept = [word for word in text.split() if word not in spelling.fillers]
    return " ".join(kept) or text or phrase.strip().lower()


def keywords(phrase: str) -> frozenset[str]:
    """The words of a normalised phrase that can tell it from others: three letters or more."""
    return frozenset(word for word in phrase.split() if len(word) > 2)


@lru_cache(maxsize=1 << 18)
def is_pointer(phrase: str) -> bool:
    """True where a phrase only points at something named elsewhere: "it", "both of them"."""
    pointers, found = _spelling().pointers, _WORD.finditer(_straight(phrase))
    return all(match[0].lower() in pointers for match in found)


def ideas(claims: Sequence[Claim]) -> dict[str, str]:
    """Claim id to the normalised phrase it is grouped by: its own, or what it stands for.

    A phrase that only points ("it", "those") and of which nobody has said what it means stands for
    the author's nearest earlier phrase in the same post, else in the same document; where there is
    none, for the words around it.
    """
    said = {claim.words for claim in claims}
    usual, pointing = _one_spelling(said), {phrase for phrase in said if is_pointer(phrase)}
    found = {claim.id: usual[claim.words] for claim in claims}
    asked = {claim.quote.document for claim in claims if claim.words in pointing}
    return found | _pointed([c for c in claims if c.quote.document in asked], usual, pointing)


def _pointed(
    claims: Sequence[Claim], usual: Mapping[str, str], pointing: Collection[str]
) -> dict[str, str]:
    """The ideas of some documents' claims, the pointing ones by what was said before them."""
    found: dict[str, str] = {}
    last_here: dict[tuple[str, str], str] = {}
    last_of: dict[tuple[str, str], str] = {}
    for claim in sorted(claims, key=moment):
        here = (claim.quote.document, claim.quote.part)
        by = (claim.quote.document, claim.author or f"#{claim.quote.part}")
        idea = usual[claim.words]
        if claim.words in pointing:
            idea = last_here.get(here) or last_of.get(by) or normalise(claim.quote.text[:120])
        else:
            last_here[here] = last_of[by] = idea
        found[claim.id] = idea
    return found


def _one_spelling(phrases: Iterable[str]) -> dict[str, str]:
    """Phrase to normalised phrase, the same for those that differ in blanks and hyphens alone."""
    spelled = {phrase: _spelled(phrase) for phrase in phrases}
    together: dict[str, str] = {}
    for _order, norm, one, other in sorted(set(spelled.values())):
        together.setdefault(one, norm)
        together.setdefault(other, norm)
    found = {}
    for phrase, (_, _, one, other) in spelled.items():
        first, second = together[one], together[other]
        found[phrase] = first if first == second else min(first, second, key=_rank)
    return found


@lru_cache(maxsize=1 << 18)
def _spelled(phrase: str) -> tuple[int, str, str, str]:
    """Words the other way round, the normalised phrase, and what it and the phrase are known by.

    Remembered, since a run reads the phrases of the last run as well.
    """
    norm = normalise(phrase)
    return -norm.count(" "), norm, _squeezed(norm), _squeezed(phrase)


def _rank(norm: str) -> tuple[int, str]:
    return (-norm.count(" "), norm)


def _squeezed(text: str) -> str:
    bare = text.lower().replace(" ", "")
    return bare if bare.isalnum() else "".join(_WORD.findall(text.lower())).replace("-", "")


def moment(claim: Claim) -> tuple[float, str, int, str, int, str]:
    """Sorts claims in time: by date, undated first, then as the posts and the words follow."""
    when = claim.written
    if when is not None and when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    part = claim.quote.part
    number = int("0" + "".join(_DIGITS.findall(part))[-15:])
    seconds = when.timestamp() if when else -math.inf
    return (seconds, claim.quote.document, number, part, claim.phrase_start, claim.id)
