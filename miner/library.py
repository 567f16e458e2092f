"""Studies known beforehand, and which theme and condition each one speaks of.

The starter library ships with the project (`data/studies.jsonl`): facts and findings in our own
words. A study is linked by meaning; no link is made below a stated likeness.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.documents import Study
from miner import designs, effects, subjects, topics
from miner.conditions import Conditions
from miner.counts import voter
from miner.errors import MinerError
from miner.grades import UNLISTED
from miner.model import Claim, Direction, Evidence, Kind, Question, Theme
from miner.phrases import normalise

__all__ = [
    "LIKENESS",
    "About",
    "LibraryStudy",
    "by_identifier",
    "link",
    "load",
    "with_collected",
    "with_read",
]

LIKENESS = 0.72
"""Least cosine between a topic and a theme for a link; see docs/grading.md for how it was set."""
LITERAL = 0.8
"""The same for a phrase of a title, which nobody wrote to name a topic."""
NAMED = 0.9
"""Likeness of a title to a theme whose term, as studies have it, stands in it."""
TOLD = 0.85
"""The same for an abstract; it counts where the title names no theme."""
PHRASES = 12
"""Most typical phrases of a theme that are compared."""
SAME_CORE = 0.6
"""Least cosine of what two phrases say beside body parts for their likeness to count in full."""
IDENTICAL = 0.95
"""Likeness from which a one-word name is a name of the topic."""
DIRECT, DIRECT_CLAIMS, DIRECT_SPEAKERS = 0.8, 3, 2
"""Likeness from which a claim is the topic itself, and how many by how many people link it."""

ROUNDING = 1e-4
"""Far more than two ways to sum up the same likeness may differ by."""

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Match = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True)
class About:
    """What one finding of a study is about."""

    topic: str
    also: tuple[str, ...]
    """Other names of the topic."""
    condition: str
    """In words, as in the paper; of several with strokes between them."""
    question: Question
    conditions: tuple[str, ...] = ()
    """Those it is about, one name each, where the words alone do not tell them."""
    general: bool = False
    """Whether it is about injuries of a kind at large, and so about each one of them."""
    literal: bool = False
    """Whether `conditions` are ids, and the wordings phrases of a title, read by machine."""
    told: bool = False
    """Whether the wordings are of an abstract: only a term that studies have for a theme counts."""

    @property
    def wordings(self) -> tuple[str, ...]:
        """The topic, the names it joins by a stroke, and its other names."""
        return tuple(dict.fromkeys((self.topic, *self.topic.split(" / "), *self.also)))

    def matched(self, match: Match) -> tuple[str | None, ...]:
        """Ids of its conditions; None for injuries at large, `unlisted` where none is known."""
        if self.general:
            return (None,)
        if self.literal:
            return self.conditions or (UNLISTED,)
        names = self.conditions or self.condition.split("/")
        return tuple(dict.fromkeys(filter(None, map(match, names)))) or (UNLISTED,)


@dataclass(frozen=True, kw_only=True)
class LibraryStudy:
    """A study by its facts."""

    id: str
    citation: str
    design: str
    direction: Direction
    finding: str
    """In our words."""
    about: tuple[About, ...]
    n: int | None = None
    flags: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    pmid: str | None = None
    registry: str | None = None
    reasons: tuple[str, ...] = ()
    """How it was read, for a collected study."""
    url: str | None = None
    """Address it is stored under, for a collected study."""

    @property
    def identity(self) -> str:
        """Its registry number, PMID and DOI, parted by a blank; its id where it has none."""
        names = [self.registry, f"pmid:{self.pmid}" if self.pmid else None, self.doi]
        return " ".join(name.lower() for name in names if name) or f"library:{self.id}"


@cache
def load(path: Path | None = None) -> tuple[LibraryStudy, ...]:
    """The studies of a library file, the starter library without one; MinerError for a bad line."""
    source = path or files("miner") / "data" / "studies.jsonl"
    lines = source.read_text("utf-8").splitlines()
    return tuple(_study(line, place) for place, line in enumerate(lines, 1) if line.strip())


def _study(line: str, place: int) -> LibraryStudy:
    try:
        raw: dict[str, Any] = json.loads(line)
        about = tuple(_about(some) for some in raw.pop("about"))
        return LibraryStudy(**{**raw, "flags": tuple(raw.get("flags", ())), "about": about})
    except (KeyError, TypeError, ValueError) as error:
        raise MinerError(
            f"library line {place} is no study ({error}): correct or remove it"
        ) from error


def _about(raw: Mapping[str, Any]) -> About:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return About(**fields)


def by_identifier(studies: Iterable[LibraryStudy]) -> dict[str, tuple[LibraryStudy, ...]]:
    """Records by every name of their study, so that a cited one counts as itself."""
    found: dict[str, tuple[LibraryStudy, ...]] = {}
    for study in studies:
        for name in study.identity.split():
            found[name] = (*found.get(name, ()), study)
    return found


# --- collected studies ------------------------------------------------------------------------


def with_collected(
    library: Sequence[LibraryStudy], studies: Iterable[Study], among: Conditions | None = None
) -> tuple[LibraryStudy, ...]:
    """The library and the studies that were collected, each once; `among` are the conditions known.

    What the library has checked of a study stays; that it was retracted since is added.
    """
    return with_read(library, (of_record(study, among) for study in studies))


def with_read(
    library: Sequence[LibraryStudy], readings: Iterable[tuple[LibraryStudy, ...]]
) -> tuple[LibraryStudy, ...]:
    """The same of studies that were read already, each as its entries."""
    known = by_identifier(library)
    gone = set[str]()
    found: list[LibraryStudy] = []
    for read in readings:
        names = {name for one in read for name in one.identity.split() if name in known}
        if not names:
            found += read
        elif any("retracted" in one.flags for one in read):
            gone |= {record.id for name in names for record in known[name]}
    marked = (
        replace(one, flags=(*one.flags, "retracted")) if one.id in gone else one for one in library
    )
    return (*marked, *found)


def of_record(study: Study, among: Conditions | None = None) -> tuple[LibraryStudy, ...]:
    """A collected study as the library has them: one entry for each question it may answer."""
    reading = designs.read(study)
    places = topics.conditions_of(study, among)
    entries = []
    for number, topic in enumerate(topics.topics(study)):
        direction, words = reading.direction, reading.reasons[-1]
        if topic.question == "cause":
            direction, words = topics.association(designs.conclusion_of(study.abstract))
        elif direction == "unclear":
            direction, words = effects.for_patients(study.abstract, topic.phrases[0])
        if topic.is_against:
            direction, words = "unclear", "it is what a remedy was measured against"
        entries.append(
            LibraryStudy(
                id=f"{study.source.url}#{number}",
                citation=_citation(study),
                design=reading.design,
                direction=direction,
                finding="",
                about=(_about_record(topic, places),),
                n=reading.n,
                flags=reading.flags,
                year=study.year,
                doi=study.doi,
                pmid=study.pmid,
                registry=" ".join(study.registry) or None,
                reasons=(*reading.reasons, f"direction here: {words or 'none said'}"),
                url=study.source.url,
            )
        )
    return tuple(entries)


def _about_record(topic: topics.Topic, places: Sequence[str]) -> About:
    return About(
        topic=topic.phrases[0],
        also=topic.phrases[1:],
        condition="/".join(places),
        conditions=tuple(places),
        question=topic.question,
        literal=True,
        told=topic.is_told,
    )


def _citation(study: Study) -> str:
    """Author, title, journal and year as a reader looks for them."""
    first = study.authors[0] if study.authors else ""
    who = f"{first} et al." if len(study.authors) > 1 else first and f"{first}."
    where = " ".join(filter(None, (study.journal, str(study.year or ""))))
    title = study.title.rstrip(".")
    return " ".join(filter(None, (who, f"{title}.", where)))


# --- links ------------------------------------------------------------------------------------


def link(
    studies: Sequence[LibraryStudy],
    themes: Sequence[Theme],
    claims: Iterable[Claim],
    encode: Encode,
    match_condition: Match,
    least: float = LIKENESS,
) -> list[Evidence]:
    """Evidence of the studies on the themes they are about, each study once a theme and condition.

    A study of several conditions gives one piece of evidence for each, of the same identity.
    Where two topics of a study reach one theme, the likelier one speaks.
    """
    said = _phrases(themes, claims)
    pairs = [(study, about) for study in studies for about in study.about]
    if not themes or not pairs:
        return []
    heard = {told: _heard(pairs, said, told=told) for told in (False, True)}
    links = []
    for row, likeness in enumerate(_likenesses([about for _, about in pairs], said, encode, least)):
        about = pairs[row][1]
        if about.literal:
            worth = TOLD if about.told else NAMED
            for column in {c for word in about.wordings for c in heard[about.told].get(word, ())}:
                likeness[column] = max(likeness.get(column, 0.0), worth)
        links += [
            (-value, row, column)
            for column, value in likeness.items()
            if value >= _bar(about, least) and _fits(about.question, themes[column].kind)
        ]
    links.sort()
    named = {pairs[row][0].url for _, row, _ in links if not pairs[row][1].told}
    found: dict[str, Evidence] = {}
    for away, row, column in links:
        study, about = pairs[row]
        if about.told and study.url in named:
            # What the title names was studied; the abstract names more.
            continue
        for condition in about.matched(match_condition):
            item = _evidence(study, about, themes[column], -away, condition)
            found.setdefault(item.id, item)
    return list(found.values())


def _bar(about: About, least: float) -> float:
    """Least likeness for a link of a topic."""
    return max(least, LITERAL) if about.literal else least


def _terms(phrases: Sequence[_Phrase], *, usual: bool = False) -> frozenset[str]:
    """How studies call a theme: by its name, and by what several people call it."""
    name, *others = phrases
    shared = [phrase.text for phrase in others if len(phrase.speakers) >= subjects.SPEAKERS]
    return frozenset(map(normalise, subjects.terms([name.text, *shared], usual=usual)))


def _heard(
    pairs: Sequence[tuple[LibraryStudy, About]],
    said: Mapping[str, tuple[_Phrase, ...]],
    *,
    told: bool,
) -> dict[str, list[int]]:
    """Places of the themes by the very term that studies have for them.

    With `told` as abstracts have it, which is the usual term alone; else as titles have it.
    """
    found: dict[str, list[int]] = {}
    if any(about.literal and about.told == told for _, about in pairs):
        for column, phrases in enumerate(said.values()):
            for term in _terms(phrases, usual=told):
                found.setdefault(term, []).append(column)
    return found


_ANSWERS: Mapping[str, tuple[Kind, ...]] = {
    "benefit": ("remedy",),
    "prevention": ("remedy",),
    "cause": ("cause", "trigger"),
    "harm": ("remedy", "cause", "trigger"),
}
"""Kinds of theme that a question can be about; the others are kept, but grade nothing yet.

