"""Files on disk to documents: pasted text, saved pages, topic JSON, JSON lines.

The one module of importing that touches the disk; what the content means is `crawler.plain`,
`crawler.rows` and `crawler.engines`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from crawler import clean, plain
from crawler.decode import decode, is_binary
from crawler.documents import Document, Source
from crawler.errors import NothingRead
from crawler.page import Found, Page
from crawler.rows import read_row

__all__ = ["FORMATS", "address", "read_file", "read_paths"]

log = logging.getLogger(__name__)

FORMATS = {
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".html": "page",
    ".htm": "page",
    ".xhtml": "page",
    ".json": "topic",
    ".jsonl": "rows",
    ".ndjson": "rows",
}
"""How a file is read, by the end of its name."""

_CALLED = {
    "text": "plain text",
    "page": "a saved page",
    "topic": "the JSON of a topic",
    "rows": "JSON lines",
}

_LARGEST = {"text": 4 * 2**20, "page": 16 * 2**20, "topic": 64 * 2**20, "rows": 128 * 2**20}
"""Bytes of a file by how it is read; a larger one is a dump, not a document."""
_LONGEST_LINE = 1_000_000
"""Characters; nobody writes a longer paragraph, and a parser would choke on it."""
_MOST_PARAGRAPHS = 10_000
"""Of a pasted thread: each gap between two is weighed, about a third of a millisecond."""
_HEAD = 200_000
"""Characters of a saved page in which its address is looked for."""


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file's text and what is to be made of it."""

    path: Path
    text: str
    fetched: datetime
    url: str | None
    kind: plain.Kind | None


def read_file(
    path: Path, fetched: datetime, url: str | None = None, kind: plain.Kind | None = None
) -> Found:
    """Documents of one file. `url`: address of a saved page; `kind`: what a plain text is.

    Raises NothingRead with one line (name, cause, way out) where there is nothing to read.
    """
    if url is not None and not clean.is_address(url):
        raise NothingRead(f"{path}: {url!a} is no web address; give --url as https://host/path")
    how = _format(path)
    text = _text(path, _LARGEST[how])
    given = _File(path=path, text=text, fetched=fetched, url=url, kind=kind)
    if how == "text" and _is_page(text):
        how = "page"
    try:
        return {"text": _plain, "page": _page, "topic": _topic, "rows": _rows}[how](given)
    except NothingRead:
        raise
    except Exception as error:  # whatever a file holds, the others are read
        cause = f"could not be read as {_CALLED[how]} ({type(error).__name__})"
        raise NothingRead(f"{path}: the file {cause}; was it saved whole?") from error


def read_paths(
    paths: Iterable[Path], fetched: datetime, url: str | None = None, kind: plain.Kind | None = None
) -> Iterator[tuple[Path, Found | NothingRead]]:
    """Each file of `paths` and of the folders among them, in order of name, with what it held.

    `url` is for a single saved page: several files under one address would be one document.
    Within a folder files of unknown formats and hidden ones are passed over.
    """
    for given in paths:
        inside = list(_walked(given)) if given.is_dir() else [given]
        if not inside:
            yield given, NothingRead(f"{given}: no file in this folder can be read; {_known()}")
        for path in inside:
            try:
                yield path, read_file(path, fetched, url, kind)
            except NothingRead as error:
                yield path, error


def _walked(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in FORMATS:
                yield Path(at) / name


def address(path: Path) -> str:
    """Identity of an imported file: its name and a mark of where it lies, never the path itself."""
    name = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:60] or "file"
    mark = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"import:{slug}-{mark}"


def _format(path: Path) -> str:
    if path.is_dir():
        inside = any(True for _ in _walked(path))
        cause = "is a folder; read its files one by one" if inside else "holds no file to read"
        raise NothingRead(f"{path}: {cause}; {_known()}")
    how = FORMATS.get(path.suffix.lower(), "text" if not path.suffix else "")
    if not how and path.exists():
        raise NothingRead(f"{path}: unknown format {path.suffix!r}; {_known()}")
    return how or "text"


