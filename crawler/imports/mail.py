"""Mailing lists: mbox files as Mailman, HyperKitty, Pipermail and mail programs write them.

A thread is what answers one mail, by References and In-Reply-To, else by its subject.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parseaddr, parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

from crawler import clean
from crawler.decode import decode, stated
from crawler.documents import Post, Quoted, Source
from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.grouping import Gathered, Memo
from crawler.quoting import blockquoted, unquoted
from crawler.sites import site_of
from crawler.streams import LONGEST, Stream

__all__ = ["own_letter", "read", "recognises"]

_DATA = Path(__file__).parents[1] / "data" / "mail.toml"
_BEGIN = re.compile(rb"\s*From [^\n]{1,300}\d{4}[^\n]{0,40}\n(?:>?From[ :]|[A-Za-z][\w-]*:)")
_ENVELOPE = re.compile(rb"[^\n]{1,300}\d{1,2}:\d{2}[^\n]{0,60}\d{4}[^\n]{0,40}\r?(?:\n|$)")
_READ = 2**20
"""Bytes of a mail that are read; the text comes first, attachments after it."""
_MOST_PARTS = 60
_REFERENCE = re.compile(r"<([^<>\s]{3,400})>")
_PREFIXED = re.compile(r"\[[^\[\]\n]{1,60}\]")
_UNFIT = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def recognises(head: bytes) -> float:
    """0.9 where a line of an envelope and the header of a mail begin the file."""
    return 0.9 if _BEGIN.match(head) else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """Threads, in pieces."""
    gathered, roots = Gathered(), Memo()
    for number, raw in enumerate(_mails(stream), start=1):
        if raw is None:
            yield NothingRead(f"mail {number}: longer than {LONGEST:,} bytes")
            continue
        try:
            if raw[:_READ].count(b"boundary=") > _MOST_PARTS:
                raise ValueError("too many parts")
            mail = BytesParser().parsebytes(raw[:_READ])
            if not mail.keys():
                raise ValueError("it has no header")
            yield from _taken(gathered, roots, mail, given)
        except _UNFIT as error:
            yield NothingRead(f"mail {number}: cannot be read ({error!a:.80})")
    yield from gathered.rest()


def _mails(stream: Stream) -> Iterator[bytes | None]:
    """The mails without the lines of their envelopes; a `From` within a text begins none."""
    held: list[bytes] = []
    size = 0
    for piece in stream.records(b"\nFrom "):
        if piece is None:
            yield None
            continue
        body = piece.lstrip().removeprefix(b"From ") if not held else piece
        if held and not _ENVELOPE.match(body) and size < LONGEST:
            held.append(piece)
            size += len(piece) + 6
            continue
        if held:
            yield b"\nFrom ".join(held)
        held, size = [body.partition(b"\n")[2]], len(body)
    if held:
        yield b"\nFrom ".join(held)


def _taken(gathered: Gathered, roots: Memo, mail: Message, given: Given) -> Yield:
    text, quotes = _said(mail)
    own = _own_id(mail, text)
    subject, is_answer = _subject(_header(mail, "Subject"))
    known = _REFERENCE.findall(_header(mail, "References") + " " + _header(mail, "In-Reply-To"))
    root = _root(roots, own, [name for name in known if name != own], subject, is_answer)
    parent = _hash(known[-1]) if known else None
    source = _home(mail, root, given)
    url = roots.get(f"\0home\0{root}") or source.url
    roots.put(f"\0home\0{root}", url)
    source = replace(source, url=url)
    post = Post(
        id=_hash(own),
        number=1 if root == own else 2,
        text=text,
        author=_author(mail),
        written=_moment(_header(mail, "Date")),
        reply_to=parent,
        url=_permalink(mail),
        quotes=tuple(replace(quote, post=parent) for quote in quotes),
    )
    yield from gathered.add(source, post, subject)


def _root(roots: Memo, own: str, known: list[str], subject: str, is_answer: bool) -> str:
    """Message id of the mail that opened the thread."""
    by_reference = (roots.get(name) for name in [own, *reversed(known)])
    found = next((name for name in by_reference if name), None)
    by_subject = roots.get(f"\0{subject.casefold()}") if is_answer and not known else None
    root = found or by_subject or (known[0] if known else own)
    for name in {own, *known}:
        roots.put(name, root)
    roots.put(f"\0{subject.casefold()}", root)
    return root


def _home(mail: Message, root: str, given: Given) -> Source:
    """Where the thread is: on the web where the mail names its archive, else in the import."""
    archive = next(iter(_REFERENCE.findall(_header(mail, "List-Archive"))), "")
    hyperkitty = re.search(r"/list/[^/]+@[^/]+/?$", archive)
    if hyperkitty and clean.is_address(archive):
        url = f"{archive.rstrip('/')}/thread/{_hash(root)}/"
        return Source(url=url, site=site_of(url), fetched=given.fetched, engine="mail")
    url = f"import:mail-{_hash(root).lower()}"
    names = _REFERENCE.findall(_header(mail, "List-Id"))
    site = given.site or (names[0].lower() if names else "import")
    return Source(url=url, site=site, fetched=given.fetched, engine="mail")


def _permalink(mail: Message) -> str | None:
    found = _REFERENCE.findall(_header(mail, "Archived-At"))
    return found[0] if found and clean.is_address(found[0]) else None


def _own_id(mail: Message, text: str) -> str:
    found = _REFERENCE.findall(_header(mail, "Message-ID"))
    said = [_header(mail, name) for name in ("From", "Date", "Subject")]
    return found[0] if found else _hash("\0".join([*said, text[:500]]))


def _hash(name: str) -> str:
    """Mailman's short form of a message id, by which its archives name mails."""
    digest = hashlib.sha1(name.encode("utf-8", "surrogateescape"), usedforsecurity=False)
    return base64.b32encode(digest.digest()).decode()


