"""Collecting as a whole, proved on the replica's journal: complete, sparing, polite, unbreakable.

The forums are invented and seeded, so what must be found, and what it must cost, is known exactly.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.robotparser import RobotFileParser

import pytest

from crawler.corpus import Corpus
from crawler.crawl import crawl
from crawler.database import open_database
from crawler.documents import Post, Thread
from crawler.replica import Conduct, Limit, Replica, Trouble, changes, host
from crawler.replica.answer import Ask
from crawler.replica.content import Forum, Message, Setup, Topic
from crawler.replica.discourse import respond
from crawler.replica.invented import invented
from crawler.replica.journal import Entry, crowds, gaps, hurried
from crawler.report import SiteReport
from crawler.sites import Site

KEY = b"k" * 32
AGENT = "folkgrade/0.0 (+https://c.example)"
COLLECT = Path(__file__).with_name("programs") / "collect.py"
ROOT = Path(__file__).parents[2]


def store_in(folder: Path) -> Corpus:
    return Corpus(open_database(f"sqlite:///{folder / 'corpus.db'}"))


def collect(url: str, folder: Path, **wishes: Any) -> SiteReport:
    """One crawl into the store of a folder, at full speed unless `wishes` say otherwise."""
    site = Site(start=(url,), **{"delay": 0.0, **wishes})
    return crawl([site], store_in(folder), key=KEY, user_agent=AGENT).sites[0]


def stored(folder: Path) -> dict[tuple[int, int], Post]:
    """The posts of the store by topic and number."""
    threads = [each for each in store_in(folder).documents() if isinstance(each, Thread)]
    return {
        (int(thread.source.url.rsplit("/", 1)[-1]), post.number): post
        for thread in threads
        for post in thread.posts
    }


def state(folder: Path) -> list[dict[str, Any]]:
    """Every document with all it holds, less the time it was fetched; then the failures."""
    found: list[dict[str, Any]] = []
    for document in sorted(store_in(folder).documents(), key=lambda each: each.source.url):
        row = asdict(document)
        del row["source"]["fetched"]
        found.append(row)
    return [*found, *({"failed": failure.url} for failure in store_in(folder).failures())]


def truth(forum: Forum) -> dict[tuple[int, int], Message]:
    """What a visitor may see: every message that is somebody's words, by topic and number."""
    return {
        (topic.id, message.n): message
        for topic in forum.topics
        for message in topic.messages
        if message.kind == 1 and not message.hidden and not message.withdrawn and topic.listed
    }


