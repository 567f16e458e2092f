"""Rules of scope that stand above the weighed signals, for words that leave no doubt.

A suggestion asked as a question is advice, what was called off was not done, "none of it helped"
speaks of the whole list before it. The words are data: `[scope]` of `data/cues.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files

from miner.caseless import Caseless
from miner.model import Basis, Kind, Outcome, Time
from miner.outcomes import Read
from miner.signals import Scene, clause, summing_up
from miner.turns import is_set_aside, of_whom, refused, stated, turned
from miner.verdicts import EMPTY, Span, Verdict, told

__all__ = [
    "asked_about",
    "basis",
    "corrected",
    "does_harm",
    "is_claim",
    "is_offered",
    "is_recap",
    "time",
]

NEARBY = 3
"""Sentences behind a remedy in which its benefit is told, if it is told at all."""


@cache
def _patterns() -> Mapping[str, Caseless]:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))
    return {
        name: Caseless(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)")
        for name, words in (data["scope"] | data["manner"]).items()
    }


def is_claim(seen: Scene, start: int, end: int, kind: Kind) -> bool:
    """False for a joke, a reason of daily life, what is not named, and for "never stopped"."""
    words = _patterns()
    sentence = _sentence(seen, start)
    if kind in ("cause", "trigger") and _is_reason_of_life(sentence, seen, start, end):
        return False
    phrase = seen.text[start:end]
    if words["unnamed"].fullmatch(phrase):
        return False
    if words["ending"].match(phrase) and words["never"].search(_split(seen, start, end)[0]):
        return False
    joking = bool(words["joke"].search(sentence))
    return not (joking and kind == "remedy" and not re.search(r"\b(?:I|my|me)\b", sentence))


def does_harm(seen: Scene, start: int, end: int) -> bool:
    """Whether it is said right behind a thing that it always hurts: readers call that a trigger."""
    _, after = _split(seen, start, end)
    return bool(_patterns()["harms"].match(after.lstrip()))


def is_offered(seen: Scene, start: int, end: int) -> bool:
    """Whether "have you tried" stands right in front, or it is asked whether just this helps."""
    words = _patterns()
    before, after = _split(seen, start, end)
    place = _last(words["offered"], before)
    if place >= 0 and len(before[place:].split()) <= 3:
        return True
    asking = _sentence(seen, start).rstrip().endswith("?")
    asked = _last(words["asked_of"], before) == len(before.rstrip()) and before.strip() != ""
    return asking and asked and bool(words["helping"].search(after) or "luck" in before.lower())


def asked_about(seen: Scene) -> Iterator[Span]:
    """Where things stand of which it is asked whether they help: "does dry needling work?"."""
    words = _patterns()
    for sentence in seen.sentences:
        asking = sentence.text.rstrip().endswith("?")
        for begin in words["asked_of"].finditer(sentence.text) if asking else ():
            end = words["helping"].search(sentence.text, begin.end())
            named = sentence.text[begin.end() : end.start()] if end else ""
            plain = _ADVERB.sub("", named).rstrip()
            if _THING.fullmatch(plain) and not words["not_asked"].search(plain):
                start = sentence.start + begin.end() + len(plain) - len(plain.lstrip())
                yield start, sentence.start + begin.end() + len(plain)


_ADVERB = re.compile(
    r"(?<!\s)(?:\s++(?:really|actually|ever|even|still|just|also|all)){0,9}\s*+$", re.IGNORECASE
)
_THING = re.compile(r"\s+[\w'’-]+(?: [\w'’-]+){0,3}")


def is_recap(seen: Scene, start: int) -> bool:
    """Whether the sentence only asks about or says back what somebody else has said.

    For words that others used before; advice to do a thing again is no recap.
    """
    words, sentence = _patterns(), _sentence(seen, start)
    before, _ = _split(seen, start, start)
    if words["suggestion"].search(before):
        return False
    if words["recap"].search(before) and not _MINE.search(before):
        return True
    if _MINE.search(sentence):
        return False
    return sentence.rstrip().endswith("?") or bool(words["recap"].search(sentence))


_MINE = re.compile(r"\b(?:I|me|my|mine)\b")


def corrected(
    read: Read, seen: Scene, start: int, end: int, kind: Kind, verdicts: Sequence[Verdict] = ()
) -> Read:
    """The reading, with what the plain words around the span say instead.

    `verdicts` are the outcome words that speak of the span (`miner.verdicts`).
    """
    read = _speaker(read, seen, start)
    if kind == "remedy":
        read = _undone(read, seen, start, end)
    elif read.assertion == "asserted" and _hedged(seen, start):
        read = replace(read, assertion="hedged")
    if kind == "diagnosis" and _rejected(seen, start, end):
        read = replace(read, assertion="negated")
    if is_set_aside(seen, start, end, kind):
        read = replace(read, assertion="negated")
    if kind != "remedy" or read.assertion == "negated" or read.experiencer == "question":
        return replace(read, outcome="unknown")
    summed = stated(seen, start, end, verdicts) or _summed_up(seen, start, end)
    if not summed and told(verdicts) is None and _lies_ahead(seen, start):
        return replace(read, outcome="unknown")
    outcome = summed or _outweighed(read.outcome, verdicts)
    if outcome == "helped" and not summed and _told_elsewhere(seen, start):
        return replace(read, outcome="unknown")
    read = turned(replace(read, outcome=outcome), seen, start, end, verdicts)
    return of_whom(read, seen, start, end)


def _told_elsewhere(seen: Scene, start: int) -> bool:
    """Whether the text tells of outcomes, and not near this place."""
    home = seen.home(start)
    telling = [i for i, cues in enumerate(seen.cues) if any(cue.says not in EMPTY for cue in cues)]
    return bool(telling) and not any(home - 1 <= index <= home + NEARBY for index in telling)


def _lies_ahead(seen: Scene, start: int) -> bool:
    """Whether the thing is still to come, as its sentence says or one that goes on about it."""
    home = seen.home(start)
    sentences = [seen.sentences[home].text] if seen.sentences else []
    if home + 1 < len(seen.sentences) and seen.refers[home + 1]:
        sentences.append(seen.sentences[home + 1].text)
    return any(_patterns()["ahead"].search(sentence) for sentence in sentences)


def _outweighed(outcome: Outcome, verdicts: Sequence[Verdict]) -> Outcome:
    """The outcome, or the opposite one where the words right beside the remedy say so plainly."""
    plain = told(verdicts)
    if outcome == "no_effect" and plain in ("helped", "mixed"):
        return plain
    if outcome == "helped" and plain == "no_effect":
        # Failure said right behind the thing is the thing's; said further off it only raises doubt.
        near = any(one.where == "behind" and one.breaks == 0 for one in verdicts)
        return plain if near else "unknown"
    partly = any(one.says == "partly" and one.breaks == 0 for one in verdicts)
    return "mixed" if outcome == "helped" and partly else outcome


def basis(read: Read, seen: Scene, start: int, end: int) -> Basis:
    """On what a claim rests: what was tried has its outcome from experience, whoever advised it."""
    if read.outcome != "unknown":
        return "own"
    words, (before, after) = _patterns(), _split(seen, start, end)
    said = _last(words["professional"], before), _last(words["read"], before)
    if max(said) >= 0:
        return "professional" if said[0] >= said[1] else "read"
    behind = re.split(r"[;:.]|\bbut\b", after)[0]
    if words["professional"].search(behind):
        return "professional"
    return "read" if words["read"].search(behind) else "own"


def time(read: Read, seen: Scene, start: int, end: int) -> Time:
    """When it was: over, still so, or only meant; what is advised or asked counts as now."""
    if read.experiencer in ("advice", "question"):
        return "now"
    words, (before, after) = _patterns(), _split(seen, start, end)
    left, right = clause(seen.sentences[seen.home(start)], start, end) if seen.sentences else (0, 0)
    before, after = before[left:], after[: max(right - len(before) - (end - start), 0)]
    times = ("plan", "past", "now")
    near = {name: _last(words[name], before) for name in times}
    if max(near.values()) < 0:
        # Nothing in front of it: what stands first behind it counts.
        behind = {name: words[name].search(after) for name in times}
        near = {name: -m.start() if m else -len(after) - 1 for name, m in behind.items()}
        if not any(behind.values()):
            return "now"
    if read.outcome == "unknown" and near["plan"] == max(near.values()):
        return "plan"
    return "past" if near["past"] > near["now"] else "now"


def _last(pattern: Caseless, text: str) -> int:
    """End of the last match; -1 where there is none."""
    return max((match.end() for match in pattern.finditer(text)), default=-1)


def _sentence(seen: Scene, start: int) -> str:
    return seen.sentences[seen.home(start)].text if seen.sentences else ""


def _split(seen: Scene, start: int, end: int) -> tuple[str, str]:
    """What stands in the sentence before the span and behind it."""
    sentence = seen.sentences[seen.home(start)]
    return sentence.text[: start - sentence.start], sentence.text[end - sentence.start :]


def _speaker(read: Read, seen: Scene, start: int) -> Read:
    words = _patterns()
    before, after = _split(seen, start, start)
    sentence = _sentence(seen, start)
    if sentence.rstrip().endswith("?") and words["suggestion"].search(before):
        return replace(read, experiencer="advice", assertion="hedged", outcome="unknown")
    last, me = _last(words["relation"], before), _last(words["self"], before)
    lent = _LENT.search(before) and _TO_ME.search(after)
    if read.experiencer == "self" and last > me and not lent:
        return replace(read, experiencer="other")
    return read


_LENT = re.compile(r"['’]s (?:\w+ ){0,2}$")
_TO_ME = re.compile(r"\b(?:me|mine|my)\b")
"""Another's thing that was used by the author: "my sister's brace helped me"."""


