"""A content brief as a paper: Markdown to edit, and a Word document made of that Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Literal

from dashboard import words
from dashboard.words import many, word
from miner.brief import Brief, Cited, Side, Voice

__all__ = ["Block", "blocks", "docx", "file_name", "markdown", "title"]

MISSING = {
    "Contradictions to address": "None was found.",
    "What members say": "No member speaks of it.",
}
"""What stands where a part is empty; else that it is unknown."""

_MARKS = re.compile(r"([\\`*_\[\]<>|~$])")
_FIRST = re.compile(r"^(\s*)([#+>-]|\d+[.)])")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def markdown(paper: Brief, made: str) -> str:
    """The brief to read and edit; `made` says of which run. What people wrote is escaped."""
    lines = [f"# {_plain(title(paper))}", "", paper.caution, ""]
    for heading, body in _parts(paper, made):
        lines += [f"## {heading}", "", *(body or [MISSING.get(heading, "Unknown.")]), ""]
    return "\n".join(lines).rstrip() + "\n"


def title(paper: Brief) -> str:
    """What the paper is called."""
    about = f" ({words.condition(paper.condition)})" if paper.condition else ""
    return f"Brief: {paper.name}{about}"


def _parts(paper: Brief, made: str) -> Iterator[tuple[str, list[str]]]:
    """Headings with their lines, in the order of the paper."""
    asked = (
        "A member's own words." if paper.asked else "Made from the theme's name: nobody asks it."
    )
    yield "The reader's question", [_plain(paper.question), "", asked]
    yield "Intent", [paper.intent]
    yield "Audience", [_plain(paper.audience)]
    yield "Angle", _listed(paper.angle)
    yield "Outline", list(_outline(paper))
    yield "Words people use", _listed(f"{said} ({many(n, 'member')})" for said, n in paper.words)
    yield "Evidence you may cite", list(_evidence(paper))
    yield "Claims to avoid", _listed(paper.avoid)
    yield "Contradictions to address", [line for side in paper.sides for line in _side(side)]
    yield "What members say", list(_voices(paper))
    yield "When to see a clinician", [paper.clinician_note, "", *_listed(paper.clinician)]
    yield "Sources and date", [_plain(made), "", f"Theme {paper.theme}."]


def _outline(paper: Brief) -> Iterator[str]:
    for chapter in paper.outline:
        yield f"### {_plain(chapter.heading)}"
        yield ""
        yield from _listed(chapter.points)
        yield ""


def _evidence(paper: Brief) -> Iterator[str]:
    """The state of it in a line, then each source with level, facts and address."""
    level = f"Level {paper.level}" if paper.level else "No level"
    certainty = f", certainty {word('certainty', paper.certainty)}" if paper.certainty else ""
    yield f"{level}, status: {word('statuses', paper.status)}{certainty}."
    yield ""
    yield from _listed(_cited(one) for one in paper.sources)
    if not paper.sources:
        yield "The project knows no source that could be cited."
    if paper.more_sources:
        yield f"{many(paper.more_sources, 'more source')} on the theme's page."


def _cited(one: Cited) -> str:
    facts = [
        f"Level {one.level}",
        word("source_types", one.source_type).lower(),
        word("designs", one.design) if one.design not in (None, one.source_type) else "",
        f"n = {one.n:,}" if one.n else "",
        str(one.year or ""),
        words.condition(one.condition) if one.condition else "",
        word("directions", one.direction),
        *(word("flags", flag) for flag in one.flags),
    ]
    named = " · ".join(fact for fact in facts if fact)
    finding = f" “{one.finding}”" if one.finding else ""
    doi = f" DOI {one.doi}," if one.doi else ""
    return f"{one.title}.{finding} {named}.{doi} {one.link}".replace("..", ".")


def _side(side: Side) -> Iterator[str]:
    yield f"### {word('contradictions', side.type)}"
    yield ""
    yield _plain(side.reason)
    yield ""
    for label, voices in (("For", side.supporting), ("Against", side.opposing)):
        yield from _listed(f"{label}: {_said(voice)}" for voice in voices)
    yield ""


def _voices(paper: Brief) -> Iterator[str]:
    if paper.voices:
        yield paper.paraphrase
        yield ""
    for stance, voices in paper.voices.items():
        yield from _listed(f"{word('stances', stance)}: {_said(voice)}" for voice in voices)


def _said(voice: Voice) -> str:
    when = f", {words.day(voice.when)}" if voice.when else ""
    link = f" {voice.link}" if words.link(voice.link) else ""
    return f"“{voice.text}” ({voice.who}{when}).{link}"


def _listed(lines: Iterable[str]) -> list[str]:
    return [f"- {_plain(line)}" for line in lines]


def _plain(text: str) -> str:
    """One line that a reader of Markdown shows as it is; addresses stay as they are."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    parts = re.split(r"(https?://\S+)", line)
    kept = [part if n % 2 else _MARKS.sub(r"\\\1", part) for n, part in enumerate(parts)]
    return _FIRST.sub(r"\1\\\2", "".join(kept))


# --- from Markdown on --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Block:
    """A line of a paper: a heading of level 1 to 4, an item of a list, or a paragraph."""

    kind: Literal["heading", "item", "text"]
    text: str
    level: int = 0


def blocks(text: str) -> list[Block]:
    """The paper's lines, whatever an editor made of them; lines without a gap are one paragraph."""
    found: list[Block] = []
    open_ = False
    for line in _UNSEEN.sub("", text.replace("\r\n", "\n")).split("\n"):
        block = _block(line.strip())
        if block is not None and open_ and block.kind == "text":
            found[-1] = Block(kind="text", text=f"{found[-1].text} {block.text}")
        elif block is not None:
            found.append(block)
        open_ = block is not None and block.kind == "text"
    return found


def _block(line: str) -> Block | None:
    heading = re.match(r"(#{1,4})\s+(.*)", line)
    item = re.match(r"(?:[-*+]|\d+[.)])\s+(.*)", line)
    if heading:
        return Block(kind="heading", text=_bare(heading[2]), level=len(heading[1]))
    if item:
        return Block(kind="item", text=_bare(item[1]))
    return Block(kind="text", text=_bare(line.removeprefix("> "))) if line else None


def _bare(text: str) -> str:
    """The text without its backslashes and stars of emphasis."""
    text = re.sub(r"(?<!\\)(\*\*|__)(\S.*?)(?<!\\)\1", r"\2", text)
    return _ESCAPED.sub(r"\1", text)


def docx(text: str, *, title: str = "", when: datetime | None = None) -> bytes:
    """The Markdown of a brief as a Word document; everything in it is plain text."""
    from docx import Document

    document = Document()
    document.core_properties.title = _UNSEEN.sub("", title)[:255]
    document.core_properties.author = "Folkgrade"
    document.core_properties.comments = ""
    if when is not None:
        document.core_properties.created = document.core_properties.modified = when
    for block in blocks(text):
        if block.kind == "heading":
            # Word's own title stands above the headings, so that these begin with 1.
            document.add_heading(block.text, block.level - 1)
        else:
            document.add_paragraph(block.text, "List Bullet" if block.kind == "item" else None)
    written = BytesIO()
    document.save(written)
    return written.getvalue()


def file_name(paper: Brief, ending: str) -> str:
    """Such as `brief-heel-drops.docx`: letters and digits alone."""
    bare = re.sub(r"[^a-z0-9]+", "-", paper.name.lower()).strip("-")[:60].strip("-")
    return f"brief-{bare or paper.theme}.{ending}"
