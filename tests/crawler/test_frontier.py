"""What is asked for, and when: visits of forums in memory, cut off and gone on with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Article, Document, Post, Source, Thread
from crawler.due import KnownPage, audited, continues, has_grown, next_due, retried
from crawler.frontier import Frontier
from crawler.jobs import Job, Notice, Outcome
from crawler.page import Found, Link
from crawler.pagers import Pagers
from crawler.report import SiteReport
from crawler.sites import Site
from crawler.tally import Tally
from crawler.visit import Visit

HOME = "https://forum.example"
NOW = datetime(2025, 1, 1, tzinfo=UTC)
SIZE = 3
"""Posts on a page."""
ROWS = 4
"""Threads on a page of the list."""


@dataclass
class Topic:
    """A thread of the forum: post ids and texts, in order."""

    posts: dict[str, str]
    bumped: int = 0
    status: int = 200
    noindex: bool = False
    moved_to: int | None = None


@dataclass
class Forum:
    """A forum in memory: HTML pages that lead one to the next, or JSON with chunks of posts."""

    is_html: bool = True
    topics: dict[int, Topic] = field(default_factory=dict)
    has_etags: bool = False
    asked: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    clock: Iterator[int] = field(default_factory=lambda: count(1))
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def add(self, number: int, posts: int) -> None:
        self.topics[number] = Topic(posts={})
        self.reply(number, posts)

    def reply(self, number: int, posts: int = 1) -> None:
        topic = self.topics[number]
        for _ in range(posts):
            new = next(self.ids)
            topic.posts[str(new)] = f"Words of post {new}."
        topic.bumped = next(self.clock)

    def answer(self, job: Job) -> Outcome:
        """What the server says and the engine reads."""
        self.asked.append(job.at.removeprefix(HOME))
        path, query = urlsplit(job.at).path, parse_qs(urlsplit(job.at).query)
        blank = Outcome(site=job.site, url=job.link.url, kind="read", at=job.at, requests=1)
        if job.at in self.failing:
            return replace(blank, kind="failed", reason="no answer in time")
        if path == "/list":
            return self._signed(blank, job, self._list(int(query.get("page", ["0"])[0])))
        number = int(path.split("/")[2].removesuffix(".json"))
        topic = self.topics.get(number)
        if topic is None or topic.status in (404, 410):
            return replace(blank, kind="gone", reason="not there (404)")
        if topic.status == 403:
            return replace(blank, kind="refused", reason="the site refuses (403)")
        if topic.noindex:
            return replace(blank, withheld=1)
        return self._signed(blank, job, self._thread(topic.moved_to or number, path, query))

    def _signed(self, blank: Outcome, job: Job, found: Found) -> Outcome:
        digest = hashlib.sha256(repr(found).encode()).hexdigest()
        if self.has_etags and job.etag == digest:
            return replace(blank, kind="same")
        etag = digest if self.has_etags else None
        return replace(blank, found=found, digest=digest, etag=etag, is_html=self.is_html)

    def _list(self, page: int) -> Found:
        order = sorted(self.topics, key=lambda number: -self.topics[number].bumped)
        links = [self._row(number) for number in order[page * ROWS : (page + 1) * ROWS]]
        if len(order) > (page + 1) * ROWS:
            links.append(Link(url=f"{HOME}/list?page={page + 1}", role="listing"))
        return Found(links=tuple(links))

    def _row(self, number: int) -> Link:
        topic = self.topics[number]
        return Link(
            url=f"{HOME}/t/{number}" if self.is_html else f"{HOME}/t/{number}.json",
            role="thread",
            thread=f"{HOME}/t/{number}",
            stamp=f"{len(topic.posts)}|{topic.bumped}",
            active=NOW + timedelta(minutes=topic.bumped),
            title=f"Thread {number}",
        )

    def _thread(self, number: int, path: str, query: dict[str, list[str]]) -> Found:
        url, posts = f"{HOME}/t/{number}", list(self.topics[number].posts)
        if self.is_html:
            page = int(query.get("page", ["1"])[0])
            shown = posts[(page - 1) * SIZE : page * SIZE]
            following = [f"{url}?page={page + 1}"] if len(posts) > page * SIZE else []
        elif path.endswith("posts.json"):
            shown, following = [p for p in query["post_ids[]"] if p in posts], []
        else:
            shown = posts[:SIZE]
            chunks = (posts[at : at + SIZE] for at in range(SIZE, len(posts), SIZE))
            following = [
                f"{url}/posts.json?" + "&".join(f"post_ids[]={post}" for post in chunk)
                for chunk in chunks
            ]
        links = [Link(url=to, role="posts", thread=url) for to in following]
        thread = Thread(
            source=Source(url=url, site="forum.example", fetched=NOW, engine="fake"),
            title=f"Thread {number}",
            posts=tuple(
                Post(id=p, number=posts.index(p) + 1, text=self.topics[number].posts[p])
                for p in shown
            ),
        )
        return Found(documents=(thread,), links=tuple(links))


class Killed(BaseException):
    """The process ends here, whatever it was doing."""


class Project:
    """A store and a frontier, which outlive every crawl."""

    def __init__(self, address: str = "sqlite://") -> None:
        self.engine = open_database(address)
        self.corpus = Corpus(self.engine)
        self.frontier = Frontier(self.engine)

    def crawl(
        self,
        forum: Forum,
        *,
        until: int | None = None,
        act: Callable[[Job], None] = lambda _: None,
        is_dry: bool = False,
        **more: Any,
    ) -> Visit:
        """One visit; killed before the write of number `until`."""
        site = Site(**{"start": (f"{HOME}/list",), "audit": 0.0} | more)
        writes = count()

        def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
            def write(*args: Any, **kwargs: Any) -> Any:
                if next(writes) == until:
                    raise Killed
                return function(*args, **kwargs)

            return write

        corpus, frontier = Corpus(self.engine), Frontier(self.engine)
        for name in ("add", "settle", "purge", "failed"):
            setattr(corpus, name, wrapped(getattr(corpus, name)))
        frontier.commit = wrapped(frontier.commit)  # type: ignore[method-assign]
        forum.asked.clear()
        visit = Visit(site, corpus, frontier, key=b"k" * 32, is_dry=is_dry)
        while not visit.is_over:
            for job in visit.jobs(2):
                act(job)
                visit.take(forum.answer(job))
        self.report: SiteReport = visit.conclude()
        return visit

    def state(self) -> dict[str, tuple[str, ...]]:
        """Texts of all threads, by address."""
        return {
            doc.source.url: tuple(post.text for post in doc.posts)
            for doc in self.corpus.documents()
            if isinstance(doc, Thread)
        }


def truth(forum: Forum) -> dict[str, tuple[str, ...]]:
    """What a complete collection of the forum holds."""
    return {
        f"{HOME}/t/{number}": tuple(topic.posts.values())
        for number, topic in forum.topics.items()
        if topic.status == 200 and not topic.noindex and topic.moved_to is None
    }


def forum_of(*sizes: int, is_html: bool = True, has_etags: bool = False) -> Forum:
    """A forum with threads of so many posts."""
    forum = Forum(is_html=is_html, has_etags=has_etags)
    for number, size in enumerate(sizes, start=1):
        forum.add(number, size)
    return forum


@pytest.fixture
def project() -> Project:
    return Project()


SHAPES = pytest.mark.parametrize("is_html", [True, False], ids=["html", "json"])


@SHAPES
def test_first_crawl_asks_for_every_page_once(project: Project, is_html: bool) -> None:
    """Every post is found, no request is one too many."""
    forum = forum_of(1, 7, 3, 4, 12, 2, is_html=is_html)
    project.crawl(forum)
    assert project.state() == truth(forum)
    lists, threads = 2, 1 + 3 + 1 + 2 + 4 + 1
    assert len(forum.asked) == len(set(forum.asked)) == lists + threads


@SHAPES
def test_unchanged_forum_costs_one_request(project: Project, is_html: bool) -> None:
    """The first page of the list, wholly as it was, says it all."""
    forum = forum_of(*[4] * 13, is_html=is_html)
    project.crawl(forum)
    project.crawl(forum)
    assert forum.asked == ["/list"]
    assert (project.report.unchanged, project.report.status) == (4, "ok")


def test_list_without_dates_is_walked_to_its_end(project: Project) -> None:
    """Nothing is known of its order, so nothing follows from its first page."""
    forum = forum_of(*[1] * 9)
    row = forum._row
    forum._row = lambda number: replace(row(number), active=None)  # type: ignore[method-assign]
    project.crawl(forum)
    project.crawl(forum)
    assert forum.asked == ["/list", "/list?page=1", "/list?page=2"]


def test_pinned_row_does_not_end_the_order_of_a_list(project: Project) -> None:
    """It stands above the others whatever its date."""
    forum = forum_of(*[1] * 9)
    row = forum._row

    def pinned(number: int) -> Link:
        link = row(number)
        old = replace(link, active=NOW - timedelta(days=900), pinned=True)
        return old if number == 9 else link

    forum._row = pinned  # type: ignore[method-assign]
    project.crawl(forum)
    project.crawl(forum)
    assert forum.asked == ["/list"]


def test_list_is_followed_again_after_one_was_lost(project: Project) -> None:
    """A list that could not be read to its end may hide threads behind what is known."""
    forum = forum_of(*[1] * 9)
    forum.failing.add(f"{HOME}/list?page=2")
    project.crawl(forum)
    assert project.report.status == "partial"
    forum.failing.clear()
    project.crawl(forum)
    assert "/list?page=2" in forum.asked
    assert project.state() == truth(forum)


def test_changed_html_thread_is_entered_at_its_last_page(project: Project) -> None:
    """What is new stands at its end."""
    forum = forum_of(8, 2)
    project.crawl(forum)
    forum.reply(1, 2)
    project.crawl(forum)
    assert forum.asked == ["/list", "/t/1?page=3", "/t/1?page=4"]
    assert project.state() == truth(forum)
    project.crawl(forum)
    assert forum.asked == ["/list"]


def test_chunks_that_name_their_posts_are_asked_once(project: Project) -> None:
    """A thread that grows costs its first page and what is new."""
    forum = forum_of(9, is_html=False)
    project.crawl(forum)
    forum.reply(1)
    project.crawl(forum)
    assert forum.asked == ["/list", "/t/1.json", "/t/1/posts.json?post_ids[]=10"]
    assert project.state() == truth(forum)


@SHAPES
def test_deleted_post_of_a_thread_that_grew_is_removed(project: Project, is_html: bool) -> None:
    """Its place is taken by the next one, and so the whole thread is read again."""
    forum = forum_of(8, 2, is_html=is_html)
    project.crawl(forum)
    del forum.topics[1].posts["2"]
    forum.reply(1, 2)
    project.crawl(forum)
    assert project.state() == truth(forum)
    assert project.report.purged == 1


@SHAPES
def test_audit_of_all_finds_every_edit_and_deletion(project: Project, is_html: bool) -> None:
    """Though no list tells of them."""
    forum = forum_of(8, 2, 5, 7, 4, is_html=is_html)
    project.crawl(forum)
    stamps = {number: forum._row(number).stamp for number in forum.topics}
    row = forum._row
    forum._row = lambda number: replace(row(number), stamp=stamps[number])  # type: ignore[method-assign]
    forum.topics[1].posts["4"] = "Edited."
    del forum.topics[3].posts["12"]
    del forum.topics[4].posts["22"]
    forum.topics[2].status = 410
    project.crawl(forum, audit=1.0)
    assert project.state() == truth(forum)


def test_audit_reads_what_was_unread_longest(project: Project) -> None:
    """A share of the pages each crawl, all of them in turn."""
    forum = forum_of(*[1] * 10)
    project.crawl(forum)
    with project.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE frontier_pages SET fetched = '2020-01-0' || (1 + seq % 9) || 'T00:00:00+00:00'"
        )
    asked = []
    for _ in range(4):
        project.crawl(forum, audit=0.25)
        asked += [path for path in forum.asked if path != "/list"]
    assert len(asked) == 12
    assert set(asked) == {f"/t/{n}" for n in range(1, 11)}


def test_edit_is_found_by_audit_only(project: Project) -> None:
    """Without a share for it nobody knows."""
    forum = forum_of(2)
    project.crawl(forum)
    forum.topics[1].posts["1"] = "Edited."
    project.crawl(forum)
    assert project.state() != truth(forum)
    project.crawl(forum, audit=1.0)
    assert project.state() == truth(forum)


@pytest.mark.parametrize("status", [404, 410])
def test_thread_deleted_at_the_source_is_purged(project: Project, status: int) -> None:
    """By a clear answer to a question for that very thread."""
    forum = forum_of(5, 2)
    project.crawl(forum)
    forum.topics[1].status = status
    project.crawl(forum, audit=1.0)
    assert project.state() == truth(forum)
    assert project.report.status == "ok"
    project.crawl(forum, audit=1.0)
    assert not any(path.startswith("/t/1") for path in forum.asked)


@pytest.mark.parametrize("page", ["/t/1", "/t/1?page=2", "/list"])
def test_failure_purges_nothing(project: Project, page: str) -> None:
    """An answer that never came says nothing about the source."""
    forum = forum_of(8, 2)
    project.crawl(forum)
    before = project.state()
    forum.failing.add(f"{HOME}{page}")
    del forum.topics[1].posts["1"]
    forum.reply(1)
    project.crawl(forum, audit=1.0)
    kept = project.state()[f"{HOME}/t/1"]
    assert set(before[f"{HOME}/t/1"]) <= set(kept)
    forum.failing.clear()
    project.crawl(forum, audit=1.0)
    assert project.state() == truth(forum)


def test_cut_page_purges_nothing(project: Project) -> None:
    """Posts that a page without its end does not show may still be there."""
    forum = forum_of(5)
    project.crawl(forum)
    before = project.state()
    answer = forum.answer

    def cut(job: Job) -> Outcome:
        outcome = answer(job)
        (thread,) = outcome.found.documents or (None,)
        if not isinstance(thread, Thread):
            return outcome
        short = Found(documents=(replace(thread, posts=thread.posts[:1]),))
        return replace(outcome, found=short, is_cut=True)

    forum.answer = cut  # type: ignore[method-assign]
    project.crawl(forum, audit=1.0)
    assert project.state() == before


def test_page_without_its_posts_is_a_failure(project: Project) -> None:
    """A page for maintenance is no deletion."""
    forum = forum_of(5)
    project.crawl(forum)
    before = project.state()
    forum._thread = lambda *_: Found()  # type: ignore[method-assign]
    project.crawl(forum, audit=1.0)
    assert project.state() == before
    assert project.report.status == "partial"


def test_thread_made_private_is_purged_once_the_site_shows_that_it_answers(
    project: Project,
) -> None:
    """A refusal is believed where other pages are read after it, be it in the next crawl."""
    forum = forum_of(2, 2, 2)
    project.crawl(forum)
    forum.topics[1].status = 403
    project.crawl(forum, audit=1.0)
    assert len(project.state()) == 3
    project.crawl(forum)
    assert project.state() == truth(forum)
    forum.topics[3].status = 403
    project.crawl(forum, audit=1.0)
    assert project.state() == truth(forum)


def test_wall_purges_nothing(project: Project) -> None:
    """Where nothing is read after a refusal, it is the crawler that is unwelcome."""
    forum = forum_of(2, 2, 2)
    project.crawl(forum)
    before = project.state()
    for topic in forum.topics.values():
        topic.status = 403
    project.crawl(forum, audit=1.0)
    assert project.state() == before


def test_thread_that_asks_not_to_be_indexed_any_more_is_purged(project: Project) -> None:
    """What was stored of it goes, and it is not asked for again while it is as it was."""
    forum = forum_of(2, 2)
    project.crawl(forum)
    forum.topics[1].noindex = True
    project.crawl(forum, audit=1.0)
    assert project.state() == truth(forum)
    project.crawl(forum)
    assert forum.asked == ["/list"]


def test_merged_thread_is_kept_once(project: Project) -> None:
    """The address that now shows another thread loses its own copy once that one is stored."""
    forum = forum_of(2, 4)
    project.crawl(forum)
    forum.topics[2].posts |= forum.topics[1].posts
    forum.topics[1].moved_to = 2
    forum.topics[1].bumped = next(forum.clock)
    project.crawl(forum)
    assert project.state() == truth(forum)


def test_addresses_a_page_names_as_deleted_are_purged(project: Project) -> None:
    """Threads and posts alike."""
    forum = forum_of(2, 2)
    project.crawl(forum)
    lists = forum._list
    forum._list = lambda page: replace(lists(page), gone=(f"{HOME}/t/1",))  # type: ignore[method-assign]
    del forum.topics[1]
    project.crawl(forum)
    assert project.state() == truth(forum)


@SHAPES
@settings(max_examples=25, deadline=None)
@given(kills=st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_killed_crawl_goes_on_to_the_same_end(is_html: bool, kills: list[int]) -> None:
    """Whatever was being written when it was killed, and however often."""
    forum = forum_of(1, 7, 3, 4, 12, 2, is_html=is_html)
    project, asked = Project(), list[str]()
    for until in kills:
        try:
            project.crawl(forum, until=until)
        except Killed:
            asked += forum.asked
        else:
            break
    else:
        project.crawl(forum)
        asked += forum.asked
    assert project.state() == truth(forum)
    assert len(asked) <= 15 + 3 * len(kills)


@SHAPES
def test_killed_crawl_goes_on_in_every_database(database: str, is_html: bool) -> None:
    """And the next one asks for no more than the list, and purges what went."""
    forum, project = forum_of(1, 7, 3, 4, 12, 2, is_html=is_html), Project(database)
    for until in (3, 9, 17):
        with suppress(Killed):
            project.crawl(forum, until=until)
    project.crawl(forum)
    assert project.state() == truth(forum)
    project.crawl(forum)
    assert forum.asked == ["/list"]
    forum.topics[5].posts.pop("18")
    forum.reply(5)
    project.crawl(forum)
    assert project.state() == truth(forum)
    project.engine.dispose()


def test_next_due_is_that_of_the_first_page_to_fail_again(project: Project) -> None:
    """A read thread comes due by its list alone."""
    forum = forum_of(1, 1)
    project.crawl(forum)
    assert project.frontier.next_due("forum.example") is None
    forum.add(3, 1)
    forum.failing.add(f"{HOME}/t/3")
    project.crawl(forum)
    url = f"{HOME}/t/3"
    assert project.frontier.next_due("forum.example") == project.frontier.pages([url])[url].due


def test_killed_recrawl_purges_what_it_would_have_purged(project: Project) -> None:
    """A walk that is gone on with still tells what is no longer there."""
    for until in range(12):
        forum, project = forum_of(8, 5), Project()
        project.crawl(forum)
        del forum.topics[1].posts["2"]
        forum.reply(1)
        try:
            project.crawl(forum, until=until)
        except Killed:
            project.crawl(forum)
        assert project.state() == truth(forum), until


def test_validators_spare_the_body(project: Project) -> None:
    """A page that answers 304 keeps its posts and its links."""
    forum = forum_of(5, 5, has_etags=True)
    project.crawl(forum)
    project.crawl(forum, audit=1.0)
    assert project.report.not_modified == 5
    assert project.state() == truth(forum)
    forum.reply(1)
    project.crawl(forum)
    assert forum.asked == ["/list", "/t/1?page=2"]
    assert project.state() == truth(forum)


def test_failing_page_is_tried_at_the_next_crawl(project: Project) -> None:
    """It needs no list to be found again."""
    forum = forum_of(2, 5)
    forum.failing.add(f"{HOME}/t/2?page=2")
    project.crawl(forum)
    assert project.corpus.failures()[0].reason == "no answer in time"
    forum.failing.clear()
    project.crawl(forum)
    assert forum.asked == ["/t/2?page=2", "/list"]
    assert project.state() == truth(forum)
    assert project.corpus.failures() == []


def test_page_limit_is_gone_on_with(project: Project) -> None:
    """What a limited crawl left is asked for by the next ones."""
    forum = forum_of(4, 4, 4, 4, 4, 4)
    for _ in range(6):
        project.crawl(forum, max_pages=4)
        assert len(forum.asked) <= 4
    assert project.state() == truth(forum)


def test_dry_run_stores_nothing_and_says_what_it_would_ask(project: Project) -> None:
    """Lists are walked; neither the documents nor the frontier change."""
    forum = forum_of(4, 2, 2, 2, 2)
    project.crawl(forum)
    forum.add(9, 2)
    forum.reply(1)
    before = (project.state(), len(project.frontier.pages([f"{HOME}/t/9"])))
    copy = Project()
    copy.engine = project.frontier.copy(["forum.example"]).engine
    visit = copy.crawl(forum, is_dry=True)
    assert [(link.url, link.title) for link in visit.would()] == [
        (f"{HOME}/t/1?page=2", ""),
        (f"{HOME}/t/9", "Thread 9"),
    ] or {link.url for link in visit.would()} == {f"{HOME}/t/1?page=2", f"{HOME}/t/9"}
    assert all("/t/" not in path for path in forum.asked)
    assert before == (project.state(), len(project.frontier.pages([f"{HOME}/t/9"])))


@dataclass(frozen=True)
class Only:
    """A scope of threads with a word."""

    word: str

    @property
    def mark(self) -> str:
        return self.word

    def wants(self, link: Link) -> bool:
        return "3" not in link.title

    def keeps(self, document: Document) -> bool:
        return isinstance(document, Thread) and any(self.word in p.text for p in document.posts)


@SHAPES
def test_thread_off_topic_is_read_once_and_not_stored(project: Project, is_html: bool) -> None:
    """Its first piece decides; it is asked for again when it changes."""
    forum = forum_of(7, 7, 7, is_html=is_html)
    forum.topics[1].posts["2"] = "My knee."
    project.crawl(forum, scope=Only("knee"))
    assert set(project.state()) == {f"{HOME}/t/1"}
    assert sum("/t/2" in path for path in forum.asked) == 1
    assert not any("/t/3" in path for path in forum.asked)
    assert project.report.off_topic == 1
    project.crawl(forum, scope=Only("knee"))
    assert forum.asked == ["/list"]
    forum.topics[2].posts["8"] = "A knee."
    forum.reply(2)
    project.crawl(forum, scope=Only("knee"))
    assert set(project.state()) == {f"{HOME}/t/1", f"{HOME}/t/2"}


@SHAPES
def test_wider_scope_brings_what_a_narrower_one_left_out(project: Project, is_html: bool) -> None:
    """Threads off topic and threads passed over in the list, though nothing changed there."""
    forum = forum_of(7, 7, 7, is_html=is_html)
    forum.topics[1].posts["2"] = "My knee."
    project.crawl(forum, scope=Only("knee"))
    project.crawl(forum, scope=None)
    assert set(project.state()) == {f"{HOME}/t/{n}" for n in (1, 2, 3)}
    project.crawl(forum, scope=None)
    assert forum.asked == ["/list"]


def article(path: str, text: str) -> Found:
    source = Source(url=f"{HOME}{path}", site="forum.example", fetched=NOW, engine="article")
    return Found(documents=(Article(source=source, title="Heels", text=text),))


@pytest.mark.parametrize(("own", "asked"), [(False, ["/list"]), (True, ["/list", "/a"])])
def test_article_is_read_again_when_it_is_due(
    project: Project, own: bool, asked: list[str]
) -> None:
    """Nobody says whether it changed: days apart, but for the user's own."""
    forum = Forum()
    forum._list = lambda _: Found(links=(Link(url=f"{HOME}/a", role="article"),))  # type: ignore[method-assign]
    answer = forum.answer

    def with_article(job: Job) -> Outcome:
        if job.at != f"{HOME}/a":
            return answer(job)
        forum.asked.append("/a")
        return forum._signed(
            Outcome(site=job.site, url=job.link.url, kind="read", requests=1),
            job,
            article("/a", "Of heels."),
        )

    forum.answer = with_article  # type: ignore[method-assign]
    project.crawl(forum, own=own)
    project.crawl(forum, own=own)
    assert forum.asked == asked


