"""Kept answers: sealed, the latest of each address, gone when dropped."""

from __future__ import annotations

import logging
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import KeyFileError, StoreError
from crawler.page import Page
from crawler.raw import RawPages

KEY = bytes(range(32))
PAGE = Page(
    url="https://heels.example/t/1",
    text="<p>gentle_otter says: my heel hurts</p>" * 40,
    fetched=datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC),
    content_type="text/html",
    status=200,
    headers={"etag": '"a1"'},
)


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[RawPages]:
    with RawPages(tmp_path / "pages.db", KEY) as opened:
        yield opened


def contents(folder: Path) -> bytes:
    """All that lies on disk."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_page_comes_back_as_it_was_kept(raw: RawPages) -> None:
    """Address, text, time, kind, status and headers are the same."""
    raw.keep(PAGE)
    assert list(raw.pages()) == [PAGE]
    assert len(raw) == raw.count() == 1


@given(text=st.text(), url=st.text(min_size=1))
def test_any_text_and_address_come_back(
    tmp_path_factory: pytest.TempPathFactory, text: str, url: str
) -> None:
    """Whatever characters a page holds, halves of surrogates among them."""
    page = replace(PAGE, text=text + "\ud800", url="https://x.example/" + url)
    with RawPages(tmp_path_factory.mktemp("raw") / "pages.db", KEY) as raw:
        raw.keep(page)
        assert list(raw.pages()) == [page]


def test_no_name_lies_on_disk_in_the_clear(raw: RawPages, tmp_path: Path) -> None:
    """Neither text nor address is readable in the file, whose mode is 600."""
    raw.keep(PAGE)
    assert b"gentle_otter" not in contents(tmp_path)
    assert b"heels.example/t/1" not in contents(tmp_path)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_the_latest_answer_replaces_the_former(raw: RawPages) -> None:
    """One answer an address; the former body is gone, and what was kept last comes last."""
    raw.keep(PAGE)
    raw.keep(replace(PAGE, url="https://heels.example/t/2", text="other"))
    raw.keep(replace(PAGE, text="edited"))
    assert [page.text for page in raw.pages()] == ["other", "edited"]
    base = sqlite3.connect(raw.path)
    assert base.execute("SELECT count(*) FROM bodies").fetchone() == (2,)
    base.close()


def test_equal_bodies_are_stored_once(raw: RawPages) -> None:
    """Two addresses with the same answer share it; it stays until both are dropped."""
    other = replace(PAGE, url="https://heels.example/t/1?copy")
    raw.keep(PAGE)
    raw.keep(other)
    base = sqlite3.connect(raw.path)
    assert base.execute("SELECT count(*) FROM bodies").fetchone() == (1,)
    assert raw.drop([PAGE.url]) == 1
    assert list(raw.pages()) == [other]
    assert raw.drop([other.url]) == 1
    assert base.execute("SELECT count(*) FROM bodies").fetchone() == (0,)
    base.close()


def test_a_page_is_dropped_by_the_address_that_was_asked_for(raw: RawPages) -> None:
    """A redirect led elsewhere: either address finds the answer; a second drop finds none."""
    raw.keep(PAGE, asked="https://heels.example/old/1")
    assert raw.drop(["https://heels.example/old/1", PAGE.url]) == 1
    assert raw.drop(["https://heels.example/old/1"]) == 0
    assert len(raw) == 0


def test_pages_can_be_had_of_one_site_and_from_a_place_on(raw: RawPages) -> None:
    """More pages than one batch come in order; `after` goes on where a reader stopped."""
    many = [replace(PAGE, url=f"https://heels.example/t/{n}", text=str(n)) for n in range(120)]
    for page in many:
        raw.keep(page)
    raw.keep(replace(PAGE, url="https://knees.example/t/1"))
    assert list(raw.pages("heels.example")) == many
    assert raw.count("knees.example") == 1
    numbers = [number for number, _ in raw.numbered("heels.example")]
    rest = [page.text for _, page in raw.numbered("heels.example", after=numbers[99])]
    assert rest == [str(n) for n in range(100, 120)]


def test_another_key_is_refused_with_the_way_out(raw: RawPages) -> None:
    """A file sealed by a lost key is named; nothing is overwritten."""
    raw.keep(PAGE)
    with pytest.raises(KeyFileError, match="restore that key"):
        RawPages(raw.path, bytes(32))
    assert list(raw.pages()) == [PAGE]


def test_a_damaged_page_costs_itself_alone(raw: RawPages, caplog: pytest.LogCaptureFixture) -> None:
    """A body that was tampered with is passed over with a warning."""
    raw.keep(PAGE)
    raw.keep(replace(PAGE, url="https://heels.example/t/2", text="whole"))
    base = sqlite3.connect(raw.path)
    base.execute("UPDATE pages SET head = zeroblob(40) WHERE id = 1")
    base.commit()
    base.close()
    with caplog.at_level(logging.WARNING):
        assert [page.text for page in raw.pages()] == ["whole"]
    assert "page 1 is damaged" in caplog.text


def test_a_mark_is_kept_until_taken_away(raw: RawPages) -> None:
    """How far a reader came survives the closing of the file."""
    raw.note("reparse", "17")
    with RawPages(raw.path, KEY) as again:
        assert again.mark("reparse") == "17"
        again.note("reparse", None)
    assert raw.mark("reparse") is None


def test_what_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    """A file of something else is named, not overwritten."""
    path = tmp_path / "pages.db"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match=r"pages\.db: the kept pages cannot be used"):
        RawPages(path, KEY)
    assert path.read_bytes().startswith(b"not a database")
