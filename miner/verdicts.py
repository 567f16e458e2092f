"""Whose verdict it is: which outcome words of a text speak of which of its remedies.

Outcome words belong to the nearest remedy before them in their sentence, or to the list it ends;
those of a sentence that opens with "it" or "they" to the last remedy of the sentence before.
A summing-up ("none of it helped") belongs to all that went before (`miner.signals`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from miner.model import Outcome
from miner.signals import Cue, Scene, clause, outdone, summing_up

__all__ = ["EMPTY", "Span", "Verdict", "outcome_of", "owned", "place", "together", "told"]

Span = tuple[int, int]
"""Start and end of a remedy in its text."""

EMPTY = frozenset({"unreal", "unreal_not", "not_worse"})
"""What outcome words say where they tell of no outcome."""
SHOWS: Mapping[Outcome, tuple[str, ...]] = {
    "helped": ("helped", "partly"),
    "mixed": ("mixed", "partly", "helped", "not_helped", "worse"),
    "no_effect": ("no_effect", "not_helped"),
    "worse": ("worse",),
}
"""The words that can show an outcome, the plainest first."""
REACH = 6
"""Sentences behind a remedy in which the words that show its outcome are looked for."""
SHORTEST = 12
"""Characters; a shorter clause is shown with its whole sentence."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Outcome words that speak of a remedy."""

    sentence: int
    start: int
    """Offset in the text, as all here."""
    end: int
    says: str
    where: str
    """`behind`, `front` or `next`."""
    breaks: int
    """Marks and words between the two at which one thought ends and another begins."""


_JOIN = re.compile(
    r"[\s,;&/+]*(?:(?:and|or|then|plus|with|also|as well as|followed by)\b[\s,]*)*"
    r"(?:(?:a|an|the|my|some|\d+|then|also|new|lots of|few|of|\w+ing|on|for|to)\b[\s,]*){0,3}"
    r"(?:\([^)]{0,80}\))?[\s,;]*",
    re.IGNORECASE,
)
_BREAK = re.compile(r"[;:(,]|\b(?:but|though|while|because|when|if)\b", re.IGNORECASE)
_APART = re.compile(r"[;:,]|\b(?:but|while|though|and)\b", re.IGNORECASE)
_OF = re.compile(r"\s*(?:with|from|of|by|after|using|is|was|were|are)\b", re.IGNORECASE)


def together(text: str, spans: Sequence[Span]) -> list[list[Span]]:
    """The spans in order, those of one list in one group."""
    groups: list[list[Span]] = []
    for start, end in sorted(spans):
        if groups and _JOIN.fullmatch(text[groups[-1][-1][1] : start][:200]):
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
    return groups


def owned(seen: Scene, spans: Sequence[Span]) -> dict[Span, list[Verdict]]:
    """The verdicts on each remedy of a text, in order of place."""
    homes: dict[int, list[list[Span]]] = defaultdict(list)
    for group in together(seen.text, spans):
        homes[seen.home(group[-1][0])].append(group)
    found: dict[Span, list[Verdict]] = {span: [] for span in spans}
    for home, groups in homes.items():
        for group, verdict in (*_at_home(seen, home, groups), *_after(seen, home, groups, homes)):
            for span in group:
                found[span].append(verdict)
    return found


def _at_home(
    seen: Scene, home: int, groups: Sequence[list[Span]]
) -> Iterator[tuple[list[Span], Verdict]]:
    sentence = seen.sentences[home]
    for cue in _telling(seen, home):
        start, end = sentence.start + cue.start, sentence.start + cue.end
        if any(left <= start < right for group in groups for left, right in group):
            continue
        before = [group for group in groups if group[-1][1] <= start]
        after = [group for group in groups if group[0][0] >= end]
        front = bool(after) and (
            not before or _forward(seen.text, before[-1], after[0], start, end)
        )
        if front:
            thing = after[0][0][0]
            gap = seen.text[end:thing]
            turned = _turned(cue, seen.text[sentence.start : thing], gap)
            yield after[0], _verdict(seen, home, turned, "front", gap)
        elif before:
            yield (
                before[-1],
                _verdict(seen, home, cue, "behind", seen.text[before[-1][-1][1] : start]),
            )