def test_feed_of_the_newest_posts_is_followed_while_it_brings_news(project: Project) -> None:
    """Only where the site was collected before; a page with an edited post is read again."""
    forum = forum_of(2, 2)
    lists, answer, feeds = forum._list, forum.answer, list[str]()
    first = Link(url=f"{HOME}/recent", role="recent")
    forum._list = lambda page: replace(lists(page), links=(*lists(page).links, first))  # type: ignore[method-assign]

    def with_feed(job: Job) -> Outcome:
        if "/recent" not in job.at:
            return answer(job)
        feeds.append(job.at.removeprefix(HOME))
        found = forum._thread(2 if "before" in job.at else 1, "", {})
        more = Link(url=f"{HOME}/recent?before={len(feeds)}", role="recent")
        return Outcome(
            site=job.site, url=job.link.url, kind="read", found=replace(found, links=(more,))
        )

    forum.answer = with_feed  # type: ignore[method-assign]
    project.crawl(forum)
    assert feeds == []
    project.crawl(forum)
    assert feeds == ["/recent"]
    forum.topics[1].posts["1"] = "Edited."
    project.crawl(forum)
    assert feeds == ["/recent", "/recent", "/recent?before=2"]
    assert project.state() == truth(forum)


def test_end_told_by_the_child_ends_the_visit(project: Project) -> None:
    """What is queued then stays so for the next crawl."""
    forum = forum_of(1, 1, 1)
    site = Site(start=(f"{HOME}/list",))
    visit = Visit(site, project.corpus, project.frontier, key=b"k" * 32)
    for job in visit.jobs(2):
        visit.take(forum.answer(job))
    visit.notice(Notice(site=site.name, status="refused", reason="the site refuses (403)"))
    assert visit.jobs(2) == []
    assert (visit.conclude().status, visit.report().queued) == ("refused", 3)


