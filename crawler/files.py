"""Files on disk to documents: pasted text, saved pages, topic JSON, and dumps of many kinds.

The one module of importing that looks for files; what they mean is `crawler.plain`, the engines
and the readers of `crawler.imports`. Dumps are streamed: memory does not grow with them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from crawler import clean, imports, plain
from crawler.decode import decode, is_binary
from crawler.documents import Document, Source, Thread
from crawler.errors import NothingRead
from crawler.imports import Given
from crawler.page import Found, Page
from crawler.rows import read_object
from crawler.streams import Stream, open_stream

__all__ = [
    "FORMATS",
    "Homes",
    "Request",
    "Step",
    "address",
    "open_page",
    "printed_address",
    "read_file",
    "read_paths",
]

log = logging.getLogger(__name__)

FORMATS = {
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".html": "page",
    ".htm": "page",
    ".xhtml": "page",
    ".json": "topic",
    ".jsonl": "dump",
    ".ndjson": "dump",
    ".mbox": "dump",
    ".warc": "dump",
    ".xml": "dump",
    ".ris": "dump",
    ".nbib": "dump",
    ".bib": "dump",
}
"""How a file is read, by the end of its name, where its beginning does not tell."""
PACKINGS = {".gz", ".bz2", ".zst"}
"""Any of these may stand behind a name; the bytes tell what it is."""

_CALLED = {
    "text": "plain text",
    "page": "a saved page",
    "topic": "the JSON of a topic",
    "dump": "a dump",
}
_PACKED = {b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z", b"\xfd7zX": "xz", b"Rar!": "rar"}

_LARGEST = {"text": 4 * 2**20, "page": 16 * 2**20, "topic": 64 * 2**20}
"""Bytes of a file by how it is read; a larger one is a dump, not a document."""
_LONGEST_LINE = 1_000_000
"""Characters; nobody writes a longer paragraph, and a parser would choke on it."""
_MOST_PARAGRAPHS = 10_000
"""Of a pasted thread: each gap between two is weighed, about a third of a millisecond."""
_HEAD = 200_000
"""Characters of a saved page in which its address is looked for."""


def address(path: Path, digest: str) -> str:
    """Identity of a file that names no address: its name and a mark of its content."""
    stem = path.name.partition(".")[0]
    name = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:60] or "file"
    return f"import:{slug}-{digest[:12]}"


class Memory(Protocol):
    """What remembers short words by name: `crawler.corpus.Corpus`."""

    def stamp(self, url: str) -> str | None:
        """The word of that name."""

    def keep_stamp(self, url: str, stamp: str) -> None:
        """Remembers the word."""


class Homes:
    """Identities of files over time: one that moved, and one that was edited, is the same."""

    def __init__(self, memory: Memory) -> None:
        """`memory` outlives this run."""
        self.memory = memory

    def __call__(self, path: Path, digest: str) -> str:
        """The address of a file: as this content had it, else as this place had it, else new."""
        place = str(path.resolve()).encode("utf-8", "surrogateescape")
        names = (f"content:{digest}", f"place:{hashlib.sha256(place).hexdigest()}")
        known = (self.memory.stamp(name) for name in names)
        home = next((name for name in known if name), None) or address(path, digest)
        for name in names:
            if self.memory.stamp(name) != home:
                self.memory.keep_stamp(name, home)
        return home


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is wanted of files."""

    fetched: datetime
    url: str | None = None
    """Address of a saved page: several files under one address would be one document."""
    kind: plain.Kind | None = None
    """What a plain text is, where guessing fails."""
    site: str | None = None
    """Site of a dump that does not name it."""
    only: frozenset[str] = frozenset()
    """Groups of a dump, such as subreddits, in lower case; none: all."""
    home: Callable[[Path, str], str] = address
    """Address of a file by its path and the digest of its content."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step through files: a document, or why there is none, and how far reading came."""

    path: Path
    read: int
    """Bytes of the file read so far, as it lies on disk."""
    size: int
    document: Document | None = None
    failure: NothingRead | None = None
    is_record: bool = False
    """What failed is one record of a dump; the others are read."""
    is_whole: bool = False
    """The document is all that the file holds, so that former posts of it are gone."""


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file's text and what is to be made of it."""

    path: Path
    text: str
    address: str
    wanted: Request


def read_file(path: Path, wanted: Request) -> Found:
    """Documents of one small file, all at once.

    Raises NothingRead with one line (name, cause, way out) where there is nothing to read.
    """
    steps = list(_steps(path, wanted))
    documents = tuple(step.document for step in steps if step.document is not None)
    failures = [step.failure for step in steps if step.failure is not None]
    if failures and not documents:
        raise failures[0]
    for failure in failures:
        log.warning("%s", failure)
    return Found(documents=documents)


def read_paths(paths: Iterable[Path], wanted: Request) -> Iterator[Step]:
    """What each file of `paths` and of the folders among them holds, in order of name.

    Within a folder files of unknown formats and hidden ones are passed over. Nothing a file holds
    ends the reading of the others.
    """
    for given in paths:
        inside = list(_walked(given)) if given.is_dir() else [given]
        if not inside:
            failure = NothingRead(f"{given}: no file in this folder can be read; {_known()}")
            yield Step(path=given, read=0, size=0, failure=failure)
        for path in inside:
            yield from _steps(path, wanted)


