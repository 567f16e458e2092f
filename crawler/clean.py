"""What may be stored: text without hidden characters, addresses, numbers with sense. Pure.

Every document passes here once, before it is stored, so that offsets refer to what is kept.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from crawler.documents import Article, Document, Post, Quoted, Reference, Study, Thread

__all__ = [
    "MOST",
    "address",
    "date",
    "is_address",
    "line",
    "markup",
    "name",
    "sound",
    "text",
    "whole",
]

MOST = 1_000_000_000
"""Greatest number of posts, likes or places that is believed."""
_OLDEST = 1980
"""Year before which nobody wrote on a forum or a web page."""
_ENDS = re.compile(r"\r\n?|[\v\f\u2028\u2029]")
# What pages mean by these numbers: quotes and dashes of Windows, as browsers show them.
_WINDOWS = {n: bytes([n]).decode("cp1252", "ignore") for n in range(0x80, 0xA0)}
_REFERENCES = re.compile(
    r"&#(?:0{0,9}(?:[0-8]|1[124-9]|2\d|3[01]|127)|x0{0,9}(?:[0-8bcef]|1[\da-f]|7f|d[89a-f][\da-f]{2}))"
    r"(?:;|(?![\da-f]))|[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff]",
    re.I,
)
# Controls, halves of surrogate pairs, marks that turn the writing round, zero-width characters.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff"
    r"\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]+"
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\))")
"""Commands to a terminal, whose letters would stay when the control character goes."""
# Joiners are right in emoji and in Persian, never between two Western letters.
_WESTERN = r"[0-9A-Za-z_\u00c0-\u024f\u0370-\u052f]"
_JOINERS = re.compile(rf"(?<={_WESTERN})[\u200c\u200d]+(?={_WESTERN})")
_UNSAFE = re.compile(
    r"[\s\x00-\x20\x7f-\x9f\ud800-\udfff\ufffd\u200b-\u200f\u202a-\u202e\u2060-\u2069]"
)
_MARKS = re.compile(r"[\"<>`]")
"""What may not stand in an address as it is: a page that shows it would end there."""


def text(given: str) -> str:
    """The text without hidden characters; every end of a line is a newline."""
    if given.isascii() and given.replace("\n", "").isprintable():
        return given  # as most texts are; tenfold faster than to look for what they lack
    plain = _HIDDEN.sub("", _ESCAPES.sub("", _ENDS.sub("\n", given)).translate(_WINDOWS))
    return _JOINERS.sub("", plain)


def markup(given: str) -> str:
    """A page without characters that no tree may hold, however they are written: `&#x1b;`."""
    return _REFERENCES.sub("", given)


def line(given: str) -> str:
    """The text as one line."""
    return " ".join(text(given).split())


def name(given: str | None) -> str | None:
    """A person's name without any zero-width character; None where nothing is left."""
    return re.sub(r"[\u200c\u200d]", "", line(given)) or None if given else None


def is_address(url: str) -> bool:
    """Whether it is a web address, or the `import:` of a file."""
    if _UNSAFE.search(url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port out of range raises only when asked for
    except ValueError:
        return False
    if parts.scheme == "import":
        return bool(parts.path)
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    return is_web and not _MARKS.search(parts.netloc)


def address(url: str) -> str | None:
    """The address without a name and password in it, marks written as `%22`; None for no address.

    The `import:` of a file stays as it is.
    """
    if not is_address(url):
        return None
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "import" or (host == parts.netloc and not _MARKS.search(url)):
        return url
    bare = urlunsplit(parts._replace(netloc=host))
    return _MARKS.sub(lambda mark: f"%{ord(mark[0]):02X}", bare)


def whole(given: Any) -> int | None:
    """A number that counts something, 0 to `MOST`; None for anything else."""
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return given if is_number and 0 <= given <= MOST else None


def date(given: datetime | None, fetched: datetime) -> datetime | None:
    """The moment, where it lies between the first forums and a year after the visit."""
    return given if given and _OLDEST <= given.year <= fetched.year + 1 else None


def sound(document: Document) -> Document:
    """The document with what may not be stored taken out of it; a post id counts once."""
    source = document.source
    source = replace(source, url=address(source.url) or source.url, site=line(source.site))
    if isinstance(document, Thread):
        return replace(
            document,
            source=source,
            title=line(document.title),
            posts=_posts(document.posts, source.fetched),
            expected=whole(document.expected),
        )
    if isinstance(document, Article):
        return _article(replace(document, source=source))
    return _study(replace(document, source=source))


def _posts(posts: tuple[Post, ...], fetched: datetime) -> tuple[Post, ...]:
    by_id: dict[str, Post] = {}
    for place, post in enumerate(posts, start=1):
        kept = _post(post, place, fetched)
        by_id.setdefault(kept.id, kept)
    return tuple(by_id.values())


def _post(post: Post, place: int, fetched: datetime) -> Post:
    return replace(
        post,
        id=line(str(post.id)) or f"p{place}",
        number=whole(post.number) or place,
        text=text(post.text),
        author=name(post.author),
        written=date(post.written, fetched),
        edited=date(post.edited, fetched),
        reply_to=line(post.reply_to) or None if post.reply_to else None,
        likes=whole(post.likes),
        url=address(post.url) if post.url else None,
        quotes=tuple(_quoted(quote) for quote in post.quotes),
    )


def _quoted(quote: Quoted) -> Quoted:
    post = line(quote.post) or None if quote.post else None
    return replace(quote, text=text(quote.text), author=name(quote.author), post=post)


def _article(article: Article) -> Article:
    fetched = article.source.fetched
    return replace(
        article,
        title=line(article.title),
        text=text(article.text),
        author=name(article.author),
        credential=name(article.credential),
        published=date(article.published, fetched),
        reviewed=date(article.reviewed, fetched),
        references=tuple(_reference(entry) for entry in article.references),
    )


def _reference(entry: Reference) -> Reference:
    return replace(entry, text=text(entry.text), doi=name(entry.doi), pmid=name(entry.pmid))


def _study(study: Study) -> Study:
    return replace(
        study,
        title=line(study.title),
        abstract=text(study.abstract),
        publication_types=_lines(study.publication_types),
        n=whole(study.n),
        pages=whole(study.pages),
        doi=line(study.doi) or None if study.doi else None,
        pmid=line(study.pmid) or None if study.pmid else None,
        authors=_lines(study.authors),
        journal=line(study.journal),
        mesh=_lines(study.mesh),
        registry=_lines(study.registry),
    )


def _lines(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, map(line, given)))
