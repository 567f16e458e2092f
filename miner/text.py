"""A post's own words and its sentences, each with its place in the stored text.

Nothing is rewritten: what does not count is blanked in a copy of the same length, so that every
offset stays true for the stored text. What the words claim is `miner.claims`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

__all__ = ["CHAPTER", "Sentence", "chapters", "fold", "own_words", "repeats", "sentences", "trim"]

SHORTEST_REPEAT = 6
"""Words a sentence needs before its second appearance counts as a quote; fewer are phrases."""
LONGEST_MARK = 300
"""Characters at the head of a line that are looked at for a mark."""
LONGEST_SIGNATURE = 12
"""Written lines; a rule between two long halves of a post is no signature."""
LONGEST_SENTENCE = 600
"""Characters; a run-on longer than this is cut at a comma or space."""
CHAPTER = 20_000
"""Characters; nearly every post is shorter. What is longer is read in stretches of this length."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A piece of the text between two ends of thought: `text[start:end]`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class _Patterns:
    quoted: re.Pattern[str]
    introduction: re.Pattern[str]
    signature: re.Pattern[str]
    boilerplate: re.Pattern[str]
    blocks: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    abbreviations: frozenset[str]


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _head(patterns: Iterable[str]) -> re.Pattern[str]:
    """What a line begins with; it is tried nowhere else."""
    either = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re.compile(rf"\A(?:{either})", re.IGNORECASE)


@cache
def _patterns() -> _Patterns:
    data = tomllib.loads((files("miner") / "data" / "own_words.toml").read_text("utf-8"))
    return _Patterns(
        quoted=_head(data["quoted"]["marks"]),
        introduction=_head(data["quoted"]["introductions"]),
        signature=_head(data["closing"]["signatures"]),
        boilerplate=_head(data["closing"]["boilerplate"]),
        blocks=tuple((_any([begin]), _any([end])) for begin, end in data["blocks"]["pairs"]),
        abbreviations=frozenset(data["sentences"]["abbreviations"]),
    )


def fold(text: str) -> str:
    """The text in lower case with curly quotes straight and white space as single blanks."""
    table = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}
    return " ".join(text.translate(table).split()).lower()


def own_words(text: str, said: Iterable[str] = ()) -> str:
    """The text with everything blanked that its author only repeats; same length, same offsets.

    `said` are the folded sentences of earlier posts (`repeats`): a long one that comes again
    without a mark is a quote whose mark was lost.
    """
    own = _blanked(text, [*_blocks(text), *_bbcode(text)])
    own = _blanked(own, [*_foreign_lines(own)])
    known = said if isinstance(said, (set, frozenset)) else frozenset(said)
    if known:
        again = (one for one in sentences(own) if _key(one.text) in known)
        own = _blanked(own, [(one.start, one.end) for one in again])
    return own


def repeats(text: str) -> frozenset[str]:
    """The sentences of a post that are long enough to be known again, as `own_words` wants them."""
    keys = (_key(sentence.text) for sentence in sentences(text))
    return frozenset(key for key in keys if key.count(" ") + 1 >= SHORTEST_REPEAT)


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text in order, none empty; white space around them belongs to none."""
    return list(_sentences(text))


@lru_cache(maxsize=128)
def _sentences(text: str) -> tuple[Sentence, ...]:
    """A text is asked for several times: as written, as own words, and to be read.

    The last is after all texts of its thread were seen, so those of a usual thread are remembered.
    """
    found = []
    for cut in _cuts(text):
        start, end = trim(text, *cut)
        if start < end:
            found.append(Sentence(start=start, end=end, text=text[start:end]))
    return tuple(found)


def chapters(text: str, longest: int = CHAPTER) -> list[tuple[int, int]]:
    """Places of the stretches that are read by themselves: the whole text, unless it is very long.

    It is cut at a line break, else at a blank, so that the time to read a text grows as it does.
    """
    found, start = [], 0
    while len(text) - start > longest:
        middle, last = start + longest // 2, start + longest
        cut = max(text.rfind("\n", middle, last), text.rfind("\r", middle, last))
        cut = cut if cut >= 0 else text.rfind(" ", middle, last)
        end = cut + 1 if cut >= 0 else last
        found.append((start, end))
        start = end
    return [*found, (start, len(text))]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The same range without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


@lru_cache(maxsize=1 << 10)
def _key(sentence: str) -> str:
    # As of the folded sentence: what folding changes stands between words.
    return " ".join(_WORD.findall(sentence.lower()))


_WORD = re.compile(r"\w+")


def _blanked(text: str, places: Sequence[tuple[int, int]]) -> str:
    """The text with blanks at some places, but for its line breaks."""
    if not places:
        return text
    letters = list(text)
    for start, end in places:
        letters[start:end] = _SEEN.sub(" ", text[start:end])
    return "".join(letters)


_SEEN = re.compile(r"[^\r\n]")


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Places from each opening to its first closing; an opening without one blanks nothing."""
    for begins, ends in _patterns().blocks:
        begin = begins.search(text)
        while begin and (end := ends.search(text, begin.end())):
            yield begin.start(), end.end()
            begin = begins.search(text, end.end())


