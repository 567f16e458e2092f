"""What goes from the kept answers when it goes from the site, and how answers are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Post, Source, Thread
from crawler.frontier import Frontier
from crawler.jobs import Job, Outcome
from crawler.page import Found, Link, Page
from crawler.raw import RawPages
from crawler.sites import Site
from crawler.visit import Visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOME = "https://forum.example"
THREAD = f"{HOME}/t/1"
LATER = f"{THREAD}?page=2"
KEY = b"k" * 32


@pytest.fixture
def raw(tmp_path: Path) -> RawPages:
    return RawPages(tmp_path / "pages.db", KEY)


def page(url: str) -> Page:
    return Page(url=url, text=f"words of {url}", fetched=NOW)


def read(job: Job, *, at: str | None = None, later: bool = True) -> Outcome:
    """A list of one thread of two pages, or of one."""
    url = job.link.url
    blank = Outcome(site=job.site, url=url, kind="read", at=at or url, pages=(page(at or url),))
    if url == HOME:
        found = Found(links=(Link(url=THREAD, role="thread", thread=THREAD, stamp=f"{later}"),))
        return replace(blank, found=found)
    post = "2" if url == LATER else "1"
    source = Source(url=THREAD, site="forum.example", fetched=NOW, engine="fake")
    thread = Thread(source=source, title="Heel", posts=(Post(id=post, number=1, text="Words."),))
    links = (Link(url=LATER, role="posts", thread=THREAD),) if url == THREAD and later else ()
    return replace(blank, found=Found(documents=(thread,), links=links))


class Project:
    """A store that outlives visits."""

    def __init__(self, raw: RawPages) -> None:
        self.engine = open_database("sqlite://")
        self.raw = raw

    def visit(self, *, keep_pages: bool = True, **answers: Outcome) -> None:
        """One visit that reads everything anew; `list`, `thread`, `later` are other answers."""
        site = Site(start=(HOME,), audit=1.0, keep_pages=keep_pages)
        visit = Visit(site, Corpus(self.engine), Frontier(self.engine), key=KEY, raw=self.raw)
        others = {
            {"list": HOME, "thread": THREAD, "later": LATER}[at]: answers[at] for at in answers
        }
        while not visit.is_over:
            for job in visit.jobs(2):
                other = others.get(job.link.url)
                outcome = other or read(job)
                visit.take(replace(outcome, site=job.site, url=job.link.url))
        visit.conclude()


def without(kind: str) -> Outcome:
    return Outcome(site="", url="", kind=kind, reason="not there")  # type: ignore[arg-type]


def test_answers_of_a_thread_that_is_gone_go(raw: RawPages) -> None:
    """All of its pages: names are in them, and nobody shows them any more."""
    project = Project(raw)
    project.visit()
    assert THREAD in raw
    assert LATER in raw
    project.visit(thread=without("gone"), later=without("gone"))
    assert [each.url for each in raw.pages()] == [HOME]


def test_answers_of_a_page_that_asks_not_to_be_indexed_go(raw: RawPages) -> None:
    """And those of the pages that follow it."""
    project = Project(raw)
    project.visit()
    shy = replace(without("read"), withheld=1)
    project.visit(thread=shy, later=shy)
    assert [each.url for each in raw.pages()] == [HOME]


def test_answers_go_where_no_new_ones_are_kept(raw: RawPages) -> None:
    """Who turns keeping off did not ask for deleted pages to stay."""
    project = Project(raw)
    project.visit()
    project.visit(keep_pages=False, thread=without("gone"))
    assert THREAD not in raw


def test_answers_of_a_page_that_cannot_be_read_stay(raw: RawPages) -> None:
    """A failure says nothing of the page."""
    project = Project(raw)
    project.visit()
    project.visit(thread=without("failed"))
    assert THREAD in raw


def test_answer_goes_by_the_address_that_led_to_it(raw: RawPages) -> None:
    """Where a redirect led to another address."""
    project = Project(raw)
    job = Job(site="forum.example", link=Link(url=THREAD, role="thread"), at=THREAD)
    project.visit(thread=read(job, at=f"{THREAD}/title"))
    assert f"{THREAD}/title" in raw
    project.visit(thread=without("gone"))
    assert f"{THREAD}/title" not in raw
