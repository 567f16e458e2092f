"""Lists of references: RIS, NBIB, BibTeX and CSL-JSON become the same studies."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Study
from crawler.errors import NothingRead
from crawler.files import Request, read_file, read_paths
from crawler.imports import bibtex
from crawler.intake import take_in
from crawler.vault import Vault

NOW = datetime(2026, 5, 1, tzinfo=UTC)
WANTED = Request(fetched=NOW)

RIS = """TY  - JOUR
AU  - Müller, Anna
AU  - Oak, Bo
TI  - Putty for tennis elbow in bell ringers:
 a randomised trial
JO  - Journal of Invented Elbows
PY  - 2019/03/01
SP  - 1054
EP  - 61
DO  - https://doi.org/10.5555/Putty.1
AB  - Sixty ringers squeezed putty (NCT01234567).
KW  - Tennis Elbow
KW  - Putty
ER  -

TY  - JOUR
AU  - Elm, C
ER  -
"""

NBIB = """
PMID- 900001
TI  - Putty for tennis elbow in bell ringers:
      a randomised trial
PG  - 1054-61
LID - 10.5555/Putty.1 [doi]
AB  - Sixty ringers squeezed putty (NCT01234567).
FAU - Muller, Anna
AU  - Müller A
AU  - Oak B
PT  - Randomized Controlled Trial
DP  - 2019 Mar
JT  - Journal of Invented Elbows
MH  - *Tennis Elbow/therapy
MH  - Putty