@pytest.mark.parametrize(
    ("page", "link", "is_same"),
    [
        ("/viewforum.php?f=1", "/viewforum.php?f=1&start=25", True),
        ("/viewforum.php?f=1", "/viewforum.php?f=2", False),
        ("/forums/hips.2/", "/forums/hips.2/page-2", True),
        ("/forums/hips.2/", "/forums/knees.3/", False),
        ("/latest.json", "/latest?no_definitions=true&page=1", True),
        ("/index.php?board=5.0", "/index.php?board=5.20", True),
        ("/index.php?board=5.0", "/index.php?board=6.0", False),
        ("/api/discussions", "/api/discussions?page[offset]=20", True),
    ],
)
def test_further_page_of_a_list_is_told_from_another_list(
    page: str, link: str, is_same: bool
) -> None:
    """By what of its address says which page."""
    assert continues(HOME + page, HOME + link) is is_same


@pytest.mark.parametrize(
    ("share", "known", "wanted"), [(0.005, 1000, 5), (0.005, 10, 1), (0, 10, 0), (1, 7, 7)]
)
def test_share_of_an_audit_is_rounded_up(share: float, known: int, wanted: int) -> None:
    """At least one page, where anything is asked of it."""
    assert audited(share, known) == wanted


def test_page_that_grew_holds_what_it_held() -> None:
    """In the same order, with more behind it."""
    assert has_grown(("1", "2"), ("1", "2", "3"))
    assert not has_grown(("1", "2"), ("2", "3"))