def _undone(read: Read, seen: Scene, start: int, end: int) -> Read:
    words = _patterns()
    before, after = _split(seen, start, end)
    near = list(words["undone"].finditer(before))
    gap = before[near[-1].end() :] if near else ""
    if near and len(gap.split()) <= 3 and not re.search(r"[.;:!?]|\bbut\b", gap):
        return replace(read, assertion="negated", outcome="unknown")
    if words["called_off"].search(after) or refused(seen, start, end):
        return replace(read, assertion="negated", outcome="unknown")
    return read


def _hedged(seen: Scene, start: int) -> bool:
    """Whether words of doubt stand close in front."""
    before, _ = _split(seen, start, start)
    place = _last(_patterns()["hedging"], before)
    return place >= 0 and len(before[place:].split()) <= 3


def _rejected(seen: Scene, start: int, end: int) -> bool:
    """Whether a diagnosis is denied where it is named, or where it is named again later."""
    words, phrase = _patterns(), re.escape(seen.text[start:end])
    for match in re.finditer(rf"(?<!\w){phrase}(?!\w)", seen.text[start:], re.IGNORECASE):
        before, _ = _split(seen, start + match.start(), start + match.end())
        _, after = _split(seen, start + match.start(), start + match.end())
        near = list(words["rejected"].finditer(before))
        gap = before[near[-1].end() :] if near else "."
        if len(gap.split()) <= 2 and not re.search(r"[.,;:!?]|\bbut\b|\bonly\b|\bjust\b", gap):
            return True
        told = words["refuted"].search(after)
        if told and len(after[: told.start()].split()) <= 1:
            return True
    return False


def _is_reason_of_life(sentence: str, seen: Scene, start: int, end: int) -> bool:
    before, after = _split(seen, start, end)
    given = re.search(
        r"\b(?:because(?: of)?|due to|since|thanks to)\W++(?:\w++\W++){0,4}$", before, re.I
    )
    return bool(given) and bool(_patterns()["life"].search(before + " " + after))


def _summed_up(seen: Scene, start: int, end: int) -> Outcome | None:
    """The outcome that a summing-up behind the span gives to all that went before it."""
    index = summing_up(seen, start, end)
    found = seen.sums[index] if index is not None else None
    return found.says if found else None
