"""Plain words that turn a reading: somebody else's cure, an if that was not met, a thing given up.

They say in so many words what the weighed signals miss because they are seldom said. The words are
data: `[turns]` of `data/cues.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files

from miner.caseless import Caseless
from miner.model import Kind, Outcome
from miner.outcomes import Read
from miner.signals import Scene
from miner.verdicts import Verdict, outcome_of, told

__all__ = ["is_set_aside", "of_whom", "refused", "stated", "turned"]

LEADING = ("done_for", "reported", "given_up", "had_it", "not_this")
"""The patterns that stand right in front of a thing."""
BORDERLESS = ("failed_list", "works", "mine_too", "but_not_mine", "refusal", "not_this")
"""The patterns that begin or end with a mark."""
LIST = 240
"""Characters behind the head of a list within which its items stand."""
BREATH = 6
"""Words that may still follow on a thing before it is refused in the next sentence."""
UNSURE = 40
"""Characters behind a thing within which doubt about what it did is told of it."""


@cache
def _patterns() -> Mapping[str, Caseless]:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))["turns"]
    found = {}
    for name, words in data.items():
        front = "" if name in BORDERLESS else r"(?<!\w)"
        back = r"\s*$" if name in LEADING else "" if name in BORDERLESS else r"(?!\w)"
        found[name] = Caseless(rf"{front}(?:{'|'.join(words)}){back}")
    return found


def _around(seen: Scene, start: int, end: int) -> tuple[str, str, str]:
    """What stands before the span in its sentence, behind it, and the next sentence."""
    home = seen.home(start)
    sentence = seen.sentences[home]
    following = seen.sentences[home + 1].text if home + 1 < len(seen.sentences) else ""
    after = seen.text[end : max(sentence.end, end)]
    return seen.text[sentence.start : start], after, following


def of_whom(read: Read, seen: Scene, start: int, end: int) -> Read:
    """The reading, told of another where a remedy helped another or is only known from reading.

    What is then said of the author as well counts alone, as the author's.
    """
    if read.experiencer == "question" or not seen.sentences:
        return read
    before, after, following = _around(seen, start, end)
    theirs, report = _for_another(after), _reported(before, after)
    stop = theirs or report
    if stop is None or (theirs and _patterns()["mine_too"].match(after[stop.end() :])):
        return read
    own = _own_share(seen, seen.home(start), end + stop.end())
    if own is not None:
        return replace(read, outcome=own if read.outcome != "unknown" else read.outcome)
    if not theirs and _speaks_of_me(after + " " + following):
        return read
    whose = "other" if read.experiencer == "self" else read.experiencer
    return replace(read, experiencer=whose, outcome=read.outcome if theirs else "unknown")


def _for_another(after: str) -> re.Match[str] | None:
    """Where the first one stands for whom something was done, if that is not the author."""
    words = _patterns()
    clause = _CLOSED.split(after, maxsplit=1)[0]
    for match in words["another"].finditer(clause):
        before = clause[: match.start()]
        if words["done_for"].search(before) and not _OWN.search(before):
            return match
    return None


_CLOSED = re.compile(r"[.;!?\n]|,\s*(?:and|but|so|then)\b")
_OWN = re.compile(r"\b(?:me|my|mine|I)\b")


def _own_share(seen: Scene, home: int, place: int) -> Outcome | None:
    """What came of it for the author, as said from a place on to the end of the next sentence."""
    said: set[str] = set()
    for index in range(home, min(home + 2, len(seen.sentences))):
        sentence = seen.sentences[index]
        text = seen.text[max(place, sentence.start) : sentence.end]
        if _patterns()["but_not_mine"].match(text):
            said.add("not_helped")
        elif _speaks_of_me(text) and _goes_on(text, index > home):
            said |= {c.says for c in seen.cues[index] if sentence.start + c.start >= place}
    return outcome_of(said)


def _goes_on(text: str, following: bool) -> bool:
    """Whether a text is still about the thing named before it."""
    pattern = _patterns()["goes_on"]
    return bool(pattern.match(_LEAD.sub("", text)) if following else pattern.search(text))


_LEAD = re.compile(r"\A\W*(?:(?:and|but|so|sadly|then|also|i) )?", re.IGNORECASE)


def _speaks_of_me(text: str) -> bool:
    return bool(_patterns()["mine"].search(text))


def _reported(before: str, after: str) -> re.Match[str] | None:
    """The words right behind a thing that say it works, where that is only reported."""
    words = _patterns()
    plain = _LITTLE.sub("", before)
    return words["works"].match(after) if words["reported"].search(plain) else None


_LITTLE = re.compile(
    r"(?<!\s)(?:\s+(?:that|how|a|an|the|doing|some|using|taking)){0,4}\s*$", re.IGNORECASE
)


def stated(seen: Scene, start: int, end: int, verdicts: Sequence[Verdict]) -> Outcome | None:
    """The outcome that an if which was not met, or the head of its list, gives to a remedy."""
    if not seen.sentences:
        return None
    words, (before, after, _) = _patterns(), _around(seen, start, end)
    if words["had_it"].search(before) and words["would"].search(after):
        if words["unmet"].match(after.lstrip()):
            return "helped"
        met = words["met"].match(after.lstrip())
        if met and (met[0].lower().startswith("had") or before.strip().lower().startswith("had")):
            return "no_effect"
    if any(one.where == "behind" and one.breaks == 0 for one in verdicts):
        return None
    return "no_effect" if _is_in_failed_list(seen.text[max(0, start - LIST) : start]) else None


def _is_in_failed_list(before: str) -> bool:
    heads = [match.end() for match in _patterns()["failed_list"].finditer(before)]
    between = before[heads[-1] :] if heads else "."
    return not _NO_ITEM.search(between)


_NO_ITEM = re.compile(r"[.;:!?]|\n\s*\n|\b(?:but|what|i|we|now)\b", re.IGNORECASE)
"""Where a list is over: its items have no subject and no verb of their own."""


def turned(read: Read, seen: Scene, start: int, end: int, verdicts: Sequence[Verdict]) -> Read:
    """The reading of a remedy, turned where harm is only denied, doubted or of a thing given up."""
    if not seen.sentences:
        return read
    before, after, _ = _around(seen, start, end)
    said = {one.says for one in verdicts}
    if read.outcome == "worse" and "not_worse" in said and "worse" not in said:
        read = replace(read, outcome=told(verdicts) or "unknown")
    if read.outcome == "helped" and _patterns()["given_up"].search(before):
        read = replace(read, outcome="unknown")
    doubt = _patterns()["doubted"].search(after)
    if read.assertion == "asserted" and doubt and doubt.start() <= UNSURE:
        between = re.split(r"[.;!?]", after[: doubt.start()])
        read = replace(read, assertion="hedged") if len(between) == 1 else read
    return read


def refused(seen: Scene, start: int, end: int) -> bool:
    """Whether a remedy that was proposed is refused in the same breath or the next."""
    if not seen.sentences:
        return False
    words, (before, after, following) = _patterns(), _around(seen, start, end)
    if not words["proposed"].search(before):
        return False
    near = len(after.split()) <= BREATH and words["refusal"].match(following)
    return bool(near or words["refusal"].match(after))


def is_set_aside(seen: Scene, start: int, end: int, kind: Kind) -> bool:
    """Whether a cause is named only to say that it is not it: "the hills, not the shoes"."""
    if kind not in ("cause", "diagnosis") or not seen.sentences:
        return False
    before, _, _ = _around(seen, start, end)
    words, inside = _patterns(), re.match(r"not\s+(?!just|only|sure)", seen.text[start:end], re.I)
    near = words["not_this"].search(before + (inside[0] if inside else ""))
    return bool(near) and bool(words["blamed"].search(before[: near.start()] if near else ""))