def test_page_that_rarely_changes_is_due_rarely() -> None:
    """Between a day and a month; a page that fails again and again waits longer each time."""
    assert next_due(NOW, NOW) == NOW + timedelta(days=1)
    assert next_due(NOW, NOW - timedelta(days=50)) == NOW + timedelta(days=10)
    assert next_due(NOW, NOW - timedelta(days=5000)) == NOW + timedelta(days=30)
    assert retried(NOW, 1) == NOW < retried(NOW, 4) < retried(NOW, 5)


def endless(forum: Forum, *, of: str) -> None:
    """Every page of the list, or of a thread, says that one more follows; all show the same."""
    plain_list, plain_thread = forum._list, forum._thread

    def rows(page: int) -> Found:
        shown = [link for link in plain_list(0).links if link.role == "thread"]
        return Found(links=(*shown, Link(url=f"{HOME}/list?page={page + 1}", role="listing")))

    def thread(number: int, path: str, query: dict[str, list[str]]) -> Found:
        page, url = int(query.get("page", ["1"])[0]), f"{HOME}/t/{number}"
        following = Link(url=f"{url}?page={page + 1}", role="posts", thread=url)
        return replace(plain_thread(number, path, {}), links=(following,))

    if of == "list":
        forum._list = rows  # type: ignore[method-assign]
    else:
        forum._thread = thread  # type: ignore[method-assign]


