"""What a served replica does beside answering: limits, a stale cache, failures, its journal."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from dataclasses import replace
from http.client import HTTPConnection, IncompleteRead
from time import monotonic
from urllib.parse import urlsplit

import pytest

from crawler.errors import CrawlerError
from crawler.replica import Conduct, Limit, Replica, Trouble, changes, host
from crawler.replica.conduct import DISCOURSE_LIMITS, FAULTS, Fault, Guard
from crawler.replica.content import Forum, Setup
from crawler.replica.invented import invented
from crawler.replica.journal import crowds, gaps, hurried

FORUM = invented(40, 200, seed=8)
TOPIC = FORUM.topics[2]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def fetch(replica: Replica, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer of the only site."""
    parts = urlsplit(replica.sites[0].url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


# Limits


def test_discourse_limits_are_its_own() -> None:
    """50 in 10 seconds and 200 in a minute, by their codes."""
    assert [(limit.count, limit.seconds, limit.code) for limit in DISCOURSE_LIMITS] == [
        (50, 10, "ip_10_secs_limit"),
        (200, 60, "ip_60_secs_limit"),
    ]


def test_too_many_requests_are_told_when_to_come_back() -> None:
    """429 as plain text with Retry-After and the code; after that time the door is open."""
    clock = Clock()
    limit = Limit(count=3, seconds=10, code="ip_10_secs_limit")
    with host(FORUM, conduct=Conduct(limits=(limit,), clock=clock)) as replica:
        for _ in range(3):
            assert fetch(replica, "/latest.json")[0] == 200
            clock.now += 1
        status, headers, body = fetch(replica, "/latest.json")
        assert (status, headers["Retry-After"], headers["Content-Type"]) == (429, "7", "text/plain")
        assert headers["Discourse-Rate-Limit-Error-Code"] == "ip_10_secs_limit"
        assert body.decode() == (
            "Slow down, you're making too many requests.\n"
            "Please retry again in 7 seconds.\nError code: ip_10_secs_limit.\n"
        )
        clock.now += 11
        assert fetch(replica, "/latest.json")[0] == 200
        assert [entry.wait for entry in replica.journal] == [None, None, None, 7.0, None]


def test_who_does_not_wait_is_never_let_in() -> None:
    """Requests that are turned away count too."""
    clock = Clock()
    limit = Limit(count=2, seconds=10, code="x")
    guard = Guard("site", Conduct(limits=(limit,), clock=clock))
    found = []
    for _ in range(20):
        found.append(guard.refusal() is None)
        clock.now += 4
    assert found == [True, True] + [False] * 18


# The cache


def test_an_answer_stays_as_it_was_for_a_minute() -> None:
    """A change shows once the minute is over; refusals are not kept."""
    clock = Clock()
    with host(FORUM, conduct=Conduct(stale=60, clock=clock)) as replica:
        target = f"/t/{TOPIC.id}.json"
        before = fetch(replica, target)[2]
        forum = replica.content(FORUM.slug)
        assert isinstance(forum, Forum)
        replica.change(changes.rename(forum, TOPIC.id, "Another name"))
        clock.now += 59
        assert fetch(replica, target)[2] == before
        clock.now += 2
        assert json.loads(fetch(replica, target)[2])["title"] == "Another name"
        assert fetch(replica, "/t/9999.json")[0] == 404
        replica.change(FORUM)
        assert fetch(replica, f"/t/{TOPIC.id}.json?page=1")[0] == 200


# Failures


def failing(fault: Fault) -> Replica:
    return host(FORUM, conduct=Conduct(fail={"/latest.json": [fault]}))


def test_a_bad_gateway_and_a_wall_stand_in_place_of_the_page() -> None:
    """A 502 of the machine in front, a 403 with a browser check; then the page."""
    conduct = Conduct(fail={"/latest.json": ["502", "wall"]})
    with host(FORUM, conduct=conduct) as replica:
        status, _, body = fetch(replica, "/latest.json")
        assert (status, b"502 Bad Gateway" in body) == (502, True)
        status, headers, body = fetch(replica, "/latest.json")
        assert (status, headers["cf-mitigated"]) == (403, "challenge")
        assert b"Just a moment" in body
        assert fetch(replica, "/latest.json")[0] == 200
        assert [entry.fault for entry in replica.journal] == ["502", "wall", ""]


def test_a_cut_body_looks_whole_to_the_connection() -> None:
    """The length is right and the JSON is not."""
    with failing("cut") as replica:
        status, headers, body = fetch(replica, "/latest.json")
        assert (status, int(headers["Content-Length"])) == (200, len(body))
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)


def test_a_short_body_breaks_off() -> None:
    """The connection ends before the length that was announced."""
    with failing("short") as replica, pytest.raises(IncompleteRead):
        fetch(replica, "/latest.json")


