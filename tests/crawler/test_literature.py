"""What services are asked and how their answers are read: invented records in their true shapes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.documents import Source, Study
from crawler.errors import NothingRead
from crawler.literature import SERVICES, UnknownService, service
from crawler.literature.answers import studies_of
from crawler.literature.papers import is_same, joined, names
from crawler.literature.queries import Found, Wanted, quoted
from crawler.literature.texts import plain, registries, tidy_doi, tidy_pmid
from crawler.page import Page

NOW = datetime(2026, 5, 1, tzinfo=UTC)
WANTED = Wanted(
    subject="rem-1",
    condition="elbow",
    words=("putty", "putty squeezing"),
    condition_words=("tennis elbow", "lateral epicondylitis"),
    since=2005,
    most=40,
)


def page(body: object, url: str = "https://service.example/x?cursorMark=%2A&page=1") -> Page:
    text = body if isinstance(body, str) else json.dumps(body)
    return Page(url=url, text=text, fetched=NOW)


# --- what is asked ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SERVICES if service(name).searches])
def test_every_query_names_remedy_and_condition_with_their_synonyms(name: str) -> None:
    """Each word of both, the year, and no more records than wanted."""
    for query in service(name).queries(WANTED):
        asked = " ".join(
            v for values in parse_qs(urlsplit(query.url).query).values() for v in values
        )
        for word in (*WANTED.words, *WANTED.condition_words):
            assert f'"{word}"' in asked, query
        assert "2005" in asked
        assert "40" in asked
        assert query.url.startswith(service(name).host)


def test_the_firmest_kinds_of_study_are_asked_for_first() -> None:
    """Reviews, then trials, then any study of people."""
    for name in ("europepmc", "pubmed"):
        assert [q.rung for q in service(name).queries(WANTED)] == ["reviews", "trials", "studies"]


def test_a_word_cannot_break_out_of_its_quotation_marks() -> None:
    """Signs that mean something in queries are taken for blanks."""
    assert quoted('ice" OR (all:*), x') == '"ice OR all x"'
    assert quoted("dancer\u2019s self-massage") == '"dancer\'s self-massage"'


def test_a_cause_is_no_intervention() -> None:
    """The registry is asked for causes by any words."""
    urls = [service("clinicaltrials").queries(replace(WANTED, is_remedy=r))[0].url for r in (1, 0)]
    assert "query.intr" in urls[0]
    assert "query.intr" not in urls[1]


def test_crossref_is_asked_about_papers_that_were_found_some_at_a_time() -> None:
    """No search; none where no paper has a DOI."""
    assert service("crossref").queries(WANTED) == ()
    many = replace(WANTED, dois=tuple(f"10.1234/p{n:03}" for n in range(45)))
    found = service("crossref").queries(many)
    assert [q.text.count("doi:") for q in found] == [20, 20, 5]
    assert len({q.rung for q in found}) == 3


def test_keys_come_from_the_environment_and_stand_in_no_query() -> None:
    """They are added as a request is sent; without a contact no address is."""
    keys = {"NCBI_API_KEY": "k-ncbi", "OPENALEX_API_KEY": "k-alex"}
    pubmed, alex = service("pubmed"), service("openalex")
    assert pubmed.secrets(keys, "me@example.org") == {
        "tool": "folkgrade",
        "email": "me@example.org",
        "api_key": "k-ncbi",
    }
    assert alex.secrets(keys, "") == {"api_key": "k-alex"}
    assert service("crossref").secrets(keys, "me@example.org") == {"mailto": "me@example.org"}
    assert "k-" not in "".join(q.url for s in (pubmed, alex) for q in s.queries(WANTED))


def test_a_service_is_asked_as_fast_as_it_allows_and_no_faster() -> None:
    """NCBI: three a second, ten with a key; the registry fifty a minute."""
    assert service("pubmed").pause(False, False) >= 1 / 3
    assert 0.1 <= service("pubmed").pause(True, False) < 0.2
    assert service("europepmc").pause(False, False) >= 0.5
    assert service("clinicaltrials").pause(False, False) >= 60 / 50
    assert service("crossref").pause(False, False) > service("crossref").pause(False, True)


def test_an_unknown_service_is_answered_with_the_known_ones() -> None:
    """One line that lists them."""
    with pytest.raises(UnknownService, match=r"'scholar'.*europepmc, pubmed"):
        service("scholar")


# --- what is read -----------------------------------------------------------------------------


def europepmc(**more: Any) -> dict[str, Any]:
    record = {
        "id": "900001",
        "source": "MED",
        "pmid": "900001",
        "doi": "10.5555/PUTTY.1",
        "title": "Putty for <i>tennis elbow</i>: a trial.",
        "authorString": "Oak A, Birch B.",
        "journalInfo": {"journal": {"title": "Journal of Invented Elbows"}},
        "pubYear": "2019",
        "abstractText": "<h4>Methods</h4>Sixty people squeezed putty (NCT01234567)."
        "<h4>Results</h4>It hurt less, p &lt; 0.05.",
        "pubTypeList": {"pubType": ["Randomized Controlled Trial", "randomized controlled trial"]},
        "meshHeadingList": {"meshHeading": [{"descriptorName": "Tennis Elbow"}]},
    }
    return {k: v for k, v in {**record, **more}.items() if v is not None}


def answered(*records: Any, hits: int | None = None, mark: str = "") -> dict[str, Any]:
    return {
        "hitCount": len(records) if hits is None else hits,
        "nextCursorMark": mark,
        "request": {"cursorMark": "*"},
        "resultList": {"result": list(records)},
    }


def test_a_record_of_europe_pmc_is_read_whole() -> None:
    """Markup off, headings kept as labels, spellings of one type once, the trial's number."""
    found = service("europepmc").read(page(answered(europepmc())))
    (study,) = found.studies
    assert (study.title, study.year, study.doi, study.pmid) == (
        "Putty for tennis elbow: a trial.",
        2019,
        "10.5555/putty.1",
        "900001",
    )
    assert study.abstract == (
        "Methods: Sixty people squeezed putty (NCT01234567). Results: It hurt less, p < 0.05."
    )
    assert study.publication_types == ("randomized controlled trial",)
    assert study.authors == ("Oak A", "Birch B")
    assert study.registry == ("NCT01234567",)
    assert study.source.url == "https://doi.org/10.5555/putty.1"
    assert found.hits == 1