def open_page(path: Path, url: str | None, fetched: datetime) -> Page:
    """A saved page or answer as an engine sees it, under `url` or the address it prints of itself.

    Raises NothingRead where it cannot be read as text.
    """
    with open_stream(path) as stream:
        raw = stream.whole(_LARGEST["page"])
    if is_binary(raw) or not raw.strip():
        raise NothingRead(f"{path}: no page of text; save it as HTML or JSON")
    text = decode(raw).text
    is_json = text.lstrip()[:1] in ("{", "[")
    printed = None if is_json else printed_address(text)
    return Page(
        url=url or printed or address(path, hashlib.sha256(raw).hexdigest()),
        text=text,
        fetched=fetched,
        content_type="application/json" if is_json else "text/html",
    )


def _walked(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Of a Stack Exchange dump, posts are all that is read.
        readable = (n for n in sorted(names) if _suffix(Path(n)) != ".xml" or n[:5] == "Posts")
        for name in readable:
            known = not name.startswith(".") and _suffix(Path(name)) in FORMATS
            if known and _lies_in(folder, Path(at) / name):
                yield Path(at) / name


def _lies_in(folder: Path, path: Path) -> bool:
    """Whether it is a file of that very folder: a link to elsewhere and a pipe are none."""
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a link to itself
        return False


def _suffix(path: Path) -> str:
    """The end of a name that tells the format, whatever it is packed in."""
    bare = path.with_suffix("") if path.suffix.lower() in PACKINGS else path
    return bare.suffix.lower()


def _steps(path: Path, wanted: Request) -> Iterator[Step]:
    """What one file holds; the last step may be why reading ended."""
    at, size, failure = 0, 0, None
    try:
        _check_request(path, wanted)
        with open_stream(path) as stream:
            size = stream.size
            for step in _read(stream, wanted):
                at = stream.position
                yield replace(step, read=at)
            if stream.damage:
                said = f"{path}: {stream.damage}; get it anew, what came before counts"
                failure = NothingRead(said)
    except NothingRead as error:
        failure = error
    if failure:
        yield Step(path=path, read=at, size=size, failure=failure)


def _check_request(path: Path, wanted: Request) -> None:
    if wanted.url is not None and not clean.is_address(wanted.url):
        cause = f"{wanted.url!a} is no web address; give --url as https://host/path"
        raise NothingRead(f"{path}: {cause}")
    if path.is_dir():
        inside = any(True for _ in _walked(path))
        cause = "is a folder; read its files one by one" if inside else "holds no file to read"
        raise NothingRead(f"{path}: {cause}; {_known()}")


def _read(stream: Stream, wanted: Request) -> Iterator[Step]:
    head = stream.head()
    if not head.strip() and not stream.damage and len(head) < 2**16:
        raise NothingRead(f"{stream.path}: the file is empty; check that it was saved whole")
    reader = None if wanted.kind else imports.choose(head)
    how = "dump" if reader else _format(stream.path, head)
    if how == "dump":
        yield from _dump(stream, reader or imports.reader("rows"), wanted)
        return
    for document in _document(stream, how, wanted):
        whole = document.source.url.startswith("import:")
        yield Step(path=stream.path, read=0, size=stream.size, document=document, is_whole=whole)


def _format(path: Path, head: bytes) -> str:
    """How a file that is no known dump is read, by its name."""
    for mark, name in _PACKED.items():
        if head.startswith(mark):
            raise NothingRead(f"{path}: a {name} archive; unpack it first")
    suffix = _suffix(path)
    how = FORMATS.get(suffix, "text" if not suffix else "")
    if not how:
        raise NothingRead(f"{path}: unknown format {suffix!r}; {_known()}")
    if how == "dump" and suffix not in (".jsonl", ".ndjson"):
        raise NothingRead(f"{path}: it does not begin as a {suffix} that is known; {_known()}")
    return how


def _known() -> str:
    return (
        f"known formats are {' '.join(sorted(FORMATS))}, also packed: {' '.join(sorted(PACKINGS))}"
    )


def _dump(stream: Stream, reader: imports.Reader, wanted: Request) -> Iterator[Step]:
    digest = hashlib.sha256(stream.head()).hexdigest()
    given = Given(
        name=stream.path.name,
        address=wanted.home(stream.path, digest),
        fetched=wanted.fetched,
        site=wanted.site,
        only=wanted.only,
    )
    step = Step(path=stream.path, read=0, size=stream.size)
    count = 0
    for found in reader.read(stream, given):
        if isinstance(found, NothingRead):
            cause = NothingRead(f"{stream.path}: {found}")
            yield replace(step, failure=cause, is_record=True)
        else:
            count += 1
            yield replace(step, document=found)
    if not count and not stream.damage:
        raise NothingRead(
            f"{stream.path}: no thread, article or reference in it; see docs/formats.md"
        )


def _document(stream: Stream, how: str, wanted: Request) -> tuple[Document, ...]:
    """What a file holds that is one document, or one page."""
    path = stream.path
    raw = stream.whole(_LARGEST[how])
    if stream.damage and not raw:
        return ()
    if not raw.strip():
        raise NothingRead(f"{path}: the file is empty; check that it was saved whole")
    if is_binary(raw):
        raise NothingRead(f"{path}: binary data, not text; save it as plain text or HTML")
    decoded = decode(raw)
    if decoded.note:
        log.warning("%s: %s", path.name, decoded.note)
    home = wanted.home(path, hashlib.sha256(raw).hexdigest())
    given = _File(path=path, text=decoded.text, address=home, wanted=wanted)
    if how == "text" and _is_page(decoded.text):
        how = "page"
    try:
        return {"text": _plain, "page": _page, "topic": _topic}[how](given).documents
    except NothingRead:
        raise
    except Exception as error:  # whatever a file holds, the others are read
        cause = f"could not be read as {_CALLED[how]} ({type(error).__name__})"
        raise NothingRead(f"{path}: the file {cause}; was it saved whole?") from error


def _source(given: _File, engine: str) -> Source:
    fetched = given.wanted.fetched
    return Source(url=given.address, site="import", fetched=fetched, engine=engine)


def _plain(given: _File) -> Found:
    text = plain.normal(clean.text(given.text))
    longest = max(map(len, text.split("\n")))
    if longest > _LONGEST_LINE:
        cause = f"a line of {longest:,} characters is no paragraph"
        raise NothingRead(f"{given.path}: {cause}; break the text into lines")
    if not re.search(r"\w", text):
        raise NothingRead(f"{given.path}: no words in it; check that it was saved whole")
    kind = given.wanted.kind or plain.kind_of(text).kind
    if kind == "thread" and (gaps := text.count("\n\n")) > _MOST_PARAGRAPHS:
        cause = (
            f"{gaps:,} blank lines, more than a pasted thread of {_MOST_PARAGRAPHS:,} paragraphs"
        )
        raise NothingRead(f"{given.path}: {cause}; split the file")
    source = _source(given, f"plain-{kind}")
    read = plain.read_thread if kind == "thread" else plain.read_article
    return Found(documents=(clean.sound(read(text, source)),))


def _is_page(text: str) -> bool:
    start = r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html\b)"
    return re.match(start, text[:4000], re.IGNORECASE | re.DOTALL) is not None


