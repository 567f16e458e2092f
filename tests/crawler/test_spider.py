"""The spider over real HTTP on loopback: complete, polite, stoppable, and calm about bad pages."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from scrapy import Request

from crawler.crawl import crawl, user_agent
from crawler.database import open_database
from crawler.deliver import Delivery
from crawler.documents import Article, Document, Thread
from crawler.engines.custom import Selectors
from crawler.errors import KeyFileError, StoreError
from crawler.page import Page
from crawler.politeness import MOST_RULES, forbids_keeping, paced, seconds_to_wait, wall
from crawler.privacy import is_telling, pseudonym
from crawler.replica import Replica, serve
from crawler.replica.content import COMMUNITY, Forum, load
from crawler.report import Report, SiteReport
from crawler.sites import BadSite, Site
from crawler.spider import FolkgradeSpider

KEY = b"k" * 32
AGENT = user_agent("0.0", "https://contact.example")
NOW = datetime(2024, 9, 6, 12, 0, tzinfo=UTC)


class Shelf:
    """A store in memory that keeps whatever it is given."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.posts: dict[str, dict[str, object]] = {}
        self.failures: dict[str, str] = {}
        self.purged: list[str] = []
        self.engine = open_database("sqlite://")
        self.delivered = 0

    def add(self, document: Document) -> str:
        self.delivered += 1
        url = document.source.url
        done = "changed" if url in self.documents else "new"
        self.documents[url] = document
        if isinstance(document, Thread):
            self.posts.setdefault(url, {}).update({post.id: post for post in document.posts})
        return done

    def get(self, url: str) -> Document | None:
        found = self.documents.get(url)
        if isinstance(found, Thread):
            return replace(found, posts=tuple(self.posts[url].values()))  # type: ignore[arg-type]
        return found

    def failed(self, url: str, reason: str) -> None:
        self.failures[url] = reason

    def recovered(self, url: str) -> None:
        self.failures.pop(url, None)

    def settle(self, url: str, ids: Collection[str]) -> int:
        gone = self.posts.get(url, {}).keys() - set(ids)
        for post in gone:
            del self.posts[url][post]
        return len(gone)

    def purge(self, urls: Collection[str]) -> int:
        self.purged += urls
        gone = [url for url in urls if self.documents.pop(url, None)]
        return len(gone) + sum(len(self.posts.pop(url, {})) for url in gone)


