"""Masks for people by the words around their names: titles, introductions, signatures. Pure.

No list of members is needed: who stands after "Dr", after "my name is" or below "Regards," is
somebody. What a list knows as a word, a brand or a disease stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from functools import cache

from crawler.contacts import NAME
from crawler.wordlists import (
    CAPITAL,
    SHORT,
    alternatives,
    given,
    is_eponym,
    is_function,
    is_ordinary,
    is_word,
    lists,
    plain,
)

__all__ = ["DOUBTFUL", "is_bearable", "parts", "people", "remembered", "variants"]

DOUBTFUL = "?"
"""Before a remembered part of a name that is masked only where a name stands."""
_ONE = rf"{CAPITAL}[\w-]{{0,30}}(?:['\u2019]{CAPITAL}[\w-]{{1,30}})?"
_PARTICLES = r"(?:(?:van|von|de|der|den|la|le|di|da|del|al|bin|ten|ter) ){0,2}"
_INITIALS = rf"(?:{CAPITAL}\. ?){{0,2}}"
_NAME = rf"{_INITIALS}{_PARTICLES}{_ONE}(?: {_INITIALS}{_PARTICLES}{_ONE}){{0,2}}(?!\w)"
_FULL = rf"{_ONE}(?: {_INITIALS}{_PARTICLES}{_ONE}){{1,2}}(?!\w)"
_SIDE_BY_SIDE = re.compile(rf"(?<!\w){_FULL}")
_WORD = re.compile(rf"(?P<initials>{_INITIALS}){_PARTICLES}(?P<core>{_ONE}) ?")
_DETERMINED = re.compile(
    r"(?:my|the|a|an|his|her|their|our|your|this|that|new|family|good|any|another|each|every|same"
    r"|other|old|first|second|sports?|eye|foot|knee|to|see) $",
    re.I,
)
_TITLED = re.compile(
    rf"(?<!\w)(?P<title>(?:(?:Dr|DR|dr|Mr|MR|Mrs|MRS|Ms|Prof|Miss)(?:\.[ \t]{{0,2}}|[ \t]{{1,2}})"
    rf"|(?:Doctor|Professor|Nurse|Surgeon) ))(?P<name>{_NAME})"
)
_LOW_TITLED = re.compile(r"(?<!\w)(?P<title>dr\.? )(?P<name>[a-z]{4,30})(?![\w-])")
_NAMED = re.compile(
    r"(?<!\w)(?P<before>(?i:my (?:(?:real|full|first|last|own|actual) )?name(?: is|['\u2019]?s)"
    r"|my names)[ :,]{1,3})"
    rf"(?P<name>{_NAME}|[a-z][\w-]{{2,30}}(?: [a-z][\w-]{{2,30}})?)"
)
_CALLED = re.compile(
    r"(?<!\w)(?P<before>(?i:(?:i am|i['\u2019]?m) called|(?:just |can )call me|i go by"
    rf"|name['\u2019]s) )(?P<name>{_NAME})"
)
_SAYS_I = re.compile(rf"(?<!\w)(?P<before>(?i:i am|i['\u2019]?m),? )(?P<name>{_FULL})")
_SAYS_THIS = re.compile(
    rf"(?P<before>(?:^|(?<=[,!.] ))(?i:this is|(?:it['\u2019]s )?me,) )(?P<name>{_FULL})", re.M
)


def people(text: str, words: Set[str]) -> str:
    """The text without the names that stand in the place of a person; `words` are its own, folded.

    A pattern is tried only where a word is there with which it may begin.
    """
    begun = _beginnings()
    if not words.isdisjoint(begun["titles"]):
        text = _LOW_TITLED.sub(_low_titled, _TITLED.sub(_titled, text))
    if not words.isdisjoint(begun["names"]):
        text = _CALLED.sub(_presented, _NAMED.sub(_named, text))
    if _SIDE_BY_SIDE.search(text):
        for pattern in (_SAYS_I, _SAYS_THIS, _in_roles()):
            text = pattern.sub(_presented, text)
    if not words.isdisjoint(begun["closings"]):
        text = _closing().sub(_closed, text)
    return text


@cache
def _beginnings() -> dict[str, frozenset[str]]:
    """Words without which the patterns find nothing."""
    said = lists()["people"]
    closings = (closing.split()[0] for closing in said["closings"] + said["weak_closings"])
    return {
        "titles": frozenset(said["titles"]),
        "names": frozenset(said["presenting"]),
        "closings": frozenset(map(plain, closings)),
    }


def _end(name: str, is_part: Callable[[str], bool]) -> int:
    """Where the name ends: before its first word, from the second on, that is no part of one."""
    end = 0
    for found in _WORD.finditer(name):
        if end and not is_part(plain(found["core"])):
            break
        end = found.end("core")
    return end


def _first(name: str) -> str:
    found = _WORD.match(name)
    return plain(found["core"]) if found else plain(name)


def _is_surname(word: str) -> bool:
    """Whether a folded word can follow a given name: it is none, or a frequent family name."""
    return word in lists()["people"]["families"] or not (is_function(word) or is_ordinary(word))


def _titled(found: re.Match[str]) -> str:
    """The mask after a title, unless a new sentence begins there or a brand is meant."""
    first, title = _first(found["name"]), found["title"].strip()
    if len(first) < 2 or is_function(first) or first in lists()["people"]["brands"]:
        return found.group()
    if is_ordinary(first) and not _is_titled_word(found, first, title):
        return found.group()
    end = _end(found["name"], _is_surname)
    return found["title"] + NAME + found["name"][end:]


def _is_titled_word(found: re.Match[str], first: str, title: str) -> bool:
    """Whether an ordinary word after a title is a name all the same: `Dr Green`, not `Dr Visit`."""
    before = found.string[max(0, found.start() - 12) : found.start()]
    is_sentence = title.endswith(".") and _DETERMINED.search(before) is not None
    return title != "Miss" and not is_sentence and first in lists()["people"]["families"]


def _low_titled(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - 12) : found.start()]
    is_noun = _DETERMINED.search(before) is not None
    word = found["name"]
    is_name = word in given() or not (is_noun or is_word(word) or word in _brands())
    return found["title"] + NAME if is_name else found.group()


@cache
def _brands() -> frozenset[str]:
    return frozenset(lists()["people"]["brands"])


def _named(found: re.Match[str]) -> str:
    """The mask after `my name is`: whatever has a capital, else what is no word."""
    name = found["name"]
    if name[0].islower():
        words = name.split()
        known = [not is_word(word) or word in given() for word in words]
        if not known[0]:
            return found.group()
        rest = "" if len(words) < 2 or known[1] else " " + words[1]
        return found["before"] + NAME + rest
    if is_function(_first(name)):
        return found.group()
    end = _end(name, lambda word: not is_function(word))
    return found["before"] + NAME + name[end:]


def _presented(found: re.Match[str]) -> str:
    """The mask for one or two capitalised words that no list knows, or that are a given name."""
    first = _first(found["name"])
    words = [plain(word["core"]) for word in _WORD.finditer(found["name"])]
    is_given = first in given() or not is_word(first)
    is_doubtful = first in lists()["people"]["doubtful"] or len(first) <= SHORT
    if len(first) < 2 or not (
        is_given or (is_doubtful and len(words) > 1 and not is_word(words[1]))
    ):
        return found.group()
    end = _end(found["name"], lambda word: _is_surname(word) and not is_eponym(word))
    is_alone = end <= len(found["name"].partition(" ")[0])
    if is_alone and len(words) > 1 and first not in given():
        return found.group()
    return found["before"] + NAME + found["name"][end:]


@cache
def _in_roles() -> re.Pattern[str]:
    """A full name after what somebody is: `my surgeon, Orla Fenwright`."""
    roles = alternatives(lists()["people"]["roles"])
    return re.compile(rf"(?<!\w)(?P<before>(?i:{roles}),? (?:called |named )?)(?P<name>{_FULL})")


@cache
def _closing() -> re.Pattern[str]:
    """A name below or behind the words with which a letter ends."""
    said = lists()["people"]
    closings = alternatives([*said["closings"], *said["weak_closings"]])
    begin = r"(?:^[ \t>~*\u2013\u2014-]{0,10}|(?<=[.!?] ))"
    below = r"\n{1,2}[ \t>~*-]{0,6}"
    mark = rf"[ \t]{{0,2}}[,.!:;\u2013\u2014-]{{1,2}}[ \t]{{0,3}}(?:{below})?"
    return re.compile(
        rf"(?P<before>{begin}(?P<word>(?i:{closings}))(?:{mark}|[ \t]{{0,3}}{below}))"
        rf"(?P<name>{_NAME})(?=[ \t.!]{{0,4}}(?:[xX]{{1,3}}[ \t]{{0,2}})?$)",
        re.M,
    )


def _closed(found: re.Match[str]) -> str:
    words = [plain(word["core"]) for word in _WORD.finditer(found["name"])]
    if any(map(is_function, words)) or words[0] in _brands():
        return found.group()
    is_strong = plain(found["word"]) in lists()["people"]["closings"]
    is_name = words[0] in given() or not is_word(words[0])
    is_short = is_strong and not is_ordinary(words[-1])
    is_doubtful = words[0] in lists()["people"]["doubtful"]
    return found["before"] + NAME if is_name or is_short or is_doubtful else found.group()


_SHOWN = re.compile(rf"{_INITIALS}{_ONE}(?:[ ,]{{1,2}}{_INITIALS}{_PARTICLES}{_ONE}){{1,3}}")
_PIECE = re.compile(r"[^\W\d_]+")


def _pieces(name: str) -> list[str]:
    """The parts of a display name written as people write theirs; none of another."""
    return _PIECE.findall(name) if len(name) <= 60 and _SHOWN.fullmatch(name.strip()) else []


def parts(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Folded single parts of a display name: those that are no words, and those that are one."""
    pieces = [plain(piece) for piece in _pieces(name) if len(piece) >= 3 and piece[0].isupper()]
    pieces = [piece for piece in pieces if not is_function(piece)]
    own = {piece for piece in pieces if piece in given() or not is_word(piece)}
    return frozenset(own), frozenset(pieces) - own


def is_bearable(name: str) -> bool:
    """Whether a folded word is a given name or a family name, though it may be a word too."""
    said = lists()["people"]
    is_unknown = len(name) > SHORT and not is_ordinary(name)
    return is_unknown or any(
        name in names for names in (said["doubtful"], said["families"], given())
    )


def remembered(name: str) -> set[str]:
    """What of a display name is looked for in other threads; in doubt with a mark before it."""
    own, words = parts(name)
    borne = {word for word in words if word in lists()["people"]["doubtful"]}
    short = {part for part in own if len(part) < 5}
    return {*(own - short), *(DOUBTFUL + word for word in borne | short)}


def variants(name: str) -> tuple[str, ...]:
    """How a bearer of a display name of two parts shortens it: `E. Marsh`, `E.Marsh`."""
    pieces = _pieces(name)
    if len(pieces) < 2 or min(len(pieces[0]), len(pieces[-1])) < 2:
        return ()
    initial, family = pieces[0][0], pieces[-1]
    plainly = () if is_word(plain(family)) else (f"{initial} {family}",)
    return (f"{initial}. {family}", f"{initial}.{family}", *plainly)
