"""Look-ups against a small real server that answers as the services do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler import fetch, literature
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Source, Study
from crawler.literature import SERVICES
from crawler.literature.asker import Asker, Silent
from crawler.literature.lookup import Report, Run, look_up
from crawler.literature.queries import Wanted
from crawler.literature.shelf import Shelf
from crawler.lookups import Lookup, Lookups

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEYS = {"NCBI_API_KEY": "secret-ncbi", "OPENALEX_API_KEY": "secret-alex"}
ELBOW = Wanted(
    subject="rem-1",
    condition="elbow",
    words=("putty",),
    condition_words=("tennis elbow",),
    most=5,
)
TITLES = (
    "Putty for tennis elbow in bell ringers of the north",
    "Putty or none for tennis elbow after harvest work",
    "Warm putty and cold putty in tennis elbow compared",
)

Answer = tuple[int, Mapping[str, str], bytes]


def paper(number: int) -> dict[str, Any]:
    return {
        "id": str(800 + number),
        "source": "MED",
        "pmid": str(800 + number),
        "title": TITLES[number],
        "pubYear": "2018",
        "doi": f"10.5555/putty.{number}",
        "abstractText": "Some squeezed.",
    }


def as_json(body: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def europepmc(asked: Mapping[str, str]) -> Answer:
    """Three papers, two a page."""
    start = 0 if asked["cursorMark"] == "*" else int(asked["cursorMark"])
    body = {
        "hitCount": 3,
        "nextCursorMark": str(start + 2),
        "request": {"cursorMark": asked["cursorMark"]},
        "resultList": {"result": [paper(n) for n in range(3)][start : start + 2]},
    }
    return as_json(body)


def esearch(asked: Mapping[str, str]) -> Answer:
    return 200, {}, b"<eSearchResult><Count>1</Count><IdList><Id>801</Id></IdList></eSearchResult>"


def efetch(asked: Mapping[str, str]) -> Answer:
    body = f"""<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>801</PMID><Article>
    <ArticleTitle>{TITLES[1]}</ArticleTitle><PublicationTypeList><PublicationType>Randomized
    Controlled Trial</PublicationType></PublicationTypeList></Article></MedlineCitation>
    </PubmedArticle></PubmedArticleSet>"""
    return 200, {}, body.encode()


def openalex(asked: Mapping[str, str]) -> Answer:
    work = {"id": "W1", "title": TITLES[2].upper(), "publication_year": 2018, "type": "article"}
    return as_json({"meta": {"count": 1, "page": 1, "per_page": 5}, "results": [work]})


def trials(asked: Mapping[str, str]) -> Answer:
    return as_json({"totalCount": 0, "studies": []})


def crossref(asked: Mapping[str, str]) -> Answer:
    works = [{"DOI": doi.removeprefix("doi:")} for doi in asked["filter"].split(",")]
    works[0]["updated-by"] = [{"type": "retraction"}]  # type: ignore[assignment]
    return as_json({"message": {"total-results": len(works), "items": works}})


ROUTES: Mapping[str, Callable[[Mapping[str, str]], Answer]] = {
    "/europepmc/webservices/rest/search": europepmc,
    "/entrez/eutils/esearch.fcgi": esearch,
    "/entrez/eutils/efetch.fcgi": efetch,
    "/works": openalex,
    "/api/v2/studies": trials,
}


class Library:
    """The server: what it was asked, and what it is told to answer instead."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.instead: dict[str, list[Answer | None]] = {}
        library = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                library.asked.append((parts.path, asked, self.headers["User-Agent"]))
                answer = library.answer(parts.path, asked)
                if answer is None:
                    self.connection.close()
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, asked: Mapping[str, str]) -> Answer | None:
        """What it was told to answer on that path, the last for ever; else as the service does."""
        told = self.instead.get(path)
        if told:
            return told.pop(0) if len(told) > 1 else told[0]
        if path == "/works" and asked.get("filter", "").startswith("doi:"):
            return crossref(asked)
        return ROUTES[path](asked)

    def times(self) -> Counter[str]:
        return Counter(path for path, _, _ in self.asked)