@dataclass
class Reply:
    """What a tiny server says."""

    body: str = ""
    status: int = 200
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Tiny:
    """A site of a few addresses, with a journal of when it was asked for what."""

    replies: dict[str, Reply | list[Reply]]
    port: int = 0
    slow: float = 0.0
    journal: list[tuple[float, str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    """Most requests under way at one time."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def asked(self) -> list[str]:
        return [path for _, path, _ in self.journal]

    def reply(self, path: str) -> Reply:
        found = self.replies.get(path, Reply("gone", 404, "text/plain"))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found


@contextmanager
def running(tiny: Tiny) -> Iterator[Tiny]:
    """Serves a tiny site until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tiny.journal.append((time.monotonic(), self.path, self.headers["User-Agent"]))
            tiny.headers.append(dict(self.headers))
            tiny.busy += 1
            tiny.busiest = max(tiny.busiest, tiny.busy)
            time.sleep(tiny.slow)
            reply = tiny.reply(self.path)
            tag = reply.headers.get("ETag")
            if tag and self.headers["If-None-Match"] == tag:
                reply = replace(reply, status=304, body="")
            packed = "Content-Encoding" in reply.headers
            body = reply.body.encode("latin-1" if packed else "utf-8")
            tiny.busy -= 1
            self.send_response(reply.status)
            usual = {"Content-Type": reply.kind, "Content-Length": str(len(body))}
            for name, value in {**usual, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # who has enough of it goes
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tiny.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield tiny
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def robots(text: str = "User-agent: *\nDisallow:") -> Reply:
    return Reply(text, kind="text/plain")


def listing(*topics: int, bumped: str = "2024-01-01") -> Reply:
    rows = [
        {"id": n, "posts_count": 1, "highest_post_number": 1, "bumped_at": bumped} for n in topics
    ]
    return Reply(json.dumps({"topic_list": {"topics": rows}}))


def topic(n: int) -> Reply:
    row = {"id": n * 10, "post_number": 1, "post_type": 1, "username": "Bea_99"}
    stream = {"posts": [row | {"cooked": "<p>Hot bath.</p>"}], "stream": [n * 10]}
    return Reply(json.dumps({"id": n, "title": f"T{n}", "posts_count": 1, "post_stream": stream}))


def forum(*topics: int, **more: Reply | list[Reply]) -> Tiny:
    """A Discourse of one list and its topics; `more` replaces answers by path."""
    replies: dict[str, Reply | list[Reply]] = {"/robots.txt": robots()}
    replies["/latest.json"] = listing(*topics)
    return Tiny({**replies, **{f"/t/{n}.json": topic(n) for n in topics}, **more})


def site(tiny: Tiny, path: str = "latest.json", **more: object) -> Site:
    return Site(start=(tiny.url + path,), delay=0, **more)  # type: ignore[arg-type]


@dataclass
class Visited:
    """Sites of every kind of trouble after one crawl of them all."""

    tinies: dict[str, Tiny]
    shelf: Shelf
    report: Report

    def of(self, name: str) -> SiteReport:
        port = self.tinies[name].port
        return next(s for s in self.report.sites if s.site == f"127.0.0.1:{port}")

    def failure(self, name: str, path: str) -> str | None:
        return self.shelf.failures.get(self.tinies[name].url + path)

    def threads(self, name: str) -> list[str]:
        base = self.tinies[name].url
        return sorted(u.removeprefix(base) for u in self.shelf.documents if u.startswith(base))


HTML = """<html><head><meta name="generator" content="Discourse 3.3.0"></head><body>
<h1><a href="/t/cold-feet/4">Cold feet</a></h1>
<div class="topic-body crawler-post"><span itemprop="author"><span itemprop="name">Bea</span></span>
<span itemprop="position">1</span><div class="post" itemprop="text"><p>Wool.</p></div></div>
</body></html>"""
HIDDEN = Reply(topic(1).body, headers={"X-Robots-Tag": "noindex"})
AWAY = Reply("", 302, headers={"Location": "http://localhost:1/"})
WAIT = Reply("slow down", 429, "text/plain", {"Retry-After": "1"})
WAIT_NOT = Reply("slow down", 429, "text/plain", {"Retry-After": "0"})
REFUSED = Reply("<title>Forbidden</title>", 403, "text/html")


@pytest.fixture(scope="module")
def visited() -> Iterator[Visited]:
    """One crawl of all the small sites, since each crawl costs seconds."""
    tinies = {
        "delay": forum(1, 2, 3, **{"/robots.txt": robots("User-agent: *\nCrawl-delay: 0.4")}),
        "rules": forum(1, 2, **{"/robots.txt": robots("User-agent: *\nDisallow: /t/2")}),
        "closed": forum(1, **{"/robots.txt": robots("User-agent: *\nDisallow: /")}),
        "no-rules": forum(1, **{"/robots.txt": Reply("oops", 500, "text/plain")}),
        "pause": forum(1, 2, 3, **{"/t/2.json": [WAIT, topic(2)]}),
        "hurry": forum(1, 2, **{"/latest.json": WAIT_NOT}),
        "wall": forum(1, **{"/latest.json": REFUSED}),
        "walls": forum(*range(1, 9), **{f"/t/{n}.json": REFUSED for n in range(1, 9)}),
        "login": forum(
            1, **{"/latest.json": Reply("", 302, headers={"Location": "/login"}),
                  "/login": Reply('<input type="password">', kind="text/html")},
        ),
        "broken": forum(
            1, 2, 3, 4,
            **{"/t/1.json": Reply('{"post_stream": {"posts": [{"id"'), "/t/2.json": Reply("", 404),
               "/t/3.json": Reply("\x00\x01", kind="image/png")},
        ),
        "shy": forum(1, 2, **{"/t/1.json": HIDDEN}),
        "stray": forum(1, 2, **{"/t/1.json": AWAY}),
        "plain": Tiny({"/robots.txt": robots("User-agent: *\nDisallow: /*.json"),
                       "/t/cold-feet/4": Reply(HTML, kind="text/html")}),
        "html": Tiny({"/robots.txt": robots(), "/t/cold-feet/4": Reply(HTML, kind="text/html"),
                      "/t/4.json": topic(4)}),
        "few": forum(*range(1, 9)),
        "none": forum(1, **{"/latest.json": Reply("", 404)}),
        "file": forum(1, **{"/latest.json": Reply("", 302, headers={"Location": "file:///x"})}),
        "loop": forum(1, **{"/latest.json": Reply("", 302, headers={"Location": "latest.json"})}),
        "huge": forum(1, 2, **{"/t/1.json": Reply(topic(1).body.replace(
            '"post_number": 1', f'"post_number": {2**70}'))}),
    }  # fmt: skip
    with ExitStack() as stack:
        for tiny in tinies.values():
            stack.enter_context(running(tiny))
        gone = stack.enter_context(running(forum(1)))
        starts = {"plain": "t/cold-feet/4", "html": "t/cold-feet/4"}
        sites = [
            site(tiny, starts.get(name, "latest.json"), max_pages=3 if name == "few" else None)
            for name, tiny in tinies.items()
        ]
        sites.append(Site(start=("http://127.0.0.1:9/latest.json",), delay=0))
        shelf = Shelf()
        report = crawl(sites, shelf, key=KEY, user_agent=AGENT)
        yield Visited({**tinies, "gone": gone}, shelf, report)


def gaps(tiny: Tiny) -> list[float]:
    """Seconds between neighbouring requests."""
    times = [at for at, _, _ in tiny.journal]
    return [after - before for before, after in pairwise(times)]


def test_spider_says_who_it_is(visited: Visited) -> None:
    """Every request, robots.txt among them, carries the name and the contact."""
    agents = {agent for tiny in visited.tinies.values() for _, _, agent in tiny.journal}
    assert agents == {"folkgrade/0.0 (+https://contact.example)"}


def test_robots_are_asked_first(visited: Visited) -> None:
    """The first request to every site is for its rules."""
    firsts = {tiny.asked[0] for tiny in visited.tinies.values() if tiny.asked}
    assert firsts == {"/robots.txt"}


def test_crawl_delay_is_kept(visited: Visited) -> None:
    """robots.txt may ask for more time between requests than the user did."""
    assert len(visited.tinies["delay"].journal) == 5
    assert min(gaps(visited.tinies["delay"])) >= 0.39


def test_forbidden_page_is_never_asked_for(visited: Visited) -> None:
    """robots.txt is obeyed page by page, and the page is on record."""
    assert "/t/2.json" not in visited.tinies["rules"].asked
    assert visited.failure("rules", "t/2.json") == "robots.txt says no"
    assert visited.threads("rules") == ["t/1"]


def test_site_closed_to_robots_is_refused(visited: Visited) -> None:
    """Where the start is forbidden nothing at all is asked for."""
    assert visited.of("closed").status == "refused"
    assert visited.tinies["closed"].asked == ["/robots.txt"]


def test_site_without_readable_rules_is_left_alone(visited: Visited) -> None:
    """A robots.txt in trouble allows nothing."""
    assert visited.of("no-rules").status == "unreachable"
    assert set(visited.tinies["no-rules"].asked) == {"/robots.txt"}


def test_request_to_wait_pauses_the_whole_site(visited: Visited) -> None:
    """After a 429 nobody asks before Retry-After is over, and nothing is lost."""
    tiny = visited.tinies["pause"]
    place = tiny.asked.index("/t/2.json")
    assert gaps(tiny)[place] >= 0.99
    assert visited.threads("pause") == ["t/1", "t/2", "t/3"]
    assert visited.of("pause").status == "ok"


def test_endless_requests_to_wait_end_the_visit(visited: Visited) -> None:
    """A site that never stops saying no is left alone."""
    assert visited.of("hurry").status == "refused"
    assert len(visited.tinies["hurry"].asked) <= 8


def test_wall_at_the_start_ends_the_visit(visited: Visited) -> None:
    """A 403 is an answer; there is no second try."""
    assert (visited.of("wall").status, visited.of("wall").reason) == (
        "refused",
        "the site refuses (403)",
    )
    assert visited.tinies["wall"].asked == ["/robots.txt", "/latest.json"]


def test_walls_in_a_row_end_the_visit(visited: Visited) -> None:
    """After three refusals no more of the site is asked for."""
    assert visited.of("walls").status == "refused"
    assert sum("/t/" in path for path in visited.tinies["walls"].asked) == 3


def test_login_is_a_wall(visited: Visited) -> None:
    """A redirect to a password form is no page."""
    assert "login" in visited.of("login").reason


def test_bad_pages_are_recorded_and_the_crawl_goes_on(visited: Visited) -> None:
    """Cut JSON, a missing page and bytes cost one page each."""
    assert visited.threads("broken") == ["t/4"]
    assert visited.of("broken").status == "partial"
    assert "JSON" in (visited.failure("broken", "t/1.json") or "")
    assert visited.failure("broken", "t/2.json") == "not there (404)"
    assert visited.failure("broken", "t/3.json") == "not a page of text"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none", "not there (404)"),
        ("file", "redirected to no page (302)"),
        ("loop", "redirected again and again"),
    ],
)
def test_start_that_is_no_page_is_an_error_and_no_refusal(
    visited: Visited, name: str, reason: str
) -> None:
    """Only rules and walls refuse."""
    assert (visited.of(name).status, visited.of(name).reason) == ("unreachable", reason)


def test_impossible_number_costs_one_page(visited: Visited) -> None:
    """The other topics are read."""
    assert visited.threads("huge") == ["t/2"]
    assert "number" in (visited.failure("huge", "t/1.json") or "")


def test_page_that_asks_not_to_be_indexed_is_not_stored(visited: Visited) -> None:
    """X-Robots-Tag is respected and counted."""
    assert visited.threads("shy") == ["t/2"]
    assert visited.of("shy").withheld == 1


def test_redirect_off_the_site_is_not_followed(visited: Visited) -> None:
    """The user named a site; others were not asked for."""
    assert visited.failure("stray", "t/1.json") == "leads off the site, to localhost:1"


def test_json_is_preferred_and_html_stands_in(visited: Visited) -> None:
    """A topic's address leads to its JSON; where that is forbidden its HTML is read."""
    texts = {
        name: next(iter(visited.shelf.posts[f"{visited.tinies[name].url}t/4"].values())).text  # type: ignore[attr-defined]
        for name in ("html", "plain")
    }
    assert texts == {"html": "Hot bath.", "plain": "Wool."}


def test_page_limit_is_kept(visited: Visited) -> None:
    """`max_pages` ends a visit early."""
    assert visited.of("few").pages == 3


@pytest.mark.parametrize("most", [1, 2, 3])
def test_page_limit_is_never_passed_by_one(most: int) -> None:
    """A better form of a page is a further request; where none is left the page itself is read."""
    replies = {f"/t/cold-feet/{n}": Reply(HTML, kind="text/html") for n in (4, 5)}
    with running(Tiny({"/robots.txt": robots(), "/t/4.json": topic(4), **replies})) as tiny:
        starts = tuple(f"{tiny.url}t/cold-feet/{n}" for n in (4, 5))
        crawl([Site(start=starts, delay=0, max_pages=most)], Shelf(), key=KEY, user_agent=AGENT)
    assert len(tiny.asked) - tiny.asked.count("/robots.txt") == most


def test_silent_site_is_unreachable(visited: Visited) -> None:
    """Where nobody listens the report says so."""
    report = next(one for one in visited.report.sites if one.site == "127.0.0.1:9")
    reason = "robots.txt cannot be had: no connection: refused"
    assert (report.status, report.reason) == ("unreachable", reason)


def test_no_name_reaches_the_store(visited: Visited) -> None:
    """Documents cross the border between the processes pseudonymised."""
    assert "Bea" not in repr(vars(visited.shelf))


def test_second_crawl_asks_only_for_what_changed() -> None:
    """A list that describes a thread as stored spares its visit."""
    with running(forum(1, 2, 3)) as tiny:
        shelf = Shelf()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
        tiny.replies["/latest.json"] = Reply(
            listing(1, 2).body.replace("]}}", ",") + listing(3, bumped="2024-02-02").body[27:]
        )
        tiny.journal.clear()
        report = crawl([site(tiny, audit=0)], shelf, key=KEY, user_agent=AGENT)
    assert sorted(tiny.asked) == ["/latest.json", "/posts.json", "/robots.txt", "/t/3.json"]
    assert (report.sites[0].unchanged, report.sites[0].changed) == (2, 1)


def test_thread_cut_short_by_the_limit_is_asked_for_again() -> None:
    """Only a thread that was read to its end counts as seen."""
    long = json.loads(topic(1).body)
    long["post_stream"]["stream"] = list(range(10, 60))
    with running(forum(1, **{"/t/1.json": Reply(json.dumps(long))})) as tiny:
        shelf = Shelf()
        crawl([site(tiny, max_pages=2)], shelf, key=KEY, user_agent=AGENT)
        assert shelf.posts
        tiny.journal.clear()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
    assert any("post_ids" in path for path in tiny.asked)


def test_interrupt_keeps_what_was_read_and_the_next_crawl_goes_on() -> None:
    """Ctrl-C ends the crawl within seconds; nothing is read twice afterwards."""
    with running(forum(*range(1, 13))) as tiny:
        tiny.slow = 0.15
        shelf, stopped = Shelf(), list[SiteReport]()

        def progress(state: SiteReport) -> None:
            if shelf.delivered >= 3 and not stopped:
                stopped.append(state)
                os.kill(os.getpid(), signal.SIGINT)

        first = crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT, progress=progress)
        read, stored = shelf.delivered, set(shelf.posts)
        tiny.slow = 0
        tiny.journal.clear()
        second = crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
    assert (first.interrupted, first.status, first.sites[0].status) == (
        True,
        "interrupted",
        "interrupted",
    )
    assert 3 <= read < 12
    assert len(shelf.posts) == 12
    assert second.status == "ok"
    assert not {f"/t/{url.rsplit('/', 1)[1]}.json" for url in stored} & set(tiny.asked)


