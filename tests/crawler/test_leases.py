"""Who owns a site: one worker at a time, the next one after silence, and no stale writes."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.corpus import Corpus
from crawler.database import Engine, open_database
from crawler.documents import Post, Source, Thread
from crawler.errors import LeaseLost, RefusedByPolicy, StoreError
from crawler.leases import Busy, Lease, Leases, alone
from crawler.sites import Site
from crawler.work import Worked, work

SITES = ["a.example", "b.example", "c.example"]


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    opened = open_database(database, busy_seconds=60)
    yield opened
    opened.dispose()


@pytest.fixture
def leases(engine: Engine) -> Leases:
    return Leases(engine)


def taken(leases: Leases, owner: str = "ana", seconds: float = 60.0, rest: float = 0.0) -> Lease:
    lease = leases.acquire(owner, SITES, seconds, rest=rest)
    assert lease is not None
    return lease


def expire(engine: Engine) -> None:
    """Lets every lease run out, as time would."""
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE leases SET until = 1")


def thread(number: int) -> Thread:
    source = Source(
        url=f"https://a.example/t/{number}",
        site="a.example",
        fetched=datetime(2026, 5, 1, tzinfo=UTC),
        engine="phpbb",
    )
    return Thread(source=source, title="Calf", posts=(Post(id="1", number=1, text="It cramps."),))


def test_a_site_has_one_owner(leases: Leases) -> None:
    """What is held is passed over; when all is held there is nothing to lease."""
    found = [taken(leases, owner).site for owner in ("ana", "ben", "cem")]
    assert found == SITES
    assert leases.acquire("dora", SITES, 60) is None


def test_a_site_given_back_is_free_unless_it_rests(leases: Leases) -> None:
    """Finished sites are due again after their rest, unfinished ones at once."""
    lease = taken(leases)
    leases.release(lease, finished=False)
    lease = taken(leases, rest=3600)
    assert lease.site == "a.example"
    leases.release(lease)
    assert leases.are_done(["a.example"], rest=3600)
    assert not leases.are_done(["a.example", "b.example"], rest=3600)
    assert taken(leases, rest=3600).site == "b.example"
    assert taken(leases).site == "a.example"


def test_a_silent_owner_loses_its_site(leases: Leases, engine: Engine) -> None:
    """The next lease has a higher fence; the former one neither guards, renews nor frees it."""
    old = taken(leases)
    leases.guard(old)
    expire(engine)
    new = taken(leases, "ben")
    assert (new.site, new.fence > old.fence) == (old.site, True)
    leases.guard(new)
    for refused in (leases.guard, leases.renew):
        with pytest.raises(LeaseLost, match=r"^a\.example: another worker"):
            refused(old)
    leases.release(old)
    leases.guard(new)
    assert taken(leases, "cem").site != new.site


def test_a_late_heartbeat_is_in_time_where_nobody_came(leases: Leases, engine: Engine) -> None:
    """A lease that ran out goes on when it is renewed before another worker takes the site."""
    lease = taken(leases)
    expire(engine)
    leases.renew(lease)
    assert taken(leases, "ben").site != lease.site


def test_a_stale_worker_cannot_write(leases: Leases, engine: Engine) -> None:
    """Neither a document nor a note; reading it may, and the owner writes on."""
    old = taken(leases)
    stale = Corpus(leases.fenced(old))
    assert stale.add(thread(1)) == "new"
    expire(engine)
    owner = Corpus(leases.fenced(taken(leases, "ben")))
    assert owner.add(thread(2)) == "new"
    for refused in (
        lambda: stale.add(thread(3)),
        lambda: stale.failed("https://a.example/t/3", "HTTP 500"),
        lambda: stale.purge([thread(1).source.url]),
        lambda: stale.keep_stamp(thread(1).source.url, "1"),
    ):
        with pytest.raises(LeaseLost):
            refused()
    assert stale.get(thread(2).source.url) == thread(2)
    assert len(stale.hashes()) == 2
    assert owner.failures() == []


# Workers


def sites(*names: str) -> list[Site]:
    return [Site(start=(f"https://{name}/",)) for name in names]


def test_a_worker_goes_through_all_that_is_due(engine: Engine) -> None:
    """Once; sites of one host are one; a failed one is left to others."""
    seen: list[list[str]] = []

    def crawl_one(some: Sequence[Site], _engine: Engine) -> None:
        seen.append([site.name for site in some])
        if some[0].name == "b.example":
            raise RefusedByPolicy("a login is asked for")

    done = work(sites("a.example", "b.example", "www.a.example"), engine, "ana", crawl_one)
    assert seen == [["a.example", "www.a.example"], ["b.example"]]
    assert done == Worked(finished=("a.example",), failed={"b.example": "a login is asked for"})
    work(sites("a.example", "b.example"), engine, "ben", crawl_one)
    assert seen[2:] == [["b.example"]]


def test_a_worker_that_breaks_off_leaves_its_site_free(engine: Engine) -> None:
    """An interrupt or a database out of reach ends the worker, not the lease of others."""

    def crawl_one(_some: Sequence[Site], _engine: Engine) -> None:
        raise StoreError("disk full")

    with pytest.raises(StoreError, match="disk full"):
        work(sites("a.example"), engine, "ana", crawl_one)
    assert Leases(engine).acquire("ben", ["a.example"], 60) is not None


def test_the_heartbeat_keeps_a_lease_beyond_its_time(engine: Engine) -> None:
    """While a long crawl runs, nobody else gets the site."""
    others: list[Lease | None] = []

    def crawl_one(_some: Sequence[Site], _engine: Engine) -> None:
        for _ in range(6):
            time.sleep(0.5)
            others.append(Leases(engine).acquire("ben", ["a.example"], 60))

    assert work(sites("a.example"), engine, "ana", crawl_one, seconds=2).finished
    assert others == [None] * 6


# Several processes


Start = Callable[..., list[subprocess.Popen[str]]]


CONTEND = """
import sys, time
from crawler.database import open_database
from crawler.leases import Leases
leases = Leases(open_database(sys.argv[2], busy_seconds=60))
ready()
for _ in range(40):
    lease = leases.acquire(sys.argv[1], ["a.example", "b.example"], 60)
    if lease is None:
        time.sleep(0.005)
        continue
    begun = time.monotonic()
    time.sleep(0.01)
    print(lease.site, lease.fence, begun, time.monotonic(), flush=True)
    leases.release(lease)
