"""What to look for in the literature: themes in people with a condition, in words of both sides.

Words leave the machine only from here, and only those that several people share.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files

from crawler.literature.queries import Wanted
from miner import conditions
from miner.conditions import Conditions
from miner.counts import voter
from miner.model import Claim, Theme
from miner.phrases import normalise, words

__all__ = ["SPEAKERS", "subjects", "terms"]

SPEAKERS = 2
"""People who must share a phrase, and a theme, before a service is asked in its words."""
MOST_PHRASES, MOST_TERMS, MOST_NAMES = 4, 10, 12
"""Members' phrases of a theme, ways to say it in all, names of a condition."""
LONGEST = 4
"""Words of a phrase: no paper holds a longer one word for word."""
ASKED = ("remedy", "cause", "trigger")
"""Kinds of theme that studies can answer for: who names a diagnosis blames nothing."""


_WORD = re.compile(r"\w+")
_Group = tuple[re.Pattern[str], tuple[str, ...]]
"""What members say, as a pattern, and how studies call it."""


@cache
def _groups() -> tuple[tuple[_Group, ...], Mapping[str, tuple[int, ...]]]:
    """All groups, and which of them any first word of what is said may belong to."""
    text = files("miner").joinpath("data/search_terms.toml").read_text("utf-8")
    found, first = list[_Group](), defaultdict[str, dict[int, None]](dict)
    for place, group in enumerate(tomllib.loads(text)["group"]):
        forms = {form for phrase in group["said"] for form in (phrase, normalise(phrase))} - {""}
        pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(forms)))})(?!\w)"
        found.append((re.compile(pattern), tuple(group["terms"])))
        for form in forms:
            first[_WORD.findall(form)[0]][place] = None
    return tuple(found), {word: tuple(places) for word, places in first.items()}


def terms(phrases: Iterable[str], *, usual: bool = False) -> tuple[str, ...]:
    """Ways to say the phrases: as they are if short enough, then as studies call them.

    With `usual` only the term that studies use most, none of its wider neighbours.
    """
    given = list(dict.fromkeys(" ".join(words(phrase)).lower() for phrase in phrases))
    short = [phrase for phrase in given if 0 < len(phrase.split()) <= LONGEST]
    known = [
        term
        for phrase in given
        for others in _called(phrase)
        for term in (others[:1] if usual else others)
    ]
    found = list(dict.fromkeys([*short[:MOST_PHRASES], *known, *short[MOST_PHRASES:]]))
    return tuple(found[:MOST_TERMS])


@lru_cache(maxsize=50_000)
def _called(phrase: str) -> tuple[tuple[str, ...], ...]:
    """The terms for what a phrase tells; `stop running` tells of a rest, and not of running too."""
    both = (phrase, normalise(phrase))
    groups, first = _groups()
    # Looked through one after the other, all patterns would take a millisecond for each phrase.
    places = {
        place for form in both for word in _WORD.findall(form) for place in first.get(word, ())
    }
    told = [
        (hits, others)
        for pattern, others in (groups[place] for place in sorted(places))
        if any(_is_told(pattern, form) for form in both)
        and (hits := [hit.span() for form in both if (hit := pattern.search(form))])
    ]
    found = []
    for hits, others in told:
        wider = [span for some, _ in told if some is not hits for span in some]
        if not all(any(_inside(hit, span) for span in wider) for hit in hits):
            found.append(others)
    return tuple(found)


def _inside(part: tuple[int, int], whole: tuple[int, int]) -> bool:
    """Whether a stretch lies in a longer one."""
    return whole[0] <= part[0] and part[1] <= whole[1] and part != whole


def _is_told(pattern: re.Pattern[str], phrase: str) -> bool:
    """Whether what members say is at least half of a phrase: `keep running in pain` is no run."""
    hit = pattern.search(phrase)
    return hit is not None and 2 * len(hit[0].split()) >= sum(len(w) > 3 for w in phrase.split())


def subjects(  # noqa: PLR0913 (all but two have defaults)
    themes: Iterable[Theme],
    claims: Iterable[Claim],
    *,
    theme: str | None = None,
    condition: str | None = None,
    since: int | None = None,
    most: int = 50,
    speakers: int = SPEAKERS,
    among: Conditions | None = None,
) -> Iterator[Wanted]:
    """What to look for, theme by theme in their order, each with its conditions.

    `theme` is an id or a part of a name, `condition` an id or a name; None takes all. A theme of
    fewer people than `speakers` is asked for only where it is named. `among` are the conditions
    known.
    """
    by_id: Mapping[str, Claim] = {claim.id: claim for claim in claims}
    for one in themes:
        known = theme is not None and (one.id == theme or theme.lower() in one.name.lower())
        if one.kind not in ASKED or (theme is not None and not known):
            continue
        if not known and one.tally.authors < speakers:
            continue
        said = terms(_shared(one, by_id, speakers))
        for each in one.conditions:
            names = names_of(each, among)
            if said and names and _is_meant(each, condition, among):
                yield Wanted(
                    subject=one.id,
                    condition=each,
                    words=said,
                    condition_words=names,
                    is_remedy=one.kind == "remedy",
                    since=since,
                    most=most,
                )


def _shared(theme: Theme, claims: Mapping[str, Claim], speakers: int) -> list[str]:
    """The theme's name, then the phrases that several people use, the most shared first."""
    by: dict[str, set[str]] = defaultdict(set)
    for claim in (claims[c] for c in theme.claims if c in claims):
        by[claim.phrase.lower()].add(voter(claim))
    shared = sorted((p for p in by if len(by[p]) >= speakers), key=lambda p: (-len(by[p]), p))
    return [theme.name, *shared]


def _is_meant(id_: str, condition: str | None, among: Conditions | None) -> bool:
    name = conditions.name_of(id_, among)
    return condition is None or condition.lower() in (id_, name.lower())


_LAY = re.compile(r"\b(?:my|your|torn|bad|sore)\b")


def names_of(id_: str, among: Conditions | None = None) -> tuple[str, ...]:
    """Names of a condition that studies use too: no body parts alone, nobody's `my knee`."""
    found = next((some for some in among or conditions.shipped() if some.id == id_), None)
    if found is None:
        return ()
    full = [name for name in found.names if not _LAY.search(name)]
    telling = [name for name in full if name not in found.parts] or full
    wider = [*found.covers[:3], *found.capitals[:1]]
    return (*_once(telling)[: MOST_NAMES - len(wider)], *wider)


def _once(names: Sequence[str]) -> tuple[str, ...]:
    """The names without those that hold a shorter one of them: that one finds them as well."""
    return tuple(
        name
        for name in dict.fromkeys(names)
        if not any(other != name and f" {other} " in f" {name} " for other in names)
    )