def test_two_interrupts_at_once_end_the_crawl_as_one_does(tmp_path: Path) -> None:
    """The second one, a moment later, kills what reads pages and nothing else."""
    program = (
        "import sys; from crawler.corpus import Corpus; from crawler.crawl import crawl\n"
        "from crawler.database import open_database; from crawler.sites import Site\n"
        "if __name__ == '__main__':\n"
        "    store = Corpus(open_database(sys.argv[1]))\n"
        "    site, said = Site(start=(sys.argv[2],), delay=0), []\n"
        "    tell = lambda at: at.pages and not said and said.append(print('on', flush=True))\n"
        "    report = crawl([site], store, key=b'k' * 32, user_agent='folkgrade', progress=tell)\n"
        "    print(report.status)\n"
    )
    path = tmp_path / "run.py"
    path.write_text(program, encoding="utf-8")
    with running(forum(*range(1, 60))) as tiny:
        tiny.slow = 0.2
        process = subprocess.Popen(
            [sys.executable, str(path), str(tmp_path / "corpus.db"), tiny.url + "latest.json"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert (output.strip(), process.returncode) == ("interrupted", 0)


def test_unchanged_pages_answer_without_their_body() -> None:
    """ETags are sent back, and what a 304 stands for is remembered."""
    tagged = Reply(listing(1, 2).body, headers={"ETag": '"one"'})
    with running(forum(1, 2, **{"/latest.json": tagged})) as tiny:
        shelf = Shelf()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
        report = crawl([site(tiny, audit=0)], shelf, key=KEY, user_agent=AGENT)
    assert '"one"' in {sent.get("If-None-Match") for sent in tiny.headers}
    assert (report.sites[0].not_modified, report.sites[0].unchanged) == (1, 2)


@pytest.mark.parametrize(("wanted", "most"), [(1, 1), (3, 3)])
def test_site_is_asked_by_no_more_than_it_bears(wanted: int, most: int) -> None:
    """One request at a time, on this machine as many as were wished for."""
    with running(forum(*range(1, 10))) as tiny:
        tiny.slow = 0.1
        crawl([site(tiny, concurrency=wanted)], Shelf(), key=KEY, user_agent=AGENT)
    assert tiny.busiest == most


@pytest.mark.parametrize(
    ("start", "own", "most"),
    [
        ("https://a.example/", False, 1),
        ("https://a.example/", True, 4),
        ("http://localhost:8/", False, 4),
        ("http://[::1]:8/", False, 4),
        ("http://[::1]/", False, 4),
        ("http://[::1:8]/", False, 1),
        ("http://[2001:db8::1]:8/", False, 1),
    ],
)
def test_only_loopback_and_own_sites_are_asked_by_several(start: str, own: bool, most: int) -> None:
    """Nobody else was asked whether they mind."""
    assert Site(start=(start,), own=own, concurrency=4).at_once == most


def test_pause_asked_for_in_a_body_holds_back_the_whole_site() -> None:
    """`backoff` of an interface counts like Retry-After."""
    row = {"question_id": 5, "title": "Heel", "body": "<p>Sore.</p>", "creation_date": 1700000000}
    first = {"items": [row], "backoff": 1, "has_more": False, "quota_remaining": 9}
    calm = {"items": [], "has_more": False, "quota_remaining": 8}
    more = forum(1)
    more.replies["/questions"] = Reply(json.dumps(first))
    more.replies["/calm"] = Reply(json.dumps(calm))
    with running(more) as tiny:
        where = Site(start=(tiny.url + "questions", tiny.url + "calm"), delay=0)
        crawl([where], Shelf(), key=KEY, user_agent=AGENT)
    place = tiny.asked.index("/questions")
    assert gaps(tiny)[place] >= 0.99


def test_headers_go_to_the_site_alone() -> None:
    """Credentials are sent with every request to the host, and with none to another."""
    with running(forum(1, 2, **{"/t/1.json": AWAY})) as tiny:
        where = site(tiny, headers={"Authorization": "Bearer x"})
        crawl([where], Shelf(), key=KEY, user_agent=AGENT)
        assert {sent.get("Authorization") for sent in tiny.headers} == {"Bearer x"}
        assert where.may_see(tiny.url + "t/1")
        assert not where.may_see("https://127.0.0.1/t/1")
        assert not where.may_see("http://other.example/")


def led_to(tiny: Tiny, path: str) -> Reply:
    return Reply("", 301, headers={"Location": tiny.url + path})


def test_host_a_page_redirects_to_is_asked_for_nothing() -> None:
    """Not for its robots.txt either: it may be a machine that only we can reach."""
    with running(forum(9)) as inner, running(forum(1, 2)) as tiny:
        tiny.replies["/t/1.json"] = led_to(inner, "t/9.json")
        shelf = Shelf()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
    assert list(shelf.documents) == [tiny.url + "t/2"]
    assert shelf.failures[tiny.url + "t/1.json"].startswith("leads off the site, to 127.0.0.1:")
    assert inner.asked == []


def test_rules_at_no_address_of_the_web_are_none() -> None:
    """A redirect that nobody can follow leaves nothing allowed: the site is asked no more."""
    with running(forum(1)) as tiny:
        tiny.replies["/robots.txt"] = Reply("", 302, headers={"Location": "file:///etc/passwd"})
        report = crawl([site(tiny)], Shelf(), key=KEY, user_agent=AGENT)
    assert report.sites[0].status == "unreachable"
    assert report.sites[0].reason == "robots.txt leads off the site, to no address of the web"
    assert tiny.asked == ["/robots.txt"]


@pytest.mark.parametrize("is_site", [False, True])
def test_rules_that_lead_off_the_site_are_none(is_site: bool) -> None:
    """Nothing is allowed then; the other host sees nothing of it, be it a site of the crawl too."""
    with running(forum(9)) as other, running(forum(1)) as tiny:
        tiny.replies["/robots.txt"] = led_to(other, "elsewhere.txt")
        sites = [site(tiny, headers={"X-Api-Key": "open-sesame", "User-Agent": "member"})]
        sites += [site(other)] if is_site else []
        report = crawl(sites, Shelf(), key=KEY, user_agent=AGENT)
    assert report.sites[0].status == "unreachable"
    assert report.sites[0].reason == f"robots.txt leads off the site, to 127.0.0.1:{other.port}"
    assert tiny.asked == ["/robots.txt"]
    assert tiny.headers[0]["X-Api-Key"] == "open-sesame"
    assert other.asked == (["/robots.txt", "/latest.json", "/t/9.json"] if is_site else [])
    assert all(sent["User-Agent"] == AGENT for sent in other.headers)
    assert "open-sesame" not in repr(other.headers)


def test_rules_that_never_come_allow_nothing() -> None:
    """A connection that breaks off is an answer as good as an error: the site is unreachable."""
    cut = Reply("User-agent: *\n", kind="text/plain", headers={"Content-Length": "999"})
    with running(forum(1, **{"/robots.txt": cut})) as tiny:
        shelf = Shelf()
        report = crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT).sites[0]
    assert tiny.asked == ["/robots.txt"] * 3
    assert (report.status, shelf.documents) == ("unreachable", {})
    assert report.reason == "robots.txt cannot be had: cut short"


@pytest.mark.parametrize("is_packed", [False, True])
def test_rules_without_an_end_are_obeyed_as_far_as_they_are_read(is_packed: bool) -> None:
    """The rule that is cut in two is none; a file that only packed is small allows nothing."""
    rules = "User-agent: *\nDisallow: /t/2\n" + "# and so on\n" * 2_000_000
    rules = rules[:MOST_RULES] + rules
    long = Reply(rules, kind="text/plain")
    if is_packed:
        long = Reply(gzip.compress(rules.encode(), 1).decode("latin-1"), kind="text/plain",
                     headers={"Content-Encoding": "gzip"})  # fmt: skip
    with running(forum(1, 2, **{"/robots.txt": long})) as tiny:
        report = crawl([site(tiny)], Shelf(), key=KEY, user_agent=AGENT).sites[0]
    assert set(tiny.asked) == {"/robots.txt"} | (
        set() if is_packed else {"/latest.json", "/t/1.json"}
    )
    assert report.status == ("unreachable" if is_packed else "partial")


def test_answers_that_cannot_be_taken_say_why_in_plain_words() -> None:
    """Neither addresses nor names of settings stand in the reason."""
    bomb = gzip.compress(b" " * 17 * 2**20).decode("latin-1")
    odd = {
        "/t/1.json": Reply(bomb, headers={"Content-Encoding": "gzip"}),
        "/t/2.json": Reply("{", headers={"Content-Length": "999"}),
    }
    with running(forum(1, 2, **odd)) as tiny:
        shelf = Shelf()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
    assert shelf.failures == {
        tiny.url + "t/1.json": "larger than a page may be",
        tiny.url + "t/2.json": "cut short",
    }


class Endless(Tiny):
    """A forum whose list, and whose threads, always have one more page, with the same on it."""

    def reply(self, path: str) -> Reply:
        path, _, page = path.partition("?page=")
        following = f'<a class="more" href="{path}?page={int(page or 1) + 1}">more</a>'
        shown = {
            "/": '<a class="topic" href="/t/1">Sore heel</a>',
            "/t/1": '<p class="post" id="p1">Rest helped.</p><p class="post" id="p2">Me too.</p>',
        }.get(path)
        if shown is None:
            return Reply("", 404)
        return Reply(f"<html><body>{shown}{following}</body></html>", kind="text/html")


def test_pages_that_repeat_themselves_for_ever_are_left() -> None:
    """A list after three pages without anything new, a thread after one."""
    selectors = Selectors(post=".post", next=".more", thread_link=".topic", list_next=".more")
    with running(Endless({})) as tiny:
        shelf = Shelf()
        where = site(tiny, "", selectors=selectors)
        report = crawl([where], shelf, key=KEY, user_agent=AGENT).sites[0]
    lists = ["/", "/?page=2", "/?page=3", "/?page=4"]
    assert sorted(tiny.asked) == [*lists, "/robots.txt", "/t/1", "/t/1?page=2"]
    assert (report.status, report.posts) == ("ok", 4)


def test_rules_elsewhere_on_the_site_are_obeyed() -> None:
    """A redirect within the host leads to them, and they may be asked for with its headers."""
    rules = robots("User-agent: *\nDisallow: /t/2")
    with running(forum(1, 2, **{"/rules.txt": rules})) as tiny:
        tiny.replies["/robots.txt"] = led_to(tiny, "rules.txt")
        where = site(tiny, headers={"X-Api-Key": "x"})
        crawl([where], Shelf(), key=KEY, user_agent=AGENT)
    assert tiny.asked == ["/robots.txt", "/rules.txt", "/latest.json", "/t/1.json"]
    assert {sent.get("X-Api-Key") for sent in tiny.headers} == {"x"}


@pytest.mark.parametrize(
    ("first", "then", "sees"),
    [
        ("https://a.example/robots.txt", "https://a.example/rules", "a"),
        ("https://a.example/robots.txt", "https://www.a.example/robots.txt", None),
        ("https://a.example/robots.txt", "http://a.example/robots.txt", None),
        ("https://b.example/robots.txt", "https://b.example/rules", "b"),
        ("https://c.example/robots.txt", "https://c.example/rules", None),
    ],
)
def test_redirected_request_carries_only_what_its_host_may_see(
    first: str, then: str, sees: str | None
) -> None:
    """Whatever it carried before: the same host by the same scheme, or nothing."""
    given = {"a": {"X-Key": "a"}, "b": {"x-key": "b"}, "c": {}}
    sites = [Site(start=(f"https://{n}.example/",), headers=given[n]) for n in given]
    spider = FolkgradeSpider(sites, Delivery(KEY), None, raw=False)  # type: ignore[arg-type]
    request = Request(then, headers={"X-Key": "before"}, meta={"redirect_urls": [first]})
    spider.equip(request)
    assert request.headers.get("X-Key") == (sees.encode() if sees else None)


@pytest.mark.parametrize("same", [True, False])
def test_another_key_is_noticed_before_anything_is_asked(same: bool) -> None:
    """At the same site and at a new one; with the right key the project goes on."""
    with running(forum(1)) as tiny, running(forum(2)) as other:
        shelf = Shelf()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
        tiny.journal.clear()
        where = site(tiny if same else other)
        with pytest.raises(KeyFileError, match="restore that key"):
            crawl([where], shelf, key=b"o" * 32, user_agent=AGENT)
        assert tiny.asked + other.asked == []
        crawl([where], shelf, key=KEY, user_agent=AGENT)
        assert tiny.asked + other.asked


def test_dry_run_asks_for_lists_only_and_stores_nothing() -> None:
    """It says what a crawl would ask for."""
    with running(forum(1, 2)) as tiny:
        shelf = Shelf()
        report = crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT, dry_run=True)
        assert [link.url for link in report.would] == [f"{tiny.url}t/{n}.json" for n in (1, 2)]
        assert tiny.asked == ["/robots.txt", "/latest.json"]
        assert not shelf.documents
        tiny.journal.clear()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
    assert len(tiny.asked) == 4