@pytest.fixture
def library() -> Iterator[Library]:
    found = Library()
    yield found
    found.server.shutdown()
    found.server.server_close()


class Desk:
    """A project that asks the library."""

    def __init__(self, database: str, library: Library) -> None:
        self.corpus = Corpus(open_database(database))
        self.lookups = Lookups(self.corpus.engine)
        self.library = library
        self.slept: list[float] = []

    def run(
        self,
        *wanted: Wanted,
        services: tuple[str, ...] = tuple(SERVICES),
        now: datetime = NOW,
        young: float = 90,
    ) -> Report:
        asker = Asker(
            "folkgrade/1 (+me@example.org)",
            contact="me@example.org",
            environment=KEYS,
            addresses=dict.fromkeys(SERVICES, self.library.address),
            sleep=self.slept.append,
        )
        run = Run(
            services=[literature.service(name) for name in services],
            asker=asker,
            shelf=Shelf(self.corpus, self.lookups),
            lookups=self.lookups,
            now=now,
            young=now - timedelta(days=young),
        )
        assert list(look_up(run, wanted or (ELBOW,)))[-1] == len(wanted or (ELBOW,))
        return run.report

    def studies(self) -> list[Study]:
        return [item for item in self.corpus.documents() if isinstance(item, Study)]

    def failures(self) -> dict[str, str]:
        return {each.service: each.failure for each in self.lookups.every() if each.failure}


@pytest.fixture
def desk(tmp_path: Path, library: Library) -> Desk:
    return Desk(str(tmp_path / "folkgrade.db"), library)


@pytest.fixture
def any_desk(database: str, library: Library) -> Desk:
    """On each kind of database in turn."""
    return Desk(database, library)


def test_one_paper_of_several_services_is_stored_once(any_desk: Desk) -> None:
    """By DOI, by PMID, by title and year; each service's own word is kept."""
    report = any_desk.run()
    assert report.failures == {}
    studies = {study.title.lower(): study for study in any_desk.studies()}
    assert sorted(studies) == sorted(title.lower() for title in TITLES)
    trial = studies[TITLES[1].lower()]
    assert trial.doi == "10.5555/putty.1"
    assert trial.publication_types == ("Randomized Controlled Trial",)
    assert trial.abstract == "Some squeezed."


def test_pages_are_read_until_there_are_enough(desk: Desk) -> None:
    """Two pages for three papers; one where two are wanted."""
    desk.run(services=("europepmc",))
    assert desk.library.times()["/europepmc/webservices/rest/search"] == 6  # three rungs
    desk.library.asked.clear()
    desk.run(replace(ELBOW, subject="other", words=("wax",), most=2), services=("europepmc",))
    assert desk.library.times()["/europepmc/webservices/rest/search"] == 3


def test_what_was_asked_is_kept_with_date_and_hits(desk: Desk) -> None:
    """Under the subject and condition it was asked for, with the studies found."""
    desk.run()
    kept = {(each.service, each.rung): each for each in desk.lookups.every()}
    assert kept["europepmc", "studies"].hits == 3
    assert kept["clinicaltrials", "registry"].hits == 0
    assert kept["europepmc", "studies"].made == NOW
    assert len(kept["europepmc", "studies"].found) == 3
    assert {(e.subject, e.condition) for e in kept.values()} == {("rem-1", "elbow"), ("", "")}


def test_a_paper_that_was_retracted_since_is_marked(desk: Desk) -> None:
    """Crossref's word on a paper that others found."""
    assert desk.run().retracted == 1
    assert [study.doi for study in desk.studies() if study.retracted] == ["10.5555/putty.0"]


def test_a_young_answer_is_not_asked_for_again(any_desk: Desk) -> None:
    """Not by this subject, nor by another with the same question; an old one is."""
    any_desk.run()
    any_desk.library.asked.clear()
    report = any_desk.run(ELBOW, replace(ELBOW, subject="rem-2"))
    assert any_desk.library.asked == []
    assert report.asked == 0
    assert {each.subject for each in any_desk.lookups.every()} == {"rem-1", "rem-2", ""}
    any_desk.run(now=NOW + timedelta(days=91))
    assert len(any_desk.library.asked) > 5
    assert {study.title.lower() for study in any_desk.studies()} == {t.lower() for t in TITLES}