def _known() -> str:
    return f"known formats are {' '.join(sorted(FORMATS))}"


def _text(path: Path, largest: int) -> str:
    raw = _bytes(path, largest)
    if not raw.strip():
        raise NothingRead(f"{path}: the file is empty; check that it was saved whole")
    if is_binary(raw):
        raise NothingRead(f"{path}: binary data, not text; save it as plain text or HTML")
    found = decode(raw)
    if found.note:
        log.warning("%s: %s", path.name, found.note)
    return found.text


def _bytes(path: Path, largest: int) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise NothingRead(f"{path}: no regular file; save its content to one")
        if size > largest:
            raise NothingRead(f"{path}: {size:,} bytes, more than {largest:,}; split the file")
        return path.read_bytes()
    except FileNotFoundError:
        raise NothingRead(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise NothingRead(f"{path}: {error.strerror or error}; check its permissions") from None


def _source(given: _File, engine: str) -> Source:
    return Source(url=address(given.path), site="import", fetched=given.fetched, engine=engine)


def _plain(given: _File) -> Found:
    text = plain.normal(clean.text(given.text))
    longest = max(map(len, text.split("\n")))
    if longest > _LONGEST_LINE:
        cause = f"a line of {longest:,} characters is no paragraph"
        raise NothingRead(f"{given.path}: {cause}; break the text into lines")
    if not re.search(r"\w", text):
        raise NothingRead(f"{given.path}: no words in it; check that it was saved whole")
    kind = given.kind or plain.kind_of(text).kind
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
    return _by_engine(given, given.url or _page_address(given.text), "text/html")


_ADDRESSES = (
    r"""<link\b(?=[^>]*\brel=["']?canonical)[^>]*\bhref=["']?(?P<url>https?://[^"'\s>]+)""",
    r"""<meta\b(?=[^>]*\bproperty=["']?og:url)[^>]*\bcontent=["']?(?P<url>https?://[^"'\s>]+)""",
    r"""<!--\s*saved from url=\(\d+\)(?P<url>https?://\S+?)\s*-->""",
    r"""<!--[^>]{0,400}?\burl:\s*(?P<url>https?://\S+)""",
)


def _page_address(text: str) -> str | None:
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
        return _rows(given, [json.dumps(content)])
    return _by_engine(given, given.url, "application/json")


def _by_engine(given: _File, url: str | None, content_type: str) -> Found:
    from crawler import engines

    page = Page(
        url=url or address(given.path),
        text=given.text,
        fetched=given.fetched,
        content_type=content_type,
    )
    try:
        found = engines.read(page)
    except NothingRead:
        cause = "no known forum page, topic or article"
        raise NothingRead(f"{given.path}: {cause}; try --url") from None
    if not found.documents:
        raise NothingRead(f"{given.path}: no posts and no article in it; was it saved whole?")
    return found if url else replace(found, documents=tuple(_homed(d) for d in found.documents))


def _homed(document: Document) -> Document:
    """A document of a page that names no address: at home in the import."""
    return replace(document, source=replace(document.source, site="import"))


def _rows(given: _File, lines: Iterable[str] | None = None) -> Found:
    documents: list[Document] = []
    failures: list[str] = []
    for number, line in enumerate(lines or given.text.split("\n"), start=1):
        if not line.strip():
            continue
        source = _source(given, "jsonl")
        try:
            documents.append(read_row(line, _numbered(source, number)))
        except NothingRead as error:
            failures.append(f"line {number}: {error}")
    if not documents:
        cause = failures[0] if failures else "no lines"
        raise NothingRead(f"{given.path}: {cause}; the form is in docs/formats.md")
    for failure in failures:
        log.warning("%s: %s", given.path.name, failure)
    return Found(documents=tuple(documents))


def _numbered(source: Source, number: int) -> Source:
    return replace(source, url=f"{source.url}-{number}")
