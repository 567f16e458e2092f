"""The front door from inside: crawl, reparse, parse, forget and status on a small real server."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

import folkgrade
from console.project import Project, make_project
from crawler.privacy import pseudonym
from crawler.replica.server import host
from crawler.replica.topics import read_topics


@dataclass(frozen=True)
class Typed:
    """What a command answered."""

    code: int
    out: str
    err: str


class Door:
    """Commands in a project folder, run in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def __call__(self, command: str, *arguments: object) -> Typed:
        sys.argv = ["folkgrade", command, "-p", str(self.folder), *map(str, arguments)]
        self.capsys.readouterr()
        code = 0
        try:
            folkgrade.main()
        except SystemExit as end:
            code = int(end.code or 0)
        seen = self.capsys.readouterr()
        return Typed(code, seen.out, seen.err)


@pytest.fixture
def door(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Door:
    """A new project, which asks without a pause: what it asks is on this machine."""
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setenv("FOLKGRADE_CRAWL__DELAY", "0")
    make_project(tmp_path / "heels")
    return Door(tmp_path / "heels", capsys)


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a small forum with invented members."""
    folder = tmp_path_factory.mktemp("heels")
    for topic in range(7, 12):
        (folder / f"{topic}.json").write_text(json.dumps(topic_of(topic)))
    with host(read_topics(folder)) as replica:
        yield replica.sites[0].url


@pytest.fixture(scope="module")
def crawled(forum: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has crawled the forum, with its web archive; tests work on copies."""
    folder = tmp_path_factory.mktemp("crawled")
    make_project(folder)
    done = subprocess.run(
        [sys.executable, "-m", "folkgrade", "crawl", "--no-topic", "--warc", "all.warc.gz", forum],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(folkgrade.__file__).parent),
            "FOLKGRADE_CRAWL__DELAY": "0",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "said.txt").write_text(done.stderr)
    return folder


def topic_of(number: int) -> dict[str, Any]:
    """A topic of two posts, as Discourse gives it."""
    posts = [
        {"id": 10 * number + n, "post_number": n, "username": name, "topic_id": number,
         "topic_slug": "sore-heel", "created_at": f"2024-05-0{n}T10:00:00.000Z",
         "cooked": f"<p>{said} {number}.</p>"}
        for n, name, said in (
            (1, "quiet_fern", "My heel hurts since week"), (2, "late_elm", "Mine was sore in week"),
        )
    ]  # fmt: skip
    return {
        "id": number, "title": f"Sore heel {number}", "slug": "sore-heel", "posts_count": 2,
        "post_stream": {"stream": [post["id"] for post in posts], "posts": posts},
    }  # fmt: skip


def test_a_crawl_says_what_it_did_and_can_be_read_again(door: Door, crawled: Path) -> None:
    """From the summary over status to a second reading of the kept pages, which finds the same."""
    shutil.copytree(crawled, door.folder, dirs_exist_ok=True)
    assert "ok: " in (said := (crawled / "said.txt").read_text())
    assert "10 posts" in said
    status = json.loads(door("status", "--json").out)
    (state,) = status["freshness"]
    assert (state["status"], state["queued"], state["missing"]) == ("ok", 0, 0)
    assert state["visited"]
    assert status["sites"][0]["posts"] == 10
    again = door("reparse")
    assert again.code == 0, again.err
    assert "5 same" in again.err
    assert " new" not in again.err
    assert " changed" not in again.err
    assert json.loads(door("status", "--json").out)["sites"][0]["posts"] == 10


def test_a_dry_run_lists_and_stores_nothing(door: Door, forum: str) -> None:
    """Addresses on stdout, one a line; the project stays empty."""
    done = door("crawl", "--dry-run", "--no-topic", forum)
    assert done.code == 0, done.err
    urls = done.out.split()
    assert len(urls) == 5
    assert all(url.startswith(forum) for url in urls)
    assert "5 pages would be asked for" in done.err
    assert "folkgrade crawl URL" in door("status").out
    assert not (door.folder / "data" / "pages.db").exists()


def test_what_is_kept_out_by_flag_is_not_collected(door: Door, forum: str) -> None:
    """A word that is in no title leaves the threads unasked and the store empty."""
    done = door("crawl", "--no-topic", "--word", "zyzzyva", forum)
    assert done.code == 0, done.err
    assert not json.loads(door("status", "--json").out)["sites"]


def test_forgetting_drops_the_kept_pages(door: Door, crawled: Path) -> None:
    """What a member said is neither in the store nor in any kept page."""
    shutil.copytree(crawled, door.folder, dirs_exist_ok=True)
    here = Project(door.folder)
    with here.vault.raw() as raw:
        before = len(raw)
        assert [page.url for page in raw.pages() if '"quiet_fern"' in page.text]
    (site,) = here.corpus().sites()
    done = door("forget", pseudonym("quiet_fern", site.site, here.vault.key()))
    assert done.code == 0, done.err
    assert "Forgot 5 posts" in done.err
    with here.vault.raw() as raw:
        assert len(raw) < before
        assert [page.url for page in raw.pages() if '"quiet_fern"' in page.text] == []


def test_a_web_archive_is_written_on_request(door: Door, crawled: Path) -> None:
    """Every answer as it came, readable by others and by our own import; mode 600."""
    path = crawled / "all.warc.gz"
    assert path.stat().st_mode & 0o077 == 0
    with path.open("rb") as file:
        records = [(r.rec_type, r.rec_headers.get_header("WARC-Target-URI"))
                   for r in ArchiveIterator(file)]  # fmt: skip
    assert records[0][0] == "warcinfo"
    assert sum(kind == "response" for kind, _ in records) >= 6
    assert not [kind for kind, _ in records if kind == "request"]
    assert all(url.startswith("http://127.") for kind, url in records if kind == "response")
    assert door("import", path).code == 0
    assert json.loads(door("status", "--json").out)["sites"][0]["posts"] == 10


