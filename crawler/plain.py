"""Plain text, pasted or saved, as a thread or an article: text in, a document out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from crawler import borders
from crawler.blocks import Block, blocks, joined, normal, numbers, patterns
from crawler.documents import Article, Post, Reference, Source, Thread

__all__ = ["Kind", "Verdict", "kind_of", "normal", "read_article", "read_thread"]

Kind = Literal["thread", "article"]

_SAMPLE = 60_000
"""Characters of a text that decide its kind."""
_TITLE_WORDS = 22
_TITLE_LENGTH = 150
_WORD = re.compile(r"\S+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What kind a text is, and how sure that is."""

    kind: Kind
    confidence: float
    """0.5 (a guess) to 1."""


def kind_of(text: str) -> Verdict:
    """Thread or article, by who speaks: I and greetings and answers, or headings and sources."""
    weights, counted = numbers("kind"), _counted(text[:_SAMPLE])
    score = weights["base"] + sum(weights[name] * value for name, value in counted.items())
    sure = 1 / (1 + math.exp(-abs(score)))
    return Verdict(kind="thread" if score > 0 else "article", confidence=round(sure, 3))


def _counted(text: str) -> dict[str, float]:
    whole = [b for b in blocks(normal(text)) if b.text]
    body = [b.text.strip() for b in whole[1:] or whole]
    talk = "\n".join(body)
    words = max(len(_WORD.findall(talk)), 1)
    known = patterns("talk")
    me = _rate(patterns("persons")["first"], talk, words)
    you = _rate(patterns("persons")["second"], talk, words)
    return {
        "closers": float(sum(b.closed for b in whole)),
        "me": min(me, 6.0),
        "opens": _share(bool(borders.opener(text) & _TURNS) for text in body),
        "asks": _share(text.endswith("?") and not _heading(text) for text in body),
        "starts_small": _share(text[:1].islower() for text in body),
        "habits": min(sum(_rate(p, talk, words) for p in _habits()), 3.0),
        "turns": min(_rate(known["turns"], talk, words), 3.0),
        "addresses": min(_rate(known["addresses"], talk, words), 2.0),
        "general": min(_rate(known["general"], talk, words), 10.0),
        "generic_you": max(you - me, 0.0),
        "headings": _share(_heading(line) for line in talk.split("\n")),
        "printed": float(sum(bool(p.search(talk)) for p in patterns("printed").values())),
    }


_TURNS = frozenset(("greeting", "thanks", "answer", "reaction"))


def _habits() -> list[re.Pattern[str]]:
    known = patterns("habits")
    return [known[name] for name in ("small_i", "lost_apostrophe", "shout", "smile")]


def _rate(pattern: re.Pattern[str], text: str, words: int) -> float:
    return 100 * sum(1 for _ in pattern.finditer(text)) / words


def _share(flags: Iterable[bool]) -> float:
    given = list(flags)
    return sum(given) / len(given) if given else 0.0


def _heading(line: str) -> bool:
    """True for a short line that starts large and ends on a letter or a question mark."""
    line = line.strip()
    end = line[-1:].isalnum() or (line[-1:] == "?" and len(line.split()) > 2)
    return len(line.split()) <= 10 and line[:1].isupper() and end


def read_thread(text: str, source: Source) -> Thread:
    """A pasted thread: the title is the first line, the posts are found by `crawler.borders`.

    Posts are `p1`, `p2`, … and name nobody; each text is a stretch of the normalised file.
    """
    run = blocks(normal(text))
    title, run = _title_off(run)
    last = run.pop() if run and not run[-1].text else None
    parts = borders.split(run)
    nexts = [*(part[0] for part in parts.posts[1:]), last]
    posts = tuple(
        Post(id=f"p{n}", number=n, text=joined(list(part)), likes=after.likes if after else None)
        for n, (part, after) in enumerate(zip(parts.posts, nexts, strict=True), start=1)
    )
    return Thread(source=source, title=title, posts=posts, confidence=parts.confidence)


