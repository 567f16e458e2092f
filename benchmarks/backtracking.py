"""How many steps a regular expression takes on texts made to hurt it, counted and not timed.

`growth(pattern)` runs a model of Python's matcher, which goes back as that does, over short texts
made from the pattern's own repeats, and says with which exponent the steps grow with the text:
1 is linear. The same pattern gives the same figure on every machine. The texts are drawn from the
pattern and are not all there are, so a figure near 1 is strong evidence and no proof.

The matcher follows the parse tree of `re`: possessive repeats and atomic groups throw their choices
away, a look to the side is one, a repeat of one character runs and then gives back. A bound above
`MOST` counts as `MOST`: what is bounded is bounded, however long the text.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["COUNTING", "STEEP", "attacks", "growth"]

COUNTING = 1
"""Raised when a pattern may be judged otherwise than before: then all are counted anew."""

MOST = 8
"""Repeats that a bounded repeat is taken to allow."""
SHORT = 48
"""Characters of the shorter of two texts whose steps are compared; the other is twice as long."""
SURE = 5
"""How many times longer they are for what is steep in short ones."""
BUDGET = 300_000
"""Steps after which a text is given up; a linear pattern takes some thousands."""
CHARACTERS = "aAzZ1 \n\t.,-_'\u2019\"/:;@()[]<>{}&?!#=*|%+$^~\\\u00e9\u2013\u2022"
STEEP = 1.4
"""Exponent from which on steps grow faster than the text; short texts are a little off."""
STRIKES = 4
"""Draws of each kind of text for each repeat."""

Then = Callable[[int], bool]
Matcher = Callable[[int, Then], bool]
Node = tuple[Any, Any]


class TooMany(Exception):
    """More steps than the budget."""


class Machine:
    """A pattern ready to be run over texts; `steps` counts since the last text."""

    def __init__(self, pattern: str, flags: int) -> None:
        """Parses the pattern; `re.error` where it is none."""
        tree = parser.parse(pattern, flags & ~re.DEBUG)
        self.text = ""
        self.steps = 0
        self.groups: dict[int, tuple[int, int]] = {}
        self._match = self._sequence(list(tree), tree.state.flags | flags)

    def run(self, text: str, *, once: bool = False) -> int:
        """Steps for all matches in the text, or to try its start; at most the budget."""
        self.text, self.steps, place = text, 0, 0
        ends: list[int] = []

        def note(end: int) -> bool:
            ends.append(end)
            return True

        try:
            while place <= (0 if once else len(text)):
                ends.clear()
                self.groups.clear()
                found = self._match(place, note)
                place = max(ends[-1], place + 1) if found else place + 1
                self._count(1)
        except (TooMany, RecursionError):
            return BUDGET
        return self.steps

    def _count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > BUDGET:
            raise TooMany

    def _sequence(self, nodes: Sequence[Node], flags: int) -> Matcher:
        parts = [self._node(node, flags) for node in nodes]
        if len(parts) == 1:
            return parts[0]

        def match(place: int, then: Then, at: int = 0) -> bool:
            if at == len(parts):
                return then(place)
            return parts[at](place, lambda end: match(end, then, at + 1))

        return match

    def _node(self, node: Node, flags: int) -> Matcher:  # noqa: PLR0911  # a kind a line
        code, value = node
        test = single(node, flags)
        if test is not None:
            return self._character(test)
        if code is codes.BRANCH:
            return self._branch(value[1], flags)
        if code is codes.SUBPATTERN:
            group, add, drop, inside = value
            return self._group(group, self._sequence(list(inside), (flags | add) & ~drop))
        if code in _REPEATS:
            return self._repeat(code, value, flags)
        if code is codes.ATOMIC_GROUP:
            return self._atomic(self._sequence(list(value), flags))
        if code in (codes.ASSERT, codes.ASSERT_NOT):
            return self._aside(code is codes.ASSERT, value, flags)
        if code is codes.AT:
            return self._at(value, flags)
        if code is codes.GROUPREF:
            return self._back(value)
        if code is codes.GROUPREF_EXISTS:
            return self._either(value, flags)
        return lambda place, then: False  # codes.FAILURE

    def _character(self, test: Callable[[str], bool]) -> Matcher:
        def match(place: int, then: Then) -> bool:
            self._count(1)
            return place < len(self.text) and test(self.text[place]) and then(place + 1)

        return match

    def _branch(self, branches: Sequence[Any], flags: int) -> Matcher:
        parts = [self._sequence(list(branch), flags) for branch in branches]
        firsts = [first(list(branch), flags) for branch in branches]
        known: dict[str, list[Matcher]] = {}

        def match(place: int, then: Then) -> bool:
            self._count(1)
            here = self.text[place : place + 1]
            if here not in known:
                known[here] = [
                    part
                    for part, test in zip(parts, firsts, strict=True)
                    if test is None or (here and test(here))
                ]
            return any(part(place, then) for part in known[here])

        return match

    def _group(self, group: int | None, inside: Matcher) -> Matcher:
        if group is None:
            return inside

        def match(place: int, then: Then) -> bool:
            def after(end: int) -> bool:
                old = self.groups.get(group)
                self.groups[group] = (place, end)
                if then(end):
                    return True
                if old is None:
                    self.groups.pop(group, None)
                else:
                    self.groups[group] = old
                return False

            return inside(place, after)

        return match

    def _repeat(self, code: Any, value: Any, flags: int) -> Matcher:
        least, most, inside = value
        most = math.inf if most is codes.MAXREPEAT else min(most, max(MOST, least))
        nodes = list(inside)
        test = single(nodes[0], flags) if len(nodes) == 1 else None
        if test is not None and code is not codes.MIN_REPEAT:
            return self._run(test, least, most, possessive=code is codes.POSSESSIVE_REPEAT)
        body = self._sequence(nodes, flags)
        if code is codes.POSSESSIVE_REPEAT:
            return self._atomic(self._many(body, least, most, lazy=False))
        return self._many(body, least, most, lazy=code is codes.MIN_REPEAT)

    def _run(
        self, test: Callable[[str], bool], least: int, most: float, *, possessive: bool
    ) -> Matcher:
        def match(place: int, then: Then) -> bool:
            text, end = self.text, place
            last = min(len(text), place + most)
            while end < last and test(text[end]):
                end += 1
            self._count(end - place + 1)
            if end - place < least:
                return False
            if possessive:
                return then(end)
            while end >= place + least:
                self._count(1)
                if then(end):
                    return True
                end -= 1
            return False

        return match

    def _many(self, body: Matcher, least: int, most: float, *, lazy: bool) -> Matcher:
        def match(place: int, then: Then, count: int = 0) -> bool:
            self._count(1)

            def again(end: int) -> bool:
                if end == place and count >= least:
                    return False  # an empty round is not tried twice
                return match(end, then, count + 1)

            if count < least:
                return body(place, again)
            if lazy:
                return then(place) or (count < most and body(place, again))
            return (count < most and body(place, again)) or then(place)

        return match

    def _atomic(self, inside: Matcher) -> Matcher:
        def match(place: int, then: Then) -> bool:
            ends: list[int] = []

            def first(end: int) -> bool:
                ends.append(end)
                return True

            inside(place, first)
            return bool(ends) and then(ends[0])

        return match

    def _aside(self, wanted: bool, value: Any, flags: int) -> Matcher:
        way, nodes = value
        inside = self._sequence(list(nodes), flags)
        back = nodes.getwidth()[0] if way < 0 else 0

        def match(place: int, then: Then) -> bool:
            self._count(1)
            found = place >= back and inside(place - back, lambda end: True)
            return found is wanted and then(place)

        return match

    def _at(self, where: Any, flags: int) -> Matcher:
        lines = bool(flags & re.MULTILINE)

        def holds(place: int) -> bool:
            text = self.text
            if where in (codes.AT_BOUNDARY, codes.AT_NON_BOUNDARY):
                sides = [
                    bool(side) and _is_word(side)
                    for side in (text[place - 1 : place], text[place : place + 1])
                ]
                return (sides[0] != sides[1]) is (where is codes.AT_BOUNDARY)
            if where in (codes.AT_BEGINNING, codes.AT_BEGINNING_STRING):
                start = lines and where is codes.AT_BEGINNING and text[place - 1 : place] == "\n"
                return place == 0 or start
            if place == len(text):
                return True
            last = place == len(text) - 1 and text[place] == "\n"
            return where is codes.AT_END and (last or (lines and text[place] == "\n"))

        def match(place: int, then: Then) -> bool:
            self._count(1)
            return holds(place) and then(place)

        return match

    def _back(self, group: int) -> Matcher:
        def match(place: int, then: Then) -> bool:
            if group not in self.groups:
                return False
            start, end = self.groups[group]
            self._count(end - start + 1)
            said = self.text[start:end]
            return self.text.startswith(said, place) and then(place + len(said))

        return match

    def _either(self, value: Any, flags: int) -> Matcher:
        group, yes, no = value
        there = self._sequence(list(yes), flags)
        gone = self._sequence(list(no or []), flags)

        def match(place: int, then: Then) -> bool:
            return (there if group in self.groups else gone)(place, then)

        return match


_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    codes.CATEGORY_DIGIT: str.isdecimal,
    codes.CATEGORY_NOT_DIGIT: lambda c: not c.isdecimal(),
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    codes.CATEGORY_WORD: _is_word,
    codes.CATEGORY_NOT_WORD: lambda c: not _is_word(c),
}


def single(node: Node, flags: int) -> Callable[[str], bool] | None:
    """Whether one character fits, for a node of one character; None for others."""
    code, value = node
    if code is codes.SUBPATTERN and value[0] is None and len(value[3]) == 1:
        return single(value[3][0], (flags | value[1]) & ~value[2])
    if code not in (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN):
        return None
    known: dict[str, bool] = {}

    def test(character: str) -> bool:
        if character not in known:
            known[character] = _fits(code, value, character, flags)
        return known[character]

    return test


def _fits(code: Any, value: Any, character: str, flags: int) -> bool:
    if code is codes.ANY:
        return bool(flags & re.DOTALL) or character != "\n"
    forms = {character}
    if flags & re.IGNORECASE:
        forms |= {character.lower(), character.upper()}
    numbers = {ord(form) for form in forms if len(form) == 1}
    if code is codes.LITERAL:
        return value in numbers
    if code is codes.NOT_LITERAL:
        return value not in numbers
    found, negated = False, False
    for kind, said in value:
        if kind is codes.NEGATE:
            negated = True
        elif kind is codes.LITERAL:
            found = found or said in numbers
        elif kind is codes.RANGE:
            found = found or any(said[0] <= number <= said[1] for number in numbers)
        else:
            found = found or _CATEGORIES[said](character)
    return found is not negated


def first(nodes: Sequence[Node], flags: int) -> Callable[[str], bool] | None:
    """Whether a match can begin with a character; None where it may be empty or is not known."""
    for code, value in nodes[:1]:
        test = single((code, value), flags)
        if test is not None:
            return test
        if code is codes.SUBPATTERN:
            return first(list(value[3]), (flags | value[1]) & ~value[2])
        if code in _REPEATS and value[0] > 0:
            return first(list(value[2]), flags)
        if code is codes.BRANCH:
            tests = [first(list(branch), flags) for branch in value[1]]
            if all(tests):
                return lambda c: any(test(c) for test in tests if test is not None)
    return None


# Texts that may hurt.


def draw(nodes: Sequence[Node], flags: int, rng: random.Random) -> str:
    """A text that the nodes match, but for what they want to see or not to see beside them."""
    return "".join(_drawn(node, flags, rng) for node in nodes)


def _drawn(node: Node, flags: int, rng: random.Random) -> str:
    code, value = node
    if (test := single(node, flags)) is not None:
        usual = [c for c in CHARACTERS if test(c)]
        return chr(value) if code is codes.LITERAL else rng.choice(usual or ["\u20ac"])
    if code is codes.SUBPATTERN:
        return draw(list(value[3]), (flags | value[1]) & ~value[2], rng)
    if code is codes.BRANCH:
        return draw(list(rng.choice(value[1])), flags, rng)
    if code in _REPEATS:
        least, most, inside = value
        times = rng.choice([least, least, min(least + 1, most), min(least + 2, most)])
        return "".join(draw(list(inside), flags, rng) for _ in range(int(times)))
    if code is codes.ATOMIC_GROUP:
        return draw(list(value), flags, rng)
    return ""


def loops(nodes: Sequence[Node], flags: int, before: tuple[Node, ...] = ()) -> Iterator[Any]:
    """Each repeat without a bound: what stands before it, its inside, and its flags."""
    for at, (code, value) in enumerate(nodes):
        ahead = (*before, *nodes[:at])
        if code in _REPEATS:
            if value[1] is codes.MAXREPEAT:
                yield ahead, list(value[2]), flags
            yield from loops(list(value[2]), flags, ahead)
        elif code is codes.SUBPATTERN:
            yield from loops(list(value[3]), (flags | value[1]) & ~value[2], ahead)
        elif code is codes.BRANCH:
            for branch in value[1]:
                yield from loops(list(branch), flags, ahead)
        elif code is codes.ATOMIC_GROUP:
            yield from loops(list(value), flags, ahead)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from loops(list(value[1]), flags, ahead)


def attacks(pattern: str, flags: int = 0, seed: int = 1) -> list[tuple[str, str, str]]:
    """Beginnings, pieces to repeat and ends that may hurt; none for a pattern without repeats."""
    tree = parser.parse(pattern, flags & ~re.DEBUG)
    flags |= tree.state.flags
    rng = random.Random(seed)
    found: dict[tuple[str, str, str], None] = {}
    for before, inside, local in loops(list(tree), flags):
        test = single(inside[0], local) if len(inside) == 1 else None
        kinds = _kinds(tree, flags, test) if test else []
        for piece in (*kinds, *(draw(inside, local, rng) for _ in range(STRIKES))):
            lead = draw(before, local, rng)
            for begin, again in (("", piece), (lead, piece), ("", lead + piece)):
                if again:
                    found.setdefault((begin, again, "\0"))
    if found:
        for _ in range(STRIKES):
            whole = draw(list(tree), flags, rng)
            for cut in (len(whole), len(whole) - 1, len(whole) // 2):
                if whole[:cut]:
                    found.setdefault(("", whole[:cut], "\0"))
    return list(found)


def _kinds(tree: Any, flags: int, test: Callable[[str], bool]) -> list[str]:
    """Characters that a repeat of one takes, one for each way the whole pattern sees them."""
    tests = list(_tests(list(tree), flags))
    seen: dict[tuple[bool, ...], str] = {}
    for character in CHARACTERS:
        if test(character):
            seen.setdefault(tuple(each(character) for each in tests), character)
    return list(seen.values())


def _tests(nodes: Sequence[Node], flags: int) -> Iterator[Callable[[str], bool]]:
    """Tests of all repeats of one character."""
    for _, inside, local in loops(nodes, flags):
        test = single(inside[0], local) if len(inside) == 1 else None
        if test is not None:
            yield test


def growth(
    pattern: str, flags: int = 0, *, once: bool = False, most: int | None = None
) -> tuple[float, tuple[str, str, str]]:
    """The exponent with which the steps grow, and the text (begin, piece, end) that shows it.

    The steepest of all texts, or the first that is steep. `once` where the pattern is only tried at
    the start; `most` texts at the most, drawn from all.
    """
    texts = attacks(pattern, flags)
    if not texts:
        return 1.0, ("", "", "")
    machine = Machine(pattern, flags)
    if most is not None and len(texts) > most:
        texts = random.Random(1).sample(texts, most)
    worst: tuple[float, tuple[str, str, str]] = (1.0, ("", "", ""))
    for begin, piece, end in texts:
        steep = _slope(machine, (begin, piece, end), SHORT, once=once)
        if steep > STEEP:  # bounds are not yet reached in a short text
            steep = _slope(machine, (begin, piece, end), SURE * SHORT, once=once)
        worst = max(worst, (steep, (begin, piece, end)))
        if worst[0] > STEEP:
            break
    return worst


def _slope(machine: Machine, text: tuple[str, str, str], size: int, *, once: bool) -> float:
    """Exponent between a text with so many characters repeated and one with twice as many."""
    begin, piece, end = text
    whole = [begin + (piece * length)[:length] + end for length in (size, 2 * size)]
    steps = machine.run(whole[0], once=once)
    double = machine.run(whole[1], once=once) if steps < BUDGET else BUDGET
    return math.inf if double >= BUDGET else math.log2(double / max(steps, 1))
