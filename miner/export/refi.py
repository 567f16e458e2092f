"""REFI-QDA 2019: codes are themes, codings are quotes, cases are pseudonyms.

Positions count code points of texts whose lines end in one line feed, a text a file, as the
programs that read the format do. Every GUID follows from the ids, so that a second export brings
nothing twice. Written by hand and in passing, since a project may hold 100,000 texts.
"""

from __future__ import annotations

import io
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from miner.export.archive import packed
from miner.export.package import KINDS, File, Mark, Package, Passage
from miner.export.sheet import lines_about, text_file
from miner.model import SubTheme, Theme

__all__ = ["codebook", "project"]

PROJECT = "urn:QDA-XML:project:1.0"
CODEBOOK = "urn:QDA-XML:codebook:1.0"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://folkgrade.example/refi")
_COLOURS = {"remedy": "#2E7D32", "cause": "#B23C17", "trigger": "#8E6C00", "diagnosis": "#3B5BA5"}
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""
VARIABLES = ("site", "written")


def project(package: Package) -> list[File]:
    """The project: `project.qde` and a text a file, in one archive."""
    return [File(name=".qdpx", write=lambda stream: _project(stream, package))]


def codebook(package: Package) -> list[File]:
    """The themes alone."""

    def write(stream: IO[bytes]) -> None:
        xml = _Xml(stream)
        with xml.within("CodeBook", xmlns=CODEBOOK, origin=package.about.program):
            _codes(xml, package.themes)
        xml.end()

    return [File(name=".qdc", write=write)]


def _guid(*names: str) -> str:
    return str(uuid.uuid5(_SPACE, "\n".join(names)))


