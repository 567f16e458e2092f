"""PubMed by NCBI's E-utilities: a search gives numbers, a second request the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from crawler.documents import Source, Study
from crawler.errors import NothingRead
from crawler.literature import texts
from crawler.literature.answers import studies_of, turned, xml_of
from crawler.literature.queries import Found, Query, Wanted, any_of
from crawler.page import Page

__all__ = ["HOST", "KEY", "NEEDS_KEY", "SEARCHES", "pause", "queries", "read", "secrets"]

HOST = "https://eutils.ncbi.nlm.nih.gov"
SEARCHES = True
KEY, NEEDS_KEY = "NCBI_API_KEY", False
_SEARCH = "/entrez/eutils/esearch.fcgi"
_FETCH = "/entrez/eutils/efetch.fcgi"
_PAGE = 100
"""Records asked for by number in one address."""
_RUNGS: Mapping[str, str] = {
    "reviews": '(systematic review[pt] OR meta-analysis[pt] OR "systematic review"[ti])',
    "trials": "(randomized controlled trial[pt] OR randomized[ti] OR randomised[ti])",
    "studies": "(hasabstract NOT (animals[mh] NOT humans[mh]))",
}


def pause(has_key: bool, has_contact: bool) -> float:
    """Three requests a second, ten with a key."""
    return 0.11 if has_key else 0.35


def secrets(environment: Mapping[str, str], contact: str) -> Mapping[str, str]:
    """The name of the tool, the address of who runs it, and a key where there is one."""
    key = environment.get(KEY, "").strip()
    return {
        "tool": "folkgrade",
        **({"email": contact} if "@" in contact else {}),
        **({"api_key": key} if key else {}),
    }


def queries(wanted: Wanted) -> tuple[Query, ...]:
    """One query a rung, the firmest kind of study first."""
    topic = f"{any_of(wanted.words, '{}[tiab]')} AND {any_of(wanted.condition_words, '{}[tiab]')}"
    if wanted.since:
        topic += f" AND {wanted.since}:3000[dp]"
    return tuple(_query(rung, f"{topic} AND {only}", wanted.most) for rung, only in _RUNGS.items())


def _query(rung: str, text: str, most: int) -> Query:
    parameters = {
        "db": "pubmed",
        "term": text,
        "retmax": min(most, _PAGE),
        "retstart": 0,
        "retmode": "xml",
        "sort": "relevance",
    }
    return Query(rung=rung, text=text, url=f"{HOST}{_SEARCH}?{urlencode(parameters)}")


def read(page: Page) -> Found:
    """Of a search the number of hits and where their records are; of records the studies."""
    root = xml_of(page)
    if root.tag == "eSearchResult":
        return _searched(root, page)
    if root.tag == "PubmedArticleSet":
        records = [*root.iter("PubmedArticle")]
        if not len(root):
            raise NothingRead("none of the records asked for is in the answer")
        return Found(studies=studies_of(records, partial(_study, page=page)))
    raise NothingRead(f"the answer is neither a search nor records but {root.tag!a:.40}")


def _searched(root: Any, page: Page) -> Found:
    fault = _text(root, "ERROR") or _text(root, "ErrorList/FieldNotFound")
    if fault:
        raise NothingRead(f"the search was not understood ({fault:.80})")
    hits = texts.counted({"Count": _text(root, "Count")}, "Count")
    numbers = [n for node in root.findall("IdList/Id") if (n := texts.tidy_pmid(node.text))]
    if hits and not numbers:
        raise NothingRead("the answer counts hits but lists none; its form has changed")
    if not numbers:
        return Found(hits=hits)
    where = page.url.partition("?")[0].replace("esearch", "efetch")
    onward = turned(where, db="pubmed", id=",".join(numbers), retmode="xml")
    return Found(hits=hits, onward=onward)


def _study(record: Any, page: Page) -> Study | None:
    article = record.find("MedlineCitation/Article")
    types = tuple(_texts(record, "MedlineCitation/Article/PublicationTypeList/PublicationType"))
    if texts.is_notice(types):
        return None
    title = texts.titled(_text(article, "ArticleTitle"), _text(article, "VernacularTitle"))
    pmid = texts.tidy_pmid(_text(record, "MedlineCitation/PMID"))
    doi = _doi(record)
    abstract = _abstract(article)
    return Study(
        source=Source(
            url=texts.address(doi, pmid, page.url),
            site="literature",
            fetched=page.fetched,
            engine="pubmed",
        ),
        title=title,
        abstract=abstract,
        publication_types=types,
        year=_year(article),
        doi=doi,
        pmid=pmid,
        retracted=_is_retracted(record, types),
        preprint="preprint" in map(str.lower, types),
        authors=tuple(_authors(article)),
        journal=_text(article, "Journal/Title"),
        pages=texts.page_count(_text(article, "Pagination/MedlinePgn")),
        mesh=tuple(_texts(record, "MedlineCitation/MeshHeadingList/MeshHeading/DescriptorName")),
        registry=_registry(article, abstract),
    )


def _text(node: Any, path: str) -> str:
    return _whole(node.find(path))


def _whole(node: Any) -> str:
    """All text of an element, that of marked-up words in it as well."""
    return " ".join("".join(node.itertext()).split()) if node is not None else ""


def _texts(node: Any, path: str) -> Iterable[str]:
    return filter(None, (_whole(found) for found in node.findall(path)))


def _doi(record: Any) -> str | None:
    """The article's own DOI: a list of references has others."""
    own = record.findall("MedlineCitation/Article/ELocationID[@EIdType='doi']")
    own += record.findall("PubmedData/ArticleIdList/ArticleId[@IdType='doi']")
    return next((doi for node in own if (doi := texts.tidy_doi(_whole(node)))), None)


def _abstract(article: Any) -> str:
    """The parts of the abstract, each with its label before it."""
    parts = [
        (str(node.get("Label") or "").capitalize(), _whole(node))
        for node in article.findall("Abstract/AbstractText")
    ]
    return " ".join(f"{label}: {text}" if label else text for label, text in parts if text)


def _year(article: Any) -> int | None:
    date = "Journal/JournalIssue/PubDate"
    said = _text(article, f"{date}/Year") or _text(article, f"{date}/MedlineDate")
    return texts.year_in(said or _text(article, "ArticleDate/Year"))


def _authors(article: Any) -> Iterable[str]:
    for author in article.findall("AuthorList/Author"):
        names = (_text(author, "LastName"), _text(author, "Initials"))
        yield " ".join(filter(None, names)) or _text(author, "CollectiveName")


def _is_retracted(record: Any, types: tuple[str, ...]) -> bool:
    notes = record.findall(".//CommentsCorrections")
    told = any(note.get("RefType") == "RetractionIn" for note in notes)
    return told or "retracted publication" in map(str.lower, types)


def _registry(article: Any, abstract: str) -> tuple[str, ...]:
    banks = " ".join(_texts(article, "DataBankList/DataBank/AccessionNumberList/AccessionNumber"))
    return texts.registries(banks, abstract)