def _turned(cue: Cue, before: str, gap: str) -> Cue:
    """The outcome words in front of a thing, turned by "until" or "nothing did more than": it did.

    `before` is its sentence up to the thing, `gap` what stands behind the outcome words.
    """
    if not (_UNTIL.search(gap) or outdone(before)):
        return cue
    turned = {"no_effect": "helped", "not_helped": "helped", "not_worse": "worse"}
    return replace(cue, says=turned.get(cue.says, cue.says))


_UNTIL = re.compile(
    r"\b(?:un)?till?\b|\b(?:except|apart from|other than|besides|aside from|but for)\b",
    re.IGNORECASE,
)


def _telling(seen: Scene, index: int) -> Iterator[Cue]:
    """The outcome words of a sentence; "for a month" is one only where a benefit lasted so long."""
    good = False
    for cue in sorted(seen.cues[index], key=lambda cue: cue.start):
        lasting = seen.sentences[index].text[cue.start :].lower().startswith("for ")
        if not lasting or good:
            yield cue
        good = good or cue.says in ("helped", "partly")


def _forward(text: str, before: list[Span], after: list[Span], start: int, end: int) -> bool:
    """Whether outcome words between two remedies speak of the second: "no luck with …"."""
    left, right = text[before[-1][1] : start], text[end : after[0][0]]
    if (_OF.match(right) and len(right) < 25) or _UNTIL.match(right.lstrip()):
        return True
    return bool(_APART.search(left)) and not _APART.search(right)


def _after(
    seen: Scene,
    home: int,
    groups: Sequence[list[Span]],
    homes: Mapping[int, object],
) -> Iterator[tuple[list[Span], Verdict]]:
    """The verdicts of the next sentence, where it speaks only of what went before."""
    following = home + 1
    if following < len(seen.sentences) and following not in homes and seen.refers[following]:
        for cue in _telling(seen, following):
            yield groups[-1], _verdict(seen, following, cue, "next", "")


def _verdict(seen: Scene, sentence: int, cue: Cue, where: str, gap: str) -> Verdict:
    start = seen.sentences[sentence].start
    return Verdict(
        sentence=sentence,
        start=start + cue.start,
        end=start + cue.end,
        says=cue.says,
        where=where,
        breaks=len(_BREAK.findall(gap)),
    )


def told(verdicts: Sequence[Verdict]) -> Outcome | None:
    """What verdicts say together; None where they tell of no outcome."""
    return outcome_of({one.says for one in verdicts})


def outcome_of(said: set[str]) -> Outcome | None:
    """What outcome words in their scope say together; None where they tell of no outcome."""
    said = said - EMPTY
    if not said:
        return None
    good, bad = said & {"helped", "partly", "mixed"}, said & {"no_effect", "not_helped"}
    if "worse" in said:
        return "mixed" if good else "worse"
    if said == {"helped"}:
        return "helped"
    return "mixed" if good else "no_effect" if bad else None


def place(seen: Scene, span: Span, outcome: Outcome, verdicts: Sequence[Verdict]) -> Span | None:
    """Where the words stand that show the outcome: their clause, or a whole sentence.

    None where nothing in the text shows it.
    """
    summed = summing_up(seen, *span)
    if summed is not None and (one := seen.sums[summed]) and one.says == outcome:
        return _clause(seen, summed, one.start, one.end)
    for says in SHOWS[outcome]:
        for verdict in verdicts:
            if verdict.says == says:
                first = seen.sentences[verdict.sentence].start
                return _clause(seen, verdict.sentence, verdict.start - first, verdict.end - first)
    return _nearest(seen, span, outcome)


def _nearest(seen: Scene, span: Span, outcome: Outcome) -> Span | None:
    """The first words behind a span, else the last before it, that can show the outcome."""
    home = seen.home(span[0])
    last = min(home + 1 + REACH, len(seen.sentences))
    for index in (*range(home, last), *range(home - 1, max(home - 3, -1), -1)):
        for cue in seen.cues[index]:
            if cue.says in SHOWS[outcome]:
                return _clause(seen, index, cue.start, cue.end)
    return None


def _clause(seen: Scene, index: int, start: int, end: int) -> Span:
    sentence = seen.sentences[index]
    left, right = clause(sentence, sentence.start + start, sentence.start + end)
    words = sentence.text[left:right]
    left += len(words) - len(words.lstrip())
    right -= len(words) - len(words.rstrip())
    if right - left < SHORTEST:
        return sentence.start, sentence.end
    return sentence.start + left, sentence.start + right