def test_answers_are_kept_as_they_came() -> None:
    """By this process, and only where the site may be kept."""

    class Kept(list[Page]):
        def keep(self, page: Page, asked: str | None = None) -> None:
            self.append(page)

        def drop(self, urls: Iterable[str]) -> int:
            return 0

    with running(forum(1)) as tiny:
        for keep_pages, wanted in ((True, ["latest.json", "t/1.json"]), (False, [])):
            kept = Kept()
            where = site(tiny, keep_pages=keep_pages)
            crawl([where], Shelf(), key=KEY, user_agent=AGENT, raw=kept)
            assert [page.url.removeprefix(tiny.url) for page in kept] == wanted


def test_name_known_later_is_masked_in_what_was_read_before() -> None:
    """Whichever thread is read first."""
    told = topic(1).body.replace("Hot bath.", "Ask heel_walker about it.")
    member = topic(2).body.replace("Bea_99", "heel_walker")
    with running(forum(1, 2, **{"/t/1.json": Reply(told), "/t/2.json": Reply(member)})) as tiny:
        shelf = Shelf()
        crawl([site(tiny)], shelf, key=KEY, user_agent=AGENT)
        again = dict(shelf.posts[tiny.url + "t/1"])
        crawl([site(tiny, audit=1.0)], shelf, key=KEY, user_agent=AGENT)
    assert "heel_walker" not in repr(vars(shelf))
    assert again == shelf.posts[tiny.url + "t/1"]