def _header(mail: Message, name: str) -> str:
    """The header's text, encoded words read; empty where it is not there."""
    given = mail.get(name)
    if given is None:
        return ""
    pieces = []
    for piece, charset in decode_header(str(given)):
        raw = piece.encode("latin-1", "replace") if isinstance(piece, str) else piece
        pieces.append(piece if isinstance(piece, str) else _text(raw, charset))
    return clean.line("".join(pieces))


def _subject(given: str) -> tuple[str, bool]:
    """The subject without prefixes and names of lists, and whether it is that of an answer."""
    text, is_answer = _PREFIXED.sub(" ", given).strip(), False
    while found := _answer_prefix().match(text):
        text, is_answer = text[found.end() :].strip(), True
    return " ".join(text.split()), is_answer


def _author(mail: Message) -> str | None:
    """The name a member goes by, else what stands before the @."""
    given = re.sub(r"(\S) at (\S)", r"\1@\2", _header(mail, "From"))
    name, address = parseaddr(given)
    return name.strip("'\" ") or address.partition("@")[0] or None


def _moment(given: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(given)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _said(mail: Message) -> tuple[str, tuple[Quoted, ...]]:
    """The member's own words and what they quote; raises ValueError where a mail has no text."""
    parts: dict[str, Message] = {}
    for part in mail.walk():
        is_text = part.get_content_maintype() == "text" and not part.is_multipart()
        if is_text and part.get_content_disposition() != "attachment":
            parts.setdefault(part.get_content_subtype(), part)
    if "plain" in parts:
        return own_letter(_text(*_payload(parts["plain"])))
    if "html" in parts:
        text, quotes = blockquoted(clean.markup(_text(*_payload(parts["html"]))))
        return own_letter(text)[0], quotes
    raise ValueError("there is no text in it")


def _payload(part: Message) -> tuple[bytes, str | None]:
    found: Any = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b"", part.get_content_charset()


def _text(raw: bytes, charset: str | None) -> str:
    """The text in the character set it says it has, else in the one it looks like."""
    text = stated(raw, charset or "utf-8")
    return decode(raw).text if text is None else text


def own_letter(given: str) -> tuple[str, tuple[Quoted, ...]]:
    """The member's own words of a mail's plain text, and what they quote; no signature."""
    text = clean.text(given).replace("\n>From ", "\nFrom ")
    if tail := _tail().search(text):
        text = text[: tail.start()]
    return unquoted(_attribution().sub("", text))


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


@cache
def _answer_prefix() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(_words()['subject']['answers'])})(?:\[\d+\])?\s?:", re.I)


@cache
def _tail() -> re.Pattern[str]:
    return re.compile(rf"^(?:{'|'.join(_words()['tail']['lines'])})[ \t]*$", re.I | re.M)


@cache
def _attribution() -> re.Pattern[str]:
    """The line above a quote, or two where it was broken; names are in it."""
    words = _words()["attribution"]
    said, starts = "|".join(words["said"]), "|".join(words["starts"])
    end = rf"\b(?:{said})[^\n>]{{0,60}}:[ \t]*\n(?=(?:[ \t]*\n)?[ \t]{{0,3}}>)"
    broken = rf"(?:{starts})\b[^\n>]{{1,200}}\n[^\n>]{{0,120}}?"
    return re.compile(rf"^(?:[^\n>]{{1,200}}?|{broken}){end}", re.I | re.M)