class _Xml:
    """Elements written as they come."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._out = XMLGenerator(stream, "UTF-8", short_empty_elements=True)
        self._out.startDocument()

    @contextmanager
    def within(self, element: str, /, **attributes: str) -> Iterator[None]:
        """An element round what its block writes."""
        fitting = {key: _fit(value) for key, value in attributes.items()}
        self._out.startElement(element, AttributesImpl(fitting))
        yield
        self._out.endElement(element)

    def leaf(self, element: str, text: str = "", /, **attributes: str) -> None:
        """An element with a text or nothing in it."""
        with self.within(element, **attributes):
            if text:
                self._out.characters(_fit(text))

    def end(self) -> None:
        """Ends the document."""
        self._out.endDocument()


def _fit(text: str) -> str:
    """The text without what XML cannot hold, each such sign a replacement of the same length."""
    return _UNFIT.sub("\ufffd", text)


def _project(stream: IO[bytes], package: Package) -> None:
    cases = _cases(package)
    # The list of texts comes first in the archive and grows while they are gone through.
    qde = io.BytesIO()
    _qde(qde, package, cases)
    texts = (
        text_file(f"sources/{_guid('text', one.key)}.txt", _fit(one.text))
        for one in package.passages
    )
    first = File(name="project.qde", write=lambda out: (out.write(qde.getvalue()), None)[1])
    packed(stream, (one for some in ([first], texts) for one in some))


def _cases(package: Package) -> Mapping[str, Sequence[str]]:
    """GUIDs of their texts by pseudonym."""
    found: dict[str, list[str]] = defaultdict(list)
    for passage in package.passages:
        if passage.author:
            found[passage.author].append(_guid("text", passage.key))
    return dict(sorted(found.items()))


def _qde(stream: IO[bytes], package: Package, cases: Mapping[str, Sequence[str]]) -> None:
    about = package.about
    when, user = about.mined.strftime("%Y-%m-%dT%H:%M:%SZ"), _guid("user", about.program)
    xml = _Xml(stream)
    with xml.within(
        "Project",
        xmlns=PROJECT,
        name=about.project or "Folkgrade",
        origin=about.program,
        creatingUserGUID=user,
        creationDateTime=when,
    ):
        with xml.within("Users"):
            xml.leaf("User", guid=user, name=about.program)
        if package.themes:
            with xml.within("CodeBook"):
                _codes(xml, package.themes)
        with xml.within("Variables"):
            for name in VARIABLES:
                xml.leaf("Variable", guid=_guid("variable", name), name=name, typeOfVariable="Text")
        _write_cases(xml, cases)
        _write_sources(xml, package, user, when)
        xml.leaf("Description", "\n".join(f"{name}: {said}" for name, said in lines_about(package)))
    xml.end()


def _codes(xml: _Xml, themes: Sequence[Theme]) -> None:
    """A code for each kind that bears no coding, the themes below it, sub-themes below those."""
    names = _names(themes)
    below: dict[str, list[Theme]] = defaultdict(list)
    for theme in themes:
        below[theme.kind].append(theme)
    with xml.within("Codes"):
        for kind, name in KINDS.items():
            if below[kind]:
                with xml.within("Code", guid=_guid("kind", kind), name=name, isCodable="false"):
                    for theme in below[kind]:
                        _code(xml, theme, names)


def _names(themes: Sequence[Theme]) -> dict[str, str]:
    """A name of its own for each theme and sub-theme, by id.

    QualCoder loses the codings of a second code of a name.
    """
    taken: set[str] = set()
    names = {}
    called = [(theme.id, theme.name, theme.kind) for theme in themes]
    called += [(part.id, part.name, theme.kind) for theme in themes for part in theme.parts]
    for known, given, kind in called:
        name = given or known
        every = (name, f"{name} ({kind})", f"{name} ({known})")
        names[known] = next(some for some in every if some.casefold() not in taken)
        taken.add(names[known].casefold())
    return names


def _code(xml: _Xml, theme: Theme, names: Mapping[str, str]) -> None:
    with _coded(xml, theme, names, _COLOURS[theme.kind]):
        for part in theme.parts:
            with _coded(xml, part, names, _COLOURS[theme.kind]):
                pass


@contextmanager
def _coded(
    xml: _Xml, one: Theme | SubTheme, names: Mapping[str, str], colour: str
) -> Iterator[None]:
    """A code that quotes may bear, with what is within it."""
    said = f"{one.id}: {one.tally.authors} people, {one.tally.reported} told an outcome"
    attributes = {"name": names[one.id], "color": colour}
    with xml.within("Code", guid=_guid("theme", one.id), isCodable="true", **attributes):
        xml.leaf("Description", said)
        yield


def _write_cases(xml: _Xml, cases: Mapping[str, Sequence[str]]) -> None:
    if not cases:
        return
    with xml.within("Cases"):
        for author, texts in cases.items():
            with xml.within("Case", guid=_guid("case", author), name=author):
                for text in dict.fromkeys(texts):
                    xml.leaf("SourceRef", targetGUID=text)


def _write_sources(xml: _Xml, package: Package, user: str, when: str) -> None:
    passages = iter(package.passages)
    first = next(passages, None)
    if first is None:
        return
    parts = {c: part.id for t in package.themes for part in t.parts for c in part.claims}
    with xml.within("Sources"):
        for passage in (one for some in ([first], passages) for one in some):
            _write_source(xml, passage, user, when, parts)


def _write_source(
    xml: _Xml, passage: Passage, user: str, when: str, parts: Mapping[str, str]
) -> None:
    guid = _guid("text", passage.key)
    with xml.within(
        "TextSource",
        guid=guid,
        name=passage.name,
        plainTextPath=f"internal://{guid}.txt",
        creatingUser=user,
        creationDateTime=when,
    ):
        for mark in passage.marks:
            codes = [mark.theme, *filter(None, [parts.get(mark.claim)])]
            _write_mark(xml, mark, passage, user, when, codes)
        for name in VARIABLES:
            if value := getattr(passage, name):
                with xml.within("VariableValue"):
                    xml.leaf("VariableRef", targetGUID=_guid("variable", name))
                    xml.leaf("TextValue", value)


def _write_mark(
    xml: _Xml, mark: Mark, passage: Passage, user: str, when: str, codes: Sequence[str]
) -> None:
    with xml.within(
        "PlainTextSelection",
        guid=_guid("selection", passage.key, mark.claim),
        name=mark.claim,
        startPosition=str(mark.start),
        endPosition=str(mark.end),
        creatingUser=user,
        creationDateTime=when,
    ):
        if mark.note:
            xml.leaf("Description", mark.note)
        for code in codes:
            coding = _guid("coding", mark.claim, code)
            with xml.within("Coding", guid=coding, creatingUser=user, creationDateTime=when):
                xml.leaf("CodeRef", targetGUID=_guid("theme", code))
