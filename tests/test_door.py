"""The front door from inside: crawl, reparse, parse, forget and status on a small real server."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

import folkgrade
from crawler.privacy import pseudonym
from crawler.replica.server import serve


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
def door(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Door]:
    before = sys.argv
    folkgrade.make_project(tmp_path / "heels")
    yield Door(tmp_path / "heels", capsys)
    sys.argv = before


@pytest.fixture(scope="module")
def forum() -> Iterator[str]:
    """Address of a small forum with invented members."""
    with serve() as replica:
        yield next(site.url for site in replica.sites if site.software == "discourse")


def test_crawl_shows_keeps_and_forgets(door: Door, forum: str) -> None:
    """From the first request to a second reading, and out again by pseudonym."""
    done = door("crawl", "--no-topic", forum)
    assert done.code == 0, done.err
    assert "ok" in done.err
    assert "posts" in done.err
    status = json.loads(door("status", "--json").out)
    (state,) = status["freshness"]
    assert (state["status"], state["queued"], state["missing"]) == ("ok", 0, 0)
    assert state["visited"]
    posts = status["sites"][0]["posts"]
    again = door("reparse")
    assert again.code == 0, again.err
    assert "same" in again.err
    assert " new" not in again.err
    assert " changed" not in again.err
    assert json.loads(door("status", "--json").out)["sites"][0]["posts"] == posts


def test_a_dry_run_lists_and_stores_nothing(door: Door, forum: str) -> None:
    """Addresses on stdout, one a line; the project stays empty."""
    done = door("crawl", "--dry-run", "--no-topic", forum)
    assert done.code == 0, done.err
    urls = done.out.split()
    assert urls
    assert all(url.startswith(forum.rstrip("/")[:20]) for url in urls)
    assert "folkgrade crawl URL" in door("status").out
    assert not (door.folder / "data" / "pages.db").exists()


def test_what_is_kept_out_by_flag_is_not_collected(door: Door, forum: str) -> None:
    """A word that nobody uses leaves nothing; the summary says what was left out."""
    done = door("crawl", "--no-topic", "--word", "zyzzyva", forum)
    assert done.code == 0, done.err
    assert not json.loads(door("status", "--json").out)["sites"]


def test_forgetting_drops_the_kept_pages(door: Door, forum: str) -> None:
    """What a member said is neither in the store nor in any kept page."""
    door("crawl", "--no-topic", "--max-pages", 8, forum)
    here = folkgrade.Project(door.folder)
    with here.raw() as raw:
        before = len(raw)
        text = next(page.text for page in raw.pages() if '"post_stream"' in page.text)
        name = json.loads(text)["post_stream"]["posts"][0]["username"]
        site = here.corpus().sites()[0].site
    done = door("forget", pseudonym(name, site, here.key()))
    assert done.code == 0, done.err
    assert "kept pages" in done.err
    with here.raw() as raw:
        assert len(raw) < before
        assert [page.url for page in raw.pages() if f'"{name}"' in page.text] == []


def test_without_keeping_pages_there_is_nothing_to_read_again(door: Door, forum: str) -> None:
    """The flag overrules the setting; reparse says how pages are kept."""
    assert door("crawl", "--no-topic", "--no-keep-pages", "--max-pages", 3, forum).code in (0, 3)
    done = door("reparse")
    assert done.code == 0
    assert "No kept pages" in done.err


def test_a_web_archive_is_written_on_request(door: Door, forum: str) -> None:
    """Every answer as it came, readable by others and by our own import; mode 600."""
    path = door.folder / "answers.warc.gz"
    door("crawl", "--no-topic", "--max-pages", 5, "--warc", path, forum)
    assert path.stat().st_mode & 0o077 == 0
    with path.open("rb") as file:
        records = [(r.rec_type, r.rec_headers.get_header("WARC-Target-URI"))
                   for r in ArchiveIterator(file)]  # fmt: skip
    assert records[0][0] == "warcinfo"
    assert sum(kind == "response" for kind, _ in records) >= 5
    assert not [kind for kind, _ in records if kind == "request"]
    assert all(url.startswith(forum) for kind, url in records if kind == "response")
    other = Door(door.folder.parent / "other", door.capsys)
    folkgrade.make_project(other.folder)
    assert other("import", path).code == 0


PAGE = {
    "id": 7, "title": "Sore heel", "slug": "sore-heel", "posts_count": 1,
    "post_stream": {"stream": [1], "posts": [
        {"id": 1, "post_number": 1, "username": "quiet_fern", "topic_id": 7, "topic_slug": "s",
         "created_at": "2024-05-01T10:00:00.000Z", "cooked": "<p>My heel hurts.</p>"}]},
}  # fmt: skip


def test_parse_shows_a_page_and_stores_nothing(door: Door, tmp_path: Path) -> None:
    """Engine, how sure, documents and links; names are masked unless they are asked for."""
    path = tmp_path / "7.json"
    path.write_text(json.dumps(PAGE))
    done = door("parse", path, "--url", "https://heels.example/t/7.json", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["engine"], found["url"]) == ("discourse", "https://heels.example/t/7.json")
    assert found["sure"]["discourse"] > 0.9
    (post,) = found["documents"][0]["posts"]
    assert post["text"] == "My heel hurts."
    assert "quiet_fern" not in done.out
    assert "quiet_fern" in door("parse", path, "--names", "--json").out
    assert "My heel hurts." in door("parse", path).out
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
    path.write_text(json.dumps(PAGE))
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
    assert "7 records were passed over" in told[-2]
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
    assert "site.selectors.pots: unknown setting" in done.err


def test_a_worker_takes_the_sites_in_turn(door: Door, forum: str) -> None:
    """With nobody else about it collects them; what was finished a moment ago is not due again."""
    done = door("crawl", "--worker", "--no-topic", "--max-pages", 4, forum)
    assert done.code in (0, 3), done.err
    assert "posts" in done.err
    again = door("crawl", "--worker", "--no-topic", "--max-pages", 4, forum)
    assert again.code == 0
    assert "posts" not in again.err