def least(forum: Forum) -> int:
    """Requests nobody can do without: rules, front page, lists, first pages, further chunks."""
    lists = len(forum.recent) // 30 + 1
    chunks = sum(-(-len(topic.messages) // 20) for topic in forum.topics)
    return 2 + lists + chunks


def differing(folder: Path, forum: Forum) -> list[object]:
    """Where the store and the forum do not agree on who exists and what they said."""
    have, want = stored(folder), truth(forum)
    odd: list[object] = sorted(set(have) ^ set(want))
    both = set(have) & set(want)
    odd += [
        (key, have[key].text, want[key].text) for key in both if have[key].text != want[key].text
    ]
    return [*odd, *(key for key in both if have[key].written != want[key].written)]


# A first visit, and a second one to a forum that did not change


@dataclass(frozen=True)
class Visited:
    """A large forum, crawled twice."""

    forum: Forum
    folder: Path
    first: list[Entry]
    second: list[Entry]
    reports: tuple[SiteReport, SiteReport]


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Visited:
    forum = invented(1200, 3000, seed=11)
    folder = tmp_path_factory.mktemp("large")
    with host(forum) as replica:
        url = replica.url(forum.slug)
        one = collect(url, folder, concurrency=8)
        first = list(replica.journal)
        two = collect(url, folder)
        return Visited(forum, folder, first, replica.journal[len(first) :], (one, two))


def test_every_post_is_found_once(visited: Visited) -> None:
    """The store holds each post of the forum, in its words and with its date, and no other."""
    assert visited.reports[0].status == "ok"
    assert len(stored(visited.folder)) == 3000
    assert not differing(visited.folder, visited.forum)
    posts = [number for entry in visited.first for number in brought(visited.forum, entry)]
    assert len(posts) == len(set(posts)) == 3000


def brought(forum: Forum, entry: Entry) -> list[int]:
    """Ids of the posts an answer held, as far as it is a topic or a chunk of one."""
    if hit := re.fullmatch(r"/t/(\d+)\.json", entry.path):
        return list(forum.by_id[int(hit[1])].stream[:20])
    asked = parse_qs(urlsplit(entry.target).query).get("post_ids[]", [])
    return [int(number) for number in asked]


def test_a_first_visit_asks_for_little_more_than_it_must(visited: Visited) -> None:
    """At most 5 % over the least possible, and nothing twice."""
    assert len(visited.first) <= 1.05 * least(visited.forum)
    targets = [entry.target for entry in visited.first]
    assert len(targets) == len(set(targets))


def test_a_second_visit_to_an_unchanged_forum_asks_for_next_to_nothing(visited: Visited) -> None:
    """At most 1 % of the first visit's requests, the audit included."""
    assert visited.reports[1].status == "ok"
    assert len(visited.second) <= 0.01 * len(visited.first)
    assert not differing(visited.folder, visited.forum)


# Killed again and again


def children(pid: int) -> list[int]:
    """The processes that read pages for this one."""
    rows = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    parts = (row.split(None, 2) for row in rows)
    return [int(one) for one, parent, said in parts if int(parent) == pid and "spawn_main" in said]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Starter:
    """Starts crawls of a site into a folder, each in a process of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.line = f"{url} {folder}\n"
        self.status = folder / "status"
        self.program = subprocess.Popen(
            [sys.executable, str(COLLECT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def begin(self) -> int:
        """Process id of a new crawl."""
        assert self.program.stdin
        self.status.unlink(missing_ok=True)
        self.program.stdin.write(self.line)
        self.program.stdin.flush()
        return int(self.told())

    def end(self) -> str:
        """How the crawl ended; nothing where it was killed."""
        assert self.told() == "over"
        return self.status.read_text() if self.status.exists() else ""

    def told(self) -> str:
        assert self.program.stdout
        return self.program.stdout.readline().strip()

    def close(self) -> None:
        self.program.communicate()


def killed(replica: Replica, starter: Starter, dice: Random) -> bool:
    """Whether a crawl, killed after a few requests, was cut off; the victim is drawn by lot."""
    enough = len(replica.journal) + dice.randrange(2, 12)
    pid = starter.begin()
    while len(replica.journal) < enough and is_alive(pid):
        time.sleep(0.002)
    time.sleep(dice.random() * 0.03)
    victims = children(pid) if dice.random() < 0.5 else [pid]
    assert victims or not is_alive(pid)
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    return starter.end() != "ok"


def test_twenty_kills_lead_to_the_same_end(tmp_path: Path) -> None:
    """Parent or child killed at any moment, the next start goes on; in the end nothing differs."""
    forum = invented(130, 700, seed=12)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    calm.mkdir()
    rough.mkdir()
    dice = Random(2027)
    with host(forum) as replica:
        url = replica.sites[0].url
        assert collect(url, calm, concurrency=8).status == "ok"
        began = len(replica.journal)
        starter = Starter(url, rough)
        cut = sum(killed(replica, starter, dice) for _ in range(20))
        asked = len(replica.journal) - began
        starter.begin()
        assert starter.end() == "ok"
        starter.close()
        assert not crowds(replica.journal[began:])
    assert cut >= 18
    assert state(rough) == state(calm)
    assert not differing(rough, forum)
    # Each start asks for the rules, and for what was under way when the former one ended.
    assert asked <= least(forum) + 20 * 5


# What changed


@dataclass(frozen=True)
class Change:
    """One thing that happened: where, and what the store must hold afterwards."""

    kind: str
    topic: int
    """The page of this topic must be read again to notice."""
    gone: tuple[str, ...] = ()
    """Texts that must not be there any more."""
    come: tuple[str, ...] = ()


def happened(forum: Forum, dice: Random) -> tuple[Forum, list[Change]]:
    """Forty things of every kind, none in a topic of another."""
    late = forum.topics[-1].last.written + timedelta(days=3)
    pool = [topic for topic in forum.topics if len(topic.messages) > 2]
    dice.shuffle(pool)
    found: list[Change] = []
    for kind in ("edit", "edit", "edit", "delete", "delete", "hide", "withdraw", "move", "merge"):
        for _ in range(5):
            forum = happen(forum, kind, pool, late, dice, found)
    return forum, found


def happen(
    forum: Forum, kind: str, pool: list[Topic], late: Any, dice: Random, found: list[Change]
) -> Forum:
    topic = pool.pop()
    # The last post is left alone: what becomes of it shows in the lists.
    message = topic.messages[dice.randrange(1, len(topic.messages) - 1)]
    text = message.text
    if kind == "edit":
        new = f"Looked at it again: entry {message.id} was the other leg."
        found.append(Change(kind, topic.id, (text,), (new,)))
        return changes.edit(forum, message.id, new, late, bump=False)
    if kind == "move":
        target = pool.pop()
        found.append(Change(kind, topic.id, come=(text,)))
        return changes.move(forum, [message.id], target.id)
    if kind == "merge":
        target = pool.pop()
        found.append(Change(kind, topic.id, come=tuple(m.text for m in topic.messages)))
        return changes.merge(forum, topic.id, target.id, permalink=dice.random() < 0.5)
    found.append(Change(kind, topic.id, (text,)))
    if kind == "delete":
        return changes.delete(forum, message.id)
    if kind == "hide":
        return changes.hide(forum, message.id)
    return changes.withdraw(forum, message.id, late)


def noticed(texts: list[str], change: Change) -> bool:
    """Whether the texts of a store show a change."""
    return all(texts.count(text) == 1 for text in change.come) and not any(
        text in texts for text in change.gone
    )


def texts_in(folder: Path) -> list[str]:
    return [post.text for post in stored(folder).values()]


def wrongly_changed(folder: Path, forum: Forum, known: Mapping[tuple[int, int], Post]) -> int:
    """Posts that were right before and are not any more."""
    want, have = truth(forum), stored(folder)
    return sum(
        1
        for key, message in want.items()
        if key in known
        and known[key].text == message.text
        and (key not in have or have[key].text != message.text)
    )


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replica, Path, Forum]]:
    forum = invented(150, 900, seed=13)
    folder = tmp_path_factory.mktemp("crawled")
    with host(forum) as replica:
        assert collect(replica.sites[0].url, folder, concurrency=8).status == "ok"
        yield replica, folder, forum


@pytest.fixture
def grown(crawled: tuple[Replica, Path, Forum], tmp_path: Path) -> tuple[Replica, Path, Forum]:
    """A forum that was crawled once, as it was then, and a copy of what was stored."""
    replica, folder, forum = crawled
    replica.change(forum)
    shutil.copytree(folder, tmp_path / "store")
    return replica, tmp_path / "store", forum


def test_a_full_audit_finds_edits_deletions_moves_and_merges(
    grown: tuple[Replica, Path, Forum],
) -> None:
    """With audit 1 of all that happened F1 is at least 0.99, and the store equals the forum."""
    replica, folder, before = grown
    known = stored(folder)
    after, done = happened(before, Random(5))
    replica.change(after)
    report = collect(replica.sites[0].url, folder, audit=1.0, concurrency=8)
    assert report.status == "ok"
    texts = texts_in(folder)
    hit = sum(noticed(texts, change) for change in done)
    missed = [change for change in done if not noticed(texts, change)]
    wrong = wrongly_changed(folder, after, known)
    assert 2 * hit / (2 * hit + len(missed) + wrong) >= 0.99, (missed, wrong)
    assert not differing(folder, after)


def test_a_smaller_audit_finds_what_its_pages_show(grown: tuple[Replica, Path, Forum]) -> None:
    """Every edit and deletion on a page that was read again is found, and no other."""
    replica, folder, before = grown
    dice, late = Random(6), before.topics[-1].last.written + timedelta(days=3)
    pool = [topic for topic in before.topics if 2 < len(topic.messages) <= 20]
    dice.shuffle(pool)
    done: list[Change] = []
    after = before
    for kind in ["edit"] * 40:
        after = happen(after, kind, pool, late, dice, done)
    replica.change(after)
    began = len(replica.journal)
    collect(replica.sites[0].url, folder, audit=0.4, concurrency=8)
    paths = {entry.path for entry in replica.journal[began:]}
    read = [change for change in done if f"/t/{change.topic}.json" in paths]
    pages = sum(bool(re.fullmatch(r"/t/\d+(/posts)?\.json", path)) for path in paths)
    every = sum(-(-len(topic.messages) // 20) for topic in before.topics)
    assert 0.35 * every <= pages <= 0.55 * every, (pages, every)
    assert 5 < len(read) < 35
    texts = texts_in(folder)
    assert [noticed(texts, change) for change in read] == [True] * len(read)
    unread = [change for change in done if change not in read]
    assert not any(noticed(texts, change) for change in unread)


def test_new_posts_and_topics_are_found_without_an_audit(
    grown: tuple[Replica, Path, Forum],
) -> None:
    """Few requests bring a new topic, a new post in an old one and an edit of the last post."""
    replica, folder, forum = grown
    late = forum.topics[-1].last.written + timedelta(days=3)
    old, other = forum.topics[3], forum.topics[9]
    forum = changes.add(forum, old.id, old.messages[0].author, "One more word on this.", late)
    forum = changes.edit(forum, other.last.id, "I take that back.", late + timedelta(hours=1))
    forum = changes.start(
        forum, old.messages[0].author, "It began on a hill.", late, title="New one", category="Kit"
    )
    replica.change(forum)
    began = len(replica.journal)
    collect(replica.sites[0].url, folder, audit=0)
    assert not differing(folder, forum)
    assert len(replica.journal) - began <= 10


def test_topics_that_went_away_are_purged(grown: tuple[Replica, Path, Forum]) -> None:
    """Deleted, closed and unlisted topics leave the store at a full audit; renamed ones stay."""
    replica, folder, forum = grown
    gone, closed, unlisted, renamed = (topic.id for topic in forum.topics[5:9])
    forum = changes.remove(forum, gone)
    forum = changes.remove(forum, closed, private=True)
    forum = changes.unlist(forum, unlisted)
    forum = changes.rename(forum, renamed, "By another name")
    replica.change(replace(forum, setup=Setup(detailed_404=True)))
    collect(replica.sites[0].url, folder, audit=1.0, concurrency=8)
    assert not differing(folder, forum)
    titles = {each.title for each in store_in(folder).documents()}
    assert "By another name" in titles


# Manners


def rules(forum: Forum) -> RobotFileParser:
    parser = RobotFileParser()
    parser.parse(respond(forum, Ask(path="/robots.txt")).body.splitlines())
    return parser


def violations(journal: list[Entry], forum: Forum, gap: float) -> list[object]:
    """Whatever a site could complain of: crowds, haste, closed paths, a false name, cookies."""
    parser = rules(forum)
    closed = [e.target for e in journal if not parser.can_fetch("folkgrade", e.target)]
    nameless = [e.target for e in journal if e.agent != AGENT]
    followed = [e.target for e in journal if e.headers.keys() & {"Cookie", "Referer"}]
    hasty = [between for between in gaps(journal) if between < gap - 0.005]
    return [*crowds(journal), *hurried(journal), *closed, *nameless, *followed, *hasty]


def test_one_request_at_a_time_with_the_delay_between(tmp_path: Path) -> None:
    """Never two under way, never sooner than the delay, nothing that robots.txt closes."""
    forum = invented(12, 60, seed=14)
    with host(forum) as replica:
        report = collect(replica.sites[0].url, tmp_path, delay=0.2)
        assert report.status == "ok"
        assert len(replica.journal) >= least(forum)
        assert not violations(replica.journal, forum, 0.2)


def test_the_delay_that_robots_txt_asks_for_is_kept(tmp_path: Path) -> None:
    """Crawl-delay counts from the first page on, though we would have gone faster."""
    forum = replace(invented(3, 9, seed=15), setup=Setup(crawl_delay=1))
    with host(forum) as replica:
        assert collect(replica.sites[0].url, tmp_path).status == "ok"
        assert not violations(replica.journal, forum, 1.0)


def test_a_site_that_asks_to_wait_is_left_alone(tmp_path: Path) -> None:
    """After a 429 nothing at all is asked until its time has passed; then all is collected."""
    forum = invented(30, 90, seed=16)
    limit = Limit(count=12, seconds=1.5, code="ip_10_secs_limit")
    with host(forum, conduct=Conduct(limits=(limit,))) as replica:
        report = collect(replica.sites[0].url, tmp_path)
        told = [entry for entry in replica.journal if entry.status == 429]
        assert report.status == "ok"
        assert 1 <= len(told) <= 10
        assert not violations(replica.journal, forum, 0)
    assert not differing(tmp_path, forum)


def test_after_a_wall_nothing_is_asked(tmp_path: Path) -> None:
    """A browser check at the door ends the visit: rules and front page, no more."""
    forum = invented(5, 20, seed=17)
    with host(forum, conduct=Conduct(fail={"/": "wall"})) as replica:
        report = collect(replica.sites[0].url, tmp_path)
        assert report.status == "refused"
        assert [entry.path for entry in replica.journal] == ["/robots.txt", "/"]


def test_a_site_closed_by_robots_txt_is_not_entered(tmp_path: Path) -> None:
    """Only the rules are read; of a site for members only its front page too."""
    forum = invented(5, 20, seed=18)
    with host(replace(forum, setup=Setup(indexed=False))) as replica:
        assert collect(replica.sites[0].url, tmp_path).status == "refused"
        assert {entry.path for entry in replica.journal} == {"/robots.txt"}
    with host(replace(forum, setup=Setup(login_required=True))) as replica:
        assert collect(replica.sites[0].url, tmp_path).status == "refused"
        assert len(replica.journal) <= 4
    assert not stored(tmp_path)


# Bad weather, odd sites


def test_a_broken_server_delays_and_never_falsifies(tmp_path: Path) -> None:
    """Bad gateways, cut and slow bodies, resets: what one visit misses the next one brings."""
    forum = invented(60, 300, seed=19)
    kinds = ("502", "cut", "reset", "short", "gzip")
    trouble = Trouble(rate=0.15, kinds=kinds, seed=1, times=2)
    with host(forum, conduct=Conduct(trouble=trouble)) as replica:
        url = replica.sites[0].url
        for _ in range(4):
            report = collect(url, tmp_path)
            assert not set(stored(tmp_path)) - set(truth(forum))
            if report.status == "ok":
                break
        assert sum(bool(entry.fault) for entry in replica.journal) > 5
    assert report.status == "ok"
    assert not differing(tmp_path, forum)
    assert not store_in(tmp_path).failures()


def test_answers_from_a_stale_cache_do_not_hide_a_change_for_good(tmp_path: Path) -> None:
    """What an old answer hid is found by the next visit after the cache has aged."""
    now = [0.0]
    forum = invented(8, 40, seed=20)
    late = forum.topics[-1].last.written + timedelta(days=3)
    with host(forum, conduct=Conduct(stale=60, clock=lambda: now[0])) as replica:
        url = replica.sites[0].url
        collect(url, tmp_path)
        changed = changes.add(forum, forum.topics[0].id, forum.names[0], "Late but here.", late)
        replica.change(changed)
        collect(url, tmp_path, audit=0)
        # Answers that nobody had asked for yet are new ones: part of the change may show.
        assert set(stored(tmp_path)) - set(truth(changed)) == set()
        assert set(truth(forum)) - set(stored(tmp_path)) == set()
        now[0] += 61
        collect(url, tmp_path, audit=0)
        assert not differing(tmp_path, changed)


def test_a_forum_in_a_folder_is_collected_whole(tmp_path: Path) -> None:
    """Its addresses keep the folder; robots.txt is read at the root of the host."""
    forum = replace(invented(35, 120, seed=21), setup=Setup(folder="/community"))
    with host(forum) as replica:
        assert collect(replica.sites[0].url, tmp_path).status == "ok"
        assert not differing(tmp_path, forum)
        assert replica.journal[0].path == "/robots.txt"
        assert not violations(replica.journal, forum, 0)


def test_a_topic_too_long_to_list_its_posts_is_walked(tmp_path: Path) -> None:
    """A mega topic comes by number, every post once."""
    forum = replace(invented(3, 400, seed=22), setup=Setup(mega=90))
    assert max(len(topic.messages) for topic in forum.topics) >= 90
    with host(forum) as replica:
        assert collect(replica.sites[0].url, tmp_path).status == "ok"
    assert not differing(tmp_path, forum)


@pytest.mark.shared
def test_real_topics_are_collected_whole(shared: Path, tmp_path: Path) -> None:
    """Saved topics of a live site, served again: every post once, by the least requests."""
    from crawler.replica.topics import read_topics

    forum = read_topics(shared / "pages" / "discourse-topics")
    with host(forum) as replica:
        assert collect(replica.sites[0].url, tmp_path, concurrency=8).status == "ok"
        assert len(replica.journal) <= 1.05 * least(forum)
    assert set(stored(tmp_path)) == set(truth(forum))