def test_parse_shows_a_page_and_stores_nothing(door: Door, tmp_path: Path) -> None:
    """Engine, how sure, documents and links; names are masked unless they are asked for."""
    path = tmp_path / "7.json"
    path.write_text(json.dumps(topic_of(7)))
    done = door("parse", path, "--url", "https://heels.example/t/7.json", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["engine"], found["url"]) == ("discourse", "https://heels.example/t/7.json")
    assert found["sure"]["discourse"] > 0.9
    post, _ = found["documents"][0]["posts"]
    assert post["text"] == "My heel hurts since week 7."
    assert "quiet_fern" not in done.out
    assert "quiet_fern" in door("parse", path, "--names", "--json").out
    assert "My heel hurts since week 7." in door("parse", path).out
    assert not (door.folder / "data" / "pseudonyms.key").exists()
    assert not json.loads(door("status", "--json").out)["sites"]


def test_parse_asks_for_an_address_once(door: Door, forum: str) -> None:
    """robots.txt and the page; a page that is not there is one line."""
    done = door("parse", forum, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["links"]
    missing = door("parse", f"{forum.rstrip('/')}/no/such/page-at-all")
    assert missing.code == 1
    assert len(missing.err.strip().splitlines()) == 1


def test_a_lost_key_is_not_silently_replaced(door: Door, tmp_path: Path) -> None:
    """Exit code 4, with the way out; the store stays readable."""
    path = tmp_path / "7.json"
    path.write_text(json.dumps(topic_of(7)))
    assert door("import", path).code == 0
    key = door.folder / "data" / "pseudonyms.key"
    kept = key.read_bytes()
    key.unlink()
    done = door("import", path)
    assert done.code == 4
    assert "restore it from a copy" in done.err
    assert not key.exists()
    assert door("status").code == 0
    key.write_bytes(kept)
    key.chmod(0o600)
    assert "same" in door("import", path).err


def test_a_secret_in_the_settings_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs into a variable; a variable that is not set is named."""
    settings = door.folder / "folkgrade.toml"
    site = '[[site]]\nurl = "http://127.0.0.1:9/"\nheaders = { Authorization = "%s" }\n'
    settings.write_text(site % "Bearer abc")
    assert (done := door("crawl")).code == 4
    assert "a secret does not belong here" in done.err
    settings.write_text(site % "Bearer ${BOARD_TOKEN}")
    assert (done := door("crawl")).code == 4
    assert "BOARD_TOKEN is not set" in done.err
    monkeypatch.setenv("BOARD_TOKEN", "abc")
    assert door("crawl").code == 1


def test_an_import_of_a_dump_is_one_line_of_counts(door: Door, tmp_path: Path) -> None:
    """Posts and what became of them; bad lines are named, the first few, and counted."""
    row = {"id": "a", "subreddit": "heels", "title": "t", "selftext": "s", "author": "quiet_fern",
           "created_utc": 1700000000}  # fmt: skip
    rows = [json.dumps(row | {"id": f"a{n}"}) for n in range(20)] + ["{"] * 7
    (tmp_path / "RS_2024-01.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    done = door("import", tmp_path / "RS_2024-01.gz")
    assert done.code == 0
    told = done.err.strip().splitlines()
    assert told[-1] == "RS_2024-01.gz: 20 posts: 20 new"
    assert "7 records passed over" in told[-2]
    assert len(told) == 5
    assert door("import", tmp_path / "RS_2024-01.gz").err.endswith("20 posts: 20 same\n")


SELECTORS = """
[[site]]
url = "https://odd.example/"
[site.selectors]
%s = "li.reply"
author = ".who"
text = ".body"
"""
ODD = """<!doctype html><html><body><h1>Sore heel</h1><ul>
<li class="reply" id="r1"><b class="who">quiet_fern</b><p class="body">My heel hurts.</p></li>
<li class="reply" id="r2"><b class="who">late_elm</b><p class="body">Mine too.</p></li>
</ul></body></html>"""


def test_selectors_of_the_settings_read_a_page(door: Door, tmp_path: Path) -> None:
    """Tried with `parse`; an unknown name of one is bad configuration."""
    path = tmp_path / "odd.html"
    path.write_text(ODD)
    settings = door.folder / "folkgrade.toml"
    settings.write_text(SELECTORS % "post")
    done = door("parse", path, "--url", "https://odd.example/1", "--names", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["engine"] == "custom"
    assert [p["author"] for p in found["documents"][0]["posts"]] == ["quiet_fern", "late_elm"]
    settings.write_text(SELECTORS % "pots")
    done = door("parse", path, "--url", "https://odd.example/1")
    assert done.code == 4
    assert "site.selectors: pots: unknown setting" in done.err


def test_a_worker_takes_the_sites_in_turn(door: Door, forum: str) -> None:
    """With nobody else about it collects them; what was finished a moment ago is not due again.

    Without keeping pages there is nothing to read again, and reparse says how they are kept.
    """
    done = door("crawl", "--worker", "--no-topic", "--no-keep-pages", forum)
    assert done.code == 0, done.err
    assert "10 posts" in done.err
    again = door("crawl", "--worker", "--no-topic", "--no-keep-pages", forum)
    assert again.code == 0
    assert "posts" not in again.err
    assert "No kept pages" in door("reparse").err
