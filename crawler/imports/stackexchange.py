"""Stack Exchange dumps: the rows of `Posts.xml`, questions and answers to threads.

Each row is read by itself and no XML parser sees the file: it may declare what it likes, and a
broken row costs itself alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from crawler import clean
from crawler.documents import Post, Source
from crawler.engines.answers import iso
from crawler.errors import NothingRead
from crawler.imports import Given, Yield
from crawler.imports.grouping import Gathered
from crawler.quoting import blockquoted
from crawler.streams import LONGEST, Stream

__all__ = ["read", "recognises"]

_START = re.compile(rb"<posts>\s*(?:<row\s|</posts>|$)")
_FIELD = re.compile(r'\s([A-Za-z]+)="([^"<]*)"')
QUESTION, ANSWER = "1", "2"


def recognises(head: bytes) -> float:
    """0.95 where the rows of `Posts.xml` begin."""
    return 0.95 if _START.search(head[:4096]) else 0.0


def read(stream: Stream, given: Given) -> Yield:
    """Threads, in pieces: an answer is at home in the thread of its question."""
    site = _site(stream, given)
    gathered = Gathered()
    for number, record in enumerate(stream.records(b"<row ")):
        if record is None:
            yield NothingRead(f"row {number}: longer than {LONGEST:,} bytes")
        elif number:  # before the first one stands the head of the file
            try:
                yield from _taken(gathered, _fields(record), site, given)
            except (KeyError, ValueError) as error:
                yield NothingRead(f"row {number}: no question and no answer ({error!a:.80})")
    yield from gathered.rest()


def _site(stream: Stream, given: Given) -> str:
    """The site, as the user says or as the folder of the dump is called."""
    folder = stream.path.resolve().parent.name
    name = (given.site or folder).lower()
    if not re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?", name):
        cause = "which site these posts are of is not said"
        raise NothingRead(f"{stream.path}: {cause}; try --site fitness.stackexchange.com")
    return name


def _fields(record: bytes) -> Mapping[str, str]:
    """The attributes of a row, each once unescaped as XML wants it."""
    text = record.decode("utf-8", "replace").partition("/>")[0]
    return {name: html.unescape(value) for name, value in _FIELD.findall(f" {text}")}


def _taken(gathered: Gathered, row: Mapping[str, str], site: str, given: Given) -> Yield:
    kind = row["PostTypeId"]
    if kind not in (QUESTION, ANSWER) or "DeletionDate" in row:
        return
    question = int(row["Id"] if kind == QUESTION else row["ParentId"])
    url = f"https://{site}/questions/{question}"
    source = Source(url=url, site=site, fetched=given.fetched, engine="stackexchange")
    answers = row.get("AnswerCount", "")
    expected = int(answers) + 1 if answers.isdigit() else None
    yield from gathered.add(source, _post(row, site, kind), row.get("Title", ""), expected)


def _post(row: Mapping[str, str], site: str, kind: str) -> Post:
    text, quotes = blockquoted(clean.markup(row["Body"]))
    return Post(
        id=str(int(row["Id"])),
        number=1 if kind == QUESTION else 2,
        text=text,
        author=row.get("OwnerDisplayName") or row.get("OwnerUserId"),
        written=iso(row.get("CreationDate")),
        edited=iso(row.get("LastEditDate")),
        reply_to=row.get("ParentId"),
        likes=clean.whole(int(row.get("Score") or 0)),
        url=f"https://{site}/{'q' if kind == QUESTION else 'a'}/{int(row['Id'])}",
        quotes=quotes,
    )
