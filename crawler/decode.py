"""Bytes of a file to text, with what had to be guessed or replaced. Pure."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

__all__ = ["Decoded", "character_set", "decode", "decode_as", "is_binary", "stated"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAGIC = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"SQLite f")
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_CHARSET = re.compile(rb"""<meta\b[^>]{0,1000}\bcharset=["']?([\w-]+)""", re.IGNORECASE)
_PARAMETER = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
_SAMPLE = 200_000
_SETS = re.compile(
    r"ascii|utf[-_]?(?:8|16|32)(?:[-_](?:sig|le|be))?|iso8859[-_]\d{1,2}|cp\d{3,5}|koi8[-_][rtu]"
    r"|mac[-_][a-z]{2,10}|big5(?:hkscs)?|gb2312|gbk|gb18030|hz|euc[-_]\w{2,12}|johab|tis[-_]620"
    r"|(?:iso2022|shift)[-_]\w{2,12}|hp[-_]roman8|kz1048|ptcp154"
)
"""Codecs that are character sets. Python has others, some of which take hours (punycode), or make
of letters what was not sent (unicode_escape)."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Text, and a note where it is not simply what the file says."""

    text: str
    note: str | None = None


def is_binary(raw: bytes) -> bool:
    """True where the first bytes belong to no text: a known signature, or control characters."""
    head = raw[:8192]
    if any(head.startswith(mark) for mark, _ in _MARKS):
        return False
    return head.startswith(_MAGIC) or len(_CONTROL.findall(head)) > len(head) / 200


def character_set(name: str) -> str | None:
    """Python's name of a character set that somebody states; None where it is none."""
    try:
        known = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    return known if _SETS.fullmatch(known) else None


def stated(raw: bytes, name: str | None) -> str | None:
    """Text in the character set its sender states; None where that is none, or does not fit."""
    known = character_set(name) if name else None
    try:
        return raw.decode(known) if known else None
    except UnicodeError:
        return None


def decode_as(raw: bytes, content_type: str) -> str:
    """Text of an answer: in the character set of its header, else as `decode` reads it."""
    named = _PARAMETER.search(content_type)
    text = stated(raw, named[1]) if named else None
    return decode(raw).text if text is None else text


def decode(raw: bytes) -> Decoded:
    """Text of `raw`: by its byte-order mark, as UTF-8, or in the character set it looks like.

    Bytes that fit nothing become U+FFFD and are counted in the note.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _replaced(raw, name)
    try:
        return Decoded(text=raw.decode("utf-8"))
    except UnicodeDecodeError:
        return _replaced(raw, "utf-8") if _mostly_utf8(raw) else _declared(raw) or _guessed(raw)


def _declared(raw: bytes) -> Decoded | None:
    """Text in the character set that an HTML page says it has; None where that does not fit."""
    match = _CHARSET.search(raw[:4096])
    text = stated(raw, match[1].decode("latin-1")) if match else None
    return None if text is None else Decoded(text=text)


def _mostly_utf8(raw: bytes) -> bool:
    """True where the bytes above 127 are UTF-8 sequences more often than not."""
    sample = raw[:_SAMPLE] if any(b > 127 for b in raw[:_SAMPLE]) else raw
    high = sum(1 for b in sample if b > 127)
    good = sum(len(match) for match in _MULTIBYTE.findall(sample))
    return good * 2 > high


def _guessed(raw: bytes) -> Decoded:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:_SAMPLE]).best()
    name = best.encoding if best is not None and not _latin(str(best)) else "cp1252"
    found = _replaced(raw, name)
    return Decoded(text=found.text, note=found.note or f"not UTF-8, read as {name}")


def _latin(text: str) -> bool:
    """True for text in Latin letters: their sets look alike, and the one of Windows is usual."""
    letters = [c for c in text if c.isalpha()]
    return sum(1 for c in letters if c < "\u0250") * 10 >= len(letters) * 9


def _replaced(raw: bytes, name: str) -> Decoded:
    text = raw.decode(name, errors="replace")
    lost = text.count("\ufffd") - raw.count("\ufffd".encode())
    note = f"{lost} bytes that are not {name} were replaced" if lost > 0 else None
    return Decoded(text=text, note=note)