def test_store_that_fails_ends_the_crawl() -> None:
    """An unusable store is the user's to know; the spider does not run on without it."""

    class Full(Shelf):
        def add(self, document: Document) -> str:
            raise StoreError("corpus.db: disk full")

    with running(forum(1, 2)) as tiny, pytest.raises(StoreError, match="disk full"):
        crawl([site(tiny)], Full(), key=KEY, user_agent=AGENT)


@pytest.fixture(scope="module")
def community() -> Iterator[tuple[Replica, Shelf, Report]]:
    """The whole demo community after one crawl."""
    with serve() as replica:
        shelf = Shelf()
        sites = [Site(start=(one.url,), delay=0) for one in replica.sites]
        yield replica, shelf, crawl(sites, shelf, key=KEY, user_agent=AGENT)


def test_community_is_collected_completely(community: tuple[Replica, Shelf, Report]) -> None:
    """Every message of every forum is there once, with its author and its date."""
    replica, shelf, report = community
    assert report.status == "ok"
    found = {
        (thread.source.site, post.number, post.author, post.written)  # type: ignore[attr-defined]
        for thread in shelf.documents.values()
        for post in shelf.posts.get(thread.source.url, {}).values()
    }
    wanted = [
        (host, message.n, pseudonym(message.author, host, KEY), message.written.replace(second=0))
        for place in load(COMMUNITY, None)
        if isinstance(place, Forum)
        for host in [replica.url(place.slug).split("/")[2]]
        for topic in place.topics
        for message in topic.messages
    ]
    minutes = {(h, n, a, w and w.replace(second=0)) for h, n, a, w in found}
    assert set(wanted) == minutes
    assert sum(map(len, shelf.posts.values())) == len(wanted)


