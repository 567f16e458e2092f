"""A chat model's answer to claims: what is not word for word in the post is dropped.

Nothing is believed: an item counts only if its quote and its phrase stand in the text that was
sent, and its values are known ones. White space, case, and the shape of quotes and dashes may
differ.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from miner.model import Claim, Kind, Outcome, Quote
from miner.questions import CHOICES, Passage, Question
from miner.text import sentences

__all__ = ["Place", "Read", "claims_of", "items", "json_in"]

MOST = 60
"""Items of an answer that are looked at."""
LONGEST_PHRASE = 200
LONGEST_QUOTE = 600
"""Characters; of a longer quote only the sentences around the phrase are kept."""
CONFIDENCE = 0.6
"""Of every claim of a chat model: nobody has measured how sure it may be."""
DEFAULTS: Mapping[str, str] = {
    "outcome": "unknown",
    "experiencer": "self",
    "assertion": "asserted",
    "basis": "own",
    "time": "now",
}
"""What a field says that a server without schemas left out."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Whose words were asked about, and the stored texts of its parts."""

    document: str
    texts: Mapping[str, str]
    """By part."""
    fields: Mapping[str, Any]
    """Further fields of every claim: author, date, engine."""


@dataclass(kw_only=True)
class Read:
    """What an answer came to."""

    claims: list[Claim] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    """Items that do not count, by reason."""


# --- JSON out of a text -------------------------------------------------------------------

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_OPENING = re.compile(r"[\s,]*(?=\{)")
_FENCE = re.compile(r"```(?:json)?\s*(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_decoder = json.JSONDecoder(strict=False)


def items(text: str) -> list[Any] | None:
    """The items of an answer, cut out of whatever is around it; None where there is no JSON.

    Of an answer that breaks off, those that are whole.
    """
    plain = _THOUGHT.sub("", text)
    for some in (*_FENCE.findall(plain), plain):
        found = _listed(some)
        if found is not None:
            return found[:MOST]
    return None


def json_in(text: str) -> Any:
    """The first JSON of an answer, cut out of whatever is around it; None where there is none."""
    plain = _THOUGHT.sub("", text)
    for some in (*_FENCE.findall(plain), plain):
        for start in _openings(some):
            try:
                return _decoder.raw_decode(some, start)[0]
            except (ValueError, RecursionError):
                continue
    return None


def _listed(text: str) -> list[Any] | None:
    for start in _openings(text):
        try:
            found, _ = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("claims"), list):
            return list(found["claims"])
        if isinstance(found, list) and all(isinstance(some, dict) for some in found):
            return found
        break
    return _whole(text)


def _openings(text: str) -> Iterator[int]:
    """The first places where JSON may begin."""
    for count, found in enumerate(re.finditer(r"[{\[]", text)):
        if count == 5:
            return
        yield found.start()


def _whole(text: str) -> list[Any] | None:
    """The items of a list that breaks off, as far as they are whole."""
    head = re.search(r'"claims"\s*:\s*\[', text)
    if head is None:
        return None
    found, place = [], head.end()
    while (opening := _OPENING.match(text, place)) is not None:
        try:
            item, place = _decoder.raw_decode(text, opening.end())
        except (ValueError, RecursionError):
            break
        found.append(item)
    return found


# --- items to claims ----------------------------------------------------------------------


def claims_of(found: Sequence[Any], question: Question, place: Place) -> Read:
    """The claims that hold, in order of place and each once, and why the others do not."""
    read = Read()
    known: dict[str, Claim] = {}
    for item in found:
        claim = _claim(item, question, place)
        if isinstance(claim, str):
            read.dropped[claim] += 1
        elif claim.id in known:
            read.dropped["said twice"] += 1
        else:
            known[claim.id] = claim
    read.claims = sorted(known.values(), key=lambda one: (one.quote.part, one.phrase_start))
    return read


def _claim(item: Any, question: Question, place: Place) -> Claim | str:
    """The claim, or the reason why it is none."""
    if not isinstance(item, dict):
        return "no item"
    chosen = _chosen(item)
    if chosen is None:
        return "unknown value"
    quote, phrase = item.get("quote"), item.get("phrase")
    if not (isinstance(quote, str) and isinstance(phrase, str) and phrase.strip()):
        return "no quote"
    if len(phrase) > LONGEST_PHRASE:
        return "too long"
    for passage in filter(None, (question.post, question.title)):
        spot = _spot(passage, quote, phrase)
        if spot is not None:
            return _built(item, chosen, passage, spot, question, place)
    return "quote not in the post"