"""


def test_no_site_ever_has_two_owners(database: str, start: Start) -> None:
    """Three processes at two sites: no two at one at a time, and fences only rise."""
    started = start(CONTEND, 3, database)
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 3
    spans: dict[str, list[tuple[float, float, int]]] = {}
    for line in "".join(said).splitlines():
        site, fence, begun, ended = line.split()
        spans.setdefault(site, []).append((float(begun), float(ended), int(fence)))
    assert set(spans) == {"a.example", "b.example"}
    for held in spans.values():
        held.sort()
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(held))
        assert [fence for *_, fence in held] == list(range(1, len(held) + 1))


SHARE = """
import sys, time
from crawler.database import open_database
from crawler.sites import Site
from crawler.work import work
names = [f"s{n}.example" for n in range(8)]
def crawl_one(sites, engine):
    time.sleep(0.02)
    print(sites[0].name, flush=True)
engine = open_database(sys.argv[2], busy_seconds=60)
ready()
sites = [Site(start=(f"https://{name}/",)) for name in names]
work(sites, engine, sys.argv[1], crawl_one, seconds=4)
"""


def test_workers_share_the_sites(database: str, start: Start) -> None:
    """Three processes started together: every site is collected once, by one of them."""
    started = start(SHARE, 3, database)
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 3
    assert sorted("".join(said).split()) == [f"s{n}.example" for n in range(8)]


HANG = """
import sys
from datetime import UTC, datetime
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Post, Source, Thread
from crawler.sites import Site
from crawler.work import work
def thread(number):
    source = Source(url=f"https://a.example/t/{number}", site="a.example",
                    fetched=datetime(2026, 5, 1, tzinfo=UTC), engine="phpbb")
    return Thread(source=source, title="Calf", posts=(Post(id="1", number=1, text="It cramps."),))