Who names a diagnosis does not say that it causes the pain, so no study on causes answers it.
"""


def _fits(question: Question, kind: Kind) -> bool:
    return kind in _ANSWERS.get(question, ())


@dataclass(frozen=True, kw_only=True)
class _Phrase:
    """One wording of a theme, normalised."""

    text: str
    claims: int = 0
    speakers: frozenset[str] = frozenset()


def _phrases(themes: Sequence[Theme], claims: Iterable[Claim]) -> dict[str, tuple[_Phrase, ...]]:
    """The name of each theme, then its different phrases, most typical first."""
    by_id = {claim.id: claim for claim in claims}
    found = {}
    for theme in themes:
        said: dict[str, list[Claim]] = {normalise(theme.name): []}
        for claim in (by_id[c] for c in theme.claims if c in by_id):
            said.setdefault(normalise(claim.phrase), []).append(claim)
        found[theme.id] = tuple(
            _Phrase(text=text, claims=len(some), speakers=frozenset(map(voter, some)))
            for text, some in said.items()
        )
    return found


def _likenesses(
    abouts: Sequence[About],
    said: Mapping[str, tuple[_Phrase, ...]],
    encode: Encode,
    least: float,
) -> Iterator[dict[int, float]]:
    """Of each topic the likeness of the themes that may be near enough, by their place.

    A theme is as near as some phrase of it at most, so one without a near phrase is passed over.
    """
    themes = list(said.values())
    spoken = sorted({phrase.text for phrases in themes for phrase in phrases})
    place = {text: number for number, text in enumerate(spoken)}
    owners = [set[int]() for _ in spoken]
    for column, phrases in enumerate(themes):
        for phrase in phrases:
            owners[place[phrase.text]].add(column)
    told = [[] if about.told else [normalise(w) for w in about.wordings] for about in abouts]
    space = _Space.of({*spoken, *(text for wordings in told for text in wordings)}, encode)
    rows = [space.place[text] for text in spoken]
    for about, wordings in zip(abouts, told, strict=True):
        if not wordings:
            yield {}
            continue
        nearest = (space.vectors @ space.whole(wordings).T).max(axis=1)[rows]
        near = nearest >= _bar(about, least) - ROUNDING
        columns = {column for text in np.flatnonzero(near).tolist() for column in owners[text]}
        yield {
            column: _agreement(
                space.best([p.text for p in themes[column]], wordings), themes[column]
            )
            for column in sorted(columns)
        }


@dataclass(frozen=True, kw_only=True)
class _Space:
    """Texts, and their cores, as points."""

    place: Mapping[str, int]
    vectors: NDArray[np.float32]

    @staticmethod
    def of(texts: Collection[str], encode: Encode) -> _Space:
        known = sorted({*texts, *map(_core, texts)})
        return _Space(place=dict(zip(known, range(len(known)), strict=True)), vectors=encode(known))

    def whole(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows of the texts."""
        return self.vectors[[self.place[text] for text in texts]]

    def best(self, phrases: Sequence[str], wordings: Sequence[str]) -> NDArray[np.float32]:
        """Likeness of each phrase to the likest wording; where the cores differ, theirs."""
        near = self.whole(phrases) @ self.whole(wordings).T
        kernel = (
            self.whole([_core(p) for p in phrases]) @ self.whole([_core(w) for w in wordings]).T
        )
        found = np.where(kernel >= SAME_CORE, near, np.minimum(near, kernel)).max(axis=1)
        return np.asarray(found, dtype=np.float32)