def _chosen(item: Mapping[str, Any]) -> dict[str, str] | None:
    """The values of the fields with a few words; None where one is unknown."""
    chosen = {}
    for name, known in CHOICES.items():
        value = item.get(name) or DEFAULTS.get(name)
        if value not in known:
            return None
        chosen[name] = str(value)
    if chosen["kind"] != "remedy" or chosen["experiencer"] in ("advice", "question"):
        chosen["outcome"] = "unknown"
    return chosen


@dataclass(frozen=True, kw_only=True)
class _Spot:
    """Ranges in the stored text."""

    quote: tuple[int, int]
    phrase: tuple[int, int]


def _spot(passage: Passage, quote: str, phrase: str) -> _Spot | None:
    """Where quote and phrase stand, the phrase inside the quote; None where they do not."""
    folded, places = _folded(passage.text)
    wanted, named = _folded(quote)[0].strip(), _folded(phrase)[0].strip()
    if not wanted or not re.search(r"\w", named):
        return None
    start = -1
    while (start := folded.find(wanted, start + 1)) >= 0:
        inside = _word(named).search(folded, start, start + len(wanted))
        if inside is not None:
            return _Spot(
                quote=_stored(passage, places, start, start + len(wanted)),
                phrase=_stored(passage, places, inside.start(), inside.end()),
            )
    return None


def _word(named: str) -> re.Pattern[str]:
    """The phrase as whole words: `ice` is not in `twice`."""
    return re.compile(rf"(?<!\w){re.escape(named)}(?!\w)")


def _stored(passage: Passage, places: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """The range in the stored text of a range in the folded one."""
    first, last = places[start], places[end - 1]
    return passage.places[first], passage.places[last + 1]


_SAME = str.maketrans("\u2018\u2019\u02bc`\u201c\u201d\u00ab\u00bb\u2010\u2011\u2012\u2013\u2014",
                      "''''\"\"\"\"-----")  # fmt: skip


def _folded(text: str) -> tuple[str, list[int]]:
    """A text in lower case with single blanks and plain quotes, and each letter's place in it."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text.translate(_SAME)):
        low = " " if letter.isspace() else letter.lower()
        if low == " " and letters[-1:] == [" "]:
            continue
        letters += low
        places += [place] * len(low)
    return "".join(letters), places


def _built(
    item: Mapping[str, Any],
    chosen: Mapping[str, str],
    passage: Passage,
    spot: _Spot,
    question: Question,
    place: Place,
) -> Claim:
    text = place.texts[passage.part]
    start, end = spot.quote
    if end - start > LONGEST_QUOTE:
        start, end = _sentence(text, *spot.phrase)
    outcome = cast("Outcome", chosen["outcome"])
    return Claim(
        **place.fields,
        **{name: cast("Any", chosen[name]) for name in DEFAULTS if name != "outcome"},
        kind=cast("Kind", chosen["kind"]),
        outcome=outcome,
        phrase=text[slice(*spot.phrase)],
        phrase_start=spot.phrase[0],
        quote=_quote(place, passage.part, start, end),
        verdict=_verdict(item, passage, place) if outcome != "unknown" else None,
        means=_means(item, question),
        confidence=CONFIDENCE,
    )


def _quote(place: Place, part: str, start: int, end: int) -> Quote:
    return Quote(document=place.document, part=part, start=start, text=place.texts[part][start:end])


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentences in which a phrase stands."""
    around = [one for one in sentences(text) if one.end > start and one.start < end]
    return (
        min([start, *(one.start for one in around)]),
        max([end, *(one.end for one in around)]),
    )


def _verdict(item: Mapping[str, Any], passage: Passage, place: Place) -> Quote | None:
    """The words that show the outcome, where they stand in the same text."""
    words = item.get("verdict")
    if not isinstance(words, str) or not words.strip():
        return None
    spot = _spot(passage, words, words)
    return _quote(place, passage.part, *spot.phrase) if spot is not None else None


def _means(item: Mapping[str, Any], question: Question) -> str | None:
    """What a pointing phrase stands for, where those words were among what was sent."""
    words, phrase = item.get("means"), str(item["phrase"])
    if not isinstance(words, str) or not words.strip() or len(words) > LONGEST_PHRASE:
        return None
    named = _folded(words)[0].strip()
    if named in _folded(phrase)[0] or not _word(named).search(_folded(question.known)[0]):
        return None
    return " ".join(words.split())