def crawl_one(sites, engine):
    corpus = Corpus(engine)
    corpus.add(thread(1))
    print("begun", flush=True)
    sys.stdin.readline()
    corpus.add(thread(99))
engine = open_database(sys.argv[2], busy_seconds=60)
ready()
print(work([Site(start=("https://a.example/",))], engine, "ana", crawl_one, seconds=1).lost)
"""


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_the_site_of_a_dead_worker_is_taken_over(
    database: str, engine: Engine, fate: signal.Signals, start: Start
) -> None:
    """After its lease ran out; one that was only asleep wakes up to find its write refused."""
    (ana,) = start(HANG, 1, database)
    assert ana.stdout is not None
    assert ana.stdout.readline() == "begun\n"
    ana.send_signal(fate)

    def crawl_one(_some: Sequence[Site], fenced: Engine) -> None:
        Corpus(fenced).add(thread(2))

    assert work(sites("a.example"), engine, "ben", crawl_one, seconds=1).finished
    if fate == signal.SIGSTOP:
        ana.send_signal(signal.SIGCONT)
        assert ana.communicate("\n", timeout=60)[0] == "('a.example',)\n"
    assert list(Corpus(engine).hashes()) == [thread(1).source.url, thread(2).source.url]


def test_a_clock_that_is_put_back_holds_no_site(database: str, engine: Engine) -> None:
    """A worker died in what is now the future, and another had just come to the end of a site."""
    both = "a.example", "b.example"
    kept = Leases(engine)
    kept.release(kept.acquire("ana", ["b.example"], 30) or pytest.fail("nothing free"))
    assert kept.acquire("ana", both, 30, rest=3600) is not None
    assert kept.acquire("ben", both, 30, rest=3600) is None
    with engine.begin() as connection:
        shifted = "UPDATE leases SET until = until + 86400, finished = finished + 86400"
        connection.exec_driver_sql(f"{shifted} WHERE until > 0 OR finished > 0")
    assert not kept.are_done(["b.example"], rest=3600)
    taken = [kept.acquire("ben", [site], 30, rest=3600) for site in both]
    assert [lease.site for lease in taken if lease] == list(both)
    assert kept.acquire("cem", both, 30, rest=3600) is None


_CRAWLS = """
import sys
from pathlib import Path
from crawler.leases import Busy, alone
try:
    with alone(Path(sys.argv[1]), sys.argv[2:]):
        print("in", flush=True)
        sys.stdin.read()
except Busy as error:
    print(error, flush=True)
"""


def _crawling(path: Path, *sites: str) -> subprocess.Popen[str]:
    """Another process that crawls these sites until it is killed."""
    order = [sys.executable, "-c", _CRAWLS, str(path), *sites]
    pipe = subprocess.PIPE
    return subprocess.Popen(order, stdin=pipe, stdout=pipe, text=True)


def test_a_second_crawl_of_a_site_is_turned_away_until_the_first_is_gone(tmp_path: Path) -> None:
    """One site, one owner, on one machine too; a kill leaves nothing behind."""
    path = tmp_path / "crawl.lock"
    first = _crawling(path, "a.example", "b.example")
    assert first.stdout
    assert first.stdout.readline() == "in\n"
    with alone(path, ["c.example"]):
        pass
    with pytest.raises(Busy, match="another crawl"), alone(path, ["b.example"]):
        pass
    first.kill()
    first.communicate()
    with alone(path, ["b.example"]):
        second = _crawling(path, "b.example")
        assert "another crawl" in second.communicate()[0]


def test_a_folder_that_cannot_be_written_turns_nobody_away(tmp_path: Path) -> None:
    """A lock is a courtesy: what stops the crawl there is said by the store."""
    with alone(tmp_path / "none" / "crawl.lock", ["a.example"]):
        pass