PMID- 900002
TI  - Erratum to nothing at all
PT  - Published Erratum
"""

BIBTEX = r"""% my list
@string{jie = "Journal of Invented " # {Elbows}}
@comment{nothing}
@article{mueller19,
  title = {{Putty} for tennis elbow in bell ringers: a randomised trial},
  author = {M{\"u}ller, Anna and Oak, Bo},
  journal = jie,
  year = 2019, month = mar,
  pages = "1054--61",
  doi = {10.5555/Putty.1},
  abstract = {Sixty ringers squeezed {putty} (NCT01234567).},
  keywords = {Tennis Elbow, Putty}
}
@misc{empty, author = {Elm, C}}
"""

CSL: list[dict[str, Any]] = [
    {
        "type": "article-journal",
        "title": "Putty for tennis elbow in bell ringers: a randomised trial",
        "author": [{"family": "Müller", "given": "Anna"}, {"family": "Oak", "given": "Bo"}],
        "container-title": "Journal of Invented Elbows",
        "issued": {"date-parts": [["2019", 3]]},
        "page": "1054-1061",
        "DOI": "10.5555/Putty.1",
        "abstract": "<p>Sixty ringers squeezed putty (NCT01234567).</p>",
        "keyword": "Tennis Elbow, Putty",
    },
    {"type": "article-journal", "author": [{"family": "Elm"}]},
]

FORMS = {
    "refs.ris": RIS,
    "refs.nbib": NBIB,
    "refs.bib": BIBTEX,
    "refs.json": json.dumps(CSL, ensure_ascii=False),
}


def read(path: Path) -> Study:
    (found,) = read_file(path, WANTED).documents
    assert isinstance(found, Study)
    return found


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_study(name: str, tmp_path: Path) -> None:
    """Whatever the file is called; a reference without a title, or a notice, is passed over."""
    path = tmp_path / name
    path.write_text(FORMS[name], encoding="utf-8")
    study = read(path)
    assert study.title == "Putty for tennis elbow in bell ringers: a randomised trial"
    assert (study.year, study.doi, study.pages) == (2019, "10.5555/putty.1", 8)
    assert study.journal == "Journal of Invented Elbows"
    assert study.abstract == "Sixty ringers squeezed putty (NCT01234567)."
    assert study.registry == ("NCT01234567",)
    assert study.authors[0].startswith("Müller")
    assert set(study.mesh) == {"Tennis Elbow", "Putty"}
    assert study.source.url == "https://doi.org/10.5555/putty.1"
    steps = list(read_paths([path], WANTED))
    assert sum(step.is_record for step in steps) == 1
    other = tmp_path / "references.txt"
    other.write_text(FORMS[name], encoding="utf-8")
    assert read(other).doi == study.doi


def test_a_list_may_be_packed_and_in_an_older_character_set(tmp_path: Path) -> None:
    """As exports are found in the wild: Windows line ends, Latin letters, a byte order mark."""
    packed = tmp_path / "refs.ris.gz"
    packed.write_bytes(gzip.compress(RIS.replace("\n", "\r\n").encode("cp1252")))
    assert read(packed).authors[0] == "Müller, Anna"
    marked = tmp_path / "refs.nbib"
    marked.write_bytes(b"\xef\xbb\xbf" + NBIB.encode())
    assert read(marked).pmid == "900001"


def test_all_forms_together_store_one_paper(tmp_path: Path) -> None:
    """Each list tells what the others lack; authors keep their names."""
    for name, text in FORMS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    data = tmp_path / "data"
    data.mkdir()
    corpus = Corpus(open_database(str(data / "f.db")))
    with Vault(data, lambda: corpus).intake() as intake:
        paths = [tmp_path / name for name in FORMS]
        accounts = list(take_in(paths, WANTED, intake))
    assert [account.studies for account in accounts] == [1, 1, 1, 1]
    (study,) = corpus.documents()
    assert isinstance(study, Study)
    assert (study.doi, study.pmid) == ("10.5555/putty.1", "900001")
    assert study.publication_types == ("Randomized Controlled Trial",)
    assert study.authors[0] in ("Müller, Anna", "Müller A")


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"Caf\'e, M\"{o}rike {\o} \v{S}ime\v{c}ek", "Café, Mörike ø Šimeček"),
        (r"The {ACL} \& the {\em knee}: 95\% of 10--12", "The ACL & the knee: 95% of 10-12"),
        (r"Stra{\ss}e and \c{c}a", "Straße and ça"),
    ],
)
def test_tex_is_read_as_letters(tex: str, text: str) -> None:
    """Accents, signs and groups."""
    assert bibtex.plain(tex) == text


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        ('@article{a, title = "A "" b", year = 2001}', "title", "A"),
        ("@article{a, title = {No end", "title", "No end"),
        ("@article{a, title={One}, title={Two}}", "title", "One"),
        ("@online{a, title={Pre}, eprinttype={arXiv}, eprint={1}}", "preprint", True),
        ("@article{a, title={P}, eprinttype={pubmed}, eprint={123}}", "pmid", "123"),
        ("@article(a, title={Round}, year={1999})", "year", 1999),
    ],
)
def test_odd_entries_are_read_as_far_as_they_go(
    entry: str, field: str, value: Any, tmp_path: Path
) -> None:
    """Broken quotes, missing ends, doubled fields."""
    path = tmp_path / "odd.bib"
    path.write_text(entry)
    assert getattr(read(path), field) == value


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("RIN - J Elbow. 2020", "retracted"),
        ("PT  - Retracted Publication", "retracted"),
        ("PT  - Preprint", "preprint"),
    ],
)
def test_what_a_list_says_of_a_paper_is_kept(line: str, field: str, tmp_path: Path) -> None:
    """Retracted, or not yet reviewed."""
    path = tmp_path / "one.nbib"
    path.write_text(f"PMID- 7\nTI  - Putty and its uses in towers\n{line}\n")
    assert getattr(read(path), field) is True


def test_other_json_is_not_taken_for_references(tmp_path: Path) -> None:
    """A list of anything else is refused as before."""
    path = tmp_path / "x.json"
    path.write_text('[{"type": "post", "text": "hello"}]')
    with pytest.raises(NothingRead):
        read_file(path, WANTED)


SIGNS = st.text(alphabet='@{}()[]"\\=,#-% \n\tATYPER019abcdoi:~', max_size=300)


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from(["TY  - JOUR\n", "PMID- 1\n", "@a{b,c=", '[{"type":"book","title":']),
    rest=SIGNS,
)
def test_no_list_however_broken_ends_in_anything_but_a_line(
    start: str, rest: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is read, or refused with the reason."""
    path = tmp_path_factory.mktemp("f") / "x.bib"
    path.write_text(start + rest)
    for step in read_paths([path], WANTED):
        assert step.document or step.failure
