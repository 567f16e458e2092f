"""BibTeX: entries with fields in braces or quotation marks, accents as TeX writes them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from crawler.decode import decode
from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.bibliography import Entry, study_of
from crawler.streams import Stream

__all__ = ["read", "recognises"]

_LARGEST = 64 * 2**20
_START = re.compile(r"@(\w+)\s*([{(])")
_FIELD = re.compile(r"[\s,]*([\w-]+)\s*=\s*")
_PIECE = re.compile(r"\s*(?:#\s*)?(\w+)")
_MARKS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    '"': "\u0308",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "k": "\u0328",
    "r": "\u030a",
    "b": "\u0331",
    "d": "\u0323",
}
_ACCENT = re.compile(r"\\([`'^~\"=.])\s*\{?\\?([A-Za-z])\}?|\\([uvHckrbd])(?:\s+|\{)([A-Za-z])\}?")
_LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ",
    "aa": "å", "AA": "Å", "i": "i", "j": "j", "textendash": "–", "textemdash": "—", "ndash": "–",
}  # fmt: skip
_LETTER = re.compile(rf"\\({'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?![A-Za-z])\s?")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?\s*")
_JOINED = re.compile(r"\s*#")


def recognises(head: bytes) -> float:
    """0.9 where the first sign of an entry stands at the beginning of a line, with a key."""
    found = re.search(rb"(?m)^[^\S\n]*+@(\w+)\s*[{(]", head)
    is_entry = re.search(rb"(?m)^[^\S\n]*+@\w+\s*+[{(]\s*+[^\s,={}]++\s*+,\s*+[\w-]++\s*=", head)
    return 0.9 if found and is_entry else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """A study for each entry; strings, preambles and comments are none."""
    text = decode(stream.whole(_LARGEST)).text
    for number, fields in enumerate(_entries(text), start=1):
        try:
            yield study_of(_entry(fields), given, "bibtex", number)
        except NothingRead as error:
            yield NothingRead(f"reference {number}: {error}")


def _entries(text: str) -> Iterator[Mapping[str, str]]:
    strings: dict[str, str] = {}
    at = 0
    while match := _START.search(text, at):
        kind, at = match[1].lower(), match.end()
        if kind in ("comment", "preamble"):
            continue
        if kind == "string":
            found, at = _fields(text, at, strings)
            strings |= found
            continue
        comma = text.find(",", at)
        if comma < 0:
            return
        found, at = _fields(text, comma + 1, strings)
        yield {"entrytype": kind, **found}


def _fields(text: str, at: int, strings: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Fields from there on, and where they end."""
    found: dict[str, str] = {}
    while match := _FIELD.match(text, at):
        value, at = _value(text, match.end(), strings)
        found.setdefault(match[1].lower(), value)
    return found, at


def _value(text: str, at: int, strings: Mapping[str, str]) -> tuple[str, int]:
    """The value there, its pieces joined, and where it ends."""
    pieces: list[str] = []
    while True:
        while at < len(text) and (text[at].isspace() or text[at] == "#"):
            at += 1
        if at < len(text) and text[at] in '{"':
            end = _closing(text, at)
            pieces.append(text[at + 1 : end])
            at = end + 1
        elif (match := _PIECE.match(text, at)) is not None:
            pieces.append(strings.get(match[1].lower(), match[1]))
            at = match.end()
        else:
            break
        after = _JOINED.match(text, at)
        if after is None:
            break
        at = after.end()
    return "".join(pieces), at


def _closing(text: str, at: int) -> int:
    """Where what opens there closes; the end of the text where it does not."""
    depth, quote = 0, text[at] == '"'
    for place in range(at + 1, len(text)):
        sign = text[place]
        if text[place - 1] == "\\":
            continue
        if sign == '"' and quote and depth == 0:
            return place
        if sign == "{":
            depth += 1
        elif sign == "}":
            if depth == 0:
                return place
            depth -= 1
    return len(text)


def plain(tex: str) -> str:
    """The text without braces and commands, accents as letters."""
    text = _ACCENT.sub(_accented, tex)
    text = _LETTER.sub(lambda m: _LETTERS[m[1]], text)
    text = re.sub(r"\\([&%$#_{}])", r"\1", text.replace("~", " ").replace("---", "—"))
    text = re.sub(r"(?<=\d)--(?=\d)", "-", text).replace("--", "–")
    return " ".join(_COMMAND.sub("", text).replace("{", "").replace("}", "").split())


def _accented(match: re.Match[str]) -> str:
    mark, letter = (match[1], match[2]) if match[1] else (match[3], match[4])
    return unicodedata.normalize("NFC", letter + _MARKS[mark])


def _entry(fields: Mapping[str, str]) -> Entry:
    def of(*names: str) -> str:
        return next((plain(fields[name]) for name in names if fields.get(name)), "")

    authors = [plain(name) for name in re.split(r"(?<!\s)\s++and\s+", fields.get("author", ""))]
    is_preprint = fields.get("entrytype") == "unpublished" or bool(
        re.search(r"arxiv|biorxiv|medrxiv", of("archiveprefix", "eprinttype"), re.I)
    )
    return Entry(
        title=of("title"),
        abstract=of("abstract"),
        authors=[name for name in authors if name and name != "others"],
        year=of("year", "date"),
        journal=of("journal", "journaltitle", "booktitle"),
        doi=fields.get("doi", "").replace("\\_", "_").replace("{", "").replace("}", ""),
        pmid=of("pmid") or (of("eprint") if of("eprinttype").lower() == "pubmed" else ""),
        pages=of("pages"),
        url=fields.get("url", "").strip("{} "),
        types=["Preprint"] if is_preprint else [],
        keywords=re.split(r"[;,]", of("keywords", "keyword")),
        other=of("note", "annote"),
    )
