"""A digest written down: Markdown, one HTML page, a mail, an Atom feed. Pure; no remote part."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from importlib.resources import files
from xml.etree import ElementTree as Tree

from miner.digest import HEADINGS, MOST, Digest, Entry, Section
from miner.errors import UnknownPart
from miner.export.package import CAUTION
from miner.export.page import POLICY

__all__ = ["FORMATS", "atom", "html", "letter", "markdown", "subject", "text"]

ATOM = "http://www.w3.org/2005/Atom"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://folkgrade.example/feed")


def letter(form: str, digest: Digest) -> bytes:
    """The digest in that form; UnknownPart for one nobody knows."""
    if form not in FORMATS:
        raise UnknownPart(f"no digest as {form!r}: known are {', '.join(FORMATS)}")
    return FORMATS[form](digest)


def subject(digest: Digest) -> str:
    """One line: the project, and how many things of which kind."""
    counts = [
        f"{len(found)} {heading.lower()}"
        for section, heading in HEADINGS.items()
        if (found := digest.of(section))
    ]
    return f"{digest.project or 'Folkgrade'}: {', '.join(counts) or 'nothing changed'}"


def _span(digest: Digest) -> str:
    since = f"since {_day(digest.since)}" if digest.since else "from the very start"
    return f"Run {digest.run} of {_day(digest.until)}, {since}."


def _day(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d}"


def _nothing(digest: Digest) -> str:
    return "Nothing changed." if not digest.entries else ""


def _shown(found: list[Entry]) -> list[Entry]:
    """Those written out: not the themes that one person brought up."""
    loud = [entry for entry in found if entry.section != "new" or entry.authors > 1]
    return (loud or found)[:MOST]


def _more(found: list[Entry]) -> str:
    left = len(found) - len(_shown(found))
    return f"and {left:,} more" if left else ""


def _sections(digest: Digest) -> Iterator[tuple[Section, str, list[Entry]]]:
    for section, heading in HEADINGS.items():
        if found := digest.of(section):
            yield section, heading, found


# What would be markup, a link or a tag inside a line; points and commas stay, so that it reads.
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~!&$^={}@]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def escaped(text: str) -> str:
    """One line that Markdown shows as it stands, and that reads well as it is."""
    return _MARKUP.sub(r"\\\g<0>", _line(text))


def markdown(digest: Digest) -> bytes:
    """Markdown in UTF-8."""
    return ("\n".join(_markdown(digest)) + "\n").encode()


def _markdown(digest: Digest) -> Iterator[str]:
    yield f"# {escaped(digest.project) or 'Folkgrade'}: digest\n"
    yield f"{_span(digest)} {_nothing(digest)}".rstrip()
    for _, heading, found in _sections(digest):
        yield f"\n## {heading} ({len(found):,})\n"
        for entry in _shown(found):
            link = digest.link(entry)
            name = f"[{escaped(entry.name)}]({link})" if link else f"**{escaped(entry.name)}**"
            yield f"- {name}: {escaped(entry.text)}"
        if more := _more(found):
            yield f"- {more}"
    if digest.freshness:
        yield "\n## How fresh it is\n"
        yield from (f"- {escaped(line)}" for line in digest.freshness)
    yield f"\n---\n{CAUTION}"


def text(digest: Digest) -> str:
    """Plain text for a mail."""
    return "\n".join(_text(digest)) + "\n"


def _text(digest: Digest) -> Iterator[str]:
    yield f"{_span(digest)} {_nothing(digest)}".rstrip()
    for _, heading, found in _sections(digest):
        yield f"\n{heading.upper()} ({len(found):,})"
        for entry in _shown(found):
            yield f"* {_line(entry.name)}: {_line(entry.text)}"
            if link := digest.link(entry):
                yield f"  {link}"
        if more := _more(found):
            yield f"* {more}"
    if digest.freshness:
        yield "\nHOW FRESH IT IS"
        yield from (f"* {_line(line)}" for line in digest.freshness)
    yield f"\n-- \n{CAUTION}"


def _line(text: str) -> str:
    return " ".join(text.split())


def html(digest: Digest) -> bytes:
    """One page that asks for nothing."""
    return ("\n".join(_html(digest)) + "\n").encode()


def _html(digest: Digest) -> Iterator[str]:
    title = escape(f"{digest.project or 'Folkgrade'}: digest")
    style = files("miner").joinpath("data/page.css").read_text("utf-8")
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f"<style>{style}</style></head><body><main><h1>{title}</h1>"
    yield f"<p>{escape(f'{_span(digest)} {_nothing(digest)}'.rstrip())}</p>"
    for _, heading, found in _sections(digest):
        yield f"<h2>{heading} ({len(found):,})</h2><ul>"
        yield from (_item(digest, entry) for entry in _shown(found))
        if more := _more(found):
            yield f"<li>{more}</li>"
        yield "</ul>"
    if digest.freshness:
        yield "<h2>How fresh it is</h2><ul>"
        yield from (f"<li>{escape(line)}</li>" for line in digest.freshness)
        yield "</ul>"
    yield f'<p class="caution">{escape(CAUTION)}</p></main></body></html>'


def _item(digest: Digest, entry: Entry) -> str:
    link = digest.link(entry)
    name = escape(entry.name)
    shown = f'<a href="{escape(link)}">{name}</a>' if link else f"<strong>{name}</strong>"
    return f"<li>{shown}: {escape(entry.text)}</li>"


def eml(digest: Digest) -> bytes:
    """A mail with text and HTML, addressed to nobody: it opens as a draft."""
    mail = EmailMessage(policy=SMTP)
    project = digest.project or "Folkgrade"
    mark = hashlib.sha256(html(digest)).hexdigest()
    mail["Subject"] = _line(subject(digest))
    mail["From"] = "Folkgrade <folkgrade@localhost>"
    mail["Date"] = format_datetime(digest.until.astimezone(UTC))
    mail["Message-ID"] = f"<{mark[:32]}@folkgrade.localhost>"
    mail["List-Id"] = f"<{uuid.uuid5(_SPACE, project)}.folkgrade.localhost>"
    mail["X-Unsent"] = "1"
    mail.set_content(text(digest), cte="quoted-printable")
    mail.add_alternative(html(digest).decode(), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"folkgrade-{mark[:24]}")
    return mail.as_bytes()


def atom(digest: Digest) -> bytes:
    """An Atom feed: an entry a change, whose id and date stay whenever it is told."""
    Tree.register_namespace("", ATOM)
    feed = Tree.Element(f"{{{ATOM}}}feed")
    project = digest.project or "Folkgrade"
    updated = max((entry.when for entry in digest.entries), default=digest.since or digest.until)
    _child(feed, "title", project)
    _child(feed, "subtitle", CAUTION)
    _child(feed, "id", uuid.uuid5(_SPACE, project).urn)
    _child(feed, "updated", _moment(updated))
    _child(_child(feed, "author"), "name", "Folkgrade")
    for entry in digest.entries:
        _entry(feed, digest, entry)
    body: bytes = Tree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _entry(feed: Tree.Element, digest: Digest, entry: Entry) -> None:
    element = _child(feed, "entry")
    _child(element, "title", f"{HEADINGS[entry.section]}: {entry.name}")
    _child(element, "id", entry.id)
    _child(element, "updated", _moment(entry.when))
    _child(element, "category").set("term", entry.section)
    if link := digest.link(entry):
        _child(element, "link").attrib.update(rel="alternate", href=link)
    _child(element, "content", f"{entry.text} {CAUTION}").set("type", "text")


def _child(parent: Tree.Element, name: str, said: str = "") -> Tree.Element:
    child = Tree.SubElement(parent, f"{{{ATOM}}}{name}")
    # What XML cannot hold would make the whole feed unreadable.
    child.text = "".join(sign for sign in said if sign.isprintable() or sign in "\n\t") or None
    return child


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


FORMATS: dict[str, Callable[[Digest], bytes]] = {
    "md": markdown,
    "html": html,
    "eml": eml,
    "atom": atom,
}
