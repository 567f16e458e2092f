"""Exports and papers on a full disk: what was there stays, and nothing half is left."""

from __future__ import annotations

import errno
import gc
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
import xlsxwriter

from console import sharing
from miner.export.archive import instead_of, written
from miner.export.package import File
from miner.export.workbook import _Quiet


def full() -> OSError:
    """What a full disk says."""
    return OSError(errno.ENOSPC, "No space left on device")


def write(stream: IO[bytes]) -> None:
    """A file that fits."""
    stream.write(b"new")


def fail(stream: IO[bytes]) -> None:
    """A file that does not."""
    stream.write(b"half")
    raise full()


def file(name: str, how: Callable[[IO[bytes]], None]) -> File:
    """A file of an export."""
    return File(name=name, write=how)


@pytest.mark.parametrize("there", [True, False], ids=["an empty folder", "no folder"])
def test_of_a_folder_that_was_not_written_whole_nothing_is_left(
    tmp_path: Path, there: bool
) -> None:
    """Neither files nor the folders made for them."""
    target = tmp_path / "out" / "deep"
    if there:
        target.mkdir(parents=True)
    with pytest.raises(OSError, match="No space"):
        written([file("a/b.csv", write), file("c.csv", fail)], target)
    assert sorted(tmp_path.rglob("*")) == ([target.parent, target] if there else [])


def test_a_former_export_outlives_one_that_failed(tmp_path: Path) -> None:
    """Its files are there, none of them cut short."""
    target = tmp_path / "out"
    written([file("a.csv", write), file("b.csv", write)], target)
    with pytest.raises(OSError, match="No space"):
        written([file("a.csv", write), file("b.csv", fail)], target)
    assert {place.name: place.read_bytes() for place in target.glob("*.csv")} == {
        "a.csv": b"new",
        "b.csv": b"new",
    }


def test_a_former_paper_outlives_one_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Briefs and digests take the place of a file once they are whole."""
    paper = tmp_path / "brief.md"
    sharing._write(paper, b"former")

    def refuse(_self: Path, _target: Path) -> None:
        raise full()

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space") as caught:
        sharing._write(paper, b"later")
    assert caught.value.filename == str(paper)
    assert [(place.name, place.read_bytes()) for place in tmp_path.iterdir()] == [
        ("brief.md", b"former")
    ]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    (tmp_path / "real.md").write_bytes(b"former")
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    with instead_of(tmp_path / "link.md") as stream:
        stream.write(b"later")
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").read_bytes() == b"later"


class Small(io.BytesIO):
    """A disk with room for so many bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 700:
            raise full()
        return super().write(data)


def test_a_workbook_that_does_not_fit_is_an_error_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its archive does not complain a second time once it is dropped."""
    quiet = _Quiet(Small())
    book = xlsxwriter.Workbook(quiet, {"constant_memory": True})
    book.add_worksheet("a").write_string(0, 0, "x" * 1000)
    with pytest.raises(xlsxwriter.exceptions.FileCreateError) as caught:
        book.close()
    quiet.stream.close()
    heard: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", heard.append)
    del book, caught
    gc.collect()
    assert (quiet.failed, heard) == (True, [])