def test_no_hits_is_an_answer() -> None:
    """Nought that the service says itself."""
    assert service("europepmc").read(page(answered())) == Found(hits=0)


@pytest.mark.parametrize(
    ("more", "retracted", "preprint"),
    [
        ({"pubTypeList": {"pubType": ["Retracted Publication"]}}, True, False),
        (
            {"commentCorrectionList": {"commentCorrection": [{"type": "Retraction in"}]}},
            True,
            False,
        ),
        ({"source": "PPR", "pmid": None}, False, True),
        ({"title": "Elbows", "pubTypeList": None, "doi": None}, False, False),
    ],
)
def test_retractions_and_preprints_are_seen(more: Any, retracted: bool, preprint: bool) -> None:
    """By type, by the note on the record, by the source."""
    (study,) = service("europepmc").read(page(answered(europepmc(**more)))).studies
    assert (study.retracted, study.preprint) == (retracted, preprint)


def test_a_notice_is_no_study() -> None:
    """Errata and notices of retraction speak of other papers."""
    notice = europepmc(pubTypeList={"pubType": ["Published Erratum", "correction"]})
    assert service("europepmc").read(page(answered(notice, hits=1))).studies == ()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("europepmc", "<html>busy</html>"),
        ("europepmc", "[]"),
        ("europepmc", {"resultList": {"result": []}}),
        ("europepmc", {"hitCount": 7, "results": []}),
        ("europepmc", answered({"id": "1", "headline": "moved"}, {"id": "2"})),
        ("europepmc", answered("not an object", 3)),
        ("pubmed", "{}"),
        ("pubmed", "<html><body>down for repairs</body></html>"),
        ("pubmed", "<eSearchResult><Found>3</Found></eSearchResult>"),
        ("pubmed", "<eSearchResult><Count>3</Count><IdList/></eSearchResult>"),
        ("pubmed", "<eSearchResult><ERROR>Invalid db</ERROR></eSearchResult>"),
        ("pubmed", "<PubmedArticleSet></PubmedArticleSet>"),
        ("pubmed", "<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>"),
        ("openalex", {"results": []}),
        ("openalex", {"meta": {"count": True}, "results": []}),
        ("openalex", {"meta": {"count": 4, "page": 1, "per_page": 25}, "works": [{}]}),
        ("clinicaltrials", {"totalCount": 3}),
        ("clinicaltrials", {"totalCount": 1, "studies": [{"protocolSection": {}}]}),
        ("crossref", {"message": "Resource not found."}),
        ("crossref", {"message": {"total-results": 2}}),
    ],
)
def test_an_answer_of_another_form_never_passes_for_nothing_found(name: str, body: Any) -> None:
    """It is refused with a line that says why."""
    with pytest.raises(NothingRead, match=r"answer|records|search"):
        service(name).read(page(body))