def test_list_that_repeats_itself_is_left_after_three_pages(project: Project) -> None:
    """In a further crawl too, though by then every thread is known."""
    forum = forum_of(2, 1)
    endless(forum, of="list")
    row = forum._row
    forum._row = lambda number: replace(row(number), active=None)  # type: ignore[method-assign]
    project.crawl(forum)
    lists = ["/list", "/list?page=1", "/list?page=2", "/list?page=3"]
    assert [asked for asked in forum.asked if "list" in asked] == lists
    assert (project.state(), project.report.status) == (truth(forum), "ok")
    project.crawl(forum)
    assert forum.asked == lists


def test_thread_that_repeats_itself_is_left_at_once(project: Project) -> None:
    """A further page with the very same posts leads no further; audits and replies do not either.

    Of its posts none is taken for deleted, since its end was not seen.
    """
    forum = forum_of(3, 2)
    endless(forum, of="thread")
    project.crawl(forum)
    every = ["/list", "/t/1", "/t/1?page=2", "/t/2", "/t/2?page=2"]
    assert sorted(forum.asked) == every
    assert project.state() == truth(forum)
    project.crawl(forum, audit=1.0)
    assert sorted(forum.asked) == every
    assert project.report.purged == 0
    forum.topics[2].bumped = next(forum.clock)
    project.crawl(forum)
    assert len(forum.asked) <= 3
    assert project.state() == truth(forum)