def test_an_interrupted_run_goes_on_where_it_was(desk: Desk, monkeypatch: Any) -> None:
    """Each answer is stored as it comes."""
    put = Shelf.put

    def stops(self: Shelf, study: Study) -> Any:
        if study.source.engine == "pubmed":
            raise KeyboardInterrupt
        return put(self, study)

    monkeypatch.setattr(Shelf, "put", stops)
    with pytest.raises(KeyboardInterrupt):
        desk.run()
    assert len(desk.studies()) == 3
    monkeypatch.setattr(Shelf, "put", put)
    desk.library.asked.clear()
    assert desk.run().failures == {}
    assert "/europepmc/webservices/rest/search" not in desk.library.times()
    assert desk.library.times()["/entrez/eutils/esearch.fcgi"] == 3


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([(500, {}, b"oops")], "answered with 500"),
        ([(404, {}, b"gone")], "answered with 404"),
        ([(301, {"Location": "https://elsewhere.example/"}, b"")], "answered with 301"),
        ([(200, {}, b"<html>busy</html>")], "the answer is not JSON"),
        ([(200, {}, b'{"hits": 3}')], "its form has changed"),
        ([(403, {}, b"no")], "refuses (403)"),
        ([(429, {"Retry-After": "86400"}, b"")], "asks to wait 86,400 seconds"),
        ([None], "no answer"),
    ],
)
def test_a_service_that_fails_is_named_and_the_others_go_on(
    desk: Desk, answers: list[Answer | None], reason: str
) -> None:
    """Its queries have no answer and a reason, never no hits."""
    desk.library.instead["/europepmc/webservices/rest/search"] = answers
    report = desk.run()
    assert list(report.failures) == ["europepmc"]
    assert reason in report.failures["europepmc"]
    assert set(desk.failures()) == {"europepmc"}
    assert reason in desk.failures()["europepmc"]
    assert len(desk.studies()) == 2  # PubMed and OpenAlex
    assert all(each.hits is None for each in desk.lookups.every() if each.failure)


def test_a_request_to_wait_is_obeyed_and_the_question_asked_again(desk: Desk) -> None:
    """Retry-After in seconds; a service that fails now and then is tried again."""
    good = europepmc({"cursorMark": "*"})
    desk.library.instead["/europepmc/webservices/rest/search"] = [
        (429, {"Retry-After": "7"}, b""),
        (503, {"Retry-After": "3"}, b""),
        good,
        (500, {}, b""),
        good,
    ]
    assert desk.run(services=("europepmc",)).failures == {}
    assert {7.0, 3.0} <= set(desk.slept)


def test_a_service_that_keeps_failing_is_left_alone(desk: Desk) -> None:
    """After a few queries; one that refuses, at once. The next run asks again."""
    path = "/europepmc/webservices/rest/search"
    many = [replace(ELBOW, subject=f"rem-{n}", words=(f"wax {n}",)) for n in range(6)]
    desk.library.instead[path] = [(404, {}, b"")]
    assert desk.run(*many, services=("europepmc",)).failed["europepmc"] == 18
    assert desk.library.times()[path] == 3
    desk.library.instead[path] = [(401, {}, b"")]
    desk.library.asked.clear()
    desk.run(*many, services=("europepmc",))
    assert desk.library.times()[path] == 1
    del desk.library.instead[path]
    assert desk.run(*many, services=("europepmc",)).failures == {}
    assert desk.failures() == {}


def test_a_former_answer_outlives_a_later_failure(desk: Desk) -> None:
    """With the date it was given."""
    desk.run(services=("europepmc",))
    desk.library.instead["/europepmc/webservices/rest/search"] = [(500, {}, b"")]
    later = NOW + timedelta(days=200)
    assert desk.run(services=("europepmc",), now=later).failures
    assert {(each.hits, each.made, each.failure) for each in desk.lookups.every()} == {(3, NOW, "")}