def test_one_bad_record_among_good_ones_is_passed_over() -> None:
    """The others are read."""
    found = service("europepmc").read(page(answered(europepmc(), {"id": "x"}, europepmc())))
    assert len(found.studies) == 2


def test_an_entity_bomb_is_not_unfolded() -> None:
    """XML from outside expands nothing."""
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        "<eSearchResult><Count>1</Count><IdList><Id>&b;</Id></IdList></eSearchResult>"
    )
    with pytest.raises(NothingRead):
        service("pubmed").read(page(bomb))


PUBMED = """<?xml version="1.0" encoding="ISO-8859-1"?>
<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">900002</PMID>
<Article><Journal><JournalIssue><PubDate><MedlineDate>2011 Jan-Feb</MedlineDate></PubDate>
</JournalIssue><Title>Grip &amp; Putty</Title></Journal>
<ArticleTitle>Putty in <i>elbows</i> of bell ringers.</ArticleTitle>
<ELocationID EIdType="pii">S1</ELocationID><ELocationID EIdType="doi">10.5555/grip.2</ELocationID>
<Abstract><AbstractText Label="METHODS">Forty rang.</AbstractText>
<AbstractText Label="RESULTS">No difference (p<sub>1</sub>).</AbstractText></Abstract>
<AuthorList><Author><LastName>Ash</LastName><Initials>C</Initials></Author>
<Author><CollectiveName>Bell Group</CollectiveName></Author></AuthorList>
<DataBankList><DataBank><AccessionNumberList><AccessionNumber>ISRCTN12345678</AccessionNumber>
</AccessionNumberList></DataBank></DataBankList>
<PublicationTypeList><PublicationType>Journal Article</PublicationType></PublicationTypeList>
</Article><MeshHeadingList><MeshHeading><DescriptorName>Elbow</DescriptorName></MeshHeading>
</MeshHeadingList>
<CommentsCorrectionsList><CommentsCorrections RefType="RetractionIn"/></CommentsCorrectionsList>
</MedlineCitation><PubmedData><ReferenceList><Reference><ArticleIdList>
<ArticleId IdType="doi">10.5555/other</ArticleId></ArticleIdList></Reference></ReferenceList>
</PubmedData></PubmedArticle></PubmedArticleSet>"""


def test_a_record_of_pubmed_is_read_whole() -> None:
    """Labels of the abstract, its own DOI and not that of a reference, groups among authors."""
    (study,) = service("pubmed").read(page(PUBMED)).studies
    assert study.title == "Putty in elbows of bell ringers."
    assert study.abstract == "Methods: Forty rang. Results: No difference (p1)."
    assert (study.year, study.doi, study.journal) == (2011, "10.5555/grip.2", "Grip & Putty")
    assert study.authors == ("Ash C", "Bell Group")
    assert study.registry == ("ISRCTN12345678",)
    assert study.mesh == ("Elbow",)
    assert study.retracted


def test_a_search_of_pubmed_leads_to_its_records() -> None:
    """The numbers found are asked for in one address, at the same host."""
    url = "http://127.0.0.1:9/entrez/eutils/esearch.fcgi?db=pubmed&term=x"
    body = "<eSearchResult><Count>63</Count><IdList><Id>11</Id><Id>12</Id></IdList></eSearchResult>"
    found = service("pubmed").read(page(body, url))
    assert found.hits == 63
    assert found.onward is not None
    assert found.onward.startswith("http://127.0.0.1:9/entrez/eutils/efetch.fcgi?")
    assert parse_qs(urlsplit(found.onward).query)["id"] == ["11,12"]


