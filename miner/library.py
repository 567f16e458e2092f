"""Studies known beforehand, and which theme and condition each one speaks of.

The starter library ships with the project (`data/studies.jsonl`): facts and findings in our own
words. A study is linked by meaning; no link is made below a stated likeness.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miner.errors import MinerError
from miner.grades import UNLISTED
from miner.model import Claim, Direction, Evidence, Kind, Question, Theme
from miner.phrases import normalise

__all__ = ["LIKENESS", "About", "LibraryStudy", "by_identifier", "link", "load"]

LIKENESS = 0.72
"""Least cosine between a topic and a theme for a link; see docs/grading.md for how it was set."""
PHRASES = 12
"""Most typical phrases of a theme that are compared."""

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Match = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True)
class About:
    """What one finding of a study is about."""

    topic: str
    also: tuple[str, ...]
    """Other names of the topic."""
    condition: str
    """In words, as in the paper."""
    question: Question
    general: bool = False
    """Whether it is about injuries of a kind at large, and so about each one of them."""

    @property
    def wordings(self) -> tuple[str, ...]:
        """The topic, the names it joins by a stroke, and its other names."""
        return tuple(dict.fromkeys((self.topic, *self.topic.split(" / "), *self.also)))


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
        about = tuple(About(**{**a, "also": tuple(a.get("also", ()))}) for a in raw.pop("about"))
        return LibraryStudy(**{**raw, "flags": tuple(raw.get("flags", ())), "about": about})
    except (KeyError, TypeError, ValueError) as error:
        raise MinerError(
            f"library line {place} is no study ({error}): correct or remove it"
        ) from error


def by_identifier(studies: Iterable[LibraryStudy]) -> dict[str, str]:
    """Identity of each study by every one of its names, so that a cited one counts as itself."""
    return {name: study.identity for study in studies for name in study.identity.split()}


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

    Where two topics of a study reach one theme, the likelier one speaks.
    """
    said = _phrases(themes, claims)
    pairs = [(study, about) for study in studies for about in study.about]
    if not themes or not pairs:
        return []
    likeness = _likeness([about for _, about in pairs], themes, said, encode)
    links = sorted(
        (
            (-float(likeness[row, column]), row, column)
            for row, (_, about) in enumerate(pairs)
            for column, theme in enumerate(themes)
            if likeness[row, column] >= least and _fits(about.question, theme.kind)
        ),
    )
    found: dict[str, Evidence] = {}
    for away, row, column in links:
        item = _evidence(*pairs[row], themes[column], -away, match_condition)
        found.setdefault(item.id, item)
    return list(found.values())


_ANSWERS: Mapping[str, tuple[Kind, ...]] = {
    "benefit": ("remedy",),
    "prevention": ("remedy",),
    "cause": ("cause", "trigger", "diagnosis"),
    "harm": ("remedy", "cause", "trigger"),
}
"""Kinds of theme that a question can be about; the others are kept, but grade nothing yet."""


def _fits(question: Question, kind: Kind) -> bool:
    return kind in _ANSWERS.get(question, ())


def _phrases(themes: Sequence[Theme], claims: Iterable[Claim]) -> dict[str, tuple[str, ...]]:
    """The name of each theme and its most typical different phrases, normalised."""
    phrase_of = {claim.id: claim.phrase for claim in claims}
    found = {}
    for theme in themes:
        words = [theme.name, *(phrase_of[c] for c in theme.claims if c in phrase_of)]
        distinct = dict.fromkeys(normalise(word) for word in words)
        found[theme.id] = tuple(distinct)[:PHRASES]
    return found


def _likeness(
    abouts: Sequence[About],
    themes: Sequence[Theme],
    said: Mapping[str, tuple[str, ...]],
    encode: Encode,
) -> NDArray[np.float32]:
    """Likeness of each topic to each theme: the best wording against name, and against phrases.

    The name counts in full; a lone phrase of a mixed theme counts less than several that agree.
    """
    topics = [[normalise(w) for w in about.wordings] for about in abouts]
    texts = sorted({t for ws in topics for t in ws} | {p for ps in said.values() for p in ps})
    place = {text: row for row, text in enumerate(texts)}
    vectors = encode(texts)
    result = np.zeros((len(abouts), len(themes)), dtype=np.float32)
    for r, wordings in enumerate(topics):
        left = vectors[[place[w] for w in wordings]]
        for c, theme in enumerate(themes):
            right = vectors[[place[p] for p in said[theme.id]]]
            result[r, c] = _agreement((left @ right.T).max(axis=0))
    return result


def _agreement(best: NDArray[np.float32]) -> float:
    """Likeness of a theme from that of its phrases, the name first: name, or its upper half."""
    upper = np.sort(best)[::-1][: max(1, (len(best) + 1) // 2)]
    return float(max(best[0], upper.mean()))


def _evidence(
    study: LibraryStudy, about: About, theme: Theme, likeness: float, match: Match
) -> Evidence:
    return Evidence(
        theme=theme.id,
        source_type="study",
        direction=study.direction,
        quote=None,
        design=study.design,
        n=study.n,
        flags=study.flags,
        condition=None if about.general else match(about.condition) or UNLISTED,
        question=about.question,
        study=study.identity,
        title=study.citation,
        finding=study.finding,
        url=_url(study),
        year=study.year,
        doi=study.doi,
        reasons=(f"about {about.topic}, in {about.condition}", f"likeness {likeness:.2f}"),
    )


def _url(study: LibraryStudy) -> str | None:
    if study.doi:
        return f"https://doi.org/{study.doi}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{study.pmid}/" if study.pmid else None