def test_keys_are_sent_and_kept_nowhere(desk: Desk, tmp_path: Path) -> None:
    """Not in the queries, not in the reasons of failures, not in the studies."""
    desk.library.instead["/entrez/eutils/esearch.fcgi"] = [None]
    desk.run()
    sent = {asked.get("api_key") for _, asked, _ in desk.library.asked}
    assert {"secret-ncbi", "secret-alex"} <= sent
    told = repr([desk.lookups.every(), desk.studies(), desk.failures()])
    assert "secret" not in told
    assert {agent for _, _, agent in desk.library.asked} == {"folkgrade/1 (+me@example.org)"}


def test_each_service_has_its_own_pace() -> None:
    """Nobody is asked before its pause is over, and nobody waits for another's."""
    now, slept = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    asker = Asker("folkgrade/1", sleep=sleep, clock=lambda: now[0])
    ok = fetch.Answer(status=200, headers={}, body=b"{}")
    patch = pytest.MonkeyPatch()
    patch.setattr("crawler.literature.asker.ask", lambda url, agent: ok)
    try:
        for name in ("europepmc", "pubmed", "europepmc", "europepmc"):
            asker.ask(literature.service(name), "https://service.example/")
    finally:
        patch.undo()
    assert slept == pytest.approx([0.5, 0.5])


def test_a_failure_off_this_machine_is_waited_out() -> None:
    """Longer each time, and not after the last try."""
    slept = list[float]()
    asker = Asker("folkgrade/1", sleep=slept.append, clock=lambda: 0.0)
    down = fetch.Answer(status=502, headers={}, body=b"")
    patch = pytest.MonkeyPatch()
    patch.setattr("crawler.literature.asker.ask", lambda url, agent: down)
    try:
        with pytest.raises(Silent, match="pubmed: answered with 502"):
            asker.ask(literature.service("pubmed"), "https://service.example/")
    finally:
        patch.undo()
    assert [seconds for seconds in slept if seconds >= 2] == [2.0, 4.0]


def test_a_message_names_the_host_and_no_key() -> None:
    """An address with a key never stands in an error."""
    with pytest.raises(fetch.NoAnswer) as raised:
        fetch.ask("http://127.0.0.1:9/works?api_key=secret", "folkgrade/1")
    assert "secret" not in str(raised.value)
    assert str(raised.value).startswith("127.0.0.1:9: no answer")


def study(**more: Any) -> Study:
    source = Source(url=more.pop("url"), site="literature", fetched=NOW, engine="pubmed")
    return Study(**{"source": source, "title": TITLES[0], "year": 2018, **more})


def test_records_taken_for_two_papers_become_one(any_desk: Desk) -> None:
    """Once a third record bears the names of both; former names still lead to it."""
    shelf = Shelf(any_desk.corpus, any_desk.lookups)
    shelf.put(study(url="https://x.example/1", doi="10.5555/q", title="Short"))
    shelf.put(study(url="https://x.example/2", pmid="77", title="Short too"))
    assert len(any_desk.studies()) == 2
    home, done = shelf.put(study(url="https://x.example/3", doi="10.5555/q", pmid="77"))
    assert done == "changed"
    assert [each.source.url for each in any_desk.studies()] == [home]
    assert shelf.put(study(url="https://x.example/2", pmid="77", title="Short too"))[0] == home


def test_what_was_forgotten_stays_out(desk: Desk) -> None:
    """A study is a document like others."""
    desk.run(services=("europepmc",))
    desk.corpus.forget("https://doi.org/10.5555/putty.0")
    report = desk.run(services=("europepmc",), now=NOW + timedelta(days=91))
    assert report.studies["forgotten"] == 3
    assert len(desk.studies()) == 2


def test_an_older_store_gets_the_tables(tmp_path: Path) -> None:
    """A store of the second version takes look-ups once it is opened."""
    import sqlalchemy as sa

    engine = open_database(str(tmp_path / "old.db"))
    Corpus(engine)
    with engine.begin() as connection:
        for table in ("lookups", "papers"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        connection.execute(sa.text("UPDATE schema_versions SET version = 2"))
    lookups = Lookups(engine)
    made = Lookup(
        subject="s", condition="c", service="x", rung="r", query="q", made=NOW, hits=1, found=("u",)
    )
    lookups.keep(made)
    assert lookups.every() == [made]