@lru_cache(maxsize=100_000)
def _core(text: str) -> str:
    """A phrase without words that are common on any page, such as those for body parts.

    It tells stretching a hip flexor from loading one; a phrase of such words alone stays whole.
    """
    return " ".join(word for word in text.split() if word not in _common()) or text


@cache
def _common() -> frozenset[str]:
    text = files("miner").joinpath("data/evidence.toml").read_text("utf-8")
    words = tomllib.loads(text)["mentions"]["common"]
    return frozenset(words) | frozenset(map(normalise, words))


def _agreement(best: NDArray[np.float32], phrases: Sequence[_Phrase]) -> float:
    """Likeness of a theme from that of its phrases, the name first.

    The best of: its name, the upper half of its typical phrases, and the claims that are the
    topic itself, if several people made several. A lone word such as `bike` says too little
    of what is meant, so as a name it counts with a second phrase unless it is the topic.
    """
    typical = np.sort(best[:PHRASES])[::-1]
    bare = " " not in phrases[0].text and best[0] < IDENTICAL
    if bare and len(typical) == 1:
        return 0.0
    upper = typical[: max(2 if bare else 1, (len(typical) + 1) // 2)]
    return float(max(0.0 if bare else best[0], upper.mean(), _direct(best, phrases)))


def _direct(best: NDArray[np.float32], phrases: Sequence[_Phrase]) -> float:
    """Mean likeness of the claims that are the topic itself; 0 for too few or of one person."""
    near = [(float(b), p) for b, p in zip(best, phrases, strict=True) if b >= DIRECT and p.claims]
    claims = sum(phrase.claims for _, phrase in near)
    speakers = frozenset[str]().union(*(phrase.speakers for _, phrase in near))
    if claims < DIRECT_CLAIMS or len(speakers) < DIRECT_SPEAKERS:
        return 0.0
    return sum(likeness * phrase.claims for likeness, phrase in near) / claims


def _evidence(
    study: LibraryStudy, about: About, theme: Theme, likeness: float, condition: str | None
) -> Evidence:
    return Evidence(
        theme=theme.id,
        source_type="study",
        direction=study.direction,
        quote=None,
        design=study.design,
        n=study.n,
        flags=study.flags,
        condition=condition,
        question=about.question,
        study=study.identity,
        title=study.citation,
        finding=study.finding,
        url=study.url or _url(study),
        year=study.year,
        doi=study.doi,
        reasons=(
            f"about {about.topic}, in {about.condition or 'no known condition'}",
            f"likeness {likeness:.2f}",
            *study.reasons,
        ),
    )


def _url(study: LibraryStudy) -> str | None:
    if study.doi:
        return f"https://doi.org/{study.doi}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{study.pmid}/" if study.pmid else None