def _bbcode(text: str) -> Iterator[tuple[int, int]]:
    """Outermost `[quote]` pairs, however deep they nest; one left open reaches to the end."""
    depth, begin = 0, 0
    for match in re.finditer(r"\[(/?)quote(?:[= ][^\]\n]{0,300})?\]", text, re.IGNORECASE):
        if not match[1]:
            begin = match.start() if depth == 0 else begin
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                yield begin, match.end()
    if depth:
        yield begin, len(text)


def _foreign_lines(text: str) -> Iterator[tuple[int, int]]:
    """Places of quoted lines, their introductions, signatures and boilerplate."""
    patterns = _patterns()
    lines = list(_lines(text))
    heads = [text[start:end].strip()[:LONGEST_MARK] for start, end in lines]
    following = _following(heads)
    introduced = False
    for index, ((start, end), head) in enumerate(zip(lines, heads, strict=True)):
        written, onward = following[index]
        if index and written <= LONGEST_SIGNATURE and patterns.signature.match(head):
            yield start, len(text)
            return
        if patterns.introduction.match(head) and (index or len(lines) > 1):
            yield start, end
            introduced = bool(onward) and not patterns.quoted.match(onward)
        elif (
            patterns.quoted.match(head) or patterns.boilerplate.match(head) or (introduced and head)
        ):
            yield start, end
        elif introduced and not (index and patterns.introduction.match(heads[index - 1])):
            # A blank line closes an introduced quote, except one right behind the introduction.
            introduced = False


def _following(heads: Sequence[str]) -> list[tuple[int, str]]:
    """Of each line, how many written ones come after it, and the first of them; in one pass."""
    found, written, first = [], 0, ""
    for head in reversed(heads):
        found.append((written, first))
        if head:
            written, first = written + 1, head
    return found[::-1]


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in re.finditer(r"\r\n|\r|\n", text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


_END = re.compile(
    r"[.!?…\r\n\U0001F300-\U0001FAFF](?:"
    r"(?<![.!?…][.!?…])(?<![\r\n\U0001F300-\U0001FAFF])[.!?…]*+[\"'”’)\]]*+(?=\s|$)"
    r"|(?<![.!?].)(?<=[.!?])[.!?]*+(?=[A-Z][a-z])|(?<=\r)\n|(?<=[\r\n])"
    r"|(?<![\U0001F300-\U0001FAFF].)(?<=[\U0001F300-\U0001FAFF])[\U0001F300-\U0001FAFF]*+(?=\s))",
    re.DOTALL,
)
"""Only where one of its first characters stands is it tried, which is fast; a run of marks once, at
its first: a long run that ends nothing costs no more."""
_LAST_WORD = re.compile(r"(?<![\w.])[\w.]*+$")
_INITIAL = re.compile(r"[a-z]|\d{1,2}")
_GAP = re.compile(r"\s*\n\s*\n")
_ITEM = re.compile(r"\s*(?:[-*•+–]|\d{1,2}[.)]|[a-h]\))\s*\S")


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(text):
        if _ends(text, match):
            yield from _pieces(text, start, match.end())
            start = match.end()
    yield from _pieces(text, start, len(text))


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether this mark or line break really ends a sentence."""
    mark = match[0]
    if mark.isspace():
        return _line_ends(text, match.start(), match.end())
    if mark == ".":
        before = _LAST_WORD.search(text[max(0, match.start() - 12) : match.start()])
        word = before[0].lower() if before else ""
        if word in _patterns().abbreviations or _INITIAL.fullmatch(word):
            return bool(_GAP.match(text[match.end() : match.end() + 20])) or (
                word.isdigit() and not _starts_line(text, match.start() - len(word))
            )
    if not mark.startswith("...") and mark != "…":
        return True
    return not text[match.end() : match.end() + 4].lstrip()[:1].islower()


def _starts_line(text: str, place: int) -> bool:
    return not text[max(0, place - 40) : place].rpartition("\n")[2].strip()


def _line_ends(text: str, start: int, end: int) -> bool:
    """A line break ends a sentence at a blank line, a list item or a short line; else it wraps."""
    rest = text[end : end + 80]
    if not rest.split("\n", 1)[0].strip() or _ITEM.match(rest):
        return True
    line = text[max(0, start - 120) : start].rpartition("\n")[2]
    return len(line) < 45 or (rest.lstrip()[:1].isupper() and len(line) > 100)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The range, cut at commas or blanks where it is far too long for one sentence."""
    while end - start > LONGEST_SENTENCE:
        window = text[start : start + LONGEST_SENTENCE]
        cut = max(window.rfind(", "), window.rfind("; "))
        cut = cut if cut > LONGEST_SENTENCE // 3 else window.rfind(" ")
        cut = cut + 1 if cut > 0 else LONGEST_SENTENCE
        yield start, start + cut
        start += cut
    yield start, end