def test_no_member_of_the_community_is_named(community: tuple[Replica, Shelf, Report]) -> None:
    """No text that is stored holds an address, a mention or a telling user name."""
    _, shelf, _ = community
    stored = repr([shelf.posts, [getattr(one, "title", "") for one in shelf.documents.values()]])
    places = [place for place in load(COMMUNITY, None) if isinstance(place, Forum)]
    names = {message.author for p in places for t in p.topics for message in t.messages}
    telling = [re.escape(name) for name in names if is_telling(name)]
    found = set(re.findall(rf"(?<!\w)(?:{'|'.join(telling)}|@\w+|\w+@\w+)(?!\w)", stored))
    # A thread read before its neighbour's member is known may name that member once.
    assert len(telling) > 50
    assert len(found) <= 1


def test_articles_of_the_community_are_collected(community: tuple[Replica, Shelf, Report]) -> None:
    """The presses' pieces are articles, found from their front pages."""
    _, shelf, _ = community
    titles = {one.title for one in shelf.documents.values() if isinstance(one, Article)}
    presses = [place for place in load(COMMUNITY, None) if not isinstance(place, Forum)]
    assert titles == {piece.title for press in presses for piece in press.pieces}


def test_nothing_is_asked_for_twice(community: tuple[Replica, Shelf, Report]) -> None:
    """The journal of the sites holds every address once."""
    replica, _, _ = community
    asked = [(entry.site, entry.target) for entry in replica.journal]
    assert len(asked) == len(set(asked))