def test_a_work_of_openalex_is_read_whole() -> None:
    """The abstract is put together from its index; `review` is no type there; its own design."""
    work = {
        "id": "https://openalex.org/W9",
        "doi": "https://doi.org/10.5555/Grip.3",
        "ids": {"pmid": "https://pubmed.ncbi.nlm.nih.gov/900003"},
        "title": "Putty again",
        "type": "review",
        "publication_year": 2020,
        "is_retracted": True,
        "abstract_inverted_index": {"putty": [1, 3], "We": [0], "and": [2]},
        "authorships": [{"author": {"display_name": "Dee Elm"}}],
        "study_designs": ["randomized_controlled_trial"],
    }
    answer = {"meta": {"count": 60, "page": 1, "per_page": 25}, "results": [work]}
    found = service("openalex").read(page(answer, "https://api.openalex.org/works?page=1"))
    (study,) = found.studies
    assert study.abstract == "We putty and putty"
    assert (study.doi, study.pmid, study.design) == ("10.5555/grip.3", "900003", "rct")
    assert study.retracted
    assert study.publication_types == ()
    assert found.onward == "https://api.openalex.org/works?page=2"


def test_a_registered_trial_is_an_entry_and_no_paper() -> None:
    """Its design says so, its number is its identity, and the next page has a token."""
    trial = {
        "protocolSection": {
            "identificationModule": {"nctId": "NCT09999999", "briefTitle": "Putty Trial"},
            "descriptionModule": {"briefSummary": "Putty or none."},
            "designModule": {
                "studyType": "INTERVENTIONAL",
                "designInfo": {"allocation": "RANDOMIZED"},
                "enrollmentInfo": {"count": 80},
            },
            "statusModule": {"overallStatus": "RECRUITING", "startDateStruct": {"date": "2025-03"}},
            "conditionsModule": {"conditions": ["Tennis Elbow"]},
        },
        "hasResults": False,
    }
    body = {"totalCount": 9, "studies": [trial], "nextPageToken": "abc"}
    found = service("clinicaltrials").read(
        page(body, "https://clinicaltrials.gov/api/v2/studies?a=1")
    )
    (study,) = found.studies
    assert (study.design, study.n, study.year) == ("registry_entry", 80, 2025)
    assert study.source.url == "https://clinicaltrials.gov/study/NCT09999999"
    assert names(study) == ("registry:NCT09999999",)
    assert found.onward is not None
    later = service("clinicaltrials").read(page({"studies": []}, found.onward))
    assert later == Found(studies=(), hits=None)


def test_crossref_tells_which_papers_were_retracted_since() -> None:
    """A correction is no retraction."""
    items = [
        {"DOI": "10.5555/A", "updated-by": [{"type": "correction"}, {"type": "retraction"}]},
        {"DOI": "10.5555/B", "updated-by": [{"type": "correction"}]},
        {"DOI": "10.5555/C"},
    ]
    found = service("crossref").read(page({"message": {"total-results": 3, "items": items}}))
    assert found.retracted == ("10.5555/a",)


def test_texts_and_numbers_come_in_one_form() -> None:
    """Markup, entities, DOIs, PMIDs, registry numbers."""
    assert plain("&lt;p&gt;Less &amp;amp; less&lt;/p&gt;") == "Less & less"
    assert plain("<jats:title>Aim</jats:title><jats:p>x < y</jats:p>") == "Aim: x < y"
    assert plain(None) == ""
    assert tidy_doi("https://doi.org/10.5555/ABC(1)2.") == "10.5555/abc(1)2"
    assert tidy_doi("none") is None
    assert tidy_pmid("https://pubmed.ncbi.nlm.nih.gov/123/") == "123"
    assert [tidy_pmid(x) for x in (None, "PMC12", "0", "1234567890")] == [None] * 4
    assert registries("see NCT 01234567 and isrctn12345678, not NCT12") == (
        "NCT01234567",
        "ISRCTN12345678",
    )


# --- one paper once ---------------------------------------------------------------------------


