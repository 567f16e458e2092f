"""What a collected study is about: remedies and causes that its title names, and conditions.

Pure. A library study has its topics written down; of a record they are the phrases of its title,
each a wording that may be likened to a theme.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from crawler.documents import Study
from miner import conditions, designs
from miner.conditions import Conditions
from miner.model import Direction, Question
from miner.phrases import normalise, words

__all__ = ["Topic", "association", "conditions_of", "phrases", "topics"]

LONGEST = 4
"""Words of a phrase."""


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads((files("miner") / "data" / "topics.toml").read_text("utf-8"))


@cache
def _cue(name: str, part: str = "") -> re.Pattern[str]:
    cues = _data()[name][part] if part else _data()[name]
    return re.compile("|".join(f"(?:{cue})" for cue in cues), re.IGNORECASE)


@cache
def _generic() -> frozenset[str]:
    found = _data()["generic"]
    return frozenset(found) | frozenset(map(normalise, found))


@cache
def _parting() -> frozenset[str]:
    return frozenset(_data()["parting"])


class Topic(NamedTuple):
    """A question that a study answers, or may."""

    question: Question
    phrases: tuple[str, ...]
    is_against: bool = False
    """What a remedy was measured against: the study's direction is not its own."""
    is_told: bool = False
    """Read in the abstract, where more is named than was studied."""


def topics(study: Study) -> tuple[Topic, ...]:
    """The questions of a study by its title; none where the title names neither remedy nor cause.

    A title that asks for causes may speak of a remedy all the same, so that each study has phrases
    for a remedy: which of its phrases is one is the theme's matter.
    """
    main, other = _sides(study.title)
    found = list(_benefits(study.title, main, other))
    if _cue("causes").search(study.title):
        found.append(Topic("cause", phrases(study.title)))
    found += _told(study.abstract, found)
    return tuple(topic for topic in found if topic.phrases)


def _told(abstract: str, titled: Sequence[Topic]) -> Iterator[Topic]:
    """The same questions by what the abstract says was asked and concluded, and the title not."""
    plain = re.sub(r"\bpts\b", "patients", abstract)
    asked = [_alone(s) for s in _sentences(plain) if not _cue("beyond").search(s)]
    known = {phrase for topic in titled for phrase in topic.phrases}
    said = [p for sentence in asked for p in phrases(sentence) if p not in known]
    for question in dict.fromkeys(topic.question for topic in titled if not topic.is_against):
        yield Topic(question, tuple(dict.fromkeys(said)), is_told=True)


def _alone(sentence: str) -> str:
    """A sentence of an abstract without what a treatment was better than."""
    return _sides(re.sub(r"\b(?:over|than|against)\b", "versus", sentence))[0]


def _sentences(abstract: str) -> list[str]:
    """The sentences of an abstract that say what was asked, and its conclusion."""
    end = designs.conclusion_of(abstract)
    split = re.compile(r"(?<=[.!?;])\s+")
    asked = [s for s in split.split(abstract.removesuffix(end)) if _cue("aim").search(s)]
    return [*asked, *split.split(end)]


def _benefits(title: str, main: str, other: str) -> Iterator[Topic]:
    question: Question = "prevention" if _cue("prevention").search(title) else "benefit"
    # `Running injuries` are not treated by running.
    main = _cue("sport_injuries").sub(" : ", main)
    first = phrases(main)
    yield Topic(question, first)
    yield Topic(question, tuple(p for p in phrases(other) if p not in first), is_against=True)


def _sides(title: str) -> tuple[str, str]:
    """The title up to a `versus`, and what follows it; all of it and nothing where there is none.

    What follows ends where the people are named.
    """
    parted = _cue("against").search(title)
    if parted is None:
        return title, ""
    rest = title[parted.end() :]
    after = re.split(r"\b(?:for|in|on|after|among)\b|[:;.?]", rest, maxsplit=1)
    return title[: parted.start()] + " : " + rest[len(after[0]) :], after[0]


@lru_cache(maxsize=50_000)
def phrases(title: str) -> tuple[str, ...]:
    """Phrases of a title that may name a remedy or a cause, normalised, the longer ones first.

    No phrase runs over a mark or a small word, lies in the name of a condition, or has words of
    method alone.
    """
    found: dict[str, None] = {}
    for chunk in _chunks(title):
        named = _named_in(chunk)
        for start, end in _spans(len(chunk)):
            phrase = normalise(" ".join(chunk[start:end]))
            if _says_something(phrase) and not any(a <= start and end <= b for a, b in named):
                found[phrase] = None
    return tuple(found)


def _spans(words_in_all: int) -> Iterator[tuple[int, int]]:
    """First and last of each run of words, the longer runs first."""
    for length in range(min(LONGEST, words_in_all), 0, -1):
        for start in range(words_in_all - length + 1):
            yield start, start + length


def _named_in(chunk: Sequence[str]) -> list[tuple[int, int]]:
    """Where a name of a condition stands: whom the study is about, not what it tests."""
    return [
        (start, end)
        for start, end in _spans(len(chunk))
        if normalise(" ".join(chunk[start:end])) in _conditions()
    ]


def _chunks(title: str) -> Iterator[list[str]]:
    for part in re.split(r"[:;,.?!()\[\]/\"“”]|\s[-–—]\s|[–—]", title):
        chunk: list[str] = []
        for word in words(part):
            if word.lower() in _parting():
                yield chunk
                chunk = []
            else:
                chunk.append(word)
        yield chunk


def _says_something(phrase: str) -> bool:
    """Whether a phrase has a word that is not one of method."""
    said = phrase.split()
    return any(w not in _generic() and len(w) > 1 and not w.isdigit() for w in said)


@cache
def _conditions() -> frozenset[str]:
    """Every name of every condition, normalised."""
    return frozenset(
        normalise(name)
        for some in conditions.shipped()
        for name in (*some.names, *some.covers, *some.capitals, some.name)
    )


def conditions_of(study: Study, among: Conditions | None = None) -> tuple[str, ...]:
    """Ids of the conditions a study is about: those of its title, else of its headings and text."""
    texts: Sequence[str] = (study.title, " . ".join(study.mesh), study.abstract[:600])
    for text in texts:
        if found := conditions.conditions_of_text(text, among):
            return found[:3]
    return ()


def association(text: str) -> tuple[Direction, str]:
    """Whether a study of causes concludes that there is a link, and its words."""
    found = [_of_sentence(s) for s in re.split(r"(?<=[.!?;])\s+", text)]
    readings = [reading for reading in found if reading[1]]
    said = {direction for direction, _ in readings}
    told = "; ".join(cue for _, cue in readings)
    if len(said) > 1:
        return "mixed", told
    return (next(iter(said)), told) if said else ("unclear", "")


def _of_sentence(sentence: str) -> tuple[Direction, str]:
    rules: Iterable[tuple[str, Direction]] = (
        ("none", "no_effect"),
        ("less", "contradicts"),
        ("more", "supports"),
    )
    for part, direction in rules:
        if hit := _cue("association", part).search(sentence):
            return direction, hit[0]
    return "unclear", ""