def _page(given: _File) -> Found:
    return _by_engine(given, given.wanted.url or printed_address(given.text), "text/html")


_ADDRESSES = (
    r"""<link\b(?=[^>]*\brel=["']?canonical)[^>]*\bhref=["']?(?P<url>https?://[^"'\s>]+)""",
    r"""<meta\b(?=[^>]*\bproperty=["']?og:url)[^>]*\bcontent=["']?(?P<url>https?://[^"'\s>]+)""",
    r"""<!--\s*saved from url=\(\d+\)(?P<url>https?://\S+?)\s*-->""",
    r"""<!--[^>]{0,400}?\burl:\s*(?P<url>https?://\S+)""",
)


def printed_address(text: str) -> str | None:
    """Address that a saved page prints of itself: canonical link, og:url, the browser's comment."""
    for pattern in _ADDRESSES:
        if match := re.search(pattern, text[:_HEAD], re.IGNORECASE):
            url = match["url"].replace("&amp;", "&")
            return url if clean.is_address(url) else None
    return None


def _topic(given: _File) -> Found:
    try:
        content = json.loads(given.text)
    except (ValueError, RecursionError) as error:
        raise NothingRead(f"{given.path}: no valid JSON ({error}); save the answer whole") from None
    if isinstance(content, dict) and content.get("kind") in ("thread", "article"):
        return Found(documents=(_own(given, content),))
    return _by_engine(given, given.wanted.url, "application/json")


def _own(given: _File, content: Mapping[str, Any]) -> Document:
    """A document of our own form in a file of its own."""
    try:
        return read_object(content, _source(given, "jsonl"))
    except NothingRead as error:
        raise NothingRead(f"{given.path}: {error}; the form is in docs/formats.md") from None


def _by_engine(given: _File, url: str | None, content_type: str) -> Found:
    from crawler import engines

    page = Page(
        url=url or given.address,
        text=given.text,
        fetched=given.wanted.fetched,
        content_type=content_type,
    )
    try:
        found = engines.read(page)
    except NothingRead:
        cause = "no known forum page, topic or article"
        raise NothingRead(f"{given.path}: {cause}; try --url") from None
    if not any(_holds_words(document) for document in found.documents):
        raise NothingRead(f"{given.path}: no posts and no article in it; was it saved whole?")
    return found if url else replace(found, documents=tuple(_homed(d) for d in found.documents))


def _holds_words(document: Document) -> bool:
    return bool(document.posts) if isinstance(document, Thread) else True


def _homed(document: Document) -> Document:
    """A document of a page that names no address: at home in the import."""
    return replace(document, source=replace(document.source, site="import"))