def test_no_sites_no_crawl() -> None:
    """Nothing to do is done at once."""
    assert crawl([], Shelf(), key=KEY, user_agent=AGENT) == Report(sites=())


def test_one_host_twice_must_agree() -> None:
    """Two wishes for one host cannot both be kept."""
    sites = [Site(start=("https://a.example/x",)), Site(start=("https://a.example/y",), own=True)]
    with pytest.raises(BadSite, match="given twice"):
        crawl(sites, Shelf(), key=KEY, user_agent=AGENT)


@pytest.mark.parametrize(
    "start", [(), ("ftp://a.example/",), ("https://a.example/", "https://b.example/")]
)
def test_impossible_site_is_refused(start: tuple[str, ...]) -> None:
    """No start, no web address, two hosts."""
    with pytest.raises(BadSite):
        Site(start=start)


def test_only_loopback_may_be_asked_fast() -> None:
    """The polite delay holds for everybody else, whatever the user wishes."""
    away = Site(start=("https://a.example/",), delay=0)
    home = Site(start=("http://127.0.0.1:8000/",), delay=0)
    assert (away.interval, home.interval) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("12", 12.0),
        ("Fri, 06 Sep 2024 12:00:30 GMT", 30.0),
        ("Fri, 06 Sep 2024 11:00:00 GMT", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_time_to_wait_is_read(header: str | None, expected: float | None) -> None:
    """Seconds or a date; nonsense is nothing."""
    assert seconds_to_wait(header, NOW) == expected


@pytest.mark.parametrize(
    ("pace", "latency", "status", "after"),
    [
        (1.0, 0.1, 200, 1.0),
        (1.0, 5.0, 200, 3.0),
        (4.0, 0.1, 200, 3.6),
        (4.0, 0.1, 429, 8.0),
        (4.0, 0.1, 503, 8.0),
        (4.0, 0.1, 404, 4.0),
        (60.0, 0.1, 429, 60.0),
    ],
)
def test_pace_follows_the_site(pace: float, latency: float, status: int, after: float) -> None:
    """A slow site is asked more slowly, a request to wait never makes it faster."""
    assert paced(pace, latency=latency, status=status, least=1.0) == pytest.approx(after)
    assert paced(pace, latency=latency, status=status, least=0.0) == 0.0


@pytest.mark.parametrize(
    ("status", "text", "headers", "is_wall"),
    [
        (200, "<p>We talk of captcha here", {}, False),
        (403, "<title>Just a moment...</title>", {}, True),
        (503, "<title>Just a moment...</title>", {}, True),
        (403, "", {"cf-mitigated": "challenge"}, True),
        (401, "", {}, True),
        (500, "oops", {}, False),
    ],
)
def test_wall_is_told_from_content(
    status: int, text: str, headers: Mapping[str, str], is_wall: bool
) -> None:
    """Challenges, refusals and logins are walls; a page about them is not."""
    page = Page(url="https://a.example/", text=text, fetched=NOW, status=status, headers=headers)
    assert (wall(page) is not None) == is_wall


@pytest.mark.parametrize(
    ("text", "headers", "forbids"),
    [
        ('<meta name="robots" content="noindex, follow">', {}, True),
        ('<meta name="robots" content="index, follow">', {}, False),
        ("<!-- <meta name='robots' content='noindex'> -->", {}, False),
        ("<meta content=noindex name=folkgrade>", {}, True),
        ("<meta name='otherbot' content='noindex'>", {}, False),
        ("", {"x-robots-tag": "none"}, True),
        ("", {"x-robots-tag": "otherbot: noindex, nofollow"}, False),
        ("", {"x-robots-tag": "nofollow, otherbot: none, folkgrade: noindex"}, True),
        ("", {"x-robots-tag": "unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"}, True),
        ("<p>noindex</p>", {}, False),
    ],
)
def test_wish_not_to_be_indexed_is_read(
    text: str, headers: Mapping[str, str], forbids: bool
) -> None:
    """By meta tag or header."""
    page = Page(url="https://a.example/", text=text, fetched=NOW, headers=headers)
    assert forbids_keeping(page) == forbids