def study(title: str = "Squeezing putty for tennis elbow at work", **more: Any) -> Study:
    url = more.pop("url", "https://x.example/1")
    source = Source(url=url, site="literature", fetched=NOW, engine="pubmed")
    return Study(**{"source": source, "title": title, "year": 2019, **more})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"doi": "10.5/a"}, {"doi": "10.5/A", "title": "x"}, True),
        ({"pmid": "7"}, {"pmid": "7", "title": "x"}, True),
        ({"pmid": "7"}, {"doi": "10.5/a"}, True),
        ({}, {"title": "Squeezing PUTTY, for tennis elbow: at work."}, True),
        ({}, {"year": 2020}, False),
        ({"pmid": "7"}, {"pmid": "8"}, False),
        ({"doi": "10.5/a"}, {"doi": "10.5/b"}, False),
        ({"doi": "10.5/a", "preprint": True}, {"doi": "10.5/b"}, True),
        ({"title": "Reply to authors"}, {"title": "Reply to authors"}, False),
        ({"design": "registry_entry", "registry": ("NCT01234567",)}, {}, False),
    ],
)
def test_records_of_one_paper_are_known_by_doi_pmid_or_title_and_year(
    one: Any, other: Any, same: bool
) -> None:
    """Numbers that differ tell two papers apart, but for a preprint and what became of it."""
    assert is_same(study(**one), study(**other)) is same
    assert is_same(study(**other), study(**one)) is same


def test_what_several_services_tell_of_a_paper_is_put_together() -> None:
    """The longest abstract, all types, every number; a retraction holds whoever tells it."""
    first = study(doi="10.5/a", abstract="short", publication_types=("Journal Article",))
    second = study(
        pmid="7",
        abstract="a longer one",
        publication_types=("journal article", "Review"),
        retracted=True,
        registry=("NCT01234567",),
    )
    whole = joined(first, second)
    assert (whole.doi, whole.pmid, whole.abstract) == ("10.5/a", "7", "a longer one")
    assert whole.publication_types == ("Journal Article", "Review")
    assert whole.retracted
    assert whole.registry == ("NCT01234567",)
    assert joined(whole, first) == whole


def test_a_paper_takes_the_place_of_its_preprint() -> None:
    """Its number counts, and it is no preprint any more."""
    early = study(doi="10.5/p", preprint=True, publication_types=("Preprint",), n=60)
    paper = study(doi="10.5/a")
    for whole in (joined(early, paper), joined(paper, early)):
        assert (whole.doi, whole.preprint, whole.publication_types, whole.n) == (
            "10.5/a",
            False,
            (),
            60,
        )


def test_most_records_must_be_readable() -> None:
    """A few bad ones are passed over; more than half are a new form."""

    def read(record: Any) -> Study | None:
        return study(title=record["title"])

    assert len(studies_of([{"title": "a"}, {}], read)) == 1
    with pytest.raises(NothingRead, match="2 of 3"):
        studies_of([{"title": "a"}, {}, {}], read)


# --- real answers -----------------------------------------------------------------------------


@pytest.mark.shared
def test_real_answers_are_read(shared: Path) -> None:
    """Search pages of Europe PMC, records and searches of PubMed, works of Crossref."""
    folder = shared / "literature"

    def read(name: str, path: Path, url: str = "https://x.example/?cursorMark=%2A") -> Found:
        text = path.read_text(errors="replace")
        if name == "crossref":
            text = json.dumps(json.loads(text)["body"])
        return service(name).read(page(text, url))

    core = read("europepmc", folder / "europepmc/search_cancer_core.json")
    assert core.hits == 5_059_039
    assert len(core.studies) == 23  # of 25, two are notices
    assert all(s.doi or s.pmid for s in core.studies)
    assert core.onward is not None
    assert "cursorMark=AoI" in core.onward
    assert read("europepmc", folder / "europepmc/search_no_results.json") == Found(hits=0)
    for path in sorted((folder / "pubmed_xml").glob("*.xml")):
        if path.stem in ("37909814",):
            continue  # an empty set of records
        found = read("pubmed", path)
        assert [s.pmid for s in found.studies] in ([path.stem], []), path
    assert read("pubmed", folder / "eutils/esearch1.xml").hits == 63
    assert read("pubmed", folder / "eutils/esearch8.xml") == Found(hits=0)
    with pytest.raises(NothingRead):
        read("pubmed", folder / "eutils/pubmed3.html")
    updates = read("crossref", folder / "crossref/updates_prefix_10_1371.json")
    assert (updates.hits, updates.retracted) == (151, ())