def _title_off(run: Sequence[Block]) -> tuple[str, list[Block]]:
    """The first line as title and the blocks without it; no title where it reads like a post."""
    first, _, rest = run[0].text.partition("\n")
    if (not rest and len(run) == 1) or not _headline(first, strict=False):
        return "", list(run)
    if rest:
        return first.strip(), [Block(text=rest, blanks=0), *run[1:]]
    return first.strip(), list(run[1:])


def _headline(line: str, *, strict: bool = True) -> bool:
    """True for a line that can be a title: one short clause. `strict` refuses a closing stop."""
    line = line.strip()
    if len(line) > _TITLE_LENGTH or len(line.split()) > _TITLE_WORDS:
        return False
    inside = re.search(r"[.!?]\s+\S", line.removeprefix("Dr. "))
    return not (strict and (line.endswith(".") or inside))


def read_article(text: str, source: Source) -> Article:
    """A pasted article: title, whole text, and by-line, dates and references where it prints them.

    Where lines stand for paragraphs (no blank lines at all) they are parted by blank lines.
    """
    text = _parted(normal(text))
    first, _, rest = text.partition("\n")
    title, body = (first.strip(), rest.strip("\n")) if _headline(first) else (_clipped(first), text)
    if not body:
        title, body = _clipped(first), text
    author, credential = _author(body)
    return Article(
        source=source,
        title=title,
        text=body,
        author=author,
        credential=credential,
        published=_dated("published", body) or _dated("updated", body),
        reviewed=_dated("reviewed", body),
        references=_references(body),
    )


def _parted(text: str) -> str:
    """`text` with a blank line between lines that are paragraphs, where it has none."""
    lines = [line for line in text.split("\n") if line.strip()]
    blank = text.count("\n") + 1 - len(lines)
    wrapped = lines and max(map(len, lines)) <= 100
    return text if blank > len(lines) / 20 or wrapped else "\n\n".join(lines)


def _clipped(line: str) -> str:
    """The first sentence of a line, at most 100 characters, cut at a word."""
    sentence = re.split(r"(?<=[.!?])\s", line.strip(), maxsplit=1)[0]
    return sentence if len(sentence) <= 100 else sentence[:100].rsplit(" ", 1)[0] + "…"


def _author(text: str) -> tuple[str | None, str | None]:
    """Name and credentials (`PT, DPT`; `Dr` where that is all) of the author the text names."""
    known = patterns("authors")
    for kind in ("byline", "author", "about"):
        if match := known[kind].search(text):
            bare = re.sub(r"^[Dd]r\.?\s+", "", match["name"])
            name, last = _credential_off(bare)
            held = [*last, *known["credential"].findall(match["rest"])]
            title = ["Dr"] if bare != match["name"] and not held else []
            return name, ", ".join(held + title) or None
    return None, None


def _credential_off(name: str) -> tuple[str, list[str]]:
    """A name without a credential that was taken for its last part, and that credential."""
    head, _, tail = name.rpartition(" ")
    known = head and patterns("authors")["credential"].fullmatch(tail)
    return (head, [tail]) if known else (name, [])


def _dated(what: str, text: str) -> datetime | None:
    match = patterns("authors")[what].search(text)
    return _date(match["rest"]) if match else None


def _date(text: str) -> datetime | None:
    for pattern in patterns("dates").values():
        if match := pattern.search(text):
            given = match.groupdict()
            month = given.get("month") or _MONTHS.index(given["name"][:3].lower()) + 1
            try:
                return datetime(int(given["year"]), int(month), int(given["day"]), tzinfo=UTC)
            except ValueError:
                return None
    return None


def _references(text: str) -> tuple[Reference, ...]:
    """The numbered entries under the first heading that has some, such as `References`."""
    for heading in patterns("printed")["sources"].finditer(text):
        if entries := _entries(text[heading.end() :]):
            return entries
    return ()


def _entries(text: str) -> tuple[Reference, ...]:
    known = patterns("authors")
    found = []
    for match in known["numbered"].finditer(text):
        doi, pmid = known["doi"].search(match["text"]), known["pmid"].search(match["text"])
        found.append(
            Reference(
                text=match["text"].strip(),
                doi=doi["doi"].rstrip(".").lower() if doi else None,
                pmid=pmid["pmid"] if pmid else None,
            )
        )
    return tuple(found)
