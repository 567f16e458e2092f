"""What the words around a claim show: outcome words by place and scope, and who speaks how.

Nothing is decided here. A word of outcome is read in its own scope (denied, hoped for, only
partly) and named by where it stands to the claim (same clause, next sentence, a summing-up later
in the post, an update). `miner.outcomes` weighs these signals.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise

from miner.caseless import Caseless
from miner.model import Outcome
from miner.text import Sentence, sentences

__all__ = [
    "Cue",
    "Scene",
    "Sum",
    "clause",
    "outdone",
    "scene",
    "signals",
    "summing_up",
    "surroundings",
]

FURTHEST = 6
"""Sentences after a claim in which an outcome word still counts as soon after it."""
MOVED = "moved"
"""The group of words that tell of no effect where they are denied, and of nothing else."""
CLOSE = 28
"""Characters between a thing and an outcome word that is surely said of it."""
NEAR = 48
"""Characters in which the verdict has to follow on "all of that"."""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """An outcome word in its scope: where it stands in its sentence and what it says."""

    start: int
    end: int
    says: str


@dataclass(frozen=True, kw_only=True)
class Sum:
    """A verdict on several things at once, such as "none of that helped"."""

    start: int
    """Where it stands in its sentence."""
    end: int
    says: Outcome
    opening: bool
    """Whether the sentence begins with it."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A text read once for all of its claims."""

    text: str
    sentences: tuple[Sentence, ...]
    starts: tuple[int, ...]
    cues: tuple[tuple[Cue, ...], ...]
    """The outcome words of each sentence."""
    sums: tuple[Sum | None, ...]
    """What a sentence says of all that was listed, if it does."""
    only: tuple[int, ...]
    """Index of the sentences that name the only thing which helped."""
    refers: tuple[bool, ...]
    """Whether a sentence opens by speaking of what went before."""
    updates: tuple[int, ...]
    """Index of the sentences that announce news."""
    questions: int
    """Index of the last sentence that asks, or -1."""
    known: dict[tuple[int, int], dict[str, float]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """The signals of the spans that were asked about: each is asked about more than once."""
    shapes: dict[int, dict[str, float]] = field(default_factory=dict, compare=False, repr=False)
    """What the sentences that were asked about show as a whole."""

    def home(self, start: int) -> int:
        """Index of the sentence that holds a place of the text."""
        return max(bisect_right(self.starts, start) - 1, 0)


@dataclass(frozen=True, kw_only=True)
class _Lists:
    outcome: Mapping[str, Caseless]
    denied: Caseless
    unreal: Caseless
    partly: Caseless
    back_reference: Caseless
    all: Caseless
    none: Caseless
    void: Caseless
    limited: Caseless
    only: Caseless
    update: Caseless
    stance: Mapping[str, Caseless]


_TURN = r"[;:.!,]|\b(?:but|while|whereas|though|yet)\b"
"""Where a denial ends."""


@cache
def _lists() -> _Lists:
    data = tomllib.loads((files("miner") / "data" / "cues.toml").read_text("utf-8"))
    words = {name: "|".join(patterns) for name, patterns in data["outcome"].items()}

    def bounded(name: str) -> Caseless:
        return Caseless(rf"(?<!\w)(?:{words[name]})(?!\w)")

    scope = {name: "|".join(patterns) for name, patterns in data["scope"].items()}

    def scoped(name: str) -> Caseless:
        return Caseless(rf"(?<!\w)(?:{scope[name]})(?!\w)")

    return _Lists(
        outcome={name: bounded(name) for name in ("mixed", "worse", "no_effect", "helped", MOVED)},
        all=scoped("all"),
        none=scoped("none"),
        void=scoped("void"),
        limited=scoped("limited"),
        only=scoped("only_one"),
        denied=Caseless(
            rf"(?:{words['not']})\b(?:(?:(?!{_TURN})\W)+(?!{_TURN})\w+){{0,3}}(?:(?!{_TURN})\W)*$",
        ),
        unreal=Caseless(
            rf"(?<!\w)(?:{words['unreal']})\b(?:[^\w,.;]+[\w']+){{0,3}}\W*$",
        ),
        partly=Caseless(rf"\A(?:\W+\w+){{0,2}}?\W+(?:{words['partly']})\b"),
        back_reference=Caseless(rf"\A\W*(?:{words['back_reference']})(?!\w)"),
        update=bounded("update"),
        stance={
            name: Caseless(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)")
            for name, patterns in data["stance"].items()
        },
    )


def scene(text: str, split: Sequence[Sentence] | None = None) -> Scene:
    """The sentences of own words with what they show by themselves."""
    split = tuple(sentences(text) if split is None else split)
    lists = _lists()
    cues = tuple(tuple(_cues(sentence.text)) for sentence in split)
    asking = [index for index, sentence in enumerate(split) if _asks(sentence.text)]
    return Scene(
        text=text,
        sentences=split,
        starts=tuple(sentence.start for sentence in split),
        cues=cues,
        sums=tuple(_sum(split, cues, index) for index in range(len(split))),
        only=tuple(i for i, sentence in enumerate(split) if lists.only.search(sentence.text)),
        refers=tuple(bool(lists.back_reference.match(sentence.text)) for sentence in split),
        updates=tuple(i for i, sentence in enumerate(split) if lists.update.search(sentence.text)),
        questions=asking[-1] if asking else -1,
    )


def signals(seen: Scene, start: int, end: int) -> dict[str, float]:
    """Named signals around the span `text[start:end]`; most are 0 or 1, absent means 0."""
    if (start, end) not in seen.known:
        seen.known[start, end] = _signals(seen, start, end) if seen.sentences else {}
    return seen.known[start, end]


def _signals(seen: Scene, start: int, end: int) -> dict[str, float]:
    home = seen.home(start)
    found: dict[str, float] = {}
    for index, cues in enumerate(seen.cues):
        for cue in cues:
            for place in _places(seen, index, home, cue, start, end):
                found[f"{cue.says}@{place}"] = 1.0
    found.update(_sums(seen, home, start, end))
    found.update(_close(seen, home, end))
    found.update(_stance(seen.sentences[home], start, end))
    if home not in seen.shapes:
        seen.shapes[home] = _shape(seen, home)
    found.update(seen.shapes[home])
    return found


def _close(seen: Scene, home: int, end: int) -> Iterator[tuple[str, float]]:
    """The outcome words right behind a span: `ice: nothing`, `the brace did help`."""
    sentence = seen.sentences[home]
    for cue in seen.cues[home]:
        gap = seen.text[end : sentence.start + cue.start]
        if sentence.start + cue.start >= end and len(gap) <= CLOSE and not _FAR.search(gap):
            yield f"close:{cue.says}", 1.0


_FAR = re.compile(r"[.;!?]|\b(?:but|though|while|because|when|if|then|after|before)\b", re.I)


def _sums(seen: Scene, home: int, start: int, end: int) -> Iterator[tuple[str, float]]:
    """What is said of all that was listed, behind the span or in front of it."""
    behind = summing_up(seen, start, end)
    if behind is not None:
        found = seen.sums[behind]
        assert found is not None
        yield f"sum:{found.says}", 1.0
    for index, one in enumerate(seen.sums[: home + 1]):
        if one and seen.sentences[index].start + one.end <= start:
            yield f"sum before:{one.says}", 1.0
    for index in seen.only:
        yield ("only this" if index == home else "only other"), 1.0


def summing_up(seen: Scene, start: int, end: int) -> int | None:
    """Index of the sentence whose summing-up speaks of the span `text[start:end]`, if one does."""
    home = seen.home(start)
    before = seen.sentences[home].text[: start - seen.sentences[home].start]
    if _EXCEPT.search(before):
        return None
    for index in range(home, min(home + 1 + FURTHEST, len(seen.sentences))):
        one = seen.sums[index]
        if one is None:
            continue
        if one.opening or (index == home and seen.sentences[home].start + one.start >= end):
            return index if index > home or seen.sentences[home].start + one.start >= end else None
    return None


_EXCEPT = re.compile(
    r"\b(?:except|apart from|other than|besides|aside from|bar|save|but for|only)(?: for)?"
    r"(?:\W++\w++){0,3}\W*+$",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[a-z]+(?:['’][a-z]+)?|\d+|[?!]")


def surroundings(seen: Scene, start: int, end: int) -> dict[str, float]:
    """The words of the sentence before and behind a span, of the next sentence, and of the span."""
    if not seen.sentences:
        return {}
    home = seen.home(start)
    sentence = seen.sentences[home]
    before = _TOKEN.findall(seen.text[sentence.start : start].lower())[-30:]
    after = _TOKEN.findall(seen.text[end : sentence.end].lower())[:30]
    following = seen.sentences[home + 1].text.lower() if home + 1 < len(seen.sentences) else ""
    areas = {"s<": before, "s>": after, "n": _TOKEN.findall(following)[:30]}
    found = {f"in {word}": 1.0 for word in _TOKEN.findall(seen.text[start:end].lower())}
    for name, words in areas.items():
        found |= {f"{name} {word}": 1.0 for word in words}
        found |= {f"{name} {one} {two}": 1.0 for one, two in pairwise(words)}
    found |= {f"l{place} {word}": 1.0 for place, word in enumerate(before[-3:][::-1])}
    return found


def _asks(sentence: str) -> bool:
    return sentence.rstrip().endswith("?")


def _cues(sentence: str) -> Iterator[Cue]:
    """The outcome words of a sentence, longest reading first, each read in its scope."""
    taken: list[tuple[int, int]] = []
    for name, pattern in _lists().outcome.items():
        for match in pattern.finditer(sentence):
            if not any(match.start() < stop and start < match.end() for start, stop in taken):
                taken.append(match.span())
                says = _scoped(sentence, match, name)
                if says != MOVED:
                    yield Cue(start=match.start(), end=match.end(), says=says)


def _scoped(sentence: str, match: re.Match[str], name: str) -> str:
    lists = _lists()
    before = sentence[max(0, match.start() - 48) : match.start()]
    denied = bool(lists.denied.search(before))
    if name == MOVED and not denied:
        return MOVED
    if _asks(sentence):
        return "unreal"
    if lists.unreal.search(before):
        return "unreal_not" if denied else "unreal"
    if denied and name != "no_effect":
        return _denied(match[0], name)
    if name == "helped" and lists.partly.match(sentence[match.end() : match.end() + 40]):
        return "partly"
    return name


def _denied(words: str, name: str) -> str:
    """What outcome words say where they are denied: "never came back" is a benefit."""
    if name != "mixed":
        return "not_worse" if name == "worse" else "not_helped"
    if _RELAPSE.search(words):
        return "helped"
    return "not_helped" if _GOOD.search(words) else "not_worse"


_RELAPSE = re.compile(r"\b(?:back|return\w*|relaps\w*|wear|wore|worn|stopped|plateau\w*)\b", re.I)
_GOOD = re.compile(r"help|better|relie|improv|success|benefit|less|progress|\bedge\b", re.I)


def _sum(split: Sequence[Sentence], cues: Sequence[Sequence[Cue]], index: int) -> Sum | None:
    """What "all of that …" or "none of which …" says in a sentence, its limits in the next too."""
    sentence = split[index].text
    if _asks(sentence):
        return None
    lists = _lists()
    for match in lists.void.finditer(sentence):
        return _total(sentence, match, match.end(), "no_effect")
    for pattern in (lists.none, lists.all):
        for match in pattern.finditer(sentence):
            if pattern is lists.none and _BEATEN.match(sentence[match.end() :]):
                continue
            near = list(_told(sentence, cues[index], match, behind=pattern is lists.none))
            says = _summed(pattern is lists.none, near)
            if says == "helped" and _limits(split, index, near[0].end):
                says = "mixed"
            if says:
                return _total(sentence, match, max(cue.end for cue in near), says)
    return None


def outdone(sentence: str) -> bool:
    """Whether the beginning of a sentence says that nothing did as much as what comes next."""
    for match in _lists().none.finditer(sentence):
        beaten = _BEATEN.match(sentence[match.end() :])
        if beaten and not _OVER.search(sentence, match.end() + beaten.end()):
            return True
    return False


_BEATEN = re.compile(
    r"(?: (?!for\b)\w+){0,4} (?:(?:more|better|faster|quicker) than"
    r"|as (?:much|well|good|effective(?:ly)?|fast|quick(?:ly)?) as"
    r"|(?:help|work|eas|reliev|cur|fix)\w*(?: me| it| us| my \w+)? like)\b"
    r"(?! (?:i|we|you|they|it|expected|hoped|promised|\d+|two|three"
    r"|an? (?:bit|couple|day|few|hour|little|month|week|while))\b)",
    re.IGNORECASE,
)
"""Behind "nothing": one thing beats all others, which says no more of them."""
_OVER = re.compile(r"[.,;:!?(]")


def _told(sentence: str, cues: Sequence[Cue], match: re.Match[str], behind: bool) -> Iterator[Cue]:
    """The outcome words that a quantifier governs."""
    first = match.end() if behind else match.start()
    for cue in cues:
        gap = sentence[match.end() : cue.start]
        if first <= cue.start <= match.end() + NEAR and not re.search(r"[.;:]", gap):
            yield cue


def _total(sentence: str, match: re.Match[str], end: int, says: Outcome) -> Sum:
    opening = len(re.findall(r"\w+", sentence[: match.start()])) <= 2
    return Sum(start=match.start(), end=max(end, match.end()), says=says, opening=opening)


def _summed(none: bool, cues: Sequence[Cue]) -> Outcome | None:
    """The outcome that words behind a quantifier give, if they give one."""
    said = [c.says for c in cues if c.says in _SUMMED]
    if none:
        return "no_effect" if {*said} - {"worse"} else None
    if not said:
        return None
    return "mixed" if {"mixed", "partly"} & {*said} else _SUMMED[said[0]]


_SUMMED: Mapping[str, Outcome] = {
    "helped": "helped",
    "partly": "mixed",
    "mixed": "mixed",
    "no_effect": "no_effect",
    "not_helped": "no_effect",
    "worse": "worse",
}


def _limits(split: Sequence[Sentence], index: int, end: int) -> bool:
    """Whether a benefit is limited in the rest of its sentence or in a short one after it."""
    limited = _lists().limited
    if limited.search(split[index].text, end):
        return True
    following = split[index + 1].text if index + 1 < len(split) else ""
    return len(following.split()) < 8 and bool(limited.match(following))


_BREAK = re.compile(r"[;:(]|\bbut\b|\bthough\b|\bwhile\b|, (?!and|or)", re.IGNORECASE)


def _places(seen: Scene, index: int, home: int, cue: Cue, start: int, end: int) -> Iterator[str]:
    """Names of where a cue stands, seen from the span."""
    distance = index - home
    if distance == 0:
        yield from _same_sentence(seen.sentences[index], cue, start, end)
        return
    if distance == 1:
        yield "next_ref" if seen.refers[index] else "next"
    elif 1 < distance <= FURTHEST:
        yield "soon_ref" if seen.refers[index] else "soon"
    elif distance < 0:
        yield "previous" if distance == -1 else "earlier"
    yield "later" if distance > 0 else "sooner"
    if any(home < update <= index for update in seen.updates):
        yield "update"


def _same_sentence(sentence: Sentence, cue: Cue, start: int, end: int) -> Iterator[str]:
    place = sentence.start + cue.start
    if start <= place < end:
        yield "inside"
        return
    local = sentence.text
    if place >= end:
        breaks = len(_BREAK.findall(local[end - sentence.start : cue.start]))
    else:
        breaks = len(_BREAK.findall(local[cue.start : start - sentence.start]))
    yield f"{'after' if place >= end else 'before'}{min(breaks, 3)}"
    yield "home"


_CLAUSE = re.compile(
    r"[;:()]|,\s+(?=(?:but|so|because|which|although|though|i|you|he|she|they|it|we)\b)|\bbut\b",
    re.IGNORECASE,
)


def clause(sentence: Sentence, start: int, end: int) -> tuple[int, int]:
    """The part of a sentence between the marks next to a span."""
    left, right = 0, len(sentence.text)
    for begin, stop in _marks(sentence.text):
        if stop <= start - sentence.start:
            left = stop
        elif begin >= end - sentence.start:
            right = begin
            break
    return left, right


@lru_cache(maxsize=256)
def _marks(sentence: str) -> tuple[tuple[int, int], ...]:
    """Where a thought ends in a sentence; asked for each of its claims."""
    return tuple(match.span() for match in _CLAUSE.finditer(sentence))


def _stance(sentence: Sentence, start: int, end: int) -> dict[str, float]:
    """Which kinds of words stand before, after and in a span, in its clause and its sentence."""
    left, right = clause(sentence, start, end)
    local, stop = start - sentence.start, end - sentence.start
    before = sentence.text[left:local]
    areas = {
        "<near": " ".join(before.split()[-4:]),
        "<": before,
        ">": sentence.text[stop:right],
        "in": sentence.text[local:stop],
    }
    stance = _lists().stance
    found = {
        f"{name}{place}": 1.0
        for name, _ in _stances(sentence.text)
        for place, words in areas.items()
        if words and stance[name].search(words)
    }
    return found | {f"{name}=": 1.0 for name, plainly in _stances(sentence.text) if plainly}


@lru_cache(maxsize=256)
def _stances(sentence: str) -> tuple[tuple[str, bool], ...]:
    """The kinds of words a sentence has at all, and whether without joining its lines.

    Only these are looked for in its parts.
    """
    plain = " ".join(sentence.split())
    found = []
    for name, pattern in _lists().stance.items():
        plainly = bool(pattern.search(sentence))
        if plainly or (plain != sentence and pattern.search(plain)):
            found.append((name, plainly))
    return tuple(found)


_ITEM = re.compile(r"\s*(?:[-*•+]|\d+[.)])")
_COMMAND = re.compile(r"[A-Z][a-z]+ (?:a|an|the|your|some|it|up|on|off|for|to)\b")


@lru_cache(maxsize=4)
def _selfless(text: str) -> bool:
    """Whether the author never speaks of themselves; asked for every claim of a text."""
    return not _lists().stance["self"].search(text)


def _shape(seen: Scene, home: int) -> dict[str, float]:
    """Question, list, opening, closing, and whether the author speaks of themselves at all."""
    sentence = seen.sentences[home].text
    words = sentence.split()
    opening = words[0].lower().strip("\"'*-") if words else ""
    found = {
        "question": _asks(sentence),
        "commas": min(sentence.count(","), 6) / 6,
        "short": len(words) < 6,
        "first": home == 0,
        "last": home == len(seen.sentences) - 1,
        "item": bool(_ITEM.match(sentence)),
        "imperative": bool(_COMMAND.match(sentence)),
        "selfless": _selfless(seen.text),
        "later_question": seen.questions > home,
        f"opens:{opening}": True,
    }
    return {name: float(value) for name, value in found.items() if value}