@SHAPES
@pytest.mark.parametrize("until", [9, 17, 26])
def test_long_lists_and_threads_are_read_to_their_end_after_a_stop(
    project: Project, is_html: bool, until: int
) -> None:
    """Whatever former visits had seen, each page that shows something new to this one leads on."""
    forum = forum_of(*[2] * 20, 25, is_html=is_html)
    with suppress(Killed):
        project.crawl(forum, until=until)
    project.crawl(forum)
    assert project.state() == truth(forum)
    forum.reply(1)
    row = forum._row
    forum._row = lambda number: replace(row(number), active=None)  # type: ignore[method-assign]
    project.crawl(forum, audit=1.0)
    assert project.state() == truth(forum)
    assert f"/list?page={20 // ROWS}" in forum.asked


def test_list_that_shows_what_another_showed_is_followed() -> None:
    """Only what it showed itself tells that it goes round."""
    pagers = Pagers(Tally("forum.example", NOW))

    def followed(query: str, page: int) -> bool:
        listed = KnownPage(url=f"{HOME}/list?{query}page={page}", site="x", role="listing")
        row = Link(url=f"{HOME}/t/{page}", role="thread")
        following = Link(url=f"{HOME}/list?{query}page={page + 1}", role="listing")
        return following in pagers.onward(listed, (), (row, following))

    assert all(followed("", page) for page in range(9))
    assert all(followed("board=7&", page) for page in range(9))
    assert [followed("", page) for page in range(4)] == [True, True, False, False]


def test_lists_that_only_lead_to_other_lists_are_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A calendar has no end, and the threads do not account for it; the report says so."""
    monkeypatch.setattr("crawler.pagers.FREE_LISTS", 5)
    forum = forum_of(1)
    row = forum._row(1)
    months = count(1)

    def month(page: int) -> Found:
        return Found(links=(row, Link(url=f"{HOME}/list?month={next(months)}", role="listing")))

    forum._list = month  # type: ignore[method-assign]
    project.crawl(forum)
    assert len(forum.asked) == 1 + 5 + 10 + 1
    assert project.report.status == "partial"
    assert project.report.reasons == (("lists without an end: no further ones were asked for", 1),)
