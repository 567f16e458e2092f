"""A brief as Markdown and as a Word document: readable, editable, inert."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import docx
import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from dashboard import papers
from miner.brief import Brief
from miner.knowledge import Knowledge
from miner.report import theme_brief

FIELDS = [
    "The reader's question", "Intent", "Audience", "Angle", "Outline", "Words people use",
    "Evidence you may cite", "Claims to avoid", "Contradictions to address", "What members say",
    "When to see a clinician", "Sources and date",
]  # fmt: skip


def paper(database: Path, theme: str) -> Brief:
    """The brief of a theme of the small project."""
    engine = open_database(str(database))
    knowledge = Knowledge(engine)
    item = knowledge.theme(theme)
    assert item is not None
    return theme_brief(Corpus(engine), knowledge, item)


def headings(text: str, level: int) -> list[str]:
    found = papers.blocks(text)
    return [one.text for one in found if one.kind == "heading" and one.level == level]


@pytest.mark.parametrize("theme", ["rem-heeldrops", "rem-hostile", "cau-desk", "dia-insertion"])
def test_every_field_is_filled_or_said_to_be_unknown(small_project: Path, theme: str) -> None:
    """No heading of a brief stands empty."""
    text = papers.markdown(paper(small_project, theme), "Run 1.")
    assert headings(text, 2) == FIELDS
    found = papers.blocks(text)
    for one, after in zip(found, [*found[1:], None], strict=True):
        assert one.kind != "heading" or after is not None
        assert one.level != 2 or after is None or after.level != 2


def test_the_evidence_has_level_facts_and_doi(small_project: Path) -> None:
    """The trial of the small project is cited with all that is known of it."""
    text = papers.markdown(paper(small_project, "rem-heeldrops"), "Run 1.")
    line = next(one.text for one in papers.blocks(text) if "Journal of Heels" in one.text)
    for fact in ("Level 2", "randomised trial", "n = 84", "2020", "https://doi.org/10.1234/heel"):
        assert fact in line


def test_a_word_document_holds_what_the_markdown_says(small_project: Path) -> None:
    """Re-read, its paragraphs are the blocks of the text, headings as headings."""
    text = papers.markdown(paper(small_project, "rem-heeldrops"), "Run 1.")
    document = docx.Document(BytesIO(papers.docx(text, title="Heels")))
    assert [p.text for p in document.paragraphs] == [one.text for one in papers.blocks(text)]
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 1"] == FIELDS
    assert document.paragraphs[0].style.name == "Title"
    assert document.core_properties.title == "Heels"


def test_what_was_edited_is_what_is_taken_along() -> None:
    """Emphasis, numbers, quotes and wrapped lines of a person's own Markdown are understood."""
    edited = "# A\r\n\nTwo **bold** words\nof one line\n\n1. first\n* second\n> said\n\n#### Deep\n"
    assert [(one.kind, one.text) for one in papers.blocks(edited)] == [
        ("heading", "A"), ("text", "Two bold words of one line"), ("item", "first"),
        ("item", "second"), ("text", "said"), ("heading", "Deep"),
    ]  # fmt: skip
    document = docx.Document(BytesIO(papers.docx(edited)))
    assert len(document.paragraphs) == 6


def test_hostile_words_are_text_in_both(small_project: Path) -> None:
    """Markup is escaped in Markdown and comes out whole in Word; nothing is a link or a picture."""
    text = papers.markdown(paper(small_project, "rem-hostile"), "Run 1.")
    assert "<script>" not in text.replace("\\<", "")
    assert "![pic](" not in text
    assert "evil.example" not in text
    written = papers.docx(text + "\n\x00\x0b\ud800 <w:p/> &amp;\n")
    document = docx.Document(BytesIO(written))
    assert "<script>window.pwned = 1</script>" in "\n".join(p.text for p in document.paragraphs)
    assert document.inline_shapes._inline_lst == []
    assert b"evil.example" not in written


def test_a_file_is_named_by_letters_and_digits(small_project: Path) -> None:
    """No name of a theme makes a path."""
    assert papers.file_name(paper(small_project, "rem-heeldrops"), "md") == "brief-heel-drops.md"
    name = papers.file_name(paper(small_project, "rem-hostile"), "docx")
    assert name.startswith("brief-img-src")
    assert not set(name) & set("/\\:<> ")