def test_a_reset_connection_has_no_answer() -> None:
    """Status 0 in the journal; the next visitor is served."""
    with failing("reset") as replica:
        with pytest.raises(ConnectionError):
            fetch(replica, "/latest.json")
        assert fetch(replica, "/latest.json")[0] == 200
        assert [(e.status, e.fault) for e in replica.journal] == [(0, "reset"), (200, "")]
        assert not crowds(replica.journal)


def test_a_truncated_gzip_cannot_be_unpacked() -> None:
    """The header promises gzip, the end is missing."""
    with failing("gzip") as replica:
        _, headers, body = fetch(replica, "/latest.json")
        assert headers["Content-Encoding"] == "gzip"
        with pytest.raises(EOFError):
            gzip.decompress(body)
        assert zlib.decompressobj(31).decompress(body).startswith(b"{")


def test_a_dripping_body_comes_whole_and_late() -> None:
    """Several pieces with pauses between; it counts as under way until the last."""
    with failing("drip") as replica:
        began = monotonic()
        body = fetch(replica, "/latest.json")[2]
        assert monotonic() - began > 0.3
        assert json.loads(body)["topic_list"]["topics"]


def test_trouble_by_chance_is_the_same_for_the_same_seed() -> None:
    """About the share that was asked for, of all kinds, and each address only so often."""

    def story(seed: int) -> list[object]:
        guard = Guard("site", Conduct(trouble=Trouble(rate=0.3, seed=seed)))
        return [guard.fault(f"/t/{n}.json", f"/t/{n}.json") for n in range(200)]

    one = story(1)
    assert one == story(1) != story(2)
    hit = [fault for fault in one if fault]
    assert 40 < len(hit) < 80
    assert set(hit) == set(FAULTS)
    guard = Guard("site", Conduct(trouble=Trouble(rate=1.0, times=2)))
    assert [bool(guard.fault("/a", "/a")) for _ in range(4)] == [True, True, False, False]


def test_an_unknown_fault_is_refused() -> None:
    """With the names of those there are."""
    with pytest.raises(CrawlerError, match="known: 502, cut"):
        host(FORUM, conduct=Conduct(fail={"/": "flood"}))  # type: ignore[dict-item]


# The journal


def test_the_journal_tells_of_headers_and_of_waiting() -> None:
    """What a visitor knew already, who it was, what it was asked to wait."""
    fail = {"/t/1.json": 429}
    with host(FORUM, conduct=Conduct(fail=fail, retry_after=4)) as replica:
        fetch(replica, "/?x=1", **{"If-None-Match": '"abc"'})
        fetch(replica, "/t/1.json")
        fetch(replica, "/latest.json", **{"User-Agent": "somebody/1.0"})
        first, second, third = replica.journal
        assert first.headers == {"If-None-Match": '"abc"'}
        assert (first.path, first.target) == ("/", "/?x=1")
        assert (second.status, second.wait) == (429, 4.0)
        assert third.agent == "somebody/1.0"
        assert hurried(replica.journal) == [third]
        assert len(gaps(replica.journal)) == 2


def test_the_journal_counts_what_is_under_way() -> None:
    """Two at once are a crowd; one after the other is none, however fast."""
    with host(FORUM, conduct=Conduct(slow=0.05)) as replica:
        for _ in range(3):
            fetch(replica, "/latest.json")
        assert not crowds(replica.journal)
        both = [threading.Thread(target=fetch, args=(replica, "/latest.json")) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert [entry.flying for entry in crowds(replica.journal)] == [2]


def test_a_kept_connection_never_counts_twice() -> None:
    """Requests one after the other on one connection are never a crowd."""
    with host(FORUM) as replica:
        parts = urlsplit(replica.sites[0].url)
        connection = HTTPConnection(parts.netloc, timeout=5)
        for _ in range(200):
            connection.request("GET", "/about.json")
            connection.getresponse().read()
        connection.close()
        assert len(replica.journal) == 200
        assert not crowds(replica.journal)


def test_a_forum_in_a_folder_has_its_address_there() -> None:
    """The front page a visitor is sent to lies in the folder."""
    forum = replace(FORUM, setup=Setup(folder="/community"))
    with host(forum) as replica:
        assert replica.url(forum.slug).endswith("/community/")
        assert fetch(replica, "/community/latest.json")[0] == 200
        assert fetch(replica, "/robots.txt")[0] == 200


def test_several_sites_are_hosted_side_by_side() -> None:
    """Each on its own port, with one journal."""
    other = invented(3, 9, seed=9)
    with host(FORUM, other) as replica:
        assert len({site.url for site in replica.sites}) == 2
        with socket.create_connection(("127.0.0.1", urlsplit(replica.url(other.slug)).port or 0)):
            assert fetch(replica, "/latest.json")[0] == 200
        assert {entry.site for entry in replica.journal} == {FORUM.slug}
